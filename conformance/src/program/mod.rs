//! The program: its arguments, and what each command does.

mod bench;
mod channels;
mod check;
mod compare;
mod draw;
mod explore;
mod export;
mod input;
mod interrupt;
mod litmus;
mod log;
mod manual;
mod matrix;
mod numbers;
mod output;
mod replay;
mod rules;
mod system;
mod verify;
mod why;

use std::ffi::OsString;
use std::fmt::Display;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use pipewright_backends::Channel;
use pipewright_backends::sys::{process, signals};
use pipewright_conformance::report::Heading;
use pipewright_conformance::status::{self, Status};
use pipewright_model::platform::Platform;
use pipewright_model::text::nearest;

/// The executable specification of Unix inter-process communication.
///
/// Without a command: check all channels of this machine.
#[derive(Parser)]
#[command(name = "pipewright", version = version())]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Run scenarios on this machine's channels, and judge the observed runs.
    Check(check::Arguments),
    /// Make the calls of a run file again on a real channel, and judge the observed run.
    Replay(replay::Arguments),
    /// Judge a run file as it stands, without running anything.
    Judge(replay::JudgeArguments),
    /// Draw a run file as SVG: calls, waits and the contents of the channel; of a system file, draw
    /// the shortest run that breaks a claim, or shows one.
    Draw(draw::Arguments),
    /// Explore a system, or the calls of a run file in every order that the rules allow, in the
    /// browser.
    Explore(explore::Arguments),
    /// Search all states of named systems, of system files, and of the calls of a run in any order:
    /// report which are sound, and the shortest run for each that is not. Status 1 if a verdict is
    /// not the expected one.
    Verify(verify::Arguments),
    /// Print a system whose processes make the calls of a run, to be edited and verified.
    System(system::Arguments),
    /// Repeat a few concurrent calls on a real channel, and count the outcomes beside those that
    /// the rules allow.
    Litmus(litmus::Arguments),
    /// Explain why processes of this machine wait: which call each sleeps in, which process could
    /// end it, and which waits last for ever. Status 1 if one does; the command's own status if it
    /// ends.
    Why(why::Arguments),
    /// Run a command under strace, judge each channel that it uses, and report hazards such as a
    /// write end held by a process that never writes. The report goes to standard error.
    Trace(log::TraceArguments),
    /// List the differences between two profiles, or two kinds of channel: the behaviour that one
    /// allows and the other does not, by the rules alone.
    Compare(compare::Arguments),
    /// Print reports of several systems as one table: channels by systems, and each deviation with its smallest run.
    Matrix(matrix::Arguments),
    /// Write tests for a system on which this program does not run.
    Export(export::ExportArguments),
    /// Measure the cost of checking against the bare mechanisms underneath.
    Bench(bench::Arguments),
    /// Print the rules: all, those that match a word, or one with its sources and cases.
    Rules(rules::RulesArguments),
    /// Print the channels that can be checked, with direction and waiting, which are decided by a
    /// search of all behaviours.
    Channels(channels::ChannelsArguments),
    /// Print a completion script for a shell.
    Completions(manual::CompletionsArguments),
    /// Print a manual page in roff: `pipewright man | man -l -`.
    Man(manual::ManArguments),
}

/// The rules by which runs are judged.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Profile {
    /// Exactly what Linux does.
    #[default]
    Linux,
    /// What Linux from 6.5 to 6.14 does.
    #[value(name = "linux-6.12")]
    Linux612,
    /// What Linux from 5.14 to 6.4 does.
    #[value(name = "linux-6.1")]
    Linux61,
    /// What Linux before 5.14 does.
    /// Exactly what Linux before 5.14 does.
    #[value(name = "linux-5.10")]
    Linux510,
    /// All that POSIX allows.
    Posix,
}

impl Profile {
    /// The platform by which what is seen here is judged: of Linux, the one of this kernel's release.
    fn platform_here(self) -> &'static Platform {
        let uname = rustix::system::uname();
        match (self, uname.sysname().to_bytes()) {
            (Profile::Linux, b"Linux") => {
                pipewright_model::platform::linux(&uname.release().to_string_lossy())
            }
            _ => self.platform(),
        }
    }

    fn platform(self) -> &'static Platform {
        match self {
            Profile::Linux => &pipewright_model::platform::LINUX,
            Profile::Linux612 => &pipewright_model::platform::LINUX_6_12,
            Profile::Linux61 => &pipewright_model::platform::LINUX_6_1,
            Profile::Linux510 => &pipewright_model::platform::LINUX_5_10,
            Profile::Posix => &pipewright_model::platform::POSIX,
        }
    }
}

