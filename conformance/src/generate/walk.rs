//! Random walks through the model: at each step a call that makes sense in the world as it is.
//!
//! How often which seats are taken and which calls are tried is in [`super::manner`].

use pipewright_model::call::{
    ACTORS_MAX, Actor, Amount, Call, End, Events, Lock, Mode, Op, OpenFlags, SocketOption, Whence,
};
use pipewright_model::channel::Object;
use pipewright_model::channel::tcp::{Phase, Request};
use pipewright_model::ends::OpenEnds;
use pipewright_model::kind::{Discipline, Ends, Hold};
use pipewright_model::platform::Platform;
use pipewright_model::run::{Name, Seat};
use pipewright_model::world::Place;

use super::dice::Dice;
use super::follow::Follower;
use super::manner::{
    Ask, EPOLL_PERCENT, Manner, POLLS, RECEIVES, SENDS, SHUTDOWNS, SOCKET_POLLS, has_epolls,
};
use super::stops::Stops;
use super::{Shape, sizes};
use crate::scenario::{Scenario, Step, allows, normalise};

const R: Mode = Mode::Read;
const W: Mode = Mode::Write;
pub(super) const RW: Mode = Mode::ReadWrite;

/// Modes of opens, and in how many of a hundred O_NONBLOCK is given.
const OPENS: [(u32, Mode); 3] = [(46, R), (46, W), (8, RW)];
const OPENS_NONBLOCK_PERCENT: u32 = 40;

/// In how many of a hundred calls the next on the way to a connection is made, where not all are connected.
const MEETS_PERCENT: u32 = 45;

/// How often a call is tried before the scenario ends here.
const TRIES_MAX: u32 = 100;

/// In how many of a hundred scenarios a call may be made after which everybody sleeps: they end there.
const ALL_ASLEEP_PERCENT: u32 = 15;

/// A scenario of the shape. The same shape and seed give the same scenario.
///
/// It is in the form that [`normalise`] gives. No actor is called while it is busy, as far as the model
/// goes, and none twice in steps that race each other.
pub fn walk(shape: &Shape, seed: u64) -> Scenario {
    let mut dice = Dice::new(seed);
    let seats = seats(shape, &mut dice);
    let epolls = has_epolls(&shape.setup, seed);
    let mut walk = Walk {
        shape,
        epolls,
        ends: OpenEnds::at_start(&seats),
        follower: Follower::new(shape.platform, &shape.setup, &seats),
        all_may_sleep: dice.chance(ALL_ASLEEP_PERCENT),
        all_hold: seats.iter().all(|seat| !seat.ends.is_empty()),
        stops: Stops::new(if epolls { 0 } else { shape.stopping_percent }, seed),
        dice,
    };
    let mut steps = Vec::with_capacity(shape.steps_max);
    while steps.len() < shape.steps_max {
        let Some(step) = walk.step() else { break };
        steps.push(step);
        walk.stops.drawn(&mut steps, shape.platform.page_bytes, seats.len());
    }
    let names = if is_of_sockets(shape) { SOCKET_NAMES } else { END_NAMES };
    let end_names = names.map(|name| Name::new(name).expect("the names below are names"));
    normalise(Scenario { seats, end_names: end_names.to_vec(), steps })
}

/// Ends while walking, by what they are for: of most channels three for each way.
const END_NAMES: [&str; 10] = ["r", "r2", "r3", "rw", "rw2", "w", "w2", "w3", "e", "e2"];

