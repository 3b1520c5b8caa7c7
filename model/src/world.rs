//! The state of everything: descriptors, open file descriptions, channels, calls in progress.
//!
//! Ends are descriptors that refer to open file descriptions, which refer to a channel. What can be
//! derived (who reads, who writes) is derived, not kept.

mod epolls;
mod held;
mod line;
mod names;
mod pending;
mod place;
mod process;
mod signals;
mod sockets;
mod weight;

use std::hash::{Hash, Hasher};

use smallvec::SmallVec;

use crate::call::{Actor, Call, End, Lock, Mode, Op};
use crate::channel::Object;
use crate::index::{DescriptionIndex, ObjectIndex};
use crate::kind::{Discipline, Ends, Hold, Naming, Side};
use crate::platform::Platform;
use crate::run::{Actors, Form, Seat, Setup};

pub use line::Line;
pub use pending::{Interrupted, Look, PassedOver, Pending, Progress, Room, Terms};
pub use place::{Address, Place};
use signals::SignalState;

/// The object to which the channel's path leads.
pub const NAMED: ObjectIndex = 0;

/// The descriptor is not open.
const CLOSED: DescriptionIndex = DescriptionIndex::MAX;

/// An open file description.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "distributed", derive(serde::Serialize, serde::Deserialize))]
pub struct Description {
    /// Access mode; `None` where the entry is free.
    pub mode: Option<Mode>,
    /// What it refers to.
    pub object: ObjectIndex,
    /// File offset.
    pub offset: u32,
    /// `O_APPEND`
    pub append: bool,
    /// `O_NONBLOCK`
    pub nonblock: bool,
    /// `O_DIRECT`: writes make packets.
    pub packet: bool,
    /// Opened for reading without waiting when nobody wrote, and nobody has opened for writing since:
    /// `poll` does not tell of a hang-up yet.
    pub never_had_writer: bool,
    /// The lock that it holds by `F_OFD_SETLK`.
    pub lock: Lock,
    /// The lock that it holds by `flock(2)`.
    pub flock: Lock,
}

impl Description {
    /// A free entry.
    pub const FREE: Description = Description {
        mode: None,
        object: 0,
        offset: 0,
        append: false,
        nonblock: false,
        packet: false,
        never_had_writer: false,
        lock: Lock::None,
        flock: Lock::None,
    };

    /// A description of an object, without flags.
    pub const fn new(mode: Mode, object: ObjectIndex) -> Description {
        Description { mode: Some(mode), object, ..Description::FREE }
    }
}

/// In one word.
impl Hash for Description {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        let mode = self.mode.map_or(0, |mode| mode as u64 + 1);
        let flags = [self.nonblock, self.packet, self.never_had_writer, self.append];
        let flags = flags.into_iter().fold(0, |bits, flag| bits << 1 | u64::from(flag));
        let locks = (self.lock as u64) << 6 | (self.flock as u64) << 4;
        let object = u64::from(self.object) << 16;
        hasher.write_u64(u64::from(self.offset) << 32 | object | mode << 8 | locks | flags);
    }
}

/// One actor.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "distributed", derive(serde::Serialize, serde::Deserialize))]
pub struct ActorState {
    /// For each end the description that it refers to, as far as the last that is open.
    ends: SmallVec<[DescriptionIndex; 8]>,
    /// Which of them `execve(2)` closes, a bit each.
    close_on_exec: u32,
    /// Whose table of descriptors it uses: its own, or that of the process whose thread it is.
    leader: Actor,
    /// For whom it polls one end of several, if it does nothing else.
    polls_for: Option<Actor>,
    /// The process that has forked it and has not waited for it.
    parent: Option<Actor>,
    /// Whether its process has ended and is gone: it was waited for, or left no status.
    reaped: bool,
    /// Whether its process has ended and its status waits for its parent for sure.
    left_status: bool,
    /// What signals do to its process, and have done.
    signals: SignalState,
    /// The locks that its process holds by `F_SETLK`, by object.
    locks: SmallVec<[(ObjectIndex, Lock); 1]>,
    /// Bytes that this actor has written in calls that returned.
    pub written: i64,
    /// Its call in progress.
    pub call: Option<Pending>,
}

/// In few words: the oracle hashes worlds all the time.
impl Hash for ActorState {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.ends.chunks(4).for_each(|four| {
            let word = four.iter().fold(0, |word, end| word << 16 | u64::from(*end));
            hasher.write_u64(word);
        });
        hasher.write_i64(self.written);
        let parent = self.parent.map_or(0, |parent| u64::from(parent.0) + 1);
        let process = u64::from(self.leader.0) << 40 | parent << 32;
        hasher.write_u64(process | u64::from(self.close_on_exec));
        (self.signals, self.reaped, self.left_status).hash(hasher);
        self.locks.hash(hasher);
        self.call.hash(hasher);
    }
}

