//! Descriptors and open file descriptions: what holds for an end whatever channel is behind it.
//!
//! Not modelled: limits on descriptors (`EMFILE`), bad pointers (`EFAULT`),
//! `poll` with a time-out other than 0 and for ever.

use crate::act::Act;
use crate::call::{Answer, End, Errno, Events, Mode, Op};
use crate::channel::Object;
use crate::chapter::{Chapter, Exception, Overlap};
use crate::index::DescriptionIndex;
use crate::kind::Discipline;
use crate::rule::Cite::{Contract, Man, Posix, Source};
use crate::rule::{Answers, Fault, Force, Move, Rule, Scene};
use crate::rules::lock::drop_process_lock;
use crate::rules::wake;
use crate::world::{Description, Look};

/// The chapter.
pub const CHAPTER: Chapter = Chapter {
    name: "descriptor",
    title: "Descriptors and open file descriptions",
    of_all: true,
    rules: RULES,
    not_on_linux: &["descriptor.any.nothing-checked"],
    not_in_posix: &["descriptor.read-at.negative-offset", "descriptor.write-at.negative-offset"],
    absent: |setup| match (setup.kind.has_descriptors(), setup.kind.discipline) {
        (false, _) => NEED_DESCRIPTORS,
        (true, _) => &["descriptor.any.no-such-call"],
    },
    overlaps: &[Overlap {
        why: "POSIX permits poll to report more than it must.",
        rules: &["descriptor.poll.ready", "descriptor.poll.nothing", "descriptor.poll.waits"],
    }],
    exceptions: &[
        Exception {
            rule: "descriptor.read-at.negative-offset",
            why: "POSIX has EINVAL for regular and block special files only, EBADF for a closed \
                  descriptor, and ESPIPE for a pipe or socket.",
        },
        Exception {
            rule: "descriptor.write-at.negative-offset",
            why: "As for pread, POSIX has EINVAL for regular and block special files only.",
        },
    ],
};

/// Rules that can't apply where ends are handles of a library, one for each holder.
const NEED_DESCRIPTORS: &[&str] = &[
    "descriptor.close.others-remain",
    "descriptor.dup.shares",
    "descriptor.nonblocking.of-description",
    "descriptor.poll.not-open",
    "descriptor.poll.ready",
    "descriptor.poll.nothing",
    "descriptor.poll.waits",
];

