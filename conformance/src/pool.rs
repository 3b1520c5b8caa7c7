//! The workers of a runner: made early, used again and again, killed and reaped at the end.

#[cfg(test)]
mod tests;

use std::fs;
use std::io;
use std::marker::PhantomData;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use pipewright_backends::sys::desk::{Desk, Order, Report, desk};
use pipewright_backends::sys::map::Bell;
use pipewright_backends::sys::process::Child;
use pipewright_backends::sys::stop::{self, Watch};
use pipewright_backends::sys::{passing, signals};
use pipewright_backends::{Channel, Port};
use pipewright_model::call::{ACTORS_MAX, Actor};
use pipewright_model::data;
use pipewright_model::run::Actors;
use smallvec::SmallVec;
use tempfile::TempDir;

use crate::look::{Lookout, asleep_together};
use crate::places::places;
use crate::trouble::Trouble;
use crate::worker::{Supply, Tray, Worker};

/// On which processors a run takes place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// Wherever the system likes.
    Anywhere,
    /// All on this processor, with the thread that runs the scenarios: fastest.
    Core(usize),
    /// Workers take turns on the processors there are: calls that race really overlap.
    Spread,
}

/// Held by whoever has a channel's ends open in this process; a fork waits for it, so that no process
/// of another pool inherits them.
static NO_FORK: RwLock<()> = RwLock::new(());

/// While this lives, no worker process is forked anywhere in this process.
pub(crate) fn no_fork() -> RwLockReadGuard<'static, ()> {
    NO_FORK.read().unwrap_or_else(PoisonError::into_inner)
}

/// While this lives, nobody else in this process has a channel's ends open.
pub(crate) fn may_fork() -> RwLockWriteGuard<'static, ()> {
    NO_FORK.write().unwrap_or_else(PoisonError::into_inner)
}

/// The workers, in the order of actors.
pub(crate) struct Pool {
    bell: Arc<Bell>,
    workers: Vec<Member>,
    channel: &'static dyn Channel,
    places: TempDir,
    /// Processors that workers take in turn; empty: wherever the parent is.
    cores: Vec<usize>,
    /// How often it was looked whether nothing moves.
    looks: u64,
    /// Worker processes die with the thread that forked them, so a pool can't move to another.
    _stays: PhantomData<*const ()>,
}

/// One worker, seen from the controller.
pub(crate) struct Member {
    pub(crate) desk: Desk,
    lookout: Lookout,
    body: Body,
    /// The socket to the worker.
    line: OwnedFd,
    /// The watch over its calls that stop, once one is to.
    pub(crate) watch: Option<Watch>,
    thread_id: i32,
}

enum Body {
    Thread { handle: JoinHandle<()>, tray: Tray, interrupter: Option<Interrupter> },
    Process { child: Child },
}

/// Ends the call in which a port sleeps, where a signal would not.
type Interrupter = Box<dyn Fn()>;

/// What a worker is to be.
pub(crate) enum Form {
    /// A thread of this process.
    Thread,
    /// A process that is sent its ends or opens them.
    Process,
    /// A process that inherits these ports, one for each channel of a batch.
    Heir(Vec<Option<Box<dyn Port>>>),
}

impl Pool {
    pub(crate) fn new(channel: &'static dyn Channel, cores: Vec<usize>) -> Result<Pool, Trouble> {
        signals::install();
        // Made once for all, here: a worker must not find another thread in the midst of making it.
        data::fill(Actor(0), 0, &mut [0]);
        let bell = Bell::new().map_err(Trouble::while_doing("share memory"))?;
        let places = places(channel)?;
        let workers = Vec::new();
        let bell = Arc::new(bell);
        Ok(Pool { bell, workers, channel, places, cores, looks: 0, _stays: PhantomData })
    }

    pub(crate) fn places(&self) -> &Path {
        self.places.path()
    }

    pub(crate) fn len(&self) -> usize {
        self.workers.len()
    }

    pub(crate) fn looks(&self) -> u64 {
        self.looks
    }

