//! Epolls: registering what is of interest, waiting for events, and what puts an entry on the ready list.
//!
//! An epoll watches descriptors of one channel, and other epolls. `epoll` stands for `epoll_create1`, `epoll-add`, `epoll-modify`
//! and `epoll-delete` for `epoll_ctl`, `epoll-wait` for `epoll_wait`; the user's data is the name of the descriptor that was
//! registered. POSIX does not know epolls.
//!
//! Not modelled: exclusive entries of sockets beside sleepers in accept or for a message, time-outs but 0 and none, `epoll_pwait` with a mask, `EPOLLWAKEUP`, more than
//! four events told at once, the limits of the system. Whom an event wakes stands in `wake.rs`.

use super::wake::{self, has_found_full, place_of_entry, sleep_on_epoll, wake_waiter};
use crate::act::Act;
use crate::call::{Actor, Answer, End, Errno, Events, Mode, Op, Trigger};
use crate::channel::Object;
use crate::channel::epoll::{Epoll, Item, Key, Ready};
use crate::chapter::Chapter;
use crate::index::ObjectIndex;
use crate::kind::Discipline;
use crate::rule::Cite::{Man, Observed, Posix, Source};
use crate::rule::{Cite, Force, Move, Rule, Scene};
use crate::run::Actors;
use crate::world::{Description, World};

/// The chapter.
pub const CHAPTER: Chapter = Chapter {
    name: "epoll",
    title: "Epolls",
    of_all: true,
    rules: RULES,
    not_on_linux: &["epoll.epoll.not-in-the-standard"],
    not_in_posix: &["epoll.epoll.makes"],
    absent: |_| &["epoll.any.no-poll", "epoll.epoll-add.not-modelled", "epoll.any.not-modelled"],
    overlaps: &[],
    exceptions: &[],
};

const CTL: Cite = Man("epoll_ctl(2)", "DESCRIPTION");
const CTL_ERRORS: Cite = Man("epoll_ctl(2)", "ERRORS");
const DO_CTL: Cite = Source("fs/eventpoll.c", "do_epoll_ctl");
const WAIT: Cite = Man("epoll_wait(2)", "DESCRIPTION");
const SEND: Cite = Source("fs/eventpoll.c", "ep_send_events");
const WAKE: Cite = Source("kernel/sched/wait.c", "__wake_up_common");
const KERNEL: &str = "Linux 6.18";

/// Events that are of interest whether asked for or not.
const ALWAYS: Events = Events::ERR.union(Events::HUP);

