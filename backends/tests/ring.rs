//! Rings of bytes: nothing lost, nothing twice, nothing out of order; nobody left asleep.
//!
//! Each byte tells its position, so that what arrives can be checked without keeping what was sent.
//! No test looks at a clock; loops are bounded by counts.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::fs::File;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use pipewright_backends::memory::futex::Futex;
use pipewright_backends::memory::mapping::{
    Mapping, SharedRing, anonymous, create_named, is_sealed, open_named, unlink_named,
};
use pipewright_backends::memory::ring::{Closed, Consumer, Memory, Producer, on_heap};
use pipewright_backends::memory::waiting::{Cut, Waiter, WaitingConsumer, WaitingProducer};
use pipewright_backends::sys::process::Child;

/// The byte at a position of what is sent: neighbours differ, and so do turns of any small ring.
fn byte(position: usize) -> u8 {
    (position.wrapping_mul(0x9E37_79B1) >> 13) as u8
}

fn bytes(start: usize, len: usize) -> Vec<u8> {
    (start..start + len).map(byte).collect()
}

/// Lengths from 1 to `max`, many of them, always the same.
fn lengths(seed: u32, max: usize) -> impl Iterator<Item = usize> {
    let mut state = seed;
    std::iter::repeat_with(move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        1 + (state >> 8) as usize % max
    })
}

#[test]
fn a_ring_is_a_bounded_queue_at_every_offset() {
    for capacity in 1..=9 {
        for offset in 0..capacity {
            for first in 0..=capacity + 1 {
                for then in 0..=capacity + 1 {
                    is_a_queue(capacity, &[(offset, offset), (first, then), (then, first), (9, 9)]);
                }
            }
        }
    }
}

/// Writes and reads so many bytes, in turn, and compares with a queue.
fn is_a_queue(capacity: usize, turns: &[(usize, usize)]) {
    let (mut producer, mut consumer) = on_heap(capacity);
    let mut queue: VecDeque<u8> = VecDeque::new();
    let mut sent = 0;
    for (write, read) in turns {
        let offered = bytes(sent, *write);
        let count = producer.write(&offered).expect("open");
        assert_eq!(count, offered.len().min(capacity - queue.len()));
        queue.extend(&offered[..count]);
        sent += count;
        assert_eq!((producer.len(), consumer.len()), (queue.len(), queue.len()));
        let mut room = vec![0; *read];
        let count = consumer.read(&mut room).expect("open");
        assert_eq!(count, room.len().min(queue.len()));
        assert!(queue.drain(..count).eq(room[..count].iter().copied()));
        assert_eq!(consumer.is_empty(), queue.is_empty());
    }
}

#[test]
fn a_closed_producer_leaves_its_bytes_and_then_the_end() {
    let (mut producer, mut consumer) = on_heap(8);
    assert_eq!(producer.write(b"abc"), Ok(3));
    assert!(!consumer.is_closed());
    producer.close();
    assert!(consumer.is_closed());
    let mut room = [0; 2];
    assert_eq!(consumer.read(&mut room), Ok(2));
    assert_eq!(consumer.read(&mut []), Ok(0));
    assert_eq!(consumer.read(&mut room), Ok(1));
    assert_eq!(consumer.read(&mut []), Ok(0), "no bytes asked for, none given, as of a pipe");
    assert_eq!(consumer.read(&mut room), Err(Closed));
}

#[test]
fn a_closed_consumer_is_told_to_the_producer() {
    let (mut producer, consumer) = on_heap(8);
    assert_eq!(producer.write(b"abc"), Ok(3));
    drop(consumer);
    assert!(producer.is_closed());
    assert_eq!(producer.write(b"d"), Err(Closed));
    assert_eq!(producer.write(b""), Ok(0));
}

#[test]
#[should_panic(expected = "a ring of no bytes")]
fn a_ring_holds_at_least_one_byte() {
    on_heap(0);
}

fn send_polled<M: Memory>(mut producer: Producer<M>, total: usize, chunk_max: usize) {
    let mut sent = 0;
    for len in lengths(1, chunk_max) {
        let chunk = bytes(sent, len.min(total - sent));
        let count = producer.write(&chunk).expect("the consumer stays");
        sent += count;
        if sent == total {
            return;
        }
        if count == 0 {
            thread::yield_now();
        }
    }
}

