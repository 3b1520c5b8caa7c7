//! Message queues: sending and receiving whole messages, and opening a queue by its name.
//!
//! `write` stands for mq_send, `read` for mq_receive, `nonblocking` for mq_setattr, `unlink` for mq_unlink.
//! Not modelled: priorities (all are 0), mq_notify, mq_timedsend and mq_timedreceive, and the calls that Linux allows besides because a queue is a file there (read(2), lseek(2)...).

use super::wake::{Queue as Queues, Wake, wake};
use crate::act::Act;
use crate::call::{Actor, Answer, Errno, Events, Op, OpenFlags};
use crate::channel::Object;
use crate::channel::queue::Queue;
use crate::chapter::{Chapter, Overlap};
use crate::data::{Segment, Segments, push_segment};
use crate::kind::MESSAGE_BYTES;
use crate::rule::Cite::{Man, Observed, Posix, Source};
use crate::rule::{Force, Move, Rule, Scene};
use crate::run::Actors;
use crate::world::{Description, NAMED, Place, Progress, World};

/// The chapter.
pub const CHAPTER: Chapter = Chapter {
    name: "queue",
    title: "Message queues",
    of_all: false,
    rules: RULES,
    not_on_linux: &["queue.poll.unspecified"],
    not_in_posix: &[
        "queue.read.lets-a-sender-in",
        "queue.read.handed",
        "queue.write.hands-over",
        "queue.write.let-in",
    ],
    absent: |_| &[],
    overlaps: &[Overlap {
        why: "POSIX does not say that a message queue descriptor can be polled.",
        rules: &[
            "queue.poll.unspecified",
            "descriptor.poll.ready",
            "descriptor.poll.nothing",
            "descriptor.poll.waits",
        ],
    }],
    exceptions: &[],
};

