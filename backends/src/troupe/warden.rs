//! The warden: a process that forks the first actors of each run, adopts those whose parents end, and ends them all.
//!
//! All processes of a run form one process group. So all can be killed at once, whoever of them is just being forked.
//! The first of the group is a child of the warden, who waits for it last: until then nobody else has its number.
#![expect(unsafe_code, reason = "installs a signal handler")]

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};

use nix::errno::Errno;
use nix::libc;
use nix::sys::prctl::set_child_subreaper;
use nix::sys::signal::{Signal, killpg};
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::{Pid, setpgid};
use pipewright_model::call::Actor;

use super::actor::{self, Company};
use super::{Arena, Seated, Ways, failed};
use crate::sys::desk::{Order, Report};
use crate::sys::process::{self, Child, end_with, exit, fork_bare};
use crate::sys::{passing, signals};

/// The group of the actors; 0 while there is none.
static GROUP: AtomicI32 = AtomicI32::new(0);

/// The warden, seen from the controller. Dropping it ends it and all actors.
pub struct Warden {
    child: Child,
    line: OwnedFd,
}

impl Warden {
    /// Forks a warden of actors with these ways, who take these processors in turn; none: where the warden is.
    /// It lives as long as the thread that calls this.
    ///
    /// As of [`Child::fork`], nobody else must have descriptors open that are to be closed elsewhere.
    ///
    /// # Errors
    ///
    /// Whatever the system says.
    pub fn new(arena: &Arena, ways: &'static dyn Ways, cores: Vec<usize>) -> io::Result<Warden> {
        let (ours, line) = passing::sockets()?;
        let keep = vec![line.as_raw_fd(), arena.number()];
        let arena_number = arena.number();
        let work = move || {
            if let Err(error) = guard(arena_number, &line, ways, cores) {
                eprintln!("pipewright: the warden can't work: {error}");
            }
        };
        Ok(Warden { child: Child::fork(keep, work)?, line: ours })
    }

    /// The line to send ends over, before an order to enlist.
    pub fn line(&self) -> &OwnedFd {
        &self.line
    }

    /// The number of its process.
    pub fn id(&self) -> i32 {
        self.child.id()
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<String> {
        self.child.ended().map(str::to_owned)
    }

    /// Kills all actors, of which the first to be enlisted has this process: for when the warden can't do so.
    pub fn kill_all(first: i32) {
        let _ = killpg(Pid::from_raw(first), Signal::SIGKILL);
    }
}

extern "C" fn end_all(_: libc::c_int) {
    let group = GROUP.load(Ordering::Relaxed);
    if group > 0 {
        // SAFETY: no memory is passed.
        unsafe { libc::kill(-group, libc::SIGKILL) };
    }
    exit(0)
}

/// What the warden does until it ends.
fn guard(arena: i32, line: &OwnedFd, ways: &'static dyn Ways, cores: Vec<usize>) -> io::Result<()> {
    // SAFETY: the handler makes two system calls.
    unsafe { signals::on_usr1(end_all) }?;
    signals::set_mask()?;
    let parent = nix::unistd::getppid();
    process::be_told_of_the_end()?;
    if nix::unistd::getppid() != parent {
        exit(0);
    }
    set_child_subreaper(true)?;
    // SAFETY: the controller has left its copy of the descriptor to this process.
    let file = unsafe { std::os::fd::FromRawFd::from_raw_fd(arena) };
    let arena = Arena::of(file)?;
    let mut orders = arena.orders(Seated::Warden, false)?;
    let company = Arc::new(Company { arena, ways, cores });
    loop {
        let report = match orders.take() {
            Order::Introduce => Report::Thread(process::thread_id()),
            Order::Enlist { actor, threads } => enlist(&company, line, actor, threads)
                .map_or_else(|error| failed(&error), Report::Thread),
            Order::Strike => strike().map_or_else(|error| failed(&error), |()| Report::Done),
            Order::Leave => return Ok(()),
            _ => Report::Failed(0),
        };
        orders.finish(report);
    }
}

/// Forks an actor that holds the ends which are sent.
fn enlist(company: &Arc<Company>, line: &OwnedFd, actor: Actor, threads: u32) -> io::Result<i32> {
    let ends = passing::receive(line)?;
    let warden = std::process::id() as i32;
    let group = GROUP.load(Ordering::Relaxed);
    let Some(number) = fork_bare()? else {
        end_with(warden);
        let _ = setpgid(Pid::from_raw(0), Pid::from_raw(group));
        company.arena.set_process(actor, std::process::id() as i32);
        let began = actor::begin(company.clone(), actor, threads, ends);
        exit(i32::from(began.is_err()))
    };
    // Either may be first.
    let _ = setpgid(Pid::from_raw(number), Pid::from_raw(group));
    if group == 0 {
        GROUP.store(number, Ordering::Relaxed);
    }
    Ok(number)
}

/// Ends all actors, and waits until none is left.
fn strike() -> io::Result<()> {
    let group = GROUP.swap(0, Ordering::Relaxed);
    if group == 0 {
        return Ok(());
    }
    match killpg(Pid::from_raw(group), Signal::SIGKILL) {
        Ok(()) | Err(Errno::ESRCH) => {}
        Err(errno) => return Err(errno.into()),
    }
    loop {
        match waitpid(None, None::<WaitPidFlag>) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(Errno::ECHILD) => return Ok(()),
            Err(errno) => return Err(errno.into()),
        }
    }
}
