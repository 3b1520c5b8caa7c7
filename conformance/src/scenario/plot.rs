//! Scenarios over several channels.

use std::collections::{BTreeMap, BTreeSet};

use pipewright_model::call::{Actor, Call, End, Op};
use pipewright_model::run::{Channel, Event, PollSet, Run, Seat, ends_called};

use super::Scenario;

/// A scenario over several channels.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Plot {
    /// The channels.
    pub channels: Vec<Channel>,
    /// Polls on several ends, which [`Op::PollSet`] names.
    pub polls: Vec<PollSet>,
    /// The actors, and their calls.
    pub scenario: Scenario,
}

impl Plot {
    /// The plot behind a run.
    pub fn of(run: &Run) -> Plot {
        let (channels, polls) = (run.channels.clone(), run.polls.clone());
        Plot { channels, polls, scenario: Scenario::of(run) }
    }

    /// A run in which nothing has happened yet, on channels set up like these.
    pub fn begin(&self, channels: Vec<Channel>) -> Run {
        let Scenario { seats, end_names, .. } = &self.scenario;
        Run {
            preamble: Vec::new(),
            channels,
            seats: seats.clone(),
            end_names: end_names.clone(),
            polls: self.polls.clone(),
            polled: Vec::new(),
            events: Vec::new(),
            remarks: Vec::new(),
        }
    }

    /// The same without names of ends that nobody needs, the others in alphabetical order, and what it is of the channels
    /// that are needed: their old numbers, in order.
    #[must_use]
    pub fn tidy(&self) -> (Plot, Vec<usize>) {
        let Scenario { seats, end_names, steps } = &self.scenario;
        let whole = self.begin(self.channels.clone());
        let called = steps.iter().flat_map(|step| ends_called(&self.polls, &step.call));
        let called: BTreeSet<End> = called.collect();
        let needed: Vec<usize> = (0..self.channels.len())
            .filter(|channel| called.iter().any(|end| whole.channel_of(*end) == Some(*channel)))
            .collect();
        // Without any the run would be none.
        let needed = if needed.is_empty() { vec![0] } else { needed };
        let stays = |end: &End| whole.channel_of(*end).is_none_or(|of| needed.contains(&of));
        let held = seats.iter().flat_map(|seat| {
            let inherited = seat.inherits.iter().map(|(end, _)| *end);
            seat.ends.iter().map(|(end, _)| *end).chain(inherited)
        });
        let mut used: Vec<End> = held.filter(stays).chain(called).collect();
        used.sort_unstable_by_key(|end| end_names[usize::from(end.0)]);
        used.dedup();
        let new =
            |end: End| End(used.iter().position(|other| *other == end).unwrap_or_default() as u8);
        let seat = |seat: &Seat| Seat {
            ends: (seat.ends.iter().filter(|(end, _)| stays(end)))
                .map(|(end, hold)| (new(*end), *hold))
                .collect(),
            inherits: (seat.inherits.iter().filter(|(end, _)| stays(end)))
                .map(|(end, from)| (new(*end), *from))
                .collect(),
            ..*seat
        };
        let mut polls = Vec::new();
        let mut steps = steps.clone();
        for step in &mut steps {
            let Call { end, op, .. } = &mut step.call;
            *end = new(*end);
            *op = op.map_ends(new);
            if let Op::PollSet { set } = op
                && let Some(before) = self.polls.get(usize::from(*set))
            {
                *set = polls.len() as u8;
                let ends = before.ends.iter().map(|(end, events)| (new(*end), *events));
                polls.push(PollSet { ends: ends.collect(), wait: before.wait });
            }
        }
        let scenario = Scenario {
            seats: seats.iter().map(seat).collect(),
            end_names: used.iter().map(|end| end_names[usize::from(end.0)]).collect(),
            steps,
        };
        let channels = needed.iter().map(|channel| self.channels[*channel].clone()).collect();
        (Plot { channels, polls, scenario }, needed)
    }
}

/// The channels to which descriptors lead that are called by their numbers, by process.
#[derive(Clone, Debug, Default)]
pub(crate) struct Numbers(BTreeMap<(Actor, End), usize>);

impl Numbers {
    /// The channel to which an actor's end leads, or led last; `None` for a number that leads nowhere yet.
    pub(crate) fn channel_of(&self, run: &Run, actor: Actor, end: End) -> Option<usize> {
        let number = || self.0.get(&(run.leader(actor), end)).copied();
        run.channel_of(end).or_else(number)
    }

    /// A call has made what it makes.
    pub(crate) fn learn(&mut self, run: &Run, call: &Call) {
        if let Some(new) = call.makes().or(call.replaces())
            && run.channel_of(new).is_none()
            && let Some(to) = self.channel_of(run, call.actor, call.end)
        {
            self.0.insert((run.leader(call.actor), new), to);
        }
    }

    /// A process forks.
    pub(crate) fn copy(&mut self, run: &Run, parent: Actor, child: Actor) {
        let parent = run.leader(parent);
        let of_parent = (parent, End(0))..=(parent, End(u8::MAX));
        let copied: Vec<_> = self.0.range(of_parent).map(|(at, to)| (at.1, *to)).collect();
        self.0.extend(copied.into_iter().map(|(end, to)| ((child, end), to)));
    }
}

/// Whether a run takes processes and threads of its own: it is of several channels, or tells what becomes of them.
pub fn takes_troupe(run: &Run) -> bool {
    run.is_of_processes()
        || run.events.iter().any(|event| match event {
            Event::Call(call) => call.op.is_of_process(),
            Event::Exits(..) => true,
            _ => false,
        })
}
