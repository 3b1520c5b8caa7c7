//! Between processes: our rings in shared memory beside those of threads, `iceoryx2`, `ipc-channel` and
//! `interprocess`.
//!
//! Ours and `iceoryx2` hold 64 messages one way; a socket of `ipc-channel` and a pipe of `interprocess` hold as
//! many bytes as the system gives them.

use std::hint::{black_box, spin_loop};
use std::io::{Read, Write};

use pipewright_backends::memory::futex::Futex;
use pipewright_backends::memory::mapping::{Mapping, SharedRing, anonymous};
use pipewright_backends::memory::ring::{Consumer, Producer};
use pipewright_backends::memory::waiting::{WaitingConsumer, WaitingProducer};

use super::{Side, each, pin};
use crate::iceoryx;
use crate::threads::{HELD, read_all, read_waiting, write_all};

type Measure<'a> = dyn FnMut(&str, Option<(f64, f64)>, Side<'_>, Side<'_>) + 'a;

pub fn measure(measure: &mut Measure<'_>) {
    iceoryx::be_quiet();
    measure(
        "processes, 64 B one way ÷ threads of the same ring",
        Some((1.1, 1.0)),
        Box::new(|| ring_one_way::<64>(3_000_000)),
        Box::new(|| ring_one_way_threads::<64>(3_000_000)),
    );
    sizes::<64>(measure, 200_000, 15_000, true);
    one_way_sizes::<64>(measure, [3_000_000, 200_000], [300_000, 30_000]);
    sizes::<4096>(measure, 40_000, 10_000, false);
    one_way_sizes::<4096>(measure, [100_000, 100_000], [50_000, 30_000]);
    sizes::<65536>(measure, 3000, 3000, false);
    one_way_sizes::<65536>(measure, [8000, 8000], [8000, 3000]);
}

fn sizes<const N: usize>(measure: &mut Measure<'_>, polled: usize, waiting: usize, aim: bool) {
    let name = |what: &str, peer: &str| format!("processes, {N} B there and back, {what} ÷ {peer}");
    let bounds = |must, best| aim.then_some((must, best));
    measure(
        &name("polled, two cores", "iceoryx2 polled"),
        bounds(0.5, 0.25),
        Box::new(|| ring_polled::<N>(polled)),
        Box::new(|| iceoryx::trips_polled::<N>(polled)),
    );
    let ours = || ring_waiting::<N>(waiting);
    measure(
        &name("waiting, same core", "iceoryx2 event"),
        bounds(0.5, 0.3),
        Box::new(ours),
        Box::new(|| iceoryx::trips_event::<N>(waiting)),
    );
    measure(
        &name("waiting, same core", "ipc-channel"),
        None,
        Box::new(ours),
        Box::new(|| ipc_channel(N, waiting)),
    );
    measure(
        &name("waiting, same core", "interprocess"),
        None,
        Box::new(ours),
        Box::new(|| interprocess(N, waiting)),
    );
}

/// The counts are those of ours and of theirs, which takes longer.
fn one_way_sizes<const N: usize>(
    measure: &mut Measure<'_>,
    polled: [usize; 2],
    waiting: [usize; 2],
) {
    let name = |what: &str, peer: &str| format!("processes, {N} B one way, {what} ÷ {peer}");
    measure(
        &name("polled, two cores", "iceoryx2 polled"),
        None,
        Box::new(|| ring_one_way::<N>(polled[0])),
        Box::new(|| iceoryx::one_way_polled::<N>(polled[1])),
    );
    let ours = || ring_one_way_waiting::<N>(waiting[0]);
    measure(
        &name("waiting, two cores", "iceoryx2 event"),
        None,
        Box::new(ours),
        Box::new(|| iceoryx::one_way_event::<N>(waiting[1])),
    );
    measure(
        &name("waiting, two cores", "ipc-channel"),
        None,
        Box::new(ours),
        Box::new(|| ipc_channel_one_way(N, waiting[1])),
    );
    measure(
        &name("waiting, two cores", "interprocess"),
        None,
        Box::new(ours),
        Box::new(|| interprocess_one_way(N, waiting[1])),
    );
}