/// How many bytes came, all of them right, before the end.
fn receive_polled<M: Memory>(mut consumer: Consumer<M>, chunk_max: usize) -> usize {
    let mut room = vec![0; chunk_max];
    let mut received = 0;
    for len in lengths(2, chunk_max) {
        match consumer.read(&mut room[..len]) {
            Ok(0) => thread::yield_now(),
            Ok(count) => {
                assert_eq!(room[..count], bytes(received, count), "from {received}");
                received += count;
            }
            Err(Closed) => break,
        }
    }
    received
}

#[test]
fn two_threads_lose_nothing() {
    for (capacity, chunk_max, total) in
        [(1, 3, 50_000), (7, 10, 300_000), (64, 40, 1_000_000), (4096, 600, 8_000_000)]
    {
        let (producer, consumer) = on_heap(capacity);
        thread::scope(|scope| {
            scope.spawn(|| send_polled(producer, total, chunk_max));
            assert_eq!(receive_polled(consumer, chunk_max), total);
        });
    }
}

fn send_waiting<M: Memory>(producer: Producer<M>, total: usize, chunk_max: usize, spins: u32) {
    let mut producer = WaitingProducer::new(producer, Futex);
    producer.set_spins(spins);
    let mut sent = 0;
    for len in lengths(3, chunk_max) {
        let len = len.min(total - sent);
        producer.write_all(&bytes(sent, len)).expect("the consumer stays");
        sent += len;
        if sent == total {
            return;
        }
    }
}

fn receive_waiting<M: Memory>(consumer: Consumer<M>, chunk_max: usize, spins: u32) -> usize {
    let mut consumer = WaitingConsumer::new(consumer, Futex);
    consumer.set_spins(spins);
    let mut room = vec![0; chunk_max];
    let mut received = 0;
    for len in lengths(4, chunk_max) {
        match consumer.read(&mut room[..len]) {
            Ok(count) => {
                assert!(count > 0, "waits for a byte");
                assert_eq!(room[..count], bytes(received, count), "from {received}");
                received += count;
            }
            Err(Closed) => break,
        }
    }
    received
}

#[test]
fn two_threads_that_wait_lose_nothing_and_wake_each_other() {
    for (capacity, chunk_max, total, spins) in
        [(1, 3, 20_000, 0), (5, 9, 60_000, 0), (64, 100, 500_000, 10), (4096, 5000, 8_000_000, 100)]
    {
        let (producer, consumer) = on_heap(capacity);
        thread::scope(|scope| {
            scope.spawn(|| send_waiting(producer, total, chunk_max, spins));
            assert_eq!(receive_waiting(consumer, chunk_max, spins), total);
        });
    }
}

#[test]
fn closing_wakes_the_other_side() {
    for _ in 0..1_000 {
        let (producer, consumer) = on_heap(2);
        let mut producer = WaitingProducer::new(producer, Futex);
        let mut consumer = WaitingConsumer::new(consumer, Futex);
        thread::scope(|scope| {
            let reader = scope.spawn(move || {
                let end = consumer.read(&mut [0; 9]);
                (consumer, end)
            });
            if producer.write_all(b"").is_ok() {
                drop(producer);
            }
            let (_, end) = reader.join().expect("no panic");
            assert_eq!(end, Err(Closed));
        });

        let (producer, consumer) = on_heap(2);
        let mut producer = WaitingProducer::new(producer, Futex);
        let consumer = WaitingConsumer::new(consumer, Futex);
        thread::scope(|scope| {
            let writer = scope.spawn(move || producer.write_all(b"abc"));
            // Closed at once or when the ring is full: 2 bytes fit in any case.
            while consumer.ring().len() < 2 {
                thread::yield_now();
            }
            drop(consumer);
            assert_eq!(writer.join().expect("no panic"), Err(Cut { written: 2 }));
        });
    }
}

#[test]
fn an_interrupter_wakes_both_sides() {
    for _ in 0..500 {
        let (first, second) = (on_heap(1), on_heap(1));
        let mut producer = WaitingProducer::new(first.0, Futex);
        let mut consumer = WaitingConsumer::new(second.1, Futex);
        let (stop_producer, stop_consumer) = (producer.interrupter(), consumer.interrupter());
        thread::scope(|scope| {
            let writer = scope.spawn(move || producer.write_all(b"ab"));
            let reader = scope.spawn(move || consumer.read(&mut [0]));
            stop_producer.interrupt();
            stop_consumer.interrupt();
            assert!(writer.join().expect("no panic").is_err());
            assert_eq!(reader.join().expect("no panic"), Err(Closed));
        });
    }
}

