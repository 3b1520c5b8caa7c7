//! Unix sockets: reading and writing streams; and of all types how they get their names, are connected,
//! shut down and polled.
//!
//! What messages are is in [`super::message`]. Not modelled: `MSG_OOB`, `SO_PEEK_OFF`, `SO_RCVLOWAT`,
//! `SO_PASSCRED` and credentials, `SO_SNDTIMEO`, epoll, several buffers in one call, more than one
//! descriptor in a message, names other than the channel's, `AF_UNSPEC`, autobind, permissions, and
//! sockets that only data on its way to themselves keeps open.

use smallvec::SmallVec;

use super::wake::{Queue, Wake, wake_for_data, wake_for_room, wake_for_state, wake_who_sends_to};
use crate::act::Act;
use crate::call::{Answer, Errno, Events, Marks, Op, SendFlags, Signal, SocketOption};
use crate::channel::Object;
use crate::channel::Unix;
use crate::channel::unix::{Life, Peer, Piece, cost, named};
use crate::chapter::{Chapter, Exception, Overlap};
use crate::data::push_segment;
use crate::index::ObjectIndex;
use crate::kind::{Discipline, Naming, SocketType};
use crate::platform::{Account, Platform};
use crate::rule::Cite::{Man, Observed, Posix, Source};
use crate::rule::{Answers, Force, Move, Rule, Scene};
use crate::rules::line::{ahead, join_at_socket};
use crate::rules::socket::{accept_must_not_wait, begin_to_receive, none_waits};
use crate::rules::transfer::{
    Giving, Taking, begin_to_wait, clear_reset, giving, has_room, has_taken_room, is_circular,
    lacks_room, received, shutdown, take_room, taking,
};
use crate::run::Setup;
use crate::world::{Address, Line, Place};

const AF_UNIX: &str = "net/unix/af_unix.c";
const MAN_UNIX: &str = "unix(7)";
const KERNELS: &str = "Linux 6.1 and 6.18";

/// The chapter.
pub const CHAPTER: Chapter = Chapter {
    name: "unix",
    title: "Unix sockets: streams, names, connections",
    of_all: false,
    rules: RULES,
    not_on_linux: NOT_ON_LINUX,
    not_in_posix: NOT_IN_POSIX,
    absent,
    overlaps: OVERLAPS,
    exceptions: EXCEPTIONS,
};

const NOT_ON_LINUX: &[&str] = &[
    "unix.bind.connected",
    "unix.bind.shut-down",
    "unix.open.not-supported",
    "unix.connect.full-refused",
    "unix.any.read-not-connected",
    "unix.any.unconnected-nonblocking",
    "unix.any.reset-first",
    "unix.any.broken-while-waiting",
    "unix.any.shut-without-signal",
    "unix.listen.no-address",
    "unix.connect.in-progress",
    "unix.connect.not-for-listeners",
    "unix.shutdown.not-connected",
    "unix.poll.writable-perhaps",
    "unix.available.unspecified",
];
const NOT_IN_POSIX: &[&str] = &[
    "unix.any.reads-unconnected",
    "unix.any.broken-asleep",
    "unix.send.address-unsupported",
    "unix.listen.unnamed",
    "unix.connect.full-nonblocking",
    "unix.connect.connected-waits-first",
    "unix.shutdown.unconnected",
    "unix.poll.writable-though-hung-up",
    "unix.available.counts",
    "unix.available.listening",
];
const OVERLAPS: &[Overlap] = &[
    Overlap {
        why: "A poll concurrent with a close of the peer sees the effects that the close has had \
              so far.",
        rules: &[
            "descriptor.poll.ready",
            "descriptor.poll.nothing",
            "descriptor.poll.waits",
            "unix.poll.close-midway",
            "unix.poll.end-before-error",
            "unix.poll.end-before-hang-up",
        ],
    },
    Overlap {
        why: "POSIX has two errors for one condition.",
        rules: &["unix.open.no-such-device", "unix.open.not-supported"],
    },
    Overlap {
        why: "POSIX states no buffer sizes: something fits for certain only with nothing in \
              flight.",
        rules: &[
            "unix.any.write-completes",
            "unix.any.write-in-pieces",
            "unix.any.write-partial",
            "unix.any.full-nonblocking",
            "unix.any.finds-no-room",
            "unix.any.waits-for-room",
        ],
    },
    Overlap {
        why: "A write reserves room first, and that step may be unobservable.",
        rules: &["unix.any.takes-room", "unix.any.write-completes"],
    },
    Overlap {
        why: "A time-out may expire at any moment.",
        rules: &[
            "unix.any.waits-for-data",
            "unix.any.time-out",
            "unix.any.finds-nothing",
            "unix.receive.all-cut-short",
        ],
    },
    Overlap {
        why: "POSIX permits, but does not require, unread data to reset a connection.",
        rules: &["unix.any.end", "unix.any.reset"],
    },
    Overlap {
        why: "A call on the path of a bind in progress may or may not find it.",
        rules: &["unix.any.path-midway", "message.connect.no-entry"],
    },
    Overlap {
        why: "An open of the path of a bind in progress may or may not find it.",
        rules: &["unix.open.path-midway", "unix.open.no-entry"],
    },
];
const EXCEPTIONS: &[Exception] = &[
    Exception {
        rule: "unix.poll.writable-though-hung-up",
        why: "POSIX makes POLLOUT and POLLHUP exclude each other; on a socket whose peer closed, \
              Linux reports both.",
    },
    Exception {
        rule: "unix.any.broken-asleep",
        why: "POSIX requires SIGPIPE with EPIPE; a write that fails in the wait for memory, which \
              raises no signal, does without.",
    },
    Exception {
        rule: "unix.any.reads-unconnected",
        why: "POSIX requires ENOTCONN of a read of an unconnected stream socket; Linux fails with \
              EINVAL.",
    },
    Exception {
        rule: "unix.listen.unnamed",
        why: "POSIX requires EDESTADDRREQ of a listen on a socket without a name; Linux fails with \
              EINVAL.",
    },
    Exception {
        rule: "unix.send.address-unsupported",
        why: "POSIX requires ENOTCONN of a send with an address on an unconnected stream socket; \
              Linux fails with EOPNOTSUPP.",
    },
    Exception {
        rule: "unix.connect.connected-waits-first",
        why: "A connect of a connected socket waits for room in the listener's backlog before it \
              fails with EISCONN.",
    },
    Exception {
        rule: "unix.connect.full-nonblocking",
        why: "POSIX requires EINPROGRESS of a nonblocking connect to a full backlog; Linux fails \
              with EAGAIN and starts no request.",
    },
    Exception {
        rule: "unix.shutdown.unconnected",
        why: "POSIX requires ENOTCONN of a shutdown of an unconnected socket; on Linux it \
              succeeds.",
    },
];

fn absent(setup: &Setup) -> &'static [&'static str] {
    match setup.kind.discipline {
        Discipline::Unix(SocketType::Stream, Naming::Path) => OF_NAMES,
        Discipline::Unix(SocketType::Stream, Naming::Abstract) => OF_PATHS,
        _ => OF_STREAMS,
    }
}

/// Rules of what has a path.
const OF_PATHS: &[&str] = &[
    "unix.unlink.path",
    "unix.open.no-such-device",
    "unix.open.path-midway",
    "unix.open.not-supported",
    "unix.connect.no-entry",
    "unix.any.path-midway",
    "unix.bind.address-in-use",
];

/// Rules of what has a name that is no path.
const OF_NAMES: &[&str] = &["unix.bind.name-in-use"];

/// Rules of how streams are read and written.
const OF_STREAMS: &[&str] = &[
    "unix.any.shut-without-signal",
    "unix.any.data",
    "unix.any.data-by-pieces",
    "unix.any.reads-in-turn",
    "unix.any.data-with-end",
    "unix.receive.waits-for-all",
    "unix.receive.all-cut-short",
    "unix.any.receives-nothing",
    "unix.receive.peek",
    "unix.receive.peek-beyond",
    "unix.any.reset",
    "unix.any.end",
    "unix.any.empty-nonblocking",
    "unix.any.finds-nothing",
    "unix.any.waits-for-data",
    "unix.any.time-out",
    "unix.any.reads-unconnected",
    "unix.any.read-not-connected",
    "unix.any.reset-first",
    "unix.any.broken-while-waiting",
    "unix.bind.name-in-use",
    "unix.any.write-completes",
    "unix.any.write-in-pieces",
    "unix.any.write-partial",
    "unix.any.full-nonblocking",
    "unix.any.finds-no-room",
    "unix.any.broken",
    "unix.send.broken-silently",
    "unix.any.broken-asleep",
    "unix.any.reset-asleep",
    "unix.any.cut-short",
    "unix.any.cut-short-midway",
    "unix.any.writes-nothing",
    "unix.any.writes-unconnected",
    "unix.send.address-of-connected",
    "unix.send.address-unsupported",
];

