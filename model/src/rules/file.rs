//! Regular files: reading and writing at offsets, what several see of one another, opening and removing.
//!
//! A read takes nothing away, and the end of a file means only that there is nothing yet: who waits for
//! data must look again and again.
//!
//! Calls under way are seen half done on Linux: what changes a file goes from its first byte to its last,
//! excluding others that change it; a read goes from its first byte to its last beside them, excluding
//! nobody. So a read may give the head of a write and not its tail, or, where the write overtakes it, the
//! tail and not the head. Only calls in progress at the same time can tell; others see whole calls.
//!
//! Not modelled: limits (`ENOSPC`, `EFBIG`, `EDQUOT`), offsets and sizes of 4 GiB and more, `SEEK_DATA` and
//! `SEEK_HOLE`, mappings, `O_DIRECT`, `O_CREAT`, permissions, setting `O_APPEND` of an open description.

use crate::act::Act;
use crate::call::{Answer, Errno, Events, Mode, Op, OpenFlags, Whence};
use crate::channel::file::Batch;
use crate::channel::{File, Object};
use crate::chapter::{Chapter, Exception};
use crate::data::{Segment, Segments, push_segment};
use crate::kind::Ends;
use crate::platform::Platform;
use crate::rule::Cite::{Man, Observed, Posix, Source};
use crate::rule::{Force, Move, Rule, Scene};
use crate::world::{Description, NAMED, Pending, Place, World};

const KERNEL: &str = "Linux 6.18";

/// The chapter.
pub const CHAPTER: Chapter = Chapter {
    name: "file",
    title: "Regular files",
    of_all: false,
    rules: RULES,
    not_on_linux: &["file.truncate.not-for-writing-otherwise", "file.any.extension"],
    not_in_posix: &[
        "file.any.reads-in-parts",
        "file.any.holds-pages",
        "file.any.reads-held-pages",
        "file.any.reads-cleared-pages",
        "file.any.changes-in-parts",
        "file.any.lengthens-first",
        "file.any.takes-turns",
        "file.any.no-pipe",
        "file.write-at.appends-all-the-same",
        "file.open.truncates-read-only",
        "file.available.counts",
    ],
    absent: |setup| match setup.kind.ends {
        Ends::Opened => &[],
        _ => &[
            "file.write.appends",
            "file.write-at.appends-all-the-same",
            "file.open.own-offset",
            "file.open.truncates",
            "file.open.truncates-read-only",
            "file.open.no-entry",
            "file.unlink.removes-path",
            "file.unlink.no-entry",
        ],
    },
    overlaps: &[],
    exceptions: &[
        Exception {
            rule: "file.any.reads-in-parts",
            why: "POSIX requires reads and writes of regular files to be atomic to each other \
                  (System Interfaces 2.9.7). Linux takes no lock for a read of ext4 or tmpfs: \
                  three in four reads of 20,000 bytes, concurrent with writes of the same bytes, \
                  were mixed.",
        },
        Exception {
            rule: "file.any.holds-pages",
            why: "As above: the file may change its size between the moment at which a read pins \
                  the pages and the copy.",
        },
        Exception {
            rule: "file.any.reads-held-pages",
            why: "As above: the read returns truncated bytes together with bytes written later.",
        },
        Exception {
            rule: "file.any.reads-cleared-pages",
            why: "As above: the read returns zeros that the file never held in place of truncated \
                  bytes.",
        },
        Exception {
            rule: "file.any.changes-in-parts",
            why: "As above: a write that extends the file grows it page by page, and concurrent \
                  calls see its first bytes alone.",
        },
        Exception {
            rule: "file.any.lengthens-first",
            why: "As above: the gap before a write beyond end of file can be seen before the \
                  write.",
        },
        Exception {
            rule: "file.write-at.appends-all-the-same",
            why: "POSIX requires pwrite to write at its offset whatever the flags; pwrite(2) lists \
                  the behaviour of Linux under BUGS.",
        },
    ],
};

