//! Locks on whole files: who may talk, as far as all keep to it.
//!
//! Two sorts that don't see each other: those of `fcntl(2)`, which belong to open file descriptions (OFD) or to processes,
//! and those of `flock(2)`. Not modelled: locks of parts of a file, which of several that wait comes first.

use smallvec::SmallVec;

use crate::act::Act;
use crate::call::{Actor, Answer, Errno, Lock, Op};
use crate::channel::Object;
use crate::chapter::Chapter;
use crate::index::DescriptionIndex;
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
    not_on_linux: &[
        "lock.lock.refused-otherwise",
        "lock.process-lock.refused-otherwise",
        "lock.any.unspecified",
        "lock.any.not-supported",
    ],
    not_in_posix: &[
        "lock.flock.taken",
        "lock.flock.converted",
        "lock.flock.given-up",
        "lock.flock.refused",
        "lock.flock.refused-and-lost",
        "lock.flock.drops-first",
        "lock.flock.waits",
        "lock.process-lock.deadlock",
    ],
    absent: |_| NEED_PROCESSES,
    overlaps: &[],
    exceptions: &[],
};

/// Rules that only runs show whose actors are known to be processes.
const NEED_PROCESSES: &[&str] = &[
    "lock.process-lock.taken",
    "lock.process-lock.closed-meanwhile",
    "lock.process-lock.given-up",
    "lock.process-lock.refused",
    "lock.process-lock.refused-otherwise",
    "lock.process-lock.begins-to-wait",
    "lock.process-lock.waits",
    "lock.process-lock.deadlock",
    "lock.process-lock.deadlock-of-some",
    "lock.process-lock.wrong-mode",
];

