//! What would have been allowed where a run deviates.

use super::search::{Goal, Search};
use super::{Allowed, Deviation, Oracle, State, reply_of};
use crate::call::Actor;
use crate::rule::What;
use crate::run::{Actors, Event};
use crate::step::{RuleSet, moves};
use crate::world::World;

impl Oracle<'_> {
    /// Records a deviation and goes on from what would have been allowed.
    pub(super) fn deviate(&mut self, index: usize, event: &Event) {
        let mut allowed = Vec::new();
        let shut_out_by = self.shut_out_by(event);
        match event {
            Event::Return(actor, _) => {
                let next = self.advance(index, Goal::Return(*actor, None)).unwrap_or_default();
                for state in &next {
                    push_reply(&mut allowed, &state.world, *actor);
                }
                if next.is_empty() {
                    self.push_sleeps(&mut allowed, Actors::NONE.with(*actor));
                } else {
                    self.states = next;
                }
            }
            Event::Quiet(open) => {
                let in_calls = self.states.iter().map(|state| state.world.in_calls());
                let open = in_calls.fold(*open, |all, more| Actors(all.0 | more.0));
                self.push_sleeps(&mut allowed, open);
                for actor in open.iter() {
                    let next = self.advance(index, Goal::Return(actor, None)).unwrap_or_default();
                    for state in &next {
                        push_reply(&mut allowed, &state.world, actor);
                    }
                }
            }
            Event::Call(_) | Event::Stops(..) | Event::GoesOn(_) | Event::Exits(..) => {}
        }
        let after_another = !self.judgement.deviations.is_empty();
        let deviation = Deviation { event: index, allowed, after_another, shut_out_by };
        self.judgement.deviations.push(deviation);
    }

    /// Whose stopped call keeps the call of this event from being made, and where it has stopped.
    fn shut_out_by(&self, event: &Event) -> Option<(Actor, u32)> {
        let (Event::Return(actor, _) | Event::Stops(actor, _)) = event else { return None };
        let holder = |state: &State| self.stopped.holder(self.platform, &state.world, *actor);
        let is_shut_out = self.states.iter().all(|state| holder(state).is_some());
        self.states.first().filter(|_| is_shut_out).and_then(holder)
    }

    /// Adds the rules by which these actors' calls may sleep, to what is allowed.
    fn push_sleeps(&self, allowed: &mut Vec<Allowed>, actors: Actors) {
        let mut search = Search::new(self.platform, &self.lookahead, 0, Goal::Quiet);
        search.ended = self.ended;
        search.budget = Some(&self.budget);
        for state in search.settled(&self.states) {
            for actor in actors.iter() {
                let steps = moves(self.platform, &state.world, actor, &mut RuleSet::default());
                for (rule, step) in steps {
                    let sleeps = Allowed::Sleeps(actor, rule);
                    if step.what == What::Rests && !allowed.contains(&sleeps) {
                        allowed.push(sleeps);
                    }
                }
            }
        }
    }
}

/// Adds the reply that `actor`'s answered call gives to what is allowed.
fn push_reply(allowed: &mut Vec<Allowed>, world: &World, actor: Actor) {
    let Some((rule, reply)) = reply_of(world, actor) else { return };
    let returns = Allowed::Returns(actor, reply, rule);
    if !allowed.contains(&returns) {
        allowed.push(returns);
    }
}