    pub(crate) fn member(&mut self, actor: Actor) -> &mut Member {
        &mut self.workers[usize::from(actor.0)]
    }

    /// Makes workers of these forms, after those there are, and waits until they are ready.
    pub(crate) fn add(&mut self, forms: Vec<Form>) -> Result<(), Trouble> {
        // Until a child has closed what it doesn't need, it holds what others have open.
        let _alone = may_fork();
        for form in forms {
            let index = self.workers.len();
            let core = (!self.cores.is_empty()).then(|| self.cores[index % self.cores.len()]);
            let made = self.make(form, core).map_err(Trouble::while_doing("start a worker"))?;
            let (mut desk, mut body, line) = made;
            let thread_id = introduce(&self.bell, Actor(index as u8), &mut desk, &mut body)?;
            let process_id = body.process_id();
            let lookout = Lookout::new(process_id, thread_id, desk.idle_address())?;
            let watch = None;
            self.workers.push(Member { desk, lookout, body, line, watch, thread_id });
        }
        Ok(())
    }

    fn make(&self, form: Form, core: Option<usize>) -> io::Result<(Desk, Body, OwnedFd)> {
        let (desk, orders) = desk(self.bell.clone())?;
        let (channel, places) = (self.channel, self.places().to_owned());
        let (ours, line) = passing::sockets()?;
        let theirs = line.as_raw_fd();
        let worker = |supply| Worker { orders, channel, places, supply, line, core };
        let body = match form {
            Form::Thread => {
                let tray = Tray::default();
                let worker = worker(Supply::Tray(tray.clone()));
                let builder = thread::Builder::new().name("actor".into());
                let handle = builder.spawn(|| worker.work())?;
                Body::Thread { handle, tray, interrupter: None }
            }
            Form::Process => {
                let worker = worker(Supply::Line);
                let child = Child::fork(vec![theirs], || worker.work())?;
                Body::Process { child }
            }
            Form::Heir(ports) => {
                let keep = ports.iter().flatten().flat_map(|port| port.descriptors());
                let keep = keep.map(|(_, fd)| fd.as_raw_fd()).chain([theirs]).collect();
                let worker = worker(Supply::Inherited(ports));
                let child = Child::fork(keep, || worker.work())?;
                Body::Process { child }
            }
        };
        Ok((desk, body, ours))
    }

    /// Has these actors ready for calls that stop, where calls on this channel can be stopped at all.
    pub(crate) fn watch(&mut self, actors: Actors) -> Result<(), Trouble> {
        if !self.channel.copies_in_kernel() || stop::unavailable().is_some() {
            return Ok(());
        }
        let doing = "watch over a call's buffer";
        let unready =
            |pool: &Pool, actor: &Actor| pool.workers[usize::from(actor.0)].watch.is_none();
        let unready: Vec<Actor> = actors.iter().filter(|actor| unready(self, actor)).collect();
        self.carry_out(unready.iter().map(|actor| (*actor, Order::Watch)), doing)?;
        for actor in unready {
            let member = self.member(actor);
            let Some(Report::Watched(page)) = member.desk.report() else { continue };
            let received = passing::receive(&member.line).map_err(Trouble::while_doing(doing))?;
            member.watch = received.into_iter().next().map(|(_, fd)| Watch::new(fd, page));
        }
        Ok(())
    }

    /// Whether each of these actors sleeps in its call, be it that the kernel itself lets it wait: for a lock
    /// that a call holds which is stopped. `false` decides nothing.
    pub(crate) fn still(&mut self, open: Actors) -> bool {
        let mut members = self.workers.iter_mut().enumerate();
        members.all(|(index, member)| {
            !open.contains(Actor(index as u8))
                || member.lookout.is_still() && !member.desk.finished()
        })
    }

    /// Whether each of these actors sleeps in its call, all at one moment. `false` decides nothing.
    pub(crate) fn quiet(&mut self, open: Actors) -> bool {
        self.quiet_beside(open, &mut || true)
    }

