//! Locks on whole files: who may talk, as far as all keep to it.
//!
//! Two sorts that don't see each other: those of `fcntl(2)` that belong to open file descriptions (OFD), and
//! those of `flock(2)`. Not modelled: locks of parts of a file, locks that belong to processes (`F_SETLK`),
//! which of several that wait comes first, interruption by a signal handler.

use crate::act::Act;
use crate::call::{Answer, Errno, Lock, Op};
use crate::channel::Object;
use crate::chapter::Chapter;
use crate::rule::Cite::{Man, Observed, Posix, Source};
use crate::rule::{Force, Move, Rule, Scene};
use crate::world::Description;

const KERNEL: &str = "Linux 6.18";

/// The chapter.
pub const CHAPTER: Chapter = Chapter {
    name: "lock",
    title: "Locks on whole files",
    of_all: true,
    rules: RULES,
    not_on_linux: &["lock.lock.refused-otherwise", "lock.any.unspecified"],
    not_in_posix: &[
        "lock.flock.taken",
        "lock.flock.converted",
        "lock.flock.given-up",
        "lock.flock.refused",
        "lock.flock.refused-and-lost",
        "lock.flock.drops-first",
        "lock.flock.waits",
    ],
    absent: |_| &[],
    overlaps: &[],
    exceptions: &[],
};

