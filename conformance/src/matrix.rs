//! Reports of several systems beside each other: a table of channels and systems, and what each deviation is.
//!
//! What a campaign writes as JSON is read, as [`crate::report::json`] has it. Nothing is judged here.

use std::fmt::Write as _;

use serde::Deserialize;

use crate::report::JSON_VERSION;

/// What `pipewright check --json` has written on one system, as far as the table needs it.
#[derive(Debug, Deserialize)]
pub struct Report {
    version: u32,
    kernel: String,
    profile: String,
    observation: String,
    stops: bool,
    channels: Vec<Row>,
}

/// One channel of it.
#[derive(Debug, Deserialize)]
struct Row {
    channel: String,
    scenarios: u64,
    steps: u64,
    verdict: String,
    not_supported: Vec<String>,
    left_out: u64,
    unproven: u64,
    inconclusive: u64,
    unspecified: u64,
    deviations: Vec<Deviation>,
}

/// One fault of a channel.
#[derive(Debug, Deserialize)]
struct Deviation {
    call: String,
    reply: String,
    rules: Vec<String>,
    runs: u64,
    run: String,
    rests_on_quiet: bool,
}

/// What is wrong with a file that should be a report.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// It is no JSON, or lacks a field.
    #[error("{0}; give what `pipewright check --json FILE` has written")]
    Json(#[from] serde_json::Error),
    /// It is a report of another version of the program.
    #[error(
        "it is a report of version {0}, and this program reads {JSON_VERSION}; let both be written by one program"
    )]
    Version(u32),
}

impl Report {
    /// The report of this text.
    pub fn parse(text: &str) -> Result<Report, ReportError> {
        let report: Report = serde_json::from_str(text)?;
        match report.version {
            JSON_VERSION => Ok(report),
            other => Err(ReportError::Version(other)),
        }
    }
}

/// One system: what it is called, and its report.
#[derive(Debug)]
pub struct System {
    /// A name for the head of a column.
    pub name: String,
    /// What was seen there.
    pub report: Report,
}

/// The table in Markdown: a line a system, then a line a channel and a column a system, then each deviation with its smallest run.
pub fn markdown(systems: &[System]) -> String {
    let mut text =
        String::from("| system | kernel | profile | sleep is | stops | scenarios | calls |\n");
    text.push_str("| --- | --- | --- | --- | --- | ---: | ---: |\n");
    for System { name, report } in systems {
        let sum = |count: fn(&Row) -> u64| report.channels.iter().map(count).sum::<u64>();
        let Report { kernel, profile, .. } = report;
        let seen = match report.observation.as_str() {
            "full" => "proven",
            "stat" => "seen",
            _ => "not seen",
        };
        let stops = if report.stops { "yes" } else { "no" };
        let (scenarios, steps) = (sum(|row| row.scenarios), sum(|row| row.steps));
        let _ = writeln!(
            text,
            "| {name} | {kernel} | `{profile}` | {seen} | {stops} | {scenarios} | {steps} |"
        );
    }
    text.push_str("\n| channel |");
    for System { name, .. } in systems {
        let _ = write!(text, " {name} |");
    }
    text.push_str("\n| --- |");
    text.push_str(&" --- |".repeat(systems.len()));
    text.push('\n');
    for channel in channels(systems) {
        let _ = write!(text, "| {channel} |");
        for System { report, .. } in systems {
            let row = report.channels.iter().find(|row| row.channel == channel);
            let _ = write!(text, " {} |", row.map_or("not run".to_owned(), cell));
        }
        text.push('\n');
    }
    text.push_str(&reasons(systems));
    for kind in kinds(systems) {
        text.push_str(&kind.markdown());
    }
    text
}

/// The channels of all systems, in the order of the first that has them.
fn channels(systems: &[System]) -> Vec<&str> {
    let mut channels: Vec<&str> = Vec::new();
    for row in systems.iter().flat_map(|system| &system.report.channels) {
        if !channels.contains(&row.channel.as_str()) {
            channels.push(&row.channel);
        }
    }
    channels
}

