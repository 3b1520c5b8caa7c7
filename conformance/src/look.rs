//! Looking at actors from outside: does every open call sleep, at one and the same moment?
//!
//! One look at an actor says that it slept then. Between looks at two actors the first may have been
//! woken by the second. So all are looked at twice: an actor that slept both times without having
//! been put on a processor in between slept throughout, and these sleeps overlap: *a consistent cut*.
//!
//! - `syscall`, at the first look, says whether the thread is off its processor, in which call, with
//!   which arguments; the kernel checks that it did not move meanwhile.
//! - `stat`, at the second, says `S` of a thread that sleeps still. It tells what `syscall` does not: a
//!   thread that was woken from another processor and has not run yet (the kernel's `TASK_WAKING`) is `R`
//!   here and still asleep there; and a sleep that no signal ends, a wait for the kernel itself (memory,
//!   a lock held for a moment), is `D`. Alone it would not do: a thread that still runs is `S` as soon
//!   as it has made up its mind to sleep.
//! - `schedstat`, third field, read before and after, counts how often the thread was put on a processor.
//!
//! Which system calls an order may sleep in, and on which descriptor, is told by the port that makes it: a thread that
//! sleeps elsewhere, in a library between it and the kernel for example, is not asleep in its call. Where a port
//! can't tell, any sleep counts but the wait for orders.
//!
//! Where a system tells less, [`Observation`] says so: by states alone, looked at several times, sleep is likely and not
//! proven; where not even they are told, nothing is ever seen to sleep.
//!
//! Where a kernel has no `syscall` (user-mode Linux), `stat` alone is trusted if the kernel runs one
//! processor and never takes it from a thread in the middle of a call, which it says by naming neither
//! `SMP` nor `PREEMPT` in its version: then whoever looks has the processor, and a thread that is `S`
//! has given it up to sleep. That it sleeps in a call of an order, not for want of one, follows from
//! the order being out: posting it has woken the thread.

mod observation;

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::thread;

use pipewright_backends::sys::Shortage;
use pipewright_backends::sys::desk::Desk;

use crate::trouble::Trouble;

pub use observation::{Level, Observation};

/// How often states are looked at where they are all that is told: each look makes it less likely that a thread only waits
/// for a processor, and none proves it.
const LOOKS_AT_STATES: usize = 8;

/// Whether all these threads sleep in calls at one moment, between the first looks and the second, at
/// which also `beside` holds. `false` decides nothing. Whether a call has returned meanwhile is left to
/// the caller.
pub(crate) fn asleep_together(
    lookouts: &mut [(&mut Lookout, &Desk)],
    beside: &mut dyn FnMut() -> bool,
) -> bool {
    let proven = lookouts.iter().all(|(lookout, _)| lookout.proves);
    (0..if proven { 1 } else { LOOKS_AT_STATES }).all(|look| {
        if look > 0 {
            thread::yield_now();
        }
        lookouts.iter_mut().all(|(lookout, desk)| lookout.first(desk))
            && beside()
            && lookouts.iter().all(|(lookout, _)| lookout.second())
    })
}

/// Kept descriptors on what the system tells about one thread.
pub(crate) struct Lookout {
    /// `None` where the kernel lacks it and `stat` will do.
    syscall: Option<File>,
    /// `None` where runs are not counted.
    schedstat: Option<File>,
    /// `None` where nothing is looked at.
    stat: Option<File>,
    /// Whether sleep that is seen is proven.
    proves: bool,
    /// How the address of the word on which the thread sleeps when idle is written.
    idle: String,
    /// The run count at the first look.
    runs: u64,
    /// Whether its process is stopped: then it sleeps otherwise.
    stopped: bool,
}

impl Lookout {
    /// Looks at a thread that sleeps on the word at `idle_address` whenever it has no order.
    pub(crate) fn new(process: i32, thread: i32, idle_address: usize) -> Result<Lookout, Trouble> {
        let observation = Observation::here();
        let path = |file| format!("/proc/{process}/task/{thread}/{file}");
        let open = |file, needed: bool| {
            let opened = needed.then(|| File::open(path(file)).map_err(|e| blind(path(file), e)));
            opened.transpose()
        };
        let lookout = Lookout {
            syscall: open("syscall", observation == Observation::Full)?,
            schedstat: open("schedstat", observation.proves())?,
            stat: open("stat", observation != Observation::None)?,
            proves: observation.proves(),
            idle: format!("{idle_address:#x}"),
            runs: 0,
            stopped: false,
        };
        // Both can be refused at reading only, and without counts no look is worth anything.
        if let Some(syscall) = &lookout.syscall {
            Line::default().read(syscall).map_err(|error| blind(path("syscall"), error))?;
        }
        let unsupported = |what| io::Error::new(io::ErrorKind::Unsupported, what);
        if lookout.proves && !matches!(lookout.runs(), Some(1..)) {
            return Err(blind(path("schedstat"), unsupported("the kernel counts no runs")));
        }
        if lookout.stat.is_some() && lookout.state().is_none() {
            return Err(blind(path("stat"), unsupported("the kernel tells no state")));
        }
        Ok(lookout)
    }

