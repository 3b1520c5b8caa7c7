//! When the last writer closes, all readers that wait are told, not one of them.

use crate::call::Actor;
use crate::kind::PIPE;
use crate::system::ask::{always, eventually, no_deadlock, sometimes};
use crate::system::program::{close, read};
use crate::system::{Family, System};

const READERS: [Actor; 3] = [Actor(1), Actor(2), Actor(3)];

pub(super) fn system() -> System {
    System::new(
        "last-writer-closes",
        Family::Ends,
        "Three readers of an empty pipe sleep when its last writer closes.",
        &PIPE,
    )
    .process("writer", "w", [close("w")])
    .process("ann", "r", [read("r", 1)])
    .process("ben", "r", [read("r", 1)])
    .process("cid", "r", [read("r", 1)])
    .asks([
        always("nobody is told of an end that has not come", |_, state| {
            READERS.iter().all(|reader| state.answer(*reader).is_none())
                || !state.world.has_writer(0)
        }),
        no_deadlock(),
        sometimes("all three sleep", |_, state| {
            READERS.iter().all(|reader| state.within(*reader).is_some())
                && state.world.has_writer(0)
        }),
        eventually("all readers are told", |system, state| {
            READERS.iter().all(|reader| system.has_ended(state, *reader))
        }),
    ])
}
