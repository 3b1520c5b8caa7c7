//! What a machine lacks of a channel: scenarios are left out for it, and the row says why.

use pipewright_backends::sys::has_no_such_call;
use pipewright_model::call::{Actor, Op};
use pipewright_model::oracle::Judgement;
use pipewright_model::run::{Event, Run};

use super::fault::call_before;

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

    /// Whether a run leaves the rules by a call that the system does not have at all, which is noted: it says
    /// nothing of the channel then. Rules may speak of such an answer: there are ends that are no descriptors.
    pub(super) fn explains(&mut self, run: &Run, judgement: &Judgement) -> bool {
        let Some(deviation) = judgement.deviations.first() else { return false };
        let Some(Event::Return(actor, reply)) = run.events.get(deviation.event) else {
            return false;
        };
        if !has_no_such_call(reply.answer) {
            return false;
        }
        let word = call_before(run, deviation.event, *actor);
        self.transfers |= transfers(run, deviation.event, *actor);
        self.note(1, format!("`{word}` gives {reply}: this system has no such call"));
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
