//! What threads do with rings, polled and waiting.

use pipewright_model::call::{Answer, Errno};
use pipewright_model::kind::{SHARED_MEMORY, SHARED_MEMORY_WAITING};

use super::ring::{Closed, Consumer, Heap, Producer, on_heap};
use super::sleeper::Sleeper;
use super::sync::{Arc, Mutex, Plain, PoisonError, spawn, wake_for_no_reason};
use super::waiting::{Cut, WaitingConsumer, WaitingProducer};
use crate::record::{Hand, READER, Record, Scenario, WRITER};

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario::complete("a ring, two writes, two reads", polled),
    Scenario::complete("a ring each way", polled_each_way),
    Scenario::complete("a ring whose consumer closes", polled_consumer_closes),
    Scenario::complete("a ring in a lock", polled_in_a_lock),
    Scenario::complete("a ring whose end shows what was done before", polled_ends_publish),
    Scenario::bounded("a waiting ring, two bytes through one", 3, || waiting(0)),
    Scenario::bounded("a waiting ring that spins first", 3, || waiting(1)),
    Scenario::bounded("a waiting ring and a write that is tried", 1, waiting_tries_to_write),
    Scenario::bounded("a waiting ring and a read that is tried", 3, waiting_tries_to_read),
    Scenario::bounded("a waiting ring and its end", 3, waiting_end),
    Scenario::complete("a waiting ring, a byte each way", || waiting_each_way(1)),
    Scenario::bounded("a waiting ring, two bytes each way", 3, || waiting_each_way(2)),
    Scenario::bounded("a waiting ring and a write in parts", 2, waiting_parts),
    Scenario::complete("a waiting ring whose consumer closes", waiting_consumer_closes),
    Scenario::bounded("a waiting ring and waits that end for no reason", 2, waiting_no_reason),
    Scenario::complete("a waiting ring broken off while one writes", waiting_write_broken_off),
    Scenario::complete("a waiting ring broken off while one reads", waiting_read_broken_off),
    Scenario::bounded("a waiting ring interrupted by a third", 1, waiting_interrupted),
];

type Memory = Arc<Heap>;
type Writes = WaitingProducer<Memory, Sleeper>;
type Reads = WaitingConsumer<Memory, Sleeper>;

fn write(hand: &mut Hand, ring: &mut Producer<Memory>, len: usize) -> Answer {
    hand.write(len, |bytes| match ring.write(bytes) {
        Ok(0) => Answer::Fails(Errno::EAGAIN),
        Ok(count) => Answer::Count(count as u32),
        Err(Closed) => Answer::Fails(Errno::EPIPE),
    })
}

fn read(hand: &mut Hand, ring: &mut Consumer<Memory>, len: usize) -> Answer {
    hand.read(len, |bytes| match ring.read(bytes) {
        Ok(0) => Answer::Fails(Errno::EAGAIN),
        Ok(count) => Answer::Count(count as u32),
        Err(Closed) => Answer::Count(0),
    })
}

fn write_all(hand: &mut Hand, ring: &mut Writes, len: usize) -> Answer {
    hand.write(len, |bytes| match ring.write_all(bytes) {
        Ok(()) => Answer::Count(bytes.len() as u32),
        Err(Cut { written: 0 }) => Answer::Fails(Errno::EPIPE),
        Err(Cut { written }) => Answer::Count(written as u32),
    })
}

fn wait_read(hand: &mut Hand, ring: &mut Reads, len: usize) -> Answer {
    hand.read(len, |bytes| match ring.read(bytes) {
        Ok(count) => Answer::Count(count as u32),
        Err(Closed) => Answer::Count(0),
    })
}

/// Reads until the end.
fn drain(hand: &mut Hand, ring: &mut Reads, len: usize) {
    while wait_read(hand, ring, len) != Answer::Count(0) {}
}

fn waiting_ring(capacity: usize) -> (Writes, Reads) {
    let (producer, consumer) = on_heap(capacity);
    let sleeper = Sleeper::default();
    let producer = WaitingProducer::new(producer, sleeper.clone());
    (producer, WaitingConsumer::new(consumer, sleeper))
}

fn polled_record(capacity: u32) -> Record {
    Record::new(&SHARED_MEMORY, capacity, &[WRITER, READER])
}

fn waiting_record(capacity: u32) -> Record {
    Record::new(&SHARED_MEMORY_WAITING, capacity, &[WRITER, READER])
}

/// Bytes wrap around, a write finds less room than it asks for, and the end comes after all.
fn polled() {
    let record = polled_record(3);
    let (mut producer, mut consumer) = on_heap(3);
    let (mut writes, mut reads) = (record.hand(0), record.hand(1));
    let writer = spawn(move || {
        write(&mut writes, &mut producer, 2);
        write(&mut writes, &mut producer, 2);
        writes.close(|| producer.close());
    });
    read(&mut reads, &mut consumer, 3);
    read(&mut reads, &mut consumer, 3);
    writer.join().expect("no panic");
    record.quiet();
    while read(&mut reads, &mut consumer, 3) != Answer::Count(0) {}
    reads.close(|| consumer.close());
    record.judge();
}

