//! An actor: takes an order, carries it out, reports. It takes no lock that it could have inherited.
#![expect(unsafe_code, reason = "moves descriptors by number, and waits for processes by number")]

use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;

use nix::libc;
use nix::sys::signal::{Signal, raise};
use pipewright_model::call::{
    ACTORS_MAX, Actor, Answer, ENDS_MAX, End, Errno, Op, Sig, Termination,
};
use pipewright_model::run::PollSet;

use super::{Arena, Notice, Seated, Ways, failed, program};
use crate::channel::{Port, Seen, Sleep};
use crate::port::{TABLE, calls, plugs};
use crate::sys::bytes::{op_len, prepare};
use crate::sys::desk::{Order, Orders, Report};
use crate::sys::process::{self, close_range, exit, fork_bare};
use crate::sys::{Calling, errno, now_ns, signals};

/// What all actors of one process know.
pub(super) struct Company {
    pub(super) arena: Arena,
    pub(super) ways: &'static dyn Ways,
    /// Processors that actors take in turn; empty: wherever the warden is.
    pub(super) cores: Vec<usize>,
}

/// A process's number that no process has.
const NO_PROCESS: i32 = i32::MAX;

/// The stack of a thread, in bytes.
const STACK_BYTES: usize = 256 << 10;

/// An actor at its desk.
pub(super) struct Player {
    me: Actor,
    company: Arc<Company>,
    orders: Orders,
    ports: Vec<Box<dyn Port>>,
    leads: [u8; ENDS_MAX],
    polls: Vec<PollSet>,
    /// Whether other threads share its process.
    has_threads: bool,
}

/// What a process that has just been forked by the warden does: holds these ends and no other, and acts.
pub(super) fn begin(
    company: Arc<Company>,
    me: Actor,
    threads: u32,
    ends: Vec<(End, OwnedFd)>,
) -> io::Result<()> {
    take(&company.arena, &ends)?;
    // They are closed already.
    std::mem::forget(ends);
    signals::be_plain()?;
    dump_no_core();
    let threads = (0..ACTORS_MAX as u8).map(Actor).filter(|actor| threads & 1 << actor.0 != 0);
    let threads: Vec<Actor> = threads.collect();
    for thread in &threads {
        company.arena.set_process(*thread, std::process::id() as i32);
        let mut actor = Player::new(company.clone(), *thread, false)?;
        actor.has_threads = true;
        let builder = thread::Builder::new().stack_size(STACK_BYTES);
        builder.spawn(move || actor.work())?;
    }
    let mut actor = Player::new(company, me, false)?;
    actor.has_threads = !threads.is_empty();
    actor.work();
    Ok(())
}

/// Gives the ends their numbers, and closes all else but what the troupe itself needs.
fn take(arena: &Arena, ends: &[(End, OwnedFd)]) -> io::Result<()> {
    for (end, fd) in ends {
        let number = TABLE + RawFd::from(end.0);
        // SAFETY: nobody uses the numbers of the table but this actor's ports.
        let moved = unsafe { libc::dup2(fd.as_raw_fd(), number) };
        if moved < 0 {
            return Err(io::Error::last_os_error()).calling("dup2");
        }
    }
    let kept = arena.number();
    close_range(3, kept - 1);
    close_range(kept + 1, TABLE - 1);
    for end in (0..ENDS_MAX as u8).map(End) {
        if !ends.iter().any(|(held, _)| *held == end) {
            let number = TABLE + RawFd::from(end.0);
            close_range(number, number);
        }
    }
    close_range(TABLE + ENDS_MAX as RawFd, RawFd::MAX);
    Ok(())
}

/// A process that a signal ends leaves no file behind.
fn dump_no_core() {
    use nix::sys::resource::{Resource, setrlimit};
    let _ = setrlimit(Resource::RLIMIT_CORE, 0, 0);
}

