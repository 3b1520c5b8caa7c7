//! How TCP sockets get connected: bind, listen, connect, accept, and what goes wrong on the way.
//!
//! A request for a connection is on its way until it arrives, as data are, by rules of the word `deliver`.
//! accept is in [`super::socket`], as it is the same for every family. Not modelled: addresses other than the
//! channel's, `AF_UNSPEC`, requests that time out, sockets that were shut before they got connected.
//! Every socket has `SO_REUSEADDR`, as servers have: what is left of older connections does not matter.

use crate::act::Act;
use crate::call::{Answer, Errno, Events, Mode, Op, SendFlags, Signal};
use crate::channel::Object;
use crate::channel::tcp::{NOBODY, Phase, Request, Tcp, Told};
use crate::chapter::{Chapter, Exception, Overlap};
use crate::index::ObjectIndex;
use crate::rule::Cite::{Man, Observed, Posix, Source};
use crate::rule::{Force, Move, Rule, Scene, What};
use crate::rules::tcp::{enter, released, reset_peer, tcp, wakes_for_state, writes};
use crate::rules::wake::wake_for_data;
use crate::world::{Place, World};

const KERNEL: &str = "Linux 6.18";
const AF_INET: &str = "net/ipv4/af_inet.c";

/// The chapter.
pub const CHAPTER: Chapter = Chapter {
    name: "connection",
    title: "How TCP sockets get connected",
    of_all: false,
    rules: RULES,
    not_on_linux: NOT_ON_LINUX,
    not_in_posix: NOT_IN_POSIX,
    absent: |_| &[],
    overlaps: OVERLAPS,
    exceptions: EXCEPTIONS,
};

const NOT_ON_LINUX: &[&str] = &[
    "connection.bind.connected",
    "connection.connect.at-once",
    "connection.connect.refused-at-once",
    "connection.connect.already",
    "connection.connect.connected-meanwhile",
    "connection.connect.not-for-listeners",
    "connection.deliver.dropped-early",
    "connection.any.unconnected-nonblocking",
    "connection.any.write-not-connected",
    "connection.shutdown.not-connected",
    "connection.poll.unconnected-perhaps",
];

const NOT_IN_POSIX: &[&str] = &[
    "connection.available.listening",
    "connection.connect.waits-too",
    "connection.any.write-unconnected",
    "connection.shutdown.unconnected",
    "connection.poll.unconnected",
];

const OVERLAPS: &[Overlap] = &[Overlap {
    why: "A nonblocking connect may complete immediately or later.",
    rules: &[
        "connection.connect.in-progress",
        "connection.connect.at-once",
        "connection.connect.refused-at-once",
    ],
}];

const EXCEPTIONS: &[Exception] = &[
    Exception {
        rule: "connection.any.write-unconnected",
        why: "POSIX requires ENOTCONN of a write to a TCP socket that was never connected; Linux \
              fails with EPIPE and raises SIGPIPE.",
    },
    Exception {
        rule: "connection.connect.waits-too",
        why: "POSIX requires EALREADY of a blocking connect while a request is unanswered; Linux \
              waits for the reply.",
    },
    Exception {
        rule: "connection.shutdown.unconnected",
        why: "A shutdown of an unconnected TCP socket fails, yet later reads return 0 instead of \
              failing with ENOTCONN.",
    },
];

