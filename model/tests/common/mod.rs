//! Small spaces to explore: pages and PIPE_BUF of two bytes, pipes of two pages.
#![allow(dead_code, reason = "every test file uses a part")]

mod counter;
mod epoll;
pub(crate) mod file;
mod memory;
pub(crate) mod pairs;
pub(crate) mod queue;
pub(crate) mod svg;
mod tcp;
mod unix;

use std::sync::atomic::{AtomicUsize, Ordering};

use pipewright_model::call::{Actor, Call, End, Events, Mode, Op, OpenFlags};
use pipewright_model::explore::Space;
use pipewright_model::kind::{FIFO, Hold, Kind, PIPE};
use pipewright_model::platform::{EXCEPTED, LINUX, POSIX, Platform};
use pipewright_model::run::{Name, Seat, Setup};

pub(crate) const LINUX_SMALL: Platform = LINUX.shrunk(2);
pub(crate) const POSIX_SMALL: Platform = POSIX.shrunk(2);
pub(crate) const EXCEPTED_SMALL: Platform = EXCEPTED.shrunk(2);

/// A space without any calls: each seat is the modes that the actor holds, named `r`, `w`, `rw`.
pub(crate) fn space(kind: &'static Kind, seats: &[&[Mode]]) -> Space {
    let mut setup = Setup::new(kind);
    setup.capacity_bytes = 4;
    let names = ["r", "w", "rw", "w2"];
    Space {
        setup,
        seats: seats
            .iter()
            .enumerate()
            .map(|(index, modes)| {
                Seat::new(
                    Name::new(&format!("a{index}")).unwrap(),
                    modes.iter().map(|mode| (end(*mode), Hold::of(*mode))).collect(),
                )
            })
            .collect(),
        end_names: names.iter().map(|name| Name::new(name).unwrap()).collect(),
        alphabet: Vec::new(),
        fill_bytes: 4,
        lasting_bytes: None,
    }
}

/// The end that an actor holds in a mode.
pub(crate) fn end(mode: Mode) -> End {
    End(match mode {
        Mode::Read => 0,
        Mode::Write => 1,
        Mode::ReadWrite => 2,
    })
}

pub(crate) const R: End = End(0);
pub(crate) const W: End = End(1);
pub(crate) const RW: End = End(2);
pub(crate) const X: End = End(3);

impl Add for Space {
    fn calls_of(mut self, actor: u8, on: End, ops: &[Op]) -> Space {
        let call = |op: &Op| Call { actor: Actor(actor), end: on, op: *op };
        self.alphabet.extend(ops.iter().map(call));
        self
    }
}

/// Adding calls to a space's alphabet.
pub(crate) trait Add {
    fn calls_of(self, actor: u8, on: End, ops: &[Op]) -> Space;
}

pub(crate) fn read(len: u32) -> Op {
    Op::Read { len }
}

pub(crate) fn write(len: u32) -> Op {
    Op::Write { len }
}

pub(crate) fn open(mode: Mode, nonblock: bool) -> Op {
    let flags = if nonblock { OpenFlags::NONBLOCK } else { OpenFlags::NONE };
    Op::Open { mode, flags }
}

pub(crate) fn poll(events: Events, wait: bool) -> Op {
    Op::Poll { events, wait, among: false }
}

/// One writer and one reader on a pipe, with every call but those on capacity.
pub(crate) fn pipe_pair() -> Space {
    let nb = [Op::SetNonblock(true), Op::SetNonblock(false)];
    space(&PIPE, &[&[Mode::Write], &[Mode::Read]])
        .calls_of(0, W, &[write(0), write(1), write(3), read(1), Op::Close])
        .calls_of(0, W, &nb)
        .calls_of(0, W, &[poll(Events::OUT, false), poll(Events::OUT, true), Op::POSITION])
        .calls_of(1, R, &[read(0), read(1), read(9), write(0), Op::Close])
        .calls_of(1, R, &nb)
        .calls_of(
            1,
            R,
            &[poll(Events::IN, false), poll(Events::IN, true), poll(Events::NONE, true)],
        )
}

