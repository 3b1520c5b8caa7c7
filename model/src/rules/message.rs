//! Messages: Unix sockets that keep their bounds, connected (seqpacket) or not (datagram).
//!
//! Names, connections and what all Unix sockets share is in [`super::unix`], with what is not modelled. Nor
//! are credentials, several messages in one call, and memory that a message under way takes while it waits
//! for the queue of its receiver.

use super::line::{ahead, is_in_line, join_at_socket};
use super::socket::begin_to_receive;
use super::transfer::{
    Giving, Taking, begin_to_wait, clear_reset, giving, has_room, has_taken_room, is_circular,
    lacks_room, received, shutdown, take_room, taking,
};
use super::wake::{Queue, Wake, wake, wake_for_data, wake_for_room, wake_who_sends_to};
use crate::act::Act;
use crate::call::{Actor, Answer, Errno, Events, Marks, Op, SendFlags, Signal};
use crate::channel::Unix;
use crate::channel::unix::{Life, Peer, Piece, cost, message_max, named};
use crate::chapter::{Chapter, Exception, Overlap};
use crate::data::push_segment;
use crate::index::ObjectIndex;
use crate::kind::{Discipline, SocketType};
use crate::platform::{Account, Platform};
use crate::rule::Cite::{Man, Observed, Posix, Source};
use crate::rule::{Force, Move, Rule, Scene};
use crate::run::Setup;
use crate::world::{Address, Line, World};

const AF_UNIX: &str = "net/unix/af_unix.c";
const MAN_UNIX: &str = "unix(7)";
const KERNELS: &str = "Linux 6.1 and 6.18";

/// The chapter.
pub const CHAPTER: Chapter = Chapter {
    name: "message",
    title: "Messages: Unix seqpacket and datagram sockets",
    of_all: false,
    rules: RULES,
    not_on_linux: NOT_ON_LINUX,
    not_in_posix: NOT_IN_POSIX,
    absent,
    overlaps: OVERLAPS,
    exceptions: EXCEPTIONS,
};

const NOT_ON_LINUX: &[&str] = &[
    "message.send.address-of-connected",
    "message.listen.connected",
    "message.accept.not-listening",
    "message.accept.none-nonblocking",
    "message.any.broken-with-signal",
    "message.any.broken-first",
    "message.any.no-destination",
    "message.any.shut-without-signal",
    "message.send.no-connection",
    "message.send.no-entry-first",
    "message.shutdown.not-connected",
];
const NOT_IN_POSIX: &[&str] = &[
    "message.any.longest-waiter",
    "message.any.waits-in-line",
    "message.any.broken-without-signal",
    "message.any.no-peer",
    "message.any.no-peer-first",
    "message.shutdown.unconnected",
];
const OVERLAPS: &[Overlap] = &[
    Overlap {
        why: "POSIX states no buffer sizes: a message fits for certain only with nothing in \
              flight, and the order of the checks for room and for a receiver is open.",
        rules: &[
            "message.any.sent",
            "message.any.too-long",
            "message.any.full-nonblocking",
            "message.any.finds-no-room",
            "message.any.broken",
            "message.any.broken-with-signal",
            "message.any.shut-without-signal",
            "message.any.no-destination",
            "message.send.no-connection",
            "unix.any.waits-for-room",
        ],
    },
    Overlap {
        why: "POSIX leaves open which of several errors is reported.",
        rules: &[
            "message.any.too-long",
            "message.any.no-destination",
            "message.send.no-connection",
            "message.any.broken",
            "message.any.broken-with-signal",
            "message.any.shut-without-signal",
            "message.any.broken-first",
            "message.any.broken-midway",
            "message.any.not-for-us",
            "message.any.refused",
            "message.any.send-reset",
            "message.any.sends-unconnected",
            "message.send.no-entry",
            "message.send.no-entry-first",
            "unix.any.path-midway",
        ],
    },
    Overlap {
        why: "A send that had found its peer before another call lost it may report a different \
              error.",
        rules: &["message.any.no-destination", "message.any.refused-midway"],
    },
    Overlap {
        why: "A receive in progress may already have taken the message that another would return.",
        rules: &["message.any.whole", "message.any.taken-midway"],
    },
    Overlap {
        why: "A send reserves room first, and that step may be unobservable.",
        rules: &[
            "unix.any.takes-room",
            "message.any.sent",
            "message.any.broken",
            "message.any.too-long",
        ],
    },
    Overlap {
        why: "A time-out may expire at any moment.",
        rules: &["message.any.waits-for-message", "message.any.time-out"],
    },
    Overlap {
        why: "A message wakes one of several waiting receives.",
        rules: &["message.any.whole", "message.any.oversleeps"],
    },
];
const EXCEPTIONS: &[Exception] = &[
    Exception {
        rule: "message.any.broken-without-signal",
        why: "POSIX requires SIGPIPE with EPIPE on a connection; Linux raises none for seqpacket \
              sockets.",
    },
    Exception {
        rule: "message.any.no-peer",
        why: "POSIX requires EDESTADDRREQ of a send on a datagram socket without a peer; Linux \
              fails with ENOTCONN.",
    },
    Exception {
        rule: "message.any.no-peer-first",
        why: "As above, for a socket that was also shut down (case message/no-peer-and-shut-down).",
    },
    Exception {
        rule: "message.shutdown.unconnected",
        why: "POSIX requires ENOTCONN of a shutdown of a datagram socket without a peer; on Linux \
              it succeeds.",
    },
];

fn absent(setup: &Setup) -> &'static [&'static str] {
    match setup.kind.discipline {
        Discipline::Unix(SocketType::Seqpacket, _) => OF_DATAGRAMS,
        Discipline::Unix(SocketType::Datagram, _) => OF_CONNECTIONS,
        _ => &[],
    }
}

