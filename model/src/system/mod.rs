//! Systems: processes that run small programs over channels, step by step by the rules.
//!
//! What a call does is not stated here: every step of a call is a move of [`crate::rules`], taken through
//! [`crate::step`]. A system adds which call comes next. It is a [`Model`]; [`crate::verify`] says whether what is
//! asked of it holds, and [`System::run`] gives the way to what breaks it as a run, which can be judged and
//! replayed like any other. The named systems are in [`crate::systems`].
//!
//! A state has a world for each channel. A call is in the world of its channel; calls of processes are in all of
//! them, and return when each has its answer.

pub mod ask;
mod asleep;
mod build;
mod claim;
mod file;
mod packing;
pub mod program;
mod runs;
mod state;
mod steps;
mod story;

use crate::call::{ACTORS_MAX, Actor, Answer, Call, Termination};
use crate::data::{Segment, Segments};
use crate::index::RuleIndex;
use crate::platform::Platform;
use crate::rules::RULES;
use crate::run::{Channel, Event, Form, Name, Run, Seat, Setup};
use crate::text;
use crate::verify::{Model, Property};
use crate::worlds::Worlds;

use packing::WorldPacking;
use program::{Do, Instruction, Program};

pub use crate::script::Family;
pub use state::{Local, State};

/// A system: what exists, what can happen, and what must hold.
#[derive(Clone, Debug)]
pub struct System {
    /// Its name: lower case, words joined by `-`.
    pub name: &'static str,
    /// What it is about.
    pub family: Family,
    /// What it is, in a sentence.
    pub says: &'static str,
    /// The platform that it runs on.
    pub platform: Platform,
    /// Its channels.
    pub channels: Vec<Channel>,
    /// Its processes; [`Actor`] is an index.
    pub processes: Vec<Process>,
    /// Names of ends.
    pub end_names: Vec<Name>,
    /// Whether it writes for ever: then bytes are named by how far back they were written.
    pub endless: bool,
    /// What is asked of it.
    pub properties: Vec<Property<System>>,
    /// The names of those that don't hold, as is known; it is sound if there are none.
    pub broken: Vec<&'static str>,
}

/// A process.
#[derive(Clone, Debug)]
pub struct Process {
    /// Its name and the ends that it holds at the start.
    pub seat: Seat,
    /// What it does; at the end it exits, which closes the ends that it still has. A thread ends alone.
    pub program: Program,
    /// What it keeps of the data that it was given.
    pub keeps: Keeps,
    /// Its program as it was written in Rust; nothing where it is of a file.
    body: Option<Vec<Do>>,
}

/// What a process keeps of the data that it was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keeps {
    /// Nothing.
    Nothing,
    /// All of it.
    All,
    /// What the last call gave.
    Newest,
    /// How far it has heard this writer.
    Place(Actor),
}

/// A step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// A process makes its next call.
    Call(Call),
    /// A process ends.
    Exit {
        /// Which.
        actor: Actor,
        /// How.
        status: Termination,
        /// The process that does it: itself, or one that kills it.
        by: Actor,
    },
    /// A rule carries a call on, or answers it.
    Move {
        /// Whose call.
        actor: Actor,
        /// Which of the channels.
        channel: u8,
        /// The rule.
        rule: RuleIndex,
        /// Bytes moved.
        count: u32,
        /// The answer, if it is one.
        answer: Option<Answer>,
    },
    /// A process sees its call return.
    Return(Actor, Answer),
    /// What was sent arrives.
    Deliver {
        /// The rule.
        rule: RuleIndex,
        /// Which of the deliveries that are possible.
        index: u8,
    },
    /// A process decides what to do next.
    Choose {
        /// Which.
        actor: Actor,
        /// Which of the alternatives, from 0.
        which: u8,
    },
    /// A call goes where nothing is specified, for this reason: there the system is at its end.
    Leave(Actor, &'static str),
}

/// The place in its program of a process that is where nothing is specified.
const LEFT: u8 = u8::MAX;

/// The property that no call goes where nothing is specified.
pub const SPECIFIED: &str = "every call is specified";

impl System {
    /// Whether a call has gone where nothing is specified: there the system is at its end.
    pub fn has_left(&self, state: &State) -> bool {
        state.locals.iter().any(|local| local.at == LEFT)
    }

    /// Bytes that all writes offer together, each made once.
    pub fn written(&self) -> u32 {
        self.processes.iter().map(|process| process.program.offers()).sum()
    }

    /// The processes.
    pub fn seats(&self) -> Vec<Seat> {
        self.processes.iter().map(|process| process.seat.clone()).collect()
    }

    /// A run of it in which nothing has happened yet.
    fn empty_run(&self) -> Run {
        Run {
            preamble: Vec::new(),
            channels: self.channels.clone(),
            seats: self.seats(),
            end_names: self.end_names.clone(),
            polls: Vec::new(),
            polled: Vec::new(),
            events: Vec::new(),
            remarks: Vec::new(),
        }
    }

    fn actors(&self) -> impl Iterator<Item = Actor> + use<> {
        (0..self.processes.len() as u8).map(Actor)
    }

    fn program(&self, actor: Actor) -> &Program {
        &self.processes[usize::from(actor.0)].program
    }

    fn form(&self, actor: Actor) -> Form {
        self.processes[usize::from(actor.0)].seat.form
    }

