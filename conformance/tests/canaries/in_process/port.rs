//! The port of the in-process channels: every call, sound and with each fault.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, PoisonError};

use pipewright_backends::{Port, Seen};
use pipewright_model::call::{Answer, ENDS_MAX, End, Errno, Events, Mode, Op, OpenFlags, Signal};
use pipewright_model::kind::PIPE;

use super::{Description, Fault, Guard, PAGE_BYTES, Shared, Slot, State};

/// The ends of one actor.
pub(super) struct InProcessPort {
    pub(super) shared: Arc<Shared>,
    pub(super) ends: [Option<usize>; ENDS_MAX],
    pub(super) interrupted: Arc<AtomicBool>,
    /// `O_NONBLOCK` as a descriptor has it that does not share it.
    pub(super) own_nonblock: [bool; ENDS_MAX],
}

impl Port for InProcessPort {
    fn call(&mut self, end: End, op: Op, bytes: &mut [u8]) -> Seen {
        let reply = match op {
            Op::Open { mode, flags } => self.open(end, mode, flags.contains(OpenFlags::NONBLOCK)),
            Op::Unlink => self.unlink(),
            Op::Poll { events, wait, .. } => self.poll(end, events, wait),
            Op::Close => self.close(end),
            Op::Write { .. } => return self.write(end, bytes),
            _ => self.simple(end, op, bytes),
        };
        Seen::answer(reply.unwrap_or_else(Answer::Fails))
    }

    fn interrupter(&self) -> Option<Box<dyn Fn()>> {
        let (shared, interrupted) = (self.shared.clone(), self.interrupted.clone());
        Some(Box::new(move || {
            let _state = shared.lock();
            interrupted.store(true, Ordering::Relaxed);
            shared.wake_all();
        }))
    }
}

impl Drop for InProcessPort {
    fn drop(&mut self) {
        for end in 0..ENDS_MAX {
            let _ = self.close(End(end as u8));
        }
    }
}

type Reply = Result<Answer, Errno>;

impl InProcessPort {
    fn index(&self, end: End) -> Result<usize, Errno> {
        self.ends[usize::from(end.0)].ok_or(Errno::EBADF)
    }