    /// Notes whether the thread's process has been stopped by a signal: then it is seen to be so.
    pub(crate) fn set_stopped(&mut self, stopped: bool) {
        self.stopped = stopped;
    }

    /// Whether the thread has stopped, as it was told to.
    pub(crate) fn has_stopped(&self) -> bool {
        self.stopped && self.is_in(b"T")
    }

    /// The states in which the thread moves no further.
    fn at_rest(&self) -> &'static [u8] {
        if self.stopped { b"T" } else { b"S" }
    }

    /// The first look: whether the thread is off its processor, in a call of an order.
    fn first(&mut self, desk: &Desk) -> bool {
        let entered = self.proves || desk.has_entered();
        entered && self.is_off(self.at_rest(), |number, first| desk.sleeps_in(number, first))
    }

    /// Whether the thread is off its processor, in a call of an order that may be this one; where calls have no names,
    /// whether it is in one of these states.
    fn is_off(&mut self, states: &[u8], may_be: impl Fn(i64, i64) -> bool) -> bool {
        let Some(runs) = self.runs() else { return false };
        self.runs = runs;
        let Some(syscall) = &self.syscall else { return self.is_in(states) };
        let mut line = Line::default();
        line.read(syscall).is_ok() && is_in_call(line.text(), &self.idle, may_be)
    }

    /// The second look: whether the thread has slept in that call since the first, and sleeps on.
    fn second(&self) -> bool {
        self.is_in(self.at_rest()) && self.runs() == Some(self.runs)
    }

    /// Whether the thread sleeps in a call of an order, and has not run between two looks; also where no signal
    /// would end the sleep, as in the kernel's own locks. It says how far things have got, and proves nothing.
    pub(crate) fn is_still(&mut self) -> bool {
        const STATES: &[u8] = b"SD";
        self.is_off(STATES, |_, _| true) && self.is_in(STATES) && self.runs() == Some(self.runs)
    }

    fn is_in(&self, states: &[u8]) -> bool {
        self.state().is_some_and(|state| states.contains(&state))
    }

    fn runs(&self) -> Option<u64> {
        let Some(schedstat) = &self.schedstat else { return Some(0) };
        let mut line = Line::default();
        line.read(schedstat).ok()?;
        let third = line.text().rsplit(|byte| *byte == b' ').next()?;
        std::str::from_utf8(third).ok()?.trim_end().parse().ok()
    }

    fn state(&self) -> Option<u8> {
        let mut line = Line::default();
        line.read(self.stat.as_ref()?).ok()?;
        // The name, in parentheses, may itself hold parentheses and blanks.
        let name_end = line.text().iter().rposition(|byte| *byte == b')')?;
        line.text().get(name_end + 2).copied()
    }
}

/// An actor can't be looked at: by which file, and what helps.
fn blind(path: String, source: io::Error) -> Trouble {
    if Shortage::of(&source).is_some() {
        return Trouble::while_doing("open what /proc tells of an actor")(source);
    }
    let remedy = match source.kind() {
        _ if std::fs::metadata("/proc/self/stat").is_err() => "mount /proc",
        io::ErrorKind::PermissionDenied => {
            "let this user trace its own processes (hidepid of /proc, kernel.yama.ptrace_scope, ptrace in a sandbox), \
             or ask for less: --observe stat"
        }
        _ if path.ends_with("syscall") => {
            "/proc is mounted, but this kernel does not tell in which call a thread sleeps \
             (Linux does with CONFIG_HAVE_ARCH_TRACEHOOK); run on one that does, or ask for less: --observe stat"
        }
        _ if path.ends_with("/stat") => {
            "/proc is mounted, but the states of threads are hidden: let this user see its own threads there \
             (what is mounted over parts of /proc, a sandbox)"
        }
        _ => {
            "/proc is mounted, but this kernel does not count how often a thread has run \
             (Linux does with CONFIG_SCHED_INFO); run on one that does"
        }
    };
    Trouble::Blind { path, remedy, source }
}