const RULES: &[Rule] = &[
    // Reading streams
    Rule {
        id: "unix.any.data",
        says: "A read or receive on a stream socket immediately returns the available bytes, \
               across writes, up to the requested length, even with an error pending.",
        cite: &[Posix("recv", "DESCRIPTION"), Source(AF_UNIX, "unix_stream_read_generic")],
        force: Force::Must,
        step: |at| {
            let (taking, readable) = data(at)?;
            let whole = at.call.done + readable.count == taking.len;
            (readable.passed.is_none() && (!taking.all || whole) && taking.len > 0)
                .then(|| Move::transfers(readable.count, readable.count).with(take))
        },
    },
    Rule {
        id: "unix.any.data-by-pieces",
        says: "A read of a stream socket takes sent pieces one at a time, visibly to concurrent \
               calls, until it has enough or finds none.",
        cite: &[
            Source(AF_UNIX, "unix_stream_read_generic"),
            Observed("FIONREAD 12447 beside a read of 48991", "Linux 6.18"),
        ],
        force: Force::Silent,
        step: |at| {
            let (taking, readable) = data(at)?;
            let first = taking.socket.queue.first()?;
            let several = first.passed.is_none() && readable.count > first.data.len;
            let known = at.platform.socket_account != Account::Envelope;
            (several && known && is_watched(at, taking.socket))
                .then(|| Move::proceeds(first.data.len, first.data.len).with(take_piece))
        },
    },
    Rule {
        id: "unix.any.reads-in-turn",
        says: "A read of a stream socket sleeps while another read of the socket is taking data.",
        cite: &[Source(AF_UNIX, "unix_stream_read_generic")],
        force: Force::Silent,
        step: |at| {
            let taking = stream_taking(at)?;
            let found = !taking.peek && !taking.socket.queue.is_empty();
            (found && another_takes(at)).then_some(Move::rests())
        },
    },
    Rule {
        id: "unix.any.data-with-end",
        says: "A read that reaches bytes sent with a descriptor receives or, without room for it, \
               discards the descriptor and returns no bytes beyond them.",
        cite: &[Man(MAN_UNIX, "Ancillary messages"), Source(AF_UNIX, "unix_stream_read_generic")],
        force: Force::Silent,
        step: |at| {
            let (taking, readable) = data(at)?;
            readable.passed?;
            let count = at.call.done + readable.count;
            Some(Move::answers(taking.answer(count, Marks::NONE, true)).with(take))
        },
    },
    Rule {
        id: "unix.receive.waits-for-all",
        says: "A receive with MSG_WAITALL on a stream socket takes the available bytes, if fewer \
               than requested, and continues.",
        cite: &[Posix("recv", "MSG_WAITALL"), Observed("FIONREAD 0 while it waits", KERNELS)],
        force: Force::Must,
        step: |at| {
            let (taking, readable) = data(at)?;
            let some = at.call.done + readable.count < taking.len;
            (readable.passed.is_none() && taking.all && some)
                .then(|| Move::proceeds(readable.count, readable.count).with(take))
        },
    },
    Rule {
        id: "unix.receive.all-cut-short",
        says: "A receive with MSG_WAITALL returns its bytes so far if it must not wait, times out, \
               reaches end of file, or clears an error.",
        cite: &[Posix("recv", "MSG_WAITALL"), Source(AF_UNIX, "unix_stream_read_generic")],
        force: Force::May,
        step: |at| {
            let taking = empty(at).filter(|taking| at.call.done > 0 && taking.all)?;
            let ends = taking.socket.reset || taking.socket.receive_closed;
            (ends || taking.must_not_wait(at) || at.call.timed)
                .then(|| Move::transfers(0, 0).with(clear_reset))
        },
    },
    Rule {
        id: "unix.any.receives-nothing",
        says: "A receive of zero bytes on a stream socket returns 0 if data is available, and \
               otherwise waits or fails as a longer one would.",
        cite: &[Source(AF_UNIX, "unix_stream_read_generic")],
        force: Force::Silent,
        step: |at| {
            let (taking, readable) = data(at)?;
            (readable.passed.is_none() && taking.len == 0)
                .then_some(Move::answers(Answer::Count(0)))
        },
    },
    Rule {
        id: "unix.receive.peek",
        says: "A receive with MSG_PEEK on a stream socket returns what another receive would, \
               without waiting for MSG_WAITALL, and removes nothing.",
        cite: &[Posix("recv", "MSG_PEEK"), Source(AF_UNIX, "unix_stream_read_generic")],
        force: Force::Must,
        step: |at| {
            let (taking, readable) = peeked(at)?;
            let answer = taking.answer(readable.count, Marks::NONE, readable.passed.is_some());
            (readable.passed.is_some() || !carries_end(&taking))
                .then(|| Move::answers(answer).with(take))
        },
    },
    Rule {
        id: "unix.receive.peek-beyond",
        says: "A receive with MSG_PEEK on a stream socket reports a queued descriptor even if it \
               was sent with bytes beyond those returned.",
        cite: &[
            Source(AF_UNIX, "unix_stream_read_generic"),
            Observed("1, then 1 with a descriptor: a peek of 1 gives MSG_CTRUNC", "Linux 6.18"),
        ],
        force: Force::Silent,
        step: |at| {
            let (taking, readable) = peeked(at)?;
            (readable.passed.is_none() && carries_end(&taking))
                .then(|| Move::answers(taking.answer(readable.count, Marks::NONE, true)).with(take))
        },
    },
    Rule {
        id: "unix.any.reset",
        says: "A read of an empty stream socket whose peer closed with data unread, or was never \
               accepted, fails once with ECONNRESET.",
        cite: &[Posix("recv", "ERRORS [ECONNRESET]"), Source(AF_UNIX, "unix_release_sock")],
        force: Force::May,
        step: |at| {
            let taking = empty(at).filter(|_| at.call.done == 0)?;
            taking.socket.reset.then(|| Move::fails(Errno::ECONNRESET).with(clear_reset))
        },
    },
    Rule {
        id: "unix.any.end",
        says: "A read of an empty stream socket returns 0 once its peer has closed or shut down \
               writing, or it was shut down for reading.",
        cite: &[Posix("recv", "RETURN VALUE"), Source(AF_UNIX, "unix_stream_read_generic")],
        force: Force::Must,
        step: |at| {
            let taking = empty(at).filter(|_| at.call.done == 0)?;
            let reset = taking.socket.reset && at.platform.unread_data_resets;
            (taking.socket.receive_closed && !reset)
                .then(|| Move::answers(Answer::Count(0)).with(clear_reset))
        },
    },
    Rule {
        id: "unix.any.empty-nonblocking",
        says: "A read of an empty stream socket fails with EAGAIN if data may still arrive but \
               O_NONBLOCK, MSG_DONTWAIT or a negative time-out forbids waiting.",
        cite: &[Posix("recv", "ERRORS [EAGAIN]"), Source(AF_UNIX, "unix_stream_read_generic")],
        force: Force::Must,
        step: |at| {
            let taking = nothing_yet(at).filter(|_| at.call.done == 0)?;
            taking.must_not_wait(at).then_some(Move::fails(Errno::EAGAIN))
        },
    },
    Rule {
        id: "unix.any.finds-nothing",
        says: "A blocking read of an empty stream socket to which data may still arrive begins to \
               wait.",
        cite: &[Posix("recv", "DESCRIPTION")],
        force: Force::Must,
        step: |at| {
            let taking = nothing_yet(at)?;
            (!taking.must_not_wait(at) && !at.call.entered)
                .then_some(Move::proceeds(0, 0).with(begin_to_receive))
        },
    },
    Rule {
        id: "unix.any.waits-for-data",
        says: "A read that has begun to wait sleeps while its stream socket is empty and data may \
               still arrive.",
        cite: &[Posix("recv", "DESCRIPTION"), Source(AF_UNIX, "unix_stream_data_wait")],
        force: Force::Must,
        step: |at| {
            nothing_yet(at)?;
            at.call.entered.then_some(Move::rests())
        },
    },
    Rule {
        id: "unix.any.time-out",
        says: "A receive that waits longer than SO_RCVTIMEO for its first byte fails with EAGAIN.",
        cite: &[Posix("setsockopt", "SO_RCVTIMEO"), Man("socket(7)", "Socket options")],
        force: Force::Must,
        step: |at| {
            nothing_yet(at).filter(|_| at.call.done == 0)?;
            (at.call.entered && at.call.timed).then_some(Move::fails(Errno::EAGAIN))
        },
    },
    Rule {
        id: "unix.any.reads-unconnected",
        says: "A read of at least one byte, or a receive, on a stream socket that was never \
               connected fails with EINVAL.",
        cite: &[Source(AF_UNIX, "unix_stream_read_generic")],
        force: Force::Exception,
        step: |at| reads_unconnected(at)?.then_some(Move::fault(Errno::EINVAL)),
    },
    Rule {
        id: "unix.any.read-not-connected",
        says: "A read of at least one byte, or a receive, on a stream socket that was never \
               connected fails with ENOTCONN.",
        cite: &[Posix("recv", "ERRORS [ENOTCONN]")],
        force: Force::Must,
        step: |at| reads_unconnected(at)?.then_some(Move::fault(Errno::ENOTCONN)),
    },
    Rule {
        id: "unix.any.unconnected-nonblocking",
        says: "A receive that must not wait on a stream or seqpacket socket that was never \
               connected fails with EAGAIN.",
        cite: &[Posix("recv", "ERRORS [EAGAIN]"), Posix("XSH 2.3", "Error Numbers")],
        force: Force::Must,
        step: |at| {
            let taking = taking(at).filter(|taking| !taking.socket.is_datagram())?;
            (taking.socket.life != Life::Connected && taking.must_not_wait(at))
                .then_some(Move::fault(Errno::EAGAIN))
        },
    },
    Rule {
        id: "unix.read.zero-length",
        says: "A read of zero bytes from a Unix socket of any type returns 0 in every state and \
               changes nothing.",
        cite: &[Posix("read", "DESCRIPTION"), Source("net/socket.c", "sock_read_iter")],
        force: Force::May,
        step: |at| {
            at.socket()?;
            (at.op() == Op::Read { len: 0 }).then_some(Move::answers(Answer::Count(0)))
        },
    },
    // Writing streams
    Rule {
        id: "unix.any.takes-room",
        says: "A write or send reserves room for its next piece or message before copying it, and \
               no later event on its own side prevents it.",
        cite: &[
            Source("net/core/sock.c", "sock_alloc_send_pskb"),
            Source(AF_UNIX, "unix_stream_sendmsg"),
            Source(AF_UNIX, "unix_dgram_sendmsg"),
            Observed("sent though shut down, stopped in its copy", "Linux 6.18"),
        ],
        force: Force::Silent,
        step: |at| {
            waits_for_room(at).filter(|giving| has_room(at, giving))?;
            // It stops there, or others who call on the same socket could tell, or a peer that leaves it.
            let leaving = || peer_that_leaves(at).is_some();
            let is_seen = || at.call.stops || at.others_here().next().is_some() || leaving();
            (!has_taken_room(at) && is_seen()).then_some(Move::proceeds(0, 0).with(take_room))
        },
    },
    Rule {
        id: "unix.any.write-completes",
        says: "A write or send on a stream socket returns its full length once its last bytes are \
               sent.",
        cite: &[Posix("send", "DESCRIPTION"), Source(AF_UNIX, "unix_stream_sendmsg")],
        force: Force::Must,
        step: |at| {
            let giving = room(at)?;
            let left = giving.left(at);
            (giving.piece(at) == left).then(|| Move::transfers(left, left).with(give))
        },
    },
    Rule {
        id: "unix.any.write-in-pieces",
        says: "A write to a stream socket may be sent in several pieces, as room permits, and \
               other writers' pieces may come between them.",
        cite: &[Posix("send", "DESCRIPTION"), Source(AF_UNIX, "unix_stream_sendmsg")],
        force: Force::May,
        step: |at| {
            let giving = room(at)?;
            let (left, piece) = (giving.left(at), giving.piece(at));
            match at.platform.socket_account {
                Account::Envelope => (left > 1).then(|| Move::proceeds(1, left - 1).with(give)),
                _ => (piece < left).then(|| Move::proceeds(piece, piece).with(give)),
            }
        },
    },
    Rule {
        id: "unix.any.write-partial",
        says: "A nonblocking write to a stream socket that has sent some bytes returns their \
               number if there may be no room for more.",
        cite: &[Posix("send", "DESCRIPTION"), Source(AF_UNIX, "unix_stream_sendmsg")],
        force: Force::Must,
        step: |at| match at.platform.socket_account {
            Account::Envelope => {
                let giving = open_giving(at).filter(|_| at.call.done > 0)?;
                giving.must_not_wait(at).then_some(Move::transfers(0, 0))
            }
            _ => {
                let giving = no_room(at).filter(|_| at.call.done > 0)?;
                giving.must_not_wait(at).then_some(Move::transfers(0, 0))
            }
        },
    },
    Rule {
        id: "unix.any.full-nonblocking",
        says: "A write to a stream socket fails with EAGAIN if unread bytes fill its send buffer \
               and O_NONBLOCK or MSG_DONTWAIT is set.",
        cite: &[
            Posix("send", "ERRORS [EAGAIN]"),
            Source("net/core/sock.c", "sock_alloc_send_pskb"),
        ],
        force: Force::Must,
        step: |at| {
            let giving = no_room(at).filter(|_| at.call.done == 0)?;
            giving.must_not_wait(at).then_some(Move::fails(Errno::EAGAIN))
        },
    },
    Rule {
        id: "unix.any.finds-no-room",
        says: "A blocking write to a stream socket begins to wait if unread bytes fill its send \
               buffer.",
        cite: &[Posix("send", "DESCRIPTION")],
        force: Force::May,
        step: |at| {
            let giving = no_room(at)?;
            (!giving.must_not_wait(at) && !at.call.entered)
                .then_some(Move::proceeds(0, 0).with(begin_to_wait))
        },
    },
    Rule {
        id: "unix.any.waits-for-room",
        says: "A blocking write or send that has begun to wait sleeps until the socket becomes \
               writable, although a new write might already fit.",
        cite: &[Posix("send", "DESCRIPTION"), Source(AF_UNIX, "unix_write_space")],
        force: Force::May,
        step: |at| {
            at.call.entered.then_some(())?;
            waits_for_room(at)?;
            (!is_writable(at)).then_some(Move::rests())
        },
    },
    Rule {
        id: "unix.any.broken",
        says: "A write to a stream socket, even of zero bytes, fails with EPIPE and SIGPIPE after \
               its SHUT_WR, its peer's SHUT_RD, or its peer's close.",
        cite: &[Posix("send", "ERRORS [EPIPE]"), Source(AF_UNIX, "unix_stream_sendmsg")],
        force: Force::Must,
        step: |at| {
            let giving = broken(at)?;
            (!giving.flags.contains(SendFlags::NOSIGNAL))
                .then_some(Move::fault(Errno::EPIPE).raises(Signal::Sigpipe))
        },
    },
    Rule {
        id: "unix.send.broken-silently",
        says: "A send with MSG_NOSIGNAL on a stream socket fails with EPIPE, without SIGPIPE, \
               after its SHUT_WR, its peer's SHUT_RD, or its peer's close.",
        cite: &[Posix("send", "MSG_NOSIGNAL"), Source(AF_UNIX, "unix_stream_sendmsg")],
        force: Force::Must,
        step: |at| {
            let giving = broken(at)?;
            giving.flags.contains(SendFlags::NOSIGNAL).then_some(Move::fault(Errno::EPIPE))
        },
    },
    Rule {
        id: "unix.any.shut-without-signal",
        says: "A write to a connected stream socket shut down for writing, or whose peer is shut \
               down for reading, may fail with EPIPE without SIGPIPE.",
        cite: &[Posix("send", "ERRORS [EPIPE]"), Posix("write", "ERRORS [EPIPE]")],
        force: Force::May,
        step: |at| {
            let giving = broken(at).or_else(|| breaks_under_way(at))?;
            (giving.socket.peer != Peer::Gone).then_some(Move::may_fault(Errno::EPIPE))
        },
    },
    Rule {
        id: "unix.any.broken-asleep",
        says: "A write in progress on a stream socket that has sent nothing yet fails with EPIPE, \
               without SIGPIPE, once nothing more can be sent.",
        cite: &[Source("net/core/sock.c", "sock_alloc_send_pskb")],
        force: Force::Exception,
        step: |at| {
            let breaks = breaks_under_way(at).filter(|_| !has_taken_room(at));
            breaks.map(|_| Move::fault(Errno::EPIPE))
        },
    },
    Rule {
        id: "unix.any.broken-while-waiting",
        says: "A write in progress that has sent nothing yet fails with EPIPE and, without \
               MSG_NOSIGNAL, raises SIGPIPE once nothing more can be sent.",
        cite: &[Posix("send", "ERRORS [EPIPE]"), Posix("send", "MSG_NOSIGNAL")],
        force: Force::Must,
        step: |at| {
            let silent = breaks_under_way(at)?.flags.contains(SendFlags::NOSIGNAL);
            let fails = Move::fault(Errno::EPIPE);
            Some(if silent { fails } else { fails.raises(Signal::Sigpipe) })
        },
    },
    Rule {
        id: "unix.any.reset-asleep",
        says: "A write in progress on a stream socket that has sent nothing yet fails with \
               ECONNRESET when its peer closes with data unread.",
        cite: &[
            Posix("send", "ERRORS [ECONNRESET]"),
            Source("net/core/sock.c", "sock_alloc_send_pskb"),
        ],
        force: Force::May,
        step: |at| {
            let giving = under_way(at).filter(|_| at.call.done == 0 && !has_taken_room(at))?;
            giving.socket.reset.then(|| Move::fault(Errno::ECONNRESET).with(clear_reset))
        },
    },
    Rule {
        id: "unix.any.reset-first",
        says: "A write to a stream socket whose peer closed with data unread may fail with \
               ECONNRESET when it begins.",
        cite: &[Posix("send", "ERRORS [ECONNRESET]"), Posix("XSH 2.3", "Error Numbers")],
        force: Force::May,
        step: |at| {
            let giving =
                stream_giving(at).filter(|giving| giving.may_go() && giving.socket.reset)?;
            let begins = !at.call.entered && at.call.done == 0;
            (begins && giving.socket.send_closed)
                .then(|| Move::fault(Errno::ECONNRESET).with(clear_reset))
        },
    },
    Rule {
        id: "unix.any.cut-short",
        says: "A stream write that has sent some bytes returns their number once no more can be \
               sent, clears any pending error, and raises no signal.",
        cite: &[Posix("write", "DESCRIPTION"), Source(AF_UNIX, "unix_stream_sendmsg")],
        force: Force::May,
        step: |at| {
            let giving = under_way(at).filter(|_| at.call.done > 0)?;
            (giving.socket.send_closed || giving.socket.reset || !reaches(at, giving.socket))
                .then(|| Move::transfers(0, 0).with(clear_reset))
        },
    },
    Rule {
        id: "unix.any.cut-short-midway",
        says: "A stream write that has sent some bytes may return their number and leave the error \
               pending if its peer closes with data unread meanwhile.",
        cite: &[Source(AF_UNIX, "unix_stream_sendmsg"), Observed("so", "Linux 6.18")],
        force: Force::Silent,
        step: |at| {
            let giving = under_way(at).filter(|_| at.call.done > 0 && at.call.midway)?;
            (giving.socket.reset && !at.call.entered).then_some(Move::transfers(0, 0))
        },
    },
    Rule {
        id: "unix.any.writes-nothing",
        says: "A write of zero bytes to a stream socket returns 0 and sends nothing, not even a \
               descriptor passed with it.",
        cite: &[Source(AF_UNIX, "unix_stream_sendmsg")],
        force: Force::Silent,
        step: |at| {
            let giving = stream_giving(at).filter(|giving| giving.len == 0)?;
            (giving.may_go() && !giving.socket.send_closed)
                .then_some(Move::answers(Answer::Count(0)))
        },
    },
    Rule {
        id: "unix.any.writes-unconnected",
        says: "A write to a stream socket that was never connected fails with ENOTCONN.",
        cite: &[Posix("send", "ERRORS [ENOTCONN]"), Source(AF_UNIX, "unix_stream_sendmsg")],
        force: Force::Must,
        step: |at| {
            let giving = giving(at).filter(|giving| giving.socket.is_stream())?;
            (giving.socket.life != Life::Connected).then_some(Move::fault(Errno::ENOTCONN))
        },
    },
    Rule {
        id: "unix.send.address-of-connected",
        says: "A send with an address on a connected stream socket may fail with EISCONN.",
        cite: &[Posix("sendto", "ERRORS [EISCONN]"), Source(AF_UNIX, "unix_stream_sendmsg")],
        force: Force::May,
        step: |at| {
            let giving = giving(at).filter(|giving| giving.socket.is_stream())?;
            (giving.addressed && giving.socket.life == Life::Connected)
                .then_some(Move::may_fault(Errno::EISCONN))
        },
    },
    Rule {
        id: "unix.send.address-unsupported",
        says: "A send with an address on an unconnected stream socket fails with EOPNOTSUPP.",
        cite: &[Source(AF_UNIX, "unix_stream_sendmsg")],
        force: Force::Exception,
        step: |at| {
            let giving = giving(at).filter(|giving| giving.socket.is_stream())?;
            (giving.addressed && giving.socket.life != Life::Connected)
                .then_some(Move::fault(Errno::EOPNOTSUPP))
        },
    },
    // Naming
    Rule {
        id: "unix.bind.named",
        says: "A bind of a socket without a name to a free address succeeds, whether or not the \
               socket is connected.",
        cite: &[Posix("bind", "DESCRIPTION"), Source(AF_UNIX, "unix_bind")],
        force: Force::Must,
        step: |at| {
            binding(at)?;
            Some(Move::answers(Answer::Done).with(bind))
        },
    },
    Rule {
        id: "unix.bind.address-in-use",
        says: "A bind to an existing path fails with EADDRINUSE until the path is removed, even if \
               its socket has closed.",
        cite: &[Posix("bind", "ERRORS [EADDRINUSE]"), Man(MAN_UNIX, "Pathname sockets")],
        force: Force::Must,
        step: |at| {
            let (_, address) = binding(at)?;
            (!address.is_free() && address.is_path()).then_some(Move::fault(Errno::EADDRINUSE))
        },
    },
    Rule {
        id: "unix.bind.name-in-use",
        says: "A bind to the abstract name of another socket fails with EADDRINUSE.",
        cite: &[Posix("bind", "ERRORS [EADDRINUSE]"), Man(MAN_UNIX, "Abstract sockets")],
        force: Force::Must,
        step: |at| {
            let (_, address) = binding(at)?;
            (!address.is_free() && !address.is_path()).then_some(Move::fault(Errno::EADDRINUSE))
        },
    },
    Rule {
        id: "unix.bind.has-a-name",
        says: "A bind of a socket that already has a name fails with EINVAL.",
        cite: &[Posix("bind", "ERRORS [EINVAL]"), Source(AF_UNIX, "unix_bind")],
        force: Force::Must,
        step: |at| {
            let (socket, address) = binding(at)?;
            let leaves =
                at.platform.failed_bind_leaves_path && address.is_path() && address.is_free();
            socket.named.then(|| match leaves {
                true => Move::fault(Errno::EINVAL).with(leave_path),
                false => Move::fault(Errno::EINVAL),
            })
        },
    },
    Rule {
        id: "unix.bind.connected",
        says: "A bind of a connected socket may fail with EISCONN.",
        cite: &[Posix("bind", "ERRORS [EISCONN]")],
        force: Force::May,
        step: |at| (binding(at)?.0.peer != Peer::None).then_some(Move::may_fault(Errno::EISCONN)),
    },
    Rule {
        id: "unix.bind.shut-down",
        says: "A bind of a socket shut down in either direction, by itself or its peer, may fail \
               with EINVAL.",
        cite: &[Posix("bind", "ERRORS [EINVAL]")],
        force: Force::May,
        step: |at| {
            let (socket, _) = binding(at)?;
            (socket.receive_closed || socket.send_closed).then_some(Move::may_fault(Errno::EINVAL))
        },
    },
    Rule {
        id: "unix.any.path-midway",
        says: "A connect or send to the path of a bind in progress may fail with ECONNREFUSED, as \
               the path can exist before its socket.",
        cite: &[
            Source(AF_UNIX, "unix_bind_bsd"),
            Observed("1 in 100 sends beside binds in a loop", "Linux 6.18"),
        ],
        force: Force::Silent,
        step: |at| {
            let connects = connecting(at).map(|(_, to)| to) == Some(Connecting::NoEntry);
            let nowhere = connects || super::message::leads_nowhere(at);
            let fails = if connects { Move::may_fault } else { Move::fails };
            (nowhere && is_appearing(at)).then(|| fails(Errno::ECONNREFUSED))
        },
    },
    Rule {
        id: "unix.open.path-midway",
        says: "An open of the path of a bind in progress may fail with ENXIO, as the path can \
               exist before its socket.",
        cite: &[
            Source(AF_UNIX, "unix_bind_bsd"),
            Observed("1 in 9 opens beside binds of a named socket in a loop", "Linux 6.18"),
        ],
        force: Force::Silent,
        step: |at| {
            let (_, address) = opening(at)?;
            (address.is_path() && address.is_free() && is_appearing(at))
                .then_some(Move::fails(Errno::ENXIO))
        },
    },
    Rule {
        id: "unix.unlink.path",
        says: "An unlink of a socket's path frees the address and affects no socket.",
        cite: &[Posix("unlink", "DESCRIPTION"), Man(MAN_UNIX, "Pathname sockets")],
        force: Force::Must,
        step: |at| {
            let (_, address) = at.world.address().filter(|_| at.op() == Op::Unlink)?;
            (address.is_path() && !address.is_free())
                .then(|| Move::answers(Answer::Done).with(unlink))
        },
    },
    Rule {
        id: "unix.unlink.no-entry",
        says: "An unlink fails with ENOENT if no socket is bound to the path or the socket's name \
               is abstract.",
        cite: &[Posix("unlink", "ERRORS [ENOENT]"), Man(MAN_UNIX, "Abstract sockets")],
        force: Force::Must,
        step: |at| {
            let (_, address) = at.world.address().filter(|_| at.op() == Op::Unlink)?;
            (!address.is_path() || address.is_free()).then_some(Move::fails(Errno::ENOENT))
        },
    },
    Rule {
        id: "unix.open.no-such-device",
        says: "An open of a socket's path fails with ENXIO, even if the socket has closed.",
        cite: &[Posix("open", "ERRORS [ENXIO]"), Man("open(2)", "ERRORS")],
        force: Force::Must,
        step: |at| {
            let (_, address) = opening(at)?;
            (address.is_path() && !address.is_free()).then_some(Move::fails(Errno::ENXIO))
        },
    },
    Rule {
        id: "unix.open.not-supported",
        says: "An open of a socket's path may fail with EOPNOTSUPP.",
        cite: &[Posix("open", "ERRORS [EOPNOTSUPP]")],
        force: Force::May,
        step: |at| {
            let (_, address) = opening(at)?;
            (address.is_path() && !address.is_free()).then_some(Move::fails(Errno::EOPNOTSUPP))
        },
    },
    Rule {
        id: "unix.open.no-entry",
        says: "An open of a path to which no socket is bound fails with ENOENT.",
        cite: &[Posix("open", "ERRORS [ENOENT]")],
        force: Force::Must,
        step: |at| {
            let (_, address) = opening(at)?;
            (!address.is_path() || address.is_free()).then_some(Move::fails(Errno::ENOENT))
        },
    },
    // Listening
    Rule {
        id: "unix.listen.begins",
        says: "A listen on a named, unconnected socket makes it accept connections and sets its \
               backlog.",
        cite: &[Posix("listen", "DESCRIPTION"), Source(AF_UNIX, "unix_listen")],
        force: Force::Must,
        step: |at| {
            let socket = listening(at).filter(|socket| !socket.is_datagram())?;
            (socket.named && socket.life != Life::Connected)
                .then(|| Move::answers(Answer::Done).with(listen))
        },
    },
    Rule {
        id: "unix.listen.unnamed",
        says: "A listen on a socket without a name fails with EINVAL.",
        cite: &[Source(AF_UNIX, "unix_listen")],
        force: Force::Exception,
        step: |at| {
            let socket = listening(at).filter(|socket| !socket.is_datagram())?;
            (!socket.named).then_some(Move::fault(Errno::EINVAL))
        },
    },
    Rule {
        id: "unix.listen.no-address",
        says: "A listen on a socket without a name fails with EDESTADDRREQ.",
        cite: &[Posix("listen", "ERRORS [EDESTADDRREQ]")],
        force: Force::Must,
        step: |at| {
            let socket = listening(at).filter(|socket| !socket.is_datagram())?;
            (!socket.named).then_some(Move::fault(Errno::EDESTADDRREQ))
        },
    },
    Rule {
        id: "unix.listen.connected",
        says: "A listen on a connected socket fails with EINVAL.",
        cite: &[Posix("listen", "ERRORS [EINVAL]"), Source(AF_UNIX, "unix_listen")],
        force: Force::Must,
        step: |at| {
            let socket = listening(at).filter(|socket| !socket.is_datagram())?;
            (socket.life == Life::Connected).then_some(Move::fault(Errno::EINVAL))
        },
    },
    // Connecting
    Rule {
        id: "unix.connect.connects",
        says: "A connect to a listening socket succeeds immediately while the pending connections \
               do not exceed its backlog, so one more than the backlog may wait.",
        cite: &[Posix("connect", "DESCRIPTION"), Source(AF_UNIX, "unix_stream_connect")],
        force: Force::Must,
        step: |at| {
            let (socket, to) = connecting(at)?;
            (socket.life == Life::Unconnected && matches!(to, Connecting::Listens(_)))
                .then(|| Move::answers(Answer::Done).with(connect))
        },
    },
    Rule {
        id: "unix.connect.no-entry",
        says: "A connect to a path that does not exist fails with ENOENT.",
        cite: &[Posix("connect", "ERRORS [ENOENT]")],
        force: Force::Must,
        step: |at| {
            (connecting(at)?.1 == Connecting::NoEntry)
                .then(|| Move::fault(Errno::ENOENT).with(waste_wakeup))
        },
    },
    Rule {
        id: "unix.connect.refused",
        says: "A connect fails with ECONNREFUSED if the address's socket is absent, closed, not \
               listening or shut down for reading.",
        cite: &[Posix("connect", "ERRORS [ECONNREFUSED]"), Source(AF_UNIX, "unix_stream_connect")],
        force: Force::Must,
        step: |at| {
            (connecting(at)?.1 == Connecting::Refused)
                .then(|| Move::fault(Errno::ECONNREFUSED).with(waste_wakeup))
        },
    },
    Rule {
        id: "unix.connect.full-nonblocking",
        says: "A connect with O_NONBLOCK set fails with EAGAIN if the listener's backlog is full.",
        cite: &[Man("connect(2)", "ERRORS"), Source(AF_UNIX, "unix_stream_connect")],
        force: Force::Exception,
        step: |at| {
            let (_, Connecting::Full(_)) = connecting(at)? else { return None };
            (!at.call.entered && at.nonblock()).then_some(Move::fault(Errno::EAGAIN))
        },
    },
    Rule {
        id: "unix.connect.in-progress",
        says: "A connect with O_NONBLOCK set fails with EINPROGRESS if the listener's backlog is \
               full.",
        cite: &[Posix("connect", "ERRORS [EINPROGRESS]")],
        force: Force::Must,
        step: |at| {
            let (_, Connecting::Full(_)) = connecting(at)? else { return None };
            (!at.call.entered && at.nonblock()).then_some(Move::fault(Errno::EINPROGRESS))
        },
    },
    Rule {
        id: "unix.connect.full-refused",
        says: "A connect may fail with ECONNREFUSED if the listener's backlog is full.",
        cite: &[Posix("connect", "ERRORS [ECONNREFUSED]")],
        force: Force::May,
        step: |at| {
            let (_, Connecting::Full(_)) = connecting(at)? else { return None };
            (!at.call.entered).then_some(Move::may_fault(Errno::ECONNREFUSED))
        },
    },
    Rule {
        id: "unix.connect.finds-no-room",
        says: "A blocking connect begins to wait if the listener's backlog is full.",
        cite: &[Posix("connect", "DESCRIPTION"), Source(AF_UNIX, "unix_stream_connect")],
        force: Force::May,
        step: |at| {
            let (socket, elsewhere) = finds_no_room(at)?;
            (elsewhere && (at.call.entered || socket.life == Life::Unconnected))
                .then(|| Move::proceeds(0, 0).with(begin_to_connect))
        },
    },
    Rule {
        id: "unix.connect.connected-waits-first",
        says: "A blocking connect of a connected or listening socket begins to wait if the \
               listener's backlog is full.",
        cite: &[Source(AF_UNIX, "unix_stream_connect")],
        force: Force::Exception,
        step: |at| {
            let (socket, elsewhere) = finds_no_room(at)?;
            (elsewhere && !at.call.entered && socket.life != Life::Unconnected)
                .then(|| Move::proceeds(0, 0).with(begin_to_connect))
        },
    },
    Rule {
        id: "unix.connect.waits",
        says: "A connect that waits sleeps until woken by the listener's close, a larger backlog, \
               or an accept, which wakes one sleeper, on Linux the longest.",
        cite: &[
            Posix("connect", "DESCRIPTION"),
            Source(AF_UNIX, "unix_wait_for_peer"),
            Observed("the longest sleeper first, in 30 of 30 rounds", "Linux 6.18"),
        ],
        force: Force::May,
        step: |at| {
            let waits_on = at.call.waits_on?;
            let (socket, to) = connecting_somewhere(at)?;
            let goes_on = match to {
                _ if at.platform.sleepers_in_line => is_woken(at) && !at.call.overslept,
                Connecting::Listens(listener) => {
                    socket.life == Life::Unconnected && listener == waits_on && !at.call.overslept
                }
                _ => false,
            };
            (at.call.entered && !goes_on).then_some(Move::rests())
        },
    },
    Rule {
        id: "unix.connect.connected",
        says: "A connect of a connected socket fails with EISCONN.",
        cite: &[Posix("connect", "ERRORS [EISCONN]"), Source(AF_UNIX, "unix_stream_connect")],
        force: Force::Must,
        step: |at| {
            let socket = connecting_in_its_turn(at)?;
            (socket.life == Life::Connected).then(|| Move::fault(Errno::EISCONN).with(waste_wakeup))
        },
    },
    Rule {
        id: "unix.connect.listening",
        says: "A connect of a listening socket fails with EINVAL.",
        cite: &[Source(AF_UNIX, "unix_stream_connect")],
        force: Force::Silent,
        step: |at| {
            let socket = connecting_in_its_turn(at)?;
            socket.listens().then(|| Move::fault(Errno::EINVAL).with(waste_wakeup))
        },
    },
    Rule {
        id: "unix.connect.not-for-listeners",
        says: "A connect of a listening socket may fail with EOPNOTSUPP.",
        cite: &[Posix("connect", "ERRORS [EOPNOTSUPP]")],
        force: Force::May,
        step: |at| {
            let socket = connecting_in_its_turn(at)?;
            socket.listens().then(|| Move::may_fault(Errno::EOPNOTSUPP).with(waste_wakeup))
        },
    },
    // Accepting
    Rule {
        id: "unix.accept.shut-down",
        says: "A blocking accept on a listener shut down for reading fails with EINVAL once no \
               connection is pending.",
        cite: &[Posix("accept", "ERRORS [EINVAL]"), Source(AF_UNIX, "unix_accept")],
        force: Force::May,
        step: |at| {
            let accepting = none_waits(at).filter(|accepting| accepting.shut)?;
            (at.call.entered || !accept_must_not_wait(at, &accepting))
                .then_some(Move::may_fault(Errno::EINVAL))
        },
    },
    // Shutting down
    Rule {
        id: "unix.shutdown.connected",
        says: "A shutdown of a connected socket closes the chosen directions for it and its peer, \
               leaves data already sent readable, and may be repeated.",
        cite: &[Posix("shutdown", "DESCRIPTION"), Source(AF_UNIX, "unix_shutdown")],
        force: Force::Must,
        step: |at| {
            let socket = shutting(at).filter(|socket| !socket.is_datagram())?;
            (socket.life == Life::Connected).then(|| Move::answers(Answer::Done).with(shutdown))
        },
    },
    Rule {
        id: "unix.shutdown.unconnected",
        says: "A shutdown of an unconnected socket succeeds, and the closed directions stay closed \
               when the socket is connected.",
        cite: &[Source(AF_UNIX, "unix_shutdown")],
        force: Force::Exception,
        step: |at| {
            let socket = shutting(at).filter(|socket| !socket.is_datagram())?;
            (socket.life != Life::Connected).then(|| Move::answers(Answer::Done).with(shutdown))
        },
    },
    Rule {
        id: "unix.shutdown.not-connected",
        says: "A shutdown of an unconnected socket fails with ENOTCONN.",
        cite: &[Posix("shutdown", "ERRORS [ENOTCONN]")],
        force: Force::Must,
        step: |at| {
            let socket = shutting(at).filter(|socket| !socket.is_datagram())?;
            (socket.life != Life::Connected).then_some(Move::fault(Errno::ENOTCONN))
        },
    },
    // What ends
    Rule {
        id: "unix.release.leaves-peer",
        says: "The last release of a connected stream or seqpacket socket with nothing unread \
               leaves its peer at end of file and unable to send.",
        cite: &[Posix("close", "DESCRIPTION"), Source(AF_UNIX, "unix_release_sock")],
        force: Force::Must,
        step: |at| (ends(at)? == Ends::Leaves).then_some(Move::releases(leave)),
    },
    Rule {
        id: "unix.release.resets-peer",
        says: "The last release of a connected stream or seqpacket socket with data unread gives \
               its peer ECONNRESET once and leaves it unable to send.",
        cite: &[Source(AF_UNIX, "unix_release_sock")],
        force: Force::Silent,
        step: |at| (ends(at)? == Ends::Resets).then_some(Move::releases(leave)),
    },
    Rule {
        id: "unix.release.listening",
        says: "The last release of a listening socket gives ECONNRESET to the peers of connections \
               that were not accepted.",
        cite: &[Source(AF_UNIX, "unix_release_sock")],
        force: Force::Silent,
        step: |at| (ends(at)? == Ends::Listens).then_some(Move::releases(leave)),
    },
    Rule {
        id: "unix.release.alone",
        says: "The last release of a datagram socket, or of one without a peer, invalidates its \
               name and discards its unread messages.",
        cite: &[Posix("close", "DESCRIPTION"), Source(AF_UNIX, "unix_release_sock")],
        force: Force::Must,
        step: |at| (ends(at)? == Ends::Alone).then_some(Move::releases(leave)),
    },
    // Polling
    Rule {
        id: "unix.poll.readable",
        says: "A poll reports POLLIN on a socket with data, a message or a pending connection, and \
               on one whose receive direction is closed.",
        cite: &[Posix("poll", "POLLIN"), Source(AF_UNIX, "unix_poll")],
        force: Force::Must,
        step: |at| {
            let socket = polling(at)?;
            let there = !socket.queue.is_empty() && !super::message::is_spoken_for(at);
            let ready = there || !socket.pending.is_empty() || socket.receive_closed;
            ready.then_some(Move::reports(Events::IN))
        },
    },
    Rule {
        id: "unix.poll.half-closed",
        says: "A poll for POLLRDHUP reports it on a socket whose receive direction is closed.",
        cite: &[Man("poll(2)", "POLLRDHUP"), Source(AF_UNIX, "unix_poll")],
        force: Force::Silent,
        step: |at| {
            let socket = polling(at)?;
            socket.receive_closed.then_some(Move::reports(Events::RDHUP))
        },
    },
    Rule {
        id: "unix.poll.hang-up",
        says: "A poll reports POLLHUP on a socket closed in both directions, and on a stream or \
               seqpacket socket neither connected nor listening.",
        cite: &[Posix("poll", "POLLHUP"), Source(AF_UNIX, "unix_poll")],
        force: Force::Must,
        step: |at| {
            let socket = polling(at)?;
            is_hung_up(socket).then_some(Move::reports(Events::HUP))
        },
    },
    Rule {
        id: "unix.poll.error",
        says: "A poll reports POLLERR on a socket with an error pending.",
        cite: &[Posix("poll", "POLLERR"), Source(AF_UNIX, "unix_poll")],
        force: Force::Must,
        step: |at| {
            let socket = polling(at)?;
            socket.reset.then_some(Move::reports(Events::ERR))
        },
    },
    Rule {
        id: "unix.poll.error-midway",
        says: "A poll of a datagram socket whose peer is connecting elsewhere may report POLLOUT \
               for its discarded messages before POLLERR for their loss.",
        cite: &[
            Source(AF_UNIX, "unix_dgram_disconnected"),
            Observed("OUT first, ERR later", "Linux 6.18"),
        ],
        force: Force::Silent,
        step: |at| {
            let this = at.object_index()?;
            let sent = |piece: &Piece| piece.sender == Some(this);
            let lost = peer_leaving(at)?.queue.iter().any(sent);
            lost.then_some(Move::may_report(Events::OUT))
        },
    },
    Rule {
        id: "unix.poll.writable",
        says: "A poll reports POLLOUT on a non-listening socket, even after SHUT_WR, while unread \
               data fills little of its buffer (on Linux, up to a quarter).",
        cite: &[Posix("poll", "POLLOUT"), Source(AF_UNIX, "unix_writable")],
        force: Force::May,
        step: |at| {
            let socket = polling(at)?;
            let free = !socket.listens() && is_writable(at) && !super::message::peer_is_full(at);
            (free && !is_writable_midway(at) && !is_hung_up(socket))
                .then_some(Move::reports(Events::OUT))
        },
    },
    Rule {
        id: "unix.poll.writable-though-hung-up",
        says: "A poll reports POLLOUT together with POLLHUP on a non-listening socket whose unread \
               data fills little of its send buffer.",
        cite: &[Source(AF_UNIX, "unix_poll"), Source(AF_UNIX, "unix_writable")],
        force: Force::Exception,
        step: |at| {
            let socket = polling(at)?;
            let free = !socket.listens() && is_writable(at) && !super::message::peer_is_full(at);
            (free && !is_writable_midway(at) && is_hung_up(socket))
                .then_some(Move::reports(Events::OUT))
        },
    },
    Rule {
        id: "unix.poll.writable-midway",
        says: "A poll beside a send on the same socket, or of a datagram socket whose full peer is \
               connecting elsewhere, may miss POLLOUT.",
        cite: &[
            Source("net/core/sock.c", "sock_alloc_send_pskb"),
            Source(AF_UNIX, "unix_dgram_connect"),
            Source(AF_UNIX, "unix_dgram_poll"),
        ],
        force: Force::Silent,
        step: |at| {
            let socket = polling(at)?;
            let free = !socket.listens() && is_writable(at) && !super::message::peer_is_full(at);
            (free && is_writable_midway(at) && may_be_writable(at, socket))
                .then_some(Move::may_report(Events::OUT))
        },
    },
    Rule {
        id: "unix.poll.close-midway",
        says: "A poll of a connected socket whose peer is closing may report end of file, hang-up \
               and error before the room that the close frees.",
        cite: &[
            Source(AF_UNIX, "unix_release_sock"),
            Source(AF_UNIX, "unix_poll"),
            Observed("ERR|HUP first, POLLOUT later", "Linux 6.18"),
        ],
        force: Force::Silent,
        step: |at| {
            let (error, room) = found_midway(at)?;
            finds_end(at, HANG_UP.union(error), room)
        },
    },
    Rule {
        id: "unix.poll.end-before-error",
        says: "A poll that did not sleep, of a connected socket whose peer is closing, may report \
               end of file and hang-up before the error.",
        cite: &[Source(AF_UNIX, "unix_release_sock"), Source(AF_UNIX, "unix_poll")],
        force: Force::Silent,
        step: |at| {
            let (error, _) = found_midway(at).filter(|_| !at.call.unwoken)?;
            finds_end(at, HANG_UP, error)
        },
    },
    Rule {
        id: "unix.poll.end-before-hang-up",
        says: "A poll that did not sleep, of a connected socket whose peer is closing, may report \
               end of file before hang-up and error.",
        cite: &[Source(AF_UNIX, "unix_release_sock"), Source(AF_UNIX, "unix_poll, in Linux 6.1")],
        force: Force::Silent,
        step: |at| {
            found_midway(at).filter(|_| !at.call.unwoken)?;
            finds_end(at, Events::IN.union(Events::RDHUP), Events::HUP.union(Events::ERR))
        },
    },
    Rule {
        id: "unix.poll.error-before-end",
        says: "A poll that did not sleep, of a connected socket whose peer is closing, may report \
               the error and freed room before end of file.",
        cite: &[Source(AF_UNIX, "unix_release_sock"), Source(AF_UNIX, "unix_poll")],
        force: Force::Silent,
        step: |at| {
            let (error, room) = found_midway(at).filter(|_| !at.call.unwoken)?;
            let may = error.union(room);
            (!may.is_empty()).then_some(Move::may_report(may))
        },
    },
    Rule {
        id: "unix.poll.writable-perhaps",
        says: "A poll may report POLLOUT on a connected or datagram socket, however much data is \
               in flight.",
        cite: &[Posix("poll", "POLLOUT")],
        force: Force::May,
        step: |at| {
            let socket = polling(at)?;
            let loose = at.platform.poll_is_loose && !is_writable(at);
            (loose && !socket.listens() && may_be_writable(at, socket))
                .then_some(Move::may_report(Events::OUT))
        },
    },
    // Options and the like
    Rule {
        id: "unix.available.counts",
        says: "FIONREAD on a socket returns the number of unread bytes, or on a datagram socket \
               the length of the oldest message.",
        cite: &[Man(MAN_UNIX, "Ioctls"), Source(AF_UNIX, "unix_inq_len")],
        force: Force::Silent,
        step: |at| {
            let socket = at.socket().filter(|_| at.op() == Op::Available)?;
            let first = socket.queue.first().map_or(0, |piece| piece.data.len);
            let count = if socket.is_datagram() { first } else { socket.len() };
            (!socket.listens()).then_some(Move::answers(Answer::Count(count)))
        },
    },
    Rule {
        id: "unix.available.listening",
        says: "FIONREAD on a listening socket fails with EINVAL.",
        cite: &[Source(AF_UNIX, "unix_inq_len")],
        force: Force::Silent,
        step: |at| {
            let socket = at.socket().filter(|_| at.op() == Op::Available)?;
            socket.listens().then_some(Move::fault(Errno::EINVAL))
        },
    },
    Rule {
        id: "unix.available.unspecified",
        says: "The result of FIONREAD on a socket is unspecified.",
        cite: &[Man("ioctl(2)", "STANDARDS")],
        force: Force::Unspecified,
        step: |at| {
            at.socket().filter(|_| at.op() == Op::Available)?;
            Some(Move::unspecified("FIONREAD is not in the standard"))
        },
    },
    Rule {
        id: "unix.set-option.buffer",
        says: "Setting SO_SNDBUF or SO_RCVBUF stores twice the given size, between the system's \
               minimum and twice its maximum, and only SO_SNDBUF has an effect.",
        cite: &[Man("socket(7)", "Socket options"), Man(MAN_UNIX, "Socket options")],
        force: Force::May,
        step: |at| {
            let (option, value) = setting(at)?;
            let buffer = matches!(option, SocketOption::SendBuffer | SocketOption::ReceiveBuffer);
            let known = (0..=BUFFER_MAX_BYTES).contains(&value)
                || value >= 0 && buffer_max_bytes(at.platform, option).is_some();
            (buffer && known).then(|| Move::answers(Answer::Done).with(set_buffer))
        },
    },
    Rule {
        id: "unix.set-option.buffer-beyond",
        says: "The effect of SO_SNDBUF or SO_RCVBUF with a negative size, or one above the stock \
               maximum, depends on the system's settings.",
        cite: &[Man("socket(7)", "/proc interfaces")],
        force: Force::Silent,
        step: |at| {
            let (option, value) = setting(at)?;
            let buffer = matches!(option, SocketOption::SendBuffer | SocketOption::ReceiveBuffer);
            let known = (0..=BUFFER_MAX_BYTES).contains(&value)
                || value >= 0 && buffer_max_bytes(at.platform, option).is_some();
            (buffer && !known)
                .then_some(Move::unspecified("a buffer beyond what every system allows"))
        },
    },
    Rule {
        id: "unix.option.buffer",
        says: "Reading SO_SNDBUF or SO_RCVBUF returns the stored size.",
        cite: &[Man("socket(7)", "Socket options")],
        force: Force::May,
        step: |at| {
            let (socket, option) = getting(at)?;
            match option {
                SocketOption::SendBuffer => Some(Move::answers(Answer::Count(socket.send_buffer))),
                SocketOption::ReceiveBuffer => {
                    Some(Move::answers(Answer::Count(socket.receive_buffer)))
                }
                _ => None,
            }
        },
    },
    Rule {
        id: "unix.option.error",
        says: "Reading SO_ERROR returns the pending error, or 0, and clears it.",
        cite: &[Posix("getsockopt", "SO_ERROR"), Source("net/core/sock.c", "sk_getsockopt")],
        force: Force::Must,
        step: |at| {
            let (socket, option) = getting(at)?;
            let pending = if socket.reset { u32::from(Errno::ECONNRESET.number()) } else { 0 };
            (option == SocketOption::Error)
                .then(|| Move::answers(Answer::Count(pending)).with(clear_reset))
        },
    },
    Rule {
        id: "unix.send-end.not-open",
        says: "A send of a descriptor that is not open fails with EBADF.",
        cite: &[Man(MAN_UNIX, "Ancillary messages"), Source("net/core/scm.c", "scm_fp_copy")],
        force: Force::Silent,
        step: |at| {
            let giving = giving(at)?;
            (giving.lost(at) && !super::message::fails_before(&giving))
                .then_some(Move::fault(Errno::EBADF))
        },
    },
    Rule {
        id: "unix.send-end.circular",
        says: "The fate of a socket kept open only by data in flight to itself is not modelled.",
        cite: &[Source("net/unix/garbage.c", "unix_gc")],
        force: Force::Silent,
        step: |at| is_circular(at).then_some(Move::unspecified("a socket on its way to itself")),
    },
];

