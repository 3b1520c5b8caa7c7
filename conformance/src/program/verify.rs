//! `pipewright verify`: systems, named or of files, and runs in every order; decided.

mod hosts;
mod secret;
mod team;

use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use clap::Args;
use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{CellAlignment, Table};
use pipewright_conformance::report;
use pipewright_model::asleep::{Moment, Present};
use pipewright_model::oracle;
use pipewright_model::rules::RULES;
use pipewright_model::run::Run;
use pipewright_model::system::{SPECIFIED, System};
use pipewright_model::systems::{self, Outcome, Subject};
use pipewright_model::text::nearest;
use pipewright_model::verify::NO_DEADLOCK;
use pipewright_model::verify::many::{Team, together};
use rustc_hash::FxHasher;
use serde_json::{Value, json};

use super::numbers::{MANY, number};
use super::{Refusal, Status, input, output, replay};
use hosts::Host;
use team::Terms;

/// Arguments of `verify`.
#[derive(Args)]
pub(super) struct Arguments {
    /// Systems, by name or as files, and run files, whose calls are searched in every order that
    /// the rules allow. `-` is standard input. All named systems by default.
    #[arg(value_name = "SYSTEM|FILE")]
    systems: Vec<String>,
    /// Search all named systems as well.
    #[arg(long)]
    all: bool,
    /// Print only the table, without the runs that break claims.
    #[arg(long)]
    brief: bool,
    /// Visit at most this many states of a system; a claim that is undecided by then is not judged.
    /// One worker only.
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = number(1..=STATES_MAX))]
    states: Option<usize>,
    /// Threads that search in each process. One of them alone decides `eventually` and `leads to`.
    #[arg(long, value_name = "N", default_value_t = 1, allow_negative_numbers = true,
        value_parser = number(1..=WORKERS_MAX))]
    workers: usize,
    /// Search together with other processes, on this machine or others: a file with a line
    /// `host:port` for each, this one included. Start all with the same systems, `--workers`, file
    /// and secret. The traffic is not encrypted: use a network that you trust.
    #[arg(long, value_name = "FILE", requires = "process")]
    hosts: Option<PathBuf>,
    /// Which line of the hosts file this process is, from 0; it listens there.
    #[arg(long, value_name = "I", requires = "hosts", allow_negative_numbers = true,
        value_parser = number(0..=usize::from(u16::MAX)))]
    process: Option<usize>,
    /// A file with a secret that all these processes share, 16 bytes or more; a process without it
    /// cannot take part. Without a secret any program that reaches these ports could, so they must
    /// be on the loopback interface.
    #[arg(long, value_name = "FILE", requires = "hosts")]
    secret: Option<PathBuf>,
    /// Seconds to wait for the other processes.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, requires = "hosts", allow_negative_numbers = true,
        value_parser = number(0..=MANY as u64))]
    wait: u64,
    /// Write the result as JSON; `-` is standard output, and the table goes to standard error.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// As many states as can be numbered.
const STATES_MAX: usize = u32::MAX as usize - 1;

/// More threads than that are a mistake.
const WORKERS_MAX: usize = 256;

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
    let inputs: Vec<_> = arguments.hosts.iter().map(|file| ("--hosts", file.as_path())).collect();
    let mut outputs = output::open(&[("--json", arguments.json.as_ref())], &inputs)?;
    let text = outputs.text;
    let mut subjects = chosen(&arguments.systems)?;
    if arguments.all && !arguments.systems.is_empty() {
        subjects.extend(systems::all());
    }
    let processes = arguments.hosts.as_deref().map(hosts::read).transpose()?;
    let many = processes.is_some() || arguments.workers > 1;
    let all = if many {
        by_many(arguments, subjects, processes.as_deref())
    } else {
        Ok(by_one(arguments, subjects))
    }?;
    let processes = processes.map_or(1, |hosts| hosts.len());
    text.print(&format!("{}\n", table(&all)))?;
    if many {
        text.print(&format!("{}\n", searched_by(arguments.workers, processes, &all)))?;
    }
    for row in all.iter().filter(|_| !arguments.brief) {
        text.print(&shown(row))?;
    }
    let unexpected: Vec<&Decided> = all.iter().filter(|row| !row.is_as_expected()).collect();
    for row in &unexpected {
        text.print(&otherwise(row))?;
    }
    outputs.write(0, || {
        let rows: Vec<Value> = all.iter().map(|row| as_json(row, many)).collect();
        let workers = arguments.workers * processes;
        let told = json!({ "workers": workers, "processes": processes, "systems": rows });
        Ok(serde_json::to_string_pretty(&told)? + "\n")
    })?;
    Ok(all.iter().map(status).fold(Status::Conforms, Status::and))
}

