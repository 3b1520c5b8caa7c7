//! mio's poll, over pipes of mio: registered and waited for as an epoll is, but always edge-triggered.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::path::Path;
use std::time::Duration;

use mio::unix::{SourceFd, pipe};
use mio::{Interest, Poll, Token};
use nix::libc;
use pipewright_backends::sys::signals;
use pipewright_backends::{Channel, Instance, Port, Seen, Sleep};
use pipewright_model::call::{Answer, End, Errno, Events, Mode, Op, Told, Trigger};
use pipewright_model::kind::PIPE;
use pipewright_model::run::{Seat, Setup};

use crate::{fails, seen};

/// Pipes of `mio::unix::pipe`, with `mio::Poll` as their epoll.
pub struct MioPoll;

impl Channel for MioPoll {
    fn name(&self) -> &str {
        "mio-poll"
    }

    fn setup(&self) -> Setup {
        Setup { nonblock: true, ..Setup::new(&PIPE) }
    }

    /// What mio can say. Level-triggered, one-shot and exclusive entries are not among it.
    fn offers(&self, op: &Op) -> bool {
        match *op {
            Op::EpollAdd { events, trigger, .. } | Op::EpollModify { events, trigger, .. } => {
                trigger == Trigger::EDGE && interest(events).is_some()
            }
            Op::EpollWait { most, .. } => most > 0,
            Op::Read { .. } | Op::Write { .. } | Op::Close | Op::Dup { .. } => true,
            Op::Epoll | Op::EpollDelete { .. } => true,
            _ => false,
        }
    }

    fn create(&self, _: &Path, seats: &[Seat]) -> io::Result<Instance> {
        signals::install();
        let (writer, reader) = pipe::new()?;
        let handle = |mode| match mode {
            Mode::Read => Ok(Handle::Reader(pipe::Receiver::from(copy(&reader)?))),
            Mode::Write => Ok(Handle::Writer(pipe::Sender::from(copy(&writer)?))),
            Mode::ReadWrite => Err(io::Error::from(io::ErrorKind::InvalidInput)),
        };
        let port = |seat: &Seat| -> io::Result<Box<dyn Port>> {
            let ends = seat.ends.iter().map(|(end, hold)| Ok((*end, handle(hold.mode)?)));
            Ok(Box::new(MioPort { ends: ends.collect::<io::Result<_>>()? }))
        };
        let ports = seats.iter().map(port).collect::<io::Result<_>>()?;
        Ok(Instance { setup: self.setup(), ports, keeper: None })
    }
}

/// A descriptor more for the same open file description.
fn copy(end: &impl AsFd) -> io::Result<OwnedFd> {
    end.as_fd().try_clone_to_owned()
}

enum Handle {
    Reader(pipe::Receiver),
    Writer(pipe::Sender),
    Poll(Poll),
}

impl Handle {
    fn number(&self) -> RawFd {
        match self {
            Handle::Reader(reader) => reader.as_raw_fd(),
            Handle::Writer(writer) => writer.as_raw_fd(),
            Handle::Poll(poll) => poll.as_raw_fd(),
        }
    }

    fn copied(&self) -> Option<io::Result<Handle>> {
        match self {
            Handle::Reader(reader) => Some(copy(reader).map(|fd| Handle::Reader(fd.into()))),
            Handle::Writer(writer) => Some(copy(writer).map(|fd| Handle::Writer(fd.into()))),
            // A poll has one owner.
            Handle::Poll(_) => None,
        }
    }
}

struct MioPort {
    ends: BTreeMap<End, Handle>,
}

impl MioPort {
    /// A call on a poll.
    fn registers(&self, poll: &Poll, op: Op) -> Seen {
        let (Op::EpollAdd { target, .. }
        | Op::EpollModify { target, .. }
        | Op::EpollDelete { target }) = op
        else {
            return fails(Errno::ENOSYS);
        };
        let Some(target_number) = self.ends.get(&target).map(Handle::number) else {
            return fails(Errno::EBADF);
        };
        let mut source = SourceFd(&target_number);
        let (registry, token) = (poll.registry(), Token(target.0.into()));
        let made = || match op {
            Op::EpollAdd { events, .. } => registry.register(&mut source, token, asked(events)?),
            Op::EpollModify { events, .. } => {
                registry.reregister(&mut source, token, asked(events)?)
            }
            _ => registry.deregister(&mut source),
        };
        seen(made, |()| Answer::Done)
    }
}

