//! The epolls of a world, and the places of their entries in wait queues.

use smallvec::SmallVec;

use crate::call::{Actor, Op};
use crate::channel::epoll::Item;
use crate::channel::{Epoll, Object};

use super::{DescriptionIndex, ObjectIndex, PassedOver, Progress, World};

impl World {
    /// Its epolls, each with its index.
    pub fn epolls(&self) -> impl Iterator<Item = (ObjectIndex, &Epoll)> {
        self.objects.iter().enumerate().filter_map(|(index, object)| match object {
            Object::Epoll(epoll) => Some((index as ObjectIndex, &**epoll)),
            _ => None,
        })
    }

    /// Whether there are any.
    pub fn has_epolls(&self) -> bool {
        self.epolls().next().is_some()
    }

    /// Whether it matters who is woken: an epoll tells of it, or a call has been passed over.
    pub fn wakes_matter(&self) -> bool {
        let mut calls = self.actors.iter().filter_map(|actor| actor.call.as_ref());
        self.has_epolls() || calls.any(|call| call.passed_over != PassedOver::No)
    }

    /// An open file description is gone: no epoll watches it any more.
    pub(super) fn forget_watched(&mut self, index: DescriptionIndex) {
        for object in &mut self.objects {
            if let Object::Epoll(epoll) = object {
                epoll.forget(|key| key.description == index);
            }
        }
    }

    /// The rank of a new entry. Those of the others are closed up.
    pub fn next_rank(&mut self) -> u8 {
        let ranks = self.epolls().flat_map(|(_, epoll)| &epoll.items).map(|item| item.rank);
        let mut ranks: SmallVec<[u8; 8]> = ranks.collect();
        ranks.sort_unstable();
        let place = |rank: u8| ranks.iter().filter(|other| **other < rank).count() as u8;
        self.items_mut().for_each(|item| item.rank = place(item.rank));
        ranks.len() as u8
    }

    fn items_mut(&mut self) -> impl Iterator<Item = &mut Item> {
        let epolls = self.objects.iter_mut().filter_map(|object| match object {
            Object::Epoll(epoll) => Some(&mut **epoll),
            _ => None,
        });
        epolls.flat_map(|epoll| &mut epoll.items)
    }

    /// The actor's call sleeps behind all entries that are in the wait queue by now.
    pub fn is_behind_entries(&mut self, actor: Actor) {
        let call = self.pending_mut(actor);
        (call.settled, call.woken, call.passed_over) = (false, false, PassedOver::No);
        for item in self.items_mut() {
            item.before = item.before.without(actor);
            item.perhaps_before = item.perhaps_before.without(actor);
        }
    }

    /// The actor's call sleeps before all entries that are in the wait queue by now.
    pub fn is_before_entries(&mut self, actor: Actor) {
        for item in self.items_mut() {
            item.before = item.before.with(actor);
        }
    }

    /// The actor's call was before some entries in the wait queue, and is perhaps behind them now.
    pub(super) fn is_perhaps_behind_entries(&mut self, actor: Actor) {
        for item in self.items_mut().filter(|item| item.before.contains(actor)) {
            item.before = item.before.without(actor);
            item.perhaps_before = item.perhaps_before.with(actor);
        }
    }

    /// The actors that sleep in a wait on an epoll and have not been woken.
    pub fn asleep_on_epoll(&self, epoll: ObjectIndex) -> impl Iterator<Item = Actor> + '_ {
        (0..self.actors.len() as u8).map(Actor).filter(move |actor| {
            self.pending(*actor).is_some_and(|call| {
                call.entered
                    && call.progress == Progress::Open
                    && matches!(call.op, Op::EpollWait { .. })
                    && self.object_called(call) == Some(epoll)
            })
        })
    }
}
