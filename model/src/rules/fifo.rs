//! Opening a FIFO: the rendezvous of readers and writers, and what removing the path does.
//!
//! What an open FIFO does is in [`super::stream`]. Not modelled: permissions, `O_CREAT` and `O_TRUNC`
//! (without effect on a FIFO), an open that a signal handler interrupts.

use super::stream::enter;
use super::wake::{Queue, Wake, wake};
use crate::act::Act;
use crate::call::{Answer, Errno, Mode, Op, OpenFlags};
use crate::channel::Object;
use crate::chapter::Chapter;
use crate::rule::Cite::{Man, Observed, Posix, Source};
use crate::rule::{Force, Move, Rule, Scene};
use crate::world::{Description, NAMED, Place, Progress, World};

/// The chapter.
pub const CHAPTER: Chapter = Chapter {
    name: "fifo",
    title: "Opening a FIFO",
    of_all: false,
    rules: RULES,
    not_on_linux: &["fifo.open.begins-to-wait-uncounted", "fifo.open.read-write-undefined"],
    not_in_posix: &[
        "fifo.open.read-write",
        "fifo.open.counts-a-moment-later",
        "fifo.open.takes-turns",
    ],
    absent: |_| &[],
    overlaps: &[],
    exceptions: &[],
};

const RULES: &[Rule] = &[
    Rule {
        id: "fifo.open.reader-meets-writer",
        says: "An open of a FIFO for reading succeeds immediately if a write end is open.",
        cite: &[Posix("open", "O_NONBLOCK"), Man("fifo(7)", "DESCRIPTION")],
        force: Force::Must,
        step: |at| {
            (opening(at)? == Mode::Read && at.world.has_writer(NAMED))
                .then(|| Move::answers(Answer::Done).with(open))
        },
    },
    Rule {
        id: "fifo.open.writer-meets-reader",
        says: "An open of a FIFO for writing succeeds immediately if a read end is open.",
        cite: &[Posix("open", "O_NONBLOCK"), Man("fifo(7)", "DESCRIPTION")],
        force: Force::Must,
        step: |at| {
            (opening(at)? == Mode::Write && at.world.has_reader(NAMED))
                .then(|| Move::answers(Answer::Done).with(open))
        },
    },
    Rule {
        id: "fifo.open.counts-a-moment-later",
        says: "A poll concurrent with an open of a FIFO for writing may briefly report POLLHUP on \
               a read end that never had a writer.",
        cite: &[
            Source("fs/pipe.c", "fifo_open"),
            Observed("beside 1,120 of 6,338,674 opens on another processor", "Linux 6.18"),
        ],
        force: Force::Silent,
        step: |at| {
            let meets = opening(at)? == Mode::Write && at.world.has_reader(NAMED);
            let waits = |other: Scene<'_>| {
                matches!(other.op(), Op::Poll { .. })
                    && other.description().is_some_and(|d| d.object == NAMED && d.never_had_writer)
            };
            (meets && !at.platform.poll_is_loose && !at.call.holds && at.others_here().any(waits))
                .then(|| Move::proceeds(0, 0).with(announce))
        },
    },
    Rule {
        id: "fifo.open.takes-turns",
        says: "An open of a FIFO sleeps while another call holds the FIFO's lock.",
        cite: &[Source("fs/pipe.c", "fifo_open")],
        force: Force::Silent,
        step: |at| {
            let opens = matches!(at.op(), Op::Open { .. }) && is_fifo(at) && !at.call.entered;
            // It has gone by the path then, whatever becomes of that.
            (opens && finds(at) && at.world.is_locked(NAMED, at.actor)).then(|| {
                match at.call.waits_on {
                    None => Move::proceeds(0, 0).with(find),
                    Some(_) => Move::rests(),
                }
            })
        },
    },
    Rule {
        id: "fifo.open.reader-nonblocking",
        says: "A nonblocking open of a FIFO for reading succeeds immediately even if no write end \
               is open.",
        cite: &[Posix("open", "O_NONBLOCK"), Source("fs/pipe.c", "fifo_open")],
        force: Force::Must,
        step: |at| {
            (opening(at)? == Mode::Read && nonblock(at) && !at.world.has_writer(NAMED))
                .then(|| Move::answers(Answer::Done).with(open_without_writer))
        },
    },
    Rule {
        id: "fifo.open.writer-nonblocking",
        says: "A nonblocking open of a FIFO for writing fails with ENXIO if no read end is open.",
        cite: &[Posix("open", "ERRORS [ENXIO]"), Man("fifo(7)", "DESCRIPTION")],
        force: Force::Must,
        step: |at| {
            (opening(at)? == Mode::Write && nonblock(at) && !at.world.has_reader(NAMED))
                .then_some(Move::fails(Errno::ENXIO))
        },
    },
    Rule {
        id: "fifo.open.begins-to-wait",
        says: "A blocking open of a FIFO whose other side is not open begins to wait and already \
               counts as an open end.",
        cite: &[Source("fs/pipe.c", "fifo_open"), Posix("open", "O_NONBLOCK")],
        force: Force::May,
        step: |at| finds_nobody(at)?.then(|| Move::proceeds(0, 0).with(enter_and_count)),
    },
    Rule {
        id: "fifo.open.begins-to-wait-uncounted",
        says: "A blocking open of a FIFO that waits for the other side need not yet count as an \
               open end.",
        cite: &[Posix("open", "O_NONBLOCK")],
        force: Force::May,
        step: |at| {
            (at.platform.waiting_open_may_not_count && finds_nobody(at)?)
                .then(|| Move::proceeds(0, 0).with(enter))
        },
    },
    Rule {
        id: "fifo.open.waits",
        says: "A blocked open of a FIFO sleeps until the other side is opened.",
        cite: &[Posix("open", "O_NONBLOCK"), Man("fifo(7)", "DESCRIPTION")],
        force: Force::Must,
        step: |at| (waiting(at)? && !partner_came(at)).then_some(Move::rests()),
    },
    Rule {
        id: "fifo.open.partner-came",
        says: "A blocked open of a FIFO succeeds once the other side has been opened, even if that \
               end is already closed again.",
        cite: &[Posix("open", "O_NONBLOCK"), Source("fs/pipe.c", "wait_for_partner")],
        force: Force::Must,
        step: |at| {
            (waiting(at)? && partner_came(at)).then(|| Move::answers(Answer::Done).with(open))
        },
    },
    Rule {
        id: "fifo.open.read-write",
        says: "An open of a FIFO for both reading and writing succeeds immediately.",
        cite: &[Man("fifo(7)", "DESCRIPTION"), Source("fs/pipe.c", "fifo_open")],
        force: Force::Silent,
        step: |at| {
            (opening(at)? == Mode::ReadWrite).then(|| Move::answers(Answer::Done).with(open))
        },
    },
    Rule {
        id: "fifo.open.read-write-undefined",
        says: "The result of an open of a FIFO for both reading and writing is undefined.",
        cite: &[Posix("open", "O_RDWR")],
        force: Force::Unspecified,
        step: |at| {
            (opening(at)? == Mode::ReadWrite).then_some(Move::unspecified("O_RDWR on a FIFO"))
        },
    },
    Rule {
        id: "fifo.open.no-entry",
        says: "An open of a FIFO's removed path fails with ENOENT, even while the FIFO is still \
               open.",
        cite: &[Posix("open", "ERRORS [ENOENT]")],
        force: Force::Must,
        step: |at| {
            let gone = is_fifo(at) && at.world.place == Place::Unlinked;
            (matches!(at.op(), Op::Open { .. }) && gone && !finds(at) && !at.call.entered)
                .then_some(Move::fails(Errno::ENOENT))
        },
    },
    Rule {
        id: "fifo.unlink.removes-path",
        says: "An unlink of a FIFO's path affects neither its open ends nor blocked opens.",
        cite: &[Posix("unlink", "DESCRIPTION"), Observed("data goes on flowing", "Linux 6.18")],
        force: Force::Must,
        step: |at| {
            (at.op() == Op::Unlink && is_fifo(at) && at.world.place == Place::Linked)
                .then(|| Move::answers(Answer::Done).with(unlink))
        },
    },
    Rule {
        id: "fifo.unlink.no-entry",
        says: "An unlink of a FIFO's path that is already removed fails with ENOENT.",
        cite: &[Posix("unlink", "ERRORS [ENOENT]")],
        force: Force::Must,
        step: |at| {
            (at.op() == Op::Unlink && is_fifo(at) && at.world.place == Place::Unlinked)
                .then_some(Move::fails(Errno::ENOENT))
        },
    },
];