const RULES: &[Rule] = &[
    // Receiving
    Rule {
        id: "queue.read.oldest",
        says: "An mq_receive from a non-empty queue removes the oldest message whole and returns \
               its length, even if every descriptor was closed since it was sent.",
        cite: &[Posix("mq_receive", "DESCRIPTION"), Posix("mq_close", "DESCRIPTION")],
        force: Force::Must,
        step: |at| {
            let queue = receives(at)?;
            let len = queue.messages.first()?.len;
            (!lets_a_sender_in(at))
                .then(|| Move::answers(Answer::Count(len)).with(receive_and_tell))
        },
    },
    Rule {
        id: "queue.read.lets-a-sender-in",
        says: "An mq_receive from a full queue removes the oldest message and adds that of the \
               longest-waiting sender.",
        cite: &[Source("ipc/mqueue.c", "pipelined_receive"), Posix("mq_send", "DESCRIPTION")],
        force: Force::May,
        step: |at| {
            let len = receives(at)?.messages.first()?.len;
            lets_a_sender_in(at).then(|| Move::answers(Answer::Count(len)).with(let_a_sender_in))
        },
    },
    Rule {
        id: "queue.read.handed",
        says: "A waiting mq_receive returns the message that a sender has handed to it.",
        cite: &[Source("ipc/mqueue.c", "pipelined_send"), Posix("mq_receive", "DESCRIPTION")],
        force: Force::May,
        step: |at| {
            queue(at)?;
            at.read_len().filter(|_| at.call.partner_came)?;
            let len = at.call.data.iter().map(|message| message.len).sum();
            Some(Move::answers(Answer::Count(len)))
        },
    },
    Rule {
        id: "queue.read.too-short",
        says: "An mq_receive with a buffer shorter than the queue's maximum message size fails \
               with EMSGSIZE, whatever the queue holds.",
        cite: &[Posix("mq_receive", "ERRORS [EMSGSIZE]")],
        force: Force::Must,
        step: |at| {
            queue(at)?;
            matches!(at.op(), Op::Read { len: ..MESSAGE_BYTES })
                .then_some(Move::fault(Errno::EMSGSIZE))
        },
    },
    Rule {
        id: "queue.read.empty-nonblocking",
        says: "An mq_receive from an empty queue with O_NONBLOCK set fails with EAGAIN.",
        cite: &[Posix("mq_receive", "ERRORS [EAGAIN]")],
        force: Force::Must,
        step: |at| {
            let empty = queue(at)?.messages.is_empty() && matches!(at.op(), Op::Read { .. });
            (empty && at.nonblock() && !at.call.entered).then_some(Move::fault(Errno::EAGAIN))
        },
    },
    Rule {
        id: "queue.read.finds-nothing",
        says: "An mq_receive from an empty queue with O_NONBLOCK clear begins to wait.",
        cite: &[Posix("mq_receive", "DESCRIPTION")],
        force: Force::Must,
        step: |at| {
            let empty = receives(at)?.messages.is_empty();
            (empty && !at.nonblock() && !at.call.entered)
                .then(|| Move::proceeds(0, 0).with(join_the_line))
        },
    },
    Rule {
        id: "queue.read.waits",
        says: "An mq_receive that has begun to wait sleeps while the queue is empty, even with no \
               descriptor open for sending.",
        cite: &[Posix("mq_receive", "DESCRIPTION"), Man("mq_overview(7)", "DESCRIPTION")],
        force: Force::Must,
        step: |at| (receives(at)?.messages.is_empty() && at.call.entered).then_some(Move::rests()),
    },
    // Sending
    Rule {
        id: "queue.write.fits",
        says: "An mq_send to a queue that is not full appends the message whole, even if it has \
               zero bytes.",
        cite: &[Posix("mq_send", "DESCRIPTION")],
        force: Force::Must,
        step: |at| {
            (!sends(at)?.is_full() && receiver_in_line(at).is_none())
                .then(|| Move::transfers(len(at), len(at)).with(send))
        },
    },
    Rule {
        id: "queue.write.hands-over",
        says: "An mq_send while receivers wait hands the message to the longest-waiting one and \
               leaves the queue empty.",
        cite: &[
            Source("ipc/mqueue.c", "pipelined_send"),
            Posix("mq_receive", "DESCRIPTION"),
            Observed("the longest waiter first, 100 of 100", "Linux 6.18"),
        ],
        force: Force::May,
        step: |at| {
            sends(at)?;
            receiver_in_line(at)?;
            Some(Move::transfers(len(at), len(at)).with(hand_over))
        },
    },
    Rule {
        id: "queue.write.let-in",
        says: "A waiting mq_send returns once a receiver has added its message to the queue.",
        cite: &[Source("ipc/mqueue.c", "pipelined_receive"), Posix("mq_send", "DESCRIPTION")],
        force: Force::May,
        step: |at| {
            queue(at)?;
            at.write_len().filter(|_| at.call.partner_came)?;
            Some(Move::transfers(0, 0))
        },
    },
    Rule {
        id: "queue.write.too-long",
        says: "An mq_send of a message longer than the queue's maximum message size fails with \
               EMSGSIZE.",
        cite: &[Posix("mq_send", "ERRORS [EMSGSIZE]")],
        force: Force::Must,
        step: |at| {
            queue(at)?;
            matches!(at.op(), Op::Write { len } if len > MESSAGE_BYTES)
                .then_some(Move::fault(Errno::EMSGSIZE))
        },
    },
    Rule {
        id: "queue.write.full-nonblocking",
        says: "An mq_send to a full queue with O_NONBLOCK set fails with EAGAIN.",
        cite: &[Posix("mq_send", "ERRORS [EAGAIN]")],
        force: Force::Must,
        step: |at| {
            let full = queue(at)?.is_full() && matches!(at.op(), Op::Write { .. });
            (full && at.nonblock() && !at.call.entered).then_some(Move::fault(Errno::EAGAIN))
        },
    },
    Rule {
        id: "queue.write.finds-no-room",
        says: "An mq_send to a full queue with O_NONBLOCK clear begins to wait.",
        cite: &[Posix("mq_send", "DESCRIPTION")],
        force: Force::Must,
        step: |at| {
            (sends(at)?.is_full() && !at.nonblock() && !at.call.entered)
                .then(|| Move::proceeds(0, 0).with(join_the_line))
        },
    },
    Rule {
        id: "queue.write.waits",
        says: "An mq_send that has begun to wait sleeps while the queue is full.",
        cite: &[Posix("mq_send", "DESCRIPTION")],
        force: Force::Must,
        step: |at| (sends(at)?.is_full() && at.call.entered).then_some(Move::rests()),
    },
    // Polling
    Rule {
        id: "queue.poll.readable",
        says: "A poll reports POLLIN on a queue that holds a message, whatever the access mode.",
        cite: &[
            Man("mq_overview(7)", "Linux implementation of message queue descriptors"),
            Observed("IN on a descriptor open for sending", "Linux 6.18"),
        ],
        force: Force::Silent,
        step: |at| {
            (polls(at) && !queue(at)?.messages.is_empty()).then_some(Move::reports(Events::IN))
        },
    },
    Rule {
        id: "queue.poll.writable",
        says: "A poll reports POLLOUT on a queue that is not full, whatever the access mode.",
        cite: &[
            Man("mq_overview(7)", "Linux implementation of message queue descriptors"),
            Observed("OUT on a descriptor open for receiving", "Linux 6.18"),
        ],
        force: Force::Silent,
        step: |at| (polls(at) && !queue(at)?.is_full()).then_some(Move::reports(Events::OUT)),
    },
    Rule {
        id: "queue.poll.unspecified",
        says: "The result of a poll on a message queue descriptor is unspecified.",
        cite: &[Posix("mq_open", "RATIONALE")],
        force: Force::Unspecified,
        step: |at| {
            queue(at)?;
            polls(at).then_some(Move::unspecified("poll on a message queue"))
        },
    },
    // The name
    Rule {
        id: "queue.open.opens",
        says: "An mq_open of a queue's name succeeds immediately, in any access mode, whatever \
               other descriptors are open.",
        cite: &[Posix("mq_open", "DESCRIPTION")],
        force: Force::Must,
        step: |at| {
            let Op::Open { .. } = at.op() else { return None };
            named(at)?;
            (at.world.place == Place::Linked).then(|| Move::answers(Answer::Done).with(open))
        },
    },
    Rule {
        id: "queue.open.no-entry",
        says: "An mq_open of a removed name fails with ENOENT, even if the queue is still open \
               elsewhere.",
        cite: &[Posix("mq_open", "ERRORS [ENOENT]")],
        force: Force::Must,
        step: |at| {
            let Op::Open { .. } = at.op() else { return None };
            named(at)?;
            (at.world.place == Place::Unlinked).then_some(Move::fails(Errno::ENOENT))
        },
    },
    Rule {
        id: "queue.unlink.removes-name",
        says: "An mq_unlink removes the queue's name and leaves the queue intact for its open \
               descriptors.",
        cite: &[Posix("mq_unlink", "DESCRIPTION")],
        force: Force::Must,
        step: |at| {
            named(at)?;
            (at.op() == Op::Unlink && at.world.place == Place::Linked)
                .then(|| Move::answers(Answer::Done).with(unlink))
        },
    },
    Rule {
        id: "queue.unlink.no-entry",
        says: "An mq_unlink of a name that is already removed fails with ENOENT.",
        cite: &[Posix("mq_unlink", "ERRORS [ENOENT]")],
        force: Force::Must,
        step: |at| {
            named(at)?;
            (at.op() == Op::Unlink && at.world.place == Place::Unlinked)
                .then_some(Move::fails(Errno::ENOENT))
        },
    },
];

