//! Spoilt histories.

use pipewright_model::call::Answer;
use pipewright_model::run::{Event, Run};
use proptest::prelude::Rng;

/// Spoils a history a little; it may still be one that the rules allow.
pub(crate) fn spoil(run: &mut Run, rng: &mut impl Rng) {
    if run.events.is_empty() {
        return;
    }
    let count = run.events.len();
    let at = rng.next_u32() as usize % count;
    match &mut run.events[at] {
        Event::Return(_, reply) => match reply.answer {
            Answer::Count(count) if rng.next_u32().is_multiple_of(2) => {
                reply.answer = Answer::Count(count ^ 1);
            }
            _ => {
                let other = run.events.iter().skip(at + 1).find_map(|event| match event {
                    Event::Return(_, reply) => Some(reply.clone()),
                    _ => None,
                });
                if let (Some(other), Event::Return(_, reply)) = (other, &mut run.events[at]) {
                    *reply = other;
                }
            }
        },
        Event::Call(_) if at + 1 < count => run.events.swap(at, at + 1),
        _ => drop(run.events.remove(at)),
    }
    run.remarks.truncate(run.events.len());
    if run.check().is_err() {
        let len = (0..run.events.len())
            .find(|len| {
                let mut part = run.clone();
                part.events.truncate(len + 1);
                part.check().is_err()
            })
            .unwrap_or(run.events.len());
        run.events.truncate(len);
        run.remarks.truncate(len);
    }
}
