//! Calls put together from their lines, in the order in which they began and ended.

use std::collections::{HashMap, HashSet};

use pipewright_model::call::{Sig, Termination};

use super::line::{Told, cut, read};

/// What a call returned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A number.
    Value(i64),
    /// An error, by its name.
    Error(String),
    /// Nothing: it never returned, or the log does not say.
    None,
}

/// A call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The thread that made it, by number.
    pub process: u32,
    /// Its name.
    pub name: String,
    /// Its arguments as they stand in the log.
    pub arguments: Vec<String>,
    /// What it returned.
    pub outcome: Outcome,
    /// Whether SIGPIPE came right behind it.
    pub sigpipe: bool,
    /// The line at which it begins, from 1.
    pub line: usize,
}

/// Something in the order of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A call begins, by its index.
    Begins(usize),
    /// A call returns, by its index.
    Ends(usize),
    /// A process ends, with this status.
    Exits {
        /// Which.
        process: u32,
        /// Its status, as the shell tells it.
        status: Termination,
    },
    /// A signal has stopped a process, or SIGCONT lets it go on.
    Stops {
        /// Which.
        process: u32,
        /// Whose signal it is, where the log says so.
        by: Option<u32>,
        /// Whether it is stopped.
        stopped: bool,
    },
}

/// A log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Calls {
    /// All calls, in the order in which they begin.
    pub calls: Vec<Call>,
    /// What happens in which order, each with its line.
    pub steps: Vec<(Step, usize)>,
    /// Lines that no line of strace is like.
    pub strange: Vec<usize>,
    /// Where somebody from outside ended what was traced, as by Ctrl-C.
    pub interrupted: Option<Interrupted>,
}

/// A signal from outside that ends programs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interrupted {
    /// Its name.
    pub signal: String,
    /// The line that tells of it.
    pub line: usize,
    /// The processes that got it, the first time, with the line.
    by: HashMap<u32, usize>,
}

/// Reads a log.
pub(super) fn told(text: &str) -> Calls {
    let mut log = Calls::default();
    let mut open: HashMap<u32, usize> = HashMap::new();
    let mut last: HashMap<u32, usize> = HashMap::new();
    let mut senders: HashMap<u32, Option<u32>> = HashMap::new();
    let mut stopped: HashSet<u32> = HashSet::new();
    for (line, text) in (1..).zip(text.lines()) {
        let Some((process, told)) = read(text) else {
            log.strange.push(line);
            continue;
        };
        match told {
            Told::Call { name, arguments, result } => {
                let at = log.begin(process, name, arguments, line);
                log.calls[at].outcome = outcome(result);
                log.steps.push((Step::Ends(at), line));
                last.insert(process, at);
            }
            Told::Begins { name, arguments } => {
                open.insert(process, log.begin(process, name, arguments, line));
            }
            Told::Resumes { name, arguments, result } => {
                let begun = open.remove(&process).filter(|at| log.calls[*at].name == name);
                // From the middle of a log: nothing is known of how it began.
                let Some(at) = begun else { continue };
                let more = cut(arguments).into_iter().map(str::to_owned);
                log.calls[at].arguments.extend(more);
                log.calls[at].outcome = outcome(result);
                log.steps.push((Step::Ends(at), line));
                last.insert(process, at);
            }
            Told::Signal { name, from } => {
                if ENDING.contains(&name) && from.is_none_or(|from| !log.knows(from)) {
                    log.is_interrupted(name, line, process);
                }
                if let Some(at) = last.get(&process).filter(|_| name == "SIGPIPE") {
                    log.calls[*at].sigpipe = true;
                }
                if name == "SIGCONT" && stopped.remove(&process) {
                    log.steps.push((Step::Stops { process, by: from, stopped: false }, line));
                }
                senders.insert(process, from);
            }
            Told::Stopped => {
                let by = senders.get(&process).copied().flatten();
                if stopped.insert(process) {
                    log.steps.push((Step::Stops { process, by, stopped: true }, line));
                }
            }
            Told::Exited { status } => log.ends(process, Termination::Exit(status), line),
            Told::Killed { name } => {
                // Who sent a SIGKILL is not told; a call of somebody here would be.
                if name == "SIGKILL" && !log.calls.iter().any(|call| call.name.contains("kill")) {
                    log.is_interrupted(name, line, process);
                }
                let number = nix::sys::signal::Signal::from_str_or(name);
                log.ends(process, Termination::Signal(Sig(number)), line);
            }
            Told::Nothing => {}
        }
    }
    log.ends_untold();
    log
}

/// The number of a signal by its name.
trait FromStrOr {
    fn from_str_or(name: &str) -> u8;
}

