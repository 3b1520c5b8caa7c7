//! The processes and threads of a run: who is there, how they are looked at, how they end.

use std::marker::PhantomData;
use std::os::fd::BorrowedFd;
use std::{fs, io, thread};

use pipewright_backends::sys::desk::{Desk, Order, Report};
use pipewright_backends::sys::pidfd::Pidfd;
use pipewright_backends::sys::{passing, signals};
use pipewright_backends::troupe::{Arena, Notice, Seated, Warden, Ways};
use pipewright_model::call::{ACTORS_MAX, Actor, End};
use pipewright_model::data;
use pipewright_model::run::Actors;
use smallvec::SmallVec;

use crate::look::{Lookout, asleep_together};
use crate::pool::{Patience, may_fork};
use crate::trouble::Trouble;

/// The warden and the actors.
pub(super) struct Company {
    ways: &'static dyn Ways,
    cores: Vec<usize>,
    arena: Arena,
    /// The warden and its desk; `None` before it is needed, and after it has died.
    warden: Option<(Warden, Desk)>,
    desks: Vec<Desk>,
    members: [Option<Member>; ACTORS_MAX],
    /// The process of the first who was enlisted.
    first: Option<i32>,
    looks: u64,
    /// The warden dies with the thread that forked it, so this can't move to another.
    _stays: PhantomData<*const ()>,
}

/// An actor that is there.
struct Member {
    lookout: Lookout,
    process: Option<Pidfd>,
    /// Whether its process has been told to end.
    ending: bool,
}

impl Company {
    pub(super) fn new(ways: &'static dyn Ways, cores: Vec<usize>) -> Result<Company, Trouble> {
        signals::install();
        // Made once for all, here: an actor must not find another thread in the midst of making it.
        data::fill(Actor(0), 0, &mut [0]);
        let sharing = Trouble::while_doing("share memory");
        let arena = Arena::new().map_err(&sharing)?;
        let desk = |actor| arena.desk(Seated::Actor(Actor(actor)));
        let desks = (0..ACTORS_MAX as u8).map(desk).collect::<io::Result<_>>().map_err(&sharing)?;
        let members = [const { None }; ACTORS_MAX];
        let (warden, first, looks) = (None, None, 0);
        let mut company = Company {
            ways,
            cores,
            arena,
            warden,
            desks,
            members,
            first,
            looks,
            _stays: PhantomData,
        };
        company.ready()?;
        Ok(company)
    }

    pub(super) fn looks(&self) -> u64 {
        self.looks
    }

    /// Sees to it that there is a warden, and nobody else.
    pub(super) fn ready(&mut self) -> Result<(), Trouble> {
        if self.warden.is_some() {
            return Ok(());
        }
        let starting = Trouble::while_doing("start the warden");
        let desk = self.arena.desk(Seated::Warden).map_err(&starting)?;
        let warden = {
            let _alone = may_fork();
            Warden::new(&self.arena, self.ways, self.cores.clone()).map_err(&starting)?
        };
        self.warden = Some((warden, desk));
        self.order_warden(Order::Introduce, "start the warden").map(drop)
    }

    /// Tells actors to come of the channels.
    pub(super) fn tell(&mut self, notice: &Notice) -> Result<(), Trouble> {
        self.desks.iter_mut().for_each(Desk::reset);
        self.arena.tell(&notice.bytes()).map_err(Trouble::while_doing("share memory"))
    }

