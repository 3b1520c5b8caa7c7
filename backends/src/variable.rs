//! The global variable: polled (a seqlock of atomics) or behind a lock (a mutex and a condition variable); one,
//! or two.
//!
//! Actors are threads of one process. What the types of [`memory`](crate::memory) rule out is answered
//! as a descriptor would be: an end that is closed, or not for this, fails with `EBADF`; a value that
//! is not whole with `EINVAL`.

use std::io;
use std::path::Path;
use std::sync::Arc;

use pipewright_model::call::{Answer, ENDS_MAX, End, Errno, Mode, Op};
use pipewright_model::kind::{
    GLOBAL_VARIABLE, GUARDED_VARIABLE, GUARDED_VARIABLE_PAIR, Hold, Kind, Side, VARIABLE_PAIR,
};
use pipewright_model::run::{Seat, Setup};
use pipewright_model::taxonomy::Waiting;

use crate::channel::{Channel, Instance, Port, Seen, Sleep};
use crate::memory::cell::{SeqCell, SeqReader, SeqWriter};
use crate::memory::guarded::{GuardedCell, Version};

/// A way to make a variable, or two.
#[derive(Clone, Copy, Debug)]
pub struct Variable {
    kind: &'static Kind,
}

impl Variable {
    /// One that is polled.
    pub const POLLED: Variable = Variable { kind: &GLOBAL_VARIABLE };
    /// One behind a lock, whose readers wait.
    pub const GUARDED: Variable = Variable { kind: &GUARDED_VARIABLE };
    /// Two that are polled.
    pub const POLLED_PAIR: Variable = Variable { kind: &VARIABLE_PAIR };
    /// Two behind locks, whose readers wait.
    pub const GUARDED_PAIR: Variable = Variable { kind: &GUARDED_VARIABLE_PAIR };

    fn polled(&self, seats: &[Seat]) -> io::Result<Vec<VariablePort>> {
        let made = (0..self.kind.sides).map(|_| SeqCell::split([0; WORDS]));
        let mut sides: Vec<_> = made.map(|(writer, reader)| (Some(writer), reader)).collect();
        let mut handle = |hold: Hold| {
            let (writer, reader) = sides.get_mut(variable(hold)).ok_or_else(no_such_end)?;
            match hold.mode {
                Mode::Read => Ok(Handle::Reader(reader.clone())),
                _ => writer.take().map(Handle::Writer).ok_or_else(no_such_end),
            }
        };
        seats.iter().map(|seat| VariablePort::new(seat, vec![], &mut handle)).collect()
    }

    fn guarded(&self, seats: &[Seat]) -> io::Result<Vec<VariablePort>> {
        let made = (0..self.kind.sides).map(|_| Arc::new(GuardedCell::new([0; WORDS])));
        let cells: Vec<_> = made.collect();
        // Where nobody writes it is closed from the start, as the last writer is dropped below.
        let last = |cell: &Arc<_>| (Arc::new(LastWriter(Arc::clone(cell))), cell.get().1);
        let sides: Vec<_> = cells.iter().map(last).collect();
        let mut handle = |hold: Hold| {
            let (writer, seen) = sides.get(variable(hold)).ok_or_else(no_such_end)?;
            match hold.mode {
                Mode::Read => Ok(Handle::GuardedReader(Arc::clone(&writer.0), *seen)),
                _ => Ok(Handle::GuardedWriter(Arc::clone(writer))),
            }
        };
        seats.iter().map(|seat| VariablePort::new(seat, cells.clone(), &mut handle)).collect()
    }
}

/// Which variable of two: what one side stores the other loads.
fn variable(hold: Hold) -> usize {
    match (hold.mode, hold.side) {
        (Mode::Read, Side::A) | (Mode::Write | Mode::ReadWrite, Side::B) => 1,
        _ => 0,
    }
}

impl Channel for Variable {
    fn name(&self) -> &str {
        self.kind.name
    }

    fn setup(&self) -> Setup {
        Setup::new(self.kind)
    }

    fn offers(&self, op: &Op) -> bool {
        matches!(op, Op::Read { .. } | Op::Write { .. } | Op::Close)
    }

    fn create(&self, _place: &Path, seats: &[Seat]) -> io::Result<Instance> {
        let ports = match self.kind.waiting {
            Waiting::Waits => self.guarded(seats),
            Waiting::BusyWaits => self.polled(seats),
        };
        let port = |port| Box::new(port) as Box<dyn Port>;
        let ports = ports?.into_iter().map(port).collect();
        Ok(Instance { setup: self.setup(), ports, keeper: None })
    }
}

fn no_such_end() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "a variable has one writer")
}