/// Buffers up to this many bytes may be asked for on every system whose maximum nobody has lowered.
const BUFFER_MAX_BYTES: i32 = 212_992;

/// The largest buffer that may be asked for, in bytes; `None` where that is not known.
fn buffer_max_bytes(platform: &Platform, option: SocketOption) -> Option<u32> {
    match option {
        SocketOption::SendBuffer => platform.send_buffer_max_bytes,
        _ => platform.receive_buffer_max_bytes,
    }
}

/// The least that `SO_SNDBUF` gives, in bytes.
const SEND_BUFFER_MIN_BYTES: u32 = 4608;

/// The least that `SO_RCVBUF` gives, in bytes.
const RECEIVE_BUFFER_MIN_BYTES: u32 = 2304;

/// Whether this is a read of a stream that was never connected; `None` where it is of no stream.
fn reads_unconnected(at: &Scene<'_>) -> Option<bool> {
    let taking = taking(at).filter(|taking| taking.socket.is_stream())?;
    Some(taking.socket.life != Life::Connected)
}

fn stream_taking<'a>(at: &Scene<'a>) -> Option<Taking<'a>> {
    taking(at).filter(|taking| taking.socket.is_stream() && taking.socket.life == Life::Connected)
}

/// A call that takes, with the data that it finds.
fn data<'a>(at: &Scene<'a>) -> Option<(Taking<'a>, crate::channel::unix::Readable)> {
    let taking = stream_taking(at).filter(|taking| !taking.peek)?;
    (!taking.socket.queue.is_empty() && !another_takes(at)).then_some(())?;
    let readable = taking.socket.readable(taking.len - at.call.done);
    Some((taking, readable))
}