/// The calls that only Linux has, and the oddities of descriptors.
pub(crate) fn pipe_oddities() -> Space {
    space(&PIPE, &[&[Mode::Write], &[Mode::Read]])
        .calls_of(0, W, &[write(1), write(5), Op::Available, Op::Dup { new: X }, Op::Close])
        .calls_of(
            0,
            W,
            &[Op::ReadAt { len: 1, at: 0 }, Op::WriteAt { len: 1, at: 0 }, Op::SetNonblock(true)],
        )
        .calls_of(0, X, &[Op::Close, Op::Truncate { len: 0 }])
        .calls_of(1, R, &[read(1), Op::GetCapacity, Op::Close, Op::SetNonblock(true)])
        .calls_of(1, R, &[2, 4, 16, u32::MAX].map(|bytes| Op::SetCapacity { bytes }))
}

/// Reading and writing at offsets, where there are none.
pub(crate) fn pipe_offsets() -> Space {
    let at = |at| [Op::ReadAt { len: 1, at }, Op::WriteAt { len: 1, at }];
    space(&PIPE, &[&[Mode::Write, Mode::Read]])
        .calls_of(0, W, &at(0))
        .calls_of(0, W, &at(-1))
        .calls_of(0, R, &at(-1))
        .calls_of(0, X, &at(-1))
}

/// A user who holds too many pages.
pub(crate) fn pipe_crowded() -> Space {
    let mut space = space(&PIPE, &[&[Mode::Write, Mode::Read]])
        .calls_of(0, W, &[write(1), write(3), Op::SetNonblock(true)])
        .calls_of(0, R, &[read(1), read(3), Op::GetCapacity])
        .calls_of(0, R, &[2, 4, 8, 16].map(|bytes| Op::SetCapacity { bytes }));
    space.setup.crowded = true;
    space
}

/// Packet mode.
pub(crate) fn pipe_packets() -> Space {
    let mut space = space(&PIPE, &[&[Mode::Write], &[Mode::Read]])
        .calls_of(0, W, &[write(1), write(3), Op::Close])
        .calls_of(1, R, &[read(1), read(2), read(3), Op::Close]);
    space.setup.packet = true;
    space
}

/// Two writers, one of which writes more than PIPE_BUF, and a reader.
pub(crate) fn pipe_two_writers() -> Space {
    space(&PIPE, &[&[Mode::Write], &[Mode::Write], &[Mode::Read]])
        .calls_of(0, W, &[write(3), Op::Close])
        .calls_of(1, W, &[write(2)])
        .calls_of(2, R, &[read(3), Op::Close])
}

/// Two writers that share one open file description, one of which makes it non-blocking.
pub(crate) fn pipe_two_writers_nonblocking() -> Space {
    space(&PIPE, &[&[Mode::Write], &[Mode::Write], &[Mode::Read]])
        .calls_of(0, W, &[write(5)])
        .calls_of(1, W, &[Op::SetNonblock(true), Op::SetNonblock(false)])
        .calls_of(2, R, &[read(2)])
}

/// A writer and two readers, which in POSIX share the bytes in any way: few are there at a time.
pub(crate) fn pipe_two_readers() -> Space {
    let space = space(&PIPE, &[&[Mode::Write], &[Mode::Read], &[Mode::Read]])
        .calls_of(0, W, &[write(1), write(3), Op::Close])
        .calls_of(1, R, &[read(1), read(3), Op::Close])
        .calls_of(2, R, &[read(2), Op::SetNonblock(true), Op::SetNonblock(false)]);
    Space { fill_bytes: 1, ..space }
}

/// Opening a FIFO from both sides, blocking and not, and removing its path.
pub(crate) fn fifo_opening() -> Space {
    space(&FIFO, &[&[], &[]])
        .calls_of(0, R, &[open(Mode::Read, false), open(Mode::Read, true), read(1), Op::Close])
        .calls_of(0, R, &[poll(Events::IN, false), poll(Events::IN, true)])
        .calls_of(1, W, &[open(Mode::Write, false), open(Mode::Write, true), write(1), Op::Close])
        .calls_of(1, RW, &[open(Mode::ReadWrite, false), write(1), Op::Close])
        .calls_of(1, W, &[Op::Unlink])
}