/// The queue behind the end.
fn queue<'a>(at: &Scene<'a>) -> Option<&'a Queue> {
    match at.object()? {
        Object::Queue(queue) => Some(queue),
        _ => None,
    }
}

/// The queue that the channel's name leads to, or led to.
fn named<'a>(at: &Scene<'a>) -> Option<&'a Queue> {
    match at.world.objects.first()? {
        Object::Queue(queue) => Some(queue),
        _ => None,
    }
}

/// The queue, if this is a receive into a buffer that is long enough, to which nothing was handed yet.
fn receives<'a>(at: &Scene<'a>) -> Option<&'a Queue> {
    at.read_len().filter(|len| *len >= MESSAGE_BYTES && !at.call.partner_came)?;
    queue(at)
}

/// The queue, if this is a send of a message that is short enough and was not added yet.
fn sends<'a>(at: &Scene<'a>) -> Option<&'a Queue> {
    at.write_len().filter(|len| *len <= MESSAGE_BYTES && !at.call.partner_came)?;
    queue(at)
}

/// The receiver to whom a message is handed, where it is.
fn receiver_in_line(at: &Scene<'_>) -> Option<Actor> {
    first_in_line(at.world, at.actor, Line::Receivers).filter(|_| at.platform.queue_hands_over)
}

