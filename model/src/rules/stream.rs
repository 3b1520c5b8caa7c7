//! Pipes and FIFOs once open: reading, writing, polling and capacity.
//!
//! The sentences say *pipe* for a pipe and for an open FIFO, *read end* and *write end* for a description open
//! for reading and for writing, *blocking* where `O_NONBLOCK` is clear.
//!
//! Not modelled: several buffers in one call (readv, writev), splice and tee, `SIGIO`, time-outs,
//! interruption by a signal handler, scheduling order among those who wait.

use crate::call::{Actor, Answer, Errno, Events, Mode, Op, Signal};
use crate::channel::Stream;
use crate::kind::Ends;
use crate::platform::{Platform, Storage};
use crate::rule::Cite::{Man, Observed, Posix, Source};
use crate::rule::{Answers, Force, Move, Rule, Scene, What};
use crate::rules::{Chapter, Overlap};
use crate::step::{RuleSet, answer, moves, proceed};
use crate::world::World;

const KERNELS: &str = "Linux 6.1 and 6.18";

/// The chapter.
pub const CHAPTER: Chapter = Chapter {
    name: "stream",
    title: "Pipes and FIFOs, once open",
    of_all: false,
    rules: RULES,
    not_on_linux: &[
        "stream.read.zero-length-checked",
        "stream.read.concurrent",
        "stream.write.reader-left-fails",
        "stream.write.zero-length-unspecified",
        "stream.any.extension",
        "stream.poll.readable-at-end",
        "stream.poll.no-hang-up-yet",
        "stream.poll.writable-perhaps",
    ],
    not_in_posix: &[
        "stream.read.packet",
        "stream.write.merges",
        "stream.write.no-free-page",
        "stream.write.zero-length",
        "stream.poll.midway",
        "stream.poll.hang-up-midway",
        "stream.capacity.is",
        "stream.set-capacity.rounds-up",
        "stream.set-capacity.in-use",
        "stream.set-capacity.too-large",
        "stream.set-capacity.not-permitted",
        "stream.set-capacity.user-limit",
        "stream.available.counts",
    ],
    absent: |setup| match (setup.kind.ends, setup.packet, setup.crowded) {
        // Only a FIFO can be opened for both.
        (Ends::Opened, _, false) => &["stream.read.packet", USER_LIMIT],
        (Ends::Opened, _, true) => &["stream.read.packet"],
        (_, true, false) => &[MERGES, AVAILABLE, MIDWAY, HANG_UP_MIDWAY, USER_LIMIT],
        (_, true, true) => &[MERGES, AVAILABLE, MIDWAY, HANG_UP_MIDWAY],
        (_, false, false) => &["stream.read.packet", MIDWAY, HANG_UP_MIDWAY, USER_LIMIT],
        (_, false, true) => &["stream.read.packet", MIDWAY, HANG_UP_MIDWAY],
    },
    overlaps: &[
        Overlap {
            why: "POSIX states no capacity: room is certain only in an empty pipe, and only for PIPE_BUF \
                  bytes.",
            rules: &[
                "stream.write.fits",
                "stream.write.partial",
                "stream.write.full-nonblocking",
                "stream.write.in-parts",
                "stream.write.finds-no-room",
                "stream.write.waits",
                "stream.write.completes",
            ],
        },
        Overlap {
            why: "A blocked call may notice that O_NONBLOCK has been set on its open file description, or \
                  sleep on.",
            rules: &[
                "stream.read.waits",
                "stream.read.empty-nonblocking",
                "stream.write.waits",
                "stream.write.full-nonblocking",
                "stream.write.cut-short-nonblocking",
                "stream.write.partial",
                "stream.write.completes",
            ],
        },
        Overlap {
            why: "The results of concurrent reads are unspecified; those of one read after the other are \
                  among them.",
            rules: &[
                "stream.read.concurrent",
                "stream.read.available",
                "stream.read.no-writer",
                "stream.read.empty-nonblocking",
                "stream.read.finds-nothing",
                "stream.read.waits",
            ],
        },
    ],
    exceptions: &[],
};