type Meanwhile<'a> = Box<dyn FnMut(&AtomicU32) + 'a>;

/// Counts, and does not sleep but runs what stands for the other side; as if woken for no reason.
#[derive(Default)]
struct Script<'a> {
    waits: Cell<u32>,
    wakes: Cell<u32>,
    meanwhile: RefCell<Option<Meanwhile<'a>>>,
}

impl Waiter for &Script<'_> {
    fn wait(&self, word: &AtomicU32, value: u32) {
        assert_eq!(word.load(Ordering::Relaxed), value, "announced by the very word");
        self.waits.set(self.waits.get() + 1);
        if let Some(meanwhile) = &mut *self.meanwhile.borrow_mut() {
            meanwhile(word);
        }
    }

    fn wake(&self, word: &AtomicU32) {
        assert_eq!(word.load(Ordering::Relaxed), 0, "cleared before the wake-up");
        self.wakes.set(self.wakes.get() + 1);
    }
}

#[test]
fn nobody_is_woken_while_nobody_waits() {
    let script = Script::default();
    let (producer, consumer) = on_heap(4);
    let mut producer = WaitingProducer::new(producer, &script);
    let mut consumer = WaitingConsumer::new(consumer, &script);
    let mut room = [0; 9];
    for _ in 0..100 {
        assert_eq!(producer.write_all(b"abc"), Ok(()));
        assert_eq!(producer.try_write(b"de"), Ok(1));
        assert_eq!(consumer.read(&mut room), Ok(4));
        assert_eq!(consumer.try_read(&mut room), Ok(0));
        assert_eq!(consumer.read(&mut []), Ok(0));
    }
    drop((producer, consumer));
    assert_eq!((script.waits.get(), script.wakes.get()), (0, 0));
}

#[test]
fn a_write_before_the_reader_sleeps_clears_its_word_and_wakes_once() {
    let other = Script::default();
    let script = Script::default();
    let (producer, consumer) = on_heap(4);
    let mut producer = WaitingProducer::new(producer, &other);
    let mut consumer = WaitingConsumer::new(consumer, &script);
    let wakes = &other.wakes;
    let mut calls = 0;
    *script.meanwhile.borrow_mut() = Some(Box::new(move |word| {
        calls += 1;
        if calls < 3 {
            return; // woken for no reason: it announces and looks again
        }
        assert_eq!(producer.try_write(b"a"), Ok(1));
        assert_eq!(word.load(Ordering::Relaxed), 0, "a sleep on 1 would not begin");
        assert_eq!(producer.try_write(b"b"), Ok(1));
        assert_eq!(wakes.get(), 1, "the second write finds nobody");
    }));
    let mut room = [0; 9];
    assert_eq!(consumer.read(&mut room), Ok(2));
    assert_eq!((script.waits.get(), script.wakes.get()), (3, 0));
}

#[test]
fn a_header_of_nonsense_leads_nobody_out_of_bounds() {
    let numbers = [0, 1, 99, 100, 101, u64::MAX, u64::MAX - 50, 1 << 63, 0x1234_5678_9ABC_DEF0];
    let fd = anonymous(SharedRing::len_bytes(100)).expect("memory");
    let ring = || SharedRing::new(Mapping::of(&fd).expect("a mapping")).expect("a ring");
    let mut producer = Producer::claim(ring()).expect("fresh");
    let mut consumer = Consumer::claim(ring()).expect("fresh");
    let peer = File::from(fd.try_clone().expect("a descriptor"));
    let mut room = [0; 250];
    for (step, number) in (0..5_000).zip(numbers.into_iter().cycle()) {
        // The positions in turn; now and then the words of the third line.
        let place = [0, 128, 128, 0, 0, 264][step % 6];
        peer.write_all_at(&number.to_ne_bytes(), place).expect("written");
        let len = step % 251;
        assert!(producer.write(&room[..len]).is_ok_and(|count| count <= len.min(100)));
        assert!(producer.len() <= 100 && consumer.len() <= 100);
        assert!(consumer.read(&mut room[..len]).is_ok_and(|count| count <= len.min(100)));
    }
}

#[test]
fn each_side_is_claimed_once() {
    let fd = anonymous(SharedRing::len_bytes(1)).expect("memory");
    let ring = SharedRing::new(Mapping::of(&fd).expect("a mapping")).expect("a ring");
    assert_eq!(ring.capacity_bytes(), 1);
    let producer = Producer::claim(ring.clone()).expect("the first");
    assert!(Producer::claim(ring.clone()).is_none());
    drop(producer);
    assert!(Producer::claim(ring.clone()).is_none(), "closed is closed");
    assert!(Consumer::claim(ring.clone()).is_some_and(|consumer| consumer.is_closed()));
}

