//! A reader that waits gets what is written, and then the end.

use crate::call::{Actor, Answer, Op};
use crate::data::Segment;
use crate::kind::PIPE;
use crate::system::ask::{always, eventually, no_deadlock, sometimes};
use crate::system::program::{Do, END, forever, on, read, write};
use crate::system::{Family, Keeps, State, System};

const WRITER: Actor = Actor(0);
const READER: Actor = Actor(1);

pub(super) fn system() -> System {
    System::new(
        "waiting-reader",
        Family::Waiting,
        "A process writes two bytes and exits; the other reads, sleeping while there is nothing, up to the end.",
        &PIPE,
    )
    .process("writer", "w", [write("w", 1), write("w", 1)])
    .process("reader", "r", [forever([read("r", 2), on(END, [Do::Leave])])])
    .keeps(Keeps::All)
    .asks([
        always("nothing is lost, repeated, invented or reordered", |_, state| {
            in_order(state)
        }),
        always("the end is seen after the last byte", |_, state| {
            state.answer(READER) != Some(Answer::Count(0)) || has_heard_all(state)
        }),
        no_deadlock(),
        sometimes("the reader sleeps", |_, state| {
            matches!(state.within(READER), Some(Op::Read { .. })) && state.world.objects[0].is_empty()
        }),
        eventually("every byte written is read", |_, state| has_heard_all(state)),
    ])
}

fn in_order(state: &State) -> bool {
    matches!(state.heard(READER), [] | [Segment { actor: WRITER, from: 0, .. }])
}

fn has_heard_all(state: &State) -> bool {
    matches!(state.heard(READER), [Segment { len: 2, .. }])
}