/// How a system is otherwise than expected.
fn otherwise(row: &Decided) -> String {
    let (name, expected) = (row.subject.name(), expected(&row.subject));
    let found = verdict(&row.outcome);
    let mut text = format!("\n{name}: {expected} was expected, and it is {found}\n");
    if found == "undecided" || found == "unspecified" {
        return text;
    }
    let broken: Vec<&str> = row.outcome.broken().map(|(property, _)| property).collect();
    for property in broken.iter().filter(|name| !row.subject.broken().contains(name)) {
        text += &format!("  expected to hold: {property}\n");
    }
    for property in row.subject.broken().iter().filter(|name| !broken.contains(name)) {
        text += &format!("  expected broken, and it holds: {property}\n");
    }
    text
}

/// What is undecided is not judged: it may still turn out as expected. Nor is what goes where nothing is specified.
fn status(row: &Decided) -> Status {
    match (row.is_as_expected(), verdict(&row.outcome).as_str()) {
        (true, _) => Status::Conforms,
        (false, "undecided" | "unspecified") => Status::NotJudged,
        (false, _) => Status::Deviates,
    }
}

/// Decides systems by one worker.
fn by_one(arguments: &Arguments, subjects: Vec<Subject>) -> Vec<Decided> {
    let decide = |subject: Subject| {
        let began = Instant::now();
        let outcome = subject.verify(arguments.states.unwrap_or(STATES_MAX));
        Decided { subject, outcome, took: began.elapsed() }
    };
    subjects.into_iter().map(decide).collect()
}

/// Decides systems by many workers. Each goes through all systems, and is told all that is found.
fn by_many(
    arguments: &Arguments,
    subjects: Vec<Subject>,
    hosts: Option<&[Host]>,
) -> Result<Vec<Decided>, Refusal> {
    if arguments.states.is_some() {
        return Err(Refusal::new(
            "--states is for one worker: leave it out, or leave out --workers and --hosts",
        ));
    }
    let threads = arguments.workers;
    let team = match (hosts, arguments.process) {
        (Some(hosts), Some(process)) => {
            if process >= hosts.len() {
                return Err(Refusal::new(format!(
                    "there is no process {process}: the file of hosts has {}, from 0 to {}",
                    hosts.len(),
                    hosts.len() - 1
                )));
            }
            let what = fingerprint(&subjects);
            let terms = Terms { processes: hosts.len(), threads, what };
            let secret = arguments.secret.as_deref().map(secret::read).transpose()?;
            if let (None, Some(host)) = (&secret, hosts::beyond_loopback(hosts)) {
                return Err(Refusal::new(format!(
                    "{} (line {}) is no address of the loopback interface, and others may come there; give all processes the same --secret FILE",
                    host.name, host.line
                )));
            }
            let wait = Duration::from_secs(arguments.wait);
            team::gather(hosts, process, &terms, secret.as_ref(), wait)?
        }
        _ => Team::of_threads(threads),
    };
    can_start(threads)?;
    let shared = subjects.clone();
    let found = together(team, move |member| {
        let chosen = shared.iter().cloned();
        let decide = |subject: Subject| {
            let began = Instant::now();
            Ok((subject.verify_together(member)?, began.elapsed()))
        };
        chosen.map(decide).collect::<Result<Vec<_>, _>>()
    })?;
    // All found the same.
    let found = found.into_iter().next().unwrap_or_default();
    let decided = |(subject, (outcome, took))| Decided { subject, outcome, took };
    Ok(subjects.into_iter().zip(found).map(decided).collect())
}

/// Whether so many threads can run at once: what searches with them takes that for granted.
fn can_start(threads: usize) -> Result<(), Refusal> {
    let held = Mutex::new(());
    let started = thread::scope(|scope| {
        // None ends before the last has begun.
        let holding = held.lock();
        let wait = || drop(held.lock());
        let mut starts = (0..threads).map(|_| thread::Builder::new().spawn_scoped(scope, wait));
        let started = starts.try_for_each(|thread| thread.map(drop));
        drop(holding);
        started
    });
    started.map_err(|error| {
        Refusal::new(format!(
            "failed to start {threads} threads: {error}; raise the limits (ulimit -u, ulimit -v), or take fewer --workers"
        ))
    })
}

