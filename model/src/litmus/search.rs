//! Every outcome of a litmus test: all orders of its calls that the file leaves open, and all moves of the rules.

use std::collections::HashSet;

use smallvec::SmallVec;

use super::{Fate, Litmus, Outcome, STATES_MAX, STATES_MAX_BYTES, TooMany, shown};
use crate::call::{Actor, Call, Op};
use crate::oracle::stops::{Stopped, in_copy, is_beyond, is_in_copy};
use crate::oracle::{Steps, reply_of};
use crate::platform::Platform;
use crate::run::{Actors, Event};
use crate::step::{self, RuleSet, moves, rests};
use crate::world::{Progress, World};

/// What is done next.
#[derive(Clone, Copy, Debug)]
enum Item {
    /// The call with this number.
    Call(usize, Call),
    GoesOn(Actor),
}

/// Calls up to where all comes to rest.
#[derive(Debug, Default)]
struct Part {
    items: Vec<Item>,
    /// Whether they come in this order.
    ordered: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct State {
    world: World,
    part: u8,
    /// Which items of the part are done, a bit each.
    done: u64,
    /// The calls in progress, by actor.
    current: SmallVec<[Option<u8>; 8]>,
    fates: Outcome,
    /// Whose calls are to stop, and have not come so far.
    stopping: Actors,
    stopped: Stopped,
}

pub(super) struct Search<'a> {
    steps: Steps<'a>,
    parts: Vec<Part>,
    /// Where each call stops, if it does.
    stops: Vec<Option<u32>>,
    start: State,
}

