//! What comes from outside of a channel: signals, limits, permissions, space, devices, names and routes.
//!
//! Such a cause is no behaviour of the channel, so no rule can say when it occurs. A reply that names one leaves what
//! follows unspecified, where no rule of the channel gives that reply and the call can have it from outside, by
//! POSIX or by Linux. What tells of the channel itself (`EAGAIN`, `EPIPE`, `EINVAL`, `EBADF`) comes from outside only
//! where the call has it for another reason, as `EAGAIN` of `fork`. And a cause from outside reaches a call only where it can get so far: where the system checks in a known
//! order, neither a call on a bad descriptor, nor one that moves nothing, nor, by a signal, one that does not wait.

use crate::call::{Actor, Answer, Errno, Marks, Mode, Op, OpenFlags, SendFlags};
use crate::channel::Object;
use crate::channel::tcp::Phase;
use crate::kind::{Discipline, Kind, Naming, SocketType};
use crate::platform::Platform;
use crate::rule::Cite::{self, Man, Posix, Source};
use crate::rules::checks::order;
use crate::taxonomy::Waiting;
use crate::world::{Pending, World};

/// A cause outside of the channel.
#[derive(Debug)]
pub struct Cause {
    /// Its id, as of a rule; no rule has it.
    pub id: &'static str,
    /// What it is about, in a sentence.
    pub says: &'static str,
    /// Where it comes from.
    pub cite: &'static [Cite],
    /// The errors that tell of it.
    pub errnos: &'static [Errno],
    /// Why what follows is unspecified: lower case, no full stop.
    pub because: &'static str,
    /// Whether this call on a channel of this kind can fail by it.
    reaches: fn(&Kind, &Op) -> bool,
    /// Whether this answer, which is no error, tells of it where the call can meet it.
    succeeds: fn(&Op, &Answer) -> bool,
}

/// No success tells of the cause.
const NEVER: fn(&Op, &Answer) -> bool = |_, _| false;