/// Whether another read of the same socket has taken a piece and is to go on.
fn another_takes(at: &Scene<'_>) -> bool {
    at.others_here()
        .any(|other| other.call.done > 0 && taking(&other).is_some_and(|taking| !taking.all))
}

/// Whether another call is in progress that can tell how much was taken: on this socket or on the one that sent.
fn is_watched(at: &Scene<'_>, socket: &Unix) -> bool {
    let at_peer = || match socket.peer {
        Peer::Socket(peer) => at.others_at(peer).next().is_some(),
        Peer::None | Peer::Gone => false,
    };
    at.others_here().next().is_some() || at_peer()
}

/// A call that peeks, with the data that it finds.
fn peeked<'a>(at: &Scene<'a>) -> Option<(Taking<'a>, crate::channel::unix::Readable)> {
    let taking = stream_taking(at).filter(|taking| taking.peek)?;
    let readable = taking.socket.readable(taking.len);
    (!taking.socket.queue.is_empty()).then_some((taking, readable))
}

/// Whether a descriptor is among what waits to be read.
fn carries_end(taking: &Taking<'_>) -> bool {
    taking.socket.queue.iter().any(|piece| piece.passed.is_some())
}

/// A call that takes from a stream and finds no data.
fn empty<'a>(at: &Scene<'a>) -> Option<Taking<'a>> {
    stream_taking(at).filter(|taking| taking.socket.queue.is_empty())
}