/// The mode of an open that has found the FIFO and not yet begun to wait.
fn opening(at: &Scene<'_>) -> Option<Mode> {
    match at.op() {
        Op::Open { mode, .. }
            if is_fifo(at)
                && finds(at)
                && !at.call.entered
                && !at.world.is_locked(NAMED, at.actor) =>
        {
            Some(mode)
        }
        _ => None,
    }
}

/// Whether this is a blocking open for one side that finds nobody at the other.
fn finds_nobody(at: &Scene<'_>) -> Option<bool> {
    let met = match opening(at)? {
        Mode::Read => at.world.has_writer(NAMED),
        Mode::Write => at.world.has_reader(NAMED),
        Mode::ReadWrite => true,
    };
    Some(!met && !nonblock(at))
}

/// Whether this is an open that has begun to wait.
fn waiting(at: &Scene<'_>) -> Option<bool> {
    matches!(at.op(), Op::Open { .. }).then_some(at.call.entered)
}

/// Whether somebody has opened the other side since this open began to wait. Where a waiting open
/// need not count, another that waits for this side is as good.
fn partner_came(at: &Scene<'_>) -> bool {
    let Op::Open { mode, .. } = at.op() else { return false };
    at.call.partner_came
        || at.platform.waiting_open_may_not_count
            && at.world.actors.iter().any(|actor| {
                matches!(&actor.call, Some(call) if call.entered
                    && call.progress == Progress::Open
                    && matches!(call.op, Op::Open { mode: other, .. } if other != mode))
            })
}