/// The same of sockets.
const SOCKET_NAMES: [&str; 10] = ["s", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10"];

/// Ends while walking for a mode, as indices into [`END_NAMES`]: the names don't matter, as
/// [`normalise`] gives them others.
fn ends_for(shape: &Shape, mode: Mode) -> std::ops::Range<u8> {
    match mode {
        _ if is_of_sockets(shape) => 0..SOCKETS_MAX,
        Mode::Read => 0..3,
        Mode::ReadWrite => 3..5,
        Mode::Write => 5..8,
    }
}

/// Sockets of an actor that are made, accepted or received; one more is for a duplicate. So that there are
/// names for all.
const SOCKETS_MAX: u8 = 3;

/// Whether the channel is one of sockets.
fn is_of_sockets(shape: &Shape) -> bool {
    shape.setup.kind.ends == Ends::Connected
}

/// The mode that an end is for.
fn mode_for(shape: &Shape, end: End) -> Mode {
    let is_for = |mode: &Mode| ends_for(shape, *mode).contains(&end.0);
    [R, RW].into_iter().find(is_for).unwrap_or(W)
}

fn seats(shape: &Shape, dice: &mut Dice) -> Vec<Seat> {
    let all = Manner::of(&shape.setup).seats(&shape.setup);
    let few = all.filter(|(_, seats)| seats.len() <= shape.actors_max.clamp(1, ACTORS_MAX));
    let few = few.filter(|(_, seats)| match shape.by_name {
        None => true,
        Some(by_name) => seats.iter().all(|seat| seat.is_empty() == by_name),
    });
    let holds = dice.weighted(few).unwrap_or(&[]);
    let name = Name::new("a").expect("a letter is a name");
    let seat = |holds: &&[Hold]| {
        let mut taken = 0_u8;
        let free = |hold: &Hold| {
            let free = ends_for(shape, hold.mode).find(|end| taken & 1 << end == 0);
            let end = free.expect("no seat holds more ends of a mode than there are names");
            taken |= 1 << end;
            (End(end), *hold)
        };
        Seat::new(name, holds.iter().map(free).collect())
    };
    holds.iter().map(seat).collect()
}

pub(super) struct Walk<'s> {
    pub(super) shape: &'s Shape,
    /// Whether actors have event loops.
    epolls: bool,
    pub(super) ends: OpenEnds,
    pub(super) follower: Follower<'s>,
    all_may_sleep: bool,
    /// Whether everybody holds something at the start.
    all_hold: bool,
    stops: Stops,
    pub(super) dice: Dice,
}

