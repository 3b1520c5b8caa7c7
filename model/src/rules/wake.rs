//! Wake-ups: whom an event at an object wakes, by the order of its wait queue.
//!
//! On Linux (`kernel/sched/wait.c`, `__wake_up_common`) polls and the entries of epolls stand at the head of a wait queue, the
//! newest first, and are woken each time. Entries with `EPOLLEXCLUSIVE` stand at the tail, as calls that sleep do, the
//! oldest first. A wake-up of one ends at the first of them that counts: a call that sleeps on a pipe, or an entry
//! for whose epoll somebody waits. A call behind that entry is not woken, though it could go on.

use smallvec::SmallVec;

use crate::act::Act;
use crate::call::{Actor, Events, Mode, Op, Trigger};
use crate::channel::Object;
use crate::channel::epoll::{Item, Ready};
use crate::channel::tcp::{FoundFull, NOBODY};
use crate::channel::unix::{Peer, Unix};
use crate::index::{DescriptionIndex, ObjectIndex};
use crate::platform::Account;
use crate::run::Actors;
use crate::world::{Description, Line, PassedOver, Progress, World};

/// The wait queue of a channel in which an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Queue {
    /// Of those who would read.
    Readers,
    /// Of those who would write.
    Writers,
    /// The channel has one, or all of them are woken.
    All,
}

/// What happens at an object.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wake {
    /// At which queue.
    pub queue: Queue,
    /// For which events; none where for no event in particular.
    pub events: Events,
    /// Whether all are woken, and not only as many as one.
    pub all: bool,
    /// Whether nobody in the queue could go on before it happened.
    pub anew: bool,
    /// Whether it wakes for sure; if not, perhaps it wakes nobody.
    pub sure: bool,
}

impl Wake {
    /// One is woken for these events.
    pub(super) const fn one(queue: Queue, events: Events) -> Wake {
        Wake { queue, events, all: false, anew: false, sure: true }
    }

    /// All are woken, for no event in particular.
    pub(super) const fn all(queue: Queue) -> Wake {
        Wake { queue, events: Events::NONE, all: true, anew: false, sure: true }
    }

    /// The same, where nobody in the queue could go on before.
    pub(super) const fn anew(self, anew: bool) -> Wake {
        Wake { anew, ..self }
    }

    /// The same, which perhaps wakes nobody.
    pub(super) const fn surely(self, sure: bool) -> Wake {
        Wake { sure, ..self }
    }
}

/// Bytes or a message have come to a socket (`sock_def_readable`).
pub(super) fn wake_for_data(world: &mut World, socket: ObjectIndex) {
    wake(world, socket, Wake::one(Queue::All, Events::IN.union(Events::PRI)));
}

/// A socket is shut down or closed, or its peer is (`sock_def_wakeup`).
pub(super) fn wake_for_state(world: &mut World, socket: ObjectIndex) {
    wake(world, socket, Wake::all(Queue::All));
}

/// What has become of a TCP socket is told to all who wait there (`sk_state_change`). Linux may tell it in two steps, so they are perhaps woken
/// once more.
pub(super) fn wake_for_tcp_state(world: &mut World, socket: ObjectIndex) {
    let watched = has_watchers(world, socket, Events::NONE);
    if let Some(tcp) = world.tcp_mut(socket).filter(|_| watched) {
        tcp.wakes_again = true;
        wake_for_state(world, socket);
    }
}

/// Whether an epoll has an entry of this object that would be told of these events; none where of any.
pub(super) fn has_watchers(world: &World, object: ObjectIndex, events: Events) -> bool {
    let of = |item: &Item| world.descriptions[usize::from(item.key.description)].object == object;
    let asks = |item: &Item| {
        !item.disabled && (events.is_empty() || !events.intersection(item.events).is_empty())
    };
    world.epolls().any(|(_, epoll)| epoll.items.iter().any(|item| of(item) && asks(item)))
}

