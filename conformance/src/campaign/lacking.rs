//! What a machine lacks of a channel: scenarios are left out for it, and the row says why.

use pipewright_backends::sys::has_no_such_call;
use pipewright_model::call::Op;
use pipewright_model::oracle::Judgement;
use pipewright_model::run::{Event, Run};
use pipewright_model::text;

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
        let called = run.events[..deviation.event].iter().enumerate().rev();
        let call = called.filter_map(|(index, event)| match event {
            Event::Call(call) if call.actor == *actor => Some((index, call.op)),
            _ => None,
        });
        let Some((index, op)) = call.take(1).next().filter(|_| has_no_such_call(reply.answer))
        else {
            return false;
        };
        self.transfers |= matches!(op, Op::Read { .. } | Op::Write { .. });
        let line = text::event(run, index);
        let word = line.split(": ").nth(1).and_then(|call| call.split_whitespace().next());
        let word = word.unwrap_or_default();
        self.note(1, format!("`{word}` gives {}: this system has no such call", reply));
        true
    }
}
