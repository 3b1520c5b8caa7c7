//! Forks, signals and exits of a scenario under way.

use pipewright_backends::Seen;
use pipewright_backends::sys::desk::{Order, Report};
use pipewright_backends::sys::now_ns;
use pipewright_model::call::{
    Actor, Answer, Call, Disposition, Dispositions, End, Op, Sig, Termination,
};
use pipewright_model::run::Actors;

use super::super::signals::{Effect, SIGPIPE};
use super::{Ending, Play};
use crate::pool::Patience;
use crate::trouble::Trouble;

impl Play<'_> {
    /// Lets a fork return, and its child sit down.
    pub(super) fn fork(&mut self, parent: Actor, child: Actor) -> Result<(), Trouble> {
        let this = Actors::NONE.with(parent);
        let mut patience = Patience::new();
        while !self.company.desk(parent).finished() {
            self.pause(&mut patience, this)?;
        }
        if !matches!(self.company.desk(parent).report(), Some(Report::Seen(..))) {
            return Ok(());
        }
        self.numbers.copy(&self.run, parent, child);
        self.signals.copy(self.run.leader(parent), child);
        self.born = self.born.with(child);
        self.company.born(child)
    }

    /// Has signals do at the start what the seats say.
    pub(super) fn set_signals(&mut self) -> Result<(), Trouble> {
        for (actor, seat) in self.scenario.actors().zip(&self.scenario.seats) {
            for (signal, disposition) in said(seat.signals) {
                let op = Op::SetSignal { signal, disposition };
                let order = Order::Call { actor, end: End(0), op, from: 0, stop: None };
                self.company.desk(actor).post(order);
                let mut patience = Patience::new();
                while !self.company.desk(actor).finished() {
                    self.pause(&mut patience, Actors::NONE.with(actor))?;
                }
            }
        }
        Ok(())
    }

    /// Lets a signal be sent, and what it does begin.
    pub(super) fn signal(
        &mut self,
        sender: Actor,
        target: Actor,
        signal: Sig,
    ) -> Result<(), Trouble> {
        let this = Actors::NONE.with(sender);
        let leader = self.run.leader(target);
        let effect = match self.is_alive(target) {
            true => self.signals.effect(leader, signal),
            false => Effect::None,
        };
        if effect == Effect::Ends {
            // It may be gone before its sender has returned.
            self.company.end(leader, None)?;
        }
        if self.run.leader(sender) == leader {
            match effect {
                // It does not return.
                Effect::Ends => self.end(leader, None),
                Effect::Stops(true) => self.stop(leader, true)?,
                Effect::Stops(false) | Effect::None => {}
            }
            if matches!(effect, Effect::Ends | Effect::Stops(true)) {
                return Ok(());
            }
        }
        let mut patience = Patience::new();
        while !self.company.desk(sender).finished() {
            self.pause(&mut patience, this)?;
        }
        let sent = matches!(
            self.company.desk(sender).report(),
            Some(Report::Seen(Seen { answer: Answer::Done, .. }, _))
        );
        if !sent {
            return Ok(());
        }
        match effect {
            Effect::Ends => {
                let sent_ns = Some(self.company.desk(sender).entered_ns());
                self.end(leader, sent_ns);
            }
            Effect::Stops(stops) => self.stop(leader, stops)?,
            Effect::None => {}
        }
        Ok(())
    }

    /// Takes note that a signal ends a process, sent at that time.
    fn end(&mut self, leader: Actor, sent_ns: Option<u64>) {
        self.ended = self.threads(leader).iter().fold(self.ended, Actors::with);
        self.ending.push(Ending { actor: leader, status: None, sent_ns });
    }

    /// Lets a signal stop a process, or let it go on.
    fn stop(&mut self, leader: Actor, stops: bool) -> Result<(), Trouble> {
        let threads = self.threads(leader);
        threads.iter().for_each(|thread| self.company.set_stopped(thread, stops));
        let mut patience = Patience::new();
        while stops && !threads.iter().all(|thread| self.company.has_stopped(thread)) {
            self.pause(&mut patience, threads)?;
        }
        Ok(())
    }

    /// Has a process end.
    pub(super) fn exit(&mut self, call: Call, status: Termination) -> Result<(), Trouble> {
        let actor = call.actor;
        let signal = status.signal();
        let by_itself = signal.is_none_or(|signal| signal == SIGPIPE);
        let mut sent_ns = None;
        if signal.is_some() {
            self.wait_for_signals(actor)?;
        }
        let leader = self.run.leader(actor);
        self.look_at_signals(leader);
        if by_itself && self.signals.are_stopped(leader) {
            return Ok(());
        }
        if signal == Some(SIGPIPE) && !self.signals.by_default(leader, SIGPIPE) {
            return Ok(());
        }
        let ends = |signal| self.signals.end_now(self.run.leader(actor), signal);
        if !by_itself && !signal.is_some_and(ends) {
            return Ok(());
        }
        if by_itself {
            self.wait_for(actor)?;
            if self.open.contains(actor) {
                return Ok(());
            }
            self.post(call);
            // It is no call that returns.
            self.open = self.open.without(actor);
            self.calls[usize::from(actor.0)] = None;
            self.company.end(self.run.leader(actor), None)?;
        } else {
            sent_ns = Some(now_ns());
            self.company.end(self.run.leader(actor), signal.map(|signal| signal.0.into()))?;
        }
        self.stirred = true;
        self.ended = self.threads(actor).iter().fold(self.ended, Actors::with);
        self.ending.push(Ending { actor, status: Some(status), sent_ns });
        Ok(())
    }

    /// Lets a process end that has been told to.
    pub(super) fn wait_for_end(&mut self, actor: Actor) -> Result<(), Trouble> {
        let leader = self.run.leader(actor);
        let mut patience = Patience::new();
        while self.ending.iter().any(|ending| self.run.leader(ending.actor) == leader) {
            self.pause_for_end(&mut patience)?;
            self.collect_all()?;
        }
        Ok(())
    }

    /// Asks the kernel what a process has signals do: of two that say so at a time nobody else knows who was last.
    pub(super) fn look_at_signals(&mut self, leader: Actor) {
        if let Some(masks) = self.company.signal_masks(leader) {
            self.signals.see(leader, masks);
        }
    }

    /// Lets come to its end what says anew what signals do to the actor's process.
    fn wait_for_signals(&mut self, actor: Actor) -> Result<(), Trouble> {
        let says = |call: Call| matches!(call.op, Op::SetSignal { .. } | Op::Exec);
        for thread in self.threads(actor).iter() {
            if self.calls[usize::from(thread.0)].is_some_and(says) {
                self.wait_for(thread)?;
            }
        }
        Ok(())
    }
}

/// The signals of which a process has said what they do.
fn said(of: Dispositions) -> impl Iterator<Item = (Sig, Disposition)> {
    let all = Sig::NAMED.into_iter().map(move |(_, signal)| (signal, of.of(signal)));
    all.filter(|(_, disposition)| *disposition != Disposition::Default)
}
