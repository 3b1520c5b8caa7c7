//! The message queue of `mq_open(3)`.
//!
//! On Linux its descriptor is a file descriptor, which can be duplicated, polled and passed on; sending and
//! receiving are calls of their own.
#![expect(
    unsafe_code,
    reason = "actors call on closed descriptors too, for which there is no safe type"
)]

use std::ffi::CString;
use std::io;
use std::os::fd::{BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nix::libc;
use pipewright_model::call::{Answer, End, Mode, Op, OpenFlags};
use pipewright_model::kind::{Hold, MESSAGE_BYTES, MESSAGE_QUEUE};
use pipewright_model::run::{Seat, Setup};

use crate::channel::{Arrangement, Channel, Instance, Port, Seen, Sleep};
use crate::port::{FdPort, calls, open_flags};
use crate::sys::Calling;

/// A way to make a message queue.
#[derive(Clone, Copy, Debug)]
pub struct MessageQueue;

impl Channel for MessageQueue {
    fn name(&self) -> &str {
        "message-queue"
    }

    fn setup(&self) -> Setup {
        Setup::new(&MESSAGE_QUEUE)
    }

    fn copies_in_kernel(&self) -> bool {
        true
    }

    fn arrangements(&self) -> &[Arrangement] {
        &[Arrangement::Threads, Arrangement::Passed, Arrangement::Opened]
    }

    fn offers(&self, op: &Op) -> bool {
        match op {
            Op::Open { flags, .. } => OpenFlags::NONBLOCK.contains(*flags),
            Op::Read { .. } | Op::Write { .. } | Op::Close | Op::Dup { .. } => true,
            Op::SetNonblock(_) | Op::Poll { .. } | Op::Unlink => true,
            Op::Epoll | Op::EpollAdd { .. } | Op::EpollModify { .. } => true,
            Op::EpollDelete { .. } | Op::EpollWait { .. } => true,
            _ => false,
        }
    }

    fn create(&self, place: &Path, seats: &[Seat]) -> io::Result<Instance> {
        let setup = self.setup();
        let mut attributes: libc::mq_attr = zeroed();
        attributes.mq_maxmsg = (setup.capacity_bytes / MESSAGE_BYTES).into();
        attributes.mq_msgsize = MESSAGE_BYTES.into();
        let flags = libc::O_CREAT | libc::O_EXCL | libc::O_RDWR;
        let (name, permissions) = (name(place), 0o600 as libc::mode_t);
        // SAFETY: the name ends in a zero byte, and the attributes are complete.
        let made = unsafe { libc::mq_open(name.as_ptr(), flags, permissions, &raw mut attributes) };
        if made < 0 {
            return Err(not_made(io::Error::last_os_error())).calling("mq_open");
        }
        // SAFETY: the number was made just now, and belongs to nobody else.
        let keeper = unsafe { OwnedFd::from_raw_fd(made) };
        let port = |seat: &Seat| self.join(place, &seat.ends);
        let ports = seats.iter().map(port).collect::<io::Result<_>>()?;
        Ok(Instance { setup, ports, keeper: Some(Box::new(keeper)) })
    }

    fn adopt(&self, place: &Path, ends: Vec<(End, OwnedFd)>) -> io::Result<Box<dyn Port>> {
        Ok(Box::new(QueuePort { descriptors: FdPort::new(place, ends), name: name(place) }))
    }

    fn join(&self, place: &Path, ends: &[(End, Hold)]) -> io::Result<Box<dyn Port>> {
        let name = name(place);
        let open = |(end, hold): &(End, Hold)| {
            Ok((*end, open(&name, hold.mode, false).calling("mq_open")?))
        };
        let ends = ends.iter().map(open).collect::<io::Result<Vec<_>>>()?;
        self.adopt(place, ends)
    }

    fn remove(&self, place: &Path) {
        let name = name(place);
        // The scenario may have removed it.
        // SAFETY: the name ends in a zero byte.
        let _ = unsafe { libc::mq_unlink(name.as_ptr()) };
    }
}

fn zeroed<T: Copy>() -> T {
    // SAFETY: only for structures of integers, which are valid as zeros.
    unsafe { std::mem::zeroed() }
}

/// Bytes of a place that go into the name of a queue, which has at most 255.
const NAME_BYTES_MAX: usize = 200;

/// Queues have names of their own, in no directory: this one is made from the place.
fn name(place: &Path) -> CString {
    let bytes = place.as_os_str().as_bytes();
    // Their end tells places apart, and a name is short.
    let bytes = bytes[bytes.len().saturating_sub(NAME_BYTES_MAX)..].iter();
    let flat = bytes.map(|byte| if *byte == b'/' || *byte == 0 { b'.' } else { *byte });
    let name: Vec<u8> = b"/pipewright".iter().copied().chain(flat).collect();
    CString::new(name).expect("zero bytes were taken out")
}

/// Why no queue could be made, where the error alone would mislead.
fn not_made(error: io::Error) -> io::Error {
    let told = match error.raw_os_error() {
        Some(libc::EMFILE) => {
            "this user may have no more bytes in queues: raise the limit (ulimit -q)"
        }
        Some(libc::ENOSPC) => "there may be no more queues: raise fs.mqueue.queues_max",
        Some(libc::EINVAL) => {
            "queues of this size are not allowed: raise fs.mqueue.msg_max and msgsize_max"
        }
        _ => return error,
    };
    io::Error::other(told)
}

fn open(name: &CString, mode: Mode, nonblock: bool) -> io::Result<OwnedFd> {
    // SAFETY: the name ends in a zero byte.
    let made = unsafe { libc::mq_open(name.as_ptr(), open_flags(mode, nonblock).bits()) };
    if made < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the number was made just now, and belongs to nobody else.
    Ok(unsafe { OwnedFd::from_raw_fd(made) })
}

/// The queue descriptors of one actor.
struct QueuePort {
    descriptors: FdPort,
    name: CString,
}

impl Port for QueuePort {
    fn call(&mut self, end: End, op: Op, bytes: &mut [u8]) -> Seen {
        let number = self.descriptors.number(end);
        Seen::answer(match op {
            Op::Open { mode, flags } => {
                match open(&self.name, mode, flags.contains(OpenFlags::NONBLOCK)) {
                    Ok(fd) => {
                        self.descriptors.set(end, fd);
                        Answer::Done
                    }
                    Err(_) => calls::done(-1),
                }
            }
            Op::Unlink => {
                // SAFETY: the name ends in a zero byte.
                calls::done(unsafe { libc::mq_unlink(self.name.as_ptr()) })
            }
            Op::Read { .. } => {
                let into = bytes.as_mut_ptr().cast();
                // SAFETY: pointer and length are of one slice, borrowed mutably; no priority is asked for.
                calls::counted(unsafe {
                    libc::mq_receive(number, into, bytes.len(), std::ptr::null_mut())
                })
            }
            Op::Write { .. } => {
                // SAFETY: pointer and length are of one slice.
                match unsafe { libc::mq_send(number, bytes.as_ptr().cast(), bytes.len(), 0) } {
                    0 => Answer::Count(bytes.len() as u32),
                    failed => calls::done(failed),
                }
            }
            Op::SetNonblock(nonblock) => {
                let mut attributes: libc::mq_attr = zeroed();
                attributes.mq_flags = if nonblock { libc::O_NONBLOCK.into() } else { 0 };
                // SAFETY: the attributes are complete; the old ones are not asked for.
                calls::done(unsafe {
                    libc::mq_setattr(number, &raw const attributes, std::ptr::null_mut())
                })
            }
            _ => return self.descriptors.call(end, op, bytes),
        })
    }

    fn sleeps_in(&self, end: End, op: Op) -> Option<Sleep> {
        let calls: &[i64] = match op {
            Op::Read { .. } => &[libc::SYS_mq_timedreceive],
            Op::Write { .. } => &[libc::SYS_mq_timedsend],
            Op::Open { .. } | Op::Unlink | Op::SetNonblock(_) => return None,
            _ => return self.descriptors.sleeps_in(end, op),
        };
        Some(Sleep { calls, descriptor: Some(self.descriptors.number(end)) })
    }

    fn descriptors(&self) -> Vec<(End, BorrowedFd<'_>)> {
        self.descriptors.descriptors()
    }
}
