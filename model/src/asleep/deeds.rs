//! What others could do, tried.

use super::rest;
use crate::call::{
    Actor, Amount, Call, ENDS_MAX, End, Events, Lock, Mode, Op, OpenFlags, SendFlags, Termination,
    Trigger,
};
use crate::channel::Object;
use crate::index::DescriptionIndex;
use crate::oracle::Steps;
use crate::platform::Platform;
use crate::run::{Event, Run};
use crate::world::{Progress, World};

/// Something that an actor could do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Calls, one after the other.
    Calls(Vec<Call>),
    /// Its process ends.
    Exit,
}

/// What arms an entry of an epoll again, and makes what it watches ready.
fn arming(world: &World, by: Actor) -> Vec<Vec<Call>> {
    let is_epoll = |end: &End| {
        let description = world.end(by, *end);
        description.is_some_and(|index| matches!(world.object(index), Object::Epoll(_)))
    };
    let (epolls, others): (Vec<End>, Vec<End>) = world.open_ends(by).partition(is_epoll);
    let events = Events::IN.union(Events::OUT);
    let call = |end: End, op: Op| Call { actor: by, end, op };
    let gives = [Op::Write { len: 1 }, Op::Add { value: Amount::new(1) }];
    let writes = others.iter().flat_map(|end| gives.map(|op| call(*end, op)));
    let writes: Vec<Call> = writes.collect();
    let arms = |epoll: End, target: End| {
        let arm = Op::EpollModify { target, events, trigger: Trigger::NONE };
        std::iter::once(call(epoll, arm)).chain(writes.iter().copied()).collect()
    };
    let pairs = epolls.iter().flat_map(|epoll| others.iter().map(|target| (*epoll, *target)));
    pairs.map(|(epoll, target)| arms(epoll, target)).collect()
}

/// A read of all that there is.
const ALL_BYTES: u32 = 1 << 24;

/// Moves of one call, or arrivals, that are followed at most.
const MOVES_MAX: usize = 256;

/// Worlds in which others do something while a call sleeps.
pub(super) struct Trial {
    platforms: Vec<Platform>,
    worlds: Vec<World>,
    /// The sleepers: the actor, or those that poll for it.
    sleeping: Vec<Actor>,
    /// Whether the call is of its process, so that it ends when all channels let it.
    pub(super) of_process: bool,
    /// Calls that the run has, which may be what is waited for.
    known: Vec<Op>,
}

impl Trial {
    pub(super) fn new(
        run: &Run,
        platforms: Vec<Platform>,
        mut worlds: Vec<World>,
        sleeping: Vec<Actor>,
        of_process: bool,
    ) -> Trial {
        let mut known = Vec::new();
        for event in &run.events {
            if let Event::Call(Call { op, .. }) = event
                && op.offers().is_some()
                && known.len() < 4
                && !known.contains(op)
            {
                known.push(*op);
            }
        }
        // Who is stopped is taken to be continued: what is tried is what could end the wait then.
        for world in &mut worlds {
            for actor in &sleeping {
                world.set_stopped(*actor, false);
            }
        }
        Trial { platforms, worlds, sleeping, of_process, known }
    }

    /// What an actor could do with what it holds, or without.
    pub(super) fn deeds(&self, by: Actor) -> Vec<Deed> {
        let mut deeds = Vec::new();
        if self.of_process {
            deeds.push(Deed::Exit);
            return deeds;
        }
        let world = &self.worlds[0];
        let mut seen: Vec<DescriptionIndex> = Vec::new();
        let ends = (0..ENDS_MAX as u8).map(End);
        let spare = ends.clone().find(|end| world.end(by, *end).is_none());
        for end in ends {
            let Some(description) = world.end(by, end).filter(|index| !seen.contains(index)) else {
                continue;
            };
            seen.push(description);
            let known = self.known.iter().copied();
            let ops = with_an_end(spare).into_iter().chain(known).chain(LAST);
            let registers = self.registers(by, end);
            deeds.extend(
                ops.chain(registers).map(|op| Deed::Calls(vec![Call { actor: by, end, op }])),
            );
        }
        deeds.extend(arming(world, by).into_iter().map(Deed::Calls));
        if let Some(end) = spare {
            let of = |op: &Op| Call { actor: by, end, op: *op };
            let calls = |ops: Vec<Op>| Deed::Calls(ops.iter().map(of).collect());
            deeds.extend(from_nothing().into_iter().map(calls));
        }
        let threads = self.sleeping.iter().any(|actor| world.leader(*actor) == world.leader(by));
        if !threads {
            deeds.push(Deed::Exit);
        }
        deeds
    }

