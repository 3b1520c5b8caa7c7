//! Runs of several channels: each channel is judged by itself, and the judgements are put together.

use super::judgement::{Deviation, Followed, Judgement, Records, Verdict};
use crate::call::{ACTORS_MAX, Actor, Answer, Call, Op, Reply};
use crate::platform::Platform;
use crate::run::{Event, Part, Run, ends_called};
use crate::step::{self, RuleSet};
use crate::world::World;

/// Judges each part of a run, and puts together what is said of them.
pub(super) fn judged_apart(
    run: &Run,
    platform: &Platform,
    records: Records,
    judged: &dyn Fn(&Run) -> Followed,
) -> Followed {
    if let Some((from, reason)) = crosses_channels(run) {
        let mut before = run.clone();
        before.events.truncate(from);
        before.remarks.truncate(from);
        let mut followed = judged(&before);
        followed.judgement.explained.resize(run.events.len(), None);
        if followed.judgement.verdict == Verdict::Conforms {
            followed.judgement.verdict = Verdict::Unspecified { from, reason };
        }
        return followed;
    }
    let parts = run.parts();
    let followed = parts.iter().map(|part| judged(&part.run));
    let mut whole =
        Followed { judgement: Judgement::of_nothing(run.events.len()), worlds: Vec::new() };
    let moments = match records {
        Records::Worlds => run.events.len(),
        Records::Last => 1,
        Records::Nothing | Records::Names => 0,
    };
    if moments > 0 {
        let start = |Part { run, .. }: &Part| {
            vec![step::start(&platform.under(run.setup()), run.setup(), &run.seats)]
        };
        whole.worlds = vec![parts.iter().map(start).collect(); moments];
    }
    for (channel, (part, followed)) in parts.iter().zip(followed).enumerate() {
        whole.judgement.add(part, followed.judgement);
        match records {
            Records::Worlds => spread(&mut whole.worlds, channel, part, &followed.worlds),
            Records::Last => {
                let to_the_end = followed.worlds.len() == part.events.len();
                let last =
                    followed.worlds.into_iter().next_back().map(|mut worlds| worlds.remove(0));
                match last {
                    Some(worlds) if to_the_end => whole.worlds[0][channel] = worlds,
                    None if to_the_end => {}
                    _ => whole.worlds[0][channel].clear(),
                }
            }
            Records::Nothing | Records::Names => {}
        }
    }
    whole.judgement.note_what_no_part_shows(run);
    whole.judgement.deviations.sort_by_key(|deviation| deviation.event);
    whole.judgement.unless_replaced_while_polled(run);
    whole.judgement.names.sort_by_key(|(event, _)| *event);
    whole
}

/// Where a call is first about ends of two channels at once, and why nothing is said from there.
fn crosses_channels(run: &Run) -> Option<(usize, &'static str)> {
    let across = |call: &Call| {
        let over = run.channel_of(call.end);
        let other = call.op.other_end().map(|other| run.channel_of(other));
        run.channels.len() > 1 && other.is_some_and(|other| over.is_none() || other != over)
    };
    run.events.iter().enumerate().find_map(|(at, event)| match event {
        Event::Call(call) if across(call) => match call.op {
            Op::SendEnd { .. } => {
                Some((at, "an end of another channel is passed, which is not modelled"))
            }
            Op::EpollAdd { .. } | Op::EpollModify { .. } | Op::EpollDelete { .. } => {
                Some((at, "an epoll watches an end of another channel, which is not modelled"))
            }
            _ => None,
        },
        _ => None,
    })
}

/// Notes the worlds of a channel after each event of the whole run: those after the last event that the channel saw.
fn spread(whole: &mut [Vec<Vec<World>>], channel: usize, part: &Part, worlds: &[Vec<Vec<World>>]) {
    for (number, (from, worlds)) in part.events.iter().zip(worlds).enumerate() {
        let to = part.events.get(number + 1).copied().unwrap_or(whole.len());
        for after in &mut whole[*from..to] {
            after[channel].clone_from(&worlds[0]);
        }
    }
    if let Some(last) = part.events.get(worlds.len()) {
        // From there on it was not followed.
        whole[*last..].iter_mut().for_each(|after| after[channel].clear());
    }
}

impl Judgement {
    /// That of so many events before any of them is looked at.
    pub(super) fn of_nothing(events: usize) -> Judgement {
        Judgement {
            verdict: Verdict::Conforms,
            deviations: Vec::new(),
            shown: RuleSet::default(),
            explained: vec![None; events],
            names: Vec::new(),
            states_most: 1,
        }
    }

