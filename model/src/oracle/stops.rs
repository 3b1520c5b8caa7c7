//! What a call that has stopped at a byte tells of its reply, whatever the rules say.
//!
//! A read that has come to a byte is about to give it, so it gives more bytes than it had come past. A write has come
//! to a byte that it takes from its caller: what becomes of it afterwards, when it is to be placed, is the system's matter.
//! Linux places what a pipe is given while it holds the pipe's lock, so that there a write tells as much as a read.

use crate::call::{Actor, Call, Reply};
use crate::kind::Discipline;
use crate::oracle::Oracle;
use crate::platform::Storage;
use crate::rules::outside;

impl Oracle<'_> {
    /// Whether the actor's call, which has stopped at this byte, gives a reply that does not count it.
    pub(super) fn falls_short(&self, actor: Actor, at: u32) -> bool {
        let mut calls = self.states.iter().filter_map(|state| state.world.pending(actor));
        let (Some(op), Some(reply)) =
            (calls.next().map(|call| call.op), self.lookahead.reply(actor))
        else {
            return false;
        };
        let kind = self.run.setup.kind;
        let pages =
            kind.discipline == Discipline::Stream && self.platform.storage == Storage::Pages;
        let tells = op.asks().is_some() || op.offers().is_some() && pages;
        tells
            && reply.answer.count().is_none_or(|count| count <= at)
            && outside::cause(kind, &op, &reply.answer).is_none()
    }
}

/// Why a call is wrong that [falls short](Oracle::falls_short): a clause of the actor called `name`.
pub(crate) fn told(name: &str, call: &Call, at: u32, reply: &Reply) -> String {
    let moves = if call.op.asks().is_some() { "gives" } else { "takes" };
    let called = call.op.word();
    format!(
        "{name}'s {called} had come to byte {at}, so that it {moves} more than {at} bytes, but it returns {reply}"
    )
}
