//! A port over file descriptors: each operation is the system call that it names, made once.
//!
//! It retries nothing (a call that a signal interrupts fails with `EINTR`), allocates nothing and
//! keeps no state but which number each end has: a call through it costs what the bare call costs.
//!
//! Where several ports are of one table of descriptors, as in the threads of a process, each end has a
//! [fixed number](FdPort::of_table), and there is no state but the table itself.
#![expect(
    unsafe_code,
    reason = "actors call on closed descriptors too, which `BorrowedFd` promises not to be"
)]

pub(crate) mod calls;
mod clients;
mod epoll;
pub(crate) mod plugs;
mod socket;

use std::io;
use std::os::fd::{AsFd, BorrowedFd, IntoRawFd, OwnedFd, RawFd};
use std::path::{Path, PathBuf};

use nix::fcntl::{FcntlArg, OFlag, fcntl, open};
use nix::libc;
use nix::sys::stat::Mode as Permissions;
use pipewright_model::call::{Answer, ENDS_MAX, End, Events, Mode, Op, OpenFlags, Signal, Trigger};

use crate::channel::{Port, Seen, Sleep};
use crate::sys::{Calling, signals};
use calls::{counted, done, failed};
pub use clients::Clients;
pub(crate) use clients::unreachable;
use plugs::Plugs;
pub use socket::{Address, Sockets};

/// A number that no descriptor has: the kernel's limit on descriptors is below it on every system.
///
/// Neither −1, which `poll` ignores, nor the number that the end had, which any thread of the
/// process may have been given since.
const NOT_OPEN: RawFd = RawFd::MAX;

/// The number of end 0 where ends have fixed numbers; the others follow. Below the least limit on descriptors with which
/// anything is checked.
pub const TABLE: RawFd = 128;

/// The ends of one actor, as descriptors of this process.
#[derive(Debug)]
pub struct FdPort {
    /// Whether the numbers are fixed, and open or not as the kernel says.
    fixed: bool,
    numbers: [RawFd; ENDS_MAX],
    /// The number that each end had last, to which it comes again where that is free: epolls know descriptors by number.
    last: [RawFd; ENDS_MAX],
    place: PathBuf,
    /// What `socket(2)` makes, and where it is bound.
    sockets: Option<Sockets>,
}

impl FdPort {
    /// A port of descriptors that are open already; [`Op::Open`] and [`Op::Unlink`] use `place`.
    /// Has `SIGPIPE` caught in the whole process from now on ([`signals::install`]).
    ///
    /// # Panics
    ///
    /// If an end is named twice, or is beyond [`ENDS_MAX`].
    pub fn new(place: &Path, ends: impl IntoIterator<Item = (End, OwnedFd)>) -> FdPort {
        let mut port = FdPort::empty(place);
        for (end, fd) in ends {
            port.set(end, fd);
        }
        port
    }

    /// A port of the numbers from [`TABLE`] on, whatever is open there, of this process and those that it forks. Nobody
    /// else in the process uses them. They are left as they are when the port is dropped.
    pub fn of_table(place: &Path) -> FdPort {
        let mut port = FdPort::empty(place);
        port.fixed = true;
        port.numbers = std::array::from_fn(|end| TABLE + end as RawFd);
        port
    }

    fn empty(place: &Path) -> FdPort {
        signals::install();
        let (numbers, place) = ([NOT_OPEN; ENDS_MAX], place.to_owned());
        FdPort { fixed: false, numbers, last: [0; ENDS_MAX], place, sockets: None }
    }

    /// The same port, with [`Op::Socket`], [`Op::Bind`] and [`Op::Connect`] of these.
    #[must_use]
    pub fn with_sockets(mut self, sockets: Sockets) -> FdPort {
        self.sockets = Some(sockets);
        self
    }

    pub(crate) fn number(&self, end: End) -> RawFd {
        self.numbers[usize::from(end.0)]
    }

    /// Notes an end that was made.
    ///
    /// # Panics
    ///
    /// If it is open already.
    pub(crate) fn set(&mut self, end: End, fd: impl IntoRawFd) {
        self.note(end, fd.into_raw_fd());
    }

    fn note(&mut self, end: End, number: RawFd) {
        if self.fixed {
            return self.shift(end, number);
        }
        let slot = &mut self.numbers[usize::from(end.0)];
        assert_eq!(*slot, NOT_OPEN, "end {} is open already", end.0);
        *slot = number;
        self.last[usize::from(end.0)] = number;
    }

    /// Gives the descriptor that a call made the number of its end.
    fn shift(&mut self, end: End, number: RawFd) {
        if number == self.number(end) {
            return;
        }
        // SAFETY: the port owns both numbers, and forgets the one that is closed.
        unsafe {
            libc::dup2(number, self.number(end));
            libc::close(number);
        }
    }

