//! TCP: two sockets connected over a network.
//!
//! How they get connected is in [`super::connection`]. What was sent arrives later, by rules of the word `deliver`, which nobody waits for: before things
//! come to rest for sure, until then perhaps. Not modelled: urgent data, keep-alive, time-outs of the
//! network, a close that lingers for a time, sizes of buffers beyond an envelope.

use crate::act::Act;
use crate::call::{Actor, Answer, Errno, Events, Mode, Op, SendFlags, Signal, SocketOption};
use crate::channel::Object;
use crate::channel::tcp::{Finish, FoundFull, NOBODY, Phase, Tcp, Told};
use crate::chapter::{Chapter, Exception, Overlap};
use crate::data::{Segment, push_segment};
use crate::index::{DescriptionIndex, ObjectIndex};
use crate::rule::Cite::{Man, Observed, Posix, Source};
use crate::rule::{Answers, Force, Move, Rule, Scene};
use crate::rules::wake::{
    Queue, Wake, has_found_full, has_watchers, wake, wake_for_data, wake_for_state,
    wake_for_tcp_state,
};
use crate::world::{Pending, World};

const KERNEL: &str = "Linux 6.18";

/// The chapter.
pub const CHAPTER: Chapter = Chapter {
    name: "tcp",
    title: "TCP connections",
    of_all: false,
    rules: RULES,
    not_on_linux: &[
        "tcp.available.unspecified",
        "tcp.poll.end-beyond-the-standard",
        "tcp.any.write-shut-without-signal",
    ],
    not_in_posix: &[
        "tcp.available.counts",
        "tcp.poll.peer-finished",
        "tcp.poll.writable-though-hung-up",
    ],
    absent: |_| &[],
    overlaps: &[
        Overlap {
            why: "Bytes in flight may or may not have arrived when a call looks for them.",
            rules: &[
                "tcp.any.read-data",
                "tcp.any.read-nothing-yet",
                "tcp.any.read-begins-to-wait",
                "tcp.any.read-waits",
                "tcp.any.read-shut",
                "tcp.any.read-error",
                "tcp.any.read-after-error",
                "tcp.receive.all-arrived",
                "tcp.receive.takes-part",
                "tcp.receive.peek-waits",
                "tcp.receive.cut-short",
            ],
        },
        Overlap {
            why: "A peek whose bytes another call took may still proceed as if none had been \
                  taken.",
            rules: &["tcp.receive.peek-raced", "tcp.receive.all-arrived", "tcp.any.read-waits"],
        },
        Overlap {
            why: "A time-out may expire at any moment.",
            rules: &[
                "tcp.any.read-waits",
                "tcp.any.time-out",
                "tcp.receive.time-out",
                "tcp.receive.nothing-asked-waited",
                "tcp.any.read-data",
                "tcp.receive.takes-part",
                "tcp.receive.all-arrived",
            ],
        },
        Overlap {
            why: "A poll looks before a reset arrives or during its arrival.",
            rules: &["descriptor.poll.ready", "descriptor.poll.waits", "tcp.poll.reset-midway"],
        },
    ],
    exceptions: &[Exception {
        rule: "tcp.poll.writable-though-hung-up",
        why: "Linux reports POLLOUT together with POLLHUP, as a write would not block; POSIX makes \
              them exclude each other.",
    }],
};