    /// What no part shows: a poll on several ends that waits returns where one of them has an event, and who forks never
    /// sleeps, also where its child has called already.
    fn note_what_no_part_shows(&mut self, run: &Run) {
        let mut open: [Option<Op>; ACTORS_MAX] = [None; ACTORS_MAX];
        for (index, event) in run.events.iter().enumerate() {
            let wrong = match event {
                Event::Call(Call { actor, op, .. }) => {
                    open[usize::from(actor.0)] = Some(*op);
                    false
                }
                Event::Return(actor, Reply { answer, .. }) => {
                    let found = match answer {
                        Answer::Polled(polled) => run.polled.get(usize::from(*polled)),
                        _ => None,
                    };
                    let op = open[usize::from(actor.0)].take();
                    let set = op.and_then(|op| match op {
                        Op::PollSet { set } => run.polls.get(usize::from(set)),
                        _ => None,
                    });
                    let waits = set.is_some_and(|set| set.wait);
                    waits && found.is_some_and(|found| found.iter().all(|events| events.is_empty()))
                }
                Event::Quiet(asleep) => asleep
                    .iter()
                    .any(|actor| matches!(open[usize::from(actor.0)], Some(Op::Fork { .. }))),
                _ => false,
            };
            if wrong && self.deviations.iter().all(|deviation| deviation.event != index) {
                self.deviations.push(Deviation {
                    event: index,
                    allowed: Vec::new(),
                    after_another: !self.deviations.is_empty(),
                    shut_out_by: None,
                });
                self.verdict = Verdict::Deviates;
            }
        }
    }

    /// A poll that wakes looks its descriptors up again: what first deviates may be of another channel's, where another
    /// thread has replaced one by dup2 meanwhile.
    fn unless_replaced_while_polled(&mut self, run: &Run) {
        let first = self.deviations.first().map(|deviation| deviation.event);
        if let Some(from) = first.filter(|event| is_replaced_while_polled(run, *event)) {
            let reason = "another thread has replaced a descriptor while it was polled";
            self.verdict = Verdict::Unspecified { from, reason };
            self.deviations.clear();
        }
    }

    /// Adds what is said of a part.
    fn add(&mut self, part: &Part, judgement: Judgement) {
        self.shown = self.shown.union(judgement.shown);
        self.states_most = self.states_most.max(judgement.states_most);
        let events = part.events.iter().zip(&part.run.events);
        for ((event, seen), rule) in events.zip(judgement.explained) {
            let explained = &mut self.explained[*event];
            // Of a poll on several ends what found an event explains more than what found none.
            *explained = if finds(seen) { rule.or(*explained) } else { explained.or(rule) };
        }
        let names = judgement.names.into_iter();
        self.names.extend(names.map(|(event, names)| (part.events[event], names)));
        for deviation in judgement.deviations {
            let event = part.events[deviation.event];
            match self.deviations.iter_mut().find(|other| other.event == event) {
                Some(other) => other.allowed.extend(deviation.allowed),
                None => self.deviations.push(Deviation { event, ..deviation }),
            }
        }
        let verdict = match judgement.verdict {
            Verdict::Unspecified { from, reason } => {
                Verdict::Unspecified { from: part.events[from], reason }
            }
            Verdict::Inconclusive { at } => Verdict::Inconclusive { at: part.events[at] },
            verdict => verdict,
        };
        if weight(&verdict) > weight(&self.verdict) {
            self.verdict = verdict;
        }
    }
}

/// Whether this event is the return of a poll of which an end was replaced meanwhile.
fn is_replaced_while_polled(run: &Run, event: usize) -> bool {
    let Event::Return(actor, _) = &run.events[event] else { return false };
    let calls = run.events[..event].iter().enumerate().filter_map(|(at, event)| match event {
        Event::Call(call) => Some((at, call)),
        _ => None,
    });
    let poll = calls.clone().rfind(|(_, call)| call.actor == *actor);
    let Some((from, poll)) =
        poll.filter(|(_, call)| matches!(call.op, Op::Poll { .. } | Op::PollSet { .. }))
    else {
        return false;
    };
    let returned = |at: usize, by: Actor| {
        let mut since = run.events[at..from.max(at)].iter();
        since.any(|event| matches!(event, Event::Return(other, _) if *other == by))
    };
    let sibling =
        |call: &Call| call.actor != *actor && run.leader(call.actor) == run.leader(*actor);
    let mut calls = calls;
    calls.any(|(at, call)| {
        let replaces = call.replaces().filter(|_| sibling(call));
        let polled = |new| ends_called(&run.polls, poll).any(|end| end == new);
        replaces.is_some_and(polled) && !returned(at, call.actor)
    })
}

/// Whether a poll is seen to find an event of an end.
fn finds(event: &Event) -> bool {
    matches!(event, Event::Return(_, Reply { answer: Answer::Ready(events), .. }) if !events.is_empty())
}

/// Which verdict of several is that of the whole: what one channel must not do is not excused by another's.
fn weight(verdict: &Verdict) -> u8 {
    match verdict {
        Verdict::Conforms => 0,
        Verdict::Unspecified { .. } => 1,
        Verdict::Inconclusive { .. } => 2,
        Verdict::Deviates => 3,
    }
}
