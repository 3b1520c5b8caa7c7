//! Two writers on one pipe: what is written at once stays together up to PIPE_BUF.

use crate::call::Actor;
use crate::kind::PIPE;
use crate::system::ask::{always, eventually, no_deadlock, sometimes};
use crate::system::program::{Do, END, forever, on, read, write};
use crate::system::{Family, Keeps, State, System};

const READER: Actor = Actor(2);

/// `PIPE_BUF`, which is a page.
const PIPE_BUF: u32 = 4096;

/// Pages that a pipe holds.
const PAGES: u32 = 16;

const NOT_CUT: &str = "nobody's bytes are cut by another's";

/// Up to PIPE_BUF.
pub(super) fn up_to_pipe_buf() -> System {
    both(
        "two-writers-up-to-pipe-buf",
        "Two processes write PIPE_BUF bytes each into one pipe that a third one reads.",
        PIPE_BUF,
    )
    .breaks(&[])
}

/// More than fits at once: it goes in parts.
pub(super) fn above_pipe_buf() -> System {
    both(
        "two-writers-above-pipe-buf",
        "The same where one writes more than fits: the other's bytes come in between.",
        (PAGES + 1) * PIPE_BUF,
    )
    .breaks(&[NOT_CUT])
}

fn both(name: &'static str, says: &'static str, bytes: u32) -> System {
    System::new(name, Family::Atomicity, says, &PIPE)
        .process("ann", "w", [write("w", bytes)])
        .process("ben", "w", [write("w", PIPE_BUF)])
        .process("reader", "r", [forever([read("r", PIPE_BUF), on(END, [Do::Leave])])])
        .keeps(Keeps::All)
        .asks([
            always(NOT_CUT, |_, state| state.heard(READER).len() <= 2),
            no_deadlock(),
            sometimes("both have written before anything is read", |_, state| {
                state.world.objects[0].len() >= 2 * PIPE_BUF && state.heard(READER).is_empty()
            }),
            eventually("every byte written is read", |system, state| {
                system.is_over(state) && has_heard_all(system, state)
            }),
        ])
}

fn has_heard_all(system: &System, state: &State) -> bool {
    let heard: u32 = state.heard(READER).iter().map(|words| words.len).sum();
    heard == system.written()
}
