//! What driving actors takes from the system: shared memory, futexes, processes, signals, descriptors
//! sent from one process to another.
//!
//! All of it is offered as safe functions, so that who drives actors needs no `unsafe`.

use std::fmt;
use std::io;
use std::sync::OnceLock;

use nix::libc;
use pipewright_model::call::{Answer, Errno};
use rustix::time::{ClockId, clock_gettime};

pub mod arena;
pub mod bytes;
pub mod desk;
pub mod leftovers;
pub mod map;
pub mod memory;
pub mod passing;
pub mod pidfd;
pub mod process;
mod refused;
pub mod settings;
pub mod signals;
pub mod stop;

pub use refused::{Calling, errno};

/// Why a reply says nothing of the channel: the system has no such call, or a filter of system calls may refuse it.
pub fn refusal(answer: Answer) -> Option<&'static str> {
    match answer {
        Answer::Fails(Errno::ENOSYS) => Some("this system has no such call"),
        Answer::Fails(Errno::EPERM) if is_filtered() => {
            Some("a filter of system calls (seccomp) is in force here and may refuse it")
        }
        _ => None,
    }
}

/// Whether a filter of system calls is in force for this process.
fn is_filtered() -> bool {
    static FILTERED: OnceLock<bool> = OnceLock::new();
    *FILTERED.get_or_init(|| {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let mut modes = status.lines().filter_map(|line| line.strip_prefix("Seccomp:"));
        modes.any(|mode| mode.trim() == "2")
    })
}

/// The time on the clock that orders events, in nanoseconds (`CLOCK_MONOTONIC`).
pub fn now_ns() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

/// What helps where memory has ended.
pub const NO_MEMORY: &str =
    "no memory is left: raise the limit on addresses (ulimit -v), or free some";

/// Something that the system has run out of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shortage {
    /// Descriptors, of the process or of the system.
    Descriptors,
    /// Room in a file system.
    Space,
    /// The right to write: the file system is mounted read-only.
    Writable,
    /// Processes.
    Processes,
    /// Memory, or addresses for it.
    Memory,
    /// The right to make files so large.
    FileSize,
}

impl Shortage {
    /// What the system lacks, where that is what this error says.
    pub fn of(error: &io::Error) -> Option<Shortage> {
        let Some(number) = errno(error) else { return Shortage::of_kind(error.kind()) };
        match number {
            libc::EMFILE | libc::ENFILE | libc::ETOOMANYREFS => Some(Shortage::Descriptors),
            libc::ENOSPC | libc::EDQUOT => Some(Shortage::Space),
            libc::EROFS => Some(Shortage::Writable),
            libc::EAGAIN => Some(Shortage::Processes),
            libc::ENOMEM => Some(Shortage::Memory),
            libc::EFBIG => Some(Shortage::FileSize),
            _ => None,
        }
    }

    /// The error of a directory that could not be made under a name that was drawn: the call and its error number, and not
    /// that name.
    pub fn of_directory(error: io::Error) -> io::Error {
        let number = match error.kind() {
            io::ErrorKind::StorageFull => libc::ENOSPC,
            io::ErrorKind::QuotaExceeded => libc::EDQUOT,
            io::ErrorKind::ReadOnlyFilesystem => libc::EROFS,
            _ => return error,
        };
        let refused = Err::<(), _>(io::Error::from_raw_os_error(number)).calling("mkdir");
        refused.err().unwrap_or(error)
    }

    /// What is lacking by the kind of an error that tells no number.
    fn of_kind(kind: io::ErrorKind) -> Option<Shortage> {
        match kind {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Some(Shortage::Space),
            io::ErrorKind::ReadOnlyFilesystem => Some(Shortage::Writable),
            _ => None,
        }
    }
}

impl fmt::Display for Shortage {
    /// What is lacking, and what helps.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Shortage::Descriptors => {
                "too many descriptors are open: raise the limit (ulimit -n)"
            }
            Shortage::Space => {
                "no space, or no inode, is left for the channel's files: free some in TMPDIR, or in /dev/shm for what is in memory"
            }
            Shortage::Writable => {
                "the place of the channel's files is read-only: mount it writable, or where it is that of TMPDIR, set \
                 TMPDIR to a directory that is"
            }
            Shortage::Processes => {
                "no more processes or threads can be had: raise the limits (ulimit -u; for their stacks ulimit -v), or \
                 end others"
            }
            Shortage::Memory => NO_MEMORY,
            Shortage::FileSize => {
                "files and shared memory may not be as large as this takes: raise the limit (ulimit -f)"
            }
        })
    }
}