const RULES: &[Rule] = &[
    Rule {
        id: "epoll.epoll.makes",
        says: "epoll_create1 makes an epoll with an empty interest list.",
        cite: &[Man("epoll_create(2)", "DESCRIPTION")],
        force: Force::Silent,
        step: |at| (at.op() == Op::Epoll).then(|| Move::answers(Answer::Done).with(make)),
    },
    Rule {
        id: "epoll.epoll.not-in-the-standard",
        says: "POSIX has no epolls: what a program does with one is unspecified.",
        cite: &[Posix("poll", "DESCRIPTION")],
        force: Force::Unspecified,
        step: |at| (at.op() == Op::Epoll).then_some(Move::unspecified("POSIX has no epolls")),
    },
    // What is wrong with a registration
    Rule {
        id: "epoll.any.target-not-open",
        says: "epoll_ctl on a target that is not open fails with EBADF, though an entry of that number may exist.",
        cite: &[CTL_ERRORS, Man("epoll(7)", "Questions and answers")],
        force: Force::Silent,
        step: |at| {
            at.description()?;
            at.world.end(at.actor, target(at)?).is_none().then_some(Move::fault(Errno::EBADF))
        },
    },
    Rule {
        id: "epoll.any.no-poll",
        says: "epoll_ctl on a target that is a regular file fails with EPERM.",
        cite: &[CTL_ERRORS, Source("fs/eventpoll.c", "do_epoll_ctl")],
        force: Force::Silent,
        step: |at| {
            matches!(target_object(at)?, Object::File(_)).then_some(Move::fault(Errno::EPERM))
        },
    },
    Rule {
        id: "epoll.any.no-epoll",
        says: "epoll_ctl and epoll_wait on a descriptor that is no epoll fail with EINVAL.",
        cite: &[CTL_ERRORS, Man("epoll_wait(2)", "ERRORS")],
        force: Force::Silent,
        step: |at| {
            let is_epoll = matches!(at.object()?, Object::Epoll(_));
            let calls = target(at).is_some() || matches!(at.op(), Op::EpollWait { .. });
            (calls && !is_epoll && !at.is_memory()).then_some(Move::fault(Errno::EINVAL))
        },
    },
    Rule {
        id: "epoll.any.itself",
        says: "epoll_ctl with the epoll itself as its target fails with EINVAL.",
        cite: &[CTL_ERRORS, DO_CTL],
        force: Force::Silent,
        step: |at| {
            let target = at.world.end(at.actor, target(at)?)?;
            (at.call.description == Some(target)).then_some(Move::fault(Errno::EINVAL))
        },
    },
    Rule {
        id: "epoll.epoll-add.exclusive-with-others",
        says: "Registering with EPOLLEXCLUSIVE fails with EINVAL where EPOLLONESHOT, EPOLLPRI or EPOLLRDHUP is asked for, or \
               the target is an epoll.",
        cite: &[CTL_ERRORS, DO_CTL],
        force: Force::Silent,
        step: |at| {
            let Op::EpollAdd { events, trigger, .. } = at.op() else { return None };
            let others = Events(events.0 & (Events::PRI.0 | Events::RDHUP.0));
            let wrong = trigger.contains(Trigger::ONE_SHOT)
                || !others.is_empty()
                || matches!(target_object(at)?, Object::Epoll(_));
            (trigger.contains(Trigger::EXCLUSIVE) && wrong).then_some(Move::fault(Errno::EINVAL))
        },
    },
    Rule {
        id: "epoll.epoll-modify.exclusive",
        says: "Modifying to EPOLLEXCLUSIVE fails with EINVAL.",
        cite: &[CTL_ERRORS, DO_CTL],
        force: Force::Silent,
        step: |at| {
            let Op::EpollModify { trigger, .. } = at.op() else { return None };
            target_object(at)?;
            trigger.contains(Trigger::EXCLUSIVE).then_some(Move::fault(Errno::EINVAL))
        },
    },
    Rule {
        id: "epoll.epoll-add.loops",
        says: "Registering an epoll that watches, directly or not, the one that is to watch it fails with ELOOP.",
        cite: &[CTL_ERRORS, Source("fs/eventpoll.c", "ep_loop_check")],
        force: Force::Silent,
        step: |at| {
            let Op::EpollAdd { .. } = at.op() else { return None };
            let inner = target_object_index(at)?;
            let this = at.object_index()?;
            (inner != this && watches(at.world, inner, this)).then_some(Move::fault(Errno::ELOOP))
        },
    },
    Rule {
        id: "epoll.epoll-add.exists",
        says: "Registering a descriptor that is registered, with the same open file description, fails with EEXIST.",
        cite: &[CTL_ERRORS, Man("epoll(7)", "Questions and answers")],
        force: Force::Silent,
        step: |at| {
            let Op::EpollAdd { .. } = at.op() else { return None };
            let key = key(at)?;
            epoll(at)?.item(key).is_some().then_some(Move::fault(Errno::EEXIST))
        },
    },
    Rule {
        id: "epoll.any.not-registered",
        says: "Modifying or deleting what is not registered fails with ENOENT.",
        cite: &[CTL_ERRORS],
        force: Force::Silent,
        step: |at| {
            let (Op::EpollModify { .. } | Op::EpollDelete { .. }) = at.op() else { return None };
            let key = key(at)?;
            epoll(at)?.item(key).is_none().then_some(Move::fault(Errno::ENOENT))
        },
    },
    Rule {
        id: "epoll.epoll-modify.was-exclusive",
        says: "Modifying what was registered with EPOLLEXCLUSIVE fails with EINVAL.",
        cite: &[CTL_ERRORS, DO_CTL],
        force: Force::Silent,
        step: |at| {
            let Op::EpollModify { .. } = at.op() else { return None };
            let key = key(at)?;
            let item = epoll(at)?.item(key)?;
            item.trigger.contains(Trigger::EXCLUSIVE).then_some(Move::fault(Errno::EINVAL))
        },
    },
    // Registering
    Rule {
        id: "epoll.epoll-add.registers",
        says: "Registering a descriptor on which there is no event of interest enters it in the interest list alone.",
        cite: &[CTL, Source("fs/eventpoll.c", "ep_insert")],
        force: Force::Silent,
        step: |at| {
            registers(at)?;
            (!finds(at)).then(|| Move::answers(Answer::Done).with(register_in_vain))
        },
    },
    Rule {
        id: "epoll.epoll-add.finds-ready",
        says: "Registering a descriptor on which there is an event of interest puts its entry on the ready list, also with \
               EPOLLET.",
        cite: &[Man("epoll(7)", "Questions and answers"), Source("fs/eventpoll.c", "ep_insert")],
        force: Force::Silent,
        step: |at| {
            registers(at)?;
            (finds(at) || may_find(at)).then(|| Move::answers(Answer::Done).with(register_ready))
        },
    },
    Rule {
        id: "epoll.epoll-add.not-modelled",
        says: "Registering with EPOLLEXCLUSIVE a socket on which a call sleeps in accept or for a \
               message, or registering memory, is not modelled.",
        cite: &[
            Source("fs/eventpoll.c", "ep_ptable_queue_proc"),
            Source("net/core/datagram.c", "__skb_wait_for_more_packets"),
            Source("net/ipv4/inet_connection_sock.c", "inet_csk_wait_for_connect"),
        ],
        force: Force::Unspecified,
        step: |at| {
            let Op::EpollAdd { trigger, .. } = at.op() else { return None };
            epoll(at)?;
            let object = target_object_index(at)?;
            let stands = trigger.contains(Trigger::EXCLUSIVE) && is_slept_on(at, object);
            (!is_watched(target_object(at)?) || stands)
                .then_some(Move::unspecified("sleepers beside exclusive entries are not modelled"))
        },
    },
    Rule {
        id: "epoll.any.not-modelled",
        says: "A call that sleeps in accept or for a message on a socket with an EPOLLEXCLUSIVE \
               entry is not modelled.",
        cite: &[
            Source("fs/eventpoll.c", "ep_ptable_queue_proc"),
            Source("net/core/datagram.c", "__skb_wait_for_more_packets"),
            Source("net/ipv4/inet_connection_sock.c", "inet_csk_wait_for_connect"),
        ],
        force: Force::Unspecified,
        step: |at| {
            let object = at.object_index().filter(|_| at.call.entered)?;
            let exclusive = |item: &Item| {
                let of = at.world.descriptions[usize::from(item.key.description)].object;
                of == object && item.trigger.contains(Trigger::EXCLUSIVE)
            };
            let entered = sleeps_in_turn(at.object()?, &at.op());
            (entered && at.world.epolls().any(|(_, epoll)| epoll.items.iter().any(exclusive)))
                .then_some(Move::unspecified("sleepers beside exclusive entries are not modelled"))
        },
    },
    Rule {
        id: "epoll.epoll-modify.changes",
        says: "Modifying an entry sets its events and flags, and arms one that EPOLLONESHOT has disabled.",
        cite: &[CTL, Source("fs/eventpoll.c", "ep_modify")],
        force: Force::Silent,
        step: |at| {
            modifies(at)?;
            (!finds(at)).then(|| Move::answers(Answer::Done).with(modify_in_vain))
        },
    },
    Rule {
        id: "epoll.epoll-modify.finds-ready",
        says: "Modifying an entry for which there is an event of interest puts it on the ready list, also with EPOLLET.",
        cite: &[CTL, Source("fs/eventpoll.c", "ep_modify")],
        force: Force::Silent,
        step: |at| {
            modifies(at)?;
            (finds(at) || may_find(at)).then(|| Move::answers(Answer::Done).with(modify_ready))
        },
    },
    Rule {
        id: "epoll.epoll-delete.forgets",
        says: "Deleting an entry takes it off the interest list and the ready list.",
        cite: &[CTL, Source("fs/eventpoll.c", "ep_remove")],
        force: Force::Silent,
        step: |at| {
            let Op::EpollDelete { .. } = at.op() else { return None };
            let key = key(at)?;
            epoll(at)?.item(key)?;
            Some(Move::answers(Answer::Done).with(delete))
        },
    },
    // Waiting
    Rule {
        id: "epoll.epoll-wait.no-room",
        says: "epoll_wait for at most 0 events fails with EINVAL.",
        cite: &[Man("epoll_wait(2)", "ERRORS")],
        force: Force::Silent,
        step: |at| {
            at.description()?;
            matches!(at.op(), Op::EpollWait { most: 0, .. }).then_some(Move::fault(Errno::EINVAL))
        },
    },
    Rule {
        id: "epoll.epoll-wait.begins",
        says: "epoll_wait goes through the ready list, the entry that was woken first at the head; registrations and other waits \
               on this epoll stand aside meanwhile.",
        cite: &[WAIT, Source("fs/eventpoll.c", "ep_start_scan")],
        force: Force::Silent,
        step: |at| {
            let epoll = waits(at)?;
            let is_there = |entry: &Ready| !at.call.entered || !entry.sure;
            (epoll.scan.is_none() && epoll.ready.iter().any(is_there) && !at.call.midway)
                .then(|| Move::proceeds(0, 0).with(begin))
        },
    },
    Rule {
        id: "epoll.epoll-wait.finds",
        says: "epoll_wait tells the events of interest that hold when it looks at an entry, with all that hold beside the one \
               that woke it; the entry stays ready unless EPOLLET or EPOLLONESHOT is set, and with EPOLLONESHOT it is disabled.",
        cite: &[WAIT, SEND, Man("epoll(7)", "Level-triggered and edge-triggered")],
        force: Force::Silent,
        step: |at| {
            let Look { found, .. } = looks(at)?;
            // What is found is handed to the effect in place of a count.
            let found = u32::from(found.0);
            (found != 0).then(|| Move::proceeds(found, found).with(find))
        },
    },
    Rule {
        id: "epoll.epoll-wait.finds-perhaps",
        says: "epoll_wait may tell POLLOUT of a TCP socket while much is on its way or unread.",
        cite: &[SEND, Source("include/net/sock.h", "sk_stream_is_writeable")],
        force: Force::Silent,
        step: |at| {
            let Look { found, perhaps, .. } = looks(at)?;
            let all = u32::from(found.union(perhaps).0);
            (!perhaps.is_empty()).then(|| Move::proceeds(all, all).with(find))
        },
    },
    Rule {
        id: "epoll.epoll-wait.finds-no-more",
        says: "epoll_wait tells nothing of an entry for which no event of interest holds any more, and takes it off the ready list.",
        cite: &[SEND],
        force: Force::Silent,
        step: |at| {
            let Look { found, .. } = looks(at)?;
            found.is_empty().then(|| Move::proceeds(0, 0).with(look_in_vain))
        },
    },
    Rule {
        id: "epoll.epoll-wait.other-was-woken",
        says: "epoll_wait passes an entry that was perhaps not woken: an exclusive one beside a call that was perhaps before it \
               in the wait queue, and before Linux 5.14 one for a write to a pipe that was not empty.",
        cite: &[CTL, Source("fs/eventpoll.c", "ep_poll_callback"), WAKE],
        force: Force::Silent,
        step: |at| {
            let Look { entry, found, .. } = looks(at)?;
            (!entry.sure && !found.is_empty()).then(|| Move::proceeds(0, 0).with(pass))
        },
    },
    Rule {
        id: "epoll.epoll-wait.tells",
        says: "epoll_wait returns the events that it has found, of as many entries as it has room for; the next wait \
               begins with those left over.",
        cite: &[WAIT, SEND],
        force: Force::Silent,
        step: |at| {
            let scan = waits(at)?.scan.as_ref().filter(|scan| scan.by == at.actor)?;
            let Op::EpollWait { most, .. } = at.op() else { return None };
            let enough = scan.left.is_empty() || scan.told.len() >= usize::from(most);
            (enough && !scan.told.is_empty())
                .then(|| Move::answers(Answer::Told(scan.told)).with(end))
        },
    },
    Rule {
        id: "epoll.epoll-wait.finds-nothing",
        says: "epoll_wait that has found nothing on the ready list ends there with a time-out of 0, and else waits on.",
        cite: &[WAIT, Source("fs/eventpoll.c", "ep_poll")],
        force: Force::Silent,
        step: |at| {
            let scan = waits(at)?.scan.as_ref().filter(|scan| scan.by == at.actor)?;
            let nothing = scan.left.is_empty() && scan.told.is_empty();
            nothing.then(|| Move::proceeds(0, 0).with(end_in_vain))
        },
    },
    Rule {
        id: "epoll.epoll-wait.nothing",
        says: "epoll_wait with a time-out of 0 returns no event where the ready list is empty.",
        cite: &[WAIT],
        force: Force::Silent,
        step: |at| {
            let epoll = waits(at)?;
            let Op::EpollWait { wait: false, .. } = at.op() else { return None };
            let none = at.call.midway || epoll.ready.is_empty();
            (epoll.scan.is_none() && none).then_some(Move::answers(Answer::Ready(Events::NONE)))
        },
    },
    Rule {
        id: "epoll.epoll-wait.begins-to-wait",
        says: "epoll_wait without a time-out that finds the ready list empty begins to wait, behind those that wait on \
               this epoll.",
        cite: &[WAIT, Source("fs/eventpoll.c", "ep_poll")],
        force: Force::Silent,
        step: |at| {
            let epoll = waits(at)?;
            let Op::EpollWait { wait: true, .. } = at.op() else { return None };
            let none = epoll.ready.iter().all(|entry| !entry.sure);
            (epoll.scan.is_none() && none && !at.call.entered)
                .then(|| Move::proceeds(0, 0).with(sleep_on_epoll))
        },
    },
    Rule {
        id: "epoll.epoll-wait.waits",
        says: "epoll_wait that has begun to wait sleeps until it is woken; of several on one epoll a wake-up wakes the one that \
               has waited the longest. With EPOLLET it sleeps also where an event holds that was told.",
        cite: &[
            WAIT,
            Man("epoll(7)", "Level-triggered and edge-triggered"),
            Source("fs/eventpoll.c", "ep_poll"),
        ],
        force: Force::Silent,
        step: |at| {
            let Object::Epoll(_) = at.object()? else { return None };
            let waits = matches!(at.op(), Op::EpollWait { most: 1.., wait: true });
            (waits && at.call.entered).then_some(Move::rests())
        },
    },
    // An epoll as any other descriptor
    Rule {
        id: "epoll.poll.readable",
        says: "poll finds POLLIN on an epoll that has an event to tell.",
        cite: &[
            Man("epoll(7)", "Questions and answers"),
            Source("fs/eventpoll.c", "__ep_eventpoll_poll"),
        ],
        force: Force::Silent,
        step: |at| {
            let Object::Epoll(_) = at.object()? else { return None };
            let Op::Poll { .. } = at.op() else { return None };
            // Whether it has is known before the rules are asked.
            at.found.0.contains(Events::IN).then_some(Move::reports(Events::IN))
        },
    },
    Rule {
        id: "epoll.any.no-data",
        says: "read and write on an epoll fail with EINVAL, mq_receive and mq_send with EBADF.",
        cite: &[
            Source("fs/read_write.c", "vfs_read"),
            Observed("EINVAL, also of no bytes", KERNEL),
        ],
        force: Force::Silent,
        step: |at| {
            let Object::Epoll(_) = at.object()? else { return None };
            let of_queues = at.world.discipline() == Some(Discipline::Queue);
            let errno = if of_queues { Errno::EBADF } else { Errno::EINVAL };
            matches!(at.op(), Op::Read { .. } | Op::Write { .. } | Op::Add { .. } | Op::Take)
                .then_some(Move::fault(errno))
        },
    },
];

