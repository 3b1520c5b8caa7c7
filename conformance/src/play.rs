//! One scenario on one channel: makes the calls, waits until nothing moves, notes what was seen.

mod later;
mod stops;

use pipewright_backends::sys::desk::{BYTES_MAX, Order, Report};
use pipewright_backends::{Queues, Seen};
use pipewright_model::call::{
    ACTORS_MAX, Actor, Answer, Call, ENDS_MAX, End, Op, Reply, SendFlags,
};
use pipewright_model::data::Data;
use pipewright_model::ends::Held;
use pipewright_model::kind::Kind;
use pipewright_model::run::{Actors, Event, Run, Seat, Setup};

use crate::pool::{Patience, Pool};
use crate::scenario::{Scenario, Step, Stop};
use crate::stop;
use crate::trouble::Trouble;
use later::Later;
use stops::Stops;

/// A scenario under way.
pub(crate) struct Play<'a> {
    pool: &'a mut Pool,
    scenario: &'a Scenario,
    parts: [Part; ACTORS_MAX],
    /// Whose call is posted and not known to have returned.
    open: Actors,
    /// Whose open call is in the run already.
    told: Actors,
    /// Whether a call was posted since things last came to rest.
    stirred: bool,
    /// What was seen since then, with its time; at equal times as the ranks are.
    seen: Vec<(u64, Rank, Event)>,
    run: Run,
    /// What the kernel has under way, where the channel has that.
    queues: Option<Queues>,
    /// Whether there may be anything in them: not before somebody holds what is connected or has asked to be.
    connected: bool,
    /// Whether somebody may have asked since things last came to rest.
    connecting: bool,
    stops: Stops,
    /// Calls whose actors were blocked, where such calls are made later.
    later: Option<Later>,
}

/// What is known of an actor.
#[derive(Clone, Copy, Default)]
pub(crate) struct Part {
    call: Option<Call>,
    /// How many bytes it has written.
    pub(crate) written: i64,
    /// Its ends.
    ends: Held,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Call,
    Stops,
    GoesOn,
    Return,
}

