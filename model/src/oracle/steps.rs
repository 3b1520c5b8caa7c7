//! The oracle's steps without a run: for exploration, where nothing is known of the future.

use crate::call::{Actor, Call, Reply};
use crate::index::RuleIndex;
use crate::oracle::lookahead::Lookahead;
use crate::oracle::search::{Goal, Search};
use crate::oracle::{Foresight, State};
use crate::platform::Platform;
use crate::run::Run;
use crate::step::{RuleSet, deliver, deliveries};
use crate::world::{Progress, World};

/// Steps on one platform.
#[derive(Clone, Debug)]
pub struct Steps<'a> {
    /// The platform.
    pub platform: &'a Platform,
}

impl<'a> Steps<'a> {
    /// Steps on `platform`.
    pub fn new(platform: &'a Platform) -> Steps<'a> {
        Steps { platform }
    }

    /// The worlds after one move of the actor's call: every answer and every part of the way. None once
    /// it is answered. Counts of large ranges are sampled.
    pub fn of(&self, world: &World, actor: Actor) -> Vec<World> {
        self.of_stopping(world, actor, None)
    }

    /// The same of a call that is to stop at a byte, if it is: parts of the way that end there are tried, too.
    pub fn of_stopping(&self, world: &World, actor: Actor, at: Option<u32>) -> Vec<World> {
        let mut next = Vec::new();
        let lookahead = Lookahead::unknown();
        let mut search = Search::new(self.platform, &lookahead, 0, Goal::Quiet);
        search.aim = at;
        search.successors_of(&state(world.clone()), actor, true, &mut |state, _| {
            next.push(state.world)
        });
        next
    }

    /// The same for a run's call: each world with the rule that leads to it. `begun` are the calls in progress,
    /// each with its event; of large ranges the counts that the run tells of are tried, too.
    pub fn of_run(
        &self,
        run: &Run,
        begun: &[(usize, Call)],
        world: &World,
        actor: Actor,
    ) -> Vec<(RuleIndex, World)> {
        let mut lookahead = Lookahead::new(run, self.platform, Foresight::Suggests);
        begun.iter().for_each(|(event, call)| lookahead.begin(*event, *call));
        let mut next = Vec::new();
        let mut search = Search::new(self.platform, &lookahead, 0, Goal::Quiet);
        search.successors_of(&state(world.clone()), actor, true, &mut |state, _| {
            let by = match state.world.pending(actor).map(|call| &call.progress) {
                Some(Progress::Answered { rule, .. }) => Some(*rule),
                _ => state.shown.iter().last(),
            };
            next.extend(by.map(|rule| (rule, state.world)));
        });
        next
    }

    /// The worlds after one delivery, which no call makes.
    pub fn delivered(&self, world: &World) -> Vec<World> {
        let after = |(_, step)| {
            let mut world = world.clone();
            deliver(self.platform, &mut world, step);
            world
        };
        deliveries(self.platform, world).into_iter().map(after).collect()
    }

    /// Whether every call in progress may sleep, and none is answered.
    pub fn may_sleep(&self, world: &World) -> bool {
        let lookahead = Lookahead::unknown();
        Search::new(self.platform, &lookahead, 0, Goal::Quiet).may_sleep(world).is_some()
    }

    /// The worlds after the actor's call was seen to return with `reply`; `None` where that is
    /// unspecified. A fewest set: worlds that others can still reach are left out.
    pub fn after_return(
        &self,
        worlds: Vec<World>,
        actor: Actor,
        reply: &Reply,
    ) -> Option<Vec<World>> {
        let mut worlds = self.after(worlds, Goal::Return(actor, Some(reply)))?;
        worlds.iter_mut().for_each(|world| world.returned(actor));
        Some(worlds)
    }

    /// The worlds after it was seen that every open call sleeps; `None` where that is unspecified.
    pub fn after_quiet(&self, worlds: Vec<World>) -> Option<Vec<World>> {
        self.after(worlds, Goal::Quiet)
    }

    fn after(&self, worlds: Vec<World>, goal: Goal<'_>) -> Option<Vec<World>> {
        let lookahead = Lookahead::unknown();
        let states: Vec<State> = worlds.into_iter().map(state).collect();
        let mut search = Search::new(self.platform, &lookahead, 0, goal);
        let next = search.run(&states)?;
        match search.unspecified {
            Some(_) => None,
            None => Some(next.into_iter().map(|state| state.world).collect()),
        }
    }
}

fn state(world: World) -> State {
    State { world, shown: RuleSet::default() }
}