/// Rules of sockets that send to anybody.
const OF_DATAGRAMS: &[&str] = &[
    "message.any.finds-receiver-full",
    "message.any.waits-for-receiver",
    "message.any.refused",
    "message.any.refused-midway",
    "message.send.no-entry",
    "message.any.not-for-us",
    "message.any.no-peer",
    "message.any.no-peer-first",
    "message.any.no-destination",
    "message.send.no-connection",
    "message.send.address-of-connected",
    "message.listen.connected",
    "message.listen.not-for-datagrams",
    "message.accept.not-listening",
    "message.accept.none-nonblocking",
    "message.accept.not-for-datagrams",
    "message.connect.sets-peer",
    "message.connect.no-entry",
    "message.connect.refused",
    "message.connect.not-for-us",
    "message.send.no-entry-first",
    "message.shutdown.own",
    "message.shutdown.unconnected",
    "message.shutdown.not-connected",
    "unix.poll.error-midway",
];

/// Rules of sockets that send to whom they are connected.
const OF_CONNECTIONS: &[&str] = &[
    "message.any.shut-without-signal",
    "unix.listen.begins",
    "unix.listen.unnamed",
    "unix.listen.no-address",
    "unix.listen.connected",
    "unix.connect.connects",
    "unix.connect.no-entry",
    "unix.connect.refused",
    "unix.connect.full-nonblocking",
    "unix.connect.full-refused",
    "unix.connect.in-progress",
    "unix.connect.connected-waits-first",
    "unix.connect.not-for-listeners",
    "unix.connect.finds-no-room",
    "unix.connect.waits",
    "unix.connect.connected",
    "unix.connect.listening",
    "socket.accept.oldest",
    "socket.accept.none-nonblocking",
    "socket.accept.finds-none",
    "socket.accept.waits",
    "socket.accept.time-out",
    "unix.accept.shut-down",
    "socket.accept.not-listening",
    "unix.shutdown.connected",
    "unix.shutdown.unconnected",
    "unix.shutdown.not-connected",
    "message.any.broken-without-signal",
    "message.any.broken-with-signal",
    "unix.available.listening",
    "unix.poll.close-midway",
    "unix.poll.end-before-error",
    "unix.poll.end-before-hang-up",
    "unix.poll.error-before-end",
    "message.any.receives-unconnected",
    "unix.any.unconnected-nonblocking",
    "message.any.broken-midway",
    "message.any.sends-unconnected",
];

