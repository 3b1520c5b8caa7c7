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
        too_large_is_an_error();
    });
}

/// A write beyond a limit on the size of files fails from now on, and does not end the process.
pub fn too_large_is_an_error() {
    let ignore = SigAction::new(SigHandler::SigIgn, SaFlags::empty(), SigSet::empty());
    // SAFETY: no handler is installed.
    let ignored = unsafe { sigaction(Signal::SIGXFSZ, &ignore) };
    assert!(ignored.is_ok(), "the signal can be ignored");
}

/// Sets which signals this thread takes, whatever it was started with: those of [`install`] and those that mean it, and
/// none by which a person or another program means the whole.
///
/// # Errors
///
/// Whatever `pthread_sigmask(3)` says.
pub fn set_mask() -> io::Result<()> {
    let mut blocked = SigSet::empty();
    for signal in [
        Signal::SIGINT,
        Signal::SIGTERM,
        Signal::SIGHUP,
        Signal::SIGQUIT,
        Signal::SIGALRM,
        Signal::SIGCHLD,
        Signal::SIGWINCH,
        Signal::SIGIO,
        Signal::SIGUSR2,
    ] {
        blocked.add(signal);
    }
    Ok(blocked.thread_set_mask()?)
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