impl<'a> Play<'a> {
    pub(crate) fn new(
        pool: &'a mut Pool,
        scenario: &'a Scenario,
        setup: Setup,
        queues: Option<Queues>,
    ) -> Play<'a> {
        let parts = Part::of(&scenario.seats);
        let run = Run::new(setup, scenario.seats.clone(), scenario.end_names.clone());
        let (open, told, seen) = (Actors::NONE, Actors::NONE, Vec::new());
        let connected = scenario.seats.iter().any(|seat| !seat.ends.is_empty());
        let (stirred, connecting) = (false, false);
        Play {
            pool,
            scenario,
            parts,
            open,
            told,
            stirred,
            seen,
            run,
            queues,
            connected,
            connecting,
            stops: Stops::default(),
            later: None,
        }
    }

    /// Makes the calls, then takes all ends away. The run, and whether all workers are idle again.
    pub(crate) fn play(mut self) -> Result<(Run, bool), Trouble> {
        let stopping = self.scenario.steps.iter().filter(|step| step.stop.is_some());
        self.pool.watch(stopping.map(|step| step.call.actor).collect())?;
        for step in &self.scenario.steps {
            if stop::requested() {
                return Err(Trouble::Stopped);
            }
            let holding = self.stops.stopped;
            if usize::from(step.call.actor.0) < self.scenario.seats.len() {
                self.make(step)?;
            }
            if !holding.is_empty() {
                self.stand_still()?;
                self.count_inside(holding)?;
            }
            if step.settle {
                self.settle_all()?;
            }
        }
        self.settle_all()?;
        self.let_all_go_on()?;
        self.stop_nowhere()?;
        debug_assert_eq!(self.run.check(), Ok(()));
        let released = self.take_ends_away()?;
        Ok((self.run, released))
    }

    /// Posts a call, unless its actor is blocked or it makes no sense. One that is to stop is let come there.
    fn step(&mut self, step: &Step) -> Result<(), Trouble> {
        let call = step.call;
        self.go_on(call.actor)?;
        self.wait_for(call.actor)?;
        let part = &mut self.parts[usize::from(call.actor.0)];
        let ends = self.scenario.end_names.len();
        if self.open.contains(call.actor) || !part.makes_sense(call, ends) {
            return Ok(());
        }
        part.call = Some(call);
        self.connecting |= call.op == Op::Connect;
        self.connected |= self.connecting;
        let Call { actor, end, op } = call;
        let within = |stop: &Stop| stop.at < op.offers().or(op.asks()).unwrap_or(0);
        let stop = step.stop.filter(within).filter(|_| self.pool.member(actor).watch.is_some());
        let from = self.parts[usize::from(actor.0)].written;
        let order = Order::Call { actor, end, op, from, stop: stop.map(|stop| stop.at) };
        self.stops.begin(actor, stop);
        self.pool.member(actor).desk.post(order);
        self.open = self.open.with(actor);
        self.stirred = true;
        if stop.is_some() { self.wait_for(actor) } else { Ok(()) }
    }

    /// Lets an actor come to the end of its call, to its stop, or to sleep in it.
    fn wait_for(&mut self, actor: Actor) -> Result<(), Trouble> {
        let this = Actors::NONE.with(actor);
        let mut patience = Patience::new();
        while self.open.contains(actor) {
            self.collect(actor);
            // Whoever waits for a lock that a call holds which is stopped sleeps otherwise.
            self.notice_all()?;
            if !self.open.contains(actor) || self.stops.stopped.contains(actor) {
                break;
            }
            let sleeps = match self.stops.stopped.is_empty() {
                true => self.pool.quiet(this),
                false => self.pool.still(this),
            };
            if sleeps && !self.notice_all()? {
                break;
            }
            self.pause(&mut patience, this)?;
        }
        Ok(())
    }

    /// Waits until every open call has returned or all those open sleep at the same time; notes it. While a
    /// call is stopped nothing is noted: it is waited until all others have got as far as they can.
    fn settle(&mut self) -> Result<(), Trouble> {
        if !self.stirred {
            return Ok(());
        }
        let mut patience = Patience::new();
        while !(self.collect_all() && self.is_at_rest()?) {
            let before = self.open;
            self.pause(&mut patience, before)?;
            self.collect_all();
            if self.is_at_rest()? {
                break;
            }
            if !self.stops.stopped.is_empty() {
                return self.stand_still();
            }
            if self.open != before {
                patience = Patience::new();
            }
        }
        self.note_calls();
        self.seen.sort_by_key(|(time, rank, _)| (*time, *rank));
        for (_, _, event) in self.seen.drain(..) {
            self.run.push(event);
        }
        let delivers = || self.run.setup().kind.delivers() && has_sent(&self.run);
        if !self.open.is_empty() || delivers() {
            self.run.push(Event::Quiet(self.open));
        }
        self.stirred = false;
        self.connecting = self.open.iter().any(|actor| self.is_connecting(actor));
        Ok(())
    }

    /// Whether every open call sleeps, and nothing is under way that could wake one.
    fn is_at_rest(&mut self) -> Result<bool, Trouble> {
        if self.queues.is_some() {
            // Whoever asks for the queues waits for the socket, which a call that is stopped holds: that call would
            // never go on, as it is let go on from here.
            if self.notice_all()? || !self.stops.stopped.is_empty() {
                return Ok(false);
            }
            self.stop_nowhere()?;
        }
        let mut failed = None;
        let mut nothing_under_way = || match &mut self.queues {
            Some(queues) if self.connected => queues(self.connecting).unwrap_or_else(|error| {
                failed = Some(error);
                false
            }),
            _ => true,
        };
        let rests = match self.open.is_empty() {
            true => nothing_under_way(),
            false => self.pool.quiet_beside(self.open, &mut nothing_under_way),
        };
        match failed {
            Some(error) => Err(Trouble::while_doing("ask for what is under way")(error)),
            // What was seen holds only if nobody stood at a stop.
            None => Ok(!self.notice_all()? && self.stops.stopped.is_empty() && rests),
        }
    }

    /// Whether this actor's open call is to connect.
    fn is_connecting(&self, actor: Actor) -> bool {
        self.parts[usize::from(actor.0)].call.is_some_and(|call| call.op == Op::Connect)
    }

    /// Takes note of the calls that sleep and are not in the run yet.
    fn note_calls(&mut self) {
        for actor in self.open.iter().filter(|actor| !self.told.contains(*actor)) {
            if let Some(call) = self.parts[usize::from(actor.0)].call {
                let entered = self.pool.member(actor).desk.entered_ns();
                self.seen.push((entered, Rank::Call, Event::Call(call)));
            }
        }
        self.told = self.open;
    }

    /// Takes note of all returns; whether no call is open any more.
    fn collect_all(&mut self) -> bool {
        for actor in self.open.iter() {
            self.collect(actor);
        }
        self.open.is_empty()
    }

    /// Takes note of the return of an actor's call, if it has returned.
    fn collect(&mut self, actor: Actor) {
        let part = &mut self.parts[usize::from(actor.0)];
        let desk = &self.pool.member(actor).desk;
        let (Some(Report::Seen(seen, left)), Some(call)) = (desk.report(), part.call) else {
            return;
        };
        if !self.told.contains(actor) {
            self.seen.push((desk.entered_ns(), Rank::Call, Event::Call(call)));
        }
        let data = given(self.run.setup().kind, call.op, seen.answer, desk.bytes());
        let Seen { answer, signal } = seen;
        self.seen.push((left, Rank::Return, Event::Return(actor, Reply { answer, signal, data })));
        part.learn(call, answer);
        part.call = None;
        self.stops.end(actor);
        self.open = self.open.without(actor);
        self.told = self.told.without(actor);
    }

    /// Lets workers run for a moment, unless the run is no longer wanted.
    fn pause(&mut self, patience: &mut Patience, busy: Actors) -> Result<(), Trouble> {
        if stop::requested() { Err(Trouble::Stopped) } else { self.pool.pause(patience, busy) }
    }

    /// Has all ports dropped. `false`: some call could not be interrupted.
    fn take_ends_away(&mut self) -> Result<bool, Trouble> {
        let all: Actors = self.scenario.actors().collect();
        let drop = |actor| (actor, Order::Drop);
        let idle = all.iter().filter(|actor| !self.open.contains(*actor));
        let idle: Vec<_> = idle.map(drop).collect();
        self.pool.carry_out(idle, "drop ends")?;
        for actor in self.open.iter() {
            if !self.pool.release(actor)? {
                return Ok(false);
            }
            self.pool.carry_out([drop(actor)], "drop ends")?;
        }
        Ok(true)
    }
}

