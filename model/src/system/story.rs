//! Ways through a system step by step, for drawings; and states in words.

use std::fmt::Write as _;

use super::program::Instruction;
use super::{Action, State, System};
use crate::asleep::Moment;
use crate::call::Call;
use crate::draw::{Frame, Story, Theme, What};
use crate::run::{Event, Run};
use crate::verify::Model;
use crate::world::Progress;

impl System {
    /// A way through the system as a drawing, named and explained. What is no step ends it.
    pub fn svg(&self, actions: &[Action], theme: Theme) -> String {
        let (run, frames, end) = self.frames(actions);
        let mut story = Story::new(&run, &self.platform).titled(self.name);
        frames.into_iter().for_each(|frame| story.push(frame));
        self.moment(&end).iter().for_each(|moment| story.hangs(moment));
        story.svg(theme)
    }

    /// A way through the system as a run, with the world after each step, and the state at its end. Where nothing can go on at its end,
    /// all is quiet. Bytes are named from each writer's first.
    fn frames(&self, actions: &[Action]) -> (Run, Vec<Frame>, State) {
        let mut run = self.empty_run();
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
                Action::Exit { actor, status, .. } => {
                    run.push(Event::Exits(actor, status));
                    (event, None)
                }
                Action::Return(actor, _) => {
                    let (rule, reply) = state.worlds.reply(actor).unzip();
                    reply.into_iter().for_each(|reply| run.push(Event::Return(actor, reply)));
                    (event, rule)
                }
                Action::Move { actor, rule, .. } => (What::Moves(actor), Some(rule)),
                Action::Deliver { rule, .. } => (What::Arrives, Some(rule)),
                Action::Choose { actor, .. } | Action::Leave(actor, _) => {
                    (What::Moves(actor), None)
                }
            };
            state = after;
            frames.push(Frame {
                what,
                worlds: state.worlds.known(),
                rule,
                notes: vec![],
                waits: vec![],
            });
        }
        next.clear();
        self.steps_named(&state, false, &mut next);
        if next.is_empty() && !state.busy().is_empty() && !self.has_left(&state) {
            let what = What::Event(run.events.len());
            run.push(Event::Quiet(state.busy()));
            frames.push(Frame {
                what,
                worlds: state.worlds.known(),
                rule: None,
                notes: vec![],
                waits: vec![],
            });
        }
        (run, frames, state)
    }

    /// A state in words: what each process is about.
    pub fn tell(&self, state: &State) -> String {
        let mut told = String::new();
        for actor in self.actors() {
            let name = self.processes[usize::from(actor.0)].seat.name;
            // Writing to a string never fails.
            let _ = match (state.worlds.call(actor), self.next_action(state, actor)) {
                (Some(call_in), _) => {
                    let (end, op) = (call_in.end, call_in.op);
                    let words = self.describe(&Action::Call(Call { actor, end, op }));
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
                (None, _) if self.has_ended(state, actor) => writeln!(told, "{name}: has ended"),
                (None, _) if state.worlds.is_ending(actor) => writeln!(told, "{name}: ends"),
                (None, Some((_, next))) => {
                    let words = self.describe(&next);
                    let words = words.split_once(": ").map_or("", |(_, words)| words);
                    writeln!(told, "{name}: next {words}")
                }
                (None, None) => match self.program(actor).get(self.position(state, actor)) {
                    Some(Instruction::Born) => writeln!(told, "{name}: is not there yet"),
                    Some(Instruction::Stay) => writeln!(told, "{name}: stays"),
                    Some(Instruction::Choose(_)) => writeln!(told, "{name}: chooses"),
                    _ => writeln!(told, "{name}: waits for another's end"),
                },
            };
        }
        let moment = self.moment(state).filter(|_| !self.has_left(state));
        if let Some(moment) = moment.filter(Moment::any_for_ever) {
            let names = self.names();
            let _ = write!(
                told,
                "\nit hangs: {}\n{}",
                moment.verdict(&names),
                moment.sentences(&names)
            );
        }
        told.truncate(told.trim_end().len());
        told
    }
}
