//! What changes: the runs that one platform, or one kind of channel, allows and another does not.
//!
//! Found from the rules alone, by a search over pairs of what both may have come to. Each difference stands once, with its
//! shortest run.

use std::iter;

use pipewright_model::call::{Actor, Answer, Call, End, Events, Mode, Op};
use pipewright_model::explore::{Space, Within, refines_within};
use pipewright_model::index::RuleIndex;
use pipewright_model::kind::{Discipline, Hold, Kind, Side as Of};
use pipewright_model::oracle::{Allowed, Judgement, Verdict, judge};
use pipewright_model::platform::Platform;
use pipewright_model::run::{Event, Name, Run, Seat, Setup};

use crate::generate::alphabet::ALPHABETS;

/// One side of a comparison.
#[derive(Clone, Copy, Debug)]
pub struct Side {
    /// The rules.
    pub platform: &'static Platform,
    /// The kind of channel.
    pub kind: &'static Kind,
}

/// Something that one side allows and the other does not.
#[derive(Clone, Debug)]
pub struct Difference {
    /// The shortest run, on the side that allows it.
    pub run: Run,
    /// What that side says of it.
    pub allowed: Judgement,
    /// The same run on the other side.
    pub other: Run,
    /// What the other side says of it: it deviates.
    pub refused: Judgement,
    /// How many runs were found that differ alike.
    pub runs: usize,
}

/// What one side allows and the other does not.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// The differences, those with the shortest runs first.
    pub differences: Vec<Difference>,
    /// Pairs of a state of the one and what the other may have come to.
    pub pairs: usize,
    /// Whether all runs within the bounds were gone through.
    pub whole: bool,
}

/// What `one` allows and `other` does not. `None` where these kinds can't be compared.
pub fn compare(one: Side, other: Side, within: Within) -> Option<Found> {
    let spaces = if one.kind == other.kind {
        let setup = Setup::new(one.kind);
        let suited = ALPHABETS.iter().filter(|alphabet| alphabet.suits(&setup));
        suited.map(|alphabet| (alphabet.space(&setup), alphabet.space(&setup))).collect()
    } else {
        vec![(one_way(one.kind)?, one_way(other.kind)?)]
    };
    let alike = has_two_ends(one.kind) == has_two_ends(other.kind);
    let called: fn(Call) -> Call = if alike { |call| call } else { of_the_other };
    let mut found = Found { whole: true, ..Found::default() };
    for (here, there) in &spaces {
        let (concrete, abstract_) =
            (one.platform.under(&here.setup), other.platform.under(&there.setup));
        let result = refines_within(here, &concrete, there, &abstract_, called, within);
        found.pairs += result.pairs;
        found.whole &= result.whole;
        for run in result.violations {
            found.add(run, there, (one.platform, other.platform), called);
        }
    }
    found.differences.sort_by_key(|difference| difference.run.events.len());
    (!spaces.is_empty()).then_some(found)
}

/// Whether there are calls by which two platforms can be compared over such a channel.
pub fn has_calls(kind: &'static Kind) -> bool {
    ALPHABETS.iter().any(|alphabet| alphabet.suits(&Setup::new(kind)))
}

impl Found {
    fn add(
        &mut self,
        run: Run,
        there: &Space,
        (one, other): (&Platform, &Platform),
        called: fn(Call) -> Call,
    ) {
        let elsewhere = on(&run, there, called);
        let (allowed, refused) = (judge(&run, one), judge(&elsewhere, other));
        // Of large ranges of counts the search has tried some: the oracle knows all.
        if allowed.verdict != Verdict::Conforms || refused.verdict != Verdict::Deviates {
            return;
        }
        let difference = Difference { run, allowed, other: elsewhere, refused, runs: 1 };
        let alike = |known: &&mut Difference| known.kind() == difference.kind();
        match self.differences.iter_mut().find(alike) {
            Some(known) => {
                known.runs += 1;
                if difference.run.events.len() < known.run.events.len() {
                    *known = Difference { runs: known.runs, ..difference };
                }
            }
            None => self.differences.push(difference),
        }
    }
}

/// What makes differences alike.
#[derive(PartialEq)]
struct Alike {
    /// The call by its name, and what it gives, any count for any other; nothing where it sleeps.
    call: Option<(&'static str, Option<Answer>)>,
    /// The rule by which it gives that.
    rule: Option<RuleIndex>,
}

impl Difference {
    /// The index of the event that the other side does not allow.
    pub fn event(&self) -> usize {
        self.run.events.len() - 1
    }

