//! `pipewright rules`.

mod search;
mod words;

use clap::Args;
use pipewright_conformance::cases;
use pipewright_model::rule::{Cite, Rule};
use pipewright_model::rules::outside::Cause;
use pipewright_model::rules::{CHAPTERS, Chapter};
use serde_json::{Value, json};

use super::{Refusal, Status, print};
use search::{Entry, Found, find};

/// Arguments of `rules`.
#[derive(Args)]
pub(super) struct RulesArguments {
    /// Rules by id, by the beginning of ids (`fifo.open`), by chapter (`stream`), or by words
    /// (`EPIPE`); all by default. Several ids or chapters list all of them; several words list the
    /// rules with all the words.
    #[arg(value_name = "ID|CHAPTER|WORD")]
    words: Vec<String>,
    /// Print as JSON.
    #[arg(long)]
    json: bool,
}

/// Prints the rules.
pub(super) fn rules(arguments: &RulesArguments) -> Result<Status, String> {
    listed(arguments).map_err(|refusal| refusal.text().to_owned())?;
    Ok(Status::Conforms)
}

fn listed(arguments: &RulesArguments) -> Result<(), Refusal> {
    let found = find(&arguments.words).map_err(Refusal::new)?;
    if arguments.json {
        return print(&(serde_json::to_string_pretty(&as_json(&found))? + "\n"));
    }
    match found.entries[..] {
        [Entry::Rule(rule)] => one(rule, &found),
        [Entry::Cause(cause)] => print(&(cause_alone(cause) + &read_on(&found))),
        _ => print(&(many(&found) + &read_on(&found))),
    }
}

fn as_json(found: &Found) -> Value {
    let cites = |cite: &[Cite]| cite.iter().map(ToString::to_string).collect::<Vec<_>>();
    let (mut rules, mut outside, mut not_modelled) = (Vec::new(), Vec::new(), Vec::new());
    for entry in &found.entries {
        match entry {
            Entry::Rule(rule) => rules.push(json!({
                "id": rule.id,
                "chapter": rule.chapter(),
                "says": rule.says,
                "cite": cites(rule.cite),
                "force": rule.force.to_string(),
            })),
            Entry::Cause(cause) => outside.push(json!({
                "id": cause.id,
                "says": cause.says,
                "cite": cites(cause.cite),
                "errnos": cause.errnos.iter().map(ToString::to_string).collect::<Vec<_>>(),
            })),
            Entry::Lacking(what, why) => not_modelled.push(json!({ "what": what, "why": why })),
        }
    }
    json!({ "rules": rules, "outside": outside, "not_modelled": not_modelled })
}

fn sources(cite: &[Cite]) -> String {
    let lines = cite.iter().map(|cite| format!("  {cite}\n"));
    format!("\nSources:\n{}", lines.collect::<String>())
}

fn one(rule: &Rule, found: &Found) -> Result<(), Refusal> {
    let mut text = format!("{} ({})\n\n{}\n{}", rule.id, rule.force, rule.says, sources(rule.cite));
    text.push_str("\nCases that show it:\n");
    for case in cases::embedded()? {
        if case.run.remarks.iter().any(|remark| remark == rule.id) {
            text.push_str(&format!("  {}\n", case.name));
        }
    }
    text.push_str(&read_on(found));
    text.push_str(&format!("\nRead on in docs/{}.md#{}\n", rule.chapter(), rule.id));
    print(&text)
}

fn cause_alone(cause: &Cause) -> String {
    format!(
        "{}\n\n{}\nWhat follows such a reply is not specified: {}.\n{}\nRead on in docs/not-modelled.md\n",
        cause.id,
        cause.says,
        cause.because,
        sources(cause.cite)
    )
}

fn many(found: &Found) -> String {
    let mut text = String::new();
    for Chapter { title, name, .. } in CHAPTERS {
        section(&mut text, title, &found.entries, |entry| match entry {
            Entry::Rule(rule) if rule.chapter() == *name => {
                Some(format!("  {} ({})\n      {}\n", rule.id, rule.force, rule.says))
            }
            _ => None,
        });
    }
    section(
        &mut text,
        "What comes from outside of the channel",
        &found.entries,
        |entry| match entry {
            Entry::Cause(cause) => Some(format!("  {}\n      {}\n", cause.id, cause.says)),
            _ => None,
        },
    );
    section(
        &mut text,
        "Not modelled (docs/not-modelled.md)",
        &found.entries,
        |entry| match entry {
            Entry::Lacking(what, why) => Some(format!("  {what}\n      {}\n", plain(why))),
            _ => None,
        },
    );
    text
}

fn section(text: &mut String, title: &str, all: &[Entry], line: impl Fn(&Entry) -> Option<String>) {
    let lines: String = all.iter().filter_map(line).collect();
    if !lines.is_empty() {
        text.push_str(&format!("{title}\n\n{lines}\n"));
    }
}

/// Markdown without its links.
fn plain(text: &str) -> String {
    let mut parts = text.split("](");
    let first = parts.next().unwrap_or_default().to_owned();
    let rest = parts.map(|part| part.split_once(')').map_or(part, |(_, rest)| rest));
    rest.fold(first, |text, rest| text + rest).replace('[', "")
}

/// Pages that tell more than rules do.
fn read_on(found: &Found) -> String {
    let pages: Vec<_> = found.pages.iter().map(|page| format!("docs/{page}")).collect();
    match pages.as_slice() {
        [] => String::new(),
        pages => format!("See also {}\n", pages.join(", ")),
    }
}
