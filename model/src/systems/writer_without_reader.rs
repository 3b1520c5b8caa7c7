//! A writer whose reader is gone is told so, and stops.

use crate::call::{Actor, Answer, Errno};
use crate::kind::PIPE;
use crate::system::ask::{always, eventually, no_deadlock, sometimes};
use crate::system::program::{Do, Seen, forever, on, read, write};
use crate::system::{Family, System};

const WRITER: Actor = Actor(0);

/// A page.
const PAGE: u32 = 4096;

pub(super) fn system() -> System {
    let mut system = System::new(
        "writer-without-reader",
        Family::Ends,
        "A process writes for as long as it can; the other reads once and exits.",
        &PIPE,
    )
    .process(
        "writer",
        "w",
        [forever([write("w", PAGE), on(Seen::Fails(Errno::EPIPE), [Do::Leave])])],
    )
    .process("reader", "r", [read("r", PAGE)])
    .asks([
        always("a write fails only where nobody can read", |_, state| {
            state.answer(WRITER) != Some(Answer::Fails(Errno::EPIPE)) || !state.world.has_reader(0)
        }),
        no_deadlock(),
        sometimes("it can fill up", |_, state| state.world.objects[0].len() == 16 * PAGE),
        eventually("the writer stops", |system, state| system.has_ended(state, WRITER)),
    ]);
    system.endless = true;
    system
}