/// All causes.
pub const CAUSES: &[Cause] = &[
    Cause {
        id: "outside.any.signal",
        says: "A caught signal may interrupt a call that can wait, which then fails with EINTR or \
               returns the number of bytes transferred so far.",
        cite: &[
            Posix("read", "ERRORS [EINTR]"),
            Posix("write", "DESCRIPTION"),
            Posix("open", "ERRORS [EINTR]"),
            Posix("close", "ERRORS [EINTR]"),
            Posix("connect", "ERRORS [EINTR]"),
            Posix("fcntl", "ERRORS [EINTR]"),
            Posix("poll", "ERRORS [EINTR]"),
            Man("epoll_wait(2)", "ERRORS"),
            Man("futex(2)", "ERRORS"),
            Man(
                "signal(7)",
                "Interruption of system calls and library functions by signal handlers",
            ),
        ],
        errnos: &[Errno::EINTR],
        because: "a signal interrupted the call",
        reaches: |kind, op| {
            if !kind.has_descriptors() {
                return is_waiting_ring(kind) && moves_data(op);
            }
            moves_data(op)
                || matches!(op, Op::Open { .. } | Op::Close | Op::Dup { .. } | Op::Truncate { .. })
                || matches!(op, Op::Dup2 { .. } | Op::EpollWait { wait: true, .. })
                || matches!(op, Op::Poll { .. } | Op::Connect | Op::Accept { .. })
                || matches!(op, Op::Lock { wait: true, .. } | Op::Flock { wait: true, .. })
                || matches!(op, Op::ProcessLock { wait: true, .. } | Op::Wait { .. })
        },
        succeeds: NEVER,
    },
    Cause {
        id: "outside.any.descriptors",
        says: "A call that creates a descriptor fails with EMFILE at the process's limit and with \
               ENFILE at the system's.",
        cite: &[
            Posix("open", "ERRORS [EMFILE]"),
            Posix("dup", "ERRORS [EMFILE]"),
            Posix("socket", "ERRORS [EMFILE]"),
            Posix("accept", "ERRORS [ENFILE]"),
            Man("epoll_create(2)", "ERRORS"),
        ],
        errnos: &[Errno::EMFILE, Errno::ENFILE],
        because: "a limit on descriptors was reached",
        reaches: |_, op| {
            matches!(op, Op::Open { .. } | Op::Dup { .. } | Op::Socket { .. } | Op::Accept { .. })
                || matches!(op, Op::Dup2 { .. } | Op::Epoll)
        },
        succeeds: NEVER,
    },
    Cause {
        id: "outside.dup2.descriptors",
        says: "A dup2 fails with EBADF if the number exceeds the process's limit, and on Linux \
               with EBUSY during another thread's open.",
        cite: &[Posix("dup", "ERRORS [EBADF]"), Source("fs/file.c", "ksys_dup3")],
        errnos: &[Errno::EBADF, Errno::EBUSY],
        because: "the process may not have that descriptor",
        reaches: |_, op| matches!(op, Op::Dup2 { .. }),
        succeeds: NEVER,
    },
    Cause {
        id: "outside.receive-end.descriptors",
        says: "A received descriptor is discarded, with MSG_CTRUNC set, if the receiving process \
               is at its descriptor limit.",
        cite: &[Posix("recvmsg", "MSG_CTRUNC"), Source("net/core/scm.c", "scm_detach_fds")],
        errnos: &[],
        because: "a limit on descriptors was reached",
        reaches: |_, op| matches!(op, Op::ReceiveEnd { .. }),
        succeeds: |_, answer| matches!(answer, Answer::Marked(_, marks) if marks.contains(Marks::END_LOST)),
    },
    Cause {
        id: "outside.any.memory",
        says: "A call for which the system lacks memory fails with ENOMEM or ENOBUFS.",
        cite: &[
            Posix("read", "ERRORS [ENOMEM]"),
            Posix("write", "ERRORS [ENOBUFS]"),
            Posix("send", "ERRORS [ENOBUFS]"),
            Posix("socket", "ERRORS [ENOBUFS]"),
            Posix("fork", "ERRORS [ENOMEM]"),
            Posix("exec", "ERRORS [ENOMEM]"),
            Man("open(2)", "ERRORS"),
            Man("poll(2)", "ERRORS"),
            Man("epoll_create(2)", "ERRORS"),
            Man("epoll_ctl(2)", "ERRORS"),
            Source("fs/pipe.c", "anon_pipe_write"),
            Source("fs/file.c", "expand_fdtable"),
        ],
        errnos: &[Errno::ENOMEM, Errno::ENOBUFS],
        because: "the system lacked memory",
        reaches: |kind, op| {
            moves_data(op)
                || matches!(op, Op::Open { .. } | Op::Poll { .. } | Op::SetCapacity { .. })
                || matches!(op, Op::Unlink) && has_path(kind)
                || matches!(op, Op::Socket { .. } | Op::Bind | Op::Listen { .. } | Op::Connect)
                || matches!(op, Op::Accept { .. } | Op::Shutdown { .. })
                || matches!(op, Op::SetOption { .. } | Op::GetOption { .. })
                || matches!(op, Op::Epoll | Op::EpollAdd { .. } | Op::EpollModify { .. })
                || matches!(op, Op::Fork { .. } | Op::Exec | Op::Dup2 { .. })
        },
        succeeds: NEVER,
    },
    Cause {
        id: "outside.poll.memory",
        says: "A poll fails with EAGAIN if the system temporarily cannot allocate what it needs.",
        cite: &[Posix("poll", "ERRORS [EAGAIN]")],
        errnos: &[Errno::EAGAIN],
        because: "the system lacked memory",
        reaches: |_, op| matches!(op, Op::Poll { .. }),
        succeeds: NEVER,
    },
    Cause {
        id: "outside.epoll-add.watches",
        says: "An epoll_ctl fails with ENOSPC if the user has registered as many descriptors as \
               max_user_watches allows.",
        cite: &[Man("epoll_ctl(2)", "ERRORS"), Man("epoll(7)", "/proc interfaces")],
        errnos: &[Errno::ENOSPC],
        because: "a limit on registrations was reached",
        reaches: |_, op| matches!(op, Op::EpollAdd { .. }),
        succeeds: NEVER,
    },
    Cause {
        id: "outside.fork.processes",
        says: "A fork fails with EAGAIN at the user's or the system's limit on processes.",
        cite: &[Posix("fork", "ERRORS [EAGAIN]")],
        errnos: &[Errno::EAGAIN],
        because: "a limit on processes was reached",
        reaches: |_, op| matches!(op, Op::Fork { .. }),
        succeeds: NEVER,
    },
    Cause {
        id: "outside.exec.program",
        says: "An exec fails if its program is missing, forbidden, malformed or being written, or \
               if its arguments are too long.",
        cite: &[
            Posix("exec", "ERRORS [ENOENT]"),
            Posix("exec", "ERRORS [EACCES]"),
            Posix("exec", "ERRORS [E2BIG]"),
            Source("fs/exec.c", "do_open_execat"),
        ],
        errnos: &[
            Errno::ENOENT,
            Errno::EACCES,
            Errno::EPERM,
            Errno::E2BIG,
            ENOEXEC,
            Errno::ENOTDIR,
            Errno::ELOOP,
            Errno::ENAMETOOLONG,
            Errno::ETXTBSY,
            Errno::EAGAIN,
            Errno::EIO,
            Errno::EISDIR,
            Errno::EMFILE,
            Errno::ENFILE,
        ],
        because: "the program can't be executed",
        reaches: |_, op| matches!(op, Op::Exec),
        succeeds: NEVER,
    },
    Cause {
        id: "outside.signal.permission",
        says: "A kill fails with EPERM if the caller may not signal the target process.",
        cite: &[Posix("kill", "ERRORS [EPERM]")],
        errnos: &[Errno::EPERM],
        because: "a permission was missing",
        reaches: |_, op| matches!(op, Op::Signal { .. }),
        succeeds: NEVER,
    },
    Cause {
        id: "outside.set-capacity.user-pages",
        says: "F_SETPIPE_SZ that would grow a pipe fails with EPERM if an unprivileged user would \
               exceed pipe-user-pages-soft or pipe-user-pages-hard.",
        cite: &[Man("pipe(7)", "/proc files"), Source("fs/pipe.c", "pipe_set_size")],
        errnos: &[Errno::EPERM],
        because: "the user holds too many pages of pipes",
        reaches: |_, op| matches!(op, Op::SetCapacity { .. }),
        succeeds: NEVER,
    },
    Cause {
        id: "outside.any.locks",
        says: "A lock request fails with ENOLCK at the system's limit on locks.",
        cite: &[Posix("fcntl", "ERRORS [ENOLCK]"), Man("flock(2)", "ERRORS")],
        errnos: &[Errno::ENOLCK],
        because: "a limit on locks was reached",
        reaches: |_, op| matches!(op, Op::Lock { .. } | Op::ProcessLock { .. } | Op::Flock { .. }),
        succeeds: NEVER,
    },
    Cause {
        id: "outside.process-lock.cycle",
        says: "F_SETLKW fails with EDEADLK if locks of several files complete a cycle of waiting \
               processes.",
        cite: &[Posix("fcntl", "ERRORS [EDEADLK]")],
        errnos: &[Errno::EDEADLK],
        because: "locks of other files close a cycle",
        reaches: |_, op| matches!(op, Op::ProcessLock { wait: true, .. }),
        succeeds: NEVER,
    },
    Cause {
        id: "outside.any.space",
        says: "A write, close or bind that needs space fails with ENOSPC or EDQUOT if none is \
               left, but a write transfers the part that fits.",
        cite: &[
            Posix("write", "DESCRIPTION"),
            Posix("write", "ERRORS [ENOSPC]"),
            Man("write(2)", "ERRORS"),
            Source("net/unix/af_unix.c", "unix_bind_bsd"),
            Source("fs/nfs/file.c", "nfs_file_flush"),
        ],
        errnos: &[Errno::ENOSPC, Errno::EDQUOT],
        because: "no space was left",
        reaches: |kind, op| {
            is_file(kind) && matches!(op, Op::Write { .. } | Op::WriteAt { .. } | Op::Close)
                || has_path(kind) && matches!(op, Op::Bind)
        },
        succeeds: in_part,
    },
    Cause {
        id: "outside.any.file-size",
        says: "A write or ftruncate beyond the limit on file size fails with EFBIG, but a write \
               that begins below it transfers the part that fits.",
        cite: &[Posix("write", "ERRORS [EFBIG]"), Posix("ftruncate", "ERRORS [EFBIG]")],
        errnos: &[Errno::EFBIG],
        because: "a limit on the size of files was reached",
        reaches: |kind, op| {
            is_file(kind)
                && matches!(op, Op::Write { .. } | Op::WriteAt { .. } | Op::Truncate { .. })
        },
        succeeds: NEVER,
    },
    Cause {
        id: "outside.any.permission",
        says: "A call on a name fails with EACCES, EPERM or EROFS if permissions, a security \
               module, a firewall or the mount forbid it.",
        cite: &[
            Posix("open", "ERRORS [EACCES]"),
            Posix("unlink", "ERRORS [EPERM]"),
            Posix("bind", "ERRORS [EACCES]"),
            Posix("socket", "ERRORS [EACCES]"),
            Man("connect(2)", "ERRORS"),
            Man("accept(2)", "ERRORS"),
        ],
        errnos: &[Errno::EACCES, Errno::EPERM, Errno::EROFS],
        because: "a permission was missing",
        reaches: |kind, op| {
            by_name(kind, op) || matches!(op, Op::Socket { .. } | Op::Accept { .. })
        },
        succeeds: NEVER,
    },
    Cause {
        id: "outside.any.sealed",
        says: "A write or ftruncate fails with EPERM if the file is sealed, append-only or \
               immutable.",
        cite: &[
            Man("write(2)", "ERRORS"),
            Man("ftruncate(2)", "ERRORS"),
            Source("mm/shmem.c", "shmem_write_begin"),
        ],
        errnos: &[Errno::EPERM],
        because: "the file may not be changed",
        reaches: |kind, op| {
            is_file(kind)
                && matches!(op, Op::Write { .. } | Op::WriteAt { .. } | Op::Truncate { .. })
        },
        succeeds: NEVER,
    },
    Cause {
        id: "outside.open.executed",
        says: "An open of a file for writing fails with ETXTBSY while the file is being executed.",
        cite: &[Posix("open", "ERRORS [ETXTBSY]"), Man("open(2)", "ERRORS")],
        errnos: &[Errno::ETXTBSY],
        because: "the file is being executed",
        reaches: |kind, op| is_file(kind) && matches!(op, Op::Open { mode, .. } if mode.writes()),
        succeeds: NEVER,
    },
    Cause {
        id: "outside.unlink.busy",
        says: "An unlink fails with EBUSY if the system or another process uses the path, for \
               example as a mount point.",
        cite: &[Posix("unlink", "ERRORS [EBUSY]"), Source("fs/namei.c", "vfs_unlink")],
        errnos: &[Errno::EBUSY],
        because: "the path is in use",
        reaches: |kind, op| matches!(op, Op::Unlink) && has_path(kind),
        succeeds: NEVER,
    },
    Cause {
        id: "outside.socket.family",
        says: "A socket(2) call fails with EAFNOSUPPORT or EPROTONOSUPPORT if the system lacks, or \
               a filter forbids, such sockets.",
        cite: &[
            Posix("socket", "ERRORS [EAFNOSUPPORT]"),
            Posix("socket", "ERRORS [EPROTONOSUPPORT]"),
        ],
        errnos: &[Errno::EAFNOSUPPORT, Errno::EPROTONOSUPPORT, Errno::ESOCKTNOSUPPORT],
        because: "there are no such sockets",
        reaches: |_, op| matches!(op, Op::Socket { .. }),
        succeeds: NEVER,
    },
    Cause {
        id: "outside.any.device",
        says: "A call on a file or path fails with EIO if the underlying device fails.",
        cite: &[
            Posix("read", "ERRORS [EIO]"),
            Posix("close", "ERRORS [EIO]"),
            Posix("ftruncate", "ERRORS [EIO]"),
            Posix("bind", "ERRORS [EIO]"),
        ],
        errnos: &[Errno::EIO],
        because: "a device failed",
        reaches: |kind, op| {
            let file = matches!(op, Op::Read { .. } | Op::Write { .. } | Op::ReadAt { .. })
                || matches!(op, Op::WriteAt { .. } | Op::Truncate { .. } | Op::Close);
            is_file(kind) && file || has_path(kind) && by_name(kind, op)
        },
        succeeds: NEVER,
    },
    Cause {
        id: "outside.any.path",
        says: "A call on a path fails with ENAMETOOLONG, ELOOP or ENOTDIR if the path cannot be \
               resolved.",
        cite: &[
            Posix("open", "ERRORS [ENAMETOOLONG]"),
            Posix("unlink", "ERRORS [ELOOP]"),
            Posix("bind", "ERRORS [ENOTDIR]"),
            Posix("connect", "ERRORS [ENAMETOOLONG]"),
        ],
        errnos: &[Errno::ENAMETOOLONG, Errno::ELOOP, Errno::ENOTDIR],
        because: "the channel's path can't be followed",
        reaches: |kind, op| has_path(kind) && by_name(kind, op),
        succeeds: NEVER,
    },
    Cause {
        id: "outside.bind.no-directory",
        says: "A bind to a path fails with ENOENT if its directory does not exist.",
        cite: &[Posix("bind", "ERRORS [ENOENT]")],
        errnos: &[Errno::ENOENT],
        because: "the channel's path can't be followed",
        reaches: |kind, op| has_path(kind) && matches!(op, Op::Bind),
        succeeds: NEVER,
    },
    Cause {
        id: "outside.bind.of-another",
        says: "A bind to a port or abstract name fails with EADDRINUSE if a socket outside the run \
               has it.",
        cite: &[Posix("bind", "ERRORS [EADDRINUSE]"), Man("unix(7)", "Abstract sockets")],
        errnos: &[Errno::EADDRINUSE],
        because: "another program has the address",
        reaches: |kind, op| {
            let is_named = matches!(kind.discipline, Discipline::Unix(_, Naming::Abstract));
            matches!(op, Op::Bind) && (is_named || kind.discipline == Discipline::Tcp)
        },
        succeeds: NEVER,
    },
    Cause {
        id: "outside.send-end.in-flight",
        says: "A send of a descriptor fails with ETOOMANYREFS if the user has too many descriptors \
               in flight.",
        cite: &[Man("unix(7)", "ERRORS"), Source("net/unix/af_unix.c", "unix_attach_fds")],
        errnos: &[Errno::ETOOMANYREFS],
        because: "a limit on descriptors in flight was reached",
        reaches: |_, op| matches!(op, Op::SendEnd { .. }),
        succeeds: NEVER,
    },
    Cause {
        id: "outside.listen.ports",
        says: "A listen on an unbound TCP socket fails with EADDRINUSE if no port is left.",
        cite: &[Man("listen(2)", "ERRORS"), Source("net/ipv4/af_inet.c", "__inet_listen_sk")],
        errnos: &[Errno::EADDRINUSE],
        because: "no port was left",
        reaches: |kind, op| kind.discipline == Discipline::Tcp && matches!(op, Op::Listen { .. }),
        succeeds: NEVER,
    },
    Cause {
        id: "outside.any.network",
        says: "A call on a TCP socket fails with the network's error if an address, a route or an \
               answer is missing.",
        cite: &[
            Posix("connect", "ERRORS [ENETUNREACH]"),
            Posix("connect", "ERRORS [ETIMEDOUT]"),
            Posix("bind", "ERRORS [EADDRNOTAVAIL]"),
            Posix("recv", "ERRORS [ETIMEDOUT]"),
            Man("tcp(7)", "ERRORS"),
        ],
        errnos: &[
            Errno::EADDRNOTAVAIL,
            Errno::ENETDOWN,
            Errno::ENETUNREACH,
            Errno::EHOSTUNREACH,
            Errno::ETIMEDOUT,
        ],
        because: "the network failed",
        reaches: |kind, op| {
            let named = matches!(op, Op::Bind | Op::Connect);
            kind.discipline == Discipline::Tcp && (named || moves_data(op))
        },
        succeeds: NEVER,
    },
];

