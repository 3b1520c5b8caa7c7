//! What every run keeps, whatever was observed in it.

use crate::call::{
    ACTORS_MAX, Actor, Answer, Call, DefaultAction, End, Events, Op, Reply, SendFlags,
};
use crate::data::Data;
use crate::ends::OpenEnds;
use crate::run::{Actors, Event, Form, Run, Seat};

impl Run {
    /// Checks what every run must keep: a call only by an idle actor, a return only of an open call that is
    /// not stopped, `quiet` with exactly the actors whose calls are open, but for those whose process a signal may have
    /// ended, none of them stopped, a stop within
    /// the buffer of an open call, once a call; actors and ends that exist, no end made that is open
    /// already; a call by name only where the kind of channel has one.
    ///
    /// # Errors
    ///
    /// The first event that breaks this, with what is wrong, in lower case and without a full stop.
    pub fn check(&self) -> Result<(), Malformed> {
        let mut open = Actors::NONE;
        let mut ends = OpenEnds::at_start(&self.seats);
        let mut stops = Stops::default();
        let mut lives = Lives::at_start(&self.seats);
        let mut polls = [None; ACTORS_MAX];
        let mut pollers = [0; ACTORS_MAX];
        // Processes that were sent a signal which may have ended them, by leader.
        let mut killed = Actors::NONE;
        for (index, event) in self.events.iter().enumerate() {
            let bad = |what: String| Err(Malformed { index, what, help: None });
            if let Err(what) = stops.follow(self, event, open) {
                return bad(what);
            }
            if let Err((what, help)) = lives.follow(self, event) {
                return Err(Malformed { index, what, help: Some(help) });
            }
            match event {
                Event::Call(call) => {
                    if call.actor.0 as usize >= self.seats.len() {
                        return bad(format!("there is no actor {}", call.actor.0));
                    }
                    if call.op.is_nobodys() {
                        return bad("nobody makes deliveries".into());
                    }
                    let kind = self.kind_of(call.end);
                    if let Some(what) = kind.has_no_name_for(call.op.word()) {
                        let help = Some(kind.help_without_name(call.op.word()));
                        return Err(Malformed { index, what, help });
                    }
                    if call.ends().any(|end| end.0 as usize >= self.end_names.len()) {
                        return bad("a call names an end that has no name".into());
                    }
                    if open.contains(call.actor) {
                        let name = self.actor_name(call.actor);
                        return Err(Malformed {
                            index,
                            what: format!(
                                "{name} makes a call while its call before has not returned"
                            ),
                            help: Some(format!(
                                "an actor makes one call at a time: \"{name}: -> 2\" is the return of the one \
                                 before; another actor can call meanwhile"
                            )),
                        });
                    }
                    if let Some(end) = ends.of(call.actor).in_the_way(call) {
                        return Err(self.is_open_already(index, call.actor, end));
                    }
                    if let Op::PollSet { set } = call.op
                        && let Some(what) = self.is_no_set(set)
                    {
                        return bad(what);
                    }
                    if let Op::PollSet { set } = call.op {
                        // Each end but the first is polled by one more, for each actor.
                        let more = self.polls[usize::from(set)].ends.len() - 1;
                        let pollers = &mut pollers[usize::from(call.actor.0)];
                        *pollers = more.max(*pollers);
                    }
                    if self.seats.len() + pollers.iter().sum::<usize>() > ACTORS_MAX {
                        return bad(format!(
                            "actors, and ends that they poll beside others, are more than {ACTORS_MAX}"
                        ));
                    }
                    polls[usize::from(call.actor.0)] = match call.op {
                        Op::PollSet { set } => Some(set),
                        _ => None,
                    };
                    if let Op::Signal { target, signal } = call.op
                        && signal.default_action() == DefaultAction::Ends
                    {
                        killed = killed.with(self.leader(target));
                    }
                    ends.call(call);
                    open = open.with(call.actor);
                }
                Event::Return(actor, reply) => {
                    if !open.contains(*actor) {
                        let name = self.actor_name(*actor);
                        return Err(Malformed {
                            index,
                            what: format!("{name} returns from a call that it has not made"),
                            help: Some(format!("\"{name}: read 5\" on a line before would be one")),
                        });
                    }
                    if let Some(what) = self.names_other_bytes(index, *actor, reply) {
                        let help = Some("name as many bytes as it gets, or none".into());
                        return Err(Malformed { index, what, help });
                    }
                    let set = polls[usize::from(actor.0)].take();
                    if let Some(what) = self.polls_otherwise(set, reply.answer) {
                        return bad(format!("{} {what}", self.actor_name(*actor)));
                    }
                    ends.returned(*actor, reply.answer);
                    open = open.without(*actor);
                }
                Event::Quiet(actors) => {
                    let may_be_over = |actor: &Actor| killed.contains(self.leader(*actor));
                    let over: Actors = open.iter().filter(may_be_over).collect();
                    // The rules tell whether it has.
                    if actors.0 & !open.0 == 0 && open.0 & !actors.0 & !over.0 == 0 {
                        open = *actors;
                        continue;
                    }
                    let names: Vec<_> = open.iter().map(|actor| self.actor_name(actor)).collect();
                    return bad(match names.as_slice() {
                        [] => "no call is open here".into(),
                        names => format!("the calls in progress here are of {}", names.join(", ")),
                    });
                }
                Event::Exits(actor, status) => {
                    if open.contains(*actor) && status.signal().is_none() {
                        let name = self.actor_name(*actor);
                        let help = format!("\"{name}: exit SIGKILL\" says which signal ended it");
                        let what = format!("{name} exits in the middle of a call");
                        return Err(Malformed { index, what, help: Some(help) });
                    }
                    if let Some(signal) = status.signal().filter(|signal| !signal.can_end()) {
                        let help = format!(
                            "it does not end a process by default; \"shell: signal {} {signal} -> ok\" would send it",
                            self.actor_name(*actor)
                        );
                        let what = format!("{signal} ends no process");
                        return Err(Malformed { index, what, help: Some(help) });
                    }
                    ends.exits(*actor);
                    open = self.without_threads(open, *actor);
                }
                Event::Stops(..) | Event::GoesOn(_) => {}
            }
        }
        Ok(())
    }

