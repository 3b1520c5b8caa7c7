//! The queue discipline: whole messages in order, each received once (POSIX message queues).
//!
//! Only the container is here; when a call may send, receive, wait or fail is stated in [`crate::rules`].
//! Priorities are not modelled: all messages have the same.

use smallvec::SmallVec;

use crate::data::Segment;
use crate::kind::MESSAGE_BYTES;
use crate::run::Setup;

/// Messages sent and not yet received.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "distributed", derive(serde::Serialize, serde::Deserialize))]
pub struct Queue {
    /// The messages, oldest first. One of no bytes is [`Segment::zero`] of none.
    pub messages: SmallVec<[Segment; 4]>,
    /// The most messages (`mq_maxmsg`).
    pub messages_max: u32,
}

impl Queue {
    /// An empty queue.
    pub fn new(setup: &Setup) -> Queue {
        let messages_max = (setup.capacity_bytes / MESSAGE_BYTES).max(1);
        Queue { messages: SmallVec::new(), messages_max }
    }

    /// Whether no more messages fit.
    pub fn is_full(&self) -> bool {
        self.messages.len() >= self.messages_max as usize
    }

    /// Adds a message.
    pub fn send(&mut self, message: Segment) {
        self.messages.push(if message.len == 0 { Segment::zero(0) } else { message });
    }

    /// Takes the oldest message.
    pub fn receive(&mut self) -> Option<Segment> {
        (!self.messages.is_empty()).then(|| self.messages.remove(0))
    }
}
