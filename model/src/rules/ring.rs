//! Rings: bytes from one producer to one consumer through memory that both see, polled or waiting.
//!
//! What one side has done reaches the other by *delivery*, as with [cells](super::cell): bytes written,
//! room made and an end closed may be seen late, in order, and at rest have all been seen. Who sees a
//! close sees all that was done before it.
//!
//! Not modelled: a peer that is killed (it closes nothing), one that breaks the protocol, several producers
//! or consumers, positions that wrap around, readers that spin before they sleep.

use crate::act::Act;
use crate::call::{Actor, Answer, Errno, Mode};
use crate::channel::{Object, Ring};
use crate::chapter::Chapter;
use crate::data::Segment;
use crate::rule::Cite::{Contract, Man, Posix};
use crate::rule::{Cite, Force, Move, Rule, Scene};
use crate::taxonomy::Waiting;
use crate::world::World;

/// The chapter.
pub const CHAPTER: Chapter = Chapter {
    name: "ring",
    title: "Rings: bytes in memory that processes share",
    of_all: false,
    rules: RULES,
    not_on_linux: &[],
    not_in_posix: &[],
    absent: |setup| match setup.kind.waiting {
        Waiting::BusyWaits => {
            &["ring.read.waits", "ring.write.in-parts", "ring.write.waits", "ring.write.cut-short"]
        }
        Waiting::Waits => &["ring.read.nothing-yet", "ring.write.partial", "ring.write.full"],
    },
    overlaps: &[],
    exceptions: &[],
};

/// Where it is said that what one side does reaches the other by release and acquire.
const VISIBILITY: Cite = Posix("XBD 4.15", "Memory Ordering and Synchronization");

const RULES: &[Rule] = &[
    // Reading
    Rule {
        id: "ring.read.available",
        says: "A read of a ring removes the oldest bytes, across writes, up to the requested \
               length, but may miss the newest bytes already written.",
        cite: &[Contract("ring::Consumer::read", "as many bytes as there are")],
        force: Force::Silent,
        step: |at| {
            let (ring, len) = read(at)?;
            let most = ring.len().min(len);
            let least = (ring.len() - ring.unseen_bytes).clamp(1, len);
            (most > 0).then(|| Move::transfers(least, most).with(take))
        },
    },
    Rule {
        id: "ring.read.nothing-yet",
        says: "A read of a polled ring fails with EAGAIN if neither bytes nor the producer's close \
               have reached the consumer.",
        cite: &[Contract("ring::Consumer::read", "0 if the ring is empty")],
        force: Force::Silent,
        step: |at| {
            let (ring, _) = read(at).filter(|(ring, _)| !ring.waits)?;
            let open = at.has_writer() || ring.unseen_end;
            (ring.len() == ring.unseen_bytes && open).then_some(Move::fails(Errno::EAGAIN))
        },
    },
    Rule {
        id: "ring.read.waits",
        says: "A read of a waiting ring sleeps while the ring is empty and the producer is open.",
        cite: &[
            Contract("waiting::WaitingConsumer::read", "waits until there are bytes"),
            Man("futex(2)", "FUTEX_WAIT"),
        ],
        force: Force::Silent,
        step: |at| {
            let (ring, _) = read(at).filter(|(ring, _)| ring.waits)?;
            (ring.is_empty() && at.has_writer()).then_some(Move::rests())
        },
    },
    Rule {
        id: "ring.read.end",
        says: "A read of a ring whose producer has closed returns 0 once every byte written has \
               been read.",
        cite: &[Contract("ring::Consumer::read", "errors")],
        force: Force::Silent,
        step: |at| {
            let (ring, _) = read(at)?;
            (ring.is_empty() && !at.has_writer())
                .then(|| Move::answers(Answer::Count(0)).with(see_end))
        },
    },
    Rule {
        id: "ring.read.zero-length",
        says: "A read of zero bytes from a ring returns 0 without waiting.",
        cite: &[Contract("ring::Consumer::read", "0 if `bytes` is empty")],
        force: Force::Silent,
        step: |at| {
            at.ring()?;
            (at.read_len()? == 0).then_some(Move::answers(Answer::Count(0)))
        },
    },
    // Writing
    Rule {
        id: "ring.write.fits",
        says: "A write to a ring with room for its remaining bytes transfers them and returns its \
               full length.",
        cite: &[
            Contract("ring::Producer::write", "as many bytes as fit"),
            Contract("waiting::WaitingProducer::write_all", "writes all bytes"),
        ],
        force: Force::Silent,
        step: |at| {
            let (ring, left) = write(at)?;
            (ring.room() >= left).then(|| Move::transfers(left, left).with(give))
        },
    },
    Rule {
        id: "ring.write.partial",
        says: "A write to a polled ring transfers as many bytes as the producer knows to fit, if \
               fewer than all, and returns their number.",
        cite: &[Contract("ring::Producer::write", "as many bytes as fit")],
        force: Force::Silent,
        step: |at| {
            let (ring, left) = write(at).filter(|(ring, _)| !ring.waits)?;
            let (least, most) = part(ring, left)?;
            Some(Move::transfers(least, most).with(give))
        },
    },
    Rule {
        id: "ring.write.full",
        says: "A write to a polled ring fails with EAGAIN if the producer knows of no room.",
        cite: &[Contract("ring::Producer::write", "0 if the ring is full")],
        force: Force::Silent,
        step: |at| {
            let (ring, _) = write(at).filter(|(ring, _)| !ring.waits)?;
            (ring.room() == ring.unseen_room).then_some(Move::fails(Errno::EAGAIN))
        },
    },
    Rule {
        id: "ring.write.in-parts",
        says: "A write to a waiting ring transfers the bytes that fit and continues with the rest.",
        cite: &[Contract("waiting::WaitingProducer::write_all", "as often as it must")],
        force: Force::Silent,
        step: |at| {
            let (ring, left) = write(at).filter(|(ring, _)| ring.waits)?;
            let (least, most) = part(ring, left)?;
            Some(Move::proceeds(least, most).with(give))
        },
    },
    Rule {
        id: "ring.write.waits",
        says: "A write to a waiting ring sleeps while the ring is full and the consumer is open.",
        cite: &[
            Contract("waiting::WaitingProducer::write_all", "waits for room"),
            Man("futex(2)", "FUTEX_WAIT"),
        ],
        force: Force::Silent,
        step: |at| {
            let (ring, _) = write(at).filter(|(ring, _)| ring.waits)?;
            (ring.room() == 0 && at.has_reader()).then_some(Move::rests())
        },
    },
    Rule {
        id: "ring.write.cut-short",
        says: "A write to a ring whose consumer closes midway returns the number of bytes \
               transferred so far.",
        cite: &[Contract("waiting::Cut", "how many bytes had been written before")],
        force: Force::Silent,
        step: |at| {
            at.ring()?;
            at.write_len()?;
            (at.call.done > 0 && !at.has_reader()).then(|| Move::transfers(0, 0).with(see_break))
        },
    },
    Rule {
        id: "ring.write.no-reader",
        says: "A write of at least one byte to a ring whose consumer has closed fails with EPIPE \
               and raises no signal.",
        cite: &[Contract("ring::Producer::write", "errors")],
        force: Force::Silent,
        step: |at| {
            at.ring()?;
            (at.write_len()? > 0 && at.call.done == 0 && !at.has_reader())
                .then(|| Move::fails(Errno::EPIPE).with(see_break))
        },
    },
    Rule {
        id: "ring.write.zero-length",
        says: "A write of zero bytes to a ring returns 0 without waiting, even if the consumer has \
               closed.",
        cite: &[Contract("ring::Producer::write", "0 if `bytes` is empty")],
        force: Force::Silent,
        step: |at| {
            at.ring()?;
            (at.write_len()? == 0).then_some(Move::answers(Answer::Count(0)))
        },
    },
    // Both
    Rule {
        id: "ring.deliver.progress",
        says: "Progress on one side of a ring eventually reaches the other, bytes before the \
               close: at quiescence, none is in flight.",
        cite: &[Contract("ring", "release and acquire"), VISIBILITY],
        force: Force::May,
        step: |at| {
            let object = at.receiver()?;
            match &at.world.objects[usize::from(object)] {
                Object::Ring(ring) if ring.is_under_way() => {
                    Some(Move::delivers(object, true, deliver))
                }
                _ => None,
            }
        },
    },
];