const RULES: &[Rule] = &[
    Rule {
        id: "descriptor.any.not-open",
        says: "A call on a descriptor that is not open fails with EBADF, except poll, which \
               reports POLLNVAL.",
        cite: &[
            Posix("close", "ERRORS [EBADF]"),
            Posix("read", "ERRORS [EBADF]"),
            Posix("poll", "POLLNVAL"),
        ],
        force: Force::Must,
        step: |at| match at.op() {
            Op::Poll { .. } | Op::Epoll | Op::Deliver | Op::Release => None,
            op if op.is_by_name() || op.is_of_process() => None,
            _ if at.call.end == End::ELSEWHERE => None,
            _ => at.description().is_none().then_some(Move::fault(Errno::EBADF)),
        },
    },
    Rule {
        id: "descriptor.any.no-such-call",
        says: "A call other than read, write or close on an end of an in-memory channel, which is \
               no descriptor, fails with ENOSYS.",
        cite: &[Contract("cell", "no descriptor"), Contract("ring", "no descriptor")],
        force: Force::Silent,
        step: |at| {
            let known =
                matches!(at.op(), Op::Read { .. } | Op::Write { .. } | Op::Close | Op::Deliver);
            (at.is_memory() && !known).then_some(Move::fails(Errno::ENOSYS))
        },
    },
    Rule {
        id: "descriptor.read.not-for-reading",
        says: "A read through a descriptor not open for reading fails with EBADF, even for zero \
               bytes.",
        cite: &[Posix("read", "ERRORS [EBADF]")],
        force: Force::Must,
        step: |at| {
            at.description()?;
            (matches!(at.op(), Op::Read { .. }) && !at.reads()).then_some(Move::fault(Errno::EBADF))
        },
    },
    Rule {
        id: "descriptor.write.not-for-writing",
        says: "A write through a descriptor not open for writing fails with EBADF, even for zero \
               bytes.",
        cite: &[Posix("write", "ERRORS [EBADF]")],
        force: Force::Must,
        step: |at| {
            at.description()?;
            (matches!(at.op(), Op::Write { .. }) && !at.writes())
                .then_some(Move::fault(Errno::EBADF))
        },
    },
    Rule {
        id: "descriptor.any.nothing-checked",
        says: "A read of zero bytes, or a write of zero bytes to a file, may return 0 without \
               checking for errors.",
        cite: &[Posix("read", "DESCRIPTION"), Posix("write", "DESCRIPTION")],
        force: Force::May,
        step: |at| {
            let reads = matches!(at.op(), Op::Read { len: 0 } | Op::ReadAt { len: 0, .. });
            let writes = matches!(at.op(), Op::Write { len: 0 } | Op::WriteAt { len: 0, .. });
            let of_memory =
                matches!(at.world.discipline(), Some(Discipline::Cell | Discipline::Ring));
            let unchecked = reads && !of_memory || writes && at.file().is_some();
            // Where an error is met this is what may be done instead.
            let zero = Move { fault: Some(Fault::May), ..Move::answers(Answer::Count(0)) };
            (unchecked && is_refused(at)).then_some(zero)
        },
    },
    Rule {
        id: "descriptor.any.no-socket",
        says: "A socket call on a descriptor that is not a socket fails with ENOTSOCK.",
        cite: &[Posix("send", "ERRORS [ENOTSOCK]"), Posix("shutdown", "ERRORS [ENOTSOCK]")],
        force: Force::Must,
        step: |at| {
            let socket = !matches!(
                at.object()?,
                Object::Stream(_) | Object::File(_) | Object::Counter(_) | Object::Epoll(_)
            );
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
            (of_socket && !socket).then_some(Move::fault(Errno::ENOTSOCK))
        },
    },
    Rule {
        id: "descriptor.read-at.negative-offset",
        says: "A pread at a negative offset fails with EINVAL even if the descriptor is not open \
               or refers to a pipe or socket.",
        cite: &[Source("fs/read_write.c", "ksys_pread64")],
        force: Force::Exception,
        step: |at| {
            (matches!(at.op(), Op::ReadAt { at: ..0, .. }) && has_no_offset(at))
                .then_some(Move::fault(Errno::EINVAL))
        },
    },
    Rule {
        id: "descriptor.write-at.negative-offset",
        says: "A pwrite at a negative offset fails with EINVAL even if the descriptor is not open \
               or refers to a pipe or socket.",
        cite: &[Source("fs/read_write.c", "ksys_pwrite64")],
        force: Force::Exception,
        step: |at| {
            (matches!(at.op(), Op::WriteAt { at: ..0, .. }) && has_no_offset(at))
                .then_some(Move::fault(Errno::EINVAL))
        },
    },
    Rule {
        id: "descriptor.close.others-remain",
        says: "A close of a descriptor leaves its open file description unchanged while another \
               descriptor, in any process, refers to it.",
        cite: &[Posix("close", "DESCRIPTION"), Man("pipe(7)", "I/O on pipes and FIFOs")],
        force: Force::Must,
        step: |at| (holders(at)? > 1).then(|| Move::answers(Answer::Done).with(close)),
    },
    Rule {
        id: "descriptor.close.last-of-description",
        says: "A close of the last descriptor of an open file description frees the description, \
               which closes that end.",
        cite: &[Posix("close", "DESCRIPTION")],
        force: Force::Must,
        step: |at| {
            (holders(at)? == 1 && !at.is_locked()).then(|| Move::answers(Answer::Done).with(close))
        },
    },
    Rule {
        id: "descriptor.dup.shares",
        says: "A dup creates another descriptor of the same open file description.",
        cite: &[Posix("dup", "DESCRIPTION")],
        force: Force::Must,
        step: |at| {
            at.description().filter(|_| !at.is_memory())?;
            matches!(at.op(), Op::Dup { .. }).then(|| Move::answers(Answer::Done).with(dup))
        },
    },
    Rule {
        id: "descriptor.nonblocking.of-description",
        says: "O_NONBLOCK belongs to the open file description, so setting or clearing it affects \
               every descriptor of it in every process.",
        cite: &[Posix("fcntl", "F_SETFL"), Posix("dup", "DESCRIPTION")],
        force: Force::Must,
        step: |at| {
            at.description().filter(|_| !at.is_memory())?;
            matches!(at.op(), Op::SetNonblock(_))
                .then(|| Move::answers(Answer::Done).with(set_nonblock))
        },
    },
    Rule {
        id: "descriptor.poll.not-open",
        says: "A poll reports POLLNVAL on a descriptor that is not open, requested or not.",
        cite: &[Posix("poll", "POLLNVAL")],
        force: Force::Must,
        step: |at| {
            (matches!(at.op(), Op::Poll { .. }) && at.description().is_none())
                .then_some(Move::reports(Events::NVAL))
        },
    },
    Rule {
        id: "descriptor.poll.ready",
        says: "A poll returns once an event is present and reports every requested one, plus \
               POLLERR, POLLHUP and POLLNVAL whether requested or not.",
        cite: &[Posix("poll", "DESCRIPTION")],
        force: Force::Must,
        step: |at| {
            let (must, may) = found(at).filter(|_| !at.call.astray)?;
            let ready = Answers::Ready { must, may };
            (!must.is_empty() || !may.is_empty()).then_some(Move::found(ready))
        },
    },
    Rule {
        id: "descriptor.poll.nothing",
        says: "A poll with a zero time-out, or one that has found events on another descriptor, \
               returns no event for a descriptor without any.",
        cite: &[Posix("poll", "DESCRIPTION")],
        force: Force::Must,
        step: |at| {
            let (must, _) = found(at).filter(|_| !at.call.astray)?;
            let Op::Poll { wait, among, .. } = at.op() else { return None };
            (must.is_empty() && (!wait || among))
                .then_some(Move::answers(Answer::Ready(Events::NONE)))
        },
    },
    Rule {
        id: "descriptor.poll.waits",
        says: "A poll with an infinite time-out sleeps while it finds no event.",
        cite: &[Posix("poll", "DESCRIPTION"), Source("fs/select.c", "do_poll")],
        force: Force::Must,
        step: |at| {
            let (must, _) = found(at)?;
            let is_awake = at.call.astray && !matches!(at.op(), Op::Poll { among: true, .. });
            // It looks again before it sleeps: something may have come since it looked.
            let looks = matches!(at.call.look, Look::At(_));
            let is_deaf = at.call.deaf || at.call.keeps.is_none() && must.is_empty();
            let sleeps = is_deaf && !looks && !is_awake;
            (sleeps && matches!(at.op(), Op::Poll { wait: true, .. })).then_some(Move::rests())
        },
    },
];

