//! Whether every behaviour of one channel is one of another: a search over pairs.

use rustc_hash::FxHashMap;

use super::{Space, answered};
use crate::call::{ACTORS_MAX, Actor, Answer, Call, Reply};
use crate::data::Data;
use crate::oracle::Steps;
use crate::platform::Platform;
use crate::run::{Actors, Event, Run};
use crate::world::World;

/// How a refinement check ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refinement {
    /// Pairs of a concrete state and a set of abstract states that were visited.
    pub pairs: usize,
    /// Concrete states among them.
    pub concrete: usize,
    /// Runs of the concrete platform that the abstract one does not allow, shortest first; at most one
    /// for each concrete state and event.
    pub violations: Vec<Run>,
    /// Whether all was visited that was to be.
    pub whole: bool,
}

/// How far a comparison goes.
#[derive(Clone, Copy, Debug)]
pub struct Within {
    /// Calls of a run at most.
    pub calls: usize,
    /// Pairs that are visited at most.
    pub pairs: usize,
}

/// Checks that every behaviour of `concrete` is one of `abstract_`, event by event.
///
/// Breadth first over pairs of a concrete state and the set of abstract states that look the same so far;
/// a pair is dropped where one with the same concrete state and a subset is known (an antichain).
/// Behaviour that is unspecified for `abstract_` is not followed.
pub fn refines(space: &Space, concrete: &Platform, abstract_: &Platform) -> Refinement {
    refines_as(space, concrete, space, abstract_, |call| call)
}

/// Checks that every behaviour of one channel is one of another: `called` says which call on the other
/// stands for a call on the first.
pub fn refines_as(
    space: &Space,
    concrete: &Platform,
    other: &Space,
    abstract_: &Platform,
    called: fn(Call) -> Call,
) -> Refinement {
    Refines::new(space, concrete, other, abstract_, called, None).run()
}

/// The same for runs of a few calls, each of which is made when all before it have come to rest.
pub fn refines_within(
    space: &Space,
    concrete: &Platform,
    other: &Space,
    abstract_: &Platform,
    called: fn(Call) -> Call,
    within: Within,
) -> Refinement {
    Refines::new(space, concrete, other, abstract_, called, Some(within)).run()
}

/// A pair, with how it was reached.
struct Pair {
    world: World,
    allowed: Vec<u32>,
    parent: usize,
    event: Option<Event>,
    /// Calls made so far.
    calls: usize,
    /// Whether nothing was done since all was quiet.
    quiet: bool,
}

/// What a pair is known by, besides the states that are allowed: its world, and whether all has come to rest in it.
type Key = (World, bool);

struct Refines<'a> {
    space: &'a Space,
    other: &'a Space,
    called: fn(Call) -> Call,
    concrete: Steps<'a>,
    abstract_: Steps<'a>,
    /// Abstract worlds by number, and back.
    worlds: Vec<World>,
    numbers: FxHashMap<World, u32>,
    within: Option<Within>,
    /// For each concrete world the sets with which it is known, and the calls before: none a subset of another that took
    /// no more calls.
    known: FxHashMap<Key, Vec<(Vec<u32>, usize)>>,
    pairs: Vec<Pair>,
    violations: Vec<Run>,
}

