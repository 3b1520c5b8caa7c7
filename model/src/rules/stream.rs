//! Pipes and FIFOs once open: reading, writing, polling and capacity.
//!
//! The sentences say *pipe* for a pipe and for an open FIFO, *read end* and *write end* for a description open
//! for reading and for writing, *blocking* where `O_NONBLOCK` is clear.
//!
//! Not modelled: several buffers in one call (readv, writev), splice and tee, `SIGIO`, time-outs,
//! interruption by a signal handler, scheduling order among those who wait.

use super::descriptor::{found, holders};
use super::line::{ahead, is_in_line, join_at_stream};
use super::wake::{Queue, Wake, wake};
use crate::act::Act;
use crate::call::{Answer, Errno, Events, Mode, Op, Signal};
use crate::channel::stream::Room;
use crate::channel::{Object, Stream};
use crate::chapter::{Chapter, Overlap};
use crate::data::push_segment;
use crate::kind::Ends;
use crate::platform::Storage;
use crate::rule::Cite::{Man, Observed, Posix, Source};
use crate::rule::{Force, Move, Rule, Scene};
use crate::world::{Line, Look, PassedOver, Pending};

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
        "stream.read.concurrent-part",
        "stream.write.reader-left-fails",
        "stream.write.in-parts-nonblocking",
        "stream.write.zero-length-unspecified",
        "stream.any.extension",
        "stream.truncate.unspecified",
        "stream.read-at.not-for-reading",
        "stream.write-at.not-for-writing",
        "stream.poll.readable-at-end",
        "stream.poll.hang-up-before-a-writer",
        "stream.poll.writable-when-empty",
        "stream.poll.writable-perhaps",
        "stream.poll.no-reader-perhaps",
    ],
    not_in_posix: &[
        "stream.read.packet",
        "stream.read.longest-waiter",
        "stream.read.waits-in-line",
        "stream.read.by-pages",
        "stream.any.not-woken",
        "stream.any.takes-turns",
        "stream.write.by-pages",
        "stream.write.waits-in-line",
        "stream.write.merges",
        "stream.write.no-free-page",
        "stream.write.zero-length",
        "stream.poll.writable",
        "stream.poll.no-reader",
        "stream.truncate.no-file",
        "stream.capacity.is",
        "stream.set-capacity.rounds-up",
        "stream.set-capacity.in-use",
        "stream.set-capacity.too-large",
        "stream.set-capacity.not-permitted",
        "stream.set-capacity.user-limit",
        "stream.available.counts",
        "stream.truncate.no-file",
    ],
    absent: |setup| match (setup.kind.ends, setup.packet, setup.crowded) {
        // Only a FIFO can be opened for both.
        (Ends::Opened, _, false) => &["stream.read.packet", USER_LIMIT],
        (Ends::Opened, _, true) => &["stream.read.packet"],
        (_, true, false) => {
            &[MERGES, AVAILABLE, LONGEST_WAITER, IN_LINE, READ_BY_PAGES, USER_LIMIT]
        }
        (_, true, true) => &[MERGES, AVAILABLE, LONGEST_WAITER, IN_LINE, READ_BY_PAGES],
        (_, false, false) => &["stream.read.packet", USER_LIMIT],
        (_, false, true) => &["stream.read.packet"],
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
                "stream.write.in-parts-nonblocking",
                "stream.write.cut-short-nonblocking",
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
            why: "The order in which concurrent reads share the bytes is unspecified; one after \
                  the other is among the permitted orders.",
            rules: &[
                "stream.read.concurrent",
                "stream.read.concurrent-part",
                "stream.read.available",
            ],
        },
        Overlap {
            why: "POSIX does not require the events that poll reports of one descriptor to hold at \
                  one moment.",
            rules: &[
                "stream.poll.looks-first",
                "stream.poll.looks-again",
                "descriptor.poll.ready",
                "descriptor.poll.nothing",
                "descriptor.poll.waits",
            ],
        },
    ],
    exceptions: &[],
};

const MERGES: &str = "stream.write.merges";
const AVAILABLE: &str = "stream.read.available";
const LONGEST_WAITER: &str = "stream.read.longest-waiter";
const IN_LINE: &str = "stream.read.waits-in-line";
const READ_BY_PAGES: &str = "stream.read.by-pages";
const USER_LIMIT: &str = "stream.set-capacity.user-limit";

