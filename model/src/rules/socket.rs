//! Sockets of every family: what they have in common, and what they are not.
//!
//! Not modelled: locks on sockets, lingering of Unix sockets, TCP sockets that are not connected and most
//! of their options.

use crate::call::{Errno, Op, SocketOption};
use crate::channel::Object;
use crate::kind::Discipline;
use crate::rule::Cite::{Man, Posix, Source};
use crate::rule::{Force, Move, Rule, Scene};
use crate::rules::Chapter;

/// The chapter.
pub const CHAPTER: Chapter = Chapter {
    name: "socket",
    title: "Sockets of every family",
    rules: RULES,
    not_on_linux: &[],
    not_in_posix: &[],
    absent: |setup| match setup.kind.discipline {
        Discipline::Unix(..) | Discipline::Tcp => &[
            "descriptor.read.not-for-reading",
            "descriptor.write.not-for-writing",
            "descriptor.any.no-socket",
        ],
        _ => &[],
    },
    overlaps: &[],
    exceptions: &[],
};

const RULES: &[Rule] = &[
    Rule {
        id: "socket.seek.no-offset",
        says: "lseek on a socket fails with ESPIPE.",
        cite: &[Posix("lseek", "ERRORS [ESPIPE]")],
        force: Force::Must,
        step: |at| {
            (is_socket(at)? && matches!(at.op(), Op::Seek { .. }))
                .then_some(Move::fails(Errno::ESPIPE))
        },
    },
    Rule {
        id: "socket.read-at.no-offset",
        says: "pread on a socket fails with ESPIPE.",
        cite: &[Posix("read", "ERRORS [ESPIPE]")],
        force: Force::Must,
        step: |at| {
            (is_socket(at)? && matches!(at.op(), Op::ReadAt { .. }))
                .then_some(Move::fails(Errno::ESPIPE))
        },
    },
    Rule {
        id: "socket.write-at.no-offset",
        says: "pwrite on a socket fails with ESPIPE.",
        cite: &[Posix("write", "ERRORS [ESPIPE]")],
        force: Force::Must,
        step: |at| {
            (is_socket(at)? && matches!(at.op(), Op::WriteAt { .. }))
                .then_some(Move::fails(Errno::ESPIPE))
        },
    },
    Rule {
        id: "socket.truncate.no-file",
        says: "ftruncate of a socket fails with EINVAL.",
        cite: &[Posix("ftruncate", "ERRORS [EINVAL]"), Man("ftruncate(2)", "ERRORS")],
        force: Force::May,
        step: |at| {
            (is_socket(at)? && matches!(at.op(), Op::Truncate { .. }))
                .then_some(Move::fails(Errno::EINVAL))
        },
    },
    Rule {
        id: "socket.capacity.no-pipe",
        says: "F_GETPIPE_SZ on a socket fails with EBADF.",
        cite: &[Source("fs/pipe.c", "pipe_fcntl")],
        force: Force::Silent,
        step: |at| {
            (is_socket(at)? && at.op() == Op::GetCapacity).then_some(Move::fails(Errno::EBADF))
        },
    },
    Rule {
        id: "socket.set-capacity.no-pipe",
        says: "F_SETPIPE_SZ on a socket fails with EBADF.",
        cite: &[Source("fs/pipe.c", "pipe_fcntl")],
        force: Force::Silent,
        step: |at| {
            (is_socket(at)? && matches!(at.op(), Op::SetCapacity { .. }))
                .then_some(Move::fails(Errno::EBADF))
        },
    },
    Rule {
        id: "socket.set-option.read-only",
        says: "SO_ERROR can't be set: setsockopt fails with ENOPROTOOPT.",
        cite: &[Posix("setsockopt", "ERRORS [ENOPROTOOPT]"), Man("socket(7)", "Socket options")],
        force: Force::Must,
        step: |at| {
            is_socket(at)?;
            let sets = matches!(at.op(), Op::SetOption { option: SocketOption::Error, .. });
            sets.then_some(Move::fails(Errno::ENOPROTOOPT))
        },
    },
    Rule {
        id: "socket.any.not-modelled",
        says: "What locks on sockets do, lingering on Unix sockets, and the life of a TCP socket before it is \
               connected with most of its options, is not modelled.",
        cite: &[Man("fcntl(2)", "Open file description locks"), Man("socket(7)", "SO_LINGER")],
        force: Force::Silent,
        step: |at| {
            is_socket(at)?;
            let tcp = matches!(at.object()?, Object::Tcp(_));
            match at.op() {
                Op::Lock { .. } | Op::Flock { .. } => {}
                Op::SetOption { option: SocketOption::Linger, value: ..=0 } if tcp => return None,
                Op::SetOption { option: SocketOption::Linger, .. }
                | Op::GetOption { option: SocketOption::Linger } => {}
                Op::SetOption { option: SocketOption::Error, .. }
                | Op::GetOption { option: SocketOption::Error } => return None,
                Op::SetOption { .. } | Op::GetOption { .. } if tcp => {}
                Op::SendEnd { .. } | Op::ReceiveEnd { .. } if tcp => {}
                Op::Bind | Op::Listen { .. } | Op::Connect | Op::Accept { .. } if tcp => {}
                _ => return None,
            }
            Some(Move::unspecified("what is not modelled of sockets"))
        },
    },
];

/// Whether a socket is behind the end; `None` where not.
fn is_socket(at: &Scene<'_>) -> Option<bool> {
    matches!(at.object()?, Object::Unix(_) | Object::Tcp(_)).then_some(true)
}
