//! A run file as a model: its calls, each actor's in order, in every order that the rules allow.
//!
//! The replies of the file are not asked for: they only tell whether its run is one of those that are
//! possible. Where the rules leave open what happens it isn't followed, and of large ranges of counts the
//! least, the most and those of the file are tried; so this is for looking at, and for finding, not for proving.

use std::fmt;

use smallvec::SmallVec;

use crate::call::{Actor, Answer, Call, Op, Reply, Termination};
use crate::data::Data;
use crate::draw::{Frame, Story, Theme, What};
use crate::index::RuleIndex;
use crate::oracle::{Steps, reply_of};
use crate::platform::Platform;
use crate::rules::RULES;
use crate::run::{Actors, Event, Form, Part, Run};
use crate::step::{deliver, deliveries};
use crate::text;
use crate::verify::{Model, Property, Whole};
use crate::world::Progress;
use crate::worlds::Worlds;

/// A run file as a model.
#[derive(Debug)]
pub struct Scenario {
    /// The run of the file.
    pub run: Run,
    /// The platform that it runs on.
    pub platform: Platform,
    /// What each channel sees of the run.
    parts: Vec<Part>,
    /// For each actor the events at which it makes its calls, and ends.
    programs: Vec<Vec<usize>>,
    /// For each event of a call the reply that the file tells of.
    replies: Vec<Option<Reply>>,
    /// The words of each event.
    words: Vec<String>,
    properties: Vec<Property<Scenario>>,
}

/// A state: the worlds of the rules, and how far each actor is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// For each channel its ends, what is in it and the calls in progress.
    pub worlds: Worlds,
    /// How many of its calls each actor has made.
    pub made: SmallVec<[u16; 4]>,
    /// How many events of the file have come, as long as all that happens is as in the file.
    pub followed: Option<u16>,
}

/// A step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// An actor makes the call that the file has at this event.
    Call(usize),
    /// A process ends as the file has it at this event.
    Exit(usize),
    /// A rule carries a call on, or answers it.
    Move {
        /// Whose call.
        actor: Actor,
        /// Which of the channels.
        channel: usize,
        /// The rule.
        rule: RuleIndex,
        /// The answer, if it is one.
        answer: Option<Answer>,
        /// Bytes transferred so far.
        done: u32,
    },
    /// An actor sees its call return.
    Return(Actor, Reply),
    /// What was sent arrives.
    Deliver {
        /// The rule.
        rule: RuleIndex,
        /// Which of the deliveries that are possible.
        index: usize,
    },
}

/// The name of the property that no call ends otherwise than in the file.
pub const AS_IN_THE_FILE: &str = "every call returns or waits as in the file";

/// The name of the property that the run of the file can be had.
pub const POSSIBLE: &str = "the run of the file is possible";

impl Scenario {
    /// The calls of a run, on a platform.
    pub fn new(run: Run, platform: &Platform) -> Scenario {
        let mut programs = vec![Vec::new(); run.seats.len()];
        let mut replies = vec![None; run.events.len()];
        for (index, event) in run.events.iter().enumerate() {
            match event {
                Event::Call(call) => programs[usize::from(call.actor.0)].push(index),
                Event::Return(actor, reply) => {
                    if let Some(call) = programs[usize::from(actor.0)].last() {
                        replies[*call] = Some(reply.clone());
                    }
                }
                Event::Exits(actor, _) => programs[usize::from(actor.0)].push(index),
                Event::Quiet(_) | Event::Stops(..) | Event::GoesOn(_) => {}
            }
        }
        let words = text::words(&run);
        let properties = vec![
            Property::no_deadlock(),
            Property::always(AS_IN_THE_FILE, Scenario::is_as_in_the_file),
            Property::sometimes(POSSIBLE, |scenario: &Scenario, state: &State| {
                state.followed.map(usize::from) == Some(scenario.run.events.len())
            }),
        ];
        let platform = platform.under(run.setup()).into_owned();
        let parts = run.parts();
        Scenario { run, platform, parts, programs, replies, words, properties }
    }

    fn actors(&self) -> impl Iterator<Item = Actor> + use<> {
        (0..self.run.seats.len() as u8).map(Actor)
    }