const RULES: &[Rule] = &[
    // Naming
    Rule {
        id: "connection.bind.named",
        says: "A bind of a TCP socket that is neither bound nor connected names it, unless a \
               socket listens at the address.",
        cite: &[
            Posix("bind", "DESCRIPTION"),
            Source("net/ipv4/inet_connection_sock.c", "inet_csk_get_port"),
        ],
        force: Force::Must,
        step: |at| binds(at).map(|_| Move::answers(Answer::Done).with(bind)),
    },
    Rule {
        id: "connection.bind.address-in-use",
        says: "A bind to an address at which a socket listens fails with EADDRINUSE.",
        cite: &[Posix("bind", "ERRORS [EADDRINUSE]"), Man("socket(7)", "SO_REUSEADDR")],
        force: Force::Must,
        step: |at| {
            binds(at)?;
            at.world.tcp_listener().map(|_| Move::fault(Errno::EADDRINUSE))
        },
    },
    Rule {
        id: "connection.bind.has-a-name",
        says: "A bind of a TCP socket that is bound, connected, listening or requesting a \
               connection fails with EINVAL.",
        cite: &[Posix("bind", "ERRORS [EINVAL]"), Source(AF_INET, "__inet_bind")],
        force: Force::Must,
        step: |at| {
            let tcp = binds(at)?;
            let idle = matches!(tcp.phase, Phase::Unconnected | Phase::Closed);
            (!idle || tcp.named).then_some(Move::fault(Errno::EINVAL))
        },
    },
    Rule {
        id: "connection.bind.connected",
        says: "A bind of a connected TCP socket may fail with EISCONN.",
        cite: &[Posix("bind", "ERRORS [EISCONN]")],
        force: Force::May,
        step: |at| {
            (binds(at)?.phase == Phase::Connected).then_some(Move::may_fault(Errno::EISCONN))
        },
    },
    // Listening
    Rule {
        id: "connection.listen.begins",
        says: "A listen on an unconnected or listening TCP socket makes it accept connections and \
               sets its backlog, keeping pending connections.",
        cite: &[Posix("listen", "DESCRIPTION"), Source(AF_INET, "__inet_listen_sk")],
        force: Force::Must,
        step: |at| {
            let tcp = listens(at)?;
            let fresh = tcp.phase == Phase::Unconnected && !tcp.shut_read && !tcp.shut_write;
            (fresh || tcp.listens()).then(|| Move::answers(Answer::Done).with(listen))
        },
    },
    Rule {
        id: "connection.listen.address-in-use",
        says: "A listen fails with EADDRINUSE if another socket already listens at the address to \
               which both are bound.",
        cite: &[
            Man("listen(2)", "ERRORS"),
            Source("net/ipv4/inet_connection_sock.c", "inet_csk_listen_start"),
        ],
        force: Force::Silent,
        step: |at| {
            let named = listens(at)?.named;
            let (listener, _) = at.world.tcp_listener()?;
            (named && Some(listener) != at.object_index()).then_some(Move::fault(Errno::EADDRINUSE))
        },
    },
    Rule {
        id: "connection.listen.connected",
        says: "A listen on a TCP socket that is or was connected, or is requesting a connection, \
               fails with EINVAL.",
        cite: &[Posix("listen", "ERRORS [EINVAL]"), Source(AF_INET, "inet_listen")],
        force: Force::Must,
        step: |at| {
            let other = !matches!(listens(at)?.phase, Phase::Unconnected | Phase::Listening(_));
            other.then_some(Move::fault(Errno::EINVAL))
        },
    },
    // Connecting
    Rule {
        id: "connection.connect.begins",
        says: "A blocking connect of an unconnected TCP socket sends a connection request and \
               begins to wait.",
        cite: &[Posix("connect", "DESCRIPTION"), Source(AF_INET, "__inet_stream_connect")],
        force: Force::Must,
        step: |at| {
            begins(at)?;
            (!at.nonblock()).then(|| Move::proceeds(0, 0).with(ask_and_wait))
        },
    },
    Rule {
        id: "connection.connect.in-progress",
        says: "A nonblocking connect of an unconnected TCP socket sends a connection request and \
               fails with EINPROGRESS, even if the reply arrives before it returns.",
        cite: &[
            Posix("connect", "ERRORS [EINPROGRESS]"),
            Source(AF_INET, "__inet_stream_connect"),
            Observed("EINPROGRESS over loopback, every time", KERNEL),
        ],
        force: Force::Must,
        step: |at| {
            begins(at)?;
            at.nonblock().then(|| Move::fails(Errno::EINPROGRESS).with(ask))
        },
    },
    Rule {
        id: "connection.connect.at-once",
        says: "A nonblocking connect of a TCP socket may succeed immediately.",
        cite: &[Posix("connect", "DESCRIPTION")],
        force: Force::May,
        step: |at| {
            let tcp = begins(at)?;
            let room = at.world.tcp_listener().is_some_and(|(_, listener)| listener.has_room());
            (at.nonblock() && room && !tcp.named)
                .then(|| Move::answers(Answer::Done).with(connect_at_once))
        },
    },
    Rule {
        id: "connection.connect.refused-at-once",
        says: "A nonblocking connect of a TCP socket may fail immediately with ECONNREFUSED.",
        cite: &[Posix("connect", "ERRORS [ECONNREFUSED]")],
        force: Force::May,
        step: |at| {
            let tcp = begins(at)?;
            let nobody = at.world.tcp_listener().is_none() && !tcp.named;
            (at.nonblock() && nobody).then_some(Move::fails(Errno::ECONNREFUSED))
        },
    },
    Rule {
        id: "connection.connect.waits",
        says: "A blocking connect sleeps until its request is answered, which takes until a retry \
               if the listener's backlog is full.",
        cite: &[Posix("connect", "DESCRIPTION"), Source(AF_INET, "inet_wait_for_connect")],
        force: Force::Must,
        step: |at| {
            let tcp = connects(at)?;
            (at.call.entered && tcp.asks()).then_some(Move::rests())
        },
    },
    Rule {
        id: "connection.connect.connected",
        says: "A connect that waited, or the first one after EINPROGRESS, succeeds once the \
               connection request is granted.",
        cite: &[
            Posix("connect", "DESCRIPTION"),
            Source(AF_INET, "__inet_stream_connect"),
            Observed("EINPROGRESS, 0, EISCONN", KERNEL),
        ],
        force: Force::May,
        step: |at| {
            let tcp = connects(at)?;
            let untold = at.call.entered || tcp.told == Told::UnderWay;
            (untold && tcp.phase == Phase::Connected)
                .then(|| Move::answers(Answer::Done).with(tell_connected))
        },
    },
    Rule {
        id: "connection.connect.failed",
        says: "A connect that waited, or the first after EINPROGRESS, fails with the request's \
               error, such as ECONNREFUSED, and lets the socket request again.",
        cite: &[
            Posix("connect", "ERRORS [ECONNREFUSED]"),
            Source(AF_INET, "__inet_stream_connect"),
        ],
        force: Force::May,
        step: |at| {
            let error = failed(at)?.error?;
            Some(Move::fails(error).with(undo))
        },
    },
    Rule {
        id: "connection.connect.aborted",
        says: "A connect whose request failed, but whose error another call has already reported, \
               fails with ECONNABORTED.",
        cite: &[
            Source(AF_INET, "__inet_stream_connect"),
            Observed("EINPROGRESS, SO_ERROR, then ECONNABORTED once", KERNEL),
        ],
        force: Force::Silent,
        step: |at| {
            let error = failed(at)?.error;
            error.is_none().then(|| Move::fails(Errno::ECONNABORTED).with(undo))
        },
    },
    Rule {
        id: "connection.connect.under-way",
        says: "A nonblocking connect of a TCP socket fails with EALREADY while an earlier request \
               is unanswered.",
        cite: &[Posix("connect", "ERRORS [EALREADY]"), Source(AF_INET, "__inet_stream_connect")],
        force: Force::Must,
        step: |at| {
            let asks = connects(at)?.asks() && !at.call.entered;
            (asks && at.nonblock()).then_some(Move::fails(Errno::EALREADY))
        },
    },
    Rule {
        id: "connection.connect.already",
        says: "A blocking connect of a TCP socket fails with EALREADY while an earlier request is \
               unanswered.",
        cite: &[Posix("connect", "ERRORS [EALREADY]")],
        force: Force::Must,
        step: |at| {
            let asks = connects(at)?.asks() && !at.call.entered;
            (asks && !at.nonblock()).then_some(Move::fails(Errno::EALREADY))
        },
    },
    Rule {
        id: "connection.connect.waits-too",
        says: "A blocking connect of a TCP socket whose earlier request is unanswered begins to \
               wait for the same reply.",
        cite: &[Source(AF_INET, "__inet_stream_connect")],
        force: Force::Exception,
        step: |at| {
            let asks = connects(at)?.asks() && !at.call.entered;
            (asks && !at.nonblock()).then(|| Move::proceeds(0, 0).with(enter))
        },
    },
    Rule {
        id: "connection.connect.again",
        says: "A connect of a TCP socket already reported as connected fails with EISCONN, even \
               after the connection has ended.",
        cite: &[Posix("connect", "ERRORS [EISCONN]"), Source(AF_INET, "__inet_stream_connect")],
        force: Force::Must,
        step: |at| {
            let tcp = connects(at)?;
            (!at.call.entered && tcp.told == Told::Connected).then_some(Move::fault(Errno::EISCONN))
        },
    },
    Rule {
        id: "connection.connect.connected-meanwhile",
        says: "A connect on a socket whose request has been granted may fail with EISCONN before any \
               caller was told.",
        cite: &[Posix("connect", "ERRORS [EISCONN]")],
        force: Force::May,
        step: |at| {
            let tcp = connects(at)?;
            let untold = tcp.phase == Phase::Connected && tcp.told != Told::Connected;
            (!at.call.entered && untold).then_some(Move::may_fault(Errno::EISCONN))
        },
    },
    Rule {
        id: "connection.connect.listening",
        says: "A connect of a listening TCP socket fails with EISCONN.",
        cite: &[Source(AF_INET, "__inet_stream_connect"), Observed("EISCONN", KERNEL)],
        force: Force::Silent,
        step: |at| {
            let tcp = connects(at)?;
            (!at.call.entered && tcp.listens()).then_some(Move::fault(Errno::EISCONN))
        },
    },
    Rule {
        id: "connection.connect.not-for-listeners",
        says: "A connect of a listening TCP socket may fail with EOPNOTSUPP.",
        cite: &[Posix("connect", "ERRORS [EOPNOTSUPP]")],
        force: Force::May,
        step: |at| {
            let tcp = connects(at)?;
            (!at.call.entered && tcp.listens()).then_some(Move::may_fault(Errno::EOPNOTSUPP))
        },
    },
    Rule {
        id: "connection.connect.shut-down",
        says: "A connect of a TCP socket that was shut down after an unreported failure of its \
               request fails with EINVAL, every time.",
        cite: &[Source(AF_INET, "inet_shutdown"), Observed("EINVAL", KERNEL)],
        force: Force::Silent,
        step: |at| {
            let tcp = connects(at)?;
            (!at.call.entered && tcp.told == Told::ShutDown).then_some(Move::fault(Errno::EINVAL))
        },
    },
    Rule {
        id: "connection.any.not-modelled",
        says: "The fate of a TCP socket shut down before use, connecting to itself twice, or \
               racing under tcp_abort_on_overflow is not modelled.",
        cite: &[
            Source(AF_INET, "inet_shutdown"),
            Man("tcp(7)", "tcp_abort_on_overflow"),
            Source("net/ipv4/inet_hashtables.c", "__inet_check_established"),
        ],
        force: Force::Silent,
        step: |at| {
            let tcp = tcp(at)?;
            let shut = tcp.shut_read || tcp.shut_write;
            let again = at.world.place == Place::Port { met_itself: true } && tcp.named;
            let strange = match at.op() {
                Op::Connect if at.call.entered => tcp.listens(),
                Op::Connect => tcp.phase == Phase::Unconnected && (shut || again),
                Op::Listen { .. } => tcp.phase == Phase::Unconnected && shut,
                _ => false,
            };
            if at.platform.tcp_resets_on_overflow && two_ask(at) {
                return Some(Move::unspecified("net.ipv4.tcp_abort_on_overflow is set"));
            }
            strange.then_some(Move::unspecified("a TCP socket in a strange state"))
        },
    },
    // Requests
    Rule {
        id: "connection.deliver.granted",
        says: "A connection request is granted, before any accept, if a socket listens at the \
               address and its pending connections do not exceed its backlog.",
        cite: &[
            Posix("listen", "DESCRIPTION"),
            Source("include/net/sock.h", "sk_acceptq_is_full"),
            Observed("backlog 0 takes 1, backlog 1 takes 2", KERNEL),
        ],
        force: Force::May,
        step: |at| {
            let (object, request) = asked(at)?;
            let (_, listener) = at.world.tcp_listener()?;
            listener.has_room().then_some(Move::delivers(
                object,
                request == Request::UnderWay,
                grant,
            ))
        },
    },
    Rule {
        id: "connection.deliver.refused",
        says: "A connection request is refused if no socket listens at the address, leaving \
               ECONNREFUSED pending.",
        cite: &[
            Posix("connect", "ERRORS [ECONNREFUSED]"),
            Source("net/ipv4/tcp_input.c", "tcp_reset"),
        ],
        force: Force::Must,
        step: |at| {
            let (object, request) = asked(at)?;
            at.world.tcp_listener().is_none().then_some(Move::delivers(
                object,
                request == Request::UnderWay,
                refuse,
            ))
        },
    },
    Rule {
        id: "connection.deliver.dropped",
        says: "A connection request is dropped if the listener's backlog is full, and is sent \
               again after an unspecified time.",
        cite: &[
            Man("listen(2)", "DESCRIPTION"),
            Source("net/ipv4/tcp_input.c", "tcp_conn_request"),
        ],
        force: Force::May,
        step: |at| {
            let (object, request) = asked(at)?;
            let (_, listener) = at.world.tcp_listener()?;
            (request == Request::UnderWay && !listener.has_room()).then_some(Move::delivers(
                object,
                true,
                drop_request,
            ))
        },
    },
    Rule {
        id: "connection.deliver.dropped-early",
        says: "A connection request may be dropped although the backlog is not full, if a \
               connection is pending or the backlog is 0.",
        cite: &[Posix("listen", "DESCRIPTION")],
        force: Force::May,
        step: |at| {
            let (object, request) = asked(at)?;
            let (_, listener) = at.world.tcp_listener()?;
            let few = listener.pending.is_empty() && listener.phase != Phase::Listening(0);
            (request == Request::UnderWay && listener.has_room() && !few).then_some(Move::delivers(
                object,
                true,
                drop_request,
            ))
        },
    },
    Rule {
        id: "connection.deliver.meets-itself",
        says: "A TCP socket that requests a connection to its own address is connected to itself \
               and reads what it writes.",
        cite: &[
            Source("net/ipv4/tcp_input.c", "tcp_rcv_synsent_state_process"),
            Observed("a write is read by the same socket", KERNEL),
        ],
        force: Force::Silent,
        step: |at| {
            let object = at.receiver()?;
            let tcp = at.world.tcp(object)?;
            (tcp.asks() && tcp.named).then_some(Move::delivers(object, true, meet_itself))
        },
    },
    // Reading and writing
    Rule {
        id: "connection.any.read-unconnected",
        says: "A read of a TCP socket that is not connected fails with ENOTCONN.",
        cite: &[Posix("recv", "ERRORS [ENOTCONN]"), Source("net/ipv4/tcp.c", "tcp_recvmsg_locked")],
        force: Force::Must,
        step: |at| reads_unconnected(at).map(|_| Move::fault(Errno::ENOTCONN)),
    },
    Rule {
        id: "connection.any.unconnected-nonblocking",
        says: "A read that must not wait, of a TCP socket that is not connected, fails with \
               EAGAIN.",
        cite: &[
            Posix("recv", "ERRORS [EAGAIN] or [EWOULDBLOCK]"),
            Posix("XSH 2.3", "Error Numbers"),
        ],
        force: Force::Must,
        step: |at| {
            let tcp = reads_unconnected(at)?;
            let dontwait =
                matches!(at.op(), Op::Receive { flags, .. } if flags.contains(SendFlags::DONTWAIT));
            let may_wait = !at.nonblock() && !dontwait && at.timeout_us(tcp.timeout_us) >= 0;
            (!may_wait && !at.call.entered).then_some(Move::fault(Errno::EAGAIN))
        },
    },
    Rule {
        id: "connection.any.write-unconnected",
        says: "A write to a TCP socket that is not connected, even of zero bytes, fails with EPIPE \
               and, without MSG_NOSIGNAL, raises SIGPIPE.",
        cite: &[Source("net/core/stream.c", "sk_stream_wait_connect")],
        force: Force::Exception,
        step: |at| {
            let (flags, tcp) = writes(at)?;
            let alone = matches!(tcp.phase, Phase::Unconnected | Phase::Listening(_));
            let fails = Move::fault(Errno::EPIPE);
            alone.then_some(match flags.contains(SendFlags::NOSIGNAL) {
                true => fails,
                false => fails.raises(Signal::Sigpipe),
            })
        },
    },
    Rule {
        id: "connection.any.write-not-connected",
        says: "A write to a TCP socket that is not connected fails with ENOTCONN.",
        cite: &[Posix("send", "ERRORS [ENOTCONN]")],
        force: Force::Must,
        step: |at| {
            let (_, tcp) = writes(at)?;
            let alone = matches!(tcp.phase, Phase::Unconnected | Phase::Listening(_));
            alone.then_some(Move::fault(Errno::ENOTCONN))
        },
    },
    Rule {
        id: "connection.any.write-not-yet",
        says: "A nonblocking write to a TCP socket whose connection request is unanswered fails \
               with EAGAIN.",
        cite: &[Source("net/core/stream.c", "sk_stream_wait_connect")],
        force: Force::Silent,
        step: |at| {
            let waits = asking_writer(at)?;
            (!waits && !at.call.entered).then_some(Move::fails(Errno::EAGAIN))
        },
    },
    Rule {
        id: "connection.any.write-begins-to-wait",
        says: "A blocking write to a TCP socket whose connection request is unanswered begins to \
               wait for the reply.",
        cite: &[Source("net/core/stream.c", "sk_stream_wait_connect")],
        force: Force::Silent,
        step: |at| {
            let waits = asking_writer(at)?;
            (waits && !at.call.entered).then(|| Move::proceeds(0, 0).with(enter))
        },
    },
    Rule {
        id: "connection.any.write-waits",
        says: "A blocking write that waits for its TCP socket's connection sleeps until the \
               request is answered.",
        cite: &[Source("net/core/stream.c", "sk_stream_wait_connect")],
        force: Force::Silent,
        step: |at| {
            asking_writer(at)?;
            at.call.entered.then_some(Move::rests())
        },
    },
    // Shutting and closing
    Rule {
        id: "connection.shutdown.unconnected",
        says: "A shutdown of an unconnected TCP socket fails with ENOTCONN but still takes effect, \
               so that reads return 0.",
        cite: &[Source(AF_INET, "inet_shutdown")],
        force: Force::Exception,
        step: |at| {
            (shutting(at)?.0.phase == Phase::Unconnected)
                .then(|| Move::fault(Errno::ENOTCONN).with(shut_unconnected))
        },
    },
    Rule {
        id: "connection.shutdown.not-connected",
        says: "A shutdown of an unconnected TCP socket fails with ENOTCONN and changes nothing.",
        cite: &[Posix("shutdown", "ERRORS [ENOTCONN]")],
        force: Force::Must,
        step: |at| {
            (shutting(at)?.0.phase == Phase::Unconnected).then_some(Move::fault(Errno::ENOTCONN))
        },
    },
    Rule {
        id: "connection.shutdown.asking",
        says: "A shutdown, in any direction, of a TCP socket whose request is unanswered cancels \
               the request, leaves ECONNRESET pending and permits another connect.",
        cite: &[
            Source(AF_INET, "inet_shutdown"),
            Observed("0; then connect that waits: ECONNRESET", KERNEL),
        ],
        force: Force::Silent,
        step: |at| shutting(at)?.0.asks().then(|| Move::answers(Answer::Done).with(give_up)),
    },
    Rule {
        id: "connection.shutdown.listening",
        says: "A shutdown for reading of a listening TCP socket ends listening and resets pending \
               connections, but the socket stays bound and reusable.",
        cite: &[
            Source(AF_INET, "inet_shutdown"),
            Observed("accept: EINVAL; listen again: 0", KERNEL),
        ],
        force: Force::Silent,
        step: |at| {
            let (tcp, how) = shutting(at)?;
            (tcp.listens() && how.reads()).then(|| Move::answers(Answer::Done).with(stop_listening))
        },
    },
    Rule {
        id: "connection.shutdown.listening-write",
        says: "A shutdown for writing of a listening TCP socket changes nothing.",
        cite: &[Source(AF_INET, "inet_shutdown"), Observed("it goes on to listen", KERNEL)],
        force: Force::Silent,
        step: |at| {
            let (tcp, how) = shutting(at)?;
            (tcp.listens() && !how.reads())
                .then(|| Move::answers(Answer::Done).with(wakes_for_state))
        },
    },
    Rule {
        id: "connection.release.listening",
        says: "The last release of a listening TCP socket resets its pending connections and \
               leaves accepted ones open.",
        cite: &[Source("net/ipv4/inet_connection_sock.c", "inet_csk_listen_stop")],
        force: Force::Silent,
        step: |at| released(at)?.listens().then(|| Move::releases(release_listener)),
    },
    // Polling
    Rule {
        id: "connection.poll.unconnected",
        says: "A poll of an unconnected TCP socket reports POLLHUP and POLLOUT, and, after a \
               shutdown for reading, POLLIN and POLLRDHUP.",
        cite: &[
            Source("net/ipv4/tcp.c", "tcp_poll"),
            Source(
                "net/ipv4/tcp.c",
                "tcp_disconnect: no POLLOUT where 4 bytes unsent fill a socket",
            ),
        ],
        force: Force::Silent,
        step: |at| {
            let tcp = polls(at).filter(|tcp| tcp.phase == Phase::Unconnected)?;
            let shut = if tcp.shut_read { Events::IN.union(Events::RDHUP) } else { Events::NONE };
            let found = Events::HUP.union(shut);
            let what = match at.platform.tcp_unsent_bytes > LEFT_UNSENT {
                true => What::Reports { must: found.union(Events::OUT), may: Events::NONE },
                false => What::Reports { must: found, may: Events::OUT },
            };
            Some(Move { what, ..Move::reports(Events::NONE) })
        },
    },
    Rule {
        id: "connection.poll.unconnected-perhaps",
        says: "A poll of an unconnected TCP socket may report any of POLLIN, POLLOUT, POLLHUP and \
               POLLRDHUP.",
        cite: &[Posix("poll", "DESCRIPTION")],
        force: Force::May,
        step: |at| {
            polls(at).filter(|tcp| tcp.phase == Phase::Unconnected)?;
            let any = Events::IN.union(Events::OUT).union(Events::HUP).union(Events::RDHUP);
            Some(Move::may_report(any))
        },
    },
    Rule {
        id: "connection.poll.pending",
        says: "A poll of a listening TCP socket reports POLLIN if a connection is pending, and \
               nothing else.",
        cite: &[Posix("listen", "DESCRIPTION"), Source("net/ipv4/tcp.c", "inet_csk_listen_poll")],
        force: Force::Must,
        step: |at| {
            let tcp = polls(at).filter(|tcp| tcp.listens())?;
            (!tcp.pending.is_empty()).then_some(Move::reports(Events::IN))
        },
    },
    // The like
    Rule {
        id: "connection.available.listening",
        says: "FIONREAD on a listening TCP socket fails with EINVAL.",
        cite: &[Man("tcp(7)", "SIOCINQ"), Source("net/ipv4/tcp.c", "tcp_ioctl")],
        force: Force::Silent,
        step: |at| {
            let listens = tcp(at)?.listens() && at.op() == Op::Available;
            listens.then_some(Move::fault(Errno::EINVAL))
        },
    },
];