const MERGES: &str = "stream.write.merges";
const AVAILABLE: &str = "stream.read.available";
const MIDWAY: &str = "stream.poll.midway";
const HANG_UP_MIDWAY: &str = "stream.poll.hang-up-midway";
const USER_LIMIT: &str = "stream.set-capacity.user-limit";

const RULES: &[Rule] = &[
    // Reading
    Rule {
        id: "stream.read.available",
        says: "A read of a non-empty pipe returns the oldest bytes at once, as many as requested \
               or all available, ignoring write boundaries.",
        cite: &[Posix("read", "DESCRIPTION"), Man("pipe(7)", "I/O on pipes and FIFOs")],
        force: Force::Must,
        step: |at| {
            let len = read_len(at).filter(|len| *len > 0)?;
            let (count, packet) = at.stream()?.readable(at.platform, len);
            (count > 0 && !packet).then(|| Move::transfers(count, count).with(take))
        },
    },
    Rule {
        id: "stream.read.packet",
        says: "A read that reaches a packet (O_DIRECT) stops at the packet's end and discards the \
               part that exceeds the requested length.",
        cite: &[Man("pipe(2)", "O_DIRECT"), Source("fs/pipe.c", "anon_pipe_read")],
        force: Force::Silent,
        step: |at| {
            let len = read_len(at).filter(|len| *len > 0)?;
            let (count, packet) = at.stream()?.readable(at.platform, len);
            (count > 0 && packet).then(|| Move::transfers(count, count).with(take))
        },
    },
    Rule {
        id: "stream.read.no-writer",
        says: "A read of an empty pipe with no open write end returns 0 (end of file), blocking or \
               not, every time.",
        cite: &[Posix("read", "DESCRIPTION"), Man("pipe(7)", "I/O on pipes and FIFOs")],
        force: Force::Must,
        step: |at| {
            read_len(at).filter(|len| *len > 0)?;
            (at.stream()?.is_empty() && !at.has_writer()).then_some(Move::answers(Answer::Count(0)))
        },
    },
    Rule {
        id: "stream.read.empty-nonblocking",
        says: "A nonblocking read of an empty pipe with an open write end fails with EAGAIN.",
        cite: &[Posix("read", "DESCRIPTION"), Posix("read", "ERRORS [EAGAIN]")],
        force: Force::Must,
        step: |at| (nothing_to_read(at) && at.nonblock()).then_some(Move::fails(Errno::EAGAIN)),
    },
    Rule {
        id: "stream.read.finds-nothing",
        says: "A blocking read of an empty pipe with an open write end blocks.",
        cite: &[Posix("read", "DESCRIPTION")],
        force: Force::Must,
        step: |at| {
            (nothing_to_read(at) && !at.nonblock() && !at.call.entered)
                .then_some(Move::proceeds(0, 0).with(enter))
        },
    },
    Rule {
        id: "stream.read.waits",
        says: "A blocked read sleeps while the pipe is empty and a write end is open.",
        cite: &[Posix("read", "DESCRIPTION"), Man("pipe(7)", "I/O on pipes and FIFOs")],
        force: Force::Must,
        step: |at| (nothing_to_read(at) && at.call.entered).then_some(Move::rests()),
    },
    Rule {
        id: "stream.read.zero-length",
        says: "A read of zero bytes returns 0 and never blocks.",
        cite: &[Posix("read", "DESCRIPTION"), Source("fs/pipe.c", "anon_pipe_read")],
        force: Force::May,
        step: |at| (read_len(at)? == 0).then_some(Move::answers(Answer::Count(0))),
    },
    Rule {
        id: "stream.read.zero-length-checked",
        says: "A read of zero bytes may fail with EAGAIN where a longer read would.",
        cite: &[Posix("read", "DESCRIPTION")],
        force: Force::May,
        step: |at| {
            let empty = at.stream()?.is_empty() && at.has_writer();
            (read_len(at)? == 0 && at.platform.zero_read_may_fail && empty && at.nonblock())
                .then_some(Move::fails(Errno::EAGAIN))
        },
    },
    Rule {
        id: "stream.read.concurrent",
        says: "Which bytes a read gets while another read of the same stream is in progress is not \
               specified.",
        cite: &[Posix("read", "DESCRIPTION")],
        force: Force::Silent,
        step: |at| {
            read_len(at).filter(|len| *len > 0)?;
            (!at.platform.concurrent_reads && at.another_read())
                .then_some(Move::unspecified("two reads of one stream at a time"))
        },
    },
    // Writing
    Rule {
        id: "stream.write.fits",
        says: "A write for which there is room transfers all its bytes and returns their number.",
        cite: &[Posix("write", "DESCRIPTION"), Man("pipe(7)", "PIPE_BUF")],
        force: Force::Must,
        step: |at| {
            let (len, room) = at.write_room()?;
            (!at.call.entered && at.call.done == 0 && room.most == len && !merges_whole(at, len))
                .then(|| Move::transfers(len, len).with(give))
        },
    },
    Rule {
        id: "stream.write.merges",
        says: "A write shorter than a page is appended to the last page if it fits there, even \
               when no page is free.",
        cite: &[
            Source("fs/pipe.c", "anon_pipe_write"),
            Observed("no deviation in campaigns of millions of calls", KERNELS),
        ],
        force: Force::May,
        step: |at| {
            let (len, _) = at.write_room()?;
            (!at.call.entered && at.call.done == 0 && merges_whole(at, len))
                .then(|| Move::transfers(len, len).with(give))
        },
    },
    Rule {
        id: "stream.write.completes",
        says: "A blocking write that did not fit at once returns its full length once its last byte is \
               transferred.",
        cite: &[Posix("write", "DESCRIPTION")],
        force: Force::Must,
        step: |at| {
            let (len, room) = at.write_room()?;
            let left = len - at.call.done;
            (at.call.entered && room.most == left).then(|| Move::transfers(left, left).with(give))
        },
    },
    Rule {
        id: "stream.write.in-parts",
        says: "A blocking write of more than PIPE_BUF bytes transfers what fits and continues; \
               bytes of other writes may come between its parts.",
        cite: &[Posix("write", "DESCRIPTION"), Man("pipe(7)", "PIPE_BUF")],
        force: Force::May,
        step: |at| {
            let (len, room) = at.write_room()?;
            let most = room.most.min(len - at.call.done - 1);
            (!at.nonblock() && room.least <= most && most > 0)
                .then(|| Move::proceeds(room.least, most).with(give_and_enter))
        },
    },
    Rule {
        id: "stream.write.partial",
        says: "A nonblocking write of more than PIPE_BUF bytes that fits only in part transfers \
               that part and returns its length (short write).",
        cite: &[Posix("write", "DESCRIPTION"), Man("pipe(7)", "PIPE_BUF")],
        force: Force::Must,
        step: |at| {
            let (len, room) = at.write_room()?;
            let most = room.most.min(len - at.call.done - 1);
            (at.nonblock() && room.least <= most && most > 0)
                .then(|| Move::transfers(room.least, most).with(give))
        },
    },
    Rule {
        id: "stream.write.full-nonblocking",
        says: "A nonblocking write that finds no room transfers nothing and fails with EAGAIN.",
        cite: &[Posix("write", "DESCRIPTION"), Posix("write", "ERRORS [EAGAIN]")],
        force: Force::Must,
        step: |at| {
            let (_, room) = at.write_room()?;
            (at.nonblock() && room.none && at.call.done == 0 && !pages_hold_less(at))
                .then_some(Move::fails(Errno::EAGAIN))
        },
    },
    Rule {
        id: "stream.write.no-free-page",
        says: "A nonblocking write that needs a new page fails with EAGAIN if none is free, even \
               with fewer bytes in the pipe than its capacity.",
        cite: &[
            Source("fs/pipe.c", "anon_pipe_write"),
            Observed("full, one byte read, still full; 11 writes of 4,097 fill 65,536", KERNELS),
        ],
        force: Force::May,
        step: |at| {
            let (_, room) = at.write_room()?;
            (at.nonblock() && room.none && at.call.done == 0 && pages_hold_less(at))
                .then_some(Move::fails(Errno::EAGAIN))
        },
    },
    Rule {
        id: "stream.write.cut-short-nonblocking",
        says: "A write that finds no more room returns the number of bytes transferred so far if \
               O_NONBLOCK was set after it blocked.",
        cite: &[Source("fs/pipe.c", "anon_pipe_write")],
        force: Force::Silent,
        step: |at| {
            let (_, room) = at.write_room()?;
            (at.nonblock() && room.none && at.call.done > 0).then_some(Move::transfers(0, 0))
        },
    },
    Rule {
        id: "stream.write.finds-no-room",
        says: "A blocking write that finds no room blocks, and from then on fills new pages only.",
        cite: &[Posix("write", "DESCRIPTION"), Source("fs/pipe.c", "anon_pipe_write")],
        force: Force::May,
        step: |at| {
            let (_, room) = at.write_room()?;
            (room.none && !at.nonblock() && !at.call.entered)
                .then_some(Move::proceeds(0, 0).with(enter))
        },
    },
    Rule {
        id: "stream.write.waits",
        says: "A blocked write sleeps while there is no room and a read end is open.",
        cite: &[Posix("write", "DESCRIPTION"), Man("pipe(7)", "I/O on pipes and FIFOs")],
        force: Force::May,
        step: |at| {
            let (_, room) = at.write_room()?;
            (room.none && at.call.entered).then_some(Move::rests())
        },
    },
    Rule {
        id: "stream.write.no-reader",
        says: "A write of one or more bytes that has transferred none fails with EPIPE (broken \
               pipe) and raises SIGPIPE if no read end is open.",
        cite: &[Posix("write", "ERRORS [EPIPE]"), Man("pipe(7)", "I/O on pipes and FIFOs")],
        force: Force::Must,
        step: |at| {
            write_len(at).filter(|len| *len > 0 && !at.has_reader() && at.call.done == 0)?;
            Some(Move::fails(Errno::EPIPE).raises(Signal::Sigpipe))
        },
    },
    Rule {
        id: "stream.write.reader-left",
        says: "A write whose last reader closes after a part is transferred returns the number of \
               bytes transferred so far and raises SIGPIPE.",
        cite: &[Source("fs/pipe.c", "anon_pipe_write"), Observed("65536 + SIGPIPE", KERNELS)],
        force: Force::May,
        step: |at| {
            write_len(at).filter(|_| !at.has_reader() && at.call.done > 0)?;
            Some(Move::transfers(0, 0).raises(Signal::Sigpipe))
        },
    },
    Rule {
        id: "stream.write.reader-left-fails",
        says: "A write whose last reader closes after a part is transferred may instead fail with \
               EPIPE and raise SIGPIPE.",
        cite: &[Posix("write", "ERRORS [EPIPE]")],
        force: Force::May,
        step: |at| {
            write_len(at).filter(|_| !at.has_reader() && at.call.done > 0)?;
            at.platform
                .cut_short_write_may_fail
                .then_some(Move::fails(Errno::EPIPE).raises(Signal::Sigpipe))
        },
    },
    Rule {
        id: "stream.write.zero-length",
        says: "A write of zero bytes returns 0, raises no signal and wakes no reader, even if no \
               read end is open.",
        cite: &[Source("fs/pipe.c", "anon_pipe_write")],
        force: Force::Silent,
        step: |at| {
            (write_len(at)? == 0 && at.platform.extensions)
                .then_some(Move::answers(Answer::Count(0)))
        },
    },
    Rule {
        id: "stream.write.zero-length-unspecified",
        says: "The result of a write of zero bytes to a pipe is unspecified.",
        cite: &[Posix("write", "DESCRIPTION")],
        force: Force::Silent,
        step: |at| {
            (write_len(at)? == 0 && !at.platform.extensions)
                .then_some(Move::unspecified("a write of zero bytes to what is no regular file"))
        },
    },
    // Polling
    Rule {
        id: "stream.poll.readable",
        says: "poll reports POLLIN on a read end while the pipe has data.",
        cite: &[Posix("poll", "POLLIN"), Source("fs/pipe.c", "pipe_poll")],
        force: Force::Must,
        step: |at| {
            (polls(at) && at.reads() && !at.stream()?.is_empty())
                .then_some(Move::reports(Events::IN))
        },
    },
    Rule {
        id: "stream.poll.readable-at-end",
        says: "poll may report POLLIN on a read end while no write end is open, as a read would \
               not block.",
        cite: &[Posix("poll", "POLLIN")],
        force: Force::May,
        step: |at| {
            (polls(at) && at.reads() && at.platform.poll_is_loose && !at.has_writer())
                .then_some(Move::may_report(Events::IN))
        },
    },
    Rule {
        id: "stream.poll.hang-up",
        says: "poll reports POLLHUP on a read end, requested or not, after the last writer has \
               closed, together with POLLIN while data remains.",
        cite: &[Posix("poll", "POLLHUP"), Source("fs/pipe.c", "pipe_poll")],
        force: Force::Must,
        step: |at| {
            (polls(at) && at.reads() && !at.has_writer() && !never_had_writer(at))
                .then_some(Move::reports(Events::HUP))
        },
    },
    Rule {
        id: "stream.poll.no-hang-up-yet",
        says: "poll may report POLLHUP on a FIFO opened for reading that has had no writer since; \
               Linux does not.",
        cite: &[Posix("poll", "POLLHUP"), Source("fs/pipe.c", "pipe_poll")],
        force: Force::May,
        step: |at| {
            (polls(at) && at.platform.poll_is_loose && never_had_writer(at))
                .then_some(Move::may_report(Events::HUP))
        },
    },
    Rule {
        id: "stream.poll.hang-up-midway",
        says: "poll does not wait for an open that is under way: on an end of a FIFO that never had a writer \
               it may find POLLHUP for a moment, while somebody opens the FIFO for writing.",
        cite: &[
            Source("fs/pipe.c", "fifo_open"),
            Observed("beside 1,120 of 6,338,674 opens on another processor", "Linux 6.18"),
        ],
        force: Force::Silent,
        step: |at| {
            let opens = |other: Scene<'_>| {
                matches!(other.op(), Op::Open { mode: Mode::Write, .. }) && !other.call.entered
            };
            (polls(at) && !at.platform.poll_is_loose && never_had_writer(at))
                .then(|| at.others_here().any(opens))?
                .then_some(Move::may_report(Events::HUP))
        },
    },
    Rule {
        id: "stream.poll.writable",
        says: "poll reports POLLOUT on a write end while the pipe has a free page.",
        cite: &[Posix("poll", "POLLOUT"), Source("fs/pipe.c", "pipe_poll")],
        force: Force::May,
        step: |at| {
            let writable = match at.platform.storage {
                Storage::Pages => !at.stream()?.is_full(),
                Storage::Bytes => at.stream()?.is_empty() && at.has_reader(),
            };
            (polls(at) && at.writes() && writable).then_some(Move::reports(Events::OUT))
        },
    },
    Rule {
        id: "stream.poll.writable-perhaps",
        says: "poll may report POLLOUT on a write end.",
        cite: &[Posix("poll", "POLLOUT")],
        force: Force::May,
        step: |at| {
            (polls(at) && at.writes() && at.platform.poll_is_loose)
                .then_some(Move::may_report(Events::OUT))
        },
    },
    Rule {
        id: "stream.poll.midway",
        says: "poll on an end open for both does not wait for a transfer of several pages that is under \
               way: it may find POLLIN and POLLOUT though before the transfer it would find only the one, \
               and after it only the other.",
        cite: &[
            Source("fs/pipe.c", "pipe_poll"),
            Observed(
                "once in 12 million calls: IN|OUT beside a write that fills 16 pages",
                "Linux 6.18",
            ),
        ],
        force: Force::Silent,
        step: |at| {
            let Op::Poll { events, .. } = at.op() else { return None };
            let under_way = at.others_here().find(transfers_pages)?.op();
            let missing = match (at.stream()?.is_empty(), under_way) {
                (true, Op::Write { .. }) => Events::IN,
                (false, Op::Read { .. }) if at.stream()?.is_full() => Events::OUT,
                _ => return None,
            };
            let found = at.found.0.intersection(events.union(Events::ERR).union(Events::HUP));
            (at.reads() && at.writes() && events.contains(missing))
                .then(|| Move::answers(Answer::Ready(found.union(missing))).with(complete_transfer))
        },
    },
    Rule {
        id: "stream.poll.no-reader",
        says: "poll reports POLLERR on a write end, requested or not, while no read end is open; \
               POLLOUT is unaffected.",
        cite: &[Man("poll(2)", "POLLERR"), Source("fs/pipe.c", "pipe_poll")],
        force: Force::May,
        step: |at| {
            let gone = polls(at) && at.writes() && !at.has_reader();
            gone.then(|| match at.platform.poll_is_loose {
                true => Move::may_report(Events::ERR),
                false => Move::reports(Events::ERR),
            })
        },
    },
    // Capacity and the like
    Rule {
        id: "stream.capacity.is",
        says: "F_GETPIPE_SZ returns the capacity in bytes, on either end.",
        cite: &[Man("F_GETPIPE_SZ(2const)", "DESCRIPTION")],
        force: Force::Silent,
        step: |at| {
            (at.op() == Op::GetCapacity && at.platform.extensions).then_some(())?;
            Some(Move::answers(Answer::Count(at.stream()?.capacity_bytes(at.platform))))
        },
    },
    Rule {
        id: "stream.set-capacity.rounds-up",
        says: "F_SETPIPE_SZ sets the capacity to the requested size, rounded up to a power of two \
               of pages, and returns it.",
        cite: &[Man("F_GETPIPE_SZ(2const)", "DESCRIPTION"), Source("fs/pipe.c", "pipe_set_size")],
        force: Force::Silent,
        step: |at| {
            let bytes = asked_capacity(at)?;
            let pages = bytes / at.platform.page_bytes;
            (pages as usize >= at.stream()?.slots.len())
                .then(|| Move::answers(Answer::Count(bytes)).with(set_capacity))
        },
    },
    Rule {
        id: "stream.set-capacity.in-use",
        says: "F_SETPIPE_SZ fails with EBUSY if more pages are in use than would remain.",
        cite: &[Man("F_GETPIPE_SZ(2const)", "ERRORS"), Source("fs/pipe.c", "pipe_resize_ring")],
        force: Force::Silent,
        step: |at| {
            let bytes = asked_capacity(at)?;
            let pages = bytes / at.platform.page_bytes;
            (at.stream()?.slots.len() > pages as usize).then_some(Move::fails(Errno::EBUSY))
        },
    },
    Rule {
        id: "stream.set-capacity.too-large",
        says: "F_SETPIPE_SZ of more than 2 GiB fails with EINVAL.",
        cite: &[Source("fs/pipe.c", "round_pipe_size")],
        force: Force::Silent,
        step: |at| match at.op() {
            Op::SetCapacity { bytes } if at.platform.extensions && bytes > CAPACITY_LIMIT_BYTES => {
                at.stream()?;
                Some(Move::fails(Errno::EINVAL))
            }
            _ => None,
        },
    },
    Rule {
        id: "stream.set-capacity.not-permitted",
        says: "F_SETPIPE_SZ beyond the system's limit (pipe-max-size) fails with EPERM for a \
               caller without CAP_SYS_RESOURCE.",
        cite: &[Man("F_GETPIPE_SZ(2const)", "ERRORS"), Man("pipe(7)", "/proc files")],
        force: Force::Silent,
        step: |at| {
            let bytes = asked_capacity(at)?;
            let grows = bytes > at.stream()?.capacity_bytes(at.platform);
            (grows && bytes > at.platform.capacity_max_bytes).then_some(Move::fails(Errno::EPERM))
        },
    },
    Rule {
        id: "stream.set-capacity.user-limit",
        says: "F_SETPIPE_SZ that would grow a pipe fails with EPERM for an unprivileged user who \
               would hold more pipe pages than pipe-user-pages-soft.",
        cite: &[Man("pipe(7)", "/proc files"), Observed("8192 -> EPERM", "Linux 6.18")],
        force: Force::Silent,
        step: |at| {
            let bytes = asked_capacity(at)?;
            let grows = bytes > at.stream()?.capacity_bytes(at.platform);
            let max = at.platform.pipe_pages_max;
            let beyond = max.is_some_and(|max| bytes / at.platform.page_bytes > max);
            if !grows || bytes > at.platform.capacity_max_bytes {
                None
            } else if at.stream()?.crowded || beyond {
                Some(Move::fails(Errno::EPERM))
            } else {
                max.map(|_| Move::unspecified("how many pages the user's other pipes have"))
            }
        },
    },
    Rule {
        id: "stream.available.counts",
        says: "FIONREAD returns the number of bytes in the pipe, on either end.",
        cite: &[Man("FIONREAD(2const)", "DESCRIPTION"), Source("fs/pipe.c", "pipe_ioctl")],
        force: Force::Silent,
        step: |at| {
            at.description()?;
            (at.op() == Op::Available && at.platform.extensions)
                .then_some(Move::answers(Answer::Count(at.stream()?.len())))
        },
    },
    Rule {
        id: "stream.any.extension",
        says: "The results of F_SETPIPE_SZ, F_GETPIPE_SZ and FIONREAD on a pipe are unspecified.",
        cite: &[Posix("fcntl", "DESCRIPTION")],
        force: Force::Silent,
        step: |at| {
            at.stream()?;
            let extension =
                matches!(at.op(), Op::SetCapacity { .. } | Op::GetCapacity | Op::Available);
            (extension && !at.platform.extensions)
                .then_some(Move::unspecified("a call that the standard does not know"))
        },
    },
    // What files have
    Rule {
        id: "stream.truncate.no-file",
        says: "ftruncate on a pipe or FIFO fails with EINVAL.",
        cite: &[Posix("ftruncate", "ERRORS [EINVAL]"), Source("fs/open.c", "do_ftruncate")],
        force: Force::May,
        step: |at| {
            at.stream()?;
            matches!(at.op(), Op::Truncate { .. }).then_some(match at.platform.extensions {
                true => Move::fails(Errno::EINVAL),
                false => Move::unspecified("ftruncate on what is no regular file"),
            })
        },
    },
    Rule {
        id: "stream.seek.no-offset",
        says: "lseek on a pipe or FIFO fails with ESPIPE.",
        cite: &[Posix("lseek", "ERRORS [ESPIPE]")],
        force: Force::Must,
        step: |at| {
            at.stream()?;
            matches!(at.op(), Op::Seek { .. }).then_some(Move::fails(Errno::ESPIPE))
        },
    },
    Rule {
        id: "stream.read-at.no-offset",
        says: "pread on a pipe or FIFO fails with ESPIPE.",
        cite: &[Posix("read", "ERRORS [ESPIPE]")],
        force: Force::Must,
        step: |at| {
            at.stream()?;
            matches!(at.op(), Op::ReadAt { at: 0.., .. }).then_some(Move::fails(Errno::ESPIPE))
        },
    },
    Rule {
        id: "stream.write-at.no-offset",
        says: "pwrite on a pipe or FIFO fails with ESPIPE.",
        cite: &[Posix("write", "ERRORS [ESPIPE]")],
        force: Force::Must,
        step: |at| {
            at.stream()?;
            matches!(at.op(), Op::WriteAt { at: 0.., .. }).then_some(Move::fails(Errno::ESPIPE))
        },
    },
];

