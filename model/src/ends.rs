//! The ends that each actor has open along a run, as far as its calls and their replies tell.
//!
//! It knows no rules: what a call makes counts as made until it is seen to fail, and after a close, however that
//! ends, nothing is open. The language of runs, [`Run::check`](crate::run::Run::check), the generator and the player
//! of scenarios follow it, so that none of them takes for a run what another can't say or play.

use crate::call::{ACTORS_MAX, Actor, Answer, Call, ENDS_MAX, End, Op};
use crate::run::{Form, Seat};

/// The ends of one actor, or of all threads of a process, a bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    open: u32,
    had: u32,
    /// Those that `execve(2)` closes.
    close_on_exec: u32,
}

/// No bit where there is no such end.
const fn bit(end: End) -> u32 {
    if (end.0 as usize) < ENDS_MAX { 1 << end.0 } else { 0 }
}

fn ends(bits: u32) -> impl Iterator<Item = End> + Clone {
    (0..ENDS_MAX as u8).map(End).filter(move |end| bits & bit(*end) != 0)
}

impl Held {
    /// The ends that the actor holds at the start.
    pub fn at_start(seat: &Seat) -> Held {
        let mut held = Held::default();
        seat.ends.iter().for_each(|(end, _)| held.gain(*end));
        seat.inherits.iter().for_each(|(end, _)| held.gain(*end));
        held
    }

    fn gain(&mut self, end: End) {
        self.open |= bit(end);
        self.had |= bit(end);
        self.close_on_exec &= !bit(end);
    }

    /// Whether the end is open, or may be.
    pub fn is_open(&self, end: End) -> bool {
        self.open & bit(end) != 0
    }

    /// Whether the end is open, or has been.
    pub fn has_had(&self, end: End) -> bool {
        self.had & bit(end) != 0
    }

    /// All ends that are open.
    pub fn open(&self) -> impl Iterator<Item = End> + Clone + use<> {
        ends(self.open)
    }

    /// All ends that are open or have been.
    pub fn had(&self) -> impl Iterator<Item = End> + Clone + use<> {
        ends(self.had)
    }

    /// The end of which alone a call can be that names none: the only one that is open; where none is, the only
    /// one that there has been.
    pub fn only(&self) -> Option<End> {
        let set = if self.open == 0 { self.had } else { self.open };
        (set.count_ones() == 1).then(|| End(set.trailing_zeros() as u8))
    }

    /// The end that the call would make though it is open: no run has such a call, as nobody could say
    /// afterwards which of the two is meant.
    pub fn in_the_way(&self, call: &Call) -> Option<End> {
        call.makes().filter(|end| self.is_open(*end))
    }

    /// The actor makes a call, and it is seen to give this answer; `None`: it is taken to succeed.
    pub fn learn(&mut self, call: &Call, answer: Option<Answer>) {
        let made = answer.is_none_or(|answer| call.made(answer));
        let onto_itself = call.op == Op::Dup2 { new: call.end };
        if let Some(end) = call.makes().or(call.replaces())
            && made
            && !onto_itself
        {
            self.gain(end);
        }
        match call.op {
            Op::Close => self.open &= !bit(call.end),
            Op::SetCloseOnExec(on) if made => {
                self.close_on_exec &= !bit(call.end);
                self.close_on_exec |= if on { bit(call.end) } else { 0 };
            }
            Op::Exec if made => self.open &= !self.close_on_exec,
            _ => {}
        }
    }

    /// What the call would make, or turn into another, is as it was before.
    fn unlearn(&mut self, call: &Call, before: Held) {
        let end = call.makes().or(call.replaces()).map_or(0, bit);
        self.open = self.open & !end | before.open & end;
        self.had = self.had & !end | before.had & end;
        self.close_on_exec = self.close_on_exec & !end | before.close_on_exec & end;
    }
}

/// The ends of every actor, and the calls that it has in progress.
#[derive(Clone, Debug, Default)]
pub struct OpenEnds {
    held: [Held; ACTORS_MAX],
    /// Calls in progress, with the ends of their actor before them.
    calls: [Option<(Call, Held)>; ACTORS_MAX],
    /// Of a thread whose ends it uses.
    leaders: [Option<Actor>; ACTORS_MAX],
}

impl OpenEnds {
    /// Those held at the start.
    pub fn at_start(seats: &[Seat]) -> OpenEnds {
        let mut ends = OpenEnds::default();
        for (index, seat) in seats.iter().enumerate().take(ACTORS_MAX) {
            ends.seat(Actor(index as u8), seat);
        }
        ends
    }

