//! The buffer of a call: what a write offers, and marks where a read has given nothing.

use pipewright_model::call::{Actor, Op};
use pipewright_model::data;

/// What bytes are that a read has not given.
pub const MARK: u8 = 0xee;

/// How much of a buffer is marked before a read: bytes that were never given then show as such.
const MARKED_BYTES_MAX: usize = 65_536;

/// The bytes that a call offers or has room for.
pub fn op_len(op: Op) -> usize {
    op.offers().or(op.asks()).unwrap_or(0) as usize
}

/// Lays down what a write offers, the actor's bytes from position `from` on, or marks the room for what a
/// read gives.
pub fn prepare(actor: Actor, op: Op, from: i64, bytes: &mut [u8]) {
    if op.asks().is_some() {
        let marked = bytes.len().min(MARKED_BYTES_MAX);
        bytes[..marked].fill(MARK);
    } else {
        data::fill(actor, from, bytes);
    }
}
