//! Signals: who is ended, stopped or interrupted by one, and what becomes of a call that one meets.
//!
//! A handler itself is not seen; that a signal was caught shows in the call that it interrupts.
//!
//! Not modelled: masks, `SIGCHLD` that is caught, `SA_NOCLDWAIT`, which of several threads takes a signal when none of them sleeps,
//! queued signals, `sigwait` and `signalfd`.

use crate::act::Act;
use crate::call::{Actor, Answer, DefaultAction, Disposition, Errno, Op, Sig, Termination};
use crate::chapter::Chapter;
use crate::rule::Cite::{Man, Posix, Source};
use crate::rule::{Force, Move, Rule, Scene};
use crate::world::{Interrupted, Pending, World};

/// The chapter.
pub const CHAPTER: Chapter = Chapter {
    name: "signal",
    title: "Signals",
    of_all: true,
    rules: RULES,
    not_on_linux: &["signal.sigaction.never-to-default"],
    not_in_posix: &[],
    absent: |_| &[],
    overlaps: &[],
    exceptions: &[],
};

/// The rules by which a call that would sleep does something else for a signal that has come.
pub const INSTEAD_OF_SLEEP: [&str; 5] = [
    "signal.any.interrupted",
    "signal.any.interrupted-by-stop",
    "signal.any.cut-short",
    "signal.any.cut-short-by-stop",
    "signal.any.restarted",
];

/// The rule by which a call leaves its sleep as its process is stopped.
pub const LEAVES: &str = "signal.any.leaves-its-sleep";

/// The rule by which the calls of a stopped process wait.
pub const STOPPED: &str = "signal.any.stopped";

