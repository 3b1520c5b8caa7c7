//! A program whose output is more than a pipe takes at once, and that exits before the rest is out.

use crate::call::{Actor, Events, Op};
use crate::kind::{FILE, Kind, PIPE};
use crate::system::ask::{always, eventually, no_deadlock, sometimes};
use crate::system::program::{
    Do, END, Seen, close, forever, never_wait, on, read, wait_for, write,
};
use crate::system::{Family, Keeps, System};

const TOOL: Actor = Actor(0);
const READER: Actor = Actor(1);

/// A byte more than a pipe holds.
const OUTPUT: u32 = 65_537;

const ALL_IS_HEARD: &str = "all that it said is heard";

/// What doesn't fit stays in a queue of the program's, and is gone with it.
pub(super) fn at_once() -> System {
    family(
        "exit-before-drained",
        "A program writes without waiting, keeps what does not fit for later, and exits; a reader reads up to the end.",
        &PIPE,
        vec![],
        vec![],
    )
    .breaks(&[ALL_IS_HEARD])
}

/// It waits for room and writes the rest before it exits.
pub(super) fn drained() -> System {
    let room = Do::Call("w", Op::Poll { events: Events::OUT, wait: true });
    family(
        "exit-after-drained",
        "The same, but the program waits for room and writes the rest before it exits.",
        &PIPE,
        vec![on(Seen::Less(OUTPUT), [room, write("w", 1)])],
        vec![],
    )
}

/// A file takes all at once: so the fault stays unseen until the output goes to a pipe.
pub(super) fn to_a_file() -> System {
    family(
        "exit-output-to-a-file",
        "The program that keeps nothing for later writes to a file, which takes all at once.",
        &FILE,
        vec![],
        vec![wait_for("tool")],
    )
}

fn family(
    name: &'static str,
    says: &'static str,
    kind: &'static Kind,
    rest: Vec<Do>,
    first: Vec<Do>,
) -> System {
    let said = [never_wait("w"), write("w", OUTPUT)].into_iter();
    let read_all = forever([read("r", OUTPUT), on(END, [Do::Leave])]);
    System::new(name, Family::Ends, says, kind)
        .process("tool", "w", said.chain(rest).chain([close("w")]).collect::<Vec<Do>>())
        .process("reader", "r", first.into_iter().chain([read_all]).collect::<Vec<Do>>())
        .keeps(Keeps::Place(TOOL))
        .asks([
            always(ALL_IS_HEARD, |system, state| {
                !system.is_over(state) || state.heard(READER)[0].from == i64::from(OUTPUT)
            }),
            no_deadlock(),
            sometimes("it has ended and not all is read", |system, state| {
                system.has_ended(state, TOOL) && !system.is_over(state)
            }),
            eventually("both come to their end", |system, state| system.is_over(state)),
        ])
}
