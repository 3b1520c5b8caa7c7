//! Logs of strace, judged: which channels programs used, and whether each behaved as the rules say.
//!
//! [`calls`] reads lines and puts the halves of calls together; [`Channels`] follows the tables of descriptors and makes of
//! each channel a run of its own, as linearizability is local. What can't be said in a run leaves its channel
//! unjudged from there. It reads no file and asks no kernel.

mod addresses;
mod asleep;
mod calls;
mod channels;
mod counters;
mod descriptors;
mod epolls;
mod fcntl;
mod found;
mod hazards;
mod hidden;
mod line;
mod lists;
mod locks;
mod makes;
mod polls;
mod queues;
mod sockets;
mod stops;
mod tables;
mod transfers;
mod waits;

pub use asleep::{Asleep, Knot, asleep};
pub use calls::{Calls, Interrupted};
pub use channels::{Channels, channels};
pub use found::Found;
pub use hazards::Hazard;
pub use line::looks_like_strace;

/// Reads a log.
pub fn calls(text: &str) -> Calls {
    let mut log = calls::told(text);
    hidden::reveal(&mut log);
    log
}