    /// What is wrong with a poll on several ends.
    fn is_no_set(&self, set: u8) -> Option<String> {
        let Some(set) = self.polls.get(usize::from(set)) else {
            return Some("a poll is on ends that the run does not list".into());
        };
        let exists = |(end, _): &(End, Events)| usize::from(end.0) < self.end_names.len();
        (set.ends.is_empty() || !set.ends.iter().all(exists))
            .then(|| "a poll is on an end that has no name".into())
    }

    /// What is wrong with the reply to a poll on these ends, or to another call where there is no set.
    fn polls_otherwise(&self, set: Option<u8>, answer: Answer) -> Option<String> {
        if let Answer::Told(told) = answer
            && told.iter().any(|(end, _)| usize::from(end.0) >= self.end_names.len())
        {
            return Some("is told of an end that has no name".into());
        }
        let polled = match answer {
            Answer::Polled(index) => Some(self.polled.get(usize::from(index))?),
            Answer::Fails(_) => return None,
            _ => None,
        };
        let set = set.and_then(|set| self.polls.get(usize::from(set)));
        match (set, polled) {
            (None, None) => None,
            (Some(set), Some(polled)) if set.ends.len() == polled.len() => None,
            (Some(set), _) => {
                Some(format!("polls {} ends, but its reply names others", set.ends.len()))
            }
            (None, Some(_)) => Some("polls one end, but its reply names several".into()),
        }
    }

    /// Where a reply tells of more or fewer bytes than it counts: with MSG_TRUNC more may be counted.
    fn names_other_bytes(&self, index: usize, actor: Actor, reply: &Reply) -> Option<String> {
        let named: u64 = match &reply.data {
            Data::Unknown => return None,
            Data::Named(names) => names.iter().map(|segment| u64::from(segment.len)).sum(),
            Data::Bytes(bytes) => bytes.len() as u64,
        };
        let count = reply.answer.count()?;
        let op = self.events[..index].iter().rev().find_map(|event| match event {
            Event::Call(call) if call.actor == actor => Some(call.op),
            _ => None,
        });
        let counts_more =
            matches!(op, Some(Op::Receive { flags, .. }) if flags.contains(SendFlags::TRUNC));
        let fits = named == u64::from(count) || counts_more && named < u64::from(count);
        (!fits).then(|| {
            format!("{} returns {count}, but {named} bytes are named", self.actor_name(actor))
        })
    }

    fn is_open_already(&self, index: usize, actor: Actor, end: End) -> Malformed {
        let (actor, end) = (self.actor_name(actor), self.end_name(end));
        let letters = end.trim_end_matches(|c: char| c.is_ascii_digit());
        let number: u32 = end[letters.len()..].parse().unwrap_or(1);
        let another = number.saturating_add(1);
        Malformed {
            index,
            what: format!("{actor} already has {end} open"),
            help: Some(format!(
                "close {end} first, or make another end, such as {letters}{another}"
            )),
        }
    }
}

/// Which calls may stop and which have, along a run.
#[derive(Default)]
struct Stops {
    /// The bytes of each actor's open call.
    len: [u32; ACTORS_MAX],
    stopped: Actors,
    /// Whose open calls have stopped, and perhaps gone on.
    before: Actors,
}

