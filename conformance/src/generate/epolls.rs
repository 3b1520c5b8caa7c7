//! Event loops: an actor registers what it holds with an epoll, and waits, while all that walks do goes on.
//!
//! Nothing races in such a scenario: each call has returned, or sleeps, before the next is made.

use pipewright_model::call::{Actor, End, Events, Op, Trigger};
use pipewright_model::channel::Object;

use super::walk::Walk;

/// The end that is an epoll, and that of a duplicate or of another epoll.
pub(super) const EPOLLS: [End; 2] = [End(8), End(9)];

/// What is registered with an epoll.
const INTERESTS: [(u32, Events); 4] = [
    (5, Events::IN),
    (4, Events::OUT),
    (4, Events(Events::IN.0 | Events::OUT.0)),
    (1, Events::NONE),
];

/// The same of sockets.
const INTERESTS_IN_SOCKETS: [(u32, Events); 6] = [
    (5, Events::IN),
    (4, Events::OUT),
    (4, Events(Events::IN.0 | Events::OUT.0)),
    (4, Events(Events::IN.0 | Events::RDHUP.0)),
    (1, Events::RDHUP),
    (1, Events::NONE),
];

/// How it is told.
const TRIGGERS: [(u32, Trigger); 6] = [
    (6, Trigger::NONE),
    (8, Trigger::EDGE),
    (3, Trigger::ONE_SHOT),
    (3, Trigger(Trigger::EDGE.0 | Trigger::ONE_SHOT.0)),
    (1, Trigger::EXCLUSIVE),
    (1, Trigger(Trigger::EXCLUSIVE.0 | Trigger::EDGE.0)),
];

/// How many events are asked for at most.
const TOLD: [(u32, u8); 4] = [(12, 4), (6, 1), (3, 2), (1, 0)];

/// What is done with an epoll.
#[derive(Clone, Copy)]
enum Ask {
    Another,
    Add,
    Modify,
    Delete,
    Wait,
    Poll,
    Read,
    Close,
}

const ASKS: [(u32, Ask); 8] = [
    (2, Ask::Another),
    (34, Ask::Add),
    (14, Ask::Modify),
    (6, Ask::Delete),
    (60, Ask::Wait),
    (5, Ask::Poll),
    (1, Ask::Read),
    (2, Ask::Close),
];

/// In how many of a hundred registrations the target is any end that the actor has had.
const ANY_TARGET_PERCENT: u32 = 12;

/// In how many of a hundred waits there is no time-out.
const WAITS_PERCENT: u32 = 35;

impl Walk<'_> {
    /// The next call of an event loop.
    pub(super) fn of_loop(&mut self, actor: Actor) -> Option<(End, Op)> {
        let open: Vec<End> = EPOLLS.into_iter().filter(|end| self.is_epoll(actor, *end)).collect();
        let Some(epoll) = self.dice.any(open.iter().copied()) else {
            return Some((EPOLLS[0], Op::Epoll));
        };
        let op = match self.dice.weighted(ASKS.into_iter())? {
            Ask::Another => {
                let free = EPOLLS.into_iter().find(|end| !open.contains(end))?;
                return Some((free, Op::Epoll));
            }
            Ask::Add => {
                let (events, trigger) = self.interest()?;
                Op::EpollAdd { target: self.target(actor)?, events, trigger }
            }
            Ask::Modify => {
                let (events, trigger) = self.interest()?;
                Op::EpollModify { target: self.target(actor)?, events, trigger }
            }
            Ask::Delete => Op::EpollDelete { target: self.target(actor)? },
            Ask::Wait => {
                let most = self.dice.weighted(TOLD.into_iter())?;
                Op::EpollWait { most, wait: self.dice.chance(WAITS_PERCENT) }
            }
            Ask::Poll => self.poll()?,
            Ask::Read => Op::Read { len: self.dice.below(2) },
            Ask::Close => Op::Close,
        };
        Some((epoll, op))
    }

    fn interest(&mut self) -> Option<(Events, Trigger)> {
        let events = match self.follower.world.has_sockets() {
            true => self.dice.weighted(INTERESTS_IN_SOCKETS.into_iter())?,
            false => self.dice.weighted(INTERESTS.into_iter())?,
        };
        Some((events, self.dice.weighted(TRIGGERS.into_iter())?))
    }

    /// What is registered: mostly an end that is open.
    fn target(&mut self, actor: Actor) -> Option<End> {
        match self.dice.chance(ANY_TARGET_PERCENT) {
            true => {
                let had: Vec<End> = self.ends.of(actor).had().collect();
                self.dice.any(had.into_iter())
            }
            false => self.end(actor, |_| true),
        }
    }

    /// Whether the end is open, and an epoll.
    pub(super) fn is_epoll(&self, actor: Actor, end: End) -> bool {
        let world = &self.follower.world;
        let index = world.end(actor, end);
        index.is_some_and(|index| matches!(world.object(index), Object::Epoll(_)))
    }
}
