//! Litmus tests: a few calls of several actors, and every outcome that the rules allow of them.
//!
//! An outcome is what all calls give. Each actor makes its calls in order; those of different actors come in any
//! order, but `quiet` lets all before it come to rest, and where a call stops in its middle calls are made as the
//! file has them. The grammar stands with that of runs, in [`crate::text`].
//!
//! Of large ranges of counts some are tried, as elsewhere in exploration: a run that the oracle accepts may have
//! an outcome that is not listed here.

mod fates;

use std::collections::HashSet;
use std::fmt::Write as _;
use std::str::FromStr;

use smallvec::SmallVec;

use crate::call::{Actor, Answer, Call, Op, Reply};
use crate::data::Data;
use crate::oracle::{Steps, reply_of};
use crate::platform::Platform;
use crate::run::{Actors, Event, Run};
use crate::step::{RuleSet, moves, rests};
use crate::text::{self, ParseError};
use crate::world::{Progress, World};
use fates::Fates;

/// A litmus file.
#[derive(Clone, Debug)]
pub struct Litmus {
    /// The channel, the actors and their calls; what returns there stands for nothing.
    pub run: Run,
    /// What is expected of them.
    pub expected: Vec<Expectation>,
}

/// What is expected of some calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expectation {
    /// Whether it may be.
    pub word: Word,
    /// What calls give: of each actor its first, its second and so on.
    pub fates: Vec<(Actor, Wanted)>,
    /// The comment behind it.
    pub remark: String,
}

/// Whether an outcome may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// The rules allow it, and it is seen.
    Allowed,
    /// No rule allows it.
    Forbidden,
    /// The rules allow it, but this kernel is not known to do so; the remark says why.
    Lax,
}

/// What a call is expected to give.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Whatever it likes.
    Any,
    /// Nothing: it sleeps, or its actor sleeps in a call before.
    Asleep,
    /// This; without data, any data.
    Reply(Reply),
}

/// What a call gave.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Fate {
    /// It returned.
    Returns(Reply),
    /// It sleeps, or its actor slept in a call before when it was to be made.
    Asleep,
    /// It was not made, though its actor was free to: no rule says anything of that, so it is never allowed.
    NotMade,
}

/// What all calls gave, in the order of the file.
pub type Outcome = Vec<Fate>;

/// So many states are gone through at most.
const STATES_MAX: usize = 400_000;

/// There are too many orders to go through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "there are too many orders to go through; make fewer calls at once, or let things come to rest by \"quiet\""
)]
pub struct TooMany;

impl Word {
    /// The word in files.
    pub fn word(self) -> &'static str {
        match self {
            Word::Allowed => "allowed",
            Word::Forbidden => "forbidden",
            Word::Lax => "lax",
        }
    }
}

impl FromStr for Litmus {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Litmus, ParseError> {
        let (run, expected) = text::litmus(text)?;
        Ok(Litmus { run, expected })
    }
}

impl Litmus {
    /// The calls, in the order of the file.
    pub fn calls(&self) -> Vec<Call> {
        let calls = self.run.events.iter().filter_map(|event| match event {
            Event::Call(call) => Some(*call),
            _ => None,
        });
        calls.collect()
    }

    /// Whether calls stop in their middle: then they are made in the order of the file.
    pub fn stops(&self) -> bool {
        self.run.events.iter().any(|event| matches!(event, Event::Stops(..)))
    }

    /// Whether something is expected of the bytes that calls give.
    pub fn asks_for_data(&self) -> bool {
        let wanted = self.expected.iter().flat_map(|expected| &expected.fates);
        wanted.into_iter().any(|(_, wanted)| {
            matches!(wanted, Wanted::Reply(Reply { data, .. }) if *data != Data::Unknown)
        })
    }

    /// Whether an outcome is as expected here.
    pub fn fits(&self, expected: &Expectation, outcome: &[Fate]) -> bool {
        let calls = self.calls();
        let mut made = [0_usize; 256];
        expected.fates.iter().all(|(actor, wanted)| {
            let number = made[usize::from(actor.0)];
            made[usize::from(actor.0)] += 1;
            let own = calls.iter().zip(outcome).filter(|(call, _)| call.actor == *actor);
            let Some((_, fate)) = own.into_iter().nth(number) else { return false };
            match (wanted, fate) {
                (Wanted::Any, _) | (Wanted::Asleep, Fate::Asleep) => true,
                (Wanted::Reply(wanted), Fate::Returns(reply)) => is_like(wanted, reply),
                _ => false,
            }
        })
    }

