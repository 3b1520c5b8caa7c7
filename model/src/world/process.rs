//! Processes: who shares a table of descriptors, and what goes when one ends.

use crate::call::{Actor, Disposition, End, Lock, Op, Sig, Termination};
use crate::index::ObjectIndex;
use crate::run::Actors;
use crate::world::{ActorState, Pending, Progress, World};

impl World {
    /// Whose table of descriptors the actor uses: its own, or that of the process whose thread it is.
    pub fn leader(&self, actor: Actor) -> Actor {
        self.actors.get(usize::from(actor.0)).map_or(actor, |actor| actor.leader)
    }

    /// The table that the actor uses.
    pub(super) fn table(&self, actor: Actor) -> &ActorState {
        &self.actors[usize::from(self.leader(actor).0)]
    }

    /// The table that the actor uses.
    pub(super) fn table_mut(&mut self, actor: Actor) -> &mut ActorState {
        let leader = self.leader(actor);
        &mut self.actors[usize::from(leader.0)]
    }

    /// The threads of a process that may take a signal.
    pub fn takers(&self, leader: Actor) -> impl Iterator<Item = Actor> + '_ {
        self.threads(leader).filter(|actor| self.actors[usize::from(actor.0)].polls_for.is_none())
    }

    /// The actors that share a table.
    pub fn threads(&self, leader: Actor) -> impl Iterator<Item = Actor> + '_ {
        let all = (0..self.actors.len() as u8).map(Actor);
        all.filter(move |actor| self.leader(*actor) == leader)
    }

    /// Whether others use the actor's table, too.
    pub fn shares_table(&self, actor: Actor) -> bool {
        self.threads(self.leader(actor)).nth(1).is_some()
    }

    /// Whether the descriptor is closed by `execve(2)`.
    pub fn closes_on_exec(&self, actor: Actor, end: End) -> bool {
        end != End::ELSEWHERE && self.table(actor).close_on_exec & 1 << end.0 != 0
    }

    /// Sets or clears `FD_CLOEXEC`.
    pub fn set_close_on_exec(&mut self, actor: Actor, end: End, on: bool) {
        let table = self.table_mut(actor);
        table.close_on_exec = table.close_on_exec & !(1 << end.0) | u32::from(on) << end.0;
    }

    /// A process comes to be, with a copy of the caller's table.
    pub fn fork(&mut self, parent: Actor, child: Actor) {
        let table = self.table(parent);
        let (ends, close_on_exec) = (table.ends.clone(), table.close_on_exec);
        let signals = table.signals;
        let parent = Some(self.leader(parent));
        let Some(child) = self.actors.get_mut(usize::from(child.0)) else { return };
        *child = ActorState { ends, close_on_exec, parent, signals, ..child.clone() };
        child.locks.clear();
        child.signals.goes_on();
    }

    /// The actor's process ends: whatever its threads are in comes to an end, then what it holds is let go of.
    pub fn exits(&mut self, actor: Actor, status: Termination) {
        self.table_mut(actor).signals.goes_on();
        let threads: Vec<Actor> = self.threads(self.leader(actor)).collect();
        for thread in threads {
            match self.pending(thread) {
                Some(Pending { op: Op::Exit { .. }, .. }) => {}
                Some(call) if call.progress == Progress::Open || self.is_to_let_go(thread) => {
                    self.pending_mut(thread).dies = Some(status);
                }
                _ => self.die(thread, status),
            }
        }
    }

    /// The actor's call is over, as far as it has come: from here on its process lets go of what it holds.
    pub fn die(&mut self, actor: Actor, status: Termination) {
        self.returned(actor);
        let call = Pending { op: Op::Exit { status }, ..Pending::NOBODYS };
        self.actors[usize::from(actor.0)].call = Some(call);
    }

    /// Whether the actor's process is ending, or has ended.
    pub fn is_ending(&self, actor: Actor) -> bool {
        let call = self.pending(self.leader(actor));
        call.is_some_and(|call| matches!(call.op, Op::Exit { .. }) || call.dies.is_some())
    }

    /// The actors with a call in progress whose process has not ended.
    pub fn in_calls(&self) -> Actors {
        let ends = |actor: &Actor| {
            self.pending(*actor).is_some_and(|call| matches!(call.op, Op::Exit { .. }))
        };
        self.busy().iter().filter(|actor| !ends(actor)).collect()
    }

    /// The status with which the actor's process has ended, if it has: it holds nothing any more.
    pub fn ended(&self, actor: Actor) -> Option<Termination> {
        let leader = self.leader(actor);
        let status = self.exiting(leader)?;
        self.table(leader).ends.is_empty().then_some(status)
    }

    /// The status with which the process of this leader is ending, once none of its threads is in a call any more.
    pub fn exiting(&self, leader: Actor) -> Option<Termination> {
        let status = |actor| match self.pending(actor)?.op {
            Op::Exit { status } => Some(status),
            _ => None,
        };
        let all = self.threads(leader).all(|thread| status(thread).is_some());
        status(leader).filter(|_| all)
    }

    /// The descriptors that an exit, or an exec, lets go of.
    pub fn let_go_of(&self, actor: Actor, op: Op) -> impl Iterator<Item = End> + '_ {
        let all = matches!(op, Op::Exit { .. });
        self.open_ends(actor).filter(move |end| all || self.closes_on_exec(actor, *end))
    }

    /// The lock that the actor's process holds on the object by `F_SETLK`.
    pub fn process_lock(&self, actor: Actor, object: ObjectIndex) -> Lock {
        let held = self.table(actor).locks.iter().find(|(on, _)| *on == object);
        held.map_or(Lock::None, |(_, lock)| *lock)
    }

    /// Whether the actor's process holds any lock by `F_SETLK`.
    pub fn has_process_locks(&self, actor: Actor) -> bool {
        !self.table(actor).locks.is_empty()
    }

    /// Gives the actor's process a lock on the object, or takes it.
    pub fn set_process_lock(&mut self, actor: Actor, object: ObjectIndex, lock: Lock) {
        let locks = &mut self.table_mut(actor).locks;
        locks.retain(|(on, _)| *on != object);
        if lock != Lock::None {
            let place = locks.partition_point(|(on, _)| *on < object);
            locks.insert(place, (object, lock));
        }
    }

    /// The locks that processes other than the actor's hold on the object by `F_SETLK`.
    pub fn locks_of_others(
        &self,
        actor: Actor,
        object: ObjectIndex,
    ) -> impl Iterator<Item = (Actor, Lock)> + '_ {
        let own = self.leader(actor);
        let all = (0..self.actors.len() as u8).map(Actor);
        all.filter(move |other| *other != own && self.leader(*other) == *other)
            .map(move |other| (other, self.process_lock(other, object)))
            .filter(|(_, lock)| *lock != Lock::None)
    }

    /// The actor's call begins anew, behind all who wait.
    pub fn restart(&mut self, actor: Actor) {
        for call in self.actors.iter_mut().filter_map(|actor| actor.call.as_mut()) {
            call.behind = call.behind.without(actor);
        }
        let call = self.pending_mut(actor);
        let (end, op, description, keeps) = (call.end, call.op, call.description, call.keeps);
        let (counted, dies, stops) = (false, call.dies, call.stops);
        *call = Pending { end, op, description, keeps, counted, dies, stops, ..Pending::NOBODYS };
    }

    /// The process whose child the actor is, until that has waited for it.
    pub fn parent(&self, actor: Actor) -> Option<Actor> {
        self.actors.get(usize::from(actor.0))?.parent
    }

    /// Whether the process has ended and was waited for.
    pub fn is_reaped(&self, actor: Actor) -> bool {
        self.table(actor).reaped
    }

    /// Whether somebody of whom the run does not tell may wait for the process: its parent has ended, or takes no part.
    pub fn is_adopted(&self, actor: Actor) -> bool {
        self.parent(self.leader(actor)).is_none_or(|parent| self.is_ending(parent))
    }

    /// Whether the actor's process leaves no status where it ends now: its parent ignores `SIGCHLD`.
    pub fn leaves_no_status(&self, actor: Actor) -> bool {
        let ignores = |parent| {
            !self.is_ending(parent) && self.signals(parent).of(Sig::CHLD) == Disposition::Ignored
        };
        !self.table(actor).left_status && self.parent(self.leader(actor)).is_some_and(ignores)
    }

    /// Whether the parent of the actor's process, which lives, catches `SIGCHLD`: what its handler interrupts is not followed.
    pub fn parent_is_told(&self, actor: Actor) -> bool {
        let catches = |parent: Actor| {
            let does = self.signals(parent).of(Sig::CHLD);
            !self.is_ending(parent) && matches!(does, Disposition::Caught | Disposition::Restarting)
        };
        self.parent(self.leader(actor)).is_some_and(catches)
    }

    /// Whether a call in progress says anew what the parent of the actor's process has `SIGCHLD` do: a child that has ended
    /// before it has left a status or none.
    pub fn may_leave_otherwise(&self, actor: Actor) -> bool {
        let says = |call: &Pending| matches!(call.op, Op::SetSignal { signal: Sig::CHLD, .. });
        let says = |thread| self.pending(thread).is_some_and(says);
        let parent = self.parent(self.leader(actor));
        !self.table(actor).left_status && parent.is_some_and(|p| self.threads(p).any(says))
    }

    /// The actor's process has left a status for its parent, whatever that has `SIGCHLD` do later.
    pub fn leave_status(&mut self, actor: Actor) {
        self.table_mut(actor).left_status = true;
    }

    /// Its parent has waited for it.
    pub fn reap(&mut self, child: Actor) {
        let child = &mut self.actors[usize::from(child.0)];
        (child.parent, child.reaped) = (None, true);
    }
}
