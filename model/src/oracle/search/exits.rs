//! What processes that end let go of: a step only where it can matter.
//!
//! A process lets go of a descriptor whose open file description others hold: nobody sees that. It is seen when the last
//! holder has let go, and when somebody waits for the process. So these steps come as late as they may: all processes
//! that end let go of a description together, once nobody else keeps it for sure; and one that is waited for lets go of
//! all that it shares. Of n processes that end there are then no 2ⁿ orders. What is seen by itself, as a lock that
//! goes, is a step of its own.

use super::{Goal, Search};
use crate::call::{Actor, End, Op, Termination};
use crate::channel::Object;
use crate::index::{DescriptionIndex, RuleIndex};
use crate::oracle::State;
use crate::rule::{Move, What};
use crate::step::{self, moves};
use crate::world::{Pending, World};

impl Search<'_, '_> {
    /// States after processes that end have let go of something.
    pub(super) fn let_go(&self, state: &State, next: &mut dyn FnMut(State)) {
        let world = &state.world;
        let all = world.busy();
        let ending = all.iter().filter(|actor| lets_go_together(world, *actor));
        let (ending, gone): (Vec<Actor>, Vec<Actor>) =
            ending.partition(|actor| world.open_ends(*actor).next().is_some());
        for actor in gone {
            if let Some((rule, step)) = self.step_of_exit(state, actor) {
                self.spend(world.weight_bytes());
                let mut state = state.clone();
                let released = step::proceed(self.platform, &mut state.world, actor, step, 0);
                state.shown = state.shown.union(released);
                state.shown.insert(rule);
                next(state);
            }
        }
        if ending.is_empty() {
            return;
        }
        let mut descriptions: Vec<DescriptionIndex> = Vec::new();
        for actor in &ending {
            let held = world.open_ends(*actor).filter_map(|end| world.end(*actor, end));
            descriptions.extend(held);
        }
        descriptions.sort_unstable();
        descriptions.dedup();
        for description in descriptions {
            if !is_kept(world, description, &ending) {
                let go = |world: &World, actor, end| {
                    world.end(world.leader(actor), end) == Some(description)
                };
                next(self.without(state, &ending, &go));
            }
        }
        let shared = |world: &World, actor: Actor, end: End| {
            let Some(index) = world.end(actor, end) else { return false };
            let own = world.open_ends(actor).filter(|end| world.end(actor, *end) == Some(index));
            world.holders(index) > own.count()
        };
        if matches!(self.goal, Goal::Quiet) {
            self.share_no_more(state, &ending, &shared, next);
            return;
        }
        for actor in ending.iter().filter(|actor| is_awaited(world, **actor)) {
            self.share_no_more(state, &[*actor], &shared, next);
        }
    }

    /// The state after these have let go of all that they share with others, if they share anything.
    fn share_no_more(
        &self,
        state: &State,
        ending: &[Actor],
        shared: &dyn Fn(&World, Actor, End) -> bool,
        next: &mut dyn FnMut(State),
    ) {
        let world = &state.world;
        let any = ending.iter().any(|a| world.open_ends(*a).any(|end| shared(world, *a, end)));
        if any {
            next(self.without(state, ending, shared));
        }
    }

    /// The state after these have let go of the descriptors of which this is so, one after the other.
    fn without(
        &self,
        state: &State,
        ending: &[Actor],
        goes: &dyn Fn(&World, Actor, End) -> bool,
    ) -> State {
        self.spend(state.world.weight_bytes());
        let mut state = state.clone();
        for actor in ending {
            while let Some((rule, step)) = self.step_of_exit(&state, *actor) {
                let world = &state.world;
                let open = world.let_go_of(*actor, Op::Exit { status: Termination::SUCCESS });
                let open: Vec<End> = open.collect();
                let Some(at) = open.iter().position(|end| goes(world, *actor, *end)) else { break };
                let released =
                    step::proceed(self.platform, &mut state.world, *actor, step, at as u32);
                self.forget(&mut state.world);
                state.shown = state.shown.union(released);
                state.shown.insert(rule);
            }
        }
        state
    }

    /// The move by which a process that ends lets go of a descriptor.
    fn step_of_exit(&self, state: &State, actor: Actor) -> Option<(RuleIndex, Move)> {
        let mut reporters = state.shown;
        let steps = moves(self.platform, &state.world, actor, &mut reporters);
        steps.into_iter().find(|(_, step)| matches!(step.what, What::Proceeds { .. }))
    }
}

/// Whether the actor's process ends, and what it lets go of is followed here.
pub(super) fn lets_go_together(world: &World, actor: Actor) -> bool {
    world.leader(actor) == actor
        && world.exiting(actor).is_some()
        && !world.has_process_locks(actor)
        && !world.parent_is_told(actor)
        && !world.objects.iter().any(|object| matches!(object, Object::Ring(_) | Object::Cell(_)))
}

/// Whether somebody who does not end keeps the open file description for sure: a descriptor of it is in a table, and no
/// call in progress may take it out.
fn is_kept(world: &World, description: DescriptionIndex, ending: &[Actor]) -> bool {
    let leaders = (0..world.actors.len() as u8).map(Actor);
    let others =
        leaders.filter(|leader| world.leader(*leader) == *leader && !ending.contains(leader));
    others.into_iter().any(|leader| {
        let of_it =
            world.open_ends(leader).filter(|end| world.end(leader, *end) == Some(description));
        of_it.into_iter().any(|end| !may_be_closed(world, leader, end))
    })
}

/// Whether a call in progress may close the descriptor.
fn may_be_closed(world: &World, leader: Actor, end: End) -> bool {
    let closes = |call: &Pending| match call.op {
        Op::Close => call.end == end,
        Op::Dup2 { new } => new == end,
        Op::Exec | Op::Exit { .. } => true,
        _ => call.dies.is_some(),
    };
    world.threads(leader).any(|thread| world.pending(thread).is_some_and(closes))
}

/// Whether a call in progress waits for the actor's process, or it matters to its parent otherwise when it has ended.
fn is_awaited(world: &World, actor: Actor) -> bool {
    let waits = |call: &Pending| matches!(call.op, Op::Wait { child } if child == actor);
    world.busy().iter().any(|other| world.pending(other).is_some_and(waits))
        || world.leaves_no_status(actor)
        || world.may_leave_otherwise(actor)
}