/// What `epoll_ctl` is about.
fn target(at: &Scene<'_>) -> Option<End> {
    match at.op() {
        Op::EpollAdd { target, .. }
        | Op::EpollModify { target, .. }
        | Op::EpollDelete { target } => Some(target),
        _ => None,
    }
}

fn target_object_index(at: &Scene<'_>) -> Option<ObjectIndex> {
    at.description()?;
    let index = at.world.end(at.actor, target(at)?)?;
    Some(at.world.descriptions[usize::from(index)].object)
}

fn target_object<'a>(at: &Scene<'a>) -> Option<&'a Object> {
    at.world.objects.get(usize::from(target_object_index(at)?))
}

/// By what the target is known.
fn key(at: &Scene<'_>) -> Option<Key> {
    let end = target(at)?;
    Some(Key { end, description: at.world.end(at.actor, end)? })
}

/// Whether it is stated what wakes those who watch it.
fn is_watched(object: &Object) -> bool {
    !matches!(object, Object::Cell(_) | Object::Ring(_) | Object::Free)
}

/// Whether such a call sleeps at a socket so that a wake-up wakes one of its kind.
fn sleeps_in_turn(object: &Object, op: &Op) -> bool {
    match object {
        Object::Unix(socket) if !socket.is_stream() && op.asks().is_some() => true,
        Object::Unix(_) | Object::Tcp(_) => matches!(op, Op::Accept { .. }),
        _ => false,
    }
}

