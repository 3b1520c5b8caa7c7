//! tokio's pipe and Unix stream: each actor has a runtime of its own, and blocks on one read or write at a time.

use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::io;
use std::os::fd::AsFd;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use pipewright_backends::sys::signals;
use pipewright_backends::{Channel, Instance, Port, Seen, Sleep};
use pipewright_model::call::{Answer, End, Errno, Mode, Op, Signal};
use pipewright_model::kind::{PIPE, Side, UNIX_STREAM};
use pipewright_model::run::{Seat, Setup};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::net::unix::pipe;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Notify;

use crate::looped::EPOLL_WAIT;
use crate::{fails, seen};

/// `tokio::net::unix::pipe`.
pub struct TokioPipe;

/// `tokio::net::UnixStream`, of a pair.
pub struct TokioStream;

impl Channel for TokioPipe {
    fn name(&self) -> &str {
        "tokio-pipe"
    }

    fn setup(&self) -> Setup {
        Setup::new(&PIPE)
    }

    fn offers(&self, op: &Op) -> bool {
        offers(op)
    }

    fn create(&self, _: &Path, seats: &[Seat]) -> io::Result<Instance> {
        let (reader, writer) = io::pipe()?;
        instance(self.setup(), seats, |_, mode| match mode {
            Mode::Read => {
                let fd = reader.as_fd().try_clone_to_owned()?;
                Ok(Handle::Reader(pipe::Receiver::from_owned_fd(fd)?))
            }
            Mode::Write => {
                let fd = writer.as_fd().try_clone_to_owned()?;
                Ok(Handle::Writer(pipe::Sender::from_owned_fd(fd)?))
            }
            Mode::ReadWrite => Err(io::ErrorKind::InvalidInput.into()),
        })
    }
}

impl Channel for TokioStream {
    fn name(&self) -> &str {
        "tokio-unix-stream"
    }

    fn setup(&self) -> Setup {
        Setup::new(&UNIX_STREAM)
    }

    /// Only writes that find room: one that waits is made anew, and tells EPIPE where its peer has closed meanwhile with
    /// data unread. A write that sleeps in the kernel would have told the reset, or what it has sent.
    fn offers(&self, op: &Op) -> bool {
        let fits = |len: &u32| *len <= FITS_BYTES;
        offers(op) && op.offers().as_ref().is_none_or(fits)
    }

    fn create(&self, _: &Path, seats: &[Seat]) -> io::Result<Instance> {
        let (a, b) = std::os::unix::net::UnixStream::pair()?;
        instance(self.setup(), seats, |side, _| {
            let stream = if side == Side::A { a.try_clone()? } else { b.try_clone()? };
            stream.set_nonblocking(true)?;
            Ok(Handle::Stream(UnixStream::from_std(stream)?))
        })
    }
}

/// What a write may have so that all writes of a scenario find room in a socket's buffer.
const FITS_BYTES: u32 = 512;

/// A read or write of no bytes has no meaning for tokio.
fn offers(op: &Op) -> bool {
    matches!(op, Op::Read { len: 1.. } | Op::Write { len: 1.. } | Op::Close)
}

/// A port for each seat, each with a runtime.
fn instance(
    setup: Setup,
    seats: &[Seat],
    handle: impl Fn(Side, Mode) -> io::Result<Handle>,
) -> io::Result<Instance> {
    signals::install();
    let port = |seat: &Seat| -> io::Result<Box<dyn Port>> {
        let runtime = Builder::new_current_thread().enable_io().build()?;
        let entered = runtime.enter();
        let ends = seat.ends.iter().map(|(end, hold)| Ok((*end, handle(hold.side, hold.mode)?)));
        let ends = ends.collect::<io::Result<_>>()?;
        drop(entered);
        Ok(Box::new(TokioPort { ends, runtime, over: Arc::default() }))
    };
    let ports = seats.iter().map(port).collect::<io::Result<_>>()?;
    Ok(Instance { setup, ports, keeper: None })
}

enum Handle {
    Reader(pipe::Receiver),
    Writer(pipe::Sender),
    Stream(UnixStream),
}

struct TokioPort {
    /// Dropped before the runtime that drives them.
    ends: BTreeMap<End, Handle>,
    runtime: Runtime,
    /// Told when the run is over.
    over: Arc<Notify>,
}

impl Port for TokioPort {
    fn call(&mut self, end: End, op: Op, bytes: &mut [u8]) -> Seen {
        if op == Op::Close && self.ends.remove(&end).is_some() {
            return Seen::answer(Answer::Done);
        }
        let Some(handle) = self.ends.get_mut(&end) else { return fails(Errno::EBADF) };
        let (runtime, over) = (&self.runtime, &self.over);
        let len = bytes.len();
        let moved = match (op, handle) {
            (Op::Read { .. }, Handle::Reader(reader)) => block(runtime, over, reader.read(bytes)),
            (Op::Read { .. }, Handle::Stream(stream)) => block(runtime, over, stream.read(bytes)),
            (Op::Write { .. }, Handle::Writer(writer)) => {
                block(runtime, over, all(writer.write_all(bytes), len))
            }
            (Op::Write { .. }, Handle::Stream(stream)) => {
                let seen = block(runtime, over, all(stream.write_all(bytes), len));
                // The library's error stands for both that the system has.
                let broken = seen.answer == Answer::Fails(Errno::EPIPE);
                Seen { signal: broken.then_some(Signal::Sigpipe), ..seen }
            }
            _ => fails(Errno::EBADF),
        };
        moved
    }

    fn sleeps_in(&self, _: End, _: Op) -> Option<Sleep> {
        Some(Sleep { calls: EPOLL_WAIT, descriptor: None })
    }

    fn interrupter(&self) -> Option<Box<dyn Fn()>> {
        let over = self.over.clone();
        Some(Box::new(move || over.notify_one()))
    }
}

async fn all(write: impl Future<Output = io::Result<()>>, len: usize) -> io::Result<usize> {
    write.await.map(|()| len)
}

/// Runs one operation to its end, or until the run is over.
fn block(
    runtime: &Runtime,
    over: &Notify,
    operation: impl Future<Output = io::Result<usize>>,
) -> Seen {
    let either = async {
        let (mut operation, mut over) = (pin!(operation), pin!(over.notified()));
        poll_fn(|context| match operation.as_mut().poll(context) {
            Poll::Ready(result) => Poll::Ready(result),
            Poll::Pending => {
                over.as_mut().poll(context).map(|()| Err(io::ErrorKind::Interrupted.into()))
            }
        })
        .await
    };
    seen(|| runtime.block_on(either), |count| Answer::Count(count as u32))
}