const RULES: &[Rule] = &[
    Rule {
        id: "lock.lock.taken",
        says: "A new OFD lock is granted unless another owner holds an exclusive fcntl lock, or, \
               if the request is exclusive, any fcntl lock.",
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
        says: "An OFD lock requested again through any descriptor of its description is converted \
               in one step, unless another owner's lock conflicts.",
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
        says: "F_OFD_SETLK with F_UNLCK, through any descriptor of the description, releases its \
               lock if it has one, whatever the access mode.",
        cite: &[Posix("fcntl", "F_OFD_SETLK")],
        force: Force::Must,
        step: |at| {
            let Op::Lock { lock: Lock::None, .. } = at.op() else { return None };
            lockable(at)?.then(taken)
        },
    },
    Rule {
        id: "lock.lock.refused",
        says: "A nonblocking OFD lock request that conflicts with another owner's lock fails with \
               EAGAIN and leaves the description's own lock unchanged.",
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
        says: "A nonblocking OFD lock request that conflicts with another owner's lock may fail \
               with EACCES.",
        cite: &[Posix("fcntl", "ERRORS [EACCES] or [EAGAIN]")],
        force: Force::May,
        step: |at| {
            let (lock, wait) = asked(at)?;
            (!wait && excluded(at, lock)).then_some(Move::fault(Errno::EACCES))
        },
    },
    Rule {
        id: "lock.lock.waits",
        says: "F_OFD_SETLKW sleeps while another owner's lock conflicts, and keeps its own lock: \
               two upgrades of shared locks deadlock undetected.",
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
        says: "An exclusive OFD lock through a descriptor not open for writing, or a shared one \
               through one not open for reading, fails with EBADF.",
        cite: &[Posix("fcntl", "ERRORS [EBADF]"), Source("fs/locks.c", "fcntl_setlk")],
        force: Force::Must,
        step: |at| {
            let Op::Lock { lock, .. } = at.op() else { return None };
            let wrong = lockable(at)? && !fits(at, lock);
            wrong.then_some(Move::fault(Errno::EBADF))
        },
    },
    Rule {
        id: "lock.process-lock.taken",
        says: "F_SETLK grants the process a lock, not inherited by children, that replaces its \
               previous one, unless another owner's fcntl lock conflicts.",
        cite: &[Posix("fcntl", "F_SETLK"), Posix("fork", "DESCRIPTION")],
        force: Force::Must,
        step: |at| {
            let (lock, _) = asked_by_process(at)?;
            let fails = at.platform.looks_up_locked_again && is_closed(at);
            (blockers(at, lock).is_empty() && !fails)
                .then(|| Move::answers(Answer::Done).with(take_process_lock))
        },
    },
    Rule {
        id: "lock.process-lock.closed-meanwhile",
        says: "F_SETLK, once it acquires its lock, drops the process's locks on the file and fails \
               with EBADF if another thread closed the descriptor meanwhile.",
        cite: &[
            Posix("fcntl", "ERRORS [EBADF]"),
            Source("fs/locks.c", "fcntl_setlk"),
            Observed("EBADF once the lock comes free, not as the descriptor is closed", KERNEL),
        ],
        force: Force::May,
        step: |at| {
            let (lock, _) = asked_by_process(at)?;
            blockers(at, lock).is_empty().then_some(())?;
            let has_threads = at.world.takers(at.world.leader(at.actor)).nth(1).is_some();
            match is_closed(at) {
                true => Some(Move::fails(Errno::EBADF).with(lose_process_lock)),
                // It is looked up again after the lock was got.
                false => (has_threads && !at.call.partner_came)
                    .then(|| Move::proceeds(0, 0).with(get_process_lock)),
            }
        },
    },
    Rule {
        id: "lock.process-lock.given-up",
        says: "F_SETLK with F_UNLCK through any descriptor of the file, or a close of any such \
               descriptor, releases the process's lock on it.",
        cite: &[Posix("fcntl", "DESCRIPTION"), Source("fs/locks.c", "locks_remove_posix")],
        force: Force::Must,
        step: |at| {
            let Op::ProcessLock { lock: Lock::None, .. } = at.op() else { return None };
            lockable(at)?.then(|| Move::answers(Answer::Done).with(set_process_lock))
        },
    },
    Rule {
        id: "lock.process-lock.refused",
        says: "F_SETLK for a lock that conflicts with another owner's fails with EAGAIN.",
        cite: &[
            Posix("fcntl", "ERRORS [EACCES] or [EAGAIN]"),
            Source("fs/locks.c", "posix_lock_inode"),
        ],
        force: Force::May,
        step: |at| {
            let (lock, wait) = asked_by_process(at)?;
            (!wait && !blockers(at, lock).is_empty()).then_some(Move::fault(Errno::EAGAIN))
        },
    },
    Rule {
        id: "lock.process-lock.refused-otherwise",
        says: "F_SETLK for a lock that conflicts with another owner's may fail with EACCES.",
        cite: &[Posix("fcntl", "ERRORS [EACCES] or [EAGAIN]")],
        force: Force::May,
        step: |at| {
            let (lock, wait) = asked_by_process(at)?;
            (!wait && !blockers(at, lock).is_empty()).then_some(Move::fault(Errno::EACCES))
        },
    },
    Rule {
        id: "lock.process-lock.begins-to-wait",
        says: "F_SETLKW begins to wait if another owner's lock conflicts and no deadlock is \
               detected.",
        cite: &[Posix("fcntl", "F_SETLKW"), Source("fs/locks.c", "posix_lock_inode")],
        force: Force::Must,
        step: |at| {
            let (lock, wait) = asked_by_process(at)?;
            let blockers = blockers(at, lock);
            let waits = wait && !blockers.is_empty() && !at.call.entered;
            (waits && may_wait(at, &blockers)).then(|| Move::proceeds(0, 0).with(enter))
        },
    },
    Rule {
        id: "lock.process-lock.waits",
        says: "F_SETLKW that has begun to wait sleeps while another owner's lock conflicts and no \
               deadlock is detected.",
        cite: &[Posix("fcntl", "F_SETLKW")],
        force: Force::Must,
        step: |at| {
            let (lock, _) = asked_by_process(at)?;
            let blockers = blockers(at, lock);
            let waits = at.call.entered && !blockers.is_empty();
            (waits && may_wait(at, &blockers)).then_some(Move::rests())
        },
    },
    Rule {
        id: "lock.process-lock.deadlock",
        says: "F_SETLKW fails with EDEADLK if every process that holds a conflicting lock waits, \
               directly or through others, for the caller's process.",
        cite: &[Posix("fcntl", "ERRORS [EDEADLK]"), Source("fs/locks.c", "posix_locks_deadlock")],
        force: Force::May,
        step: |at| {
            let (lock, wait) = asked_by_process(at)?;
            let seen = wait && at.platform.sees_deadlocks;
            (seen && cycle(at, &blockers(at, lock)) == Cycle::OfAll)
                .then_some(Move::fault(Errno::EDEADLK))
        },
    },
    Rule {
        id: "lock.process-lock.deadlock-of-some",
        says: "F_SETLKW may fail with EDEADLK if at least one process that holds a conflicting \
               lock waits, directly or through others, for the caller's.",
        cite: &[
            Posix("fcntl", "ERRORS [EDEADLK]"),
            Source("fs/locks.c", "what_owner_is_waiting_for"),
            Observed("of three that upgrade the second waits, the third is told", KERNEL),
        ],
        force: Force::May,
        step: |at| {
            let (lock, wait) = asked_by_process(at)?;
            let found = wait.then(|| cycle(at, &blockers(at, lock)))?;
            let some =
                found == Cycle::OfSome || found == Cycle::OfAll && !at.platform.sees_deadlocks;
            some.then_some(Move::fails(Errno::EDEADLK))
        },
    },
    Rule {
        id: "lock.process-lock.wrong-mode",
        says: "An exclusive lock by F_SETLK through a descriptor not open for writing, or a shared \
               one through one not open for reading, fails with EBADF.",
        cite: &[Posix("fcntl", "ERRORS [EBADF]"), Source("fs/locks.c", "fcntl_setlk")],
        force: Force::Must,
        step: |at| {
            let Op::ProcessLock { lock, .. } = at.op() else { return None };
            (lockable(at)? && !fits(at, lock)).then_some(Move::fault(Errno::EBADF))
        },
    },
    Rule {
        id: "lock.flock.taken",
        says: "A new flock lock is granted to the description, whatever its access mode and any \
               fcntl locks, unless another description's flock lock conflicts.",
        cite: &[Man("flock(2)", "DESCRIPTION"), Source("fs/locks.c", "flock_lock_inode")],
        force: Force::Silent,
        step: |at| {
            let (lock, _) = asked(at)?;
            (is_flock(at) && holds(at) == Lock::None && !excluded(at, lock)).then_some(flocked())
        },
    },
    Rule {
        id: "lock.flock.converted",
        says: "A flock lock requested again through any descriptor of its description is converted \
               in one step, unless another description's flock lock conflicts.",
        cite: &[Man("flock(2)", "DESCRIPTION"), Source("fs/locks.c", "flock_lock_inode")],
        force: Force::Silent,
        step: |at| {
            let (lock, _) = asked(at)?;
            (is_flock(at) && holds(at) != Lock::None && !excluded(at, lock)).then_some(flocked())
        },
    },
    Rule {
        id: "lock.flock.given-up",
        says: "LOCK_UN through any descriptor of the description releases its flock lock, if it \
               has one.",
        cite: &[Man("flock(2)", "DESCRIPTION")],
        force: Force::Silent,
        step: |at| {
            let Op::Flock { lock: Lock::None, .. } = at.op() else { return None };
            lockable(at)?.then(flocked)
        },
    },
    Rule {
        id: "lock.flock.refused",
        says: "A nonblocking flock with no lock to convert fails with EAGAIN if another \
               description's flock lock conflicts.",
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
        says: "A nonblocking conversion by flock that conflicts with another description's lock \
               fails with EAGAIN and loses the lock held before.",
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
        says: "A blocking conversion by flock that conflicts with another description's lock \
               releases the old lock before it waits, so one of two competing conversions \
               succeeds.",
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
        says: "A blocking flock sleeps while another description's flock lock conflicts.",
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
        id: "lock.any.not-supported",
        says: "An fcntl lock on a pipe or FIFO may fail with EINVAL: record locking need be supported for \
               regular files only.",
        cite: &[Posix("fcntl", "ERRORS [EINVAL]")],
        force: Force::May,
        step: |at| {
            at.stream().filter(|_| matches!(at.op(), Op::Lock { .. } | Op::ProcessLock { .. }))?;
            Some(Move::may_fault(Errno::EINVAL))
        },
    },
    Rule {
        id: "lock.any.unspecified",
        says: "The effect of flock, or of an fcntl lock on anything but a file or pipe, is unspecified.",
        cite: &[Posix("fcntl", "ERRORS [EINVAL]")],
        force: Force::Unspecified,
        step: |at| {
            let (is_lock, is_flock) =
                (matches!(at.op(), Op::Lock { .. } | Op::ProcessLock { .. }), is_flock(at));
            at.description()?;
            let is_known = at.file().is_some() || at.stream().is_some();
            (is_flock || is_lock && !is_known)
                .then_some(Move::unspecified("a lock that the standard does not know"))
        },
    },
];

