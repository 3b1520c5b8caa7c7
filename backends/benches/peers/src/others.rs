//! The channels of other libraries between threads: `rtrb`, `crossbeam-channel` and `std`'s.
//!
//! A message that they take by value is copied from where it lies when there is room, and not moved to and
//! fro while there is none.

use std::hint::{black_box, spin_loop};

use crossbeam_channel::{Receiver, Sender};

use super::{each, pin};
use crate::threads::{HELD, one_way, trips};

fn push<const N: usize>(producer: &mut rtrb::Producer<[u8; N]>, message: &[u8; N]) {
    while producer.push(*message).is_err() {
        while producer.is_full() {
            spin_loop();
        }
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

/// Both ends in one thread.
pub fn rtrb_alone<const N: usize>(count: usize) -> f64 {
    pin(0);
    let (mut producer, mut consumer) = rtrb::RingBuffer::new(HELD);
    let message = [1; N];
    each(count, || {
        for _ in 0..count {
            push::<N>(&mut producer, black_box(&message));
            black_box(pop(&mut consumer));
        }
    })
}

pub fn rtrb_one_way<const N: usize>(count: usize) -> f64 {
    let (mut producer, mut consumer) = rtrb::RingBuffer::new(HELD);
    let message = [1; N];
    let send = move || push::<N>(&mut producer, black_box(&message));
    one_way(count, send, move || {
        black_box(pop(&mut consumer));
    })
}

pub fn rtrb_trips<const N: usize>(count: usize) -> f64 {
    let (mut ask, mut asked) = rtrb::RingBuffer::new(HELD);
    let (mut answer, mut answered) = rtrb::RingBuffer::new(HELD);
    let message = [1; N];
    let there = move || {
        push::<N>(&mut ask, black_box(&message));
        black_box(pop::<N>(&mut answered));
    };
    trips(count, 1, there, move || push::<N>(&mut answer, &pop(&mut asked)))
}

/// Bytes instead of items, each message a chunk of them.
#[inline]
fn write_chunk(producer: &mut rtrb::Producer<u8>, message: &[u8]) {
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
}

#[inline]
fn read_chunk(consumer: &mut rtrb::Consumer<u8>, buffer: &mut [u8]) {
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
}

/// Here the compiler does not know how long a message is.
pub fn rtrb_one_way_chunks<const N: usize>(count: usize) -> f64 {
    let (mut producer, mut consumer) = rtrb::RingBuffer::new(N * HELD);
    let (message, mut buffer) = ([1; N], [0; N]);
    let send = move || write_chunk(&mut producer, &black_box(&message)[..black_box(N)]);
    one_way(count, send, move || read_chunk(&mut consumer, &mut buffer[..black_box(N)]))
}

pub fn rtrb_trips_chunks<const N: usize>(count: usize) -> f64 {
    let (mut ask, mut asked) = rtrb::RingBuffer::new(N * HELD);
    let (mut answer, mut answered) = rtrb::RingBuffer::new(N * HELD);
    let (message, mut mine, mut theirs) = ([1; N], [0; N], [0; N]);
    let there = move || {
        write_chunk(&mut ask, black_box(&message));
        read_chunk(&mut answered, &mut mine);
    };
    trips(count, 1, there, move || {
        read_chunk(&mut asked, &mut theirs);
        write_chunk(&mut answer, &theirs);
    })
}

fn send_polled<const N: usize>(sender: &Sender<[u8; N]>, message: &[u8; N]) {
    while sender.try_send(*message).is_err() {
        while sender.is_full() {
            spin_loop();
        }
    }
}

fn receive_polled<const N: usize>(receiver: &Receiver<[u8; N]>) -> [u8; N] {
    loop {
        match receiver.try_recv() {
            Ok(message) => return message,
            Err(_) => spin_loop(),
        }
    }
}

pub fn crossbeam_one_way_polled<const N: usize>(count: usize) -> f64 {
    let (sender, receiver) = crossbeam_channel::bounded(HELD);
    let message = [1; N];
    let send = move || send_polled::<N>(&sender, black_box(&message));
    one_way(count, send, move || {
        black_box(receive_polled(&receiver));
    })
}

pub fn crossbeam_trips_polled<const N: usize>(count: usize) -> f64 {
    let (ask, asked) = crossbeam_channel::bounded(HELD);
    let (answer, answered) = crossbeam_channel::bounded(HELD);
    let message = [1; N];
    let there = move || {
        send_polled::<N>(&ask, black_box(&message));
        black_box(receive_polled::<N>(&answered));
    };
    trips(count, 1, there, move || send_polled::<N>(&answer, &receive_polled(&asked)))
}

pub fn crossbeam_one_way<const N: usize>(count: usize) -> f64 {
    let (sender, receiver) = crossbeam_channel::bounded(HELD);
    let message = [1_u8; N];
    one_way(
        count,
        move || sender.send(*black_box(&message)).expect("open"),
        move || {
            black_box(receiver.recv()).expect("open");
        },
    )
}

pub fn crossbeam_trips<const N: usize>(count: usize) -> f64 {
    let (ask, asked) = crossbeam_channel::bounded(HELD);
    let (answer, answered) = crossbeam_channel::bounded(HELD);
    let message = [1_u8; N];
    let there = move || {
        ask.send(*black_box(&message)).expect("open");
        black_box(answered.recv()).expect("open");
    };
    trips(count, 1, there, move || answer.send(asked.recv().expect("open")).expect("open"))
}

pub fn std_one_way<const N: usize>(count: usize) -> f64 {
    let (sender, receiver) = std::sync::mpsc::sync_channel(HELD);
    let message = [1_u8; N];
    one_way(
        count,
        move || sender.send(*black_box(&message)).expect("open"),
        move || {
            black_box(receiver.recv()).expect("open");
        },
    )
}

pub fn std_trips<const N: usize>(count: usize) -> f64 {
    let (ask, asked) = std::sync::mpsc::sync_channel(HELD);
    let (answer, answered) = std::sync::mpsc::sync_channel(HELD);
    let message = [1_u8; N];
    let there = move || {
        ask.send(*black_box(&message)).expect("open");
        black_box(answered.recv()).expect("open");
    };
    trips(count, 1, there, move || answer.send(asked.recv().expect("open")).expect("open"))
}
