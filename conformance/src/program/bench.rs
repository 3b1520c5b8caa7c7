//! `pipewright bench`: what checking costs.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use pipewright_conformance::Trouble;
use pipewright_conformance::bench::{self, Effort, Reached, What};
use pipewright_conformance::report::Heading;

use super::interrupt::finish_first;
use super::numbers::{MANY, number};
use super::{Refusal, Status, output};

/// Arguments of `bench`.
#[derive(Args)]
pub(super) struct Arguments {
    /// What to measure; everything by default.
    #[arg(value_enum)]
    what: Vec<Part>,
    /// Pairs for each ratio.
    #[arg(long, value_name = "N", default_value_t = 21, allow_negative_numbers = true,
        value_parser = number(Effort::PAIRS_MIN..=MANY))]
    pairs: usize,
    /// Observations of actors that do not sleep.
    #[arg(long, value_name = "N", default_value_t = 50_000, allow_negative_numbers = true,
        value_parser = number(1..=MANY as u64))]
    looks: u64,
    /// Write the result as JSON; `-` is standard output, and the table goes to standard error.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// [`What`] as an argument.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Part {
    /// A call through a port against the raw call.
    Ports,
    /// A scenario in one thread, recorded and judged, against the raw calls.
    Scenarios,
    /// A call in a worker process against a futex ping-pong.
    Workers,
    /// Proving that a worker sleeps, and how often the proof is wrong.
    Looks,
    /// The oracle alone.
    Oracle,
    /// Explaining the waits of hundreds of processes, against lsof.
    Why,
    /// A log of strace of 10^6 calls, read and judged.
    Logs,
    /// Searching a system file, against the same system written in Rust.
    Systems,
}

impl From<Part> for What {
    fn from(part: Part) -> What {
        match part {
            Part::Ports => What::Ports,
            Part::Scenarios => What::Scenarios,
            Part::Workers => What::Workers,
            Part::Looks => What::Looks,
            Part::Oracle => What::Oracle,
            Part::Why => What::Why,
            Part::Logs => What::Logs,
            Part::Systems => What::Systems,
        }
    }
}

const FOOTNOTE: &str = "\
Ratios of medians over pairs measured in turns on one processor; times are for orientation. Dropped: pairs
during which others used more than 15 % of that processor. How the oracle's verdicts compare with a search
that leaves nothing out is a test: HISTORIES=8000 cargo test -p pipewright-model --release --test brute_force
";

/// Measures and reports: deviates where something that must hold does not, is not judged where others disturbed it.
pub(super) fn run(arguments: &Arguments) -> Result<Status, String> {
    measured(arguments).map_err(|refusal| refusal.text().to_owned())
}

fn measured(arguments: &Arguments) -> Result<Status, Refusal> {
    let mut outputs = output::open(&[("--json", arguments.json.as_ref())], &[])?;
    finish_first();
    let mut what: Vec<What> = Vec::new();
    for part in arguments.what.iter().map(|part| What::from(*part)) {
        if !what.contains(&part) {
            what.push(part);
        }
    }
    if what.is_empty() {
        what.extend(What::ALL);
    }
    let effort = Effort { pairs: arguments.pairs, looks: arguments.looks };
    let mut rows = Vec::new();
    let result = bench::run(&what, effort, &mut |row| {
        eprintln!("{}", row.what);
        rows.push(row.clone());
    });
    let stopped = match result {
        Err(Trouble::Stopped) => true,
        result => result.map(|()| false)?,
    };
    outputs.text.print(&format!("{}\n{FOOTNOTE}", bench::table(&rows)))?;
    outputs.write(0, || {
        let kernel = Heading::here("", 0).kernel;
        Ok(serde_json::to_string_pretty(&bench::json(&kernel, &rows))? + "\n")
    })?;
    if stopped {
        return Ok(Status::Stopped);
    }
    let came_to = |reached| rows.iter().any(|row| row.reached() == reached);
    Ok(if came_to(Reached::No) {
        Status::Deviates
    } else if came_to(Reached::Disturbed) {
        Status::NotJudged
    } else {
        Status::Conforms
    })
}