/// Where so many bytes or fewer make a socket full, those that one is left with that gives up its request do: two, which count
/// twice.
const LEFT_UNSENT: u32 = 4;

/// The socket of a read that finds it not connected.
fn reads_unconnected<'a>(at: &Scene<'a>) -> Option<&'a Tcp> {
    let looks = match at.op() {
        Op::Read { len } => len > 0,
        Op::Receive { len, .. } => len > 0 || !at.call.entered,
        _ => false,
    };
    tcp(at).filter(|tcp| looks && tcp.is_unreadable())
}

fn binds<'a>(at: &Scene<'a>) -> Option<&'a Tcp> {
    tcp(at).filter(|_| at.op() == Op::Bind)
}

fn listens<'a>(at: &Scene<'a>) -> Option<&'a Tcp> {
    tcp(at).filter(|_| matches!(at.op(), Op::Listen { .. }))
}

fn connects<'a>(at: &Scene<'a>) -> Option<&'a Tcp> {
    tcp(at).filter(|_| at.op() == Op::Connect)
}

/// A connect by which a socket asks for a connection.
fn begins<'a>(at: &Scene<'a>) -> Option<&'a Tcp> {
    let tcp = connects(at).filter(|tcp| tcp.phase == Phase::Unconnected && !at.call.entered)?;
    let again = at.world.place == Place::Port { met_itself: true } && tcp.named;
    (!tcp.shut_read && !tcp.shut_write && !again).then_some(tcp)
}

