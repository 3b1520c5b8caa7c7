//! Ways through a system as runs: the same text as a case, a trace and a failure.

use super::{Action, State, System};
use crate::call::Actor;
use crate::index::RuleIndex;
use crate::oracle::reply_of;
use crate::rules::RULES;
use crate::run::{Event, Run};
use crate::verify::{Model, Path};

/// The remark on the first event of what can go on for ever.
pub(super) const LOOP: &str = "from here on again and again";

impl System {
    /// The run that a way through the system is: calls that are answered return, and where nothing can go on
    /// all is quiet. Bytes are named as in a real run: each writer's from its first.
    ///
    /// # Panics
    ///
    /// If the way is none through this system.
    pub fn run(&self, path: &Path<Action>) -> Run {
        let mut run = Run::new(self.setup.clone(), self.seats(), self.end_names.clone());
        let mut state = self.start();
        let mut loops_from = None;
        for (index, action) in path.actions.iter().enumerate() {
            if path.loops_from == Some(index) {
                loops_from = Some(run.events.len());
            }
            tell(&mut run, &state, action);
            state = self.after(&state, action);
        }
        if path.loops_from.is_none() {
            self.come_to_rest(&mut run, &state);
        }
        if let Some(first) = loops_from.and_then(|first| run.remarks.get_mut(first)) {
            *first = LOOP.to_owned();
        }
        run
    }

    /// The state after a step, with bytes named from each writer's first.
    fn after(&self, state: &State, action: &Action) -> State {
        let mut next = Vec::new();
        self.steps_named(state, false, &mut next);
        let taken = next.into_iter().find(|(other, _)| other == action);
        taken.expect("a way is made of steps").1
    }

    /// Whoever is answered sees it; if nobody can go on then, all is quiet.
    fn come_to_rest(&self, run: &mut Run, state: &State) {
        let mut state = state.clone();
        for actor in state.busy().iter() {
            tell_return(run, &state, actor);
            if let Some((_, after)) = self.returned(&state, actor, false) {
                state = after;
            }
        }
        let mut next = Vec::new();
        self.steps_named(&state, false, &mut next);
        if next.is_empty() && !state.busy().is_empty() {
            run.push(Event::Quiet(state.busy()));
        }
    }
}

fn tell(run: &mut Run, state: &State, action: &Action) {
    match action {
        Action::Call(call) => run.push(Event::Call(*call)),
        Action::Return(actor, _) => tell_return(run, state, *actor),
        Action::Move { .. } | Action::Deliver { .. } => {}
    }
}

fn tell_return(run: &mut Run, state: &State, actor: Actor) {
    if let Some((rule, reply)) = reply_of(&state.world, actor) {
        run.push(Event::Return(actor, reply));
        remark(run, rule);
    }
}

/// The rule that explains the last event.
fn remark(run: &mut Run, rule: RuleIndex) {
    if let Some(last) = run.remarks.last_mut() {
        *last = RULES[usize::from(rule)].id.to_owned();
    }
}
