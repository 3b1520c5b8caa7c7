//! One scenario over several channels: makes the calls, waits until nothing moves, notes what was seen.
//!
//! A process that ends is told of at the moment when that was asked for: its threads' last calls may have come further
//! by then than was seen. Nothing is quiet before it is gone.

mod lives;

use pipewright_backends::Seen;
use pipewright_backends::sys::desk::{BYTES_MAX, Order, Report};
use pipewright_model::call::{
    ACTORS_MAX, Actor, Answer, Call, ENDS_MAX, End, Events, Op, Reply, Termination,
};
use pipewright_model::ends::OpenEnds;
use pipewright_model::run::{Actors, Event, Form, Run, ends_called};

use super::company::Company;
use super::signals::Signals;
use crate::play::given;
use crate::pool::Patience;
use crate::scenario::{Numbers, Scenario, Step};
use crate::stop;
use crate::trouble::Trouble;

/// A scenario under way.
pub(super) struct Play<'a> {
    company: &'a mut Company,
    scenario: &'a Scenario,
    ends: OpenEnds,
    calls: [Option<Call>; ACTORS_MAX],
    /// How many bytes each has written to each channel.
    written: Vec<[i64; ACTORS_MAX]>,
    numbers: Numbers,
    /// When each was seen last.
    seen_ns: [u64; ACTORS_MAX],
    /// Whose call is posted and not known to have returned.
    open: Actors,
    /// Whose open call is in the run already.
    told: Actors,
    /// Processes that have been told to end, by leader: how, and when.
    ending: Vec<Ending>,
    /// Those who are there, or have been.
    born: Actors,
    /// Those whose process has ended, or was told to.
    ended: Actors,
    signals: Signals,
    /// Whether anything was done since things last came to rest.
    stirred: bool,
    /// What was seen since then, with its time; at equal times as the ranks are.
    seen: Vec<(u64, Rank, Event)>,
    run: Run,
}

/// A process that was told to end.
#[derive(Clone, Copy)]
struct Ending {
    /// The actor that ends.
    actor: Actor,
    /// Its status; `None` where the call tells that sent it a signal.
    status: Option<Termination>,
    /// When a signal was sent; `None` where it exits by itself.
    sent_ns: Option<u64>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Call,
    Return,
    Exit,
}

