//! A variable and a ring of one process, of a mutex and a condition variable, that do what those of this
//! project do; and with one [`Fault`] put in, what they do not.

use std::collections::VecDeque;
use std::io;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use pipewright_backends::{Channel, Instance, Port, Seen};
use pipewright_model::call::{Answer, ENDS_MAX, End, Errno, Mode, Op};
use pipewright_model::kind::{
    Discipline, GLOBAL_VARIABLE, GUARDED_VARIABLE, Kind, SHARED_MEMORY, SHARED_MEMORY_WAITING,
};
use pipewright_model::run::{Seat, Setup};
use pipewright_model::taxonomy::Waiting;

use crate::Canary;

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    StoresHalfTheWordsLate,
    LastStoreNotPublished,
    ValueGoesBack,
    ReaderConsumes,
    StartsWithGarbage,
    PartOfAValueAccepted,
    QueuesTheValues,
    StoreWakesNobody,
    NotifiesBeforeTheStore,
    EndToldToOne,
    LastValueLostOnClose,
    OffByOneAtTheWrap,
    LastByteLostOnClose,
    EndSeenBeforeTheData,
    OneByteLeftUnusable,
    WriteWithoutReaderSucceeds,
    WriteWakesNobody,
    RoomWakesOnlyWhenEmpty,
    CloseWakesNoWriter,
    ForgetsThePart,
}

/// A way to make one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct InMemory {
    pub(crate) name: &'static str,
    kind: &'static Kind,
    fault: Option<Fault>,
}

impl InMemory {
    pub(crate) const POLLED: InMemory =
        InMemory { name: "in-memory-polled", kind: &GLOBAL_VARIABLE, fault: None };
    pub(crate) const GUARDED: InMemory =
        InMemory { name: "in-memory-guarded", kind: &GUARDED_VARIABLE, fault: None };
    pub(crate) const RING: InMemory =
        InMemory { name: "in-memory-ring", kind: &SHARED_MEMORY, fault: None };
    pub(crate) const WAITING: InMemory =
        InMemory { name: "in-memory-waiting", kind: &SHARED_MEMORY_WAITING, fault: None };
}

impl Channel for InMemory {
    fn name(&self) -> &str {
        self.name
    }

    fn setup(&self) -> Setup {
        Setup::new(self.kind)
    }

    fn offers(&self, op: &Op) -> bool {
        matches!(op, Op::Read { .. } | Op::Write { .. } | Op::Close)
    }

    fn create(&self, _: &Path, seats: &[Seat]) -> io::Result<Instance> {
        let setup = self.setup();
        let size = setup.capacity_bytes as usize;
        let first = if self.fault == Some(Fault::StartsWithGarbage) { 0xa5 } else { 0 };
        let holders = |mode: Mode| {
            let ends = seats.iter().flat_map(|seat| &seat.ends);
            ends.filter(|(_, hold)| hold.mode == mode).count()
        };
        let state = State {
            values: vec![vec![first; size]],
            loads: 0,
            bytes: VecDeque::new(),
            written: 0,
            readers: holders(Mode::Read),
            writers: holders(Mode::Write),
            asleep: 0,
            woken: 0,
            over: false,
        };
        let shared = Arc::new(Shared {
            channel: *self,
            size,
            state: Mutex::new(state),
            changed: Condvar::new(),
        });
        let port = |seat: &Seat| {
            let mut ends = [None; ENDS_MAX];
            seat.ends
                .iter()
                .for_each(|(end, hold)| ends[usize::from(end.0)] = Some((hold.mode, 1)));
            Box::new(InMemoryPort { shared: Arc::clone(&shared), ends }) as Box<dyn Port>
        };
        Ok(Instance { setup, ports: seats.iter().map(port).collect(), keeper: None })
    }
}