/// What is executed is no program.
const ENOEXEC: Errno = Errno::Other(8);

/// The cause outside of the channel of which this answer to this call tells, if there is one.
pub fn cause(kind: &Kind, op: &Op, answer: &Answer) -> Option<&'static Cause> {
    let tells = |cause: &Cause| match answer {
        Answer::Fails(errno) => cause.errnos.contains(errno) && !is_of_channel(kind, op, *errno),
        _ => (cause.succeeds)(op, answer),
    };
    let fits = |cause: &&Cause| (cause.reaches)(kind, op) && tells(cause);
    let has = |cause: &Cause| kind.has_descriptors() || cause.errnos == [Errno::EINTR];
    CAUSES.iter().find(|cause| has(cause) && fits(cause))
}

/// The same of the actor's call in progress in this world, where the cause may not reach it.
pub fn cause_in(
    platform: &Platform,
    kind: &Kind,
    world: &World,
    actor: Actor,
    answer: &Answer,
) -> Option<&'static Cause> {
    let call = world.pending(actor)?;
    let is_met = |errno| {
        is_met(platform, world, actor, call, errno)
            && (order(platform.family, &call.op).is_none() || gets_to(world, actor, call, errno))
    };
    cause(kind, &call.op, answer).filter(|_| match answer {
        Answer::Fails(errno) => is_met(*errno),
        _ => true,
    })
}