/// What `round_pipe_size` refuses to exceed.
const CAPACITY_LIMIT_BYTES: u32 = 1 << 31;

/// The capacity that F_SETPIPE_SZ would set, in bytes: what is asked for, rounded up.
fn asked_capacity(at: &Scene<'_>) -> Option<u32> {
    at.stream()?;
    match at.op() {
        Op::SetCapacity { bytes } if at.platform.extensions && bytes <= CAPACITY_LIMIT_BYTES => {
            Some(bytes.max(at.platform.page_bytes).next_power_of_two())
        }
        _ => None,
    }
}

fn polls(at: &Scene<'_>) -> bool {
    matches!(at.op(), Op::Poll { .. }) && at.stream().is_some()
}

/// The length of a read of a stream open for reading, in bytes.
fn read_len(at: &Scene<'_>) -> Option<u32> {
    at.stream()?;
    at.read_len()
}

/// The length of a write to a stream open for writing, in bytes.
fn write_len(at: &Scene<'_>) -> Option<u32> {
    at.stream()?;
    at.write_len()
}

fn never_had_writer(at: &Scene<'_>) -> bool {
    at.reads() && at.description().is_some_and(|description| description.never_had_writer)
}

/// Whether this call could now transfer so that the ring is seen in between: a write that takes more than
/// one page, a read that gives back more than one.
fn transfers_pages(at: &Scene<'_>) -> bool {
    let writes = at.write_room().is_some_and(|(_, room)| room.most > at.platform.page_bytes);
    let reads = || {
        let (len, stream) = read_len(at).zip(at.stream())?;
        let first = stream.slots.first()?;
        Some(stream.readable(at.platform, len).0 > first.len)
    };
    at.platform.storage == Storage::Pages && (writes || reads().unwrap_or(false))
}