const RULES: &[Rule] = &[
    Rule {
        id: "lock.lock.taken",
        says: "A lock goes to an open file description where no other description holds one that excludes it: \
               an exclusive lock excludes all others, a shared one only exclusive ones. Who merely waits \
               excludes nobody.",
        cite: &[
            Posix("fcntl", "F_OFD_SETLK"),
            Man("fcntl_locking(2)", "Open file description locks"),
        ],
        force: Force::Must,
        step: |at| {
            let (lock, _) = asked(at)?;
            (holds(at) == Lock::None && !excluded(at, lock)).then_some(taken())
        },
    },
    Rule {
        id: "lock.lock.converted",
        says: "A lock belongs to the open file description: asked for again through any of its descriptors \
               it becomes shared or exclusive as asked, in one step.",
        cite: &[
            Posix("fcntl", "F_OFD_SETLK"),
            Man("fcntl_locking(2)", "Open file description locks"),
        ],
        force: Force::Must,
        step: |at| {
            let (lock, _) = asked(at)?;
            (holds(at) != Lock::None && !excluded(at, lock)).then_some(taken())
        },
    },
    Rule {
        id: "lock.lock.given-up",
        says: "A lock is given up through any descriptor of its description, whatever the mode; where none is \
               held nothing happens.",
        cite: &[Posix("fcntl", "F_OFD_SETLK")],
        force: Force::Must,
        step: |at| {
            let Op::Lock { lock: Lock::None, .. } = at.op() else { return None };
            lockable(at)?.then(taken)
        },
    },
    Rule {
        id: "lock.lock.refused",
        says: "A nonblocking request for a lock that conflicts with another description's fails with EAGAIN; what the \
               description holds already it keeps.",
        cite: &[
            Posix("fcntl", "ERRORS [EACCES] or [EAGAIN]"),
            Source("fs/locks.c", "posix_lock_inode"),
        ],
        force: Force::May,
        step: |at| {
            let (lock, wait) = asked(at)?;
            (!wait && excluded(at, lock)).then_some(Move::fault(Errno::EAGAIN))
        },
    },
    Rule {
        id: "lock.lock.refused-otherwise",
        says: "A lock may be refused with EACCES.",
        cite: &[Posix("fcntl", "ERRORS [EACCES] or [EAGAIN]")],
        force: Force::May,
        step: |at| {
            let (lock, wait) = asked(at)?;
            (!wait && excluded(at, lock)).then_some(Move::fault(Errno::EACCES))
        },
    },
    Rule {
        id: "lock.lock.waits",
        says: "F_OFD_SETLKW sleeps while another description holds a conflicting lock, and keeps the lock that it \
               holds: two that upgrade from shared to exclusive deadlock, which is not detected.",
        cite: &[
            Posix("fcntl", "F_OFD_SETLKW"),
            Source("fs/locks.c", "posix_locks_deadlock"),
            Observed("neither returns; EDEADLK never", KERNEL),
        ],
        force: Force::Must,
        step: |at| {
            let (lock, wait) = asked(at)?;
            (wait && excluded(at, lock)).then_some(Move::rests())
        },
    },
    Rule {
        id: "lock.lock.wrong-mode",
        says: "An exclusive lock through a descriptor that is not open for writing fails with EBADF, and a \
               shared one through one that is not open for reading.",
        cite: &[Posix("fcntl", "ERRORS [EBADF]"), Source("fs/locks.c", "fcntl_setlk")],
        force: Force::Must,
        step: |at| {
            let Op::Lock { lock, .. } = at.op() else { return None };
            let wrong = lockable(at)? && !fits(at, lock);
            wrong.then_some(Move::fault(Errno::EBADF))
        },
    },
    Rule {
        id: "lock.flock.taken",
        says: "A lock of flock goes to an open file description, whatever its mode, where no other description \
               holds one of flock that excludes it; those of fcntl don't count.",
        cite: &[Man("flock(2)", "DESCRIPTION"), Source("fs/locks.c", "flock_lock_inode")],
        force: Force::Silent,
        step: |at| {
            let (lock, _) = asked(at)?;
            (is_flock(at) && holds(at) == Lock::None && !excluded(at, lock)).then_some(flocked())
        },
    },
    Rule {
        id: "lock.flock.converted",
        says: "A lock of flock is converted through any descriptor of its description, in one step where no \
               other's excludes it.",
        cite: &[Man("flock(2)", "DESCRIPTION"), Source("fs/locks.c", "flock_lock_inode")],
        force: Force::Silent,
        step: |at| {
            let (lock, _) = asked(at)?;
            (is_flock(at) && holds(at) != Lock::None && !excluded(at, lock)).then_some(flocked())
        },
    },
    Rule {
        id: "lock.flock.given-up",
        says: "A lock of flock is given up through any descriptor of its description; where none is held \
               nothing happens.",
        cite: &[Man("flock(2)", "DESCRIPTION")],
        force: Force::Silent,
        step: |at| {
            let Op::Flock { lock: Lock::None, .. } = at.op() else { return None };
            lockable(at)?.then(flocked)
        },
    },
    Rule {
        id: "lock.flock.refused",
        says: "A nonblocking flock that conflicts with another description's lock fails with EAGAIN.",
        cite: &[Man("flock(2)", "ERRORS")],
        force: Force::Silent,
        step: |at| {
            let (lock, wait) = asked(at)?;
            (is_flock(at) && !wait && excluded(at, lock) && !other_held(at, lock))
                .then_some(Move::fails(Errno::EAGAIN))
        },
    },
    Rule {
        id: "lock.flock.refused-and-lost",
        says: "A conversion by flock gives up the old lock before it asks for the new: refused, it leaves the \
               description without any.",
        cite: &[Man("flock(2)", "NOTES"), Source("fs/locks.c", "flock_lock_inode")],
        force: Force::Silent,
        step: |at| {
            let (lock, wait) = asked(at)?;
            (is_flock(at) && !wait && excluded(at, lock) && other_held(at, lock))
                .then(|| Move::fails(Errno::EAGAIN).with(drop_flock))
        },
    },
    Rule {
        id: "lock.flock.drops-first",
        says: "A conversion by flock that has to wait gives up the old lock first, so that of two that convert \
               one gets through.",
        cite: &[Man("flock(2)", "NOTES"), Source("fs/locks.c", "flock_lock_inode")],
        force: Force::Silent,
        step: |at| {
            let (lock, wait) = asked(at)?;
            (is_flock(at) && wait && excluded(at, lock) && other_held(at, lock))
                .then(|| Move::proceeds(0, 0).with(drop_flock))
        },
    },
    Rule {
        id: "lock.flock.waits",
        says: "A blocking flock sleeps while another description holds a conflicting lock.",
        cite: &[Man("flock(2)", "DESCRIPTION")],
        force: Force::Silent,
        step: |at| {
            let (lock, wait) = asked(at)?;
            (is_flock(at)
                && wait
                && excluded(at, lock)
                && (at.call.entered || !other_held(at, lock)))
            .then_some(Move::rests())
        },
    },
    Rule {
        id: "lock.any.unspecified",
        says: "What flock does is not specified, nor what locks do on what is no file.",
        cite: &[Posix("fcntl", "ERRORS [EINVAL]")],
        force: Force::Unspecified,
        step: |at| {
            let (is_lock, is_flock) =
                (matches!(at.op(), Op::Lock { .. }), matches!(at.op(), Op::Flock { .. }));
            at.description()?;
            (is_flock || is_lock && at.file().is_none())
                .then_some(Move::unspecified("a lock that the standard does not know"))
        },
    },
];

