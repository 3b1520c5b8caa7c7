//! Sockets of every family: what they have in common, and what they are not.
//!
//! Not modelled: locks on sockets, lingering of Unix sockets, most options of TCP sockets.

use crate::act::Act;
use crate::call::{Actor, Answer, End, Errno, Mode, Op, SocketOption};
use crate::channel::Object;
use crate::chapter::{Chapter, Overlap};
use crate::index::ObjectIndex;
use crate::kind::Discipline;
use crate::rule::Cite::{Man, Observed, Posix, Source};
use crate::rule::{Force, Move, Rule, Scene};
use crate::rules::line::{ahead, join_at_socket};
use crate::rules::transfer::begin_to_wait;
use crate::world::{Description, Line, World};

/// The chapter.
pub const CHAPTER: Chapter = Chapter {
    name: "socket",
    title: "Sockets of every family",
    of_all: false,
    rules: RULES,
    not_on_linux: &["socket.truncate.unspecified", "socket.set-option.shut-down"],
    not_in_posix: &["socket.truncate.no-file"],
    absent: |setup| match setup.kind.discipline {
        Discipline::Unix(..) | Discipline::Tcp => &[
            "descriptor.read.not-for-reading",
            "descriptor.write.not-for-writing",
            "descriptor.any.no-socket",
        ],
        _ => &[],
    },
    overlaps: &[Overlap {
        why: "A time-out may expire at any moment.",
        rules: &["socket.accept.waits", "socket.accept.time-out"],
    }],
    exceptions: &[],
};