/// Whether this is a read of at least one byte that finds none, and somebody could still write.
fn nothing_to_read(at: &Scene<'_>) -> bool {
    read_len(at).is_some_and(|len| len > 0)
        && at.stream().is_some_and(Stream::is_empty)
        && at.has_writer()
}

/// Whether all of a write is appended to the last page.
fn merges_whole(at: &Scene<'_>, len: u32) -> bool {
    at.platform.storage == Storage::Pages
        && at.stream().is_some_and(|stream| stream.mergeable(at.platform, len) == len)
}

/// Whether pages are in use though fewer bytes are in than the capacity.
fn pages_hold_less(at: &Scene<'_>) -> bool {
    at.platform.storage == Storage::Pages
        && at.stream().is_some_and(|stream| stream.len() < stream.capacity_bytes(at.platform))
}

fn take(world: &mut World, platform: &Platform, actor: Actor, _: u32) {
    if let Op::Read { len } = world.pending_mut(actor).op {
        let Some(stream) = world.stream_of_call(actor) else { return };
        let data = stream.take(platform, len);
        world.pending_mut(actor).data = data;
    }
}

fn give(world: &mut World, platform: &Platform, actor: Actor, count: u32) {
    let from = world.actors[usize::from(actor.0)].written;
    let call = world.pending_mut(actor);
    let Op::Write { len } = call.op else { return };
    let (done, entered, description) = (call.done, call.entered, call.description);
    call.done += count;
    let packet = description.is_some_and(|index| world.descriptions[usize::from(index)].packet);
    let from = from + i64::from(done);
    if let Some(stream) = world.stream_of_call(actor).filter(|_| count > 0) {
        stream.append(platform, actor, from, count, len, entered, packet);
    }
}