/// Whether somebody sleeps so at a socket.
fn is_slept_on(at: &Scene<'_>, object: ObjectIndex) -> bool {
    let sleeps = |other: Scene<'_>| {
        let socket = &at.world.objects[usize::from(object)];
        other.call.entered && sleeps_in_turn(socket, &other.op())
    };
    at.others_at(object).any(sleeps)
}

/// The epoll behind the end, unless somebody else goes through its ready list.
fn epoll<'a>(at: &Scene<'a>) -> Option<&'a Epoll> {
    match at.object()? {
        Object::Epoll(epoll) => Some(&**epoll).filter(|epoll| !epoll.is_locked(at.actor)),
        _ => None,
    }
}

/// The epoll on which something is registered that may be.
fn registers<'a>(at: &Scene<'a>) -> Option<&'a Epoll> {
    let Op::EpollAdd { trigger, .. } = at.op() else { return None };
    let new = epoll(at)?.item(key(at)?).is_none();
    let object = target_object_index(at)?;
    let stands = trigger.contains(Trigger::EXCLUSIVE) && is_slept_on(at, object);
    epoll(at).filter(|_| new && is_watched(&at.world.objects[usize::from(object)]) && !stands)
}

fn modifies<'a>(at: &Scene<'a>) -> Option<&'a Item> {
    let Op::EpollModify { .. } = at.op() else { return None };
    epoll(at)?.item(key(at)?)
}