impl Part {
    /// What is known of the actors before their first calls.
    pub(crate) fn of(seats: &[Seat]) -> [Part; ACTORS_MAX] {
        let mut parts = [Part::default(); ACTORS_MAX];
        for (part, seat) in parts.iter_mut().zip(seats) {
            part.ends = Held::at_start(seat);
        }
        parts
    }

    /// Whether the actor can make this call, in a scenario of so many ends.
    pub(crate) fn makes_sense(&self, call: Call, ends: usize) -> bool {
        let names = |end: End| usize::from(end.0) < ends.min(ENDS_MAX);
        let len = call.op.offers().or(call.op.asks()).unwrap_or(0);
        call.ends().all(names)
            && self.ends.in_the_way(&call).is_none()
            && len as usize <= BYTES_MAX
            && !call.op.is_nobodys()
    }

    /// Takes note of what a call has changed.
    pub(crate) fn learn(&mut self, call: Call, answer: Answer) {
        if call.op.offers().is_some() {
            self.written += i64::from(answer.count().unwrap_or(0));
        }
        self.ends.learn(&call, Some(answer));
    }
}

/// Whether somebody may have sent something since it was last noted that all was quiet.
fn has_sent(run: &Run) -> bool {
    let since = run.events.iter().rev().take_while(|event| !matches!(event, Event::Quiet(_)));
    since.into_iter().any(|event| match event {
        Event::Call(Call { op, .. }) => {
            op.asks().is_none() && !matches!(op, Op::Poll { .. } | Op::Available | Op::Dup { .. })
        }
        _ => false,
    })
}

/// The data that a call on a channel of this kind gave.
pub(crate) fn given(kind: &Kind, op: Op, answer: Answer, bytes: &[u8]) -> Data {
    // With MSG_TRUNC a message is counted whole, though only its beginning was given.
    let whole = matches!(op, Op::Receive { flags, .. } if flags.contains(SendFlags::TRUNC));
    match (op.asks(), answer.count()) {
        (Some(len), Some(count)) if (count <= len || whole) && !kind.discards(&op) => {
            Data::Bytes(bytes[..count.min(len) as usize].into())
        }
        _ => Data::Unknown,
    }
}