const RULES: &[Rule] = &[
    // Reading
    Rule {
        id: "file.read.available",
        says: "A read of a file copies bytes from the offset, up to the requested length or end of \
               file, and advances the offset past them.",
        cite: &[Posix("read", "DESCRIPTION"), Source("mm/filemap.c", "filemap_read")],
        force: Force::Must,
        step: |at| {
            let (_, count) = reading(at).filter(|_| matches!(at.op(), Op::Read { .. }))?;
            ends_with(at, count).then(|| Move::transfers(count, count).with(gather_and_advance))
        },
    },
    Rule {
        id: "file.read.end",
        says: "A read at or beyond end of file returns 0 immediately, with or without O_NONBLOCK, \
               and never waits for a writer.",
        cite: &[Posix("read", "DESCRIPTION"), Man("read(2)", "RETURN VALUE")],
        force: Force::Must,
        step: |at| {
            let (_, count) = reading(at).filter(|_| matches!(at.op(), Op::Read { .. }))?;
            (count == 0 && at.call.done == 0 && batch(at).is_none())
                .then_some(Move::answers(Answer::Count(0)))
        },
    },
    Rule {
        id: "file.read.zero-length",
        says: "A read of zero bytes from a file returns 0.",
        cite: &[Posix("read", "DESCRIPTION")],
        force: Force::May,
        step: |at| {
            at.file()?;
            (at.read_len()? == 0 && !waits_its_turn(at)).then_some(Move::answers(Answer::Count(0)))
        },
    },
    Rule {
        id: "file.read-at.available",
        says: "A pread returns the bytes at the given offset, up to the requested length or end of \
               file, and leaves the file offset unchanged.",
        cite: &[Posix("read", "DESCRIPTION"), Man("pread(2)", "DESCRIPTION")],
        force: Force::Must,
        step: |at| {
            let (_, count) = reading(at).filter(|_| matches!(at.op(), Op::ReadAt { .. }))?;
            ends_with(at, count).then(|| Move::transfers(count, count).with(gather_and_end))
        },
    },
    Rule {
        id: "file.read-at.end",
        says: "A pread at or beyond end of file returns 0.",
        cite: &[Posix("read", "DESCRIPTION")],
        force: Force::Must,
        step: |at| {
            let (_, count) = reading(at).filter(|_| matches!(at.op(), Op::ReadAt { .. }))?;
            (count == 0 && at.call.done == 0 && batch(at).is_none())
                .then_some(Move::answers(Answer::Count(0)))
        },
    },
    Rule {
        id: "file.read-at.zero-length",
        says: "A pread of zero bytes from a file returns 0.",
        cite: &[Posix("read", "DESCRIPTION")],
        force: Force::May,
        step: |at| {
            at.file()?;
            (matches!(at.op(), Op::ReadAt { len: 0, at: 0.. }) && at.reads())
                .then_some(Move::answers(Answer::Count(0)))
        },
    },
    Rule {
        id: "file.read-at.not-for-reading",
        says: "A pread through a file descriptor not open for reading fails with EBADF, even for \
               zero bytes.",
        cite: &[Posix("read", "ERRORS [EBADF]")],
        force: Force::Must,
        step: |at| {
            at.file()?;
            (matches!(at.op(), Op::ReadAt { .. }) && !at.reads())
                .then_some(Move::fault(Errno::EBADF))
        },
    },
    Rule {
        id: "file.read-at.negative-offset",
        says: "A pread of a file at a negative offset fails with EINVAL.",
        cite: &[Posix("read", "ERRORS [EINVAL]"), Source("fs/read_write.c", "ksys_pread64")],
        force: Force::Must,
        step: |at| {
            at.file()?;
            matches!(at.op(), Op::ReadAt { at: ..0, .. }).then_some(Move::fault(Errno::EINVAL))
        },
    },
    // Writing
    Rule {
        id: "file.write.at-offset",
        says: "A write without O_APPEND stores all its bytes at the file offset, overwriting \
               existing ones, and advances the offset past them.",
        cite: &[Posix("write", "DESCRIPTION"), Source("mm/filemap.c", "generic_perform_write")],
        force: Force::Must,
        step: |at| {
            let (start, len) = writing(at).filter(|_| matches!(at.op(), Op::Write { .. }))?;
            (!appends(at) && start <= at.file()?.len()).then(|| transfers_rest(at, len))
        },
    },
    Rule {
        id: "file.write.beyond-end",
        says: "A write starting beyond end of file leaves a gap before its bytes that reads as \
               zeros.",
        cite: &[Posix("lseek", "DESCRIPTION"), Man("lseek(2)", "DESCRIPTION")],
        force: Force::Must,
        step: |at| {
            let (start, len) = writing(at).filter(|_| matches!(at.op(), Op::Write { .. }))?;
            (!appends(at) && start > at.file()?.len()).then(|| transfers_rest(at, len))
        },
    },
    Rule {
        id: "file.write.appends",
        says: "A write with O_APPEND seeks to end of file and writes there in one step, so \
               concurrent appends never overwrite each other.",
        cite: &[
            Posix("write", "DESCRIPTION"),
            Source("fs/read_write.c", "generic_write_checks"),
            Observed("4 processes, 12,000,000 bytes, none torn", KERNEL),
        ],
        force: Force::Must,
        step: |at| {
            let (_, len) = writing(at).filter(|_| matches!(at.op(), Op::Write { .. }))?;
            appends(at).then(|| transfers_rest(at, len))
        },
    },
    Rule {
        id: "file.write.zero-length",
        says: "A write of zero bytes to a file returns 0 without extending the file or moving the \
               offset.",
        cite: &[Posix("write", "DESCRIPTION")],
        force: Force::Must,
        step: |at| {
            at.file()?;
            (at.write_len()? == 0 && !waits_its_turn(at)).then_some(Move::answers(Answer::Count(0)))
        },
    },
    Rule {
        id: "file.write-at.at-position",
        says: "A pwrite stores all its bytes at the given offset, overwriting existing ones, and \
               leaves the file offset unchanged.",
        cite: &[Posix("write", "DESCRIPTION"), Man("pwrite(2)", "DESCRIPTION")],
        force: Force::Must,
        step: |at| {
            let (start, len) = writing(at).filter(|_| matches!(at.op(), Op::WriteAt { .. }))?;
            (!appends(at) && start <= at.file()?.len()).then(|| transfers_rest(at, len))
        },
    },
    Rule {
        id: "file.write-at.beyond-end",
        says: "A pwrite starting beyond end of file leaves a gap before its bytes that reads as \
               zeros.",
        cite: &[Posix("write", "DESCRIPTION"), Posix("lseek", "DESCRIPTION")],
        force: Force::Must,
        step: |at| {
            let (start, len) = writing(at).filter(|_| matches!(at.op(), Op::WriteAt { .. }))?;
            (!appends(at) && start > at.file()?.len()).then(|| transfers_rest(at, len))
        },
    },
    Rule {
        id: "file.write-at.appends-all-the-same",
        says: "A pwrite through a description with O_APPEND appends at end of file, whatever \
               offset it gives, and leaves the file offset unchanged.",
        cite: &[Man("pwrite(2)", "BUGS"), Source("fs/read_write.c", "generic_write_checks")],
        force: Force::Exception,
        step: |at| {
            let (_, len) = writing(at).filter(|_| matches!(at.op(), Op::WriteAt { .. }))?;
            appends(at).then(|| transfers_rest(at, len))
        },
    },
    Rule {
        id: "file.write-at.zero-length",
        says: "A pwrite of zero bytes to a file returns 0 and changes nothing.",
        cite: &[Posix("write", "DESCRIPTION")],
        force: Force::Must,
        step: |at| {
            at.file()?;
            (matches!(at.op(), Op::WriteAt { len: 0, at: 0.. }) && at.writes())
                .then_some(Move::answers(Answer::Count(0)))
        },
    },
    Rule {
        id: "file.write-at.not-for-writing",
        says: "A pwrite through a file descriptor not open for writing fails with EBADF, even for \
               zero bytes.",
        cite: &[Posix("write", "ERRORS [EBADF]")],
        force: Force::Must,
        step: |at| {
            at.file()?;
            (matches!(at.op(), Op::WriteAt { .. }) && !at.writes())
                .then_some(Move::fault(Errno::EBADF))
        },
    },
    Rule {
        id: "file.write-at.negative-offset",
        says: "A pwrite to a file at a negative offset fails with EINVAL, even with O_APPEND.",
        cite: &[Posix("write", "ERRORS [EINVAL]"), Source("fs/read_write.c", "ksys_pwrite64")],
        force: Force::Must,
        step: |at| {
            at.file()?;
            matches!(at.op(), Op::WriteAt { at: ..0, .. }).then_some(Move::fault(Errno::EINVAL))
        },
    },
    // Several at a time
    Rule {
        id: "file.any.reads-in-parts",
        says: "A read concurrent with a change to the file copies bytes front to back and may \
               return a mixture of old and new ones.",
        cite: &[
            Source("mm/filemap.c", "filemap_read"),
            Observed("73 % of reads of 20,000 bytes beside such writes are mixed", KERNEL),
        ],
        force: Force::Exception,
        step: |at| {
            let (len, count) = reading(at)?;
            let most = count.min((len - at.call.done).saturating_sub(1));
            (at.platform.file_transfers_in_parts && most > 0)
                .then(|| batch(at).is_some() || at.others_here().any(|other| changes(&other)))?
                .then(|| Move::proceeds(1, most).with(gather))
        },
    },
    Rule {
        id: "file.any.holds-pages",
        says: "A read concurrent with a change of the file's size may pin the current pages and \
               end where they end, whatever the new size.",
        cite: &[
            Source("mm/filemap.c", "filemap_read"),
            Observed(
                "100 of 150 bytes, the file grown and written over within the read (ext4)",
                KERNEL,
            ),
        ],
        force: Force::Exception,
        step: |at| {
            let (_, count) = reading(at)?;
            (at.platform.file_transfers_in_parts && count > 0 && batch(at).is_none())
                .then(|| at.others_here().any(|other| resizes(&other)))?
                .then(|| Move::proceeds(0, 0).with(hold))
        },
    },
    Rule {
        id: "file.any.reads-held-pages",
        says: "A read that has pinned pages may return their old contents after they are \
               truncated, even behind bytes written later.",
        cite: &[
            Source("mm/filemap.c", "filemap_read"),
            Source("mm/truncate.c", "truncate_inode_pages_range"),
            Observed("new, new, old pages: 200 of 200 reads stopped at the first (ext4)", KERNEL),
        ],
        force: Force::Exception,
        step: |at| {
            let (held, rest) = held(at)?;
            let cut: u32 = held.cut.iter().map(|segment| segment.len).sum();
            let most = cut.min(held.end).saturating_sub(position(at)?).min(rest);
            (most > 0).then(|| Move::proceeds(1, most).with(gather_held))
        },
    },
    Rule {
        id: "file.any.reads-cleared-pages",
        says: "A read that has pinned a partly truncated page may return zeros for the part that \
               was cut off.",
        cite: &[
            Source("mm/filemap.c", "filemap_read"),
            Source("mm/truncate.c", "truncate_inode_partial_folio"),
            Observed("100 new bytes and 3,996 zeros, the file having 100 (ext4, tmpfs)", KERNEL),
        ],
        force: Force::Exception,
        step: |at| {
            let (held, rest) = held(at)?;
            let position = position(at)?;
            let most = held.end.saturating_sub(position).min(rest);
            (most > 0 && position >= held.kept)
                .then(|| Move::proceeds(1, most).with(gather_cleared))
        },
    },
    Rule {
        id: "file.any.changes-in-parts",
        says: "A concurrent read or size query may see a write's first bytes without the rest, or \
               bytes zeroed by a shrinking ftruncate before their removal.",
        cite: &[
            Source("mm/filemap.c", "generic_perform_write"),
            Source("mm/truncate.c", "truncate_pagecache"),
            Observed("an append of 20,000 bytes seen as 4096, 8192, 12288, 16384", KERNEL),
        ],
        force: Force::Exception,
        step: |at| {
            let left = writing(at).map(|(_, len)| len - at.call.done).or_else(|| clearing(at))?;
            (at.platform.file_transfers_in_parts && left > 0)
                .then(|| at.others_here().any(|other| looks(&other)))?
                .then(|| Move::proceeds(1, left).with(put_part))
        },
    },
    Rule {
        id: "file.any.lengthens-first",
        says: "A write beyond end of file may be seen to extend the file to its starting offset \
               before it stores any bytes.",
        cite: &[
            Source("mm/filemap.c", "generic_perform_write"),
            Observed(
                "a size of 5,000 beside a write at 5,000 that is stopped at its first byte",
                KERNEL,
            ),
        ],
        force: Force::Exception,
        step: |at| {
            let (start, _) = writing(at)?;
            (at.platform.file_transfers_in_parts && start > at.file()?.len())
                .then(|| at.others_here().any(|other| looks(&other)))?
                .then(|| Move::proceeds(0, 0).with(lengthen))
        },
    },
    Rule {
        id: "file.any.takes-turns",
        says: "Calls that change one file, or use one description's offset, exclude each other: a \
               later one sleeps while an earlier one is partly done.",
        cite: &[
            Posix("2.9.7 Thread Interactions with File Operations", "DESCRIPTION"),
            Source("fs/file.c", "fdget_pos"),
            Source("mm/filemap.c", "generic_file_write_iter"),
        ],
        force: Force::May,
        step: |at| waits_its_turn(at).then_some(Move::rests()),
    },
    // Offset and size
    Rule {
        id: "file.seek.moves",
        says: "An lseek sets the file offset, even beyond end of file, and returns it without \
               changing the file.",
        cite: &[Posix("lseek", "DESCRIPTION")],
        force: Force::Must,
        step: |at| {
            let to = sought(at).filter(|to| *to >= 0 && !waits_its_turn(at))?;
            let to = u32::try_from(to).unwrap_or(u32::MAX);
            Some(Move::answers(Answer::Count(to)).with(seek))
        },
    },
    Rule {
        id: "file.seek.negative",
        says: "An lseek to a position before the start of a file fails with EINVAL and leaves the \
               offset unchanged.",
        cite: &[Posix("lseek", "ERRORS [EINVAL]")],
        force: Force::Must,
        step: |at| {
            let to = sought(at)?;
            (to < 0 && !waits_its_turn(at)).then_some(Move::fails(Errno::EINVAL))
        },
    },
    Rule {
        id: "file.truncate.shrinks",
        says: "An ftruncate to a smaller size discards the rest of the file and leaves all offsets \
               unchanged, even those beyond the new end.",
        cite: &[Posix("ftruncate", "DESCRIPTION")],
        force: Force::Must,
        step: |at| {
            let (len, size) = truncating(at)?;
            (len < size).then(|| Move::answers(Answer::Done).with(truncate))
        },
    },
    Rule {
        id: "file.truncate.grows",
        says: "An ftruncate to the same or a larger size fills the added part with zeros and \
               leaves all offsets unchanged.",
        cite: &[Posix("ftruncate", "DESCRIPTION")],
        force: Force::Must,
        step: |at| {
            let (len, size) = truncating(at)?;
            (len >= size).then(|| Move::answers(Answer::Done).with(truncate))
        },
    },
    Rule {
        id: "file.truncate.not-for-writing",
        says: "An ftruncate through a descriptor not open for writing fails with EINVAL.",
        cite: &[
            Posix("ftruncate", "ERRORS [EBADF] or [EINVAL]"),
            Source("fs/open.c", "do_ftruncate"),
        ],
        force: Force::May,
        step: |at| {
            at.file()?;
            (matches!(at.op(), Op::Truncate { .. }) && !at.writes())
                .then_some(Move::fault(Errno::EINVAL))
        },
    },
    Rule {
        id: "file.truncate.not-for-writing-otherwise",
        says: "An ftruncate through a descriptor not open for writing may fail with EBADF.",
        cite: &[Posix("ftruncate", "ERRORS [EBADF] or [EINVAL]")],
        force: Force::May,
        step: |at| {
            at.file()?;
            (matches!(at.op(), Op::Truncate { .. }) && !at.writes())
                .then_some(Move::fault(Errno::EBADF))
        },
    },
    Rule {
        id: "file.available.counts",
        says: "FIONREAD on a file returns the size minus the offset, modulo 2³², whatever the \
               access mode and even beyond end of file.",
        cite: &[Source("fs/ioctl.c", "do_vfs_ioctl"), Observed("-90, -5", KERNEL)],
        force: Force::Silent,
        step: |at| {
            let (size, offset) = (at.file()?.len(), at.description()?.offset);
            (at.op() == Op::Available)
                .then_some(Move::answers(Answer::Count(size.wrapping_sub(offset))))
        },
    },
    Rule {
        id: "file.poll.always",
        says: "A poll always reports a file readable and writable, whatever its offset and access \
               mode, and never reports POLLHUP or POLLERR.",
        cite: &[Posix("poll", "DESCRIPTION"), Man("poll(2)", "DESCRIPTION")],
        force: Force::Must,
        step: |at| {
            at.file()?;
            matches!(at.op(), Op::Poll { .. })
                .then_some(Move::reports(Events::IN.union(Events::OUT)))
        },
    },
    // What files have not
    Rule {
        id: "file.any.no-pipe",
        says: "F_SETPIPE_SZ and F_GETPIPE_SZ on a file fail with EBADF.",
        cite: &[Man("F_GETPIPE_SZ(2const)", "ERRORS"), Source("fs/pipe.c", "pipe_fcntl")],
        force: Force::Silent,
        step: |at| {
            at.file()?;
            matches!(at.op(), Op::SetCapacity { .. } | Op::GetCapacity)
                .then_some(Move::fault(Errno::EBADF))
        },
    },
    Rule {
        id: "file.any.extension",
        says: "The effect of FIONREAD, F_SETPIPE_SZ or F_GETPIPE_SZ on a file, or of O_TRUNC \
               without write access, is unspecified.",
        cite: &[Posix("open", "O_TRUNC"), Posix("fcntl", "DESCRIPTION")],
        force: Force::Unspecified,
        step: |at| {
            let on_file =
                matches!(at.op(), Op::SetCapacity { .. } | Op::GetCapacity | Op::Available)
                    && at.file().is_some();
            let opens = opening(at).is_some_and(|(mode, truncates)| truncates && !mode.writes());
            (on_file || opens)
                .then_some(Move::unspecified("a call that the standard does not know"))
        },
    },
    // Opening and removing
    Rule {
        id: "file.open.own-offset",
        says: "An open of a file creates a new open file description, with an offset of 0 that is \
               independent of all others.",
        cite: &[Posix("open", "DESCRIPTION")],
        force: Force::Must,
        step: |at| {
            let (_, truncates) = opening(at)?;
            (!truncates).then(|| Move::answers(Answer::Done).with(open))
        },
    },
    Rule {
        id: "file.open.truncates",
        says: "An open for writing with O_TRUNC empties the file for every descriptor and leaves \
               the offsets of other descriptions unchanged.",
        cite: &[Posix("open", "O_TRUNC")],
        force: Force::Must,
        step: |at| {
            let (mode, truncates) = opening(at)?;
            (truncates && mode.writes() && !waits_its_turn(at))
                .then(|| Move::answers(Answer::Done).with(open))
        },
    },
    Rule {
        id: "file.open.truncates-read-only",
        says: "An open for reading with O_TRUNC also empties the file.",
        cite: &[Man("open(2)", "O_TRUNC"), Observed("size 0", KERNEL)],
        force: Force::Silent,
        step: |at| {
            let (mode, truncates) = opening(at)?;
            (truncates && !mode.writes() && !waits_its_turn(at))
                .then(|| Move::answers(Answer::Done).with(open))
        },
    },
    Rule {
        id: "file.open.no-entry",
        says: "An open of a file's removed path fails with ENOENT, even if the file is still open \
               elsewhere.",
        cite: &[Posix("open", "ERRORS [ENOENT]")],
        force: Force::Must,
        step: |at| {
            (matches!(at.op(), Op::Open { .. })
                && is_file(at.world)
                && at.world.place == Place::Unlinked)
                .then_some(Move::fails(Errno::ENOENT))
        },
    },
    Rule {
        id: "file.unlink.removes-path",
        says: "An unlink removes the file's path and leaves the file intact for its open \
               descriptors.",
        cite: &[Posix("unlink", "DESCRIPTION")],
        force: Force::Must,
        step: |at| {
            (at.op() == Op::Unlink && is_file(at.world) && at.world.place == Place::Linked)
                .then(|| Move::answers(Answer::Done).with(unlink))
        },
    },
    Rule {
        id: "file.unlink.no-entry",
        says: "An unlink of a file's path that is already removed fails with ENOENT.",
        cite: &[Posix("unlink", "ERRORS [ENOENT]")],
        force: Force::Must,
        step: |at| {
            (at.op() == Op::Unlink && is_file(at.world) && at.world.place == Place::Unlinked)
                .then_some(Move::fails(Errno::ENOENT))
        },
    },
];

