//! Makes the broken channels of the tests: copies of `src/memory` with the edits of `tests/threads/edits.rs`.
//!
//! The crate itself is built without it.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

#[path = "tests/threads/edits.rs"]
#[expect(dead_code, reason = "the tests use the rest")]
mod edits;

/// The files to compile anew for a fault in one, in which its scenarios are last; those that stay come from
/// the sound ones.
fn parts(file: &str) -> (&'static [&'static str], &'static [&'static str], &'static str) {
    match file {
        "cell" => (&["line"], &["cell"], "on_cell"),
        "guarded" => (&[], &["guarded"], "on_guarded"),
        "ring" | "waiting" => (&["line"], &["ring", "waiting"], "on_ring"),
        "one_shot" => (&["sleeper", "waiting"], &["one_shot"], "on_one_shot"),
        _ => panic!("no scenarios for {file}"),
    }
}

fn main() {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    println!("cargo::rerun-if-changed=src/memory");
    println!("cargo::rerun-if-changed=tests/threads/edits.rs");
    let mut text = String::new();
    let mut names = String::new();
    for edit in edits::EDITS {
        module(&mut text, &root, edit);
        let (name, (_, _, scenarios)) = (edit.name, parts(edit.file));
        let _ = writeln!(
            names,
            "(\"{name}\", Scenario::named({name}::{scenarios}::SCENARIOS, \"{}\")),",
            edit.scenario
        );
    }
    let _ = writeln!(
        text,
        "use crate::record::Scenario;\n\
         /// Each broken channel with the scenario that shows it, over it.\n\
         pub(crate) const BROKEN: &[(&str, Scenario)] = &[\n{names}];"
    );
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    fs::write(out.join("broken.rs"), text).expect("OUT_DIR can be written to");
}

fn module(text: &mut String, root: &Path, edit: &edits::Edit) {
    let (kept, anew, scenarios) = parts(edit.file);
    let _ = writeln!(text, "pub mod {} {{\nuse crate::sync;", edit.name);
    for file in kept {
        let _ = writeln!(text, "use crate::sound::{file};");
    }
    for file in anew {
        let path = root.join("src/memory").join(format!("{file}.rs"));
        let mut source = fs::read_to_string(path).expect("a source file");
        if *file == edit.file {
            for (from, to) in edit.edits {
                let count = source.matches(from).count();
                assert_eq!(count, 1, "{}: `{from}` is there {count} times", edit.name);
                source = source.replace(from, to);
            }
        }
        let _ = writeln!(text, "pub mod {file} {{\n{source}\n}}");
    }
    let sleeps = anew.contains(&"waiting");
    for file in sleeps.then_some("sleeper").into_iter().chain([scenarios]) {
        let path = root.join("tests/threads").join(format!("{file}.rs"));
        let _ = writeln!(text, "#[path = {path:?}]\npub mod {file};");
    }
    let _ = writeln!(text, "}}");
}
