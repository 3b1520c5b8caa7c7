//! The memory that a troupe of processes shares, also with those that run another program meanwhile: a file in memory.
//!
//! It holds the bell, a desk for each actor and one for the warden, the numbers of the processes, and what an actor must
//! know of the channels. A process that has run `execve(2)` maps it again.
#![expect(unsafe_code, reason = "hands out parts of a file as desks")]

use std::cell::UnsafeCell;
use std::io;
use std::mem::size_of;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, AtomicU32, Ordering};

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::unistd::ftruncate;
use pipewright_model::call::{ACTORS_MAX, Actor};

use super::Calling;
use super::desk::{DESK_BYTES, Desk, Orders, desk_of_file};
use super::map::{Bell, Map};

/// The most bytes that tell of the channels.
const NOTICE_BYTES_MAX: usize = 32 << 10;

/// Where the parts begin, in bytes: the bell, the header, the desks.
const HEADER: usize = 4096;
const DESKS: usize = HEADER + size_of::<Header>();

#[repr(C, align(4096))]
struct Header {
    /// By actor the number of its process, 0 before it is there.
    processes: [AtomicI32; ACTORS_MAX],
    notice_len: AtomicU32,
    notice: UnsafeCell<[u8; NOTICE_BYTES_MAX]>,
}

// SAFETY: the cell is written by the controller while there is no actor, and read by actors.
unsafe impl Sync for Header {}

/// The memory of a troupe.
pub struct Arena {
    file: OwnedFd,
    header: Map<Header>,
    bell: Arc<Bell>,
}

/// Whose desk it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seated {
    /// The warden.
    Warden,
    /// An actor.
    Actor(Actor),
}

impl Seated {
    fn offset(self) -> usize {
        let number = match self {
            Seated::Warden => 0,
            Seated::Actor(actor) => usize::from(actor.0) + 1,
        };
        DESKS + number * DESK_BYTES
    }
}

impl Arena {
    /// Memory for a troupe.
    ///
    /// # Errors
    ///
    /// If the system has none.
    pub fn new() -> io::Result<Arena> {
        let file = memfd_create(c"pipewright", MFdFlags::MFD_CLOEXEC).calling("memfd_create")?;
        let len = DESKS + (ACTORS_MAX + 1) * DESK_BYTES;
        ftruncate(&file, len as i64).calling("ftruncate")?;
        Arena::of(file)
    }

    /// The memory of a troupe, in a process that runs another program since.
    ///
    /// # Errors
    ///
    /// If it can't be mapped.
    pub(crate) fn of(file: OwnedFd) -> io::Result<Arena> {
        // SAFETY: every part is valid as zeros, and only arenas use the file.
        let header = unsafe { Map::of_file(&file, HEADER) }?;
        // SAFETY: as above.
        let bell = Arc::new(unsafe { Bell::of_file(&file, 0) }?);
        Ok(Arena { file, header, bell })
    }

    /// The bell that all desks ring.
    pub fn bell(&self) -> &Bell {
        &self.bell
    }

    /// The controller's side of a desk. There is one of each.
    ///
    /// # Errors
    ///
    /// If it can't be mapped.
    pub fn desk(&self, of: Seated) -> io::Result<Desk> {
        // SAFETY: the parts of the file do not overlap, and only arenas use it.
        unsafe { desk_of_file(&self.file, of.offset()) }
    }

    /// The side of whoever sits at a desk.
    pub(crate) fn orders(&self, of: Seated, in_hand: bool) -> io::Result<Orders> {
        // SAFETY: the controller has made the desk before anybody is told to sit there, and seats one.
        unsafe { Orders::of_file(&self.file, of.offset(), self.bell.clone(), in_hand) }
    }

    /// The number of an actor's process; `None` before it is there.
    pub fn process(&self, actor: Actor) -> Option<i32> {
        let number = self.header.processes[usize::from(actor.0)].load(Ordering::Acquire);
        (number != 0).then_some(number)
    }

    pub(crate) fn set_process(&self, actor: Actor, number: i32) {
        self.header.processes[usize::from(actor.0)].store(number, Ordering::Release);
    }

    /// Forgets all processes, and tells those to come this of the channels. There must be no actor.
    ///
    /// # Errors
    ///
    /// Where it is too much.
    pub fn tell(&mut self, notice: &[u8]) -> io::Result<()> {
        if notice.len() > NOTICE_BYTES_MAX {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        (0..ACTORS_MAX as u8).for_each(|actor| self.set_process(Actor(actor), 0));
        // SAFETY: there is no actor, and this borrows the only arena of the controller.
        unsafe { (&mut *self.header.notice.get())[..notice.len()].copy_from_slice(notice) };
        self.header.notice_len.store(notice.len() as u32, Ordering::Release);
        Ok(())
    }

    /// What was told of the channels.
    pub(crate) fn notice(&self) -> &[u8] {
        let len = self.header.notice_len.load(Ordering::Acquire) as usize;
        // SAFETY: the controller writes while there is no actor, and this is one.
        unsafe { &(&*self.header.notice.get())[..len] }
    }

    /// The descriptor, kept or closed when the process runs another program.
    pub(crate) fn keep_on_exec(&self, keep: bool) -> io::Result<RawFd> {
        let flags = if keep { FdFlag::empty() } else { FdFlag::FD_CLOEXEC };
        fcntl(self.file.as_fd(), FcntlArg::F_SETFD(flags)).calling("fcntl(F_SETFD)")?;
        Ok(self.file.as_raw_fd())
    }

    /// The descriptor behind it.
    pub(crate) fn number(&self) -> RawFd {
        self.file.as_raw_fd()
    }
}
