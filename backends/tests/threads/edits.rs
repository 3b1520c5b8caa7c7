//! Broken channels: each a sound one with one fault put into its text.
//!
//! `build.rs` makes the edits, in a copy; a text that has to be edited and is not there fails the build.
//! `told` is what the rejection must say: the rule by which the oracle knows better, or the checker's word.

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

pub(crate) const EDITS: &[Edit] = &[
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
    // A ring
    Edit {
        name: "a_count_of_bytes_is_stored_relaxed",
        file: "ring",
        edits: &[(
            "written.store(self.written, Ordering::Release);",
            "written.store(self.written, Ordering::Relaxed);",
        )],
        scenario: "a ring, two writes, two reads",
        told: RACE,
    },
    Edit {
        name: "a_count_of_bytes_is_loaded_relaxed",
        file: "ring",
        edits: &[(
            "self.memory.header().written.load(Ordering::Acquire);",
            "self.memory.header().written.load(Ordering::Relaxed);",
        )],
        scenario: "a ring, two writes, two reads",
        told: RACE,
    },
    Edit {
        name: "a_count_of_room_is_stored_relaxed",
        file: "ring",
        edits: &[(
            "read.store(self.read, Ordering::Release);",
            "read.store(self.read, Ordering::Relaxed);",
        )],
        scenario: "a ring, two writes, two reads",
        told: RACE,
    },
    Edit {
        name: "a_count_of_room_is_loaded_relaxed",
        file: "ring",
        edits: &[(
            "self.memory.header().read.load(Ordering::Acquire);",
            "self.memory.header().read.load(Ordering::Relaxed);",
        )],
        scenario: "a ring, two writes, two reads",
        told: RACE,
    },
    Edit {
        name: "bytes_are_counted_before_they_are_written",
        file: "ring",
        edits: &[(
            "            unsafe { copy_in(cells, bytes) };\n            self.count(bytes.len());",
            "            let cells = std::ptr::from_ref(cells);\n            \
             self.count(bytes.len());\n            \
             // SAFETY: this is the fault: the consumer may be in them already.\n            \
             unsafe { copy_in(&*cells, bytes) };",
        )],
        scenario: "a ring, two writes, two reads",
        told: RACE,
    },
    Edit {
        name: "a_ring_wraps_around_one_early",
        file: "ring",
        edits: &[(
            "self.capacity() - self.offset);\n        let (until_end, from_start) = bytes[..count].split_at(",
            "self.capacity() - 1 - self.offset);\n        let (until_end, from_start) = bytes[..count].split_at(",
        )],
        scenario: "a ring, two writes, two reads",
        told: "ring.read.available",
    },
    Edit {
        name: "a_ring_holds_one_byte_too_many",
        file: "ring",
        edits: &[("        capacity - held(", "        capacity + 1 - held(")],
        scenario: "a ring, two writes, two reads",
        told: "ring.write.partial",
    },
    Edit {
        name: "a_consumer_looks_only_when_it_knows_of_no_byte",
        file: "ring",
        edits: &[("if there < bytes.len() {", "if there == 0 {")],
        scenario: "a ring in a lock",
        told: "ring.read.available",
    },
    Edit {
        name: "an_end_is_stored_relaxed",
        file: "ring",
        edits: &[(
            "all that was written.\n        self.memory.header().sides.producer.store(CLOSED, Ordering::Release);",
            "all that was written.\n        self.memory.header().sides.producer.store(CLOSED, Ordering::Relaxed);",
        )],
        scenario: "a ring, two writes, two reads",
        told: "ring.read.available",
    },
    Edit {
        name: "an_end_is_looked_at_after_the_bytes",
        file: "ring",
        edits: &[
            ("let closed = self.is_closed();\n", "\n"),
            (
                "there = self.there_seen();\n            if",
                "let closed = self.is_closed();\n            there = self.there_seen();\n            if",
            ),
        ],
        scenario: "a ring, two writes, two reads",
        told: "ring.read.available",
    },
    // A ring whose ends wait
    Edit {
        name: "who_writes_wakes_nobody",
        file: "waiting",
        edits: &[("        waiter.wake(word);\n", "")],
        scenario: "a waiting ring and its end",
        told: ASLEEP,
    },
    Edit {
        name: "who_writes_wakes_before_it_writes",
        file: "waiting",
        edits: &[
            ("let wrote = wait_for(", "self.tell_consumer(1);\n            let wrote = wait_for("),
            (
                "map_err(|Closed| Cut { written })?;\n            self.tell_consumer(count);",
                "map_err(|Closed| Cut { written })?;",
            ),
        ],
        scenario: "a waiting ring, two bytes through one",
        told: ASLEEP,
    },
    Edit {
        name: "who_waits_does_not_look_once_more",
        file: "waiting",
        edits: &[("let mut outcome = attempt(end);", "let mut outcome = None;")],
        scenario: "a waiting ring and its end",
        told: ASLEEP,
    },
    Edit {
        name: "who_waits_passes_no_fence",
        file: "waiting",
        edits: &[(
            "word(end).swap(WAITING, Ordering::AcqRel);\n        fence(Ordering::SeqCst);",
            "word(end).swap(WAITING, Ordering::AcqRel);",
        )],
        scenario: "a waiting ring and its end",
        told: ASLEEP,
    },
    Edit {
        name: "who_wakes_passes_no_fence",
        file: "waiting",
        edits: &[("in `wait_for`.\n    fence(Ordering::SeqCst);", "in `wait_for`.")],
        scenario: "a waiting ring and its end",
        told: ASLEEP,
    },
    Edit {
        name: "who_wakes_clears_by_a_store_afterwards",
        file: "waiting",
        edits: &[
            (" && word.swap(NOBODY, Ordering::AcqRel) != NOBODY {", " {"),
            (
                "        waiter.wake(word);\n",
                "        waiter.wake(word);\n        word.store(NOBODY, Ordering::Relaxed);\n",
            ),
        ],
        scenario: "a waiting ring, two bytes through one",
        told: ASLEEP,
    },
    Edit {
        name: "who_closes_wakes_no_consumer",
        file: "waiting",
        edits: &[(
            "self.ring.mark_closed();\n        wake(&self.ring.memory().header().sides.consumer_waits, &self.waiter);",
            "self.ring.mark_closed();",
        )],
        scenario: "a waiting ring and its end",
        told: ASLEEP,
    },
    // A hand-over
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
];
