//! Lists of epoll in a log, and the ends for which somebody sleeps in a poll.

use std::collections::HashMap;

use pipewright_model::call::{Actor, End, Events};

use super::tables::Channel;

/// Lists of epoll, by table and number.
#[derive(Clone, Debug, Default)]
pub(super) struct Lists {
    pub(super) lists: Vec<Vec<Registered>>,
    pub(super) of: HashMap<(usize, i64), usize>,
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

impl Lists {
    /// A process has the lists of its parent.
    pub(super) fn copies(&mut self, from: usize, to: usize) {
        let those = self.of.iter().filter(|((table, _), _)| *table == from);
        let those: Vec<_> = those.map(|((_, number), list)| ((to, *number), *list)).collect();
        self.of.extend(those);
    }
}
