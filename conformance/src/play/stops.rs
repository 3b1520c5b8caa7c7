//! Calls that are stopped in their middle: noticed, and let go on.
//!
//! While a call is stopped nothing can come to rest, and nothing is claimed of who sleeps: a lock of the
//! kernel's that the call holds lets others wait as they would not otherwise.

use pipewright_backends::sys::now_ns;
use pipewright_model::call::{ACTORS_MAX, Actor};
use pipewright_model::data;
use pipewright_model::run::{Actors, Event};

use super::{Play, Rank};
use crate::pool::Patience;
use crate::scenario::Stop;
use crate::trouble::Trouble;

/// Where open calls are to stop.
#[derive(Default)]
pub(super) struct Stops {
    /// The stop of each actor's open call, until it goes on; with the steps that are left to be made inside.
    awaited: [Option<Stop>; ACTORS_MAX],
    /// Whose calls are stopped.
    pub(super) stopped: Actors,
}

impl Stops {
    /// A call is posted that is to stop here, or nowhere.
    pub(super) fn begin(&mut self, actor: Actor, stop: Option<Stop>) {
        self.awaited[usize::from(actor.0)] = stop;
    }

    /// A call has returned.
    pub(super) fn end(&mut self, actor: Actor) {
        self.awaited[usize::from(actor.0)] = None;
        self.stopped = self.stopped.without(actor);
    }

    fn awaits(&self, actor: Actor) -> bool {
        self.awaited[usize::from(actor.0)].is_some() && !self.stopped.contains(actor)
    }
}

impl Play<'_> {
    /// Takes note of an actor's call that has come to its stop; whether one has since this was asked last.
    fn notice(&mut self, actor: Actor) -> Result<bool, Trouble> {
        if !self.stops.awaits(actor) {
            return Ok(false);
        }
        let Some(stop) = self.stops.awaited[usize::from(actor.0)] else { return Ok(false) };
        let Some(watch) = &self.pool.member(actor).watch else { return Ok(false) };
        if !watch.has_stopped().map_err(Trouble::while_doing("watch over a call's buffer"))? {
            return Ok(false);
        }
        self.stops.stopped = self.stops.stopped.with(actor);
        self.seen.push((now_ns(), Rank::Stops, Event::Stops(actor, stop.at)));
        if stop.inside == 0 {
            self.go_on(actor)?;
        }
        Ok(true)
    }

    /// Takes note of all calls that have come to their stops; whether any has since this was asked last. At its stop
    /// a call looks asleep: what was seen before of who sleeps is void then, also where the call goes on at once.
    pub(super) fn notice_all(&mut self) -> Result<bool, Trouble> {
        let mut any = false;
        for actor in self.open.iter() {
            any |= self.notice(actor)?;
        }
        Ok(any)
    }

    /// A step has been made inside the calls of these actors: those that have had all theirs go on.
    pub(super) fn count_inside(&mut self, holding: Actors) -> Result<(), Trouble> {
        let holding = Actors(holding.0 & self.stops.stopped.0);
        for actor in holding.iter() {
            let Some(stop) = &mut self.stops.awaited[usize::from(actor.0)] else { continue };
            stop.inside = stop.inside.saturating_sub(1);
            if stop.inside == 0 {
                self.go_on(actor)?;
            }
        }
        Ok(())
    }

    /// Lets a call go on that is stopped.
    pub(super) fn go_on(&mut self, actor: Actor) -> Result<(), Trouble> {
        if self.stops.stopped.contains(actor) {
            self.seen.push((now_ns(), Rank::GoesOn, Event::GoesOn(actor)));
            self.fill(actor)?;
        }
        Ok(())
    }

    /// Lets all calls go on that are stopped, until none stops any more.
    pub(super) fn let_all_go_on(&mut self) -> Result<(), Trouble> {
        while !self.stops.stopped.is_empty() {
            for actor in self.stops.stopped.iter() {
                self.go_on(actor)?;
            }
            self.settle()?;
        }
        Ok(())
    }

    /// Sees to it that no call stops any more, wherever it has got.
    pub(super) fn stop_nowhere(&mut self) -> Result<(), Trouble> {
        for actor in self.open.iter() {
            self.fill(actor)?;
        }
        Ok(())
    }

    /// Puts the page in its place that is missing in the buffer of an actor's call.
    fn fill(&mut self, actor: Actor) -> Result<(), Trouble> {
        let index = usize::from(actor.0);
        self.stops.stopped = self.stops.stopped.without(actor);
        let (Some(stop), Some(call)) = (self.stops.awaited[index].take(), self.parts[index].call)
        else {
            return Ok(());
        };
        let from = self.parts[index].written + i64::from(stop.at);
        let Some(watch) = &self.pool.member(actor).watch else { return Ok(()) };
        let filled = watch.go_on(|page| match call.op.offers() {
            Some(len) => {
                let rest = page.len().min(len.saturating_sub(stop.at) as usize);
                data::fill(actor, from, &mut page[..rest]);
            }
            None => page.fill(pipewright_backends::sys::bytes::MARK),
        });
        filled.map_err(Trouble::while_doing("let a call go on"))
    }

    /// Waits until every open call has returned, is stopped, or sleeps.
    pub(super) fn stand_still(&mut self) -> Result<(), Trouble> {
        let mut patience = Patience::new();
        loop {
            self.collect_all();
            self.notice_all()?;
            let others = Actors(self.open.0 & !self.stops.stopped.0);
            if self.pool.still(others) && !self.notice_all()? {
                return Ok(());
            }
            self.pause(&mut patience, others)?;
        }
    }
}
