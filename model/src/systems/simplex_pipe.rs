//! Words go down a pipe one way, for ever.

use crate::call::Actor;
use crate::kind::PIPE;
use crate::system::ask::{always, leads_to, no_deadlock, sometimes};
use crate::system::program::{forever, read, write};
use crate::system::{Family, Keeps, State, System};

const WRITER: Actor = Actor(0);
const READER: Actor = Actor(1);

/// A page.
const PAGE: u32 = 4096;

pub(super) fn system() -> System {
    let mut system = System::new(
        "simplex-pipe",
        Family::Direction,
        "One process writes pages into a pipe for ever, the other reads them.",
        &PIPE,
    )
    .process("writer", "w", [forever([write("w", PAGE)])])
    .process("reader", "r", [forever([read("r", PAGE)])])
    .keeps(Keeps::Place(WRITER))
    .asks([
        always("nothing is lost, repeated, invented or reordered", |_, state| in_order(state)),
        no_deadlock(),
        sometimes("it can fill up", |_, state| {
            state.within(WRITER).is_some() && state.world.objects[0].len() == 16 * PAGE
        }),
        leads_to(
            "what is written is read",
            |_, state| !state.world.objects[0].is_empty(),
            |_, state| !state.given(READER).is_empty(),
        ),
    ]);
    system.endless = true;
    system
}

/// Whether what the reader is given goes on where it has heard up to.
fn in_order(state: &State) -> bool {
    match state.given(READER) {
        [] => true,
        [given] => given.actor == WRITER && given.from == state.heard(READER)[0].from,
        _ => false,
    }
}