const RULES: &[Rule] = &[
    Rule {
        id: "signal.exit.caught-by-parent",
        says: "The effect of a SIGCHLD handler in the parent of a process that terminates is not modelled.",
        cite: &[Man("signal(7)", "DESCRIPTION")],
        force: Force::Silent,
        step: |at| {
            let ended = matches!(at.op(), Op::Exit { .. }) && at.world.ended(at.actor).is_some();
            (ended && at.world.parent_is_told(at.actor))
                .then_some(Move::unspecified("the parent of a process that ended catches SIGCHLD"))
        },
    },
    Rule {
        id: "signal.signal.ends",
        says: "A signal whose default action is termination terminates the process unless the \
               process ignores or catches it.",
        cite: &[Posix("XSH 2.4.3", "Signal Actions"), Man("signal(7)", "Signal dispositions")],
        force: Force::Must,
        step: |at| {
            let ends = meets(at, DefaultAction::Ends) && !is_to_itself(at);
            ends.then(|| Move::answers(Answer::Done).with(end))
        },
    },
    Rule {
        id: "signal.signal.ends-itself",
        says: "A kill of the caller's own process with a signal that terminates it does not \
               return.",
        cite: &[Posix("kill", "DESCRIPTION"), Source("kernel/signal.c", "complete_signal")],
        force: Force::Must,
        step: |at| {
            let ends = meets(at, DefaultAction::Ends) && is_to_itself(at);
            ends.then(|| Move::proceeds(0, 0).with(end_itself))
        },
    },
    Rule {
        id: "signal.signal.ignored",
        says: "A signal that a process ignores, explicitly or by default, has no effect.",
        cite: &[Posix("XSH 2.4.3", "Signal Actions"), Man("signal(7)", "Signal dispositions")],
        force: Force::Must,
        step: |at| {
            let ignored =
                disposition(at)? == Disposition::Ignored || meets(at, DefaultAction::Ignored);
            ignored.then_some(Move::answers(Answer::Done))
        },
    },
    Rule {
        id: "signal.signal.caught",
        says: "A signal that a process catches runs its handler in one of the process's threads.",
        cite: &[
            Posix("XSH 2.4.3", "Signal Actions"),
            Man("signal(7)", "Execution of signal handlers"),
        ],
        force: Force::Must,
        step: |at| {
            let disposition = disposition(at)?;
            let caught = matches!(disposition, Disposition::Caught | Disposition::Restarting);
            (caught && !at.call.entered).then(|| {
                let (target, _) = target(at).unwrap_or((at.actor, Sig::KILL));
                let threads = at.world.takers(at.world.leader(target)).count() as u32;
                Move::proceeds(0, threads.saturating_sub(1)).with(catch)
            })
        },
    },
    Rule {
        id: "signal.signal.sent",
        says: "A kill returns once the signal is sent, without waiting for its effect.",
        cite: &[Posix("kill", "DESCRIPTION")],
        force: Force::Must,
        step: |at| (target(at).is_some() && at.call.entered).then_some(Move::answers(Answer::Done)),
    },
    Rule {
        id: "signal.signal.stops",
        says: "A stop signal with its default action suspends the process's calls and releases \
               nothing that the process holds.",
        cite: &[Posix("XSH 2.4.3", "Signal Actions"), Man("signal(7)", "Standard signals")],
        force: Force::Must,
        step: |at| {
            let stops = meets(at, DefaultAction::Stops) && !at.call.entered;
            // Its own kill returns once it goes on.
            let own = is_to_itself(at);
            let step = if own { Move::proceeds(0, 0) } else { Move::answers(Answer::Done) };
            stops.then(|| step.with(stop))
        },
    },
    Rule {
        id: "signal.signal.waits",
        says: "A signal to a stopped process, unless ignored, stays pending until the process \
               continues, except SIGKILL, which terminates it immediately.",
        cite: &[Posix("XSH 2.4.3", "Signal Actions"), Source("kernel/signal.c", "wants_signal")],
        force: Force::Must,
        step: |at| waits(at).then(|| Move::answers(Answer::Done).with(wait)),
    },
    Rule {
        id: "signal.signal.continues",
        says: "A SIGCONT resumes a stopped process, whatever its disposition for the signal.",
        cite: &[Posix("XSH 2.4.3", "Signal Actions"), Man("signal(7)", "Standard signals")],
        force: Force::Must,
        step: |at| {
            let target = continued(at)?;
            let none = at.world.signals_waiting(target).is_empty();
            none.then(|| Move::answers(Answer::Done).with(go_on))
        },
    },
    Rule {
        id: "signal.signal.delivers-those-that-waited",
        says: "A SIGCONT to a stopped process delivers its pending signals in any order.",
        cite: &[
            Posix("XSH 2.4.3", "Signal Actions"),
            Man("signal(7)", "Queueing and delivery semantics for standard signals"),
        ],
        force: Force::Must,
        step: |at| {
            let target = continued(at)?;
            let waiting = at.world.signals_waiting(target);
            if waiting.is_empty() || at.call.entered {
                return None;
            }
            let is_fatal =
                |signal: &&Sig| is_fatal(at.world.signals(target).of(**signal), **signal);
            let fatal = waiting.iter().filter(is_fatal).count() as u32;
            if fatal == 0 && at.world.takers(target).nth(1).is_some() {
                let reason =
                    "which thread takes a signal that waited for a stopped process is not modelled";
                return Some(Move::unspecified(reason));
            }
            Some(Move::proceeds(0, fatal.saturating_sub(1)).with(deliver))
        },
    },
    Rule {
        id: "signal.signal.ended",
        says: "A signal to a terminated process that has not been waited for has no effect.",
        cite: &[Posix("kill", "RATIONALE"), Source("kernel/signal.c", "prepare_signal")],
        force: Force::Must,
        step: |at| (gone(at) && !reaped(at)).then_some(Move::answers(Answer::Done)),
    },
    Rule {
        id: "signal.signal.no-process",
        says: "A signal to a process that no longer exists fails with ESRCH.",
        cite: &[Posix("kill", "ERRORS [ESRCH]")],
        force: Force::Must,
        step: |at| (gone(at) && reaped(at)).then_some(Move::fault(Errno::ESRCH)),
    },
    Rule {
        id: "signal.signal.adopted",
        says: "A kill of a terminated process whose parent has terminated, or is not an actor, may \
               fail with ESRCH.",
        cite: &[
            Posix("_Exit", "Consequences of Process Termination"),
            Source("kernel/exit.c", "forget_original_parent"),
        ],
        force: Force::May,
        step: |at| {
            let (target, _) = target(at)?;
            let may_be = at.world.ended(target).is_some() && at.world.is_adopted(target);
            (gone(at) && !reaped(at) && may_be).then_some(Move::fails(Errno::ESRCH))
        },
    },
    Rule {
        id: "signal.sigaction.sets",
        says: "A sigaction sets a signal's disposition to the default, to ignored, or to a handler \
               with or without SA_RESTART.",
        cite: &[Posix("sigaction", "DESCRIPTION")],
        force: Force::Must,
        step: |at| {
            let Op::SetSignal { signal, .. } = at.op() else { return None };
            signal.can_be_set().then(|| Move::answers(Answer::Done).with(set))
        },
    },
    Rule {
        id: "signal.sigaction.never",
        says: "A sigaction of SIGKILL or SIGSTOP to anything but the default fails with EINVAL.",
        cite: &[Posix("sigaction", "ERRORS [EINVAL]")],
        force: Force::Must,
        step: |at| {
            let Op::SetSignal { signal, disposition } = at.op() else { return None };
            (!signal.can_be_set() && disposition != Disposition::Default)
                .then_some(Move::fault(Errno::EINVAL))
        },
    },
    Rule {
        id: "signal.sigaction.never-refused",
        says: "A sigaction of SIGKILL or SIGSTOP to the default may fail with EINVAL.",
        cite: &[Posix("sigaction", "ERRORS [EINVAL]"), Source("kernel/signal.c", "do_sigaction")],
        force: Force::May,
        step: |at| is_never_set(at).then_some(Move::fails(Errno::EINVAL)),
    },
    Rule {
        id: "signal.sigaction.never-to-default",
        says: "A sigaction of SIGKILL or SIGSTOP to the default may succeed and change nothing.",
        cite: &[Posix("sigaction", "DESCRIPTION")],
        force: Force::May,
        step: |at| is_never_set(at).then_some(Move::answers(Answer::Done)),
    },
    Rule {
        id: "signal.any.interrupted",
        says: "A call that would sleep and cannot restart fails with EINTR if a signal was caught \
               and nothing has been transferred.",
        cite: &[
            Posix("read", "ERRORS [EINTR]"),
            Posix("write", "ERRORS [EINTR]"),
            Posix("poll", "ERRORS [EINTR]"),
            Man(
                "signal(7)",
                "Interruption of system calls and library functions by signal handlers",
            ),
            Man("signal(7)", "Interruption of system calls and library functions by stop signals"),
            Source("fs/eventpoll.c", "ep_poll"),
        ],
        force: Force::Must,
        step: |at| {
            let interrupted = match at.call.interrupted {
                Interrupted::Not => false,
                Interrupted::Perhaps | Interrupted::Surely => true,
                Interrupted::Restarts | Interrupted::RestartsPerhaps => never_restarts(at),
            };
            (interrupted && at.call.done == 0).then_some(Move::fails(Errno::EINTR))
        },
    },
    Rule {
        id: "signal.any.interrupted-by-stop",
        says: "A timed call or epoll_wait that left its sleep when its process was stopped fails \
               with EINTR on continuation if nothing was transferred.",
        cite: &[Man(
            "signal(7)",
            "Interruption of system calls and library functions by stop signals",
        )],
        force: Force::Silent,
        step: |at| {
            let stopped = left(at) && at.call.interrupted == Interrupted::Not;
            (stopped && !at.call.begins_anew() && at.call.done == 0)
                .then_some(Move::fails(Errno::EINTR))
        },
    },
    Rule {
        id: "signal.any.cut-short",
        says: "A call that would sleep returns the number of bytes transferred so far if a signal \
               was caught.",
        cite: &[
            Posix("write", "DESCRIPTION"),
            Man(
                "signal(7)",
                "Interruption of system calls and library functions by signal handlers",
            ),
            Source("fs/pipe.c", "anon_pipe_write"),
        ],
        force: Force::Must,
        step: |at| {
            let came = at.call.interrupted != Interrupted::Not;
            (came && has_a_part(at)).then(|| Move::answers(Answer::Count(at.call.done)))
        },
    },
    Rule {
        id: "signal.any.cut-short-by-stop",
        says: "A call that left its sleep when its process was stopped returns the number of bytes \
               transferred once the process continues.",
        cite: &[
            Man("signal(7)", "Interruption of system calls and library functions by stop signals"),
            Source("fs/pipe.c", "anon_pipe_write"),
        ],
        force: Force::Silent,
        step: |at| {
            let came = left(at) && at.call.interrupted == Interrupted::Not;
            (came && has_a_part(at)).then(|| Move::answers(Answer::Count(at.call.done)))
        },
    },
    Rule {
        id: "signal.any.restarted",
        says: "A call that would sleep restarts after a handler with SA_RESTART if nothing has \
               been transferred.",
        cite: &[
            Posix("sigaction", "SA_RESTART"),
            Man(
                "signal(7)",
                "Interruption of system calls and library functions by signal handlers",
            ),
        ],
        force: Force::Must,
        step: |at| {
            let restarts =
                matches!(at.call.interrupted, Interrupted::Restarts | Interrupted::RestartsPerhaps);
            (restarts && at.call.done == 0 && !never_restarts(at))
                .then(|| Move::proceeds(0, 0).with(restart))
        },
    },
    Rule {
        id: "signal.any.came-before",
        says: "A signal handler that runs before a call can sleep does not interrupt the call.",
        cite: &[Man("signal(7)", "Execution of signal handlers")],
        force: Force::Silent,
        step: |at| {
            let perhaps =
                matches!(at.call.interrupted, Interrupted::Perhaps | Interrupted::RestartsPerhaps);
            (perhaps && at.call.done == 0).then(|| Move::proceeds(0, 0).with(restart))
        },
    },
    Rule {
        id: "signal.any.leaves-its-sleep",
        says: "A call that would sleep leaves its sleep when its process is stopped and, once \
               continued, returns a partial count or restarts.",
        cite: &[
            Man("signal(7)", "Interruption of system calls and library functions by stop signals"),
            Source("kernel/signal.c", "do_signal_stop"),
            Source("fs/pipe.c", "anon_pipe_write"),
        ],
        force: Force::Silent,
        step: |at| {
            let leaves = at.world.is_stopping(at.actor) && !at.call.left;
            leaves.then(|| Move::proceeds(0, 0).with(leave))
        },
    },
    Rule {
        id: "signal.any.stopped",
        says: "A call of a stopped process waits until the process continues.",
        cite: &[
            Posix("XSH 2.4.3", "Signal Actions"),
            Man("signal(7)", "Interruption of system calls and library functions by stop signals"),
        ],
        force: Force::Must,
        step: |at| at.world.is_stopped(at.actor).then_some(Move::rests()),
    },
];