/// Whether a receive lets a sender in.
fn lets_a_sender_in(at: &Scene<'_>) -> bool {
    at.platform.queue_hands_over
        && queue(at).is_some_and(Queue::is_full)
        && first_in_line(at.world, at.actor, Line::Senders).is_some()
}

/// The calls that wait for the same at a queue.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Line {
    Receivers,
    Senders,
}

/// The calls that wait in a line at the queue on which the actor's call is.
fn line(world: &World, actor: Actor, line: Line) -> impl Iterator<Item = Actor> + '_ {
    let object = world.pending(actor).and_then(|call| world.object_called(call));
    let actors = (0..world.actors.len() as u8).map(Actor).filter(move |other| *other != actor);
    actors.filter(move |other| {
        world.pending(*other).is_some_and(|call| {
            call.entered
                && !call.partner_came
                && call.progress == Progress::Open
                && call.op.offers().is_some() == (line == Line::Senders)
                && world.object_called(call) == object
        })
    })
}

fn first_in_line(world: &World, actor: Actor, of: Line) -> Option<Actor> {
    line(world, actor, of).find(|other| world.pending(*other).is_some_and(|c| c.behind.is_empty()))
}

fn len(at: &Scene<'_>) -> u32 {
    at.write_len().unwrap_or(0)
}

fn polls(at: &Scene<'_>) -> bool {
    matches!(at.op(), Op::Poll { .. })
}

fn join_the_line(act: &mut Act<'_>) {
    let &mut Act { platform, actor, .. } = act;
    let sends = act.call().op.offers().is_some();
    let of = if sends { Line::Senders } else { Line::Receivers };
    let others: Actors = line(act.world, actor, of).collect();
    let call = act.call();
    call.entered = true;
    if platform.queue_hands_over {
        call.behind = others;
    }
}

/// What the first in the line waits for has come: it waits no more.
fn leave_the_line(world: &mut World, first: Actor) {
    world.pending_mut(first).partner_came = true;
    for call in world.actors.iter_mut().filter_map(|actor| actor.call.as_mut()) {
        call.behind = call.behind.without(first);
    }
}

fn hand_over(act: &mut Act<'_>) {
    let &mut Act { actor, count, .. } = act;
    let from = act.world.actors[usize::from(actor.0)].written;
    let Some(first) = first_in_line(act.world, actor, Line::Receivers) else { return };
    leave_the_line(act.world, first);
    push_segment(&mut act.world.pending_mut(first).data, Segment { actor, from, len: count });
}

fn let_a_sender_in(act: &mut Act<'_>) {
    let &mut Act { actor, .. } = act;
    receive(act);
    let Some(first) = first_in_line(act.world, actor, Line::Senders) else { return };
    leave_the_line(act.world, first);
    let from = act.world.actors[usize::from(first.0)].written;
    let call = act.world.pending_mut(first);
    let len = call.op.offers().unwrap_or(0);
    call.done = len;
    if let Some(queue) = act.queue() {
        queue.send(Segment { actor: first, from, len });
    }
}

/// A message is taken, and nobody waits to send one: who watches the queue is woken.
fn receive_and_tell(act: &mut Act<'_>) {
    receive(act);
    tell(act);
}

/// Wakes the epolls that watch the queue, for no event in particular.
fn tell(act: &mut Act<'_>) {
    if let Some(object) = act.object {
        wake(act.world, object, Wake::one(Queues::All, Events::NONE));
    }
}

fn receive(act: &mut Act<'_>) {
    let message = act.queue().and_then(Queue::receive);
    let mut data = Segments::new();
    message.into_iter().for_each(|message| push_segment(&mut data, message));
    act.call().data = data;
}

fn send(act: &mut Act<'_>) {
    let &mut Act { actor, count, .. } = act;
    let from = act.world.actors[usize::from(actor.0)].written;
    if let Some(queue) = act.queue() {
        queue.send(Segment { actor, from, len: count });
    }
    tell(act);
}

fn open(act: &mut Act<'_>) {
    let &mut Act { actor, .. } = act;
    let call = act.call();
    let (end, op) = (call.end, call.op);
    let Op::Open { mode, flags } = op else { return };
    let nonblock = flags.contains(OpenFlags::NONBLOCK);
    let index =
        act.world.add_description(Description { nonblock, ..Description::new(mode, NAMED) });
    act.world.set_end(actor, end, Some(index));
}

fn unlink(act: &mut Act<'_>) {
    act.world.place = Place::Unlinked;
}
