//! The state of everything: descriptors, open file descriptions, channels, calls in progress.
//!
//! Ends are descriptors that refer to open file descriptions, which refer to a channel. What can be
//! derived (who reads, who writes) is derived, not kept.

use std::hash::{Hash, Hasher};

use smallvec::SmallVec;

use crate::call::{Actor, Answer, Call, ENDS_MAX, End, Mode, Op, Signal};
use crate::channel::Stream;
use crate::data::{Segment, Segments};
use crate::kind::Ends;
use crate::platform::{Platform, Storage};
use crate::rule::RuleIndex;
use crate::run::{Actors, Seat, Setup};

/// Index into [`World::descriptions`].
pub type DescriptionIndex = u8;

/// The descriptor is not open.
const CLOSED: DescriptionIndex = DescriptionIndex::MAX;

/// An open file description.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Description {
    /// Access mode; `None` where the entry is free.
    pub mode: Option<Mode>,
    /// `O_NONBLOCK`
    pub nonblock: bool,
    /// `O_DIRECT`: writes make packets.
    pub packet: bool,
    /// Opened for reading without waiting when nobody wrote, and nobody has opened for writing since:
    /// `poll` does not tell of a hang-up yet.
    pub never_had_writer: bool,
}

/// In one word.
impl Hash for Description {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        let mode = self.mode.map_or(0, |mode| mode as u32 + 1);
        let flags = [self.nonblock, self.packet, self.never_had_writer].map(u32::from);
        hasher.write_u32(mode << 3 | flags[0] << 2 | flags[1] << 1 | flags[2]);
    }
}

/// How far a call in progress has got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Progress {
    /// Not yet answered.
    Open,
    /// Answered: the return is still to be seen.
    Answered {
        /// The rule that answered.
        rule: RuleIndex,
        /// What the caller will see.
        answer: Answer,
        /// The signal that it will see.
        signal: Option<Signal>,
    },
}

/// A call in progress, with what the kernel remembers of it.
#[derive(Debug, PartialEq, Eq)]
pub struct Pending {
    /// The end that it was made on.
    pub end: End,
    /// What was asked for.
    pub op: Op,
    /// The description behind the end when the call began, if there was one.
    pub description: Option<DescriptionIndex>,
    /// Bytes transferred so far by a write.
    pub done: u32,
    /// It has found that it must wait.
    pub entered: bool,
    /// An open in progress that counts as an open end already.
    pub counted: bool,
    /// An open in progress for which the other side has come (and may have gone again).
    pub partner_came: bool,
    /// Names of the bytes that a read was given.
    pub data: Segments,
    /// Whether it is answered.
    pub progress: Progress,
}

/// By copying whole memory: the oracle clones worlds all the time.
impl Clone for Pending {
    fn clone(&self) -> Pending {
        Pending { data: Segments::from_slice(&self.data), ..*self }
    }
}

/// In few words: the oracle hashes worlds all the time.
impl Hash for Pending {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        let flags = [self.entered, self.counted, self.partner_came].map(u64::from);
        let flags = flags[0] << 34 | flags[1] << 33 | flags[2] << 32;
        hasher.write_u64(flags | u64::from(self.done));
        (self.end, self.description, self.op).hash(hasher);
        (&self.data, &self.progress).hash(hasher);
    }
}

/// One actor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActorState {
    /// For each end the description that it refers to.
    ends: [DescriptionIndex; ENDS_MAX],
    /// Bytes that this actor has written in calls that returned.
    pub written: i64,
    /// Its call in progress.
    pub call: Option<Pending>,
}

/// In few words: the oracle hashes worlds all the time.
impl Hash for ActorState {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        hasher.write_u64(u64::from_ne_bytes(self.ends));
        hasher.write_i64(self.written);
        self.call.hash(hasher);
    }
}

/// The path of a channel in the file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// It never had a path.
    None,
    /// The path leads to it.
    Linked,
    /// The path was removed.
    Unlinked,
}

/// The state of everything.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct World {
    /// Who takes part.
    pub actors: SmallVec<[ActorState; 4]>,
    /// Open file descriptions.
    pub descriptions: SmallVec<[Description; 4]>,
    /// The channel.
    pub stream: Stream,
    /// Its path.
    pub place: Place,
}

impl World {
    /// The world at the start of a run.
    pub fn new(platform: &Platform, setup: &Setup, seats: &[Seat]) -> World {
        let mut world = World {
            actors: SmallVec::new(),
            descriptions: SmallVec::new(),
            stream: Stream::new(platform, setup.capacity_bytes),
            place: match setup.kind.ends {
                Ends::Shared => Place::None,
                Ends::Opened => Place::Linked,
            },
        };
        if setup.kind.ends == Ends::Opened {
            // Whatever was set up is forgotten when all have closed: the next to open the path
            // makes a new ring.
            world.stream.slots_default = match platform.storage {
                Storage::Pages => platform.capacity_default_bytes / platform.page_bytes,
                Storage::Bytes => 0,
            };
        }
        for seat in seats {
            let mut ends = [CLOSED; ENDS_MAX];
            for (end, mode) in &seat.ends {
                let shared = (setup.kind.ends == Ends::Shared)
                    .then(|| world.descriptions.iter().position(|d| d.mode == Some(*mode)))
                    .flatten();
                let index = shared.unwrap_or_else(|| {
                    world.descriptions.push(Description {
                        mode: Some(*mode),
                        nonblock: setup.nonblock,
                        packet: setup.packet && mode.writes(),
                        never_had_writer: false,
                    });
                    world.descriptions.len() - 1
                });
                ends[usize::from(end.0)] = index as DescriptionIndex;
            }
            world.actors.push(ActorState { ends, written: 0, call: None });
        }
        world
    }

