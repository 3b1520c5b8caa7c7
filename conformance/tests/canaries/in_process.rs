//! A pipe and a FIFO of one process, of a mutex and condition variables, that do what Linux does; and with
//! one [`Fault`] put in, what it does not.

mod port;

use std::collections::VecDeque;
use std::io;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use pipewright_backends::{Channel, Instance, Port};
use pipewright_model::call::{ENDS_MAX, Events, Mode, Op};
use pipewright_model::kind::{Ends, FIFO, Hold, Kind, PIPE};
use pipewright_model::run::{Seat, Setup};

use crate::Canary;
use port::InProcessPort;

const PAGE_BYTES: usize = 4096;

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    WakesOneReaderOnClose,
    WakesNoPollerOnClose,
    WakesNoWriterOnRead,
    NewestWriterFirst,
    EmptyReportedAsEof,
    ForgetsEofAfterFirstZero,
    DropsDataWhenLastWriterCloses,
    LosesAByteAtThePageEnd,
    DuplicatesOnPartialRead,
    ReaderGetsNewestFirst,
    SplitsWritesUpToPipeBuf,
    CountsBytesNotPages,
    OneSlotLeftUnusable,
    MergesIntoAPacket,
    ZeroLengthReadWaits,
    ReadWaitsForAllItAsked,
    WriteReturnsEarlyWithZero,
    ForgetsThePartWhenReadersLeave,
    NonblockPerDescriptor,
    CloseOfADupClosesAll,
    KeepsAWriteEndOfItsOwn,
    PollReportsUnasked,
    PollhupBeforeFirstWriter,
    OpenWaitsOnState,
    SecondReaderRefused,
    WriterNonblockingOpenSucceeds,
    OpenForReadingDoesNotWait,
    ReadWriteOpenRefused,
    EndIsForEver,
    KeepsDataWhenAllHaveClosed,
    RemovalEmptiesTheFifo,
}

/// A way to make one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct InProcess {
    pub(crate) name: &'static str,
    pub(crate) kind: &'static Kind,
    pub(crate) capacity_bytes: u32,
    pub(crate) nonblock: bool,
    pub(crate) packet: bool,
    pub(crate) fault: Option<Fault>,
}

impl InProcess {
    pub(crate) const PIPE: InProcess = InProcess {
        name: "in-process-pipe",
        kind: &PIPE,
        capacity_bytes: PIPE.capacity_default_bytes,
        nonblock: false,
        packet: false,
        fault: None,
    };
    pub(crate) const SMALL: InProcess =
        InProcess { name: "in-process-small", capacity_bytes: 4096, ..InProcess::PIPE };
    pub(crate) const PACKET: InProcess =
        InProcess { name: "in-process-packet", packet: true, ..InProcess::PIPE };
    pub(crate) const FIFO: InProcess =
        InProcess { name: "in-process-fifo", kind: &FIFO, ..InProcess::PIPE };
}

impl Channel for InProcess {
    fn name(&self) -> &str {
        self.name
    }

    fn setup(&self) -> Setup {
        let InProcess { kind, capacity_bytes, packet, nonblock, .. } = *self;
        Setup { capacity_bytes, packet, nonblock, ..Setup::new(kind) }
    }

    fn offers(&self, op: &Op) -> bool {
        !matches!(
            op,
            Op::Lock { .. }
                | Op::Flock { .. }
                | Op::Epoll
                | Op::EpollAdd { .. }
                | Op::EpollModify { .. }
                | Op::EpollDelete { .. }
                | Op::EpollWait { .. }
        )
    }

    fn create(&self, _: &Path, seats: &[Seat]) -> io::Result<Instance> {
        let shared = Arc::new(Shared::new(self));
        let ports = seats.iter().map(|seat| shared.port(seat, self) as Box<dyn Port>).collect();
        Ok(Instance { setup: self.setup(), ports, keeper: None })
    }
}

/// A page in use.
struct Slot {
    bytes: Vec<u8>,
    read: usize,
    packet: bool,
}

/// An open file description.
struct Description {
    mode: Mode,
    nonblock: bool,
    packet: bool,
    holders: usize,
    /// How many writers had come when it was opened for reading without one.
    unmet: Option<u64>,
}

struct State {
    slots: VecDeque<Slot>,
    slots_max: usize,
    descriptions: Vec<Description>,
    readers: usize,
    writers: usize,
    readers_came: u64,
    writers_came: u64,
    removed: bool,
    /// What faults remember: whether the end was told, whether a drained slot is lost.
    end_told: bool,
    slot_lost: bool,
    readers_line: Line,
    writers_line: Line,
}