/// A call that takes from a stream and finds no data, though some may come.
fn nothing_yet<'a>(at: &Scene<'a>) -> Option<Taking<'a>> {
    empty(at).filter(|taking| {
        !taking.socket.reset && !taking.socket.receive_closed && (taking.all || at.call.done == 0)
    })
}

fn stream_giving<'a>(at: &Scene<'a>) -> Option<Giving<'a>> {
    giving(at).filter(|giving| giving.socket.is_stream() && !giving.lost(at) && !is_circular(at))
}

/// Whether what is sent on this connected socket reaches somebody who receives.
fn reaches(at: &Scene<'_>, socket: &Unix) -> bool {
    match socket.peer {
        Peer::Socket(peer) => at.world.socket(peer).is_some_and(|peer| !peer.receive_closed),
        Peer::None | Peer::Gone => false,
    }
}

/// A write to a stream that fails as it begins, or as it finds nobody who receives.
fn broken<'a>(at: &Scene<'a>) -> Option<Giving<'a>> {
    let giving = giving(at).filter(|giving| giving.socket.is_stream() && !is_circular(at))?;
    let giving = Some(giving).filter(|_| at.call.done == 0)?;
    let shut = giving.socket.send_closed;
    let unheard = giving.may_go() && giving.len > 0 && !reaches(at, giving.socket);
    let unheard = unheard && !shut && has_room(at, &giving);
    (shut && !at.call.entered || unheard && !giving.socket.reset).then_some(giving)
}

