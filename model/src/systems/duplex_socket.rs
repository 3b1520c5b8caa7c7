//! Duplex: both talk at once over one socket, and hear each other.

use crate::call::Actor;
use crate::channel::Object;
use crate::kind::UNIX_STREAM;
use crate::system::ask::{always, eventually, no_deadlock, sometimes};
use crate::system::program::{read, write};
use crate::system::{Family, Keeps, State, System};

const ANN: Actor = Actor(0);
const BEN: Actor = Actor(1);

pub(super) fn system() -> System {
    System::new(
        "duplex-socket",
        Family::Direction,
        "Two processes at the ends of a Unix stream socket both talk before they listen.",
        &UNIX_STREAM,
    )
    .process("ann", "sa", [write("sa", 1), read("sa", 1)])
    .keeps(Keeps::All)
    .process("ben", "sb", [write("sb", 1), read("sb", 1)])
    .keeps(Keeps::All)
    .asks([
        always("nobody reads its own words", |_, state| {
            [ANN, BEN].iter().all(|who| state.heard(*who).iter().all(|word| word.actor != *who))
        }),
        no_deadlock(),
        sometimes("both have words under way to each other", |_, state| {
            state.world.objects.iter().filter(|object| holds_words(object)).count() == 2
        }),
        eventually("each has heard the other", |_, state| both_heard(state)),
    ])
}

fn holds_words(object: &Object) -> bool {
    matches!(object, Object::Unix(_)) && !object.is_empty()
}

fn both_heard(state: &State) -> bool {
    [ANN, BEN].iter().all(|who| !state.heard(*who).is_empty())
}
