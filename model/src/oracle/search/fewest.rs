//! The fewest states that an event has to keep: those from which no move that may as well come later leads to another.

use super::{Few, Goal, Search};
use crate::index::RuleIndex;
use crate::oracle::State;
use crate::oracle::found::Found;
use crate::run::Actors;
use crate::step::deliveries;
use crate::world::{Progress, World};

/// Up to this many states are compared with each other; of more, all that can be reached is gone through.
const PAIRWISE_MAX: usize = 6;

impl Search<'_, '_> {
    /// Drops states that can still be reached from others, by moves that may as well come later. (Those that
    /// it fails to drop cost time only.)
    pub(super) fn fewest(&mut self, found: Found) -> Vec<State> {
        let mut states = found.states;
        if states.len() < 2 {
            return states;
        }
        states.sort_by_key(|state| (self.answered_by(&state.world), answered(&state.world)));
        let mut kept: Vec<State> = Vec::with_capacity(states.len());
        let mut by = None;
        if states.len() <= PAIRWISE_MAX {
            let mut afterwards: Vec<State> = Vec::with_capacity(states.len());
            for state in states {
                if by.replace(self.answered_by(&state.world)) != by {
                    afterwards.clear();
                }
                let after = self.afterwards(&state);
                if !afterwards.iter().any(|from| self.reaches(from, &after.world)) {
                    kept.push(state);
                    afterwards.push(after);
                }
            }
            return kept;
        }
        let mut reachable = Found::default();
        for state in states {
            if by.replace(self.answered_by(&state.world)) != by {
                reachable = Found::default();
            }
            let after = self.afterwards(&state);
            if reachable.contains(&after.world) {
                continue;
            }
            let mut at = reachable.states.len();
            reachable.insert(after);
            kept.push(state);
            while let Some(state) = reachable.get(at).filter(|_| self.goes_on(at, reachable.bytes))
            {
                at += 1;
                let next = self.all_successors(state);
                reachable.extend(next);
            }
        }
        kept
    }

    /// The rule that answered the goal's call.
    fn answered_by(&self, world: &World) -> Option<RuleIndex> {
        let Goal::Return(actor, _) = self.goal else { return None };
        match world.pending(actor)?.progress {
            Progress::Answered { rule, .. } => Some(rule),
            Progress::Open => None,
        }
    }

    /// The state in which the moves that come later are made: a call that has returned is not in flight any
    /// more, and what others do may depend on that.
    fn afterwards(&self, state: &State) -> State {
        let mut state = state.clone();
        if let Goal::Return(actor, Some(_)) = self.goal {
            state.world.returned(actor);
        }
        state
    }

    /// Whether moves of the calls that have got further in the world `to` lead there.
    fn reaches(&mut self, from: &State, to: &World) -> bool {
        let mut reached = Found::default();
        let Some(further) = self.further(&from.world, to) else { return false };
        if further.is_empty() && deliveries(self.platform, &from.world).is_empty() {
            return false;
        }
        reached.insert(from.clone());
        let mut at = 0;
        while let Some(state) = reached.get(at).filter(|_| self.goes_on(at, reached.bytes)) {
            at += 1;
            if state.world == *to {
                return true;
            }
            let mut next = Few::new();
            for actor in self.further(&state.world, to).into_iter().flat_map(Actors::iter) {
                let answers = self.lookahead.fate(actor).answerable_from <= self.index;
                self.successors_of(state, actor, answers, &mut |state, _| next.push(state));
            }
            self.delivered(state, &mut |state| next.push(state));
            reached.extend(next);
        }
        false
    }

    /// The actors whose calls have got further in `to`; `None` if some have got less far.
    fn further(&self, from: &World, to: &World) -> Option<Actors> {
        let mut further = Actors::NONE;
        for actor in from.busy().iter() {
            let (before, after) = (from.pending(actor)?, to.pending(actor)?);
            if before == after {
                continue;
            }
            let is_over = before.progress != Progress::Open && !from.is_to_let_go(actor);
            let behind = is_over || before.done > after.done;
            if behind || matches!(self.goal, Goal::Return(goal, _) if goal == actor) {
                return None;
            }
            further = further.with(actor);
        }
        Some(further)
    }
}

/// How many calls are answered and not yet seen to return.
fn answered(world: &World) -> usize {
    let calls = world.actors.iter().filter_map(|actor| actor.call.as_ref());
    calls.filter(|call| call.progress != Progress::Open).count()
}
