//! Spaces of counters.

use pipewright_model::call::{Amount, Events, Mode, Op};
use pipewright_model::explore::Space;
use pipewright_model::kind::{EVENTFD, EVENTFD_SEMAPHORE, Kind};

use super::{Add, Pinned, RW, X, poll, read, space, write};

/// Twice as much as this is the most that a counter may come to.
const HALF: u64 = u64::MAX / 2;

fn add(value: u64) -> Op {
    Op::Add { value: Amount::new(value) }
}

/// Everything that two can do who share a counter, where nothing is added to so much as `fill`.
fn pair(kind: &'static Kind, half: u64, fill: u32) -> Space {
    let space = space(kind, &[&[Mode::ReadWrite], &[Mode::ReadWrite]])
        .calls_of(0, RW, &[add(0), add(half), add(u64::MAX), write(7), Op::Close])
        .calls_of(0, RW, &[Op::SetNonblock(true), Op::SetNonblock(false), Op::Dup { new: X }])
        .calls_of(0, RW, &[poll(Events::OUT, false), poll(Events::OUT, true)])
        .calls_of(1, RW, &[Op::Take, add(half), read(7), Op::Close])
        .calls_of(1, RW, &[poll(Events::IN, false), poll(Events::IN, true)]);
    Space { fill_bytes: fill, ..space }
}

/// One who adds, and two who take.
fn takers() -> Space {
    let space = space(&EVENTFD, &[&[Mode::ReadWrite], &[Mode::ReadWrite], &[Mode::ReadWrite]])
        .calls_of(0, RW, &[add(HALF), Op::SetNonblock(true)])
        .calls_of(1, RW, &[Op::Take])
        .calls_of(2, RW, &[Op::Take, add(HALF)]);
    Space { fill_bytes: u32::MAX, ..space }
}

pub(crate) fn spaces() -> Vec<Pinned> {
    vec![
        Pinned {
            name: "counter pair",
            space: pair(&EVENTFD, HALF, u32::MAX),
            linux_states: 9_973,
            posix_states: 9_973,
        },
        Pinned { name: "counter takers", space: takers(), linux_states: 885, posix_states: 885 },
        Pinned {
            name: "counter semaphore",
            space: pair(&EVENTFD_SEMAPHORE, 1, 3),
            linux_states: 13_964,
            posix_states: 13_964,
        },
    ]
}