    /// Whether it tells of the lives of processes: how they come to be, and exit. If not, a process closes its ends
    /// one by one when it is done.
    pub fn has_lives(&self) -> bool {
        self.processes.iter().any(|process| process.seat.form != Form::Actor)
    }

    /// How its channel is set up, where its calls are all of one channel and none of processes.
    pub fn setup(&self) -> Option<&Setup> {
        self.channels.first().filter(|_| !self.has_lives()).map(|channel| &channel.setup)
    }

    /// Whether a process has come to its end and closed all it had.
    pub fn has_ended(&self, state: &State, actor: Actor) -> bool {
        self.has_ended_within(state, actor, self.processes.len())
    }

    /// The same, where at most so many processes wait for each other in a row: more of them wait in a ring.
    fn has_ended_within(&self, state: &State, actor: Actor, waits: usize) -> bool {
        let is_done = || {
            state.worlds.call(actor).is_none()
                && self.position_within(state, actor, waits) == self.program(actor).end()
        };
        match self.form(actor) {
            Form::Actor => state.worlds[0].open_ends(actor).next().is_none() && is_done(),
            Form::Thread(_) | Form::Poller { .. } => state.status(actor).is_some() || is_done(),
            Form::Process | Form::Forked | Form::Outsider => state.status(actor).is_some(),
        }
    }

    /// Whether all processes that there are have come to their end, or to where they may [stay](Do::Stay).
    pub fn is_over(&self, state: &State) -> bool {
        self.actors().all(|actor| self.is_done(state, actor))
    }

    /// Whether a process has come to its end, or to where it may [stay](Do::Stay), or is not there yet.
    pub fn is_done(&self, state: &State, actor: Actor) -> bool {
        let waits = || self.program(actor).get(self.position(state, actor));
        let may_wait = || matches!(waits(), Some(Instruction::Born | Instruction::Stay));
        self.has_ended(state, actor) || state.worlds.call(actor).is_none() && may_wait()
    }

    /// The instruction that an idle process is at, once it has done with waiting for others' ends.
    fn position(&self, state: &State, actor: Actor) -> usize {
        self.position_within(state, actor, self.processes.len())
    }

    fn position_within(&self, state: &State, actor: Actor, waits: usize) -> usize {
        let program = self.program(actor);
        let mut at = usize::from(state.locals[usize::from(actor.0)].at);
        let is_over = |instruction| match instruction {
            Instruction::Born => state.worlds.is_child(actor),
            Instruction::Kill(other, _) => state.worlds.is_ending(other),
            Instruction::Join(other) => waits > 0 && self.has_ended_within(state, other, waits - 1),
            _ => false,
        };
        while program.get(at).is_some_and(is_over) {
            at = program.from(at + 1, None);
        }
        at
    }
}

impl Model for System {
    type State = State;
    type Action = Action;
    type Packing = WorldPacking;

    fn start(&self) -> State {
        let local = |process: &Process| Local {
            at: process.program.from(0, None) as u8,
            heard: match process.keeps {
                Keeps::Place(actor) => Segments::from_slice(&[Segment { actor, from: 0, len: 0 }]),
                _ => Segments::new(),
            },
        };
        State {
            worlds: Worlds::start(&self.platform, &self.empty_run()),
            locals: self.processes.iter().map(local).collect(),
        }
    }

    fn steps(&self, state: &State, next: &mut Vec<(Action, State)>) {
        self.steps_named(state, self.endless, next);
    }

    fn mover(&self, action: &Action) -> u8 {
        match action {
            Action::Call(call) => call.actor.0,
            Action::Exit { by, .. } => by.0,
            Action::Choose { actor, .. } | Action::Leave(actor, _) => actor.0,
            Action::Move { actor, .. } | Action::Return(actor, _) => actor.0,
            Action::Deliver { index, .. } => {
                (self.processes.len() as u8 + index).min(ACTORS_MAX as u8 - 1)
            }
        }
    }

    fn may_end(&self, state: &State) -> bool {
        self.is_over(state) || self.has_left(state)
    }

    fn properties(&self) -> &[Property<System>] {
        &self.properties
    }

    fn packing(&self) -> WorldPacking {
        WorldPacking::new(self.processes.len(), self.channels.len())
    }

    fn describe(&self, action: &Action) -> String {
        let mut run = self.empty_run();
        let rule = |rule: RuleIndex| RULES[usize::from(rule)].id;
        match *action {
            Action::Call(call) => {
                run.push(Event::Call(call));
                text::event(&run, 0)
            }
            Action::Exit { actor, status, .. } => {
                run.push(Event::Exits(actor, status));
                text::event(&run, 0)
            }
            Action::Return(actor, answer) => format!("{}: -> {answer}", run.actor_name(actor)),
            Action::Move { actor, channel, rule: by, count, .. } => {
                let on = match self.channels[usize::from(channel)].name {
                    Some(name) => format!(" on {name}"),
                    None => String::new(),
                };
                let bytes = if count == 0 { String::new() } else { format!(" ({count} bytes)") };
                format!("{}: {}{on}{bytes}", run.actor_name(actor), rule(by))
            }
            Action::Deliver { rule: by, .. } => rule(by).to_owned(),
            Action::Choose { actor, which } => {
                format!("{}: chooses ({} of its alternatives)", run.actor_name(actor), which + 1)
            }
            Action::Leave(actor, reason) => {
                format!("{}: nothing is specified: {reason}", run.actor_name(actor))
            }
        }
    }
}
