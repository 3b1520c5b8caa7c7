//! Broken channels: each a sound one with one fault put into its text.
//!
//! `build.rs` makes the edits, in a copy; a text that has to be edited and is not there fails the build.
//! `told` is what the rejection must say: the rule by which the oracle knows better, or the checker's word.

#[path = "edits/cells.rs"]
mod cells;
#[path = "edits/hand_overs.rs"]
mod hand_overs;
#[path = "edits/rings.rs"]
mod rings;

/// All faults for loom.
pub(crate) const EDITS: &[&[Edit]] = &[cells::CELLS, rings::RINGS, hand_overs::HAND_OVERS];

/// One broken channel.
pub(crate) struct Edit {
    /// What is wrong with it.
    pub(crate) name: &'static str,
    /// The file of `src/memory` that has the fault.
    pub(crate) file: &'static str,
    /// What is replaced, each found once, and by what.
    pub(crate) edits: &'static [(&'static str, &'static str)],
    /// The scenario that shows it.
    pub(crate) scenario: &'static str,
    /// What is said of it.
    pub(crate) told: &'static str,
}

/// What loom says of two accesses of which neither happens before the other.
const RACE: &str = "Causality violation";
/// What either says when all sleep.
const ASLEEP: &str = "deadlock";

/// Faults for shuttle: too many steps or too many threads for loom, and one for comparison.
pub(crate) const EDITS_LONG: &[Edit] = &[
    Edit {
        name: "bytes_are_counted_modulo_256",
        file: "ring",
        edits: &[(
            "self.written = self.written.wrapping_add(count as u64);",
            "self.written = self.written.wrapping_add(count as u64) % 256;",
        )],
        scenario: "long: 300 bytes through a ring of 7",
        told: "exceeded max_steps",
    },
    Edit {
        name: "those_who_wait_are_counted_modulo_five",
        file: "guarded",
        edits: &[("state.waiting += 1;", "state.waiting = (state.waiting + 1) % 5;")],
        scenario: "long: five wait for a guarded variable",
        told: ASLEEP,
    },
    Edit {
        name: "a_reader_of_many_does_not_check_again",
        file: "cell",
        edits: &[(
            "(before == after).then_some((before, words))",
            "{ let _ = after; Some((before, words)) }",
        )],
        scenario: "long: three look at several words",
        told: "cell.read.value",
    },
];
