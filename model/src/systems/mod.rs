//! The named systems: what exists, what can happen, what must hold. Those of processes are files in `model/systems`.
//!
//! Each runs on Linux with its real sizes, so that the way to what breaks a property is a run that
//! `pipewright judge` and `pipewright replay` take as it is.

mod pipe_protocol;

#[cfg(feature = "distributed")]
use std::rc::Rc;

use crate::run::Run;
use crate::script::Script;
use crate::system::{Family, System};
#[cfg(feature = "distributed")]
use crate::verify::many::{Lost, Member};
use crate::verify::{Model, Path, Report, verify};

pub use pipe_protocol::PipeProtocol;

/// A system that can be searched.
#[derive(Clone, Debug)]
pub enum Subject {
    /// Processes over a channel.
    System(System),
    /// The inside of a pipe.
    Protocol(PipeProtocol),
}

/// What was found of a system.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The search.
    pub report: Report<()>,
    /// For each property of the report the run that shows what was found.
    pub runs: Vec<Option<Run>>,
}

impl Subject {
    /// Its name: lower case, words joined by `-`.
    pub fn name(&self) -> &'static str {
        match self {
            Subject::System(system) => system.name,
            Subject::Protocol(protocol) => protocol.name,
        }
    }

    /// What it is about.
    pub fn family(&self) -> Family {
        match self {
            Subject::System(system) => system.family,
            Subject::Protocol(_) => Family::Implementation,
        }
    }

    /// What it is, in a sentence.
    pub fn says(&self) -> &'static str {
        match self {
            Subject::System(system) => system.says,
            Subject::Protocol(protocol) => protocol.says,
        }
    }

    /// The properties that are known not to hold.
    pub fn broken(&self) -> &[&'static str] {
        match self {
            Subject::System(system) => &system.broken,
            Subject::Protocol(protocol) => &protocol.broken,
        }
    }

    /// Searches all its states, or up to `states_max` of them.
    pub fn verify(&self, states_max: usize) -> Outcome {
        match self {
            Subject::System(system) => outcome(system, states_max, |path| system.run(path)),
            Subject::Protocol(protocol) => outcome(protocol, states_max, |path| protocol.run(path)),
        }
    }

    /// Searches all its states together with all other workers, who do the same.
    ///
    /// # Errors
    ///
    /// If another process has gone before it was done.
    #[cfg(feature = "distributed")]
    pub fn verify_together(self, member: &mut Member) -> Result<Outcome, Lost> {
        match self {
            Subject::System(system) => {
                let system = Rc::new(system);
                Ok(told(member.verify(&system)?, |path| system.run(path)))
            }
            Subject::Protocol(protocol) => {
                let protocol = Rc::new(protocol);
                Ok(told(member.verify(&protocol)?, |path| protocol.run(path)))
            }
        }
    }

    /// Whether something is asked that must come in the end, which one worker decides alone.
    pub fn has_liveness(&self) -> bool {
        match self {
            Subject::System(system) => system.properties.iter().any(|asked| !asked.is_safety()),
            Subject::Protocol(protocol) => {
                protocol.properties().iter().any(|asked| !asked.is_safety())
            }
        }
    }
}

impl Outcome {
    /// The properties that don't hold, each with the run that shows it. What has not been reached among a part
    /// of the states may yet be.
    pub fn broken(&self) -> impl Iterator<Item = (&'static str, Option<&Run>)> {
        let found = self.report.found.iter().zip(&self.runs);
        let exhaustive = self.report.exhaustive;
        found
            .filter(move |(found, run)| !found.holds && (exhaustive || run.is_some()))
            .map(|(found, run)| (found.property, run.as_ref()))
    }