    /// An outcome in words: `writer -> 2, reader -> asleep`.
    pub fn tell(&self, outcome: &[Fate]) -> String {
        let tell = |(call, fate): (&Call, &Fate)| {
            format!("{} -> {}", self.run.actor_name(call.actor), self.tell_fate(fate))
        };
        self.calls().iter().zip(outcome).map(tell).collect::<Vec<_>>().join(", ")
    }

    fn tell_fate(&self, fate: &Fate) -> String {
        let reply = match fate {
            Fate::Returns(reply) => reply,
            Fate::Asleep => return "asleep".to_owned(),
            Fate::NotMade => return "not made".to_owned(),
        };
        let mut text = reply.to_string();
        match &reply.data {
            Data::Named(names) if self.asks_for_data() && !names.is_empty() => {
                text.push_str(" =");
                for name in names {
                    let writer = self.run.actor_name(name.actor);
                    let _ = write!(text, " {writer}[{}..{}]", name.from, name.to());
                }
            }
            Data::Bytes(bytes) if self.asks_for_data() && !bytes.is_empty() => {
                text.push_str(" = other bytes");
            }
            _ => {}
        }
        text
    }

    /// What is expected, in words.
    pub fn tell_expected(&self, expected: &Expectation) -> String {
        let tell = |(actor, wanted): &(Actor, Wanted)| {
            let fate = match wanted {
                Wanted::Any => "any".to_owned(),
                Wanted::Asleep => "asleep".to_owned(),
                Wanted::Reply(reply) => self.tell_fate(&Fate::Returns(reply.clone())),
            };
            format!("{} -> {fate}", self.run.actor_name(*actor))
        };
        expected.fates.iter().map(tell).collect::<Vec<_>>().join(", ")
    }

    /// What a real run of the calls came to, with data as one of the `allowed` outcomes names it.
    pub fn outcome(&self, run: &Run, allowed: &[Outcome]) -> Outcome {
        let mut of: Vec<Fates<'_>> =
            (0..self.run.seats.len()).map(|actor| Fates::of(run, Actor(actor as u8))).collect();
        let next = |call: &Call| of[usize::from(call.actor.0)].next(call);
        let outcome: Outcome = self.calls().iter().map(next).collect();
        let outcome = if self.asks_for_data() { outcome } else { without_data(outcome) };
        let same = |other: &&Outcome| {
            outcome.iter().zip(*other).all(|(seen, fate)| looks_like(seen, fate))
        };
        allowed.iter().find(same).cloned().unwrap_or(outcome)
    }

    /// Every outcome that the platform's rules allow, in words' order.
    ///
    /// # Errors
    ///
    /// There are too many.
    pub fn outcomes(&self, platform: &Platform) -> Result<Vec<Outcome>, TooMany> {
        let search = Search::new(self, platform);
        let found = search.run()?;
        let asks = self.asks_for_data();
        let found =
            found.into_iter().map(|outcome| if asks { outcome } else { without_data(outcome) });
        let mut outcomes: Vec<Outcome> = found.collect::<HashSet<_>>().into_iter().collect();
        outcomes.sort_by_cached_key(|outcome| self.tell(outcome));
        Ok(outcomes)
    }
}

fn without_data(outcome: Outcome) -> Outcome {
    let plain = |fate| match fate {
        Fate::Returns(reply) => Fate::Returns(Reply { data: Data::Unknown, ..reply }),
        other => other,
    };
    outcome.into_iter().map(plain).collect()
}

/// Whether what was seen may be what the rules give.
fn looks_like(seen: &Fate, fate: &Fate) -> bool {
    match (seen, fate) {
        (Fate::Returns(seen), Fate::Returns(reply)) => is_like(seen, reply),
        (seen, fate) => seen == fate,
    }
}

fn is_like(wanted: &Reply, reply: &Reply) -> bool {
    let data = match (&wanted.data, &reply.data) {
        (Data::Unknown, _) => true,
        (data, Data::Named(names)) => data.may_be(names),
        (data, Data::Unknown) => data.is_empty(),
        (data, other) => data == other,
    };
    wanted.answer == reply.answer && wanted.signal == reply.signal && data
}

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
    stopped: Actors,
}

