//! Real channels of this machine, translated to the words of the specification.

pub mod channel;

pub use channel::{Arrangement, Channel, Instance, Port, Seen};
