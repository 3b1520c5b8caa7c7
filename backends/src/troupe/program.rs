//! Running this program again, as an actor: the name under which it is started, and what it is told.

use std::convert::Infallible;
use std::ffi::{CStr, CString};
use std::io;

use pipewright_model::call::Actor;

use super::Arena;
use crate::sys::Calling;

/// The name under which an actor is started, and nothing else.
pub(super) const NAME: &CStr = c"pipewright-actor";

/// This program, even if its file has been removed since.
const SELF: &CStr = c"/proc/self/exe";

/// Runs this program as an actor. Returns only if that fails.
pub(super) fn run(arena: &Arena, me: Actor) -> io::Error {
    match exec(arena, me) {
        Ok(never) => match never {},
        Err(error) => {
            let _ = arena.keep_on_exec(false);
            error
        }
    }
}

fn exec(arena: &Arena, me: Actor) -> io::Result<Infallible> {
    let arena = arena.keep_on_exec(true)?;
    let number = |number: i32| CString::new(number.to_string()).map_err(io::Error::from);
    let arguments = [NAME.to_owned(), number(arena)?, number(me.0.into())?];
    nix::unistd::execv(SELF, &arguments).calling("execve")
}