fn is_file(world: &World) -> bool {
    matches!(world.objects.first(), Some(Object::File(_)))
}

/// The mode of an open of a file whose path is there, and whether it is to empty the file.
fn opening(at: &Scene<'_>) -> Option<(Mode, bool)> {
    match at.op() {
        Op::Open { mode, flags } if is_file(at.world) && at.world.place == Place::Linked => {
            Some((mode, flags.contains(OpenFlags::TRUNCATE)))
        }
        _ => None,
    }
}

/// The length of a read of at least one byte in its turn, and how many bytes it would find now where it has
/// got to.
fn reading(at: &Scene<'_>) -> Option<(u32, u32)> {
    let len = at.op().asks().filter(|len| *len > 0 && at.reads())?;
    let from = position(at)?;
    let found = at.file()?.readable(from, len - at.call.done);
    let held = batch(at).map_or(found, |batch| batch.end.saturating_sub(from));
    (!waits_its_turn(at)).then_some((len, found.min(held)))
}

/// Where a read has got to.
fn position(at: &Scene<'_>) -> Option<u32> {
    let from = at.world.file_position(at.platform, at.call)?;
    Some(from.saturating_add(at.call.done))
}

/// What a read has taken hold of.
fn batch<'a>(at: &Scene<'a>) -> Option<&'a Batch> {
    at.file()?.batch(at.actor)
}