impl Player {
    /// Sits down; with the order `in_hand` that is out, where it was taken by the program before.
    pub(super) fn new(company: Arc<Company>, me: Actor, in_hand: bool) -> io::Result<Player> {
        let orders = company.arena.orders(Seated::Actor(me), in_hand)?;
        let Notice { channels, leads, polls } = Notice::of(company.arena.notice())?;
        let missing = || io::Error::from(io::ErrorKind::NotFound);
        let port = |(name, place): &(String, PathBuf)| {
            crate::named(name).ok_or_else(missing)?.of_table(place)
        };
        let ports = channels.iter().map(port).collect::<io::Result<_>>()?;
        Ok(Player { me, company, orders, ports, leads, polls, has_threads: false })
    }

    /// Reports that the program has begun which the order in hand was to run.
    pub(super) fn has_begun(&mut self) {
        self.orders.finish(Report::Seen(Seen::answer(Answer::Done), now_ns()));
    }

    /// Carries out orders until told to leave.
    pub(super) fn work(mut self) {
        loop {
            let report = match self.orders.take() {
                Order::Introduce => self.introduce(),
                Order::Call { op: Op::Fork { child }, .. } => match self.fork(child) {
                    Ok(report) => report,
                    Err(error) => failed(&error),
                },
                Order::Call { op: Op::Exec, .. } => self.exec(),
                Order::Call { op: Op::Wait { child }, .. } => self.wait(child),
                Order::Call { op: Op::Signal { target, signal }, .. } => {
                    let process = self.company.arena.process(target).unwrap_or(NO_PROCESS);
                    self.of_signals(|| signals::send(process, signal))
                }
                Order::Call { op: Op::SetSignal { signal, disposition }, .. } => {
                    self.of_signals(|| signals::set(signal, disposition))
                }
                Order::Call { op: Op::Exit { status }, .. } => self.exit(status),
                Order::Call { op: Op::PollSet { set }, .. } => self.poll(set),
                Order::Call { end, op, from, .. } => self.call(end, op, from),
                Order::Leave => return,
                _ => Report::Failed(0),
            };
            self.orders.finish(report);
        }
    }

    fn introduce(&self) -> Report {
        let cores = &self.company.cores;
        let core = (!cores.is_empty()).then(|| cores[usize::from(self.me.0) % cores.len()]);
        let pinned = core.map_or(Ok(()), |core| process::pin(&[core]));
        match pinned.and_then(|()| process::keep_to_limits()) {
            Ok(()) => Report::Thread(process::thread_id()),
            Err(error) => failed(&error),
        }
    }

    fn call(&mut self, end: End, op: Op, from: i64) -> Report {
        let lead = self.leads.get(usize::from(end.0)).copied().unwrap_or(0);
        let Some(port) = self.ports.get_mut(usize::from(lead)) else { return Report::Failed(0) };
        let (bytes, stamp) = self.orders.call();
        let bytes = &mut bytes[..op_len(op)];
        prepare(self.me, op, from, bytes);
        stamp.sleeps_in(port.sleeps_in(end, op));
        stamp.entered();
        let seen = self.company.ways.call(port.as_mut(), end, op, bytes);
        Report::Seen(seen, now_ns())
    }

    /// Polls several ends at once, whichever channels they lead to.
    fn poll(&mut self, set: u8) -> Report {
        let Some(PollSet { ends, wait }) = self.polls.get(usize::from(set)) else {
            return Report::Failed(libc::EINVAL);
        };
        let number = |end: End| TABLE + RawFd::from(end.0);
        let numbers: Vec<_> = ends.iter().map(|(end, events)| (number(*end), *events)).collect();
        let (bytes, stamp) = self.orders.call();
        stamp.sleeps_in(Some(Sleep {
            calls: calls::sleeps_in(Op::PollSet { set }),
            descriptor: None,
        }));
        stamp.entered();
        bytes[..2 * numbers.len()].fill(0);
        let mut poll = |ends: usize| calls::poll_several(&numbers[..ends], *wait, bytes);
        let answer = self.company.ways.poll(numbers.len(), &mut poll);
        Report::Seen(Seen::answer(answer), now_ns())
    }