const RULES: &[Rule] = &[
    // Receiving
    Rule {
        id: "message.any.whole",
        says: "A read or receive removes the oldest message, even one of zero bytes, and discards \
               any bytes beyond the requested length.",
        cite: &[Posix("recv", "DESCRIPTION"), Source(AF_UNIX, "__unix_dgram_recvmsg")],
        force: Force::Must,
        step: |at| {
            let taking = oldest(at).filter(|taking| !taking.peek && !is_in_line(at))?;
            Some(Move::answers(answer(&taking)?).with(take))
        },
    },
    Rule {
        id: "message.any.longest-waiter",
        says: "Of several receives asleep on a socket, the longest-waiting one takes the oldest \
               message, unless a later call takes it first.",
        cite: &[
            Source("net/core/datagram.c", "__skb_wait_for_more_packets"),
            Observed(
                "the longest waiter first, in 60 of 60 rounds of five receivers",
                "Linux 6.18",
            ),
        ],
        force: Force::Silent,
        step: |at| {
            let taking = oldest(at).filter(|taking| !taking.peek)?;
            (is_in_line(at) && !waits_in_line(at, &taking))
                .then_some(Move::answers(answer(&taking)?).with(take))
        },
    },
    Rule {
        id: "message.any.waits-in-line",
        says: "A receive asleep behind others stays asleep while the queue holds no more messages \
               than there are receives ahead of it.",
        cite: &[Source("net/core/datagram.c", "__skb_wait_for_more_packets")],
        force: Force::Silent,
        step: |at| waits_in_line(at, &oldest(at)?).then_some(Move::rests()),
    },
    Rule {
        id: "message.receive.peek",
        says: "A receive with MSG_PEEK returns the oldest message without removing it.",
        cite: &[Posix("recv", "MSG_PEEK"), Source(AF_UNIX, "__unix_dgram_recvmsg")],
        force: Force::Must,
        step: |at| {
            let taking = oldest(at).filter(|taking| taking.peek && !waits_in_line(at, taking))?;
            Some(Move::answers(answer(&taking)?).with(take))
        },
    },
    Rule {
        id: "message.any.reset",
        says: "A receive fails once with ECONNRESET, ahead of queued messages, if the peer closed \
               with messages unread, was never accepted, or changed its peer.",
        cite: &[
            Posix("recv", "ERRORS [ECONNRESET]"),
            Source("net/core/datagram.c", "__skb_try_recv_datagram"),
        ],
        force: Force::May,
        step: |at| {
            let taking = able(at)?;
            taking.socket.reset.then(|| Move::fails(Errno::ECONNRESET).with(clear_reset))
        },
    },
    Rule {
        id: "message.any.end",
        says: "A receive that finds no message returns 0 once the receive direction is closed, but \
               on a datagram socket only if it may wait.",
        cite: &[Posix("recv", "RETURN VALUE"), Source(AF_UNIX, "__unix_dgram_recvmsg")],
        force: Force::Must,
        step: |at| {
            let taking = none_there(at).filter(|taking| taking.socket.receive_closed)?;
            let waits = at.call.entered || !taking.must_not_wait(at);
            (!taking.socket.is_datagram() || waits).then_some(Move::answers(Answer::Count(0)))
        },
    },
    Rule {
        id: "message.any.none-nonblocking",
        says: "A receive that finds no message fails with EAGAIN under O_NONBLOCK, MSG_DONTWAIT or \
               a negative time-out, even on a datagram socket closed for receiving.",
        cite: &[Posix("recv", "ERRORS [EAGAIN]"), Source(AF_UNIX, "__unix_dgram_recvmsg")],
        force: Force::Must,
        step: |at| {
            let taking = none_there(at).filter(|_| !at.call.entered)?;
            let may_come = !taking.socket.receive_closed || taking.socket.is_datagram();
            (may_come && taking.must_not_wait(at)).then_some(Move::fails(Errno::EAGAIN))
        },
    },
    Rule {
        id: "message.any.taken-midway",
        says: "A poll, FIONREAD or receive may find no message while receives in progress may \
               already have taken every one, before they free their space.",
        cite: &[
            Source(AF_UNIX, "__unix_dgram_recvmsg"),
            Observed("neither IN nor OUT beside a receive stopped in its copy", "Linux 6.18"),
        ],
        force: Force::Silent,
        step: |at| {
            let socket = at.socket().filter(|_| is_spoken_for(at))?;
            match at.op() {
                Op::Poll { .. } => Some(Move::may_report(Events::IN)),
                Op::Available => Some(Move::answers(Answer::Count(0))),
                _ => {
                    let taking = oldest(at).filter(|_| !at.call.entered)?;
                    let waits = !taking.must_not_wait(at);
                    match (socket.receive_closed, waits) {
                        (true, _) if waits || !socket.is_datagram() => {
                            Some(Move::answers(Answer::Count(0)))
                        }
                        (_, false) => Some(Move::fails(Errno::EAGAIN)),
                        (_, true) => None,
                    }
                }
            }
        },
    },
    Rule {
        id: "message.any.finds-none",
        says: "A blocking receive that finds no message, though one may still arrive, begins to \
               wait.",
        cite: &[Posix("recv", "DESCRIPTION")],
        force: Force::Must,
        step: |at| {
            let taking = none_there(at).filter(|taking| !taking.socket.receive_closed)?;
            (!at.call.entered && !taking.must_not_wait(at))
                .then_some(Move::proceeds(0, 0).with(join_the_line))
        },
    },
    Rule {
        id: "message.any.waits-for-message",
        says: "A receive that has begun to wait sleeps while there is no message and one may still \
               arrive.",
        cite: &[Posix("recv", "DESCRIPTION")],
        force: Force::Must,
        step: |at| {
            none_there(at).filter(|taking| !taking.socket.receive_closed)?;
            at.call.entered.then_some(Move::rests())
        },
    },
    Rule {
        id: "message.any.oversleeps",
        says: "A receive may sleep on despite a queued message if the message's single wake-up \
               went to a receive that only peeked.",
        cite: &[
            Source("net/core/datagram.c", "__skb_wait_for_more_packets"),
            Observed("so", KERNELS),
        ],
        force: Force::Silent,
        step: |at| {
            oldest(at)?;
            (at.call.entered && at.call.overslept).then_some(Move::rests())
        },
    },
    Rule {
        id: "message.any.time-out",
        says: "A receive that waits longer than SO_RCVTIMEO fails with EAGAIN.",
        cite: &[Posix("setsockopt", "SO_RCVTIMEO"), Man("socket(7)", "Socket options")],
        force: Force::Must,
        step: |at| {
            none_there(at).filter(|taking| !taking.socket.receive_closed)?;
            (at.call.entered && at.call.timed).then_some(Move::fails(Errno::EAGAIN))
        },
    },
    Rule {
        id: "message.any.receives-unconnected",
        says: "A receive on a seqpacket socket that was never connected fails with ENOTCONN.",
        cite: &[Posix("recv", "ERRORS [ENOTCONN]"), Source(AF_UNIX, "unix_seqpacket_recvmsg")],
        force: Force::Must,
        step: |at| {
            let taking = taking(at)?;
            (taking.socket.kind == SocketType::Seqpacket && taking.socket.life != Life::Connected)
                .then_some(Move::fault(Errno::ENOTCONN))
        },
    },
    // Sending
    Rule {
        id: "message.any.sent",
        says: "A write or send transmits its whole message, even one of zero bytes, and ignores an \
               address given on a connected seqpacket socket.",
        cite: &[
            Posix("send", "DESCRIPTION"),
            Source(AF_UNIX, "unix_dgram_sendmsg"),
            Source(AF_UNIX, "unix_seqpacket_sendmsg"),
        ],
        force: Force::Must,
        step: |at| {
            let giving = ready(at)?;
            matches!(target(at, &giving), Target::Ready(_))
                .then(|| Move::transfers(giving.len, giving.len).with(send))
        },
    },
    Rule {
        id: "message.send.address-of-connected",
        says: "A send with an address on a datagram socket that has a peer may fail with EISCONN.",
        cite: &[Posix("sendto", "DESCRIPTION")],
        force: Force::May,
        step: |at| {
            let giving = message_giving(at).filter(|giving| giving.addressed)?;
            let has_peer = giving.socket.is_datagram() && giving.socket.peer != Peer::None;
            has_peer.then_some(Move::may_fault(Errno::EISCONN))
        },
    },
    Rule {
        id: "message.any.too-long",
        says: "A send of a message larger than the system's limit for the send buffer fails with \
               EMSGSIZE and transmits nothing.",
        cite: &[Posix("send", "ERRORS [EMSGSIZE]"), Man(MAN_UNIX, "Socket options")],
        force: Force::Must,
        step: |at| {
            let giving = message_giving(at).filter(|giving| !giving.lost(at))?;
            let perhaps = at.platform.socket_account == Account::Envelope && giving.len > 0;
            let surely = too_long(at, &giving) && !fails_before(&giving);
            (surely || perhaps && !at.call.entered).then_some(Move::fails(Errno::EMSGSIZE))
        },
    },
    Rule {
        id: "message.any.send-reset",
        says: "A send on a socket with a pending error fails with that error and clears it.",
        cite: &[
            Posix("send", "ERRORS [ECONNRESET]"),
            Source("net/core/sock.c", "sock_alloc_send_pskb"),
        ],
        force: Force::May,
        step: |at| {
            let giving = message_giving(at).filter(|giving| giving.socket.reset)?;
            let early = giving.socket.kind == SocketType::Seqpacket;
            let lost = giving.lost(at) || too_long(at, &giving);
            (!has_taken_room(at) && (early || !lost))
                .then(|| Move::fails(Errno::ECONNRESET).with(clear_reset))
        },
    },
    Rule {
        id: "message.any.broken",
        says: "A datagram send after SHUT_WR, or to a socket after SHUT_RD, fails with EPIPE, as \
               does any with MSG_NOSIGNAL on a broken seqpacket connection.",
        cite: &[Posix("send", "ERRORS [EPIPE]"), Source(AF_UNIX, "unix_dgram_sendmsg")],
        force: Force::Must,
        step: |at| (!broken(at)?).then_some(gives_back(at, Move::fails(Errno::EPIPE))),
    },
    Rule {
        id: "message.any.broken-without-signal",
        says: "A send on a seqpacket socket shut down for writing, or whose peer closed or was \
               shut down for reading, fails with EPIPE without SIGPIPE.",
        cite: &[Source(AF_UNIX, "unix_dgram_sendmsg")],
        force: Force::Exception,
        step: |at| broken(at)?.then_some(Move::fails(Errno::EPIPE)),
    },
    Rule {
        id: "message.any.broken-with-signal",
        says: "A send on a seqpacket socket shut down for writing, or whose peer closed or was \
               shut down for reading, fails with EPIPE and SIGPIPE.",
        cite: &[Posix("send", "ERRORS [EPIPE]"), Posix("send", "MSG_NOSIGNAL")],
        force: Force::Must,
        step: |at| broken(at)?.then_some(Move::fails(Errno::EPIPE).raises(Signal::Sigpipe)),
    },
    Rule {
        id: "message.any.shut-without-signal",
        says: "A send on a connected seqpacket socket shut down for writing, or whose peer is shut \
               down for reading, may fail with EPIPE without SIGPIPE.",
        cite: &[Posix("send", "ERRORS [EPIPE]"), Posix("write", "ERRORS [EPIPE]")],
        force: Force::May,
        step: |at| {
            let giving = sending(at)?;
            (broken(at)? && giving.socket.peer != Peer::Gone).then_some(Move::fails(Errno::EPIPE))
        },
    },
    Rule {
        id: "message.any.broken-first",
        says: "A send on a socket shut down for writing with an error pending may fail with EPIPE \
               and leave the error pending.",
        cite: &[Posix("send", "ERRORS [EPIPE]"), Posix("XSH 2.3", "Error Numbers")],
        force: Force::May,
        step: |at| {
            let giving = message_giving(at).filter(|giving| giving.socket.reset)?;
            let connection = giving.socket.kind == SocketType::Seqpacket;
            let fails = Move::fails(Errno::EPIPE);
            let told = match connection && !giving.flags.contains(SendFlags::NOSIGNAL) {
                true => fails.raises(Signal::Sigpipe),
                false => fails,
            };
            (shut(at, &giving) && !giving.lost(at)).then_some(told)
        },
    },
    Rule {
        id: "message.any.broken-midway",
        says: "A send in progress when its peer closes with messages unread may fail with EPIPE \
               and leave the error pending.",
        cite: &[Source(AF_UNIX, "unix_dgram_sendmsg"), Observed("so", "Linux 6.18")],
        force: Force::Silent,
        step: |at| {
            let giving = begun_midway(at)?;
            (giving.socket.reset && giving.socket.send_closed && at.call.midway)
                .then_some(Move::fails(Errno::EPIPE))
        },
    },
    Rule {
        id: "message.any.full-nonblocking",
        says: "A send with O_NONBLOCK or MSG_DONTWAIT that finds no room in the send buffer or the \
               receiver's queue fails with EAGAIN.",
        cite: &[
            Posix("send", "ERRORS [EAGAIN]"),
            Source("net/core/sock.c", "sock_alloc_send_pskb"),
        ],
        force: Force::Must,
        step: |at| {
            let giving = no_space(at).or_else(|| crowded(at).map(|(giving, _)| giving))?;
            (!at.call.entered && giving.must_not_wait(at))
                .then_some(gives_back(at, Move::fails(Errno::EAGAIN)))
        },
    },
    Rule {
        id: "message.any.finds-no-room",
        says: "A blocking send that finds no room in the send buffer begins to wait.",
        cite: &[Posix("send", "DESCRIPTION")],
        force: Force::May,
        step: |at| {
            let giving = no_space(at)?;
            (!at.call.entered && !giving.must_not_wait(at))
                .then_some(Move::proceeds(0, 0).with(begin_to_wait))
        },
    },
    Rule {
        id: "message.any.finds-receiver-full",
        says: "A blocking send to a datagram socket with a full queue begins to wait, unless that \
               socket is, or has as its peer, the sender.",
        cite: &[
            Source(AF_UNIX, "unix_dgram_sendmsg"),
            Source("net/unix/sysctl_net_unix.c", "unix_sysctl_register"),
        ],
        force: Force::Silent,
        step: |at| {
            let (giving, to) = crowded(at)?;
            (at.call.waits_on != Some(to) && !giving.must_not_wait(at))
                .then_some(Move::proceeds(0, 0).with(begin_to_wait_for_receiver))
        },
    },
    Rule {
        id: "message.any.waits-for-receiver",
        says: "A send waiting for its receiver sleeps until that socket takes a message or closes, \
               regardless of shutdowns, changed peers and removal of its path.",
        cite: &[Source(AF_UNIX, "unix_wait_for_peer")],
        force: Force::Silent,
        step: |at| {
            let giving = message_giving(at)?;
            let waits_on = at.call.waits_on.filter(|_| at.call.entered)?;
            (target(at, &giving) != Target::Ready(waits_on)).then_some(Move::rests())
        },
    },
    Rule {
        id: "message.any.refused",
        says: "A send to a closed datagram socket fails with ECONNREFUSED and, if made without an \
               address, drops the sender's peer and unread messages.",
        cite: &[Man(MAN_UNIX, "ERRORS"), Source(AF_UNIX, "unix_dgram_sendmsg")],
        force: Force::Silent,
        step: |at| {
            let giving = ready(at)?;
            match target(at, &giving) {
                Target::Gone => Some(Move::fails(Errno::ECONNREFUSED).with(lose_peer)),
                Target::Refused => Some(gives_back(at, Move::fails(Errno::ECONNREFUSED))),
                _ => None,
            }
        },
    },
    Rule {
        id: "message.any.refused-midway",
        says: "A send without an address, in progress while another on the same socket is refused \
               by their closed peer, may fail with ECONNRESET.",
        cite: &[
            Source(AF_UNIX, "unix_dgram_sendmsg"),
            Observed("once in 150,000 calls", "Linux 6.18"),
        ],
        force: Force::Silent,
        step: |at| {
            let giving = message_giving(at).filter(|giving| giving.socket.is_datagram())?;
            let begun = at.call.midway && !shut(at, &giving) && !too_long(at, &giving);
            (begun && target(at, &giving) == Target::Nobody)
                .then_some(Move::fails(Errno::ECONNRESET))
        },
    },
    Rule {
        id: "message.send.no-entry",
        says: "A send to a path that does not exist fails with ENOENT.",
        cite: &[Posix("sendto", "ERRORS [ENOENT]")],
        force: Force::Must,
        step: |at| {
            let giving = ready(at)?;
            (target(at, &giving) == Target::NoEntry)
                .then_some(gives_back(at, Move::fails(Errno::ENOENT)))
        },
    },
    Rule {
        id: "message.send.no-entry-first",
        says: "A send to a path that does not exist may fail with ENOENT before a shutdown or a \
               pending error is reported.",
        cite: &[Posix("sendto", "ERRORS [ENOENT]"), Posix("XSH 2.3", "Error Numbers")],
        force: Force::May,
        step: |at| {
            let giving = begun(at).filter(|_| !at.call.entered)?;
            let otherwise = giving.socket.reset || giving.socket.send_closed;
            (otherwise && target(at, &giving) == Target::NoEntry)
                .then_some(Move::fails(Errno::ENOENT))
        },
    },
    Rule {
        id: "message.any.not-for-us",
        says: "A send to a datagram socket whose peer is a third socket fails with EPERM.",
        cite: &[Man(MAN_UNIX, "ERRORS"), Source(AF_UNIX, "unix_may_send")],
        force: Force::Silent,
        step: |at| {
            let giving = ready(at)?;
            (target(at, &giving) == Target::Forbidden)
                .then_some(gives_back(at, Move::fails(Errno::EPERM)))
        },
    },
    Rule {
        id: "message.any.no-peer",
        says: "A send without an address on a datagram socket without a peer fails with ENOTCONN.",
        cite: &[Source(AF_UNIX, "unix_dgram_sendmsg")],
        force: Force::Exception,
        step: |at| {
            let giving = ready(at)?;
            (target(at, &giving) == Target::Nobody)
                .then_some(gives_back(at, Move::fails(Errno::ENOTCONN)))
        },
    },
    Rule {
        id: "message.any.no-destination",
        says: "A send without an address on a datagram socket without a peer fails with \
               EDESTADDRREQ.",
        cite: &[Posix("send", "ERRORS [EDESTADDRREQ]")],
        force: Force::Must,
        step: |at| {
            let giving = begun(at).filter(|giving| giving.socket.is_datagram())?;
            let looks = !at.call.entered || ready(at).is_some();
            (looks && target(at, &giving) == Target::Nobody)
                .then_some(Move::fails(Errno::EDESTADDRREQ))
        },
    },
    Rule {
        id: "message.send.no-connection",
        says: "A send(2) without an address on a datagram socket without a peer may also fail with \
               ENOTCONN.",
        cite: &[Posix("send", "ERRORS [ENOTCONN]"), Posix("XSH 2.3", "Error Numbers")],
        force: Force::May,
        step: |at| {
            let giving = begun(at).filter(|giving| giving.socket.is_datagram())?;
            let sends = matches!(at.op(), Op::Send { .. });
            let looks = !at.call.entered || ready(at).is_some();
            (sends && looks && target(at, &giving) == Target::Nobody)
                .then_some(Move::fails(Errno::ENOTCONN))
        },
    },
    Rule {
        id: "message.any.no-peer-first",
        says: "A send on a datagram socket without a peer may fail with ENOTCONN before its \
               length, shutdown, pending errors and room are checked.",
        cite: &[Source(AF_UNIX, "unix_dgram_sendmsg"), Observed("ENOTCONN first", "Linux 6.1")],
        force: Force::Exception,
        step: |at| {
            let giving = begun(at).filter(|giving| giving.socket.is_datagram())?;
            let otherwise = too_long(at, &giving)
                || giving.socket.reset
                || giving.socket.send_closed
                || !has_room(at, &giving);
            (otherwise && target(at, &giving) == Target::Nobody && !at.call.entered)
                .then_some(Move::fails(Errno::ENOTCONN))
        },
    },
    Rule {
        id: "message.any.sends-unconnected",
        says: "A send on a seqpacket socket that was never connected fails with ENOTCONN, with or \
               without an address.",
        cite: &[Posix("send", "ERRORS [ENOTCONN]"), Source(AF_UNIX, "unix_seqpacket_sendmsg")],
        force: Force::Must,
        step: |at| {
            let giving = message_giving(at)?;
            let seqpacket = giving.socket.kind == SocketType::Seqpacket;
            (seqpacket && giving.socket.life != Life::Connected && !giving.socket.reset)
                .then_some(Move::fails(Errno::ENOTCONN))
        },
    },
    // Naming and connecting
    Rule {
        id: "message.listen.not-for-datagrams",
        says: "A listen on a datagram socket fails with EOPNOTSUPP.",
        cite: &[Posix("listen", "ERRORS [EOPNOTSUPP]")],
        force: Force::Must,
        step: |at| {
            (matches!(at.op(), Op::Listen { .. }) && at.socket()?.is_datagram())
                .then_some(Move::fails(Errno::EOPNOTSUPP))
        },
    },
    Rule {
        id: "message.listen.connected",
        says: "A listen on a datagram socket that has a peer may fail with EINVAL.",
        cite: &[Posix("listen", "ERRORS [EINVAL]"), Posix("XSH 2.3", "Error Numbers")],
        force: Force::May,
        step: |at| {
            let socket = at.socket().filter(|socket| socket.is_datagram())?;
            (matches!(at.op(), Op::Listen { .. }) && socket.peer != Peer::None)
                .then_some(Move::may_fault(Errno::EINVAL))
        },
    },
    Rule {
        id: "message.accept.not-listening",
        says: "An accept on a datagram socket, which never listens, may fail with EINVAL.",
        cite: &[Posix("accept", "ERRORS [EINVAL]"), Posix("XSH 2.3", "Error Numbers")],
        force: Force::May,
        step: |at| {
            (matches!(at.op(), Op::Accept { .. }) && at.socket()?.is_datagram())
                .then_some(Move::may_fault(Errno::EINVAL))
        },
    },
    Rule {
        id: "message.accept.none-nonblocking",
        says: "An accept on a datagram socket with O_NONBLOCK set may fail with EAGAIN, as no \
               connection is pending.",
        cite: &[Posix("accept", "ERRORS [EAGAIN]"), Posix("XSH 2.3", "Error Numbers")],
        force: Force::May,
        step: |at| {
            (matches!(at.op(), Op::Accept { .. }) && at.socket()?.is_datagram() && at.nonblock())
                .then_some(Move::may_fault(Errno::EAGAIN))
        },
    },
    Rule {
        id: "message.accept.not-for-datagrams",
        says: "An accept on a datagram socket fails with EOPNOTSUPP.",
        cite: &[Posix("accept", "ERRORS [EOPNOTSUPP]")],
        force: Force::Must,
        step: |at| {
            (matches!(at.op(), Op::Accept { .. }) && at.socket()?.is_datagram())
                .then_some(Move::fails(Errno::EOPNOTSUPP))
        },
    },
    Rule {
        id: "message.connect.sets-peer",
        says: "A connect sets a datagram socket's peer, even to itself, and replacing another peer \
               discards unread messages and resets that peer if mutual.",
        cite: &[Posix("connect", "DESCRIPTION"), Source(AF_UNIX, "unix_dgram_connect")],
        force: Force::Must,
        step: |at| {
            matches!(finding(at)?, Target::Ready(_))
                .then(|| Move::answers(Answer::Done).with(connect))
        },
    },
    Rule {
        id: "message.connect.no-entry",
        says: "A connect of a datagram socket to a path that does not exist fails with ENOENT.",
        cite: &[Posix("connect", "ERRORS [ENOENT]")],
        force: Force::Must,
        step: |at| (finding(at)? == Target::NoEntry).then_some(Move::fails(Errno::ENOENT)),
    },
    Rule {
        id: "message.connect.refused",
        says: "A connect of a datagram socket to the path of a closed socket fails with \
               ECONNREFUSED.",
        cite: &[Posix("connect", "ERRORS [ECONNREFUSED]"), Man(MAN_UNIX, "ERRORS")],
        force: Force::Must,
        step: |at| (finding(at)? == Target::Refused).then_some(Move::fails(Errno::ECONNREFUSED)),
    },
    Rule {
        id: "message.connect.not-for-us",
        says: "A connect of a datagram socket to one whose peer is a third socket fails with \
               EPERM.",
        cite: &[Man(MAN_UNIX, "ERRORS"), Source(AF_UNIX, "unix_may_send")],
        force: Force::Silent,
        step: |at| (finding(at)? == Target::Forbidden).then_some(Move::fails(Errno::EPERM)),
    },
    Rule {
        id: "message.shutdown.own",
        says: "A shutdown of a datagram socket with a peer closes the chosen directions of that \
               socket only.",
        cite: &[Posix("shutdown", "DESCRIPTION"), Source(AF_UNIX, "unix_shutdown")],
        force: Force::May,
        step: |at| {
            (shutting(at)?.peer != Peer::None).then(|| Move::answers(Answer::Done).with(shutdown))
        },
    },
    Rule {
        id: "message.shutdown.unconnected",
        says: "A shutdown of a datagram socket without a peer succeeds and closes the chosen \
               directions of that socket.",
        cite: &[Source(AF_UNIX, "unix_shutdown")],
        force: Force::Exception,
        step: |at| {
            (shutting(at)?.peer == Peer::None).then(|| Move::answers(Answer::Done).with(shutdown))
        },
    },
    Rule {
        id: "message.shutdown.not-connected",
        says: "A shutdown of a datagram socket without a peer fails with ENOTCONN.",
        cite: &[Posix("shutdown", "ERRORS [ENOTCONN]")],
        force: Force::Must,
        step: |at| (shutting(at)?.peer == Peer::None).then_some(Move::fault(Errno::ENOTCONN)),
    },
];