impl Stops {
    /// Takes note of an event; what is wrong with it, if it is.
    fn follow(&mut self, run: &Run, event: &Event, open: Actors) -> Result<(), String> {
        match event {
            Event::Call(Call { actor, op, .. }) => {
                if let Some(len) = self.len.get_mut(usize::from(actor.0)) {
                    *len = op.offers().or(op.asks()).unwrap_or(0);
                }
                self.before = self.before.without(*actor);
            }
            Event::Stops(actor, at) => {
                let name = run.actor_name(*actor);
                if !open.contains(*actor) {
                    return Err(format!("{name} stops in a call that it has not made"));
                }
                if self.before.contains(*actor) {
                    return Err(format!(
                        "{name}'s call has stopped before, and a call stops once: leave out one of its stops"
                    ));
                }
                self.before = self.before.with(*actor);
                let len = self.len[usize::from(actor.0)];
                if *at >= len {
                    return Err(match len {
                        0 => format!(
                            "{name}'s call copies no bytes, so that it stops nowhere: only one that moves a byte or \
                             more does"
                        ),
                        _ => format!("{name}'s call has {len} bytes, counted from 0"),
                    });
                }
                self.stopped = self.stopped.with(*actor);
            }
            Event::GoesOn(actor) if !self.stopped.contains(*actor) => {
                return Err(format!("{} is not stopped", run.actor_name(*actor)));
            }
            Event::GoesOn(actor) => {
                self.stopped = self.stopped.without(*actor);
            }
            Event::Return(actor, _) if self.stopped.contains(*actor) => {
                let name = run.actor_name(*actor);
                return Err(format!("{name}'s call is stopped, and must go on before it returns"));
            }
            Event::Quiet(_) => {
                if let Some(actor) = self.stopped.iter().next() {
                    let name = run.actor_name(actor);
                    return Err(format!("nothing is quiet while {name}'s call is stopped"));
                }
            }
            Event::Exits(actor, _) => {
                let gone = run.without_threads(self.stopped, *actor);
                self.stopped = gone;
            }
            Event::Return(..) => {}
        }
        Ok(())
    }
}

/// The actors that exist, along a run.
#[derive(Default)]
struct Lives {
    /// Processes that no fork has made yet.
    unborn: Actors,
    /// Those that have ended, with their threads.
    ended: Actors,
    /// Those that have made a call.
    called: Actors,
    /// Those that run another program now, if that succeeds.
    execs: Actors,
}

impl Lives {
    fn at_start(seats: &[Seat]) -> Lives {
        let unborn = (0_u8..).map(Actor).zip(seats).filter(|(_, seat)| seat.form == Form::Forked);
        Lives { unborn: unborn.map(|(actor, _)| actor).collect(), ..Lives::default() }
    }

    /// Takes note of an event; what is wrong with it and what helps, if it is wrong.
    fn follow(&mut self, run: &Run, event: &Event) -> Result<(), (String, String)> {
        let (actor, op) = match event {
            Event::Call(call) => (call.actor, Some(call.op)),
            Event::Return(actor, _) | Event::Exits(actor, _) | Event::Stops(actor, _) => {
                (*actor, None)
            }
            Event::Quiet(_) | Event::GoesOn(_) => return Ok(()),
        };
        let name = run.actor_name(actor);
        let seat = run.seats.get(usize::from(actor.0));
        if seat.is_some_and(|seat| seat.form == Form::Outsider) {
            let what = format!("{name} is an outsider, whose calls are not seen");
            return Err((what, format!("\"process {name}\" would be one whose calls are told")));
        }
        if self.unborn.contains(actor) {
            let what = format!("{name} has not been forked yet");
            return Err((what, format!("\"shell: fork {name} -> ok\" on a line before makes it")));
        }
        if self.ended.contains(actor) {
            let what = format!("{name} has ended");
            return Err((what, "nothing more is seen of a process that has ended".into()));
        }
        match op {
            Some(Op::Fork { child }) if !self.unborn.contains(child) => {
                let child = run.actor_name(child);
                let help = "a fork makes a process that the run has not spoken of before".into();
                return Err((format!("there is a process {child} already"), help));
            }
            Some(Op::Fork { child }) => self.unborn = self.unborn.without(child),
            Some(Op::Signal { target, .. } | Op::Wait { child: target })
                if self.unborn.contains(target) =>
            {
                let what = format!("{} has not been forked yet", run.actor_name(target));
                return Err((what, "a fork on a line before makes it".into()));
            }
            Some(Op::Wait { child }) if child == actor => {
                let what = format!("{name} waits for itself");
                return Err((what, "a process waits for one that it has forked".into()));
            }
            _ => {}
        }
        match event {
            Event::Call(call) => {
                self.called = self.called.with(actor);
                if call.op == Op::Exec {
                    self.execs = self.execs.with(actor);
                }
            }
            Event::Return(_, reply) if self.execs.contains(actor) => {
                self.execs = self.execs.without(actor);
                if reply.answer == Answer::Done {
                    // Another program has none of the threads that there were; those to come have not called yet.
                    let were = self.called.iter().filter(|other| *other != actor);
                    let of_it = were.filter(|other| run.leader(*other) == run.leader(actor));
                    self.ended = of_it.fold(self.ended, Actors::with);
                }
            }
            _ => {}
        }
        if let Event::Exits(..) = event {
            let threads = (0..run.seats.len() as u8).map(Actor);
            let of_it = threads.filter(|other| run.leader(*other) == run.leader(actor));
            self.ended = of_it.fold(self.ended, Actors::with);
        }
        Ok(())
    }
}

/// Why a run is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("event {index}: {what}")]
pub struct Malformed {
    /// Index of the event.
    pub index: usize,
    /// What is wrong with it.
    pub what: String,
    /// What to do about it, where that can be told.
    pub help: Option<String>,
}
