//! Processes: what fork copies, what exec and exit let go of, what wait waits for, what threads share.
//!
//! A process shows itself to a channel by the descriptors that it holds. So each channel sees these calls by
//! itself: which of several channels a process lets go of first is not stated.
//!
//! Not modelled: limits on processes (`EAGAIN`), `wait` for any child, job control, `SA_NOCLDWAIT`, that `wait` for a child
//! that leaves no status may wait for all others, too, `exec` of a process with other threads.

use crate::act::Act;
use crate::call::{Actor, Answer, End, Errno, Op};
use crate::chapter::Chapter;
use crate::rule::Cite::{Man, Posix, Source};
use crate::rule::{Force, Move, Rule, Scene};
use crate::rules::descriptor::{found, let_go_if_last, let_go_later, let_go_of, let_go_of_all};

/// The chapter.
pub const CHAPTER: Chapter = Chapter {
    name: "process",
    title: "Processes and threads",
    of_all: true,
    rules: RULES,
    not_on_linux: &[],
    not_in_posix: &[],
    absent: |_| &[],
    overlaps: &[],
    exceptions: &[],
};

/// The rules that stand beside faults: a call may find another descriptor, or come to no return.
pub const BESIDE_FAULTS: [&str; 2] = ["process.any.dies", "process.any.looks-up"];

/// The rule of calls that are answered and have not returned.
pub const LETS_GO: &str = "process.any.lets-go";

