//! `pipewright channels`.

use clap::Args;
use comfy_table::Table;
use comfy_table::presets::UTF8_FULL_CONDENSED;
use pipewright_backends::Channel;
use pipewright_conformance::report;
use pipewright_model::decide::{Decided, decide};
use pipewright_model::kind::Kind;

use super::{Status, print};

/// What `channels` is given.
#[derive(Args)]
pub(super) struct ChannelsArguments {
    /// Print this channel alone, with the shortest runs that show its direction and its waiting.
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