    /// Notes the descriptor that a call made.
    fn made(&mut self, end: End, number: RawFd) -> Answer {
        if number >= 0 {
            self.note(end, number);
        }
        done(number)
    }

    fn open(&mut self, end: End, mode: Mode, flags: OpenFlags) -> Answer {
        let mut all = open_flags(mode, flags.contains(OpenFlags::NONBLOCK));
        all.set(OFlag::O_APPEND, flags.contains(OpenFlags::APPEND));
        all.set(OFlag::O_TRUNC, flags.contains(OpenFlags::TRUNCATE));
        let plugs = self.fixed.then(|| Plugs::below(self.number(end)));
        let opened = open(&self.place, all, Permissions::empty());
        drop(plugs);
        match opened {
            Ok(fd) => {
                self.set(end, fd);
                Answer::Done
            }
            Err(errno) => failed(errno),
        }
    }

    fn close(&mut self, end: End) -> Answer {
        let slot = &mut self.numbers[usize::from(end.0)];
        let number = if self.fixed { *slot } else { std::mem::replace(slot, NOT_OPEN) };
        // SAFETY: the port owned this number, and has just forgotten it, or has it as one of a table.
        done(unsafe { libc::close(number) })
    }

    fn dup(&mut self, end: End, new: End) -> Answer {
        if self.fixed {
            // SAFETY: no memory is passed; the number is free, and becomes the port's.
            return done(unsafe { libc::fcntl(self.number(end), libc::F_DUPFD, self.number(new)) });
        }
        // SAFETY: no memory is passed; the number made belongs to nobody else.
        let made = unsafe {
            libc::fcntl(self.number(end), libc::F_DUPFD_CLOEXEC, self.last[usize::from(new.0)])
        };
        self.made(new, made)
    }

    /// What is not open yet gets a number first, as any would do.
    fn dup2(&mut self, end: End, new: End) -> Answer {
        match self.number(new) {
            NOT_OPEN => self.dup(end, new),
            // SAFETY: no memory is passed; the port owns the number, and goes on to do so.
            onto => done(unsafe { libc::dup2(self.number(end), onto) }.min(0)),
        }
    }

    /// A call that may raise `SIGPIPE`.
    fn with_signal(call: impl FnOnce() -> Answer) -> Seen {
        let before = signals::sigpipes();
        let answer = call();
        // The kernel raises SIGPIPE in the caller before it returns from the call.
        let signal = (signals::sigpipes() != before).then_some(Signal::Sigpipe);
        Seen { answer, signal }
    }
}

