//! Names for bytes that reads gave: which writer's, from which position.
//!
//! A guess that rests on at least a few bytes in a row; shorter pieces get no name. What is named wrongly
//! or not at all costs time, never a verdict: names choose which moves are tried first.

use crate::call::{ACTORS_MAX, Actor, Call, Op, Reply};
use crate::data::{self, Data, PERIOD, PLACE_BYTES, Segment, Segments, is_nobodys};
use crate::run::{Actors, Event, Run};

/// The run with names for all bytes that can be given some; `None` where none can.
///
/// The names of bytes are a guess, but the bytes that stand for the names are certain: if a run
/// with names conforms, so does the run with their bytes.
pub(super) fn guessed(run: &Run) -> Option<Run> {
    let is_of_bytes =
        |event: &Event| matches!(event, Event::Return(_, Reply { data: Data::Bytes(_), .. }));
    if !run.events.iter().any(is_of_bytes) {
        return None;
    }
    let mut run = run.clone();
    let (mut names, mut reading) = (Names::default(), Actors::NONE);
    let writers = run.seats.len();
    let mut is_named = false;
    for event in &mut run.events {
        let (actor, reply) = match event {
            Event::Call(Call { actor, op: Op::Read { .. }, .. }) => {
                reading = reading.with(*actor);
                continue;
            }
            Event::Return(actor, reply) => (*actor, reply),
            _ => continue,
        };
        reading = reading.without(actor);
        match &reply.data {
            Data::Unknown => {}
            Data::Named(segments) => {
                let known = segments.iter().filter(|piece| !is_nobodys(piece.actor));
                known.for_each(|piece| names.note(*piece, actor, reading));
            }
            Data::Bytes(bytes) => {
                let pieces = names.of(bytes, writers, actor, reading).into_iter();
                let segments: Option<Segments> = pieces.collect();
                let exact = segments.filter(|segments| reply.data.may_be(segments));
                is_named |= exact.is_some();
                reply.data = exact.map_or_else(|| reply.data.clone(), Data::Named);
            }
        }
    }
    is_named.then_some(run)
}

/// What has been named so far, by writer.
#[derive(Default)]
pub(super) struct Names {
    /// Position after the last byte that has been read.
    read_to: [i64; ACTORS_MAX],
    /// Bytes before it that have not been seen.
    holes: [Vec<Hole>; ACTORS_MAX],
}

/// Bytes that were read before others by reads that have not returned yet.
struct Hole {
    from: i64,
    to: i64,
    /// Whose read may have taken them.
    readers: Actors,
}

impl Names {
    /// Names the bytes that a read of `reader` gave while the reads of `others` are open. `None` stands for
    /// a piece that could not be named.
    pub(super) fn of(
        &mut self,
        bytes: &[u8],
        writers: usize,
        reader: Actor,
        others: Actors,
    ) -> Vec<Option<Segment>> {
        let mut names = Vec::new();
        let mut at = 0;
        while at < bytes.len() {
            let rest = &bytes[at..];
            let found = (0..writers)
                .filter_map(|writer| self.find(Actor(writer as u8), rest, reader))
                .max_by_key(|segment| segment.len);
            match found {
                Some(segment) => {
                    self.note(segment, reader, others);
                    names.push(Some(segment));
                    at += segment.len as usize;
                }
                None => {
                    names.push(None);
                    at += 1;
                }
            }
        }
        for hole in self.holes.iter_mut().flatten() {
            hole.readers = hole.readers.without(reader);
        }
        self.holes.iter_mut().for_each(|holes| holes.retain(|hole| !hole.readers.is_empty()));
        names
    }

    /// The longest piece at the head of `bytes` that is this writer's.
    fn find(&self, writer: Actor, bytes: &[u8], reader: Actor) -> Option<Segment> {
        let index = usize::from(writer.0);
        let next = self.read_to[index];
        let len = data::matching(writer, next, bytes);
        if len >= PLACE_BYTES {
            return Some(Segment { actor: writer, from: next, len: len as u32 });
        }
        let place = data::place(writer, bytes)? as i64;
        let first = |from: i64| from + (place - from).rem_euclid(PERIOD as i64);
        let holes = self.holes[index].iter().filter(|hole| hole.readers.contains(reader));
        let in_hole = holes.map(|hole| (first(hole.from), hole.to)).find(|(at, to)| at < to);
        let (from, to) = in_hole.unwrap_or((first(next), i64::MAX));
        let len = (data::matching(writer, from, bytes) as i64).min(to - from);
        Some(Segment { actor: writer, from, len: len as u32 })
    }

    /// Notes that a read of `reader` gave these bytes while the reads of `others` are open.
    pub(super) fn note(&mut self, segment: Segment, reader: Actor, others: Actors) {
        let index = usize::from(segment.actor.0);
        let next = &mut self.read_to[index];
        let holes = &mut self.holes[index];
        if segment.from >= *next {
            // Pieces too short for a name leave holes too, which this read may have filled itself.
            let hole = Hole { from: *next, to: segment.from, readers: others };
            if hole.from < hole.to && !others.is_empty() {
                holes.push(hole);
            }
            *next = segment.to();
            return;
        }
        let is_in = |hole: &Hole| hole.from <= segment.from && segment.from < hole.to;
        if let Some(at) = holes.iter().position(|hole| is_in(hole) && hole.readers.contains(reader))
        {
            let Hole { from, to, readers } = holes.swap_remove(at);
            for (from, to) in [(from, segment.from), (segment.to(), to)] {
                if from < to {
                    holes.push(Hole { from, to, readers });
                }
            }
        }
    }
}