    /// The description that an actor's end refers to, if the end is open.
    pub fn end(&self, actor: Actor, end: End) -> Option<DescriptionIndex> {
        let index = self.actors[usize::from(actor.0)].ends[usize::from(end.0)];
        (index != CLOSED).then_some(index)
    }

    /// Points an actor's end at a description, or closes it.
    pub fn set_end(&mut self, actor: Actor, end: End, description: Option<DescriptionIndex>) {
        self.actors[usize::from(actor.0)].ends[usize::from(end.0)] = description.unwrap_or(CLOSED);
    }

    /// The actor's open ends, in order.
    pub fn open_ends(&self, actor: Actor) -> impl Iterator<Item = End> + '_ {
        let ends = &self.actors[usize::from(actor.0)].ends;
        (0..ENDS_MAX).filter(|end| ends[*end] != CLOSED).map(|end| End(end as u8))
    }

    /// How many descriptors refer to the description.
    pub fn holders(&self, description: DescriptionIndex) -> usize {
        let ends = self.actors.iter().flat_map(|actor| actor.ends);
        ends.filter(|index| *index == description).count()
    }

    /// Adds an open file description.
    pub fn add_description(&mut self, description: Description) -> DescriptionIndex {
        let index = match self.descriptions.iter().position(|d| d.mode.is_none()) {
            Some(free) => {
                self.descriptions[free] = description;
                free
            }
            None => {
                self.descriptions.push(description);
                self.descriptions.len() - 1
            }
        };
        index as DescriptionIndex
    }

    /// The actor's call in progress.
    pub fn pending(&self, actor: Actor) -> Option<&Pending> {
        self.actors[usize::from(actor.0)].call.as_ref()
    }

    /// The actor's call in progress.
    ///
    /// # Panics
    ///
    /// If it has none.
    pub fn pending_mut(&mut self, actor: Actor) -> &mut Pending {
        self.actors[usize::from(actor.0)].call.as_mut().expect("a move is of a call in progress")
    }

    /// Opens in progress that count as open ends.
    fn counted_opens(&self) -> impl Iterator<Item = Mode> + '_ {
        self.actors.iter().filter_map(|actor| match &actor.call {
            Some(Pending {
                op: Op::Open { mode, .. },
                counted: true,
                progress: Progress::Open,
                ..
            }) => Some(*mode),
            _ => None,
        })
    }

    fn modes(&self) -> impl Iterator<Item = Mode> + '_ {
        self.descriptions.iter().filter_map(|d| d.mode).chain(self.counted_opens())
    }

    /// Whether somebody has the channel open for reading (or waits in open and counts).
    pub fn has_reader(&self) -> bool {
        self.modes().any(Mode::reads)
    }

    /// Whether somebody has the channel open for writing (or waits in open and counts).
    pub fn has_writer(&self) -> bool {
        self.modes().any(Mode::writes)
    }

    /// How many open file descriptions the channel has, with those of opens that wait and count.
    pub fn open_count(&self) -> usize {
        self.modes().count()
    }

    /// Frees a description. Trailing free entries are dropped, so that equal worlds look equal.
    pub fn remove_description(&mut self, index: DescriptionIndex) {
        self.descriptions[usize::from(index)] =
            Description { mode: None, nonblock: false, packet: false, never_had_writer: false };
        while self.descriptions.last().is_some_and(|description| description.mode.is_none()) {
            self.descriptions.pop();
        }
    }

    /// Begins a call.
    pub fn call(&mut self, call: Call) {
        let description = match call.op {
            Op::Open { .. } | Op::Unlink => None,
            _ => self.end(call.actor, call.end),
        };
        self.actors[usize::from(call.actor.0)].call = Some(Pending {
            end: call.end,
            op: call.op,
            description,
            done: 0,
            entered: false,
            counted: false,
            partner_came: false,
            data: Segments::new(),
            progress: Progress::Open,
        });
    }

    /// Ends the actor's call: its caller has seen the return.
    pub fn returned(&mut self, actor: Actor) {
        let state = &mut self.actors[usize::from(actor.0)];
        if let Some(Pending {
            op: Op::Write { .. },
            progress: Progress::Answered { answer: Answer::Count(count), .. },
            ..
        }) = state.call.take()
        {
            state.written += i64::from(count);
        }
    }

    /// Actors with a call in progress.
    pub fn busy(&self) -> Actors {
        (0..self.actors.len() as u8)
            .map(Actor)
            .filter(|actor| self.pending(*actor).is_some())
            .collect()
    }

    /// Renames all bytes so that each actor's next write starts at position 0. Without this no
    /// exploration ends; a run must not be judged across it.
    pub fn rebase(&mut self) {
        let written: SmallVec<[i64; 4]> = self.actors.iter().map(|actor| actor.written).collect();
        let shift = |segment: &mut Segment| segment.from -= written[usize::from(segment.actor.0)];
        self.stream.segments.iter_mut().for_each(shift);
        for actor in &mut self.actors {
            actor.written = 0;
            if let Some(call) = &mut actor.call {
                call.data.iter_mut().for_each(shift);
            }
        }
    }
}