    /// The same, and `beside` holds at that moment.
    pub(crate) fn quiet_beside(&mut self, open: Actors, beside: &mut dyn FnMut() -> bool) -> bool {
        self.looks += 1;
        let members = self.workers.iter_mut().enumerate();
        let mut lookouts: SmallVec<[_; ACTORS_MAX]> = members
            .filter(|(index, _)| open.contains(Actor(*index as u8)))
            .map(|(_, member)| (&mut member.lookout, &member.desk))
            .collect();
        let asleep = asleep_together(&mut lookouts, beside);
        drop(lookouts);
        asleep && open.iter().all(|actor| !self.workers[usize::from(actor.0)].desk.finished())
    }

    /// Has the orders carried out, all at the same time.
    pub(crate) fn carry_out(
        &mut self,
        orders: impl IntoIterator<Item = (Actor, Order)>,
        doing: &'static str,
    ) -> Result<(), Trouble> {
        let mut actors = Actors::NONE;
        for (actor, order) in orders {
            self.member(actor).desk.post(order);
            actors = actors.with(actor);
        }
        for actor in actors.iter() {
            let mut patience = Patience::new();
            while !self.member(actor).desk.finished() {
                self.pause(&mut patience, Actors::NONE.with(actor))?;
            }
            if let Some(Report::Failed(number)) = self.member(actor).desk.report() {
                return Err(Trouble::while_doing(doing)(io::Error::from_raw_os_error(number)));
            }
        }
        Ok(())
    }

