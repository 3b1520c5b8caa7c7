//! Eventfds: adding to a counter of 64 bits, and taking from it.
//!
//! `add` stands for a write of the 8 bytes of a value, `take` for a read of 8 bytes. POSIX does not know eventfds.
//! Not modelled: reads and writes of other lengths from 8 bytes on, a counter that does not start at 0, and what the kernel itself adds (KVM, AIO), which may come to 2⁶⁴ − 1.

use crate::act::Act;
use crate::call::{Answer, Errno, Events, Op};
use crate::channel::Object;
use crate::channel::counter::Counter;
use crate::chapter::Chapter;
use crate::kind::{Discipline, Takes};
use crate::rule::Cite::{Man, Source};
use crate::rule::{Cite, Force, Move, Rule, Scene};
use crate::rules::wake::{Queue, Wake, wake};

/// The chapter.
pub const CHAPTER: Chapter = Chapter {
    name: "eventfd",
    title: "Eventfds",
    of_all: false,
    rules: RULES,
    not_on_linux: &[],
    not_in_posix: &[],
    absent: |setup| match setup.kind.discipline {
        Discipline::Counter(Takes::One) => &["eventfd.take.all"],
        _ => &["eventfd.take.one"],
    },
    overlaps: &[],
    exceptions: &[],
};

const DESCRIPTION: Cite = Man("eventfd(2)", "DESCRIPTION");
const READ: Cite = Source("fs/eventfd.c", "eventfd_read");
const WRITE: Cite = Source("fs/eventfd.c", "eventfd_write");

/// Bytes of a value.
const VALUE_BYTES: u32 = 8;

const RULES: &[Rule] = &[
    // Adding
    Rule {
        id: "eventfd.add.fits",
        says: "A write to an eventfd adds its value to the counter, where the sum is at most 2⁶⁴ − 2.",
        cite: &[DESCRIPTION, WRITE],
        force: Force::Silent,
        step: |at| {
            let (counter, value) = adds(at)?;
            (counter.has_room_for(value) && looks(at))
                .then(|| Move::answers(Answer::Done).with(add))
        },
    },
    Rule {
        id: "eventfd.add.too-large",
        says: "A write of the value 2⁶⁴ − 1 to an eventfd fails with EINVAL, whatever the counter is.",
        cite: &[DESCRIPTION, WRITE],
        force: Force::Silent,
        step: |at| {
            counter(at)?;
            matches!(at.op(), Op::Add { value } if value.get() == u64::MAX)
                .then_some(Move::fault(Errno::EINVAL))
        },
    },
    Rule {
        id: "eventfd.add.full-nonblocking",
        says: "A write to an eventfd whose sum would exceed 2⁶⁴ − 2 fails with EAGAIN where O_NONBLOCK is set.",
        cite: &[DESCRIPTION, WRITE],
        force: Force::Silent,
        step: |at| {
            let (counter, value) = adds(at)?;
            (!counter.has_room_for(value) && at.nonblock() && !at.call.entered)
                .then_some(Move::fault(Errno::EAGAIN))
        },
    },
    Rule {
        id: "eventfd.add.finds-no-room",
        says: "A write to an eventfd whose sum would exceed 2⁶⁴ − 2 begins to wait where O_NONBLOCK is clear.",
        cite: &[DESCRIPTION, WRITE],
        force: Force::Silent,
        step: |at| {
            let (counter, value) = adds(at)?;
            (!counter.has_room_for(value) && !at.nonblock() && !at.call.entered)
                .then(|| Move::proceeds(0, 0).with(enter))
        },
    },
    Rule {
        id: "eventfd.add.waits",
        says: "A write to an eventfd that has begun to wait sleeps until it is woken, by a read or by another write; smaller \
               values are added meanwhile.",
        cite: &[DESCRIPTION, WRITE],
        force: Force::Silent,
        step: |at| {
            let (counter, value) = adds(at)?;
            (!counter.has_room_for(value) && !looks(at)).then_some(Move::rests())
        },
    },
    Rule {
        id: "eventfd.add.woken-in-vain",
        says: "A write to an eventfd that is woken while its sum would exceed 2⁶⁴ − 2 waits on, behind those that \
               wait by then.",
        cite: &[WRITE, Source("kernel/sched/wait.c", "do_wait_intr_irq")],
        force: Force::Silent,
        step: |at| {
            let (counter, value) = adds(at)?;
            (!counter.has_room_for(value) && at.call.woken)
                .then(|| Move::proceeds(0, 0).with(enter))
        },
    },
    Rule {
        id: "eventfd.write.too-short",
        says: "A write of fewer than 8 bytes to an eventfd fails with EINVAL.",
        cite: &[Man("eventfd(2)", "DESCRIPTION"), WRITE],
        force: Force::Silent,
        step: |at| {
            counter(at)?;
            matches!(at.op(), Op::Write { len: ..VALUE_BYTES })
                .then_some(Move::fault(Errno::EINVAL))
        },
    },
    // Taking
    Rule {
        id: "eventfd.take.all",
        says: "A read of an eventfd whose counter is not 0 returns the counter and sets it to 0.",
        cite: &[DESCRIPTION, READ],
        force: Force::Silent,
        step: |at| take(at, Takes::All),
    },
    Rule {
        id: "eventfd.take.one",
        says: "A read of an eventfd with EFD_SEMAPHORE whose counter is not 0 returns 1 and takes 1 off it.",
        cite: &[DESCRIPTION, READ],
        force: Force::Silent,
        step: |at| take(at, Takes::One),
    },
    Rule {
        id: "eventfd.take.empty-nonblocking",
        says: "A read of an eventfd whose counter is 0 fails with EAGAIN where O_NONBLOCK is set.",
        cite: &[DESCRIPTION, READ],
        force: Force::Silent,
        step: |at| {
            (takes(at)?.value == 0 && at.nonblock() && !at.call.entered)
                .then_some(Move::fault(Errno::EAGAIN))
        },
    },
    Rule {
        id: "eventfd.take.finds-nothing",
        says: "A read of an eventfd whose counter is 0 begins to wait where O_NONBLOCK is clear.",
        cite: &[DESCRIPTION, READ],
        force: Force::Silent,
        step: |at| {
            (takes(at)?.value == 0 && !at.nonblock() && !at.call.entered)
                .then(|| Move::proceeds(0, 0).with(enter))
        },
    },
    Rule {
        id: "eventfd.take.waits",
        says: "A read of an eventfd that has begun to wait sleeps until it is woken, though nobody else may have it open.",
        cite: &[DESCRIPTION, READ],
        force: Force::Silent,
        step: |at| (takes(at)?.value == 0 && !looks(at)).then_some(Move::rests()),
    },
    Rule {
        id: "eventfd.take.woken-in-vain",
        says: "A read of an eventfd that is woken while the counter is 0 waits on, behind those that wait by then.",
        cite: &[READ, Source("kernel/sched/wait.c", "do_wait_intr_irq")],
        force: Force::Silent,
        step: |at| {
            (takes(at)?.value == 0 && at.call.woken).then(|| Move::proceeds(0, 0).with(enter))
        },
    },
    Rule {
        id: "eventfd.any.not-woken",
        says: "Of calls that wait on an eventfd, those behind an entry with EPOLLEXCLUSIVE for whose epoll somebody waits are \
               not woken where that is, though they could go on.",
        cite: &[
            Source("fs/eventpoll.c", "ep_poll_callback"),
            Source("kernel/sched/wait.c", "__wake_up_common"),
        ],
        force: Force::Silent,
        step: |at| {
            let goes = match at.op() {
                Op::Take => takes(at)?.value > 0,
                _ => adds(at).is_some_and(|(counter, value)| counter.has_room_for(value)),
            };
            (goes && !looks(at)).then_some(Move::rests())
        },
    },
    Rule {
        id: "eventfd.read.too-short",
        says: "A read of an eventfd into fewer than 8 bytes fails with EINVAL, whatever the counter is.",
        cite: &[DESCRIPTION, READ],
        force: Force::Silent,
        step: |at| {
            counter(at)?;
            matches!(at.op(), Op::Read { len: ..VALUE_BYTES }).then_some(Move::fault(Errno::EINVAL))
        },
    },
    // Polling
    Rule {
        id: "eventfd.poll.readable",
        says: "poll finds POLLIN on an eventfd whose counter is not 0.",
        cite: &[DESCRIPTION, Source("fs/eventfd.c", "eventfd_poll")],
        force: Force::Silent,
        step: |at| (polls(at)?.value > 0).then_some(Move::reports(Events::IN)),
    },
    Rule {
        id: "eventfd.poll.writable",
        says: "poll finds POLLOUT on an eventfd to which 1 can be added.",
        cite: &[DESCRIPTION, Source("fs/eventfd.c", "eventfd_poll")],
        force: Force::Silent,
        step: |at| polls(at)?.has_room_for(1).then_some(Move::reports(Events::OUT)),
    },
];

