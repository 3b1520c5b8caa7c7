//! Between threads on two cores: our ring beside `rtrb`, `crossbeam-channel` and `std`.
//!
//! Who polls stands beside who polls, who sleeps beside who sleeps. All send one message again and again
//! from where it lies; those that take a message by value copy it from there.

use std::hint::{black_box, spin_loop};
use std::sync::Arc;

use pipewright_backends::memory::futex::Futex;
use pipewright_backends::memory::ring::{Consumer, Heap, Memory, Producer, on_heap};
use pipewright_backends::memory::waiting::{WaitingConsumer, WaitingProducer};

use super::{Side, each, pin};
use crate::others;

type Measure<'a> = dyn FnMut(&str, Option<(f64, f64)>, Side<'_>, Side<'_>) + 'a;

/// How many messages a channel holds.
pub const HELD: usize = 64;

/// How often our waiting ends look before they sleep, beside others that look for a while as well: as long as
/// `crossbeam-channel` takes for its 127 pauses and four yields.
const LOOKS: u32 = 200;

pub fn measure(measure: &mut Measure<'_>) {
    measure(
        "one thread, 64 B written and read ÷ rtrb",
        None,
        Box::new(|| alone::<64>(6_000_000)),
        Box::new(|| others::rtrb_alone::<64>(6_000_000)),
    );
    items(measure);
    sizes::<64>(measure, 3_000_000, 400_000);
    blocking::<64>(measure, [500_000, 100_000], [100_000, 2000]);
    sizes::<4096>(measure, 100_000, 40_000);
    blocking::<4096>(measure, [40_000, 40_000], [10_000, 2000]);
    sizes::<65536>(measure, 12_000, 6000);
    blocking::<65536>(measure, [6000, 6000], [1500, 500]);
}

/// Here the compiler knows how long a message is, and what is sent is an item.
fn items(measure: &mut Measure<'_>) {
    measure(
        "threads, 64 B one way ÷ rtrb",
        Some((1.5, 1.0)),
        Box::new(|| polled_one_way::<64>(3_000_000)),
        Box::new(|| others::rtrb_one_way::<64>(3_000_000)),
    );
    measure(
        "threads, 64 B there and back ÷ rtrb",
        None,
        Box::new(|| polled_round_trip::<64>(400_000)),
        Box::new(|| others::rtrb_trips::<64>(400_000)),
    );
}

fn sizes<const N: usize>(measure: &mut Measure<'_>, one_way: usize, trips: usize) {
    let name = |what: &str, peer: &str| format!("threads, {N} B {what} ÷ {peer}");
    measure(
        &name("one way, length not known to the compiler", "rtrb, chunks of bytes"),
        None,
        Box::new(|| polled_one_way_chunks::<N>(one_way)),
        Box::new(|| others::rtrb_one_way_chunks::<N>(one_way)),
    );
    if N > 64 {
        measure(
            &name("there and back", "rtrb, chunks of bytes"),
            None,
            Box::new(|| polled_round_trip::<N>(trips)),
            Box::new(|| others::rtrb_trips_chunks::<N>(trips)),
        );
    }
    measure(
        &name("one way", "crossbeam, polled"),
        None,
        Box::new(|| polled_one_way::<N>(one_way)),
        Box::new(|| others::crossbeam_one_way_polled::<N>(one_way)),
    );
    measure(
        &name("there and back", "crossbeam, polled"),
        None,
        Box::new(|| polled_round_trip::<N>(trips)),
        Box::new(|| others::crossbeam_trips_polled::<N>(trips)),
    );
}

/// All of these look for a while before they sleep: the others always, so ours does, too. The second counts are
/// those of `sync_channel`, which takes longer.
fn blocking<const N: usize>(measure: &mut Measure<'_>, one_way: [usize; 2], trips: [usize; 2]) {
    let name = |what: &str, peer: &str| format!("threads, {N} B {what}, waiting ÷ {peer}");
    let ours = || waiting_one_way::<N>(one_way[0], LOOKS);
    measure(
        &name("one way", "crossbeam"),
        None,
        Box::new(ours),
        Box::new(|| others::crossbeam_one_way::<N>(one_way[0])),
    );
    measure(
        &name("one way", "sync_channel"),
        None,
        Box::new(ours),
        Box::new(|| others::std_one_way::<N>(one_way[1])),
    );
    let ours = || waiting::<N>(trips[0], 1, LOOKS);
    measure(
        &name("there and back", "crossbeam"),
        None,
        Box::new(ours),
        Box::new(|| others::crossbeam_trips::<N>(trips[0])),
    );
    measure(
        &name("there and back", "sync_channel"),
        None,
        Box::new(ours),
        Box::new(|| others::std_trips::<N>(trips[1])),
    );
}

/// Sends `count` messages of which the other thread, on the second core, fetches each. What either side
/// uses is moved to its thread, ends and messages: on one stack they would lie on the same cache lines.
pub fn one_way(count: usize, mut send: impl FnMut(), mut fetch: impl FnMut() + Send) -> f64 {
    std::thread::scope(|scope| {
        let reader = scope.spawn(move || {
            pin(1);
            (0..count).for_each(|_| fetch());
        });
        pin(0);
        each(count, || {
            (0..count).for_each(|_| send());
            reader.join().expect("no panic");
        })
    })
}