/// The process to which the call sends a signal, and the signal.
fn target(at: &Scene<'_>) -> Option<(Actor, Sig)> {
    match at.op() {
        Op::Signal { target, signal } => {
            (usize::from(target.0) < at.world.actors.len()).then_some((target, signal))
        }
        _ => None,
    }
}

/// Whether the process that the call sends a signal is ending, or has ended.
fn ending(at: &Scene<'_>) -> bool {
    target(at).is_some_and(|(target, _)| at.world.is_ending(target))
}

/// Whether the call sends its own process a signal, which has no other thread that could take it.
fn is_to_itself(at: &Scene<'_>) -> bool {
    let own = at.world.leader(at.actor);
    let itself = target(at).is_some_and(|(target, _)| at.world.leader(target) == own);
    itself && is_alone(at.world, own)
}

/// Whether a process has one thread only: whoever polls one of several ends for it is none.
fn is_alone(world: &World, leader: Actor) -> bool {
    world.takers(leader).nth(1).is_none()
}

/// Whether the call has left its sleep, and its process goes on.
fn left(at: &Scene<'_>) -> bool {
    at.call.left && !at.world.is_stopped(at.actor)
}

/// Whether the call has transferred something.
fn has_a_part(at: &Scene<'_>) -> bool {
    at.call.done > 0 && at.op().offers().or(at.op().asks()).is_some()
}

