//! What the rest of a run tells of the calls in progress: their replies, and where one writer's bytes
//! were followed by another's.
//!
//! Used only to leave out moves that the run contradicts, and to choose among ranges of counts.

use crate::call::{ACTORS_MAX, Actor, Answer, Call, Op, Reply};
use crate::data::{self, Data, Segment, Segments, push_segment};
use crate::oracle::{Fate, Foresight};
use crate::platform::{Platform, Storage};
use crate::run::{Event, Run};

/// Knowledge of the future of a run, followed along with it.
pub(super) struct Lookahead<'r> {
    /// For each call event: its reply and the first event at which it may be answered.
    fates: Vec<Fate<'r>>,
    /// The calls in progress, by actor.
    current: [Fate<'r>; ACTORS_MAX],
    foresight: Foresight,
    /// For each actor the positions in its bytes, ascending, where a read ended or went on with another
    /// writer's.
    cuts: [Vec<i64>; ACTORS_MAX],
}

impl<'r> Lookahead<'r> {
    pub(super) fn new(run: &'r Run, platform: &Platform, foresight: Foresight) -> Lookahead<'r> {
        let mut fates = vec![Fate::default(); run.events.len()];
        let mut open: [Option<usize>; ACTORS_MAX] = [None; ACTORS_MAX];
        for (index, event) in run.events.iter().enumerate() {
            match event {
                Event::Call(call) => {
                    open[usize::from(call.actor.0)] = Some(index);
                    fates[index].answerable_from = index;
                }
                Event::Return(actor, reply) => {
                    if let Some(call) = open[usize::from(actor.0)].take() {
                        fates[call].reply = Some(reply);
                    }
                }
                Event::Quiet(actors) => {
                    for call in actors.iter().filter_map(|actor| open[usize::from(actor.0)]) {
                        fates[call].answerable_from = index + 1;
                    }
                }
            }
        }
        let cuts = match platform.storage {
            Storage::Pages => Default::default(),
            Storage::Bytes => cuts(run),
        };
        Lookahead { fates, current: Default::default(), foresight, cuts }
    }

    /// Nothing is known: every call may be answered at any time.
    pub(super) fn unknown() -> Lookahead<'r> {
        Lookahead {
            fates: Vec::new(),
            current: Default::default(),
            foresight: Foresight::Suggests,
            cuts: Default::default(),
        }
    }

    pub(super) fn begin(&mut self, index: usize, call: Call) {
        self.current[usize::from(call.actor.0)] = self.fates[index];
    }

    pub(super) fn end(&mut self, actor: Actor) {
        self.current[usize::from(actor.0)] = Fate::default();
    }

    /// What must become of the actor's call in progress.
    pub(super) fn fate(&self, actor: Actor) -> Fate<'r> {
        match self.foresight {
            Foresight::Prunes => self.current[usize::from(actor.0)],
            Foresight::Suggests => Fate::default(),
        }
    }

    /// The reply that the actor's call in progress will get, if it returns.
    pub(super) fn reply(&self, actor: Actor) -> Option<&'r Reply> {
        self.current[usize::from(actor.0)].reply
    }

    /// Positions in the actor's bytes above `from`, up to `to`, where a read changed to another writer or
    /// ended.
    pub(super) fn cuts(&self, actor: Actor, from: i64, to: i64) -> &[i64] {
        let cuts = &self.cuts[usize::from(actor.0)];
        let first = cuts.partition_point(|cut| *cut <= from);
        let last = cuts.partition_point(|cut| *cut <= to);
        &cuts[first..last]
    }
}

/// Where, in each actor's bytes, reads ended or went over to another writer's.
fn cuts(run: &Run) -> [Vec<i64>; ACTORS_MAX] {
    let mut cuts: [Vec<i64>; ACTORS_MAX] = Default::default();
    let mut next_read = [0_i64; ACTORS_MAX];
    for event in &run.events {
        let Event::Return(_, Reply { answer: Answer::Count(1..), data, .. }) = event else {
            continue;
        };
        let segments = match data {
            Data::Unknown => continue,
            Data::Named(segments) => segments.clone(),
            Data::Bytes(bytes) => match name(bytes, run, &next_read) {
                Some(segments) => segments,
                None => continue,
            },
        };
        for segment in segments {
            let actor = usize::from(segment.actor.0);
            cuts[actor].push(segment.to());
            next_read[actor] = segment.to();
        }
    }
    for cuts in &mut cuts {
        cuts.sort_unstable();
        cuts.dedup();
    }
    cuts
}

/// Names for bytes, if they are what each writer's next unread bytes look like. A guess: it only chooses
/// which counts are tried.
fn name(bytes: &[u8], run: &Run, next_read: &[i64; ACTORS_MAX]) -> Option<Segments> {
    let mut next = *next_read;
    let mut names = Segments::new();
    let mut at = 0;
    while at < bytes.len() {
        let (actor, len) = (0..run.seats.len())
            .map(|actor| (actor, data::matching(Actor(actor as u8), next[actor], &bytes[at..])))
            .max_by_key(|(_, len)| *len)
            .filter(|(_, len)| *len > 0)?;
        push_segment(
            &mut names,
            Segment { actor: Actor(actor as u8), from: next[actor], len: len as u32 },
        );
        next[actor] += len as i64;
        at += len;
    }
    Some(names)
}

/// The length of a write, in bytes; 0 for other calls.
pub(super) fn write_len(op: Op) -> u32 {
    match op {
        Op::Write { len } => len,
        _ => 0,
    }
}
