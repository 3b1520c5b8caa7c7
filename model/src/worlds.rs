//! The worlds of several channels side by side: which of them see a call, and when it is answered.
//!
//! A call is in the world of its channel. Calls of processes are in all worlds, and `dup2` in those of both
//! descriptors; such a call is answered in one step, once each of them has the answer. What a process lets go of when
//! it ends goes in each world by itself: the order is not stated.

use std::ops::{Deref, DerefMut};

use smallvec::SmallVec;

use crate::call::{Actor, Answer, Call, End, Op, Reply, Termination};
use crate::index::RuleIndex;
use crate::oracle::reply_of;
use crate::platform::Platform;
use crate::rule::{Move, What};
use crate::run::{Actors, Run};
use crate::step::{self, RuleSet};
use crate::world::{Pending, World};

/// A world for each channel.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "distributed", derive(serde::Serialize, serde::Deserialize))]
pub struct Worlds(SmallVec<[World; 1]>);

impl Worlds {
    /// The worlds at the start of a run.
    pub fn start(platform: &Platform, run: &Run) -> Worlds {
        let before = Run { events: Vec::new(), remarks: Vec::new(), ..run.clone() };
        let parts = before.parts().into_iter().map(|part| part.run);
        parts.map(|part| step::start(platform, part.setup(), &part.seats)).collect()
    }

    /// Begins a call in the worlds that see it. `named` is the channel that the name of an end tells.
    pub fn begin(&mut self, call: Call, named: impl Fn(End) -> Option<usize>) {
        if call.op.is_of_process() {
            self.iter_mut().for_each(|world| world.call(call));
            return;
        }
        let leads_to = |worlds: &Worlds, end| {
            let by_number = || worlds.iter().position(|world| world.end(call.actor, end).is_some());
            named(end).or_else(by_number)
        };
        let on = leads_to(self, call.end).unwrap_or(0);
        let replaced = call.replaces().and_then(|new| leads_to(self, new));
        self[on].call(call);
        if let Some(other) = replaced.filter(|other| *other != on) {
            self[other].call(Call { end: End::ELSEWHERE, ..call });
        }
    }

    /// The actor's process ends.
    pub fn exits(&mut self, actor: Actor, status: Termination) {
        self.iter_mut().for_each(|world| world.exits(actor, status));
    }

    /// Answers the actor's call in the other worlds that see it as the first of them has, `before` which it was not;
    /// false where that isn't the first, or one of them doesn't give this answer yet.
    pub fn others_answer(
        &mut self,
        platform: &Platform,
        before: &Worlds,
        actor: Actor,
        first: usize,
        answer: Answer,
    ) -> bool {
        let op = |channel: usize| before[channel].pending(actor).map(|call| call.op);
        let of_process = op(first).is_some_and(|op| op.is_of_process());
        for other in (0..before.len()).filter(|other| *other != first) {
            if op(other) != op(first) {
                if of_process {
                    return false;
                }
                continue;
            }
            let world = &mut self[other];
            let moves = step::moves(platform, world, actor, &mut RuleSet::default());
            let answers = |(_, step): &&(_, Move)| match step.what {
                What::Answers(answers, _) => step::count_for(answers, 0, answer) == Some(0),
                _ => false,
            };
            match moves.iter().find(answers) {
                Some(by) if other > first => {
                    step::answer(platform, world, actor, *by, 0, answer, None);
                }
                _ => return false,
            }
        }
        true
    }

    /// What an actor is about to see of its call, with the rule.
    pub fn reply(&self, actor: Actor) -> Option<(RuleIndex, Reply)> {
        let is_over = !self.iter().any(|world| world.is_to_let_go(actor));
        self.iter().find_map(|world| reply_of(world, actor)).filter(|_| is_over)
    }

    /// The actor has seen its call return.
    pub fn returned(&mut self, actor: Actor) {
        let answered = |world: &&mut World| reply_of(world, actor).is_some();
        self.iter_mut().filter(answered).for_each(|world| world.returned(actor));
    }

    /// The call that an actor is in, answered or not, as the first channel sees it that does.
    pub fn call(&self, actor: Actor) -> Option<&Pending> {
        self.iter().filter_map(|world| world.pending(actor)).find(|call| !is_exit(call))
    }

    /// The actors with a call in progress.
    pub fn busy(&self) -> Actors {
        let all = (0..self[0].actors.len() as u8).map(Actor);
        all.filter(|actor| self.call(*actor).is_some()).collect()
    }

    /// Whether an actor is in a call, is ending or has ended.
    pub fn is_engaged(&self, actor: Actor) -> bool {
        self.iter().any(|world| world.pending(actor).is_some())
    }

    /// Whether an actor is ending, or has ended.
    pub fn is_ending(&self, actor: Actor) -> bool {
        let ends = |call: &Pending| is_exit(call) || call.dies.is_some();
        self.iter().any(|world| world.pending(actor).is_some_and(ends))
    }

    /// The status with which the actor's process has ended, if it has.
    pub fn status(&self, actor: Actor) -> Option<Termination> {
        let has_ended = self.iter().all(|world| world.ended(actor).is_some());
        self[0].ended(actor).filter(|_| has_ended)
    }

    /// Of each channel the one world that there is, as drawings take it.
    pub fn known(&self) -> Vec<Vec<World>> {
        self.iter().map(|world| vec![world.clone()]).collect()
    }

    /// Whether an actor is a process that a fork has made, and was not waited for.
    pub fn is_child(&self, actor: Actor) -> bool {
        self[0].parent(actor).is_some()
    }
}

fn is_exit(call: &Pending) -> bool {
    matches!(call.op, Op::Exit { .. })
}

impl Deref for Worlds {
    type Target = [World];

    fn deref(&self) -> &[World] {
        &self.0
    }
}

impl DerefMut for Worlds {
    fn deref_mut(&mut self) -> &mut [World] {
        &mut self.0
    }
}

impl FromIterator<World> for Worlds {
    fn from_iter<I: IntoIterator<Item = World>>(worlds: I) -> Worlds {
        Worlds(worlds.into_iter().collect())
    }
}
