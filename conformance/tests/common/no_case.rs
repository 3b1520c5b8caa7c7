//! The rules that no case can show, with the reason.

/// Rules that say only that a call is not answered yet, or that another explains as well: no case can show them.
pub(crate) const NEVER_SHOWN: &[&str] = &[
    "file.any.takes-turns",
    // Zeros may also be those of a change of size that is seen half done: no run tells which.
    "file.any.reads-cleared-pages",
    "unix.any.reads-in-turn",
    "stream.any.takes-turns",
    "stream.read.waits-in-line",
    "stream.write.waits-in-line",
    "message.any.waits-in-line",
    "socket.accept.waits-in-line",
    "stream.poll.looks-again",
];

/// Rules that say only that something is not modelled, each with a run that no verdict is on: no case can
/// show them.
pub(crate) const NOT_MODELLED: &[(&str, &str)] = &[
    (
        "unix.set-option.buffer-beyond",
        "channel unix-stream\nann: set-option send-buffer 1000000 -> ok",
    ),
    (
        "unix.send-end.circular",
        "channel unix-stream\nactor ann holds sa sb\nann: send-end sa 1 passing sb -> 1",
    ),
    (
        "connection.any.not-modelled",
        "channel tcp\na: socket -> ok\na: shutdown write -> ENOTCONN\na: connect -> ECONNREFUSED",
    ),
    (
        "epoll.epoll-add.not-modelled",
        "channel unix-datagram\nprocess p holds sa\nthread t of p\nactor ben holds sb\n\
         t: receive sa 1\nquiet t\np: epoll -> ok\np: epoll-add e sa in exclusive -> ok",
    ),
    (
        "epoll.any.not-modelled",
        "channel unix-datagram\nprocess p holds sa\nthread t of p\nthread u of p\nactor ben holds sb\n\
         p: epoll -> ok\np: epoll-add e sa in exclusive -> ok\nu: epoll-wait e wait\nquiet u\n\
         t: receive sa 1\nquiet t, u\nben: write 1 -> 1\nu: -> [sa in]\nquiet t",
    ),
    (
        "signal.exit.caught-by-parent",
        "channel up pipe\nprocess p holds up.r up.w catches SIGCHLD\np: fork c -> ok\nc: exit 0\nquiet",
    ),
    ("socket.any.not-modelled", "channel unix-stream\nann: option linger -> 0"),
];
