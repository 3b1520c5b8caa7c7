//! The litmus files: what they expect is exactly what the rules say, and no run shows what is forbidden. The page
//! of the book is made of them; `UPDATE=1` writes it anew.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use pipewright_backends::sys::stop;
use pipewright_backends::{Channel, channels};
use pipewright_conformance::litmus::{self, Plan, run};
use pipewright_model::litmus::{Litmus, Word};
use pipewright_model::platform::LINUX;
use pipewright_model::text::ParseError;

/// How often each file is run here.
const RUNS: u64 = 12;

fn dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("litmus")
}

/// Every file, by theme and name.
fn files() -> BTreeMap<(String, String), Litmus> {
    let mut files = BTreeMap::new();
    for theme in fs::read_dir(dir()).expect("a folder").map(|entry| entry.expect("an entry").path())
    {
        for file in
            fs::read_dir(&theme).expect("a folder").map(|entry| entry.expect("an entry").path())
        {
            let name =
                |path: &Path| path.file_stem().expect("a name").to_string_lossy().into_owned();
            let text = fs::read_to_string(&file).expect("a text");
            let litmus = text.parse().unwrap_or_else(|error| panic!("{}: {error}", file.display()));
            files.insert((name(&theme), name(&file)), litmus);
        }
    }
    files
}

/// The channel of this machine that is set up as a file says.
fn channel(litmus: &Litmus) -> &'static dyn Channel {
    let setup = litmus.run.setup().stock();
    let found = channels().iter().find(|channel| channel.setup().stock() == setup);
    *found.expect("a channel that is set up so")
}

#[test]
fn what_files_expect_is_what_the_rules_say() {
    let files = files();
    assert!(files.len() >= 30, "only {} files", files.len());
    let mut wrong = Vec::new();
    for ((theme, name), litmus) in &files {
        let allowed =
            litmus.outcomes(&LINUX).unwrap_or_else(|error| panic!("{theme}/{name}: {error}"));
        let told: Vec<String> = allowed.iter().map(|outcome| litmus.tell(outcome)).collect();
        let is_whole = litmus.expected.iter().any(|expected| expected.word != Word::Forbidden);
        assert!(is_whole && !litmus.run.preamble.is_empty(), "{theme}/{name}");
        for what in litmus::wrong(litmus, &allowed) {
            wrong.push(format!("{theme}/{name}: {what}; allowed:\n  {}", told.join("\n  ")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn nothing_forbidden_is_seen_and_stops_show_what_is_allowed() {
    for ((theme, name), litmus) in files() {
        let channel = channel(&litmus);
        if channel.unavailable().is_some() || litmus.stops() && stop::unavailable().is_some() {
            continue;
        }
        let plan = Plan { platform: &LINUX, runs: RUNS, as_set_up: true, progress: &|| () };
        let seen =
            run(&litmus, channel, plan).unwrap_or_else(|error| panic!("{theme}/{name}: {error}"));
        if let Some(row) = seen.rows.iter().find(|row| !row.allowed) {
            panic!(
                "{theme}/{name}: {} is seen:\n{}",
                row.outcome,
                row.run.as_ref().expect("a run")
            );
        }
        for (word, outcome, count) in &seen.expected {
            let told = format!("{theme}/{name}: {outcome} {count} times");
            match word {
                Word::Forbidden => assert_eq!(*count, 0, "{told}"),
                Word::Allowed if litmus.stops() => assert!(*count > 0, "{told}"),
                Word::Allowed | Word::Lax => {}
            }
        }
    }
}

#[test]
fn faults_are_told_with_their_place() {
    let fault = |lines: &str| {
        let text = format!("channel pipe\nwriter: write 2\n{lines}");
        let error: ParseError = text.parse::<Litmus>().expect_err("no litmus file");
        format!("{}:{} {}", error.line, error.column, error.what)
    };
    assert_eq!(
        fault("writer: write 2 -> 2"),
        "3:17 the calls of a litmus file stand without replies"
    );
    assert_eq!(fault("allowed reader -> 2"), "3:9 no actor is called reader so far");
    assert_eq!(fault("allowed writer -> 2, writer -> 2"), "3:22 writer makes one call");
    assert_eq!(fault("allowed writer"), "3:15 expected \"->\", found the end of the line");
    assert_eq!(
        fault("allowed writer -> any\nwriter: close"),
        "4:1 calls stand before the first expectation"
    );
}

#[test]
fn the_page_of_litmus_tests_is_up_to_date() {
    let mut page = String::from(
        "# Litmus tests\n\n\
         A litmus test is a few calls of several actors, with their possible outcomes. `pipewright litmus`\n\
         repeats the calls on a real channel, those of different actors at once and on different processors,\n\
         and counts the outcomes beside those that the rules allow. A call that *stops* waits in the middle of\n\
         its copy, which fixes the order of the calls. An outcome is *allowed*, *forbidden*, or *lax*: allowed\n\
         by the rules although Linux is not known to show it. The files are in\n\
         [`conformance/litmus/`](../conformance/litmus); the grammar is in\n\
         [`model/src/text/mod.rs`](../model/src/text/mod.rs).\n",
    );
    let mut last = String::new();
    for ((theme, name), litmus) in files() {
        if theme != last {
            let _ = write!(page, "\n## {}{}\n", theme[..1].to_uppercase(), &theme[1..]);
            last.clone_from(&theme);
        }
        let _ = write!(
            page,
            "\n**[{name}](../conformance/litmus/{theme}/{name}.litmus)** ({}{}): {}\n\n| expected | outcome |\n| --- | --- |\n",
            litmus.run.setup().kind.name,
            if litmus.stops() { ", stops" } else { "" },
            litmus.run.preamble.join(" ")
        );
        for expected in &litmus.expected {
            let told = litmus.tell_expected(expected).replace('|', "\\|");
            let reason = if expected.remark.is_empty() {
                String::new()
            } else {
                format!(": {}", expected.remark)
            };
            let _ = writeln!(page, "| {} | `{told}`{reason} |", expected.word.word());
        }
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/litmus.md");
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, &page).expect("written");
    }
    let given = fs::read_to_string(&path).unwrap_or_default();
    assert!(given == page, "docs/litmus.md is out of date: UPDATE=1 cargo test --test litmus");
}