/// Runs `child` in a process of its own while this one runs `parent`, and waits for its end.
pub fn beside(child: impl FnOnce(), parent: impl FnOnce() -> f64) -> f64 {
    // SAFETY: this program has one thread here; the child leaves by `_exit` and never returns from here.
    unsafe {
        let pid = libc::fork();
        assert!(pid >= 0, "no process");
        if pid == 0 {
            libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
            let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(child));
            if done.is_err() {
                // The parent would wait for ever for what does not come.
                libc::kill(libc::getppid(), libc::SIGTERM);
            }
            libc::_exit(i32::from(done.is_err()));
        }
        let result = parent();
        let mut status = 0;
        assert_eq!(libc::waitpid(pid, &raw mut status, 0), pid, "the other process is lost");
        assert_eq!(status, 0, "the other process did not end well");
        result
    }
}

/// One way to a process on the second core. What prepares either side gives what does its part. The receiver
/// tells when it has its end, so that nothing is sent before, and when it has everything: then the clock stops.
pub fn one_way<S: FnMut(), F: FnMut()>(
    count: usize,
    sender: impl FnOnce() -> S,
    receiver: impl FnOnce() -> F,
) -> f64 {
    let (mut told, mut tell) = std::io::pipe().expect("a pipe");
    let child = || {
        pin(1);
        let mut fetch_all = receiver();
        tell.write_all(&[1]).expect("open");
        fetch_all();
        tell.write_all(&[1]).expect("open");
    };
    beside(child, || {
        pin(0);
        told.read_exact(&mut [0]).expect("open");
        let mut send_all = sender();
        each(count, || {
            send_all();
            told.read_exact(&mut [0]).expect("open");
        })
    })
}

fn ring(len: usize) -> impl Fn() -> SharedRing {
    let fd = anonymous(SharedRing::len_bytes(len * HELD)).expect("memory");
    move || SharedRing::new(Mapping::of(&fd).expect("a mapping")).expect("a ring")
}

/// Both arrangements go through this and through [`fetch_all`], so that they are the same machine code.
#[inline(never)]
fn send_all<const N: usize>(producer: &mut Producer<SharedRing>, count: usize) {
    let message = [1; N];
    (0..count).for_each(|_| write_all(producer, black_box(&message)));
}

#[inline(never)]
fn fetch_all<const N: usize>(consumer: &mut Consumer<SharedRing>, count: usize) {
    let mut buffer = [0; N];
    (0..count).for_each(|_| read_all(consumer, &mut buffer));
}

fn ring_one_way<const N: usize>(count: usize) -> f64 {
    let there = ring(N);
    let sender = || {
        let mut producer = Producer::claim(there()).expect("the first");
        move || send_all::<N>(&mut producer, count)
    };
    let receiver = || {
        let mut consumer = Consumer::claim(there()).expect("the first");
        move || fetch_all::<N>(&mut consumer, count)
    };
    one_way(count, sender, receiver)
}

fn ring_one_way_threads<const N: usize>(count: usize) -> f64 {
    let there = ring(N);
    let mut producer = Producer::claim(there()).expect("the first");
    let mut consumer = Consumer::claim(there()).expect("the first");
    std::thread::scope(|scope| {
        let reader = scope.spawn(move || {
            pin(1);
            fetch_all::<N>(&mut consumer, count);
        });
        pin(0);
        each(count, || {
            send_all::<N>(&mut producer, count);
            reader.join().expect("no panic");
        })
    })
}

fn ring_one_way_waiting<const N: usize>(count: usize) -> f64 {
    let there = ring(N);
    let sender = || {
        let producer = Producer::claim(there()).expect("the first");
        let (mut producer, message) = (WaitingProducer::new(producer, Futex), [1; N]);
        move || {
            for _ in 0..count {
                producer.write_all(black_box(&message)).expect("nobody closes");
            }
        }
    };
    let receiver = || {
        let consumer = Consumer::claim(there()).expect("the first");
        let (mut consumer, mut buffer) = (WaitingConsumer::new(consumer, Futex), [0; N]);
        move || (0..count).for_each(|_| read_waiting(&mut consumer, &mut buffer))
    };
    one_way(count, sender, receiver)
}

