//! The named systems, a file each: what exists, what can happen, what must hold.
//!
//! Each runs on Linux with its real sizes, so that the way to what breaks a property is a run that
//! `pipewright judge` and `pipewright replay` take as it is.

mod both_write_first;
mod busy_waiting_reader;
mod duplex_socket;
mod exit_before_drained;
mod fifo_rendezvous;
mod flag_and_data;
mod half_duplex;
mod jobserver;
mod last_writer_closes;
mod leaked_end;
mod listener_closes;
mod lost_update;
mod one_pipe_both_ways;
mod parent_waits_for_child;
mod pipe_pair;
mod pipe_protocol;
mod poll_then_read;
mod simplex_pipe;
mod torn_value;
mod two_appenders;
mod two_writers;
mod waiting_for_each_other;
mod waiting_reader;
mod writer_without_reader;

#[cfg(feature = "distributed")]
use std::rc::Rc;

use crate::run::Run;
use crate::system::{Family, System};
#[cfg(feature = "distributed")]
use crate::verify::many::{Lost, Member};
use crate::verify::{Model, Path, Report, verify};

pub use pipe_protocol::PipeProtocol;

/// A named system.
#[derive(Debug)]
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

/// Those of processes over a channel.
pub fn systems() -> Vec<System> {
    vec![
        simplex_pipe::system(),
        one_pipe_both_ways::system(),
        pipe_pair::system(),
        half_duplex::with_lock(),
        half_duplex::without_lock(),
        duplex_socket::system(),
        waiting_reader::system(),
        busy_waiting_reader::fair(),
        busy_waiting_reader::unfair(),
        poll_then_read::and_block(),
        poll_then_read::and_try(),
        waiting_for_each_other::system(),
        leaked_end::leaked(),
        leaked_end::closed(),
        last_writer_closes::system(),
        writer_without_reader::system(),
        parent_waits_for_child::first(),
        parent_waits_for_child::last(),
        exit_before_drained::at_once(),
        exit_before_drained::drained(),
        exit_before_drained::to_a_file(),
        both_write_first::more_than_fits(),
        both_write_first::what_fits(),
        jobserver::one_page(),
        jobserver::two_pages(),
        two_writers::up_to_pipe_buf(),
        two_writers::above_pipe_buf(),
        two_appenders::append(),
        two_appenders::no_append(),
        fifo_rendezvous::meet(),
        fifo_rendezvous::both_read_first(),
        listener_closes::system(),
        flag_and_data::polled(),
        flag_and_data::guarded(),
        lost_update::unlocked(),
        lost_update::locked(),
        torn_value::in_a_file(),
        torn_value::in_a_locked_file(),
        torn_value::in_a_variable(),
    ]
}
