//! The rules as Markdown: what `docs/rules.md` holds.
//!
//! It lays out what the rules say and adds nothing.

use std::fmt::Write as _;

use crate::rule::{Force, Rule};
use crate::rules::{CHAPTERS, Chapter};

/// The most cases named for one rule.
const CASES_MAX: usize = 4;

/// All chapters as one page. `cases` gives the names of the cases that show a rule, and `link` where a
/// case's file is.
pub fn markdown(cases: impl Fn(&str) -> Vec<String>, link: impl Fn(&str) -> String) -> String {
    let mut page = format!(
        "# The rules\n\n\
         Generated from the table in `model/src/rules/`; after a change there: `UPDATE=1 cargo test --test docs`.\n\n\
         Each rule has its id, one sentence, what POSIX says of it ({}), its sources, and cases that show it. \
         The specification is the union of the rules: [semantics](semantics.md).\n\n",
        forces()
    );
    for Chapter { title, rules, .. } in CHAPTERS {
        let _ = writeln!(page, "- [{title}](#{}): {} rules", slug(title), rules.len());
    }
    for Chapter { title, rules, .. } in CHAPTERS {
        let _ = write!(page, "\n## {title}\n");
        for rule in *rules {
            page.push_str(&entry(rule, &cases(rule.id), &link));
        }
    }
    page
}

fn forces() -> String {
    let meaning = |force| match force {
        Force::Must => "every conforming system does this",
        Force::May => "a conforming system may do this",
        Force::Silent => "the standard doesn't speak of it",
    };
    let forces = [Force::Must, Force::May, Force::Silent];
    forces.map(|force| format!("*{force}*: {}", meaning(force))).join("; ")
}

fn entry(rule: &Rule, cases: &[String], link: &impl Fn(&str) -> String) -> String {
    let id = rule.id;
    let sources: Vec<_> = rule.cite.iter().map(ToString::to_string).collect();
    let mut text = format!(
        "\n### <a id=\"{id}\"></a>`{id}`\n\n{}\n\n*{}*. {}.",
        rule.says,
        rule.force,
        sources.join("; ")
    );
    let mut cases: Vec<_> = cases.iter().collect();
    // Those of the rule's own chapter first.
    cases.sort_by_key(|case| !case.starts_with(rule.chapter()));
    let named = cases.iter().take(CASES_MAX).map(|case| format!("[{case}]({})", link(case)));
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
    text + "\n"
}

/// The anchor that code hosts make of a heading.
pub fn slug(heading: &str) -> String {
    let kept =
        heading.trim().chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c.to_ascii_lowercase() }).collect()
}