    /// Hands over a port: to a thread as it is, to a process as descriptors. An order to take it
    /// must follow.
    pub(crate) fn hand_over(&mut self, actor: Actor, port: Box<dyn Port>) -> Result<(), Trouble> {
        let sent = self.member(actor).hand_over(port);
        let Err(error) = sent else { return Ok(()) };
        let mut patience = Patience::new();
        while matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset) {
            // The worker has closed its socket, so it is about to be seen dead.
            self.pause(&mut patience, Actors::NONE)?;
        }
        Err(Trouble::while_doing("pass ends on")(error))
    }

    /// Lets workers run for a moment; gives up when patience ends or a worker has died.
    pub(crate) fn pause(&mut self, patience: &mut Patience, busy: Actors) -> Result<(), Trouble> {
        if patience.yields() {
            thread::yield_now();
            return Ok(());
        }
        for (index, member) in self.workers.iter_mut().enumerate() {
            if let Some(status) = member.body.ended() {
                return Err(Trouble::ActorDied { actor: Actor(index as u8), status });
            }
        }
        let workers = &self.workers;
        let finished = |actor: Actor| workers[usize::from(actor.0)].desk.finished();
        patience.nap(&self.bell, || busy.iter().any(finished))
    }

    /// Lets every call go on that is stopped. A signal to one at its stop would have the kernel come to the missing page
    /// over and over; and who waits for a lock that it holds hears no signal.
    fn let_all_go_on(&self) {
        for watch in self.workers.iter().filter_map(|member| member.watch.as_ref()) {
            // A worker that is gone needs no page.
            let _ = watch.go_on(|_| ());
        }
    }

    /// Interrupts the call in which an actor sleeps until it returns. `false`: it would not.
    pub(crate) fn release(&mut self, actor: Actor) -> Result<bool, Trouble> {
        const SIGNALS_MAX: usize = 100;
        self.let_all_go_on();
        let mut patience = Patience::new();
        let mut sent = 0;
        while !self.member(actor).desk.finished() {
            // A signal to one that is about to enter its call would be of no avail.
            if self.quiet(Actors::NONE.with(actor)) {
                if sent == SIGNALS_MAX {
                    return Ok(false);
                }
                sent += 1;
                // A worker that is gone is noticed by `pause`.
                self.member(actor).interrupt();
            }
            self.pause(&mut patience, Actors::NONE.with(actor))?;
        }
        Ok(true)
    }

    /// Ends all workers. A thread that can't be got out of its call is left to itself.
    pub(crate) fn clear(&mut self) {
        for index in 0..self.workers.len() {
            if matches!(self.workers[index].body, Body::Thread { .. }) {
                // Whatever the trouble is, the thread is left alone then.
                let _ = self.release(Actor(index as u8));
            }
        }
        // All at once: one may wait for a lock of the kernel that another holds, and can't die before that one does.
        self.let_all_go_on();
        for member in &self.workers {
            if let Body::Process { child } = &member.body {
                child.kill();
            }
        }
        for member in self.workers.drain(..) {
            member.end();
        }
        // What is left in places is of no use to anybody.
        if let Ok(entries) = fs::read_dir(self.places()) {
            for entry in entries.flatten() {
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.clear();
        // Of itself the directory is removed by opening it, for which there may be no descriptor left;
        // it is empty by now, and if it isn't, it is still tried.
        let _ = fs::remove_dir(self.places());
    }
}

fn introduce(bell: &Bell, actor: Actor, desk: &mut Desk, body: &mut Body) -> Result<i32, Trouble> {
    desk.post(Order::Introduce);
    let mut patience = Patience::new();
    loop {
        match desk.report() {
            Some(Report::Thread(id)) => return Ok(id),
            Some(Report::Failed(number)) => {
                let error = io::Error::from_raw_os_error(number);
                return Err(Trouble::while_doing("set a worker up")(error));
            }
            _ => {}
        }
        if patience.yields() {
            thread::yield_now();
        } else if let Some(status) = body.ended() {
            return Err(Trouble::ActorDied { actor, status });
        } else {
            patience.nap(bell, || desk.finished())?;
        }
    }
}

impl Member {
    fn hand_over(&mut self, port: Box<dyn Port>) -> io::Result<()> {
        match &mut self.body {
            Body::Thread { tray, interrupter, .. } => {
                *interrupter = port.interrupter();
                *tray.lock().unwrap_or_else(PoisonError::into_inner) = Some(port);
                Ok(())
            }
            Body::Process { .. } => passing::send(&self.line, &port.descriptors()),
        }
    }

    fn interrupt(&mut self) {
        if let Body::Thread { interrupter: Some(interrupter), .. } = &self.body {
            interrupter();
        }
        let _ = signals::interrupt(self.body.process_id(), self.thread_id);
    }

    fn end(mut self) {
        // A process is killed and reaped when its body is dropped.
        if let Body::Thread { handle, .. } = self.body
            && self.desk.finished()
        {
            self.desk.post(Order::Leave);
            let _ = handle.join();
        }
    }
}

impl Body {
    fn process_id(&self) -> i32 {
        match self {
            Body::Thread { .. } => std::process::id() as i32,
            Body::Process { child } => child.id(),
        }
    }

    /// How the worker ended, if it has.
    fn ended(&mut self) -> Option<String> {
        match self {
            Body::Thread { handle, .. } => handle.is_finished().then(|| "panicked".into()),
            Body::Process { child } => child.ended().map(str::to_owned),
        }
    }
}

/// How long to wait for a worker: at first by giving up the processor, then by naps that the worker
/// ends, at last no longer.
pub(crate) struct Patience {
    pauses: u32,
    nap: Duration,
    since: Option<Instant>,
}

impl Patience {
    const YIELDS: u32 = 64;
    const NAP_MAX: Duration = Duration::from_millis(5);
    const END: Duration = Duration::from_secs(10);

    pub(crate) fn new() -> Patience {
        Patience { pauses: 0, nap: Duration::from_micros(50), since: None }
    }

    pub(crate) fn yields(&mut self) -> bool {
        self.pauses += 1;
        self.pauses <= Patience::YIELDS
    }

    /// Whether the next pause is a nap.
    pub(crate) fn yielded(&self) -> bool {
        self.pauses >= Patience::YIELDS
    }

    pub(crate) fn nap(&mut self, bell: &Bell, ready: impl FnOnce() -> bool) -> Result<(), Trouble> {
        if self.since.get_or_insert_with(Instant::now).elapsed() > Patience::END {
            return Err(Trouble::Inconclusive { seconds: Patience::END.as_secs() });
        }
        bell.nap(self.nap, ready);
        self.nap = (self.nap * 2).min(Patience::NAP_MAX);
        Ok(())
    }
}
