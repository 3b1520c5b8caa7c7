//! A run of several channels taken apart: what each channel sees of it.
//!
//! A call is on one channel, but for those of processes, of which each channel sees what they mean for it: a fork
//! copies the descriptors that lead to it, an exit lets go of them. Whether one channel may behave as it was seen to
//! does not depend on another: linearizability is local (Herlihy and Wing, *Linearizability: a correctness condition for
//! concurrent objects*, ACM TOPLAS 12(3), 1990, theorem 1). So a run conforms exactly if each of its parts does.

use std::collections::BTreeMap;

use crate::call::{ACTORS_MAX, Actor, Answer, Call, Dispositions, End, Op, Reply};
use crate::run::{Actors, Channel, Event, Form, PollSet, Run, Seat};

/// What one channel sees of a run: a run of that channel alone.
#[derive(Clone, Debug)]
pub struct Part {
    /// The run, with the same actors and names of ends.
    pub run: Run,
    /// For each of its events which event of the whole run it is.
    pub events: Vec<usize>,
}

impl Run {
    /// Whether it has to be taken apart: it is of several channels, processes come to be in it, or it polls several
    /// ends at once.
    pub fn has_parts(&self) -> bool {
        self.channels.len() > 1
            || !self.polls.is_empty()
            || self.seats.iter().any(|seat| seat.form == Form::Forked)
    }

    /// Whether processes are told of in it, and not only actors of whatever sort.
    pub fn is_of_processes(&self) -> bool {
        self.has_parts()
            || self.channels.iter().any(|channel| channel.name.is_some())
            || self.seats.iter().any(|seat| {
                seat.form != Form::Actor
                    || !seat.inherits.is_empty()
                    || seat.signals != Dispositions::NONE
            })
    }

    /// What each of its channels sees of it, in their order.
    ///
    /// A process calls as soon as it is there, be it that its parent has not been seen to return from the fork: there
    /// the fork returns before the first call of the child.
    ///
    /// It must be well-formed ([`Run::check`]).
    pub fn parts(&self) -> Vec<Part> {
        let part = |channel: &Channel| Part {
            run: Run {
                channels: vec![channel.clone()],
                events: Vec::new(),
                remarks: Vec::new(),
                preamble: Vec::new(),
                polls: Vec::new(),
                polled: Vec::new(),
                ..self.clone()
            },
            events: Vec::new(),
        };
        let mut parts: Vec<Part> = self.channels.iter().map(part).collect();
        for (index, part) in parts.iter_mut().enumerate() {
            for seat in &mut part.run.seats {
                if seat.form == Form::Forked {
                    // Its part says when it comes to be.
                    seat.form = Form::Process;
                }
                seat.ends.retain(|(end, _)| self.channel_of(*end) == Some(index));
                seat.inherits.retain(|(end, _)| self.channel_of(*end) == Some(index));
            }
        }
        let (open, numbers, polls) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        let mut taking = Taking { whole: self, parts, open, numbers, polls };
        for (index, event) in self.events.iter().enumerate() {
            taking.take(index, event);
        }
        taking.parts
    }

    /// The reply that the call of this event gets, if it returns.
    fn reply_to(&self, call: usize) -> Option<&Reply> {
        let Event::Call(Call { actor, .. }) = self.events[call] else { return None };
        self.events[call..].iter().find_map(|event| match event {
            Event::Return(other, reply) if *other == actor => Some(Some(reply)),
            Event::Exits(other, _) if self.leader(*other) == self.leader(actor) => Some(None),
            _ => None,
        })?
    }
}

/// A run that is being taken apart.
struct Taking<'r> {
    whole: &'r Run,
    parts: Vec<Part>,
    /// Each actor's call in progress, with the channels that see it.
    open: BTreeMap<Actor, (Call, Vec<usize>)>,
    /// The channels to which numbered descriptors lead, by process.
    numbers: BTreeMap<(Actor, End), usize>,
    /// Each poll on several ends in progress: by whom each of its ends is polled, in which channel.
    polls: BTreeMap<Actor, Vec<(usize, Actor)>>,
}

