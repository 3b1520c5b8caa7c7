//! `pipewright rules` and `pipewright channels`.

use clap::Args;
use comfy_table::Table;
use comfy_table::presets::UTF8_FULL_CONDENSED;
use pipewright_backends::Channel;
use pipewright_conformance::{cases, report};
use pipewright_model::call::Op;
use pipewright_model::decide::{Decided, decide};
use pipewright_model::kind::Kind;
use pipewright_model::rule::Rule;
use pipewright_model::rules::{CHAPTERS, Chapter, RULES};
use pipewright_model::text::nearest;
use serde_json::{Value, json};

use super::{Refusal, Status, print};

/// Arguments of `rules`.
#[derive(Args)]
pub(super) struct RulesArguments {
    /// Rules by id, by the beginning of ids (`fifo.open`), by chapter (`stream`), or by words that they hold
    /// (`EPIPE`); all where nothing is given.
    #[arg(value_name = "ID|CHAPTER|WORD")]
    words: Vec<String>,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

/// Prints the rules.
pub(super) fn rules(arguments: &RulesArguments) -> Result<Status, String> {
    listed(arguments).map_err(|refusal| refusal.text().to_owned())?;
    Ok(Status::Conforms)
}

fn listed(arguments: &RulesArguments) -> Result<(), Refusal> {
    let mut wanted: Vec<&Rule> = RULES.to_vec();
    for word in &arguments.words {
        let found = meant(word);
        wanted.retain(|rule| found.iter().any(|other| other.id == rule.id));
        if wanted.is_empty() {
            let meant = nearest(word, CHAPTERS.iter().map(|chapter| chapter.name));
            let meant = meant.or_else(|| nearest(word, RULES.iter().map(|rule| rule.id)));
            let meant = meant.or_else(|| nearest(word, Op::WORDS));
            return Err(Refusal::new(format!(
                "there is no such rule: {word:?} is no id, no chapter and in no sentence{}; {}",
                if arguments.words.len() > 1 { " of those with the other words" } else { "" },
                match meant {
                    Some(meant) => format!("did you mean {meant}? `pipewright rules` lists all"),
                    None => "`pipewright rules` lists them".to_owned(),
                }
            )));
        }
    }
    if arguments.json {
        let rules: Vec<Value> = wanted.into_iter().map(as_json).collect();
        return print(&(serde_json::to_string_pretty(&json!({ "rules": rules }))? + "\n"));
    }
    match wanted[..] {
        [rule] => one(rule),
        _ => many(&wanted),
    }
}

/// The rules that a word means: the one with this id, those of this chapter, those whose ids begin so, or those
/// that hold it.
fn meant(word: &str) -> Vec<&'static Rule> {
    let of = |holds: &dyn Fn(&Rule) -> bool| -> Vec<&'static Rule> {
        RULES.iter().copied().filter(|rule| holds(rule)).collect()
    };
    let part = word.to_lowercase();
    let holds = |rule: &Rule| {
        let texts = [rule.id.to_owned(), rule.says.to_owned()].into_iter();
        let sources = rule.cite.iter().map(ToString::to_string);
        texts.chain(sources).any(|text| text.to_lowercase().contains(&part))
    };
    let ways: [&dyn Fn(&Rule) -> bool; 4] = [
        &|rule| rule.id == word,
        &|rule| rule.chapter() == word,
        &|rule| rule.id.strip_prefix(word).is_some_and(|rest| rest.starts_with(['.', '-'])),
        &holds,
    ];
    ways.into_iter().map(of).find(|found| !found.is_empty()).unwrap_or_default()
}

fn as_json(rule: &Rule) -> Value {
    json!({
        "id": rule.id,
        "chapter": rule.chapter(),
        "says": rule.says,
        "cite": rule.cite.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "force": rule.force.to_string(),
    })
}

fn one(rule: &Rule) -> Result<(), Refusal> {
    let mut text = format!("{} ({})\n\n{}\n\nSources:\n", rule.id, rule.force, rule.says);
    for cite in rule.cite {
        text.push_str(&format!("  {cite}\n"));
    }
    text.push_str("\nCases that show it:\n");
    for case in cases::embedded()? {
        if case.run.remarks.iter().any(|remark| remark == rule.id) {
            text.push_str(&format!("  {}\n", case.name));
        }
    }
    text.push_str(&format!("\nRead on in docs/{}.md#{}\n", rule.chapter(), rule.id));
    print(&text)
}

fn many(wanted: &[&Rule]) -> Result<(), Refusal> {
    let mut text = String::new();
    for Chapter { title, rules, .. } in CHAPTERS {
        let rules = rules.iter().filter(|rule| wanted.iter().any(|other| other.id == rule.id));
        let rules: Vec<_> = rules.collect();
        if rules.is_empty() {
            continue;
        }
        text.push_str(&format!("{title}\n\n"));
        for rule in rules {
            text.push_str(&format!("  {} ({})\n      {}\n", rule.id, rule.force, rule.says));
        }
        text.push('\n');
    }
    print(&text)
}

/// What `channels` is given.
#[derive(Args)]
pub(super) struct ChannelsArguments {
    /// Tell of this channel alone, with the shortest runs that show its direction and its waiting.
    #[arg(value_parser = super::channel)]
    channel: Option<&'static dyn Channel>,
}

/// Prints the channels, or one of them with what shows that it is what it is.
pub(super) fn channels(arguments: &ChannelsArguments) -> Result<Status, String> {
    let text = match arguments.channel {
        Some(channel) => shown(channel),
        None => format!("{}\n", table()),
    };
    print(&text).map_err(|refusal| refusal.text().to_owned())?;
    Ok(Status::Conforms)
}

fn table() -> String {
    let mut table = Table::new();
    table.load_preset(UTF8_FULL_CONDENSED);
    table.set_header(["channel", "kind", "direction", "waiting", "reach", "actors share it by"]);
    let mut known: Vec<(&Kind, Decided)> = Vec::new();
    for channel in pipewright_backends::channels() {
        let kind = channel.setup().kind;
        if !known.iter().any(|(other, _)| *other == kind) {
            known.push((kind, decide(kind)));
        }
        let decided = known.iter().find(|(other, _)| *other == kind).map(|(_, decided)| decided);
        let ways = channel.arrangements().iter();
        let ways: Vec<_> = ways.map(|way| format!("{way:?}").to_lowercase()).collect();
        table.add_row([
            channel.name().to_owned(),
            kind.name.to_owned(),
            decided.map_or_else(String::new, |decided| decided.direction.to_string()),
            decided.map_or_else(String::new, |decided| decided.waiting.to_string()),
            kind.reach.to_string(),
            ways.join(", "),
        ]);
    }
    report::fitted(table, &["reach", "actors share it by", "kind"])
}

fn shown(channel: &dyn Channel) -> String {
    let kind = channel.setup().kind;
    let decided = decide(kind);
    let (direction, waiting) = (decided.direction, decided.waiting);
    let mut text = format!(
        "{}: {}\n{direction}, {waiting} (decided on pages of two bytes)\n",
        channel.name(),
        kind.says
    );
    for (what, run) in &decided.shown {
        text.push_str(&format!("\n# {what}\n{run}"));
    }
    text
}
