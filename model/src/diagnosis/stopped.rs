//! What a deviation means beside a call that is stopped in its copy: the lock that it holds, and what it has not copied.

use super::history::{History, is_consumed};
use super::{At, Diagnosis, Fault, call_of};
use crate::call::{Actor, Answer, Call};
use crate::data::Segment;
use crate::index::RuleIndex;
use crate::oracle::{Allowed, Deviation, stops};
use crate::rules::RULES;
use crate::run::{Event, Run};

/// Of a call that stops where it can't: further than its reply counts, or before it can have begun to copy.
pub(super) fn stopping(run: &Run, deviation: &Deviation, actor: Actor, at: u32) -> Diagnosis {
    let call = call_of(run, deviation.event, actor);
    let reply = run.events[deviation.event..].iter().find_map(|event| match event {
        Event::Return(other, reply) if *other == actor => Some(reply),
        _ => None,
    });
    let name = run.actor_name(actor);
    let counts = |call: &Call| stops::counts_what_it_came_past(run.setup().kind, &call.op);
    let (fault, says) = match call.zip(reply) {
        _ if deviation.shut_out_by.is_some() => {
            let called = call.map_or("call", |(_, call)| call.op.word());
            let holds = holder(run, deviation).unwrap_or_default();
            let says = format!("{name}'s {called} comes to byte {at}, though it needs {holds}");
            (Fault::ReturnsTooEarly, says)
        }
        Some(((_, call), reply))
            if counts(&call) && reply.answer.count().is_none_or(|count| count <= at) =>
        {
            (Fault::WrongCount, stops::told(name, &call, at, reply))
        }
        Some(((_, call), reply)) if matches!(reply.answer, Answer::Fails(_)) => {
            (Fault::Unexplained, stops::told_failing(name, &call, at, reply))
        }
        _ => (Fault::Unexplained, stops::told_unexplained(name, call.map(|(_, call)| call), at)),
    };
    Diagnosis { fault, says, broken: None }
}

/// The lock that the call of this event needs, and whose stopped call holds it.
pub(super) fn holder(run: &Run, deviation: &Deviation) -> Option<String> {
    let rule = |allowed: &Allowed| RULES[usize::from(allowed.rule())].id;
    let takes_turns = || deviation.allowed.iter().any(|allowed| rule(allowed) == TAKES_TURNS);
    let only = || stopped(run, deviation.event).into_iter().next().filter(|_| takes_turns());
    let (actor, at) = deviation.shut_out_by.or_else(only)?;
    let call = call_of(run, deviation.event, actor).map_or("call", |(_, call)| call.op.word());
    let name = run.actor_name(actor);
    Some(format!("the lock that {name}'s {call}, stopped at byte {at}, holds"))
}

/// The rule by which calls on a pipe wait for its lock.
const TAKES_TURNS: &str = "stream.any.takes-turns";

/// The calls that are stopped before an event, each with its byte.
fn stopped(run: &Run, event: usize) -> Vec<(Actor, u32)> {
    run.events.iter().take(event).fold(Vec::new(), |mut stopped, event| {
        match event {
            Event::Stops(actor, at) => stopped.push((*actor, *at)),
            Event::GoesOn(actor) => stopped.retain(|(other, _)| other != actor),
            _ => {}
        }
        stopped
    })
}

impl At<'_> {
    /// Of bytes that a write had not handed over, as it had stopped before.
    pub(super) fn not_there_yet(
        &self,
        history: &History,
        names: &[Segment],
        rule: Option<RuleIndex>,
    ) -> Option<Diagnosis> {
        let stopped = stopped(self.run, self.deviation.event);
        let (write, at) = stopped.iter().find_map(|(actor, at)| {
            let write = history.in_progress(*actor)?;
            let from = |at: u32| write.from + i64::from(at);
            // Where nothing at all is allowed, not even those before.
            let none = self.allowed(|reply| reply.answer.count().is_some()).is_none();
            let missing = if none { from(0) } else { from(*at) };
            let is_missing = |part: &Segment| {
                part.actor == *actor && missing < part.to() && part.from < write.to()
            };
            names.iter().any(is_missing).then_some((write, *at))
        })?;
        let (name, writer) = (self.run.actor_name(self.actor), self.run.actor_name(write.actor));
        let call = call_of(self.run, self.deviation.event, write.actor);
        let called = call.map_or("write", |(_, call)| call.op.word());
        let given = names.iter().find(|part| part.actor == write.actor)?;
        let range = format!("{writer}[{}..{}]", given.from, given.to());
        let says = if write.from + i64::from(at) < given.to() {
            format!(
                "{name} is given {range}, though {writer}'s {called} is stopped at byte {at}: the bytes from there on \
                 are not in the channel yet"
            )
        } else {
            format!(
                "{name} is given {range}, though {writer}'s {called}, stopped at byte {at}, has handed over none of them"
            )
        };
        let fault = match self.replies().next() {
            None => Fault::ReturnsTooEarly,
            Some(_) if is_consumed(self.run) => Fault::Invented,
            Some(_) => Fault::Stale,
        };
        Some(self.told(fault, rule, says))
    }
}