/// Somebody has looked at a TCP socket, and has not found room to send, or has not told of it.
pub(super) fn has_found_full(world: &mut World, object: ObjectIndex, surely: bool) {
    let peer = world.tcp(object).map_or(NOBODY, |tcp| tcp.peer);
    let stalled = world.tcp(peer).is_some_and(|peer| peer.stalled);
    let watched = world.has_epolls() && stalled;
    if let Some(tcp) = world.tcp_mut(object).filter(|_| watched) {
        let now = if surely { FoundFull::Surely } else { FoundFull::Perhaps };
        tcp.found_full = tcp.found_full.max(now);
    }
}

/// Something that Unix sockets have sent has been read or thrown away, each piece for itself: a sender is woken where a
/// quarter of its buffer is free then, also where as much was before (`unix_write_space`).
pub(super) fn wake_for_room(
    world: &mut World,
    account: Account,
    senders: impl IntoIterator<Item = ObjectIndex>,
) {
    for sender in senders {
        let Some(socket) = world.socket(sender).filter(|socket| !socket.listens()) else {
            continue;
        };
        // The last piece counts a byte of its own until it is gone.
        let has_room = match account {
            Account::Memory => (world.under_way(sender) + 2) * 4 <= socket.send_buffer,
            Account::Small => world.under_way(sender) * 2 <= socket.send_buffer,
            Account::Envelope => true,
        };
        if has_room {
            wake(world, sender, Wake::one(Queue::All, Events::OUT));
        }
    }
}

/// A datagram socket takes a message, or goes: who talks to it and has found it full is woken (`unix_dgram_peer_wake_relay`).
/// Whether somebody has polled meanwhile is not kept, so each is woken perhaps.
pub(super) fn wake_who_sends_to(world: &mut World, receiver: ObjectIndex, event: Wake) {
    if !world.has_epolls() {
        return;
    }
    let sends = |socket: &Unix| socket.is_datagram() && socket.peer == Peer::Socket(receiver);
    let senders = world.sockets().filter(|(index, socket)| *index != receiver && sends(socket));
    let senders: SmallVec<[ObjectIndex; 4]> = senders.map(|(index, _)| index).collect();
    for sender in senders {
        wake(world, sender, event.surely(false));
    }
}

/// Something happens at an object: this puts entries on ready lists, and says which calls sleep on.
pub(super) fn wake(world: &mut World, object: ObjectIndex, wake: Wake) {
    if matches!(world.objects.get(usize::from(object)), Some(Object::Counter(_))) {
        return wake_at_counter(world, object, wake);
    }
    if !world.wakes_matter() {
        return;
    }
    let (polls, exclusive) = woken(world, object, wake);
    for (epoll, item) in polls {
        tell(world, epoll, item, wake.sure);
    }
    let asleep: Actors = asleep_in(world, object, wake.queue).collect();
    if wake.all {
        for (epoll, item) in exclusive {
            tell(world, epoll, item, wake.sure);
        }
        asleep.iter().for_each(|actor| world.pending_mut(actor).passed_over = PassedOver::No);
        return;
    }
    let surely = asleep.iter().filter(|actor| sleeps_surely(world, *actor, wake.anew));
    let surely: Actors = surely.collect();
    let mut counted = PassedOver::No;
    let mut sure = wake.sure;
    for (epoll, item) in exclusive {
        if item.before.iter().any(|actor| surely.contains(actor)) {
            break;
        }
        let before = Actors(item.before.0 | item.perhaps_before.0);
        sure &= before.iter().all(|actor| !asleep.contains(actor));
        let counts = counts(world, epoll, item, wake.events);
        tell(world, epoll, item, sure);
        if counts {
            counted = if sure { PassedOver::Surely } else { PassedOver::Perhaps };
            break;
        }
    }
    let alone = asleep.iter().count() == 1;
    for actor in asleep.iter() {
        let call = world.pending_mut(actor);
        call.passed_over = match counted {
            PassedOver::Surely if surely.contains(actor) => PassedOver::Surely,
            PassedOver::No if alone || call.passed_over == PassedOver::No => PassedOver::No,
            _ => PassedOver::Perhaps,
        };
    }
}

