//! The library's pipe as a channel that Pipewright can judge.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use pipewright_backends::{Channel, Instance, Port, Seen};
use pipewright_model::call::{Answer, End, Errno, Mode, Op, Signal};
use pipewright_model::kind::PIPE;
use pipewright_model::run::{Seat, Setup};

use crate::pipe::{Broken, Reader, Writer, pipe};

/// The pipe of [`crate::pipe`].
pub struct LibraryPipe;

impl Channel for LibraryPipe {
    fn name(&self) -> &str {
        "library-pipe"
    }

    fn setup(&self) -> Setup {
        Setup::new(&PIPE)
    }

    fn offers(&self, op: &Op) -> bool {
        matches!(op, Op::Read { .. } | Op::Write { .. } | Op::Close | Op::Dup { .. })
    }

    fn create(&self, _: &Path, seats: &[Seat]) -> io::Result<Instance> {
        let (reader, writer) = pipe();
        let handle = |mode| match mode {
            Mode::Read => Ok(Handle::Reader(reader.clone())),
            Mode::Write => Ok(Handle::Writer(writer.clone())),
            Mode::ReadWrite => Err(io::Error::from(io::ErrorKind::InvalidInput)),
        };
        let port = |seat: &Seat| -> io::Result<Box<dyn Port>> {
            let ends = seat.ends.iter().map(|(end, hold)| Ok((*end, handle(hold.mode)?)));
            Ok(Box::new(LibraryPort { ends: ends.collect::<io::Result<_>>()? }))
        };
        let ports = seats.iter().map(port).collect::<io::Result<_>>()?;
        Ok(Instance { setup: self.setup(), ports, keeper: None })
    }
}

#[derive(Clone)]
enum Handle {
    Reader(Reader),
    Writer(Writer),
}

struct LibraryPort {
    ends: BTreeMap<End, Handle>,
}

impl Port for LibraryPort {
    fn call(&mut self, end: End, op: Op, bytes: &mut [u8]) -> Seen {
        let Some(handle) = self.ends.get(&end) else { return fails(Errno::EBADF) };
        match (op, handle) {
            (Op::Read { .. }, Handle::Reader(reader)) => counted(reader.read(bytes)),
            (Op::Write { .. }, Handle::Writer(writer)) => match writer.write(bytes) {
                Ok(()) => counted(bytes.len()),
                // The library's error stands for both that the system has.
                Err(Broken) => Seen { signal: Some(Signal::Sigpipe), ..fails(Errno::EPIPE) },
            },
            (Op::Close, _) => {
                self.ends.remove(&end);
                Seen::answer(Answer::Done)
            }
            (Op::Dup { new }, handle) => {
                let copy = handle.clone();
                self.ends.insert(new, copy);
                Seen::answer(Answer::Done)
            }
            (Op::Read { .. } | Op::Write { .. }, _) => fails(Errno::EBADF),
            _ => fails(Errno::ENOSYS),
        }
    }

    fn interrupter(&self) -> Option<Box<dyn Fn()>> {
        let abort = match self.ends.values().next()? {
            Handle::Reader(reader) => reader.abort(),
            Handle::Writer(writer) => writer.abort(),
        };
        Some(Box::new(move || abort.now()))
    }
}

fn counted(count: usize) -> Seen {
    Seen::answer(Answer::Count(count as u32))
}

fn fails(errno: Errno) -> Seen {
    Seen::answer(Answer::Fails(errno))
}