const RULES: &[Rule] = &[
    // Reading
    Rule {
        id: "tcp.any.read-data",
        says: "A read of a TCP socket returns the bytes that have arrived, across writes, up to \
               the requested length, without waiting for bytes in flight.",
        cite: &[Posix("recv", "DESCRIPTION"), Source("net/ipv4/tcp.c", "tcp_recvmsg_locked")],
        force: Force::Must,
        step: |at| {
            let (wish, tcp) = reads(at)?;
            (wish.looks && tcp.readable() > 0 && !wish.waits_for_all && !wish.waited_for_nothing)
                .then(|| {
                    let least = wish.rest.min(tcp.arrived.max(1));
                    Move::transfers(least, wish.rest.min(tcp.readable())).with(take)
                })
        },
    },
    Rule {
        id: "tcp.any.read-nothing-yet",
        says: "A nonblocking read of a TCP socket to which nothing has arrived fails with EAGAIN, \
               even with bytes in flight.",
        cite: &[Posix("recv", "ERRORS [EAGAIN] or [EWOULDBLOCK]")],
        force: Force::Must,
        step: |at| {
            let (wish, _) = finds_nothing(at)?;
            (!wish.waits && !at.call.entered).then_some(Move::fails(Errno::EAGAIN))
        },
    },
    Rule {
        id: "tcp.any.read-begins-to-wait",
        says: "A blocking read of a TCP socket to which nothing has arrived begins to wait, even \
               if O_NONBLOCK is set later.",
        cite: &[Posix("recv", "DESCRIPTION"), Source("net/core/sock.c", "sk_wait_data")],
        force: Force::Must,
        step: |at| {
            let (wish, _) = finds_nothing(at)?;
            (wish.waits && !at.call.entered).then(|| Move::proceeds(0, 0).with(enter_for_a_time))
        },
    },
    Rule {
        id: "tcp.any.read-waits",
        says: "A blocking read of a TCP socket sleeps until data, end of file or a reset arrives \
               or the socket is shut down for reading.",
        cite: &[Posix("recv", "DESCRIPTION"), Source("net/ipv4/tcp.c", "tcp_recvmsg_locked")],
        force: Force::Must,
        step: |at| {
            finds_nothing(at)?;
            at.call.entered.then_some(Move::rests())
        },
    },
    Rule {
        id: "tcp.any.read-end",
        says: "A read of a TCP socket whose peer has closed or shut down writing returns 0 once \
               all data is read, whatever error is pending.",
        cite: &[Posix("recv", "RETURN VALUE"), Source("net/ipv4/tcp.c", "tcp_recvmsg_locked")],
        force: Force::Must,
        step: |at| {
            let (wish, tcp) = finds_end(at)?;
            (wish.rest == wish.len && tcp.finish == Finish::Arrived)
                .then(|| Move::answers(Answer::Count(0)).with(lose))
        },
    },
    Rule {
        id: "tcp.any.read-shut",
        says: "A read of a TCP socket shut down for reading returns 0 without waiting if no data \
               is there, but still returns data that arrives.",
        cite: &[
            Posix("shutdown", "DESCRIPTION"),
            Source("net/ipv4/tcp.c", "tcp_recvmsg_locked"),
            Observed("data sent after SHUT_RD are read", KERNEL),
        ],
        force: Force::May,
        step: |at| {
            let (wish, tcp) = finds_end(at)?;
            let shut = tcp.shut_read && tcp.phase != Phase::Closed;
            (wish.rest == wish.len && shut && tcp.finish != Finish::Arrived && tcp.error.is_none())
                .then_some(Move::answers(Answer::Count(0)))
        },
    },
    Rule {
        id: "tcp.any.read-error",
        says: "A read of a reset TCP socket whose data has all been read fails with the pending \
               error, ECONNRESET, and clears it.",
        cite: &[
            Posix("recv", "ERRORS [ECONNRESET]"),
            Source("net/ipv4/tcp.c", "tcp_recvmsg_locked"),
        ],
        force: Force::Must,
        step: |at| {
            let (wish, tcp) = finds_end(at)?;
            let error = tcp.error.filter(|_| tcp.finish != Finish::Arrived)?;
            (wish.rest == wish.len).then(|| Move::fails(error).with(tell))
        },
    },
    Rule {
        id: "tcp.any.read-after-error",
        says: "A read of a reset TCP socket returns 0 once the error has been reported.",
        cite: &[
            Source("net/ipv4/tcp.c", "tcp_recvmsg_locked"),
            Observed("ECONNRESET, then 0 for ever", KERNEL),
        ],
        force: Force::Silent,
        step: |at| {
            let (wish, tcp) = finds_end(at)?;
            let closed = tcp.phase == Phase::Closed && tcp.finish != Finish::Arrived;
            (wish.rest == wish.len && closed && tcp.error.is_none())
                .then(|| Move::answers(Answer::Count(0)).with(lose))
        },
    },
    Rule {
        id: "tcp.any.read-nothing-asked",
        says: "A read(2) of zero bytes from a TCP socket, unlike a recv(2), returns 0 immediately \
               and reports no error.",
        cite: &[
            Source("net/socket.c", "sock_read_iter"),
            Observed("0 on open, shut and reset sockets", KERNEL),
        ],
        force: Force::Silent,
        step: |at| {
            let (wish, _) = reads(at)?;
            (!wish.looks).then_some(Move::answers(Answer::Count(0)))
        },
    },
    Rule {
        id: "tcp.receive.nothing-asked-waited",
        says: "A recv(2) of zero bytes that has waited returns 0, without reporting an error, on \
               any wake-up, even one by SHUT_WR or freed room.",
        cite: &[
            Source("net/ipv4/tcp.c", "tcp_recvmsg_locked"),
            Observed("woken by a reset, 0; the next call ECONNRESET", KERNEL),
            Observed("woken by SHUT_WR of another actor on the same socket, 0", KERNEL),
            Source("net/core/stream.c", "sk_stream_write_space"),
        ],
        force: Force::Silent,
        step: |at| {
            let (wish, tcp) = reads(at)?;
            let woken = tcp.arrived > 0 || tcp.receives_no_more() || tcp.error.is_some();
            let woken = woken || tcp.shut_write || tcp.is_unreadable() || at.call.timed;
            let woken = woken || at.call.midway;
            (wish.len == 0 && at.call.entered && woken).then_some(Move::answers(Answer::Count(0)))
        },
    },
    Rule {
        id: "tcp.receive.all-arrived",
        says: "A blocking receive with MSG_WAITALL returns once it has all the bytes requested.",
        cite: &[Posix("recv", "MSG_WAITALL"), Man("recv(2)", "MSG_WAITALL")],
        force: Force::Must,
        step: |at| {
            let (wish, tcp) = reads(at)?;
            (wish.waits_for_all && tcp.readable() >= wish.rest)
                .then(|| Move::transfers(wish.rest, wish.rest).with(take))
        },
    },
    Rule {
        id: "tcp.receive.takes-part",
        says: "A blocking receive with MSG_WAITALL takes the bytes that have arrived and \
               continues.",
        cite: &[Posix("recv", "MSG_WAITALL"), Source("net/ipv4/tcp.c", "tcp_recvmsg_locked")],
        force: Force::May,
        step: |at| {
            let (wish, tcp) = reads(at)?;
            let part = tcp.readable() > 0 && tcp.arrived < wish.rest && wish.rest > 1;
            (wish.waits_for_all && !wish.peeks && part).then(|| {
                let most = tcp.readable().min(wish.rest - 1);
                // Taken bit by bit or as a whole makes no difference, unless the rest gets lost.
                let whole = tcp.phase == Phase::Connected && !tcp.reset && !tcp.shut_read;
                let least = if whole { most } else { tcp.arrived.max(1).min(most) };
                Move::proceeds(least, most).with(take_part)
            })
        },
    },
    Rule {
        id: "tcp.receive.peek-waits",
        says: "A blocking receive with MSG_PEEK and MSG_WAITALL sleeps until all the bytes \
               requested have arrived.",
        cite: &[Source("net/ipv4/tcp.c", "tcp_recvmsg_locked"), Observed("it waits", KERNEL)],
        force: Force::May,
        step: |at| {
            let (_, tcp) = peeks_at_part(at)?;
            let more = !tcp.receives_no_more() && tcp.error.is_none();
            (more && tcp.arrived > 0).then(|| match at.call.entered {
                true => Move::rests(),
                false => Move::proceeds(0, 0).with(enter_for_a_time),
            })
        },
    },
    Rule {
        id: "tcp.receive.peek-cut-short",
        says: "A blocking receive with MSG_PEEK and MSG_WAITALL returns the bytes that have \
               arrived at end of file, error or time-out.",
        cite: &[Posix("recv", "MSG_WAITALL"), Source("net/ipv4/tcp.c", "tcp_recvmsg_locked")],
        force: Force::May,
        step: |at| {
            let (wish, tcp) = peeks_at_part(at)?;
            let ended = tcp.receives_no_more() || tcp.error.is_some();
            let late = at.call.timed && tcp.arrived > 0;
            (ended || late).then(|| {
                Move::transfers(tcp.arrived.max(1), wish.rest.min(tcp.readable())).with(take)
            })
        },
    },
    Rule {
        id: "tcp.receive.peek-raced",
        says: "A blocking receive with MSG_PEEK and MSG_WAITALL may return any bytes, up to the \
               requested length, if another call takes bytes meanwhile.",
        cite: &[
            Source("net/ipv4/tcp.c", "tcp_recvmsg_locked, \"Application bug, race in MSG_PEEK\""),
            Observed("a byte seen, taken by another, and the next ones seen twice", KERNEL),
        ],
        force: Force::Silent,
        step: |at| {
            let (wish, _) = reads(at)?;
            (wish.waits_for_all && wish.peeks && at.call.midway)
                .then(|| Move::transfers(1, wish.rest).with(show_anything))
        },
    },
    Rule {
        id: "tcp.receive.cut-short",
        says: "A receive with MSG_WAITALL that has some bytes returns them at end of file or \
               error, and leaves the error pending.",
        cite: &[Posix("recv", "MSG_WAITALL"), Man("recv(2)", "MSG_WAITALL")],
        force: Force::May,
        step: |at| {
            let (wish, _) = finds_end(at)?;
            (wish.rest < wish.len).then(|| Move::transfers(0, 0).with(lose))
        },
    },
    Rule {
        id: "tcp.any.time-out",
        says: "A read of a TCP socket that waits longer than SO_RCVTIMEO fails with EAGAIN.",
        cite: &[Posix("setsockopt", "SO_RCVTIMEO"), Man("socket(7)", "Socket options")],
        force: Force::Must,
        step: |at| {
            let (wish, _) = finds_nothing(at)?;
            (at.call.timed && wish.rest == wish.len && wish.len > 0)
                .then_some(Move::fails(Errno::EAGAIN))
        },
    },
    Rule {
        id: "tcp.receive.time-out",
        says: "A receive with MSG_WAITALL that has some bytes returns them when SO_RCVTIMEO \
               expires.",
        cite: &[Posix("setsockopt", "SO_RCVTIMEO"), Source("net/ipv4/tcp.c", "tcp_recvmsg_locked")],
        force: Force::Must,
        step: |at| {
            let (wish, _) = finds_nothing(at)?;
            (at.call.timed && wish.rest < wish.len).then_some(Move::transfers(0, 0))
        },
    },
    // Writing
    Rule {
        id: "tcp.any.write-whole",
        says: "A write to a TCP connection returns its full length once all bytes are buffered, \
               not when they arrive, and immediately while little is unread.",
        cite: &[Posix("send", "DESCRIPTION"), Source("net/ipv4/tcp.c", "tcp_sendmsg_locked")],
        force: Force::May,
        step: |at| {
            let gift = sends(at)?;
            (gift.len > 0).then(|| Move::transfers(gift.rest, gift.rest).with(give))
        },
    },
    Rule {
        id: "tcp.any.write-part",
        says: "A nonblocking write to a TCP connection without room for all its bytes transfers \
               those that fit and returns their number (short write).",
        cite: &[Posix("write", "DESCRIPTION"), Source("net/ipv4/tcp.c", "tcp_sendmsg_locked")],
        force: Force::May,
        step: |at| {
            let gift = sends(at)?;
            (gift.rest > gift.room && gift.rest > 1 && !gift.waits && !at.call.entered)
                .then(|| Move::transfers(gift.room.max(1), gift.rest - 1).with(give_part))
        },
    },
    Rule {
        id: "tcp.any.write-no-room",
        says: "A nonblocking write to a TCP connection with unread bytes and no room fails with \
               EAGAIN.",
        cite: &[Posix("send", "ERRORS [EAGAIN] or [EWOULDBLOCK]")],
        force: Force::May,
        step: |at| {
            let gift = sends(at)?;
            (gift.len > 0 && gift.room == 0 && !gift.waits && !at.call.entered)
                .then(|| Move::fails(Errno::EAGAIN).with(find_full))
        },
    },
    Rule {
        id: "tcp.any.write-in-parts",
        says: "A blocking write to a TCP connection without room for all its bytes transfers some \
               and waits to transfer the rest.",
        cite: &[Posix("send", "DESCRIPTION"), Source("net/ipv4/tcp.c", "tcp_sendmsg_locked")],
        force: Force::May,
        step: |at| {
            let gift = sends(at)?;
            let waits = gift.waits || at.call.entered;
            (waits && gift.rest > gift.room && (gift.rest > 1 || !at.call.entered)).then(|| {
                let least = if at.call.entered { 1 } else { gift.room };
                Move::proceeds(least.min(gift.rest - 1), gift.rest - 1).with(give_and_enter)
            })
        },
    },
    Rule {
        id: "tcp.any.write-sends-early",
        says: "A long write to a TCP connection may send its first bytes, visibly to the peer, \
               before it has copied the rest.",
        cite: &[
            Source("net/ipv4/tcp.c", "tcp_sendmsg_locked, forced_push"),
            Observed("IN beside a write of 53,249 bytes stopped at the last", KERNEL),
        ],
        force: Force::Silent,
        step: |at| {
            let gift = sends(at)?;
            let at_once = !gift.waits && !at.call.entered;
            let is_long = at_once && gift.rest > gift.room && is_watched(at);
            (gift.rest > 1 && (at.call.stops || is_long))
                .then(|| Move::proceeds(1, gift.rest - 1).with(give))
        },
    },
    Rule {
        id: "tcp.any.write-waits",
        says: "A blocking write to a TCP connection may sleep while sent bytes are unread and \
               there is no room for all its remaining bytes.",
        cite: &[Posix("send", "DESCRIPTION"), Source("net/core/stream.c", "sk_stream_wait_memory")],
        force: Force::May,
        step: |at| {
            let gift = sends(at)?;
            (at.call.entered && gift.unread > 0 && gift.rest > gift.room).then_some(Move::rests())
        },
    },
    Rule {
        id: "tcp.any.write-nothing",
        says: "A write of zero bytes to a TCP connection sends nothing and returns 0.",
        cite: &[Observed("0, and the peer reads nothing", KERNEL)],
        force: Force::Silent,
        step: |at| {
            let gift = sends(at)?;
            (gift.len == 0).then_some(Move::answers(Answer::Count(0)))
        },
    },
    Rule {
        id: "tcp.any.write-error",
        says: "A write to a TCP socket, even of zero bytes, fails with a pending error such as \
               ECONNRESET, without SIGPIPE, and clears it.",
        cite: &[
            Posix("send", "ERRORS [ECONNRESET]"),
            Source("net/core/stream.c", "sk_stream_error"),
        ],
        force: Force::Must,
        step: |at| {
            let (_, tcp) = writes(at)?;
            let error = tcp.error.filter(|error| *error != Errno::EPIPE)?;
            (at.call.done == 0).then(|| Move::fault(error).with(tell))
        },
    },
    Rule {
        id: "tcp.any.write-broken",
        says: "A write to a TCP socket shut down for writing, or whose connection is gone, fails \
               with EPIPE and raises SIGPIPE, even for zero bytes.",
        cite: &[Posix("send", "ERRORS [EPIPE]"), Source("net/ipv4/tcp.c", "tcp_sendmsg_locked")],
        force: Force::Must,
        step: |at| {
            let (flags, tcp) = writes(at)?;
            let was_connected = tcp.phase != Phase::Unconnected;
            let fails = Move::fault(Errno::EPIPE).with(tell);
            (at.call.done == 0 && tcp.sends_no_more() && was_connected).then_some(
                match flags.contains(SendFlags::NOSIGNAL) {
                    true => fails,
                    false => fails.raises(Signal::Sigpipe),
                },
            )
        },
    },
    Rule {
        id: "tcp.any.write-shut-without-signal",
        says: "A write to a connected TCP socket shut down for writing may fail with EPIPE without \
               SIGPIPE.",
        cite: &[Posix("send", "ERRORS [EPIPE]"), Posix("write", "ERRORS [EPIPE]")],
        force: Force::May,
        step: |at| {
            let (_, tcp) = writes(at)?;
            let shut = tcp.shut_write && tcp.phase == Phase::Connected;
            (shut && at.call.done == 0).then_some(Move::may_fault(Errno::EPIPE))
        },
    },
    Rule {
        id: "tcp.any.write-cut-short",
        says: "A write that has transferred some bytes returns their number if the connection is \
               reset or shut down for writing, leaving the error pending.",
        cite: &[
            Posix("send", "RETURN VALUE"),
            Observed("the count, no signal; the next write fails", KERNEL),
        ],
        force: Force::May,
        step: |at| {
            let (_, tcp) = writes(at)?;
            (at.call.done > 0 && (tcp.sends_no_more() || tcp.error.is_some()))
                .then_some(Move::transfers(0, 0))
        },
    },
    // Shutting
    Rule {
        id: "tcp.shutdown.writing",
        says: "A shutdown for writing of a TCP connection sends end of file behind all data, once, \
               and leaves the other direction open.",
        cite: &[Posix("shutdown", "DESCRIPTION"), Source("net/ipv4/tcp.c", "tcp_shutdown")],
        force: Force::Must,
        step: |at| (shuts(at, Mode::Write)?).then(|| Move::answers(Answer::Done).with(shut)),
    },
    Rule {
        id: "tcp.shutdown.reading",
        says: "A shutdown for reading of a TCP connection sends nothing, so the peer notices no \
               difference.",
        cite: &[Posix("shutdown", "DESCRIPTION"), Source("net/ipv4/af_inet.c", "inet_shutdown")],
        force: Force::May,
        step: |at| (shuts(at, Mode::Read)?).then(|| Move::answers(Answer::Done).with(shut)),
    },
    Rule {
        id: "tcp.shutdown.both",
        says: "A shutdown of a TCP connection in both directions equals a shutdown for reading and \
               one for writing.",
        cite: &[Posix("shutdown", "DESCRIPTION")],
        force: Force::Must,
        step: |at| (shuts(at, Mode::ReadWrite)?).then(|| Move::answers(Answer::Done).with(shut)),
    },
    Rule {
        id: "tcp.shutdown.end-arrives-first",
        says: "The end of data that a shutdown sends may wake the peer's watchers before the \
               shutdown wakes those of its own socket.",
        cite: &[Source("net/ipv4/af_inet.c", "inet_shutdown: tcp_shutdown, then sk_state_change")],
        force: Force::Silent,
        step: |at| {
            let Op::Shutdown { how } = at.op() else { return None };
            let tcp = tcp(at).filter(|tcp| tcp.phase == Phase::Connected)?;
            let sends = how.writes() && !tcp.shut_write && !at.call.midway;
            let watched = has_watchers(at.world, at.object_index()?, Events::NONE);
            (sends && watched).then(|| Move::proceeds(0, 0).with(shut_first))
        },
    },
    Rule {
        id: "tcp.shutdown.not-connected",
        says: "A shutdown of a TCP socket whose connection is gone, by a reset or by the end of \
               both directions, fails with ENOTCONN.",
        cite: &[
            Posix("shutdown", "ERRORS [ENOTCONN]"),
            Source("net/ipv4/af_inet.c", "inet_shutdown"),
        ],
        force: Force::Must,
        step: |at| {
            let closed = tcp(at)?.phase == Phase::Closed;
            (closed && matches!(at.op(), Op::Shutdown { .. }) && !at.call.midway)
                .then(|| Move::fault(Errno::ENOTCONN).with(shut_closed))
        },
    },
    // Closing
    Rule {
        id: "tcp.release.finishes",
        says: "The last release of a connected TCP socket without unread data sends end of file \
               behind all data.",
        cite: &[Source("net/ipv4/tcp.c", "__tcp_close")],
        force: Force::Silent,
        step: |at| {
            let tcp = released(at)?;
            let both = tcp.shut_write && tcp.finish == Finish::Arrived;
            (tcp.phase == Phase::Connected && tcp.arrived == 0 && (!tcp.linger_zero || both))
                .then(|| Move::releases(finish_and_leave))
        },
    },
    Rule {
        id: "tcp.release.unread",
        says: "The last release of a connected TCP socket with unread data resets the connection.",
        cite: &[
            Source("net/ipv4/tcp.c", "__tcp_close"),
            Observed("the peer reads ECONNRESET", KERNEL),
        ],
        force: Force::Silent,
        step: |at| {
            let tcp = released(at)?;
            (tcp.phase == Phase::Connected && tcp.arrived > 0)
                .then(|| Move::releases(reset_and_leave))
        },
    },
    Rule {
        id: "tcp.release.linger-zero",
        says: "The last release of a TCP socket with SO_LINGER of zero seconds resets the \
               connection, and data still in flight may be lost.",
        cite: &[Source("net/ipv4/tcp.c", "tcp_disconnect")],
        force: Force::Silent,
        step: |at| {
            let tcp = released(at)?;
            let all_came = || peer(at.world, tcp).is_none_or(|peer| peer.finish == Finish::Arrived);
            let ended = tcp.shut_write && tcp.finish == Finish::Arrived && all_came();
            (tcp.phase == Phase::Connected && tcp.arrived == 0 && tcp.linger_zero && !ended)
                .then(|| Move::releases(reset_and_leave))
        },
    },
    Rule {
        id: "tcp.release.connection-gone",
        says: "The last release of a TCP socket without a connection sends nothing and cancels any \
               pending connection request.",
        cite: &[Source("net/ipv4/tcp.c", "__tcp_close")],
        force: Force::Silent,
        step: |at| {
            let tcp = released(at)?;
            (tcp.phase != Phase::Connected && !tcp.listens())
                .then(|| Move::releases(reset_and_leave))
        },
    },
    // Arriving
    Rule {
        id: "tcp.deliver.begins",
        says: "The first byte in flight to a TCP socket with nothing yet to read arrives.",
        cite: &[Posix("send", "DESCRIPTION"), Man("tcp(7)", "DESCRIPTION")],
        force: Force::Must,
        step: |at| {
            let (object, tcp) = receives(at)?;
            (tcp.arrived == 0 && !tcp.is_empty() && !tcp.refuses_data()).then_some(Move::delivers(
                object,
                !tcp.is_stuck(),
                arrives_first,
            ))
        },
    },
    Rule {
        id: "tcp.deliver.arrives",
        says: "Data in flight arrives in order, followed by end of file, with certainty only while \
               the receiver, since last emptied, has had room for all.",
        cite: &[
            Posix("send", "DESCRIPTION"),
            Source("net/ipv4/tcp_output.c", "__tcp_select_window"),
            Source("net/ipv4/tcp.c", "__tcp_cleanup_rbuf"),
        ],
        force: Force::Must,
        step: |at| {
            let (object, tcp) = receives(at)?;
            let more = tcp.arrived < tcp.len();
            ((more || tcp.finish == Finish::Sent) && !(more && tcp.refuses_data()))
                .then_some(Move::delivers(object, !tcp.stalled, arrives))
        },
    },
    Rule {
        id: "tcp.deliver.refused",
        says: "Data arriving at a TCP socket that is closed or shut down both ways resets both \
               sides, but data that arrived before stays readable.",
        cite: &[
            Source("net/ipv4/tcp_input.c", "tcp_rcv_state_process"),
            Observed("the sender's next write fails with EPIPE", KERNEL),
        ],
        force: Force::Silent,
        step: |at| {
            let (object, tcp) = receives(at)?;
            (tcp.arrived < tcp.len() && tcp.refuses_data()).then_some(Move::delivers(
                object,
                !tcp.stalled,
                refuse,
            ))
        },
    },
    Rule {
        id: "tcp.deliver.reset",
        says: "A reset ends the connection, keeps arrived data readable, and leaves EPIPE pending \
               after the peer's end of file, otherwise ECONNRESET.",
        cite: &[
            Source("net/ipv4/tcp_input.c", "tcp_reset"),
            Observed("EPIPE after an end of data", KERNEL),
        ],
        force: Force::Silent,
        step: |at| {
            let (object, tcp) = receives(at)?;
            tcp.reset.then_some(Move::delivers(object, true, is_reset))
        },
    },
    Rule {
        id: "tcp.deliver.both-ended",
        says: "A TCP connection is gone once end of file has arrived in both directions and the \
               sender knows.",
        cite: &[Source("net/ipv4/tcp_input.c", "tcp_rcv_state_process")],
        force: Force::Silent,
        step: |at| {
            let (object, tcp) = receives(at)?;
            let known = match peer(at.world, tcp) {
                Some(peer) => peer.finish == Finish::Arrived,
                None => !tcp.reset,
            };
            (tcp.shut_write && tcp.finish == Finish::Arrived && known)
                .then_some(Move::delivers(object, true, both_ended))
        },
    },
    Rule {
        id: "tcp.deliver.wakes-for-more",
        says: "Each packet of bytes that arrives wakes watchers for POLLIN, also where bytes that \
               arrived before are unread.",
        cite: &[
            Source("net/ipv4/tcp_input.c", "tcp_data_ready"),
            Source("net/core/sock.c", "sock_def_readable"),
        ],
        force: Force::Silent,
        step: |at| {
            let (object, tcp) = receives(at)?;
            let more = tcp.arrived > 0 && tcp.arrived < tcp.len() && !tcp.refuses_data();
            (more && has_watchers(at.world, object, Events::IN)).then_some(Move::delivers(
                object,
                false,
                wakes_for_data,
            ))
        },
    },
    Rule {
        id: "tcp.deliver.wakes-for-room",
        says: "Room wakes watchers for POLLOUT once a third of the send buffer is free, if a \
               write or poll has found none before.",
        cite: &[
            Source("net/core/stream.c", "sk_stream_write_space"),
            Source("net/ipv4/tcp_input.c", "tcp_check_space, SOCK_NOSPACE"),
        ],
        force: Force::Silent,
        step: |at| {
            let (object, tcp) = receives(at)?;
            let peer = peer(at.world, tcp)?;
            let full = tcp.found_full != FoundFull::No || peer.stalled;
            let surely = tcp.found_full == FoundFull::Surely && peer.is_empty();
            (full && has_watchers(at.world, object, Events::OUT)).then_some(Move::delivers(
                object,
                surely,
                wakes_for_room,
            ))
        },
    },
    Rule {
        id: "tcp.deliver.end-known",
        says: "The acknowledgement of its end of data, which the peer may delay, wakes watchers \
               of a socket that was shut for writing.",
        cite: &[
            Source("net/ipv4/tcp_input.c", "tcp_rcv_state_process, TCP_FIN_WAIT1"),
            Source("net/ipv4/tcp_input.c", "tcp_fin, inet_csk_enter_pingpong_mode"),
        ],
        force: Force::Silent,
        step: |at| {
            let (object, tcp) = receives(at)?;
            let arrived = peer(at.world, tcp)?.finish == Finish::Arrived;
            let known = tcp.end_known || !tcp.shut_write || tcp.finish == Finish::Arrived;
            (arrived && !known && has_watchers(at.world, object, Events::NONE))
                .then_some(Move::delivers(object, false, knows_of_end))
        },
    },
    Rule {
        id: "tcp.deliver.wakes-again",
        says: "A change of state may wake the watchers of a TCP socket twice.",
        cite: &[
            Source("net/ipv4/tcp_input.c", "tcp_data_queue: tcp_fin, then tcp_data_ready"),
            Source("net/ipv4/tcp.c", "tcp_done_with_error"),
        ],
        force: Force::Silent,
        step: |at| {
            let object = at.receiver()?;
            let again = at.world.tcp(object)?.wakes_again;
            (again && has_watchers(at.world, object, Events::NONE)).then_some(Move::delivers(
                object,
                false,
                wakes_once_more,
            ))
        },
    },
    // Polling
    Rule {
        id: "tcp.poll.readable",
        says: "A poll reports POLLIN on a TCP socket to which data has arrived.",
        cite: &[Posix("poll", "POLLIN"), Source("net/ipv4/tcp.c", "tcp_poll")],
        force: Force::Must,
        step: |at| (polls(at)?.arrived > 0).then_some(Move::reports(Events::IN)),
    },
    Rule {
        id: "tcp.poll.no-more-to-come",
        says: "A poll reports POLLIN on a TCP socket at end of file, shut down for reading, or \
               whose connection is gone.",
        cite: &[Posix("poll", "POLLIN"), Source("net/ipv4/tcp.c", "tcp_poll")],
        force: Force::Must,
        step: |at| polls(at)?.receives_no_more().then_some(Move::reports(Events::IN)),
    },
    Rule {
        id: "tcp.poll.peer-finished",
        says: "A poll for POLLRDHUP reports it on a TCP socket that will receive nothing more.",
        cite: &[Man("poll(2)", "POLLRDHUP"), Source("net/ipv4/tcp.c", "tcp_poll")],
        force: Force::Silent,
        step: |at| polls(at)?.receives_no_more().then_some(Move::reports(Events::RDHUP)),
    },
    Rule {
        id: "tcp.poll.end-beyond-the-standard",
        says: "A poll may report POLLRDHUP, which the standard does not define, on a TCP socket \
               that will receive nothing more.",
        cite: &[Posix("poll", "DESCRIPTION")],
        force: Force::Unspecified,
        step: |at| polls(at)?.receives_no_more().then_some(Move::may_report(Events::RDHUP)),
    },
    Rule {
        id: "tcp.poll.writable",
        says: "A poll reports POLLOUT on a TCP socket while few bytes that it sent are unread, so \
               that a write would not block.",
        cite: &[Posix("poll", "POLLOUT"), Source("net/ipv4/tcp.c", "tcp_poll")],
        force: Force::Must,
        step: |at| {
            let tcp = polls(at)?;
            (!tcp.sends_no_more() && kept(at, tcp) < at.platform.tcp_room_bytes)
                .then_some(Move::reports(Events::OUT))
        },
    },
    Rule {
        id: "tcp.poll.writable-perhaps",
        says: "A poll may report POLLOUT on a TCP socket while many bytes that it sent are unread.",
        cite: &[Posix("poll", "POLLOUT"), Source("include/net/sock.h", "sk_stream_is_writeable")],
        force: Force::May,
        step: |at| {
            let tcp = polls(at)?;
            (!tcp.sends_no_more() && kept(at, tcp) >= at.platform.tcp_room_bytes)
                .then_some(Move::may_report(Events::OUT))
        },
    },
    Rule {
        id: "tcp.poll.writable-to-fail",
        says: "A poll reports POLLOUT on a TCP socket shut down for writing, as a write would fail \
               immediately.",
        cite: &[Posix("poll", "POLLOUT"), Source("net/ipv4/tcp.c", "tcp_poll")],
        force: Force::May,
        step: |at| {
            let tcp = polls(at)?;
            (tcp.sends_no_more() && !tcp.receives_no_more()).then_some(Move::reports(Events::OUT))
        },
    },
    Rule {
        id: "tcp.poll.hang-up",
        says: "A poll reports POLLHUP, requested or not, on a TCP socket closed in both directions \
               or reset.",
        cite: &[Posix("poll", "POLLHUP"), Source("net/ipv4/tcp.c", "tcp_poll")],
        force: Force::May,
        step: |at| hung_up(polls(at)?).then_some(Move::reports(Events::HUP)),
    },
    Rule {
        id: "tcp.poll.writable-though-hung-up",
        says: "A poll reports POLLOUT together with POLLHUP on a TCP socket closed in both \
               directions.",
        cite: &[Man("poll(2)", "POLLHUP"), Source("net/ipv4/tcp.c", "tcp_poll")],
        force: Force::Exception,
        step: |at| hung_up(polls(at)?).then_some(Move::reports(Events::OUT)),
    },
    Rule {
        id: "tcp.poll.error",
        says: "A poll reports POLLERR, requested or not, on a TCP socket with a pending error, and \
               does not clear it.",
        cite: &[Posix("poll", "POLLERR"), Source("net/ipv4/tcp.c", "tcp_poll")],
        force: Force::Must,
        step: |at| {
            let error = tcp(at).filter(|tcp| !tcp.listens())?.error.is_some();
            (error && matches!(at.op(), Op::Poll { .. })).then_some(Move::reports(Events::ERR))
        },
    },
    Rule {
        id: "tcp.poll.reset-midway",
        says: "A poll concurrent with an arriving reset may report POLLERR, with or without \
               POLLHUP, beside the events from before the reset.",
        cite: &[
            Source("net/ipv4/tcp.c", "tcp_poll, tcp_done_with_error"),
            Observed("POLLOUT|POLLERR beside a close on another processor", KERNEL),
            Observed("POLLERR|POLLHUP without POLLRDHUP, between two network namespaces", KERNEL),
        ],
        force: Force::Silent,
        step: |at| {
            let Op::Poll { events, .. } = at.op() else { return None };
            let tcp = polls(at)?;
            let asked = events.union(Events::ERR).union(Events::HUP);
            let (must, may) = (at.found.0.union(Events::ERR), at.found.1.union(Events::HUP));
            let ready =
                Answers::Ready { must: must.intersection(asked), may: may.intersection(asked) };
            (tcp.reset && tcp.phase == Phase::Connected)
                .then(|| Move::found(ready).with(reset_arrives))
        },
    },
    Rule {
        id: "tcp.poll.end-midway",
        says: "A poll concurrent with an arriving end of file may report POLLIN before POLLRDHUP.",
        cite: &[
            Source("net/ipv4/tcp_input.c", "tcp_fin"),
            Observed(
                "once in 350,000 calls, POLLIN beside a shutdown on another processor",
                KERNEL,
            ),
        ],
        force: Force::Silent,
        step: |at| {
            let tcp = polls(at)?;
            (tcp.finish == Finish::Sent && !tcp.receives_no_more())
                .then_some(Move::may_report(Events::IN))
        },
    },
    // Options and the like
    Rule {
        id: "tcp.option.error",
        says: "Reading SO_ERROR of a TCP socket returns the pending error, or 0, and clears it.",
        cite: &[Posix("getsockopt", "SO_ERROR"), Source("net/core/sock.c", "sk_getsockopt")],
        force: Force::Must,
        step: |at| {
            let tcp = tcp(at)?;
            let error = tcp.error.map_or(0, |error| u32::from(error.number()));
            (at.op() == Op::GetOption { option: SocketOption::Error })
                .then(|| Move::answers(Answer::Count(error)).with(tell))
        },
    },
    Rule {
        id: "tcp.set-option.linger",
        says: "Setting SO_LINGER to zero seconds, or off, decides whether the last close of a TCP \
               socket resets its connection.",
        cite: &[Posix("setsockopt", "SO_LINGER"), Man("socket(7)", "SO_LINGER")],
        force: Force::Must,
        step: |at| {
            tcp(at)?;
            matches!(at.op(), Op::SetOption { option: SocketOption::Linger, value: ..=0 })
                .then(|| Move::answers(Answer::Done).with(set_linger))
        },
    },
    Rule {
        id: "tcp.available.counts",
        says: "FIONREAD on a TCP socket returns the number of bytes that have arrived and are \
               unread.",
        cite: &[Man("tcp(7)", "SIOCINQ"), Source("net/ipv4/tcp.c", "tcp_ioctl")],
        force: Force::Silent,
        step: |at| {
            let tcp = tcp(at)?;
            (at.op() == Op::Available && !tcp.listens())
                .then(|| Move::transfers(tcp.arrived, tcp.readable()).with(see))
        },
    },
    Rule {
        id: "tcp.available.unspecified",
        says: "The result of FIONREAD on a TCP socket is unspecified.",
        cite: &[Man("ioctl(2)", "STANDARDS")],
        force: Force::Unspecified,
        step: |at| {
            tcp(at)?;
            (at.op() == Op::Available)
                .then_some(Move::unspecified("a call that the standard does not know"))
        },
    },
];