/// The datagram socket of a shutdown.
fn shutting<'a>(at: &Scene<'a>) -> Option<&'a Unix> {
    at.socket().filter(|socket| matches!(at.op(), Op::Shutdown { .. }) && socket.is_datagram())
}

fn is_message(socket: &Unix) -> bool {
    !socket.is_stream()
}

/// A receive on a socket of messages that may have some.
fn able<'a>(at: &Scene<'a>) -> Option<Taking<'a>> {
    taking(at).filter(|taking| {
        is_message(taking.socket)
            && (taking.socket.is_datagram() || taking.socket.life == Life::Connected)
    })
}

/// A receive that finds a message.
fn oldest<'a>(at: &Scene<'a>) -> Option<Taking<'a>> {
    able(at).filter(|taking| !taking.socket.reset && !taking.socket.queue.is_empty())
}

/// A receive that finds none, and no error.
fn none_there<'a>(at: &Scene<'a>) -> Option<Taking<'a>> {
    able(at).filter(|taking| !taking.socket.reset && taking.socket.queue.is_empty())
}

/// Whether it is known that no message has woken this one yet: each wakes one, the longest sleeper first.
fn waits_in_line(at: &Scene<'_>, taking: &Taking<'_>) -> bool {
    (1..=ahead(at)).contains(&taking.socket.queue.len())
}

