//! What signals do to the processes of a run, as far as the player must know: who ends by them, and who is stopped.

use pipewright_model::call::{
    ACTORS_MAX, Actor, DefaultAction, Disposition, Dispositions, Op, Sig,
};
use pipewright_model::run::{Actors, Seat};

/// The signal that actors count, and that ends them only where they send it themselves.
pub(super) const SIGPIPE: Sig = Sig(13);

/// What a signal does that needs attention.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// The process ends.
    Ends,
    /// It stops, or goes on.
    Stops(bool),
    /// Nothing, or what a handler does.
    None,
}

/// What each process has signals do, by leader, and which are stopped.
pub(super) struct Signals {
    of: [Dispositions; ACTORS_MAX],
    stopped: Actors,
    /// Signals that wait until a stopped process goes on.
    waiting: [Vec<Sig>; ACTORS_MAX],
}

impl Signals {
    pub(super) fn at_start(seats: &[Seat]) -> Signals {
        let mut of = [Dispositions::NONE; ACTORS_MAX];
        of.iter_mut().zip(seats).for_each(|(of, seat)| *of = seat.signals);
        Signals { of, stopped: Actors::NONE, waiting: Default::default() }
    }

    /// A process has made a call that succeeded.
    pub(super) fn learn(&mut self, leader: Actor, op: Op) {
        let of = &mut self.of[usize::from(leader.0)];
        match op {
            Op::SetSignal { signal, disposition } => *of = of.with(signal, disposition),
            Op::Exec => *of = of.after_exec(),
            _ => {}
        }
    }

    /// A process has forked.
    pub(super) fn copy(&mut self, parent: Actor, child: Actor) {
        self.of[usize::from(child.0)] = self.of[usize::from(parent.0)];
    }

    /// What a process has signals do by the masks of those that it ignores and those that it catches, as the kernel tells
    /// them. All actors catch `SIGPIPE`.
    pub(super) fn see(&mut self, leader: Actor, (ignored, caught): (u64, u64)) {
        let of = &mut self.of[usize::from(leader.0)];
        let named = Sig::NAMED.iter().map(|(_, signal)| *signal);
        for signal in named.filter(|signal| *signal != SIGPIPE) {
            let bit = 1 << (signal.0 - 1);
            let disposition = match (ignored & bit != 0, caught & bit != 0) {
                (true, _) => Disposition::Ignored,
                (false, true) => Disposition::Caught,
                (false, false) => Disposition::Default,
            };
            *of = of.with(signal, disposition);
        }
    }

    /// What a signal does to a process, which is noted.
    pub(super) fn effect(&mut self, leader: Actor, signal: Sig) -> Effect {
        let goes_on = signal.default_action() == DefaultAction::Continues;
        if goes_on {
            self.stopped = self.stopped.without(leader);
            let waiting = std::mem::take(&mut self.waiting[usize::from(leader.0)]);
            let ends = waiting.into_iter().any(|signal| self.ends(leader, signal));
            return if ends { Effect::Ends } else { Effect::Stops(false) };
        }
        if self.stopped.contains(leader) && signal != Sig::KILL {
            self.waiting[usize::from(leader.0)].push(signal);
            return Effect::None;
        }
        if self.of[usize::from(leader.0)].of(signal) != Disposition::Default {
            return Effect::None;
        }
        match signal.default_action() {
            // That one actors count, and live on.
            DefaultAction::Ends if signal == SIGPIPE => Effect::None,
            DefaultAction::Ends => Effect::Ends,
            DefaultAction::Stops => {
                self.stopped = self.stopped.with(leader);
                Effect::Stops(true)
            }
            DefaultAction::Ignored | DefaultAction::Continues => Effect::None,
        }
    }

    /// Whether a signal ends a process at once.
    pub(super) fn end_now(&self, leader: Actor, signal: Sig) -> bool {
        self.ends(leader, signal) && (signal == Sig::KILL || !self.stopped.contains(leader))
    }

    /// Whether a signal ends a process that takes it.
    fn ends(&self, leader: Actor, signal: Sig) -> bool {
        self.by_default(leader, signal)
            && signal.default_action() == DefaultAction::Ends
            && signal != SIGPIPE
    }

    /// Whether a signal does to a process what it does by default.
    pub(super) fn by_default(&self, leader: Actor, signal: Sig) -> bool {
        self.of[usize::from(leader.0)].of(signal) == Disposition::Default
    }

    /// Whether a process is stopped.
    pub(super) fn are_stopped(&self, leader: Actor) -> bool {
        self.stopped.contains(leader)
    }
}
