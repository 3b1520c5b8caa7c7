//! Processes that wait for a child while they hold the read end of what the child may write.

use pipewright_model::call::{Actor, Answer, Op};
use pipewright_model::ends::OpenEnds;
use pipewright_model::run::Event;

use super::channels::{Channels, Now};
use super::found::{Found, WaitForChild};
use super::hazards::follow;

impl Channels {
    pub(super) fn waits(&mut self, now: Now<'_>) {
        if now.call.has_anywhere("WNOHANG") {
            return;
        }
        let process = now.call.process;
        let entries = self.tables.of(process).values();
        let mut those: Vec<usize> = entries.map(|entry| entry.channel).collect();
        those.sort_unstable();
        those.dedup();
        for channel in those {
            let found = &mut self.found[channel];
            if let Some(actor) = found.actor_of(process) {
                let from = found.run.events.len();
                found.waits.push(WaitForChild { actor, from, to: usize::MAX, family: vec![] });
            }
        }
    }

    pub(super) fn has_waited(&mut self, now: Now<'_>) {
        let process = now.call.process;
        let those: Vec<usize> =
            self.tables.of(process).values().map(|entry| entry.channel).collect();
        for channel in those {
            let found = &mut self.found[channel];
            let (actor, events) = (found.actor_of(process), found.run.events.len());
            let family = found.actors.iter().filter(|(id, _)| self.tables.descends(**id, process));
            let family: Vec<_> = family.map(|(_, actor)| *actor).collect();
            let began = found.waits.iter_mut().filter(|wait| Some(wait.actor) == actor);
            for wait in began.filter(|wait| wait.to == usize::MAX) {
                (wait.to, wait.family) = (events, family.clone());
            }
        }
    }
}

impl Found {
    /// A process that waits for a child before it reads the data written meanwhile by what has come of it, and which no
    /// other process can read: more than fits would never be written.
    pub(super) fn waits_before_drain(&self) -> Option<Actor> {
        let late = |wait: &&WaitForChild| {
            let WaitForChild { actor, from, to, family } = wait;
            let process = self.run.leader(*actor);
            let (before, rest) = self.run.events.split_at((*from).min(self.run.events.len()));
            let (meanwhile, after) = rest.split_at(to.saturating_sub(*from).min(rest.len()));
            let mut ends = OpenEnds::at_start(&self.run.seats);
            before.iter().for_each(|event| follow(&mut ends, event));
            let reads = |actor: Actor| ends.of(actor).open().any(|end| self.reads(end));
            reads(process)
                && !self.transfers(&self.run.events, |by, op| by != process && is_read(op))
                && self.transfers(meanwhile, |by, op| {
                    family.contains(&by) && matches!(op, Op::Write { .. })
                })
                && !self.transfers(meanwhile, |by, op| by == process && is_read(op))
                && self.transfers(after, |by, op| by == process && is_read(op))
        };
        self.waits.iter().find(late).map(|wait| wait.actor)
    }

    /// Whether somebody waits for its children, and all have ended: a shell that keeps what it has given on.
    pub(super) fn waits_for_others(&self, actor: Actor) -> bool {
        let mut waits = self.waits.iter().filter(|wait| wait.actor == actor).peekable();
        waits.peek().is_some() && waits.all(|wait| wait.to != usize::MAX)
    }

    /// Whether bytes are moved among these events by such a call of such a process.
    fn transfers(&self, events: &[Event], is: impl Fn(Actor, &Op) -> bool) -> bool {
        let returns = |event: &Event| match event {
            Event::Return(actor, reply) => Some((*actor, reply.answer)),
            _ => None,
        };
        events.iter().enumerate().any(|(at, event)| match event {
            Event::Call(call) if is(self.run.leader(call.actor), &call.op) => {
                let mut returned = events[at..].iter().filter_map(returns);
                let answer = returned.find(|(actor, _)| *actor == call.actor);
                matches!(answer, Some((_, Answer::Count(1..))))
            }
            _ => false,
        })
    }
}

fn is_read(op: &Op) -> bool {
    matches!(op, Op::Read { .. } | Op::Receive { .. })
}
