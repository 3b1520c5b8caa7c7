//! Broken hand-overs.

use super::{ASLEEP, Edit, RACE};

pub(crate) const HAND_OVERS: &[Edit] = &[
    Edit {
        name: "a_value_is_handed_over_relaxed",
        file: "one_shot",
        edits: &[("swap(FULL, Ordering::AcqRel)", "swap(FULL, Ordering::Relaxed)")],
        scenario: "a hand-over that is waited for",
        told: RACE,
    },
    Edit {
        name: "a_value_is_fetched_relaxed",
        file: "one_shot",
        edits: &[(
            "match self.shared.state.load(Ordering::Acquire)",
            "match self.shared.state.load(Ordering::Relaxed)",
        )],
        scenario: "a hand-over that is waited for",
        told: RACE,
    },
    Edit {
        name: "a_value_is_said_to_be_there_before_it_is",
        file: "one_shot",
        edits: &[(
            "// SAFETY: the word has not said `FULL`",
            "self.shared.state.fetch_or(0, Ordering::Relaxed);\n        \
             let _ = self.shared.state.compare_exchange(EMPTY, FULL, Ordering::AcqRel, Ordering::Relaxed);\n        \
             // SAFETY: the word has not said `FULL`",
        )],
        scenario: "a hand-over that is looked for",
        told: RACE,
    },
    Edit {
        name: "a_receiver_announces_by_a_swap",
        file: "one_shot",
        edits: &[(
            "state.compare_exchange(EMPTY, WAITING, Ordering::Relaxed, Ordering::Relaxed);",
            "Ok::<u32, u32>(state.swap(WAITING, Ordering::AcqRel));",
        )],
        scenario: "a hand-over that is waited for",
        told: ASLEEP,
    },
    Edit {
        name: "a_sender_leaves_without_a_word",
        file: "one_shot",
        edits: &[(
            "if !self.sent && self.shared.state.swap(SENDER_GONE, Ordering::AcqRel) == WAITING {",
            "if false {",
        )],
        scenario: "a hand-over that does not come",
        told: ASLEEP,
    },
    Edit {
        name: "a_receiver_fetches_once",
        file: "one_shot",
        edits: &[
            (
                "        loop {\n            match self.try_receive() {",
                "        for look in 0..2 {\n            match self.try_receive() {",
            ),
            (
                "Err(Nothing::Yet) => self.sleep(),\n            }\n        }",
                "Err(Nothing::Yet) => if look == 0 { self.sleep() },\n            }\n        }\n        None",
            ),
        ],
        scenario: "a hand-over and waits that end for no reason",
        told: "ring.read.waits",
    },
    Edit {
        name: "a_value_is_not_dropped_with_its_receiver",
        file: "one_shot",
        edits: &[(
            "drop(unsafe { self.shared.take() });",
            "std::mem::forget(unsafe { self.shared.take() });",
        )],
        scenario: "a hand-over that is not fetched",
        told: "a value was not dropped",
    },
    Edit {
        name: "the_memory_of_a_hand_over_is_never_freed",
        file: "one_shot",
        edits: &[(
            "let shared = Arc::new(shared);",
            "let shared = Arc::new(shared);\n    std::mem::forget(Arc::clone(&shared));",
        )],
        scenario: "a hand-over that is waited for",
        told: "Arc leaked",
    },
    Edit {
        name: "a_value_is_fetched_and_left",
        file: "one_shot",
        edits: &[(
            "self.value.with_mut(|value| unsafe { (*value).take() })",
            "self.value.with_mut(|value| unsafe { std::ptr::read(value) })",
        )],
        scenario: "a hand-over that is waited for",
        told: "a value was dropped twice",
    },
    Edit {
        name: "a_receiver_that_waits_is_said_to_be_gone",
        file: "one_shot",
        edits: &[("load(Ordering::Relaxed) == RECEIVER_GONE", "load(Ordering::Relaxed) != EMPTY")],
        scenario: "a hand-over whose sender looks first",
        told: "a receiver that is gone takes nothing",
    },
];