/// Whether the target has an event of interest.
fn finds(at: &Scene<'_>) -> bool {
    let (Op::EpollAdd { events, .. } | Op::EpollModify { events, .. }) = at.op() else {
        return false;
    };
    !at.found.0.intersection(events.union(ALWAYS)).is_empty()
}

/// Whether the target, a TCP socket, perhaps has one.
fn may_find(at: &Scene<'_>) -> bool {
    let (Op::EpollAdd { events, .. } | Op::EpollModify { events, .. }) = at.op() else {
        return false;
    };
    let is_tcp = matches!(target_object(at), Some(Object::Tcp(_)));
    is_tcp && !at.found.1.intersection(events.union(ALWAYS)).is_empty()
}

/// The epoll on which there is room for events to be told.
fn waits<'a>(at: &Scene<'a>) -> Option<&'a Epoll> {
    match at.op() {
        Op::EpollWait { most: 1.., .. } => epoll(at),
        _ => None,
    }
}

/// What a wait looks at.
struct Look {
    /// The entry.
    entry: Ready,
    /// The events of interest that hold.
    found: Events,
    /// Those that perhaps hold besides.
    perhaps: Events,
}

fn looks(at: &Scene<'_>) -> Option<Look> {
    let Op::EpollWait { most, .. } = at.op() else { return None };
    let epoll = waits(at)?;
    let entry = epoll.next(at.actor)?;
    let room = epoll.scan.as_ref().is_some_and(|scan| scan.told.len() < usize::from(most));
    let item = epoll.item(entry.key).filter(|item| !item.disabled);
    let asked = item.map_or(Events::NONE, |item| item.events);
    let found = at.found.0.intersection(asked);
    let is_tcp = matches!(at.world.object(entry.key.description), Object::Tcp(_));
    let perhaps = if is_tcp { at.found.1.intersection(asked) } else { Events::NONE };
    room.then_some(Look { entry, found, perhaps: Events(perhaps.0 & !found.0) })
}