/// What a read has taken hold of, if some of it was cut off since; with how many bytes it has still to give.
fn held<'a>(at: &Scene<'a>) -> Option<(&'a Batch, u32)> {
    let rest = at.op().asks()? - at.call.done;
    let batch = batch(at).filter(|batch| batch.kept < u32::MAX)?;
    (!waits_its_turn(at)).then_some((batch, rest))
}

/// Whether a read that finds so many more bytes, or has got some, ends with them. One that holds pages ends where they
/// do, or, where it takes one page after the other (tmpfs), with any of them behind which there is no file any more.
fn ends_with(at: &Scene<'_>, count: u32) -> bool {
    let rest = at.op().asks().unwrap_or(0) - at.call.done;
    match (batch(at), position(at)) {
        (Some(batch), Some(from)) => {
            let page_ends = at.call.done > 0 && from.is_multiple_of(at.platform.page_bytes);
            count == batch.end.saturating_sub(from).min(rest) || count == 0 && page_ends
        }
        _ => count > 0 || at.call.done > 0,
    }
}

/// Where a write of at least one byte in its turn starts, and its length.
fn writing(at: &Scene<'_>) -> Option<(u32, u32)> {
    at.file()?;
    let len = at.op().offers().filter(|len| *len > 0 && at.writes())?;
    let start = at.world.file_position(at.platform, at.call)?;
    (!waits_its_turn(at)).then_some((start, len))
}