/// A connect that finds that the request has failed.
fn failed<'a>(at: &Scene<'a>) -> Option<&'a Tcp> {
    let tcp = connects(at)?;
    let gone = match at.call.entered {
        true => matches!(tcp.phase, Phase::Closed | Phase::Unconnected),
        false => tcp.phase == Phase::Closed && tcp.told == Told::UnderWay,
    };
    gone.then_some(tcp)
}

/// A socket that asks at the address for a connection, and what has become of its request.
fn asked(at: &Scene<'_>) -> Option<(ObjectIndex, Request)> {
    let object = at.receiver()?;
    let tcp = at.world.tcp(object)?;
    match tcp.phase {
        Phase::Asking(request) if !tcp.named => Some((object, request)),
        _ => None,
    }
}

/// A connect beside another request for a connection: room for one may be gone when the other needs it.
fn two_ask(at: &Scene<'_>) -> bool {
    let asks = |object: &Object| matches!(object, Object::Tcp(tcp) if tcp.asks());
    let others = at.others_at_address().any(|other| other.op() == Op::Connect);
    at.op() == Op::Connect && (others || at.world.objects.iter().any(asks))
}

/// A write to a socket that asks for a connection, and whether it waits.
fn asking_writer(at: &Scene<'_>) -> Option<bool> {
    let (flags, tcp) = writes(at)?;
    tcp.asks().then(|| !at.nonblock() && !flags.contains(SendFlags::DONTWAIT))
}