/// The state of everything.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "distributed", derive(serde::Serialize, serde::Deserialize))]
pub struct World {
    /// The actors.
    pub actors: SmallVec<[ActorState; 4]>,
    /// Open file descriptions.
    pub descriptions: SmallVec<[Description; 4]>,
    /// The channel: what descriptions refer to.
    pub objects: SmallVec<[Object; 1]>,
    /// Its path.
    pub place: Place,
    /// Objects to which nothing refers any more, until the rules have said what that means: none between moves.
    pub released: SmallVec<[ObjectIndex; 2]>,
}

impl World {
    /// The world at the start of a run, with the sockets that nobody holds [released](World::released): they were
    /// closed before it.
    pub fn new(platform: &Platform, setup: &Setup, seats: &[Seat]) -> World {
        let mut world = World {
            actors: SmallVec::new(),
            descriptions: SmallVec::new(),
            objects: Object::of_channel(platform, setup).collect(),
            place: match (setup.kind.discipline, setup.kind.ends) {
                (Discipline::Unix(kind, Naming::Path), _) => Place::Unix(kind, Address::FreePath),
                (Discipline::Unix(kind, Naming::Abstract), _) => {
                    Place::Unix(kind, Address::FreeName)
                }
                (Discipline::Tcp, _) => Place::Port { met_itself: false },
                (_, Ends::Shared | Ends::Own | Ends::Connected) => Place::None,
                (_, Ends::Opened) => Place::Linked,
            },
            released: SmallVec::new(),
        };
        for (index, seat) in seats.iter().enumerate() {
            let mut ends = SmallVec::new();
            for (end, hold) in &seat.ends {
                let description = Description {
                    nonblock: setup.nonblock,
                    packet: setup.packet && hold.mode.writes(),
                    append: setup.append,
                    ..Description::new(hold.mode, object_of(*hold))
                };
                let shared = matches!(setup.kind.ends, Ends::Shared | Ends::Connected)
                    .then(|| world.descriptions.iter().position(|d| *d == description))
                    .flatten();
                let index = shared.unwrap_or_else(|| {
                    world.descriptions.push(description);
                    world.descriptions.len() - 1
                });
                set(&mut ends, *end, index as DescriptionIndex);
            }
            for (end, from) in &seat.inherits {
                let shared = world.end(*from, *end).unwrap_or(CLOSED);
                set(&mut ends, *end, shared);
            }
            let leader = match seat.form {
                Form::Thread(leader) | Form::Poller { leader, .. } => leader,
                _ => Actor(index as u8),
            };
            let polls_for = match seat.form {
                Form::Poller { of, .. } => Some(of),
                _ => None,
            };
            world.actors.push(ActorState {
                ends,
                close_on_exec: 0,
                leader,
                polls_for,
                parent: None,
                reaped: false,
                left_status: false,
                signals: SignalState::at_start(seat.signals),
                locks: SmallVec::new(),
                written: 0,
                call: None,
            });
        }
        let sockets = if world.has_sockets() { world.objects.len() } else { 0 };
        (0..sockets).for_each(|object| world.let_go(object as ObjectIndex));
        world
    }

    /// What its channel is made of; `None` where nothing tells.
    pub fn discipline(&self) -> Option<Discipline> {
        Some(match (self.place, self.objects.first()) {
            (Place::Unix(kind, address), _) if address.is_path() => {
                Discipline::Unix(kind, Naming::Path)
            }
            (Place::Unix(kind, _), _) => Discipline::Unix(kind, Naming::Abstract),
            (Place::Port { .. }, _) => Discipline::Tcp,
            (_, Some(Object::Stream(_))) => Discipline::Stream,
            (_, Some(Object::Queue(_))) => Discipline::Queue,
            (_, Some(Object::File(_))) => Discipline::File,
            (_, Some(Object::Cell(_))) => Discipline::Cell,
            (_, Some(Object::Ring(_))) => Discipline::Ring,
            (_, Some(Object::Counter(counter))) => Discipline::Counter(counter.takes),
            (
                _,
                Some(Object::Free | Object::Unix(_) | Object::Tcp(_) | Object::Epoll(_)) | None,
            ) => {
                return None;
            }
        })
    }

    /// Whether its channel is one of sockets.
    pub fn has_sockets(&self) -> bool {
        matches!(self.place, Place::Unix(..) | Place::Port { .. })
    }