/// The length asked for by a ftruncate in its turn, and the size now.
fn truncating(at: &Scene<'_>) -> Option<(u32, u32)> {
    let size = at.file()?.len();
    match at.op() {
        Op::Truncate { len } if at.writes() && !waits_its_turn(at) => Some((len, size)),
        _ => None,
    }
}

/// How many bytes a ftruncate may still clear before it takes them away. A file that is emptied is not
/// cleared: whole pages go at once.
fn clearing(at: &Scene<'_>) -> Option<u32> {
    let (len, size) = truncating(at)?;
    (0 < len && len < size).then(|| size - len - at.call.done)
}

/// Where a lseek leads.
fn sought(at: &Scene<'_>) -> Option<i64> {
    let Op::Seek { from, offset } = at.op() else { return None };
    let base = match from {
        Whence::Start => 0,
        Whence::Current => at.description()?.offset,
        Whence::End => at.file()?.len(),
    };
    at.file()?;
    Some(i64::from(base) + i64::from(offset))
}

/// Whether a write goes to the end, wherever that is.
fn appends(at: &Scene<'_>) -> bool {
    at.description().is_some_and(|description| at.platform.appends(description, at.op()))
}

/// Whether the call changes the file.
fn changes(at: &Scene<'_>) -> bool {
    match at.op() {
        Op::Write { len: 1.. } | Op::WriteAt { len: 1.., .. } | Op::Truncate { .. } => at.writes(),
        _ => opening(at).is_some_and(|(_, truncates)| truncates),
    }
}