/// The calls that sleep, the longest first: each has a ticket.
#[derive(Default)]
struct Line {
    newest_first: bool,
    asleep: VecDeque<u64>,
    /// The one that was woken for data or room, until it has run.
    woken: Option<u64>,
    tickets: u64,
}

impl Line {
    /// Gives the next ticket.
    fn join(&mut self) -> u64 {
        self.tickets += 1;
        self.asleep.push_back(self.tickets);
        self.tickets
    }

    /// Whether it is this one's turn; who has not slept need not stand in line.
    fn is_first(&self, ticket: Option<u64>) -> bool {
        ticket.is_none_or(|ticket| self.first() == Some(ticket))
    }

    fn first(&self) -> Option<u64> {
        let first = if self.newest_first { self.asleep.back() } else { self.asleep.front() };
        first.copied()
    }

    fn leave(&mut self, ticket: Option<u64>) {
        self.asleep.retain(|other| Some(*other) != ticket);
    }

    /// Data or room has come, or is left: the longest sleeper is woken.
    fn wake_first(&mut self) {
        self.woken = self.first();
    }

    /// Who was woken and finds nothing goes to sleep again, behind the others.
    fn found_nothing(&mut self, ticket: u64) {
        if self.woken == Some(ticket) {
            self.woken = None;
            self.leave(Some(ticket));
            self.asleep.push_back(ticket);
        }
    }
}

struct Shared {
    state: Mutex<State>,
    readable: Condvar,
    writable: Condvar,
    opened: Condvar,
    pollable: Condvar,
    kind: &'static Kind,
    slots_default: usize,
    fault: Option<Fault>,
}

type Guard<'a> = MutexGuard<'a, State>;

impl Shared {
    fn new(made: &InProcess) -> Shared {
        let slots_max = made.capacity_bytes as usize / PAGE_BYTES;
        let state = State {
            slots: VecDeque::new(),
            slots_max,
            descriptions: Vec::new(),
            readers: 0,
            writers: usize::from(made.fault == Some(Fault::KeepsAWriteEndOfItsOwn)),
            readers_came: 0,
            writers_came: 0,
            removed: false,
            end_told: false,
            slot_lost: false,
            readers_line: Line::default(),
            writers_line: Line {
                newest_first: made.fault == Some(Fault::NewestWriterFirst),
                ..Line::default()
            },
        };
        Shared {
            state: Mutex::new(state),
            readable: Condvar::new(),
            writable: Condvar::new(),
            opened: Condvar::new(),
            pollable: Condvar::new(),
            kind: made.kind,
            slots_default: PIPE.capacity_default_bytes as usize / PAGE_BYTES,
            fault: made.fault,
        }
    }

    fn lock(&self) -> Guard<'_> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn has(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }

    fn wake_all(&self) {
        for sleepers in [&self.readable, &self.writable, &self.opened, &self.pollable] {
            sleepers.notify_all();
        }
    }

    fn port(self: &Arc<Shared>, seat: &Seat, made: &InProcess) -> Box<InProcessPort> {
        let mut state = self.lock();
        let mut ends = [None; ENDS_MAX];
        for (end, Hold { mode, .. }) in &seat.ends {
            let shares = self.kind.ends == Ends::Shared;
            let known = state.descriptions.iter().position(|other| shares && other.mode == *mode);
            let index = known.unwrap_or_else(|| {
                let description = Description {
                    mode: *mode,
                    nonblock: made.nonblock,
                    packet: made.packet,
                    holders: 0,
                    unmet: None,
                };
                state.readers += usize::from(mode.reads());
                state.writers += usize::from(mode.writes());
                state.descriptions.push(description);
                state.descriptions.len() - 1
            });
            state.descriptions[index].holders += 1;
            ends[usize::from(end.0)] = Some(index);
        }
        drop(state);
        let interrupted = Arc::new(AtomicBool::new(false));
        let own_nonblock = [made.nonblock; ENDS_MAX];
        Box::new(InProcessPort { shared: self.clone(), ends, interrupted, own_nonblock })
    }