struct State {
    /// All values of a variable, oldest first.
    values: Vec<Vec<u8>>,
    /// How many reads of it there were.
    loads: usize,
    /// The bytes of a ring.
    bytes: VecDeque<u8>,
    /// How many bytes were ever written to it.
    written: usize,
    readers: usize,
    writers: usize,
    /// How many sleep, and how often somebody was woken.
    asleep: usize,
    woken: usize,
    over: bool,
}

struct Shared {
    channel: InMemory,
    size: usize,
    state: Mutex<State>,
    changed: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn has(&self, fault: Fault) -> bool {
        self.channel.fault == Some(fault)
    }

    fn waits(&self) -> bool {
        self.channel.kind.waiting == Waiting::Waits
    }

    fn wait<'a>(&self, mut state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        state.asleep += 1;
        state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        state.asleep -= 1;
        state.woken += 1;
        state
    }

    fn store(&self, value: &[u8]) -> Answer {
        if value.len() != self.size && !self.has(Fault::PartOfAValueAccepted) {
            return Answer::Fails(Errno::EINVAL);
        }
        let mut state = self.lock();
        if self.has(Fault::NotifiesBeforeTheStore) {
            // Those who are woken look, find nothing and sleep again before the value is there: who was woken
            // keeps the lock until it does.
            let all = state.woken + state.asleep;
            self.changed.notify_all();
            while state.woken < all && !state.over {
                drop(state);
                std::thread::yield_now();
                state = self.lock();
            }
        }
        let mut value = value.to_vec();
        let last = &state.values[state.values.len() - 1];
        if self.has(Fault::StoresHalfTheWordsLate) {
            let half = value.len() / 2;
            value[half..].copy_from_slice(&last[half..]);
        }
        value.resize(self.size, 0);
        let count = Answer::Count(value.len() as u32);
        state.values.push(value);
        if !self.has(Fault::StoreWakesNobody) && !self.has(Fault::NotifiesBeforeTheStore) {
            self.changed.notify_all();
        }
        count
    }

    /// `seen`: how many values there were when this reader looked last.
    fn load(&self, seen: &mut usize, bytes: &mut [u8]) -> Answer {
        if bytes.len() != self.size {
            return Answer::Fails(Errno::EINVAL);
        }
        let mut state = self.lock();
        if self.waits() {
            while state.values.len() == *seen && state.writers > 0 && !state.over {
                state = self.wait(state);
            }
            let lost = self.has(Fault::LastValueLostOnClose) && state.writers == 0;
            if state.values.len() == *seen || lost {
                return Answer::Count(0);
            }
        }
        let newest = state.values.len() - 1;
        let index = match self.channel.fault {
            Some(Fault::LastStoreNotPublished) => newest.saturating_sub(1),
            Some(Fault::ValueGoesBack) => newest.saturating_sub(state.loads % 2),
            Some(Fault::QueuesTheValues) => *seen,
            _ => newest,
        };
        state.loads += 1;
        *seen = index + 1;
        bytes.copy_from_slice(&state.values[index]);
        if self.has(Fault::ReaderConsumes) {
            state.values[index].fill(0);
        }
        Answer::Count(bytes.len() as u32)
    }

    fn write(&self, bytes: &[u8]) -> Answer {
        let capacity = self.size - usize::from(self.has(Fault::OneByteLeftUnusable));
        let mut state = self.lock();
        let mut done = 0;
        loop {
            if state.readers == 0 && done < bytes.len() {
                return match done {
                    _ if self.has(Fault::WriteWithoutReaderSucceeds) => {
                        Answer::Count(bytes.len() as u32)
                    }
                    0 => Answer::Fails(Errno::EPIPE),
                    _ if self.has(Fault::ForgetsThePart) => Answer::Fails(Errno::EPIPE),
                    done => Answer::Count(done as u32),
                };
            }
            let count = (capacity - state.bytes.len()).min(bytes.len() - done);
            for byte in &bytes[done..done + count] {
                state.written += 1;
                let at_wrap = state.written.is_multiple_of(self.size);
                let lost = at_wrap && self.has(Fault::OffByOneAtTheWrap);
                state.bytes.push_back(if lost { 0 } else { *byte });
            }
            done += count;
            if count > 0 && !self.has(Fault::WriteWakesNobody) {
                self.changed.notify_all();
            }
            if done == bytes.len() {
                return Answer::Count(done as u32);
            }
            if !self.waits() {
                return if done == 0 { fails(Errno::EAGAIN) } else { Answer::Count(done as u32) };
            }
            if state.over {
                return fails(Errno::EINTR);
            }
            state = self.wait(state);
        }
    }

    fn read(&self, bytes: &mut [u8]) -> Answer {
        let mut state = self.lock();
        while !bytes.is_empty() && state.bytes.is_empty() && state.writers > 0 {
            if !self.waits() {
                return fails(Errno::EAGAIN);
            }
            if state.over {
                return fails(Errno::EINTR);
            }
            state = self.wait(state);
        }
        if self.has(Fault::EndSeenBeforeTheData) && state.writers == 0 {
            return Answer::Count(0);
        }
        let count = state.bytes.len().min(bytes.len());
        for (to, byte) in bytes.iter_mut().zip(state.bytes.drain(..count)) {
            *to = byte;
        }
        if count > 0 && (state.bytes.is_empty() || !self.has(Fault::RoomWakesOnlyWhenEmpty)) {
            self.changed.notify_all();
        }
        Answer::Count(count as u32)
    }

    fn close(&self, mode: Mode) {
        let mut state = self.lock();
        if mode == Mode::Read {
            state.readers -= 1;
            if !self.has(Fault::CloseWakesNoWriter) {
                self.changed.notify_all();
            }
            return;
        }
        state.writers -= 1;
        if self.has(Fault::LastByteLostOnClose) {
            state.bytes.pop_back();
        }
        match self.has(Fault::EndToldToOne) {
            true => self.changed.notify_one(),
            false => self.changed.notify_all(),
        }
    }
}