fn ring_polled<const N: usize>(count: usize) -> f64 {
    let (there, back) = (ring(N), ring(N));
    let child = || {
        pin(1);
        let mut asked = Consumer::claim(there()).expect("the first");
        let mut answer = Producer::claim(back()).expect("the first");
        let mut buffer = [0; N];
        for _ in 0..=count {
            read_all(&mut asked, &mut buffer);
            write_all(&mut answer, &buffer);
        }
        while !answer.is_empty() {
            spin_loop();
        }
    };
    beside(child, || {
        pin(0);
        let mut ask = Producer::claim(there()).expect("the first");
        let mut answered = Consumer::claim(back()).expect("the first");
        let (message, mut buffer) = ([1; N], [0; N]);
        let mut trip = || {
            write_all(&mut ask, black_box(&message));
            read_all(&mut answered, &mut buffer);
        };
        trip();
        each(count, || (0..count).for_each(|_| trip()))
    })
}

fn ring_waiting<const N: usize>(count: usize) -> f64 {
    let (there, back) = (ring(N), ring(N));
    pin(0);
    let ends = |mine: SharedRing, theirs: SharedRing| {
        let producer = Producer::claim(mine).expect("the first");
        let consumer = Consumer::claim(theirs).expect("the first");
        (WaitingProducer::new(producer, Futex), WaitingConsumer::new(consumer, Futex))
    };
    let child = || {
        let (mut answer, mut asked) = ends(back(), there());
        let mut buffer = [0; N];
        for _ in 0..=count {
            read_waiting(&mut asked, &mut buffer);
            answer.write_all(&buffer).expect("nobody closes");
        }
    };
    beside(child, || {
        let (mut ask, mut answered) = ends(there(), back());
        let (message, mut buffer) = ([1; N], [0; N]);
        let mut trip = || {
            ask.write_all(black_box(&message)).expect("nobody closes");
            read_waiting(&mut answered, &mut buffer);
        };
        trip();
        each(count, || (0..count).for_each(|_| trip()))
    })
}

fn ipc_channel(len: usize, count: usize) -> f64 {
    pin(0);
    let (ask, asked) = ipc_channel::ipc::bytes_channel().expect("a channel");
    let (answer, answered) = ipc_channel::ipc::bytes_channel().expect("a channel");
    let child = || {
        for _ in 0..=count {
            let bytes = asked.recv().expect("open");
            answer.send(&bytes).expect("open");
        }
    };
    let message = vec![1; len];
    beside(child, || {
        let trip = || {
            ask.send(black_box(&message)).expect("open");
            black_box(answered.recv()).expect("open");
        };
        trip();
        each(count, || (0..count).for_each(|_| trip()))
    })
}

fn ipc_channel_one_way(len: usize, count: usize) -> f64 {
    let (sender, receiver) = ipc_channel::ipc::bytes_channel().expect("a channel");
    let message = vec![1; len];
    let send = || (0..count).for_each(|_| sender.send(black_box(&message)).expect("open"));
    let fetch = || {
        for _ in 0..count {
            let bytes = receiver.recv().expect("open");
            assert_eq!(black_box(bytes).len(), len, "a message was cut");
        }
    };
    one_way(count, || send, || fetch)
}

fn interprocess(len: usize, count: usize) -> f64 {
    pin(0);
    let (mut ask, mut asked) = interprocess::unnamed_pipe::pipe().expect("a pipe");
    let (mut answer, mut answered) = interprocess::unnamed_pipe::pipe().expect("a pipe");
    let (message, mut mine) = (vec![1; len], vec![0; len]);
    let mut theirs = mine.clone();
    let child = || {
        for _ in 0..=count {
            asked.read_exact(&mut theirs).expect("open");
            answer.write_all(&theirs).expect("open");
        }
    };
    beside(child, || {
        let mut trip = || {
            ask.write_all(black_box(&message)).expect("open");
            answered.read_exact(&mut mine).expect("open");
        };
        trip();
        each(count, || (0..count).for_each(|_| trip()))
    })
}

fn interprocess_one_way(len: usize, count: usize) -> f64 {
    let (mut writer, mut reader) = interprocess::unnamed_pipe::pipe().expect("a pipe");
    let (message, mut buffer) = (vec![1; len], vec![0; len]);
    let send = || (0..count).for_each(|_| writer.write_all(black_box(&message)).expect("open"));
    let fetch = || {
        for _ in 0..count {
            reader.read_exact(&mut buffer).expect("open");
            black_box(&mut buffer);
        }
    };
    one_way(count, || send, || fetch)
}
