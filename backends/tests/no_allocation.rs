//! Calls on rings allocate nothing and take no lock, polled and waiting.
//!
//! Allocations are counted by thread, so that what the test's own machinery does on others is no matter.
#![expect(unsafe_code, reason = "an allocator that counts")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::thread;

use pipewright_backends::memory::futex::Futex;
use pipewright_backends::memory::mapping::{Mapping, SharedRing, anonymous};
use pipewright_backends::memory::ring::{Consumer, Memory, Producer, on_heap};
use pipewright_backends::memory::waiting::{WaitingConsumer, WaitingProducer};

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: all is done by the allocator of the system; counting touches a number of this thread that needs
// neither memory nor a destructor.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const CALLS: usize = 1_000_000;

/// How often this thread allocates meanwhile.
fn allocations(of: impl FnOnce()) -> u64 {
    let before = ALLOCATIONS.get();
    of();
    ALLOCATIONS.get() - before
}

#[test]
fn allocations_are_counted() {
    assert!(allocations(|| drop(std::hint::black_box(Box::new(1)))) > 0);
}

fn polled<M: Memory>(mut producer: Producer<M>, mut consumer: Consumer<M>) {
    let (mut bytes, mut written, mut read) = ([7; 5], 0, 0);
    for _ in 0..CALLS / 2 {
        written += producer.write(&bytes[..3]).expect("open");
        read += consumer.read(&mut bytes).expect("open");
    }
    assert_eq!(written, read, "all that is written is read at once");
}

#[test]
fn a_million_calls_on_a_polled_ring_allocate_nothing() {
    let (producer, consumer) = on_heap(7);
    assert_eq!(allocations(|| polled(producer, consumer)), 0);
}

/// A ring in memory that processes share.
fn shared() -> (Producer<SharedRing>, Consumer<SharedRing>) {
    let fd = anonymous(SharedRing::len_bytes(7)).expect("memory");
    let [here, there] =
        [(); 2].map(|()| SharedRing::new(Mapping::of(&fd).expect("a mapping")).expect("room"));
    (Producer::claim(here).expect("the first"), Consumer::claim(there).expect("the first"))
}

#[test]
fn a_million_calls_on_a_polled_ring_in_shared_memory_allocate_nothing() {
    let (producer, consumer) = shared();
    // What is dropped with its ends is unmapped, and its count of owners freed: that is no allocation.
    assert_eq!(allocations(|| polled(producer, consumer)), 0);
}

#[test]
fn a_million_calls_on_a_waiting_ring_allocate_nothing() {
    let (producer, consumer) = shared();
    let mut producer = WaitingProducer::new(producer, Futex);
    let mut consumer = WaitingConsumer::new(consumer, Futex);
    thread::scope(|scope| {
        let writer = scope.spawn(move || {
            allocations(|| {
                for _ in 0..CALLS / 2 {
                    producer.write_all(&[1, 2, 3]).expect("open");
                }
                drop(producer);
            })
        });
        let reader = allocations(|| {
            let mut bytes = [0; 3];
            for _ in 0..CALLS / 2 {
                consumer.read(&mut bytes).expect("there is more");
            }
            while consumer.read(&mut bytes).is_ok() {}
        });
        assert_eq!((writer.join().expect("no panic"), reader), (0, 0));
    });
}

/// Rings have no lock to take: their files name none of those that `sync` has.
#[test]
fn rings_name_no_lock() {
    let files = [include_str!("../src/memory/ring.rs"), include_str!("../src/memory/waiting.rs")];
    for text in files {
        for lock in ["Mutex", "Condvar"] {
            assert!(!text.contains(lock), "{lock}");
        }
    }
}