impl<'a> Refines<'a> {
    fn new(
        space: &'a Space,
        concrete: &'a Platform,
        other: &'a Space,
        abstract_: &'a Platform,
        called: fn(Call) -> Call,
        within: Option<Within>,
    ) -> Refines<'a> {
        Refines {
            space,
            other,
            called,
            concrete: Steps::new(concrete),
            abstract_: Steps::new(abstract_),
            worlds: Vec::new(),
            numbers: FxHashMap::default(),
            within,
            known: FxHashMap::default(),
            pairs: Vec::new(),
            violations: Vec::new(),
        }
    }

    fn run(mut self) -> Refinement {
        let start = self.other.start(self.abstract_.platform);
        let allowed = self.number(vec![start]);
        let world = self.space.start(self.concrete.platform);
        self.add(Pair { world, allowed, parent: 0, event: None, calls: 0, quiet: false });
        let most = self.within.map_or(usize::MAX, |within| within.pairs);
        let mut at = 0;
        while at < self.pairs.len() && at < most {
            self.expand(at);
            at += 1;
        }
        let concrete = self.known.len();
        let whole = at == self.pairs.len();
        Refinement { pairs: at, concrete, violations: self.violations, whole }
    }

    fn expand(&mut self, at: usize) {
        let world = self.pairs[at].world.clone();
        let allowed = self.pairs[at].allowed.clone();
        if let Some((actor, reply)) = answered(&world) {
            self.returns(at, &world, &allowed, actor, reply);
            return;
        }
        if self.may_call(at) {
            for call in self.space.calls(&world) {
                let called = (self.called)(call);
                let next = self.map(&allowed, |world| world.call(called));
                let mut world = world.clone();
                world.call(call);
                self.follow(at, world, next, Some(Event::Call(call)));
            }
        }
        let busy = world.busy();
        for actor in busy.iter() {
            for next in self.concrete.of(&world, actor) {
                self.follow(at, next, allowed.clone(), None);
            }
        }
        for next in self.concrete.delivered(&world) {
            self.follow(at, next, allowed.clone(), None);
        }
        if !busy.is_empty() && !self.pairs[at].quiet && self.concrete.may_sleep(&world) {
            self.quiet(at, world, &allowed, busy);
        }
    }

    /// Whether somebody may make a call here: within bounds, once all have come to rest.
    fn may_call(&self, at: usize) -> bool {
        let Pair { world, calls, quiet, .. } = &self.pairs[at];
        self.within.is_none_or(|within| {
            *calls < within.calls && (*quiet || world.busy().iter().next().is_none())
        })
    }

    /// A pair that comes after another one.
    fn follow(&mut self, at: usize, world: World, allowed: Vec<u32>, event: Option<Event>) {
        let calls = self.pairs[at].calls + usize::from(matches!(event, Some(Event::Call(_))));
        let quiet = matches!(event, Some(Event::Quiet(_)));
        self.add(Pair { world, allowed, parent: at, event, calls, quiet });
    }

    fn returns(&mut self, at: usize, world: &World, allowed: &[u32], actor: Actor, reply: Reply) {
        let states = self.states(allowed);
        let event = Event::Return(actor, reply.clone());
        match self.abstract_.after_return(states, actor, &reply) {
            None => {}
            Some(next) if next.is_empty() => self.violates(at, event),
            Some(next) => {
                let space = self.space;
                let next = next.into_iter().map(|mut world| {
                    space.rebase(&mut world);
                    world
                });
                let allowed = self.number(next.collect());
                let world = space.after_return(world, actor);
                self.follow(at, world, allowed, Some(event));
            }
        }
    }

    fn quiet(&mut self, at: usize, world: World, allowed: &[u32], busy: Actors) {
        let event = Event::Quiet(busy);
        match self.abstract_.after_quiet(self.states(allowed)) {
            None => {}
            Some(next) if next.is_empty() => self.violates(at, event),
            Some(next) => {
                let allowed = self.number(next);
                self.follow(at, world, allowed, Some(event));
            }
        }
    }

    fn add(&mut self, pair: Pair) {
        let quiet = self.within.is_some() && pair.quiet;
        let sets = self.known.entry((pair.world.clone(), quiet)).or_default();
        let bounded = self.within.is_some();
        let earlier = |one: usize, other: usize| !bounded || one <= other;
        if sets
            .iter()
            .any(|(set, calls)| earlier(*calls, pair.calls) && is_subset(set, &pair.allowed))
        {
            return;
        }
        sets.retain(|(set, calls)| !(earlier(pair.calls, *calls) && is_subset(&pair.allowed, set)));
        sets.push((pair.allowed.clone(), pair.calls));
        self.pairs.push(pair);
    }

    fn states(&self, allowed: &[u32]) -> Vec<World> {
        allowed.iter().map(|number| self.worlds[*number as usize].clone()).collect()
    }

    fn map(&mut self, allowed: &[u32], change: impl Fn(&mut World)) -> Vec<u32> {
        let mut worlds = self.states(allowed);
        worlds.iter_mut().for_each(change);
        self.number(worlds)
    }

    /// The numbers of these worlds, ascending.
    fn number(&mut self, worlds: Vec<World>) -> Vec<u32> {
        let mut numbers: Vec<u32> = worlds
            .into_iter()
            .map(|world| {
                *self.numbers.entry(world).or_insert_with_key(|world| {
                    self.worlds.push(world.clone());
                    self.worlds.len() as u32 - 1
                })
            })
            .collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers
    }

    fn violates(&mut self, at: usize, last: Event) {
        let mut events = vec![last];
        let mut at = at;
        loop {
            events.extend(self.pairs[at].event.clone());
            if at == 0 {
                break;
            }
            at = self.pairs[at].parent;
        }
        events.reverse();
        let space = self.space;
        if space.lasting_bytes.is_none() {
            rename(&mut events);
        }
        let mut run = Run::new(space.setup.clone(), space.seats.clone(), space.end_names.clone());
        events.into_iter().for_each(|event| run.push(event));
        self.violations.push(run);
    }
}

/// Names the bytes of a run by their positions since its start, as a run is judged: in exploration they are
/// counted from the last return.
fn rename(events: &mut [Event]) {
    let mut written = [0_i64; ACTORS_MAX];
    let mut writes = [false; ACTORS_MAX];
    for event in events {
        match event {
            Event::Call(call) => writes[usize::from(call.actor.0)] = call.op.offers().is_some(),
            Event::Return(actor, reply) => {
                if let Data::Named(segments) = &mut reply.data {
                    for segment in segments {
                        let before = written.get(usize::from(segment.actor.0));
                        segment.from += before.copied().unwrap_or(0);
                    }
                }
                let actor = usize::from(actor.0);
                if let (true, Answer::Count(count)) = (writes[actor], reply.answer) {
                    written[actor] += i64::from(count);
                }
            }
            Event::Quiet(_) | Event::Stops(..) | Event::GoesOn(_) | Event::Exits(..) => {}
        }
    }
}

/// Whether every number of `a` is in `b`; both ascending.
fn is_subset(a: &[u32], b: &[u32]) -> bool {
    let mut rest = b.iter();
    a.len() <= b.len() && a.iter().all(|number| rest.any(|other| other == number))
}