    /// The rule by which the one side allows it, where one rule alone explains it.
    pub fn rule(&self) -> Option<RuleIndex> {
        self.allowed.explained.get(self.event()).copied().flatten()
    }

    /// What the other side allows instead.
    pub fn instead(&self) -> &[Allowed] {
        let deviation = self.refused.deviations.iter().find(|one| one.event == self.event());
        deviation.map_or(&[], |deviation| &deviation.allowed)
    }

    /// The index of the call that sleeps on the one side and does not on the other, if they differ in that.
    pub fn awake(&self) -> Option<usize> {
        let Event::Quiet(_) = self.run.events[self.event()] else { return None };
        self.call_of(self.instead().iter().find_map(returns)?).map(|(index, _)| index)
    }

    /// The last call of an actor, and its index.
    fn call_of(&self, actor: Actor) -> Option<(usize, Call)> {
        self.run.events.iter().enumerate().rev().find_map(|(index, event)| match event {
            Event::Call(call) if call.actor == actor => Some((index, *call)),
            _ => None,
        })
    }

    fn kind(&self) -> Alike {
        let (actor, answer) = match &self.run.events[self.event()] {
            Event::Return(actor, reply) => (Some(*actor), Some(reply.answer)),
            _ => (self.instead().iter().find_map(returns), None),
        };
        let answer = answer.map(|answer| match answer {
            Answer::Count(1..) => Answer::Count(1),
            other => other,
        });
        let call = actor.and_then(|actor| self.call_of(actor));
        Alike { call: call.map(|(_, call)| (call.op.word(), answer)), rule: self.rule() }
    }
}

fn returns(allowed: &Allowed) -> Option<Actor> {
    match allowed {
        Allowed::Returns(actor, ..) => Some(*actor),
        Allowed::Sleeps(..) => None,
    }
}

/// The same run on another channel.
fn on(run: &Run, there: &Space, called: fn(Call) -> Call) -> Run {
    let mut other = Run::new(there.setup.clone(), there.seats.clone(), there.end_names.clone());
    for event in &run.events {
        other.push(match event {
            Event::Call(call) => Event::Call(called(*call)),
            event => event.clone(),
        });
    }
    other
}

/// Whether such a channel has an end to write to and another to read from, the latter first.
fn has_two_ends(kind: &Kind) -> bool {
    matches!(kind.discipline, Discipline::Stream)
}

/// The writer's end is the second of a pipe and the first of a pair of sockets.
fn of_the_other(call: Call) -> Call {
    Call { end: End(1 - call.end.0), ..call }
}

/// One who writes and one who reads, over a channel that carries bytes or messages from one to another.
fn one_way(kind: &'static Kind) -> Option<Space> {
    let pipe = [("r", Hold::READ), ("w", Hold::WRITE)];
    let socket = |(letters, side)| (letters, Hold { mode: Mode::ReadWrite, side });
    let (names, writes) = match kind.discipline {
        Discipline::Stream if kind.held.contains(&Hold::READ) => (pipe, 1),
        Discipline::Unix(..) | Discipline::Tcp => ([("sa", Of::A), ("sb", Of::B)].map(socket), 0),
        _ => return None,
    };
    let of = |actor: u8, end: usize, ops: &[Op]| -> Vec<Call> {
        let end = End(end as u8);
        ops.iter().map(|op| Call { actor: Actor(actor), end, op: *op }).collect()
    };
    let poll = |events, wait| Op::Poll { events, wait, among: false };
    let writer = [
        Op::Write { len: 0 },
        Op::Write { len: 1 },
        Op::Write { len: 70_000 },
        Op::SetNonblock(true),
        Op::Read { len: 1 },
        poll(Events::OUT, false),
        Op::Close,
    ];
    let reader = [
        Op::Read { len: 1 },
        Op::Read { len: 100_000 },
        Op::Write { len: 1 },
        Op::SetNonblock(true),
        Op::Available,
        poll(Events(Events::IN.0 | Events::RDHUP.0), false),
        poll(Events::IN, true),
        Op::Close,
    ];
    let reads = 1 - writes;
    let name = |text: &str| Name::new(text).expect("a name");
    let seat = |actor: &str, end: usize| {
        Seat::new(name(actor), iter::once((End(end as u8), names[end].1)).collect())
    };
    Some(Space {
        setup: Setup::new(kind),
        seats: vec![seat("writer", writes), seat("reader", reads)],
        end_names: names.iter().map(|(letters, _)| name(letters)).collect(),
        alphabet: [of(0, writes, &writer), of(1, reads, &reader)].concat(),
        fill_bytes: u32::MAX,
        lasting_bytes: Some(i64::MAX),
    })
}