/// What a call that reads wants.
struct Wish {
    /// Bytes asked for.
    len: u32,
    /// Whether it looks what has come: a read(2) of zero bytes doesn't.
    looks: bool,
    /// Whether it asked for nothing, and waited nevertheless.
    waited_for_nothing: bool,
    /// Bytes that it has not got.
    rest: u32,
    /// Whether it waits where nothing has arrived.
    waits: bool,
    /// Whether it waits until it has all.
    waits_for_all: bool,
    /// Whether it takes nothing.
    peeks: bool,
}

/// A call that sends, and what there is room for.
struct Gift {
    /// Bytes offered.
    len: u32,
    /// Bytes of it that are not sent.
    rest: u32,
    /// Bytes sent and not read.
    unread: u32,
    /// Bytes that can be sent for sure.
    room: u32,
    /// Whether it waits where there is no room.
    waits: bool,
}

/// The socket behind the end.
pub(super) fn tcp<'a>(at: &Scene<'a>) -> Option<&'a Tcp> {
    match at.object()? {
        Object::Tcp(tcp) => Some(tcp),
        _ => None,
    }
}

fn peer<'a>(world: &'a World, tcp: &Tcp) -> Option<&'a Tcp> {
    match world.objects.get(usize::from(tcp.peer))? {
        Object::Tcp(peer) => Some(peer),
        _ => None,
    }
}