    /// The object that a description refers to.
    pub fn object(&self, description: DescriptionIndex) -> &Object {
        &self.objects[usize::from(self.descriptions[usize::from(description)].object)]
    }

    /// Whether the actor itself has the object open in such a mode.
    pub fn holds(&self, actor: Actor, object: ObjectIndex, will_do: fn(Mode) -> bool) -> bool {
        let ends = &self.table(actor).ends;
        let open = ends.iter().filter_map(|index| self.descriptions.get(usize::from(*index)));
        open.filter(|open| open.object == object).filter_map(|open| open.mode).any(will_do)
    }

    /// The description that an actor's end refers to, if the end is open.
    pub fn end(&self, actor: Actor, end: End) -> Option<DescriptionIndex> {
        let ends = &self.table(actor).ends;
        ends.get(usize::from(end.0)).copied().filter(|index| *index != CLOSED)
    }

    /// Points an actor's end at a description, or closes it.
    pub fn set_end(&mut self, actor: Actor, end: End, description: Option<DescriptionIndex>) {
        let table = self.table_mut(actor);
        table.close_on_exec &= !(1 << end.0);
        set(&mut table.ends, end, description.unwrap_or(CLOSED));
    }

    /// The actor's open ends, in order.
    pub fn open_ends(&self, actor: Actor) -> impl Iterator<Item = End> + '_ {
        let ends = &self.table(actor).ends;
        (0..ends.len()).filter(|end| ends[*end] != CLOSED).map(|end| End(end as u8))
    }

    /// Adds an open file description.
    pub fn add_description(&mut self, description: Description) -> DescriptionIndex {
        let index = match self.descriptions.iter().position(|d| d.mode.is_none()) {
            Some(free) => {
                self.descriptions[free] = description;
                free
            }
            None => {
                self.descriptions.push(description);
                self.descriptions.len() - 1
            }
        };
        index as DescriptionIndex
    }

    /// The actor's call in progress.
    pub fn pending(&self, actor: Actor) -> Option<&Pending> {
        self.actors.get(usize::from(actor.0))?.call.as_ref()
    }

    /// The actor's call in progress.
    ///
    /// # Panics
    ///
    /// If it has none.
    pub fn pending_mut(&mut self, actor: Actor) -> &mut Pending {
        self.actors[usize::from(actor.0)].call.as_mut().expect("a move is of a call in progress")
    }

    /// Opens in progress that count as open ends.
    fn counted_opens(&self) -> impl Iterator<Item = Mode> + '_ {
        self.actors.iter().filter_map(|actor| match &actor.call {
            Some(Pending {
                op: Op::Open { mode, .. },
                counted: true,
                progress: Progress::Open,
                ..
            }) => Some(*mode),
            _ => None,
        })
    }

    fn modes(&self, object: ObjectIndex) -> impl Iterator<Item = Mode> + '_ {
        let descriptions = self.descriptions.iter().filter(move |d| d.object == object);
        let opens = (object == NAMED).then(|| self.counted_opens()).into_iter().flatten();
        descriptions.filter_map(|d| d.mode).chain(opens)
    }

    /// Whether somebody has the object open for reading (or waits in open and counts).
    pub fn has_reader(&self, object: ObjectIndex) -> bool {
        self.modes(object).any(Mode::reads)
    }

    /// Whether somebody has the object open for writing (or waits in open and counts).
    pub fn has_writer(&self, object: ObjectIndex) -> bool {
        self.modes(object).any(Mode::writes)
    }

    /// Whether a call other than this actor's holds the object's lock.
    pub fn is_locked(&self, object: ObjectIndex, actor: Actor) -> bool {
        let others = self.actors.iter().enumerate().filter(|(at, _)| *at != usize::from(actor.0));
        let mut calls = others.filter_map(|(_, other)| other.call.as_ref());
        calls.any(|call| {
            let locks = call.holds || call.locks && call.progress == Progress::Open;
            locks && self.object_called(call) == Some(object)
        })
    }

    /// The object that a call is on: behind its descriptor, or where an open's path leads.
    pub fn object_called(&self, call: &Pending) -> Option<ObjectIndex> {
        match (call.op, call.description) {
            (Op::Open { .. }, _) => {
                let found = call.entered || call.waits_on == Some(NAMED);
                (self.place == Place::Linked || found).then_some(NAMED)
            }
            // A close that is answered has let go of it.
            (_, index) => {
                let description = self.descriptions.get(usize::from(index?));
                description.filter(|open| open.mode.is_some()).map(|open| open.object)
            }
        }
    }

    /// How many open file descriptions the object has, with those of opens that wait and count.
    pub fn open_count(&self, object: ObjectIndex) -> usize {
        self.modes(object).count()
    }

    /// Frees a description. Trailing free entries are dropped, so that equal worlds look equal.
    pub fn remove_description(&mut self, index: DescriptionIndex) {
        self.descriptions[usize::from(index)] = Description::FREE;
        while self.descriptions.last().is_some_and(|description| description.mode.is_none()) {
            self.descriptions.pop();
        }
    }

    /// Frees a description that nobody holds any more, and with it what nobody else has open.
    pub fn release(&mut self, index: DescriptionIndex) {
        let object = self.descriptions[usize::from(index)].object;
        self.remove_description(index);
        self.forget_watched(index);
        match self.objects.get(usize::from(object)) {
            // Where nobody writes or reads any more, all are woken.
            Some(Object::Stream(_)) if !self.has_writer(object) || !self.has_reader(object) => {
                self.scatter(object, Line::Readers);
                self.scatter(object, Line::Writers);
            }
            Some(Object::Unix(_)) => self.scatter_receivers(),
            _ => {}
        }
        self.let_go(object);
    }

    /// Releases an object if nothing refers to it any more.
    fn let_go(&mut self, object: ObjectIndex) {
        match self.objects.get(usize::from(object)) {
            Some(Object::Stream(_)) if self.open_count(object) == 0 => self.released.push(object),
            Some(Object::Epoll(_)) if !self.is_held(object) => _ = self.remove_object(object),
            Some(Object::Tcp(_)) if !self.is_held(object) => self.released.push(object),
            Some(Object::Unix(_)) if !self.is_held(object) && !self.is_pending(object) => {
                self.released.push(object);
            }
            _ => {}
        }
    }

    /// Frees an object. Trailing free entries are dropped, so that equal worlds look equal.
    pub fn remove_object(&mut self, object: ObjectIndex) -> Object {
        let removed = std::mem::replace(&mut self.objects[usize::from(object)], Object::Free);
        while self.objects.len() > 1 && self.objects.last() == Some(&Object::Free) {
            self.objects.pop();
        }
        removed
    }

    /// Whether an open file description refers to the object.
    fn is_held(&self, object: ObjectIndex) -> bool {
        self.descriptions.iter().any(|open| open.mode.is_some() && open.object == object)
    }

    /// Begins a call.
    pub fn call(&mut self, call: Call) {
        let description = call.uses().and_then(|end| self.end(call.actor, end));
        self.actors[usize::from(call.actor.0)].call =
            Some(Pending { end: call.end, op: call.op, description, ..Pending::NOBODYS });
    }

    /// The actor's call asks its socket what it says of waiting, unless it has asked, or is on none.
    pub fn ask_for_terms(&mut self, actor: Actor) {
        let Some(call) = self.pending(actor) else { return };
        let (None, Some(index)) = (call.terms, call.description) else { return };
        let timeout_us = match self.object(index) {
            Object::Unix(socket) => socket.timeout_us,
            Object::Tcp(tcp) => tcp.timeout_us,
            _ => return,
        };
        let nonblock = self.descriptions[usize::from(index)].nonblock;
        self.pending_mut(actor).terms = Some(Terms { nonblock, timeout_us });
    }

    /// Ends the actor's call: its caller has seen the return.
    pub fn returned(&mut self, actor: Actor) {
        for call in self.actors.iter_mut().filter_map(|actor| actor.call.as_mut()) {
            call.behind = call.behind.without(actor);
        }
        let state = &mut self.actors[usize::from(actor.0)];
        if let Some(Pending { op, progress: Progress::Answered { answer, .. }, .. }) =
            state.call.take()
            && op.offers().is_some()
        {
            state.written += i64::from(answer.count().unwrap_or(0));
        }
    }

    /// Actors with a call in progress.
    pub fn busy(&self) -> Actors {
        (0..self.actors.len() as u8)
            .map(Actor)
            .filter(|actor| self.pending(*actor).is_some())
            .collect()
    }
}

/// Notes what an end refers to. What is behind the last that is open is dropped, so that equal worlds look equal.
fn set(ends: &mut SmallVec<[DescriptionIndex; 8]>, end: End, to: DescriptionIndex) {
    let index = usize::from(end.0);
    if index >= ends.len() {
        ends.resize(index + 1, CLOSED);
    }
    ends[index] = to;
    while ends.last() == Some(&CLOSED) {
        ends.pop();
    }
}

/// The object behind an end held at the start. Of two streams, what one side writes the other reads; of
/// two sockets, each side has its own.
fn object_of(hold: Hold) -> ObjectIndex {
    match (hold.side, hold.mode) {
        (Side::A, Mode::Read) | (Side::B, Mode::Write | Mode::ReadWrite) => 1,
        _ => NAMED,
    }
}