/// Whether an epoll watches another object, directly or through others.
fn watches(world: &World, outer: ObjectIndex, inner: ObjectIndex) -> bool {
    let Some(Object::Epoll(epoll)) = world.objects.get(usize::from(outer)) else { return false };
    epoll.items.iter().any(|item| {
        let object = world.descriptions[usize::from(item.key.description)].object;
        object == inner || watches(world, object, inner)
    })
}

// Effects

fn make(act: &mut Act<'_>) {
    let end = act.call().end;
    let object = act.world.add_object(Object::Epoll(Box::default()));
    let index = act.world.add_description(Description::new(Mode::ReadWrite, object));
    act.world.set_end(act.actor, end, Some(index));
}

/// The epoll that the move is on, with the key of the target.
fn of_target<'a>(act: &'a mut Act<'_>) -> Option<(&'a mut Epoll, Key)> {
    let actor = act.actor;
    let end = match act.call().op {
        Op::EpollAdd { target, .. }
        | Op::EpollModify { target, .. }
        | Op::EpollDelete { target } => target,
        _ => return None,
    };
    let description = act.world.end(actor, end)?;
    match act.thing()? {
        Object::Epoll(epoll) => Some((&mut **epoll, Key { end, description })),
        _ => None,
    }
}

fn register(act: &mut Act<'_>) {
    let Op::EpollAdd { events, trigger, .. } = act.call().op else { return };
    let Some((_, key)) = of_target(act) else { return };
    let rank = act.world.next_rank();
    let (before, perhaps_before) = match trigger.contains(Trigger::EXCLUSIVE) {
        true => place_of_entry(act.world, key.description),
        false => (Actors::NONE, Actors::NONE),
    };
    let Some((epoll, key)) = of_target(act) else { return };
    let events = events.union(ALWAYS);
    let item = Item { key, events, trigger, disabled: false, rank, before, perhaps_before };
    epoll.items.push(item);
}

