//! Worker processes: forked, bound to their parent's life, holding only the descriptors they need.
#![expect(unsafe_code, reason = "forks, and closes descriptors by number")]

use std::io;
use std::os::fd::RawFd;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::libc;
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::sys::prctl::{get_pdeathsig, set_pdeathsig};
use nix::sys::signal::{SigHandler, Signal, kill, signal};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, fork, getpid, getppid};
use rustix::thread::{CapabilitySet, capabilities, set_capabilities};

use super::{Calling, NO_MEMORY};

/// A worker process. Dropping it kills and reaps it.
#[derive(Debug)]
pub struct Child {
    id: Pid,
    /// How it ended, once it has been reaped.
    ended: Option<String>,
}

impl Child {
    /// Forks a process that closes all descriptors but the standard three and `keep`, does `work`,
    /// and ends. It ignores `SIGINT`, and is killed when the *thread* that forked it ends.
    ///
    /// Only the forking thread lives on in the child: `work` must take no lock that another thread
    /// of this process may have held. Memory can be allocated (glibc sees to that).
    ///
    /// # Errors
    ///
    /// Whatever `fork(2)` says.
    pub fn fork(keep: Vec<RawFd>, work: impl FnOnce()) -> io::Result<Child> {
        let parent = getpid();
        // A child that could not be ended would be waited for without end.
        kill(parent, None).calling("kill")?;
        get_pdeathsig().calling("prctl(PR_GET_PDEATHSIG)")?;
        end_at_a_panic();
        // SAFETY: the child calls what the doc comment above allows, and never returns from here.
        match unsafe { fork() }.calling("fork")? {
            ForkResult::Parent { child } => Ok(Child { id: child, ended: None }),
            ForkResult::Child => {
                be_child(parent, keep);
                // A hook that was set later may let it come this far.
                let done = catch_unwind(AssertUnwindSafe(work));
                exit(if done.is_ok() { 0 } else { PANICKED });
            }
        }
    }

    /// The process id.
    pub fn id(&self) -> i32 {
        self.id.as_raw()
    }

    /// Kills the process, and does not wait until it is gone.
    pub fn kill(&self) {
        if self.ended.is_none() {
            // It may have ended by itself.
            let _ = kill(self.id, Signal::SIGKILL);
        }
    }

    /// How the process ended, if it has.
    pub fn ended(&mut self) -> Option<&str> {
        if self.ended.is_none() {
            self.ended = match waitpid(self.id, Some(WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::StillAlive) => None,
                Ok(status) => Some(describe(status)),
                Err(errno) => Some(format!("lost: {errno}")),
            };
        }
        self.ended.as_deref()
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.kill();
        if self.ended.is_none() {
            while waitpid(self.id, None) == Err(nix::errno::Errno::EINTR) {}
        }
    }
}

fn describe(status: WaitStatus) -> String {
    match status {
        WaitStatus::Exited(_, OUT_OF_MEMORY) => NO_MEMORY.to_owned(),
        WaitStatus::Exited(_, code) => format!("exited with status {code}"),
        WaitStatus::Signaled(_, signal, _) => format!("killed by {signal}"),
        other => format!("{other:?}"),
    }
}

/// The status of a child that panicked, as of any Rust program.
const PANICKED: i32 = 101;

/// How the standard library panics in a thread for whose beginning there is no memory.
const NO_ROOM_FOR_A_THREAD: &str = "failed to allocate an alternative stack";

/// The status of a child for which there was no memory.
pub(super) const OUT_OF_MEMORY: i32 = 103;

/// Whether this process is a child.
static FORKED: AtomicBool = AtomicBool::new(false);

/// Whether this process is one that [`Child::fork`] made.
pub(super) fn is_child() -> bool {
    FORKED.load(Ordering::Relaxed)
}

/// Has a child end at a panic, which must neither run on into the parent's code nor wait for a lock that was
/// held by another thread when the process was forked.
///
/// The hook is the parent's, set before the fork: in the child it would be too late, as a thread
/// of the parent that was panicking just then holds the lock on the hook for ever.
fn end_at_a_panic() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |panic| {
            if FORKED.load(Ordering::Relaxed) {
                exit(PANICKED);
            }
            // A thread that can't begin for want of memory is told of by whoever waits for it.
            if !panic.to_string().contains(NO_ROOM_FOR_A_THREAD) {
                before(panic);
            }
        }));
    });
}

