//! `pipewright litmus`: a few calls again and again, and what comes of them.

use std::path::{Path, PathBuf};

use clap::Args;
use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{CellAlignment, Table};
use pipewright_backends::Channel;
use pipewright_conformance::litmus::{self, LitmusError, Plan, Row, Seen};
use pipewright_conformance::replay::Unplayable;
use pipewright_conformance::{Trouble, stop};
use pipewright_model::litmus::Word;
use pipewright_model::platform::Platform;

use super::check::bar;
use super::input::{LocatedLitmus, load_as};
use super::interrupt::finish_first;
use super::numbers::{MANY, number};
use super::replay::{fitting, no_stops, not_replayed};
use super::{Profile, Refusal, Status, channel, print, print_error};

/// Arguments of `litmus`.
#[derive(Args)]
pub(super) struct Arguments {
    /// Litmus files: calls, and their expected outcomes.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// How often to run each.
    #[arg(long, value_name = "N", default_value_t = 1_000, allow_negative_numbers = true,
        value_parser = number(1..=MANY as u64))]
    runs: u64,
    /// The channel to run on; by default the one that is set up as the file says.
    #[arg(long, value_name = "C", value_parser = |name: &str| channel(name).map(|_| name.to_owned()))]
    channel: Option<String>,
    /// The rules that say what is allowed.
    #[arg(long, value_enum, default_value_t)]
    profile: Profile,
}

/// Runs litmus files: deviates where something forbidden is seen, or the rules say otherwise than a file.
pub(super) fn run(arguments: &Arguments) -> Result<Status, String> {
    all_tested(arguments).map_err(|refusal| refusal.text().to_owned())
}

fn all_tested(arguments: &Arguments) -> Result<Status, Refusal> {
    finish_first();
    let mut status = Status::Conforms;
    for file in &arguments.files {
        status = status.and(tested(arguments, file)?);
        if stop::requested() {
            print_error("stopped; nothing is left behind");
            return Ok(status.and(Status::Stopped));
        }
    }
    Ok(status)
}

fn tested(arguments: &Arguments, file: &Path) -> Result<Status, Refusal> {
    let LocatedLitmus { litmus, places } = load_as(file)?;
    let channel = match &arguments.channel {
        Some(name) => channel(name)?,
        None => match fitting(litmus.run.setup())? {
            Ok(channel) => channel,
            Err(reason) => {
                print_error(&format!("{}: {reason}", file.display()));
                return Ok(Status::NotJudged);
            }
        },
    };
    let name = file.display();
    match litmus::playable(&litmus, channel) {
        Err(Unplayable::Elsewhere(reason)) => {
            return Err(Refusal::new(format!("{name}: {reason}")));
        }
        Err(Unplayable::Call { event, reason }) => {
            return not_replayed(&format!("{}: {reason}", places.told(file, event)));
        }
        Ok(()) => {}
    }
    let reason = channel.unavailable();
    let no_stops = litmus.stops().then(|| no_stops(channel)).flatten();
    if let Some(reason) = reason.or(no_stops.map(str::to_owned)) {
        print_error(&format!("{name}: not run on {}: {reason}", channel.name()));
        return Ok(Status::NotJudged);
    }
    let bar = bar(arguments.runs, "runs");
    bar.set_message(name.to_string());
    let plan = Plan {
        platform: arguments.profile.platform_here(),
        runs: arguments.runs,
        as_set_up: arguments.channel.is_none(),
        progress: &|| bar.inc(1),
    };
    let seen = litmus::run(&litmus, channel, plan);
    bar.finish_and_clear();
    match seen {
        Ok(seen) => told(&name.to_string(), channel, plan.platform, &seen),
        Err(LitmusError::TooMany(error)) => {
            print_error(&format!("{name}: {error}"));
            Ok(Status::NotJudged)
        }
        Err(LitmusError::Trouble(Trouble::Stopped)) => Ok(Status::Stopped),
        Err(LitmusError::Otherwise(reason)) => not_replayed(&format!("{name}: {reason}")),
        Err(LitmusError::Trouble(trouble)) if trouble.is_of_channel() => {
            print_error(&format!("{name}: not run on {}: {trouble}", channel.name()));
            Ok(Status::NotJudged)
        }
        Err(LitmusError::Trouble(
            trouble @ (Trouble::HeldAtStart { .. } | Trouble::Unavailable { .. }),
        )) => Err(Refusal::new(format!("{name}: {trouble}"))),
        Err(LitmusError::Trouble(trouble)) => Err(trouble.into()),
    }
}

/// Prints what was seen, and says how that is.
fn told(
    name: &str,
    channel: &dyn Channel,
    platform: &Platform,
    seen: &Seen,
) -> Result<Status, Refusal> {
    print(&format!("{name}: {}, profile {}\n{}\n", channel.name(), platform.name, table(seen)))?;
    for wrong in &seen.wrong {
        print(&format!("the file and the rules differ: {wrong}\n"))?;
    }
    let forbidden: Vec<&Row> = seen.rows.iter().filter(|row| !row.allowed).collect();
    for run in forbidden.iter().filter_map(|row| row.run.as_ref()) {
        print(&format!("\nno rule allows this run:\n{run}"))?;
    }
    let (unjudged, reasons) = &seen.unjudged;
    for reason in reasons {
        print(&format!("of {unjudged} runs that could not be judged: {reason}\n"))?;
    }
    Ok(match (forbidden.is_empty() && seen.wrong.is_empty(), unjudged) {
        (false, _) => Status::Deviates,
        (true, 0) => Status::Conforms,
        (true, _) => Status::NotJudged,
    })
}

/// What is allowed and what was seen, and what the file expects never to see.
fn table(seen: &Seen) -> String {
    let mut table = Table::new();
    table.load_preset(UTF8_FULL_CONDENSED);
    table.set_header(["", "", "runs", "outcome"]);
    for row in &seen.rows {
        let allowed = if row.allowed { "allowed" } else { "forbidden" };
        table.add_row([allowed, word(row), &row.seen.to_string(), &row.outcome]);
    }
    for (_, outcome, count) in
        seen.expected.iter().filter(|row| row.0 == Word::Forbidden && row.2 == 0)
    {
        table.add_row(["forbidden", "not seen", &count.to_string(), outcome]);
    }
    if let Some(column) = table.column_mut(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table.to_string()
}

fn word(row: &Row) -> &'static str {
    match (row.allowed, row.seen) {
        (_, 0) => "not seen",
        (true, _) => "seen",
        (false, _) => "SEEN",
    }
}