    /// Seats an actor.
    pub fn seat(&mut self, actor: Actor, seat: &Seat) {
        let index = usize::from(actor.0);
        if let Form::Thread(leader) | Form::Poller { leader, .. } = seat.form {
            self.leaders[index] = Some(leader);
        } else if let Some(held) = self.held.get_mut(index) {
            *held = Held::at_start(seat);
        }
    }

    /// Whose table of descriptors the actor uses.
    pub fn leader(&self, actor: Actor) -> Actor {
        self.leaders.get(usize::from(actor.0)).copied().flatten().unwrap_or(actor)
    }

    /// The ends of an actor.
    pub fn of(&self, actor: Actor) -> Held {
        self.held.get(usize::from(self.leader(actor).0)).copied().unwrap_or_default()
    }

    /// A call begins. Until it is seen to fail, what it makes counts as made.
    pub fn call(&mut self, call: &Call) {
        let before = self.of(call.actor);
        let table = usize::from(self.leader(call.actor).0);
        let Some(open) = self.calls.get_mut(usize::from(call.actor.0)) else { return };
        *open = Some((*call, before));
        if call.makes().or(call.replaces()).is_some() {
            self.held[table].learn(call, None);
        }
        if let Op::Fork { child } = call.op
            && let Some(held) = self.held.get_mut(usize::from(child.0))
        {
            *held = before;
        }
    }

    /// The actor's call returns.
    pub fn returned(&mut self, actor: Actor, answer: Answer) {
        let table = usize::from(self.leader(actor).0);
        let call = self.calls.get_mut(usize::from(actor.0)).and_then(Option::take);
        if let Some((call, before)) = call {
            self.held[table].unlearn(&call, before);
            self.held[table].learn(&call, Some(answer));
            if let (Op::Fork { child }, Answer::Fails(_)) = (call.op, answer) {
                self.held[usize::from(child.0)] = Held::default();
            }
        }
    }

    /// The actor's process ends.
    pub fn exits(&mut self, actor: Actor) {
        let leader = self.leader(actor);
        for index in 0..ACTORS_MAX {
            if self.leader(Actor(index as u8)) == leader {
                self.calls[index] = None;
            }
        }
        if let Some(held) = self.held.get_mut(usize::from(leader.0)) {
            *held = Held { had: held.had, ..Held::default() };
        }
    }

    /// The actor makes a call of which nothing is known: it is taken to succeed at once.
    pub fn assume(&mut self, call: &Call) {
        let before = self.of(call.actor);
        let table = usize::from(self.leader(call.actor).0);
        if let Some(held) = self.held.get_mut(table) {
            held.learn(call, None);
        }
        if let Op::Fork { child } = call.op
            && let Some(held) = self.held.get_mut(usize::from(child.0))
        {
            *held = before;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::{Errno, Mode, OpenFlags};

    const ACTOR: Actor = Actor(0);

    fn call(end: u8, op: Op) -> Call {
        Call { actor: ACTOR, end: End(end), op }
    }

    #[test]
    fn what_fails_makes_nothing_and_a_close_leaves_nothing() {
        let mut ends = OpenEnds::default();
        let open = call(1, Op::Open { mode: Mode::Read, flags: OpenFlags::NONE });
        ends.call(&open);
        assert!(ends.of(ACTOR).is_open(End(1)), "until it fails");
        assert_eq!(ends.of(ACTOR).in_the_way(&open), Some(End(1)));
        ends.returned(ACTOR, Answer::Fails(Errno::ENOENT));
        assert!(!ends.of(ACTOR).has_had(End(1)));
        ends.call(&open);
        ends.returned(ACTOR, Answer::Done);
        assert_eq!(ends.of(ACTOR).only(), Some(End(1)));
        ends.call(&call(1, Op::Close));
        assert!(ends.of(ACTOR).is_open(End(1)), "until it returns");
        ends.returned(ACTOR, Answer::Fails(Errno::EIO));
        assert!(!ends.of(ACTOR).is_open(End(1)));
        assert_eq!(ends.of(ACTOR).only(), Some(End(1)), "it has had no other");
    }

    #[test]
    fn a_duplicate_must_not_be_what_is_open() {
        let mut ends = OpenEnds::default();
        ends.assume(&call(0, Op::Socket { nonblock: false }));
        assert_eq!(ends.of(ACTOR).in_the_way(&call(0, Op::Dup { new: End(0) })), Some(End(0)));
        assert_eq!(ends.of(ACTOR).in_the_way(&call(0, Op::Dup { new: End(1) })), None);
    }
}