/// Whether what is behind the end can be locked, as far as is specified; `None` where nothing is behind it.
fn lockable(at: &Scene<'_>) -> Option<bool> {
    let extension = !matches!(at.object()?, Object::File(_));
    // What lives in memory has no descriptor to lock.
    Some(!at.is_memory() && (at.platform.locks_of_all || !extension))
}

fn is_flock(at: &Scene<'_>) -> bool {
    matches!(at.op(), Op::Flock { .. })
}

/// Whether the mode of the end allows the lock.
fn fits(at: &Scene<'_>, lock: Lock) -> bool {
    match lock {
        Lock::None => true,
        Lock::Shared => at.reads(),
        Lock::Exclusive => at.writes(),
    }
}

/// The lock that is asked for, and whether the caller would wait for it.
fn asked(at: &Scene<'_>) -> Option<(Lock, bool)> {
    lockable(at)?.then_some(())?;
    match at.op() {
        Op::Lock { lock: Lock::None, .. } | Op::Flock { lock: Lock::None, .. } => None,
        Op::Lock { lock, wait } | Op::Flock { lock, wait } => Some((lock, wait)),
        _ => None,
    }
}

/// The lock of the sort asked for that a description holds.
fn of(at: &Scene<'_>, description: &Description) -> Lock {
    if is_flock(at) { description.flock } else { description.lock }
}

/// The lock of that sort that the call's description holds.
fn holds(at: &Scene<'_>) -> Lock {
    at.description().map_or(Lock::None, |description| of(at, description))
}

/// Whether the description holds another lock than that asked for.
fn other_held(at: &Scene<'_>, lock: Lock) -> bool {
    holds(at) != Lock::None && holds(at) != lock
}

/// Whether another description holds what excludes the lock.
fn excluded(at: &Scene<'_>, lock: Lock) -> bool {
    let Some(here) = at.description() else { return false };
    let others = at.world.descriptions.iter().enumerate();
    others.filter(|(index, _)| Some(*index) != at.call.description.map(usize::from)).any(
        |(_, other)| {
            let held = of(at, other);
            let excludes = held == Lock::Exclusive || held != Lock::None && lock == Lock::Exclusive;
            other.mode.is_some() && other.object == here.object && excludes
        },
    )
}

fn taken() -> Move {
    Move::answers(Answer::Done).with(set_lock)
}

fn flocked() -> Move {
    Move::answers(Answer::Done).with(set_flock)
}

fn set_lock(act: &mut Act<'_>) {
    let op = act.call().op;
    if let (Op::Lock { lock, .. }, Some(description)) = (op, act.description()) {
        description.lock = lock;
    }
}

fn set_flock(act: &mut Act<'_>) {
    let op = act.call().op;
    if let (Op::Flock { lock, .. }, Some(description)) = (op, act.description()) {
        description.flock = lock;
    }
}

/// The call begins to wait, or fails, without the lock that was held.
fn drop_flock(act: &mut Act<'_>) {
    act.call().entered = true;
    if let Some(description) = act.description() {
        description.flock = Lock::None;
    }
}