/// Whether every message that waits at a socket may have been taken by other receives in progress.
pub(super) fn is_spoken_for(at: &Scene<'_>) -> bool {
    let Some(socket) = at.socket().filter(|socket| is_message(socket)) else { return false };
    let takes = |other: &Scene<'_>| {
        oldest(other).is_some_and(|taking| !taking.peek) && !other.call.overslept
    };
    let takers = at.others_here().filter(takes).count();
    takers > 0 && takers >= socket.queue.len()
}

fn answer(taking: &Taking<'_>) -> Option<Answer> {
    let message = taking.socket.queue.first()?;
    let cut = message.data.len > taking.len;
    let marks = if cut { Marks::TRUNCATED } else { Marks::NONE };
    let whole = taking.flags.contains(SendFlags::TRUNC);
    let count = if cut && !whole { taking.len } else { message.data.len };
    Some(taking.answer(count, marks, message.passed.is_some()))
}

fn message_giving<'a>(at: &Scene<'a>) -> Option<Giving<'a>> {
    giving(at).filter(|giving| is_message(giving.socket) && !is_circular(at))
}

/// Whether a send fails for a reason that comes before the descriptor that it is to pass.
pub(super) fn fails_before(giving: &Giving<'_>) -> bool {
    giving.socket.kind == SocketType::Seqpacket
        && (giving.socket.reset || giving.socket.life != Life::Connected)
}

