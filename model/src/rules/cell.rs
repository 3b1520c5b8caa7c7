//! Cells: a variable that threads of one process share, polled or behind a lock.
//!
//! What one thread stores reaches another by *delivery*: in order, at some time, never taken back. Nothing
//! says when, but that a lock delivers, and rest. So a read may give an old value though a newer store has
//! returned; it never gives an older one than the same reader was given before, and never parts of two.
//!
//! Not modelled: several writers of one polled variable, reads without looking at every word, values
//! of which only a part is stored, versions that wrap around.

use crate::act::Act;
use crate::call::{Actor, Answer, Errno, Mode};
use crate::channel::{Cell, Object};
use crate::chapter::Chapter;
use crate::data::{Segment, Segments, ZERO};
use crate::rule::Cite::{Contract, Man, Posix};
use crate::rule::{Force, Move, Rule, Scene};
use crate::taxonomy::Waiting;

/// The chapter.
pub const CHAPTER: Chapter = Chapter {
    name: "cell",
    title: "Cells: variables that threads share",
    of_all: false,
    rules: RULES,
    not_on_linux: &[],
    not_in_posix: &[],
    absent: |setup| match setup.kind.waiting {
        Waiting::BusyWaits => &["cell.read.unseen", "cell.read.waits", "cell.read.end"],
        Waiting::Waits => POLLED_ONLY,
    },
    overlaps: &[],
    exceptions: &[],
};

const POLLED_ONLY: &[&str] = &[
    "cell.read.value",
    "cell.read.before-first-store",
    "cell.read.store-arrives",
    "cell.deliver.stores",
];

const RULES: &[Rule] = &[
    // A polled variable
    Rule {
        id: "cell.read.value",
        says: "A read of a polled variable immediately returns the newest whole value that has \
               reached the reader, and leaves it for later reads.",
        cite: &[Contract("cell::SeqReader::load", "the newest value that has come here")],
        force: Force::Silent,
        step: |at| {
            let cell = read(at).filter(|cell| !cell.guarded)?;
            (cell.value(at.actor).actor != ZERO).then(|| given(cell))
        },
    },
    Rule {
        id: "cell.read.before-first-store",
        says: "A read of a polled variable that no store has reached returns zeros.",
        cite: &[Contract("cell::SeqCell::split", "a variable with this value")],
        force: Force::Silent,
        step: |at| {
            let cell = read(at).filter(|cell| !cell.guarded)?;
            (cell.value(at.actor).actor == ZERO).then(|| given(cell))
        },
    },
    Rule {
        id: "cell.read.store-arrives",
        says: "Stores to a polled variable reach each reader in order, each at any later time, \
               even during a read, so values never go backwards.",
        cite: &[
            Contract("cell", "what a load may give"),
            Posix("XBD 4.15", "Memory Ordering and Synchronization"),
        ],
        force: Force::May,
        step: |at| {
            let cell = read(at).filter(|cell| !cell.guarded)?;
            cell.is_behind(at.actor).then(|| Move::proceeds(0, 0).with(arrive))
        },
    },
    Rule {
        id: "cell.deliver.stores",
        says: "A store to a polled variable eventually reaches every reader: at quiescence, all \
               stores have arrived.",
        cite: &[
            Contract("cell", "what a load may give"),
            Posix("XBD 4.15", "Memory Ordering and Synchronization"),
        ],
        force: Force::May,
        step: |at| {
            let object = at.receiver()?;
            match &at.world.objects[usize::from(object)] {
                Object::Cell(cell) if cell.is_under_way() => {
                    Some(Move::delivers(object, true, deliver))
                }
                _ => None,
            }
        },
    },
    // A variable behind a lock
    Rule {
        id: "cell.read.unseen",
        says: "A read of a guarded variable returns the newest value if the reader has not seen \
               it, however many values it has missed.",
        cite: &[
            Posix("pthread_mutex_lock", "DESCRIPTION"),
            Posix("XBD 4.15", "Memory Ordering and Synchronization"),
            Contract("guarded::GuardedCell::wait_newer", "a value other than the last"),
        ],
        force: Force::Must,
        step: |at| {
            let cell = read(at).filter(|cell| cell.guarded)?;
            cell.is_behind(at.actor).then(|| given(cell))
        },
    },
    Rule {
        id: "cell.read.waits",
        says: "A read of a guarded variable sleeps while the reader has seen the newest value and \
               a writer remains.",
        cite: &[
            Man("futex(2)", "FUTEX_WAIT"),
            Contract("guarded::GuardedCell::wait_newer", "waits until the value is another"),
        ],
        force: Force::Silent,
        step: |at| (nothing_new(at)? && at.has_writer()).then_some(Move::rests()),
    },
    Rule {
        id: "cell.read.end",
        says: "A read of a guarded variable returns 0 once the reader has seen the last value and \
               all writers have closed.",
        cite: &[Contract("guarded::GuardedCell::close", "ends all waiting")],
        force: Force::Silent,
        step: |at| {
            (nothing_new(at)? && !at.has_writer()).then_some(Move::answers(Answer::Count(0)))
        },
    },
    // Both
    Rule {
        id: "cell.write.replaces",
        says: "A write to a variable replaces the whole value and returns its size without waiting \
               for readers, so unread values are lost.",
        cite: &[
            Contract("cell::SeqWriter::store", "replaces the value"),
            Contract("guarded::GuardedCell::set", "replaces the value"),
        ],
        force: Force::Silent,
        step: |at| {
            let (cell, len) = at.cell().zip(at.write_len())?;
            (len == cell.value_bytes).then(|| Move::transfers(len, len).with(store))
        },
    },
    Rule {
        id: "cell.any.not-whole",
        says: "A read or write of a variable with a length other than the value's, even 0, fails \
               with EINVAL.",
        cite: &[Contract("cell::SeqCell", "a value of N words")],
        force: Force::Silent,
        step: |at| {
            let cell = at.cell()?;
            let len = at.read_len().or(at.write_len())?;
            (len != cell.value_bytes).then_some(Move::fails(Errno::EINVAL))
        },
    },
];

