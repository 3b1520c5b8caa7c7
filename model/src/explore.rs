//! Exhaustive exploration on small sizes: every reachable state, and whether one profile refines another.
//!
//! Actors here run no program: each may make any call of an alphabet whenever it is idle. A call that is
//! answered returns before anything else happens: whoever allows a run allows it with returns delayed, and
//! without this a reader could lag behind without end.

use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::VecDeque;

use crate::call::{Actor, Call, Op, Reply};
use crate::channel::Object;
use crate::oracle::{Steps, reply_of};
use crate::platform::Platform;
use crate::run::{Actors, Event, Name, Run, Seat, Setup};
use crate::world::World;

/// What is explored: a channel, who takes part, and which calls may be made.
#[derive(Clone, Debug)]
pub struct Space {
    /// The channel at the start.
    pub setup: Setup,
    /// Who takes part.
    pub seats: Vec<Seat>,
    /// Names of ends.
    pub end_names: Vec<Name>,
    /// The calls that an idle actor may make.
    pub alphabet: Vec<Call>,
    /// A write is only made while fewer bytes than this wait to be read. POSIX gives no capacity, so
    /// without this no exploration ends.
    pub fill_bytes: u32,
}

impl Space {
    /// The world at the start.
    pub fn start(&self, platform: &Platform) -> World {
        World::new(platform, &self.setup, &self.seats)
    }

    /// The calls that may be made in this world.
    pub fn calls<'a>(&'a self, world: &'a World) -> impl Iterator<Item = Call> + 'a {
        let idle = |call: &&Call| world.pending(call.actor).is_none();
        self.alphabet.iter().filter(idle).copied().filter(|call| {
            let filled = || world.objects.iter().map(Object::fill).sum::<u32>() >= self.fill_bytes;
            let fills = matches!(call.op, Op::Write { .. } | Op::Send { .. } | Op::SendEnd { .. });
            call.makes().is_none_or(|end| world.end(call.actor, end).is_none())
                && !(fills && filled())
        })
    }
}

/// Visits every reachable world once, breadth first; returns how many there are.
///
/// A call that one rule leaves unspecified is not followed.
pub fn visit(space: &Space, platform: &Platform, mut seen: impl FnMut(&World)) -> usize {
    let mut known: FxHashSet<World> = FxHashSet::default();
    let mut todo: VecDeque<World> = VecDeque::new();
    let steps = Steps::new(platform);
    let mut reach = |world: World, todo: &mut VecDeque<World>| {
        if !known.contains(&world) {
            known.insert(world.clone());
            todo.push_back(world);
        }
    };
    reach(space.start(platform), &mut todo);
    let mut count = 0;
    while let Some(world) = todo.pop_front() {
        count += 1;
        seen(&world);
        if let Some((actor, _)) = answered(&world) {
            reach(after_return(&world, actor), &mut todo);
            continue;
        }
        for call in space.calls(&world) {
            let mut next = world.clone();
            next.call(call);
            reach(next, &mut todo);
        }
        for actor in world.busy().iter() {
            steps.of(&world, actor).into_iter().for_each(|next| reach(next, &mut todo));
        }
        steps.delivered(&world).into_iter().for_each(|next| reach(next, &mut todo));
    }
    count
}

/// An actor whose call is answered, and the reply that it will see.
fn answered(world: &World) -> Option<(Actor, Reply)> {
    world.busy().iter().find_map(|actor| Some((actor, reply_of(world, actor)?.1)))
}

/// The world once `actor` has seen its call return.
fn after_return(world: &World, actor: Actor) -> World {
    let mut next = world.clone();
    next.returned(actor);
    next.rebase();
    next
}

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
}

/// Checks that every behaviour of `concrete` is one of `abstract_`, event by event.
///
/// Breadth first over pairs of a concrete state and the set of abstract states that look the same so far;
/// a pair is dropped where one with the same concrete state and a subset is known (an antichain).
/// Behaviour that is unspecified for `abstract_` is not followed.
pub fn refines(space: &Space, concrete: &Platform, abstract_: &Platform) -> Refinement {
    Refines::new(space, concrete, abstract_).run()
}