/// The call begins to wait.
pub(super) fn enter(world: &mut World, _: &Platform, actor: Actor, _: u32) {
    world.pending_mut(actor).entered = true;
}

fn give_and_enter(world: &mut World, platform: &Platform, actor: Actor, count: u32) {
    give(world, platform, actor, count);
    enter(world, platform, actor, count);
}

fn set_capacity(world: &mut World, platform: &Platform, actor: Actor, _: u32) {
    if let Op::SetCapacity { bytes } = world.pending_mut(actor).op {
        let bytes = bytes.max(platform.page_bytes).next_power_of_two();
        if let Some(stream) = world.stream_of_call(actor) {
            stream.slots_max = bytes / platform.page_bytes;
        }
    }
}

/// What was seen under way is completed before anything else happens.
fn complete_transfer(world: &mut World, platform: &Platform, actor: Actor, _: u32) {
    let none = (Events::NONE, Events::NONE);
    let Some(call) = world.pending(actor) else { return };
    let at = Scene { platform, world, actor, call, found: none };
    let Some(other) = at.others_here().find(transfers_pages).map(|other| other.actor) else {
        return;
    };
    let found = moves(platform, world, other, &mut RuleSet::default());
    for (rule, step) in found {
        match step.what {
            What::Answers(Answers::Transferred { most: count @ 1.., .. }, signal) => {
                let total = Answer::Count(world.pending_mut(other).done + count);
                return answer(platform, world, other, (rule, step), count, total, signal);
            }
            What::Proceeds { most: count @ 1.., .. } => {
                return proceed(platform, world, other, step, count);
            }
            _ => {}
        }
    }
}