    /// Has a process forked that holds these ends, with its threads.
    pub(super) fn enlist(
        &mut self,
        actor: Actor,
        threads: &[Actor],
        ends: &[(End, BorrowedFd<'_>)],
    ) -> Result<(), Trouble> {
        let doing = "start an actor";
        if let Some((warden, _)) = &self.warden {
            passing::send(warden.line(), ends).map_err(Trouble::while_doing(doing))?;
        }
        let bits = threads.iter().fold(0, |bits, thread| bits | 1 << thread.0);
        let report = self.order_warden(Order::Enlist { actor, threads: bits }, doing)?;
        if let Report::Thread(process) = report {
            self.first.get_or_insert(process);
            self.join(actor, process, true)?;
            for thread in threads {
                self.join(*thread, process, false)?;
            }
        }
        Ok(())
    }

    /// Takes in a process that an actor has forked.
    pub(super) fn born(&mut self, actor: Actor) -> Result<(), Trouble> {
        match self.arena.process(actor) {
            Some(process) => self.join(actor, process, true),
            None => Err(Trouble::ActorDied { actor, status: "never came to be".into() }),
        }
    }

    fn join(&mut self, actor: Actor, process: i32, leads: bool) -> Result<(), Trouble> {
        let doing = "start an actor";
        let pidfd = if leads { Some(Pidfd::open(process)) } else { None };
        let pidfd = pidfd.transpose().map_err(Trouble::while_doing(doing))?;
        let desk = &mut self.desks[usize::from(actor.0)];
        desk.post(Order::Introduce);
        let mut patience = Patience::new();
        let thread = loop {
            match self.desks[usize::from(actor.0)].report() {
                Some(Report::Thread(id)) => break id,
                Some(Report::Failed(number)) => {
                    let error = io::Error::from_raw_os_error(number);
                    return Err(Trouble::while_doing(doing)(error));
                }
                _ => {}
            }
            if pidfd.as_ref().is_some_and(Pidfd::has_ended) {
                return Err(Trouble::ActorDied { actor, status: "before its first order".into() });
            }
            self.pause(&mut patience, Actors::NONE.with(actor))?;
        };
        let lookout = Lookout::new(process, thread, 0)?;
        let member = Member { lookout, process: pidfd, ending: false };
        self.members[usize::from(actor.0)] = Some(member);
        Ok(())
    }

    /// Whether the actor is there, be it that its process has been told to end.
    pub(super) fn is_there(&self, actor: Actor) -> bool {
        self.members[usize::from(actor.0)].is_some()
    }

    pub(super) fn desk(&mut self, actor: Actor) -> &mut Desk {
        &mut self.desks[usize::from(actor.0)]
    }

    /// Notes that the process of this leader is told to end; sends it a signal, if that is what ends it.
    pub(super) fn end(&mut self, leader: Actor, signal: Option<i32>) -> Result<(), Trouble> {
        let Some(member) = &mut self.members[usize::from(leader.0)] else { return Ok(()) };
        member.ending = true;
        match (&member.process, signal) {
            (Some(process), Some(signal)) => {
                process.send(signal).map_err(Trouble::while_doing("kill an actor"))
            }
            _ => Ok(()),
        }
    }

    /// The signals that the process of this leader ignores, and those that it catches, a bit each; `None` where the system
    /// does not tell.
    pub(super) fn signal_masks(&self, leader: Actor) -> Option<(u64, u64)> {
        let process =
            self.members[usize::from(leader.0)].as_ref().and(self.arena.process(leader))?;
        let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
        let mask = |name| {
            let mask = status.lines().find_map(|line| line.strip_prefix(name))?;
            u64::from_str_radix(mask.trim(), 16).ok()
        };
        Some((mask("SigIgn:")?, mask("SigCgt:")?))
    }

    /// Notes whether an actor's process has been stopped by a signal.
    pub(super) fn set_stopped(&mut self, actor: Actor, stopped: bool) {
        if let Some(member) = &mut self.members[usize::from(actor.0)] {
            member.lookout.set_stopped(stopped);
        }
    }

    /// Whether a thread has stopped that was told to.
    pub(super) fn has_stopped(&self, actor: Actor) -> bool {
        let member = self.members[usize::from(actor.0)].as_ref();
        member.is_none_or(|member| member.lookout.has_stopped())
    }

    /// Whether the process of this leader has ended, with all its threads.
    pub(super) fn has_ended(&self, leader: Actor) -> bool {
        let member = self.members[usize::from(leader.0)].as_ref();
        member.and_then(|member| member.process.as_ref()).is_none_or(Pidfd::has_ended)
    }

    /// Forgets an actor whose process has ended.
    pub(super) fn forget(&mut self, actor: Actor) {
        self.members[usize::from(actor.0)] = None;
    }

    /// Whether each of these actors sleeps in its call, all at one moment. `false` decides nothing.
    pub(super) fn quiet(&mut self, open: Actors) -> bool {
        self.looks += 1;
        let members = self.members.iter_mut().enumerate();
        let mut lookouts: SmallVec<[_; ACTORS_MAX]> = members
            .zip(&self.desks)
            .filter(|((index, _), _)| open.contains(Actor(*index as u8)))
            .filter_map(|((_, member), desk)| Some((&mut member.as_mut()?.lookout, desk)))
            .collect();
        let asleep = asleep_together(&mut lookouts, &mut || true);
        drop(lookouts);
        asleep && open.iter().all(|actor| !self.desks[usize::from(actor.0)].finished())
    }

    /// Lets actors run for a moment; gives up when patience ends or one has died that was not told to.
    pub(super) fn pause(&mut self, patience: &mut Patience, busy: Actors) -> Result<(), Trouble> {
        if patience.yields() {
            thread::yield_now();
            return Ok(());
        }
        for (index, member) in self.members.iter().enumerate() {
            let Some(Member { process: Some(process), ending: false, .. }) = member else {
                continue;
            };
            if process.has_ended() {
                let actor = Actor(index as u8);
                return Err(Trouble::ActorDied { actor, status: "ended unasked".into() });
            }
        }
        let desks = &self.desks;
        let finished = |actor: Actor| desks[usize::from(actor.0)].finished();
        patience.nap(self.arena.bell(), || busy.iter().any(finished))
    }

    /// The same, until a process ends that has been told to, if there is one.
    pub(super) fn pause_for_end(
        &mut self,
        patience: &mut Patience,
        busy: Actors,
    ) -> Result<(), Trouble> {
        let ending = self.members.iter().flatten().filter(|member| member.ending);
        let mut ending = ending.filter_map(|member| member.process.as_ref()).peekable();
        if ending.peek().is_some() && patience.yielded() {
            Pidfd::await_any(ending, 1);
        }
        self.pause(patience, busy)
    }

    /// Ends all actors, and waits until none is left.
    pub(super) fn strike(&mut self) -> Result<(), Trouble> {
        self.members.fill_with(|| None);
        let first = self.first.take();
        if self.warden.is_none() {
            return Ok(());
        }
        let struck = self.order_warden(Order::Strike, "end the actors");
        if struck.is_err() {
            self.warden = None;
            first.into_iter().for_each(Warden::kill_all);
        }
        struck.map(drop)
    }

    fn order_warden(&mut self, order: Order, doing: &'static str) -> Result<Report, Trouble> {
        let Some((warden, desk)) = &mut self.warden else { return Ok(Report::Done) };
        if desk.finished() {
            desk.post(order);
        }
        let mut patience = Patience::new();
        while !desk.finished() {
            if patience.yields() {
                thread::yield_now();
            } else if let Some(status) = warden.ended() {
                return Err(Trouble::WardenDied { status });
            } else {
                patience.nap(self.arena.bell(), || desk.finished())?;
            }
        }
        match desk.report() {
            Some(Report::Failed(number)) => {
                let error = io::Error::from_raw_os_error(number);
                Err(Trouble::while_doing(doing)(error))
            }
            report => Ok(report.unwrap_or(Report::Done)),
        }
    }
}

impl Drop for Company {
    fn drop(&mut self) {
        // What can't be ended so ends with the warden.
        let _ = self.strike();
    }
}