/// Whether a call of zero bytes has an error to find.
fn is_refused(at: &Scene<'_>) -> bool {
    let mode = match at.op() {
        Op::Write { .. } | Op::WriteAt { .. } => at.writes(),
        _ => at.reads(),
    };
    let offset = match at.op() {
        Op::ReadAt { at: offset, .. } | Op::WriteAt { at: offset, .. } => {
            offset >= 0 && at.file().is_some()
        }
        _ => true,
    };
    !mode || !offset
}

/// Whether the end is not open, or what is behind it has no offset.
fn has_no_offset(at: &Scene<'_>) -> bool {
    at.file().is_none() && !at.is_memory()
}

/// Events that poll reports whether asked for or not.
const ALWAYS: Events = Events::ERR.union(Events::HUP).union(Events::NVAL);

/// What the poll in progress finds of what it is to report: for sure, and perhaps.
pub(super) fn found(at: &Scene<'_>) -> Option<(Events, Events)> {
    let Op::Poll { events, .. } = at.op() else { return None };
    if at.is_memory() {
        return None;
    }
    let asked = events.union(ALWAYS);
    let (must, may) = at.found;
    Some((must.intersection(asked), may.intersection(asked)))
}

/// How many descriptors share the description of an end that is being closed.
pub(super) fn holders(at: &Scene<'_>) -> Option<usize> {
    let index = at.call.description.filter(|_| at.op() == Op::Close)?;
    Some(at.world.holders(index) + at.world.calls_of_siblings(at.actor, index))
}

