//! Searching a system of a file, against the same system built in Rust.

use std::hint::black_box;

use pipewright_model::call::Actor;
use pipewright_model::kind::PIPE;
use pipewright_model::system::ask::{always, eventually, no_deadlock, sometimes};
use pipewright_model::system::program::{Do, END, forever, on, read, write};
use pipewright_model::system::{Family, Keeps, System};
use pipewright_model::verify::verify;

use super::{Bench, Row, each};
use crate::Trouble;

const READER: Actor = Actor(2);

/// A page, which is `PIPE_BUF`.
const PAGE: u32 = 4096;

/// The system of this file in Rust: the same programs, and the same claims as functions.
const FILE: &str = include_str!("../../../model/systems/two-writers-above-pipe-buf.system");

fn in_rust() -> System {
    System::new("in-rust", Family::Atomicity, "Two writers and a reader.", &PIPE)
        .process("ann", "w", [write("w", 17 * PAGE)])
        .process("ben", "w", [write("w", PAGE)])
        .process("reader", "r", [forever([read("r", PAGE), on(END, [Do::Leave])])])
        .keeps(Keeps::All)
        .asks([
            always("it is in two pieces", |_, state| state.heard(READER).len() <= 2),
            no_deadlock(),
            sometimes("it waits", |_, state| {
                state.worlds[0].objects[0].len() >= 2 * PAGE && state.heard(READER).is_empty()
            }),
            eventually("all is read", |system, state| {
                let heard: u32 = state.heard(READER).iter().map(|bytes| bytes.len).sum();
                system.is_over(state) && heard == system.written()
            }),
        ])
}

/// A named system from its file, read anew each time, against the same from Rust.
pub(super) fn from_files(bench: &mut Bench<'_>) -> Result<(), Trouble> {
    let search = |system: &System| black_box(verify(system, usize::MAX).states);
    let of_file = || FILE.parse().ok().map(|system: System| search(&system));
    let (file, rust) = (of_file(), search(&in_rust()));
    let medians = bench.pairs(
        || each(|| of_file().map_or(1, |_| 1)),
        || {
            each(|| {
                search(&in_rust());
                1
            })
        },
    )?;
    let same = if file == Some(rust) { "" } else { " (OTHER STATES)" };
    let what = format!("a system from its file ÷ from Rust, {rust} states{same}");
    bench.add(Row::ratio(&what, medians, 1.1, 1.0));
    Ok(())
}
