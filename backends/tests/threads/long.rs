//! What more threads do with all channels in memory, and for longer: too much to be explored completely.

use pipewright_model::call::Answer;
use pipewright_model::kind::{GLOBAL_VARIABLE, GUARDED_VARIABLE, SHARED_MEMORY_WAITING};

use super::cell::SeqCell;
use super::guarded::GuardedCell;
use super::ring::{Closed, on_heap};
use super::sleeper::Sleeper;
use super::sync::{Arc, spawn};
use super::waiting::{WaitingConsumer, WaitingProducer};
use crate::record::{Hand, READER, Record, Scenario, WRITER};
use pipewright_model::kind::Hold;

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario::complete("long: 300 bytes through a ring of 7", many_bytes),
    Scenario::complete("long: a pipeline of six", pipeline),
    Scenario::complete("long: five wait for a guarded variable", many_wait),
    Scenario::complete("long: three look at several words", many_look),
];

/// The end that reads a ring.
type Source = WaitingConsumer<Arc<super::ring::Heap>, Sleeper>;
/// The end that writes to it.
type Sink = WaitingProducer<Arc<super::ring::Heap>, Sleeper>;

fn ring(capacity: usize) -> (Record, Sink, Source) {
    let record = Record::new(&SHARED_MEMORY_WAITING, capacity as u32, &[WRITER, READER]);
    let (producer, consumer) = on_heap(capacity);
    let sleeper = Sleeper::default();
    let sink = WaitingProducer::new(producer, sleeper.clone());
    (record, sink, WaitingConsumer::new(consumer, sleeper))
}

fn write_all(hand: &mut Hand, sink: &mut Sink, len: usize) {
    hand.write(len, |bytes| {
        sink.write_all(bytes).expect("nobody closes before");
        Answer::Count(bytes.len() as u32)
    });
}

/// Reads at most so many bytes; whether it was not the end.
fn read(hand: &mut Hand, source: &mut Source, len: usize) -> bool {
    let answer = hand.read(len, |bytes| match source.read(bytes) {
        Ok(count) => Answer::Count(count as u32),
        Err(Closed) => Answer::Count(0),
    });
    answer != Answer::Count(0)
}

fn many_bytes() {
    let (record, mut sink, mut source) = ring(7);
    let (mut writes, mut reads) = (record.hand(0), record.hand(1));
    let writer = spawn(move || {
        for len in [1, 2, 3].into_iter().cycle().take(150) {
            write_all(&mut writes, &mut sink, len);
        }
        writes.close(|| sink.close());
    });
    while read(&mut reads, &mut source, 5) {}
    writer.join().expect("no panic");
    record.judge();
}

/// Each passes on what the one before gives, in pieces of another size.
fn pipeline() {
    let (first, mut sink, mut source) = ring(2);
    let mut records = vec![first];
    let mut writes = records[0].hand(0);
    let mut threads = vec![spawn(move || {
        (0..4).for_each(|_| write_all(&mut writes, &mut sink, 3));
        writes.close(|| sink.close());
    })];
    for stage in 1..5 {
        let (record, mut next, rest) = ring(stage + 1);
        let (mut reads, mut writes) = (records[stage - 1].hand(1), record.hand(0));
        let mut from = std::mem::replace(&mut source, rest);
        threads.push(spawn(move || {
            while read(&mut reads, &mut from, stage) {
                write_all(&mut writes, &mut next, 2);
            }
            writes.close(|| next.close());
        }));
        records.push(record);
    }
    let mut reads = records[4].hand(1);
    while read(&mut reads, &mut source, 3) {}
    threads.into_iter().for_each(|thread| thread.join().expect("no panic"));
    records.iter().for_each(Record::judge);
}

const READERS: [(&str, Hold); 5] = [
    ("reader", Hold::READ),
    ("reader-2", Hold::READ),
    ("reader-3", Hold::READ),
    ("reader-4", Hold::READ),
    ("reader-5", Hold::READ),
];

fn one_and(readers: usize) -> Vec<(&'static str, Hold)> {
    [WRITER].into_iter().chain(READERS[..readers].iter().copied()).collect()
}

fn many_wait() {
    let record = Record::new(&GUARDED_VARIABLE, 8, &one_and(READERS.len()));
    let cell = Arc::new(GuardedCell::new([0; 8]));
    let (_, seen) = cell.get();
    let readers = (1..=READERS.len() as u8).map(|reader| {
        let (cell, mut reads, mut seen) = (Arc::clone(&cell), record.hand(reader), seen);
        spawn(move || {
            let mut wait = || {
                reads.read(8, |bytes| match cell.wait_newer(seen) {
                    Some((value, version)) => {
                        bytes.copy_from_slice(&value);
                        seen = version;
                        Answer::Count(8)
                    }
                    None => Answer::Count(0),
                })
            };
            while wait() != Answer::Count(0) {}
        })
    });
    let readers: Vec<_> = readers.collect();
    let mut writes = record.hand(0);
    for _ in 0..6 {
        writes.write(8, |bytes| {
            cell.set(bytes.try_into().expect("a value"));
            Answer::Count(8)
        });
    }
    writes.close(|| cell.close());
    readers.into_iter().for_each(|reader| reader.join().expect("no panic"));
    record.judge();
}

fn many_look() {
    let record = Record::new(&GLOBAL_VARIABLE, 64, &one_and(3));
    let (mut writer, reader) = SeqCell::<8>::split([0; 8]);
    let readers = (1..=3).map(|index| {
        let (mut reader, mut reads) = (reader.clone(), record.hand(index));
        spawn(move || {
            for _ in 0..6 {
                reads.read(64, |bytes| {
                    for (bytes, word) in bytes.chunks_exact_mut(8).zip(reader.load()) {
                        bytes.copy_from_slice(&word.to_ne_bytes());
                    }
                    Answer::Count(64)
                });
            }
        })
    });
    let readers: Vec<_> = readers.collect();
    let mut writes = record.hand(0);
    for _ in 0..6 {
        writes.write(64, |bytes| {
            let (words, _) = bytes.as_chunks::<8>();
            writer.store(std::array::from_fn(|index| u64::from_ne_bytes(words[index])));
            Answer::Count(64)
        });
    }
    readers.into_iter().for_each(|reader| reader.join().expect("no panic"));
    record.judge();
}