    /// The event of an actor's call in progress.
    fn event_of(&self, state: &State, actor: Actor) -> Option<usize> {
        state.worlds.call(actor)?;
        let made = usize::from(state.made[usize::from(actor.0)]);
        self.programs[usize::from(actor.0)].get(made.checked_sub(1)?).copied()
    }

    fn call_at(&self, event: usize) -> Option<Call> {
        match self.run.events.get(event) {
            Some(Event::Call(call)) => Some(*call),
            _ => None,
        }
    }

    /// What an actor does next, by the event at which the file has it. It makes no call if the end that this is to make is
    /// open, as an earlier call went otherwise than in the file; none before it is forked; and none to a process that
    /// is yet to be.
    fn next_event(&self, state: &State, actor: Actor) -> Option<usize> {
        let made = usize::from(state.made[usize::from(actor.0)]);
        let event = *self.programs[usize::from(actor.0)].get(made)?;
        let unborn = |who: Actor| {
            let seat = &self.run.seats[usize::from(who.0)];
            let is_there = state.worlds.is_child(who) || state.worlds.is_ending(who);
            seat.form == Form::Forked && !is_there && state.made[usize::from(who.0)] == 0
        };
        let is_open = |end| state.worlds.iter().any(|world| world.end(actor, end).is_some());
        let can_be_made = |call: Call| match call.op {
            Op::Signal { target, .. } => !unborn(target),
            _ => !call.makes().is_some_and(is_open),
        };
        let can_be = self.call_at(event).is_none_or(can_be_made);
        (can_be && !unborn(actor)).then_some(event)
    }

    /// The end of an actor's process, where the file has it next: be it in a call that doesn't return there.
    fn next_exit(&self, state: &State, actor: Actor) -> Option<(usize, Termination)> {
        let returns = self.event_of(state, actor).is_some_and(|at| self.replies[at].is_some());
        let event = self.next_event(state, actor).filter(|_| !returns)?;
        match self.run.events[event] {
            Event::Exits(_, status) if !state.worlds.is_ending(actor) => Some((event, status)),
            _ => None,
        }
    }

    fn is_as_in_the_file(&self, state: &State) -> bool {
        let as_told = |actor: Actor| {
            let Some((_, reply)) = state.worlds.reply(actor) else { return true };
            let Some(event) = self.event_of(state, actor) else { return true };
            match &self.replies[event] {
                Some(told) => looks_like(told, &reply),
                None => false,
            }
        };
        let waits = |actor: Actor| match self.event_of(state, actor) {
            Some(event) => self.replies[event].is_none(),
            None => true,
        };
        self.actors().all(as_told) && (!self.is_over(state) || self.actors().all(waits))
    }

    /// Whether nothing can happen any more.
    fn is_over(&self, state: &State) -> bool {
        let mut next = Vec::new();
        self.steps(state, &mut next);
        next.is_empty()
    }

    /// How far the file is followed after a step that shows `event`, or none.
    fn follow(&self, followed: Option<u16>, event: Option<&Event>, worlds: &Worlds) -> Option<u16> {
        let mut at = usize::from(followed?);
        if let Some(event) = event {
            let same = match (self.run.events.get(at)?, event) {
                (Event::Return(actor, told), Event::Return(returns, reply)) => {
                    actor == returns && looks_like(told, reply)
                }
                (told, event) => told == event,
            };
            if !same {
                return None;
            }
            at += 1;
        }
        loop {
            let comes = match self.run.events.get(at) {
                Some(Event::Quiet(open)) => {
                    let steps = Steps::new(&self.platform);
                    *open == worlds.busy() && worlds.iter().all(|world| steps.may_sleep(world))
                }
                // Where a call stands in its copy is no matter of the rules.
                Some(Event::Stops(..) | Event::GoesOn(_)) => true,
                _ => false,
            };
            if !comes {
                break;
            }
            at += 1;
        }
        Some(at as u16)
    }

    fn push(
        &self,
        state: &State,
        (action, event): (Action, Option<Event>),
        change: impl FnOnce(&mut State),
        next: &mut Vec<(Action, State)>,
    ) {
        let mut after = state.clone();
        change(&mut after);
        if after.worlds == state.worlds && event.is_none() {
            return;
        }
        after.followed = self.follow(state.followed, event.as_ref(), &after.worlds);
        next.push((action, after));
    }

