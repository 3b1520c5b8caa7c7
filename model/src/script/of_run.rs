//! A system out of a run: each makes the calls that it made, in any order that the rules allow.

use crate::call::Op;
use crate::run::{Actors, Event, Form, Run};

use super::{Claim, Claimed, Family, STEPS_MAX, Script, Statement};

impl Script {
    /// The system of those who take part in a run and make the calls that they made there, each its own in their order.
    /// Who is not seen to exit stays, with the ends that it has.
    ///
    /// # Errors
    ///
    /// What of the run can't be said of a system, in lower case and without a full stop.
    pub fn of_run(name: &str, run: &Run) -> Result<Script, String> {
        let mut programs: Vec<Vec<Statement>> = vec![Vec::new(); run.seats.len()];
        let (mut open, mut gone) = (Actors::NONE, Actors::NONE);
        for event in &run.events {
            match event {
                Event::Call(call) => {
                    let word = call.op.word();
                    if matches!(call.op, Op::PollSet { .. }) {
                        return Err("a poll on several ends is not a call of systems".into());
                    }
                    if matches!(call.op, Op::Signal { .. } | Op::SetSignal { .. }) {
                        return Err(format!("{word:?} is not a call of systems"));
                    }
                    programs[usize::from(call.actor.0)].push(Statement::Call(*call));
                    open = open.with(call.actor);
                }
                Event::Return(actor, _) => open = open.without(*actor),
                Event::Exits(actor, status) => {
                    if open.contains(*actor) {
                        let name = run.actor_name(*actor);
                        return Err(format!(
                            "{name} ends in the midst of a call: of a system somebody must kill it, and the run does \
                             not say who"
                        ));
                    }
                    programs[usize::from(actor.0)].push(Statement::Exit(*status));
                    gone = gone.with(run.leader(*actor));
                }
                Event::Stops(..) | Event::GoesOn(_) => {
                    return Err("calls of systems don't stop in their middle".into());
                }
                Event::Quiet(_) => {}
            }
        }
        for (index, body) in programs.iter_mut().enumerate() {
            let actor = crate::call::Actor(index as u8);
            if body.len() >= STEPS_MAX {
                let name = run.actor_name(actor);
                return Err(format!("{name} makes more than {} calls", STEPS_MAX - 1));
            }
            let is_thread = matches!(run.seats[index].form, Form::Thread(_));
            if !is_thread && !gone.contains(actor) {
                body.push(Statement::Stay);
            }
        }
        let mut cast = Run { events: vec![], remarks: vec![], preamble: vec![], ..run.clone() };
        let lives = cast.is_of_processes();
        for seat in cast.seats.iter_mut().filter(|_| lives) {
            if matches!(seat.form, Form::Actor | Form::Outsider) {
                seat.form = Form::Process;
            }
        }
        Ok(Script {
            preamble: run.preamble.clone(),
            name: name_of(name),
            says: "The calls of a run, in every order that the rules allow.".into(),
            about: Family::Own,
            bounded: false,
            cast,
            programs,
            claims: vec![Claim { broken: false, what: Claimed::NeverDeadlock }],
        })
    }
}

/// A name of a system that is like this text.
fn name_of(text: &str) -> String {
    let fit = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let name: String =
        text.chars().map(fit).skip_while(|c| !c.is_ascii_lowercase()).take(48).collect();
    match name.trim_end_matches('-') {
        "" => "of-a-run".into(),
        name => name.into(),
    }
}
