//! What people search for, and where it stands: data, a row for words that mean the same.
//!
//! Here stand only words that the rules' own sentences don't have, or not in that sense.

/// Words that mean the same.
pub(super) struct Word {
    /// The words, in lower case.
    pub(super) words: &'static [&'static str],
    /// Ids of rules, or their beginnings, that tell of it.
    pub(super) rules: &'static [&'static str],
    /// Pages to read on, below `docs/`.
    pub(super) pages: &'static [&'static str],
}

/// All of them.
pub(super) const WORDS: &[Word] = &[
    Word {
        words: &["atomic", "atomically", "atomicity", "interleave", "interleaved", "interleaving"],
        rules: &[
            "stream.write.fits",
            "stream.write.in-parts",
            "stream.write.in-parts-nonblocking",
            "message.any.whole",
            "file.write.appends",
            "file.any.changes-in-parts",
        ],
        pages: &["systems.md#two-writers-up-to-pipe-buf", "systems.md#two-writers-above-pipe-buf"],
    },
    Word {
        words: &["eof", "end of file", "end-of-file", "end of stream"],
        rules: &[
            "stream.read.no-writer",
            "stream.poll.hang-up",
            "file.read.end",
            "unix.any.end",
            "tcp.any.read-end",
            "message.any.end",
            "ring.read.end",
            "cell.read.end",
        ],
        pages: &["systems.md#last-writer-closes", "systems.md#leaked-write-end"],
    },
    Word {
        words: &["hangup", "pollhup"],
        rules: &["stream.poll.hang-up", "unix.poll.hang-up", "tcp.poll.hang-up"],
        pages: &[],
    },
    Word {
        words: &["deadlock", "hang", "hangs", "stuck"],
        rules: &["stream.read.waits", "stream.write.waits", "fifo.open.waits", "lock.lock.waits"],
        pages: &["systems.md", "introduction.md"],
    },
    Word {
        words: &["leak", "leaked", "inherit", "inherited", "fork", "exec", "cloexec", "o_cloexec"],
        rules: &["descriptor.close.others-remain", "descriptor.dup.shares", "stream.read.waits"],
        pages: &["systems.md#leaked-write-end", "systems.md#fork-inherits-ends"],
    },
    Word {
        words: &["dup2", "dup3"],
        rules: &["descriptor.dup.shares", "descriptor.close.others-remain"],
        pages: &["descriptor.md"],
    },
    Word {
        words: &["short write", "partial write"],
        rules: &[
            "stream.write.partial",
            "stream.write.in-parts-nonblocking",
            "stream.write.reader-left",
        ],
        pages: &[],
    },
    Word {
        words: &["short read", "partial read"],
        rules: &["stream.read.available", "file.read.available"],
        pages: &[],
    },
    Word {
        words: &["wake-up", "wakeup", "lost wake-up"],
        rules: &["stream.read.waits", "stream.read.longest-waiter", "stream.write.waits"],
        pages: &["systems.md#waiting-reader"],
    },
    Word {
        words: &["half-close", "half close", "shutdown"],
        rules: &["tcp.shutdown", "unix.shutdown", "message.shutdown", "connection.shutdown"],
        pages: &[],
    },
    Word {
        words: &["scm_rights", "descriptor passing", "fd passing"],
        rules: &["unix.send-end", "outside.send-end", "outside.receive-end"],
        pages: &[],
    },
    Word {
        words: &["busy-wait", "busy waiting", "spin", "polling"],
        rules: &["stream.read.empty-nonblocking", "file.poll.always"],
        pages: &["systems.md#busy-waiting-reader"],
    },
    Word {
        words: &["truncated", "msg_trunc"],
        rules: &["message.any.whole"],
        pages: &["message.md"],
    },
    Word {
        words: &["mutex", "semaphore", "futex"],
        rules: &["lock.lock", "cell.read", "cell.write"],
        pages: &["threads.md"],
    },
];