/// Whether the call may change the size of the file.
fn resizes(at: &Scene<'_>) -> bool {
    let Some(size) = at.file().map(File::len) else { return changes(at) };
    match at.op() {
        Op::Truncate { len } => changes(at) && len != size,
        op => {
            let end = at.world.file_position(at.platform, at.call).zip(op.offers());
            changes(at) && end.is_none_or(|(from, len)| from.saturating_add(len) > size)
        }
    }
}

/// Whether the call may see a change half done.
fn looks(at: &Scene<'_>) -> bool {
    match at.op() {
        Op::Read { len: 1.. } | Op::ReadAt { len: 1.., .. } => at.reads(),
        Op::Available | Op::Seek { from: Whence::End, .. } => true,
        _ => false,
    }
}

/// Whether the call uses the offset of its description.
fn uses_offset(op: Op) -> bool {
    matches!(op, Op::Read { .. } | Op::Write { .. } | Op::Seek { .. })
}

/// Whether another call has begun on its way after which this one comes.
fn waits_its_turn(at: &Scene<'_>) -> bool {
    if !at.platform.file_transfers_in_parts || !is_file(at.world) {
        return false;
    }
    let excludes = |other: &Scene<'_>| {
        let same = other.call.description == at.call.description;
        changes(at) && changes(other) || same && uses_offset(at.op()) && uses_offset(other.op())
    };
    let half_done = |other: &Scene<'_>| other.call.done > 0 || other.call.entered;
    at.others_here().any(|other| half_done(&other) && excludes(&other))
}