    fn close(&self, state: &mut State, index: usize) {
        let last_writer_before = state.writers == 1;
        let description = &mut state.descriptions[index];
        if description.holders == 0 {
            return;
        }
        description.holders -= 1;
        if self.has(Fault::CloseOfADupClosesAll) {
            description.holders = 0;
        }
        if description.holders > 0 {
            return;
        }
        let mode = description.mode;
        state.readers -= usize::from(mode.reads());
        state.writers = state.writers.saturating_sub(usize::from(mode.writes()));
        let last_writer = last_writer_before && state.writers == 0;
        state.forget_if_unused(self);
        if last_writer && self.has(Fault::DropsDataWhenLastWriterCloses) {
            state.slots.clear();
        }
        match self.has(Fault::WakesOneReaderOnClose) {
            true => self.readable.notify_one(),
            false => self.readable.notify_all(),
        }
        self.writable.notify_all();
        self.opened.notify_all();
        if !self.has(Fault::WakesNoPollerOnClose) {
            self.pollable.notify_all();
        }
    }
}

impl State {
    fn is_full(&self) -> bool {
        self.slots.len() + usize::from(self.slot_lost) >= self.slots_max
    }

    fn len(&self) -> usize {
        self.slots.iter().map(|slot| slot.bytes.len() - slot.read).sum()
    }

    fn forget_if_unused(&mut self, shared: &Shared) {
        if self.readers == 0 && self.writers == 0 && !shared.has(Fault::KeepsDataWhenAllHaveClosed)
        {
            self.slots.clear();
            self.slots_max = shared.slots_default;
        }
    }

    /// Takes bytes for one read.
    fn take(&mut self, into: &mut [u8], shared: &Shared) -> usize {
        let mut count = 0;
        while count < into.len() {
            let newest_first = shared.has(Fault::ReaderGetsNewestFirst);
            let slot = if newest_first { self.slots.back_mut() } else { self.slots.front_mut() };
            let Some(slot) = slot else { break };
            let rest = &slot.bytes[slot.read..];
            let some = rest.len().min(into.len() - count);
            into[count..count + some].copy_from_slice(&rest[..some]);
            let kept = shared.has(Fault::DuplicatesOnPartialRead) && some < rest.len();
            slot.read += some - usize::from(kept);
            count += some;
            let packet = slot.packet;
            if slot.read == slot.bytes.len() || packet {
                if newest_first {
                    self.slots.pop_back()
                } else {
                    self.slots.pop_front()
                };
                self.slot_lost = shared.has(Fault::OneSlotLeftUnusable) && self.slots_max == 1;
            }
            if packet {
                break;
            }
        }
        count
    }

    /// Appends the head of a write to the last page, if it fits there; how much.
    fn merge(&mut self, bytes: &[u8], shared: &Shared) -> usize {
        let head = bytes.len() % PAGE_BYTES;
        let Some(last) = self.slots.back_mut() else { return 0 };
        let closed = last.packet && !shared.has(Fault::MergesIntoAPacket);
        if head == 0 || closed || last.bytes.len() + head > PAGE_BYTES {
            return 0;
        }
        last.bytes.extend_from_slice(&bytes[..head]);
        if last.bytes.len() == PAGE_BYTES && shared.has(Fault::LosesAByteAtThePageEnd) {
            last.bytes.pop();
        }
        head
    }

    /// What a short write can add to the last page when it is split; how much.
    fn squeeze(&mut self, bytes: &[u8]) -> usize {
        let Some(last) = self.slots.back_mut() else { return 0 };
        let some = bytes.len().min(PAGE_BYTES - last.bytes.len());
        last.bytes.extend_from_slice(&bytes[..some]);
        some
    }

    fn events(&self, index: usize, shared: &Shared) -> Events {
        let description = &self.descriptions[index];
        let unmet = description.unmet == Some(self.writers_came)
            && !shared.has(Fault::PollhupBeforeFirstWriter);
        let mut events = Events::NONE;
        let mut add = |event, found| events = if found { events.union(event) } else { events };
        let (reads, writes) = (description.mode.reads(), description.mode.writes());
        add(Events::IN, reads && !self.slots.is_empty());
        add(Events::HUP, reads && self.writers == 0 && !unmet);
        add(Events::OUT, writes && !self.is_full());
        add(Events::ERR, writes && self.readers == 0);
        events
    }
}

/// A sound channel with a fault put in, beside the sound one.
pub(crate) fn canary(
    name: &'static str,
    sound: InProcess,
    fault: Fault,
    rule: &'static str,
    shows: &'static str,
) -> Canary {
    let broken = Box::leak(Box::new(InProcess { name, fault: Some(fault), ..sound }));
    Canary { name, broken, sound: Box::leak(Box::new(sound)), rule, shows }
}