impl Taking<'_> {
    fn take(&mut self, index: usize, event: &Event) {
        self.bear(index, event);
        match event {
            Event::Call(call) => self.call(index, *call),
            Event::Return(actor, reply) => {
                let Some((call, seen_by)) = self.open.remove(actor) else { return };
                if let Some(polls) = self.polls.remove(actor) {
                    return self.polled(index, &polls, reply);
                }
                self.learn(&call, reply.answer);
                for channel in seen_by {
                    self.push(channel, index, event.clone());
                }
            }
            Event::Quiet(listed) => {
                // Whoever is left out has been ended by a signal.
                self.open.retain(|actor, _| listed.contains(*actor));
                self.polls.retain(|actor, _| listed.contains(*actor));
                for channel in 0..self.parts.len() {
                    let asleep = self.open.iter().filter(|(_, (_, by))| by.contains(&channel));
                    let asleep = asleep.map(|(actor, _)| *actor);
                    let polls = self.polls.values().flatten();
                    let others = polls.filter(|(of, _)| *of == channel).map(|(_, by)| *by);
                    let asleep: Actors = asleep.chain(others).collect();
                    self.push(channel, index, Event::Quiet(asleep));
                }
            }
            Event::Stops(actor, _) | Event::GoesOn(actor) => {
                let seen_by = self.open.get(actor).map(|(_, by)| by.clone()).unwrap_or_default();
                for channel in seen_by {
                    self.push(channel, index, event.clone());
                }
            }
            Event::Exits(actor, _) => {
                let leader = self.whole.leader(*actor);
                self.open.retain(|other, _| self.whole.leader(*other) != leader);
                self.polls.retain(|other, _| self.whole.leader(*other) != leader);
                for channel in 0..self.parts.len() {
                    self.push(channel, index, event.clone());
                }
            }
        }
    }

    fn push(&mut self, channel: usize, index: usize, event: Event) {
        self.parts[channel].run.push(event);
        self.parts[channel].events.push(index);
    }

    /// Lets a fork return before the first event of its child.
    fn bear(&mut self, index: usize, event: &Event) {
        let (Event::Call(Call { actor, .. }) | Event::Exits(actor, _)) = event else { return };
        let forks =
            |(_, (call, _)): &(&Actor, &(Call, Vec<usize>))| call.op == Op::Fork { child: *actor };
        if let Some(parent) = self.open.iter().find(forks).map(|(parent, _)| *parent) {
            self.take(index, &Event::Return(parent, Reply::new(Answer::Done)));
        }
    }

    /// A poll on several ends begins: each is polled by itself, those of one channel beside each other.
    fn poll(&mut self, index: usize, call: Call, set: &PollSet) {
        let mut polls: Vec<(usize, Actor)> = Vec::new();
        for (end, events) in &set.ends {
            let channel = self.channel_of(call.actor, *end).unwrap_or(0);
            let beside = polls.iter().filter(|(of, _)| *of == channel).count();
            let Some(by) = self.poller(channel, call.actor, beside) else { continue };
            let op = Op::Poll { events: *events, wait: set.wait, among: true };
            self.push(channel, index, Event::Call(Call { actor: by, end: *end, op }));
            polls.push((channel, by));
        }
        self.open.insert(call.actor, (call, Vec::new()));
        self.polls.insert(call.actor, polls);
    }

    /// The actor that polls in its place while so many of its polls are in progress in this
    /// channel: itself, or another with its descriptors that does nothing else. `None` if there is
    /// no room for one more.
    fn poller(&mut self, channel: usize, actor: Actor, beside: usize) -> Option<Actor> {
        let Some(beside) = beside.checked_sub(1) else { return Some(actor) };
        let seats = &mut self.parts[channel].run.seats;
        let leader = self.whole.leader(actor);
        let form = Form::Poller { of: actor, leader };
        let mut pollers = (0..seats.len()).filter(|index| seats[*index].form == form);
        if let Some(index) = pollers.nth(beside) {
            return Some(Actor(index as u8));
        }
        let name = seats[usize::from(actor.0)].name;
        (seats.len() < ACTORS_MAX).then(|| {
            seats.push(Seat { form, ..Seat::new(name, Vec::new()) });
            Actor(seats.len() as u8 - 1)
        })
    }

    /// A poll on several ends returns.
    fn polled(&mut self, index: usize, polls: &[(usize, Actor)], reply: &Reply) {
        let polled = match reply.answer {
            Answer::Polled(index) => self.whole.polled.get(usize::from(index)),
            _ => None,
        };
        for (at, (channel, by)) in polls.iter().enumerate() {
            let events = polled.and_then(|polled| polled.get(at)).copied();
            let answer = events.map_or(reply.answer, Answer::Ready);
            self.push(*channel, index, Event::Return(*by, Reply::new(answer)));
        }
    }

    fn call(&mut self, index: usize, call: Call) {
        if let Op::PollSet { set } = call.op
            && let Some(set) = self.whole.polls.get(usize::from(set))
        {
            return self.poll(index, call, set);
        }
        let all = || (0..self.parts.len()).collect::<Vec<_>>();
        let seen_by = match call.op {
            op if op.is_of_process() => all(),
            _ => vec![self.channel_of(call.actor, call.end).unwrap_or(0)],
        };
        for channel in &seen_by {
            self.push(*channel, index, Event::Call(call));
        }
        let replaced = call.replaces().and_then(|new| self.channel_of(call.actor, new));
        let mut seen_by = seen_by;
        if let Some(elsewhere) = replaced.filter(|channel| !seen_by.contains(channel)) {
            let succeeds = self.whole.reply_to(index).is_none_or(|reply| call.made(reply.answer));
            if succeeds {
                let call = Call { end: End::ELSEWHERE, ..call };
                self.push(elsewhere, index, Event::Call(call));
                seen_by.push(elsewhere);
            }
        }
        if let Op::Fork { child } = call.op {
            let parent = self.whole.leader(call.actor);
            let copied: Vec<_> = self
                .numbers
                .range((parent, End(0))..=(parent, End(u8::MAX)))
                .map(|(at, to)| (at.1, *to))
                .collect();
            self.numbers.extend(copied.into_iter().map(|(end, to)| ((child, end), to)));
        }
        self.open.insert(call.actor, (call, seen_by));
    }

    /// Takes note of the channel to which a number leads that a call has made.
    fn learn(&mut self, call: &Call, answer: Answer) {
        let Some(new) = call.makes().or(call.replaces()).filter(|_| call.made(answer)) else {
            return;
        };
        if self.whole.channel_of(new).is_none()
            && let Some(to) = self.channel_of(call.actor, call.end)
        {
            self.numbers.insert((self.whole.leader(call.actor), new), to);
        }
    }

    /// The channel to which an actor's end leads, or led last; `None` for a number that leads nowhere yet.
    fn channel_of(&self, actor: Actor, end: End) -> Option<usize> {
        let number = || self.numbers.get(&(self.whole.leader(actor), end)).copied();
        self.whole.channel_of(end).or_else(number)
    }
}