/// Whether a call that fails by `fault`, as its descriptor or its arguments are bad, does so before it can meet a cause from
/// outside.
pub(crate) fn is_told_before(platform: &Platform, op: &Op, fault: Errno) -> bool {
    let is_known = order(platform.family, op).is_some();
    let by_name = matches!(op, Op::Bind | Op::Listen { .. } | Op::Connect | Op::Accept { .. });
    let bad = matches!(fault, Errno::ENOTSOCK | Errno::ESPIPE | Errno::EINVAL | Errno::EMSGSIZE);
    is_known && (fault == Errno::EBADF || bad && !by_name)
}

/// Whether there is what the cause is about.
fn is_met(platform: &Platform, world: &World, actor: Actor, call: &Pending, errno: Errno) -> bool {
    let object = call.description.map(|index| world.object(index));
    match (call.op, errno, object) {
        (Op::SetCapacity { bytes }, Errno::EPERM, Some(Object::Stream(stream))) => {
            stream.capacity_bytes(platform) < bytes
        }
        (Op::SetCapacity { .. }, Errno::EPERM, _) => false,
        (Op::Listen { .. }, Errno::EADDRINUSE, Some(Object::Tcp(tcp))) => {
            tcp.phase == Phase::Unconnected && !tcp.named
        }
        // A number that the process has it may have.
        (Op::Dup2 { new }, Errno::EBADF, _) => world.end(actor, new).is_none(),
        (Op::Signal { target, .. }, Errno::EPERM, _) => world.leader(target) != world.leader(actor),
        _ => true,
    }
}