/// What is said of a channel on a system, in few words.
fn cell(row: &Row) -> String {
    let faults = row.deviations.len();
    let mut words = match (faults, row.verdict.as_str()) {
        (0, verdict) => vec![verdict.to_owned()],
        (1, _) => vec!["**1 fault**".to_owned()],
        (faults, _) => vec![format!("**{faults} faults**")],
    };
    let left = [
        ("unproven", row.unproven),
        ("inconclusive", row.inconclusive),
        ("unspecified", row.unspecified),
        ("left out", row.left_out),
    ];
    let left = left.iter().filter(|(word, count)| *count > 0 && row.verdict != *word);
    words.extend(left.map(|(word, count)| format!("{word} in {count}")));
    words.join(", ")
}

/// Why channels are not supported, each reason once.
fn reasons(systems: &[System]) -> String {
    let mut told: Vec<(&str, &str, Vec<&str>)> = Vec::new();
    for System { name, report } in systems {
        for row in &report.channels {
            for reason in &row.not_supported {
                let same = told.iter_mut().find(|(system, why, _)| system == name && why == reason);
                match same {
                    Some((.., channels)) => channels.push(&row.channel),
                    None => told.push((name, reason, vec![&row.channel])),
                }
            }
        }
    }
    let mut text = String::new();
    for (index, (system, why, channels)) in told.iter().enumerate() {
        let begin = if index == 0 { "\n" } else { "" };
        let _ = writeln!(text, "{begin}- {system}, {}: {why}", channels.join(", "));
    }
    text
}

/// A fault, wherever it was seen.
struct Kind<'a> {
    fault: &'a Deviation,
    /// Systems and channels.
    places: Vec<(&'a str, Vec<&'a str>)>,
    runs: u64,
}

/// The faults of all systems: those with the same call, reply and rules are one.
fn kinds(systems: &[System]) -> Vec<Kind<'_>> {
    let mut kinds: Vec<Kind<'_>> = Vec::new();
    for System { name, report } in systems {
        for row in &report.channels {
            for fault in &row.deviations {
                let is_same = |kind: &&mut Kind<'_>| {
                    let other = kind.fault;
                    (&other.call, &other.reply, &other.rules)
                        == (&fault.call, &fault.reply, &fault.rules)
                };
                let kind = match kinds.iter_mut().find(is_same) {
                    Some(kind) => kind,
                    None => {
                        kinds.push(Kind { fault, places: vec![], runs: 0 });
                        kinds.last_mut().expect("just pushed")
                    }
                };
                kind.runs += fault.runs;
                if fault.run.len() < kind.fault.run.len() {
                    kind.fault = fault;
                }
                match kind.places.iter_mut().find(|(system, _)| system == name) {
                    Some((_, channels)) => channels.push(&row.channel),
                    None => kind.places.push((name, vec![&row.channel])),
                }
            }
        }
    }
    kinds
}

impl Kind<'_> {
    fn markdown(&self) -> String {
        let Deviation { call, reply, rules, run, rests_on_quiet, .. } = self.fault;
        let places = self
            .places
            .iter()
            .map(|(system, channels)| format!("{system} ({})", channels.join(", ")));
        let places: Vec<_> = places.collect();
        let instead = match rules.as_slice() {
            [] => String::new(),
            rules => format!(", against `{}`", rules.join("`, `")),
        };
        let unproven = if *rests_on_quiet { "; it rests on sleep that is not proven" } else { "" };
        let runs = if self.runs == 1 { "1 run".to_owned() } else { format!("{} runs", self.runs) };
        let places = places.join("; ");
        format!(
            "\n`{call}` → `{reply}`{instead}: {places}, {runs}{unproven}\n\n```text\n{run}```\n"
        )
    }
}
