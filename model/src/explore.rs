//! Exhaustive exploration on small sizes: every reachable state, and whether one profile refines another.
//!
//! Actors here run no program: each may make any call of an alphabet whenever it is idle. A call that is
//! answered returns before anything else happens: whoever allows a run allows it with returns delayed, and
//! without this a reader could lag behind without end.

mod refine;

use rustc_hash::FxHashSet;
use std::collections::VecDeque;

use crate::call::{ACTORS_MAX, Actor, Call, Op, Reply};
use crate::channel::Object;
use crate::oracle::{Steps, reply_of};
use crate::platform::Platform;
use crate::run::{Event, Name, Run, Seat, Setup};
use crate::step;
use crate::world::World;

pub use refine::{Refinement, Within, refines, refines_as, refines_within};

/// What is explored: a channel, who takes part, and which calls may be made.
#[derive(Clone, Debug)]
pub struct Space {
    /// The channel at the start.
    pub setup: Setup,
    /// The actors.
    pub seats: Vec<Seat>,
    /// Names of ends.
    pub end_names: Vec<Name>,
    /// The calls that an idle actor may make.
    pub alphabet: Vec<Call>,
    /// A write is only made while fewer bytes than this wait to be read, and while no read in progress has taken some
    /// of its actor's. POSIX gives no capacity, and lets a read take its bytes one by one, so without this no
    /// exploration ends.
    pub fill_bytes: u32,
    /// Where bytes stay for ever (in files): a write is only made while its actor has written fewer bytes than
    /// this, and names are not renumbered at returns.
    pub lasting_bytes: Option<i64>,
}

impl Space {
    /// The world at the start. The platform is as it is given, whatever the settings of the channel are.
    pub fn start(&self, platform: &Platform) -> World {
        step::start(platform, &self.setup, &self.seats)
    }

    /// The world once `actor` has seen its call return.
    fn after_return(&self, world: &World, actor: Actor) -> World {
        let mut next = world.clone();
        next.returned(actor);
        self.rebase(&mut next);
        next
    }

    /// Renumbers names, where that makes the space finite.
    fn rebase(&self, world: &mut World) {
        if self.lasting_bytes.is_none() {
            world.rebase();
        }
    }

    /// The calls that may be made in this world.
    pub fn calls<'a>(&'a self, world: &'a World) -> impl Iterator<Item = Call> + 'a {
        let idle = |call: &&Call| world.pending(call.actor).is_none();
        self.alphabet.iter().filter(idle).copied().filter(|call| {
            call.makes().is_none_or(|end| world.end(call.actor, end).is_none())
                && self.has_room(world, call)
        })
    }

    /// Whether a call that writes may be made, as far as the limits of this space go.
    fn has_room(&self, world: &World, call: &Call) -> bool {
        let filled = || world.objects.iter().map(Object::fill).sum::<u32>() >= self.fill_bytes;
        let fills = matches!(
            call.op,
            Op::Write { .. } | Op::Send { .. } | Op::SendEnd { .. } | Op::Add { .. }
        );
        let written = world.actors[usize::from(call.actor.0)].written;
        let enough = self.lasting_bytes.is_some_and(|bytes| written >= bytes);
        !(enough && call.op.offers().is_some()
            || fills && (filled() || self.lags(world, call.actor)))
    }
}

