//! Spaces of message queues.

use pipewright_model::call::{Events, Mode, Op};
use pipewright_model::explore::Space;
use pipewright_model::kind::{MESSAGE_BYTES, MESSAGE_QUEUE};

use super::{Add, Pinned, R, RW, W, open, poll, read, space, write};

/// A queue of two messages: everything that a sender and a receiver can do.
fn queue_pair() -> Space {
    let mut space = space(&MESSAGE_QUEUE, &[&[Mode::Write], &[Mode::Read]])
        .calls_of(0, W, &[write(0), write(1), write(MESSAGE_BYTES + 1), read(1), Op::Close])
        .calls_of(0, W, &[Op::SetNonblock(true), Op::SetNonblock(false)])
        .calls_of(0, W, &[poll(Events::OUT, false), poll(Events::OUT, true)])
        .calls_of(1, R, &[read(MESSAGE_BYTES), read(1), write(1), Op::Close])
        .calls_of(1, R, &[Op::SetNonblock(true), Op::SetNonblock(false)])
        .calls_of(1, R, &[poll(Events::IN, false), poll(Events::IN, true)]);
    space.setup.capacity_bytes = 2 * MESSAGE_BYTES;
    space
}

/// Opening a queue by its name, and removing the name.
fn queue_opening() -> Space {
    let mut space = space(&MESSAGE_QUEUE, &[&[], &[]])
        .calls_of(0, R, &[open(Mode::Read, false), read(MESSAGE_BYTES), Op::Close])
        .calls_of(1, W, &[open(Mode::Write, true), write(1), Op::Close, Op::Unlink])
        .calls_of(1, RW, &[open(Mode::ReadWrite, false), Op::Close]);
    space.setup.capacity_bytes = MESSAGE_BYTES;
    space
}

/// A queue of one message: two who send, and one who receives.
fn queue_senders() -> Space {
    let mut space = space(&MESSAGE_QUEUE, &[&[Mode::Write], &[Mode::Write], &[Mode::Read]])
        .calls_of(0, W, &[write(1)])
        .calls_of(1, W, &[write(1)])
        .calls_of(2, R, &[read(MESSAGE_BYTES), Op::SetNonblock(true), Op::SetNonblock(false)]);
    space.setup.capacity_bytes = MESSAGE_BYTES;
    space
}

/// A queue of one message: two who receive, and one who sends.
fn queue_receivers() -> Space {
    let mut space = space(&MESSAGE_QUEUE, &[&[Mode::Write], &[Mode::Read], &[Mode::Read]])
        .calls_of(0, W, &[write(0), write(1)])
        .calls_of(1, R, &[read(MESSAGE_BYTES)])
        .calls_of(2, R, &[read(MESSAGE_BYTES), Op::SetNonblock(true), Op::SetNonblock(false)]);
    space.setup.capacity_bytes = MESSAGE_BYTES;
    space
}

pub(crate) fn spaces() -> Vec<Pinned> {
    vec![
        Pinned {
            name: "queue pair",
            space: queue_pair(),
            linux_states: 15_775,
            posix_states: 16_176,
        },
        Pinned {
            name: "queue opening",
            space: queue_opening(),
            linux_states: 7_462,
            posix_states: 7_588,
        },
        Pinned {
            name: "queue senders",
            space: queue_senders(),
            linux_states: 780,
            posix_states: 468,
        },
        Pinned {
            name: "queue receivers",
            space: queue_receivers(),
            linux_states: 1_289,
            posix_states: 888,
        },
    ]
}
