//! What a call names besides its end: other descriptors, other actors.

use super::{Actor, End, Op};

impl Op {
    /// The call with `rename` applied to the descriptors that it names besides the call's end.
    pub fn map_ends(self, rename: impl Fn(End) -> End) -> Op {
        match self {
            Op::Dup { new } => Op::Dup { new: rename(new) },
            Op::Dup2 { new } => Op::Dup2 { new: rename(new) },
            Op::Accept { new, nonblock } => Op::Accept { new: rename(new), nonblock },
            Op::SendEnd { len, passed } => Op::SendEnd { len, passed: rename(passed) },
            Op::ReceiveEnd { len, new } => Op::ReceiveEnd { len, new: rename(new) },
            Op::EpollAdd { target, events, trigger } => {
                Op::EpollAdd { target: rename(target), events, trigger }
            }
            Op::EpollModify { target, events, trigger } => {
                Op::EpollModify { target: rename(target), events, trigger }
            }
            Op::EpollDelete { target } => Op::EpollDelete { target: rename(target) },
            other => other,
        }
    }

    /// The call with `rename` applied to the actor that it names besides its caller.
    pub fn map_actors(self, rename: impl Fn(Actor) -> Actor) -> Op {
        match self {
            Op::Fork { child } => Op::Fork { child: rename(child) },
            Op::Wait { child } => Op::Wait { child: rename(child) },
            Op::Signal { target, signal } => Op::Signal { target: rename(target), signal },
            other => other,
        }
    }

    /// The descriptor that the call names besides the call's end.
    pub const fn other_end(&self) -> Option<End> {
        match self {
            Op::Dup { new }
            | Op::Dup2 { new }
            | Op::Accept { new, .. }
            | Op::ReceiveEnd { new, .. } => Some(*new),
            Op::EpollAdd { target, .. }
            | Op::EpollModify { target, .. }
            | Op::EpollDelete { target } => Some(*target),
            Op::SendEnd { passed, .. } => Some(*passed),
            _ => None,
        }
    }
}
