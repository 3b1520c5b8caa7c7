//! Who refers to an open file description: descriptors, messages under way, and calls in progress.
//!
//! A call of a process that has other threads refers to what it is on until it returns, also where another thread has
//! taken the descriptor from it, and though it has done what it does.

use smallvec::SmallVec;

use crate::call::Actor;
use crate::index::DescriptionIndex;
use crate::world::{Progress, World};

impl World {
    /// How many refer to the description: descriptors, also those under way in messages, and calls in progress whose
    /// descriptor is gone.
    pub fn holders(&self, description: DescriptionIndex) -> usize {
        self.lasting_holders(description) + self.calls_holding(description).count()
    }

    /// How many descriptors refer to the description, also those under way in messages.
    fn lasting_holders(&self, description: DescriptionIndex) -> usize {
        let ends = self.actors.iter().flat_map(|actor| &actor.ends);
        let passed = self.sockets().flat_map(|(_, socket)| &socket.queue);
        ends.filter(|index| **index == description).count()
            + passed.filter(|piece| piece.passed == Some(description)).count()
    }

    /// How many calls of other threads refer to a description of which their table no longer has the descriptor, or will
    /// not when the actor has closed its own.
    pub fn calls_of_siblings(&self, actor: Actor, description: DescriptionIndex) -> usize {
        let siblings = self.threads(self.leader(actor)).filter(|sibling| *sibling != actor);
        siblings.filter(|sibling| self.refers(*sibling, description)).count()
    }

    /// Whether a call of the actor refers to the description.
    fn refers(&self, actor: Actor, description: DescriptionIndex) -> bool {
        let is_it = |index| index == Some(description);
        self.pending(actor).is_some_and(|call| is_it(call.description) || is_it(call.keeps))
    }

    /// The calls in progress that are all that keeps them the description: its descriptor is gone from their table.
    fn calls_holding(&self, description: DescriptionIndex) -> impl Iterator<Item = Actor> + '_ {
        let all = (0..self.actors.len() as u8).map(Actor);
        all.filter(move |actor| {
            self.refers(*actor, description)
                && (self.shares_table(*actor) || self.keeps(*actor) == Some(description))
                && !self.table(*actor).ends.contains(&description)
        })
    }

    fn keeps(&self, actor: Actor) -> Option<DescriptionIndex> {
        self.pending(actor)?.keeps
    }

    /// The open file descriptions to which the actor's call refers, and which its table no longer has.
    fn taken_away(&self, actor: Actor) -> SmallVec<[DescriptionIndex; 2]> {
        let Some(call) = self.pending(actor) else { return SmallVec::new() };
        let all = [call.description, call.keeps].into_iter().flatten();
        all.filter(|index| self.calls_holding(*index).any(|holder| holder == actor)).collect()
    }

    /// The open file descriptions that go when the actor's call lets go of them.
    pub fn held_by_call_alone(&self, actor: Actor) -> SmallVec<[DescriptionIndex; 2]> {
        let mut held = self.taken_away(actor);
        held.retain(|index| self.holders(*index) == 1);
        held
    }

    /// Whether the actor's call is answered and has something to let go of before it returns: what no descriptor refers to
    /// any more, nor a call that goes on.
    pub fn is_to_let_go(&self, actor: Actor) -> bool {
        let goes_on =
            |other| self.pending(other).is_some_and(|call| call.progress == Progress::Open);
        let call = self.pending(actor).filter(|call| call.progress != Progress::Open);
        call.is_some_and(|call| call.dies.is_some())
            || call.is_some()
                && self.taken_away(actor).into_iter().any(|index| {
                    self.lasting_holders(index) == 0 && !self.calls_holding(index).any(goes_on)
                })
    }
}
