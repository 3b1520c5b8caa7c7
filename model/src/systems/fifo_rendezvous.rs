//! Opening a FIFO waits for the other side.

use crate::call::{Actor, Mode, Op};
use crate::kind::FIFO;
use crate::system::ask::{eventually, no_deadlock, sometimes};
use crate::system::program::{Do, END, forever, on, open, read, write};
use crate::system::{Family, Keeps, System};
use crate::verify::NO_DEADLOCK;

const WRITER: Actor = Actor(0);
const READER: Actor = Actor(1);

const BOTH_END: &str = "both come to their end";

/// One opens for writing, the other for reading.
pub(super) fn meet() -> System {
    let read_all = forever([read("r", 8), on(END, [Do::Leave])]);
    System::new(
        "fifo-rendezvous",
        Family::Opening,
        "One process opens a FIFO for writing and writes, the other opens it for reading and reads up to the end.",
        &FIFO,
    )
    .process("writer", "", [open("w", Mode::Write), write("w", 1)])
    .process("reader", "", [open("r", Mode::Read), read_all])
    .keeps(Keeps::All)
    .asks([
        no_deadlock(),
        sometimes("the writer waits for a reader", |_, state| {
            matches!(state.within(WRITER), Some(Op::Open { .. }))
        }),
        sometimes("the writer is gone before the reader's open returns", |system, state| {
            system.has_ended(state, WRITER) && matches!(state.world.pending(READER), Some(call) if matches!(call.op, Op::Open { .. }))
        }),
        eventually("the byte written is read", |_, state| !state.heard(READER).is_empty()),
    ])
}

/// Both open for reading first.
pub(super) fn both_read_first() -> System {
    let body = [open("r", Mode::Read), open("w", Mode::Write)];
    System::new(
        "fifo-both-open-to-read-first",
        Family::Opening,
        "Two processes open a FIFO for reading first and for writing then: neither open returns.",
        &FIFO,
    )
    .process("ann", "", body.clone())
    .process("ben", "", body)
    .asks([no_deadlock(), eventually(BOTH_END, |system, state| system.is_over(state))])
    .breaks(&[NO_DEADLOCK, BOTH_END])
}
