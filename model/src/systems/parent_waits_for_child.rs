//! A parent that collects its child before, or after, it has drained the child's output.

use crate::call::Actor;
use crate::kind::PIPE;
use crate::system::ask::{eventually, no_deadlock, sometimes};
use crate::system::program::{Do, END, forever, on, read, wait_for, write};
use crate::system::{Family, System};
use crate::verify::NO_DEADLOCK;

const CHILD: Actor = Actor(1);

/// Bytes that a pipe holds.
const CAPACITY: u32 = 65_536;

const BOTH_END: &str = "both come to their end";

/// The parent waits for the child first: if more was written than fits, for ever.
pub(super) fn first() -> System {
    family(
        "parent-waits-before-draining",
        "A child writes more than a pipe holds; its parent waits for it to exit before it reads.",
        [wait_for("child"), drain()],
    )
    .breaks(&[NO_DEADLOCK, BOTH_END])
}

/// The parent drains the pipe first.
pub(super) fn last() -> System {
    family(
        "parent-drains-before-waiting",
        "A child writes more than a pipe holds; its parent reads up to the end before it waits for it to exit.",
        [drain(), wait_for("child")],
    )
}

fn drain() -> Do {
    forever([read("r", CAPACITY), on(END, [Do::Leave])])
}

fn family(name: &'static str, says: &'static str, parent: [Do; 2]) -> System {
    System::new(name, Family::Ends, says, &PIPE)
        .process("parent", "r", parent)
        .process("child", "w", [write("w", CAPACITY + 1)])
        .asks([
            no_deadlock(),
            sometimes("the pipe is full and the child sleeps", |_, state| {
                state.within(CHILD).is_some() && state.world.objects[0].len() == CAPACITY
            }),
            eventually(BOTH_END, |system, state| system.is_over(state)),
        ])
}