const RULES: &[Rule] = &[
    Rule {
        id: "socket.socket.made",
        says: "A socket(2) call creates a socket with neither a name nor a connection.",
        cite: &[Posix("socket", "DESCRIPTION")],
        force: Force::Must,
        step: |at| {
            let sockets = at.world.has_sockets() && matches!(at.op(), Op::Socket { .. });
            sockets.then(|| Move::answers(Answer::Done).with(socket))
        },
    },
    Rule {
        id: "socket.accept.oldest",
        says: "An accept returns the oldest pending connection as a new socket, even if its peer \
               has closed, without inheriting the listener's O_NONBLOCK.",
        cite: &[
            Posix("accept", "DESCRIPTION"),
            Source("net/unix/af_unix.c", "unix_accept"),
            Source("net/ipv4/inet_connection_sock.c", "inet_csk_accept"),
        ],
        force: Force::Must,
        step: |at| {
            let accepting = accepting(at)?;
            (accepting.listens && accepting.waiting > 0 && !waits_in_line(at, &accepting))
                .then(|| Move::answers(Answer::Done).with(accept))
        },
    },
    Rule {
        id: "socket.accept.none-nonblocking",
        says: "An accept with no connection pending fails with EAGAIN if O_NONBLOCK is set or the \
               time-out is negative.",
        cite: &[Posix("accept", "ERRORS [EAGAIN]")],
        force: Force::Must,
        step: |at| {
            let accepting = accepting(at).filter(|accepting| accepting.waiting == 0)?;
            (!at.call.entered && accept_must_not_wait(at, &accepting))
                .then_some(Move::fault(Errno::EAGAIN))
        },
    },
    Rule {
        id: "socket.accept.finds-none",
        says: "A blocking accept with no connection pending begins to wait.",
        cite: &[Posix("accept", "DESCRIPTION")],
        force: Force::Must,
        step: |at| {
            let accepting = none_waits(at).filter(|accepting| !accepting.shut)?;
            (!at.call.entered && !accept_must_not_wait(at, &accepting))
                .then_some(Move::proceeds(0, 0).with(join_the_line))
        },
    },
    Rule {
        id: "socket.accept.waits",
        says: "A blocking accept that has begun to wait sleeps until a connection is pending.",
        cite: &[Posix("accept", "DESCRIPTION")],
        force: Force::Must,
        step: |at| {
            none_waits(at).filter(|accepting| !accepting.shut)?;
            at.call.entered.then_some(Move::rests())
        },
    },
    Rule {
        id: "socket.accept.waits-in-line",
        says: "An accept asleep behind others stays asleep while no more connections are pending \
               than there are accepts ahead of it.",
        cite: &[
            Source("net/core/datagram.c", "__skb_wait_for_more_packets"),
            Source("net/ipv4/inet_connection_sock.c", "inet_csk_wait_for_connect"),
            Observed(
                "the longest sleeper first, in 30 of 30 rounds of three, over Unix sockets and TCP",
                "Linux 6.18",
            ),
        ],
        force: Force::Silent,
        step: |at| waits_in_line(at, &accepting(at)?).then_some(Move::rests()),
    },
    Rule {
        id: "socket.accept.time-out",
        says: "An accept that waits longer than SO_RCVTIMEO fails with EAGAIN.",
        cite: &[Man("socket(7)", "Socket options")],
        force: Force::Silent,
        step: |at| {
            let none = |accepting: &Accepting| accepting.waiting == 0 && !accepting.shut;
            accepting(at).filter(|it| it.listens && (none(it) || waits_in_line(at, it)))?;
            (at.call.entered && at.call.timed).then_some(Move::fails(Errno::EAGAIN))
        },
    },
    Rule {
        id: "socket.accept.not-listening",
        says: "An accept on a socket that does not listen fails with EINVAL.",
        cite: &[Posix("accept", "ERRORS [EINVAL]")],
        force: Force::Must,
        step: |at| (!accepting(at)?.listens).then_some(Move::fault(Errno::EINVAL)),
    },
    Rule {
        id: "socket.seek.no-offset",
        says: "An lseek on a socket fails with ESPIPE.",
        cite: &[Posix("lseek", "ERRORS [ESPIPE]")],
        force: Force::Must,
        step: |at| {
            (is_socket(at)? && matches!(at.op(), Op::Seek { .. }))
                .then_some(Move::fault(Errno::ESPIPE))
        },
    },
    Rule {
        id: "socket.read-at.no-offset",
        says: "A pread on a socket fails with ESPIPE.",
        cite: &[Posix("read", "ERRORS [ESPIPE]")],
        force: Force::Must,
        step: |at| {
            (is_socket(at)? && matches!(at.op(), Op::ReadAt { .. }))
                .then_some(Move::fault(Errno::ESPIPE))
        },
    },
    Rule {
        id: "socket.write-at.no-offset",
        says: "A pwrite on a socket fails with ESPIPE.",
        cite: &[Posix("write", "ERRORS [ESPIPE]")],
        force: Force::Must,
        step: |at| {
            (is_socket(at)? && matches!(at.op(), Op::WriteAt { .. }))
                .then_some(Move::fault(Errno::ESPIPE))
        },
    },
    Rule {
        id: "socket.truncate.no-file",
        says: "An ftruncate of a socket fails with EINVAL.",
        cite: &[Source("fs/open.c", "do_ftruncate"), Man("ftruncate(2)", "ERRORS")],
        force: Force::Silent,
        step: |at| {
            (is_socket(at)? && matches!(at.op(), Op::Truncate { .. }))
                .then_some(Move::fault(Errno::EINVAL))
        },
    },
    Rule {
        id: "socket.truncate.unspecified",
        says: "The result of an ftruncate of a socket is unspecified.",
        cite: &[Posix("ftruncate", "DESCRIPTION")],
        force: Force::Unspecified,
        step: |at| {
            (is_socket(at)? && matches!(at.op(), Op::Truncate { .. }))
                .then_some(Move::unspecified("ftruncate on what is no regular file"))
        },
    },
    Rule {
        id: "socket.capacity.no-pipe",
        says: "F_GETPIPE_SZ on a socket fails with EBADF.",
        cite: &[Source("fs/pipe.c", "pipe_fcntl")],
        force: Force::Silent,
        step: |at| {
            (is_socket(at)? && at.op() == Op::GetCapacity).then_some(Move::fault(Errno::EBADF))
        },
    },
    Rule {
        id: "socket.set-capacity.no-pipe",
        says: "F_SETPIPE_SZ on a socket fails with EBADF.",
        cite: &[Source("fs/pipe.c", "pipe_fcntl")],
        force: Force::Silent,
        step: |at| {
            (is_socket(at)? && matches!(at.op(), Op::SetCapacity { .. }))
                .then_some(Move::fault(Errno::EBADF))
        },
    },
    Rule {
        id: "socket.set-option.read-only",
        says: "Setting SO_ERROR fails with ENOPROTOOPT.",
        cite: &[Posix("setsockopt", "ERRORS [ENOPROTOOPT]"), Man("socket(7)", "Socket options")],
        force: Force::May,
        step: |at| {
            is_socket(at)?;
            let sets = matches!(at.op(), Op::SetOption { option: SocketOption::Error, .. });
            sets.then_some(Move::fault(Errno::ENOPROTOOPT))
        },
    },
    Rule {
        id: "socket.set-option.time-out",
        says: "Setting SO_RCVTIMEO stores a time-out, of which zero means to wait for ever and a \
               negative number of seconds not to wait.",
        cite: &[Posix("setsockopt", "SO_RCVTIMEO"), Source("net/core/sock.c", "sock_set_timeout")],
        force: Force::May,
        step: |at| {
            let (option, value) = setting(at)?;
            let good = match option {
                SocketOption::ReceiveTimeoutUs => (0..MICROSECONDS).contains(&value),
                SocketOption::ReceiveTimeoutS => true,
                _ => false,
            };
            good.then(|| Move::answers(Answer::Done).with(set_timeout))
        },
    },
    Rule {
        id: "socket.set-option.time-out-domain",
        says: "Setting SO_RCVTIMEO with fewer than 0 or more than 999,999 microseconds fails with \
               EDOM.",
        cite: &[
            Posix("setsockopt", "ERRORS [EDOM]"),
            Source("net/core/sock.c", "sock_set_timeout"),
        ],
        force: Force::Must,
        step: |at| {
            let (option, value) = setting(at)?;
            (option == SocketOption::ReceiveTimeoutUs && !(0..MICROSECONDS).contains(&value))
                .then_some(Move::fault(Errno::EDOM))
        },
    },
    Rule {
        id: "socket.set-option.shut-down",
        says: "A setsockopt on a socket shut down in either direction, by itself or its peer, may \
               fail with EINVAL.",
        cite: &[Posix("setsockopt", "ERRORS [EINVAL]")],
        force: Force::May,
        step: |at| {
            let shut = match at.object()? {
                Object::Unix(socket) => socket.receive_closed || socket.send_closed,
                Object::Tcp(tcp) => tcp.shut_read || tcp.shut_write,
                _ => false,
            };
            (shut && matches!(at.op(), Op::SetOption { .. }))
                .then_some(Move::may_fault(Errno::EINVAL))
        },
    },
    Rule {
        id: "socket.option.time-out",
        says: "Reading SO_RCVTIMEO returns the stored time-out rounded up to clock ticks, or 0 if \
               it is negative.",
        cite: &[Posix("setsockopt", "SO_RCVTIMEO"), Source("net/core/sock.c", "sock_get_timeout")],
        force: Force::May,
        step: |at| {
            let Op::GetOption { option } = at.op() else { return None };
            let time = timeout_us(at.object()?)?.max(0);
            let (seconds, rest) = (time / i64::from(MICROSECONDS), time % i64::from(MICROSECONDS));
            let tells =
                matches!(option, SocketOption::ReceiveTimeoutS | SocketOption::ReceiveTimeoutUs);
            if tells && rest as u32 + TICK_MAX_US >= MICROSECONDS as u32 {
                return Some(Move::unspecified("a tick less than a second"));
            }
            match option {
                SocketOption::ReceiveTimeoutS => {
                    Some(Move::answers(Answer::Count(u32::try_from(seconds).ok()?)))
                }
                SocketOption::ReceiveTimeoutUs => {
                    let ticks = if rest > 0 { TICK_MAX_US } else { 0 };
                    Some(Move::transfers(rest as u32, rest as u32 + ticks))
                }
                _ => None,
            }
        },
    },
    Rule {
        id: "socket.any.not-modelled",
        says: "Locks on sockets, lingering on Unix sockets and most options of TCP sockets are not \
               modelled.",
        cite: &[Man("fcntl(2)", "Open file description locks"), Man("socket(7)", "SO_LINGER")],
        force: Force::Silent,
        step: |at| {
            is_socket(at)?;
            let tcp = matches!(at.object()?, Object::Tcp(_));
            match at.op() {
                Op::Lock { .. } | Op::ProcessLock { .. } | Op::Flock { .. } => {}
                Op::SetOption { option: SocketOption::Linger, value: ..=0 } if tcp => return None,
                Op::SetOption { option: SocketOption::Linger, .. }
                | Op::GetOption { option: SocketOption::Linger } => {}
                Op::SetOption { option: SocketOption::Error, .. }
                | Op::GetOption { option: SocketOption::Error } => return None,
                Op::SetOption { option, .. } | Op::GetOption { option } if is_time(option) => {
                    return None;
                }
                Op::SetOption { .. } | Op::GetOption { .. } if tcp => {}
                Op::SendEnd { .. } | Op::ReceiveEnd { .. } if tcp => {}
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

/// A socket for connections on which accept is called.
pub(super) struct Accepting {
    pub(super) listens: bool,
    /// How many connections wait to be accepted.
    waiting: usize,
    /// Whether it was shut down for reading.
    pub(super) shut: bool,
    timeout_us: i64,
}

pub(super) fn accepting(at: &Scene<'_>) -> Option<Accepting> {
    matches!(at.op(), Op::Accept { .. }).then_some(())?;
    match at.object()? {
        Object::Unix(socket) if !socket.is_datagram() => Some(Accepting {
            listens: socket.listens(),
            waiting: socket.pending.len(),
            shut: socket.receive_closed,
            timeout_us: socket.timeout_us,
        }),
        Object::Tcp(tcp) => Some(Accepting {
            listens: tcp.listens(),
            waiting: tcp.pending.len(),
            shut: false,
            timeout_us: tcp.timeout_us,
        }),
        _ => None,
    }
}

/// An accept on a socket that listens, where no connection waits.
pub(super) fn none_waits(at: &Scene<'_>) -> Option<Accepting> {
    accepting(at).filter(|accepting| accepting.listens && accepting.waiting == 0)
}

/// Whether it is known that no connection has woken this accept yet.
fn waits_in_line(at: &Scene<'_>, accepting: &Accepting) -> bool {
    (1..=ahead(at)).contains(&accepting.waiting)
}

pub(super) fn accept_must_not_wait(at: &Scene<'_>, accepting: &Accepting) -> bool {
    at.nonblock() || accepting.timeout_us < 0
}

// Effects

fn socket(act: &mut Act<'_>) {
    let &mut Act { platform, actor, .. } = act;
    let call = act.call();
    let (Op::Socket { nonblock }, end) = (call.op, call.end) else { return };
    let Some(object) = act.world.fresh_socket(platform) else { return };
    add_end(act.world, actor, end, object, nonblock);
}

fn add_end(world: &mut World, actor: Actor, end: End, object: ObjectIndex, nonblock: bool) {
    let description = Description { nonblock, ..Description::new(Mode::ReadWrite, object) };
    let index = world.add_description(description);
    world.set_end(actor, end, Some(index));
}

fn accept(act: &mut Act<'_>) {
    let &mut Act { actor, .. } = act;
    let call = act.call();
    let (Op::Accept { new, nonblock }, entered) = (call.op, call.entered) else { return };
    // Whoever was woken for what a newcomer takes waits again, behind the others.
    if let Some(object) = act.object.filter(|_| !entered) {
        act.world.scatter(object, Line::Readers);
    }
    let server = match act.thing() {
        Some(Object::Unix(listener)) => listener.pending.remove(0),
        Some(Object::Tcp(listener)) => listener.pending.remove(0),
        _ => return,
    };
    add_end(act.world, actor, new, server, nonblock);
}

/// An accept begins to wait, behind those that wait already.
fn join_the_line(act: &mut Act<'_>) {
    begin_to_receive(act);
    join_at_socket(act);
}

/// A receive or accept begins to wait: it may have a time-out.
pub(super) fn begin_to_receive(act: &mut Act<'_>) {
    begin_to_wait(act);
    let asked = act.call().terms.map(|terms| terms.timeout_us);
    let timed = asked.or_else(|| act.thing().and_then(|object| timeout_us(object)));
    act.call().timed |= timed.is_some_and(|time| time > 0);
}

fn setting(at: &Scene<'_>) -> Option<(SocketOption, i32)> {
    is_socket(at)?;
    match at.op() {
        Op::SetOption { option, value } => Some((option, value)),
        _ => None,
    }
}

fn is_time(option: SocketOption) -> bool {
    matches!(option, SocketOption::ReceiveTimeoutS | SocketOption::ReceiveTimeoutUs)
}

/// How long a receive on a socket waits, in microseconds.
fn timeout_us(object: &Object) -> Option<i64> {
    match object {
        Object::Unix(socket) => Some(socket.timeout_us),
        Object::Tcp(tcp) => Some(tcp.timeout_us),
        _ => None,
    }
}

/// Microseconds in a second.
const MICROSECONDS: i32 = 1_000_000;

/// The longest tick of a clock, in microseconds.
const TICK_MAX_US: u32 = 10_000;

fn set_timeout(act: &mut Act<'_>) {
    let Op::SetOption { option, value } = act.call().op else { return };
    let time = match option {
        SocketOption::ReceiveTimeoutS if value < 0 => -1,
        SocketOption::ReceiveTimeoutS => i64::from(value) * i64::from(MICROSECONDS),
        _ => i64::from(value),
    };
    match act.thing() {
        Some(Object::Unix(socket)) => socket.timeout_us = time,
        Some(Object::Tcp(tcp)) => tcp.timeout_us = time,
        _ => {}
    }
}