fn reads<'a>(at: &Scene<'a>) -> Option<(Wish, &'a Tcp)> {
    let (len, flags) = match at.op() {
        Op::Read { len } => (len, SendFlags::NONE),
        Op::Receive { len, flags } => (len, flags),
        _ => return None,
    };
    let tcp = tcp(at)?;
    let may_wait = !at.nonblock() && at.timeout_us(tcp.timeout_us) >= 0;
    let waits = may_wait && !flags.contains(SendFlags::DONTWAIT) || at.call.entered;
    let waits_for_all = waits && len > 0 && flags.contains(SendFlags::WAITALL);
    let looks = len > 0 || matches!(at.op(), Op::Receive { .. });
    let waited_for_nothing = len == 0 && at.call.entered;
    let peeks = flags.contains(SendFlags::PEEK);
    let rest = len - at.call.done;
    let wish = Wish { len, looks, waited_for_nothing, rest, waits, waits_for_all, peeks };
    (!looks || waited_for_nothing || !tcp.is_unreadable()).then_some((wish, tcp))
}

/// A call that waits to see more than has arrived for sure, and takes nothing.
fn peeks_at_part<'a>(at: &Scene<'a>) -> Option<(Wish, &'a Tcp)> {
    let (wish, tcp) = reads(at)?;
    let part = tcp.readable() > 0 && tcp.arrived < wish.rest;
    (wish.waits_for_all && wish.peeks && part).then_some((wish, tcp))
}

