//! Signals: counting `SIGPIPE` for each thread, and interrupting a call that blocks.
#![expect(unsafe_code, reason = "installs signal handlers")]

use std::cell::Cell;
use std::io;
use std::sync::Once;

use nix::libc;
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};

thread_local! {
    // Const-initialised and without a destructor, so that a handler may touch it.
    static SIGPIPES: Cell<u32> = const { Cell::new(0) };
}

extern "C" fn count_sigpipe(_: libc::c_int) {
    SIGPIPES.with(|count| count.set(count.get().wrapping_add(1)));
}

extern "C" fn only_interrupt(_: libc::c_int) {}

/// Installs handlers for the whole process, once: `SIGPIPE` is counted, `SIGUSR1` makes the call
/// that it finds blocked fail with `EINTR`.
pub fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        for (signal, handler) in [
            (Signal::SIGPIPE, count_sigpipe as extern "C" fn(libc::c_int)),
            (Signal::SIGUSR1, only_interrupt),
        ] {
            // Without SA_RESTART: an interrupted call is to return.
            let action =
                SigAction::new(SigHandler::Handler(handler), SaFlags::SA_ONSTACK, SigSet::empty());
            // SAFETY: both handlers do nothing but touch a thread-local integer.
            let installed = unsafe { sigaction(signal, &action) };
            assert!(installed.is_ok(), "both signals can be caught");
        }
    });
}

/// How many `SIGPIPE`s this thread has been sent; wraps.
pub fn sigpipes() -> u32 {
    SIGPIPES.with(Cell::get)
}

/// Interrupts the call in which a thread sleeps. If it is about to enter one, this is of no avail.
///
/// # Errors
///
/// If there is no such thread.
pub fn interrupt(process: i32, thread: i32) -> io::Result<()> {
    // SAFETY: no memory is passed.
    let sent = unsafe { libc::syscall(libc::SYS_tgkill, process, thread, libc::SIGUSR1) };
    if sent == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
