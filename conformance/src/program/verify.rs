//! `pipewright verify`: the named systems, decided.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{CellAlignment, Table};
use pipewright_model::systems::{self, Outcome, Subject};
use serde_json::{Value, json};

use super::check::{create, write};
use super::{Refusal, Status, print};

/// Arguments of `verify`.
#[derive(Args)]
pub(super) struct Arguments {
    /// Systems, by name; all where none is given.
    #[arg(value_name = "SYSTEM")]
    systems: Vec<String>,
    /// Print the table alone, without the runs that show what doesn't hold.
    #[arg(long)]
    brief: bool,
    /// Look at so many states of a system at most; what is not decided by then counts as not as expected.
    #[arg(long, value_name = "N", default_value_t = u32::MAX as usize - 1)]
    states: usize,
    /// Write the result as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// A system, decided.
struct Decided {
    subject: Subject,
    outcome: Outcome,
    took: Duration,
}

impl Decided {
    fn is_as_expected(&self) -> bool {
        self.outcome.is_as_expected(self.subject.broken())
    }
}

/// Decides systems, and says whether each is as expected.
pub(super) fn run(arguments: &Arguments) -> Result<Status, String> {
    decided(arguments).map_err(|refusal| refusal.text().to_owned())
}

fn decided(arguments: &Arguments) -> Result<Status, Refusal> {
    let mut json = arguments.json.as_ref().map(create).transpose()?;
    let all: Vec<Decided> = chosen(&arguments.systems)?
        .into_iter()
        .map(|subject| {
            let began = Instant::now();
            let outcome = subject.verify(arguments.states);
            Decided { subject, outcome, took: began.elapsed() }
        })
        .collect();
    print(&format!("{}\n", table(&all)))?;
    for row in all.iter().filter(|_| !arguments.brief) {
        print(&shown(row))?;
    }
    let unexpected: Vec<&Decided> = all.iter().filter(|row| !row.is_as_expected()).collect();
    for row in &unexpected {
        let (name, expected) = (row.subject.name(), expected(&row.subject));
        let found = verdict(&row.outcome);
        print(&format!("\n{name}: {expected} was expected, and it is {found}\n"))?;
    }
    if let Some((file, path)) = &mut json {
        let rows: Vec<Value> = all.iter().map(as_json).collect();
        let text = serde_json::to_string_pretty(&json!({ "systems": rows }))? + "\n";
        write(file, path, &text)?;
    }
    Ok(if unexpected.is_empty() { Status::Conforms } else { Status::Deviates })
}

/// The systems with these names, or all.
pub(super) fn chosen(names: &[String]) -> Result<Vec<Subject>, Refusal> {
    let mut all = systems::all();
    if names.is_empty() {
        return Ok(all);
    }
    let unknown = |name: &&String| all.iter().all(|subject| subject.name() != name.as_str());
    if let Some(name) = names.iter().find(unknown) {
        let known: Vec<&str> = all.iter().map(Subject::name).collect();
        let nearest = known.iter().min_by_key(|known| distance(name, known));
        let meant = nearest.map_or(String::new(), |near| format!("; did you mean {near}?"));
        return Err(Refusal::new(format!(
            "there is no system {name}{meant}\nchoose from {}",
            known.join(", ")
        )));
    }
    all.retain(|subject| names.iter().any(|name| subject.name() == name));
    Ok(all)
}

/// How many letters must be put in, taken out or replaced.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let replaced = corner + usize::from(x != y);
            corner = row[j + 1];
            row[j + 1] = replaced.min(corner + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

fn table(all: &[Decided]) -> Table {
    let mut table = Table::new();
    table.load_preset(UTF8_FULL_CONDENSED);
    table.set_header([
        "system",
        "family",
        "verdict",
        "as expected",
        "exhaustive",
        "states",
        "transitions",
        "depth",
        "seconds",
        "bytes a state",
    ]);
    for row in all {
        let report = &row.outcome.report;
        table.add_row([
            row.subject.name().to_owned(),
            row.subject.family().to_string(),
            verdict(&row.outcome),
            yes_or_no(row.is_as_expected()).to_owned(),
            yes_or_no(report.exhaustive).to_owned(),
            report.states.to_string(),
            report.transitions.to_string(),
            report.depth.to_string(),
            format!("{:.3}", row.took.as_secs_f64()),
            format!("{:.0}", report.bytes_a_state),
        ]);
    }
    for column in 5..10 {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

fn yes_or_no(yes: bool) -> &'static str {
    if yes { "yes" } else { "no" }
}

/// `sound`, or `unsound`; `undecided` where not all states were looked at and nothing is known to be wrong.
fn verdict(outcome: &Outcome) -> String {
    let broken = outcome.broken().next().is_some();
    match (broken, outcome.report.exhaustive) {
        (true, _) => "unsound",
        (false, true) => "sound",
        (false, false) => "undecided",
    }
    .to_owned()
}

fn expected(subject: &Subject) -> &'static str {
    if subject.broken().is_empty() { "sound" } else { "unsound" }
}

/// What doesn't hold, each with the shortest run that shows it.
fn shown(row: &Decided) -> String {
    let mut text = String::new();
    for (property, run) in row.outcome.broken() {
        text += &format!("\n{}: it does not hold that {property}\n", row.subject.name());
        text += &run.map_or(String::new(), |run| format!("{run}"));
    }
    text
}

fn as_json(row: &Decided) -> Value {
    let report = &row.outcome.report;
    let broken = |(property, run): (&'static str, Option<&pipewright_model::run::Run>)| json!({ "property": property, "run": run.map(ToString::to_string) });
    let first = row.outcome.broken().next();
    json!({
        "system": row.subject.name(),
        "family": row.subject.family().to_string(),
        "expected": expected(&row.subject),
        "verdict": verdict(&row.outcome),
        "as_expected": row.is_as_expected(),
        "exhaustive": report.exhaustive,
        "states": report.states,
        "transitions": report.transitions,
        "depth": report.depth,
        "seconds": row.took.as_secs_f64(),
        "bytes_a_state": report.bytes_a_state,
        "counterexample": first.and_then(|(_, run)| run).map(ToString::to_string),
        "properties": report.found.iter().map(|found| {
            json!({ "property": found.property, "holds": found.holds })
        }).collect::<Vec<_>>(),
        "broken": row.outcome.broken().map(broken).collect::<Vec<_>>(),
    })
}
