//! `pipewright judge` of a log of strace, and `pipewright trace`: each channel of the programs, judged.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Args;
use comfy_table::Table;
use comfy_table::presets::NOTHING;
use pipewright_conformance::strace::{self, Calls, Found, Hazard, Interrupted, Knot};
use pipewright_conformance::why::Pattern;
use pipewright_model::diagnosis::diagnose;
use pipewright_model::oracle::{self, Verdict};
use pipewright_model::platform::Platform;
use pipewright_model::run::Event;
use pipewright_model::text;

use super::interrupt::finish_first;
use super::output::Text;
use super::{Profile, Refusal, Status};

/// Arguments of `trace`.
#[derive(Args)]
pub(super) struct TraceArguments {
    /// Where to keep the log of strace; by default it is not kept.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The rules to judge by.
    #[arg(long, value_enum, default_value_t)]
    profile: Profile,
    /// Where to save the run of each channel, a file each.
    #[arg(long, value_name = "DIR")]
    save: Option<PathBuf>,
    /// The command and its arguments.
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

/// What strace is told to write: all processes, little data (of an array it writes as many elements as of a string
/// bytes), the calls that channels and descriptors are made of.
const STRACE: [&str; 6] = [
    "-f",
    "-q",
    "-s",
    "16",
    "-e",
    "trace=%desc,%process,%network,mknod,chdir,unlink,rename,mq_unlink",
];

/// Runs a command under strace, and judges what it did.
pub(super) fn trace(arguments: &TraceArguments) -> Result<Status, String> {
    traced(arguments).map_err(|refusal| refusal.text().to_owned())
}

fn traced(arguments: &TraceArguments) -> Result<Status, Refusal> {
    finish_first();
    let failed = |what: &str, error: &dyn std::fmt::Display| {
        Refusal::new(format!("failed to {what}: {error}"))
    };
    let place =
        tempfile::tempdir().map_err(|error| failed("make a directory for the log", &error))?;
    let log = match &arguments.output {
        Some(path) => path.clone(),
        None => place.path().join("strace.log"),
    };
    let mut strace = Command::new("strace");
    strace.args(STRACE).arg("-o").arg(&log).arg("--").args(&arguments.command);
    let status = strace.status().map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Refusal::new(
            "there is no strace here; install it by the package manager (apt-get install strace), or bring a log: \
             strace -f -s 16 -o LOG COMMAND, then pipewright judge LOG",
        ),
        _ => failed("run strace", &error),
    })?;
    let bytes =
        std::fs::read(&log).map_err(|error| failed(&format!("read {}", log.display()), &error))?;
    let text = String::from_utf8_lossy(&bytes);
    if text.is_empty() {
        return Err(Refusal::new(format!("strace wrote nothing, and ended with {status}")));
    }
    let save = arguments.save.as_deref();
    told(&text, arguments.profile.platform_here(), Text::aside(), save)
}

/// Judges a log, and tells of it.
pub(super) fn judge(
    log: &str,
    platform: &Platform,
    save: Option<&Path>,
) -> Result<Status, Refusal> {
    told(log, platform, Text::default(), save)
}

/// What became of a channel.
struct Judged {
    word: String,
    status: Status,
    notes: String,
}

fn told(log: &str, platform: &Platform, to: Text, save: Option<&Path>) -> Result<Status, Refusal> {
    let calls = strace::calls(log);
    if calls.calls.is_empty() {
        return Err(Refusal::new(
            "no line of it tells of a call: it takes what `strace -f -o LOG COMMAND` writes",
        ));
    }
    let mut channels = strace::channels(&calls);
    channels.found.retain(|found| !found.run.seats.is_empty());
    let mut table = Table::new();
    table.load_preset(NOTHING);
    let (mut notes, mut status) = (String::new(), Status::Conforms);
    let mut hazards: Vec<(Hazard, &Found)> = Vec::new();
    let mut in_full = 0;
    for found in &channels.found {
        let judged = judged(found, platform);
        let is_call = |event: &&Event| matches!(event, Event::Call(_));
        let count = found.run.events.iter().filter(is_call).count();
        let size = format!("{count} calls of {} processes and threads", found.run.seats.len());
        table.add_row([found.name.clone(), judged.word, size]);
        notes += &judged.notes;
        in_full += usize::from(judged.status != Status::NotJudged);
        status = status.and(judged.status);
        hazards.extend(found.hazards().into_iter().map(|hazard| (hazard, found)));
    }
    hazards.sort_by(|(a, _), (b, _)| a.cmp(b));
    let mut text = heading(&calls, &channels.found);
    if !channels.found.is_empty() {
        let _ = writeln!(text, "{table}");
    }
    text += &notes;
    text += &asleep(&calls, &channels.found, platform);
    for (hazard, found) in hazards {
        let _ = writeln!(text, "hazard: {}: {}", found.name, in_words(&hazard));
    }
    if channels.hidden > 0 {
        let _ = writeln!(
            text,
            "not looked at: {} channels whose descriptors the log hides, as `pipe2([...])`; strace writes them with -s 2 or more",
            channels.hidden
        );
        status = status.and(Status::NotJudged);
    }
    if !channels.connections.is_empty() {
        let number = channels.connections.len();
        let _ = writeln!(text, "not looked at: {number} sockets that connect by an address");
    }
    let all = channels.found.len() + channels.hidden + channels.connections.len();
    if all > 0 {
        let _ = writeln!(text, "judged in full: {in_full} of {all} channels");
    }
    if let Some(dir) = save {
        text += &saved(&channels.found, dir)?;
    }
    to.print(&text)?;
    Ok(status)
}

