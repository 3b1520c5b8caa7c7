//! Between threads on two cores: our ring beside `rtrb`, `crossbeam-channel` and `std`.

use std::hint::{black_box, spin_loop};

use pipewright_backends::memory::futex::Futex;
use pipewright_backends::memory::ring::{Consumer, Memory, Producer, on_heap};
use pipewright_backends::memory::waiting::{WaitingConsumer, WaitingProducer};

use super::{Side, each, pin};

type Measure<'a> = dyn FnMut(&str, Option<(f64, f64)>, Side<'_>, Side<'_>) + 'a;

/// How many messages a channel holds.
const HELD: usize = 64;

pub fn measure(measure: &mut Measure<'_>) {
    measure(
        "one thread, 64 B written and read ÷ rtrb",
        None,
        Box::new(|| alone::<64>(6_000_000)),
        Box::new(|| rtrb_alone::<64>(6_000_000)),
    );
    sizes::<64>(measure, 3_000_000, 400_000, true);
    sizes::<4096>(measure, 100_000, 40_000, false);
    sizes::<65536>(measure, 12_000, 6000, false);
}

fn sizes<const N: usize>(measure: &mut Measure<'_>, one_way: usize, trips: usize, aim: bool) {
    let name = |what: &str, peer: &str| format!("threads, {N} B {what} ÷ {peer}");
    let bounds = aim.then_some((1.5, 1.0));
    let ours = || polled_one_way::<N>(one_way);
    measure(
        &name("one way", "rtrb"),
        bounds,
        Box::new(ours),
        Box::new(|| rtrb_one_way::<N>(one_way)),
    );
    measure(
        &name("one way, length not known to the compiler", "rtrb, chunks of bytes"),
        None,
        Box::new(|| polled_one_way_chunks::<N>(one_way)),
        Box::new(|| rtrb_chunks::<N>(one_way)),
    );
    measure(
        &name("one way", "crossbeam"),
        None,
        Box::new(ours),
        Box::new(|| crossbeam::<N>(one_way)),
    );
    measure(
        &name("one way", "sync_channel"),
        None,
        Box::new(ours),
        Box::new(|| std_one_way::<N>(one_way / 10)),
    );
    let ours = || polled_round_trip::<N>(trips);
    measure(
        &name("there and back", "rtrb"),
        None,
        Box::new(ours),
        Box::new(|| rtrb_trips::<N>(trips)),
    );
    measure(
        &name("there and back", "crossbeam"),
        None,
        Box::new(ours),
        Box::new(|| crossbeam_trips::<N>(trips)),
    );
    measure(
        &name("there and back", "sync_channel"),
        None,
        Box::new(ours),
        Box::new(|| std_trips::<N>(trips / 50)),
    );
}