const RULES: &[Rule] = &[
    // Reading
    Rule {
        id: "stream.read.available",
        says: "A read of a non-empty pipe returns the oldest bytes immediately, as many as \
               requested or all available, ignoring write boundaries.",
        cite: &[Posix("read", "DESCRIPTION"), Man("pipe(7)", "I/O on pipes and FIFOs")],
        force: Force::Must,
        step: |at| {
            let len = read_len(at).filter(|len| *len > 0)?;
            let (count, packet) = at.stream()?.readable(at.platform, len - at.call.done);
            (count > 0 && !packet && !is_in_line(at))
                .then(|| Move::transfers(count, count).with(take))
        },
    },
    Rule {
        id: "stream.read.longest-waiter",
        says: "Of several reads asleep on a pipe, the longest-waiting one takes the data, unless a \
               later read takes it first.",
        cite: &[
            Source("fs/pipe.c", "anon_pipe_read"),
            Observed("the longest waiter first, in 60 of 60 rounds of five readers", "Linux 6.18"),
        ],
        force: Force::Silent,
        step: |at| {
            let len = read_len(at).filter(|len| *len > 0)?;
            let (count, packet) = at.stream()?.readable(at.platform, len - at.call.done);
            (count > 0 && !packet && is_in_line(at) && ahead(at) == 0)
                .then(|| Move::transfers(count, count).with(take))
        },
    },
    Rule {
        id: "stream.read.waits-in-line",
        says: "A read asleep behind another on a pipe stays asleep until that one has taken data.",
        cite: &[Source("fs/pipe.c", "anon_pipe_read")],
        force: Force::Silent,
        step: |at| {
            let len = read_len(at).filter(|len| *len > 0)?;
            let (count, packet) = at.stream()?.readable(at.platform, len - at.call.done);
            (count > 0 && !packet && ahead(at) > 0).then_some(Move::rests())
        },
    },
    Rule {
        id: "stream.any.not-woken",
        says: "A read or write asleep on a pipe behind an EPOLLEXCLUSIVE entry, whose epoll has a \
               waiter, is not woken and sleeps on (lost wake-up).",
        cite: &[
            Source("fs/eventpoll.c", "ep_poll_callback"),
            Source("kernel/sched/wait.c", "__wake_up_common"),
            Observed("a read sleeps on beside a byte that nobody has taken", "Linux 6.18"),
        ],
        force: Force::Silent,
        step: |at| {
            at.stream()?;
            let waits = matches!(at.op(), Op::Read { .. } | Op::Write { .. }) && at.call.entered;
            (waits && at.call.passed_over != PassedOver::No).then_some(Move::rests())
        },
    },
    Rule {
        id: "stream.read.by-pages",
        says: "A read of several pages of a full pipe frees them one by one, visibly to poll, \
               while calls needing the pipe's lock wait.",
        cite: &[
            Source("fs/pipe.c", "anon_pipe_read"),
            Source("fs/pipe.c", "pipe_poll"),
            Observed("poll finds OUT, then IN, beside a read stopped in its middle", "Linux 6.18"),
        ],
        force: Force::Silent,
        step: |at| {
            let len = read_len(at).filter(|len| *len > 0)?;
            let stream = at.stream()?;
            // Of what lies between the first page and the last, poll sees nothing more.
            let (count, packet) = stream.readable(at.platform, len);
            let page = stream.slots.first()?.len;
            let several = at.platform.storage == Storage::Pages && count > page && !packet;
            let is_seen = at.call.stops || count == stream.len() && is_polled(at);
            (stream.is_full() && several && is_seen)
                .then(|| Move::proceeds(page, page).with(take_page))
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
            (at.stream()?.is_empty() && at.call.done == 0 && !at.has_writer())
                .then_some(Move::answers(Answer::Count(0)))
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
                .then_some(Move::proceeds(0, 0).with(join_at_stream))
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
        says: "A read of zero bytes from a pipe returns 0 and never blocks.",
        cite: &[Posix("read", "DESCRIPTION"), Source("fs/pipe.c", "anon_pipe_read")],
        force: Force::May,
        step: |at| (read_len(at)? == 0).then_some(Move::answers(Answer::Count(0))),
    },
    Rule {
        id: "stream.read.zero-length-checked",
        says: "A read of zero bytes from a pipe may fail with EAGAIN where a longer read would.",
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
        says: "Concurrent reads of one pipe may share its bytes in any way, each byte going to \
               exactly one of them.",
        cite: &[Posix("read", "DESCRIPTION")],
        force: Force::May,
        step: |at| {
            let len = read_len(at).filter(|len| *len > 0)?;
            let (most, _) = at.stream()?.readable(at.platform, len - at.call.done);
            (!at.platform.concurrent_reads && at.another_read() && most > 0)
                .then(|| Move::proceeds(1, most).with(take_part))
        },
    },
    Rule {
        id: "stream.read.concurrent-part",
        says: "A read that has shared a pipe's bytes with a concurrent read returns the number of \
               bytes that it took.",
        cite: &[Posix("read", "DESCRIPTION")],
        force: Force::May,
        step: |at| {
            read_len(at).filter(|_| at.call.done > 0 && !at.platform.concurrent_reads)?;
            Some(Move::transfers(0, 0))
        },
    },
    // Writing
    Rule {
        id: "stream.write.fits",
        says: "A write that fits transfers all its bytes and returns their number, atomically if \
               it has at most PIPE_BUF bytes.",
        cite: &[Posix("write", "DESCRIPTION"), Man("pipe(7)", "PIPE_BUF")],
        force: Force::Must,
        step: |at| {
            let (len, room) = write_room(at)?;
            let goes_on = at.call.holds || at.platform.storage == Storage::Bytes;
            let (left, begins) = (len - at.call.done, at.call.done == 0 || goes_on);
            (!at.call.entered && begins && room.most == left && !merges_whole(at, len))
                .then(|| Move::transfers(left, left).with(give))
        },
    },
    Rule {
        id: "stream.write.merges",
        says: "A write shorter than a page, not yet blocked, is appended to the last page if it \
               fits there, even without a free page.",
        cite: &[
            Source("fs/pipe.c", "anon_pipe_write"),
            Observed("no deviation in campaigns of millions of calls", KERNELS),
        ],
        force: Force::May,
        step: |at| {
            let (len, _) = write_room(at)?;
            (!at.call.entered && at.call.done == 0 && merges_whole(at, len))
                .then(|| Move::transfers(len, len).with(give))
        },
    },
    Rule {
        id: "stream.write.by-pages",
        says: "A write of several pages to an empty pipe adds them one by one, visibly to poll, \
               while calls needing the pipe's lock wait.",
        cite: &[
            Source("fs/pipe.c", "anon_pipe_write"),
            Source("fs/pipe.c", "pipe_poll"),
            Observed("poll finds IN, then OUT, beside a write stopped in its middle", "Linux 6.18"),
        ],
        force: Force::Silent,
        step: |at| {
            let (_, room) = write_room(at)?;
            let (stream, page) = (at.stream()?, at.platform.page_bytes);
            // Of what lies between the first page and the last, poll sees nothing more.
            let is_seen = is_polled(at) || at.call.stops && at.platform.storage == Storage::Pages;
            (stream.is_empty() && room.most > page && is_seen)
                .then(|| Move::proceeds(page, page).with(give_page))
        },
    },
    Rule {
        id: "stream.write.completes",
        says: "A blocking write that did not fit at once returns its full length once its last \
               byte is transferred.",
        cite: &[Posix("write", "DESCRIPTION")],
        force: Force::Must,
        step: |at| {
            let (len, room) = write_room(at)?;
            let left = len - at.call.done;
            (at.call.entered && room.most == left).then(|| Move::transfers(left, left).with(give))
        },
    },
    Rule {
        id: "stream.write.in-parts",
        says: "A blocking write of more than PIPE_BUF bytes transfers those that fit and \
               continues, and other writes' bytes may come between its parts.",
        cite: &[Posix("write", "DESCRIPTION"), Man("pipe(7)", "PIPE_BUF")],
        force: Force::May,
        step: |at| {
            let (len, room) = write_room(at)?;
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
            let (len, room) = write_room(at)?;
            let most = room.most.min(len - at.call.done - 1);
            let least = room.least.max(promised(at).saturating_sub(at.call.done));
            (at.nonblock() && least <= most && most > 0)
                .then(|| Move::transfers(least, most).with(give))
        },
    },
    Rule {
        id: "stream.write.in-parts-nonblocking",
        says: "A nonblocking write of more than PIPE_BUF bytes may transfer them in parts, and \
               other writes' bytes may come between them.",
        cite: &[Posix("write", "DESCRIPTION")],
        force: Force::May,
        step: |at| {
            let (len, room) = write_room(at)?;
            let most = room.most.min(len - at.call.done - 1);
            (at.platform.storage == Storage::Bytes
                && at.nonblock()
                && room.least <= most
                && most > 0)
                .then(|| Move::proceeds(room.least, most).with(give))
        },
    },
    Rule {
        id: "stream.write.full-nonblocking",
        says: "A nonblocking write that finds no room transfers nothing and fails with EAGAIN.",
        cite: &[Posix("write", "DESCRIPTION"), Posix("write", "ERRORS [EAGAIN]")],
        force: Force::Must,
        step: |at| {
            let (_, room) = write_room(at)?;
            (at.nonblock() && room.none && at.call.done == 0 && !pages_hold_less(at))
                .then(|| ends_write(at, Move::fails(Errno::EAGAIN)))
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
            let (_, room) = write_room(at)?;
            (at.nonblock() && room.none && at.call.done == 0 && pages_hold_less(at))
                .then(|| ends_write(at, Move::fails(Errno::EAGAIN)))
        },
    },
    Rule {
        id: "stream.write.cut-short-nonblocking",
        says: "A write that finds no more room with O_NONBLOCK set, perhaps since it blocked, \
               returns the number of bytes transferred so far.",
        cite: &[Source("fs/pipe.c", "anon_pipe_write")],
        force: Force::Silent,
        step: |at| {
            let (_, room) = write_room(at)?;
            (at.nonblock() && room.none && at.call.done > 0 && at.call.done >= promised(at))
                .then(|| ends_write(at, Move::transfers(0, 0)))
        },
    },
    Rule {
        id: "stream.write.finds-no-room",
        says: "A blocking write that finds no room blocks.",
        cite: &[Posix("write", "DESCRIPTION"), Source("fs/pipe.c", "anon_pipe_write")],
        force: Force::May,
        step: |at| {
            let (_, room) = write_room(at)?;
            (room.none && !at.nonblock() && !at.call.entered)
                .then_some(Move::proceeds(0, 0).with(join_at_stream))
        },
    },
    Rule {
        id: "stream.write.waits",
        says: "A blocked write sleeps while there is no room and a read end is open.",
        cite: &[Posix("write", "DESCRIPTION"), Man("pipe(7)", "I/O on pipes and FIFOs")],
        force: Force::May,
        step: |at| {
            let (_, room) = write_room_of_line(at)?;
            (room.none && at.call.entered).then_some(Move::rests())
        },
    },
    Rule {
        id: "stream.write.waits-in-line",
        says: "Of several writes asleep on a pipe, the longest-waiting one takes the room, and the \
               others stay asleep until it has.",
        cite: &[
            Source("fs/pipe.c", "anon_pipe_write"),
            Observed("the longest waiter first, in 60 of 60 rounds of five writers", "Linux 6.18"),
        ],
        force: Force::Silent,
        step: |at| {
            let (_, room) = write_room_of_line(at)?;
            (!room.none && ahead(at) > 0).then_some(Move::rests())
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
        says: "A write whose last reader closes midway returns the number of bytes transferred so \
               far and raises SIGPIPE.",
        cite: &[Source("fs/pipe.c", "anon_pipe_write"), Observed("65536 + SIGPIPE", KERNELS)],
        force: Force::May,
        step: |at| {
            write_len(at).filter(|_| !at.has_reader() && at.call.done > 0)?;
            Some(Move::transfers(0, 0).raises(Signal::Sigpipe))
        },
    },
    Rule {
        id: "stream.write.reader-left-fails",
        says: "A write whose last reader closes midway may fail with EPIPE and raise SIGPIPE.",
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
        says: "A write of zero bytes to a pipe returns 0, raises no signal and wakes no reader, \
               even if no read end is open.",
        cite: &[Source("fs/pipe.c", "anon_pipe_write")],
        force: Force::Silent,
        step: |at| (write_len(at)? == 0).then_some(Move::answers(Answer::Count(0))),
    },
    Rule {
        id: "stream.write.zero-length-unspecified",
        says: "The result of a write of zero bytes to a pipe is unspecified.",
        cite: &[Posix("write", "DESCRIPTION")],
        force: Force::Unspecified,
        step: |at| {
            (write_len(at)? == 0)
                .then_some(Move::unspecified("a write of zero bytes to what is no regular file"))
        },
    },
    // Polling
    Rule {
        id: "stream.poll.looks-first",
        says: "A poll inspects a pipe's data first and its open ends second, and other calls may \
               come in between.",
        cite: &[Source("fs/pipe.c", "pipe_poll"), Posix("poll", "DESCRIPTION")],
        force: Force::May,
        step: |at| {
            // Alone, both looks see the same.
            let changes = |other: Scene<'_>| match other.op() {
                Op::Read { len } | Op::Write { len } => len > 0,
                op => matches!(op, Op::Close | Op::Open { .. } | Op::SetCapacity { .. }),
            };
            // An end open for both has itself on either side.
            let one_sided = polls(at) && at.reads() != at.writes();
            (one_sided && at.call.look == Look::Not && at.others_here().any(changes))
                .then(|| Move::proceeds(0, 0).with(look))
        },
    },
    Rule {
        id: "stream.poll.looks-again",
        says: "A poll with an infinite time-out that finds no event checks again before it sleeps.",
        cite: &[Source("fs/select.c", "do_poll"), Posix("poll", "DESCRIPTION")],
        force: Force::May,
        step: |at| {
            let (must, _) = found(at)?;
            (matches!(at.call.look, Look::At(_)) && must.is_empty() && polls_for_ever(at))
                .then(|| Move::proceeds(0, 0).with(look_again))
        },
    },
    Rule {
        id: "stream.poll.readable",
        says: "A poll reports POLLIN on a read end while the pipe has data.",
        cite: &[Posix("poll", "POLLIN"), Source("fs/pipe.c", "pipe_poll")],
        force: Force::Must,
        step: |at| {
            (polls(at) && at.reads() && in_use(at)? > 0).then_some(Move::reports(Events::IN))
        },
    },
    Rule {
        id: "stream.poll.readable-at-end",
        says: "A poll may report POLLIN on a read end while no write end is open, as a read would \
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
        says: "A poll reports POLLHUP on a read end, requested or not, after the last writer has \
               closed, together with POLLIN while data remains.",
        cite: &[Posix("poll", "POLLHUP"), Source("fs/pipe.c", "pipe_poll")],
        force: Force::Must,
        step: |at| {
            (polls(at) && at.reads() && !at.has_writer() && !never_had_writer(at))
                .then_some(Move::reports(Events::HUP))
        },
    },
    Rule {
        id: "stream.poll.hang-up-before-a-writer",
        says: "A poll may report POLLHUP on a FIFO opened for reading that has had no writer \
               since.",
        cite: &[Posix("poll", "POLLHUP"), Source("fs/pipe.c", "pipe_poll")],
        force: Force::May,
        step: |at| {
            (polls(at) && at.platform.poll_is_loose && never_had_writer(at))
                .then_some(Move::may_report(Events::HUP))
        },
    },
    Rule {
        id: "stream.poll.writable",
        says: "A poll reports POLLOUT on a write end while the pipe has a free page.",
        cite: &[Posix("poll", "POLLOUT"), Source("fs/pipe.c", "pipe_poll")],
        force: Force::May,
        step: |at| {
            let free = in_use(at)? < at.stream()?.slots_max;
            (polls(at) && at.writes() && at.platform.storage == Storage::Pages && free)
                .then_some(Move::reports(Events::OUT))
        },
    },
    Rule {
        id: "stream.poll.writable-when-empty",
        says: "A poll reports POLLOUT on a write end while the pipe is empty and a read end is \
               open.",
        cite: &[Posix("poll", "POLLOUT"), Posix("write", "DESCRIPTION")],
        force: Force::Must,
        step: |at| {
            let empty = in_use(at)? == 0 && at.has_reader();
            (polls(at) && at.writes() && at.platform.storage == Storage::Bytes && empty)
                .then_some(Move::reports(Events::OUT))
        },
    },
    Rule {
        id: "stream.poll.writable-perhaps",
        says: "A poll may report POLLOUT on a write end.",
        cite: &[Posix("poll", "POLLOUT")],
        force: Force::May,
        step: |at| {
            (polls(at) && at.writes() && at.platform.poll_is_loose)
                .then_some(Move::may_report(Events::OUT))
        },
    },
    Rule {
        id: "stream.poll.no-reader",
        says: "A poll reports POLLERR on a write end, requested or not, while no read end is open.",
        cite: &[Man("poll(2)", "POLLERR"), Source("fs/pipe.c", "pipe_poll")],
        force: Force::May,
        step: |at| {
            (polls(at) && at.writes() && !at.has_reader() && !at.platform.poll_is_loose)
                .then_some(Move::reports(Events::ERR))
        },
    },
    Rule {
        id: "stream.poll.no-reader-perhaps",
        says: "A poll may report POLLERR on a write end while no read end is open.",
        cite: &[Posix("poll", "POLLERR")],
        force: Force::May,
        step: |at| {
            (polls(at) && at.writes() && !at.has_reader() && at.platform.poll_is_loose)
                .then_some(Move::may_report(Events::ERR))
        },
    },
    // Capacity and the like
    Rule {
        id: "stream.capacity.is",
        says: "F_GETPIPE_SZ returns the capacity in bytes, on either end.",
        cite: &[Man("F_GETPIPE_SZ(2const)", "DESCRIPTION")],
        force: Force::Silent,
        step: |at| {
            (at.op() == Op::GetCapacity && !at.is_locked()).then_some(())?;
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
            Op::SetCapacity { bytes } if bytes > CAPACITY_LIMIT_BYTES => {
                at.stream()?;
                (!at.is_locked()).then_some(Move::fails(Errno::EINVAL))
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
            (at.op() == Op::Available && !at.is_locked())
                .then_some(Move::answers(Answer::Count(at.stream()?.len())))
        },
    },
    Rule {
        id: "stream.any.extension",
        says: "The results of F_SETPIPE_SZ, F_GETPIPE_SZ and FIONREAD on a pipe are unspecified.",
        cite: &[Posix("fcntl", "DESCRIPTION")],
        force: Force::Unspecified,
        step: |at| {
            at.stream()?;
            let extension =
                matches!(at.op(), Op::SetCapacity { .. } | Op::GetCapacity | Op::Available);
            extension.then_some(Move::unspecified("a call that the standard does not know"))
        },
    },
    Rule {
        id: "stream.any.takes-turns",
        says: "A call that needs a pipe's lock sleeps while another call holds it.",
        cite: &[Source("fs/pipe.c", "anon_pipe_write"), Source("fs/pipe.c", "pipe_release")],
        force: Force::Silent,
        step: |at| {
            at.stream().filter(|_| at.is_locked())?;
            let needs = match at.op() {
                Op::Read { len } => len > 0 && at.reads(),
                Op::Write { len } => len > 0 && at.writes(),
                Op::Close => holders(at)? == 1,
                op => matches!(op, Op::SetCapacity { .. } | Op::GetCapacity | Op::Available),
            };
            needs.then_some(Move::rests())
        },
    },
    Rule {
        id: "stream.release.discards",
        says: "The last release of a pipe or FIFO discards its unread data.",
        cite: &[Posix("close", "DESCRIPTION"), Man("pipe(7)", "I/O on pipes and FIFOs")],
        force: Force::Must,
        step: |at| {
            let object = at.released()?;
            matches!(at.world.objects[usize::from(object)], Object::Stream(_))
                .then_some(Move::releases(discard))
        },
    },
    // What files have
    Rule {
        id: "stream.truncate.no-file",
        says: "An ftruncate of a pipe or FIFO fails with EINVAL.",
        cite: &[Source("fs/open.c", "do_ftruncate"), Man("ftruncate(2)", "ERRORS")],
        force: Force::Silent,
        step: |at| {
            at.stream()?;
            matches!(at.op(), Op::Truncate { .. }).then_some(Move::fault(Errno::EINVAL))
        },
    },
    Rule {
        id: "stream.truncate.unspecified",
        says: "The result of an ftruncate of a pipe or FIFO is unspecified.",
        cite: &[Posix("ftruncate", "DESCRIPTION")],
        force: Force::Unspecified,
        step: |at| {
            at.stream()?;
            matches!(at.op(), Op::Truncate { .. })
                .then_some(Move::unspecified("ftruncate on what is no regular file"))
        },
    },
    Rule {
        id: "stream.seek.no-offset",
        says: "An lseek on a pipe or FIFO fails with ESPIPE.",
        cite: &[Posix("lseek", "ERRORS [ESPIPE]")],
        force: Force::Must,
        step: |at| {
            at.stream()?;
            matches!(at.op(), Op::Seek { .. }).then_some(Move::fault(Errno::ESPIPE))
        },
    },
    Rule {
        id: "stream.read-at.no-offset",
        says: "A pread on a pipe or FIFO fails with ESPIPE.",
        cite: &[Posix("read", "ERRORS [ESPIPE]")],
        force: Force::Must,
        step: |at| {
            at.stream()?;
            matches!(at.op(), Op::ReadAt { .. }).then_some(Move::fault(Errno::ESPIPE))
        },
    },
    Rule {
        id: "stream.read-at.not-for-reading",
        says: "A pread on a pipe end that is not open for reading fails with EBADF.",
        cite: &[Posix("read", "ERRORS [EBADF]")],
        force: Force::Must,
        step: |at| {
            at.stream()?;
            (matches!(at.op(), Op::ReadAt { .. }) && !at.reads())
                .then_some(Move::fault(Errno::EBADF))
        },
    },
    Rule {
        id: "stream.write-at.no-offset",
        says: "A pwrite on a pipe or FIFO fails with ESPIPE.",
        cite: &[Posix("write", "ERRORS [ESPIPE]")],
        force: Force::Must,
        step: |at| {
            at.stream()?;
            matches!(at.op(), Op::WriteAt { .. }).then_some(Move::fault(Errno::ESPIPE))
        },
    },
    Rule {
        id: "stream.write-at.not-for-writing",
        says: "A pwrite on a pipe end that is not open for writing fails with EBADF.",
        cite: &[Posix("write", "ERRORS [EBADF]")],
        force: Force::Must,
        step: |at| {
            at.stream()?;
            (matches!(at.op(), Op::WriteAt { .. }) && !at.writes())
                .then_some(Move::fault(Errno::EBADF))
        },
    },
];

/// What `round_pipe_size` refuses to exceed.
const CAPACITY_LIMIT_BYTES: u32 = 1 << 31;

/// The capacity that F_SETPIPE_SZ would set, in bytes: what is asked for, rounded up.
fn asked_capacity(at: &Scene<'_>) -> Option<u32> {
    at.stream().filter(|_| !at.is_locked())?;
    match at.op() {
        Op::SetCapacity { bytes } if bytes <= CAPACITY_LIMIT_BYTES => {
            Some(bytes.max(at.platform.page_bytes).next_power_of_two())
        }
        _ => None,
    }
}

fn polls(at: &Scene<'_>) -> bool {
    matches!(at.op(), Op::Poll { .. }) && at.stream().is_some()
}

fn polls_for_ever(at: &Scene<'_>) -> bool {
    matches!(at.op(), Op::Poll { wait: true, .. })
}

/// Pages in use, as the poll in progress goes by them.
fn in_use(at: &Scene<'_>) -> Option<u32> {
    let stream = at.stream()?;
    Some(match at.call.look {
        Look::At(pages) => pages,
        Look::Not | Look::Again => stream.in_use(at.platform),
    })
}

/// Whether a poll is in progress that has yet to look at what the stream holds.
fn is_polled(at: &Scene<'_>) -> bool {
    let looks =
        |call: &Pending| matches!((call.op, call.look), (Op::Poll { .. }, Look::Not | Look::Again));
    at.platform.storage == Storage::Pages && at.others_here().any(|other| looks(other.call))
}

/// Whether the call sleeps on, as something else was woken in its place.
fn is_passed_over(at: &Scene<'_>) -> bool {
    at.call.passed_over == PassedOver::Surely
}

/// The length of a read of a stream open for reading, in bytes. One of at least one byte waits for the lock.
fn read_len(at: &Scene<'_>) -> Option<u32> {
    at.stream()?;
    at.read_len().filter(|len| *len == 0 || !at.is_locked() && !is_passed_over(at))
}

/// The length of a write to a stream open for writing, in bytes. One of at least one byte waits for the lock.
fn write_len(at: &Scene<'_>) -> Option<u32> {
    at.stream()?;
    at.write_len().filter(|len| *len == 0 || !at.is_locked() && !is_passed_over(at))
}

/// What a write of at least one byte, with a reader to read it, could transfer now; with its length in
/// bytes. None where it waits in line.
fn write_room(at: &Scene<'_>) -> Option<(u32, Room)> {
    write_room_of_line(at).filter(|_| ahead(at) == 0)
}

/// The same of the first in line.
fn write_room_of_line(at: &Scene<'_>) -> Option<(u32, Room)> {
    let len = write_len(at).filter(|len| *len > 0 && at.has_reader())?;
    let room = at.stream()?.room(at.platform, len, at.call.done, at.call.entered);
    Some((len, room))
}

/// How much of a nonblocking write of more than PIPE_BUF bytes the standard promises: once all that was written before
/// is read, PIPE_BUF bytes, wherever other writes come between.
fn promised(at: &Scene<'_>) -> u32 {
    let alone = |stream: &Stream| stream.len() <= at.call.done;
    let promises = at.platform.storage == Storage::Bytes && at.stream().is_some_and(alone);
    if promises { at.platform.pipe_buf_bytes } else { 0 }
}

fn never_had_writer(at: &Scene<'_>) -> bool {
    at.reads() && at.description().is_some_and(|description| description.never_had_writer)
}

/// Whether this is a read of at least one byte that finds none, and somebody could still write.
fn nothing_to_read(at: &Scene<'_>) -> bool {
    read_len(at).is_some_and(|len| len > 0)
        && at.call.done == 0
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

fn take(act: &mut Act<'_>) {
    if let &mut Pending { op: Op::Read { len }, done, .. } = act.call() {
        take_up_to(act, len - done);
    }
}

/// Takes up to `most` bytes, after those that the call has taken already; gives the number.
fn take_up_to(act: &mut Act<'_>, most: u32) -> u32 {
    let platform = act.platform;
    // Who was woken for what a newcomer takes goes to sleep again, behind the others.
    if let Some(object) = act.object.filter(|_| !act.call().entered) {
        act.world.scatter(object, Line::Readers);
    }
    let Some(stream) = act.stream() else { return 0 };
    let (was_full, in_use) = (stream.is_full(), stream.slots.len());
    let taken = stream.take(platform, most);
    let (has_room, is_left) = (stream.slots.len() < in_use, !stream.is_empty());
    let call = act.call();
    let slept = call.entered;
    (call.holds, call.locks) = (false, false);
    let count = taken.iter().map(|segment| segment.len).sum();
    taken.into_iter().for_each(|segment| push_segment(&mut call.data, segment));
    if was_full && has_room {
        wake_here(act, Wake::one(Queue::Writers, Events::OUT).anew(true));
    }
    // Who has slept wakes the next who would read, where it leaves something.
    if slept && is_left {
        wake_here(act, Wake::one(Queue::Readers, Events::IN));
    }
    count
}

/// Who watches the pipe is woken, and who sleeps on it.
fn wake_here(act: &mut Act<'_>, event: Wake) {
    if let Some(object) = act.object {
        // Who moves is not asleep.
        let entered = std::mem::take(&mut act.call().entered);
        wake(act.world, object, event);
        let call = act.call();
        (call.entered, call.passed_over) = (entered, PassedOver::No);
    }
}

/// A write is over: each wakes who watches the read end, whether or not the pipe was empty (since Linux 5.14), and one that
/// has slept the next who would write.
fn wrote(act: &mut Act<'_>) {
    wrote_into(act, false);
}

/// The same of one that has found the pipe empty, or not.
fn wrote_into(act: &mut Act<'_>, was_empty: bool) {
    let slept = act.call().entered;
    let sure = was_empty || act.platform.each_write_wakes;
    wake_here(act, Wake::one(Queue::Readers, Events::IN).anew(was_empty).surely(sure));
    if slept && act.stream().is_some_and(|stream| !stream.is_full()) {
        wake_here(act, Wake::one(Queue::Writers, Events::OUT));
    }
}

/// A write that moves nothing more is over.
fn ends_write(at: &Scene<'_>, step: Move) -> Move {
    if at.world.wakes_matter() { step.with(wrote) } else { step }
}

/// Takes a part, and goes on.
fn take_part(act: &mut Act<'_>) {
    let taken = take_up_to(act, act.count);
    act.call().done += taken;
}

/// Takes a page, and goes on with the lock held.
fn take_page(act: &mut Act<'_>) {
    take_part(act);
    act.call().holds = true;
}

fn give(act: &mut Act<'_>) {
    let was_empty = finds_empty(act);
    give_more(act);
    wrote_into(act, was_empty);
}

/// Whether a write has found the pipe empty, when it began to hold its lock.
fn finds_empty(act: &mut Act<'_>) -> bool {
    act.stream().is_some_and(|stream| stream.is_empty()) || act.call().holds
}

fn give_more(act: &mut Act<'_>) {
    let &mut Act { platform, actor, count, .. } = act;
    let from = act.world.actors[usize::from(actor.0)].written;
    let call = act.call();
    let Op::Write { len } = call.op else { return };
    let (done, entered, description) = (call.done, call.entered, call.description);
    call.done += count;
    let goes_on = std::mem::take(&mut call.holds);
    call.locks = false;
    let packet = description.is_some_and(|index| act.world.descriptions[usize::from(index)].packet);
    let from = from + i64::from(done);
    if let Some(object) = act.object.filter(|_| !goes_on) {
        // A write that finds data wakes one more, where somebody has polled.
        if matches!(&act.world.objects[usize::from(object)], Object::Stream(stream) if !stream.is_empty())
        {
            act.world.scatter(object, Line::Readers);
        }
        // Who was woken for the room that a newcomer takes goes to sleep again, behind the others.
        if !entered {
            act.world.scatter(object, Line::Writers);
        }
    }
    if let Some(stream) = act.stream().filter(|_| count > 0) {
        stream.append(platform, actor, from, count, len, entered, packet);
    }
}

fn discard(act: &mut Act<'_>) {
    if let Some(stream) = act.stream() {
        stream.reset();
    }
}

/// The call begins to wait.
pub(super) fn enter(act: &mut Act<'_>) {
    act.call().entered = true;
}

fn give_and_enter(act: &mut Act<'_>) {
    let &mut Act { actor, .. } = act;
    let was_empty = finds_empty(act);
    give_more(act);
    // Before it sleeps it wakes who watches the read end only where the pipe was empty.
    if was_empty {
        wake_here(act, Wake::one(Queue::Readers, Events::IN).anew(true));
    }
    enter(act);
    // Where it has waited before, it goes to the end of the line.
    act.world.fall_back(actor);
}

/// Adds a page, and goes on with the lock held.
fn give_page(act: &mut Act<'_>) {
    give_more(act);
    act.call().holds = true;
}

/// What the stream holds is what poll goes by from here on.
fn look(act: &mut Act<'_>) {
    let &mut Act { platform, .. } = act;
    let writes = act.description().and_then(|d| d.mode).is_some_and(Mode::writes);
    let Some(pages) = act.stream().map(|stream| stream.in_use(platform)) else {
        return;
    };
    // On an end for reading alone, only whether there is any data matters.
    act.call().look = Look::At(if writes { pages } else { pages.min(1) });
}

fn look_again(act: &mut Act<'_>) {
    act.call().look = Look::Again;
}

fn set_capacity(act: &mut Act<'_>) {
    let &mut Act { platform, .. } = act;
    if let Op::SetCapacity { bytes } = act.call().op {
        let bytes = bytes.max(platform.page_bytes).next_power_of_two();
        if let Some(stream) = act.stream() {
            stream.slots_max = bytes / platform.page_bytes;
        }
        if let Some(object) = act.object {
            act.world.scatter(object, Line::Writers);
        }
        wake_here(act, Wake::one(Queue::Writers, Events::NONE));
    }
}