/// Writes the run of each channel.
fn saved(channels: &[Found], dir: &Path) -> Result<String, Refusal> {
    let failed = |path: &Path, error: std::io::Error| {
        Refusal::new(format!("failed to write {}: {error}", path.display()))
    };
    std::fs::create_dir_all(dir).map_err(|error| failed(dir, error))?;
    for (number, found) in (1..).zip(channels) {
        let kind = found.run.channels[0].setup.kind.name;
        let path = dir.join(format!("{number:03}-{kind}.case"));
        let text = format!("# {}\n{}", found.name, found.run);
        std::fs::write(&path, text).map_err(|error| failed(&path, error))?;
    }
    Ok(format!("saved: {} runs in {}\n", channels.len(), dir.display()))
}

fn heading(calls: &Calls, channels: &[Found]) -> String {
    let mut processes: Vec<u32> = calls.calls.iter().map(|call| call.process).collect();
    processes.sort_unstable();
    processes.dedup();
    let mut kinds: Vec<(&str, usize)> = Vec::new();
    for found in channels {
        let name = found.run.channels[0].setup.kind.name;
        match kinds.iter_mut().find(|(other, _)| *other == name) {
            Some((_, count)) => *count += 1,
            None => kinds.push((name, 1)),
        }
    }
    let kinds: Vec<String> =
        kinds.into_iter().map(|(name, count)| format!("{count} {name}")).collect();
    let kinds = if kinds.is_empty() { "no channels".into() } else { kinds.join(", ") };
    format!("{} calls of {} processes and threads; {kinds}\n", calls.calls.len(), processes.len())
}

fn judged(found: &Found, platform: &Platform) -> Judged {
    let mut notes = String::new();
    let run = &found.run;
    if let Err(malformed) = run.check() {
        let notes = format!("{}: the log contradicts itself: {malformed}\n", found.name);
        return Judged { word: "not judged".into(), status: Status::NotJudged, notes };
    }
    let judgement = oracle::judge(run, platform);
    let line = |event: usize| {
        found.lines.get(event).map(|line| format!("line {line}")).unwrap_or_default()
    };
    let (word, status) = match judgement.verdict {
        Verdict::Conforms if found.unjudged.is_none() => ("conforms", Status::Conforms),
        Verdict::Conforms => ("conforms so far", Status::NotJudged),
        Verdict::Deviates => ("DEVIATES", Status::Deviates),
        Verdict::Unspecified { from, reason } => {
            let _ = writeln!(notes, "{}: from {} on not judged: {reason}", found.name, line(from));
            ("not judged in full", Status::NotJudged)
        }
        Verdict::Inconclusive { at } => {
            let _ = writeln!(
                notes,
                "{}: too many orders of concurrent calls at {}",
                found.name,
                line(at)
            );
            ("not judged in full", Status::NotJudged)
        }
    };
    if let Some((line, why)) = &found.unjudged {
        let _ = writeln!(notes, "{}: from line {line} on not judged: {why}", found.name);
    }
    for deviation in &judgement.deviations {
        let says = diagnose(run, &judgement, deviation);
        let words = text::event(run, deviation.event);
        let _ = writeln!(
            notes,
            "{}: {}: no rule allows `{}`\n  {says}",
            found.name,
            line(deviation.event),
            words.trim()
        );
    }
    Judged { word: word.into(), status, notes }
}

/// The calls that sleep where the log ends, or slept when a signal from outside ended the command.
fn asleep(calls: &Calls, found: &[Found], platform: &Platform) -> String {
    let (asleep, place) = match (&calls.interrupted, calls.until_interrupted()) {
        (Some(Interrupted { signal, line, .. }), Some(before)) => {
            let found = strace::channels(&before).found;
            (
                strace::asleep(&before, &found, platform),
                format!("where {signal} came (line {line})"),
            )
        }
        _ => (strace::asleep(calls, found, platform), "where the log ends".to_owned()),
    };
    let mut text = String::new();
    for (name, told) in &asleep.channels {
        let _ = write!(text, "{name}, {place}:\n{told}");
    }
    if !asleep.channels.is_empty() {
        asleep.children.iter().for_each(|told| text += &format!("{told}\n"));
    }
    for Knot { threads, pattern } in &asleep.knots {
        let names: Vec<String> = threads.iter().map(|thread| format!("p{thread}")).collect();
        let _ = match names.as_slice() {
            [one] => writeln!(text, "a knot: {one} waits for what can't come"),
            [others @ .., last] => {
                writeln!(text, "a knot: {} and {last} wait for each other", others.join(", "))
            }
            [] => Ok(()),
        };
        text += &pattern.map(Pattern::in_a_line).unwrap_or_default();
    }
    text += &asleep.pattern.map(Pattern::in_a_line).unwrap_or_default();
    text
}

fn in_words(hazard: &Hazard) -> String {
    let names =
        |processes: &[u32]| processes.iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
    match hazard {
        Hazard::HeldWriteEnd(by) => format!(
            "{} hold the write end and never write; the end of file waits for them",
            names(by)
        ),
        Hazard::WaitBeforeDrain(by) => format!(
            "{} waits for a child before it reads what is written: more than fits would wait for ever",
            names(by)
        ),
        Hazard::SeveralReaders(by) => {
            format!("{} read from it: who gets which bytes is left to chance", names(by))
        }
        Hazard::SharedNonblock(by) => {
            format!("{} change O_NONBLOCK of a description that others share", names(by))
        }
        Hazard::LeakedOverExec(by) => format!("{} got it over exec and never use it", names(by)),
    }
}
