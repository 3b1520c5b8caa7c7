//! The steps of a system: which call comes next, how the rules carry it on, and what its caller sees.

use smallvec::SmallVec;

use crate::call::{Actor, Call, Op, Termination};
use crate::data::{Data, Segment, Segments, push_segment};
use crate::rule::What;
use crate::run::{self, Form};
use crate::step::{self, Moves, RuleSet};

use super::program::Instruction;
use super::{Action, Keeps, LEFT, State, System};

impl System {
    /// The steps that can be taken, where bytes are named by how far back they were written if `back`, and
    /// else from each writer's first.
    pub(super) fn steps_named(&self, state: &State, back: bool, next: &mut Vec<(Action, State)>) {
        if self.has_left(state) {
            return;
        }
        for actor in self.actors() {
            if let Some(returned) = self.returned(state, actor, back) {
                next.push(returned);
            } else if state.worlds.is_engaged(actor) {
                self.moved(state, actor, next);
            } else if let Some((at, action)) = self.next_action(state, actor) {
                let mut after = state.clone();
                after.locals[usize::from(actor.0)].at = at as u8;
                match self.overwrites(state, action) {
                    Some(left) => next.push((left, left_by(state, actor))),
                    None => {
                        self.begin(&mut after, action);
                        next.push((action, after));
                    }
                }
            } else {
                let at = self.position(state, actor);
                for (which, to) in (0..).zip(self.program(actor).alternatives(at)) {
                    let mut after = state.clone();
                    after.locals[usize::from(actor.0)].at = to as u8;
                    next.push((Action::Choose { actor, which }, after));
                }
            }
        }
        self.delivered(state, next);
    }

    /// What an idle process does next, with the instruction that it is at then; `None` if it waits for another, or
    /// is at its end.
    pub(super) fn next_action(&self, state: &State, actor: Actor) -> Option<(usize, Action)> {
        let at = self.position(state, actor);
        let program = self.program(actor);
        let exits = |who, status| Action::Exit { actor: who, status, by: actor };
        match (program.get(at), self.form(actor)) {
            (Some(Instruction::Call(end, op)), _) => {
                Some((at, Action::Call(Call { actor, end, op })))
            }
            (Some(Instruction::Exit(status)), _) => Some((at, exits(actor, status))),
            (Some(Instruction::Kill(other, status)), _) => {
                let next = program.from(at + 1, None);
                (!self.is_unborn(state, other)).then(|| (next, exits(other, status)))
            }
            (Some(_), _) | (None, Form::Thread(_)) => None,
            (None, Form::Actor) => {
                let end = state.worlds[0].open_ends(actor).next()?;
                Some((at, Action::Call(Call { actor, end, op: Op::Close })))
            }
            (None, _) => Some((at, exits(actor, Termination::SUCCESS))),
        }
    }

    /// Whether no fork has made the process yet.
    pub(super) fn is_unborn(&self, state: &State, actor: Actor) -> bool {
        let at = self.position(state, actor);
        let waits = matches!(self.program(actor).get(at), Some(Instruction::Born));
        waits && !state.worlds.is_ending(actor)
    }

    /// The step in place of a call that would make an end which is open: nobody could say then which of the two is
    /// meant.
    fn overwrites(&self, state: &State, action: Action) -> Option<Action> {
        let Action::Call(call) = action else { return None };
        let made = call.makes()?;
        let mut worlds = state.worlds.iter();
        let is_open = worlds.any(|world| world.open_ends(call.actor).any(|end| end == made));
        is_open.then_some(Action::Leave(call.actor, "an end is made that is open already"))
    }

    /// Begins a call, or ends a process.
    fn begin(&self, after: &mut State, action: Action) {
        match action {
            Action::Call(call) => {
                let named = |end| run::channel_of(&self.channels, &self.end_names, end);
                after.worlds.begin(call, named);
            }
            Action::Exit { actor, status, .. } => after.worlds.exits(actor, status),
            Action::Move { .. }
            | Action::Return(..)
            | Action::Deliver { .. }
            | Action::Choose { .. }
            | Action::Leave(..) => {}
        }
    }

    /// The state after a process has seen its call return.
    pub(super) fn returned(
        &self,
        state: &State,
        actor: Actor,
        back: bool,
    ) -> Option<(Action, State)> {
        let (_, reply) = state.worlds.reply(actor)?;
        let mut after = state.clone();
        after.worlds.returned(actor);
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

    /// Whether no rule carries an actor's call on as things are.
    pub(super) fn sleeps(&self, state: &State, actor: Actor) -> bool {
        let mut next = Vec::new();
        self.moved(state, actor, &mut next);
        next.is_empty()
    }

    /// The states to which rules carry an actor's call.
    fn moved(&self, state: &State, actor: Actor, next: &mut Vec<(Action, State)>) {
        let platform = &self.platform;
        for (channel, world) in state.worlds.iter().enumerate() {
            let Some(done) = world.pending(actor).map(|call| call.done) else { continue };
            for (rule, step) in step::moves(platform, world, actor, &mut RuleSet::default()) {
                let moved = |count, answer| {
                    let channel = channel as u8;
                    Action::Move { actor, channel, rule, count, answer }
                };
                match step.what {
                    What::Answers(answers, signal) => {
                        let signal = step::raised(world, actor, signal);
                        for (answer, count) in step::all_answers(answers, done, true) {
                            let mut after = state.clone();
                            let (by, on) = ((rule, step), &mut after.worlds[channel]);
                            step::answer(platform, on, actor, by, count, answer, signal);
                            let (worlds, before) = (&mut after.worlds, &state.worlds);
                            if worlds.others_answer(platform, before, actor, channel, answer) {
                                next.push((moved(count, Some(answer)), after));
                            }
                        }
                    }
                    What::Proceeds { least, most } => {
                        for count in least..=most {
                            let mut after = state.clone();
                            step::proceed(platform, &mut after.worlds[channel], actor, step, count);
                            // What changes nothing is no step.
                            if after != *state {
                                next.push((moved(count, None), after));
                            }
                        }
                    }
                    What::Unspecified(reason) => {
                        next.push((Action::Leave(actor, reason), left_by(state, actor)));
                    }
                    What::Rests | What::Delivers { .. } | What::Releases | What::Reports { .. } => {
                    }
                }
            }
        }
    }

    fn delivered(&self, state: &State, next: &mut Vec<(Action, State)>) {
        let mut index = 0;
        for (channel, world) in state.worlds.iter().enumerate() {
            let moves: Moves = step::deliveries(&self.platform, world);
            for (rule, step) in moves {
                let mut after = state.clone();
                step::deliver(&self.platform, &mut after.worlds[channel], step);
                if after != *state {
                    next.push((Action::Deliver { rule, index }, after));
                }
                index += 1;
            }
        }
    }
}

/// The state in which an actor's call is where nothing is specified.
fn left_by(state: &State, actor: Actor) -> State {
    let mut after = state.clone();
    after.locals[usize::from(actor.0)].at = LEFT;
    after
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

/// Renames all bytes by how far back they were written; what processes keep is of the first channel.
fn rebase(state: &mut State) {
    let written: SmallVec<[i64; 4]> = state.worlds[0].actors.iter().map(|a| a.written).collect();
    for local in &mut state.locals {
        for name in &mut local.heard {
            name.from -= written.get(usize::from(name.actor.0)).copied().unwrap_or(0);
        }
    }
    state.worlds.iter_mut().for_each(|world| world.rebase());
}
