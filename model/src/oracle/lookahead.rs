//! What the rest of a run tells of the calls in progress: their replies, and where one writer's bytes
//! were followed by another's.
//!
//! Used only to leave out moves that the run contradicts, and to choose among ranges of counts.

use rustc_hash::FxHashMap;

use crate::call::{ACTORS_MAX, Actor, Answer, Call, End, Op, Reply, SendFlags};
use crate::data::{Data, Segment, is_nobodys};
use crate::kind::Discipline;
use crate::oracle::names::Names;
use crate::oracle::{Fate, Foresight};
use crate::platform::{Platform, Storage};
use crate::run::{Actors, Event, Run};
use crate::world::World;

/// Knowledge of the future of a run, followed along with it.
pub(super) struct Lookahead<'r> {
    /// For each call event: its reply and the first event at which it may be answered.
    fates: Vec<Fate<'r>>,
    /// The calls in progress, by actor.
    current: [Fate<'r>; ACTORS_MAX],
    foresight: Foresight,
    order: Order,
    /// Whether nobody sees the bytes of a stream, nor is it known whose they are.
    nameless: bool,
}

/// What reads tell of the order in which bytes were written.
#[derive(Default)]
struct Order {
    /// For each actor the positions in its bytes, ascending, where a read ended or went on with another
    /// writer's.
    cuts: [Vec<i64>; ACTORS_MAX],
    /// For each actor, by position: bytes of others that were read before its own.
    follows: [Vec<Follows>; ACTORS_MAX],
    /// Whether names had to be guessed from bytes.
    guessed: bool,
}

/// An actor's byte at a position was read after another actor's bytes before `past`.
struct Follows {
    at: i64,
    other: Actor,
    past: i64,
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
                        fates[call].returns = index;
                    }
                }
                Event::Quiet(actors) => {
                    for call in actors.iter().filter_map(|actor| open[usize::from(actor.0)]) {
                        fates[call].answerable_from = index + 1;
                    }
                }
                Event::GoesOn(actor) => {
                    if let Some(call) = open[usize::from(actor.0)].filter(|call| offers(run, *call))
                    {
                        fates[call].answerable_from = index + 1;
                    }
                }
                Event::Stops(actor, _) => {
                    if let Some(call) = open[usize::from(actor.0)] {
                        fates[call].stops = true;
                    }
                }
                Event::Exits(actor, _) => open[usize::from(actor.0)] = None,
            }
        }
        let writers: Actors = run.events.iter().filter_map(writer).collect();
        // What was read tells where writes were cut, and in which order the bytes of one read came; in
        // which order those of different reads came, only where all goes through one stream, or where one
        // actor made them on one end.
        let kind = run.setup().kind;
        let one_stream = kind.discipline == Discipline::Stream && kind.sides == 1;
        let sees =
            |event: &Event| matches!(event, Event::Return(_, reply) if reply.data != Data::Unknown);
        let nameless = foresight == Foresight::Prunes
            && kind.discipline == Discipline::Stream
            && writers.iter().count() > 1
            && !run.events.iter().any(sees);
        let order = match (platform.storage, writers.iter().count()) {
            _ if kind.discipline == Discipline::File => Order::default(),
            (Storage::Pages, ..2) if one_stream => Order::default(),
            // Values are whole, and of a ring one actor writes: nothing is cut that would have to be known.
            _ if matches!(kind.discipline, Discipline::Cell | Discipline::Ring) => Order::default(),
            _ => Order::of(run, one_stream),
        };
        Lookahead { fates, current: Default::default(), foresight, order, nameless }
    }

    /// Nothing is known: every call may be answered at any time.
    pub(super) fn unknown() -> Lookahead<'r> {
        Lookahead {
            fates: Vec::new(),
            current: Default::default(),
            foresight: Foresight::Suggests,
            order: Order::default(),
            nameless: false,
        }
    }

    /// Whether the names of bytes make no difference.
    pub(super) fn is_nameless(&self) -> bool {
        self.nameless
    }

    /// The names of bytes are asked for, though nobody sees them.
    pub(super) fn keep_names(&mut self) {
        self.nameless = false;
    }

    /// Whether there is no run whose rest could be known.
    pub(super) fn knows_nothing(&self) -> bool {
        self.fates.is_empty()
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
            Foresight::Prunes | Foresight::PrunesByReplies => self.current[usize::from(actor.0)],
            Foresight::Suggests => Fate::default(),
        }
    }

    /// Whether the call of this event stops in its copy.
    pub(super) fn stops(&self, call: usize) -> bool {
        self.fates[call].stops
    }

    /// The reply that the actor's call in progress will get, if it returns.
    pub(super) fn reply(&self, actor: Actor) -> Option<&'r Reply> {
        self.current[usize::from(actor.0)].reply
    }

    /// Positions in the actor's bytes above `from`, up to `to`, where a read changed to another writer or
    /// ended.
    pub(super) fn cuts(&self, actor: Actor, from: i64, to: i64) -> &[i64] {
        let cuts = &self.order.cuts[usize::from(actor.0)];
        let first = cuts.partition_point(|cut| *cut <= from);
        let last = cuts.partition_point(|cut| *cut <= to);
        &cuts[first..last]
    }

    /// Whether the actor's bytes from `from` up to `to` may come now: all that were read before them have.
    pub(super) fn in_order(&self, world: &World, actor: Actor, from: i64, to: i64) -> bool {
        if self.foresight != Foresight::Prunes {
            return true;
        }
        let follows = &self.order.follows[usize::from(actor.0)];
        let first = follows.partition_point(|follows| follows.at < from);
        let these = follows[first..].iter().take_while(|follows| follows.at < to);
        these.into_iter().all(|follows| transferred(world, follows.other) >= follows.past)
    }

    /// Whether what is known of the order rests on names guessed from bytes.
    pub(super) fn guesses(&self) -> bool {
        self.order.guessed
    }
}