/// A read of at least one byte to which nothing has arrived for sure, and something could.
fn finds_nothing<'a>(at: &Scene<'a>) -> Option<(Wish, &'a Tcp)> {
    let (wish, tcp) = reads(at)?;
    let nothing = tcp.arrived == 0 && !tcp.receives_no_more() && tcp.error.is_none();
    (wish.looks && nothing).then_some((wish, tcp))
}

/// A read of at least one byte that may find that nothing has come and nothing will.
fn finds_end<'a>(at: &Scene<'a>) -> Option<(Wish, &'a Tcp)> {
    let (wish, tcp) = reads(at)?;
    let end = tcp.arrived == 0 && (tcp.receives_no_more() || tcp.error.is_some());
    (wish.looks && end && !wish.waited_for_nothing).then_some((wish, tcp))
}

pub(super) fn writes<'a>(at: &Scene<'a>) -> Option<(SendFlags, &'a Tcp)> {
    let flags = match at.op() {
        Op::Write { .. } => SendFlags::NONE,
        Op::Send { flags, .. } => flags,
        _ => return None,
    };
    Some((flags, tcp(at)?))
}

/// A call that can send.
fn sends(at: &Scene<'_>) -> Option<Gift> {
    let (flags, tcp) = writes(at)?;
    let len = at.op().offers()?;
    let unread = unread(at, tcp);
    let waits = !at.nonblock() && !flags.contains(SendFlags::DONTWAIT);
    let room = at.platform.tcp_room_bytes.saturating_sub(unread);
    let open = tcp.phase == Phase::Connected && !tcp.sends_no_more();
    (open && tcp.error.is_none()).then_some(Gift {
        len,
        rest: len - at.call.done,
        unread,
        room,
        waits,
    })
}