fn shutting<'a>(at: &Scene<'a>) -> Option<(&'a Tcp, Mode)> {
    match at.op() {
        Op::Shutdown { how } => Some((tcp(at)?, how)),
        _ => None,
    }
}

fn polls<'a>(at: &Scene<'a>) -> Option<&'a Tcp> {
    tcp(at).filter(|_| matches!(at.op(), Op::Poll { .. }))
}

// Effects

fn bind(act: &mut Act<'_>) {
    if let Some(tcp) = act.tcp() {
        tcp.named = true;
    }
}

fn listen(act: &mut Act<'_>) {
    let &mut Act { platform, .. } = act;
    let Op::Listen { backlog } = act.call().op else { return };
    if let Some(tcp) = act.tcp() {
        tcp.phase = Phase::Listening(backlog.min(platform.backlog_max));
    }
}

fn ask(act: &mut Act<'_>) {
    let Some(tcp) = act.tcp() else { return };
    tcp.phase = Phase::Asking(Request::UnderWay);
    tcp.told = Told::UnderWay;
    tcp.error = None;
    if let (true, Place::Port { met_itself }) = (tcp.named, &mut act.world.place) {
        *met_itself = true;
    }
}

fn ask_and_wait(act: &mut Act<'_>) {
    ask(act);
    enter(act);
}

