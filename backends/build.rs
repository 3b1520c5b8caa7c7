//! Makes the broken channels of the tests: copies of `src/memory` with the edits of `tests/threads/edits.rs`.
//!
//! The crate itself is built without it.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

#[path = "tests/threads/edits.rs"]
#[expect(dead_code, reason = "the tests use the rest")]
mod edits;

/// What there is to compile for a fault in one file.
fn parts(file: &str) -> Parts {
    match file {
        "cell" => (&["line"], &["cell"], "on_cell"),
        "guarded" => (&[], &["guarded"], "on_guarded"),
        "ring" | "waiting" => (&["line"], &["ring", "waiting"], "on_ring"),
        "one_shot" => (&["sleeper", "waiting"], &["one_shot"], "on_one_shot"),
        _ => panic!("no scenarios for {file}"),
    }
}

fn main() {
    println!("cargo::rerun-if-changed=src/memory");
    println!("cargo::rerun-if-changed=tests/threads/edits.rs");
    println!("cargo::rerun-if-changed=tests/threads/edits");
    write("broken.rs", edits::EDITS, parts);
    write("broken_long.rs", &[edits::EDITS_LONG], |_| (&["line"], ALL, "long"));
}

/// What the long scenarios need.
const ALL: &[&str] = &["cell", "guarded", "ring", "waiting"];

/// The files that stay, those to compile anew, and that of the scenarios.
type Parts = (&'static [&'static str], &'static [&'static str], &'static str);

/// Writes a module for each edit, and a table of them.
fn write(to: &str, edits: &[&[edits::Edit]], parts: fn(&str) -> Parts) {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let mut text = String::new();
    let mut table = String::new();
    for edit in edits.iter().copied().flatten() {
        let (kept, anew, scenarios) = parts(edit.file);
        module(&mut text, &root, edit, (kept, anew, scenarios));
        let (name, scenario) = (edit.name, edit.scenario);
        let found = format!("Scenario::named({name}::{scenarios}::SCENARIOS, {scenario:?})");
        let _ = writeln!(table, "({name:?}, {found}),");
    }
    let _ = writeln!(
        text,
        "use crate::record::Scenario;\n\
         /// Each broken channel with the scenario that shows it, over it.\n\
         pub(crate) const BROKEN: &[(&str, Scenario)] = &[\n{table}];"
    );
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    fs::write(out.join(to), text).expect("OUT_DIR can be written to");
}

fn module(text: &mut String, root: &Path, edit: &edits::Edit, parts: Parts) {
    let (kept, anew, scenarios) = parts;
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
