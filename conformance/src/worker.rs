//! What a worker does, be it a process or a thread: take an order, carry it out, report.
//!
//! A worker knows nothing of scenarios, and takes no lock that it could have inherited.

use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use pipewright_backends::sys::bytes::{op_len, prepare};
use pipewright_backends::sys::desk::{Order, Orders, Report};
use pipewright_backends::sys::stop::StopBuffer;
use pipewright_backends::sys::{errno, now_ns, passing, process, signals};
use pipewright_backends::{Channel, Port};
use pipewright_model::call::{Actor, End, Op};

/// Where a port is laid down for a worker thread to take it.
pub(crate) type Tray = Arc<Mutex<Option<Box<dyn Port>>>>;

/// Where a worker gets its ports from.
pub(crate) enum Supply {
    /// From another thread.
    Tray(Tray),
    /// Out of the socket to the controller.
    Line,
    /// From the process that forked this one: one for each channel of a batch.
    Inherited(Vec<Option<Box<dyn Port>>>),
}

/// All that a worker needs to know.
pub(crate) struct Worker {
    pub(crate) orders: Orders,
    pub(crate) channel: &'static dyn Channel,
    /// The directory that holds all places.
    pub(crate) places: PathBuf,
    pub(crate) supply: Supply,
    /// The socket to the controller.
    pub(crate) line: OwnedFd,
    /// The processor to keep to, unless it is the parent's.
    pub(crate) core: Option<usize>,
}

/// The path of a place.
pub(crate) fn place_path(places: &Path, place: u64) -> PathBuf {
    places.join(place.to_string())
}

impl Worker {
    /// Carries out orders until told to leave.
    pub(crate) fn work(mut self) {
        let mut port: Option<Box<dyn Port>> = None;
        let mut stopping: Option<StopBuffer> = None;
        loop {
            let report = match self.orders.take() {
                Order::Call { actor, end, op, from, stop } => {
                    let called = Called { actor, end, op, from };
                    match (&mut port, stop, &mut stopping) {
                        (Some(port), None, _) => called.make(&mut self.orders, port.as_mut()),
                        (Some(port), Some(at), Some(buffer)) => called
                            .make_and_stop(&mut self.orders, port.as_mut(), buffer, at as usize)
                            .unwrap_or_else(|error| failed(&error)),
                        _ => Report::Failed(0),
                    }
                }
                Order::Introduce => self.introduce(),
                Order::Watch => match StopBuffer::new().and_then(|buffer| self.show(buffer)) {
                    Ok((buffer, page)) => {
                        stopping = Some(buffer);
                        Report::Watched(page)
                    }
                    Err(error) => failed(&error),
                },
                Order::Drop => {
                    port = None;
                    Report::Done
                }
                Order::Leave => return,
                handover => match self.receive(handover) {
                    Ok(received) => {
                        port = Some(received);
                        Report::Done
                    }
                    Err(error) => failed(&error),
                },
            };
            self.orders.finish(report);
        }
    }

    fn introduce(&self) -> Report {
        let pinned = self.core.map_or(Ok(()), |core| process::pin(&[core]));
        let set = pinned.and_then(|()| signals::set_mask());
        match set.and_then(|()| process::keep_to_limits()) {
            Ok(()) => Report::Thread(process::thread_id()),
            Err(error) => failed(&error),
        }
    }

    /// Sends the watch over a buffer to the controller.
    fn show(&self, buffer: StopBuffer) -> io::Result<(StopBuffer, usize)> {
        let (descriptor, page) = buffer.watch();
        passing::send(&self.line, &[(End(0), descriptor)])?;
        Ok((buffer, page))
    }

    fn receive(&mut self, handover: Order) -> io::Result<Box<dyn Port>> {
        let missing = || io::Error::from(io::ErrorKind::NotFound);
        match (handover, &mut self.supply) {
            (Order::Take { .. }, Supply::Tray(tray)) => {
                tray.lock().unwrap_or_else(PoisonError::into_inner).take().ok_or_else(missing)
            }
            (Order::Take { place, ends }, Supply::Line) => {
                let hold = |end: End| ends.iter().flatten().find(|(held, _)| *held == end);
                let received = passing::receive(&self.line)?.into_iter();
                let held = received.map(|(end, fd)| {
                    let (_, hold) = hold(end).ok_or_else(missing)?;
                    Ok((end, *hold, fd))
                });
                let held = held.collect::<io::Result<_>>()?;
                self.channel.adopt_as(&place_path(&self.places, place), held)
            }
            (Order::Use { index }, Supply::Inherited(ports)) => {
                ports.get_mut(index as usize).and_then(Option::take).ok_or_else(missing)
            }
            (Order::Join { place, ends }, _) => {
                let ends: Vec<_> = ends.into_iter().map_while(|end| end).collect();
                self.channel.join(&place_path(&self.places, place), &ends)
            }
            _ => Err(missing()),
        }
    }
}

fn failed(error: &io::Error) -> Report {
    Report::Failed(errno(error).unwrap_or(0))
}

/// A call to be made.
#[derive(Clone, Copy)]
struct Called {
    actor: Actor,
    end: End,
    op: Op,
    from: i64,
}

impl Called {
    fn make(self, orders: &mut Orders, port: &mut dyn Port) -> Report {
        let Called { actor, end, op, from } = self;
        let (bytes, stamp) = orders.call();
        let bytes = &mut bytes[..op_len(op)];
        prepare(actor, op, from, bytes);
        stamp.sleeps_in(port.sleeps_in(end, op));
        stamp.entered();
        let seen = port.call(end, op, bytes);
        Report::Seen(seen, now_ns())
    }

    /// Makes the call in a buffer of which the bytes from `at` on are missing.
    fn make_and_stop(
        self,
        orders: &mut Orders,
        port: &mut dyn Port,
        buffer: &mut StopBuffer,
        at: usize,
    ) -> io::Result<Report> {
        let Called { actor, end, op, from } = self;
        let len = op_len(op);
        let (bytes, stamp) = orders.call();
        let lacking = buffer.lacking(len, at, |bytes| prepare(actor, op, from, bytes))?;
        stamp.sleeps_in(port.sleeps_in(end, op));
        stamp.entered();
        let seen = port.call(end, op, lacking);
        let left = now_ns();
        // The call may not have come so far.
        buffer.fill()?;
        if op.asks().is_some() {
            bytes[..len].copy_from_slice(buffer.bytes(len, at));
        }
        Ok(Report::Seen(seen, left))
    }
}