#[test]
fn memory_without_room_for_a_ring_is_refused() {
    for len in [1, SharedRing::len_bytes(0)] {
        let mapping = Mapping::of(anonymous(len).expect("memory")).expect("a mapping");
        assert_eq!(mapping.len_bytes(), len);
        let refused = SharedRing::new(mapping).expect_err("too small");
        assert_eq!(refused.kind(), std::io::ErrorKind::InvalidData);
    }
    let empty = tempfile::tempfile().expect("a file");
    assert!(Mapping::of(&empty).is_err());
    assert!(!is_sealed(&empty));
    assert!(anonymous(0).is_err());
    assert!(anonymous(usize::MAX).is_err());
}

#[test]
fn memory_without_a_name_keeps_its_size() {
    let fd = anonymous(5000).expect("memory");
    assert!(is_sealed(&fd));
    let file = File::from(fd);
    assert!(file.set_len(4999).is_err() && file.set_len(5001).is_err());
}

#[test]
fn two_processes_that_poll_lose_nothing() {
    const TOTAL: usize = 1_000_000;
    let fd = anonymous(SharedRing::len_bytes(1000)).expect("memory");
    // The child inherits the mapping.
    let ring = SharedRing::new(Mapping::of(&fd).expect("a mapping")).expect("a ring");
    let child = Child::fork(vec![], || {
        send_polled(Producer::claim(ring.clone()).expect("fresh"), TOTAL, 300);
    });
    let _child = child.expect("a process");
    let consumer = Consumer::claim(ring.clone()).expect("fresh");
    assert_eq!(receive_polled(consumer, 300), TOTAL);
}

/// Sends through a process that sends everything back.
fn goes_there_and_back(there: SharedRing, back: SharedRing, total: usize) {
    let (producer, consumer) = (Producer::claim(there), Consumer::claim(back));
    thread::scope(|scope| {
        scope.spawn(|| send_waiting(producer.expect("fresh"), total, 50, 0));
        assert_eq!(receive_waiting(consumer.expect("fresh"), 50, 0), total);
    });
}

fn send_back(there: SharedRing, back: SharedRing) {
    let mut consumer = WaitingConsumer::new(Consumer::claim(there).expect("fresh"), Futex);
    let mut producer = WaitingProducer::new(Producer::claim(back).expect("fresh"), Futex);
    let mut room = [0; 70];
    while let Ok(count) = consumer.read(&mut room) {
        producer.write_all(&room[..count]).expect("the consumer stays");
    }
}

#[test]
fn two_processes_that_wait_wake_each_other_through_descriptors() {
    let fds = [17, 33].map(|bytes| anonymous(SharedRing::len_bytes(bytes)).expect("memory"));
    let map = || {
        let [there, back] = fds.each_ref().map(|fd| Mapping::of(fd).expect("a mapping"));
        (SharedRing::new(there).expect("a ring"), SharedRing::new(back).expect("a ring"))
    };
    // The child maps the memory anew, by the descriptors.
    let child = Child::fork(fds.iter().map(AsRawFd::as_raw_fd).collect(), || {
        let (there, back) = map();
        send_back(there, back);
    });
    let _child = child.expect("a process");
    let (there, back) = map();
    goes_there_and_back(there, back, 200_000);
}

#[test]
fn two_processes_meet_by_name() {
    let names = ["a", "b"].map(|end| format!("/pipewright-{}-{end}", std::process::id()));
    let made = names.each_ref().map(|name| create_named(name, SharedRing::len_bytes(64)));
    let taken = create_named(&names[0], 1).expect_err("taken");
    assert_eq!(taken.kind(), std::io::ErrorKind::AlreadyExists);
    let open = |name: &String| {
        let mapping = Mapping::of(open_named(name).expect("there")).expect("a mapping");
        SharedRing::new(mapping).expect("a ring")
    };
    let child = Child::fork(vec![], || send_back(open(&names[0]), open(&names[1])));
    let _child = child.expect("a process");
    let [there, back] = made.map(|fd| SharedRing::new(Mapping::of(fd?)?));
    goes_there_and_back(there.expect("a ring"), back.expect("a ring"), 100_000);
    for name in names {
        unlink_named(&name).expect("there");
        assert!(open_named(&name).is_err());
    }
}