/// The same at a counter, where all that sleep before the entry that counts are woken, and its lock lets nothing come between.
fn wake_at_counter(world: &mut World, object: ObjectIndex, wake: Wake) {
    let (polls, exclusive) = woken(world, object, wake);
    for (epoll, item) in polls {
        tell(world, epoll, item, true);
    }
    let mut reached = Actors(u32::MAX);
    for (epoll, item) in exclusive {
        let counts = counts(world, epoll, item, wake.events);
        tell(world, epoll, item, true);
        if counts {
            reached = item.before;
            break;
        }
    }
    let asleep: Actors = asleep_at_counter(world, object).collect();
    for actor in asleep.iter().filter(|actor| reached.contains(*actor)) {
        world.pending_mut(actor).woken = true;
    }
}

type Entries = SmallVec<[(ObjectIndex, Item); 4]>;

/// The entries in the queue that are interested, in its order: those that are woken each time, and those that are exclusive.
fn woken(world: &World, object: ObjectIndex, wake: Wake) -> (Entries, Entries) {
    let in_queue = |index: DescriptionIndex| {
        let Description { mode, object: of, .. } = world.descriptions[usize::from(index)];
        of == object
            && match wake.queue {
                Queue::Readers => mode.is_some_and(Mode::reads),
                Queue::Writers => mode.is_some_and(Mode::writes),
                Queue::All => true,
            }
    };
    let events = wake.events;
    let asked = |item: &Item| {
        !item.disabled && (events.is_empty() || !events.intersection(item.events).is_empty())
    };
    let entries = world
        .epolls()
        .flat_map(|(index, epoll)| epoll.items.iter().map(move |item| (index, *item)));
    let here = entries.filter(|(_, item)| in_queue(item.key.description) && asked(item));
    let (mut exclusive, mut polls): (Entries, Entries) =
        here.partition(|(_, item)| item.trigger.contains(Trigger::EXCLUSIVE));
    polls.sort_by_key(|(_, item)| std::cmp::Reverse(item.rank));
    exclusive.sort_by_key(|(_, item)| item.rank);
    (polls, exclusive)
}

/// Whether a wake-up of one ends at an exclusive entry: somebody waits for its epoll, and it asks for what has happened.
fn counts(world: &World, epoll: ObjectIndex, item: Item, events: Events) -> bool {
    let in_or_out = events.intersection(Events::IN.union(Events::OUT));
    let asks = in_or_out.is_empty() || !item.events.intersection(in_or_out).is_empty();
    asks && world.asleep_on_epoll(epoll).next().is_some()
}

/// Puts an entry on the ready list, and wakes one who waits for that, and who watches the epoll.
fn tell(world: &mut World, index: ObjectIndex, item: Item, sure: bool) {
    if let Some(Object::Epoll(epoll)) = world.objects.get_mut(usize::from(index)) {
        epoll.queue(Ready { key: item.key, sure });
    }
    if sure {
        wake_waiter(world, index);
    }
    wake(world, index, Wake::one(Queue::All, Events::IN));
}

/// Puts an entry on the ready list, if it is not there, and tells those who wait.
pub(super) fn make_ready(act: &mut Act<'_>, entry: Ready) {
    let Some(object) = act.object else { return };
    let Some(Object::Epoll(epoll)) = act.world.objects.get_mut(usize::from(object)) else {
        return;
    };
    epoll.queue(entry);
    wake_waiter(act.world, object);
    wake(act.world, object, Wake::one(Queue::All, Events::IN));
}