/// A ring that is read from, with the number of bytes asked for, at least 1.
fn read<'a>(at: &Scene<'a>) -> Option<(&'a Ring, u32)> {
    at.ring().zip(at.read_len().filter(|len| *len > 0))
}

/// A ring that is written to by a producer which may think that there is a consumer, with the number of
/// bytes still to be transferred, at least 1.
fn write<'a>(at: &Scene<'a>) -> Option<(&'a Ring, u32)> {
    let (ring, len) = at.ring().zip(at.write_len())?;
    let left = len - at.call.done;
    (left > 0 && (at.has_reader() || ring.unseen_break)).then_some((ring, left))
}

/// The fewest and the most bytes that a write may transfer without transferring all that is left.
fn part(ring: &Ring, left: u32) -> Option<(u32, u32)> {
    let least = (ring.room() - ring.unseen_room).max(1);
    let most = ring.room().min(left - 1);
    (least <= most).then_some((least, most))
}

/// Whether the caller itself has the other side too, or nobody has: then nothing is under way.
fn knows_at_once(world: &World, actor: Actor, peer: fn(Mode) -> bool) -> bool {
    let description = world.pending(actor).and_then(|call| call.description);
    let Some(description) = description else { return true };
    let object = world.descriptions[usize::from(description)].object;
    let somebody = (0..world.actors.len() as u8).any(|a| world.holds(Actor(a), object, peer));
    !somebody || world.holds(actor, object, peer)
}

fn take(act: &mut Act<'_>) {
    let &mut Act { actor, count, .. } = act;
    let at_once = knows_at_once(act.world, actor, Mode::writes);
    let Some(ring) = act.ring() else { return };
    let data = ring.take(count, at_once);
    act.call().data = data;
}

fn give(act: &mut Act<'_>) {
    let &mut Act { actor, count, .. } = act;
    let at_once = knows_at_once(act.world, actor, Mode::reads);
    let from = act.world.actors[usize::from(actor.0)].written;
    let call = act.call();
    let from = from + i64::from(call.done);
    call.done += count;
    if let Some(ring) = act.ring() {
        ring.append(Segment { actor, from, len: count }, at_once);
    }
}

fn see_end(act: &mut Act<'_>) {
    if let Some(ring) = act.ring() {
        ring.unseen_end = false;
    }
}

fn see_break(act: &mut Act<'_>) {
    if let Some(ring) = act.ring() {
        ring.unseen_break = false;
    }
}

fn deliver(act: &mut Act<'_>) {
    if let Some(ring) = act.ring() {
        ring.deliver();
    }
}
