//! `pipewright rules` and `pipewright channels`.

use clap::Args;
use comfy_table::Table;
use comfy_table::presets::UTF8_FULL_CONDENSED;
use pipewright_backends::Channel;
use pipewright_conformance::cases;
use pipewright_model::decide::{Decided, decide};
use pipewright_model::kind::Kind;
use pipewright_model::rule::Rule;
use pipewright_model::rules::{CHAPTERS, Chapter, RULES};
use serde_json::{Value, json};

use super::{Refusal, Status, print, rule};

/// Arguments of `rules`.
#[derive(Args)]
pub(super) struct RulesArguments {
    /// One rule, by id.
    #[arg(value_name = "ID", value_parser = rule)]
    id: Option<String>,
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
    let wanted = |rule: &&&Rule| arguments.id.as_ref().is_none_or(|id| rule.id == id);
    if arguments.json {
        let rules: Vec<Value> = RULES.iter().filter(wanted).map(|rule| as_json(rule)).collect();
        return print(&(serde_json::to_string_pretty(&json!({ "rules": rules }))? + "\n"));
    }
    match RULES.iter().find(|rule| arguments.id.as_deref() == Some(rule.id)) {
        Some(rule) => one(rule),
        None => all(),
    }
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

fn all() -> Result<(), Refusal> {
    let mut text = String::new();
    for Chapter { title, rules, .. } in CHAPTERS {
        text.push_str(&format!("{title}\n\n"));
        for rule in *rules {
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

fn table() -> Table {
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
    table
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
