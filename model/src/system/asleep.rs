//! The calls that sleep in a state of a system, and what could end them.

use super::program::Instruction;
use super::{State, System};
use crate::asleep::{Moment, Present};
use crate::call::{ACTORS_MAX, Call};
use crate::run::{Actors, Run};
use crate::step;
use crate::verify::Model;

impl System {
    /// Why calls sleep in a state, and which of them for ever.
    ///
    /// Of a process that is in no call and has more to do it is taken to be possible that it does whatever it can, and
    /// not only what its program says: so what is for ever is for ever whatever the programs say.
    pub fn moment(&self, state: &State) -> Option<Moment> {
        let mut next = Vec::new();
        self.steps(state, &mut next);
        let stands_still = next.is_empty();
        let mut calls = [None; ACTORS_MAX];
        let (mut absent, mut over) = (Actors::NONE, Actors::NONE);
        for actor in self.actors() {
            if let Some(call) = state.worlds.call(actor) {
                let (end, op) = (call.end, call.op);
                calls[usize::from(actor.0)] = Some(Call { actor, end, op });
                continue;
            }
            let at = || self.program(actor).get(self.position(state, actor));
            let stays = || matches!(at(), Some(Instruction::Stay));
            if self.is_unborn(state, actor) || state.status(actor).is_some() {
                absent = absent.with(actor);
            } else if stands_still || self.has_ended(state, actor) || stays() {
                over = over.with(actor);
            }
        }
        let present = Present::of(calls, absent, over);
        let mut known = state.worlds.known();
        // Of a call that is over nobody waits to see that it returns.
        known.iter_mut().flatten().for_each(|world| step::let_go(&self.platform, world));
        Moment::of(&self.empty_run(), &self.platform, &known, &present)
    }

    /// A run without events, by which a [moment](System::moment) is told in words.
    pub fn names(&self) -> Run {
        self.empty_run()
    }
}
