//! Processes held by a descriptor (`pidfd_open(2)`): whether one has ended, and signals that reach no other.
#![expect(unsafe_code, reason = "makes system calls that nobody wraps")]

use std::io;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};

use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::Calling;

/// A process, of whatever parent.
#[derive(Debug)]
pub struct Pidfd(OwnedFd);

impl Pidfd {
    /// The process of this number, which must not have been waited for.
    ///
    /// # Errors
    ///
    /// Whatever `pidfd_open(2)` says.
    pub fn open(process: i32) -> io::Result<Pidfd> {
        // SAFETY: no memory is passed.
        let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, process, 0) };
        if fd < 0 {
            return Err(io::Error::last_os_error()).calling("pidfd_open");
        }
        // SAFETY: the descriptor is new, and nobody else has it.
        Ok(Pidfd(unsafe { OwnedFd::from_raw_fd(fd as RawFd) }))
    }

    /// Whether the process, with all its threads, has ended: it holds nothing any more.
    pub fn has_ended(&self) -> bool {
        let mut entries = [PollFd::new(self.0.as_fd(), PollFlags::POLLIN)];
        poll(&mut entries, PollTimeout::ZERO) == Ok(1)
    }

    /// Waits until one of these processes has ended, or so many milliseconds.
    pub fn await_any<'p>(processes: impl IntoIterator<Item = &'p Pidfd>, at_most_ms: u8) {
        let entry = |process: &'p Pidfd| PollFd::new(process.0.as_fd(), PollFlags::POLLIN);
        let mut entries: Vec<_> = processes.into_iter().map(entry).collect();
        // Whatever the reason for its return, the caller looks again.
        let _ = poll(&mut entries, PollTimeout::from(at_most_ms));
    }

    /// Sends the process a signal, unless it has ended.
    ///
    /// # Errors
    ///
    /// Whatever `pidfd_send_signal(2)` says.
    pub fn send(&self, signal: i32) -> io::Result<()> {
        let none = std::ptr::null::<libc::siginfo_t>();
        // SAFETY: no structure is passed.
        let sent = unsafe {
            libc::syscall(libc::SYS_pidfd_send_signal, self.0.as_raw_fd(), signal, none, 0)
        };
        let error = io::Error::last_os_error();
        match sent {
            0 => Ok(()),
            _ if error.raw_os_error() == Some(libc::ESRCH) => Ok(()),
            _ => Err(error).calling("pidfd_send_signal"),
        }
    }
}
