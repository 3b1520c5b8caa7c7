//! Who inherits the write end and doesn't close it waits for its own end of the data.

use crate::call::{Actor, Answer, Op};
use crate::kind::PIPE;
use crate::system::ask::{always, eventually, no_deadlock, sometimes};
use crate::system::program::{Do, END, close, forever, on, read, wait_for, write};
use crate::system::{Family, System};
use crate::verify::NO_DEADLOCK;

const CHILD: Actor = Actor(1);

const SEES_THE_END: &str = "the child sees the end";

/// The child keeps the write end that it got by fork.
pub(super) fn leaked() -> System {
    fork(
        "leaked-write-end",
        "A child inherits both ends of a pipe and reads up to the end, but holds a write end itself.",
        vec![],
    )
    .breaks(&[NO_DEADLOCK, SEES_THE_END])
}

/// Each closes what it doesn't use.
pub(super) fn closed() -> System {
    fork(
        "fork-inherits-ends",
        "A child inherits both ends of a pipe, closes the one that it doesn't use, and reads up to the end.",
        vec![close("w")],
    )
}

fn fork(name: &'static str, says: &'static str, first: Vec<Do>) -> System {
    let read_all = forever([read("r", 8), on(END, [Do::Leave])]);
    let child: Vec<Do> = first.into_iter().chain([read_all]).collect();
    System::new(name, Family::Ends, says, &PIPE)
        .process("parent", "r w", [close("r"), write("w", 1), close("w"), wait_for("child")])
        .process("child", "r w", child)
        .asks([
            always("there is no end while somebody holds a write end", |_, state| {
                state.answer(CHILD) != Some(Answer::Count(0)) || !state.world.has_writer(0)
            }),
            no_deadlock(),
            sometimes("the child sleeps", |_, state| {
                matches!(state.within(CHILD), Some(Op::Read { .. }))
                    && state.world.objects[0].is_empty()
            }),
            eventually(SEES_THE_END, |system, state| system.has_ended(state, CHILD)),
        ])
}
