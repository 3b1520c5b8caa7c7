//! Calls whose actor is blocked in the one before: left out, or made as soon as that has returned.

use pipewright_model::call::Actor;

use super::Play;
use crate::scenario::Step;
use crate::trouble::Trouble;

/// Calls that wait for their actors, in order.
#[derive(Default)]
pub(super) struct Later(Vec<Step>);

impl Play<'_> {
    /// Has calls wait until the one before of their actor has returned; without this they are left out. Those that
    /// wait when all has come to rest are left out all the same.
    pub(crate) fn patient(self, patient: bool) -> Self {
        Play { later: patient.then(Later::default), ..self }
    }

    /// Makes a call, or has it wait.
    pub(super) fn make(&mut self, step: &Step) -> Result<(), Trouble> {
        self.catch_up()?;
        if self.later.is_some() && self.is_blocked(step.call.actor)? {
            self.later.get_or_insert_default().0.push(*step);
            return Ok(());
        }
        self.step(step)
    }

    fn is_blocked(&mut self, actor: Actor) -> Result<bool, Trouble> {
        if self.waits(actor) {
            return Ok(true);
        }
        self.go_on(actor)?;
        self.wait_for(actor)?;
        Ok(self.open.contains(actor))
    }

    /// Whether a call of the actor waits to be made.
    fn waits(&self, actor: Actor) -> bool {
        self.later.iter().flat_map(|later| &later.0).any(|step| step.call.actor == actor)
    }

    /// Makes the calls that wait for actors which are not blocked any more; whether there were any.
    fn catch_up(&mut self) -> Result<bool, Trouble> {
        self.collect_all();
        let Some(Later(waiting)) = self.later.replace(Later::default()) else {
            self.later = None;
            return Ok(false);
        };
        let mut made = false;
        for step in waiting {
            if self.waits(step.call.actor) || self.open.contains(step.call.actor) {
                self.later.get_or_insert_default().0.push(step);
            } else {
                self.step(&step)?;
                made = true;
            }
        }
        Ok(made)
    }

    /// Lets all come to rest, with the calls that wait for it.
    pub(super) fn settle_all(&mut self) -> Result<(), Trouble> {
        self.settle()?;
        while self.catch_up()? {
            self.settle()?;
        }
        if let Some(Later(waiting)) = &mut self.later {
            waiting.clear();
        }
        Ok(())
    }
}