/// Words of a value.
const WORDS: usize = 8;

type Words = [u64; WORDS];

const WORD_BYTES: usize = size_of::<u64>();

/// The words in which these bytes are stored; `None` unless they are a whole value.
fn words(bytes: &[u8]) -> Option<Words> {
    let (words, rest) = bytes.as_chunks::<WORD_BYTES>();
    let words: &[_; WORDS] = words.try_into().ok().filter(|_| rest.is_empty())?;
    Some(words.map(u64::from_ne_bytes))
}

/// Lays a value down in bytes of its size.
fn lay_down(words: Words, bytes: &mut [u8]) {
    for (bytes, word) in bytes.chunks_exact_mut(WORD_BYTES).zip(words) {
        bytes.copy_from_slice(&word.to_ne_bytes());
    }
}

/// Held by all writers of a guarded variable. Dropping the last of them closes it.
struct LastWriter(Arc<GuardedCell<Words>>);

impl Drop for LastWriter {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// What is behind an end.
enum Handle {
    Writer(SeqWriter<WORDS>),
    Reader(SeqReader<WORDS>),
    GuardedWriter(Arc<LastWriter>),
    /// With the version that this reader has seen.
    GuardedReader(Arc<GuardedCell<Words>>, Version),
}

impl Handle {
    /// Stores a value; `None` if the end is not for that.
    fn store(&mut self, value: Option<Words>) -> Option<Answer> {
        let whole = Answer::Count((WORDS * WORD_BYTES) as u32);
        match (self, value) {
            (Handle::Reader(_) | Handle::GuardedReader(..), _) => None,
            (_, None) => Some(Answer::Fails(Errno::EINVAL)),
            (Handle::Writer(writer), Some(value)) => {
                writer.store(value);
                Some(whole)
            }
            (Handle::GuardedWriter(writer), Some(value)) => {
                writer.0.set(value);
                Some(whole)
            }
        }
    }

    /// Loads the value; `None` if the end is not for that.
    fn load(&mut self, bytes: &mut [u8]) -> Option<Answer> {
        let is_whole = bytes.len() == WORDS * WORD_BYTES;
        let value = match self {
            Handle::Writer(_) | Handle::GuardedWriter(_) => return None,
            _ if !is_whole => return Some(Answer::Fails(Errno::EINVAL)),
            Handle::Reader(reader) => Some(reader.load()),
            Handle::GuardedReader(cell, seen) => cell.wait_newer(*seen).map(|(value, version)| {
                *seen = version;
                value
            }),
        };
        let Some(value) = value else { return Some(Answer::Count(0)) };
        lay_down(value, bytes);
        Some(Answer::Count(bytes.len() as u32))
    }
}

/// One actor's ends of a variable, or of two.
struct VariablePort {
    handles: [Option<Handle>; ENDS_MAX],
    /// The variables, if reads of them sleep.
    guarded: Vec<Arc<GuardedCell<Words>>>,
}

impl VariablePort {
    fn new(
        seat: &Seat,
        guarded: Vec<Arc<GuardedCell<Words>>>,
        handle: &mut dyn FnMut(Hold) -> io::Result<Handle>,
    ) -> io::Result<VariablePort> {
        let mut handles = [const { None }; ENDS_MAX];
        for (end, hold) in &seat.ends {
            handles[usize::from(end.0)] = Some(handle(*hold)?);
        }
        Ok(VariablePort { handles, guarded })
    }
}

impl Port for VariablePort {
    fn sleeps_in(&self, _: End, _: Op) -> Option<Sleep> {
        Some(Sleep { calls: &[nix::libc::SYS_futex], descriptor: None })
    }

    fn call(&mut self, end: End, op: Op, bytes: &mut [u8]) -> Seen {
        let place = &mut self.handles[usize::from(end.0)];
        let answer = match (op, place.as_mut()) {
            (Op::Close, Some(_)) => {
                *place = None;
                Some(Answer::Done)
            }
            (Op::Read { .. }, Some(handle)) => handle.load(bytes),
            (Op::Write { .. }, Some(handle)) => handle.store(words(bytes)),
            (_, Some(_)) => Some(Answer::Fails(Errno::ENOSYS)),
            (_, None) => None,
        };
        Seen::answer(answer.unwrap_or(Answer::Fails(Errno::EBADF)))
    }

    /// Closes the variables, which ends all waiting.
    fn interrupter(&self) -> Option<Box<dyn Fn()>> {
        let cells = self.guarded.clone();
        (!cells.is_empty()).then(|| -> Box<dyn Fn()> {
            Box::new(move || cells.iter().for_each(|cell| cell.close()))
        })
    }
}