/// Whether a call gets so far that it can have this error from outside, on a system whose checks are known.
fn gets_to(world: &World, actor: Actor, call: &Pending, errno: Errno) -> bool {
    let object = call.description.map(|index| world.object(index));
    let is_file = matches!(object, Some(Object::File(_)));
    match (call.op, errno) {
        _ if moves_nothing(call.op, object) => false,
        (_, Errno::EINTR) => may_wait(world, actor, call),
        (Op::Dup { .. } | Op::Dup2 { .. }, Errno::ENFILE) => false,
        (Op::Truncate { len }, Errno::EFBIG) => {
            let grows = |object: &Object| len > object.len();
            object.is_none_or(grows) || world.busy().iter().count() > 1
        }
        // What is no file, directory or link can be written to, whatever its mount.
        (Op::Open { mode, flags }, Errno::EROFS) => {
            let changes = mode.writes() || flags.contains(OpenFlags::TRUNCATE);
            changes && world.discipline() == Some(Discipline::File)
        }
        (Op::Connect | Op::Accept { .. } | Op::Socket { .. } | Op::Send { .. }, Errno::EROFS) => {
            false
        }
        (Op::Bind, Errno::EROFS) => {
            matches!(world.discipline(), Some(Discipline::Unix(_, Naming::Path)))
        }
        (Op::Close, Errno::EIO | Errno::ENOSPC | Errno::EDQUOT) => is_file,
        _ => true,
    }
}

