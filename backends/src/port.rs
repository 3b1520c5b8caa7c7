//! A port over file descriptors: each operation is the system call that it names, made once.
//!
//! It retries nothing (a call that a signal interrupts fails with `EINTR`), allocates nothing and
//! keeps no state but which number each end has: a call through it costs what the bare call costs.
#![expect(
    unsafe_code,
    reason = "actors call on closed descriptors too, which `BorrowedFd` promises not to be"
)]

use std::io;
use std::os::fd::{AsFd, BorrowedFd, IntoRawFd, OwnedFd, RawFd};
use std::path::{Path, PathBuf};

use nix::fcntl::{FcntlArg, OFlag, fcntl, open};
use nix::libc;
use nix::sys::stat::Mode as Permissions;
use pipewright_model::call::{Answer, ENDS_MAX, End, Errno, Events, Mode, Op, Signal};

use crate::channel::{Port, Seen};
use crate::sys::signals;

/// A number that no descriptor has: the kernel's limit on descriptors is below it on every system.
///
/// Neither −1, which `poll` ignores, nor the number that the end had, which any thread of the
/// process may have been given since.
const NOT_OPEN: RawFd = RawFd::MAX;

/// The ends of one actor, as descriptors of this process.
#[derive(Debug)]
pub struct FdPort {
    numbers: [RawFd; ENDS_MAX],
    place: PathBuf,
}

impl FdPort {
    /// A port of descriptors that are open already; [`Op::Open`] and [`Op::Unlink`] use `place`.
    /// Has `SIGPIPE` caught in the whole process from now on ([`signals::install`]).
    ///
    /// # Panics
    ///
    /// If an end is named twice, or is beyond [`ENDS_MAX`].
    pub fn new(place: &Path, ends: impl IntoIterator<Item = (End, OwnedFd)>) -> FdPort {
        signals::install();
        let mut port = FdPort { numbers: [NOT_OPEN; ENDS_MAX], place: place.to_owned() };
        for (end, fd) in ends {
            port.set(end, fd.into_raw_fd());
        }
        port
    }

    fn number(&self, end: End) -> RawFd {
        self.numbers[usize::from(end.0)]
    }

    fn set(&mut self, end: End, number: RawFd) {
        let slot = &mut self.numbers[usize::from(end.0)];
        assert_eq!(*slot, NOT_OPEN, "end {} is open already", end.0);
        *slot = number;
    }

    fn open(&mut self, end: End, mode: Mode, nonblock: bool) -> Answer {
        match open(&self.place, open_flags(mode, nonblock), Permissions::empty()) {
            Ok(fd) => {
                self.set(end, fd.into_raw_fd());
                Answer::Done
            }
            Err(errno) => failed(errno),
        }
    }

    fn close(&mut self, end: End) -> Answer {
        let number = std::mem::replace(&mut self.numbers[usize::from(end.0)], NOT_OPEN);
        // SAFETY: the port owned this number, and has just forgotten it.
        done(unsafe { libc::close(number) })
    }

    fn dup(&mut self, end: End, new: End) -> Answer {
        // SAFETY: no memory is passed; the number made belongs to nobody else.
        let made = unsafe { libc::fcntl(self.number(end), libc::F_DUPFD_CLOEXEC, 0) };
        if made >= 0 {
            self.set(new, made);
        }
        done(made)
    }

    fn write(&self, end: End, bytes: &[u8]) -> Seen {
        let before = signals::sigpipes();
        // SAFETY: pointer and length are of one slice.
        let count = unsafe { libc::write(self.number(end), bytes.as_ptr().cast(), bytes.len()) };
        let answer = counted(count);
        // The kernel raises SIGPIPE in the caller before it returns from the call.
        let signal = (signals::sigpipes() != before).then_some(Signal::Sigpipe);
        Seen { answer, signal }
    }
}