/// Whether the call sets what can't be set to what it is.
fn is_never_set(at: &Scene<'_>) -> bool {
    match at.op() {
        Op::SetSignal { signal, disposition } => {
            !signal.can_be_set() && disposition == Disposition::Default
        }
        _ => false,
    }
}

/// Whether it was so when the call began.
fn gone(at: &Scene<'_>) -> bool {
    ending(at) && !at.call.entered
}

/// Whether somebody has waited for it.
fn reaped(at: &Scene<'_>) -> bool {
    target(at).is_some_and(|(target, _)| at.world.is_reaped(target))
}

/// Whether the process that the call sends a signal is neither ending nor has ended.
fn alive(at: &Scene<'_>) -> bool {
    target(at).is_some() && !ending(at)
}

/// What the process has the signal do that the call sends it, where it does so now.
fn disposition(at: &Scene<'_>) -> Option<Disposition> {
    let (target, signal) = target(at).filter(|(_, signal)| *signal != Sig::CONT)?;
    let at_once = !waits(at) || at.world.is_stopping(target);
    (alive(at) && at_once).then(|| at.world.signals(target).of(signal))
}

/// Whether the signal that the call sends waits, as its process is stopped.
fn waits(at: &Scene<'_>) -> bool {
    let Some((target, signal)) = target(at) else { return false };
    let disposition = at.world.signals(target).of(signal);
    let does_something = match disposition {
        Disposition::Default => signal.default_action() == DefaultAction::Ends,
        Disposition::Ignored => false,
        Disposition::Caught | Disposition::Restarting => true,
    };
    let at_once = matches!(signal, Sig::KILL | Sig::CONT);
    does_something && !at_once && alive(at) && at.world.is_stopped(target) && !at.call.entered
}