    /// What an actor could register, where the end is an epoll: each of its other ends, for all that may come.
    fn registers(&self, by: Actor, end: End) -> impl Iterator<Item = Op> + '_ {
        let world = &self.worlds[0];
        let is_epoll = |index| matches!(world.object(index), Object::Epoll(_));
        let is_registrar = world.end(by, end).is_some_and(is_epoll);
        let ends = (0..ENDS_MAX as u8).map(End).filter(move |other| is_registrar && *other != end);
        ends.filter(move |other| world.end(by, *other).is_some()).map(|target| Op::EpollAdd {
            target,
            events: Events::IN.union(Events::OUT),
            trigger: Trigger::NONE,
        })
    }

    /// Whether the sleep ends once all of these have done that.
    pub(super) fn ends(&self, actor: Actor, way: &[(Actor, Deed)]) -> bool {
        let mut worlds = self.worlds.clone();
        for (by, deed) in way {
            self.wake(&mut worlds, *by);
            match deed {
                Deed::Exit => {
                    worlds.iter_mut().for_each(|world| world.exits(*by, Termination::SUCCESS));
                    self.drive(&mut worlds, *by);
                }
                Deed::Calls(calls) => {
                    for call in calls {
                        worlds.iter_mut().for_each(|world| world.call(*call));
                        self.drive(&mut worlds, *by);
                        if self.is_over(&worlds, actor) {
                            return true;
                        }
                    }
                }
            }
            if self.is_over(&worlds, actor) {
                return true;
            }
        }
        false
    }

    /// What as few of these as possible could do together, found by leaving out one after the other.
    pub(super) fn together(&self, actor: Actor, by: &[Actor]) -> Option<Vec<(Actor, Deed)>> {
        let exits = |actors: &[Actor]| -> Vec<(Actor, Deed)> {
            let leaders = |by: &&Actor| self.worlds[0].leader(**by) == **by;
            let own = self.worlds[0].leader(actor);
            let others = actors.iter().filter(leaders).filter(|by| **by != own);
            others.map(|by| (*by, Deed::Exit)).collect()
        };
        let all = exits(by);
        let last = by.iter().flat_map(|last| {
            let others: Vec<Actor> = by.iter().copied().filter(|other| other != last).collect();
            let others = exits(&others);
            self.deeds(*last).into_iter().map(move |deed| {
                let mut way = others.clone();
                way.push((*last, deed));
                way
            })
        });
        let mut way = std::iter::once(all).chain(last).find(|way| self.ends(actor, way))?;
        let mut at = 0;
        while at < way.len() {
            let mut fewer = way.clone();
            fewer.remove(at);
            match self.ends(actor, &fewer) {
                true => way = fewer,
                false => at += 1,
            }
        }
        // Something less than to exit is enough of most.
        for at in 0..way.len() {
            let by = way[at].0;
            let mut milder = way.clone();
            let milder = self.deeds(by).into_iter().find_map(|deed| {
                milder[at].1 = deed;
                self.ends(actor, &milder).then(|| milder[at].1.clone())
            });
            if let Some(deed) = milder {
                way[at].1 = deed;
            }
        }
        Some(way)
    }

    /// Ends besides those of the call that lead to the object of the call, or to its other side.
    pub(super) fn own_ends(&self, actor: Actor) -> Vec<End> {
        let world = &self.worlds[0];
        let called = self.called();
        let ends = (0..ENDS_MAX as u8).map(End);
        // Of what is open for both the other side is the same end.
        let leads_elsewhere = |description: DescriptionIndex| {
            let mode = world.descriptions[usize::from(description)].mode;
            let has_one_side = matches!(
                world.object(description),
                Object::Stream(_) | Object::Queue(_) | Object::Counter(_)
            );
            !called.contains(&description) || has_one_side && mode == Some(Mode::ReadWrite)
        };
        let others = ends.filter(|end| world.end(actor, *end).is_some_and(leads_elsewhere));
        // It could if somebody else held the end: then the end is what keeps it waiting.
        others.filter(|end| self.ends_if_held_by_another(actor, *end)).collect()
    }

    /// The descriptions that the calls asleep use.
    fn called(&self) -> Vec<DescriptionIndex> {
        let world = &self.worlds[0];
        self.sleeping.iter().filter_map(|by| world.pending(*by)?.description).collect()
    }

    /// Whether the sleep would end if this end of the process were closed, or written to, by another one.
    fn ends_if_held_by_another(&self, actor: Actor, end: End) -> bool {
        let mut worlds = self.worlds.clone();
        let world = &mut worlds[0];
        let Some(description) = world.end(actor, end) else { return false };
        let other = (0..world.actors.len() as u8).map(Actor).find(|other| {
            world.leader(*other) == *other
                && world.leader(actor) != *other
                && !self.sleeping.contains(other)
        });
        // Who closes it, or uses it, is anybody else; where nobody is there, the end is told of all the same.
        let Some(other) = other else { return true };
        let Some(spare) = (0..ENDS_MAX as u8).map(End).find(|end| world.end(other, *end).is_none())
        else {
            return true;
        };
        self.wake(&mut worlds, other);
        worlds[0].set_end(other, spare, Some(description));
        // What the call itself uses stays as long as it sleeps.
        if !self.called().contains(&description) {
            worlds[0].set_end(actor, end, None);
        }
        let trial = Trial {
            platforms: self.platforms.clone(),
            worlds,
            sleeping: self.sleeping.clone(),
            of_process: false,
            known: self.known.clone(),
        };
        let free =
            (0..ENDS_MAX as u8).map(End).find(|end| trial.worlds[0].end(other, *end).is_none());
        let ops = with_an_end(free).into_iter().chain(self.known.iter().copied()).chain(LAST);
        let deed = |op| Deed::Calls(vec![Call { actor: other, end: spare, op }]);
        ops.map(deed).any(|deed| trial.ends(actor, &[(other, deed)]))
    }

    /// An actor's own call is over, and its process goes on if it was stopped.
    fn wake(&self, worlds: &mut [World], by: Actor) {
        for world in worlds {
            world.set_stopped(by, false);
            if world.pending(by).is_some_and(|call| !matches!(call.op, Op::Exit { .. })) {
                world.returned(by);
            }
        }
    }

    /// Lets the actor's call go as far as it can by itself, and all that is under way arrive.
    fn drive(&self, worlds: &mut [World], by: Actor) {
        for (world, platform) in worlds.iter_mut().zip(&self.platforms) {
            let steps = Steps::new(platform);
            let leader = world.leader(by);
            for thread in world.threads(leader).collect::<Vec<_>>() {
                for _ in 0..MOVES_MAX {
                    let Some(next) = steps.of(world, thread).pop() else { break };
                    *world = next;
                }
            }
            let answered = |call: &crate::world::Pending| call.progress != Progress::Open;
            if world.pending(by).is_some_and(answered) {
                world.returned(by);
            }
            for _ in 0..MOVES_MAX {
                let Some(next) = steps.delivered(world).into_iter().next() else { break };
                *world = next;
            }
        }
    }

    fn is_over(&self, worlds: &[World], actor: Actor) -> bool {
        let mut all = worlds.iter().zip(&self.platforms);
        let goes_on = |world: &World, platform: &Platform, by: Actor| {
            world.pending(by).is_some() && rest(platform, world, by).is_none()
        };
        match self.of_process {
            true => all.all(|(world, platform)| goes_on(world, platform, actor)),
            false => all.any(|(world, platform)| {
                self.sleeping.iter().any(|by| goes_on(world, platform, *by))
            }),
        }
    }
}