/// Whether somebody looks meanwhile at what the peer has.
fn is_watched(at: &Scene<'_>) -> bool {
    let looks = |op: Op| matches!(op, Op::Poll { .. } | Op::Available) || op.asks().is_some();
    tcp(at).is_some_and(|tcp| at.others_at(tcp.peer).any(|other| looks(other.op())))
}

/// Bytes that the socket has sent and that were not read.
fn unread(at: &Scene<'_>, tcp: &Tcp) -> u32 {
    peer(at.world, tcp).map_or(0, Tcp::len)
}

/// The same, with what calls in progress may have room for already before they copy it.
fn kept(at: &Scene<'_>, tcp: &Tcp) -> u32 {
    let rest = |other: Scene<'_>| other.op().offers().map_or(0, |len| len - other.call.done);
    unread(at, tcp).saturating_add(at.others_here().map(rest).fold(0, u32::saturating_add))
}

/// Polls a socket that is connected, or was.
fn polls<'a>(at: &Scene<'a>) -> Option<&'a Tcp> {
    let tcp = tcp(at).filter(|_| matches!(at.op(), Op::Poll { .. }))?;
    matches!(tcp.phase, Phase::Connected | Phase::Closed).then_some(tcp)
}

fn hung_up(tcp: &Tcp) -> bool {
    tcp.receives_no_more() && tcp.sends_no_more()
}