/// Whether a call of no bytes returns before it looks at anything.
fn moves_nothing(op: Op, object: Option<&Object>) -> bool {
    match (op, object) {
        (Op::Write { len: 0 } | Op::WriteAt { len: 0, .. }, Some(object)) => {
            matches!(object, Object::Stream(_) | Object::File(_))
        }
        (Op::Read { len: 0 } | Op::ReadAt { len: 0, .. }, Some(object)) => {
            !matches!(object, Object::Queue(_))
        }
        _ => false,
    }
}

/// Whether a signal may interrupt a call: it waits, or goes through a file system that does.
fn may_wait(world: &World, actor: Actor, call: &Pending) -> bool {
    let description = call.description.map(|index| world.descriptions[usize::from(index)]);
    let object = call.description.map(|index| world.object(index));
    let is_file = matches!(object, Some(Object::File(_)));
    let is_set = |(other, state): (usize, &crate::world::ActorState)| {
        let sets = |call: &Pending| matches!(call.op, Op::SetNonblock(_));
        other != usize::from(actor.0) && state.call.as_ref().is_some_and(sets)
    };
    let nonblock = match call.terms {
        Some(terms) => terms.nonblock,
        None => description.is_some_and(|open| open.nonblock),
    };
    let nonblock = nonblock && !call.changed_meanwhile && !call.entered && !call.waited;
    let nonblock = nonblock && !world.actors.iter().enumerate().any(is_set);
    match call.op {
        Op::Close => is_file,
        Op::Dup { .. } | Op::Dup2 { .. } => false,
        Op::Open { mode, flags } => match world.discipline() {
            Some(Discipline::Stream) => {
                mode != Mode::ReadWrite && !flags.contains(OpenFlags::NONBLOCK)
            }
            discipline => discipline == Some(Discipline::File),
        },
        Op::Send { flags, .. } | Op::Receive { flags, .. } => {
            !nonblock && !flags.contains(SendFlags::DONTWAIT)
        }
        Op::Connect | Op::Accept { .. } => !nonblock,
        op if moves_data(&op) => is_file || !nonblock,
        _ => true,
    }
}