/// Who has waited on an epoll the longest is woken.
pub(super) fn wake_waiter(world: &mut World, epoll: ObjectIndex) {
    let asleep: Actors = world.asleep_on_epoll(epoll).collect();
    let is_first = |actor: &Actor| {
        let behind = world.pending(*actor).map_or(Actors::NONE, |call| call.behind);
        !behind.iter().any(|other| asleep.contains(other))
    };
    if let Some(first) = asleep.iter().find(is_first) {
        world.pending_mut(first).entered = false;
    }
}

/// A wait begins to sleep on an epoll, behind those that sleep there.
pub(super) fn sleep_on_epoll(act: &mut Act<'_>) {
    let actor = act.actor;
    let Some(object) = act.object else { return };
    let behind: Actors = act.world.asleep_on_epoll(object).collect();
    for call in act.world.actors.iter_mut().filter_map(|other| other.call.as_mut()) {
        if matches!(call.op, Op::EpollWait { .. }) {
            call.behind = call.behind.without(actor);
        }
    }
    let call = act.call();
    (call.entered, call.behind) = (true, behind);
}

/// Where an exclusive entry comes to stand that is registered now: behind whose calls for sure, and behind whose perhaps.
pub(super) fn place_of_entry(world: &World, description: DescriptionIndex) -> (Actors, Actors) {
    let Description { mode, object, .. } = world.descriptions[usize::from(description)];
    if let Object::Counter(_) = world.object(description) {
        return (asleep_at_counter(world, object).collect(), Actors::NONE);
    }
    let in_queue = |queue| asleep_in(world, object, queue).collect::<Actors>();
    let reads = if mode.is_some_and(Mode::reads) { in_queue(Queue::Readers) } else { Actors::NONE };
    let writes =
        if mode.is_some_and(Mode::writes) { in_queue(Queue::Writers) } else { Actors::NONE };
    let asleep = Actors(reads.0 | writes.0);
    let settled = |actor: &Actor| world.pending(*actor).is_some_and(|call| call.settled);
    let surely: Actors = asleep.iter().filter(settled).collect();
    (surely, Actors(asleep.0 & !surely.0))
}

/// The actors whose calls sleep on a stream and are woken one at a time.
fn asleep_in(world: &World, object: ObjectIndex, queue: Queue) -> impl Iterator<Item = Actor> + '_ {
    let is_stream = matches!(world.objects.get(usize::from(object)), Some(Object::Stream(_)));
    let in_line = move |line: Line, here: bool| {
        (here && is_stream).then(|| world.asleep_in(object, line)).into_iter().flatten()
    };
    let readers = in_line(Line::Readers, queue != Queue::Writers);
    readers.chain(in_line(Line::Writers, queue != Queue::Readers))
}

/// The actors whose calls sleep on a counter and have not been woken.
fn asleep_at_counter(world: &World, object: ObjectIndex) -> impl Iterator<Item = Actor> + '_ {
    (0..world.actors.len() as u8).map(Actor).filter(move |actor| {
        world.pending(*actor).is_some_and(|call| {
            call.entered
                && !call.woken
                && call.progress == Progress::Open
                && matches!(call.op, Op::Add { .. } | Op::Take)
                && world.object_called(call) == Some(object)
        })
    })
}

/// Whether a call is known to have slept until now.
fn sleeps_surely(world: &World, actor: Actor, anew: bool) -> bool {
    world
        .pending(actor)
        .is_some_and(|call| call.passed_over == PassedOver::Surely || anew && call.settled)
}

/// A description is gone: where one side of a stream is open still and the other is not, all who wait there are woken.
pub(super) fn one_side_left(world: &mut World, object: ObjectIndex) {
    let stream = matches!(world.objects.get(usize::from(object)), Some(Object::Stream(_)));
    if stream && world.wakes_matter() && world.has_reader(object) != world.has_writer(object) {
        wake(world, object, Wake::all(Queue::All));
    }
}
