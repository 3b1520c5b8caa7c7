//! What holds for every file of the project, whoever wrote it.
//!
//! What `rustfmt` and `clippy` see to is not looked at here.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use pipewright_model::call::Errno;

/// The most lines of a source file. A chapter of rules may be longer.
const LINES_MAX: usize = 500;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a workspace").to_path_buf()
}

/// Every file of the project that is text, relative to its root, with its text.
fn files() -> Vec<(String, String)> {
    let mut todo = vec![root()];
    let mut files = Vec::new();
    while let Some(dir) = todo.pop() {
        for entry in fs::read_dir(dir).expect("a directory").flatten() {
            let path = entry.path();
            let name = entry.file_name().into_string().expect("UTF-8");
            let built = path.join("CACHEDIR.TAG").exists();
            if path.is_dir() && !built && name != ".git" && name != "target" {
                todo.push(path);
            } else if path.is_file()
                && name != ".git"
                && let Ok(text) = fs::read_to_string(&path)
            {
                let relative = path.strip_prefix(root()).expect("below the root");
                files.push((relative.display().to_string(), text));
            }
        }
    }
    assert!(files.len() > 100, "only {} files", files.len());
    files.sort();
    files
}

fn sources() -> impl Iterator<Item = (String, String)> {
    files().into_iter().filter(|(path, _)| path.ends_with(".rs"))
}

/// The lines that hold a word, as `path:line: text`; comments don't count.
fn lines_with(path: &str, text: &str, word: &str) -> Vec<String> {
    let lines = text.lines().enumerate().filter(|(_, line)| {
        let code = line.split("//").next().unwrap_or_default();
        code.match_indices(word).any(|(at, _)| is_word(code, at, word.len()))
    });
    lines.map(|(index, line)| format!("{path}:{}: {}", index + 1, line.trim())).collect()
}

fn is_word(text: &str, at: usize, len: usize) -> bool {
    let inside = |c: char| c.is_alphanumeric() || c == '_';
    !text[..at].ends_with(inside) && !text[at + len..].starts_with(inside)
}

#[track_caller]
fn assert_none(what: &str, found: Vec<String>) {
    assert!(found.is_empty(), "{what}:\n{}", found.join("\n"));
}

#[test]
fn every_source_file_opens_with_what_it_is_for() {
    let silent = sources().filter(|(_, text)| {
        let first = text.lines().next().unwrap_or_default();
        !(first.starts_with("//! ") && first.len() > 10)
    });
    assert_none("no `//!` in line 1", silent.map(|(path, _)| path).collect());
}

#[test]
fn source_files_are_short() {
    let long = sources().filter(|(path, text)| {
        !path.starts_with("model/src/rules/") && text.lines().count() > LINES_MAX
    });
    assert_none("too long", long.map(|(path, _)| path).collect());
}

#[test]
fn only_backends_are_unsafe() {
    // In two parts, so that this file does not hold the word.
    let word = concat!("un", "safe");
    let elsewhere = sources().filter(|(path, _)| !path.starts_with("backends/"));
    assert_none(
        "not in a backend",
        elsewhere.flat_map(|(p, t)| lines_with(&p, &t, word)).collect(),
    );
}

#[test]
fn nothing_sleeps_for_a_time() {
    for word in [concat!("thread::", "sleep"), concat!("sleep_", "until"), concat!("us", "leep")] {
        assert_none("sleeps", sources().flat_map(|(p, t)| lines_with(&p, &t, word)).collect());
    }
}

#[test]
fn the_model_reads_no_clock_and_does_no_io() {
    // The search by many, a feature of its own, speaks over streams that it is given.
    let model = |(path, _): &(String, String)| {
        path.starts_with("model/src/") && !path.starts_with("model/src/verify/many/")
    };
    for word in ["std::fs", "std::io", "std::net", "std::time", "std::process", "std::env"] {
        let found = sources().filter(model).flat_map(|(p, t)| lines_with(&p, &t, word));
        assert_none("not pure", found.collect());
    }
}

#[test]
fn conformance_names_no_channel_and_no_errno() {
    let channels = ["Pipe", "Fifo", "PIPE", "FIFO"];
    let errnos = Errno::NAMED.iter().map(|(name, _, _)| *name);
    let words: Vec<&str> = channels.into_iter().chain(errnos).collect();
    // What is measured is a pipe; a live system and a log are told by what they have: none of them judges.
    let judges = |path: &str| {
        let names = ["conformance/src/bench/", "conformance/src/strace/", "conformance/src/why/"];
        path.starts_with("conformance/src/") && !names.iter().any(|place| path.starts_with(place))
    };
    let found = sources().filter(|(path, _)| judges(path)).flat_map(|(path, text)| {
        words.iter().flat_map(move |word| lines_with(&path, &text, word)).collect::<Vec<_>>()
    });
    assert_none("behaviour or a channel by name", found.collect());
}

#[test]
fn no_path_of_a_machine_is_written_down() {
    let mut places = vec![root().display().to_string(), concat!("/ho", "me/").to_owned()];
    // In a container the root can be anything; at / it says nothing.
    places.retain(|place| place.len() > 4);
    let found = files().into_iter().flat_map(|(path, text)| {
        let here = places.iter().filter(|place| text.contains(place.as_str()));
        here.map(|place| format!("{path}: {place}")).collect::<Vec<_>>()
    });
    assert_none("a path of somebody's machine", found.collect());
}

#[test]
fn what_is_built_is_not_kept() {
    let mut git = Command::new("git");
    git.args(["ls-files", "--cached", "-i", "--exclude-standard"]).current_dir(root());
    // Without git, or in a copy without history, there is nothing to look at.
    if let Ok(listed) = git.output() {
        assert_eq!(String::from_utf8_lossy(&listed.stdout), "");
    }
}
