//! Any bytes as a run file: an error or a verdict, and never a panic.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../tests/common/any_text.rs"]
mod any_text;

fuzz_target!(|text: &str| {
    any_text::is_sound(text, true);
});
