//! Opening a descriptor at a number of one's own, without a copy that would be closed.
//!
//! A process that closes *any* descriptor of a file loses its record locks on it (POSIX, fcntl, "F_SETLK"). So where it
//! has any, a descriptor is not moved to its number, but comes there: all lower numbers are taken meanwhile.
#![expect(unsafe_code, reason = "takes and leaves descriptors by number")]

use std::os::fd::RawFd;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::libc;

/// Whether this process may have record locks.
static MAY_HOLD_LOCKS: AtomicBool = AtomicBool::new(false);

/// Takes note that this process may have record locks from now on, or has none, as one that was just forked.
pub(crate) fn may_hold_locks(may: bool) {
    MAY_HOLD_LOCKS.store(may, Ordering::Relaxed);
}

/// The numbers below one that were free, taken until this is dropped.
pub(super) struct Plugs(Vec<RawFd>);

impl Plugs {
    /// Makes this number the lowest that is free, if it is free and the process may have record locks.
    pub(super) fn below(number: RawFd) -> Plugs {
        let mut plugs = Plugs(Vec::new());
        while MAY_HOLD_LOCKS.load(Ordering::Relaxed) {
            let next = match plugs.0.first() {
                // SAFETY: no memory is passed; the number made belongs to nobody else.
                None => unsafe { libc::eventfd(0, libc::EFD_CLOEXEC) },
                // SAFETY: as above.
                Some(first) => unsafe { libc::fcntl(*first, libc::F_DUPFD_CLOEXEC, 0) },
            };
            if next < 0 {
                break;
            }
            plugs.0.push(next);
            if next >= number {
                plugs.leave_last();
                break;
            }
        }
        plugs
    }

    fn leave_last(&mut self) {
        if let Some(last) = self.0.pop() {
            // SAFETY: the number belongs to nobody else.
            unsafe { libc::close(last) };
        }
    }
}

impl Drop for Plugs {
    fn drop(&mut self) {
        while !self.0.is_empty() {
            self.leave_last();
        }
    }
}