/// A pair, with how it was reached.
struct Pair {
    world: World,
    allowed: Vec<u32>,
    parent: usize,
    event: Option<Event>,
}

struct Refines<'a> {
    space: &'a Space,
    concrete: Steps<'a>,
    abstract_: Steps<'a>,
    /// Abstract worlds by number, and back.
    worlds: Vec<World>,
    numbers: FxHashMap<World, u32>,
    /// For each concrete world the sets with which it is known: none a subset of another.
    known: FxHashMap<World, Vec<Vec<u32>>>,
    pairs: Vec<Pair>,
    violations: Vec<Run>,
}

impl<'a> Refines<'a> {
    fn new(space: &'a Space, concrete: &'a Platform, abstract_: &'a Platform) -> Refines<'a> {
        Refines {
            space,
            concrete: Steps::new(concrete),
            abstract_: Steps::new(abstract_),
            worlds: Vec::new(),
            numbers: FxHashMap::default(),
            known: FxHashMap::default(),
            pairs: Vec::new(),
            violations: Vec::new(),
        }
    }

    fn run(mut self) -> Refinement {
        let start = self.space.start(self.abstract_.platform);
        let allowed = self.number(vec![start]);
        let world = self.space.start(self.concrete.platform);
        self.add(Pair { world, allowed, parent: 0, event: None });
        let mut at = 0;
        while at < self.pairs.len() {
            self.expand(at);
            at += 1;
        }
        let concrete = self.known.len();
        Refinement { pairs: self.pairs.len(), concrete, violations: self.violations }
    }

    fn expand(&mut self, at: usize) {
        let world = self.pairs[at].world.clone();
        let allowed = self.pairs[at].allowed.clone();
        if let Some((actor, reply)) = answered(&world) {
            self.returns(at, &world, &allowed, actor, reply);
            return;
        }
        for call in self.space.calls(&world) {
            let next = self.map(&allowed, |world| world.call(call));
            let mut world = world.clone();
            world.call(call);
            self.add(Pair { world, allowed: next, parent: at, event: Some(Event::Call(call)) });
        }
        let busy = world.busy();
        for actor in busy.iter() {
            for next in self.concrete.of(&world, actor) {
                let allowed = allowed.clone();
                self.add(Pair { world: next, allowed, parent: at, event: None });
            }
        }
        for next in self.concrete.delivered(&world) {
            let allowed = allowed.clone();
            self.add(Pair { world: next, allowed, parent: at, event: None });
        }
        if !busy.is_empty() && self.concrete.may_sleep(&world) {
            self.quiet(at, world, &allowed, busy);
        }
    }

    fn returns(&mut self, at: usize, world: &World, allowed: &[u32], actor: Actor, reply: Reply) {
        let states = self.states(allowed);
        let event = Event::Return(actor, reply.clone());
        match self.abstract_.after_return(states, actor, &reply) {
            None => {}
            Some(next) if next.is_empty() => self.violates(at, event),
            Some(next) => {
                let next = next.into_iter().map(|mut world| {
                    world.rebase();
                    world
                });
                let allowed = self.number(next.collect());
                let world = after_return(world, actor);
                self.add(Pair { world, allowed, parent: at, event: Some(event) });
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
                self.add(Pair { world, allowed, parent: at, event: Some(event) });
            }
        }
    }

    fn add(&mut self, pair: Pair) {
        let sets = self.known.entry(pair.world.clone()).or_default();
        if sets.iter().any(|set| is_subset(set, &pair.allowed)) {
            return;
        }
        sets.retain(|set| !is_subset(&pair.allowed, set));
        sets.push(pair.allowed.clone());
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
        let space = self.space;
        let mut run = Run::new(space.setup.clone(), space.seats.clone(), space.end_names.clone());
        events.into_iter().rev().for_each(|event| run.push(event));
        self.violations.push(run);
    }
}

/// Whether every number of `a` is in `b`; both ascending.
fn is_subset(a: &[u32], b: &[u32]) -> bool {
    let mut rest = b.iter();
    a.len() <= b.len() && a.iter().all(|number| rest.any(|other| other == number))
}