impl Port for FdPort {
    fn call(&mut self, end: End, op: Op, bytes: &mut [u8]) -> Seen {
        let number = self.number(end);
        Seen::answer(match op {
            Op::Open { mode, flags } => self.open(end, mode, flags),
            Op::Read { .. } => {
                // SAFETY: pointer and length are of one slice, borrowed mutably.
                counted(unsafe { libc::read(number, bytes.as_mut_ptr().cast(), bytes.len()) })
            }
            Op::Write { .. } => {
                return FdPort::with_signal(|| {
                    // SAFETY: pointer and length are of one slice.
                    counted(unsafe { libc::write(number, bytes.as_ptr().cast(), bytes.len()) })
                });
            }
            Op::Epoll => {
                // SAFETY: no memory is passed.
                let made = unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) };
                self.made(end, made)
            }
            Op::EpollAdd { target, events, trigger } => {
                let of = epoll::Entry { number: self.number(target), end: target, events, trigger };
                epoll::control(number, libc::EPOLL_CTL_ADD, of)
            }
            Op::EpollModify { target, events, trigger } => {
                let of = epoll::Entry { number: self.number(target), end: target, events, trigger };
                epoll::control(number, libc::EPOLL_CTL_MOD, of)
            }
            Op::EpollDelete { target } => {
                let (events, trigger) = (Events::NONE, Trigger::NONE);
                let of = epoll::Entry { number: self.number(target), end: target, events, trigger };
                epoll::control(number, libc::EPOLL_CTL_DEL, of)
            }
            Op::EpollWait { most, wait } => epoll::wait(number, most, wait),
            Op::Add { value } => calls::add(number, value),
            Op::Take => calls::take(number),
            Op::Close => self.close(end),
            Op::Dup { new } => self.dup(end, new),
            Op::Dup2 { new } => self.dup2(end, new),
            Op::SetNonblock(nonblock) => calls::set_nonblock(number, nonblock),
            Op::Poll { events, wait, .. } => calls::poll(number, events, wait),
            // SAFETY: no memory is passed.
            Op::SetCapacity { bytes } => counted(unsafe {
                libc::fcntl(number, libc::F_SETPIPE_SZ, libc::c_ulong::from(bytes)) as isize
            }),
            // SAFETY: no memory is passed.
            Op::GetCapacity => counted(unsafe { libc::fcntl(number, libc::F_GETPIPE_SZ) } as isize),
            Op::Available => calls::available(number),
            Op::Seek { from, offset } => calls::seek(number, from, offset),
            Op::ReadAt { at, .. } => {
                let (into, len) = (bytes.as_mut_ptr().cast(), bytes.len());
                // SAFETY: pointer and length are of one slice, borrowed mutably.
                counted(unsafe { libc::pread(number, into, len, at.into()) })
            }
            Op::WriteAt { at, .. } => {
                let (from, len) = (bytes.as_ptr().cast(), bytes.len());
                // SAFETY: pointer and length are of one slice.
                counted(unsafe { libc::pwrite(number, from, len, at.into()) })
            }
            // SAFETY: no memory is passed.
            Op::Truncate { len } => done(unsafe { libc::ftruncate(number, len.into()) }),
            Op::Lock { lock, wait } => calls::lock(number, lock, wait, false),
            Op::ProcessLock { lock, wait } => {
                plugs::may_hold_locks(true);
                calls::lock(number, lock, wait, true)
            }
            Op::Flock { lock, wait } => calls::flock(number, lock, wait),
            Op::Unlink => match nix::unistd::unlink(&self.place) {
                Ok(()) => Answer::Done,
                Err(errno) => failed(errno),
            },
            Op::Socket { nonblock } => match self.sockets.as_ref().map(|s| s.make(nonblock)) {
                Some(made) => self.made(end, made),
                None => failed(nix::errno::Errno::ENOSYS),
            },
            Op::Bind => socket::bind(number, self.sockets.as_ref()),
            Op::Connect => socket::connect(number, self.sockets.as_ref()),
            // SAFETY: no memory is passed.
            Op::Listen { backlog } => done(unsafe { libc::listen(number, backlog.into()) }),
            Op::Accept { new, nonblock } => {
                let made = socket::accept(number, nonblock);
                self.made(new, made)
            }
            Op::Shutdown { how } => socket::shutdown(number, how),
            Op::Send { flags, .. } => {
                let sockets = self.sockets.as_ref();
                return FdPort::with_signal(|| socket::send(number, bytes, flags, sockets));
            }
            Op::Receive { flags, .. } => socket::receive(number, bytes, flags),
            Op::SendEnd { passed, .. } => {
                let passed = self.number(passed);
                return FdPort::with_signal(|| socket::send_descriptor(number, bytes, passed));
            }
            Op::ReceiveEnd { new, .. } => {
                let (answer, received) = socket::receive_descriptor(number, bytes);
                if let Some(received) = received {
                    self.note(new, received);
                }
                answer
            }
            Op::SetOption { option, value } => socket::set_option(number, option, value),
            Op::GetOption { option } => socket::option(number, option),
            Op::SetCloseOnExec(on) => calls::set_close_on_exec(number, on),
            // Calls of a process, and polls on ends of several channels, are no calls of a port.
            Op::PollSet { .. } => failed(nix::errno::Errno::ENOSYS),
            Op::Fork { .. }
            | Op::Exec
            | Op::Wait { .. }
            | Op::Signal { .. }
            | Op::SetSignal { .. }
            | Op::Exit { .. } => failed(nix::errno::Errno::ENOSYS),
            Op::Deliver | Op::Release => failed(nix::errno::Errno::ENOSYS),
        })
    }

    fn sleeps_in(&self, end: End, op: Op) -> Option<Sleep> {
        let of_number =
            !matches!(op, Op::Open { .. } | Op::Poll { .. } | Op::Socket { .. } | Op::Epoll);
        let descriptor = (of_number && op != Op::Unlink).then(|| self.number(end));
        Some(Sleep { calls: calls::sleeps_in(op), descriptor })
    }

    fn descriptors(&self) -> Vec<(End, BorrowedFd<'_>)> {
        if self.fixed {
            return Vec::new();
        }
        let open = self.numbers.iter().enumerate().filter(|(_, number)| **number != NOT_OPEN);
        // SAFETY: the port owns these descriptors, and they stay open while it is borrowed.
        open.map(|(end, number)| (End(end as u8), unsafe { BorrowedFd::borrow_raw(*number) }))
            .collect()
    }
}

impl Drop for FdPort {
    fn drop(&mut self) {
        for end in 0..ENDS_MAX {
            if !self.fixed && self.numbers[end] != NOT_OPEN {
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
    Ok(fcntl(fd, FcntlArg::F_GETPIPE_SZ).calling("fcntl(F_GETPIPE_SZ)")? as u32)
}

/// Asks for a capacity in bytes; the kernel rounds it up.
pub(crate) fn set_capacity_bytes(fd: impl AsFd, bytes: u32) -> io::Result<()> {
    let bytes = i32::try_from(bytes).map_err(|_| io::ErrorKind::InvalidInput)?;
    fcntl(fd, FcntlArg::F_SETPIPE_SZ(bytes)).calling("fcntl(F_SETPIPE_SZ)")?;
    Ok(())
}
