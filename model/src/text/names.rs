//! The names of bytes that a run's replies gave as they were seen, for print: `writer[0..2]` reads better than hex.
//!
//! It judges nothing. [`named`] takes the names that the oracle found. Where it found none, as a reply is what no rule allows or
//! comes after, a name is given only where the bytes stand at one place of all that was offered so far. Other bytes stay as they
//! were seen, so that what is printed is judged as what was seen.

use crate::call::{ACTORS_MAX, Actor, Answer, Call, Op};
use crate::data::{Data, PERIOD, Segment, Segments, ZERO, fill, matches, push_segment};
use crate::oracle::{Judgement, Verdict};
use crate::run::{Event, Run};

/// How often the bytes of one reply are looked for out of reading order: bytes that need more are
/// not of this run.
const SEARCHES_MAX: usize = 16;

/// A match in reading order of at least this many bytes is no chance: nothing longer is looked for.
const SURE_LEN: u32 = 8;

/// The run with names in place of the bytes that its replies gave, as far as they are known from its judgement: of one that
/// [names](crate::oracle::judge_naming). Judged again, it gets the same verdict.
pub fn named(run: &Run, judgement: &Judgement) -> Run {
    let mut run = run.clone();
    for (event, names) in &judgement.names {
        if let Some(Event::Return(_, reply)) = run.events.get_mut(*event) {
            reply.data = Data::Named(names.clone());
        }
    }
    let stop = match judgement.verdict {
        Verdict::Conforms => None,
        Verdict::Deviates => judgement.deviations.first().map(|deviation| deviation.event),
        Verdict::Unspecified { from, .. } => Some(from),
        Verdict::Inconclusive { at } => Some(at),
    };
    // What the rest gives changes no verdict: the bytes are no state's, or nobody looks at them.
    let mut stop = stop.unwrap_or(run.events.len());
    if run.has_parts() {
        // Positions count by channel.
        stop = run.events.len();
    }
    let mut streams = Streams::default();
    for (index, event) in run.events.iter_mut().enumerate() {
        match event {
            Event::Call(call) => streams.call(call),
            Event::Return(actor, reply) => {
                if let (Data::Bytes(bytes), true) = (&reply.data, index >= stop)
                    && let Some(names) = streams.sure_names(bytes)
                {
                    reply.data = Data::Named(names);
                }
                let names: &[Segment] = match &reply.data {
                    Data::Named(names) => names,
                    Data::Bytes(_) | Data::Unknown => &[],
                };
                streams.returned(*actor, reply.answer, names);
            }
            Event::Quiet(_) | Event::Stops(..) | Event::GoesOn(_) | Event::Exits(..) => {}
        }
    }
    run
}

/// How far every actor's stream of bytes was written and read, along a run.
#[derive(Default)]
pub(crate) struct Streams {
    calls: [Option<Op>; ACTORS_MAX],
    written: [i64; ACTORS_MAX],
    read: [i64; ACTORS_MAX],
}

impl Streams {
    /// A call begins.
    pub(crate) fn call(&mut self, call: &Call) {
        if let Some(open) = self.calls.get_mut(call.actor.0 as usize) {
            *open = Some(call.op);
        }
    }

    /// A call returns, and what it gave has these names, if known.
    pub(crate) fn returned(&mut self, actor: Actor, answer: Answer, names: &[Segment]) {
        let index = actor.0 as usize;
        match (self.calls.get_mut(index).and_then(Option::take), answer) {
            (Some(op), Answer::Count(count) | Answer::Marked(count, _))
                if op.offers().is_some() =>
            {
                self.written[index] = self.written[index].saturating_add(count.into());
            }
            (Some(op), _) if op.asks().is_some() => {
                names.iter().for_each(|name| follow(&mut self.read, name))
            }
            _ => {}
        }
    }

    /// Names of `bytes`, or `None` where they are not of bytes written so far: a guess, in reading order first.
    pub(crate) fn names(&self, bytes: &[u8]) -> Option<Segments> {
        self.names_with(0, bytes).or_else(|| self.names_with(SEARCHES_MAX, bytes))
    }

    /// Names of `bytes` of which each stands at one place only; `None` where they have none, or might have others.
    pub(crate) fn sure_names(&self, bytes: &[u8]) -> Option<Segments> {
        let names = self.names(bytes).filter(|names| !names.is_empty())?;
        let mut at = 0;
        for (index, name) in names.iter().enumerate() {
            let these = &bytes[at..at + name.len as usize];
            let zero = usize::from(these.iter().all(|byte| *byte == 0));
            if self.places(these) + zero != 1 {
                return None;
            }
            // The piece before it might end a byte earlier.
            let before = at.checked_sub(1).map(|at| &bytes[at..=at]).filter(|_| index > 0);
            let is_longer = |byte: &[u8]| match name.actor {
                ZERO => byte[0] == 0,
                actor => name.from > 0 && matches(actor, name.from - 1, byte),
            };
            if before.is_some_and(is_longer) {
                return None;
            }
            at += name.len as usize;
        }
        Some(names)
    }

