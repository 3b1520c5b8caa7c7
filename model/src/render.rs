//! The rules as Markdown: what the chapters of the book and its map hold.
//!
//! It lays out what the rules say and adds nothing.

use std::fmt::Write as _;

use crate::decide::{Decided, decide};
use crate::kind::KINDS;
use crate::rule::Rule;
use crate::rules::Chapter;

/// The most cases named for one rule.
const CASES_MAX: usize = 3;

/// The rules of a chapter, in reading order. `cases` gives the names of the cases that show a rule, those
/// to name first in front; `link` where a case's file is.
pub fn chapter(
    chapter: &Chapter,
    cases: impl Fn(&str) -> Vec<String>,
    link: impl Fn(&str) -> String,
) -> String {
    chapter.rules.iter().map(|rule| entry(rule, &cases(rule.id), &link)).collect()
}

/// The map of communication: every kind with what the rules say of it, and the runs that show it.
pub fn map() -> String {
    let mut page = String::from(
        "| kind | reach | direction | waiting | what it is |\n| --- | --- | --- | --- | --- |\n",
    );
    let decided: Vec<_> = KINDS.iter().map(|kind| (*kind, decide(kind))).collect();
    for (kind, Decided { direction, waiting, .. }) in &decided {
        let (name, reach, says) = (kind.name, kind.reach, kind.says);
        let _ =
            writeln!(page, "| [{name}](#{name}) | {reach} | {direction} | {waiting} | {says} |");
    }
    for (kind, Decided { shown, .. }) in &decided {
        let _ = write!(page, "\n## {}\n", kind.name);
        for (what, run) in shown {
            let mut what = what.chars();
            let first = what.next().map(|c| c.to_uppercase().collect::<String>());
            let sentence = first.unwrap_or_default() + what.as_str();
            let _ = write!(page, "\n{sentence}:\n\n```text\n{run}```\n");
        }
    }
    page
}

fn entry(rule: &Rule, cases: &[String], link: &impl Fn(&str) -> String) -> String {
    let id = rule.id;
    let sources: Vec<_> = rule.cite.iter().map(ToString::to_string).collect();
    let mut text = format!(
        "\n### <a id=\"{id}\"></a>`{id}`\n\n{}\n\n*{}* · {}.",
        rule.says,
        rule.force,
        sources.join("; ")
    );
    // A case of the same chapter goes by its name alone.
    let short =
        |case: &String| case.strip_prefix(rule.chapter())?.strip_prefix('/').map(str::to_owned);
    let name = |case: &String| short(case).unwrap_or_else(|| case.clone());
    let named = cases.iter().take(CASES_MAX);
    let named = named.map(|case| format!("[{}]({})", name(case), link(case)));
    let named: Vec<_> = named.collect();
    match (named.as_slice(), cases.len().saturating_sub(CASES_MAX)) {
        ([], _) => {}
        (named, 0) => {
            let _ = write!(text, " Shown by {}.", named.join(", "));
        }
        (named, more) => {
            let _ = write!(text, " Shown by {} and {more} more.", named.join(", "));
        }
    }
    let _ = writeln!(text, " [Traced](rules.md#{id}).");
    text
}

/// The anchor that code hosts make of a heading.
pub fn slug(heading: &str) -> String {
    let kept =
        heading.trim().chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c.to_ascii_lowercase() }).collect()
}