/// Asks and is answered `count` times.
pub fn trips(
    count: usize,
    core: usize,
    mut ask: impl FnMut(),
    mut answer: impl FnMut() + Send,
) -> f64 {
    std::thread::scope(|scope| {
        scope.spawn(move || {
            pin(core);
            (0..count).for_each(|_| answer());
        });
        pin(0);
        each(count, || (0..count).for_each(|_| ask()))
    })
}

/// Writes all, looking again while there is no room.
#[inline]
pub fn write_all<M: Memory>(producer: &mut Producer<M>, bytes: &[u8]) {
    loop {
        match producer.write(bytes).expect("nobody closes") {
            0 => spin_loop(),
            count if count == bytes.len() => return,
            count => return write_all_rest(producer, &bytes[count..]),
        }
    }
}

#[cold]
fn write_all_rest<M: Memory>(producer: &mut Producer<M>, bytes: &[u8]) {
    let mut rest = bytes;
    while !rest.is_empty() {
        match producer.write(rest).expect("nobody closes") {
            0 => spin_loop(),
            count => rest = &rest[count..],
        }
    }
}

/// Reads until the buffer is full.
#[inline]
pub fn read_all<M: Memory>(consumer: &mut Consumer<M>, bytes: &mut [u8]) {
    loop {
        match consumer.read(bytes).expect("nobody closes") {
            0 => spin_loop(),
            count if count == bytes.len() => break,
            count => return read_all_rest(consumer, &mut bytes[count..]),
        }
    }
    black_box(bytes);
}

#[cold]
fn read_all_rest<M: Memory>(consumer: &mut Consumer<M>, bytes: &mut [u8]) {
    let mut read = 0;
    while read < bytes.len() {
        match consumer.read(&mut bytes[read..]).expect("nobody closes") {
            0 => spin_loop(),
            count => read += count,
        }
    }
    black_box(bytes);
}

fn polled_one_way<const N: usize>(count: usize) -> f64 {
    let (mut producer, mut consumer) = on_heap(N * HELD);
    let (message, mut buffer) = ([1; N], [0; N]);
    let send = move || write_all(&mut producer, black_box(&message));
    one_way(count, send, move || read_all(&mut consumer, &mut buffer))
}

/// The same, but the compiler does not know how long a message is.
fn polled_one_way_chunks<const N: usize>(count: usize) -> f64 {
    let (mut producer, mut consumer) = on_heap(N * HELD);
    let (message, mut buffer) = ([1; N], [0; N]);
    let send = move || write_all(&mut producer, &black_box(&message)[..black_box(N)]);
    one_way(count, send, move || read_all(&mut consumer, &mut buffer[..black_box(N)]))
}

pub fn polled_round_trip<const N: usize>(count: usize) -> f64 {
    let (mut ask, mut asked) = on_heap(N * HELD);
    let (mut answer, mut answered) = on_heap(N * HELD);
    let (message, mut mine, mut theirs) = ([1; N], [0; N], [0; N]);
    let there = move || {
        write_all(&mut ask, black_box(&message));
        read_all(&mut answered, &mut mine);
    };
    trips(count, 1, there, move || {
        read_all(&mut asked, &mut theirs);
        write_all(&mut answer, &theirs);
    })
}

type WaitingEnds = (WaitingProducer<Arc<Heap>, Futex>, WaitingConsumer<Arc<Heap>, Futex>);

/// A ring whose ends look so many times before they sleep.
fn waiting_ring<const N: usize>(spins: u32) -> WaitingEnds {
    let (producer, consumer) = on_heap(N * HELD);
    let mut producer = WaitingProducer::new(producer, Futex);
    let mut consumer = WaitingConsumer::new(consumer, Futex);
    producer.set_spins(spins);
    consumer.set_spins(spins);
    (producer, consumer)
}

/// Reads until the buffer is full, and sleeps meanwhile.
#[inline]
pub fn read_waiting<M: Memory>(consumer: &mut WaitingConsumer<M, Futex>, bytes: &mut [u8]) {
    let mut read = 0;
    while read < bytes.len() {
        read += consumer.read(&mut bytes[read..]).expect("nobody closes");
    }
    black_box(bytes);
}

fn waiting_one_way<const N: usize>(count: usize, spins: u32) -> f64 {
    let (mut producer, mut consumer) = waiting_ring::<N>(spins);
    let (message, mut buffer) = ([1; N], [0; N]);
    let send = move || producer.write_all(black_box(&message)).expect("nobody closes");
    one_way(count, send, move || read_waiting(&mut consumer, &mut buffer))
}

/// Waiting rings there and back, the other thread on this core, with so many looks before sleep.
pub fn waiting<const N: usize>(count: usize, core: usize, spins: u32) -> f64 {
    let ((mut ask, mut asked), (mut answer, mut answered)) =
        (waiting_ring::<N>(spins), waiting_ring::<N>(spins));
    let (message, mut mine, mut theirs) = ([1; N], [0; N], [0; N]);
    let there = move || {
        ask.write_all(black_box(&message)).expect("nobody closes");
        read_waiting(&mut answered, &mut mine);
    };
    trips(count, core, there, move || {
        read_waiting(&mut asked, &mut theirs);
        answer.write_all(&theirs).expect("nobody closes");
    })
}

/// What the calls themselves cost: both ends in one thread, no line changes hands.
fn alone<const N: usize>(count: usize) -> f64 {
    pin(0);
    let (mut producer, mut consumer) = on_heap(N * HELD);
    let (message, mut buffer) = ([1; N], [0; N]);
    each(count, || {
        for _ in 0..count {
            write_all(&mut producer, black_box(&message));
            read_all(&mut consumer, &mut buffer);
        }
    })
}
