//! Small spaces of files and locks. Names are not renumbered there: writes end after a few bytes.

use pipewright_model::call::{Events, Lock, Mode, Op, OpenFlags, Whence};
use pipewright_model::explore::Space;
use pipewright_model::kind::{FILE, FLOCKED_FILE, INHERITED_FILE, Kind, LOCKED_FILE};

use super::{Add, Pinned, R, RW, W, X, pinned, poll, read, space, write};

/// A space whose actors each write up to `bytes` bytes, about.
fn lasting(kind: &'static Kind, seats: &[&[Mode]], bytes: i64) -> Space {
    let mut space = space(kind, seats);
    space.setup.capacity_bytes = 0;
    space.fill_bytes = u32::MAX;
    space.lasting_bytes = Some(bytes);
    space
}

fn read_at(len: u32, at: i32) -> Op {
    Op::ReadAt { len, at }
}

fn write_at(len: u32, at: i32) -> Op {
    Op::WriteAt { len, at }
}

fn open(mode: Mode, flags: OpenFlags) -> Op {
    Op::Open { mode, flags }
}

fn seek(from: Whence, offset: i32) -> Op {
    Op::Seek { from, offset }
}

fn lock(lock: Lock, wait: bool) -> Op {
    Op::Lock { lock, wait }
}

fn flock(lock: Lock, wait: bool) -> Op {
    Op::Flock { lock, wait }
}

/// One who writes over what is there, beside one who reads it.
fn torn() -> Space {
    lasting(&FILE, &[&[Mode::Write], &[Mode::Read]], 4)
        .calls_of(0, W, &[write(2), write_at(2, 0), Op::Truncate { len: 1 }])
        .calls_of(1, R, &[read(2), read_at(3, 0), Op::Available, seek(Whence::End, 0)])
}

/// One who makes the file longer, in more parts than are tried whole, beside one who reads its head and
/// then looks how far it has got.
fn growing() -> Space {
    lasting(&FILE, &[&[Mode::Write], &[Mode::Read]], 60).calls_of(0, W, &[write(12)]).calls_of(
        1,
        R,
        &[read(1), Op::Available, seek(Whence::End, 0)],
    )
}

/// Two who share offsets, and one who has its own.
fn shared() -> Space {
    lasting(&INHERITED_FILE, &[&[Mode::ReadWrite], &[Mode::ReadWrite], &[Mode::Write]], 2)
        .calls_of(0, RW, &[write(2), read(2), seek(Whence::Start, 0)])
        .calls_of(1, RW, &[read(1), seek(Whence::Start, 0)])
        .calls_of(2, W, &[write_at(2, 1)])
}

/// All that one can do with offsets and sizes.
fn alone() -> Space {
    let w = [write(0), write(2), write_at(0, 0), write_at(1, 3), write_at(1, 0), write_at(1, -1)];
    lasting(&FILE, &[&[Mode::ReadWrite]], 2)
        .calls_of(0, RW, &w)
        .calls_of(0, RW, &[read(0), read(2), read_at(0, 0), read_at(2, 1), read_at(1, -1)])
        .calls_of(0, RW, &[seek(Whence::Start, 0), seek(Whence::End, 1), seek(Whence::Current, -1)])
        .calls_of(0, RW, &[Op::Truncate { len: 0 }, Op::Truncate { len: 3 }, Op::Available])
        .calls_of(0, RW, &[Op::SetNonblock(true), Op::Close])
}

/// Opening by path with all flags, removing the path, and what files have not.
fn opening() -> Space {
    let truncate = OpenFlags::TRUNCATE;
    let both = Events(Events::IN.0 | Events::OUT.0);
    lasting(&FILE, &[&[Mode::Read], &[]], 1)
        .calls_of(0, R, &[read(2), read_at(1, 0), poll(both, true), poll(Events::IN, false)])
        .calls_of(0, R, &[write(1), write_at(1, 0), Op::Truncate { len: 0 }, Op::GetCapacity])
        .calls_of(0, R, &[Op::Shutdown { how: Mode::Read }])
        .calls_of(1, R, &[open(Mode::Read, truncate), Op::Close, Op::Unlink])
        .calls_of(1, W, &[open(Mode::Write, OpenFlags::APPEND), open(Mode::Write, truncate)])
        .calls_of(1, W, &[open(Mode::Write, OpenFlags::NONE), write(1), Op::Close])
        .calls_of(1, W, &[read_at(1, 0), Op::SetCapacity { bytes: 2 }])
}

/// Two who append, and one who says where.
fn appending() -> Space {
    let mut space = lasting(&FILE, &[&[Mode::Write], &[Mode::Write], &[Mode::Read]], 2)
        .calls_of(0, W, &[write(2), write_at(1, 0)])
        .calls_of(1, W, &[write(1)])
        .calls_of(2, R, &[read(4)]);
    space.setup.append = true;
    space
}

/// Locks of open file descriptions.
fn locks() -> Space {
    let all = [lock(Lock::Shared, true), lock(Lock::Exclusive, true), lock(Lock::None, false)];
    let now = [lock(Lock::Shared, false), lock(Lock::Exclusive, false)];
    lasting(&LOCKED_FILE, &[&[Mode::ReadWrite], &[Mode::ReadWrite], &[Mode::Read, Mode::Write]], 0)
        .calls_of(0, RW, &all)
        .calls_of(0, RW, &[Op::Dup { new: X }, Op::Close])
        .calls_of(0, X, &[lock(Lock::Shared, false), Op::Close])
        .calls_of(1, RW, &all)
        .calls_of(1, RW, &now)
        .calls_of(2, R, &now)
        .calls_of(2, W, &[lock(Lock::Exclusive, true), lock(Lock::Shared, false), Op::Close])
}

/// Locks of flock, beside the others.
fn flocks() -> Space {
    let all = [flock(Lock::Shared, true), flock(Lock::Exclusive, true), flock(Lock::None, false)];
    let now = [flock(Lock::Shared, false), flock(Lock::Exclusive, false)];
    lasting(&FLOCKED_FILE, &[&[Mode::ReadWrite], &[Mode::ReadWrite], &[Mode::Read]], 0)
        .calls_of(0, RW, &all)
        .calls_of(0, RW, &[lock(Lock::Exclusive, false), Op::Dup { new: X }, Op::Close])
        .calls_of(0, X, &[flock(Lock::Shared, false), Op::Close])
        .calls_of(1, RW, &all)
        .calls_of(1, RW, &now)
        .calls_of(2, R, &[flock(Lock::Exclusive, true), flock(Lock::None, true)])
}

/// All of them.
pub(crate) fn spaces() -> Vec<Pinned> {
    vec![
        pinned("file torn", torn(), 14_419, 1_111),
        pinned("file growing", growing(), 63_737, 2_066),
        pinned("file shared", shared(), 1_805, 669),
        pinned("file alone", alone(), 14_354, 13_898),
        pinned("file opening", opening(), 40_728, 7_708),
        pinned("file appending", appending(), 6_229, 811),
        pinned("locks", locks(), 59_496, 68_964),
        pinned("flocks", flocks(), 20_326, 1_674),
    ]
}