fn fails(errno: Errno) -> Answer {
    Answer::Fails(errno)
}

struct InMemoryPort {
    shared: Arc<Shared>,
    /// The ends that are open: what each is for, and how many values it has seen.
    ends: [Option<(Mode, usize)>; ENDS_MAX],
}

impl Port for InMemoryPort {
    fn call(&mut self, end: End, op: Op, bytes: &mut [u8]) -> Seen {
        let (shared, place) = (&self.shared, &mut self.ends[usize::from(end.0)]);
        let is_cell = shared.channel.kind.discipline == Discipline::Cell;
        Seen::answer(match (op, place.as_mut()) {
            (Op::Close, Some((mode, _))) => {
                shared.close(*mode);
                *place = None;
                Answer::Done
            }
            (Op::Read { .. }, Some((Mode::Read, seen))) if is_cell => shared.load(seen, bytes),
            (Op::Write { .. }, Some((Mode::Write, _))) if is_cell => shared.store(bytes),
            (Op::Read { .. }, Some((Mode::Read, _))) => shared.read(bytes),
            (Op::Write { .. }, Some((Mode::Write, _))) => shared.write(bytes),
            _ => fails(Errno::EBADF),
        })
    }

    fn interrupter(&self) -> Option<Box<dyn Fn()>> {
        let shared = Arc::clone(&self.shared);
        Some(Box::new(move || {
            shared.lock().over = true;
            shared.changed.notify_all();
        }))
    }
}

pub(crate) fn canary(
    name: &'static str,
    sound: InMemory,
    fault: Fault,
    rule: &'static str,
    shows: &'static str,
) -> Canary {
    let broken = Box::leak(Box::new(InMemory { name, fault: Some(fault), ..sound }));
    Canary { name, broken, sound: Box::leak(Box::new(sound)), rule, shows }
}