/// A write to a stream, of at least one byte, that has begun to wait or has sent a part.
fn under_way<'a>(at: &Scene<'a>) -> Option<Giving<'a>> {
    stream_giving(at)
        .filter(|giving| giving.may_go() && giving.len > 0)
        .filter(|_| at.call.entered || at.call.done > 0 || at.call.midway)
}

/// A write to a stream that finds, before any of it is sent, that nothing more can be sent.
fn breaks_under_way<'a>(at: &Scene<'a>) -> Option<Giving<'a>> {
    // Who has its room does not look for an error any more.
    let may_go_on = |giving: &Giving<'_>| !giving.socket.reset || has_taken_room(at);
    under_way(at)
        .filter(|giving| at.call.done == 0 && giving.socket.send_closed && may_go_on(giving))
}

/// A write to a stream, of at least one byte, that nothing prevents but perhaps a want of room.
fn open_giving<'a>(at: &Scene<'a>) -> Option<Giving<'a>> {
    let giving = stream_giving(at).filter(|giving| giving.may_go() && giving.len > 0)?;
    (!giving.socket.send_closed && !giving.socket.reset).then_some(giving)
}

fn room<'a>(at: &Scene<'a>) -> Option<Giving<'a>> {
    open_giving(at).filter(|giving| has_room(at, giving) && reaches(at, giving.socket))
}

