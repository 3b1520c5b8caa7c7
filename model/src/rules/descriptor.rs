//! Descriptors and open file descriptions: what holds for an end whatever channel is behind it.
//!
//! Not modelled: limits on descriptors (`EMFILE`), `FD_CLOEXEC`, `exec`, bad pointers (`EFAULT`),
//! `poll` on several ends at once and with a time-out other than 0 and for ever.

use crate::call::{Actor, Answer, Errno, Events, Op};
use crate::channel::Object;
use crate::kind::Discipline;
use crate::platform::Platform;
use crate::rule::Cite::{Man, Posix, Source};
use crate::rule::{Answers, Force, Move, Rule, Scene, What};
use crate::rules::{Chapter, Overlap};
use crate::world::World;

/// The chapter.
pub const CHAPTER: Chapter = Chapter {
    name: "descriptor",
    title: "Descriptors and open file descriptions",
    rules: RULES,
    not_on_linux: &[],
    not_in_posix: &[],
    absent: |setup| match setup.kind.discipline {
        Discipline::File => &["descriptor.close.last-of-channel"],
        Discipline::Stream => &[],
    },
    overlaps: &[Overlap {
        why: "The standard lets poll find more than it must.",
        rules: &["descriptor.poll.ready", "descriptor.poll.nothing", "descriptor.poll.waits"],
    }],
    exceptions: &[],
};

const RULES: &[Rule] = &[
    Rule {
        id: "descriptor.any.not-open",
        says: "A call on a descriptor that is not open fails with EBADF; poll reports POLLNVAL instead.",
        cite: &[Posix("close", "ERRORS [EBADF]"), Posix("read", "ERRORS [EBADF]")],
        force: Force::Must,
        step: |at| match at.op() {
            Op::Poll { .. } | Op::Deliver => None,
            op if op.is_by_name() || negative_offset(op) => None,
            _ => at.description().is_none().then_some(Move::fails(Errno::EBADF)),
        },
    },
    Rule {
        id: "descriptor.read.not-for-reading",
        says: "A read on a descriptor that is not open for reading fails with EBADF, even of zero bytes.",
        cite: &[Posix("read", "ERRORS [EBADF]")],
        force: Force::Must,
        step: |at| {
            at.description()?;
            (matches!(at.op(), Op::Read { .. }) && !at.reads()).then_some(Move::fails(Errno::EBADF))
        },
    },
    Rule {
        id: "descriptor.write.not-for-writing",
        says: "A write on a descriptor that is not open for writing fails with EBADF, even of zero \
               bytes.",
        cite: &[Posix("write", "ERRORS [EBADF]")],
        force: Force::Must,
        step: |at| {
            at.description()?;
            (matches!(at.op(), Op::Write { .. }) && !at.writes())
                .then_some(Move::fails(Errno::EBADF))
        },
    },
    Rule {
        id: "descriptor.any.no-socket",
        says: "Calls that only sockets have fail with ENOTSOCK on what is none.",
        cite: &[Posix("send", "ERRORS [ENOTSOCK]"), Posix("shutdown", "ERRORS [ENOTSOCK]")],
        force: Force::Must,
        step: |at| {
            let socket = !matches!(at.object()?, Object::Stream(_) | Object::File(_));
            let of_socket = matches!(
                at.op(),
                Op::Bind
                    | Op::Listen { .. }
                    | Op::Connect
                    | Op::Accept { .. }
                    | Op::Shutdown { .. }
                    | Op::Send { .. }
                    | Op::Receive { .. }
                    | Op::SendEnd { .. }
                    | Op::ReceiveEnd { .. }
                    | Op::SetOption { .. }
                    | Op::GetOption { .. }
            );
            (of_socket && !socket).then_some(Move::fails(Errno::ENOTSOCK))
        },
    },
    Rule {
        id: "descriptor.read-at.negative-offset",
        says: "pread at a negative offset fails with EINVAL, whatever the descriptor is.",
        cite: &[Posix("read", "ERRORS [EINVAL]"), Source("fs/read_write.c", "ksys_pread64")],
        force: Force::Must,
        step: |at| {
            (matches!(at.op(), Op::ReadAt { .. }) && negative_offset(at.op()))
                .then_some(Move::fails(Errno::EINVAL))
        },
    },
    Rule {
        id: "descriptor.write-at.negative-offset",
        says: "pwrite at a negative offset fails with EINVAL, whatever the descriptor is, also with \
               O_APPEND.",
        cite: &[Posix("write", "ERRORS [EINVAL]"), Source("fs/read_write.c", "ksys_pwrite64")],
        force: Force::Must,
        step: |at| {
            (matches!(at.op(), Op::WriteAt { .. }) && negative_offset(at.op()))
                .then_some(Move::fails(Errno::EINVAL))
        },
    },
    Rule {
        id: "descriptor.close.others-remain",
        says: "Closing a descriptor leaves its open file description as it is while another descriptor, \
               of whatever process, refers to it.",
        cite: &[Posix("close", "DESCRIPTION"), Man("pipe(7)", "I/O on pipes and FIFOs")],
        force: Force::Must,
        step: |at| (holders(at)? > 1).then(|| Move::answers(Answer::Done).with(close)),
    },
    Rule {
        id: "descriptor.close.last-of-description",
        says: "Closing the last descriptor of an open file description frees the description: that end \
               is gone.",
        cite: &[Posix("close", "DESCRIPTION")],
        force: Force::Must,
        step: |at| {
            (holders(at)? == 1 && !last_of_channel(at))
                .then(|| Move::answers(Answer::Done).with(close))
        },
    },
    Rule {
        id: "descriptor.close.last-of-channel",
        says: "When nobody has a pipe or FIFO open any more, what was not read is discarded.",
        cite: &[Posix("close", "DESCRIPTION"), Man("pipe(7)", "I/O on pipes and FIFOs")],
        force: Force::Must,
        step: |at| {
            (holders(at)? == 1 && last_of_channel(at))
                .then(|| Move::answers(Answer::Done).with(close))
        },
    },
    Rule {
        id: "descriptor.dup.shares",
        says: "dup makes another descriptor of the same open file description.",
        cite: &[Posix("dup", "DESCRIPTION")],
        force: Force::Must,
        step: |at| {
            at.description()?;
            matches!(at.op(), Op::Dup { .. }).then(|| Move::answers(Answer::Done).with(dup))
        },
    },
    Rule {
        id: "descriptor.nonblocking.of-description",
        says: "O_NONBLOCK belongs to the open file description: setting or clearing it holds for every \
               descriptor that refers to it, in every process.",
        cite: &[Posix("fcntl", "F_SETFL"), Posix("dup", "DESCRIPTION")],
        force: Force::Must,
        step: |at| {
            at.description()?;
            matches!(at.op(), Op::SetNonblock(_))
                .then(|| Move::answers(Answer::Done).with(set_nonblock))
        },
    },
    Rule {
        id: "descriptor.poll.not-open",
        says: "poll finds POLLNVAL on a descriptor that is not open, asked for or not.",
        cite: &[Posix("poll", "POLLNVAL")],
        force: Force::Must,
        step: |at| {
            (matches!(at.op(), Op::Poll { .. }) && at.description().is_none())
                .then_some(Move::reports(Events::NVAL))
        },
    },
    Rule {
        id: "descriptor.poll.ready",
        says: "poll returns once it finds an event: all that it finds and that were asked for, besides \
               POLLERR, POLLHUP and POLLNVAL, and no others.",
        cite: &[Posix("poll", "DESCRIPTION")],
        force: Force::Must,
        step: |at| {
            let (must, may) = found(at)?;
            let ready = Answers::Ready { must, may };
            (!must.is_empty() || !may.is_empty())
                .then_some(Move { what: What::Answers(ready, None), effect: None })
        },
    },
    Rule {
        id: "descriptor.poll.nothing",
        says: "poll with a time-out of 0 returns no event where it finds none.",
        cite: &[Posix("poll", "DESCRIPTION")],
        force: Force::Must,
        step: |at| {
            let (must, _) = found(at)?;
            (must.is_empty() && matches!(at.op(), Op::Poll { wait: false, .. }))
                .then_some(Move::answers(Answer::Ready(Events::NONE)))
        },
    },
    Rule {
        id: "descriptor.poll.waits",
        says: "poll with an infinite time-out sleeps while it finds no event.",
        cite: &[Posix("poll", "DESCRIPTION"), Source("fs/select.c", "do_poll")],
        force: Force::Must,
        step: |at| {
            let (must, _) = found(at)?;
            (must.is_empty() && matches!(at.op(), Op::Poll { wait: true, .. }))
                .then_some(Move::rests())
        },
    },
];

