//! Systems: processes that run small programs over a channel, step by step by the rules.
//!
//! What a call does is not stated here: every step of a call is a move of [`crate::rules`], taken through
//! [`crate::step`]. A system adds which call comes next. It is a [`Model`]; [`crate::verify`] says whether what is
//! asked of it holds, and [`System::run`] gives the way to what breaks it as a run, which can be judged and
//! replayed like any other. The named systems are in [`crate::systems`].

pub mod ask;
mod packing;
pub mod program;
mod runs;
mod state;
mod story;

use smallvec::SmallVec;

use crate::call::{Actor, Answer, Call, End, Op};
use crate::data::{Data, Segment, Segments, push_segment};
use crate::index::RuleIndex;
use crate::kind::{Hold, Kind};
use crate::oracle::reply_of;
use crate::platform::{LINUX, Platform};
use crate::rule::What;
use crate::rules::RULES;
use crate::run::{Event, Name, Run, Seat, Setup};
use crate::step::{self, Moves, RuleSet};
use crate::text;
use crate::verify::{Model, Property};
use crate::world::ActorState;

use packing::WorldPacking;
use program::{Do, Instruction, Program};

pub use state::{Local, State};

/// A system: what exists, what can happen, and what must hold.
#[derive(Debug)]
pub struct System {
    /// Its name: lower case, words joined by `-`.
    pub name: &'static str,
    /// What it is about.
    pub family: Family,
    /// What it is, in a sentence.
    pub says: &'static str,
    /// The platform that it runs on.
    pub platform: Platform,
    /// Its channel.
    pub setup: Setup,
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

/// What a system is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// Which way data goes.
    Direction,
    /// How a receiver learns of data.
    Waiting,
    /// Who holds which end, and until when.
    Ends,
    /// How much a channel holds.
    Capacity,
    /// What is done as one.
    Atomicity,
    /// How ends are got.
    Opening,
    /// Values that replace each other.
    Variable,
    /// What is inside a channel.
    Implementation,
}

impl std::fmt::Display for Family {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Family::Direction => "direction",
            Family::Waiting => "waiting",
            Family::Ends => "ends",
            Family::Capacity => "capacity",
            Family::Atomicity => "atomicity",
            Family::Opening => "opening",
            Family::Variable => "variable",
            Family::Implementation => "implementation",
        })
    }
}

/// A process.
#[derive(Clone, Debug)]
pub struct Process {
    /// Its name and the ends that it holds at the start.
    pub seat: Seat,
    /// What it does; at the end it exits, which closes the ends that it still has.
    pub program: Program,
    /// What it keeps of the data that it was given.
    pub keeps: Keeps,
    /// Its program as it was written.
    body: Vec<Do>,
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
    /// A rule carries a call on, or answers it.
    Move {
        /// Whose call.
        actor: Actor,
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
        /// Which of the deliveries by that rule.
        index: u8,
    },
}

impl System {
    /// A system without processes, on Linux.
    pub fn new(
        name: &'static str,
        family: Family,
        says: &'static str,
        kind: &'static Kind,
    ) -> System {
        System {
            name,
            family,
            says,
            platform: LINUX,
            setup: Setup::new(kind),
            processes: Vec::new(),
            end_names: Vec::new(),
            endless: false,
            properties: Vec::new(),
            broken: Vec::new(),
        }
    }

    /// With a process that holds these ends (named as in runs, with spaces between) and does this.
    ///
    /// # Panics
    ///
    /// If a name is none ([`Name::new`]), or that of an end does not tell what the end is for ([`Hold::named`]).
    #[must_use]
    pub fn process(mut self, name: &str, ends: &'static str, body: impl Into<Vec<Do>>) -> System {
        let body = body.into();
        let seat = Seat { name: named(name), ends: Vec::new() };
        let program = Program::default();
        self.processes.push(Process { seat, program, keeps: Keeps::Nothing, body });
        let held = ends.split_whitespace();
        let mut used: Vec<&str> = held.clone().collect();
        self.processes.iter().for_each(|process| program::ends_of(&process.body, &mut used));
        let mut names: Vec<Name> = used.into_iter().map(named).collect();
        names.extend(&self.end_names);
        names.sort_unstable();
        names.dedup();
        self.renumber(&names);
        let end = |name: &str| {
            let end = names.iter().position(|known| known.as_str() == name).unwrap_or_default();
            (End(end as u8), Hold::named(name).expect("an end's name tells what it is for"))
        };
        if let Some(process) = self.processes.last_mut() {
            process.seat.ends = held.map(end).collect();
        }
        self.lay_out();
        self
    }

    /// Takes new names of ends, among which are the old.
    fn renumber(&mut self, names: &[Name]) {
        for process in &mut self.processes {
            for (end, _) in &mut process.seat.ends {
                let name = self.end_names[usize::from(end.0)];
                end.0 = names.iter().position(|known| *known == name).unwrap_or_default() as u8;
            }
        }
        self.end_names = names.to_vec();
    }