impl FromStrOr for nix::sys::signal::Signal {
    fn from_str_or(name: &str) -> u8 {
        name.parse::<nix::sys::signal::Signal>().map_or(0, |signal| signal as u8)
    }
}

/// So many calls or more are made by any two programs that a dynamic linker starts; some of them fail.
const CALLS_OF_ANY_PROGRAM: usize = 60;

/// Signals by which people end programs.
const ENDING: [&str; 4] = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"];

impl Calls {
    fn knows(&self, process: u32) -> bool {
        self.calls.iter().any(|call| call.process == process)
    }

    fn is_interrupted(&mut self, signal: &str, line: usize, process: u32) {
        let first = || Interrupted { signal: signal.to_owned(), line, by: HashMap::new() };
        let interrupted = self.interrupted.get_or_insert_with(first);
        interrupted.by.entry(process).or_insert(line);
    }

    /// Whether a signal from outside has ended a call before it was done.
    fn is_cut_short(&self, at: usize) -> bool {
        let call = &self.calls[at];
        match &call.outcome {
            Outcome::Error(name) => name.starts_with("ERESTART") || name == "EINTR",
            // A write that has moved some tells how many; the signal comes right behind it.
            Outcome::Value(count) => {
                let writes = matches!(call.name.as_str(), "write" | "sendto" | "send");
                let some = call.number(2).is_some_and(|len| (1..len).contains(count));
                let signal = self.interrupted.as_ref().and_then(|all| all.by.get(&call.process));
                let last = |signal: &usize| {
                    let of_it = |step: &&(Step, usize)| match step.0 {
                        Step::Ends(other) => self.calls[other].process == call.process,
                        _ => false,
                    };
                    let before = self.steps.iter().rev().skip_while(|step| step.1 >= *signal);
                    let mut before = before.filter(of_it);
                    before.next().is_some_and(|step| step.0 == Step::Ends(at))
                };
                writes && some && signal.is_some_and(last)
            }
            Outcome::None => false,
        }
    }

    /// What the log tells up to where somebody from outside ended it: calls that the signal has cut short were in
    /// progress.
    pub fn until_interrupted(&self) -> Option<Calls> {
        let until = self.interrupted.as_ref()?.line;
        let (before, after): (Vec<_>, Vec<_>) =
            self.steps.iter().copied().partition(|(_, line)| *line < until);
        let mut log = Calls { calls: self.calls.clone(), ..Calls::default() };
        let mut last: HashMap<u32, usize> = HashMap::new();
        for (step, _) in &before {
            if let Step::Begins(at) = step {
                last.insert(self.calls[*at].process, *at);
            }
        }
        let in_progress =
            |at: usize| self.is_cut_short(at) && last.get(&self.calls[at].process) == Some(&at);
        let keeps = |step: &(Step, usize)| !matches!(step.0, Step::Ends(at) if in_progress(at));
        log.steps = before.into_iter().filter(keeps).collect();
        // A call on one line stands where it ended, though it began before.
        let mut seen = HashSet::new();
        for (step, line) in after {
            let Step::Begins(at) = step else { continue };
            if seen.insert(self.calls[at].process) && self.is_cut_short(at) {
                log.steps.push((Step::Begins(at), line));
                last.insert(self.calls[at].process, at);
            }
        }
        for at in last.into_values().filter(|at| self.is_cut_short(*at)) {
            log.calls[at].outcome = Outcome::None;
        }
        Some(log)
    }

    fn begin(&mut self, process: u32, name: &str, arguments: &str, line: usize) -> usize {
        let arguments = cut(arguments).into_iter().map(str::to_owned).collect();
        let (name, outcome) = (name.to_owned(), Outcome::None);
        self.calls.push(Call { process, name, arguments, outcome, sigpipe: false, line });
        let at = self.calls.len() - 1;
        self.steps.push((Step::Begins(at), line));
        at
    }

    /// Whether nothing but calls that succeeded stands in it, each where it returned, as `strace -z` writes: several processes
    /// whose calls never overlap, and none of which fails, are hardly anything else.
    pub(super) fn tells_of_successes_alone(&self) -> bool {
        let whole = |pair: &[(Step, usize)]| match pair {
            [(Step::Begins(begins), _), (Step::Ends(ends), _)] => begins == ends,
            [(Step::Begins(at), _), ..] => self.calls[*at].outcome == Outcome::None,
            _ => true,
        };
        let failed = |call: &Call| matches!(call.outcome, Outcome::Error(_));
        let processes: HashSet<u32> = self.calls.iter().map(|call| call.process).collect();
        processes.len() > 1
            && self.calls.len() >= CALLS_OF_ANY_PROGRAM
            && !self.calls.iter().any(failed)
            && self.steps.windows(2).all(whole)
    }