    /// The states to which rules carry an actor's call.
    fn moved(&self, state: &State, actor: Actor, next: &mut Vec<(Action, State)>) {
        let steps = Steps::new(&self.platform);
        for (channel, world) in state.worlds.iter().enumerate() {
            let part = &self.parts[channel];
            let begun = |actor| {
                let event = self.event_of(state, actor)?;
                let seen = part.events.iter().rposition(|seen| *seen == event)?;
                Some((seen, self.call_at(event)?))
            };
            let begun: Vec<_> = self.actors().filter_map(begun).collect();
            for (rule, world) in steps.of_run(&part.run, &begun, world, actor) {
                let answer = reply_of(&world, actor).map(|(_, reply)| reply.answer);
                let done = world.pending(actor).map_or(0, |call| call.done);
                let mut worlds = state.worlds.clone();
                worlds[channel] = world;
                let agree = answer.is_none_or(|answer| {
                    worlds.others_answer(&self.platform, &state.worlds, actor, channel, answer)
                });
                if agree {
                    let action = Action::Move { actor, channel, rule, answer, done };
                    self.push(state, (action, None), |after| after.worlds = worlds, next);
                }
            }
        }
    }

    /// A way through the scenario as a run, with what the rules say of it step by step. Where nothing can go
    /// on at its end all is quiet.
    pub fn frames(&self, actions: &[Action]) -> (Run, Vec<Frame>) {
        let mut run = Run { events: Vec::new(), remarks: Vec::new(), ..self.run.clone() };
        let mut frames = Vec::new();
        let mut state = self.start();
        for action in actions {
            let mut next = Vec::new();
            self.steps(&state, &mut next);
            let Some((_, after)) = next.into_iter().find(|(other, _)| other == action) else {
                break;
            };
            let (event, what, rule) = match action {
                Action::Call(event) | Action::Exit(event) => {
                    (self.run.events.get(*event).cloned(), None, None)
                }
                Action::Return(actor, reply) => {
                    let rule = state.worlds.reply(*actor).map(|(rule, _)| rule);
                    (Some(Event::Return(*actor, reply.clone())), None, rule)
                }
                Action::Move { actor, rule, .. } => (None, Some(What::Moves(*actor)), Some(*rule)),
                Action::Deliver { rule, .. } => (None, Some(What::Arrives), Some(*rule)),
            };
            state = after;
            let what = what.unwrap_or(What::Event(run.events.len()));
            event.into_iter().for_each(|event| run.push(event));
            frames.push(Frame {
                what,
                worlds: state.worlds.known(),
                rule,
                notes: vec![],
                waits: vec![],
            });
        }
        let busy = state.worlds.busy();
        if busy != Actors::NONE && self.is_over(&state) {
            let what = What::Event(run.events.len());
            run.push(Event::Quiet(busy));
            frames.push(Frame {
                what,
                worlds: state.worlds.known(),
                rule: None,
                notes: vec![],
                waits: vec![],
            });
        }
        (run, frames)
    }

    /// A way through the scenario as a drawing.
    pub fn svg(&self, actions: &[Action], theme: Theme) -> String {
        let (run, frames) = self.frames(actions);
        let mut story = Story::new(&run, &self.platform);
        frames.into_iter().for_each(|frame| story.push(frame));
        story.svg(theme)
    }

    /// A state in words: what each actor is about.
    pub fn tell(&self, state: &State, f: &mut impl fmt::Write) -> fmt::Result {
        for actor in self.actors() {
            write!(f, "{}: ", self.run.actor_name(actor))?;
            match (self.event_of(state, actor), self.next_event(state, actor)) {
                (Some(event), _) => {
                    let words = &self.words[event];
                    match state.worlds.call(actor).map(|call| (call.done, &call.progress)) {
                        Some((_, Progress::Answered { answer, .. })) => {
                            writeln!(f, "{words}, answered {answer}")?;
                        }
                        Some((done @ 1.., _)) => writeln!(f, "in {words}, {done} done")?,
                        _ => writeln!(f, "in {words}")?,
                    }
                }
                (None, Some(event)) => writeln!(f, "about to {}", self.words[event])?,
                (None, None) => writeln!(f, "done")?,
            }
        }
        match state.followed {
            Some(events) => {
                write!(f, "so far as in the file: {events} of its {} events", self.run.events.len())
            }
            None => write!(f, "otherwise than in the file"),
        }
    }
}

