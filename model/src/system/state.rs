//! States of systems, and what properties ask of them.

use smallvec::SmallVec;

use crate::call::{Actor, Answer, Op, Termination};
use crate::data::{Segment, Segments};
use crate::run::Actors;
use crate::world::{Pending, Progress};
use crate::worlds::Worlds;

/// A state: the world of each channel, and how far each process is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "distributed", derive(serde::Serialize, serde::Deserialize))]
pub struct State {
    /// For each channel its ends, what is in it and the calls in progress.
    pub worlds: Worlds,
    /// Processes.
    pub locals: SmallVec<[Local; 4]>,
}

/// How far a process is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "distributed", derive(serde::Serialize, serde::Deserialize))]
pub struct Local {
    /// The instruction that it is at.
    pub at: u8,
    /// What it [keeps](super::Keeps) of the data that it was given.
    pub heard: Segments,
}

/// What properties ask of a state.
impl State {
    /// What a process has been given, of what it [keeps](super::Keeps).
    pub fn heard(&self, actor: Actor) -> &[Segment] {
        &self.locals[usize::from(actor.0)].heard
    }

    /// The answer that a process is about to see.
    pub fn answer(&self, actor: Actor) -> Option<Answer> {
        match self.worlds.call(actor)?.progress {
            Progress::Answered { answer, .. } => Some(answer),
            Progress::Open => None,
        }
    }

    /// The data that a process is about to be given.
    pub fn given(&self, actor: Actor) -> &[Segment] {
        match self.worlds.call(actor) {
            Some(Pending { progress: Progress::Answered { .. }, data, .. }) => data,
            _ => &[],
        }
    }

    /// The call that a process is in, not yet answered.
    pub fn within(&self, actor: Actor) -> Option<Op> {
        let call = self.worlds.call(actor)?;
        (call.progress == Progress::Open).then_some(call.op)
    }

    /// The actors with a call in progress.
    pub fn busy(&self) -> Actors {
        self.worlds.busy()
    }

    /// The status with which a process has ended, if it has.
    pub fn status(&self, actor: Actor) -> Option<Termination> {
        self.worlds.status(actor)
    }
}