impl<'a> Search<'a> {
    pub(super) fn new(litmus: &Litmus, platform: &'a Platform) -> Search<'a> {
        let run = &litmus.run;
        let mut parts = vec![Part::default()];
        let mut stops: Vec<Option<u32>> = Vec::new();
        let mut last = vec![0; run.seats.len()];
        for event in &run.events {
            let part = parts.len() - 1;
            match event {
                Event::Call(call) => {
                    last[usize::from(call.actor.0)] = stops.len();
                    parts[part].items.push(Item::Call(stops.len(), *call));
                    stops.push(None);
                }
                Event::Stops(actor, at) => {
                    stops[last[usize::from(actor.0)]] = Some(*at);
                    parts[part].ordered = true;
                }
                Event::GoesOn(actor) => parts[part].items.push(Item::GoesOn(*actor)),
                Event::Quiet(_) => parts.push(Part::default()),
                Event::Return(..) | Event::Exits(..) => {}
            }
        }
        let start = State {
            world: step::start(platform, run.setup(), &run.seats),
            part: 0,
            done: 0,
            current: run.seats.iter().map(|_| None).collect(),
            fates: vec![Fate::Asleep; stops.len()],
            stopping: Actors::NONE,
            stopped: Stopped::default(),
        };
        Search { steps: Steps::new(platform), parts, stops, start }
    }

    /// All outcomes; `None` if they are no longer wanted.
    pub(super) fn run(
        &self,
        ended: &dyn Fn() -> bool,
    ) -> Result<Option<HashSet<Outcome>>, TooMany> {
        let mut found = HashSet::new();
        let mut known = HashSet::new();
        let mut bytes = 0;
        let mut todo = vec![self.returned(self.start.clone())];
        while let Some(state) = todo.pop() {
            if !known.insert(state.clone()) {
                continue;
            }
            if ended() {
                return Ok(None);
            }
            bytes += state.world.weight_bytes();
            if known.len() > STATES_MAX || bytes > STATES_MAX_BYTES {
                return Err(TooMany);
            }
            self.moves(&state, &mut todo);
            self.calls(&state, &mut todo);
            if self.is_over(&state) && self.steps.may_sleep(&state.world) {
                match usize::from(state.part) + 1 < self.parts.len() {
                    true => todo.push(self.at_rest(state)),
                    false => drop(found.insert(state.fates)),
                }
            }
        }
        Ok(Some(found))
    }

    /// The state at the beginning of the next part, all calls in progress being asleep.
    fn at_rest(&self, mut state: State) -> State {
        (state.part, state.done) = (state.part + 1, 0);
        if self.steps.platform.sleepers_in_line {
            state.world.all_sleep();
        }
        step::have_looked(self.steps.platform, &mut state.world);
        state
    }

    /// Whether all of the part is done that can be: who sleeps makes no call.
    fn is_over(&self, state: &State) -> bool {
        let mut items = self.parts[usize::from(state.part)].items.iter().enumerate();
        items.all(|(index, item)| {
            state.done & 1 << index != 0
                || matches!(item, Item::Call(_, call) if state.world.pending(call.actor).is_some())
        })
    }

    /// The states after a move of a call in progress, or after something has arrived, or a call has come to its stop.
    fn moves(&self, state: &State, next: &mut Vec<State>) {
        let platform = self.steps.platform;
        for actor in state.world.busy().iter() {
            if let Some(at) = self.stop(state, actor).filter(|_| state.stopping.contains(actor))
                && is_in_copy(platform, &state.world, actor, at)
                && !state.stopped.locks_out(platform, &state.world, actor)
            {
                for world in in_copy(platform, &state.world, actor) {
                    let mut after = State { world, ..state.clone() };
                    after.stopping = state.stopping.without(actor);
                    after.stopped.insert(actor, at);
                    next.push(after);
                }
            }
            let answered =
                reply_of(&state.world, actor).is_some() || state.world.is_to_let_go(actor);
            let in_copy = answered && self.is_held(state, actor);
            if in_copy || state.stopped.locks_out(platform, &state.world, actor) {
                continue;
            }
            let at = self.stop(state, actor);
            for world in self.steps.of_stopping(&state.world, actor, at) {
                if !self.is_too_early(state, &world, actor) {
                    next.push(self.returned(State { world, ..state.clone() }));
                }
            }
        }
        for world in self.steps.delivered(&state.world) {
            next.push(self.returned(State { world, ..state.clone() }));
        }
    }

    /// Whether the actor's call is stopped, or must stop before it gives what it has taken.
    fn is_held(&self, state: &State, actor: Actor) -> bool {
        let stops = self.stop(state, actor).filter(|_| state.stopping.contains(actor));
        let counts = || {
            let (_, reply) = reply_of(&state.world, actor)?;
            reply.answer.count()
        };
        state.stopped.is_held(actor) || stops.is_some_and(|at| counts() > Some(at))
    }

    /// Where the actor's call in progress stops, if it does.
    fn stop(&self, state: &State, actor: Actor) -> Option<u32> {
        state.current[usize::from(actor.0)].and_then(|call| self.stops[usize::from(call)])
    }

    /// Whether a call is beyond the byte at which it is stopped, or is to stop.
    fn is_too_early(&self, state: &State, world: &World, actor: Actor) -> bool {
        let platform = self.steps.platform;
        let passes = |at| {
            let call = world.pending(actor);
            let count = call.and_then(|call| match call.progress {
                Progress::Answered { answer, .. } => answer.count(),
                Progress::Open => Some(call.done),
            });
            count.is_some_and(|count| count > at) && is_beyond(platform, world, actor, at)
        };
        let stops = self.stop(state, actor).filter(|_| state.stopping.contains(actor));
        stops.is_some_and(passes) || !state.stopped.allows(platform, world, actor)
    }

    /// Calls that are answered return as soon as they can: that hinders nothing.
    fn returned(&self, mut state: State) -> State {
        let free: Actors =
            state.world.busy().iter().filter(|actor| !self.is_held(&state, *actor)).collect();
        for actor in free.iter() {
            if let Some((_, reply)) = reply_of(&state.world, actor)
                && let Some(call) = state.current[usize::from(actor.0)].take()
            {
                state.fates[usize::from(call)] = Fate::Returns(shown(reply));
                state.world.returned(actor);
                state.stopping = state.stopping.without(actor);
                state.stopped.remove(actor);
            }
        }
        state
    }

    /// The states after the next call of somebody, or after one that was stopped goes on.
    fn calls(&self, state: &State, next: &mut Vec<State>) {
        let part = &self.parts[usize::from(state.part)];
        if part.ordered && (self.looks(state) || self.comes_to_stop(state)) {
            return;
        }
        let mut seen = Actors::NONE;
        for (index, item) in part.items.iter().enumerate() {
            if state.done & 1 << index != 0 {
                continue;
            }
            let (Item::Call(_, Call { actor, .. }) | Item::GoesOn(actor)) = *item;
            if !seen.contains(actor) {
                seen = seen.with(actor);
                self.take(state, index, *item, next);
            }
            if part.ordered {
                break;
            }
        }
    }

    /// Whether somebody is on its way to its stop: calls made in order are made when it is there, or sleeps.
    fn comes_to_stop(&self, state: &State) -> bool {
        let may_rest = |actor| {
            let steps = moves(self.steps.platform, &state.world, actor, &mut RuleSet::default());
            rests(&steps)
        };
        state.stopping.iter().any(|actor| !may_rest(actor))
    }

    /// Whether somebody is looking, which waits for nobody: in calls made in order it is over before the next.
    fn looks(&self, state: &State) -> bool {
        let mut calls = state.world.busy().iter().filter_map(|actor| state.world.pending(actor));
        calls.any(|call| {
            matches!(call.op, Op::Poll { wait: false, .. }) && call.progress == Progress::Open
        })
    }

    fn take(&self, state: &State, index: usize, item: Item, next: &mut Vec<State>) {
        let mut after = State { done: state.done | 1 << index, ..state.clone() };
        match item {
            Item::GoesOn(actor) => {
                after.stopping = after.stopping.without(actor);
                after.stopped.goes_on(actor);
                next.push(self.returned(after));
            }
            Item::Call(number, call) => {
                if state.world.pending(call.actor).is_some() {
                    if !self.parts[usize::from(state.part)].ordered {
                        return;
                    }
                    // Who sleeps when it is their turn makes no call.
                    let steps = moves(
                        self.steps.platform,
                        &state.world,
                        call.actor,
                        &mut RuleSet::default(),
                    );
                    if rests(&steps) {
                        next.push(after);
                    }
                    return;
                }
                // A call is not made that would make an end which is open: no outcome has it.
                if call.makes().is_some_and(|end| state.world.end(call.actor, end).is_some()) {
                    return;
                }
                after.world.call(call);
                after.current[usize::from(call.actor.0)] = Some(number as u8);
                if self.stops[number].is_some() {
                    after.stopping = after.stopping.with(call.actor);
                    after.world.pending_mut(call.actor).stops = true;
                }
                next.push(self.returned(after));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::litmus::Litmus;
    use crate::platform::LINUX;

    /// What calls may come to depends on the settings that the file names.
    #[test]
    fn a_setting_of_the_file_holds() {
        let outcomes = |setting: &str| {
            let text = format!(
                "channel unix-datagram\n{setting}actor ann holds sa\nann: socket\nann: bind s\n\
                 ann: send sa 1 addressed\nann: send sa 1 addressed\nann: send sa 1 dontwait addressed\n"
            );
            let litmus: Litmus = text.parse().expect("a litmus file");
            let outcomes = litmus.outcomes(&LINUX).expect("few");
            outcomes.iter().map(|outcome| litmus.tell(outcome)).collect::<Vec<_>>()
        };
        let made = "ann -> ok, ann -> ok, ann -> 1, ann -> 1";
        assert_eq!(outcomes(""), [format!("{made}, ann -> 1")]);
        let short = outcomes("setting net.unix.max_dgram_qlen 1\n");
        assert_eq!(short, [format!("{made}, ann -> EAGAIN")]);
    }

    /// Of a large write that stops, a reader may be told the first byte, those up to the last page, or up to the stop: no
    /// byte in between makes a state.
    #[test]
    fn a_large_write_to_a_file_that_stops_has_few_outcomes() {
        let text = "channel file\nactor ann holds rw\nactor ben holds rw\nann: write 65537 stops at 40000\n\
                    ben: read 65537\nann: goes on\n";
        let litmus: Litmus = text.parse().expect("a litmus file");
        let outcomes = litmus.outcomes(&LINUX).expect("few");
        let told: Vec<_> = outcomes.iter().map(|outcome| litmus.tell(outcome)).collect();
        for count in [0, 1, 36_864, 40_000] {
            let outcome = format!("ann -> 65537, ben -> {count}");
            assert!(told.contains(&outcome), "{outcome}: {told:?}");
        }
        assert!(told.len() < 20, "{told:?}");
    }
}
