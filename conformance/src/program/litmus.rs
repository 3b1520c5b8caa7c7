//! `pipewright litmus`: a few calls again and again, and what comes of them.

use std::path::{Path, PathBuf};

use clap::Args;
use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{CellAlignment, Table};
use pipewright_conformance::litmus::{self, LitmusError, Row, Seen};
use pipewright_model::litmus::{Litmus, Word};

use super::check::stop_on_signals;
use super::input::load_as;
use super::replay::{fitting, no_stops};
use super::{Profile, Refusal, Status, channel, print, print_error};

/// Arguments of `litmus`.
#[derive(Args)]
pub(super) struct Arguments {
    /// Litmus files: calls, and what they may give.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// How often each is run.
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    runs: usize,
    /// The channel to run on; where none is given, the one that is set up as the file says.
    #[arg(long, value_name = "C", value_parser = |name: &str| channel(name).map(|_| name.to_owned()))]
    channel: Option<String>,
    /// The rules that say what is allowed.
    #[arg(long, value_enum, default_value_t)]
    profile: Profile,
}

/// Runs litmus files: deviates where something forbidden is seen, or the rules say otherwise than a file.
pub(super) fn run(arguments: &Arguments) -> Result<Status, String> {
    stop_on_signals()
        .and_then(|()| {
            let each = |file: &PathBuf| tested(arguments, file);
            arguments
                .files
                .iter()
                .map(each)
                .try_fold(Status::Conforms, |all, one| Ok(all.and(one?)))
        })
        .map_err(|refusal| refusal.text().to_owned())
}

fn tested(arguments: &Arguments, file: &Path) -> Result<Status, Refusal> {
    let litmus: Litmus = load_as(file)?;
    let channel = match &arguments.channel {
        Some(name) => channel(name)?,
        None => match fitting(&litmus.run)? {
            Ok(channel) => channel,
            Err(reason) => {
                print_error(&format!("{}: {reason}", file.display()));
                return Ok(Status::NotJudged);
            }
        },
    };
    let name = file.display();
    let reason = channel.unavailable();
    let no_stops = litmus.stops().then(|| no_stops(channel)).flatten();
    if let Some(reason) = reason.or(no_stops.map(str::to_owned)) {
        print_error(&format!("{name}: not run on {}: {reason}", channel.name()));
        return Ok(Status::NotJudged);
    }
    let platform = arguments.profile.platform();
    let seen = match litmus::run(&litmus, channel, platform, arguments.runs) {
        Ok(seen) => seen,
        Err(LitmusError::TooMany(error)) => {
            print_error(&format!("{name}: {error}"));
            return Ok(Status::NotJudged);
        }
        Err(LitmusError::Trouble(pipewright_conformance::Trouble::Stopped)) => {
            return Ok(Status::Stopped);
        }
        Err(LitmusError::Trouble(trouble)) => return Err(trouble.into()),
    };
    print(&format!("{name}: {}, profile {}\n{}\n", channel.name(), platform.name, table(&seen)))?;
    for wrong in &seen.wrong {
        print(&format!("the file and the rules differ: {wrong}\n"))?;
    }
    let forbidden: Vec<&Row> = seen.rows.iter().filter(|row| !row.allowed).collect();
    for run in forbidden.iter().filter_map(|row| row.run.as_ref()) {
        print(&format!("\nno rule allows this run:\n{run}"))?;
    }
    Ok(match (forbidden.is_empty() && seen.wrong.is_empty(), seen.unjudged) {
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