/// The version, the kernel on which the program runs, and how many rules it knows.
fn version() -> String {
    let rules = pipewright_model::rules::COUNT;
    format!("{} ({}, {rules} rules)", env!("CARGO_PKG_VERSION"), Heading::here("", 0).kernel)
}

/// The command line. The help text of each command ends with the exit statuses.
fn command_line() -> clap::Command {
    let with_statuses = |command: clap::Command| command.after_help(status::help());
    with_statuses(Arguments::command()).mut_subcommands(with_statuses)
}

/// What was typed; what can't be understood ends the program, as do the help texts.
fn typed() -> Result<Arguments, ExitCode> {
    let mut command = command_line();
    let matches = command.try_get_matches_from_mut(words(std::env::args_os().collect()));
    let arguments = matches.and_then(|matches| {
        Arguments::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
    });
    arguments.map_err(|error| {
        if !error.use_stderr() {
            error.exit();
        }
        let coloured = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        let text = error.render();
        let text = if coloured { text.ansi().to_string() } else { text.to_string() };
        // All errors of this program begin alike.
        let _ = write!(io::stderr(), "{}", text.replacen("error:", "pipewright:", 1));
        Status::BadInput.into()
    })
}

/// What was typed, with the command that is meant where there are options alone.
fn words(mut typed: Vec<OsString>) -> Vec<OsString> {
    let of_program = ["-h", "--help", "-V", "--version", "--"];
    let option = typed.get(1).is_some_and(|word| {
        word.as_encoded_bytes().starts_with(b"-") && !of_program.iter().any(|own| word == own)
    });
    if option {
        typed.insert(1, "check".into());
    }
    typed
}

/// What comes before all else: a signal may come at any time.
pub(crate) fn begin() -> Result<(), ExitCode> {
    interrupt::install().map_err(|error| {
        print_error(&format!("failed to handle signals: {error}"));
        Status::BadInput.into()
    })
}

pub(crate) fn run() -> ExitCode {
    process::own_files();
    signals::too_large_is_an_error();
    let arguments = match typed() {
        Ok(arguments) => arguments,
        Err(status) => return status,
    };
    let result = match arguments.command {
        None => check::run(&check::Arguments::default()),
        Some(Command::Check(arguments)) => check::run(&arguments),
        Some(Command::Replay(arguments)) => replay::run(&arguments),
        Some(Command::Trace(arguments)) => log::trace(&arguments),
        Some(Command::Judge(arguments)) => replay::judge(&arguments),
        Some(Command::Draw(arguments)) => draw::run(&arguments),
        Some(Command::Explore(arguments)) => explore::run(&arguments),
        Some(Command::Verify(arguments)) => verify::run(&arguments),
        Some(Command::System(arguments)) => system::run(&arguments),
        Some(Command::Litmus(arguments)) => litmus::run(&arguments),
        Some(Command::Why(arguments)) => return ended(why::run(&arguments)),
        Some(Command::Compare(arguments)) => compare::run(&arguments),
        Some(Command::Matrix(arguments)) => matrix::run(&arguments),
        Some(Command::Export(arguments)) => export::run(&arguments),
        Some(Command::Bench(arguments)) => bench::run(&arguments),
        Some(Command::Rules(arguments)) => rules::rules(&arguments),
        Some(Command::Channels(arguments)) => channels::channels(&arguments),
        Some(Command::Completions(arguments)) => manual::completions(&arguments),
        Some(Command::Man(arguments)) => manual::man(&arguments),
    };
    ended(result)
}

fn ended(result: Result<impl Into<ExitCode>, String>) -> ExitCode {
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
    output::Text::default().print(text)
}

/// The channel called `name`.
fn channel(name: &str) -> Result<&'static dyn Channel, String> {
    pipewright_backends::named(name).ok_or_else(|| {
        let all = pipewright_backends::channels().iter();
        let names: Vec<_> = all.map(|channel| channel.name()).collect();
        match nearest(name, names.iter().copied()) {
            Some(meant) => format!("there is no such channel; did you mean {meant}?"),
            None => format!("there is no such channel; choose from {}", names.join(", ")),
        }
    })
}