fn register_in_vain(act: &mut Act<'_>) {
    register(act);
    find_no_room(act);
}

fn modify_in_vain(act: &mut Act<'_>) {
    modify(act);
    find_no_room(act);
}

/// Of the target no event of interest was found: also no room to send, if that is of interest.
fn find_no_room(act: &mut Act<'_>) {
    let (Op::EpollAdd { events, .. } | Op::EpollModify { events, .. }) = act.call().op else {
        return;
    };
    if let Some((_, key)) = of_target(act) {
        let object = act.world.descriptions[usize::from(key.description)].object;
        has_found_full(act.world, object, events.contains(Events::OUT));
    }
}

fn register_ready(act: &mut Act<'_>) {
    register(act);
    make_ready(act);
}

fn modify(act: &mut Act<'_>) {
    let Op::EpollModify { events, trigger, .. } = act.call().op else { return };
    let Some((epoll, key)) = of_target(act) else { return };
    if let Some(item) = epoll.item_mut(key) {
        *item = Item { events: events.union(ALWAYS), trigger, disabled: false, ..*item };
    }
}

fn modify_ready(act: &mut Act<'_>) {
    modify(act);
    make_ready(act);
}

/// The entry of the target is put on the ready list.
fn make_ready(act: &mut Act<'_>) {
    let Some((_, key)) = of_target(act) else { return };
    wake::make_ready(act, Ready { key, sure: true });
}