pub(super) fn close(act: &mut Act<'_>) {
    let &mut Act { actor, .. } = act;
    let call = act.call();
    let (end, description) = (call.end, call.description);
    act.world.set_end(actor, end, None);
    if let Some(index) = description {
        let_go_later(act, index);
    }
}

/// A descriptor of it is gone from the table of the caller, whose process lets go of its lock at once; of the description
/// when the call returns, where anybody could see that moment.
pub(super) fn let_go_later(act: &mut Act<'_>, index: DescriptionIndex) {
    let actor = act.actor;
    if drop_process_lock(act, index) || act.world.shares_table(actor) {
        act.call().keeps = Some(index);
    }
    let_go(act, index);
}

/// Lets go of a descriptor of the caller, whose process ends or runs another program; or of the lock that the process
/// holds, which goes first.
pub(super) fn let_go_of(act: &mut Act<'_>, end: End) {
    let actor = act.actor;
    if let Some(index) = act.world.end(actor, end)
        && !drop_process_lock(act, index)
    {
        act.world.set_end(actor, end, None);
        let_go(act, index);
    }
}

/// A call is over: it refers to nothing any more, and what nobody else refers to goes.
pub(crate) fn let_go_of_all(act: &mut Act<'_>) {
    let call = act.call();
    let refers = [call.description.take(), call.keeps.take()];
    if let Some(status) = call.dies {
        act.world.die(act.actor, status);
    }
    refers.into_iter().for_each(|description| let_go_if_last(act, description));
}

/// Where its descriptor was taken from a call meanwhile, its open file description may have nobody else.
pub(crate) fn let_go_if_last(act: &mut Act<'_>, description: Option<DescriptionIndex>) {
    let Some(index) = description else { return };
    let open = act.world.descriptions.get(usize::from(index));
    if open.is_some_and(|open| open.mode.is_some()) {
        let_go(act, index);
    }
}

/// One who referred to an open file description does so no more.
pub(super) fn let_go(act: &mut Act<'_>, index: DescriptionIndex) {
    let &mut Act { actor, .. } = act;
    if act.world.holders(index) > 0 {
        return;
    }
    let Description { object, mode, .. } = act.world.descriptions[usize::from(index)];
    act.world.release(index);
    wake::one_side_left(act.world, object);
    // Of memory: who closes one side and has the other knows at once.
    let reading = mode.is_some_and(Mode::reads);
    let (has_peer, is_peer): (bool, fn(Mode) -> bool) = match reading {
        true => (act.world.has_writer(object), Mode::writes),
        false => (act.world.has_reader(object), Mode::reads),
    };
    let at_once = !has_peer || act.world.holds(actor, object, is_peer);
    match act.world.objects.get_mut(usize::from(object)) {
        Some(Object::Cell(cell)) if reading => cell.catch_up(actor),
        Some(Object::Ring(ring)) if reading => ring.break_(at_once),
        Some(Object::Ring(ring)) => ring.end(at_once),
        _ => {}
    }
}

fn dup(act: &mut Act<'_>) {
    let &mut Act { actor, .. } = act;
    let call = act.call();
    if let (Op::Dup { new }, description) = (call.op, call.description) {
        act.world.set_end(actor, new, description);
    }
}

fn set_nonblock(act: &mut Act<'_>) {
    let call = act.call();
    if let (Op::SetNonblock(nonblock), Some(index)) = (call.op, call.description) {
        act.world.descriptions[usize::from(index)].nonblock = nonblock;
        let others = act.world.actors.iter_mut().filter_map(|other| other.call.as_mut());
        // Only where it is known that they stop it matters when they asked.
        others
            .filter(|call| call.stops && call.description == Some(index) && call.terms.is_none())
            .for_each(|call| call.changed_meanwhile = true);
    }
}
