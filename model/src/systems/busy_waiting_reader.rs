//! A reader that polls: the end of a file means "nothing yet", so it asks again and again.

use crate::call::Actor;
use crate::data::Segment;
use crate::kind::FILE;
use crate::system::ask::{always, eventually, eventually_unfair, no_deadlock, sometimes};
use crate::system::program::{Do, Seen, forever, on, read, write};
use crate::system::{Family, Keeps, State, System};

const WRITER: Actor = Actor(0);
const READER: Actor = Actor(1);

const GETS_IT: &str = "the reader gets what is written";

/// Under a scheduler that leaves nobody out for ever.
pub(super) fn fair() -> System {
    poll(
        "busy-waiting-reader",
        "A process writes to a file; the other reads it again and again until there is something.",
    )
    .asks([
        always("nothing is invented", |_, state| nothing_invented(state)),
        no_deadlock(),
        sometimes("a poll finds nothing", |_, state| {
            state.answer(READER).and_then(|answer| answer.count()) == Some(0)
        }),
        eventually(GETS_IT, |_, state| !state.heard(READER).is_empty()),
    ])
}

/// Under any scheduler: it may poll without end while the writer never gets to run.
pub(super) fn unfair() -> System {
    poll("busy-waiting-reader-unfair", "The same under a scheduler that may leave the writer out for ever: the reader polls without end.")
        .asks([
            always("nothing is invented", |_, state| nothing_invented(state)),
            no_deadlock(),
            eventually_unfair(GETS_IT, |_, state| !state.heard(READER).is_empty()),
        ])
        .breaks(&[GETS_IT])
}

fn poll(name: &'static str, says: &'static str) -> System {
    System::new(name, Family::Waiting, says, &FILE)
        .process("writer", "w", [write("w", 1)])
        .process("reader", "r", [forever([read("r", 1), on(Seen::Count(1), [Do::Leave])])])
        .keeps(Keeps::All)
}

fn nothing_invented(state: &State) -> bool {
    matches!(state.heard(READER), [] | [Segment { actor: WRITER, from: 0, len: 1 }])
}