/// Whether the channel's own rules tell this error of the call, so that it says nothing of the outside: a
/// datagram socket whose peer has another peer fails with `EPERM`.
fn is_of_channel(kind: &Kind, op: &Op, errno: Errno) -> bool {
    let datagrams = matches!(kind.discipline, Discipline::Unix(SocketType::Datagram, _));
    datagrams && errno == Errno::EPERM && matches!(op, Op::Connect | Op::Send { .. })
}

/// Whether a write has transferred a part only: one for which there is no room at all fails.
fn in_part(op: &Op, answer: &Answer) -> bool {
    match (op.offers(), answer) {
        (Some(len), Answer::Count(count)) => (1..len).contains(count),
        _ => false,
    }
}

/// Whether it reads, writes, sends or receives.
fn moves_data(op: &Op) -> bool {
    op.asks().is_some() || op.offers().is_some() || matches!(op, Op::Add { .. } | Op::Take)
}

/// Whether it is memory in which a side sleeps by futex.
fn is_waiting_ring(kind: &Kind) -> bool {
    kind.discipline == Discipline::Ring && kind.waiting == Waiting::Waits
}

fn is_file(kind: &Kind) -> bool {
    kind.discipline == Discipline::File
}

/// Whether it has a path.
fn has_path(kind: &Kind) -> bool {
    match kind.discipline {
        Discipline::Unix(_, naming) => naming == Naming::Path,
        Discipline::Tcp | Discipline::Cell | Discipline::Counter(_) | Discipline::Ring => false,
        Discipline::Stream | Discipline::File | Discipline::Queue => true,
    }
}

/// Whether it names the channel.
fn by_name(kind: &Kind, op: &Op) -> bool {
    match op {
        Op::Open { .. } | Op::Unlink | Op::Bind | Op::Connect => true,
        Op::Send { flags, .. } => {
            flags.contains(SendFlags::ADDRESSED) && matches!(kind.discipline, Discipline::Unix(..))
        }
        _ => false,
    }
}