/// The process that the call lets go on, by its leader.
fn continued(at: &Scene<'_>) -> Option<Actor> {
    let (target, signal) = target(at)?;
    (signal == Sig::CONT && alive(at) && !at.call.entered).then(|| at.world.leader(target))
}

/// Whether a signal ends a process that has it do this.
fn is_fatal(disposition: Disposition, signal: Sig) -> bool {
    disposition == Disposition::Default && signal.default_action() == DefaultAction::Ends
}

/// Whether the signal that the call sends does this, as the process has said nothing else.
fn meets(at: &Scene<'_>, action: DefaultAction) -> bool {
    disposition(at) == Some(Disposition::Default)
        && target(at).is_some_and(|(_, signal)| signal.default_action() == action)
}

/// Whether SA_RESTART means nothing to the call: `poll`, `epoll_wait`, and what waits on a socket that has a time-out.
fn never_restarts(at: &Scene<'_>) -> bool {
    matches!(at.op(), Op::Poll { .. } | Op::EpollWait { .. }) || at.call.timed
}

/// Whether the actor's process may end with this status: one that has stopped only by `SIGKILL`; no signal ends one that
/// ignores or catches it, unless a fault of its own raises that.
pub(crate) fn may_end(world: &World, actor: Actor, status: Termination) -> bool {
    let held_up = world.is_held_up(actor) && !world.is_ending(actor);
    let Some(signal) = status.signal() else { return !held_up };
    world.is_ending(actor) || signal == Sig::KILL || !held_up && may_take(world, actor, signal)
}