/// Sends `count` messages of which the other thread, on the second core, fetches each. What either side
/// uses is moved to its thread, ends and messages: on one stack they would lie on the same cache lines.
fn one_way(count: usize, mut send: impl FnMut(), mut fetch: impl FnMut() + Send) -> f64 {
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
fn trips(count: usize, core: usize, mut ask: impl FnMut(), mut answer: impl FnMut() + Send) -> f64 {
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
    let mut buffer = [0; N];
    let send = move || write_all(&mut producer, &black_box([1; N]));
    one_way(count, send, move || read_all(&mut consumer, &mut buffer))
}

/// The same, but the compiler does not know how long a message is.
fn polled_one_way_chunks<const N: usize>(count: usize) -> f64 {
    let (mut producer, mut consumer) = on_heap(N * HELD);
    let mut buffer = [0; N];
    let send = move || write_all(&mut producer, &black_box([1; N])[..black_box(N)]);
    one_way(count, send, move || read_all(&mut consumer, &mut buffer[..black_box(N)]))
}

pub fn polled_round_trip<const N: usize>(count: usize) -> f64 {
    let (mut ask, mut asked) = on_heap(N * HELD);
    let (mut answer, mut answered) = on_heap(N * HELD);
    let (mut mine, mut theirs) = ([0; N], [0; N]);
    let there = move || {
        write_all(&mut ask, &black_box([1; N]));
        read_all(&mut answered, &mut mine);
    };
    trips(count, 1, there, move || {
        read_all(&mut asked, &mut theirs);
        write_all(&mut answer, &theirs);
    })
}

/// Waiting rings there and back, the other thread on this core, with so many looks before sleep.
pub fn waiting<const N: usize>(count: usize, core: usize, spins: u32) -> f64 {
    let ring = || {
        let (producer, consumer) = on_heap(N * HELD);
        let mut producer = WaitingProducer::new(producer, Futex);
        let mut consumer = WaitingConsumer::new(consumer, Futex);
        producer.set_spins(spins);
        consumer.set_spins(spins);
        (producer, consumer)
    };
    let ((mut ask, mut asked), (mut answer, mut answered)) = (ring(), ring());
    let (mut mine, mut theirs) = ([0; N], [0; N]);
    let there = move || {
        ask.write_all(&black_box([1; N])).expect("nobody closes");
        black_box(answered.read(&mut mine)).expect("nobody closes");
    };
    trips(count, core, there, move || {
        let read = asked.read(&mut theirs).expect("nobody closes");
        answer.write_all(&theirs[..read]).expect("nobody closes");
    })
}

fn push<const N: usize>(producer: &mut rtrb::Producer<[u8; N]>, mut message: [u8; N]) {
    while let Err(rtrb::PushError::Full(back)) = producer.push(message) {
        message = back;
        spin_loop();
    }
}

fn pop<const N: usize>(consumer: &mut rtrb::Consumer<[u8; N]>) -> [u8; N] {
    loop {
        match consumer.pop() {
            Ok(message) => return message,
            Err(_) => spin_loop(),
        }
    }
}

fn rtrb_one_way<const N: usize>(count: usize) -> f64 {
    let (mut producer, mut consumer) = rtrb::RingBuffer::new(HELD);
    let send = move || push::<N>(&mut producer, black_box([1; N]));
    one_way(count, send, move || {
        black_box(pop(&mut consumer));
    })
}

fn rtrb_trips<const N: usize>(count: usize) -> f64 {
    let (mut ask, mut asked) = rtrb::RingBuffer::new(HELD);
    let (mut answer, mut answered) = rtrb::RingBuffer::new(HELD);
    let there = move || {
        push::<N>(&mut ask, black_box([1; N]));
        black_box(pop::<N>(&mut answered));
    };
    trips(count, 1, there, move || push::<N>(&mut answer, pop(&mut asked)))
}

/// Bytes instead of items, each message a chunk of them.
fn rtrb_chunks<const N: usize>(count: usize) -> f64 {
    let (mut producer, mut consumer) = rtrb::RingBuffer::<u8>::new(N * HELD);
    let mut buffer = [0; N];
    let send = move || {
        let message = black_box([1; N]);
        let message = &message[..black_box(N)];
        loop {
            if let Ok(mut chunk) = producer.write_chunk_uninit(message.len()) {
                let (one, two) = chunk.as_mut_slices();
                let (from_one, from_two) = message.split_at(one.len());
                // SAFETY: the two pieces have together as many bytes as the message, and are all filled.
                unsafe {
                    one.as_mut_ptr()
                        .cast::<u8>()
                        .copy_from_nonoverlapping(from_one.as_ptr(), one.len());
                    two.as_mut_ptr()
                        .cast::<u8>()
                        .copy_from_nonoverlapping(from_two.as_ptr(), two.len());
                    chunk.commit_all();
                }
                return;
            }
            spin_loop();
        }
    };
    one_way(count, send, move || {
        let buffer = &mut buffer[..black_box(N)];
        loop {
            if let Ok(chunk) = consumer.read_chunk(buffer.len()) {
                let (one, two) = chunk.as_slices();
                buffer[..one.len()].copy_from_slice(one);
                buffer[one.len()..].copy_from_slice(two);
                chunk.commit_all();
                break;
            }
            spin_loop();
        }
        black_box(buffer);
    })
}

/// What the calls themselves cost: both ends in one thread, no line changes hands.
fn alone<const N: usize>(count: usize) -> f64 {
    pin(0);
    let (mut producer, mut consumer) = on_heap(N * HELD);
    let mut buffer = [0; N];
    each(count, || {
        for _ in 0..count {
            write_all(&mut producer, &black_box([1; N]));
            read_all(&mut consumer, &mut buffer);
        }
    })
}

fn rtrb_alone<const N: usize>(count: usize) -> f64 {
    pin(0);
    let (mut producer, mut consumer) = rtrb::RingBuffer::new(HELD);
    each(count, || {
        for _ in 0..count {
            push::<N>(&mut producer, black_box([1; N]));
            black_box(pop(&mut consumer));
        }
    })
}

fn crossbeam<const N: usize>(count: usize) -> f64 {
    let (sender, receiver) = crossbeam_channel::bounded(HELD);
    one_way(
        count,
        move || sender.send(black_box([1_u8; N])).expect("open"),
        move || {
            black_box(receiver.recv()).expect("open");
        },
    )
}

fn crossbeam_trips<const N: usize>(count: usize) -> f64 {
    let (ask, asked) = crossbeam_channel::bounded(HELD);
    let (answer, answered) = crossbeam_channel::bounded(HELD);
    let there = move || {
        ask.send(black_box([1_u8; N])).expect("open");
        black_box(answered.recv()).expect("open");
    };
    trips(count, 1, there, move || answer.send(asked.recv().expect("open")).expect("open"))
}

fn std_one_way<const N: usize>(count: usize) -> f64 {
    let (sender, receiver) = std::sync::mpsc::sync_channel(HELD);
    one_way(
        count,
        move || sender.send(black_box([1_u8; N])).expect("open"),
        move || {
            black_box(receiver.recv()).expect("open");
        },
    )
}

fn std_trips<const N: usize>(count: usize) -> f64 {
    let (ask, asked) = std::sync::mpsc::sync_channel(HELD);
    let (answer, answered) = std::sync::mpsc::sync_channel(HELD);
    let there = move || {
        ask.send(black_box([1_u8; N])).expect("open");
        black_box(answered.recv()).expect("open");
    };
    trips(count, 1, there, move || answer.send(asked.recv().expect("open")).expect("open"))
}
