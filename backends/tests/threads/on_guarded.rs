//! What threads do with variables behind a lock.

use std::sync::Arc as Tokens;

use pipewright_model::call::Answer;
use pipewright_model::kind::GUARDED_VARIABLE;

use super::guarded::{GuardedCell, Version};
use super::sync::{Arc, spawn, wake_for_no_reason};
use crate::record::{Hand, READER, READER_2, Record, Scenario, WRITER, WRITER_2};

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario::complete("a guarded variable, two values and the end", two_values),
    Scenario::complete("a guarded variable each way", each_way),
    Scenario::complete("a guarded variable and waits that end for no reason", no_reason),
    Scenario::complete("a guarded variable whose old values are dropped", drops),
    Scenario::complete("a guarded variable that is got", got),
    Scenario::bounded("a guarded variable, two readers", 3, two_readers),
    Scenario::bounded("a guarded variable, two writers", 3, two_writers),
];

const BYTES: usize = 8;

type Value = [u8; BYTES];
type Cell = Arc<GuardedCell<Value>>;

fn record(actors: &[(&str, pipewright_model::kind::Hold)]) -> Record {
    Record::new(&GUARDED_VARIABLE, BYTES as u32, actors)
}

fn cell() -> (Cell, Version) {
    let cell = Arc::new(GuardedCell::new([0; BYTES]));
    let (_, version) = cell.get();
    (cell, version)
}

fn set(hand: &mut Hand, cell: &Cell) {
    hand.write(BYTES, |bytes| {
        cell.set(bytes.try_into().expect("a value"));
        Answer::Count(BYTES as u32)
    });
}

/// Waits for a value that is newer; whether there is one.
fn wait(hand: &mut Hand, cell: &Cell, seen: &mut Version) -> bool {
    let answer = hand.read(BYTES, |bytes| match cell.wait_newer(*seen) {
        Some((value, version)) => {
            bytes.copy_from_slice(&value);
            *seen = version;
            Answer::Count(BYTES as u32)
        }
        None => Answer::Count(0),
    });
    answer != Answer::Count(0)
}

fn two_values() {
    let record = record(&[WRITER, READER]);
    let (cell, mut seen) = cell();
    let (mut writes, mut reads) = (record.hand(0), record.hand(1));
    let writer = {
        let cell = Arc::clone(&cell);
        spawn(move || {
            (0..2).for_each(|_| set(&mut writes, &cell));
            writes.close(|| cell.close());
        })
    };
    while wait(&mut reads, &cell, &mut seen) {}
    writer.join().expect("no panic");
    assert_eq!(cell.waiting(), 0);
    record.judge();
}

fn each_way() {
    let (there, back) = (record(&[WRITER, READER]), record(&[WRITER, READER]));
    let ((one, mut seen_one), (two, mut seen_two)) = (cell(), cell());
    let (mut writes, mut reads) = (back.hand(0), there.hand(1));
    let other = {
        let (one, two) = (Arc::clone(&one), Arc::clone(&two));
        spawn(move || {
            for _ in 0..2 {
                wait(&mut reads, &one, &mut seen_one);
                set(&mut writes, &two);
            }
        })
    };
    let (mut writes, mut reads) = (there.hand(0), back.hand(1));
    for _ in 0..2 {
        set(&mut writes, &one);
        wait(&mut reads, &two, &mut seen_two);
    }
    other.join().expect("no panic");
    there.judge();
    back.judge();
}

fn no_reason() {
    wake_for_no_reason(2);
    two_values();
    wake_for_no_reason(0);
}

/// A value that tells when it is dropped.
#[derive(Clone)]
struct Counted(Tokens<()>);

fn drops() {
    let count = Tokens::new(());
    let cell = Arc::new(GuardedCell::new(Counted(count.clone())));
    let (_, seen) = cell.get();
    let writer = {
        let (cell, count) = (Arc::clone(&cell), count.clone());
        spawn(move || {
            for _ in 0..2 {
                cell.set(Counted(count.clone()));
            }
        })
    };
    let last = cell.wait_newer(seen);
    assert!(last.is_some());
    writer.join().expect("no panic");
    drop(last);
    assert_eq!(Tokens::strong_count(&count), 2, "the newest is kept, and none else");
    drop(cell);
    assert_eq!(Tokens::strong_count(&count), 1, "dropped with the variable");
}

/// Gets at any time. Where the value is known already it is as if there had been no call; so it is asserted
/// that it is none of those that are known to have been replaced.
fn got() {
    let record = record(&[WRITER, READER]);
    let (cell, mut seen) = cell();
    let versions = Tokens::new(std::sync::Mutex::new(vec![seen]));
    let (mut writes, mut reads) = (record.hand(0), record.hand(1));
    let writer = {
        let (cell, versions) = (Arc::clone(&cell), versions.clone());
        spawn(move || {
            for _ in 0..2 {
                writes.write(BYTES, |bytes| {
                    let version = cell.set(bytes.try_into().expect("a value"));
                    versions.lock().expect("no panic").push(version);
                    Answer::Count(BYTES as u32)
                });
            }
        })
    };
    let mut get = || {
        let replaced = versions.lock().expect("no panic").clone();
        let given = reads.look(BYTES, |bytes| {
            let (value, version) = cell.get();
            (version != seen).then(|| {
                bytes.copy_from_slice(&value);
                seen = version;
                Answer::Count(BYTES as u32)
            })
        });
        let (_, replaced) = replaced.split_last().expect("the first");
        assert!(!replaced.contains(&seen), "a value that was replaced before");
        given
    };
    for _ in 0..2 {
        get();
    }
    writer.join().expect("no panic");
    get();
    assert_eq!(Some(&seen), versions.lock().expect("no panic").last(), "the last is got");
    record.judge();
}

fn two_readers() {
    let record = record(&[WRITER, READER, READER_2]);
    let (cell, seen) = cell();
    let readers = [1, 2].map(|reader| {
        let (cell, mut reads, mut seen) = (Arc::clone(&cell), record.hand(reader), seen);
        spawn(move || while wait(&mut reads, &cell, &mut seen) {})
    });
    let mut writes = record.hand(0);
    set(&mut writes, &cell);
    writes.close(|| cell.close());
    readers.into_iter().for_each(|reader| reader.join().expect("no panic"));
    record.judge();
}

fn two_writers() {
    let record = record(&[WRITER, READER, WRITER_2]);
    let (cell, mut seen) = cell();
    let left = Tokens::new(std::sync::Mutex::new(2));
    let writers = [0, 2].map(|writer| {
        let (cell, mut writes, left) = (Arc::clone(&cell), record.hand(writer), left.clone());
        spawn(move || {
            set(&mut writes, &cell);
            writes.close(|| {
                let last = {
                    let mut left = left.lock().expect("no panic");
                    *left -= 1;
                    *left == 0
                };
                if last {
                    cell.close();
                }
            });
        })
    });
    let mut reads = record.hand(1);
    while wait(&mut reads, &cell, &mut seen) {}
    writers.into_iter().for_each(|writer| writer.join().expect("no panic"));
    record.judge();
}