const RULES: &[Rule] = &[
    Rule {
        id: "process.fork.copies",
        says: "A fork gives the child a copy of the descriptor table, whose descriptors refer to \
               the same open file descriptions.",
        cite: &[Posix("fork", "DESCRIPTION")],
        force: Force::Must,
        step: |at| {
            matches!(at.op(), Op::Fork { .. }).then(|| Move::answers(Answer::Done).with(fork))
        },
    },
    Rule {
        id: "process.dup2.replaces",
        says: "A dup2 makes a number refer to another descriptor's open file description and \
               closes its previous descriptor in one step.",
        cite: &[Posix("dup", "DESCRIPTION"), Source("fs/file.c", "do_dup2")],
        force: Force::Must,
        step: |at| {
            let Op::Dup2 { new } = at.op() else { return None };
            at.description().filter(|_| at.call.end != new)?;
            Some(Move::answers(Answer::Done).with(dup2))
        },
    },
    Rule {
        id: "process.dup2.elsewhere",
        says: "A dup2 of another channel's descriptor onto one of this channel closes the latter.",
        cite: &[Posix("dup", "DESCRIPTION"), Source("fs/file.c", "do_dup2")],
        force: Force::Must,
        step: |at| {
            let elsewhere = at.call.end == End::ELSEWHERE;
            (elsewhere && matches!(at.op(), Op::Dup2 { .. }))
                .then(|| Move::answers(Answer::Done).with(dup2))
        },
    },
    Rule {
        id: "process.dup2.onto-itself",
        says: "A dup2 of a descriptor onto itself changes nothing, not even FD_CLOEXEC.",
        cite: &[Posix("dup", "DESCRIPTION"), Source("fs/file.c", "SYSCALL_DEFINE2(dup2)")],
        force: Force::Must,
        step: |at| {
            at.description()?;
            (at.op() == Op::Dup2 { new: at.call.end }).then_some(Move::answers(Answer::Done))
        },
    },
    Rule {
        id: "process.close-on-exec.of-descriptor",
        says: "FD_CLOEXEC belongs to the descriptor, so setting or clearing it leaves other \
               descriptors of the same open file description unchanged.",
        cite: &[Posix("fcntl", "F_SETFD"), Posix("fork", "DESCRIPTION")],
        force: Force::Must,
        step: |at| {
            at.description().filter(|_| !at.is_memory())?;
            matches!(at.op(), Op::SetCloseOnExec(_))
                .then(|| Move::answers(Answer::Done).with(set_close_on_exec))
        },
    },
    Rule {
        id: "process.exec.closes",
        says: "An exec closes the descriptors with FD_CLOEXEC set, one after another.",
        cite: &[Posix("exec", "DESCRIPTION"), Source("fs/file.c", "do_close_on_exec")],
        force: Force::Must,
        step: |at| (at.op() == Op::Exec).then(|| lets_go(at)).flatten(),
    },
    Rule {
        id: "process.exec.keeps",
        says: "An exec leaves other descriptors open and ignored signals ignored, and resets \
               caught signals to their default actions.",
        cite: &[Posix("exec", "DESCRIPTION")],
        force: Force::Must,
        step: |at| {
            (at.op() == Op::Exec && to_let_go(at) == 0)
                .then(|| Move::answers(Answer::Done).with(execute))
        },
    },
    Rule {
        id: "process.any.dies",
        says: "A call of a terminating process ends, and the data that it has transferred stays in \
               the channel.",
        cite: &[
            Posix("_Exit", "Consequences of Process Termination"),
            Man("signal(7)", "DESCRIPTION"),
        ],
        force: Force::Must,
        step: |at| at.call.dies.map(|_| Move::proceeds(0, 0).with(let_go_of_all)),
    },
    Rule {
        id: "process.exit.closes",
        says: "A process that terminates, even by a signal, closes all its descriptors, one after \
               another.",
        cite: &[
            Posix("_Exit", "Consequences of Process Termination"),
            Source("kernel/exit.c", "do_exit"),
        ],
        force: Force::Must,
        step: |at| {
            at.world.exiting(at.actor).filter(|_| at.world.leader(at.actor) == at.actor)?;
            lets_go(at)
        },
    },
    Rule {
        id: "process.exit.ended",
        says: "A terminated process holds nothing and does nothing more.",
        cite: &[Posix("_Exit", "Consequences of Process Termination")],
        force: Force::Must,
        step: |at| {
            let Op::Exit { .. } = at.op() else { return None };
            let ended = at.world.ended(at.actor).is_some();
            let shows = at.world.leaves_no_status(at.actor) || at.world.parent_is_told(at.actor);
            (ended && !shows).then_some(Move::rests())
        },
    },
    Rule {
        id: "process.exit.leaves-no-status",
        says: "A process that terminates while its parent ignores SIGCHLD leaves no status and is \
               gone immediately.",
        cite: &[
            Posix("_Exit", "Consequences of Process Termination"),
            Source("kernel/signal.c", "do_notify_parent"),
        ],
        force: Force::Must,
        step: |at| {
            let is_gone = has_ended(at) && at.world.leaves_no_status(at.actor);
            is_gone.then(|| Move::proceeds(0, 0).with(vanish))
        },
    },
    Rule {
        id: "process.exit.leaves-a-status",
        says: "A process that terminates while its parent does not ignore SIGCHLD leaves its \
               status, whatever disposition the parent sets later.",
        cite: &[
            Posix("_Exit", "Consequences of Process Termination"),
            Source("kernel/signal.c", "do_notify_parent"),
        ],
        force: Force::Must,
        step: |at| {
            let later = has_ended(at) && at.world.may_leave_otherwise(at.actor);
            (later && !at.world.leaves_no_status(at.actor))
                .then(|| Move::proceeds(0, 0).with(leave_status))
        },
    },
    Rule {
        id: "process.wait.ended",
        says: "A wait for a terminated child returns its status and removes the child.",
        cite: &[Posix("wait", "DESCRIPTION"), Source("kernel/exit.c", "wait_task_zombie")],
        force: Force::Must,
        step: |at| {
            let child = child(at)?;
            let status = at.world.ended(child)?;
            (!at.world.leaves_no_status(child)).then_some(())?;
            Some(Move::answers(Answer::Count(status.told())).with(reap))
        },
    },
    Rule {
        id: "process.wait.waits",
        says: "A wait for a child sleeps until the child has terminated.",
        cite: &[Posix("wait", "DESCRIPTION")],
        force: Force::Must,
        step: |at| at.world.ended(child(at)?).is_none().then_some(Move::rests()),
    },
    Rule {
        id: "process.wait.no-child",
        says: "A wait fails with ECHILD if the process is not the caller's child, was already \
               waited for, or left no status.",
        cite: &[Posix("wait", "ERRORS [ECHILD]"), Source("kernel/exit.c", "do_wait")],
        force: Force::Must,
        step: |at| {
            let Op::Wait { .. } = at.op() else { return None };
            child(at).is_none().then_some(Move::fault(Errno::ECHILD))
        },
    },
    Rule {
        id: "process.any.looks-up",
        says: "A call resolves its descriptor when it begins and, concurrent with another thread's \
               close or dup2, may find either the old or the new description.",
        cite: &[Source("fs/file.c", "fdget")],
        force: Force::Silent,
        step: |at| {
            let slept = at.call.slept || at.call.keeps.is_some();
            let begun = at.call.entered || at.call.waited || at.call.done > 0;
            let fresh = !begun && !slept;
            let named = !at.op().is_by_name() && !at.op().is_of_process();
            if !fresh || !named || !at.world.shares_table(at.actor) {
                return None;
            }
            let now = at.world.end(at.actor, at.call.end);
            (now != at.call.description).then(|| Move::proceeds(0, 0).with(look_up))
        },
    },
    Rule {
        id: "process.any.lets-go",
        says: "A call keeps its open file description until it returns, even if the descriptor is closed meanwhile.",
        cite: &[Source("fs/file_table.c", "fput"), Source("fs/open.c", "close")],
        force: Force::Silent,
        step: |at| {
            at.world.is_to_let_go(at.actor).then(|| Move::proceeds(0, 0).with(let_go_of_all))
        },
    },
    Rule {
        id: "process.poll.looks-again",
        says: "A poll that is woken looks its descriptors up again, and keeps what it slept at open until it returns.",
        cite: &[Source("fs/select.c", "do_pollfd"), Source("fs/select.c", "__pollwait")],
        force: Force::Silent,
        step: |at| {
            let Op::Poll { wait: true, among, .. } = at.op() else { return None };
            let now = at.world.end(at.actor, at.call.end);
            let may_be_awake = among || at.call.deaf || !at.call.slept || !at.call.unwoken;
            (at.world.shares_table(at.actor) && may_be_awake && now != at.call.description)
                .then(|| Move::proceeds(0, 0).with(look_again))
        },
    },
    Rule {
        id: "process.poll.sleeps-at-the-old",
        says: "A poll that finds no event at what replaced its descriptor sleeps on, and only the end found \
               first wakes it.",
        cite: &[Source("fs/select.c", "do_poll")],
        force: Force::Silent,
        step: |at| {
            let (must, _) = found(at)?;
            (at.call.keeps.is_some() && !at.call.deaf && must.is_empty())
                .then(|| Move::proceeds(0, 0).with(sleep_at_the_old))
        },
    },
];