/// A FIFO open for both, beside transfers of several pages.
pub(crate) fn fifo_both() -> Space {
    let both = Events(Events::IN.0 | Events::OUT.0);
    let space = space(&FIFO, &[&[Mode::ReadWrite], &[Mode::Write, Mode::Read]])
        .calls_of(0, RW, &[poll(both, false), poll(both, true), write(1), read(9)])
        .calls_of(1, W, &[write(3), write(5)])
        .calls_of(1, R, &[read(1), read(9)]);
    // In POSIX reads at the same time share the bytes one by one.
    Space { fill_bytes: 2, ..space }
}

/// Opening a FIFO beside transfers of several pages, which hold its lock where somebody polls.
pub(crate) fn fifo_opening_beside() -> Space {
    space(&FIFO, &[&[Mode::ReadWrite], &[], &[Mode::Read]])
        .calls_of(0, RW, &[write(3), read(3)])
        .calls_of(1, R, &[open(Mode::Read, true), open(Mode::Read, false), Op::Close])
        .calls_of(2, R, &[poll(Events::IN, false)])
}

/// Opening a FIFO by three.
pub(crate) fn fifo_three() -> Space {
    space(&FIFO, &[&[], &[], &[]])
        .calls_of(0, R, &[open(Mode::Read, false), Op::Close])
        .calls_of(1, W, &[open(Mode::Write, false), open(Mode::Write, true), Op::Close])
        .calls_of(2, R, &[open(Mode::Read, true), open(Mode::Read, false), Op::Close])
}

/// A space with its name, and how many states it has on Linux and in POSIX.
pub(crate) struct Pinned {
    pub(crate) name: &'static str,
    pub(crate) space: Space,
    pub(crate) linux_states: usize,
    pub(crate) posix_states: usize,
}

fn pinned(name: &'static str, space: Space, linux_states: usize, posix_states: usize) -> Pinned {
    Pinned { name, space, linux_states, posix_states }
}

/// All of them.
pub(crate) fn spaces() -> Vec<Pinned> {
    let mut all = vec![
        pinned("pipe pair", pipe_pair(), 34_383, 41_088),
        pinned("pipe oddities", pipe_oddities(), 141_103, 72_925),
        pinned("pipe offsets", pipe_offsets(), 17, 20),
        pinned("pipe crowded", pipe_crowded(), 1_344, 242),
        pinned("pipe packets", pipe_packets(), 1_240, 0),
        pinned("pipe two writers", pipe_two_writers(), 7_337, 21_014),
        pinned("pipe two writers, non-blocking", pipe_two_writers_nonblocking(), 784, 3_450),
        pinned("pipe two readers", pipe_two_readers(), 5_598, 16_986),
        pinned("fifo opening", fifo_opening(), 212_695, 30_326),
        pinned("fifo both", fifo_both(), 1_789, 71_886),
        pinned("fifo opening beside", fifo_opening_beside(), 1_040, 1_200),
        pinned("fifo three", fifo_three(), 4_363, 5_472),
    ];
    all.extend(pairs::spaces());
    all.extend(queue::spaces());
    all.extend(counter::spaces());
    all.extend(epoll::spaces());
    all.extend(file::spaces());
    all.extend(memory::spaces());
    let sockets = unix::spaces().into_iter();
    all.extend(sockets.map(|(name, space, linux, posix)| pinned(name, space, linux, posix)));
    all.extend(tcp::spaces());
    all
}

/// Does something with each, on as many threads as there are processors. Which thread takes which is left to
/// chance; the first panic is passed on.
pub(crate) fn in_parallel<T: Sync>(all: &[T], work: impl Fn(&T) + Sync) {
    let next = AtomicUsize::new(0);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(item) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
                    work(item);
                }
            });
        }
    });
}
