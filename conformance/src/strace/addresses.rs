//! Sockets of a log before they lead anywhere, and the addresses to which they are bound.

use std::collections::HashMap;

use super::tables::Channel;

/// Sockets that lead nowhere yet, by table and number, and channels by address.
#[derive(Clone, Debug, Default)]
pub(super) struct Sockets {
    pub(super) fresh: HashMap<(usize, i64), Fresh>,
    pub(super) addresses: HashMap<String, Channel>,
}

/// A socket that leads nowhere yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fresh {
    pub(super) family: Family,
    pub(super) is_stream: bool,
    pub(super) nonblock: bool,
    pub(super) close_on_exec: bool,
    /// Whether an option was set that a run would have to tell of.
    pub(super) is_changed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    Unix,
    Inet,
}