    /// Lets the ways do what they do besides.
    fn with_port(&mut self, act: impl FnOnce(&dyn Ways, &mut dyn Port)) {
        if let Some(port) = self.ports.first_mut() {
            act(self.company.ways, port.as_mut());
        }
    }

    fn fork(&mut self, child: Actor) -> io::Result<Report> {
        let (_, stamp) = self.orders.call();
        stamp.sleeps_in(Some(Sleep { calls: &[], descriptor: None }));
        stamp.entered();
        match fork_bare()? {
            Some(number) => {
                self.company.arena.set_process(child, number);
                Ok(Report::Seen(Seen::answer(Answer::Done), now_ns()))
            }
            None => {
                self.company.arena.set_process(child, std::process::id() as i32);
                plugs::may_hold_locks(false);
                self.with_port(|ways, port| ways.forked(port));
                match Player::new(self.company.clone(), child, false) {
                    Ok(actor) => actor.work(),
                    Err(_) => exit(FAILED),
                }
                exit(0)
            }
        }
    }

    /// Returns only if the program can't be run.
    fn exec(&mut self) -> Report {
        if self.has_threads {
            return Report::Failed(libc::EBUSY);
        }
        self.with_port(|ways, port| ways.before_exec(port));
        let (_, stamp) = self.orders.call();
        stamp.sleeps_in(None);
        stamp.entered();
        failed(&program::run(&self.company.arena, self.me))
    }

    /// Makes a call that has to do with signals, and never sleeps.
    fn of_signals(&mut self, call: impl FnOnce() -> io::Result<()>) -> Report {
        let (_, stamp) = self.orders.call();
        stamp.sleeps_in(None);
        stamp.entered();
        let answer = match call() {
            Ok(()) => Answer::Done,
            Err(error) => Answer::Fails(Errno::from_number(errno(&error).unwrap_or(0) as u16)),
        };
        Report::Seen(Seen::answer(answer), now_ns())
    }

    fn wait(&mut self, child: Actor) -> Report {
        let number = self.company.arena.process(child).unwrap_or(NO_PROCESS);
        let (_, stamp) = self.orders.call();
        let descriptor = Some(number);
        stamp.sleeps_in(Some(Sleep { calls: &[libc::SYS_wait4], descriptor }));
        stamp.entered();
        let answer = self.company.ways.wait(&mut || wait(number));
        Report::Seen(Seen::answer(answer), now_ns())
    }

    fn exit(&mut self, status: Termination) -> Report {
        self.with_port(|ways, port| ways.before_exit(port));
        let (_, stamp) = self.orders.call();
        stamp.sleeps_in(None);
        stamp.entered();
        let signal = match status {
            Termination::Exit(status) => exit(status.into()),
            Termination::Signal(signal) => signal,
        };
        if let Ok(signal) = Signal::try_from(i32::from(signal.0)) {
            let _ = signals::be_plain_of(signal);
            let _ = raise(signal);
        }
        Report::Failed(libc::EINVAL)
    }
}

/// The status of a process that can't be an actor.
const FAILED: i32 = 104;

fn wait(number: i32) -> Answer {
    let mut status = 0;
    // SAFETY: one status is stored.
    if unsafe { libc::waitpid(number, &raw mut status, 0) } < 0 {
        let number = nix::errno::Errno::last() as u16;
        return Answer::Fails(Errno::from_number(number));
    }
    Answer::Count(match libc::WIFSIGNALED(status) {
        true => Termination::Signal(Sig(libc::WTERMSIG(status) as u8)).told(),
        false => Termination::Exit(libc::WEXITSTATUS(status) as u8).told(),
    })
}
