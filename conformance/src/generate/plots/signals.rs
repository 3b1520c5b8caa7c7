//! Signals in random plots: who is sent which, and what processes have them do.

use pipewright_model::call::{Actor, Disposition, Dispositions, Op, Sig, Termination};
use pipewright_model::run::{Actors, Form};

use super::super::dice::Dice;
use super::Walk;

/// The signal that actors count.
const SIGPIPE: Sig = Sig(13);

/// How processes end by themselves: some with a status by which a shell would tell of a signal.
pub(super) const EXITS: [(u32, Termination); 5] = [
    (4, Termination::SUCCESS),
    (1, Termination::Exit(1)),
    (1, Termination::Exit(143)),
    (1, Termination::Exit(127)),
    (1, Termination::Signal(SIGPIPE)),
];

/// Signals that are sent: those that are caught most often, those that end or stop a process seldom.
const SENT: [(u32, &str); 7] = [
    (8, "SIGUSR1"),
    (3, "SIGUSR2"),
    (2, "SIGTERM"),
    (1, "SIGKILL"),
    (1, "SIGCHLD"),
    (1, "SIGSTOP"),
    (3, "SIGCONT"),
];

/// Signals of which a process says what they do.
const SAID: [(u32, &str); 5] =
    [(6, "SIGUSR1"), (3, "SIGUSR2"), (2, "SIGTERM"), (3, "SIGPIPE"), (1, "SIGKILL")];

/// In how many of a hundred plots a first process has said at the start what signals do.
const SAID_PERCENT: u32 = 50;

/// Signals by which processes are killed.
const KILLED: [(u32, &str); 3] = [(4, "SIGKILL"), (2, "SIGTERM"), (1, "SIGINT")];

fn signal(known: &[(u32, &str)], dice: &mut Dice) -> Option<Sig> {
    dice.weighted(known.iter().copied()).and_then(Sig::named)
}

/// What a process has signals do at the start.
pub(super) fn at_start(dice: &mut Dice) -> Dispositions {
    let mut signals = Dispositions::NONE;
    if !dice.chance(SAID_PERCENT) {
        return signals;
    }
    for _ in 0..1 + dice.below(2) {
        if let Some(signal) = signal(&SAID, dice).filter(|signal| signal.can_be_set()) {
            signals = signals.with(signal, disposition(signal, dice));
        }
    }
    signals
}

/// SIGPIPE is ignored or not: actors count it, and live on.
fn disposition(signal: Sig, dice: &mut Dice) -> Disposition {
    let [default, ignored] = [(1, Disposition::Default), (2, Disposition::Ignored)];
    let caught = [(4, Disposition::Caught), (4, Disposition::Restarting)];
    let caught = caught.into_iter().filter(|_| signal != SIGPIPE);
    dice.weighted([default, ignored].into_iter().chain(caught)).unwrap_or_default()
}

impl Walk<'_> {
    /// A signal to another process that is there, or has ended and was not waited for.
    pub(super) fn signal(&mut self, actor: Actor) -> Option<Op> {
        let (own, worlds) = (self.leader(actor), &self.worlds);
        let is_there = |other: &Actor| self.is_alive(*other) || worlds.is_unreaped(*other);
        let outside = |other: &Actor| self.seats[usize::from(other.0)].form == Form::Outsider;
        let others = self.actors().filter(|other| self.leader(*other) == *other && *other != own);
        let others: Actors = others.filter(|other| is_there(other) && !outside(other)).collect();
        let others: Vec<Actor> = others.iter().collect();
        let target = self.dice.any(others.into_iter())?;
        Some(Op::Signal { target, signal: signal(&SENT, &mut self.dice)? })
    }

    /// The status of a process that is killed: by a signal that ends it at once.
    pub(super) fn killed(&mut self, actor: Actor) -> Option<Termination> {
        let signal = signal(&KILLED, &mut self.dice)?;
        let default = self.worlds.signals(actor).of(signal) == Disposition::Default;
        let ends = default && !self.worlds.is_stopped(actor);
        Some(Termination::Signal(if ends { signal } else { Sig::KILL }))
    }

    /// What a process is to have a signal do.
    pub(super) fn set_signal(&mut self) -> Option<Op> {
        let signal = signal(&SAID, &mut self.dice)?;
        Some(Op::SetSignal { signal, disposition: disposition(signal, &mut self.dice) })
    }

    /// Takes note of those whom a signal has ended.
    pub(super) fn note_killed(&mut self) {
        for actor in self.actors() {
            if !self.gone.contains(actor) && self.worlds.is_ending(actor) {
                self.gone = self.gone.with(actor);
                self.ends.exits(actor);
            }
        }
    }
}