/// Whether this line of `syscall` shows a thread asleep in a call that isn't its wait for orders.
/// Other forms: `running`, and `-1` for asleep outside of any call (a page being fetched).
fn is_in_call(line: &[u8], idle: &str, expected: impl FnOnce(i64, i64) -> bool) -> bool {
    let mut fields = line.trim_ascii().split(|byte| *byte == b' ');
    let mut field = || std::str::from_utf8(fields.next()?).ok();
    let (Some(number), Some(first)) = (field(), field()) else { return false };
    let number = number.parse().ok().filter(|number| *number >= 0);
    // As a descriptor: a number of 32 bits, whatever the kernel keeps above.
    let argument = u64::from_str_radix(first.trim_start_matches("0x"), 16);
    let argument = argument.map_or(-1, |argument| i64::from(argument as i32));
    let third = field().and_then(|_| field()).unwrap_or_default();
    first != idle
        && number.is_some_and(|number| {
            expected(number, argument) && !is_a_nap(number, third.trim_start_matches("0x"))
        })
}

/// Whether this is a poll that ends by itself, by its third argument: no call of an order does.
fn is_a_nap(number: i64, third: &str) -> bool {
    let third = u64::from_str_radix(third, 16);
    match number {
        #[cfg(target_arch = "x86_64")]
        nix::libc::SYS_poll => third.is_ok_and(|milliseconds| milliseconds as i32 != -1),
        nix::libc::SYS_ppoll => third.is_ok_and(|pointer| pointer != 0),
        _ => false,
    }
}

/// The start of a file of one line.
struct Line {
    bytes: [u8; 256],
    len: usize,
}

impl Default for Line {
    fn default() -> Line {
        Line { bytes: [0; 256], len: 0 }
    }
}

impl Line {
    fn read(&mut self, file: &File) -> io::Result<()> {
        self.len = 0;
        self.len = file.read_at(&mut self.bytes, 0)?;
        Ok(())
    }

    fn text(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::{blind, is_in_call};

    #[test]
    fn what_is_missing_is_named_by_its_path_with_what_it_takes() {
        let path = "/proc/7/task/8/syscall";
        let none = || io::Error::from_raw_os_error(2);
        let told = blind(path.into(), none()).to_string();
        assert!(told.contains(&format!("{path}: No such file")), "{told}");
        assert!(
            told.contains("/proc is mounted, but this kernel does not tell in which"),
            "{told}"
        );
        let told = blind("/proc/7/task/8/schedstat".into(), none()).to_string();
        assert!(told.contains("how often a thread has run"), "{told}");
        let told = blind("/proc/7/task/8/stat".into(), none()).to_string();
        assert!(
            told.contains("8/stat: No such file") && told.contains("states of threads"),
            "{told}"
        );
        let told = blind(path.into(), io::Error::from_raw_os_error(13)).to_string();
        assert!(told.contains("let this user trace its own processes"), "{told}");
    }

    #[test]
    fn only_a_sleep_in_a_call_of_an_order_counts() {
        let is_in_call = |line: &[u8], idle: &str| is_in_call(line, idle, |_, _| true);
        assert!(is_in_call(b"0 0x3 0x7f00 0x5 0x0 0x0 0x0 0x7ffc 0x7f31\n", "0x7f10"));
        assert!(!is_in_call(b"202 0x7f10 0x0 0x5 0x0 0x0 0x0 0x7ffc 0x7f31\n", "0x7f10"));
        assert!(!is_in_call(b"running\n", "0x7f10"));
        assert!(!is_in_call(b"-1 0x7ffc 0x7f31\n", "0x7f10"));
        assert!(!is_in_call(b"", "0x7f10"));
    }

    #[test]
    fn a_sleep_elsewhere_is_not_one_in_the_call() {
        let read_of_three = |number, first| (number, first) == (0, 3);
        let read = b"0 0x3 0x7f00 0x5 0x0 0x0 0x0 0x7ffc 0x7f31\n";
        assert!(is_in_call(read, "0x7f10", read_of_three));
        let other = b"0 0x4 0x7f00 0x5 0x0 0x0 0x0 0x7ffc 0x7f31\n";
        assert!(!is_in_call(other, "0x7f10", read_of_three));
        let nanosleep = b"230 0x3 0x0 0x7ffc 0x0 0x0 0x0 0x7ffc 0x7f31\n";
        assert!(!is_in_call(nanosleep, "0x7f10", read_of_three));
    }

    #[test]
    fn a_poll_that_ends_by_itself_is_no_sleep() {
        let is_in_call = |line: &[u8]| is_in_call(line, "0x7f10", |_, _| true);
        assert!(is_in_call(b"7 0x7f00 0x1 0xffffffff 0x0 0x0 0x0 0x7ffc 0x7f31\n"));
        assert!(is_in_call(b"271 0x7f00 0x1 0x0 0x0 0x8 0x0 0x7ffc 0x7f31\n"));
        assert!(!is_in_call(b"7 0x0 0x0 0x14 0x0 0x0 0x0 0x7ffc 0x7f31\n"));
        assert!(!is_in_call(b"271 0x0 0x0 0x7f08 0x0 0x8 0x0 0x7ffc 0x7f31\n"));
    }
}
