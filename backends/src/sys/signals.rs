//! Signals: counting `SIGPIPE` for each thread, and interrupting a call that blocks.
#![expect(unsafe_code, reason = "installs signal handlers")]

use std::cell::Cell;
use std::io;
use std::sync::Once;

use nix::libc;
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
use pipewright_model::call::{Disposition, Sig};

thread_local! {
    // Const-initialised and without a destructor, so that a handler may touch it.
    static SIGPIPES: Cell<u32> = const { Cell::new(0) };
}

extern "C" fn count_sigpipe(_: libc::c_int) {
    SIGPIPES.with(|count| count.set(count.get().wrapping_add(1)));
}

extern "C" fn only_interrupt(_: libc::c_int) {}

static INSTALLED: Once = Once::new();

/// Installs handlers for the whole process, once: `SIGPIPE` is counted, `SIGUSR1` makes the call
/// that it finds blocked fail with `EINTR`.
pub fn install() {
    INSTALLED.call_once(|| {
        install_counter();
        catch(Signal::SIGUSR1, only_interrupt);
        too_large_is_an_error();
    });
}

fn install_counter() {
    catch(Signal::SIGPIPE, count_sigpipe);
}

fn catch(signal: Signal, handler: extern "C" fn(libc::c_int)) {
    // Without SA_RESTART: an interrupted call is to return. Without SA_ONSTACK: where the kernel does not tell how large the
    // registers are (AT_MINSIGSTKSZ; gVisor), those of new processors do not fit on a thread's alternate stack.
    let action = SigAction::new(SigHandler::Handler(handler), SaFlags::empty(), SigSet::empty());
    // SAFETY: both handlers do nothing but touch a thread-local integer.
    let installed = unsafe { sigaction(signal, &action) };
    assert!(installed.is_ok(), "both signals can be caught");
}

/// Has this process take every signal as a new program does, but for `SIGPIPE`, which is counted, and `SIGXFSZ`, which
/// is ignored; and have none of them kept back in this thread.
///
/// # Errors
///
/// Whatever `sigaction(2)` and `pthread_sigmask(3)` say.
pub(crate) fn be_plain() -> io::Result<()> {
    let kept = [Signal::SIGKILL, Signal::SIGSTOP, Signal::SIGPIPE, Signal::SIGXFSZ];
    for signal in Signal::iterator().filter(|signal| !kept.contains(signal)) {
        be_plain_of(signal)?;
    }
    install_counter();
    too_large_is_an_error();
    Ok(SigSet::empty().thread_set_mask()?)
}

/// Has a program that was just begun count `SIGPIPE`, unless it was ignored before; instead of [`install`].
pub(crate) fn install_after_exec() {
    INSTALLED.call_once(|| {
        let ignore = SigAction::new(SigHandler::SigIgn, SaFlags::empty(), SigSet::empty());
        // SAFETY: no handler is installed.
        let before = unsafe { sigaction(Signal::SIGPIPE, &ignore) };
        if before.is_ok_and(|before| !matches!(before.handler(), SigHandler::SigIgn)) {
            install_counter();
        }
    });
}

/// Has this process have a signal do this. Of `SIGPIPE` the default is to be counted: an actor outlives it.
///
/// # Errors
///
/// Whatever `sigaction(2)` says.
pub(crate) fn set(signal: Sig, disposition: Disposition) -> io::Result<()> {
    let caught = match Signal::try_from(i32::from(signal.0)) {
        Ok(Signal::SIGPIPE) => count_sigpipe,
        _ => only_interrupt as extern "C" fn(libc::c_int),
    };
    let (handler, flags) = match disposition {
        Disposition::Default if signal == Sig::PIPE => {
            (SigHandler::Handler(caught), SaFlags::empty())
        }
        Disposition::Default => (SigHandler::SigDfl, SaFlags::empty()),
        Disposition::Ignored => (SigHandler::SigIgn, SaFlags::empty()),
        Disposition::Caught => (SigHandler::Handler(caught), SaFlags::empty()),
        Disposition::Restarting => (SigHandler::Handler(caught), SaFlags::SA_RESTART),
    };
    let action = SigAction::new(handler, flags, SigSet::empty());
    // SAFETY: the handlers do nothing but touch a thread-local integer.
    unsafe { sigaction(Signal::try_from(i32::from(signal.0))?, &action) }?;
    Ok(())
}

/// Sends a process a signal.
///
/// # Errors
///
/// Whatever `kill(2)` says.
pub(crate) fn send(process: i32, signal: Sig) -> io::Result<()> {
    let process = nix::unistd::Pid::from_raw(process);
    Ok(nix::sys::signal::kill(process, Signal::try_from(i32::from(signal.0))?)?)
}

/// Has this process take a signal as a new program does.
pub(crate) fn be_plain_of(signal: Signal) -> io::Result<()> {
    let action = SigAction::new(SigHandler::SigDfl, SaFlags::empty(), SigSet::empty());
    // SAFETY: no handler is installed.
    unsafe { sigaction(signal, &action) }?;
    Ok(())
}

/// Has `SIGUSR1` do this.
///
/// # Safety
///
/// The handler does nothing but what `signal-safety(7)` allows.
pub(crate) unsafe fn on_usr1(handler: extern "C" fn(libc::c_int)) -> io::Result<()> {
    let action = SigAction::new(SigHandler::Handler(handler), SaFlags::empty(), SigSet::empty());
    // SAFETY: the caller's promise.
    unsafe { sigaction(Signal::SIGUSR1, &action) }?;
    Ok(())
}

/// Has a file that grows too large end the program, as at its start: for a program that is to be run by this one.
pub fn too_large_is_a_signal() {
    let plain = SigAction::new(SigHandler::SigDfl, SaFlags::empty(), SigSet::empty());
    // SAFETY: no handler is installed.
    let set = unsafe { sigaction(Signal::SIGXFSZ, &plain) };
    assert!(set.is_ok(), "the signal has a default");
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