/// The counter behind the end.
fn counter<'a>(at: &Scene<'a>) -> Option<&'a Counter> {
    match at.object()? {
        Object::Counter(counter) => Some(counter),
        _ => None,
    }
}

/// The counter, and what is to be added to it, if that may ever be.
fn adds<'a>(at: &Scene<'a>) -> Option<(&'a Counter, u64)> {
    match at.op() {
        Op::Add { value } if value.get() <= Counter::MOST => Some((counter(at)?, value.get())),
        _ => None,
    }
}

/// The counter from which something is to be taken.
fn takes<'a>(at: &Scene<'a>) -> Option<&'a Counter> {
    counter(at).filter(|_| at.op() == Op::Take)
}

fn polls<'a>(at: &Scene<'a>) -> Option<&'a Counter> {
    counter(at).filter(|_| matches!(at.op(), Op::Poll { .. }))
}

/// A read takes what there is.
fn take(at: &Scene<'_>, takes_so: Takes) -> Option<Move> {
    let counter = takes(at).filter(|_| looks(at))?;
    let given = Move::answers(Answer::value(counter.next())).with(take_off);
    (counter.takes == takes_so && counter.value > 0).then_some(given)
}

/// Whether a call looks at the counter: it has not begun to wait, or was woken.
fn looks(at: &Scene<'_>) -> bool {
    !at.call.entered || at.call.woken
}

/// The call waits, behind all that wait, or before all.
fn enter(act: &mut Act<'_>) {
    let actor = act.actor;
    act.call().entered = true;
    act.world.is_behind_entries(actor);
    if act.platform.eventfd_sleepers_first {
        act.world.is_before_entries(actor);
    }
}

fn add(act: &mut Act<'_>) {
    let Op::Add { value } = act.call().op else { return };
    if let Some(counter) = act.counter() {
        counter.value += value.get();
    }
    wake_all(act, Events::IN);
}

/// Who watches the counter and who waits there is woken, also by a write of 0.
fn wake_all(act: &mut Act<'_>, events: Events) {
    if let Some(object) = act.object {
        wake(act.world, object, Wake::one(Queue::All, events));
    }
}

fn take_off(act: &mut Act<'_>) {
    if let Some(counter) = act.counter() {
        counter.value -= counter.next();
    }
    wake_all(act, Events::OUT);
}