/// Whether this is a shutdown of that side of a connection.
fn shuts(at: &Scene<'_>, side: Mode) -> Option<bool> {
    let connected = tcp(at)?.phase == Phase::Connected || at.call.midway;
    Some(connected && at.op() == Op::Shutdown { how: side })
}

/// The socket to which nothing refers any more.
pub(super) fn released<'a>(at: &Scene<'a>) -> Option<&'a Tcp> {
    at.world.tcp(at.released()?)
}

/// The socket of a connection to which something may be delivered.
fn receives<'a>(at: &Scene<'a>) -> Option<(ObjectIndex, &'a Tcp)> {
    let object = at.receiver()?;
    match at.world.objects.get(usize::from(object))? {
        Object::Tcp(tcp) if tcp.phase == Phase::Connected => Some((object, tcp)),
        _ => None,
    }
}

fn tcp_mut(world: &mut World, object: ObjectIndex) -> Option<&mut Tcp> {
    match world.objects.get_mut(usize::from(object))? {
        Object::Tcp(tcp) => Some(tcp),
        _ => None,
    }
}

/// A call begins to wait, perhaps for a time only.
fn enter_for_a_time(act: &mut Act<'_>) {
    let asked = act.call().terms.map(|terms| terms.timeout_us);
    let timeout_us = asked.or_else(|| act.tcp().map(|tcp| tcp.timeout_us));
    let peer = act.tcp().map(|tcp| tcp.peer);
    let writes = peer.and_then(|peer| tcp_mut(act.world, peer)).is_some_and(|peer| peer.stalled);
    let call = act.call();
    call.entered = true;
    call.timed = timeout_us > Some(0);
    call.midway |= writes && asks_nothing(call);
}

pub(super) fn enter(act: &mut Act<'_>) {
    act.call().entered = true;
}

fn take(act: &mut Act<'_>) {
    let &mut Act { actor, count, .. } = act;
    let op = act.call().op;
    let done = act.call().done;
    let Some(tcp) = act.tcp() else { return };
    let flags = if let Op::Receive { flags, .. } = op { flags } else { SendFlags::NONE };
    let data = tcp.first(count);
    let come = count.max(1) > tcp.arrived;
    tcp.arrived = tcp.arrived.max(count.max(1));
    if !flags.contains(SendFlags::PEEK) {
        tcp.drop_first(count);
        tcp.stalled &= tcp.shut_read || !tcp.is_empty();
    }
    // Who gets less than it asked for has got all that had arrived.
    let asked = op.asks().unwrap_or(0);
    if count + done < asked && tcp.phase == Phase::Closed {
        let kept = if flags.contains(SendFlags::PEEK) { count } else { 0 };
        tcp.segments = tcp.first(kept);
    }
    if !flags.contains(SendFlags::PEEK) {
        catch_midway(act.world, actor, peeks_for_all);
    }
    if come {
        wakes_for_data(act);
    }
    if !flags.contains(SendFlags::TRUNC) {
        let call = act.call();
        data.into_iter().for_each(|segment| push_segment(&mut call.data, segment));
    }
}

/// A call gives so many bytes, and nobody knows which.
fn show_anything(act: &mut Act<'_>) {
    let &mut Act { count, .. } = act;
    let call = act.call();
    if !matches!(call.op, Op::Receive { flags, .. } if flags.contains(SendFlags::TRUNC)) {
        push_segment(&mut call.data, Segment::any(count));
    }
}

fn take_part(act: &mut Act<'_>) {
    let &mut Act { count, .. } = act;
    take(act);
    act.call().done += count;
    enter_for_a_time(act);
}

/// Of the calls that wait at the socket of this actor's call, catches those that `are` so.
fn catch_midway(world: &mut World, actor: Actor, are: impl Fn(&Pending) -> bool) {
    let description = world.pending_mut(actor).description;
    let object = |world: &World, index: Option<DescriptionIndex>| {
        index.map(|index| world.descriptions[usize::from(index)].object)
    };
    let here = object(world, description);
    for other in (0..world.actors.len() as u8).map(Actor) {
        let theirs = world.pending(other).filter(|call| call.entered && are(call));
        let description = theirs.and_then(|call| call.description);
        if description.is_some() && object(world, description) == here {
            world.pending_mut(other).midway = true;
        }
    }
}

/// A call that waits though it asks for nothing.
fn asks_nothing(call: &Pending) -> bool {
    matches!(call.op, Op::Receive { len: 0, .. })
}

/// A call that waits to see all that it asks for.
fn peeks_for_all(call: &Pending) -> bool {
    let all = SendFlags::PEEK.union(SendFlags::WAITALL);
    matches!(call.op, Op::Receive { flags, .. } if flags.contains(all))
}

/// What was on its way and has not arrived never will.
fn lose(act: &mut Act<'_>) {
    if let Some(tcp) = act.tcp()
        && tcp.phase == Phase::Closed
    {
        tcp.segments = tcp.first(tcp.arrived);
    }
}

/// Of the bytes at least so many have arrived.
fn see(act: &mut Act<'_>) {
    let &mut Act { count, .. } = act;
    let Some(tcp) = act.tcp() else { return };
    let come = count > tcp.arrived;
    tcp.arrived = count;
    if tcp.phase == Phase::Closed {
        tcp.segments = tcp.first(count);
    }
    if come {
        wakes_for_data(act);
    }
}

/// The error that waited is told.
fn tell(act: &mut Act<'_>) {
    let reads = act.call().op.asks().is_some();
    if let Some(tcp) = act.tcp() {
        tcp.error = None;
        if reads {
            tcp.segments = tcp.first(tcp.arrived);
        }
    }
}

fn give(act: &mut Act<'_>) {
    let &mut Act { platform, actor, count, .. } = act;
    let from = act.world.actors[usize::from(actor.0)].written;
    let from = from + i64::from(act.call().done);
    act.call().done += count;
    let Some(peer) = act.tcp().map(|tcp| tcp.peer) else { return };
    if let Some(peer) = tcp_mut(act.world, peer) {
        peer.push(Segment { actor, from, len: count });
        peer.stalled |= peer.len() > platform.tcp_room_bytes;
        if peer.stalled {
            catch_midway(act.world, actor, asks_nothing);
        }
    }
    if let Some(object) = act.object {
        has_found_full(act.world, object, false);
    }
}