    /// Sleeps, unless the run is over.
    fn wait<'a>(&self, sleepers: &Condvar, state: Guard<'a>) -> Result<Guard<'a>, Errno> {
        let over = || self.interrupted.load(Ordering::Relaxed);
        if over() {
            return Err(Errno::EINTR);
        }
        let state = sleepers.wait(state).unwrap_or_else(PoisonError::into_inner);
        if over() { Err(Errno::EINTR) } else { Ok(state) }
    }

    fn is_nonblocking(&self, state: &State, end: End, index: usize) -> bool {
        match self.shared.has(Fault::NonblockPerDescriptor) {
            true => self.own_nonblock[usize::from(end.0)],
            false => state.descriptions[index].nonblock,
        }
    }

    fn open(&mut self, end: End, mode: Mode, nonblock: bool) -> Reply {
        let shared = self.shared.clone();
        let mut state = shared.lock();
        if state.removed {
            return Err(Errno::ENOENT);
        }
        if mode == Mode::ReadWrite && shared.has(Fault::ReadWriteOpenRefused) {
            return Err(Errno::EINVAL);
        }
        if mode == Mode::Read && state.readers > 0 && shared.has(Fault::SecondReaderRefused) {
            return Err(Errno::EBUSY);
        }
        let eager = shared.has(Fault::WriterNonblockingOpenSucceeds);
        if mode == Mode::Write && nonblock && state.readers == 0 && !eager {
            return Err(Errno::ENXIO);
        }
        state.readers += usize::from(mode.reads());
        state.readers_came += u64::from(mode.reads());
        state.writers += usize::from(mode.writes());
        state.writers_came += u64::from(mode.writes());
        shared.opened.notify_all();
        let mut unmet = None;
        let alone = match mode {
            Mode::Read => state.writers == 0,
            Mode::Write => state.readers == 0,
            Mode::ReadWrite => false,
        };
        if alone && nonblock {
            unmet = (mode == Mode::Read).then_some(state.writers_came);
        } else if alone && !(mode == Mode::Read && shared.has(Fault::OpenForReadingDoesNotWait)) {
            state = self.meet(&shared, state, mode)?;
        }
        state.descriptions.push(Description { mode, nonblock, packet: false, holders: 1, unmet });
        self.ends[usize::from(end.0)] = Some(state.descriptions.len() - 1);
        self.own_nonblock[usize::from(end.0)] = nonblock;
        Ok(Answer::Done)
    }

    /// Waits until somebody has come to the other side.
    fn meet<'a>(
        &self,
        shared: &'a Shared,
        mut state: Guard<'a>,
        mode: Mode,
    ) -> Result<Guard<'a>, Errno> {
        let came =
            |state: &State| if mode.reads() { state.writers_came } else { state.readers_came };
        let there = |state: &State| if mode.reads() { state.writers } else { state.readers };
        let before = came(&state);
        loop {
            state = match self.wait(&shared.opened, state) {
                Ok(state) => state,
                Err(errno) => {
                    let mut state = shared.lock();
                    state.readers -= usize::from(mode.reads());
                    state.writers -= usize::from(mode.writes());
                    return Err(errno);
                }
            };
            if shared.has(Fault::OpenWaitsOnState) {
                // Who is slow to run after it was woken finds that nobody is there any more.
                for _ in 0..20_000 {
                    if there(&state) == 0 {
                        break;
                    }
                    drop(state);
                    std::thread::yield_now();
                    state = shared.lock();
                }
                if there(&state) > 0 {
                    return Ok(state);
                }
            } else if came(&state) != before {
                return Ok(state);
            }
        }
    }

    fn unlink(&mut self) -> Reply {
        let mut state = self.shared.lock();
        if state.removed {
            return Err(Errno::ENOENT);
        }
        state.removed = true;
        if self.shared.has(Fault::RemovalEmptiesTheFifo) {
            state.slots.clear();
            state.writers = 0;
            self.shared.wake_all();
        }
        Ok(Answer::Done)
    }

    fn close(&mut self, end: End) -> Reply {
        let index = self.index(end)?;
        self.ends[usize::from(end.0)] = None;
        self.shared.close(&mut self.shared.lock(), index);
        Ok(Answer::Done)
    }

    fn poll(&mut self, end: End, asked: Events, wait: bool) -> Reply {
        let always = Events::ERR.union(Events::HUP);
        let Ok(index) = self.index(end) else { return Ok(Answer::Ready(Events::NVAL)) };
        let mut state = self.shared.lock();
        loop {
            let mut found = state.events(index, &self.shared);
            if !self.shared.has(Fault::PollReportsUnasked) {
                found = found.intersection(asked.union(always));
            }
            if !found.is_empty() || !wait {
                return Ok(Answer::Ready(found));
            }
            state = self.wait(&self.shared.pollable, state)?;
        }
    }

    fn simple(&mut self, end: End, op: Op, bytes: &mut [u8]) -> Reply {
        if let Op::ReadAt { at: ..0, .. } | Op::WriteAt { at: ..0, .. } = op {
            return Err(Errno::EINVAL);
        }
        let index = self.index(end)?;
        let mut state = self.shared.lock();
        let count = match op {
            Op::Read { .. } => {
                drop(state);
                return self.read(end, index, bytes);
            }
            Op::Dup { new } => {
                state.descriptions[index].holders += 1;
                self.ends[usize::from(new.0)] = Some(index);
                self.own_nonblock[usize::from(new.0)] = self.own_nonblock[usize::from(end.0)];
                return Ok(Answer::Done);
            }
            Op::SetNonblock(nonblock) => {
                state.descriptions[index].nonblock = nonblock;
                self.own_nonblock[usize::from(end.0)] = nonblock;
                return Ok(Answer::Done);
            }
            Op::Available => state.len(),
            Op::GetCapacity => state.slots_max * PAGE_BYTES,
            Op::SetCapacity { bytes } => self.set_capacity(&mut state, bytes)?,
            Op::Seek { .. } | Op::ReadAt { .. } | Op::WriteAt { .. } => return Err(Errno::ESPIPE),
            Op::Truncate { .. } => return Err(Errno::EINVAL),
            _ => return Err(Errno::ENOTSOCK),
        };
        Ok(Answer::Count(count as u32))
    }

    fn set_capacity(&self, state: &mut State, bytes: u32) -> Result<usize, Errno> {
        const MAX_BYTES: usize = 1 << 20;
        if bytes > 1 << 31 {
            return Err(Errno::EINVAL);
        }
        let bytes = (bytes as usize).max(PAGE_BYTES).next_power_of_two();
        let slots = bytes / PAGE_BYTES;
        // Order as of the system: the limit first, then what is in use.
        if slots > state.slots_max && bytes > MAX_BYTES {
            return Err(Errno::EPERM);
        }
        if slots < state.slots.len() {
            return Err(Errno::EBUSY);
        }
        state.slots_max = slots;
        self.shared.writable.notify_all();
        self.shared.pollable.notify_all();
        Ok(bytes)
    }

    fn read(&self, end: End, index: usize, bytes: &mut [u8]) -> Reply {
        let mut ticket = None;
        let state = self.shared.lock();
        let (mut state, reply) = self.read_in_turn(state, end, index, bytes, &mut ticket);
        state.readers_line.leave(ticket);
        if !state.slots.is_empty() {
            state.readers_line.wake_first();
            self.shared.readable.notify_all();
        }
        reply
    }

    /// Reads, with a ticket once it has slept.
    fn read_in_turn<'a>(
        &'a self,
        mut state: Guard<'a>,
        descriptor: End,
        index: usize,
        bytes: &mut [u8],
        ticket: &mut Option<u64>,
    ) -> (Guard<'a>, Reply) {
        let shared = &self.shared;
        if !state.descriptions[index].mode.reads() {
            return (state, Err(Errno::EBADF));
        }
        if bytes.is_empty() && !shared.has(Fault::ZeroLengthReadWaits) {
            return (state, Ok(Answer::Count(0)));
        }
        loop {
            let ended = state.end_told && shared.has(Fault::EndIsForEver);
            let patient = shared.has(Fault::ReadWaitsForAllItAsked)
                && state.writers > 0
                && state.len() < bytes.len();
            let waits_its_turn = !state.slots.is_empty() && !state.readers_line.is_first(*ticket);
            if !state.slots.is_empty() && !patient && !ended && !waits_its_turn {
                let was_full = state.is_full();
                let count = state.take(bytes, shared);
                if !shared.has(Fault::WakesNoWriterOnRead) {
                    if was_full && !state.is_full() {
                        state.writers_line.wake_first();
                    }
                    shared.writable.notify_all();
                }
                shared.pollable.notify_all();
                return (state, Ok(Answer::Count(count as u32)));
            }
            let told = state.end_told && shared.has(Fault::ForgetsEofAfterFirstZero);
            let end = state.writers == 0 && !told && !waits_its_turn;
            if end || shared.has(Fault::EmptyReportedAsEof) || ended {
                state.end_told = true;
                return (state, Ok(Answer::Count(0)));
            }
            if self.is_nonblocking(&state, descriptor, index) {
                return (state, Err(Errno::EAGAIN));
            }
            let own = *ticket.get_or_insert_with(|| state.readers_line.join());
            if state.slots.is_empty() {
                state.readers_line.found_nothing(own);
            }
            state = match self.wait(&shared.readable, state) {
                Ok(state) => state,
                Err(errno) => return (shared.lock(), Err(errno)),
            };
        }
    }

    fn write(&self, end: End, bytes: &[u8]) -> Seen {
        let mut done = 0;
        let result = self.index(end).and_then(|index| self.transfer(end, index, bytes, &mut done));
        let broken = result == Err(Errno::EPIPE);
        let forgets = self.shared.has(Fault::ForgetsThePartWhenReadersLeave);
        let answer = match result {
            Err(errno) if done == 0 || broken && forgets => Answer::Fails(errno),
            _ => Answer::Count(done as u32),
        };
        Seen { answer, signal: broken.then_some(Signal::Sigpipe) }
    }

    fn transfer(
        &self,
        end: End,
        index: usize,
        bytes: &[u8],
        done: &mut usize,
    ) -> Result<(), Errno> {
        let mut ticket = None;
        let state = self.shared.lock();
        let (mut state, result) =
            self.transfer_in_turn(state, end, index, bytes, done, &mut ticket);
        if ticket.is_some() {
            state.writers_line.leave(ticket);
            if !state.is_full() {
                state.writers_line.wake_first();
            }
            self.shared.writable.notify_all();
        }
        result
    }

    /// Writes, with a ticket once it has slept.
    fn transfer_in_turn<'a>(
        &'a self,
        mut state: Guard<'a>,
        end: End,
        index: usize,
        bytes: &[u8],
        done: &mut usize,
        ticket: &mut Option<u64>,
    ) -> (Guard<'a>, Result<(), Errno>) {
        let shared = &self.shared;
        let Description { mode, packet, .. } = state.descriptions[index];
        if !mode.writes() {
            return (state, Err(Errno::EBADF));
        }
        let mut parts = 0;
        if !bytes.is_empty() && state.readers > 0 {
            *done = state.merge(bytes, shared);
        }
        while *done < bytes.len() {
            if state.readers == 0 {
                return (state, Err(Errno::EPIPE));
            }
            let space = PIPE.capacity_default_bytes as usize;
            let room = shared.has(Fault::CountsBytesNotPages) && state.len() < space;
            let full = state.is_full() && !room;
            if !full && state.writers_line.is_first(*ticket) {
                let most = (bytes.len() - *done).min(PAGE_BYTES);
                let some = if room { most.min(space - state.len()) } else { most };
                let page = bytes[*done..*done + some].to_vec();
                state.slots.push_back(Slot { bytes: page, read: 0, packet });
                *done += some;
                parts += 1;
                continue;
            }
            if full && bytes.len() <= PAGE_BYTES && shared.has(Fault::SplitsWritesUpToPipeBuf) {
                *done += state.squeeze(&bytes[*done..]);
            }
            self.tell_of_data(&mut state);
            if self.is_nonblocking(&state, end, index) {
                return (state, Err(Errno::EAGAIN));
            }
            if shared.has(Fault::WriteReturnsEarlyWithZero) && *done == 0 {
                return (state, Ok(()));
            }
            if *done < bytes.len() {
                // Who has got a part of the room goes to the end of the line.
                if std::mem::take(&mut parts) > 0 {
                    state.writers_line.leave(ticket.take());
                }
                let own = *ticket.get_or_insert_with(|| state.writers_line.join());
                if full {
                    state.writers_line.found_nothing(own);
                }
                state = match self.wait(&shared.writable, state) {
                    Ok(state) => state,
                    Err(errno) => return (shared.lock(), Err(errno)),
                };
            }
        }
        if !bytes.is_empty() {
            self.tell_of_data(&mut state);
        }
        (state, Ok(()))
    }

    fn tell_of_data(&self, state: &mut State) {
        state.readers_line.wake_first();
        self.shared.readable.notify_all();
        self.shared.pollable.notify_all();
    }
}
