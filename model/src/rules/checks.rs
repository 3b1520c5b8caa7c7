//! The order of checks: which of several errors is told.
//!
//! A rule by which a call fails states its own condition and knows nothing of other errors. The standard leaves
//! open which is told where several conditions hold (POSIX.1-2024, XSH 2.3: "any one of the possible errors may
//! be returned, as the order of detection is undefined"). A system checks in some order: that of Linux stands here,
//! call by call, and nowhere else.

use std::sync::OnceLock;

use super::{COUNT, by_id};
use crate::call::Op;
use crate::index::RuleIndex;
use crate::platform::Family;
use crate::rule::Cite::{self, Source};

/// The checks that one function makes, in its order.
#[derive(Debug)]
pub struct Checks {
    /// The [word](Op::word) of the call.
    pub call: &'static str,
    /// The function.
    pub of: Cite,
    /// Ids of rules. Those of one place are checked together, or can't hold together. Beside faults a rule may stand
    /// here by which a call begins to wait: it does so before the checks that follow.
    pub rules: &'static [&'static [&'static str]],
}

/// The order in which Linux checks. Several lists of one call follow one another: the first are what a
/// descriptor is, whatever is behind it; the next are those of one protocol or another.
pub const LINUX: &[Checks] = &[
    Checks {
        call: "read",
        of: Source("fs/read_write.c", "vfs_read"),
        rules: &[
            &["descriptor.any.not-open"],
            &["descriptor.read.not-for-reading"],
            &["epoll.any.no-data"],
        ],
    },
    Checks {
        call: "read",
        of: Source("fs/eventfd.c", "eventfd_read"),
        rules: &[&["eventfd.read.too-short"]],
    },
    Checks {
        call: "take",
        of: Source("fs/eventfd.c", "eventfd_read"),
        rules: &[
            &["descriptor.any.not-open"],
            &["epoll.any.no-data"],
            &["eventfd.take.empty-nonblocking"],
        ],
    },
    Checks {
        call: "add",
        of: Source("fs/eventfd.c", "eventfd_write"),
        rules: &[
            &["descriptor.any.not-open"],
            &["epoll.any.no-data"],
            &["eventfd.add.too-large"],
            &["eventfd.add.full-nonblocking"],
        ],
    },
    Checks {
        call: "epoll-add",
        of: Source("fs/eventpoll.c", "do_epoll_ctl"),
        rules: &[
            &["descriptor.any.not-open"],
            &["epoll.any.target-not-open"],
            &["epoll.any.no-poll"],
            &["epoll.any.no-epoll", "epoll.any.itself"],
            &["epoll.epoll-add.exclusive-with-others"],
            &["epoll.epoll-add.loops"],
            &["epoll.epoll-add.exists"],
        ],
    },
    Checks {
        call: "epoll-modify",
        of: Source("fs/eventpoll.c", "do_epoll_ctl"),
        rules: &[
            &["descriptor.any.not-open"],
            &["epoll.any.target-not-open"],
            &["epoll.any.no-poll"],
            &["epoll.any.no-epoll", "epoll.any.itself"],
            &["epoll.epoll-modify.exclusive"],
            &["epoll.any.not-registered", "epoll.epoll-modify.was-exclusive"],
        ],
    },
    Checks {
        call: "epoll-delete",
        of: Source("fs/eventpoll.c", "do_epoll_ctl"),
        rules: &[
            &["descriptor.any.not-open"],
            &["epoll.any.target-not-open"],
            &["epoll.any.no-poll"],
            &["epoll.any.no-epoll", "epoll.any.itself"],
            &["epoll.any.not-registered"],
        ],
    },
    Checks {
        call: "epoll-wait",
        of: Source("fs/eventpoll.c", "do_epoll_wait"),
        rules: &[
            &["epoll.epoll-wait.no-room"],
            &["descriptor.any.not-open"],
            &["epoll.any.no-epoll"],
        ],
    },
    Checks {
        call: "write",
        of: Source("fs/eventfd.c", "eventfd_write"),
        rules: &[&["eventfd.write.too-short"]],
    },
    Checks {
        call: "read",
        of: Source("ipc/mqueue.c", "do_mq_timedreceive"),
        rules: &[&["queue.read.too-short"], &["queue.read.empty-nonblocking"]],
    },
    Checks {
        call: "read",
        of: Source("net/unix/af_unix.c", "unix_stream_read_generic"),
        rules: &[&["unix.any.reads-unconnected", "message.any.receives-unconnected"]],
    },
    Checks {
        call: "read",
        of: Source("net/ipv4/tcp.c", "tcp_recvmsg_locked"),
        rules: &[&["connection.any.read-unconnected"]],
    },
    Checks {
        call: "receive",
        of: Source("net/socket.c", "__sys_recvfrom"),
        rules: &[
            &["descriptor.any.not-open"],
            &["descriptor.any.no-socket"],
            &[
                "unix.any.reads-unconnected",
                "message.any.receives-unconnected",
                "connection.any.read-unconnected",
            ],
        ],
    },
    Checks {
        call: "receive-end",
        of: Source("net/socket.c", "__sys_recvmsg"),
        rules: &[
            &["descriptor.any.not-open"],
            &["descriptor.any.no-socket"],
            &["unix.any.reads-unconnected", "message.any.receives-unconnected"],
        ],
    },
    Checks {
        call: "write",
        of: Source("fs/read_write.c", "vfs_write"),
        rules: &[
            &["descriptor.any.not-open"],
            &["descriptor.write.not-for-writing"],
            &["epoll.any.no-data"],
        ],
    },
    Checks {
        call: "write",
        of: Source("ipc/mqueue.c", "do_mq_timedsend"),
        rules: &[&["queue.write.too-long"], &["queue.write.full-nonblocking"]],
    },
    Checks {
        call: "write",
        of: Source("net/unix/af_unix.c", "unix_stream_sendmsg"),
        rules: &[&["unix.any.writes-unconnected"], BROKEN],
    },
    Checks { call: "write", of: Source("net/ipv4/tcp.c", "tcp_sendmsg_locked"), rules: WRITE_TCP },
    Checks {
        call: "send",
        of: Source("net/socket.c", "__sys_sendto"),
        rules: &[&["descriptor.any.not-open"], &["descriptor.any.no-socket"]],
    },
    Checks {
        call: "send",
        of: Source("net/unix/af_unix.c", "unix_stream_sendmsg"),
        rules: &[
            &["unix.send.address-of-connected", "unix.send.address-unsupported"],
            &["unix.any.writes-unconnected"],
            BROKEN,
        ],
    },
    Checks { call: "send", of: Source("net/ipv4/tcp.c", "tcp_sendmsg_locked"), rules: WRITE_TCP },
    Checks {
        call: "send-end",
        of: Source("net/socket.c", "__sys_sendmsg"),
        rules: &[&["descriptor.any.not-open"], &["descriptor.any.no-socket"]],
    },
    Checks {
        call: "send-end",
        of: Source("net/unix/af_unix.c", "unix_stream_sendmsg"),
        rules: &[&["unix.send-end.not-open"], &["unix.any.writes-unconnected"], BROKEN],
    },
    Checks {
        call: "read-at",
        of: Source("fs/read_write.c", "ksys_pread64"),
        rules: &[
            &["descriptor.read-at.negative-offset", "file.read-at.negative-offset"],
            &["descriptor.any.not-open"],
            &["stream.read-at.no-offset", "socket.read-at.no-offset"],
            &["file.read-at.not-for-reading"],
        ],
    },
    Checks {
        call: "write-at",
        of: Source("fs/read_write.c", "ksys_pwrite64"),
        rules: &[
            &["descriptor.write-at.negative-offset", "file.write-at.negative-offset"],
            &["descriptor.any.not-open"],
            &["stream.write-at.no-offset", "socket.write-at.no-offset"],
            &["file.write-at.not-for-writing"],
        ],
    },
    Checks {
        call: "seek",
        of: Source("fs/read_write.c", "ksys_lseek"),
        rules: &[&["descriptor.any.not-open"], &["stream.seek.no-offset", "socket.seek.no-offset"]],
    },
    Checks {
        call: "truncate",
        of: Source("fs/open.c", "do_ftruncate"),
        rules: &[
            &["descriptor.any.not-open"],
            &["stream.truncate.no-file", "socket.truncate.no-file"],
            &["file.truncate.not-for-writing"],
        ],
    },
    Checks {
        call: "lock",
        of: Source("fs/locks.c", "fcntl_setlk"),
        rules: &[&["descriptor.any.not-open"], &["lock.lock.wrong-mode"], &["lock.lock.refused"]],
    },
    Checks {
        call: "process-lock",
        of: Source("fs/locks.c", "fcntl_setlk"),
        rules: &[
            &["descriptor.any.not-open"],
            &["lock.process-lock.wrong-mode"],
            &["lock.process-lock.refused", "lock.process-lock.deadlock"],
        ],
    },
    Checks {
        call: "flock",
        of: Source("fs/locks.c", "sys_flock"),
        rules: &[&["descriptor.any.not-open"]],
    },
    Checks {
        call: "close",
        of: Source("fs/open.c", "sys_close"),
        rules: &[&["descriptor.any.not-open"]],
    },
    Checks {
        call: "dup",
        of: Source("fs/file.c", "sys_dup"),
        rules: &[&["descriptor.any.not-open"]],
    },
    Checks {
        call: "nonblocking",
        of: Source("fs/fcntl.c", "sys_fcntl"),
        rules: &[&["descriptor.any.not-open"]],
    },
    Checks {
        call: "capacity",
        of: Source("fs/pipe.c", "pipe_fcntl"),
        rules: &[&["descriptor.any.not-open"], &["file.any.no-pipe", "socket.capacity.no-pipe"]],
    },
    Checks {
        call: "set-capacity",
        of: Source("fs/pipe.c", "pipe_fcntl"),
        rules: &[
            &["descriptor.any.not-open"],
            &["file.any.no-pipe", "socket.set-capacity.no-pipe"],
        ],
    },
    Checks {
        call: "available",
        of: Source("fs/ioctl.c", "sys_ioctl"),
        rules: &[
            &["descriptor.any.not-open"],
            &["unix.available.listening", "connection.available.listening"],
        ],
    },
    Checks {
        call: "bind",
        of: Source("net/socket.c", "__sys_bind"),
        rules: &[&["descriptor.any.not-open"], &["descriptor.any.no-socket"]],
    },
    Checks {
        call: "bind",
        of: Source("net/unix/af_unix.c", "unix_bind_bsd, unix_bind_abstract"),
        rules: &[
            &["unix.bind.address-in-use"],
            &["unix.bind.has-a-name"],
            &["unix.bind.name-in-use"],
        ],
    },
    Checks {
        call: "bind",
        of: Source("net/ipv4/af_inet.c", "__inet_bind"),
        rules: &[&["connection.bind.has-a-name"], &["connection.bind.address-in-use"]],
    },
    Checks {
        call: "listen",
        of: Source("net/socket.c", "__sys_listen"),
        rules: &[&["descriptor.any.not-open"], &["descriptor.any.no-socket"]],
    },
    Checks {
        call: "listen",
        of: Source("net/unix/af_unix.c", "unix_listen"),
        rules: &[
            &["message.listen.not-for-datagrams"],
            &["unix.listen.unnamed"],
            &["unix.listen.connected"],
        ],
    },
    Checks {
        call: "listen",
        of: Source("net/ipv4/af_inet.c", "inet_listen"),
        rules: &[&["connection.listen.connected"], &["connection.listen.address-in-use"]],
    },
    Checks {
        call: "connect",
        of: Source("net/socket.c", "__sys_connect"),
        rules: &[&["descriptor.any.not-open"], &["descriptor.any.no-socket"]],
    },
    Checks {
        call: "connect",
        of: Source("net/unix/af_unix.c", "unix_stream_connect"),
        rules: &[
            &["unix.connect.no-entry", "unix.any.path-midway"],
            &["unix.connect.refused"],
            &["unix.connect.full-nonblocking", "unix.connect.connected-waits-first"],
            &["unix.connect.connected", "unix.connect.listening"],
        ],
    },
    Checks {
        call: "connect",
        of: Source("net/ipv4/af_inet.c", "__inet_stream_connect"),
        rules: &[
            &["connection.connect.again", "connection.connect.listening"],
            &["connection.connect.shut-down"],
        ],
    },
    Checks {
        call: "accept",
        of: Source("net/socket.c", "__sys_accept4"),
        rules: &[&["descriptor.any.not-open"], &["descriptor.any.no-socket"]],
    },
    Checks {
        call: "accept",
        of: Source("net/unix/af_unix.c", "unix_accept"),
        rules: &[
            &["message.accept.not-for-datagrams"],
            &["socket.accept.not-listening"],
            &["socket.accept.none-nonblocking"],
            &["unix.accept.shut-down"],
        ],
    },
    Checks {
        call: "shutdown",
        of: Source("net/socket.c", "__sys_shutdown"),
        rules: &[
            &["descriptor.any.not-open"],
            &["descriptor.any.no-socket"],
            &["connection.shutdown.unconnected", "tcp.shutdown.not-connected"],
        ],
    },
    Checks {
        call: "set-option",
        of: Source("net/socket.c", "__sys_setsockopt"),
        rules: &[
            &["descriptor.any.not-open"],
            &["descriptor.any.no-socket"],
            &["socket.set-option.read-only", "socket.set-option.time-out-domain"],
        ],
    },
    Checks {
        call: "option",
        of: Source("net/socket.c", "__sys_getsockopt"),
        rules: &[&["descriptor.any.not-open"], &["descriptor.any.no-socket"]],
    },
    Checks {
        call: "dup2",
        of: Source("fs/file.c", "ksys_dup3"),
        rules: &[&["descriptor.any.not-open"]],
    },
    Checks {
        call: "close-on-exec",
        of: Source("fs/fcntl.c", "SYSCALL_DEFINE3(fcntl)"),
        rules: &[&["descriptor.any.not-open"]],
    },
    Checks {
        call: "signal",
        of: Source("kernel/signal.c", "kill_something_info"),
        rules: &[&["signal.signal.no-process"]],
    },
    Checks {
        call: "sigaction",
        of: Source("kernel/signal.c", "do_sigaction"),
        rules: &[&["signal.sigaction.never"]],
    },
    Checks {
        call: "wait",
        of: Source("kernel/exit.c", "do_wait"),
        rules: &[&["process.wait.no-child"]],
    },
];

/// What a write to a stream finds that can't be sent: as it begins, or as it waits.
const BROKEN: &[&str] = &[
    "unix.any.broken",
    "unix.send.broken-silently",
    "unix.any.broken-asleep",
    "unix.any.reset-asleep",
];

/// What a write to a TCP socket checks.
const WRITE_TCP: &[&[&str]] =
    &[&["tcp.any.write-error"], &["tcp.any.write-broken"], &["connection.any.write-unconnected"]];

/// The place of each rule among the checks of a call.
pub struct Order([u8; COUNT]);

/// The place of what is no check: after all checks.
const LAST: u8 = u8::MAX;

impl Order {
    /// The place of a rule; behind all others where it is not among the checks of this call.
    pub fn place(&self, rule: RuleIndex) -> u8 {
        self.0[usize::from(rule)]
    }

    /// Whether a rule is among the checks of this call.
    pub fn has(&self, rule: RuleIndex) -> bool {
        self.place(rule) != LAST
    }
}

/// The order in which systems of a family check a call; `None` where any of several errors may be told.
///
/// # Panics
///
/// If a list names a rule that there is not; a test of the table says which.
pub fn order(family: Family, op: &Op) -> Option<&'static Order> {
    static OF_LINUX: OnceLock<[Order; Op::WORDS.len()]> = OnceLock::new();
    match family {
        Family::Posix | Family::Excepted => None,
        Family::Linux => {
            Some(&OF_LINUX.get_or_init(|| Op::WORDS.map(|word| of_call(LINUX, word)))[op.kind()])
        }
    }
}

fn of_call(checks: &[Checks], word: &str) -> Order {
    let mut order = Order([LAST; COUNT]);
    let lists = checks.iter().filter(|checks| checks.call == word);
    for (place, ids) in lists.flat_map(|checks| checks.rules).enumerate() {
        for id in *ids {
            let rule = by_id(id).unwrap_or_else(|| panic!("there is no rule {id}"));
            order.0[usize::from(rule)] = place as u8;
        }
    }
    order
}