impl Port for FdPort {
    fn call(&mut self, end: End, op: Op, bytes: &mut [u8]) -> Seen {
        let number = self.number(end);
        Seen::answer(match op {
            Op::Open { mode, nonblock } => self.open(end, mode, nonblock),
            Op::Read { .. } => {
                // SAFETY: pointer and length are of one slice, borrowed mutably.
                counted(unsafe { libc::read(number, bytes.as_mut_ptr().cast(), bytes.len()) })
            }
            Op::Write { .. } => return self.write(end, bytes),
            Op::Close => self.close(end),
            Op::Dup { new } => self.dup(end, new),
            Op::SetNonblock(nonblock) => set_nonblock(number, nonblock),
            Op::Poll { events, wait } => poll(number, events, wait),
            // SAFETY: no memory is passed.
            Op::SetCapacity { bytes } => counted(unsafe {
                libc::fcntl(number, libc::F_SETPIPE_SZ, libc::c_ulong::from(bytes)) as isize
            }),
            // SAFETY: no memory is passed.
            Op::GetCapacity => counted(unsafe { libc::fcntl(number, libc::F_GETPIPE_SZ) } as isize),
            Op::Available => available(number),
            // SAFETY: no memory is passed.
            Op::Seek => counted(unsafe { libc::lseek(number, 0, libc::SEEK_CUR) } as isize),
            Op::ReadAt { .. } => {
                // SAFETY: pointer and length are of one slice, borrowed mutably.
                counted(unsafe { libc::pread(number, bytes.as_mut_ptr().cast(), bytes.len(), 0) })
            }
            Op::WriteAt { .. } => {
                // SAFETY: pointer and length are of one slice.
                counted(unsafe { libc::pwrite(number, bytes.as_ptr().cast(), bytes.len(), 0) })
            }
            Op::Unlink => match nix::unistd::unlink(&self.place) {
                Ok(()) => Answer::Done,
                Err(errno) => failed(errno),
            },
        })
    }

    fn descriptors(&self) -> Vec<(End, BorrowedFd<'_>)> {
        let open = self.numbers.iter().enumerate().filter(|(_, number)| **number != NOT_OPEN);
        // SAFETY: the port owns these descriptors, and they stay open while it is borrowed.
        open.map(|(end, number)| (End(end as u8), unsafe { BorrowedFd::borrow_raw(*number) }))
            .collect()
    }
}

impl Drop for FdPort {
    fn drop(&mut self) {
        for end in 0..ENDS_MAX {
            if self.numbers[end] != NOT_OPEN {
                self.close(End(end as u8));
            }
        }
    }
}

/// The flags of an `open` that makes an end.
pub(crate) fn open_flags(mode: Mode, nonblock: bool) -> OFlag {
    let access = match mode {
        Mode::Read => OFlag::O_RDONLY,
        Mode::Write => OFlag::O_WRONLY,
        Mode::ReadWrite => OFlag::O_RDWR,
    };
    let waiting = if nonblock { OFlag::O_NONBLOCK } else { OFlag::empty() };
    access | waiting | OFlag::O_CLOEXEC
}

/// Capacity of a pipe in bytes.
pub(crate) fn capacity_bytes(fd: impl AsFd) -> io::Result<u32> {
    Ok(fcntl(fd, FcntlArg::F_GETPIPE_SZ)? as u32)
}

/// Asks for a capacity in bytes; the kernel rounds it up.
pub(crate) fn set_capacity_bytes(fd: impl AsFd, bytes: u32) -> io::Result<()> {
    let bytes = i32::try_from(bytes).map_err(|_| io::ErrorKind::InvalidInput)?;
    fcntl(fd, FcntlArg::F_SETPIPE_SZ(bytes))?;
    Ok(())
}

fn set_nonblock(number: RawFd, nonblock: bool) -> Answer {
    // SAFETY: no memory is passed.
    let flags = unsafe { libc::fcntl(number, libc::F_GETFL) };
    if flags < 0 {
        return done(flags);
    }
    let flags = if nonblock { flags | libc::O_NONBLOCK } else { flags & !libc::O_NONBLOCK };
    // SAFETY: no memory is passed.
    done(unsafe { libc::fcntl(number, libc::F_SETFL, flags) })
}

fn poll(number: RawFd, events: Events, wait: bool) -> Answer {
    let mut entry = libc::pollfd { fd: number, events: events.0 as i16, revents: 0 };
    // SAFETY: one entry, as said.
    match unsafe { libc::poll(&raw mut entry, 1, if wait { -1 } else { 0 }) } {
        ..0 => failed(nix::errno::Errno::last()),
        _ => Answer::Ready(Events(entry.revents as u16)),
    }
}

fn available(number: RawFd) -> Answer {
    let mut bytes: libc::c_int = 0;
    // SAFETY: FIONREAD stores an int.
    match unsafe { libc::ioctl(number, libc::FIONREAD, &raw mut bytes) } {
        0 => Answer::Count(bytes as u32),
        _ => failed(nix::errno::Errno::last()),
    }
}

fn counted(result: isize) -> Answer {
    if result < 0 { failed(nix::errno::Errno::last()) } else { Answer::Count(result as u32) }
}

fn done(result: libc::c_int) -> Answer {
    if result < 0 { failed(nix::errno::Errno::last()) } else { Answer::Done }
}

fn failed(errno: nix::errno::Errno) -> Answer {
    Answer::Fails(Errno::from_number(errno as u16))
}