fn connect_at_once(act: &mut Act<'_>) {
    ask(act);
    tell_connected(act);
    if let Some(object) = act.object {
        grant(&mut act.of(object.into()));
    }
}

fn tell_connected(act: &mut Act<'_>) {
    if let Some(tcp) = act.tcp() {
        tcp.told = Told::Connected;
    }
}

/// The socket is as before it asked.
fn undo(act: &mut Act<'_>) {
    if let Some(tcp) = act.tcp() {
        *tcp = Tcp {
            named: tcp.named,
            linger_zero: tcp.linger_zero,
            timeout_us: tcp.timeout_us,
            ..Tcp::new()
        };
    }
    wakes_for_state(act);
}

fn grant(act: &mut Act<'_>) {
    let Some(client) = act.object else { return };
    let Some((listener, of)) = act.world.tcp_listener() else { return };
    let (linger_zero, timeout_us) = (of.linger_zero, of.timeout_us);
    let server = Tcp { linger_zero, timeout_us, ..Tcp::connected(client) };
    let server = act.world.add_object(Object::Tcp(server));
    if let Some(listener) = act.world.tcp_mut(listener) {
        listener.pending.push(server);
    }
    if let Some(client) = act.world.tcp_mut(client) {
        client.phase = Phase::Connected;
        client.peer = server;
    }
    wakes_for_state(act);
    wake_for_data(act.world, listener);
}