/// Bytes that an actor has transferred.
fn transferred(world: &World, actor: Actor) -> i64 {
    let actor = &world.actors[usize::from(actor.0)];
    actor.written + actor.call.as_ref().map_or(0, |call| i64::from(call.done))
}

/// Whether the call at this event offers bytes.
fn offers(run: &Run, call: usize) -> bool {
    matches!(run.events.get(call), Some(Event::Call(call)) if call.op.offers().is_some())
}

fn writer(event: &Event) -> Option<Actor> {
    match event {
        Event::Call(Call { actor, op: Op::Write { len: 1.. }, .. }) => Some(*actor),
        _ => None,
    }
}

impl Order {
    fn of(run: &Run, one_stream: bool) -> Order {
        let mut order = Order::default();
        let mut names = Names::default();
        // Of one writer alone it is known which bytes are read, though they were not seen.
        let writers: Actors = run.events.iter().filter_map(writer).collect();
        let sole = writers.iter().next().filter(|_| one_stream && writers.iter().count() == 1);
        let mut read = 0_i64;
        let mut reading = Actors::NONE;
        let mut calls: [Option<Call>; ACTORS_MAX] = [None; ACTORS_MAX];
        // The last byte of the read that returned last, now and when each read in progress was called.
        let mut last: Option<Segment> = None;
        let mut before: [Option<Segment>; ACTORS_MAX] = [None; ACTORS_MAX];
        // The last byte that each actor has read from each of its ends.
        let mut of_end: FxHashMap<(Actor, End), Segment> = FxHashMap::default();
        for event in &run.events {
            let (actor, reply) = match event {
                Event::Call(call) => {
                    let index = usize::from(call.actor.0);
                    calls[index] = Some(*call);
                    before[index] = last;
                    if let Some(made) = call.makes() {
                        of_end.remove(&(call.actor, made));
                    }
                    if matches!(call.op, Op::Read { .. }) {
                        reading = reading.with(call.actor);
                    }
                    continue;
                }
                Event::Return(actor, reply) => (*actor, reply),
                Event::Quiet(_) | Event::Stops(..) | Event::GoesOn(_) | Event::Exits(..) => {
                    continue;
                }
            };
            reading = reading.without(actor);
            let Some(call) = calls[usize::from(actor.0)].take() else { continue };
            let Answer::Count(count @ 1..) = reply.answer else { continue };
            if let Some(writer) = sole
                && call.op.asks().is_some()
            {
                read += i64::from(count);
                order.cuts[usize::from(writer.0)].push(read);
            }
            let looks_ahead =
                matches!(call.op, Op::Receive { flags, .. } if flags.contains(SendFlags::PEEK));
            let mut previous = match one_stream {
                true => before[usize::from(actor.0)],
                false => of_end.get(&(actor, call.end)).copied().filter(|_| !looks_ahead),
            };
            match &reply.data {
                Data::Unknown => continue,
                Data::Named(segments) => {
                    let known = |piece: &Segment| Some(*piece).filter(|s| !is_nobodys(s.actor));
                    for piece in segments {
                        order.note(&mut previous, known(piece));
                        known(piece)
                            .into_iter()
                            .for_each(|piece| names.note(piece, actor, reading));
                    }
                }
                Data::Bytes(bytes) => {
                    order.guessed = true;
                    let pieces = names.of(bytes, run.seats.len(), actor, reading);
                    pieces.into_iter().for_each(|piece| order.note(&mut previous, piece));
                }
            }
            last = previous;
            if !looks_ahead {
                match previous {
                    Some(byte) => of_end.insert((actor, call.end), byte),
                    None => of_end.remove(&(actor, call.end)),
                };
            }
        }
        for cuts in &mut order.cuts {
            cuts.sort_unstable();
            cuts.dedup();
        }
        order.follows.iter_mut().for_each(|follows| follows.sort_by_key(|follows| follows.at));
        order
    }

    /// Notes that one read gave `piece` right after `previous`, which it becomes.
    fn note(&mut self, previous: &mut Option<Segment>, piece: Option<Segment>) {
        if let Some(piece) = piece {
            let index = usize::from(piece.actor.0);
            if let Some(previous) = previous.filter(|other| other.actor != piece.actor) {
                let (other, past) = (previous.actor, previous.to());
                self.follows[index].push(Follows { at: piece.from, other, past });
            }
            self.cuts[index].push(piece.to());
        }
        *previous = piece;
    }
}

/// The length of a write, in bytes; 0 for other calls.
pub(super) fn write_len(op: Op) -> u32 {
    op.offers().unwrap_or(0)
}