/// The child that the caller waits for; `None` where it has no such child.
fn child(at: &Scene<'_>) -> Option<Actor> {
    let Op::Wait { child } = at.op() else { return None };
    let parent = at.world.parent(child)?;
    (parent == at.world.leader(at.actor)).then_some(child)
}

/// Whether the caller is the leader of a process that has ended.
fn has_ended(at: &Scene<'_>) -> bool {
    matches!(at.op(), Op::Exit { .. })
        && at.world.leader(at.actor) == at.actor
        && at.world.ended(at.actor).is_some()
}

/// How many descriptors the exit or the exec has still to let go of.
fn to_let_go(at: &Scene<'_>) -> usize {
    at.world.let_go_of(at.actor, at.op()).count()
}

/// Lets go of one of them: the count says which.
fn lets_go(at: &Scene<'_>) -> Option<Move> {
    let last = to_let_go(at).checked_sub(1)?;
    Some(Move::proceeds(0, last as u32).with(let_go_of_one))
}

fn execute(act: &mut Act<'_>) {
    let signals = act.world.signals(act.actor).after_exec();
    act.world.set_signals(act.actor, signals);
}

fn let_go_of_one(act: &mut Act<'_>) {
    let op = act.call().op;
    let mut ends = act.world.let_go_of(act.actor, op);
    let end = ends.nth(act.count as usize);
    drop(ends);
    if let Some(end) = end {
        let_go_of(act, end);
    }
}

fn dup2(act: &mut Act<'_>) {
    let call = act.call();
    if let (Op::Dup2 { new }, description) = (call.op, call.description) {
        let actor = act.actor;
        let before = act.world.end(actor, new);
        act.world.set_end(actor, new, description);
        if let Some(before) = before {
            let_go_later(act, before);
        }
    }
}

fn set_close_on_exec(act: &mut Act<'_>) {
    let &mut Act { actor, .. } = act;
    let call = act.call();
    if let (Op::SetCloseOnExec(on), end) = (call.op, call.end) {
        act.world.set_close_on_exec(actor, end, on);
    }
}

fn fork(act: &mut Act<'_>) {
    if let Op::Fork { child } = act.call().op {
        act.world.fork(act.actor, child);
    }
}

fn vanish(act: &mut Act<'_>) {
    act.world.reap(act.actor);
}

fn leave_status(act: &mut Act<'_>) {
    act.world.leave_status(act.actor);
}

fn reap(act: &mut Act<'_>) {
    if let Op::Wait { child } = act.call().op {
        act.world.reap(child);
    }
}

fn look_up(act: &mut Act<'_>) {
    let end = act.call().end;
    let now = act.world.end(act.actor, end);
    let before = std::mem::replace(&mut act.call().description, now);
    let_go_if_last(act, before);
}

fn look_again(act: &mut Act<'_>) {
    let end = act.call().end;
    let now = act.world.end(act.actor, end);
    let call = act.call();
    let before = std::mem::replace(&mut call.description, now);
    let is_first = call.keeps.is_none();
    if is_first {
        call.keeps = before;
    }
    (call.astray, call.deaf) = (false, false);
    if !is_first {
        let_go_if_last(act, before);
    }
}

fn sleep_at_the_old(act: &mut Act<'_>) {
    act.call().deaf = true;
}