fn refuse(act: &mut Act<'_>) {
    if let Some(client) = act.tcp() {
        client.phase = Phase::Closed;
        client.error = Some(Errno::ECONNREFUSED);
        client.shut_read = true;
        client.shut_write = true;
    }
    wakes_for_state(act);
}

fn drop_request(act: &mut Act<'_>) {
    if let Some(client) = act.tcp() {
        client.phase = Phase::Asking(Request::Dropped);
    }
}

fn meet_itself(act: &mut Act<'_>) {
    let Some(object) = act.object else { return };
    if let Some(tcp) = act.world.tcp_mut(object) {
        tcp.phase = Phase::Connected;
        tcp.peer = object;
    }
    wakes_for_state(act);
}

fn shut_unconnected(act: &mut Act<'_>) {
    let Op::Shutdown { how } = act.call().op else { return };
    if let Some(tcp) = act.tcp() {
        tcp.shut_read |= how.reads();
        tcp.shut_write |= how.writes();
    }
    wakes_for_state(act);
}

fn give_up(act: &mut Act<'_>) {
    undo(act);
    if let Some(tcp) = act.tcp() {
        tcp.error = Some(Errno::ECONNRESET);
    }
}

fn stop_listening(act: &mut Act<'_>) {
    let Some(tcp) = act.tcp() else { return };
    let pending = std::mem::take(&mut tcp.pending);
    tcp.phase = Phase::Unconnected;
    tcp.shut_read = false;
    tcp.shut_write = false;
    reset_pending(act.world, &pending);
    wakes_for_state(act);
}

fn release_listener(act: &mut Act<'_>) {
    let Some(object) = act.object else { return };
    let Some(tcp) = act.tcp() else { return };
    let pending = std::mem::take(&mut tcp.pending);
    act.world.objects[usize::from(object)] = Object::Free;
    reset_pending(act.world, &pending);
}

/// Connections that nobody will accept are reset.
fn reset_pending(world: &mut World, pending: &[ObjectIndex]) {
    for server in pending {
        reset_peer(world, *server);
        if let Some(tcp) = world.tcp_mut(*server) {
            debug_assert_eq!(tcp.peer, NOBODY);
        }
        world.objects[usize::from(*server)] = Object::Free;
    }
    while matches!(world.objects.last(), Some(Object::Free)) {
        world.objects.pop();
    }
}