struct Search<'a> {
    steps: Steps<'a>,
    parts: Vec<Part>,
    /// Where each call stops, if it does.
    stops: Vec<Option<u32>>,
    start: State,
}

impl<'a> Search<'a> {
    fn new(litmus: &Litmus, platform: &'a Platform) -> Search<'a> {
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
                Event::Return(..) => {}
            }
        }
        let start = State {
            world: World::new(platform, &run.setup, &run.seats),
            part: 0,
            done: 0,
            current: run.seats.iter().map(|_| None).collect(),
            fates: vec![Fate::Asleep; stops.len()],
            stopped: Actors::NONE,
        };
        Search { steps: Steps::new(platform), parts, stops, start }
    }

    fn run(&self) -> Result<HashSet<Outcome>, TooMany> {
        let mut found = HashSet::new();
        let mut known = HashSet::new();
        let mut todo = vec![self.returned(self.start.clone())];
        while let Some(state) = todo.pop() {
            if !known.insert(state.clone()) {
                continue;
            }
            if known.len() > STATES_MAX {
                return Err(TooMany);
            }
            self.moves(&state, &mut todo);
            self.calls(&state, &mut todo);
            if self.is_over(&state) && self.steps.may_sleep(&state.world) {
                match usize::from(state.part) + 1 < self.parts.len() {
                    true => todo.push(State { part: state.part + 1, done: 0, ..state }),
                    false => drop(found.insert(state.fates)),
                }
            }
        }
        Ok(found)
    }

    /// Whether all of the part is done that can be: who sleeps makes no call.
    fn is_over(&self, state: &State) -> bool {
        let mut items = self.parts[usize::from(state.part)].items.iter().enumerate();
        items.all(|(index, item)| {
            state.done & 1 << index != 0
                || matches!(item, Item::Call(_, call) if state.world.pending(call.actor).is_some())
        })
    }

    /// The states after a move of a call in progress, or after something has arrived.
    fn moves(&self, state: &State, next: &mut Vec<State>) {
        for actor in state.world.busy().iter() {
            for world in self.steps.of(&state.world, actor) {
                if !self.is_too_early(state, &world, actor) {
                    next.push(self.returned(State { world, ..state.clone() }));
                }
            }
        }
        for world in self.steps.delivered(&state.world) {
            next.push(self.returned(State { world, ..state.clone() }));
        }
    }

    /// Whether a write is answered that is stopped: what has not been copied has not been taken.
    fn is_too_early(&self, state: &State, world: &World, actor: Actor) -> bool {
        let Some(call) = world.pending(actor).filter(|call| call.op.offers().is_some()) else {
            return false;
        };
        let Progress::Answered { answer, .. } = call.progress else { return false };
        let stop =
            state.current[usize::from(actor.0)].and_then(|call| self.stops[usize::from(call)]);
        state.stopped.contains(actor)
            && stop.is_some_and(|at| answer.count().is_some_and(|count| count > at))
    }

    /// Calls that are answered return as soon as they can: that hinders nothing.
    fn returned(&self, mut state: State) -> State {
        for actor in state.world.busy().iter().filter(|actor| !state.stopped.contains(*actor)) {
            if let Some((_, reply)) = reply_of(&state.world, actor)
                && let Some(call) = state.current[usize::from(actor.0)].take()
            {
                state.fates[usize::from(call)] = Fate::Returns(shown(reply));
                state.world.returned(actor);
            }
        }
        state
    }

    /// The states after the next call of somebody, or after one that was stopped goes on.
    fn calls(&self, state: &State, next: &mut Vec<State>) {
        let part = &self.parts[usize::from(state.part)];
        if part.ordered && self.looks(state) {
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
                after.stopped = Actors(after.stopped.0 & !Actors::NONE.with(actor).0);
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
                    after.stopped = after.stopped.with(call.actor);
                }
                next.push(self.returned(after));
            }
        }
    }
}

/// A reply as it is told: of what gives no bytes, none.
fn shown(reply: Reply) -> Reply {
    match reply.answer {
        Answer::Count(1..) | Answer::Marked(1.., _) => reply,
        _ => Reply { data: Data::Unknown, ..reply },
    }
}