/// Calls that may end somebody's sleep and need no end: of who opens the channel, or makes a socket.
fn from_nothing() -> Vec<Vec<Op>> {
    let write = Op::Write { len: 1 };
    let mut all = Vec::new();
    for mode in [Mode::Read, Mode::Write, Mode::ReadWrite] {
        let open = Op::Open { mode, flags: OpenFlags::NONE };
        all.push(vec![open]);
        all.extend(mode.writes().then(|| vec![open, write]));
        all.extend(mode.reads().then(|| vec![open, Op::Read { len: ALL_BYTES }]));
    }
    let socket = Op::Socket { nonblock: false };
    let addressed = Op::Send { len: 1, flags: SendFlags::ADDRESSED };
    all.extend([vec![socket, Op::Connect], vec![socket, Op::Connect, write]]);
    all.push(vec![socket, addressed]);
    all
}

/// Calls that few would make to end somebody's sleep.
const LAST: [Op; 2] = [Op::Close, Op::SetCapacity { bytes: 1 << 20 }];

/// Calls on an end that may end somebody's sleep; `spare` is a descriptor that is free.
fn with_an_end(spare: Option<End>) -> Vec<Op> {
    let mut ops = vec![
        Op::Write { len: 1 },
        Op::Read { len: ALL_BYTES },
        Op::Add { value: Amount::new(1) },
        Op::Take,
        Op::Receive { len: ALL_BYTES, flags: SendFlags::NONE },
        Op::Lock { lock: Lock::None, wait: false },
        Op::Flock { lock: Lock::None, wait: false },
        Op::ProcessLock { lock: Lock::None, wait: false },
        Op::Shutdown { how: Mode::Write },
        Op::Shutdown { how: Mode::Read },
        Op::Connect,
        Op::Listen { backlog: 8 },
    ];
    ops.extend(spare.map(|new| Op::Accept { new, nonblock: false }));
    ops
}