    /// Whether it is as it is known to be, all states being looked at.
    pub fn is_as_expected(&self, broken: &[&'static str]) -> bool {
        self.report.exhaustive && self.broken().map(|(name, _)| name).eq(broken.iter().copied())
    }
}

fn outcome<M: Model>(
    model: &M,
    states_max: usize,
    run: impl Fn(&Path<M::Action>) -> Run,
) -> Outcome {
    told(verify(model, states_max), run)
}

fn told<A>(report: Report<A>, run: impl Fn(&Path<A>) -> Run) -> Outcome {
    let runs = report.found.iter().map(|found| found.shown.as_ref().map(&run)).collect();
    Outcome { report: report.without_paths(), runs }
}

/// All named systems, by family.
pub fn all() -> Vec<Subject> {
    let systems = systems().into_iter().map(Subject::System);
    systems.chain(pipe_protocol::all().into_iter().map(Subject::Protocol)).collect()
}

/// Those of processes over channels.
///
/// # Panics
///
/// Never: the files are well-formed, as a test shows.
pub fn systems() -> Vec<System> {
    let parsed = |text: &str| System::of(&script(text));
    FILES.into_iter().map(parsed).collect()
}

/// Those of processes over channels, as they are written.
pub fn scripts() -> Vec<Script> {
    FILES.into_iter().map(script).collect()
}

fn script(text: &str) -> Script {
    text.parse().unwrap_or_else(|error| panic!("a file of a system: {error}"))
}

/// The files, by family.
const FILES: [&str; 75] = [
    include_str!("../../systems/simplex-pipe.system"),
    include_str!("../../systems/one-pipe-both-ways.system"),
    include_str!("../../systems/pipe-pair.system"),
    include_str!("../../systems/half-duplex-locked.system"),
    include_str!("../../systems/half-duplex-unlocked.system"),
    include_str!("../../systems/duplex-socket.system"),
    include_str!("../../systems/waiting-reader.system"),
    include_str!("../../systems/busy-waiting-reader.system"),
    include_str!("../../systems/busy-waiting-reader-unfair.system"),
    include_str!("../../systems/poll-then-block.system"),
    include_str!("../../systems/poll-then-try.system"),
    include_str!("../../systems/waiting-for-each-other.system"),
    include_str!("../../systems/epoll-edge-not-drained.system"),
    include_str!("../../systems/epoll-edge-drained.system"),
    include_str!("../../systems/epoll-one-shot-not-armed.system"),
    include_str!("../../systems/epoll-one-shot-armed.system"),
    include_str!("../../systems/epoll-herd.system"),
    include_str!("../../systems/epoll-exclusive-before-a-take.system"),
    include_str!("../../systems/epoll-waker-drained-late.system"),
    include_str!("../../systems/epoll-waker-drained-first.system"),
    include_str!("../../systems/leaked-write-end.system"),
    include_str!("../../systems/fork-inherits-ends.system"),
    include_str!("../../systems/last-writer-closes.system"),
    include_str!("../../systems/writer-without-reader.system"),
    include_str!("../../systems/epoll-shared-over-fork.system"),
    include_str!("../../systems/parent-waits-before-draining.system"),
    include_str!("../../systems/parent-drains-before-waiting.system"),
    include_str!("../../systems/exit-before-drained.system"),
    include_str!("../../systems/exit-after-drained.system"),
    include_str!("../../systems/exit-output-to-a-file.system"),
    include_str!("../../systems/both-write-more-than-fits.system"),
    include_str!("../../systems/both-write-what-fits.system"),
    include_str!("../../systems/one-page-pipe.system"),
    include_str!("../../systems/two-page-pipe.system"),
    include_str!("../../systems/two-writers-up-to-pipe-buf.system"),
    include_str!("../../systems/two-writers-above-pipe-buf.system"),
    include_str!("../../systems/two-writers-append.system"),
    include_str!("../../systems/two-writers-no-append.system"),
    include_str!("../../systems/fifo-rendezvous.system"),
    include_str!("../../systems/fifo-both-open-to-read-first.system"),
    include_str!("../../systems/listener-closes.system"),
    include_str!("../../systems/flag-and-data.system"),
    include_str!("../../systems/flag-and-data-guarded.system"),
    include_str!("../../systems/lost-update.system"),
    include_str!("../../systems/locked-update.system"),
    include_str!("../../systems/torn-value.system"),
    include_str!("../../systems/locked-value.system"),
    include_str!("../../systems/whole-value.system"),
    include_str!("../../systems/crossed-fifos-opposite-orders.system"),
    include_str!("../../systems/crossed-fifos-same-order.system"),
    include_str!("../../systems/filter-fed-first.system"),
    include_str!("../../systems/filter-fed-by-a-thread.system"),
    include_str!("../../systems/errors-unread.system"),
    include_str!("../../systems/errors-merged.system"),
    include_str!("../../systems/wait-before-draining.system"),
    include_str!("../../systems/wait-after-draining.system"),
    include_str!("../../systems/parent-keeps-the-write-end.system"),
    include_str!("../../systems/parent-closes-the-write-end.system"),
    include_str!("../../systems/close-on-exec-forgotten.system"),
    include_str!("../../systems/close-on-exec-set.system"),
    include_str!("../../systems/dup2-leaves-the-original.system"),
    include_str!("../../systems/dup2-then-close.system"),
    include_str!("../../systems/pipeline-middle-dies.system"),
    include_str!("../../systems/pipeline-read-end-kept.system"),
    include_str!("../../systems/pipeline-write-end-kept.system"),
    include_str!("../../systems/job-token-taken-by-the-job.system"),
    include_str!("../../systems/job-token-taken-by-make.system"),
    include_str!("../../systems/job-token-in-a-fifo.system"),
    include_str!("../../systems/job-token-in-a-closed-fifo.system"),
    include_str!("../../systems/nonblocking-set-by-a-child.system"),
    include_str!("../../systems/nonblocking-cleared-by-a-child.system"),
    include_str!("../../systems/orphan-keeps-the-pipe.system"),
    include_str!("../../systems/orphan-lets-the-pipe-go.system"),
    include_str!("../../systems/daemon-keeps-the-lock.system"),
    include_str!("../../systems/daemon-closes-the-lock.system"),
];