/// The variable that a read of a whole value is about.
fn read<'a>(at: &Scene<'a>) -> Option<&'a Cell> {
    let (cell, len) = at.cell().zip(at.read_len())?;
    (len == cell.value_bytes).then_some(cell)
}

/// Whether this is a read of a guarded variable whose newest value this reader has seen.
fn nothing_new(at: &Scene<'_>) -> Option<bool> {
    let cell = read(at).filter(|cell| cell.guarded)?;
    Some(!cell.is_behind(at.actor))
}

/// The read is given a whole value.
fn given(cell: &Cell) -> Move {
    Move::transfers(cell.value_bytes, cell.value_bytes).with(load)
}

fn load(act: &mut Act<'_>) {
    let &mut Act { actor, .. } = act;
    let Some(cell) = act.cell() else { return };
    let value = cell.value(actor);
    if cell.guarded {
        cell.catch_up(actor);
    }
    act.call().data = Segments::from_slice(&[value]);
}

fn arrive(act: &mut Act<'_>) {
    let &mut Act { actor, .. } = act;
    if let Some(cell) = act.cell() {
        cell.arrive(actor);
    }
}

fn deliver(act: &mut Act<'_>) {
    if let Some(cell) = act.cell() {
        cell.deliver();
    }
}

fn store(act: &mut Act<'_>) {
    let &mut Act { actor, count, .. } = act;
    let from = act.world.actors[usize::from(actor.0)].written;
    let Some(description) = act.world.pending(actor).and_then(|call| call.description) else {
        return;
    };
    let object = act.world.descriptions[usize::from(description)].object;
    let all = 0..act.world.actors.len() as u8;
    let readers = all.map(Actor).filter(|reader| act.world.holds(*reader, object, Mode::reads));
    let readers: smallvec::SmallVec<[Actor; 8]> = readers.collect();
    if let Some(cell) = act.cell() {
        // Who stores without a lock sees its own store at once; behind the lock it has yet to be read.
        let guarded = cell.guarded;
        let readers = readers.into_iter().filter(|reader| guarded || *reader != actor);
        cell.store(Segment { actor, from, len: count }, readers);
        if !guarded {
            cell.catch_up(actor);
        }
    }
}