impl Walk<'_> {
    /// The next step, made in the model; `None` if nobody can go on.
    fn step(&mut self) -> Option<Step> {
        let actors = self.follower.world.actors.len() as u8;
        for _ in 0..TRIES_MAX {
            let busy = self.follower.world.busy();
            let inside = self.stops.inside();
            let held = inside.as_ref().map(|inside| inside.held);
            let can_call = |actor: &Actor| !busy.contains(*actor) && Some(*actor) != held;
            let idle = (0..actors).map(Actor).filter(can_call);
            let idle_count = u32::from(actors) - busy.0.count_ones();
            let caller = inside.as_ref().and_then(|inside| inside.caller.filter(can_call));
            let Some(actor) = caller.or_else(|| self.dice.any(idle)) else {
                if self.stops.end() {
                    continue;
                }
                return None;
            };
            let call = match inside.is_some_and(|inside| inside.polls) {
                true => self.poll_any(actor),
                false => self.call(actor),
            };
            let Some(call) = call.filter(|call| allows(&self.ends, call)) else { continue };
            // Two who connect at once may both take the last place at a listener: what then is not modelled. Nor
            // may two be dropped: the system would ask again for both at the same time.
            let alone = is_tcp(self.shape) && call.op == Op::Connect;
            if alone && self.some_request_was_dropped() || !self.follower.begin(call) {
                continue;
            }
            let alone = alone || self.epolls;
            let settle = idle_count == 1 || alone || !self.dice.chance(self.shape.racing_percent);
            if settle && !self.settle(idle_count == 1, call) {
                continue;
            }
            self.ends.assume(&call);
            return Some(Step { settle, ..Step::settled(call) });
        }
        None
    }

    fn some_request_was_dropped(&self) -> bool {
        let dropped = Phase::Asking(Request::Dropped);
        let is_dropped =
            |object: &Object| matches!(object, Object::Tcp(tcp) if tcp.phase == dropped);
        self.follower.world.objects.iter().any(is_dropped)
    }

    /// Lets the world come to rest; undoes the call and tells so where everybody would sleep for it.
    fn settle(&mut self, last_idle: bool, call: Call) -> bool {
        if !last_idle || self.all_may_sleep {
            self.follower.settle(&mut self.dice, &mut |_| {});
            return true;
        }
        let before = self.follower.world.clone();
        self.follower.settle(&mut self.dice, &mut |_| {});
        let asleep = self.follower.world.busy().0.count_ones() as usize;
        if asleep == self.follower.world.actors.len() {
            self.follower.world = before;
            self.follower.world.actors[usize::from(call.actor.0)].call = None;
            return false;
        }
        true
    }

    /// A call that the actor might make; `None` if there is none of the sort that was drawn.
    fn call(&mut self, actor: Actor) -> Option<Call> {
        let platform = &self.follower.platform.clone();
        let by_path = self.shape.setup.kind.ends == Ends::Opened;
        let by_name = self.shape.setup.kind.ends == Ends::Connected;
        // It takes some calls until there is a connection, and some more until there are too many.
        let ask = match is_tcp(self.shape) && !self.all_hold && self.dice.chance(MEETS_PERCENT) {
            true => Ask::Meet,
            false => self.dice.weighted(Manner::of(&self.shape.setup).calls.iter().copied())?,
        };
        let (end, op) = match ask {
            _ if self.epolls && self.dice.chance(EPOLL_PERCENT) => self.of_loop(actor)?,
            Ask::Read => {
                let end = self.end(actor, Mode::reads)?;
                let object = self.follower.world.object(self.follower.world.end(actor, end)?);
                (end, Op::Read { len: sizes::to_read(object, platform, &mut self.dice) })
            }
            Ask::Write => {
                let end = self.end(actor, Mode::writes)?;
                let object = self.follower.world.object(self.follower.world.end(actor, end)?);
                (end, Op::Write { len: sizes::to_write(object, platform, &mut self.dice) })
            }
            Ask::Add => {
                let end = self.end(actor, Mode::writes)?;
                let object = self.follower.world.object(self.follower.world.end(actor, end)?);
                let value = Amount::new(sizes::to_add(object, &mut self.dice));
                (end, Op::Add { value })
            }
            Ask::Take => (self.end(actor, Mode::reads)?, Op::Take),
            Ask::Send if is_tcp(self.shape) => {
                let end = self.end(actor, Mode::writes)?;
                let object = self.follower.world.object(self.follower.world.end(actor, end)?);
                let len = sizes::to_write(object, platform, &mut self.dice);
                (end, Op::Send { len, flags: self.dice.weighted(SENDS.into_iter())? })
            }
            Ask::Receive if is_tcp(self.shape) => {
                let end = self.end(actor, Mode::reads)?;
                let object = self.follower.world.object(self.follower.world.end(actor, end)?);
                let len = sizes::to_read(object, platform, &mut self.dice);
                (end, Op::Receive { len, flags: self.dice.weighted(RECEIVES.into_iter())? })
            }
            Ask::Shutdown if is_tcp(self.shape) => {
                let how = self.dice.weighted(SHUTDOWNS.into_iter())?;
                (self.end(actor, |_| true)?, Op::Shutdown { how })
            }
            Ask::Linger => {
                let value = if self.dice.chance(80) { 0 } else { -1 };
                let option = SocketOption::Linger;
                (self.end(actor, |_| true)?, Op::SetOption { option, value })
            }
            Ask::Error => {
                (self.end(actor, |_| true)?, Op::GetOption { option: SocketOption::Error })
            }
            Ask::WrongWay => self.wrong_way(actor)?,
            Ask::Closed => self.on_closed(actor)?,
            Ask::Open | Ask::Unlink if !by_path && !by_name => return None,
            Ask::Open => {
                let mode = self.dice.weighted(OPENS.into_iter())?;
                let nonblock = self.dice.chance(OPENS_NONBLOCK_PERCENT);
                let flags = if nonblock { OpenFlags::NONBLOCK } else { OpenFlags::NONE };
                let flags = flags.union(self.file_flags());
                (self.new_end(actor, mode)?, Op::Open { mode, flags })
            }
            Ask::Unlink => {
                let again = self.follower.world.place == Place::Unlinked;
                (self.dice.chance(if again { 60 } else { 40 })).then_some((End(0), Op::Unlink))?
            }
            Ask::Dup => {
                let end = self.end(actor, |_| true)?;
                (end, Op::Dup { new: self.new_duplicate(actor, self.mode(actor, end)?)? })
            }
            Ask::Close => (self.end(actor, |_| true)?, Op::Close),
            Ask::Nonblock => (self.end(actor, |_| true)?, Op::SetNonblock(self.dice.chance(65))),
            Ask::Poll => (self.end(actor, |_| true)?, self.poll()?),
            Ask::SetCapacity => {
                let end = self.end(actor, |_| true)?;
                (end, Op::SetCapacity { bytes: self.capacity(actor, end)? })
            }
            Ask::GetCapacity => (self.end(actor, |_| true)?, Op::GetCapacity),
            Ask::Available => (self.end(actor, |_| true)?, Op::Available),
            Ask::Seek => {
                let end = self.end(actor, |_| true)?;
                (end, self.seek(actor, end)?)
            }
            Ask::ReadAt => {
                let end = self.end(actor, Mode::reads).or_else(|| self.end(actor, |_| true))?;
                let (len, at) = self.range(actor, end, sizes::to_read)?;
                (end, Op::ReadAt { len, at })
            }
            Ask::WriteAt => {
                let end = self.end(actor, Mode::writes).or_else(|| self.end(actor, |_| true))?;
                let (len, at) = self.range(actor, end, sizes::to_write)?;
                (end, Op::WriteAt { len, at })
            }
            Ask::Truncate => {
                let end = match self.dice.chance(95) {
                    true => self.end(actor, Mode::writes)?,
                    false => self.end(actor, |_| true)?,
                };
                let object = self.follower.world.object(self.follower.world.end(actor, end)?);
                let len = sizes::offset(object, &self.follower.platform, &mut self.dice);
                (end, Op::Truncate { len: len.max(0).unsigned_abs() })
            }
            Ask::NoSocket => {
                let calls = [Op::Shutdown { how: RW }, Op::Listen { backlog: 1 }, Op::Bind];
                (self.end(actor, |_| true)?, self.dice.any(calls.into_iter())?)
            }
            Ask::Button => {
                let (lock, wait) = self.lock()?;
                (self.end(actor, |_| true)?, self.shape.setup.kind.talk_button(lock, wait)?)
            }
            Ask::Lock => {
                let (lock, wait) = self.lock()?;
                (self.end(actor, |_| true)?, Op::Lock { lock, wait })
            }
            Ask::Flock => {
                let (lock, wait) = self.lock()?;
                (self.end(actor, |_| true)?, Op::Flock { lock, wait })
            }
            // Where all are connected from the start, few more connections are tried.
            Ask::Meet if self.all_hold && is_tcp(self.shape) => return None,
            Ask::Meet => self.meet(actor)?,
            ask => self.of_socket(actor, ask)?,
        };
        Some(Call { actor, end, op })
    }

    /// A poll that does not wait, as of an event loop.
    fn poll_any(&mut self, actor: Actor) -> Option<Call> {
        let end = self.end(actor, |_| true)?;
        let Op::Poll { events, .. } = self.poll()? else { return None };
        Some(Call { actor, end, op: Op::Poll { events, wait: false, among: false } })
    }

    /// Flags of opens that mean something for files.
    fn file_flags(&mut self) -> OpenFlags {
        if !matches!(self.follower.world.objects.first(), Some(Object::File(_))) {
            return OpenFlags::NONE;
        }
        let append = if self.dice.chance(30) { OpenFlags::APPEND } else { OpenFlags::NONE };
        let truncate = if self.dice.chance(25) { OpenFlags::TRUNCATE } else { OpenFlags::NONE };
        append.union(truncate)
    }

    /// Where to, in a file; in what has no offset the same from anywhere.
    fn seek(&mut self, actor: Actor, end: End) -> Option<Op> {
        let world = &self.follower.world;
        let index = world.end(actor, end)?;
        let Object::File(file) = world.object(index) else { return Some(Op::POSITION) };
        let base = i64::from(world.descriptions[usize::from(index)].offset);
        let (size, object) = (i64::from(file.len()), world.object(index));
        let to = i64::from(sizes::offset(object, &self.follower.platform, &mut self.dice));
        let froms = [(3, Whence::Start), (1, Whence::Current), (2, Whence::End)];
        let from = self.dice.weighted(froms.into_iter())?;
        let offset = match from {
            Whence::Start => to,
            Whence::Current => to - base,
            Whence::End => to - size,
        };
        Some(Op::Seek { from, offset: i32::try_from(offset).ok()? })
    }

    /// A length and an offset.
    fn range(
        &mut self,
        actor: Actor,
        end: End,
        len: fn(&Object, &Platform, &mut Dice) -> u32,
    ) -> Option<(u32, i32)> {
        let object = self.follower.world.object(self.follower.world.end(actor, end)?);
        match object {
            Object::File(_) => {
                let at = sizes::offset(object, &self.follower.platform, &mut self.dice);
                Some((len(object, &self.follower.platform, &mut self.dice), at))
            }
            _ => Some((self.dice.below(3), -i32::from(self.dice.chance(25)))),
        }
    }

    /// A lock, and whether to wait for it.
    fn lock(&mut self) -> Option<(Lock, bool)> {
        let locks = [(4, Lock::Exclusive), (3, Lock::Shared), (4, Lock::None)];
        Some((self.dice.weighted(locks.into_iter())?, self.dice.chance(60)))
    }

    fn mode(&self, actor: Actor, end: End) -> Option<Mode> {
        let world = &self.follower.world;
        world.end(actor, end).and_then(|index| world.descriptions[usize::from(index)].mode)
    }

    /// One of the actor's open ends whose mode will do.
    pub(super) fn end(&mut self, actor: Actor, will_do: fn(Mode) -> bool) -> Option<End> {
        let world = &self.follower.world;
        let ends = world.open_ends(actor).filter(|end| {
            let description =
                world.end(actor, *end).map(|index| world.descriptions[usize::from(index)]);
            let mode = description.and_then(|description| description.mode);
            mode.is_some_and(will_do) && !self.is_epoll(actor, *end)
        });
        let mut set = 0_u16;
        ends.for_each(|end| set |= 1 << end.0);
        let set = (0..10).filter(move |end| set & 1 << end != 0);
        self.dice.any(set).map(End)
    }

    /// An end that the actor surely doesn't have open.
    pub(super) fn new_end(&self, actor: Actor, mode: Mode) -> Option<End> {
        let mut ends = ends_for(self.shape, mode).map(End);
        ends.find(|end| !self.ends.of(actor).is_open(*end))
    }

    /// An end for a duplicate, that the actor surely doesn't have open.
    fn new_duplicate(&self, actor: Actor, mode: Mode) -> Option<End> {
        if !is_of_sockets(self.shape) {
            return self.new_end(actor, mode);
        }
        Some(End(SOCKETS_MAX)).filter(|end| !self.ends.of(actor).is_open(*end))
    }

    fn wrong_way(&mut self, actor: Actor) -> Option<(End, Op)> {
        let len = self.dice.below(3);
        match self.dice.chance(50) {
            true => Some((self.end(actor, |mode| !mode.reads())?, Op::Read { len })),
            false => Some((self.end(actor, |mode| !mode.writes())?, Op::Write { len })),
        }
    }

    /// One of the ends that the actor had open and has closed.
    pub(super) fn closed_end(&mut self, actor: Actor) -> Option<End> {
        let world = &self.follower.world;
        let mut set = 0_u16;
        let closed = self.ends.of(actor).had().filter(|end| world.end(actor, *end).is_none());
        closed.for_each(|end| set |= 1 << end.0);
        self.dice.any((0..10).filter(move |end| set & 1 << end != 0)).map(End)
    }

    fn on_closed(&mut self, actor: Actor) -> Option<(End, Op)> {
        let end = self.closed_end(actor)?;
        let op = match self.dice.below(8) {
            0 => Op::Read { len: self.dice.below(2) },
            1 => Op::Write { len: self.dice.below(2) },
            2 => self.poll()?,
            3 => Op::SetNonblock(true),
            4 => Op::Dup { new: self.new_duplicate(actor, mode_for(self.shape, end))? },
            5 => [Op::Available, Op::GetCapacity, Op::POSITION][self.dice.below(3) as usize],
            _ => Op::Close,
        };
        Some((end, op))
    }

    pub(super) fn poll(&mut self) -> Option<Op> {
        let mut events = match is_tcp(self.shape) {
            true => self.dice.weighted(SOCKET_POLLS.into_iter())?,
            false => self.dice.weighted(POLLS.into_iter())?,
        };
        if is_of_sockets(self.shape) && self.dice.chance(40) {
            events = events.union(Events::RDHUP);
        }
        Some(Op::Poll { events, wait: self.dice.chance(50), among: false })
    }

    /// Capacities to ask for: about what is in use, about what there is, at the limits.
    fn capacity(&mut self, actor: Actor, end: End) -> Option<u32> {
        let platform = &self.follower.platform;
        let world = &self.follower.world;
        let Object::Stream(stream) = world.object(world.end(actor, end)?) else {
            return Some(self.dice.below(2) * platform.page_bytes);
        };
        let used = stream.slots.len() as u32 * platform.page_bytes;
        let capacity = stream.capacity_bytes(platform);
        let small = [
            (1, 1),
            (3, platform.page_bytes),
            (1, platform.page_bytes + 1),
            (2, used),
            (2, used.saturating_sub(platform.page_bytes)),
            (2, used.saturating_add(1)),
            (2, capacity / 2),
            (1, capacity),
            (2, capacity.saturating_mul(2).min(sizes::SIZE_MAX)),
            (1, platform.capacity_default_bytes),
            (1, platform.capacity_max_bytes.saturating_add(1)),
            (1, u32::MAX),
        ];
        self.dice.weighted(small.into_iter())
    }
}

fn is_tcp(shape: &Shape) -> bool {
    shape.setup.kind.discipline == Discipline::Tcp
}