    /// The ends of processes that have no line of their own (`strace -qq`): who has called `exit_group(2)` has ended, and who
    /// was waited for.
    fn ends_untold(&mut self) {
        let told = self.steps.iter().filter_map(|(step, _)| match step {
            Step::Exits { process, .. } => Some(*process),
            _ => None,
        });
        let mut ended: HashSet<u32> = told.collect();
        let mut untold: Vec<(u32, Termination, usize)> = Vec::new();
        for call in &self.calls {
            let exits = matches!(call.name.as_str(), "exit_group" | "exit");
            let end = match exits.then(|| call.number(0)).flatten() {
                // The status of a process is its lowest byte.
                Some(status) => Some((call.process, Termination::Exit(status as u8))),
                None => call.reaps(),
            };
            if let Some((process, status)) = end.filter(|(process, _)| ended.insert(*process)) {
                untold.push((process, status, call.line));
            }
        }
        for (process, status, line) in untold {
            if self.knows(process) {
                self.ends(process, status, line);
            }
        }
    }

    /// The end of a process. What it holds may have been let go of since its last call: strace hears of it later than
    /// those who wait for that.
    fn ends(&mut self, process: u32, status: Termination, line: usize) {
        let of_it = |step: &(Step, usize)| match step.0 {
            Step::Begins(at) | Step::Ends(at) => self.calls[at].process == process,
            Step::Stops { process: stopped, .. } => stopped == process,
            Step::Exits { .. } => false,
        };
        let after = self.steps.iter().rposition(of_it).map_or(self.steps.len(), |at| at + 1);
        self.steps.insert(after, (Step::Exits { process, status }, line));
    }
}

fn outcome(result: &str) -> Outcome {
    let mut words = result.split_whitespace();
    let value = words.next().unwrap_or_default();
    if value == "?" {
        return words.next().map_or(Outcome::None, |name| Outcome::Error(name.to_owned()));
    }
    // With -yy a descriptor is followed by what it is.
    let digits = value.split('<').next().unwrap_or_default();
    match (digits.parse::<i64>(), words.next()) {
        (Ok(-1), Some(name)) => Outcome::Error(name.to_owned()),
        (Ok(value), _) => Outcome::Value(value),
        // Addresses.
        (Err(_), _) if digits.starts_with("0x") => Outcome::Value(0),
        (Err(_), _) => Outcome::None,
    }
}

impl Call {
    /// A number among its arguments; of a descriptor its number.
    pub fn number(&self, at: usize) -> Option<i64> {
        let digits = self.arguments.get(at)?.split('<').next()?;
        digits.trim().parse().ok()
    }

    /// The process that it has waited for until it ended, and how that was: `wait4(-1, [{WIFEXITED(s) && WEXITSTATUS(s) == 0}], …) = 12`.
    fn reaps(&self) -> Option<(u32, Termination)> {
        if !matches!(self.name.as_str(), "wait4" | "waitpid") {
            return None;
        }
        let process = u32::try_from(self.value()?).ok().filter(|process| *process > 0)?;
        let status = self.arguments.get(1)?;
        let behind = |what: &str| {
            let (_, rest) = status.split_once(what)?;
            rest.split([' ', '}', ']']).next()
        };
        if let Some(status) = behind("WEXITSTATUS(s) == ") {
            return Some((process, Termination::Exit(status.parse().ok()?)));
        }
        let signal = behind("WTERMSIG(s) == ").filter(|_| status.contains("WIFSIGNALED(s)"))?;
        let number = nix::sys::signal::Signal::from_str_or(signal);
        Some((process, Termination::Signal(Sig(number))))
    }

    /// Whether a flag stands among the flags of an argument.
    pub fn has_flag(&self, at: usize, flag: &str) -> bool {
        let Some(argument) = self.arguments.get(at) else { return false };
        argument.split('|').any(|other| other.trim() == flag)
    }

    /// Whether a flag stands anywhere among its arguments, as in those of clone.
    pub fn has_anywhere(&self, flag: &str) -> bool {
        self.arguments.iter().any(|argument| {
            argument.split(|c: char| !c.is_ascii_uppercase() && c != '_').any(|word| word == flag)
        })
    }

    /// Whether it makes a process, or a thread.
    pub(super) fn makes_a_process(&self) -> bool {
        matches!(self.name.as_str(), "clone" | "clone3" | "fork" | "vfork")
    }

    /// What it returned, where that is no error.
    pub fn value(&self) -> Option<i64> {
        match self.outcome {
            Outcome::Value(value) => Some(value),
            _ => None,
        }
    }
}