    /// Lays all programs out. One that names a process that is yet to come waits for it.
    fn lay_out(&mut self) {
        let names: Vec<Name> = self.processes.iter().map(|process| process.seat.name).collect();
        let all_known = self.processes.iter().all(|process| knows(&process.body, &names));
        for process in self.processes.iter_mut().filter(|_| all_known) {
            process.program = Program::new(&process.body, &self.end_names, &names);
        }
    }

    /// With what the last process keeps of the data that it is given.
    ///
    /// # Panics
    ///
    /// If there is no process yet.
    #[must_use]
    pub fn keeps(mut self, keeps: Keeps) -> System {
        self.processes.last_mut().expect("a process").keeps = keeps;
        self
    }

    /// With these questions.
    #[must_use]
    pub fn asks(mut self, properties: impl Into<Vec<Property<System>>>) -> System {
        self.properties = properties.into();
        self
    }

    /// With these properties known not to hold.
    #[must_use]
    pub fn breaks(mut self, names: &[&'static str]) -> System {
        self.broken = names.to_vec();
        self
    }

    /// Bytes that all writes offer together, each made once.
    pub fn written(&self) -> u32 {
        self.processes.iter().map(|process| process.program.offers()).sum()
    }

    /// Who takes part.
    pub fn seats(&self) -> Vec<Seat> {
        self.processes.iter().map(|process| process.seat.clone()).collect()
    }

    fn actors(&self) -> impl Iterator<Item = Actor> + use<> {
        (0..self.processes.len() as u8).map(Actor)
    }

    fn program(&self, actor: Actor) -> &Program {
        &self.processes[usize::from(actor.0)].program
    }

    /// Whether a process has come to its end and closed all it had.
    pub fn has_ended(&self, state: &State, actor: Actor) -> bool {
        self.has_ended_within(state, actor, self.processes.len())
    }

    /// The same, where at most so many processes wait for each other in a row: more of them wait in a ring.
    fn has_ended_within(&self, state: &State, actor: Actor, waits: usize) -> bool {
        state.world.pending(actor).is_none()
            && state.world.open_ends(actor).next().is_none()
            && self.position_within(state, actor, waits) == self.program(actor).end()
    }

    /// Whether all processes have come to their end.
    pub fn is_over(&self, state: &State) -> bool {
        self.actors().all(|actor| self.has_ended(state, actor))
    }

    /// The instruction that an idle process is at, once it has done with waiting for others' ends.
    fn position(&self, state: &State, actor: Actor) -> usize {
        self.position_within(state, actor, self.processes.len())
    }

    fn position_within(&self, state: &State, actor: Actor, waits: usize) -> usize {
        let program = self.program(actor);
        let mut at = usize::from(state.locals[usize::from(actor.0)].at);
        while let Some(Instruction::Join(other)) = program.get(at) {
            if waits == 0 || !self.has_ended_within(state, other, waits - 1) {
                break;
            }
            at = program.from(at + 1, None);
        }
        at
    }

    /// The call that an idle process makes next; `None` if it waits for another's end, or is at its own.
    fn next_call(&self, state: &State, actor: Actor) -> Option<(usize, Call)> {
        let at = self.position(state, actor);
        let what = match self.program(actor).get(at) {
            Some(Instruction::Call(end, op)) => (end, op),
            Some(_) => return None,
            None => (state.world.open_ends(actor).next()?, Op::Close),
        };
        Some((at, program::call(actor, what)))
    }

    /// The state after a process has seen its call return.
    fn returned(&self, state: &State, actor: Actor, back: bool) -> Option<(Action, State)> {
        let (_, reply) = reply_of(&state.world, actor)?;
        let mut after = state.clone();
        after.world.returned(actor);
        let process = &self.processes[usize::from(actor.0)];
        let local = &mut after.locals[usize::from(actor.0)];
        if usize::from(local.at) < process.program.end() {
            let next = usize::from(local.at) + 1;
            local.at = process.program.from(next, Some(&reply)) as u8;
        }
        if let Data::Named(names) = &reply.data {
            keep(process.keeps, names, &mut local.heard);
        }
        if back {
            rebase(&mut after);
        }
        Some((Action::Return(actor, reply.answer), after))
    }

    /// The states to which rules carry an actor's call.
    fn moved(&self, state: &State, actor: Actor, next: &mut Vec<(Action, State)>) {
        let platform = &self.platform;
        let Some(done) = state.world.pending(actor).map(|call| call.done) else { return };
        for (rule, step) in step::moves(platform, &state.world, actor, &mut RuleSet::default()) {
            let moved = |count, answer| Action::Move { actor, rule, count, answer };
            match step.what {
                What::Answers(answers, signal) => {
                    for (answer, count) in step::all_answers(answers, done, true) {
                        let mut after = state.clone();
                        let by = (rule, step);
                        step::answer(platform, &mut after.world, actor, by, count, answer, signal);
                        next.push((moved(count, Some(answer)), after));
                    }
                }
                What::Proceeds { least, most } => {
                    for count in least..=most {
                        let mut after = state.clone();
                        step::proceed(platform, &mut after.world, actor, step, count);
                        // What changes nothing is no step.
                        if after != *state {
                            next.push((moved(count, None), after));
                        }
                    }
                }
                What::Unspecified(reason) => {
                    panic!("{}: a system goes where nothing is specified: {reason}", self.name)
                }
                What::Rests | What::Delivers { .. } | What::Releases | What::Reports { .. } => {}
            }
        }
    }

    /// The steps that can be taken, where bytes are named by how far back they were written if `back`, and
    /// else from each writer's first.
    fn steps_named(&self, state: &State, back: bool, next: &mut Vec<(Action, State)>) {
        for actor in self.actors() {
            if let Some(returned) = self.returned(state, actor, back) {
                next.push(returned);
            } else if state.world.pending(actor).is_some() {
                self.moved(state, actor, next);
            } else if let Some((at, call)) = self.next_call(state, actor) {
                let mut after = state.clone();
                after.locals[usize::from(actor.0)].at = at as u8;
                after.world.call(call);
                next.push((Action::Call(call), after));
            }
        }
        self.delivered(state, next);
    }

    fn delivered(&self, state: &State, next: &mut Vec<(Action, State)>) {
        let moves: Moves = step::deliveries(&self.platform, &state.world);
        for (index, (rule, step)) in moves.into_iter().enumerate() {
            let mut after = state.clone();
            step::deliver(&self.platform, &mut after.world, step);
            if after != *state {
                next.push((Action::Deliver { rule, index: index as u8 }, after));
            }
        }
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
            world: step::start(&self.platform, &self.setup, &self.seats()),
            locals: self.processes.iter().map(local).collect(),
        }
    }