/// A send that is able to begin.
fn begun<'a>(at: &Scene<'a>) -> Option<Giving<'a>> {
    message_giving(at).filter(|giving| !fails_before(giving) && !giving.lost(at))
}

/// A send on a connected socket, whatever its error.
fn begun_midway<'a>(at: &Scene<'a>) -> Option<Giving<'a>> {
    message_giving(at).filter(|giving| giving.socket.life == Life::Connected && !giving.lost(at))
}

fn too_long(at: &Scene<'_>, giving: &Giving<'_>) -> bool {
    let max = message_max(at.platform.socket_account, giving.socket.send_buffer);
    giving.len > max && !at.call.entered
}

/// A send of a message that is not too long, without an error.
fn sending<'a>(at: &Scene<'a>) -> Option<Giving<'a>> {
    begun(at).filter(|giving| has_taken_room(at) || !too_long(at, giving) && !giving.socket.reset)
}

fn shut(at: &Scene<'_>, giving: &Giving<'_>) -> bool {
    giving.socket.send_closed && !has_taken_room(at)
}

/// Whether the standard has a send that finds nobody who receives raise SIGPIPE; `None` where it finds somebody.
fn broken(at: &Scene<'_>) -> Option<bool> {
    let giving = sending(at)?;
    let unheard = || has_room(at, &giving) && target(at, &giving) == Target::Broken;
    let signal =
        giving.socket.kind == SocketType::Seqpacket && !giving.flags.contains(SendFlags::NOSIGNAL);
    (shut(at, &giving) || unheard()).then_some(signal)
}