fn no_room<'a>(at: &Scene<'a>) -> Option<Giving<'a>> {
    open_giving(at).filter(|giving| lacks_room(at, giving))
}

/// A call that could wait for room.
fn waits_for_room<'a>(at: &Scene<'a>) -> Option<Giving<'a>> {
    match at.socket()?.kind {
        SocketType::Stream => open_giving(at),
        _ => super::message::could_wait_for_room(at),
    }
}

/// Whether `poll` finds POLLOUT for sure: a sleeper is woken then.
fn is_writable(at: &Scene<'_>) -> bool {
    is_writable_with(at, 0)
}

/// Whether it would, were so much more under way.
fn is_writable_with(at: &Scene<'_>, more: u32) -> bool {
    let (Some(index), Some(socket)) = (at.object_index(), at.socket()) else { return false };
    let under_way = at.world.under_way(index) + more;
    match at.platform.socket_account {
        Account::Memory => (under_way + 1) * 4 <= socket.send_buffer,
        Account::Small => under_way * 2 <= socket.send_buffer,
        Account::Envelope => under_way == 0,
    }
}

fn is_hung_up(socket: &Unix) -> bool {
    let fresh = socket.life == Life::Unconnected && !socket.is_datagram();
    fresh || socket.receive_closed && socket.send_closed
}

/// POSIX has POLLOUT and POLLHUP exclude each other.
fn may_be_writable(at: &Scene<'_>, socket: &Unix) -> bool {
    at.platform.writable_though_hung_up || !is_hung_up(socket)
}

/// Whether a call is under way beside which poll may miss room that is there before and after it: a send on the
/// same socket, which takes memory before it knows whether it succeeds, or a connect by which the peer, for which
/// many messages wait, leaves.
fn is_writable_midway(at: &Scene<'_>) -> bool {
    let account = at.platform.socket_account;
    let taken = at.others_here().filter(|other| !has_taken_room(other)).filter_map(|other| {
        let giving = giving(&other)?;
        Some(cost(account, giving.socket.kind, giving.piece(&other)))
    });
    let sends = !is_writable_with(at, taken.sum());
    sends || peer_leaving(at).is_some_and(|peer| super::message::is_crowded(at.platform, peer))
}

/// The peer of a connected socket, where a call is under way that may release it.
fn peer_closing<'a>(at: &Scene<'a>) -> Option<(ObjectIndex, &'a Unix)> {
    let socket = polling(at).filter(|socket| !socket.is_datagram())?;
    let Peer::Socket(peer) = socket.peer else { return None };
    at.others_releasing(peer).next()?;
    Some((peer, at.world.socket(peer)?))
}

/// What poll of a connected socket finds while its peer is being closed, besides the end: the error, if there is one, and
/// the room that is made.
fn found_midway(at: &Scene<'_>) -> Option<(Events, Events)> {
    let (index, peer) = peer_closing(at)?;
    let this = at.object_index()?;
    let unaccepted = at.world.sockets().any(|(_, other)| other.pending.contains(&index));
    let purged = peer.queue.iter().any(|piece| piece.sender == Some(this));
    let if_so = |is: bool, events: Events| if is { events } else { Events::NONE };
    let error = if_so(!peer.queue.is_empty() || unaccepted, Events::ERR);
    Some((error, if_so(purged, Events::OUT)))
}

/// What poll finds of a peer that is gone.
const HANG_UP: Events = Events::IN.union(Events::RDHUP).union(Events::HUP);

/// poll returns with these events, and all that it finds besides them but those that are not there yet, if it looks for
/// any of these.
fn finds_end(at: &Scene<'_>, end: Events, not_yet: Events) -> Option<Move> {
    let Op::Poll { events, .. } = at.op() else { return None };
    let asked = events.union(Events::ERR).union(Events::HUP);
    let (must, may) = super::descriptor::found(at)?;
    let is_early = !not_yet.intersection(asked).is_empty() && must.intersection(not_yet).is_empty();
    let end = end.intersection(asked);
    let may = Events(may.0 & !not_yet.0);
    (is_early && !end.is_empty())
        .then(|| Move::found(Answers::Ready { must: must.union(end), may }))
}

/// The peer of a datagram socket, where a connect is under way by which it gets another peer than this.
fn peer_leaving<'a>(at: &Scene<'a>) -> Option<&'a Unix> {
    polling(at)?;
    peer_that_leaves(at)
}

/// The same for any call.
fn peer_that_leaves<'a>(at: &Scene<'a>) -> Option<&'a Unix> {
    let (socket, this) = (at.socket()?, at.object_index()?);
    let Peer::Socket(peer) = socket.peer else { return None };
    at.others_at(peer).any(|other| super::message::leaves(&other, this)).then_some(())?;
    at.world.socket(peer)
}

/// Whether a socket of this channel is being bound.
fn is_appearing(at: &Scene<'_>) -> bool {
    at.others_at_address().any(|other| other.op() == Op::Bind)
}

fn binding<'a>(at: &Scene<'a>) -> Option<(&'a Unix, Address)> {
    let socket = at.socket().filter(|_| at.op() == Op::Bind)?;
    Some((socket, at.world.address()?.1))
}

fn opening(at: &Scene<'_>) -> Option<(SocketType, Address)> {
    at.world.address().filter(|_| matches!(at.op(), Op::Open { .. }))
}

fn listening<'a>(at: &Scene<'a>) -> Option<&'a Unix> {
    at.socket().filter(|_| matches!(at.op(), Op::Listen { .. }))
}

fn shutting<'a>(at: &Scene<'a>) -> Option<&'a Unix> {
    at.socket().filter(|_| matches!(at.op(), Op::Shutdown { .. }))
}

fn polling<'a>(at: &Scene<'a>) -> Option<&'a Unix> {
    at.socket().filter(|_| matches!(at.op(), Op::Poll { .. }))
}

fn setting(at: &Scene<'_>) -> Option<(SocketOption, i32)> {
    at.socket()?;
    match at.op() {
        Op::SetOption { option, value } => Some((option, value)),
        _ => None,
    }
}

fn getting<'a>(at: &Scene<'a>) -> Option<(&'a Unix, SocketOption)> {
    match at.op() {
        Op::GetOption { option } => Some((at.socket()?, option)),
        _ => None,
    }
}

/// What a connect finds at the address.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Connecting {
    NoEntry,
    Refused,
    Full(ObjectIndex),
    Listens(ObjectIndex),
}

/// The socket that is to be connected, and what it finds, unless it sleeps.
fn connecting<'a>(at: &Scene<'a>) -> Option<(&'a Unix, Connecting)> {
    connecting_somewhere(at).filter(|_| !at.platform.sleepers_in_line || is_woken(at))
}

