//! Lists of epoll in a log, and the ends for which somebody sleeps in a poll.

use std::collections::{BTreeSet, HashMap, HashSet};

use pipewright_model::call::{Actor, End, Events};
use pipewright_model::kind::Hold;

use super::tables::Channel;

/// Lists of epoll, by table and number.
#[derive(Clone, Debug, Default)]
pub(super) struct Lists {
    pub(super) lists: Vec<Vec<Registered>>,
    pub(super) of: HashMap<(usize, i64), usize>,
    /// What each is of, and what it has.
    pub(super) watched: Vec<Watched>,
    /// Those that are closed by exec.
    pub(super) close_on_exec: HashSet<usize>,
}

/// An end on a list.
#[derive(Clone, Debug)]
pub(super) struct Registered {
    pub(super) number: i64,
    pub(super) events: Events,
    /// The channel, where it is followed.
    pub(super) channel: Option<Channel>,
    /// Whether it is told again and again while it lasts.
    pub(super) is_level: bool,
}

/// An end for which somebody sleeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Polled {
    pub(super) by: Actor,
    pub(super) end: End,
    pub(super) events: Events,
    /// Whether it sleeps for something else as well that is not followed.
    pub(super) and_others: bool,
}

/// The channel of all entries of an epoll, by the index of the call that made it.
pub(super) type Single = HashMap<usize, Channel>;

/// What a list is of, as far as it was read.
#[derive(Clone, Debug, Default)]
pub(super) struct Watched {
    /// The index of the call that made it.
    pub(super) made_at: usize,
    /// The channels of its entries; `None` of one that is not followed, or where it got elsewhere before it had any.
    pub(super) channels: BTreeSet<Option<Channel>>,
    /// The user's data of its entries, by the number of the descriptor, with what that was for.
    pub(super) data: Vec<(String, i64, Hold)>,
}

impl Lists {
    /// A process has the lists of its parent.
    pub(super) fn copies(&mut self, from: usize, to: usize) {
        let those = self.of.iter().filter(|((table, _), _)| *table == from);
        let those: Vec<_> = those.map(|((_, number), list)| ((to, *number), *list)).collect();
        those.iter().for_each(|(_, list)| self.is_copied(*list));
        self.of.extend(those);
    }

    /// Those whose entries are of one channel.
    pub(super) fn single(&self) -> Single {
        let of = |watched: &Watched| match watched.channels.iter().collect::<Vec<_>>()[..] {
            [Some(channel)] => Some((watched.made_at, *channel)),
            _ => None,
        };
        self.watched.iter().filter_map(of).collect()
    }

    /// A descriptor more leads to it: where it watches nothing yet, this is not followed.
    pub(super) fn is_copied(&mut self, list: usize) {
        let watched = &mut self.watched[list];
        if watched.channels.is_empty() {
            watched.channels.insert(None);
        }
    }
}