impl<'a> Play<'a> {
    pub(super) fn new(company: &'a mut Company, scenario: &'a Scenario, run: Run) -> Play<'a> {
        let born = scenario.actors().filter(|actor| company.is_there(*actor)).collect();
        Play {
            company,
            scenario,
            ends: OpenEnds::at_start(&scenario.seats),
            calls: [None; ACTORS_MAX],
            written: vec![[0; ACTORS_MAX]; run.channels.len()],
            numbers: Numbers::default(),
            seen_ns: [0; ACTORS_MAX],
            open: Actors::NONE,
            told: Actors::NONE,
            ending: Vec::new(),
            born,
            ended: Actors::NONE,
            signals: Signals::at_start(&scenario.seats),
            stirred: false,
            seen: Vec::new(),
            run,
        }
    }

    /// Makes the calls, and gives the run.
    pub(super) fn play(mut self) -> Result<Run, Trouble> {
        self.set_signals()?;
        for step in &self.scenario.steps {
            if stop::requested() {
                return Err(Trouble::Stopped);
            }
            self.step(step)?;
            if step.settle {
                self.settle()?;
            }
        }
        self.settle()?;
        debug_assert_eq!(self.run.check(), Ok(()));
        Ok(self.run)
    }

    /// Posts a call, unless its actor is blocked or it makes no sense.
    fn step(&mut self, step: &Step) -> Result<(), Trouble> {
        let call = step.call;
        if usize::from(call.actor.0) >= self.scenario.seats.len() || !self.is_alive(call.actor) {
            return Ok(());
        }
        if let Op::Exit { status } = call.op {
            return self.exit(call, status);
        }
        self.wait_for(call.actor)?;
        self.wait_for_waker(call.actor)?;
        if changes_table(&call) {
            self.take_turns(call.actor)?;
        }
        if matches!(call.op, Op::Open { .. }) && self.sibling_receives(call.actor) {
            // Which of the two gets which number could not be told.
            return Ok(());
        }
        if self.open.contains(call.actor) || !self.makes_sense(call) {
            return Ok(());
        }
        if let Op::Signal { target, .. } = call.op {
            // What it comes upon must be known.
            self.wait_for_end(target)?;
            for thread in self.threads(target).iter() {
                self.wait_for(thread)?;
            }
            self.look_at_signals(self.run.leader(target));
        }
        self.ends.call(&call);
        self.post(call);
        match call.op {
            Op::Fork { child } => self.fork(call.actor, child),
            Op::Signal { target, signal } => self.signal(call.actor, target, signal),
            _ => Ok(()),
        }
    }

    /// Waits until no other thread changes the table of descriptors: of two changes at a time nobody could tell what is
    /// open.
    fn take_turns(&mut self, actor: Actor) -> Result<(), Trouble> {
        for thread in self.threads(actor).without(actor).iter() {
            if self.calls[usize::from(thread.0)].is_some_and(|call| changes_table(&call)) {
                self.wait_for(thread)?;
            }
        }
        Ok(())
    }

    /// Whether another thread of the actor's process sleeps in a call that may be given a descriptor.
    fn sibling_receives(&self, actor: Actor) -> bool {
        let receives = |call: Call| matches!(call.op, Op::ReceiveEnd { .. });
        let mut siblings = self.threads(actor).without(actor).iter();
        siblings.any(|thread| self.calls[usize::from(thread.0)].is_some_and(receives))
    }

    fn post(&mut self, call: Call) {
        let Call { actor, end, op } = call;
        let at = usize::from(actor.0);
        let from = self.written[self.channel_of(&call)][at];
        let desk = self.company.desk(actor);
        desk.forget_entry();
        desk.post(Order::Call { actor, end, op, from, stop: None });
        self.calls[at] = Some(call);
        self.open = self.open.with(actor);
        self.stirred = true;
    }

    /// The channel to which the call's end leads; any for what leads nowhere.
    fn channel_of(&self, call: &Call) -> usize {
        self.numbers.channel_of(&self.run, call.actor, call.end).unwrap_or(0)
    }

    /// Whether the actor is there and has not been told to end.
    fn is_alive(&self, actor: Actor) -> bool {
        self.company.is_there(actor) && !self.ended.contains(actor)
    }

    /// The threads of an actor's process, with itself.
    fn threads(&self, actor: Actor) -> Actors {
        let leader = self.run.leader(actor);
        self.scenario.actors().filter(|other| self.run.leader(*other) == leader).collect()
    }

    fn makes_sense(&self, call: Call) -> bool {
        let names = |end: End| usize::from(end.0) < self.scenario.end_names.len().min(ENDS_MAX);
        let len = call.op.offers().or(call.op.asks()).unwrap_or(0);
        let form =
            |actor: Actor| self.scenario.seats.get(usize::from(actor.0)).map(|seat| seat.form);
        let of_process = match call.op {
            Op::Fork { child } => {
                form(child) == Some(Form::Forked)
                    && !self.company.is_there(child)
                    && !self.ended.contains(child)
            }
            Op::Wait { child } => self.born.contains(child) && child != call.actor,
            Op::Exec => self.threads(call.actor) == Actors::NONE.with(call.actor),
            Op::Signal { target, .. } => {
                // Of several threads any may take the signal.
                let threads = self.threads(call.actor);
                let alone = threads == Actors::NONE.with(call.actor);
                self.born.contains(target) && (alone || !threads.contains(target))
            }
            _ => true,
        };
        let form = form(call.actor);
        of_process
            && !self.signals.are_stopped(self.run.leader(call.actor))
            && form != Some(Form::Outsider)
            && ends_called(&self.run.polls, &call).all(names)
            && self.ends.of(call.actor).in_the_way(&call).is_none()
            && len as usize <= BYTES_MAX
            && !call.op.is_nobodys()
    }

    /// Lets an actor come to the end of its call, or to sleep in it.
    fn wait_for(&mut self, actor: Actor) -> Result<(), Trouble> {
        let this = Actors::NONE.with(actor);
        let mut patience = Patience::new();
        while self.open.contains(actor) {
            self.collect(actor)?;
            if !self.open.contains(actor) || self.company.quiet(this) {
                break;
            }
            self.pause(&mut patience, this)?;
        }
        Ok(())
    }

    /// Where the actor still sleeps: lets the calls of others, which may wake it, come to their end or to sleep.
    fn wait_for_waker(&mut self, actor: Actor) -> Result<(), Trouble> {
        let mut patience = Patience::new();
        while self.open.contains(actor) && !self.company.quiet(self.open) {
            self.pause(&mut patience, self.open)?;
            for other in self.open.iter() {
                self.collect(other)?;
            }
        }
        Ok(())
    }

    /// Waits until every open call has returned or all those open sleep at the same time, and whoever was told to end
    /// has; notes it.
    fn settle(&mut self) -> Result<(), Trouble> {
        if !self.stirred {
            return Ok(());
        }
        let mut exited = !self.ending.is_empty();
        let mut patience = Patience::new();
        loop {
            self.collect_all()?;
            exited |= !self.ending.is_empty();
            let before = (self.open, self.ending.len());
            if self.ending.is_empty() && (self.open.is_empty() || self.company.quiet(self.open)) {
                break;
            }
            self.pause_for_end(&mut patience)?;
            self.collect_all()?;
            if (self.open, self.ending.len()) != before {
                patience = Patience::new();
            }
        }
        self.note_calls();
        self.seen.sort_by_key(|(time, rank, _)| (*time, *rank));
        for (_, _, event) in self.seen.drain(..) {
            self.run.push(event);
        }
        if exited || !self.open.is_empty() {
            self.run.push(Event::Quiet(self.open));
        }
        self.stirred = false;
        Ok(())
    }

    /// Takes note of the calls that sleep and are not in the run yet.
    fn note_calls(&mut self) {
        for actor in self.open.iter().filter(|actor| !self.told.contains(*actor)) {
            if let Some(call) = self.calls[usize::from(actor.0)] {
                let entered = self.company.desk(actor).entered_ns();
                self.seen.push((entered, Rank::Call, Event::Call(call)));
            }
        }
        self.told = self.open;
    }

    /// Takes note of all returns, and of all processes that have ended.
    fn collect_all(&mut self) -> Result<(), Trouble> {
        let mut index = 0;
        while let Some(ending) = self.ending.get(index).copied() {
            match self.company.has_ended(self.run.leader(ending.actor)) {
                true => {
                    self.ending.remove(index);
                    self.bury(ending)?;
                }
                false => index += 1,
            }
        }
        for actor in self.open.iter() {
            self.collect(actor)?;
        }
        Ok(())
    }

    /// Takes note of a process that has ended, and of what its threads did last.
    fn bury(&mut self, ending: Ending) -> Result<(), Trouble> {
        let Ending { actor, status, sent_ns } = ending;
        let mut time = sent_ns.unwrap_or_else(|| self.company.desk(actor).entered_ns());
        for thread in self.threads(actor).iter() {
            self.collect(thread)?;
            time = time.max(self.seen_ns[usize::from(thread.0)]);
            if !self.open.contains(thread) {
                continue;
            }
            // It was cut short; unless it was never entered.
            let entered = self.company.desk(thread).entered_ns();
            if let Some(call) = self.calls[usize::from(thread.0)].take()
                && entered != 0
                && !self.told.contains(thread)
            {
                time = time.max(entered);
                self.seen.push((entered, Rank::Call, Event::Call(call)));
            }
            self.open = self.open.without(thread);
            self.told = self.told.without(thread);
        }
        self.ends.exits(actor);
        if let Some(status) = status {
            self.seen.push((time, Rank::Exit, Event::Exits(actor, status)));
        }
        for thread in self.threads(actor).iter() {
            self.company.forget(thread);
        }
        Ok(())
    }

    /// Takes note of what a poll on several ends has found.
    fn polled(&mut self, actor: Actor, call: Call) -> Answer {
        let ends = match call.op {
            Op::PollSet { set } => self.run.polls.get(usize::from(set)).map_or(0, |s| s.ends.len()),
            _ => 0,
        };
        let found = self.company.desk(actor).bytes().chunks_exact(2).take(ends);
        let found = found.map(|two| Events(u16::from_le_bytes([two[0], two[1]]))).collect();
        self.run.polled.push(found);
        Answer::Polled(self.run.polled.len() as u16 - 1)
    }

    /// Takes note of the return of an actor's call, if it has returned.
    fn collect(&mut self, actor: Actor) -> Result<(), Trouble> {
        let at = usize::from(actor.0);
        let (Some(report), Some(call)) = (self.company.desk(actor).report(), self.calls[at]) else {
            return Ok(());
        };
        let (Seen { answer, signal }, left) = match report {
            Report::Seen(seen, left) => (seen, left),
            Report::Failed(number) => {
                let error = std::io::Error::from_raw_os_error(number);
                return Err(Trouble::while_doing(doing(call.op))(error));
            }
            _ => return Ok(()),
        };
        let answer = match answer {
            Answer::Polled(_) => self.polled(actor, call),
            answer => answer,
        };
        let desk = self.company.desk(actor);
        if !self.told.contains(actor) {
            self.seen.push((desk.entered_ns(), Rank::Call, Event::Call(call)));
        }
        let channel = self.numbers.channel_of(&self.run, actor, call.end).unwrap_or(0);
        let kind = self.run.channels[channel].setup.kind;
        let data = given(kind, call.op, answer, desk.bytes());
        self.seen_ns[at] = left;
        self.seen.push((left, Rank::Return, Event::Return(actor, Reply { answer, signal, data })));
        if call.op.offers().is_some() {
            self.written[channel][at] += i64::from(answer.count().unwrap_or(0));
        }
        if call.made(answer) {
            self.numbers.learn(&self.run, &call);
            self.signals.learn(self.run.leader(actor), call.op);
        }
        self.ends.returned(actor, answer);
        self.calls[at] = None;
        self.open = self.open.without(actor);
        self.told = self.told.without(actor);
        Ok(())
    }

    /// Lets actors run for a moment, or a process end that is to.
    fn pause_for_end(&mut self, patience: &mut Patience) -> Result<(), Trouble> {
        if stop::requested() {
            return Err(Trouble::Stopped);
        }
        self.company.pause_for_end(patience, self.open)
    }

    /// Lets actors run for a moment, unless the run is no longer wanted.
    fn pause(&mut self, patience: &mut Patience, busy: Actors) -> Result<(), Trouble> {
        if stop::requested() { Err(Trouble::Stopped) } else { self.company.pause(patience, busy) }
    }
}

/// Whether the call changes which descriptors are open, or copies them.
fn changes_table(call: &Call) -> bool {
    call.makes().or(call.replaces()).is_some()
        || matches!(call.op, Op::Close | Op::Exec | Op::Fork { .. })
}

/// What failed where an actor says that it could not carry out its order.
fn doing(op: Op) -> &'static str {
    match op {
        Op::Fork { .. } => "fork an actor",
        Op::Exec => "run this program again",
        _ => "make a call",
    }
}
