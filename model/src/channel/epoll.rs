//! The epoll discipline: which descriptions are watched, for what, and which of them are to be looked at.
//!
//! Only the lists are here; what puts an entry on the ready list, and what a wait makes of it, is stated in
//! [`crate::rules`].
//!
//! On Linux (`fs/eventpoll.c`) an interest list is keyed by number and open file description, and what wakes a
//! description puts its entry on the ready list. A wait goes through the ready list with the epoll locked; what is
//! woken meanwhile is put aside until it is through.

use smallvec::SmallVec;

use crate::call::{Actor, End, Events, Told, Trigger};
use crate::index::DescriptionIndex;
use crate::run::Actors;

/// What an entry of an interest list is known by: the number that the descriptor had, and what it referred to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "distributed", derive(serde::Serialize, serde::Deserialize))]
pub struct Key {
    /// The descriptor.
    pub end: End,
    /// The open file description.
    pub description: DescriptionIndex,
}

/// An entry of the interest list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "distributed", derive(serde::Serialize, serde::Deserialize))]
pub struct Item {
    /// What it is known by.
    pub key: Key,
    /// The events of interest, with those that are always of interest.
    pub events: Events,
    /// How it is told.
    pub trigger: Trigger,
    /// It was told once, and is not to be told again until it is modified.
    pub disabled: bool,
    /// Its rank among all entries of all epolls, the oldest first.
    pub rank: u8,
    /// Of an exclusive entry: whose calls sleep before it in the wait queue.
    pub before: Actors,
    /// Of an exclusive entry: whose calls perhaps do.
    pub perhaps_before: Actors,
}

/// An entry of the ready list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "distributed", derive(serde::Serialize, serde::Deserialize))]
pub struct Ready {
    /// Whose it is.
    pub key: Key,
    /// Whether it is there for sure: where several might have been woken, and one was, each is there perhaps.
    pub sure: bool,
}

/// A wait on its way through the ready list.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "distributed", derive(serde::Serialize, serde::Deserialize))]
pub struct Scan {
    /// The actors that wait.
    pub by: Actor,
    /// The entries that are still to be looked at.
    pub left: SmallVec<[Ready; 4]>,
    /// What was woken meanwhile.
    pub aside: SmallVec<[Ready; 4]>,
    /// What it has found.
    pub told: Told,
}

/// An epoll.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "distributed", derive(serde::Serialize, serde::Deserialize))]
pub struct Epoll {
    /// The interest list, in the order of registration.
    pub items: SmallVec<[Item; 4]>,
    /// The ready list, the next to be looked at first.
    pub ready: SmallVec<[Ready; 4]>,
    /// The wait that goes through what was on the ready list.
    pub scan: Option<Scan>,
}

impl Epoll {
    /// The entry with this key.
    pub fn item(&self, key: Key) -> Option<&Item> {
        self.items.iter().find(|item| item.key == key)
    }

    /// The entry with this key.
    pub fn item_mut(&mut self, key: Key) -> Option<&mut Item> {
        self.items.iter_mut().find(|item| item.key == key)
    }

    /// Whether a wait of somebody else goes through the ready list.
    pub fn is_locked(&self, actor: Actor) -> bool {
        self.scan.as_ref().is_some_and(|scan| scan.by != actor)
    }

    /// The entry that the wait of this actor looks at next.
    pub fn next(&self, actor: Actor) -> Option<Ready> {
        self.scan.as_ref().filter(|scan| scan.by == actor)?.left.first().copied()
    }

    /// Puts an entry on the ready list, unless it is there.
    pub fn queue(&mut self, entry: Ready) {
        let list = match &mut self.scan {
            Some(scan) => &mut scan.aside,
            None => &mut self.ready,
        };
        match list.iter_mut().find(|other| other.key == entry.key) {
            Some(other) => other.sure |= entry.sure,
            None => list.push(entry),
        }
    }

    /// A wait of this actor begins to go through what is on the ready list.
    pub fn begin(&mut self, by: Actor) {
        let left = std::mem::take(&mut self.ready);
        self.scan = Some(Scan { by, left, aside: SmallVec::new(), told: Told::NOTHING });
    }

    /// The wait is through, or has found enough: what it has not looked at comes first, then what was woken meanwhile,
    /// then what stays ready.
    pub fn end(&mut self) -> Told {
        let Some(Scan { left, aside, told, .. }) = self.scan.take() else { return Told::NOTHING };
        let stay = std::mem::replace(&mut self.ready, left);
        let is_in = |list: &[Ready], key: Key| list.iter().any(|other| other.key == key);
        for entry in aside {
            if !is_in(&self.ready, entry.key) && !is_in(&stay, entry.key) {
                self.ready.push(entry);
            }
        }
        self.ready.extend(stay);
        told
    }

    /// Forgets an entry.
    pub fn forget(&mut self, goes: impl Fn(Key) -> bool) {
        self.items.retain(|item| !goes(item.key));
        self.ready.retain(|entry| !goes(entry.key));
        if let Some(scan) = &mut self.scan {
            scan.left.retain(|entry| !goes(entry.key));
            scan.aside.retain(|entry| !goes(entry.key));
        }
    }
}
