//! The program: its arguments, and what each command does.

mod bench;
mod check;
mod draw;
mod explore;
mod list;
mod replay;
mod verify;

use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};
use pipewright_backends::Channel;
use pipewright_model::platform::Platform;
use pipewright_model::rules::RULES;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    Conforms,
    Deviates,
    BadInput,
    Inconclusive,
    Stopped,
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> ExitCode {
        ExitCode::from(match status {
            Status::Conforms => 0,
            Status::Deviates => 1,
            Status::BadInput => 2,
            Status::Inconclusive => 3,
            Status::Stopped => 130,
        })
    }
}

/// The executable specification of Unix inter-process communication.
///
/// Without a command: check all channels of this machine.
#[derive(Parser)]
#[command(version, after_help = EXIT_STATUS)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

const EXIT_STATUS: &str = "Exit status: 0 conforms, 1 deviates, 2 bad usage or input, \
3 not all could be judged (inconclusive), 130 stopped by Ctrl-C.";

#[derive(Subcommand)]
enum Command {
    /// Run scenarios on this machine's channels and judge what is seen.
    Check(check::Arguments),
    /// Run a run file's calls again on a real channel and judge what is seen.
    Replay(replay::Arguments),
    /// Judge a run file as it stands, without running anything.
    Judge(replay::JudgeArguments),
    /// Draw a run file: who called what, what waited, and what was in the channel, as SVG.
    Draw(draw::Arguments),
    /// Step through a system, or a run file's calls in every order that the rules allow, in the browser.
    Explore(explore::Arguments),
    /// Search all states of the named systems: which are sound, and the shortest run where one isn't. Status 1
    /// if a verdict is not the expected one.
    Verify(verify::Arguments),
    /// Measure what checking costs, against the bare mechanisms under it.
    Bench(bench::Arguments),
    /// Print the rules, or one of them with its sources and cases.
    Rules(list::RulesArguments),
    /// Print the channels that can be checked, and what the rules say of each: its direction and its
    /// waiting are decided by going through all behaviours, not declared.
    Channels(list::ChannelsArguments),
}

/// The rules by which runs are judged.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Profile {
    /// Exactly what Linux does.
    #[default]
    Linux,
    /// All that POSIX allows.
    Posix,
}

impl Profile {
    fn platform(self) -> &'static Platform {
        match self {
            Profile::Linux => &pipewright_model::platform::LINUX,
            Profile::Posix => &pipewright_model::platform::POSIX,
        }
    }
}

pub(crate) fn run() -> ExitCode {
    let arguments = Arguments::parse();
    let result = match arguments.command {
        None => check::run(&check::Arguments::default()),
        Some(Command::Check(arguments)) => check::run(&arguments),
        Some(Command::Replay(arguments)) => replay::run(&arguments),
        Some(Command::Judge(arguments)) => replay::judge(&arguments),
        Some(Command::Draw(arguments)) => draw::run(&arguments),
        Some(Command::Explore(arguments)) => explore::run(&arguments),
        Some(Command::Verify(arguments)) => verify::run(&arguments),
        Some(Command::Bench(arguments)) => bench::run(&arguments),
        Some(Command::Rules(arguments)) => list::rules(&arguments),
        Some(Command::Channels(arguments)) => list::channels(&arguments),
    };
    match result {
        Ok(status) => status.into(),
        Err(error) => {
            print_error(&error);
            Status::BadInput.into()
        }
    }
}

/// Prints to standard error.
fn print_error(text: &str) {
    let _ = writeln!(io::stderr(), "pipewright: {text}");
}

/// What ends the program with status 2: a text that names the place and the remedy.
struct Refusal(String);

impl<E: Display> From<E> for Refusal {
    fn from(error: E) -> Refusal {
        Refusal(error.to_string())
    }
}

impl Refusal {
    fn new(text: impl Into<String>) -> Refusal {
        Refusal(text.into())
    }
}

impl Refusal {
    fn text(&self) -> &str {
        &self.0
    }
}

/// Prints to standard output; a reader that has gone (`| head`) is no error.
fn print(text: &str) -> Result<(), Refusal> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Refusal::new(format!("failed to write to standard output: {error}")))
        }
        _ => Ok(()),
    }
}

/// The channel called `name`.
fn channel(name: &str) -> Result<&'static dyn Channel, String> {
    pipewright_backends::named(name).ok_or_else(|| {
        let all = pipewright_backends::channels().iter();
        let names: Vec<_> = all.map(|channel| channel.name()).collect();
        format!("there is no such channel; choose from {}", names.join(", "))
    })
}

/// Whether a text is the id of a rule.
fn rule(id: &str) -> Result<String, String> {
    match RULES.iter().any(|rule| rule.id == id) {
        true => Ok(id.to_owned()),
        false => Err("there is no such rule; `pipewright rules` lists them".to_owned()),
    }
}