impl Space {
    /// Whether a read in progress has taken a byte of this actor's, and may take more.
    fn lags(&self, world: &World, actor: Actor) -> bool {
        let calls = world.actors.iter().filter_map(|actor| actor.call.as_ref());
        let mut reads = calls.filter(|call| {
            let object =
                world.object_called(call).map(|object| &world.objects[usize::from(object)]);
            matches!(call.op, Op::Read { .. })
                && matches!(object, Some(Object::Stream(_) | Object::Queue(_)))
        });
        self.lasting_bytes.is_none()
            && reads.any(|read| read.data.iter().any(|bytes| bytes.actor == actor))
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
            reach(space.after_return(&world, actor), &mut todo);
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

/// The shortest run to a world that `goal` is looking for, if there is one. `may_call` leaves out calls that
/// nobody would make in a world.
///
/// Names of bytes in the run are as in a real one: each actor's bytes count from its first.
pub fn find(
    space: &Space,
    platform: &Platform,
    may_call: impl Fn(&World, &Call) -> bool,
    goal: impl FnMut(&World) -> bool,
) -> Option<Run> {
    let calls = |world: &World, _: &Turns| {
        space.calls(world).filter(|call| may_call(world, call)).collect()
    };
    search(space, platform, calls, |_| 1, goal)
}

/// The same where each actor makes the calls of its program in turn, again and again. A call that writes is
/// only made while fewer than [`Space::fill_bytes`] bytes are there.
pub fn find_in_turns(
    space: &Space,
    platform: &Platform,
    programs: &[Vec<Call>],
    goal: impl FnMut(&World) -> bool,
) -> Option<Run> {
    let calls = |world: &World, turns: &Turns| {
        let next = programs.iter().zip(turns).map(|(program, turn)| program[usize::from(*turn)]);
        let idle = next.filter(|call| world.pending(call.actor).is_none());
        idle.filter(|call| call.op.offers().is_none() || space.has_room(world, call)).collect()
    };
    search(space, platform, calls, |actor| programs[usize::from(actor.0)].len(), goal)
}

/// For each actor which call of its program is next.
type Turns = [u8; ACTORS_MAX];

fn search(
    space: &Space,
    platform: &Platform,
    calls: impl Fn(&World, &Turns) -> Vec<Call>,
    program_len: impl Fn(Actor) -> usize,
    mut goal: impl FnMut(&World) -> bool,
) -> Option<Run> {
    let steps = Steps::new(platform);
    let mut known: FxHashSet<(World, Turns)> = FxHashSet::default();
    let mut nodes =
        vec![Node { world: space.start(platform), turns: [0; ACTORS_MAX], from: 0, event: None }];
    let mut at = 0;
    while at < nodes.len() {
        let (world, turns) = (nodes[at].world.clone(), nodes[at].turns);
        if goal(&world) {
            return Some(run_to(space, &nodes, at));
        }
        let node = |world, event| Node { world, turns, from: at, event };
        let mut next: Vec<Node> = Vec::new();
        if let Some((actor, reply)) = answered(&world) {
            let mut after = world.clone();
            after.returned(actor);
            next.push(node(after, Some(Event::Return(actor, reply))));
        } else {
            let moved = world.busy().iter().flat_map(|actor| steps.of(&world, actor));
            next.extend(moved.chain(steps.delivered(&world)).map(|after| node(after, None)));
            for call in calls(&world, &turns) {
                let mut after = node(world.clone(), Some(Event::Call(call)));
                after.world.call(call);
                let turn = &mut after.turns[usize::from(call.actor.0)];
                *turn = (*turn + 1) % program_len(call.actor) as u8;
                next.push(after);
            }
        }
        for after in next {
            // Worlds that differ in how much was written before are the same to what follows.
            let mut key = after.world.clone();
            space.rebase(&mut key);
            if known.insert((key, after.turns)) {
                nodes.push(after);
            }
        }
        at += 1;
    }
    None
}

/// A world that was reached, and how.
struct Node {
    world: World,
    turns: Turns,
    /// The node before.
    from: usize,
    /// The event between, if it was one.
    event: Option<Event>,
}

/// The run that leads to a node. Who is answered there returns.
fn run_to(space: &Space, nodes: &[Node], last: usize) -> Run {
    let mut events = Vec::new();
    let mut at = last;
    while at != 0 {
        events.extend(nodes[at].event.clone());
        at = nodes[at].from;
    }
    let mut run = Run::new(space.setup.clone(), space.seats.clone(), space.end_names.clone());
    events.into_iter().rev().for_each(|event| run.push(event));
    if let Some((actor, reply)) = answered(&nodes[last].world) {
        run.push(Event::Return(actor, reply));
    }
    run
}

/// An actor whose call is answered, and the reply that it will see.
fn answered(world: &World) -> Option<(Actor, Reply)> {
    world.busy().iter().find_map(|actor| Some((actor, reply_of(world, actor)?.1)))
}
