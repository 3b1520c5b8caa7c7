//! Against what the machine itself takes: raw calls, cache lines, a bare futex, a lock of `std`.

use std::hint::{black_box, spin_loop};
use std::os::fd::AsRawFd;
use std::path::Path;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex};

use pipewright_backends::memory::cell::WordCell;
use pipewright_backends::memory::futex::Futex;
use pipewright_backends::memory::guarded::GuardedCell;
use pipewright_backends::memory::line::Line;
use pipewright_backends::memory::waiting::Waiter;
use pipewright_backends::{Channel, Pipe};
use pipewright_model::call::{End, Op};
use pipewright_model::kind::Hold;
use pipewright_model::run::{Name, Seat};

use super::{Side, each, pin};
use crate::threads;

type Measure<'a> = dyn FnMut(&str, Option<(f64, f64)>, Side<'_>, Side<'_>) + 'a;

pub fn measure(measure: &mut Measure<'_>) {
    measure(
        "pipe through a port, 64 B write and read ÷ raw calls",
        Some((1.10, 1.03)),
        Box::new(port),
        Box::new(raw),
    );
    measure(
        "a polled word, there and back, two cores ÷ two cache lines",
        Some((2.2, 1.7)),
        Box::new(|| words(1_000_000)),
        Box::new(|| lines(1_000_000)),
    );
    measure(
        "waiting ring, 64 B there and back, same core ÷ futex",
        Some((1.15, 1.05)),
        Box::new(|| threads::waiting::<64>(20_000, 0, 0)),
        Box::new(|| futexes(20_000)),
    );
    measure(
        "waiting ring that spins first, 64 B there and back, two cores ÷ polled ring",
        Some((1.15, 1.02)),
        Box::new(|| threads::waiting::<64>(400_000, 1, 100_000)),
        Box::new(|| threads::polled_round_trip::<64>(400_000)),
    );
    measure(
        "guarded variable set, nobody waits ÷ Mutex + Condvar that notifies",
        Some((0.25, 0.10)),
        Box::new(guarded),
        Box::new(notifying),
    );
}

const CALLS: usize = 120_000;

fn port() -> f64 {
    pin(0);
    let ends = [(End(0), Hold::READ), (End(1), Hold::WRITE)];
    let name = Name::new("one").expect("a name");
    let seat = Seat::new(name, ends.to_vec());
    let mut made = Pipe::PLAIN.create(Path::new("/nonexistent"), &[seat]).expect("a pipe");
    let port = &mut made.ports[0];
    let mut bytes = [1; 64];
    each(CALLS, || {
        for _ in 0..CALLS {
            black_box(port.call(End(1), Op::Write { len: 64 }, &mut bytes));
            black_box(port.call(End(0), Op::Read { len: 64 }, &mut bytes));
        }
    })
}

fn raw() -> f64 {
    pin(0);
    let (read, write) = std::io::pipe().expect("a pipe");
    let mut bytes = [1_u8; 64];
    each(CALLS, || {
        for _ in 0..CALLS {
            // SAFETY: the buffer has 64 bytes, and the descriptors are open.
            unsafe {
                black_box(libc::write(write.as_raw_fd(), bytes.as_ptr().cast(), 64));
                black_box(libc::read(read.as_raw_fd(), bytes.as_mut_ptr().cast(), 64));
            }
        }
    })
}

/// Two threads take turns; `mine` and `yours` say whose.
fn turns(count: u64, said: impl Fn(usize) -> u64 + Sync, say: impl Fn(usize, u64) + Sync) -> f64 {
    std::thread::scope(|scope| {
        scope.spawn(|| {
            pin(1);
            for value in 1..=count {
                while said(0) != value {
                    spin_loop();
                }
                say(1, value);
            }
        });
        pin(0);
        each(count as usize, || {
            for value in 1..=count {
                say(0, value);
                while said(1) != value {
                    spin_loop();
                }
            }
        })
    })
}

fn words(count: u64) -> f64 {
    let words = [WordCell::new(0), WordCell::new(0)];
    turns(count, |at| words[at].load(), |at, value| words[at].store(value))
}

fn lines(count: u64) -> f64 {
    let lines = [Line::new(AtomicU64::new(0)), Line::new(AtomicU64::new(0))];
    turns(
        count,
        |at| lines[at].load(Ordering::Acquire),
        |at, value| lines[at].store(value, Ordering::Release),
    )
}

/// A bare futex on which two threads of one core take turns.
fn futexes(count: usize) -> f64 {
    let words = [Line::new(AtomicU32::new(0)), Line::new(AtomicU32::new(0))];
    let wait = |at: usize, last: u32| {
        while words[at].load(Ordering::Acquire) == last {
            Futex.wait(&words[at], last);
        }
    };
    let wake = |at: usize, value: u32| {
        words[at].store(value, Ordering::Release);
        Futex.wake(&words[at]);
    };
    std::thread::scope(|scope| {
        scope.spawn(|| {
            pin(0);
            for value in 1..=count as u32 {
                wait(0, value - 1);
                wake(1, value);
            }
        });
        pin(0);
        each(count, || {
            for value in 1..=count as u32 {
                wake(0, value);
                wait(1, value - 1);
            }
        })
    })
}

const SETS: usize = 400_000;

fn guarded() -> f64 {
    pin(0);
    let cell = GuardedCell::new([0_u64; 8]);
    each(SETS, || {
        for value in 0..SETS as u64 {
            black_box(cell.set([value; 8]));
        }
    })
}

fn notifying() -> f64 {
    pin(0);
    let (lock, changed) = (Mutex::new([0_u64; 8]), Condvar::new());
    each(SETS, || {
        for value in 0..SETS as u64 {
            *black_box(&lock).lock().expect("no panic") = [value; 8];
            // What `std` does when it is told of nobody: a call of the kernel each time.
            changed.notify_all();
        }
    })
}