/// A call finds no room to send.
fn find_full(act: &mut Act<'_>) {
    if let Some(object) = act.object {
        has_found_full(act.world, object, true);
    }
}

fn give_part(act: &mut Act<'_>) {
    give(act);
    find_full(act);
}

fn give_and_enter(act: &mut Act<'_>) {
    give_part(act);
    enter(act);
}

fn shut(act: &mut Act<'_>) {
    shut_sides(act);
    wakes_for_state(act);
}

fn shut_first(act: &mut Act<'_>) {
    shut_sides(act);
    act.call().midway = true;
}

fn shut_sides(act: &mut Act<'_>) {
    let Op::Shutdown { how } = act.call().op else { return };
    let Some(tcp) = act.tcp() else { return };
    tcp.shut_read |= how.reads();
    if tcp.told == Told::UnderWay {
        tcp.told = Told::Connected;
    }
    let peer = tcp.peer;
    let ends = how.writes() && !tcp.shut_write;
    tcp.shut_write |= ends;
    if tcp.refuses_data() && tcp.reach == u32::MAX {
        tcp.reach = tcp.len();
    }
    if ends {
        finish(act.world, peer);
    }
}

/// What was told to be under way has failed, and nobody will be told why.
fn shut_closed(act: &mut Act<'_>) {
    if let Some(tcp) = act.tcp().filter(|tcp| tcp.told == Told::UnderWay) {
        tcp.told = Told::ShutDown;
    }
    wakes_for_state(act);
}

/// The end of data goes to the peer.
fn finish(world: &mut World, peer: ObjectIndex) {
    if let Some(peer) = tcp_mut(world, peer) {
        peer.finish = peer.finish.max(Finish::Sent);
    }
}

fn set_linger(act: &mut Act<'_>) {
    if let (Op::SetOption { value, .. }, Some(tcp)) = (act.call().op, act.tcp()) {
        let matters = tcp.phase != Phase::Closed || tcp.told == Told::UnderWay;
        tcp.linger_zero = value == 0 && matters;
    }
}

fn finish_and_leave(act: &mut Act<'_>) {
    if let Some(object) = act.object {
        let_go(act.world, object);
    }
}

fn reset_and_leave(act: &mut Act<'_>) {
    let Some(object) = act.object else { return };
    reset_peer(act.world, object);
    if let Some(tcp) = act.tcp() {
        tcp.held = false;
    }
    gone(act.world, object);
}

/// A socket to which no description refers any more ends its side.
fn let_go(world: &mut World, object: ObjectIndex) {
    let Some(tcp) = tcp_mut(world, object) else { return };
    let peer = tcp.peer;
    tcp.held = false;
    let sent = std::mem::replace(&mut tcp.shut_write, true);
    tcp.shut_read = true;
    tcp.linger_zero = false;
    if !sent {
        finish(world, peer);
    }
    match tcp_mut(world, peer).map(|peer| peer.held) {
        Some(true) => return,
        // Whatever goes back and forth, nobody is there to notice.
        Some(false) => gone(world, peer),
        None => {}
    }
    gone(world, object);
}

/// A reset goes to the peer, and nothing more.
pub(super) fn reset_peer(world: &mut World, object: ObjectIndex) {
    let Some(tcp) = tcp_mut(world, object) else { return };
    let peer = std::mem::replace(&mut tcp.peer, NOBODY);
    if let Some(peer) = tcp_mut(world, peer).filter(|peer| peer.phase == Phase::Connected) {
        peer.peer = NOBODY;
        peer.reset = true;
    }
}

/// The connection is gone for this socket.
fn gone(world: &mut World, object: ObjectIndex) {
    let Some(tcp) = tcp_mut(world, object) else { return };
    let other = tcp.peer;
    tcp.phase = Phase::Closed;
    tcp.reach = u32::MAX;
    tcp.stalled = false;
    tcp.found_full = FoundFull::No;
    tcp.peer = NOBODY;
    tcp.reset = false;
    tcp.shut_read = true;
    tcp.shut_write = true;
    // A socket that may ask again keeps what was set.
    tcp.linger_zero &= tcp.told == Told::UnderWay;
    if tcp.finish == Finish::Sent {
        tcp.finish = Finish::None;
    }
    if !tcp.held {
        world.objects[usize::from(object)] = Object::Free;
    }
    if let Some(other) = tcp_mut(world, other) {
        other.peer = NOBODY;
    }
    while matches!(world.objects.last(), Some(Object::Free)) {
        world.objects.pop();
    }
}

fn arrives_first(act: &mut Act<'_>) {
    let Some(object) = act.object else { return };
    if let Some(tcp) = tcp_mut(act.world, object) {
        tcp.arrived = 1;
    }
    wakes_for_data(act);
}

fn arrives(act: &mut Act<'_>) {
    let Some(object) = act.object else { return };
    let Some(tcp) = tcp_mut(act.world, object) else { return };
    let ends = tcp.finish == Finish::Sent;
    tcp.arrived = tcp.len();
    if ends {
        tcp.finish = Finish::Arrived;
        tcp.reach = u32::MAX;
        wakes_for_state(act);
    } else {
        wakes_for_data(act);
    }
}

fn wakes_for_data(act: &mut Act<'_>) {
    if let Some(object) = act.object {
        wake_for_data(act.world, object);
    }
}

pub(super) fn wakes_for_state(act: &mut Act<'_>) {
    if let Some(object) = act.object {
        wake_for_tcp_state(act.world, object);
    }
}

fn wakes_once_more(act: &mut Act<'_>) {
    wakes_for_state(act);
    if let Some(tcp) = act.tcp() {
        tcp.wakes_again = false;
    }
}

fn wakes_for_room(act: &mut Act<'_>) {
    let Some(object) = act.object else { return };
    if let Some(tcp) = act.tcp() {
        tcp.found_full = FoundFull::No;
    }
    wake(act.world, object, Wake::one(Queue::All, Events::OUT));
}

fn knows_of_end(act: &mut Act<'_>) {
    if let Some(tcp) = act.tcp() {
        tcp.end_known = true;
    }
    if let Some(object) = act.object {
        wake_for_state(act.world, object);
    }
}

fn refuse(act: &mut Act<'_>) {
    let Some(object) = act.object else { return };
    reset_peer(act.world, object);
    if let Some(tcp) = tcp_mut(act.world, object) {
        tcp.error = Some(Errno::ECONNRESET);
        tcp.segments = tcp.first(tcp.readable());
    }
    gone(act.world, object);
    wakes_for_state(act);
}

fn is_reset(act: &mut Act<'_>) {
    let Some(object) = act.object else { return };
    if let Some(tcp) = tcp_mut(act.world, object) {
        let waits_to_close = tcp.finish == Finish::Arrived && !tcp.shut_write;
        tcp.error = Some(if waits_to_close { Errno::EPIPE } else { Errno::ECONNRESET });
    }
    gone(act.world, object);
    wakes_for_state(act);
}

/// What was seen under way is completed before anything else happens.
fn reset_arrives(act: &mut Act<'_>) {
    let description = act.call().description;
    if let Some(index) = description {
        let object = act.world.descriptions[usize::from(index)].object;
        is_reset(&mut act.of(object.into()));
    }
}

fn both_ended(act: &mut Act<'_>) {
    let Some(object) = act.object else { return };
    gone(act.world, object);
    wakes_for_state(act);
}
