//! What signals do to processes: which are stopped, which signals wait, which calls are interrupted.

use smallvec::SmallVec;

use crate::call::{Actor, Dispositions, Sig};
use crate::world::{Interrupted, World};

/// What signals do to a process, and have done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "distributed", derive(serde::Serialize, serde::Deserialize))]
pub(super) struct SignalState {
    /// What it has them do.
    pub(super) does: Dispositions,
    /// Whether one has stopped it.
    stopped: bool,
    /// Whether it may not have stopped yet.
    stopping: bool,
    /// Those that wait until it goes on, a bit each.
    waiting: u32,
}

impl SignalState {
    /// Nothing has come yet.
    pub(super) fn at_start(does: Dispositions) -> SignalState {
        SignalState { does, ..SignalState::default() }
    }

    /// Nothing stops it, and nothing waits.
    pub(super) fn goes_on(&mut self) {
        *self = SignalState::at_start(self.does);
    }
}

impl World {
    /// What the actor's process has signals do.
    pub fn signals(&self, actor: Actor) -> Dispositions {
        let table = self.actors.get(usize::from(self.leader(actor).0));
        table.map_or(Dispositions::NONE, |table| table.signals.does)
    }

    /// Says what the actor's process has signals do.
    pub fn set_signals(&mut self, actor: Actor, signals: Dispositions) {
        self.table_mut(actor).signals.does = signals;
    }

    /// Whether the actor's process is stopped.
    pub fn is_stopped(&self, actor: Actor) -> bool {
        self.table(actor).signals.stopped
    }

    /// Stops the actor's process, or lets it go on.
    pub fn set_stopped(&mut self, actor: Actor, stopped: bool) {
        let signals = &mut self.table_mut(actor).signals;
        signals.stopping = stopped && (signals.stopping || !signals.stopped);
        signals.stopped = stopped;
    }

    /// The signals that wait for the actor's process, which is stopped.
    pub fn signals_waiting(&self, actor: Actor) -> SmallVec<[Sig; 4]> {
        let waiting = self.table(actor).signals.waiting;
        (0..u32::BITS as u8).filter(|number| waiting & 1 << number != 0).map(Sig).collect()
    }

    /// Lets a signal wait for the actor's process.
    pub fn let_wait(&mut self, actor: Actor, signal: Sig) {
        self.table_mut(actor).signals.waiting |= 1 << (signal.0 % 32);
    }

    /// Those that waited, which do no longer.
    pub fn take_waiting(&mut self, actor: Actor) -> SmallVec<[Sig; 4]> {
        let waiting = self.signals_waiting(actor);
        self.table_mut(actor).signals.waiting = 0;
        waiting
    }

    /// Whether any process catches signals.
    pub fn catches_signals(&self) -> bool {
        self.actors.iter().any(|actor| actor.signals.does.catches())
    }

    /// Whether the actor's process may not have stopped yet, though it is to.
    pub fn is_stopping(&self, actor: Actor) -> bool {
        self.table(actor).signals.stopping
    }

    /// Every call in progress was seen asleep, and every stopped process stopped.
    pub fn seen_asleep(&mut self) {
        self.actors.iter_mut().for_each(|actor| actor.signals.stopping = false);
        for actor in (0..self.actors.len() as u8).map(Actor) {
            // One that has stopped may have done so before it came to the kernel.
            let stopped = self.is_stopped(actor);
            self.note_ended(actor);
            if let Some(call) = &mut self.actors[usize::from(actor.0)].call {
                call.slept |= !stopped || call.is_inside();
            }
        }
    }

    /// A process that was seen to have ended, and whose parent did not ignore that, has left its status.
    fn note_ended(&mut self, actor: Actor) {
        if self.leader(actor) == actor && self.ended(actor).is_some() {
            self.leave_status(actor);
        }
    }

    /// The actor's process is stopped for sure.
    pub fn has_stopped(&mut self, actor: Actor) {
        self.table_mut(actor).signals.stopping = false;
    }

    /// Whether nothing more is seen of the actor until its process goes on.
    pub fn is_held_up(&self, actor: Actor) -> bool {
        self.is_stopped(actor) && !self.is_stopping(actor)
    }

    /// The actor's call, which would sleep, leaves its sleep as its process is stopped. What has transferred nothing begins
    /// anew later, if it is a call that does.
    pub fn leave_sleep(&mut self, actor: Actor) {
        let call = self.pending(actor);
        if call.is_some_and(|call| call.done == 0 && call.begins_anew()) {
            self.restart(actor);
        } else {
            self.fall_back(actor);
            self.pending_mut(actor).entered = false;
        }
        let call = self.pending_mut(actor);
        (call.left, call.unwoken) = (true, false);
    }

    /// A signal that the actor's process catches comes upon its call in progress.
    pub fn interrupt(&mut self, actor: Actor, restarts: bool) {
        let own = usize::from(actor.0);
        let all = self.actors.iter_mut().enumerate();
        let polls = all.filter(|(at, other)| *at == own || other.polls_for == Some(actor));
        for call in polls.filter_map(|(_, other)| other.call.as_mut()) {
            call.unwoken = false;
            // What has transferred something is in the kernel as surely as what was seen asleep.
            let inside = call.slept || call.left || call.done > 0;
            call.interrupted = match (restarts, inside, call.interrupted) {
                (_, _, Interrupted::Surely) | (false, true, _) => Interrupted::Surely,
                (false, false, _) | (_, _, Interrupted::Perhaps) => Interrupted::Perhaps,
                (true, true, _) => Interrupted::Restarts,
                (true, false, _) => Interrupted::RestartsPerhaps,
            };
        }
    }
}