fn transfers_rest(at: &Scene<'_>, len: u32) -> Move {
    let left = len - at.call.done;
    Move::transfers(left, left).with(put_rest)
}

impl Platform {
    /// Whether a write by a description goes to the end of its file.
    fn appends(&self, description: &Description, op: Op) -> bool {
        let at_offset = matches!(op, Op::WriteAt { .. });
        description.append && (!at_offset || self.append_ignores_position)
    }
}

impl World {
    /// Where in its file a read or write in progress starts, if it is one.
    pub fn file_position(&self, platform: &Platform, call: &Pending) -> Option<u32> {
        let description = &self.descriptions[usize::from(call.description?)];
        let Object::File(file) = &self.objects[usize::from(description.object)] else {
            return None;
        };
        match call.op {
            Op::Write { .. } | Op::WriteAt { .. } if platform.appends(description, call.op) => {
                Some(file.len() - call.done)
            }
            Op::Read { .. } | Op::Write { .. } => Some(description.offset),
            Op::ReadAt { at, .. } | Op::WriteAt { at, .. } => u32::try_from(at).ok(),
            _ => None,
        }
    }
}

fn gather(act: &mut Act<'_>) {
    let &mut Act { platform, actor, count, .. } = act;
    let Some(call) = act.world.pending(actor) else { return };
    let from = act.world.file_position(platform, call).unwrap_or(0).saturating_add(call.done);
    let Some(file) = act.file() else { return };
    let names = file.names(from, count);
    give(act, names);
}

