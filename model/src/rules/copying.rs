//! Where calls copy between the caller's buffer and the channel: what they have done before, and under which lock.
//!
//! What has not been copied has not been given, whatever the system; nothing else follows from the standard. Linux copies
//! at a known place of each call: a pipe page by page under its mutex (fs/pipe.c), a file under the lock of its inode
//! (mm/filemap.c), a Unix socket what it has room for, and from it under the lock of its readers (net/unix/af_unix.c), TCP
//! under the lock of the socket (net/ipv4/tcp.c), a queue before and after it is locked (ipc/mqueue.c).
//!
//! It is less than those sources tell: of a file, of a message that is received and of TCP a call in its copy may be
//! followed as if it had not come as far as it has.

use crate::call::{Errno, Mode, Op, OpenFlags, SocketOption};
use crate::channel::Object;
use crate::platform::Platform;
use crate::world::{NAMED, Pending, Place, Progress, World};

/// What a call that copies has done when it comes to its copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Copies {
    /// It moves what it copies.
    Moves,
    /// It has taken the room for what it copies.
    WithRoom,
    /// It has taken a message out of the channel, and is answered.
    Taken,
    /// Nothing that anybody sees, if it does anything at all.
    First,
    /// Whatever it likes.
    Anything,
}

/// Errors that tell what is wrong with a call or its descriptor: found before anything is copied.
pub(crate) const FAILS_FIRST: [Errno; 4] =
    [Errno::EBADF, Errno::EMSGSIZE, Errno::ENOTCONN, Errno::EINVAL];

/// What the call has done when it comes to its copy.
pub(crate) fn copies(platform: &Platform, world: &World, call: &Pending) -> Copies {
    let reads = call.op.asks().is_some();
    if !platform.copying_is_known {
        return if reads { Copies::Anything } else { Copies::First };
    }
    match (call.description.map(|index| world.object(index)), reads) {
        (Some(Object::Queue(_)), true) => Copies::Taken,
        // A message is copied in before anybody looks where it goes.
        (Some(Object::Queue(_)), false) => Copies::First,
        // It goes by what was in the pages of the file when it came to them.
        (Some(Object::File(_)), true) => Copies::Anything,
        // It has taken the message, whose room is free when it is copied.
        (Some(Object::Unix(socket)), true) if !socket.is_stream() => Copies::Anything,
        (Some(Object::Unix(_)), false) => Copies::WithRoom,
        _ => Copies::Moves,
    }
}

/// Whether a call that is stopped in its copy holds a lock that the other needs; of pipes [the rules](Pending::locks) say
/// that. (Linux: mm/filemap.c, fs/namei.c and fs/file.c, the locks of an inode and of an offset; net/unix/af_unix.c, the lock
/// of those who receive; net/ipv4/tcp.c, net/ipv4/af_inet.c and net/core/sock.c, the lock of a socket, which not all options
/// need.)
pub(crate) fn shuts_out(world: &World, stopped: &Pending, call: &Pending) -> bool {
    let here = stopped.description;
    let called = match call.op {
        Op::Unlink => (world.place == Place::Linked).then_some(NAMED),
        _ => world.object_called(call),
    };
    let same = called.is_some() && world.object_called(stopped) == called;
    let (Some(index), true) = (here, same && call.progress == Progress::Open) else { return false };
    let mode = call.description.and_then(|index| world.descriptions[usize::from(index)].mode);
    let reads = mode.is_some_and(Mode::reads)
        && match call.op {
            Op::Read { len } => len > 0,
            Op::Receive { .. } | Op::ReceiveEnd { .. } => true,
            _ => false,
        };
    let writes = mode.is_some_and(Mode::writes)
        && matches!(call.op, Op::Write { .. } | Op::Send { .. } | Op::SendEnd { .. });
    match world.object(index) {
        Object::File(_) => {
            // What is wrong with a call itself is told before.
            let changes = match call.op {
                Op::Write { .. } => writes,
                Op::WriteAt { at, .. } => at >= 0 && mode.is_some_and(Mode::writes),
                Op::Unlink => true,
                Op::Truncate { .. } => mode.is_some_and(Mode::writes),
                Op::Open { flags, .. } => flags.contains(OpenFlags::TRUNCATE),
                _ => false,
            };
            let offset = reads || writes || matches!(call.op, Op::Seek { .. });
            let has_offset = matches!(stopped.op, Op::Read { .. } | Op::Write { .. });
            let shares = has_offset && here == call.description && offset;
            stopped.op.offers().is_some() && changes || shares
        }
        Object::Unix(_) => stopped.op.asks().is_some() && reads,
        Object::Tcp(_) => {
            let connects = matches!(call.op, Op::Bind | Op::Listen { .. } | Op::Connect);
            let sets = matches!(call.op, Op::SetOption { option: SocketOption::Linger, .. });
            let others = matches!(call.op, Op::Available | Op::Shutdown { .. } | Op::Accept { .. });
            reads || writes || connects || sets || others
        }
        _ => false,
    }
}
