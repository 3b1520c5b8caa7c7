//! A reader that asks whether there is something, and then reads, while a rival reads too.

use crate::call::{Actor, Errno, Op};
use crate::kind::FIFO;
use crate::system::ask::{eventually, no_deadlock, sometimes};
use crate::system::program::{Do, Seen, look_for_data, never_wait, on, read, wait_for, write};
use crate::system::{Family, System};
use crate::verify::NO_DEADLOCK;

const ANN: Actor = Actor(1);

const GOES_ON: &str = "ann goes on with her work";

/// The read waits: what the poll saw may be gone.
pub(super) fn and_block() -> System {
    let ann = [look_for_data("r"), on(Seen::Readable, [read("r", 1)])];
    system(
        "poll-then-block",
        "Two readers, of which one reads only after a poll has told it that it can; its read waits.",
        &ann,
    )
    .asks([
        no_deadlock(),
        sometimes("the rival has been faster", |_, state| {
            matches!(state.within(ANN), Some(Op::Read { .. })) && state.world.objects[0].is_empty()
        }),
        eventually(GOES_ON, |system, state| system.has_ended(state, ANN)),
    ])
    .breaks(&[NO_DEADLOCK, GOES_ON])
}

/// The read doesn't wait, and may find nothing.
pub(super) fn and_try() -> System {
    let ann = [never_wait("r"), look_for_data("r"), on(Seen::Readable, [read("r", 1)])];
    system(
        "poll-then-try",
        "The same with a descriptor that never waits: the reader may find nothing, and goes on.",
        &ann,
    )
    .asks([
        no_deadlock(),
        sometimes("the rival has been faster", |_, state| {
            state
                .answer(ANN)
                .is_some_and(|answer| answer == crate::call::Answer::Fails(Errno::EAGAIN))
        }),
        eventually(GOES_ON, |system, state| system.has_ended(state, ANN)),
    ])
}

/// The boss gives one thing out, and keeps its end until ann is done.
fn system(name: &'static str, says: &'static str, ann: &[Do]) -> System {
    System::new(name, Family::Waiting, says, &FIFO)
        .process("boss", "w", [write("w", 1), wait_for("ann")])
        .process("ann", "r", ann)
        .process("rival", "r", [read("r", 1)])
}