    fn steps(&self, state: &State, next: &mut Vec<(Action, State)>) {
        self.steps_named(state, self.endless, next);
    }

    fn mover(&self, action: &Action) -> u8 {
        match action {
            Action::Call(call) => call.actor.0,
            Action::Move { actor, .. } | Action::Return(actor, _) => actor.0,
            Action::Deliver { index, .. } => crate::call::ACTORS_MAX as u8 + index,
        }
    }

    fn may_end(&self, state: &State) -> bool {
        self.is_over(state)
    }

    fn properties(&self) -> &[Property<System>] {
        &self.properties
    }

    fn packing(&self) -> WorldPacking {
        WorldPacking::new(self.processes.len())
    }

    fn describe(&self, action: &Action) -> String {
        let mut run = Run::new(self.setup.clone(), self.seats(), self.end_names.clone());
        let rule = |rule: RuleIndex| RULES[usize::from(rule)].id;
        match *action {
            Action::Call(call) => {
                run.push(Event::Call(call));
                text::event(&run, 0)
            }
            Action::Return(actor, answer) => format!("{}: -> {answer}", run.actor_name(actor)),
            Action::Move { actor, rule: by, count: 0, answer: _ } => {
                format!("{}: {}", run.actor_name(actor), rule(by))
            }
            Action::Move { actor, rule: by, count, answer: _ } => {
                format!("{}: {} ({count} bytes)", run.actor_name(actor), rule(by))
            }
            Action::Deliver { rule: by, .. } => rule(by).to_owned(),
        }
    }
}

fn named(name: &str) -> Name {
    Name::new(name).unwrap_or_else(|| panic!("{name} is no name"))
}

/// Whether all processes that are waited for are known.
fn knows(body: &[Do], names: &[Name]) -> bool {
    body.iter().all(|statement| match statement {
        Do::Join(name) => names.iter().any(|known| known.as_str() == *name),
        Do::Loop(body) | Do::If(_, body) => knows(body, names),
        _ => true,
    })
}

fn keep(keeps: Keeps, names: &[Segment], heard: &mut Segments) {
    match keeps {
        Keeps::Nothing => {}
        Keeps::All => names.iter().for_each(|name| push_segment(heard, *name)),
        Keeps::Newest => *heard = Segments::from_slice(names),
        Keeps::Place(actor) => {
            if let Some(last) = names.iter().rev().find(|name| name.actor == actor) {
                *heard = Segments::from_slice(&[Segment { actor, from: last.to(), len: 0 }]);
            }
        }
    }
}

/// Renames all bytes by how far back they were written.
fn rebase(state: &mut State) {
    let written: SmallVec<[i64; 4]> = state.world.actors.iter().map(|a| a.written).collect();
    for local in &mut state.locals {
        for name in &mut local.heard {
            name.from -= written.get(usize::from(name.actor.0)).copied().unwrap_or(0);
        }
    }
    state.world.rebase();
}

/// What is packed as one: an actor with how far its process is.
type Part = (ActorState, Local);