fn hold(act: &mut Act<'_>) {
    let &mut Act { actor, .. } = act;
    act.call().entered = true;
    if let Some(file) = act.file() {
        file.take_batch(actor);
    }
}

fn gather_held(act: &mut Act<'_>) {
    let &mut Act { platform, actor, count, .. } = act;
    let Some(call) = act.world.pending(actor) else { return };
    let from = act.world.file_position(platform, call).unwrap_or(0).saturating_add(call.done);
    let Some(batch) = act.file().and_then(|file| file.batch(actor)) else { return };
    let names = File { segments: Segments::from_slice(&batch.cut), ..File::default() };
    give(act, names.names(from, count));
}

fn gather_cleared(act: &mut Act<'_>) {
    let &mut Act { count, .. } = act;
    give(act, [Segment::zero(count)]);
}

fn lengthen(act: &mut Act<'_>) {
    let &mut Act { platform, actor, .. } = act;
    let Some(call) = act.world.pending(actor) else { return };
    let start = act.world.file_position(platform, call).unwrap_or(0);
    act.call().entered = true;
    if let Some(file) = act.file() {
        file.set_len(start);
    }
}

/// Adds bytes to those that a read gives.
fn give(act: &mut Act<'_>, names: impl IntoIterator<Item = Segment>) {
    let call = act.call();
    for name in names {
        call.done += name.len;
        push_segment(&mut call.data, name);
    }
}

fn gather_and_end(act: &mut Act<'_>) {
    let &mut Act { actor, .. } = act;
    gather(act);
    if let Some(file) = act.file() {
        file.drop_batch(actor);
    }
}

fn gather_and_advance(act: &mut Act<'_>) {
    gather_and_end(act);
    let done = act.call().done;
    if let Some(description) = act.description() {
        description.offset = description.offset.saturating_add(done);
    }
}

/// Puts the next bytes of a write, or clears the next that a ftruncate takes away.
fn put_part(act: &mut Act<'_>) {
    let &mut Act { platform, actor, count, .. } = act;
    let written = act.world.actors[usize::from(actor.0)].written;
    let Some(call) = act.world.pending(actor) else { return };
    let (op, done) = (call.op, call.done);
    let start = match op {
        Op::Truncate { len } => len,
        _ => act.world.file_position(platform, call).unwrap_or(0),
    };
    let bytes = match op {
        Op::Truncate { .. } => Segment::zero(count),
        _ => Segment { actor, from: written + i64::from(done), len: count },
    };
    act.call().done += count;
    if let Some(file) = act.file().filter(|_| count > 0) {
        file.put(start.saturating_add(done), bytes);
    }
}

fn put_rest(act: &mut Act<'_>) {
    let &mut Act { platform, actor, .. } = act;
    let Some(call) = act.world.pending(actor) else { return };
    let (op, start) = (call.op, act.world.file_position(platform, call).unwrap_or(0));
    put_part(act);
    if let (Op::Write { len }, Some(description)) = (op, act.description()) {
        description.offset = start.saturating_add(len);
    }
}

fn seek(act: &mut Act<'_>) {
    let &mut Act { platform, actor, .. } = act;
    let Some(call) = act.world.pending(actor) else { return };
    let found = (Events::NONE, Events::NONE);
    let to = sought(&Scene { platform, world: act.world, actor, call, found }).unwrap_or(0);
    if let Some(description) = act.description() {
        description.offset = u32::try_from(to).unwrap_or(u32::MAX);
    }
}

fn truncate(act: &mut Act<'_>) {
    let Op::Truncate { len } = act.call().op else { return };
    act.call().done = 0;
    if let Some(file) = act.file() {
        file.set_len(len);
    }
}

fn open(act: &mut Act<'_>) {
    let &mut Act { actor, .. } = act;
    let call = act.call();
    let (end, Op::Open { mode, flags }) = (call.end, call.op) else { return };
    let index = act.world.add_description(Description {
        append: flags.contains(OpenFlags::APPEND),
        nonblock: flags.contains(OpenFlags::NONBLOCK),
        ..Description::new(mode, NAMED)
    });
    act.world.set_end(actor, end, Some(index));
    if let Some(Object::File(file)) = act.world.objects.get_mut(usize::from(NAMED))
        && flags.contains(OpenFlags::TRUNCATE)
    {
        file.set_len(0);
    }
}

fn unlink(act: &mut Act<'_>) {
    act.world.place = Place::Unlinked;
}