/// Forks: the process made, or `None` in it.
///
/// Only the forking thread lives on in the child, which must take no lock that another may have held.
///
/// # Errors
///
/// Whatever `fork(2)` says.
pub(crate) fn fork_bare() -> io::Result<Option<i32>> {
    // SAFETY: callers do as the doc comment says.
    Ok(match unsafe { fork() }.calling("fork")? {
        ForkResult::Parent { child } => Some(child.as_raw()),
        ForkResult::Child => None,
    })
}

/// Has this process killed when its parent ends, which must still be that one.
pub(crate) fn end_with(parent: i32) {
    if set_pdeathsig(Signal::SIGKILL).is_err() || getppid().as_raw() != parent {
        exit(102);
    }
}

/// Has this process sent `SIGUSR1` instead when the thread that forked it ends.
///
/// # Errors
///
/// Whatever `prctl(2)` says.
pub(crate) fn be_told_of_the_end() -> io::Result<()> {
    Ok(set_pdeathsig(Signal::SIGUSR1)?)
}

fn be_child(parent: Pid, mut keep: Vec<RawFd>) {
    FORKED.store(true, Ordering::Relaxed);
    if set_pdeathsig(Signal::SIGKILL).is_err() || getppid() != parent {
        exit(102);
    }
    // SAFETY: no handler is installed.
    let _ = unsafe { signal(Signal::SIGINT, SigHandler::SigIgn) };
    keep.extend([0, 1, 2]);
    keep.sort_unstable();
    for pair in keep.windows(2) {
        close_range(pair[0] + 1, pair[1] - 1);
    }
    close_range(keep[keep.len() - 1] + 1, RawFd::MAX);
}

pub(crate) fn close_range(first: RawFd, last: RawFd) {
    if first <= last {
        // SAFETY: their owners are copies of the parent's, which this process neither uses nor drops.
        unsafe { libc::close_range(first as libc::c_uint, last as libc::c_uint, 0) };
    }
}

pub(crate) fn exit(status: i32) -> ! {
    // SAFETY: ends the process without running the parent's exit handlers a second time.
    unsafe { libc::_exit(status) }
}

/// The processors on which this thread may run.
///
/// # Errors
///
/// Whatever `sched_getaffinity(2)` says.
pub fn cores() -> io::Result<Vec<usize>> {
    let set = sched_getaffinity(Pid::from_raw(0))?;
    Ok((0..CpuSet::count()).filter(|core| set.is_set(*core) == Ok(true)).collect())
}

/// Keeps this thread, and what it forks or spawns from now on, to these processors.
///
/// # Errors
///
/// Whatever `sched_setaffinity(2)` says.
pub fn pin(cores: &[usize]) -> io::Result<()> {
    let mut set = CpuSet::new();
    for core in cores {
        set.set(*core)?;
    }
    Ok(sched_setaffinity(Pid::from_raw(0), &set)?)
}

/// Gives up the right to exceed the system's limits on pipes (`CAP_SYS_RESOURCE`), for this thread alone:
/// so that actors see the same limits whoever started them.
///
/// # Errors
///
/// Whatever `capset(2)` says.
pub fn keep_to_limits() -> io::Result<()> {
    let mut sets = capabilities(None)?;
    if sets.effective.contains(CapabilitySet::SYS_RESOURCE) {
        sets.effective.remove(CapabilitySet::SYS_RESOURCE);
        set_capabilities(None, sets)?;
    }
    Ok(())
}

/// Has files that this process makes be its own to read and write, whatever its umask was.
pub fn own_files() {
    use nix::sys::stat::{Mode, umask};
    let before = umask(Mode::S_IRWXG | Mode::S_IRWXO);
    umask(before - Mode::S_IRWXU);
}

/// Whether the system's limits on a user's pipes are none for this thread: it has `CAP_SYS_RESOURCE` or
/// `CAP_SYS_ADMIN`.
pub(crate) fn may_have_any_pipes() -> bool {
    let any = CapabilitySet::SYS_RESOURCE | CapabilitySet::SYS_ADMIN;
    capabilities(None).is_ok_and(|sets| sets.effective.intersects(any))
}

/// The number by which the system knows this thread.
pub fn thread_id() -> i32 {
    nix::unistd::gettid().as_raw()
}