/// Whether what a call gives could have been seen as the file tells.
fn looks_like(told: &Reply, reply: &Reply) -> bool {
    let names = match &reply.data {
        Data::Named(names) => names.as_slice(),
        Data::Unknown | Data::Bytes(_) => &[],
    };
    told.answer == reply.answer && told.signal == reply.signal && told.data.may_be(names)
}

impl Model for Scenario {
    type State = State;
    type Action = Action;
    type Packing = Whole<State>;

    fn start(&self) -> State {
        let worlds = Worlds::start(&self.platform, &self.run);
        let followed = self.follow(Some(0), None, &worlds);
        State { worlds, made: self.run.seats.iter().map(|_| 0).collect(), followed }
    }

    fn steps(&self, state: &State, next: &mut Vec<(Action, State)>) {
        for actor in self.actors() {
            if let Some((event, status)) = self.next_exit(state, actor) {
                let change = |after: &mut State| {
                    after.made[usize::from(actor.0)] += 1;
                    after.worlds.exits(actor, status);
                };
                let told = Some(Event::Exits(actor, status));
                self.push(state, (Action::Exit(event), told), change, next);
            }
            if let Some((_, reply)) = state.worlds.reply(actor) {
                let event = Event::Return(actor, reply.clone());
                let action = (Action::Return(actor, reply), Some(event));
                self.push(state, action, |after| after.worlds.returned(actor), next);
            } else if state.worlds.is_engaged(actor) {
                self.moved(state, actor, next);
            } else if let Some(event) = self.next_event(state, actor)
                && let Some(call) = self.call_at(event)
            {
                let change = |after: &mut State| {
                    after.made[usize::from(actor.0)] += 1;
                    after.worlds.begin(call, |end| self.run.channel_of(end));
                };
                self.push(state, (Action::Call(event), Some(Event::Call(call))), change, next);
            }
        }
        let mut index = 0;
        for (channel, world) in state.worlds.iter().enumerate() {
            for (rule, step) in deliveries(&self.platform, world) {
                let arrive = |after: &mut State| {
                    deliver(&self.platform, &mut after.worlds[channel], step);
                };
                self.push(state, (Action::Deliver { rule, index }, None), arrive, next);
                index += 1;
            }
        }
    }

    fn mover(&self, action: &Action) -> u8 {
        match action {
            Action::Call(event) => self.call_at(*event).map_or(0, |call| call.actor.0),
            Action::Exit(event) => match self.run.events[*event] {
                Event::Exits(actor, _) => actor.0,
                _ => 0,
            },
            Action::Move { actor, .. } | Action::Return(actor, _) => actor.0,
            Action::Deliver { .. } => self.run.seats.len() as u8,
        }
    }

    fn may_end(&self, state: &State) -> bool {
        state.worlds.busy() == Actors::NONE
    }

    fn properties(&self) -> &[Property<Scenario>] {
        &self.properties
    }

    fn packing(&self) -> Whole<State> {
        Whole::new()
    }

    fn describe(&self, action: &Action) -> String {
        let name = |actor: Actor| self.run.actor_name(actor);
        let id = |rule: RuleIndex| RULES[usize::from(rule)].id;
        match action {
            Action::Call(event) => {
                let actor = self.call_at(*event).map_or("?", |call| name(call.actor));
                format!("{actor}: {}", self.words[*event])
            }
            Action::Exit(event) => text::event(&self.run, *event),
            Action::Move { actor, rule, answer: Some(answer), .. } => {
                format!("{} is answered {answer} ({})", name(*actor), id(*rule))
            }
            Action::Move { actor, rule, done, .. } => match done {
                0 => format!("{} goes on ({})", name(*actor), id(*rule)),
                done => format!("{} goes on, {done} done ({})", name(*actor), id(*rule)),
            },
            Action::Return(actor, reply) => {
                let mut words = format!("{}: -> {reply}", name(*actor));
                if let Data::Named(names) = &reply.data {
                    words.push_str(" =");
                    for segment in names {
                        let writer = name(segment.actor);
                        words.push_str(&format!(" {writer}[{}..{}]", segment.from, segment.to()));
                    }
                }
                words
            }
            Action::Deliver { rule, .. } => format!("arrives ({})", id(*rule)),
        }
    }
}
