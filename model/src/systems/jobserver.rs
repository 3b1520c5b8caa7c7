//! A job server: tokens in a pipe that everybody takes out and puts back.
//!
//! A page of a pipe that has been written to its end takes no more, and is free only when its last byte is read. With
//! a single page, tokens at its end are few bytes that fill the pipe (seen with Linux 5.5; cargo issue 9739).

use crate::call::{Actor, Op};
use crate::kind::PIPE;
use crate::system::ask::{eventually, no_deadlock, sometimes};
use crate::system::program::{Do, read, wait_for, write};
use crate::system::{Family, System};
use crate::verify::NO_DEADLOCK;

const ANN: Actor = Actor(1);
const BEN: Actor = Actor(2);

/// A page.
const PAGE: u32 = 4096;

/// Tokens to be had.
const TOKENS: u32 = 3;

const ALL_END: &str = "everybody gets its token and gives it back";

/// With one page.
pub(super) fn one_page() -> System {
    jobs(
        "one-page-pipe",
        "Two processes each take a token out of a pipe of one page, and put it back; three tokens stand at the \
         page's end.",
        1,
    )
    .breaks(&[NO_DEADLOCK, ALL_END])
}

/// With two.
pub(super) fn two_pages() -> System {
    jobs(
        "two-page-pipe",
        "The same with a pipe of two pages, the least that Linux makes of itself.",
        2,
    )
}

fn jobs(name: &'static str, says: &'static str, pages: u32) -> System {
    let capacity = Op::SetCapacity { bytes: pages * PAGE };
    let master = [Do::Call("w", capacity), write("w", PAGE), read("r", PAGE - TOKENS)];
    let client = [wait_for("master"), read("r", 1), write("w", 1)];
    System::new(name, Family::Capacity, says, &PIPE)
        .process("master", "r w", master)
        .process("ann", "r w", client.clone())
        .process("ben", "r w", client)
        .asks([
            no_deadlock(),
            sometimes("both have a token", |_, state| {
                [ANN, BEN].iter().all(|who| matches!(state.within(*who), Some(Op::Write { .. })))
            }),
            eventually(ALL_END, |system, state| system.is_over(state)),
        ])
}
