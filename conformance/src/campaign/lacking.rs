//! What a machine lacks of a channel: scenarios are left out for it, and the row says why.

use pipewright_model::call::{Actor, Op};
use pipewright_model::oracle::Judgement;
use pipewright_model::run::{Event, Run};

use crate::tell::refused;

/// What a machine lacks of a channel, so that scenarios were left out.
#[derive(Clone, Debug, Default)]
pub struct Lacking {
    /// How many scenarios.
    pub scenarios: usize,
    /// Why, each reason once.
    pub reasons: Vec<String>,
    /// Whether it can't be read or written at all.
    pub transfers: bool,
}

impl Lacking {
    pub(super) fn note(&mut self, scenarios: usize, reason: String) {
        self.scenarios += scenarios;
        if !self.reasons.contains(&reason) {
            self.reasons.push(reason);
        }
    }

    /// Whether a run leaves the rules by a call that the system does not have at all, or refuses, which is noted: it says
    /// nothing of the channel then. Rules may speak of such an answer: there are ends that are no descriptors.
    pub(super) fn explains(&mut self, run: &Run, judgement: &Judgement) -> bool {
        let Some((event, actor, reason)) = refused(run, judgement) else { return false };
        self.transfers |= transfers(run, event, actor);
        self.note(1, reason);
        true
    }
}

/// Whether the last call of an actor before this event reads or writes.
fn transfers(run: &Run, event: usize, actor: Actor) -> bool {
    let call = run.events[..event].iter().rev().find_map(|event| match event {
        Event::Call(call) if call.actor == actor => Some(call.op),
        _ => None,
    });
    matches!(call, Some(Op::Read { .. } | Op::Write { .. }))
}
