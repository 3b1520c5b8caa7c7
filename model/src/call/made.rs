//! A call as it is made: by whom, on which descriptor.

use super::{Actor, Answer, End, Marks, Op};

/// One call: who, on which of its descriptors, what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Call {
    /// The caller.
    pub actor: Actor,
    /// The descriptor; for [`Op::Open`], [`Op::Socket`] and [`Op::Epoll`] the one made, for [`Op::Unlink`] and calls of the process
    /// of no meaning.
    pub end: End,
    /// The operation.
    pub op: Op,
}

impl Call {
    /// The descriptor that the call works on, which should be open.
    pub const fn uses(&self) -> Option<End> {
        let several = matches!(self.op, Op::PollSet { .. });
        let made = matches!(self.op, Op::Epoll);
        if self.op.is_by_name() || self.op.is_of_process() || several || made {
            None
        } else {
            Some(self.end)
        }
    }

    /// The descriptor that becomes another if the call succeeds, whatever it was before.
    pub const fn replaces(&self) -> Option<End> {
        match self.op {
            Op::Dup2 { new } => Some(new),
            _ => None,
        }
    }

    /// The descriptor that the call makes if it succeeds, which must not be open.
    pub const fn makes(&self) -> Option<End> {
        match self.op {
            Op::Open { .. } | Op::Socket { .. } | Op::Epoll => Some(self.end),
            Op::Dup { new } | Op::Accept { new, .. } | Op::ReceiveEnd { new, .. } => Some(new),
            _ => None,
        }
    }

    /// The descriptors that the call names: the end, and another.
    pub fn ends(&self) -> impl Iterator<Item = End> + use<> {
        let several = matches!(self.op, Op::PollSet { .. });
        let has_end = self.op != Op::Unlink && !self.op.is_of_process() && !several;
        let end = has_end.then_some(self.end);
        end.into_iter().chain(self.op.other_end())
    }

    /// Whether an answer means that what the call [makes](Call::makes) was made.
    pub fn made(&self, answer: Answer) -> bool {
        match (self.op, answer) {
            (_, Answer::Fails(_)) => false,
            (Op::ReceiveEnd { .. }, Answer::Marked(_, marks)) => marks.contains(Marks::END),
            (Op::ReceiveEnd { .. }, _) => false,
            _ => true,
        }
    }
}