fn delete(act: &mut Act<'_>) {
    let Some((epoll, key)) = of_target(act) else { return };
    epoll.forget(|other| other == key);
}

fn this<'a>(act: &'a mut Act<'_>) -> Option<&'a mut Epoll> {
    match act.thing()? {
        Object::Epoll(epoll) => Some(&mut **epoll),
        _ => None,
    }
}

fn begin(act: &mut Act<'_>) {
    let actor: Actor = act.actor;
    if let Some(epoll) = this(act) {
        epoll.begin(actor);
    }
}

fn find(act: &mut Act<'_>) {
    let found = Events(act.count as u16);
    look(act, found);
    let Some(epoll) = this(act) else { return };
    let Some(scan) = epoll.scan.as_mut().filter(|scan| !scan.left.is_empty()) else { return };
    let entry = scan.left.remove(0);
    scan.told.push(entry.key.end, found);
    let Some(item) = epoll.item_mut(entry.key) else { return };
    if item.trigger.contains(Trigger::ONE_SHOT) {
        item.disabled = true;
    } else if !item.trigger.contains(Trigger::EDGE) {
        epoll.ready.push(Ready { sure: true, ..entry });
    }
}

/// Where no room to send is found at the entry that the wait looks at, it will be told.
fn look(act: &mut Act<'_>, found: Events) {
    let actor = act.actor;
    let Some(epoll) = this(act) else { return };
    let Some(item) = epoll.next(actor).and_then(|entry| epoll.item(entry.key)).copied() else {
        return;
    };
    if !found.contains(Events::OUT) {
        let object = act.world.descriptions[usize::from(item.key.description)].object;
        has_found_full(act.world, object, item.events.contains(Events::OUT));
    }
}

fn look_in_vain(act: &mut Act<'_>) {
    look(act, Events::NONE);
    pass(act);
}

/// The entry is taken off the ready list.
fn pass(act: &mut Act<'_>) {
    if let Some(scan) = this(act).and_then(|epoll| epoll.scan.as_mut())
        && !scan.left.is_empty()
    {
        scan.left.remove(0);
    }
}

/// The wait is through the ready list. Where something is left on it, the next who waits is woken.
fn end(act: &mut Act<'_>) {
    let Some(epoll) = this(act) else { return };
    epoll.end();
    let is_left = epoll.ready.iter().any(|entry| entry.sure);
    if let Some(object) = act.object.filter(|_| is_left) {
        wake_waiter(act.world, object);
    }
}

fn end_in_vain(act: &mut Act<'_>) {
    end(act);
    let call = act.call();
    // With a time-out of 0 it looks once.
    call.midway = matches!(call.op, Op::EpollWait { wait: false, .. });
}