/// A send that only its receiver may prevent.
fn ready<'a>(at: &Scene<'a>) -> Option<Giving<'a>> {
    sending(at).filter(|giving| !shut(at, giving) && has_room(at, giving))
}

/// A send that there may be no room for.
fn no_space<'a>(at: &Scene<'a>) -> Option<Giving<'a>> {
    sending(at).filter(|giving| !shut(at, giving) && lacks_room(at, giving))
}

/// A send that could wait for room.
pub(super) fn could_wait_for_room<'a>(at: &Scene<'a>) -> Option<Giving<'a>> {
    sending(at).filter(|giving| !has_taken_room(at) && !shut(at, giving))
}

/// A send to a receiver for which too many messages wait.
fn crowded<'a>(at: &Scene<'a>) -> Option<(Giving<'a>, ObjectIndex)> {
    let giving = ready(at)?;
    match target(at, &giving) {
        Target::Full(to) => Some((giving, to)),
        _ => None,
    }
}

/// Where a message goes, or why it doesn't.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Target {
    NoEntry,
    Refused,
    Nobody,
    Forbidden,
    Gone,
    Broken,
    Full(ObjectIndex),
    Ready(ObjectIndex),
}

fn target(at: &Scene<'_>, giving: &Giving<'_>) -> Target {
    let socket = giving.socket;
    let to = match (giving.addressed && socket.is_datagram(), socket.peer) {
        (true, _) => match found(at) {
            Ok(to) => to,
            Err(none) => return none,
        },
        (false, Peer::None) => return Target::Nobody,
        (false, Peer::Gone) if socket.is_datagram() => return Target::Gone,
        (false, Peer::Gone) => return Target::Broken,
        (false, Peer::Socket(to)) => to,
    };
    let Some(other) = at.world.socket(to) else { return Target::Refused };
    if socket.is_datagram() && !may_send(other, giving.index) {
        return Target::Forbidden;
    }
    if other.receive_closed {
        return Target::Broken;
    }
    if is_full(at.platform, other, to, giving.index) { Target::Full(to) } else { Target::Ready(to) }
}

/// Whether a send or connect is made to a path that does not exist.
pub(super) fn leads_nowhere(at: &Scene<'_>) -> bool {
    let sending = || ready(at).map(|giving| target(at, &giving));
    sending().or_else(|| finding(at)) == Some(Target::NoEntry)
}

/// The socket at the channel's address.
fn found(at: &Scene<'_>) -> Result<ObjectIndex, Target> {
    match at.world.address() {
        Some((_, Address::Path(to) | Address::Name(to))) => Ok(to),
        Some((_, Address::FreePath)) | None => Err(Target::NoEntry),
        Some((_, Address::StalePath | Address::FreeName)) => Err(Target::Refused),
    }
}

/// A connect of a datagram socket: what it finds.
fn finding(at: &Scene<'_>) -> Option<Target> {
    at.socket().filter(|socket| at.op() == Op::Connect && socket.is_datagram())?;
    let index = at.object_index()?;
    Some(match found(at) {
        Err(none) => none,
        Ok(to) => match at.world.socket(to) {
            Some(other) if may_send(other, index) => Target::Ready(to),
            _ => Target::Forbidden,
        },
    })
}

/// Whether a call is a connect by which a datagram socket leaves its peer `old` for another.
pub(super) fn leaves(at: &Scene<'_>, old: ObjectIndex) -> bool {
    let leaves =
        |to| at.socket().is_some_and(|socket| socket.peer == Peer::Socket(old)) && to != old;
    matches!(finding(at), Some(Target::Ready(to)) if leaves(to))
}

/// Whether more messages wait for a socket than strangers may add to.
pub(super) fn is_crowded(platform: &Platform, socket: &Unix) -> bool {
    socket.queue.len() > platform.datagrams_max as usize
}

/// Whether a socket takes messages from another: it talks to nobody else, and
/// did not to somebody who is gone.
fn may_send(other: &Unix, from: ObjectIndex) -> bool {
    other.peer == Peer::None || other.peer == Peer::Socket(from)
}