/// Whether what is behind the end can be locked, as far as is specified; `None` where nothing is behind it.
fn lockable(at: &Scene<'_>) -> Option<bool> {
    let extension = !matches!(at.object()?, Object::File(_) | Object::Stream(_));
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
    let by_processes = !is_flock(at) && processes(at).any(|(_, held)| excludes(held, lock));
    let others = at.world.descriptions.iter().enumerate();
    by_processes
        || others.filter(|(index, _)| Some(*index) != at.call.description.map(usize::from)).any(
            |(_, other)| {
                let held = of(at, other);
                other.mode.is_some() && other.object == here.object && excludes(held, lock)
            },
        )
}

/// Whether a lock that is held excludes one that is asked for.
fn excludes(held: Lock, asked: Lock) -> bool {
    held == Lock::Exclusive || held != Lock::None && asked == Lock::Exclusive
}

/// The lock by F_SETLK that is asked for, and whether the caller would wait for it.
fn asked_by_process(at: &Scene<'_>) -> Option<(Lock, bool)> {
    lockable(at)?.then_some(())?;
    match at.op() {
        Op::ProcessLock { lock: Lock::None, .. } => None,
        Op::ProcessLock { lock, wait } => Some((lock, wait)),
        _ => None,
    }
}

/// The processes that hold locks on the file.
fn processes<'a>(at: &Scene<'a>) -> impl Iterator<Item = (Actor, Lock)> + use<'a> {
    let world = at.world;
    at.object_index().into_iter().flat_map(move |file| world.locks_of_others(Actor::NOBODY, file))
}