/// Whether a connect has been woken, where it has begun to wait for room: there is more than those take that wait longer.
fn is_woken(at: &Scene<'_>) -> bool {
    let Some(listener) = at.call.waits_on.filter(|_| at.call.entered) else { return true };
    let room = match at.world.socket(listener).map(|listener| (listener.life, &listener.pending)) {
        Some((Life::Listening(backlog), pending)) => {
            (usize::from(backlog) + 1).saturating_sub(pending.len())
        }
        _ => 0,
    };
    room > ahead(at)
}

/// The socket that is to be connected, and what it finds, whether it looks or sleeps.
fn connecting_somewhere<'a>(at: &Scene<'a>) -> Option<(&'a Unix, Connecting)> {
    let socket = at.socket().filter(|socket| at.op() == Op::Connect && !socket.is_datagram())?;
    let (_, address) = at.world.address()?;
    let listener = match address {
        Address::FreePath => return Some((socket, Connecting::NoEntry)),
        Address::StalePath | Address::FreeName => return Some((socket, Connecting::Refused)),
        Address::Path(listener) | Address::Name(listener) => listener,
    };
    let other = at.world.socket(listener)?;
    Some(match other.life {
        Life::Listening(_) if other.receive_closed => (socket, Connecting::Refused),
        Life::Listening(backlog) if other.pending.len() > usize::from(backlog) => {
            (socket, Connecting::Full(listener))
        }
        Life::Listening(_) => (socket, Connecting::Listens(listener)),
        Life::Unconnected | Life::Connected => (socket, Connecting::Refused),
    })
}

/// The socket that is to be connected; one that waits looks at itself only once there is room.
fn connecting_in_its_turn<'a>(at: &Scene<'a>) -> Option<&'a Unix> {
    let (socket, to) = connecting(at)?;
    let full = matches!(to, Connecting::Full(_));
    (!at.call.entered || !full).then_some(socket)
}

/// A connect that may wait and finds no room: its socket, and whether it does not wait there already.
fn finds_no_room<'a>(at: &Scene<'a>) -> Option<(&'a Unix, bool)> {
    let (socket, Connecting::Full(listener)) = connecting(at)? else { return None };
    let elsewhere = at.call.waits_on != Some(listener);
    (at.call.entered || !at.nonblock()).then_some((socket, elsewhere))
}

// Effects

fn take(act: &mut Act<'_>) {
    let call = act.call();
    let left = call.op.asks().map(|len| len - call.done);
    take_of(act, left.unwrap_or(0));
}

fn take_piece(act: &mut Act<'_>) {
    take_of(act, act.count);
}

fn take_of(act: &mut Act<'_>, len: u32) {
    let op = act.call().op;
    let peek = matches!(op, Op::Receive { flags, .. } if flags.contains(SendFlags::PEEK));
    let account = act.platform.socket_account;
    let Some(socket) = act.socket() else { return };
    let senders: SmallVec<[Option<ObjectIndex>; 4]> =
        socket.queue.iter().map(|piece| piece.sender).collect();
    let (names, passed) = socket.give(len, !peek);
    let emptied = senders.len() - socket.queue.len();
    wake_for_room(act.world, account, senders.into_iter().take(emptied).flatten());
    let call = act.call();
    call.entered = false;
    for segment in names {
        call.done += segment.len;
        push_segment(&mut call.data, segment);
    }
    received(act, passed.filter(|_| !peek));
}

fn give(act: &mut Act<'_>) {
    let &mut Act { platform, actor, count, .. } = act;
    let from = act.world.actors[usize::from(actor.0)].written;
    let call = act.call();
    let (op, done) = (call.op, call.done);
    let Some(description) = call.description else { return };
    call.done += count;
    (call.entered, call.room) = (false, None);
    let sender = act.world.descriptions[usize::from(description)].object;
    let Some(Peer::Socket(to)) = act.world.socket(sender).map(|socket| socket.peer) else { return };
    let passed = match op {
        Op::SendEnd { passed, .. } if done == 0 => act.world.end(actor, passed),
        _ => None,
    };
    let Some(receiver) = act.world.socket_mut(to) else { return };
    let piece = Piece {
        data: named(actor, from + i64::from(done), count),
        cost: cost(platform.socket_account, receiver.kind, count),
        sender: Some(sender),
        passed,
    };
    receiver.push(platform.socket_account, piece);
    wake_for_data(act.world, to);
}

/// A bind that failed has made its path.
fn leave_path(act: &mut Act<'_>) {
    if let Place::Unix(_, address) = &mut act.world.place {
        *address = Address::StalePath;
    }
}

fn bind(act: &mut Act<'_>) {
    let Some(description) = act.call().description else { return };
    let object = act.world.descriptions[usize::from(description)].object;
    if let Some(socket) = act.world.socket_mut(object) {
        socket.named = true;
    }
    if let Place::Unix(_, address) = &mut act.world.place {
        let path = address.is_path();
        *address = if path { Address::Path(object) } else { Address::Name(object) };
    }
}

fn unlink(act: &mut Act<'_>) {
    if let Place::Unix(_, address) = &mut act.world.place {
        *address = Address::FreePath;
    }
}

fn listen(act: &mut Act<'_>) {
    let &mut Act { platform, .. } = act;
    let Op::Listen { backlog } = act.call().op else { return };
    // A backlog that grows wakes all who wait for room.
    if let Some(object) = act.object {
        act.world.scatter(object, Line::Connectors);
    }
    if let Some(socket) = act.socket() {
        socket.life = Life::Listening(backlog.min(platform.backlog_max));
    }
}

fn begin_to_connect(act: &mut Act<'_>) {
    begin_to_wait(act);
    let listener = act.world.address().and_then(|(_, address)| address.leads_to());
    act.call().waits_on = listener;
    join_at_socket(act);
}

/// A connect that was woken fails: the others who wait were not.
fn waste_wakeup(act: &mut Act<'_>) {
    let Some(listener) = act.call().waits_on else { return };
    let calls = act.world.actors.iter_mut().filter_map(|other| other.call.as_mut());
    for call in calls.filter(|call| call.waits_on == Some(listener)) {
        call.overslept = true;
    }
}

fn connect(act: &mut Act<'_>) {
    let &mut Act { platform, .. } = act;
    let Some(description) = act.call().description else { return };
    let client = act.world.descriptions[usize::from(description)].object;
    let Some((kind, address)) = act.world.address() else { return };
    let Some(listener) = address.leads_to() else { return };
    let named = act.world.socket(listener).is_some_and(|listener| listener.named);
    let server = Unix { named, ..Unix::connected(platform, kind, client) };
    let server = act.world.add_socket(server);
    // Whoever was woken for the room that a newcomer takes waits again, behind the others.
    if !act.call().entered {
        act.world.scatter(listener, Line::Connectors);
    }
    if let Some(listener) = act.world.socket_mut(listener) {
        listener.pending.push(server);
    }
    if let Some(client) = act.world.socket_mut(client) {
        client.life = Life::Connected;
        client.peer = Peer::Socket(server);
    }
    wake_for_data(act.world, listener);
    act.call().waits_on = None;
}

fn set_buffer(act: &mut Act<'_>) {
    let &mut Act { platform, .. } = act;
    let Op::SetOption { option, value } = act.call().op else { return };
    let most = buffer_max_bytes(platform, option).unwrap_or(u32::MAX);
    let Some(socket) = act.socket() else { return };
    let twice = (value as u32).min(most).saturating_mul(2);
    match option {
        SocketOption::SendBuffer => socket.send_buffer = twice.max(SEND_BUFFER_MIN_BYTES),
        _ => socket.receive_buffer = twice.max(RECEIVE_BUFFER_MIN_BYTES),
    }
    // Also one that is no larger than before.
    if let Some(object) = act.object.filter(|_| option == SocketOption::SendBuffer) {
        wake_for_room(act.world, platform.socket_account, [object]);
    }
}

/// A socket to which nothing refers any more, as others see it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ends {
    Leaves,
    Resets,
    Listens,
    Alone,
}

fn ends(at: &Scene<'_>) -> Option<Ends> {
    let dead = at.world.socket(at.released()?)?;
    Some(match dead.peer {
        _ if dead.listens() => Ends::Listens,
        Peer::Socket(_) if dead.is_datagram() => Ends::Alone,
        Peer::Socket(_) if dead.has_unread() => Ends::Resets,
        Peer::Socket(_) => Ends::Leaves,
        Peer::None | Peer::Gone => Ends::Alone,
    })
}

/// A socket is gone: its name leads nowhere, its peer can't send nor be sent anything, connections that it has not
/// accepted are reset, and what was in its queue is lost.
fn leave(act: &mut Act<'_>) {
    let Some(index) = act.object else { return };
    let world = &mut *act.world;
    let dead = std::mem::replace(&mut world.objects[usize::from(index)], Object::Free);
    let Object::Unix(dead) = dead else { return };
    if let Place::Unix(_, address) = &mut world.place {
        *address = match *address {
            Address::Path(object) if object == index => Address::StalePath,
            Address::Name(object) if object == index => Address::FreeName,
            other => other,
        };
    }
    if let Peer::Socket(peer) = dead.peer {
        world.catch_midway(peer);
        if let Some(peer) = world.socket_mut(peer).filter(|_| !dead.is_datagram()) {
            peer.receive_closed = true;
            peer.send_closed = true;
            peer.reset |= dead.has_unread();
        }
        if !dead.is_datagram() {
            wake_for_state(world, peer);
        }
    }
    if dead.is_datagram() {
        wake_who_sends_to(world, index, Wake::all(Queue::All));
    }
    for (_, other) in world.sockets_mut() {
        if other.peer == Peer::Socket(index) {
            other.peer = Peer::Gone;
        }
        for piece in &mut other.queue {
            piece.sender = piece.sender.filter(|sender| *sender != index);
        }
    }
    let calls = world.actors.iter_mut().filter_map(|actor| actor.call.as_mut());
    calls.filter(|call| call.waits_on == Some(index)).for_each(|call| call.waits_on = None);
    for server in dead.pending.iter().copied() {
        if let Some(Peer::Socket(client)) = world.socket(server).map(|server| server.peer)
            && let Some(client) = world.socket_mut(client)
        {
            client.reset = true;
        }
        world.released.push(server);
    }
    world.dropped(dead.queue.iter().filter_map(|piece| piece.passed));
    world.remove_object(index);
    let senders = dead.queue.iter().filter_map(|piece| piece.sender);
    wake_for_room(world, act.platform.socket_account, senders);
}