impl Port for MioPort {
    fn call(&mut self, end: End, op: Op, bytes: &mut [u8]) -> Seen {
        match op {
            Op::Epoll => {
                let made = || Ok(self.ends.insert(end, Handle::Poll(Poll::new()?)));
                return seen(made, |_| Answer::Done);
            }
            Op::Close if self.ends.remove(&end).is_some() => return Seen::answer(Answer::Done),
            Op::EpollWait { most, wait } => {
                return match self.ends.get_mut(&end) {
                    Some(Handle::Poll(poll)) => waits(poll, most, wait),
                    Some(_) => fails(Errno::EINVAL),
                    None => fails(Errno::EBADF),
                };
            }
            _ => {}
        }
        let Some(handle) = self.ends.get_mut(&end) else { return fails(Errno::EBADF) };
        let count = |count| Answer::Count(count as u32);
        match (op, handle) {
            (Op::Read { .. }, Handle::Reader(reader)) => seen(|| reader.read(bytes), count),
            (Op::Write { .. }, Handle::Writer(writer)) => seen(|| writer.write(bytes), count),
            (Op::Read { .. } | Op::Write { .. }, Handle::Poll(_)) => fails(Errno::EINVAL),
            (Op::Read { .. } | Op::Write { .. }, _) => fails(Errno::EBADF),
            (Op::Dup { new }, handle) => match handle.copied() {
                Some(copied) => seen(|| Ok(self.ends.insert(new, copied?)), |_| Answer::Done),
                None => fails(Errno::ENOSYS),
            },
            (_, Handle::Poll(_)) => match self.ends.get(&end) {
                Some(Handle::Poll(poll)) => self.registers(poll, op),
                _ => fails(Errno::EBADF),
            },
            _ => fails(Errno::EINVAL),
        }
    }

    fn sleeps_in(&self, end: End, _: Op) -> Option<Sleep> {
        let descriptor = self.ends.get(&end).map(Handle::number);
        Some(Sleep { calls: EPOLL_WAIT, descriptor })
    }
}

/// Where an event loop sleeps.
#[cfg(target_arch = "x86_64")]
pub(crate) const EPOLL_WAIT: &[i64] = &[libc::SYS_epoll_wait, libc::SYS_epoll_pwait];
#[cfg(not(target_arch = "x86_64"))]
pub(crate) const EPOLL_WAIT: &[i64] = &[libc::SYS_epoll_pwait];

/// The interest that stands for these events, where mio has one. It asks for `EPOLLRDHUP` besides, which no pipe has.
fn interest(events: Events) -> Option<Interest> {
    match (events.contains(Events::IN), events.contains(Events::OUT)) {
        _ if !Events::IN.union(Events::OUT).contains(events) => None,
        (true, true) => Some(Interest::READABLE | Interest::WRITABLE),
        (true, false) => Some(Interest::READABLE),
        (false, true) => Some(Interest::WRITABLE),
        (false, false) => None,
    }
}

fn asked(events: Events) -> io::Result<Interest> {
    interest(events).ok_or_else(|| io::ErrorKind::InvalidInput.into())
}

fn waits(poll: &mut Poll, most: u8, wait: bool) -> Seen {
    let mut events = mio::Events::with_capacity(most.into());
    let timeout = (!wait).then_some(Duration::ZERO);
    let told = seen(|| poll.poll(&mut events, timeout), |()| Answer::Ready(Events::NONE));
    match events.is_empty() {
        true => told,
        false => {
            let told = events.iter().map(|event| (End(event.token().0 as u8), found(event)));
            Seen::answer(Answer::Told(told.collect::<Told>()))
        }
    }
}

/// The events of a pipe that stand behind what mio tells: of a pipe, `EPOLLHUP` alone makes that nothing more is to be read.
fn found(event: &mio::event::Event) -> Events {
    let told = [
        (event.is_readable(), Events::IN),
        (event.is_writable(), Events::OUT),
        (event.is_error(), Events::ERR),
        (event.is_read_closed(), Events::HUP),
    ];
    told.into_iter().filter(|(is, _)| *is).fold(Events::NONE, |all, (_, one)| all.union(one))
}
