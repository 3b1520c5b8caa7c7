//! Ways through a system as runs: the same text as a case, a trace and a failure.

use super::{Action, State, System};
use crate::call::{Actor, Call, Op};
use crate::data::Data;
use crate::index::RuleIndex;
use crate::rules::RULES;
use crate::run::{Actors, Event, Form, Run};
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
        let mut run = self.empty_run();
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
        seated(run)
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
        if next.is_empty() && !state.busy().is_empty() && !self.has_left(&state) {
            run.push(Event::Quiet(state.busy()));
        }
    }
}

fn tell(run: &mut Run, state: &State, action: &Action) {
    match action {
        Action::Call(call) => run.push(Event::Call(*call)),
        Action::Exit { actor, status, .. } => run.push(Event::Exits(*actor, *status)),
        Action::Return(actor, _) => tell_return(run, state, *actor),
        Action::Move { .. }
        | Action::Deliver { .. }
        | Action::Choose { .. }
        | Action::Leave(..) => {}
    }
}

fn tell_return(run: &mut Run, state: &State, actor: Actor) {
    if let Some((rule, reply)) = state.worlds.reply(actor) {
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

/// The run with those who are there from the start before those that forks make, in the order in which they do, and without
/// those that none has made: so its text seats them.
fn seated(mut run: Run) -> Run {
    let made = run.events.iter().filter_map(|event| match event {
        Event::Call(Call { op: Op::Fork { child }, .. }) => Some(*child),
        _ => None,
    });
    let all = (0_u8..).map(Actor).zip(&run.seats);
    let first = all.filter(|(_, seat)| seat.form != Form::Forked).map(|(actor, _)| actor);
    let order: Vec<Actor> = first.chain(made).collect();
    let to = |actor: Actor| {
        let place = order.iter().position(|other| *other == actor);
        place.map_or(actor, |place| Actor(place as u8))
    };
    let seat = |actor: &Actor| {
        let mut seat = run.seats[usize::from(actor.0)].clone();
        if let Form::Thread(leader) = &mut seat.form {
            *leader = to(*leader);
        }
        seat
    };
    run.seats = order.iter().map(seat).collect();
    for event in &mut run.events {
        match event {
            Event::Call(call) => {
                call.actor = to(call.actor);
                call.op = call.op.map_actors(to);
            }
            Event::Return(actor, reply) => {
                *actor = to(*actor);
                if let Data::Named(names) = &mut reply.data {
                    names.iter_mut().for_each(|name| name.actor = to(name.actor));
                }
            }
            Event::Quiet(actors) => *actors = actors.iter().map(to).collect::<Actors>(),
            Event::Stops(actor, _) | Event::GoesOn(actor) | Event::Exits(actor, _) => {
                *actor = to(*actor);
            }
        }
    }
    run
}