/// Whether an open finds the FIFO by its path, or has found it.
fn finds(at: &Scene<'_>) -> bool {
    at.world.place == Place::Linked || at.call.waits_on == Some(NAMED)
}

/// Whether what the path leads to, or led to, is a FIFO.
fn is_fifo(at: &Scene<'_>) -> bool {
    matches!(at.world.objects.first(), Some(Object::Stream(_)))
}

fn nonblock(at: &Scene<'_>) -> bool {
    matches!(at.op(), Op::Open { flags, .. } if flags.contains(OpenFlags::NONBLOCK))
}

fn find(act: &mut Act<'_>) {
    act.call().waits_on = Some(NAMED);
}

fn enter_and_count(act: &mut Act<'_>) {
    enter(act);
    let call = act.call();
    call.counted = true;
    if let Op::Open { mode, .. } = call.op {
        come(act.world, mode);
    }
}

/// Tells all who wait for it that somebody has opened a side, and who watches the FIFO where nobody had it open so.
fn come(world: &mut World, side: Mode) {
    let first =
        side.reads() && !world.has_reader(NAMED) || side.writes() && !world.has_writer(NAMED);
    if first {
        wake(world, NAMED, Wake::all(Queue::Readers));
    }
    for actor in &mut world.actors {
        let Some(call) = &mut actor.call else { continue };
        let Op::Open { mode, .. } = call.op else { continue };
        if call.entered
            && (mode == Mode::Read && side.writes() || mode == Mode::Write && side.reads())
        {
            call.partner_came = true;
        }
    }
    if side.writes() {
        had_writer(world);
    }
}

/// `poll` tells of hang-ups from here on.
fn had_writer(world: &mut World) {
    for description in world.descriptions.iter_mut().filter(|d| d.object == NAMED) {
        description.never_had_writer = false;
    }
}

/// There was a writer; it counts as one a moment later.
fn announce(act: &mut Act<'_>) {
    had_writer(act.world);
    act.call().holds = true;
}

fn open(act: &mut Act<'_>) {
    let &mut Act { actor, .. } = act;
    let call = act.call();
    let (end, counted) = (call.end, call.counted);
    call.counted = false;
    call.holds = false;
    let Op::Open { mode, flags } = call.op else { return };
    if !counted {
        come(act.world, mode);
    }
    let index = act.world.add_description(Description {
        nonblock: flags.contains(OpenFlags::NONBLOCK),
        ..Description::new(mode, NAMED)
    });
    act.world.set_end(actor, end, Some(index));
}

fn open_without_writer(act: &mut Act<'_>) {
    let &mut Act { actor, .. } = act;
    open(act);
    let end = act.call().end;
    if let Some(index) = act.world.end(actor, end) {
        act.world.descriptions[usize::from(index)].never_had_writer = true;
    }
}

fn unlink(act: &mut Act<'_>) {
    act.world.place = Place::Unlinked;
}
