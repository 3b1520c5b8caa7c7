//! Signals of which no run tells: one that is caught cuts a call short that has transferred a part and would sleep.
//!
//! As of other causes from outside ([`outside`](crate::rules::outside)), what follows is unspecified. It is no excuse for
//! a call that would not have slept.

use super::{Followed, Foresight, Oracle, State, Verdict};
use crate::call::{Actor, Call, Op, Reply, SendFlags};
use crate::platform::Platform;
use crate::run::{Event, Run};

/// Why nothing is known from there on.
const REASON: &str = "a signal may have cut the call short";

/// A call upon which a signal may have come.
#[derive(Clone, Copy, Debug)]
pub(super) struct Suspect {
    /// The event at which it began.
    from: usize,
    actor: Actor,
}

impl Suspect {
    /// Adds the states in which a signal has come before this event.
    pub(super) fn interrupt(self, event: usize, states: &mut Vec<State>) {
        if event <= self.from {
            return;
        }
        let interrupted = |state: &State| {
            let mut state = state.clone();
            state.world.interrupt(self.actor, false);
            state
        };
        let more: Vec<State> = states.iter().map(interrupted).collect();
        states.extend(more);
    }
}

/// What first deviates may be a short count of a call that a signal has interrupted: then nothing is known from there on.
pub(super) fn unless_by_a_signal(
    run: &Run,
    platform: &Platform,
    ended: &dyn Fn() -> bool,
    mut judged: Followed,
) -> Followed {
    let first = judged.judgement.deviations.first().map(|deviation| deviation.event);
    let Some((index, suspect)) = first.and_then(|index| Some((index, cut_short(run, index)?)))
    else {
        return judged;
    };
    let mut until = run.clone();
    until.events.truncate(index + 1);
    until.remarks.truncate(index + 1);
    let oracle = Oracle::new(&until, platform, Foresight::Suggests);
    let again = Oracle { suspect: Some(suspect), ended, ..oracle }.judge();
    if matches!(again.judgement.verdict, Verdict::Conforms | Verdict::Unspecified { .. }) {
        judged.judgement.verdict = Verdict::Unspecified { from: index, reason: REASON };
        judged.judgement.deviations.clear();
    }
    judged
}

/// The call that this event says to have transferred less than was asked for, if it does.
fn cut_short(run: &Run, index: usize) -> Option<Suspect> {
    let Event::Return(actor, Reply { answer, signal: None, .. }) = run.events.get(index)? else {
        return None;
    };
    let count = answer.count().filter(|count| *count > 0)?;
    let (from, op) =
        run.events[..index].iter().enumerate().rev().find_map(|(from, event)| match event {
            Event::Call(Call { actor: caller, op, .. }) if caller == actor => Some((from, *op)),
            _ => None,
        })?;
    // A read is short wherever less is there: a signal that ends its sleep gives it nothing.
    let asked = match op {
        Op::Receive { len, flags } if flags.contains(SendFlags::WAITALL) => len,
        op => op.offers()?,
    };
    (count < asked).then_some(Suspect { from, actor: *actor })
}
