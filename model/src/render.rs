//! The rules as Markdown: what the chapters of the book and its map hold.
//!
//! It lays out what the rules say and adds nothing.

use std::fmt::Write as _;

use crate::decide::{Decided, decide};
use crate::kind::{KINDS, Kind};
use crate::rule::Rule;
use crate::rules::{CHAPTERS, Chapter};

/// The most cases named for one rule.
const CASES_MAX: usize = 3;

/// The rules of a chapter, in reading order. `cases` gives the names of the cases that show a rule, those
/// to name first in front; `link` where a case's file is; `step` a rule's step as it stands in the source.
pub fn chapter(
    chapter: &Chapter,
    cases: impl Fn(&str) -> Vec<String>,
    link: impl Fn(&str) -> String,
    step: impl Fn(&str) -> String,
) -> String {
    let whole = |rule: &Rule| entry(rule, &cases(rule.id), &link) + &folded_step(&step(rule.id));
    chapter.rules.iter().map(whole).collect()
}

/// The map of communication: a row for every kind, with what the rules say of it.
pub fn map() -> String {
    let mut page = String::from(
        "| kind | reach | direction | waiting | what it is |\n| --- | --- | --- | --- | --- |\n",
    );
    for kind in KINDS {
        let Decided { direction, waiting, .. } = decide(kind);
        let (name, reach, says) = (kind.name, kind.reach, kind.says);
        let _ =
            writeln!(page, "| [{name}](#{name}) | {reach} | {direction} | {waiting} | {says} |");
    }
    page
}

/// What the rules say of a kind, and folded the runs by which they decide it.
pub fn kind(kind: &Kind, decided: &Decided) -> String {
    let Decided { direction, waiting, shown } = decided;
    let chapters = CHAPTERS.iter().filter(|chapter| kind.chapters.contains(&chapter.name));
    let chapters: Vec<_> =
        chapters.map(|Chapter { name, title, .. }| format!("[{title}]({name}.md)")).collect();
    let mut text = format!(
        "*Reach*: {}. *Direction*: {direction}. *Waiting*: {waiting}. *Rules*: {}.\n\n\
         <details>\n<summary>The runs by which the rules decide it</summary>\n",
        kind.reach,
        chapters.join("; ")
    );
    for (what, run) in shown {
        let _ = write!(text, "\n{}:\n\n```text\n{run}```\n", sentence(what));
    }
    text + "\n</details>\n"
}

/// Words with a capital in front.
pub fn sentence(words: &str) -> String {
    let mut words = words.chars();
    let first = words.next().map(|c| c.to_uppercase().collect::<String>());
    first.unwrap_or_default() + words.as_str()
}

fn folded_step(step: &str) -> String {
    format!("\n<details>\n<summary>Step</summary>\n\n```rust\n{step}\n```\n\n</details>\n")
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