fn polled_each_way() {
    let (there, back) = (polled_record(2), polled_record(2));
    let (mut producer, mut other_consumer) = on_heap(2);
    let (mut other_producer, mut consumer) = on_heap(2);
    let (mut writes, mut reads) = (back.hand(0), there.hand(1));
    let other = spawn(move || {
        for _ in 0..2 {
            write(&mut writes, &mut other_producer, 2);
            read(&mut reads, &mut other_consumer, 2);
        }
        (other_producer, other_consumer)
    });
    let (mut writes, mut reads) = (there.hand(0), back.hand(1));
    for _ in 0..2 {
        write(&mut writes, &mut producer, 2);
        read(&mut reads, &mut consumer, 2);
    }
    let _kept = other.join().expect("no panic");
    back.quiet();
    read(&mut reads, &mut consumer, 4);
    there.judge();
    back.judge();
}

fn polled_consumer_closes() {
    let record = polled_record(2);
    let (mut producer, mut consumer) = on_heap(2);
    let (mut writes, mut reads) = (record.hand(0), record.hand(1));
    let reader = spawn(move || {
        read(&mut reads, &mut consumer, 1);
        reads.close(|| consumer.close());
    });
    write(&mut writes, &mut producer, 2);
    write(&mut writes, &mut producer, 2);
    reader.join().expect("no panic");
    record.quiet();
    write(&mut writes, &mut producer, 1);
    record.judge();
}

/// In a lock that both use each is shown all that the other has done: lateness is no excuse there.
fn polled_in_a_lock() {
    let record = polled_record(3);
    let (mut producer, mut consumer) = on_heap(3);
    let lock = Arc::new(Mutex::new(()));
    let (mut writes, mut reads) = (record.hand(0), record.hand(1));
    let writer = {
        let (lock, record) = (Arc::clone(&lock), record.clone());
        spawn(move || {
            for len in [2, 1] {
                let _guard = lock.lock().unwrap_or_else(PoisonError::into_inner);
                record.quiet();
                write(&mut writes, &mut producer, len);
            }
            producer
        })
    };
    for len in [1, 2] {
        let _guard = lock.lock().unwrap_or_else(PoisonError::into_inner);
        record.quiet();
        read(&mut reads, &mut consumer, len);
    }
    let _kept = writer.join().expect("no panic");
    record.judge();
}

/// Each end, closed, shows the other what its closer did before.
fn polled_ends_publish() {
    let places = Arc::new([Plain::new(), Plain::new()]);
    let (mut producer, other_consumer) = on_heap(1);
    let (other_producer, mut consumer) = on_heap(1);
    let other = {
        let places = Arc::clone(&places);
        spawn(move || {
            places[0].put(7);
            drop(other_consumer);
            places[1].put(8);
            drop(other_producer);
        })
    };
    if producer.write(&[1]) == Err(Closed) {
        assert_eq!(places[0].get(), 7);
    }
    if consumer.read(&mut [0]) == Err(Closed) {
        assert_eq!(places[1].get(), 8);
    }
    other.join().expect("no panic");
}

fn waiting(spins: u32) {
    let record = waiting_record(1);
    let (mut producer, mut consumer) = waiting_ring(1);
    producer.set_spins(spins);
    consumer.set_spins(spins);
    let (mut writes, mut reads) = (record.hand(0), record.hand(1));
    let writer = spawn(move || {
        (0..2).for_each(|_| {
            write_all(&mut writes, &mut producer, 1);
        });
        producer
    });
    (0..2).for_each(|_| {
        wait_read(&mut reads, &mut consumer, 1);
    });
    let _kept = writer.join().expect("no panic");
    record.judge();
}

/// Writes without waiting, which wakes who waits for bytes all the same. Where there is no room it is as if
/// there had been no call.
fn waiting_tries_to_write() {
    let record = waiting_record(1);
    let (mut producer, mut consumer) = waiting_ring(1);
    let (mut writes, mut reads) = (record.hand(0), record.hand(1));
    let writer = spawn(move || {
        let mut offer = |producer: &mut Writes| {
            writes.offer(1, |bytes| match producer.try_write(bytes) {
                Ok(0) => None,
                Ok(count) => Some(Answer::Count(count as u32)),
                Err(Closed) => Some(Answer::Fails(Errno::EPIPE)),
            })
        };
        assert!(offer(&mut producer), "there is room");
        offer(&mut producer);
        write_all(&mut writes, &mut producer, 1);
        writes.close(|| producer.close());
    });
    drain(&mut reads, &mut consumer, 1);
    writer.join().expect("no panic");
    record.judge();
}