    /// At how many places of what was offered so far these bytes stand.
    fn places(&self, bytes: &[u8]) -> usize {
        let len = bytes.len() as i64;
        let mut places = 0;
        for actor in 0..ACTORS_MAX {
            let last = self.end(actor) - len;
            if last < 0 {
                continue;
            }
            let mut window = vec![0; (last + 1).min(PERIOD as i64) as usize];
            fill(Actor(actor as u8), 0, &mut window);
            for (from, first) in window.into_iter().enumerate() {
                let from = from as i64;
                if first == bytes[0] && matches(Actor(actor as u8), from, bytes) {
                    places += (1 + (last - from) / PERIOD as i64) as usize;
                }
            }
        }
        places
    }

    /// Names of `bytes`, looking at most `searches_max` times out of reading order.
    fn names_with(&self, searches_max: usize, bytes: &[u8]) -> Option<Segments> {
        let mut next = self.read;
        let mut searches = 0;
        let mut segments = Segments::new();
        let mut rest = bytes;
        while !rest.is_empty() {
            let mut best = self.continued(&next, rest);
            let sure = best.is_some_and(|s| s.len >= SURE_LEN || s.len as usize == rest.len());
            if !sure && searches < searches_max {
                searches += 1;
                let found = self.found(&next, rest);
                best = if len(found) > len(best) { found } else { best };
            }
            let zeros = zeros(rest);
            let segment = if zeros.len > len(best) { zeros } else { best? };
            follow(&mut next, &segment);
            push_segment(&mut segments, segment);
            rest = &rest[segment.len as usize..];
        }
        Some(segments)
    }

    /// The longest match in reading order.
    fn continued(&self, next: &[i64; ACTORS_MAX], bytes: &[u8]) -> Option<Segment> {
        let of = |actor: usize| self.at(actor, next[actor], bytes);
        let longest = (0..ACTORS_MAX)
            .map(of)
            .fold(None, |best, segment| if len(segment) > len(best) { segment } else { best });
        longest.filter(|segment| segment.len > 0)
    }

    /// The longest match anywhere, unless it is so short that chance would give it.
    fn found(&self, next: &[i64; ACTORS_MAX], bytes: &[u8]) -> Option<Segment> {
        let mut best = None;
        let mut places = 0;
        for (actor, next) in next.iter().enumerate() {
            let end = self.end(actor);
            let here = (*next).clamp(0, end);
            let after = here..end.min(here.saturating_add(PERIOD as i64));
            let before = (here - PERIOD as i64).max(0)..here;
            for range in [after, before] {
                let mut window = vec![0; (range.end - range.start) as usize];
                places += window.len() as u64;
                fill(Actor(actor as u8), range.start, &mut window);
                for (from, byte) in range.zip(window) {
                    let segment = (byte == bytes[0]).then(|| self.at(actor, from, bytes)).flatten();
                    best = if len(segment) > len(best) { segment } else { best };
                }
            }
        }
        let by_chance = |len: u32| len < 3 && 256_u64.pow(len) < 16 * places;
        best.filter(|segment| segment.len > 0 && !by_chance(segment.len))
    }

    /// The match at one place, as long as it is.
    fn at(&self, actor: usize, from: i64, bytes: &[u8]) -> Option<Segment> {
        let end = self.end(actor);
        if from < 0 || from >= end {
            return None;
        }
        let len_max = bytes.len().min(usize::try_from(end - from).unwrap_or(usize::MAX));
        let actor = Actor(actor as u8);
        let mut chunk = [0; 4096];
        let (mut len, mut step) = (0, 16);
        while len < len_max {
            let expected = &mut chunk[..step.min(len_max - len)];
            fill(actor, from + len as i64, expected);
            let same = expected.iter().zip(&bytes[len..]).take_while(|(a, b)| a == b).count();
            len += same;
            if same < expected.len() {
                break;
            }
            step = (step * 4).min(4096);
        }
        Some(Segment { actor, from, len: u32::try_from(len).unwrap_or(u32::MAX) })
    }

    /// Where an actor's stream ends, if the write that it is making succeeds.
    fn end(&self, actor: usize) -> i64 {
        let more = match self.calls[actor] {
            Some(op) => op.offers().unwrap_or(0),
            _ => 0,
        };
        self.written[actor].saturating_add(more.into())
    }
}

/// Bytes that nobody wrote, at the head.
fn zeros(bytes: &[u8]) -> Segment {
    Segment::zero(bytes.iter().take_while(|byte| **byte == 0).count() as u32)
}

fn len(segment: Option<Segment>) -> u32 {
    segment.map_or(0, |segment| segment.len)
}

fn follow(next: &mut [i64; ACTORS_MAX], segment: &Segment) {
    if let Some(next) = next.get_mut(segment.actor.0 as usize) {
        *next = segment.from.saturating_add(segment.len.into());
    }
}
