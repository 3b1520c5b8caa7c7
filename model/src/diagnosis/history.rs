//! What was written and read before an event, as far as the run tells.

use super::Fault;
use crate::call::{ACTORS_MAX, Actor, Call, Op, SendFlags};
use crate::data::{ANY, Data, Segment, Segments, ZERO};
use crate::kind::{Discipline, SocketType};
use crate::run::{Event, Run};
use crate::text::Streams;

/// Whether reading takes bytes away, so that each comes once and in order.
pub(super) fn is_consumed(run: &Run) -> bool {
    !matches!(
        run.setup().kind.discipline,
        Discipline::File | Discipline::Cell | Discipline::Counter(_)
    )
}

/// Whether each read gives one message, and never two.
pub(super) fn is_of_messages(run: &Run) -> bool {
    let datagrams = |kind| kind != SocketType::Stream;
    match run.setup().kind.discipline {
        Discipline::Queue => true,
        Discipline::Unix(kind, _) => datagrams(kind),
        _ => run.setup().packet,
    }
}

/// Whether what several write makes one stream of bytes.
fn is_stream(run: &Run) -> bool {
    matches!(
        run.setup().kind.discipline,
        Discipline::Stream
            | Discipline::Ring
            | Discipline::Tcp
            | Discipline::Unix(SocketType::Stream, _)
    )
}

/// A write, and where in the run it returned.
#[derive(Clone, Copy)]
pub(super) struct Write {
    pub(super) bytes: Segment,
    pub(super) returned: Option<usize>,
}

/// What was written and read before an event.
#[derive(Default)]
pub(super) struct History {
    pub(super) streams: Streams,
    writes: Vec<Write>,
    /// What was taken, in the order of returns.
    taken: Vec<Segment>,
    /// For each actor the position after the last byte of its that was taken.
    next: [i64; ACTORS_MAX],
}

impl History {
    pub(super) fn before(run: &Run, event: usize) -> History {
        let mut history = History::default();
        let mut calls: [Option<Call>; ACTORS_MAX] = [None; ACTORS_MAX];
        let mut written = [0_i64; ACTORS_MAX];
        for (index, event) in run.events.iter().enumerate().take(event) {
            match event {
                Event::Call(call) => {
                    history.streams.call(call);
                    calls[usize::from(call.actor.0)] = Some(*call);
                }
                Event::Return(actor, reply) => {
                    let at = usize::from(actor.0);
                    let call = calls[at].take();
                    let names: Segments = match &reply.data {
                        Data::Named(names) => names.clone(),
                        Data::Bytes(bytes) => history.streams.sure_names(bytes).unwrap_or_default(),
                        Data::Unknown => Segments::new(),
                    };
                    history.streams.returned(*actor, reply.answer, &names);
                    let Some(call) = call else { continue };
                    if call.op.offers().is_some() {
                        let len = reply.answer.count().unwrap_or(0);
                        let bytes = Segment { actor: *actor, from: written[at], len };
                        history.writes.push(Write { bytes, returned: Some(index) });
                        written[at] += i64::from(len);
                    }
                    let peeks = matches!(call.op, Op::Receive { flags, .. } if flags.contains(SendFlags::PEEK));
                    if call.op.asks().is_some() && !peeks {
                        history.take(&names);
                    }
                }
                _ => {}
            }
        }
        for call in calls.into_iter().flatten() {
            let from = written[usize::from(call.actor.0)];
            let bytes = Segment { actor: call.actor, from, len: call.op.offers().unwrap_or(0) };
            history.writes.push(Write { bytes, returned: None });
        }
        history
    }

    fn take(&mut self, names: &[Segment]) {
        for segment in names {
            self.taken.push(*segment);
            if let Some(next) = self.next.get_mut(usize::from(segment.actor.0)) {
                *next = (*next).max(segment.to());
            }
        }
    }

    /// Whether these are bytes that nobody wrote.
    pub(super) fn is_invented(&self, run: &Run, segment: &Segment) -> bool {
        if segment.actor == ANY {
            return false;
        }
        if segment.actor == ZERO {
            return is_consumed(run);
        }
        let of_actor = self.writes.iter().filter(|write| write.bytes.actor == segment.actor);
        segment.from < 0 || of_actor.map(|write| write.bytes.to()).max().unwrap_or(0) < segment.to()
    }

    /// What the actor's call writes that has not returned.
    pub(super) fn in_progress(&self, actor: Actor) -> Option<Segment> {
        let is = |write: &&Write| write.bytes.actor == actor && write.returned.is_none();
        self.writes.iter().find(is).map(|write| write.bytes)
    }

    /// How many writes have a part in these bytes.
    pub(super) fn messages_in(&self, names: &[Segment]) -> usize {
        let meets = |write: &&Write| {
            names.iter().any(|part| {
                part.actor == write.bytes.actor
                    && part.from < write.bytes.to()
                    && write.bytes.from < part.to()
            })
        };
        self.writes.iter().filter(meets).count()
    }

    /// A write in whose middle the bytes of others come, and where.
    pub(super) fn torn(&self, run: &Run, names: &[Segment]) -> Option<(Write, i64)> {
        if run.setup().kind.discipline == Discipline::Cell {
            let cut = names.windows(2).map(|pair| pair[0]).next()?;
            return self.cut_at(cut.actor, cut.to()).map(|write| (write, cut.to()));
        }
        if !is_stream(run) {
            return None;
        }
        let read: Vec<Segment> = self.taken.last().into_iter().chain(names).copied().collect();
        read.windows(2).find_map(|pair| {
            let others = pair[0].actor != pair[1].actor;
            let cut = pair[0].to();
            self.cut_at(pair[0].actor, cut).filter(|_| others).map(|write| (write, cut))
        })
    }

    /// The write of the actor in whose middle this position is.
    fn cut_at(&self, actor: Actor, at: i64) -> Option<Write> {
        let within = |write: &&Write| write.bytes.from < at && at < write.bytes.to();
        self.writes.iter().filter(|write| write.bytes.actor == actor).find(within).copied()
    }

    /// The part of these bytes that was taken before.
    pub(super) fn taken_before(&self, segment: &Segment) -> Option<Segment> {
        self.taken.iter().filter(|taken| taken.actor == segment.actor).find_map(|taken| {
            let (from, to) = (taken.from.max(segment.from), taken.to().min(segment.to()));
            (from < to).then(|| Segment { from, len: (to - from) as u32, ..*segment })
        })
    }

    /// Bytes before those given that were not taken: lost, or reordered where they are given later.
    pub(super) fn skipped(&self, names: &[Segment]) -> Option<(Fault, Segment)> {
        let mut next = self.next;
        for (index, segment) in names.iter().enumerate() {
            let Some(due) = next.get_mut(usize::from(segment.actor.0)) else { continue };
            if segment.from > *due {
                let len = (segment.from - *due).min(i64::from(u32::MAX)) as u32;
                let gap = Segment { actor: segment.actor, from: *due, len };
                let later = names[index..].iter().any(|other| {
                    other.actor == gap.actor && other.from < gap.to() && gap.from < other.to()
                });
                return Some(if later { (Fault::Reordered, *segment) } else { (Fault::Lost, gap) });
            }
            *due = (*due).max(segment.to());
        }
        names.first().map(|first| (Fault::Reordered, *first))
    }
}