/// Reads without waiting, which wakes who waits for room all the same.
fn waiting_tries_to_read() {
    let record = waiting_record(1);
    let (mut producer, mut consumer) = waiting_ring(1);
    let (mut writes, mut reads) = (record.hand(0), record.hand(1));
    let writer = spawn(move || {
        (0..2).for_each(|_| {
            write_all(&mut writes, &mut producer, 1);
        });
        producer
    });
    let tried = reads.look(1, |bytes| match consumer.try_read(bytes) {
        Ok(0) => None,
        Ok(count) => Some(Answer::Count(count as u32)),
        Err(Closed) => Some(Answer::Count(0)),
    });
    for _ in usize::from(tried)..2 {
        wait_read(&mut reads, &mut consumer, 1);
    }
    let _kept = writer.join().expect("no panic");
    record.judge();
}

fn waiting_end() {
    let record = waiting_record(2);
    let (mut producer, mut consumer) = waiting_ring(2);
    let (mut writes, mut reads) = (record.hand(0), record.hand(1));
    let writer = spawn(move || {
        write_all(&mut writes, &mut producer, 1);
        writes.close(|| producer.close());
    });
    drain(&mut reads, &mut consumer, 2);
    writer.join().expect("no panic");
    record.judge();
}

fn waiting_parts() {
    let record = waiting_record(2);
    let (mut producer, mut consumer) = waiting_ring(2);
    let (mut writes, mut reads) = (record.hand(0), record.hand(1));
    let writer = spawn(move || {
        write_all(&mut writes, &mut producer, 3);
        writes.close(|| producer.close());
    });
    drain(&mut reads, &mut consumer, 2);
    writer.join().expect("no panic");
    record.judge();
}

fn waiting_each_way(times: usize) {
    let (there, back) = (waiting_record(1), waiting_record(1));
    let (mut producer, mut other_consumer) = waiting_ring(1);
    let (mut other_producer, mut consumer) = waiting_ring(1);
    let (mut writes, mut reads) = (back.hand(0), there.hand(1));
    let other = spawn(move || {
        for _ in 0..times {
            wait_read(&mut reads, &mut other_consumer, 1);
            write_all(&mut writes, &mut other_producer, 1);
        }
        (other_producer, other_consumer)
    });
    let (mut writes, mut reads) = (there.hand(0), back.hand(1));
    for _ in 0..times {
        write_all(&mut writes, &mut producer, 1);
        wait_read(&mut reads, &mut consumer, 1);
    }
    let _kept = other.join().expect("no panic");
    there.judge();
    back.judge();
}

fn waiting_consumer_closes() {
    let record = waiting_record(1);
    let (mut producer, consumer) = waiting_ring(1);
    let (mut writes, mut reads) = (record.hand(0), record.hand(1));
    let reader = spawn(move || {
        reads.close(|| consumer.close());
    });
    write_all(&mut writes, &mut producer, 2);
    reader.join().expect("no panic");
    record.judge();
}

fn waiting_no_reason() {
    wake_for_no_reason(1);
    let record = waiting_record(1);
    let (mut producer, mut consumer) = waiting_ring(1);
    let (mut writes, mut reads) = (record.hand(0), record.hand(1));
    let writer = spawn(move || {
        write_all(&mut writes, &mut producer, 2);
        writes.close(|| producer.close());
    });
    drain(&mut reads, &mut consumer, 1);
    writer.join().expect("no panic");
    wake_for_no_reason(0);
    record.judge();
}

/// Who waits for room returns, though nobody reads.
fn waiting_write_broken_off() {
    let (mut producer, consumer) = waiting_ring(1);
    let interrupter = consumer.interrupter();
    let other = spawn(move || interrupter.interrupt());
    let cut = producer.write_all(&[1, 2]).expect_err("nobody makes room");
    other.join().expect("no panic");
    assert_eq!(consumer.ring().len(), cut.written);
}

/// Who waits for bytes returns, though nobody writes.
fn waiting_read_broken_off() {
    let (producer, mut consumer) = waiting_ring(1);
    let interrupter = producer.interrupter();
    let other = spawn(move || interrupter.interrupt());
    assert_eq!(consumer.read(&mut [0]), Err(Closed));
    other.join().expect("no panic");
    assert!(producer.ring().is_closed());
}

/// Whoever sleeps returns, and finds the end from then on. The rules know nobody who closes the ends of
/// others while these are in calls; what holds is asserted: what comes is the beginning of what was written.
fn waiting_interrupted() {
    let (mut producer, mut consumer) = waiting_ring(1);
    let interrupter = consumer.interrupter();
    let writer = spawn(move || {
        let outcome = producer.write_all(&[1, 2]);
        (producer, outcome.map_or_else(|cut| cut.written, |()| 2))
    });
    let third = spawn(move || interrupter.interrupt());
    let (mut came, mut byte) = (Vec::new(), [0]);
    while consumer.read(&mut byte).is_ok() {
        came.push(byte[0]);
    }
    let (mut producer, written) = writer.join().expect("no panic");
    third.join().expect("no panic");
    assert_eq!(producer.write_all(&[3]), Err(Cut { written: 0 }));
    // A write that was under way may have brought more after the end was seen.
    while consumer.read(&mut byte).is_ok() {
        came.push(byte[0]);
    }
    assert_eq!(came, [1, 2][..written], "what was written comes, once and in order");
}
