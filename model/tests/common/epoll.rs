//! Spaces with epolls.

use pipewright_model::call::{Amount, End, Events, Mode, Op, Trigger};
use pipewright_model::explore::Space;
use pipewright_model::kind::{EVENTFD, PIPE};

use super::{Add, Pinned, R, RW, W, X, poll, read, space, write};

/// An epoll, and another.
const E: End = X;
const E2: End = RW;

fn register(target: End, events: Events, trigger: Trigger) -> Op {
    Op::EpollAdd { target, events, trigger }
}

fn change(target: End, events: Events, trigger: Trigger) -> Op {
    Op::EpollModify { target, events, trigger }
}

fn wait(most: u8, wait: bool) -> Op {
    Op::EpollWait { most, wait }
}

/// A loop that reads a pipe of two bytes, and somebody who writes.
fn event_loop() -> Space {
    let mut space = space(&PIPE, &[&[Mode::Read], &[Mode::Write]])
        .calls_of(0, E, &[Op::Epoll, register(R, Events::IN, Trigger::EDGE), wait(1, true)])
        .calls_of(0, E, &[change(R, Events::IN, Trigger::ONE_SHOT), wait(1, false)])
        .calls_of(0, E, &[Op::EpollDelete { target: R }, wait(0, false)])
        .calls_of(0, R, &[read(1), wait(1, false)])
        .calls_of(1, W, &[write(1), Op::Close]);
    space.setup.capacity_bytes = 4;
    space.fill_bytes = 2;
    space
}

/// What is wrong with registrations.
fn wrong() -> Space {
    let exclusive = Trigger::EXCLUSIVE;
    let both = exclusive.union(Trigger::ONE_SHOT);
    space(&PIPE, &[&[Mode::Read, Mode::Write]])
        .calls_of(0, E, &[Op::Epoll, register(R, Events::IN, exclusive), wait(1, false)])
        .calls_of(0, E, &[register(R, Events::IN, both), change(R, Events::IN, Trigger::NONE)])
        .calls_of(0, E, &[change(R, Events::IN, exclusive), register(E, Events::IN, exclusive)])
        .calls_of(
            0,
            E,
            &[register(E2, Events::IN, Trigger::NONE), read(1), poll(Events::IN, false)],
        )
        .calls_of(0, E2, &[Op::Epoll, register(E, Events::IN, Trigger::NONE)])
        .calls_of(0, E2, &[register(R, Events::IN, exclusive), wait(1, false)])
        .calls_of(0, R, &[Op::Close])
        .calls_of(0, W, &[write(1)])
}

/// A counter, and a loop that it wakes.
fn waker() -> Space {
    let add = Op::Add { value: Amount::new(u64::MAX / 2) };
    let all = Events::IN.union(Events::OUT);
    let space = space(&EVENTFD, &[&[Mode::ReadWrite], &[Mode::ReadWrite]])
        .calls_of(0, E, &[Op::Epoll, register(RW, all, Trigger::EDGE), wait(1, true)])
        .calls_of(0, E, &[change(RW, all, Trigger::EDGE)])
        .calls_of(0, RW, &[Op::Take])
        .calls_of(1, RW, &[add]);
    Space { fill_bytes: u32::MAX, ..space }
}

pub(crate) fn spaces() -> Vec<Pinned> {
    vec![
        Pinned { name: "epoll loop", space: event_loop(), linux_states: 6_844, posix_states: 484 },
        Pinned { name: "epoll wrong", space: wrong(), linux_states: 17_940, posix_states: 322 },
        Pinned { name: "epoll waker", space: waker(), linux_states: 435, posix_states: 111 },
    ]
}