/// Whether a signal that the actor's process takes now may end it.
fn may_take(world: &World, actor: Actor, signal: Sig) -> bool {
    let says_anew = |call: &Pending| match call.op {
        Op::SetSignal { signal: set, .. } => set == signal,
        Op::Exec => true,
        _ => false,
    };
    let mut threads = world.threads(world.leader(actor));
    signal.is_of_a_fault()
        || is_fatal(world.signals(actor).of(signal), signal)
        || threads.any(|thread| world.pending(thread).is_some_and(says_anew))
}

fn end(act: &mut Act<'_>) {
    if let Op::Signal { target, signal } = act.call().op {
        act.world.exits(target, Termination::Signal(signal));
    }
}

fn end_itself(act: &mut Act<'_>) {
    if let Op::Signal { target, signal } = act.call().op {
        let status = Termination::Signal(signal);
        act.world.exits(target, status);
        act.world.die(act.actor, status);
    }
}

fn stop(act: &mut Act<'_>) {
    let Op::Signal { target, .. } = act.call().op else { return };
    act.world.set_stopped(target, true);
    let own = act.world.leader(act.actor);
    if act.world.leader(target) == own && is_alone(act.world, own) {
        // It stops before it returns.
        act.call().entered = true;
        act.world.has_stopped(own);
    }
}

fn leave(act: &mut Act<'_>) {
    act.world.leave_sleep(act.actor);
}

fn wait(act: &mut Act<'_>) {
    if let Op::Signal { target, signal } = act.call().op {
        act.world.let_wait(target, signal);
    }
}

/// The count says which of those that end the process is the first.
fn deliver(act: &mut Act<'_>) {
    let Op::Signal { target, .. } = act.call().op else { return };
    act.call().entered = true;
    let count = act.count as usize;
    let leader = act.world.leader(target);
    let waiting = act.world.take_waiting(leader);
    act.world.set_stopped(leader, false);
    let signals = act.world.signals(leader);
    let fatal = waiting.iter().filter(|signal| is_fatal(signals.of(**signal), **signal));
    if let Some(signal) = fatal.copied().nth(count) {
        act.world.exits(leader, Termination::Signal(signal));
        return;
    }
    for signal in waiting {
        let disposition = signals.of(signal);
        let restarts = disposition == Disposition::Restarting;
        if restarts || disposition == Disposition::Caught {
            act.world.interrupt(leader, restarts);
        }
    }
    begin_anew(act, leader);
}

fn go_on(act: &mut Act<'_>) {
    if let Op::Signal { target, .. } = act.call().op {
        act.world.set_stopped(target, false);
        begin_anew(act, target);
    }
}

/// The calls that have left their sleep with nothing transferred begin anew, unless a handler comes before that.
fn begin_anew(act: &mut Act<'_>, of: Actor) {
    let threads: Vec<Actor> = act.world.threads(act.world.leader(of)).collect();
    for thread in threads {
        let begins = |call: &Pending| {
            let anew = call.done == 0 && call.begins_anew();
            call.left && anew && call.interrupted == Interrupted::Not
        };
        if act.world.pending(thread).is_some_and(begins) {
            act.world.pending_mut(thread).left = false;
        }
    }
}

/// The count says which of the threads takes the signal.
fn catch(act: &mut Act<'_>) {
    let count = act.count as usize;
    let Op::Signal { target, signal } = act.call().op else { return };
    act.call().entered = true;
    let restarts = act.world.signals(target).of(signal) == Disposition::Restarting;
    let thread = act.world.takers(act.world.leader(target)).nth(count);
    if let Some(thread) = thread {
        act.world.interrupt(thread, restarts);
    }
}

fn set(act: &mut Act<'_>) {
    if let Op::SetSignal { signal, disposition } = act.call().op {
        let signals = act.world.signals(act.actor).with(signal, disposition);
        act.world.set_signals(act.actor, signals);
    }
}

fn restart(act: &mut Act<'_>) {
    act.world.restart(act.actor);
}