/// Whether the call is at an offset before the start.
fn negative_offset(op: Op) -> bool {
    matches!(op, Op::ReadAt { at: ..0, .. } | Op::WriteAt { at: ..0, .. })
}

/// Events that poll reports whether asked for or not.
const ALWAYS: Events = Events::ERR.union(Events::HUP).union(Events::NVAL);

/// What the poll in progress finds of what it is to report: for sure, and perhaps.
fn found(at: &Scene<'_>) -> Option<(Events, Events)> {
    let Op::Poll { events, .. } = at.op() else { return None };
    let asked = events.union(ALWAYS);
    let (must, may) = at.found;
    Some((must.intersection(asked), may.intersection(asked)))
}

/// How many descriptors share the description of an end that is being closed.
fn holders(at: &Scene<'_>) -> Option<usize> {
    let index = at.call.description.filter(|_| at.op() == Op::Close)?;
    Some(at.world.holders(index))
}

/// Whether an end's description is the only one of its channel, and nobody waits in open.
fn last_of_channel(at: &Scene<'_>) -> bool {
    at.stream().is_some() && at.description().is_some_and(|d| at.world.open_count(d.object) == 1)
}

fn close(world: &mut World, _: &Platform, actor: Actor, _: u32) {
    let call = world.pending_mut(actor);
    let (end, description) = (call.end, call.description);
    world.set_end(actor, end, None);
    let Some(index) = description.filter(|index| world.holders(*index) == 0) else { return };
    let object = world.descriptions[usize::from(index)].object;
    world.remove_description(index);
    if world.open_count(object) == 0
        && let Object::Stream(stream) = &mut world.objects[usize::from(object)]
    {
        stream.reset();
    }
}

fn dup(world: &mut World, _: &Platform, actor: Actor, _: u32) {
    let call = world.pending_mut(actor);
    if let (Op::Dup { new }, description) = (call.op, call.description) {
        world.set_end(actor, new, description);
    }
}

fn set_nonblock(world: &mut World, _: &Platform, actor: Actor, _: u32) {
    let call = world.pending_mut(actor);
    if let (Op::SetNonblock(nonblock), Some(index)) = (call.op, call.description) {
        world.descriptions[usize::from(index)].nonblock = nonblock;
    }
}
