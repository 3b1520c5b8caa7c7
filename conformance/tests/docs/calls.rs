//! The tables of all calls and words of runs: every one that the parser knows has an example, which it reads.

use std::collections::BTreeSet;

use pipewright_model::call::{Errno, Op};
use pipewright_model::run::Run;

use crate::read;

/// The rows of the table with this first heading: word, example, kind of channel.
fn rows(heading: &str) -> Vec<[String; 3]> {
    let page = read("docs/runs.md");
    let table = page.split(&format!("| {heading} | example |")).nth(1).expect("a table");
    let lines = table.lines().skip(2).take_while(|line| line.starts_with("| "));
    let row = |line: &str| {
        // A bar within a cell is escaped.
        let line = line.replace("\\|", "\u{1}");
        let mut cells = line.split('|').skip(1).map(|cell| cell.trim().trim_matches('`'));
        let mut cell = || cells.next().expect("a cell").replace('\u{1}', "|");
        [cell(), cell(), cell()]
    };
    lines.map(row).collect()
}

/// The words in quotes on the right of this name in the grammar.
fn in_grammar(name: &str) -> BTreeSet<String> {
    let grammar = read("model/src/text/mod.rs");
    let start = format!("//! {name} ");
    let from = grammar.lines().skip_while(|line| !line.starts_with(&start));
    let rest = from.clone().skip(1).take_while(|line| line.starts_with("//!          "));
    let lines = from.take(1).chain(rest);
    lines.flat_map(|line| line.split('"').skip(1).step_by(2).map(str::to_owned)).collect()
}

#[test]
fn every_call_and_word_of_a_run_has_an_example() {
    let (calls, words) = (rows("call"), rows("word"));
    for [word, example, kind] in calls.iter().chain(&words) {
        // Several lines stand in a row each by itself.
        let text = format!("channel {kind}\n{}\n", example.replace("`<br>`", "\n"));
        let read = text.parse::<Run>();
        assert!(read.is_ok(), "{text}{read:?}");
        let mut parts = example.split([' ', ':', '|']);
        assert!(parts.any(|part| part == word), "{example} is no example of {word}");
    }
    let shown = |rows: &[[String; 3]]| -> BTreeSet<String> {
        rows.iter().map(|row| row[0].clone()).collect()
    };
    // An exit is no call that returns, but is told like one.
    let known = Op::CALLS.iter().chain(&["exit"]).map(ToString::to_string);
    assert_eq!(shown(&calls), known.collect());
    for name in ["mode", "lock", "flag", "option", "event-bit", "answer"] {
        let known = in_grammar(name);
        assert!(known.len() > 2, "{name}: {known:?}");
        for word in
            known.iter().filter(|word| !["0x", "|", "ok", "[", ",", "]"].contains(&word.as_str()))
        {
            assert!(shown(&words).contains(word), "{word} has no example in docs/runs.md");
        }
    }
}

#[test]
fn every_error_is_listed() {
    let page = read("docs/runs.md");
    for (name, ..) in Errno::NAMED {
        assert!(page.contains(&format!("`{name}`")), "{name} is not in docs/runs.md");
    }
}
