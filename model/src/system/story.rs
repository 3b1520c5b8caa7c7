//! Ways through a system step by step, for drawings; and states in words.

use std::fmt::Write as _;

use super::{Action, State, System};
use crate::draw::{Frame, Story, Theme, What};
use crate::oracle::reply_of;
use crate::run::{Event, Run};
use crate::verify::Model;
use crate::world::Progress;

impl System {
    /// A way through the system as a drawing, named and explained. What is no step ends it.
    pub fn svg(&self, actions: &[Action], theme: Theme) -> String {
        let (run, frames) = self.frames(actions);
        let mut story = Story::new(&run, &self.platform).titled(self.name);
        frames.into_iter().for_each(|frame| story.push(frame));
        story.svg(theme)
    }

    /// A way through the system as a run, with the world after each step. Where nothing can go on at its end,
    /// all is quiet. Bytes are named from each writer's first.
    fn frames(&self, actions: &[Action]) -> (Run, Vec<Frame>) {
        let mut run = Run::new(self.setup.clone(), self.seats(), self.end_names.clone());
        run.preamble = vec![self.says.to_owned()];
        let mut frames = Vec::new();
        let mut state = self.start();
        let mut next = Vec::new();
        for action in actions {
            self.steps_named(&state, false, &mut next);
            let Some((_, after)) = next.drain(..).find(|(other, _)| other == action) else { break };
            let event = What::Event(run.events.len());
            let (what, rule) = match *action {
                Action::Call(call) => {
                    run.push(Event::Call(call));
                    (event, None)
                }
                Action::Return(actor, _) => {
                    let (rule, reply) = reply_of(&state.world, actor).unzip();
                    reply.into_iter().for_each(|reply| run.push(Event::Return(actor, reply)));
                    (event, rule)
                }
                Action::Move { actor, rule, .. } => (What::Moves(actor), Some(rule)),
                Action::Deliver { rule, .. } => (What::Arrives, Some(rule)),
            };
            state = after;
            frames.push(Frame { what, worlds: vec![state.world.clone()], rule, notes: vec![] });
        }
        next.clear();
        self.steps_named(&state, false, &mut next);
        if next.is_empty() && !state.busy().is_empty() {
            let what = What::Event(run.events.len());
            run.push(Event::Quiet(state.busy()));
            frames.push(Frame { what, worlds: vec![state.world], rule: None, notes: vec![] });
        }
        (run, frames)
    }

    /// A state in words: what each process is about.
    pub fn tell(&self, state: &State) -> String {
        let mut told = String::new();
        for actor in self.actors() {
            let name = self.processes[usize::from(actor.0)].seat.name;
            let call = |end, op| self.describe(&Action::Call(super::Call { actor, end, op }));
            // Writing to a string never fails.
            let _ = match (state.world.pending(actor), self.next_call(state, actor)) {
                (Some(call_in), _) => {
                    let words = call(call_in.end, call_in.op);
                    match call_in.progress {
                        Progress::Answered { answer, .. } => {
                            writeln!(told, "{words}, answered {answer}")
                        }
                        Progress::Open if call_in.done > 0 => {
                            writeln!(told, "{words}, {} done", call_in.done)
                        }
                        Progress::Open => writeln!(told, "{words}, not answered"),
                    }
                }
                (None, Some((_, next))) => {
                    let words = call(next.end, next.op);
                    let words = words.split_once(": ").map_or("", |(_, words)| words);
                    writeln!(told, "{name}: next {words}")
                }
                (None, None) if self.has_ended(state, actor) => writeln!(told, "{name}: has ended"),
                (None, None) => writeln!(told, "{name}: waits for another's end"),
            };
        }
        told.truncate(told.trim_end().len());
        told
    }
}