/// What is searched by what rules, in a number: states mean the same only where it is the same.
fn fingerprint(subjects: &[Subject]) -> u64 {
    let mut hasher = FxHasher::default();
    size_of::<usize>().hash(&mut hasher);
    cfg!(target_endian = "big").hash(&mut hasher);
    RULES.iter().for_each(|rule| rule.id.hash(&mut hasher));
    // Its programs and claims are told by it, too.
    subjects.iter().for_each(|subject| format!("{subject:?}").hash(&mut hasher));
    hasher.finish()
}

/// The workers that searched, in a sentence.
fn searched_by(threads: usize, processes: usize, all: &[Decided]) -> String {
    let plural = |number: usize, what: &str, more: &str| match number {
        1 => format!("1 {what}"),
        _ => format!("{number} {what}{more}"),
    };
    let workers = plural(threads * processes, "worker", "s");
    let mut text = format!("searched by {workers} in {}", plural(processes, "process", "es"));
    if all.iter().any(|row| row.subject.has_liveness()) {
        text += "; what must come in the end was decided by one of them alone";
    }
    text
}

/// The systems with these names or in these files, or all. Those with names come first, in their own order.
pub(super) fn chosen(names: &[String]) -> Result<Vec<Subject>, Refusal> {
    let mut all = systems::all();
    if names.is_empty() {
        return Ok(all);
    }
    let is_known = |name: &String| all.iter().any(|subject| subject.name() == name.as_str());
    let (known, files): (Vec<&String>, Vec<&String>) =
        names.iter().partition(|name| is_known(name));
    if let Some(name) = files.iter().find(|name| !input::is_path(name)) {
        let known: Vec<&str> = all.iter().map(Subject::name).collect();
        let meant = nearest(name, known.iter().copied());
        let meant = meant.map_or(String::new(), |near| format!("; did you mean {near}?"));
        return Err(Refusal::new(format!(
            "there is no system {name}{meant}\nchoose from {}",
            known.join(", ")
        )));
    }
    all.retain(|subject| known.iter().any(|name| subject.name() == name.as_str()));
    for file in files {
        let path = Path::new(file);
        let script = input::script_of(path, input::load_searched(path)?)?;
        all.push(Subject::System(System::of(&script)));
    }
    Ok(all)
}

fn table(all: &[Decided]) -> String {
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
    let least = ["bytes a state", "depth", "family", "seconds", "transitions", "exhaustive"];
    report::fitted(table, &least)
}

fn yes_or_no(yes: bool) -> &'static str {
    if yes { "yes" } else { "no" }
}

/// `sound`, or `unsound`; `unspecified` where a call goes where nothing is specified; `undecided` where not all states were looked at and nothing is known to be wrong.
fn verdict(outcome: &Outcome) -> String {
    let broken = outcome.broken().next().is_some();
    match (broken, outcome.report.exhaustive) {
        _ if outcome.broken().any(|(property, _)| property == SPECIFIED) => "unspecified",
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
        let name = row.subject.name();
        text += &match property {
            NO_DEADLOCK => format!("\n{name}: deadlock\n"),
            SPECIFIED => {
                format!("\n{name}: after this run a call goes where nothing is specified\n")
            }
            _ => format!("\n{name}: does not hold: {property}\n"),
        };
        text += &run.map_or(String::new(), |run| format!("{run}"));
        if property == NO_DEADLOCK
            && let Some(run) = run
        {
            text += &hang(run, &row.subject);
        }
    }
    text
}

/// The calls that sleep for ever at the end of a run that ends in a deadlock.
fn hang(run: &Run, subject: &Subject) -> String {
    let (Subject::System(system), Some(last)) = (subject, run.events.len().checked_sub(1)) else {
        return String::new();
    };
    let worlds = oracle::after(run, &system.platform);
    let present = Present::after(run, last).with_idle_over();
    let moment = Moment::of(run, &system.platform, &worlds, &present);
    let told = |moment: Moment| moment.sentences(run) + &replay::patterns(run, &moment);
    moment.map(told).unwrap_or_default()
}

fn as_json(row: &Decided, many: bool) -> Value {
    let report = &row.outcome.report;
    let broken = |(property, run): (&'static str, Option<&Run>)| json!({ "property": property, "run": run.map(ToString::to_string) });
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
        "liveness_by_one_worker": row.subject.has_liveness() && many,
        "counterexample": first.and_then(|(_, run)| run).map(ToString::to_string),
        "properties": report.found.iter().map(|found| {
            json!({ "property": found.property, "holds": found.holds })
        }).collect::<Vec<_>>(),
        "broken": row.outcome.broken().map(broken).collect::<Vec<_>>(),
    })
}