/// Whether too many messages wait for a socket that is not the sender, and does not talk to it.
fn is_full(platform: &Platform, other: &Unix, to: ObjectIndex, from: ObjectIndex) -> bool {
    other.is_datagram()
        && is_crowded(platform, other)
        && to != from
        && other.peer != Peer::Socket(from)
}

/// Whether the peer of a datagram socket takes no more messages from it.
pub(super) fn peer_is_full(at: &Scene<'_>) -> bool {
    let (Some(socket), Some(from)) = (at.socket(), at.object_index()) else { return false };
    let Peer::Socket(to) = socket.peer else { return false };
    let other = at.world.socket(to);
    other.is_some_and(|other| is_full(at.platform, other, to, from))
}

/// A message that has got its memory and is not sent gives that back, which tells its own socket of room.
fn gives_back(at: &Scene<'_>, step: Move) -> Move {
    let socket = at.socket().filter(|socket| socket.is_datagram() && !socket.send_closed);
    if socket.is_some() && at.world.has_epolls() { step.with(give_back) } else { step }
}

// Effects

fn give_back(act: &mut Act<'_>) {
    let account = act.platform.socket_account;
    wake_for_room(act.world, account, act.object);
}

/// A receive begins to wait, behind those that wait already.
fn join_the_line(act: &mut Act<'_>) {
    begin_to_receive(act);
    join_at_socket(act);
}

fn take(act: &mut Act<'_>) {
    let call = act.call();
    let (op, entered, description) = (call.op, call.entered, call.description);
    let Some(len) = op.asks() else { return };
    let flags = match op {
        Op::Receive { flags, .. } => flags,
        _ => SendFlags::NONE,
    };
    let Some(socket) = act.socket() else { return };
    let Some(message) = socket.queue.first().copied() else { return };
    let peek = flags.contains(SendFlags::PEEK);
    if !peek {
        socket.queue.remove(0);
        if let Some(receiver) = act.object {
            wake_who_sends_to(act.world, receiver, Wake::one(Queue::All, Events::OUT));
        }
        wake_for_room(act.world, act.platform.socket_account, message.sender);
        // Who was woken for what a newcomer takes waits again, behind the others.
        if let Some(object) = act.object.filter(|_| !entered) {
            act.world.scatter(object, Line::Readers);
        }
    }
    // With MSG_TRUNC more may be counted than is given.
    let given = message.data.part(0, message.data.len.min(len));
    push_segment(&mut act.call().data, given);
    if peek && entered {
        let calls = act.world.actors.iter_mut().filter_map(|other| other.call.as_mut());
        let here = |call: &&mut crate::world::Pending| {
            call.entered && call.description == description && call.op.asks().is_some()
        };
        calls.filter(here).for_each(|call| call.overslept = true);
    }
    received(act, message.passed.filter(|_| !peek));
}

/// The socket to which a message goes.
fn receiver(world: &World, actor: Actor) -> Option<(ObjectIndex, ObjectIndex)> {
    let call = world.pending(actor)?;
    let from = world.descriptions[usize::from(call.description?)].object;
    let socket = world.socket(from)?;
    let addressed =
        matches!(call.op, Op::Send { flags, .. } if flags.contains(SendFlags::ADDRESSED));
    if addressed && socket.is_datagram() {
        return Some((from, world.address()?.1.leads_to()?));
    }
    match socket.peer {
        Peer::Socket(to) => Some((from, to)),
        Peer::None | Peer::Gone => None,
    }
}

fn send(act: &mut Act<'_>) {
    let &mut Act { platform, actor, count, .. } = act;
    let written = act.world.actors[usize::from(actor.0)].written;
    let Some((from, to)) = receiver(act.world, actor) else { return };
    let call = act.call();
    call.done += count;
    (call.waits_on, call.room) = (None, None);
    let passed = match call.op {
        Op::SendEnd { passed, .. } => act.world.end(actor, passed),
        _ => None,
    };
    let Some(receiver) = act.world.socket_mut(to) else { return };
    let cost = cost(platform.socket_account, receiver.kind, count);
    let data = named(actor, written, count);
    receiver.queue.push(Piece { data, cost, sender: Some(from), passed });
    wake_for_data(act.world, to);
}

fn begin_to_wait_for_receiver(act: &mut Act<'_>) {
    let &mut Act { actor, .. } = act;
    begin_to_wait(act);
    let to = receiver(act.world, actor).map(|(_, to)| to);
    act.call().waits_on = to;
    take_room(act);
}

/// A datagram socket gets another peer, or none: what it has not read is lost.
fn change_peer(world: &mut World, account: Account, index: ObjectIndex, peer: Peer) {
    let Some(socket) = world.socket_mut(index) else { return };
    let before = std::mem::replace(&mut socket.peer, peer);
    if before == Peer::None || before == peer {
        return;
    }
    let lost = std::mem::take(&mut socket.queue);
    world.scatter_receivers();
    // If it had found its peer full.
    wake(world, index, Wake::one(Queue::All, Events::OUT).surely(false));
    if !lost.is_empty() {
        wake_for_room(world, account, lost.iter().filter_map(|piece| piece.sender));
        wake_who_sends_to(world, index, Wake::all(Queue::All));
    }
    if let (false, Peer::Socket(left)) = (lost.is_empty(), before)
        && let Some(old) = world.socket_mut(left)
        && old.peer == Peer::Socket(index)
    {
        old.reset = true;
        world.catch_midway(left);
        wake(world, left, Wake::one(Queue::All, Events::ERR));
    }
    world.dropped(lost.iter().filter_map(|piece| piece.passed));
}

fn lose_peer(act: &mut Act<'_>) {
    let Some(description) = act.call().description else { return };
    let index = act.world.descriptions[usize::from(description)].object;
    act.world.catch_midway(index);
    let account = act.platform.socket_account;
    change_peer(act.world, account, index, Peer::None);
    wake_for_room(act.world, account, [index]);
}

fn connect(act: &mut Act<'_>) {
    let Some(description) = act.call().description else { return };
    let index = act.world.descriptions[usize::from(description)].object;
    let to = act.world.address().and_then(|(_, address)| address.leads_to());
    if let Some(to) = to {
        change_peer(act.world, act.platform.socket_account, index, Peer::Socket(to));
    }
}