/// Whether the descriptor of the call refers to something else by now, or to nothing.
fn is_closed(at: &Scene<'_>) -> bool {
    at.world.end(at.actor, at.call.end) != at.call.description
}

/// The owners of locks that conflict with the one that the caller's process requests: a process, or
/// `None` for a description.
fn blockers(at: &Scene<'_>, lock: Lock) -> SmallVec<[Option<Actor>; 2]> {
    let Some(file) = at.object_index() else { return SmallVec::new() };
    let others = at.world.locks_of_others(at.actor, file).filter(|(_, held)| excludes(*held, lock));
    let descriptions =
        at.world.descriptions.iter().filter(|other| {
            other.mode.is_some() && other.object == file && excludes(other.lock, lock)
        });
    others.map(|(other, _)| Some(other)).chain(descriptions.map(|_| None)).collect()
}

/// Whether F_SETLKW may wait for these: where that is a deadlock for sure, Linux sees it.
fn may_wait(at: &Scene<'_>, blockers: &[Option<Actor>]) -> bool {
    !at.platform.sees_deadlocks || cycle(at, blockers) != Cycle::OfAll
}

/// Which of these wait by F_SETLKW for the caller's process, directly or by way of others. Linux asks this of one of
/// them alone, and of that one whom it was found to wait for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cycle {
    No,
    OfSome,
    OfAll,
}

fn cycle(at: &Scene<'_>, blockers: &[Option<Actor>]) -> Cycle {
    cycle_past(at, blockers, &mut SmallVec::new())
}

/// The same, past processes that have been asked already.
fn cycle_past(
    at: &Scene<'_>,
    blockers: &[Option<Actor>],
    asked: &mut SmallVec<[Actor; 4]>,
) -> Cycle {
    let own = at.world.leader(at.actor);
    let closes = |blocker: &Option<Actor>| match blocker {
        Some(process) if *process == own => Cycle::OfAll,
        Some(process) if !asked.contains(process) => {
            asked.push(*process);
            let waits = at
                .others_here()
                .filter(|other| at.world.leader(other.actor) == *process && other.call.entered);
            let mut cycles: SmallVec<[Cycle; 2]> = SmallVec::new();
            for waits in waits {
                if let Some((lock, true)) = asked_by_process(&waits) {
                    cycles.push(cycle_past(at, &self::blockers(&waits, lock), asked));
                }
            }
            asked.pop();
            of_these(&cycles)
        }
        _ => Cycle::No,
    };
    let cycles: SmallVec<[Cycle; 2]> = blockers.iter().map(closes).collect();
    of_these(&cycles)
}

fn of_these(cycles: &[Cycle]) -> Cycle {
    if cycles.iter().all(|cycle| *cycle == Cycle::No) {
        Cycle::No
    } else if cycles.iter().all(|cycle| *cycle == Cycle::OfAll) {
        Cycle::OfAll
    } else {
        Cycle::OfSome
    }
}

fn enter(act: &mut Act<'_>) {
    act.call().entered = true;
}

fn set_process_lock(act: &mut Act<'_>) {
    let op = act.call().op;
    if let (Op::ProcessLock { lock, .. }, Some(open)) = (op, act.description()) {
        let file = open.object;
        act.world.set_process_lock(act.actor, file, lock);
    }
}

/// Unless it is got already.
fn take_process_lock(act: &mut Act<'_>) {
    if !act.call().partner_came {
        set_process_lock(act);
    }
}

fn get_process_lock(act: &mut Act<'_>) {
    set_process_lock(act);
    act.call().partner_came = true;
}

fn lose_process_lock(act: &mut Act<'_>) {
    if let Some(closed) = act.call().description {
        drop_process_lock(act, closed);
    }
}

/// The actor's process closes a descriptor of the file: its lock by F_SETLK is gone.
pub(super) fn drop_process_lock(act: &mut Act<'_>, closed: DescriptionIndex) -> bool {
    let file = act.world.descriptions[usize::from(closed)].object;
    let holds = act.actor != Actor::NOBODY && act.world.process_lock(act.actor, file) != Lock::None;
    if holds {
        act.world.set_process_lock(act.actor, file, Lock::None);
    }
    holds
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
