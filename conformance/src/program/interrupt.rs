//! Signals that ask for an end. Each ends the program at once with the status for a stop; a command with something to
//! tidy up or to tell finishes first, until the signal comes again.

use std::fs;
use std::io;
use std::process::exit;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};
use std::thread;

use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit, setrlimit};
use pipewright_conformance::status::Status;
use pipewright_conformance::{remove_all, stop};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGXCPU};
use signal_hook::flag::{register, register_conditional_shutdown};
use signal_hook::iterator::Signals;

use super::print_error;

/// From a terminal, from a terminal that is gone, from an administrator. SIGXFSZ is not one: a write beyond a limit on
/// the size of files fails, also in an actor that is a thread of this process.
const STOPPING: [i32; 4] = [SIGINT, SIGTERM, SIGHUP, SIGQUIT];

/// Whether the next signal ends the program at once.
static AT_ONCE: LazyLock<Arc<AtomicBool>> = LazyLock::new(|| Arc::new(AtomicBool::new(true)));

/// Installs the handlers, before anything else is done. A program that was started by nohup(1) is to outlive its
/// terminal: then SIGHUP stays ignored.
pub(super) fn install() -> io::Result<()> {
    let wanted = STOPPING.into_iter().filter(|signal| *signal != SIGHUP || !is_ignored(SIGHUP));
    for signal in wanted {
        // In this order: the first signal sets the flag that the second finds.
        register_conditional_shutdown(signal, Status::Stopped.code().into(), AT_ONCE.clone())?;
        register(signal, AT_ONCE.clone())?;
        register(signal, stop::flag())?;
    }
    end_in_time()
}

/// Sees to it that a limit on processor time (`ulimit -t`) ends the program as the signals do, and is named: what is
/// soft tells a second before what is hard kills.
fn end_in_time() -> io::Result<()> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_CPU)?;
    if hard != RLIM_INFINITY && hard > 1 {
        setrlimit(Resource::RLIMIT_CPU, soft.min(hard - 1), hard)?;
    }
    let mut signals = Signals::new([SIGXCPU])?;
    let tell = move || {
        for _ in signals.forever() {
            print_error(
                "the limit on processor time is reached: raise it (ulimit -t), or ask for less",
            );
            stop::flag().store(true, Ordering::SeqCst);
            if AT_ONCE.swap(true, Ordering::SeqCst) {
                remove_all();
                exit(Status::Stopped.code().into());
            }
        }
    };
    // Without the thread the kernel ends the program when the hard limit is reached.
    let _ = thread::Builder::new().stack_size(STACK_BYTES).spawn(tell);
    Ok(())
}

/// As much as it takes to print a line and to remove files.
const STACK_BYTES: usize = 256 << 10;

/// From here on the first signal is left to the command, which asks [`stop::requested`] between two scenarios,
/// and while it judges or searches.
pub(super) fn finish_first() {
    AT_ONCE.store(false, Ordering::SeqCst);
}

/// From here on, as at first, a signal ends the program at once: there is nothing to tidy up or to tell any more.
/// Whether one has come meanwhile.
#[must_use]
pub(super) fn at_once() -> bool {
    AT_ONCE.store(true, Ordering::SeqCst);
    stop::requested()
}

/// From here on one more signal is left to the command, as the first one was.
pub(super) fn once_more() {
    stop::flag().store(false, Ordering::SeqCst);
    finish_first();
}

fn is_ignored(signal: i32) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask & 1 << (signal - 1) != 0)
}
