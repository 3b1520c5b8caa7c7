//! `pipewright why`: who waits for whom on this machine, and what would end it.

use std::ffi::OsString;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use nix::unistd::{geteuid, getpgrp, getpid};
use pipewright_backends::sys::signals;
use pipewright_conformance::stop;
use pipewright_conformance::why::{About, Report, Snapshot, Started, Step, picture, settled};

use super::interrupt::{self, finish_first};
use super::output::{self, Outputs, Text};
use super::{Refusal, Status, print_error};

/// How long after a look that found no knot the next one comes: at least, at most at first, and at most.
const AGAIN_MIN: Duration = Duration::from_millis(100);
const AGAIN_FIRST: Duration = Duration::from_secs(10);
const AGAIN_MAX: Duration = Duration::from_secs(300);

/// Arguments of `why`.
#[derive(Args)]
pub(super) struct Arguments {
    /// Processes to explain, with all processes that they depend on; by default the knots among all
    /// processes of this user.
    #[arg(value_name = "PID", value_parser = process)]
    processes: Vec<i32>,
    /// Run a command, and explain its waits if it is not done in time: a command that waits for
    /// ever is killed with all its descendants, any other goes on.
    #[arg(last = true, value_name = "COMMAND", conflicts_with = "processes")]
    command: Vec<OsString>,
    /// How long the command may take before it is inspected.
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = time, requires = "command")]
    after: Duration,
    /// Write the answer as JSON; `-` is standard output.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// The number of a process.
fn process(text: &str) -> Result<i32, String> {
    let id = text.parse().ok().filter(|id: &i32| *id > 0);
    id.ok_or_else(|| "it takes the number of a process; `pgrep NAME` tells it".to_owned())
}

/// A time with its unit.
fn time(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let factor = match &text[digits.len()..] {
        "ms" => Some(1),
        "" | "s" => Some(1_000),
        "m" => Some(60_000),
        "h" => Some(3_600_000),
        _ => None,
    };
    let number = digits.parse::<u32>().ok().map(u64::from);
    let milliseconds = number.zip(factor).map(|(number, factor)| number * factor);
    let told = || "it takes a time, such as 500ms, 30s, 5m or 1h".to_owned();
    milliseconds.map(Duration::from_millis).ok_or_else(told)
}

/// Explains.
pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, String> {
    explained(arguments).map_err(|refusal| refusal.text().to_owned())
}

fn explained(arguments: &Arguments) -> Result<ExitCode, Refusal> {
    let mut outputs = output::open(&[("--json", arguments.json.as_ref())], &[])?;
    if !arguments.command.is_empty() {
        return watched(arguments, &mut outputs);
    }
    let mut about = About::User(geteuid().as_raw());
    let snapshot = seen()?;
    if !arguments.processes.is_empty() {
        let ids = arguments.processes.iter().map(|id| known(&snapshot, *id));
        about = About::Processes(ids.collect::<Result<_, _>>()?);
    }
    let told = tell(&snapshot, &about, &mut outputs)?;
    Ok(told.into())
}

fn seen() -> Result<Snapshot, Refusal> {
    settled(getpid().as_raw())
        .map_err(|error| Refusal::new(format!("failed to look at processes: {error}")))
}

/// The process of this number, or of the thread of this number.
fn known(snapshot: &Snapshot, id: i32) -> Result<i32, Refusal> {
    if snapshot.processes.contains_key(&id) {
        return Ok(id);
    }
    let mut processes = snapshot.processes.values();
    let by_thread = processes.find(|process| process.threads.iter().any(|own| own.id == id));
    by_thread.map(|process| process.id).ok_or_else(|| {
        Refusal::new(format!(
            "there is no process {id} (or it is a thread of the kernel): `pgrep -a NAME` lists them"
        ))
    })
}

fn tell(snapshot: &Snapshot, about: &About, outputs: &mut Outputs) -> Result<Status, Refusal> {
    let picture = picture(snapshot, getpid().as_raw());
    let report = Report::new(&picture, about);
    outputs.text.print(&report.text())?;
    outputs.write(0, || Ok(report.json()))?;
    Ok(report.status())
}

/// Runs the command, and looks at it once its time is over, and then from time to time.
fn watched(arguments: &Arguments, outputs: &mut Outputs) -> Result<ExitCode, Refusal> {
    finish_first();
    signals::too_large_is_a_signal();
    let started = Started::new(&arguments.command);
    signals::too_large_is_an_error();
    let mut started = started.map_err(|error| {
        let name = arguments.command[0].to_string_lossy();
        Refusal::new(format!("failed to run {name}: {error}"))
    })?;
    // Its output is the command's own.
    let text = Text::aside();
    let (mut at_most, mut first) = (arguments.after, true);
    let mut again = arguments.after.clamp(AGAIN_MIN, AGAIN_FIRST);
    let mut asked_to_stop = false;
    loop {
        match started
            .wait(at_most, stop::requested)
            .map_err(|error| Refusal::new(error.to_string()))?
        {
            Step::Ended(code) => {
                if asked_to_stop {
                    started.end_all();
                }
                return Ok(ExitCode::from(code));
            }
            Step::Stopped if asked_to_stop => {
                started.end_all();
                return Ok(Status::Stopped.into());
            }
            Step::Stopped => {
                // From the terminal it has come to the command as well, which ends as it likes; one more ends it.
                asked_to_stop = true;
                if !has_the_terminal() {
                    started
                        .signal(nix::libc::SIGTERM)
                        .map_err(|error| Refusal::new(error.to_string()))?;
                }
                interrupt::once_more();
            }
            Step::Time => {
                let snapshot = seen()?;
                let picture = picture(&snapshot, getpid().as_raw());
                let report = Report::new(&picture, &About::Processes(vec![started.id()]));
                // A command that works is told of once.
                if first || report.hangs() {
                    text.print(&report.text())?;
                    outputs.write(0, || Ok(report.json()))?;
                }
                if report.hangs() {
                    started.end_all();
                    print_error("the command and all that came of it were ended");
                    return Ok(report.status().into());
                }
                first = false;
                at_most = again;
                again = (again * 2).min(AGAIN_MAX);
            }
        }
    }
}

/// Whether signals from the keyboard come to this process group.
fn has_the_terminal() -> bool {
    let stdin = std::io::stdin();
    let foreground =
        || rustix::termios::tcgetpgrp(&stdin).ok().map(|group| group.as_raw_nonzero().get());
    stdin.is_terminal() && foreground() == Some(getpgrp().as_raw())
}
