//! An actor that runs a program by `execve(2)`: this one, which goes on at the same desk.
//!
//! Whatever program the troupe is part of, `pipewright` itself or a test, is run again from its own file. It has no
//! argument for that, and none that it had to be told of: code that runs before `main` sees by the name under which the
//! program was started that it is an actor, and never comes to `main`.
#![expect(unsafe_code, reason = "runs before main, and takes over a descriptor by its number")]

use std::ffi::{CStr, c_char, c_int};
use std::io;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use std::sync::Arc;

use pipewright_model::call::Actor;

use super::Arena;
use super::actor::{Company, Player};
use super::program::NAME;
use super::ways::Sound;
use crate::port::plugs;
use crate::sys::process::{exit, keep_to_limits};
use crate::sys::signals;

#[used]
#[unsafe(link_section = ".init_array")]
static BEFORE_MAIN: extern "C" fn(c_int, *const *const c_char) = before_main;

/// Called by the C library before `main`, with the arguments of the program where it is glibc.
extern "C" fn before_main(count: c_int, arguments: *const *const c_char) {
    if !cfg!(target_env = "gnu") || count != 3 || arguments.is_null() {
        return;
    }
    let argument = |index: usize| {
        // SAFETY: the C library hands on that many strings.
        let text = unsafe { *arguments.add(index) };
        // SAFETY: as above.
        (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) })
    };
    let number = |index| argument(index)?.to_str().ok()?.parse::<u8>().ok();
    if argument(0) == Some(NAME)
        && let (Some(arena), Some(me)) = (number(1), number(2))
    {
        let gone = go_on(arena.into(), Actor(me));
        exit(if gone.is_ok() { 0 } else { FAILED });
    }
}

/// The status of a program that can't go on at the desk.
const FAILED: i32 = 105;

fn go_on(arena: RawFd, me: Actor) -> io::Result<()> {
    // The program before may have had some.
    plugs::may_hold_locks(true);
    // What was ignored stays so, and nothing is caught.
    signals::install_after_exec();
    // Root has all its rights again.
    keep_to_limits()?;
    // SAFETY: the program before has kept this descriptor for this one alone.
    let arena = Arena::of(unsafe { OwnedFd::from_raw_fd(arena) })?;
    arena.keep_on_exec(false)?;
    let company = Arc::new(Company { arena, ways: &Sound, cores: Vec::new() });
    let mut actor = Player::new(company, me, true)?;
    actor.has_begun();
    actor.work();
    Ok(())
}
