//! Lines: calls that sleep at one object and are woken one at a time, the one that has slept the longest first.
//!
//! Of their order only what is known is kept. A call that is woken and finds that another was faster goes to the end of
//! the line; so after each call that may wake somebody in vain nothing is known of those who slept by then.

use super::{Actor, Mode, Op, PassedOver, Pending, Progress, World};
use crate::channel::Object;
use crate::index::ObjectIndex;
use crate::run::Actors;

/// What the calls in a line wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// Something to read, or a connection to accept.
    Readers,
    /// Room to write.
    Writers,
    /// Room at a socket that listens, for a connection more.
    Connectors,
}

impl Line {
    /// The line in which such a call may wait.
    pub fn of(op: &Op) -> Option<Line> {
        match (op.asks(), op.offers()) {
            (Some(_), _) => Some(Line::Readers),
            (_, Some(_)) => Some(Line::Writers),
            _ if matches!(op, Op::Accept { .. }) => Some(Line::Readers),
            _ if *op == Op::Connect => Some(Line::Connectors),
            (None, None) => None,
        }
    }
}

impl World {
    /// The actors whose calls sleep in a line.
    pub fn asleep_in(&self, object: ObjectIndex, line: Line) -> impl Iterator<Item = Actor> + '_ {
        let actors = (0..self.actors.len() as u8).map(Actor);
        actors.filter(move |actor| {
            self.pending(*actor).is_some_and(|call| {
                call.entered
                    && call.progress == Progress::Open
                    && Line::of(&call.op) == Some(line)
                    && self.waits_at(call) == Some(object)
            })
        })
    }

    /// The object at which a call waits: its own, or the socket to which it connects.
    pub fn waits_at(&self, call: &Pending) -> Option<ObjectIndex> {
        match call.op {
            Op::Connect => call.waits_on,
            _ => self.object_called(call),
        }
    }

    /// Nothing is known any more of the order in a line.
    pub fn scatter(&mut self, object: ObjectIndex, line: Line) {
        let asleep: Actors = self.asleep_in(object, line).collect();
        for actor in asleep.iter() {
            self.lose_its_place(actor);
            // What is known not to be woken stays where it is.
            if self.pending(actor).is_some_and(|call| call.passed_over != PassedOver::Surely) {
                self.pending_mut(actor).settled = false;
                self.is_perhaps_behind_entries(actor);
            }
        }
    }

    /// Nothing is known any more of the order in which receivers sleep at sockets.
    pub fn scatter_receivers(&mut self) {
        for object in 0..self.objects.len() as ObjectIndex {
            if self.socket(object).is_some() {
                self.scatter(object, Line::Readers);
            }
        }
    }

    fn lose_its_place(&mut self, actor: Actor) {
        let call = self.pending_mut(actor);
        (call.behind, call.placed) = (Actors::NONE, false);
    }

    /// A call that sleeps goes to the end of its line, or near to it.
    pub fn fall_back(&mut self, actor: Actor) {
        self.lose_its_place(actor);
        self.is_behind_entries(actor);
        for call in self.actors.iter_mut().filter_map(|other| other.call.as_mut()) {
            call.behind = call.behind.without(actor);
        }
    }

    /// A call begins to sleep behind those that sleep already. Its place is known only where no call is under way that has
    /// yet to wake somebody, and may wake this one in vain; `wakes` says which could.
    pub fn join_the_line(&mut self, actor: Actor, wakes: impl Fn(&World, Actor) -> bool) {
        self.is_behind_entries(actor);
        let call = self.pending_mut(actor);
        call.entered = true;
        let op = call.op;
        let Some((object, line)) = self.object_index_of(actor).zip(Line::of(&op)) else { return };
        let asleep: Actors = self.asleep_in(object, line).filter(|other| *other != actor).collect();
        let others = || (0..self.actors.len() as u8).map(Actor).filter(|other| *other != actor);
        let settled = others().all(|other| asleep.contains(other) || !wakes(self, other));
        let placed = settled && self.others_may_join(actor, object, line);
        let is_placed = |other: &Actor| self.pending(*other).is_some_and(|call| call.placed);
        let behind: Actors = asleep.iter().filter(is_placed).collect();
        let call = self.pending_mut(actor);
        (call.placed, call.behind) = (placed, behind);
    }

    /// Every call in progress sleeps: whoever was woken in vain is back in line, and whoever comes now is behind all
    /// of them.
    pub fn all_sleep(&mut self) {
        for object in &mut self.objects {
            if let Object::Tcp(tcp) = object {
                tcp.wakes_again = false;
            }
        }
        for index in 0..self.actors.len() as u8 {
            let actor = Actor(index);
            let is_stopped = self.is_stopped(actor);
            let looked_up = self.pending(actor).map(|call| (self.end(actor, call.end), call));
            let replaced = looked_up.is_some_and(|(now, call)| now != call.description);
            if let Some(call) = &mut self.actors[usize::from(index)].call {
                call.settled = call.entered;
                // What happens elsewhere wakes a poll of several ends unseen.
                call.unwoken |= matches!(call.op, Op::Poll { among: false, .. }) && !is_stopped;
                call.astray |= matches!(call.op, Op::Poll { among: true, .. }) && replaced;
                call.waited |= matches!(call.op, Op::EpollWait { .. }) && !is_stopped;
            }
            let Some(call) = self.pending(actor).filter(|call| call.entered && !call.placed) else {
                continue;
            };
            let line = self.object_index_of(actor).zip(Line::of(&call.op));
            let placed =
                line.is_some_and(|(object, line)| self.others_may_join(actor, object, line));
            self.pending_mut(actor).placed = placed;
        }
    }

    fn others_may_join(&self, actor: Actor, object: ObjectIndex, line: Line) -> bool {
        let mut others = (0..self.actors.len() as u8).map(Actor).filter(|other| *other != actor);
        match line {
            Line::Readers => others.any(|other| self.holds(other, object, Mode::reads)),
            Line::Writers => others.any(|other| self.holds(other, object, Mode::writes)),
            // Whoever makes a socket may.
            Line::Connectors => others.next().is_some(),
        }
    }

    fn object_index_of(&self, actor: Actor) -> Option<ObjectIndex> {
        self.waits_at(self.pending(actor)?)
    }
}
