//! Where a channel can be found: its path, its name, its address.

use crate::index::ObjectIndex;
use crate::kind::SocketType;

/// The path of a channel in the file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "distributed", derive(serde::Serialize, serde::Deserialize))]
pub enum Place {
    /// It never had a path.
    None,
    /// The path leads to it.
    Linked,
    /// The path was removed.
    Unlinked,
    /// The address of Unix sockets of a type.
    Unix(SocketType, Address),
    /// An address and a port, which sockets are bound to; whether one has asked itself for a connection.
    Port {
        /// Whether a socket has asked itself for a connection.
        met_itself: bool,
    },
}

/// The address at which Unix sockets can be reached, and what it leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "distributed", derive(serde::Serialize, serde::Deserialize))]
pub enum Address {
    /// A path that is free.
    FreePath,
    /// A path that leads to a socket.
    Path(ObjectIndex),
    /// A path to a socket that is closed.
    StalePath,
    /// A name in no file system that is free.
    FreeName,
    /// The name of a socket.
    Name(ObjectIndex),
}

impl Address {
    /// The socket to which it leads.
    pub fn leads_to(self) -> Option<ObjectIndex> {
        match self {
            Address::Path(object) | Address::Name(object) => Some(object),
            Address::FreePath | Address::StalePath | Address::FreeName => None,
        }
    }

    /// Whether it is a path.
    pub fn is_path(self) -> bool {
        !matches!(self, Address::FreeName | Address::Name(_))
    }

    /// Whether a socket may be bound to it.
    pub fn is_free(self) -> bool {
        matches!(self, Address::FreePath | Address::FreeName)
    }
}
