//! Broken rings: polled, waiting, and broken off.

use super::{ASLEEP, Edit, RACE};

pub(crate) const RINGS: &[Edit] = &[
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
    Edit {
        name: "an_end_is_loaded_relaxed",
        file: "ring",
        edits: &[(
            "sides.producer.load(Ordering::Acquire) == CLOSED",
            "sides.producer.load(Ordering::Relaxed) == CLOSED",
        )],
        scenario: "a ring, two writes, two reads",
        told: "ring.read.available",
    },
    Edit {
        name: "the_end_of_a_consumer_is_stored_relaxed",
        file: "ring",
        edits: &[(
            "there will be none.\n        self.memory.header().sides.consumer.store(CLOSED, Ordering::Release);",
            "there will be none.\n        self.memory.header().sides.consumer.store(CLOSED, Ordering::Relaxed);",
        )],
        scenario: "a ring whose end shows what was done before",
        told: RACE,
    },
    Edit {
        name: "the_end_of_a_consumer_is_loaded_relaxed",
        file: "ring",
        edits: &[(
            "sides.consumer.load(Ordering::Acquire) == CLOSED",
            "sides.consumer.load(Ordering::Relaxed) == CLOSED",
        )],
        scenario: "a ring whose end shows what was done before",
        told: RACE,
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
    Edit {
        name: "who_closes_wakes_no_producer",
        file: "waiting",
        edits: &[(
            "self.ring.mark_closed();\n        wake(&self.ring.memory().header().sides.producer_waits, &self.waiter);",
            "self.ring.mark_closed();",
        )],
        scenario: "a waiting ring whose consumer closes",
        told: ASLEEP,
    },
    Edit {
        name: "who_tries_to_write_wakes_nobody",
        file: "waiting",
        edits: &[(
            "let count = self.ring.write(bytes)?;\n        self.tell_consumer(count);",
            "let count = self.ring.write(bytes)?;",
        )],
        scenario: "a waiting ring and a write that is tried",
        told: ASLEEP,
    },
    Edit {
        name: "who_tries_to_read_wakes_nobody",
        file: "waiting",
        edits: &[(
            "let count = self.ring.read(bytes)?;\n        self.tell_producer(count);",
            "let count = self.ring.read(bytes)?;",
        )],
        scenario: "a waiting ring and a read that is tried",
        told: ASLEEP,
    },
    Edit {
        name: "who_spins_does_not_look_once_more",
        file: "waiting",
        edits: &[("let mut outcome = attempt(end);", "let mut outcome = None;")],
        scenario: "a waiting ring that spins first",
        told: ASLEEP,
    },
    // Breaking a ring off
    Edit {
        name: "who_interrupts_wakes_no_producer",
        file: "waiting",
        edits: &[("        wake(&header.sides.producer_waits, &self.waiter);\n", "")],
        scenario: "a waiting ring broken off while one writes",
        told: ASLEEP,
    },
    Edit {
        name: "who_interrupts_wakes_no_consumer",
        file: "waiting",
        edits: &[("        wake(&header.sides.consumer_waits, &self.waiter);\n", "")],
        scenario: "a waiting ring broken off while one reads",
        told: ASLEEP,
    },
    Edit {
        name: "who_interrupts_passes_no_fence",
        file: "waiting",
        edits: &[("in `wait_for`.\n    fence(Ordering::SeqCst);", "in `wait_for`.")],
        scenario: "a waiting ring broken off while one reads",
        told: ASLEEP,
    },
    Edit {
        name: "who_interrupts_closes_one_side",
        file: "ring",
        edits: &[("    header.sides.producer.store(CLOSED, Ordering::Release);\n", "")],
        scenario: "a waiting ring broken off while one reads",
        told: ASLEEP,
    },
];
