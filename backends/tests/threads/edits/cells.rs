//! Broken variables: polled, and behind a lock.

use super::{ASLEEP, Edit, RACE};

/// A word whose stores are each kept back until the next one.
const KEPT_BACK: &[(&str, &str)] = &[
    (
        "pub struct WordCell(Line<AtomicU64>);",
        "pub struct WordCell(Line<AtomicU64>, std::sync::atomic::AtomicU64);",
    ),
    ("Line::new(AtomicU64::new(value)))", "Line::new(AtomicU64::new(value)), value.into())"),
    (
        "self.0.store(value, Ordering::Release);",
        "self.0.store(self.1.swap(value, Ordering::Relaxed), Ordering::Release);",
    ),
];

pub(crate) const CELLS: &[Edit] = &[
    // A polled word
    Edit {
        name: "a_word_is_stored_relaxed",
        file: "cell",
        edits: &[(
            "self.0.store(value, Ordering::Release);",
            "self.0.store(value, Ordering::Relaxed);",
        )],
        scenario: "a word shows what was done before",
        told: RACE,
    },
    Edit {
        name: "a_word_is_loaded_relaxed",
        file: "cell",
        edits: &[("self.0.load(Ordering::Acquire)", "self.0.load(Ordering::Relaxed)")],
        scenario: "a word shows what was done before",
        told: RACE,
    },
    // Lateness that nothing excuses: only what is recorded as quiet in a lock, or after fences, tells it
    Edit {
        name: "a_word_is_late_in_a_lock",
        file: "cell",
        edits: KEPT_BACK,
        scenario: "a word in a lock",
        told: "cell.read.value",
    },
    Edit {
        name: "a_word_is_late_after_fences",
        file: "cell",
        edits: KEPT_BACK,
        scenario: "a word and fences",
        told: "cell.read.value",
    },
    Edit {
        name: "a_word_of_two_storers_is_late",
        file: "cell",
        edits: KEPT_BACK,
        scenario: "a word, two who store",
        told: "a store has come after the joins",
    },
    // Several words
    Edit {
        name: "a_reader_does_not_check_again",
        file: "cell",
        edits: &[(
            "(before == after).then_some((before, words))",
            "{ let _ = after; Some((before, words)) }",
        )],
        scenario: "two words, two stores, a load",
        told: "cell.read.value",
    },
    Edit {
        name: "a_reader_checks_again_without_a_fence",
        file: "cell",
        edits: &[("fence(Ordering::Acquire);", "")],
        scenario: "two words, two stores, a load",
        told: "cell.read.value",
    },
    Edit {
        name: "a_writer_goes_on_without_a_fence",
        file: "cell",
        edits: &[("fence(Ordering::Release);", "")],
        scenario: "two words, two stores, a load",
        told: "cell.read.value",
    },
    Edit {
        name: "a_writer_does_not_say_that_it_is_at_it",
        file: "cell",
        edits: &[("self.cell.version.store(self.version.wrapping_add(1), Ordering::Relaxed);", "")],
        scenario: "two words, two stores, a load",
        told: "cell.read.value",
    },
    Edit {
        name: "a_version_is_stored_relaxed",
        file: "cell",
        edits: &[(
            "self.cell.version.store(self.version, Ordering::Release);",
            "self.cell.version.store(self.version, Ordering::Relaxed);",
        )],
        scenario: "two words, two stores, a load",
        told: "cell.read.value",
    },
    Edit {
        name: "a_version_is_loaded_relaxed",
        file: "cell",
        edits: &[(
            "let before = self.version.load(Ordering::Acquire);",
            "let before = self.version.load(Ordering::Relaxed);",
        )],
        scenario: "two words, two stores, a load",
        told: "cell.read.value",
    },
    Edit {
        name: "a_look_gives_nothing",
        file: "cell",
        edits: &[("(before == after).then_some(", "(before > after).then_some(")],
        scenario: "two words, a store, two looks",
        told: "a look gives nothing, and nobody stores",
    },
    Edit {
        name: "a_version_that_was_seen_is_newer",
        file: "cell",
        edits: &[("(version | 1 != self.seen | 1)", "(version | 1 >= self.seen | 1)")],
        scenario: "two words looked at for newer ones",
        told: "the same store is newer once",
    },
    Edit {
        name: "the_two_versions_that_come_next_are_not_newer",
        file: "cell",
        edits: &[("(version | 1 != self.seen | 1)", "(version > self.seen + 4)")],
        scenario: "two words looked at for newer ones",
        told: "the last store is seen after the join",
    },
    // A variable behind a lock
    Edit {
        name: "who_sets_forgets_to_notify",
        file: "guarded",
        edits: &[("self.changed.notify_all();", "")],
        scenario: "a guarded variable, two values and the end",
        told: ASLEEP,
    },
    Edit {
        name: "who_sets_notifies_before_it_stores",
        file: "guarded",
        edits: &[
            (
                "let mut state = self.lock();\n        let old",
                "self.unlock_and_wake(self.lock());\n        let mut state = self.lock();\n        let old",
            ),
            (
                "self.unlock_and_wake(state);\n        // Dropped",
                "drop(state);\n        // Dropped",
            ),
        ],
        scenario: "a guarded variable each way",
        told: ASLEEP,
    },
    Edit {
        name: "who_waits_checks_outside_the_lock",
        file: "guarded",
        edits: &[(
            "let mut state = self.lock();\n        let mut counted = false;",
            "let known = self.get().1 == last && !self.is_closed();\n        \
             let mut state = self.lock();\n        \
             let mut counted = known;\n        \
             if known {\n            \
             state.waiting += 1;\n            \
             state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);\n        }",
        )],
        scenario: "a guarded variable, two values and the end",
        told: ASLEEP,
    },
    Edit {
        name: "who_waits_checks_once",
        file: "guarded",
        edits: &[(
            "while state.version == last && !state.closed {",
            "if state.version == last && !state.closed {",
        )],
        scenario: "a guarded variable and waits that end for no reason",
        told: "cell.read.waits",
    },
    Edit {
        name: "who_waits_is_not_counted",
        file: "guarded",
        edits: &[("state.waiting += 1;", "")],
        scenario: "a guarded variable, two values and the end",
        told: ASLEEP,
    },
    Edit {
        name: "who_closes_wakes_nobody",
        file: "guarded",
        edits: &[(
            "state.closed = true;\n        self.unlock_and_wake(state);",
            "state.closed = true;",
        )],
        scenario: "a guarded variable, two readers",
        told: ASLEEP,
    },
    Edit {
        name: "an_old_value_is_never_dropped",
        file: "guarded",
        edits: &[("drop(old);", "std::mem::forget(old);")],
        scenario: "a guarded variable whose old values are dropped",
        told: "the newest is kept, and none else",
    },
    Edit {
        name: "a_value_is_got_without_its_version",
        file: "guarded",
        edits: &[(
            "let state = self.lock();\n        (state.value.clone(), state.version)",
            "let value = self.lock().value.clone();\n        (value, self.lock().version)",
        )],
        scenario: "a guarded variable that is got",
        told: "cell.read.unseen",
    },
];
