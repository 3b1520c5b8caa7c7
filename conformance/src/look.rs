//! Looking at actors from outside: does every open call sleep, at one and the same moment?
//!
//! One look at an actor says that it slept then. Between looks at two actors the first may have been
//! woken by the second. So all are looked at twice: an actor that slept both times without having
//! been put on a processor in between slept throughout, and these sleeps overlap: *a consistent cut*.
//! The cut is the moment at which the last one is looked at, so for that one a single look will do.
//!
//! - `syscall` says whether the thread is off its processor, in which call, with which arguments; the
//!   kernel checks that it did not move meanwhile. The state in `stat` doesn't tell: a thread that
//!   still runs is `S` there as soon as it has made up its mind to sleep.
//! - `schedstat`, third field, counts how often the thread was put on a processor.
//! - `stat` tells `S` from `D`: a sleep that no signal ends is a wait for the kernel itself (memory,
//!   a lock held for a moment), not for another actor. It is read once for each sleep.
//!
//! Nothing here knows system calls by number: a mutex that never opens is a sleep like any other.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// Whether all these threads sleep in calls at one moment, the last look at the last one. `false`
/// decides nothing. Whether a call has returned meanwhile is left to the caller.
pub(crate) fn asleep_together(lookouts: &mut [&mut Lookout]) -> bool {
    let Some((_, before)) = lookouts.split_last_mut() else { return true };
    let before = before.len();
    lookouts.iter_mut().all(|lookout| lookout.first())
        && lookouts[..before].iter_mut().all(|lookout| lookout.second())
}

/// Kept descriptors on what the system tells about one thread.
pub(crate) struct Lookout {
    syscall: File,
    schedstat: File,
    stat: File,
    /// How the address of the word on which the thread sleeps when idle is written.
    idle: String,
    /// What `syscall` said at the first look.
    line: Line,
    /// The run count at the first look.
    runs: u64,
    /// Run count of the last sleep known to be `S`.
    interruptible: Option<u64>,
}

impl Lookout {
    /// Looks at a thread that sleeps on the word at `idle_address` whenever it has no order.
    pub(crate) fn new(process: i32, thread: i32, idle_address: usize) -> io::Result<Lookout> {
        let open = |file| File::open(format!("/proc/{process}/task/{thread}/{file}"));
        let lookout = Lookout {
            syscall: open("syscall")?,
            schedstat: open("schedstat")?,
            stat: open("stat")?,
            idle: format!("{idle_address:#x}"),
            line: Line::default(),
            runs: 0,
            interruptible: None,
        };
        // Both can be refused at reading only, and without counts no look is worth anything.
        Line::default().read(&lookout.syscall)?;
        match lookout.runs() {
            Some(1..) => Ok(lookout),
            _ => Err(io::Error::new(io::ErrorKind::Unsupported, "the kernel counts no runs")),
        }
    }

    /// The first look: whether the thread sleeps in a call, for another actor.
    pub(crate) fn first(&mut self) -> bool {
        let Some(runs) = self.runs() else { return false };
        self.runs = runs;
        if !self.sleeps() {
            return false;
        }
        // The count was the same before and after, so the letter is that of this sleep, and stays it
        // until the count changes.
        if self.interruptible != Some(runs)
            && self.state() == Some(b'S')
            && self.runs() == Some(runs)
        {
            self.interruptible = Some(runs);
        }
        self.interruptible == Some(runs)
    }

    /// The second look: whether the thread has slept in one call since the first.
    pub(crate) fn second(&mut self) -> bool {
        let mut line = Line::default();
        line.read(&self.syscall).is_ok()
            && line.text() == self.line.text()
            && self.runs() == Some(self.runs)
    }

    fn sleeps(&mut self) -> bool {
        self.line.read(&self.syscall).is_ok() && is_in_call(self.line.text(), &self.idle)
    }

    fn runs(&self) -> Option<u64> {
        let mut line = Line::default();
        line.read(&self.schedstat).ok()?;
        let third = line.text().rsplit(|byte| *byte == b' ').next()?;
        std::str::from_utf8(third).ok()?.trim_end().parse().ok()
    }

    fn state(&self) -> Option<u8> {
        let mut line = Line::default();
        line.read(&self.stat).ok()?;
        // The name, in parentheses, may itself hold parentheses and blanks.
        let name_end = line.text().iter().rposition(|byte| *byte == b')')?;
        line.text().get(name_end + 2).copied()
    }
}

/// Whether this line of `syscall` shows a thread asleep in a call that isn't its wait for orders.
/// Other forms: `running`, and `-1` for asleep outside of any call (a page being fetched).
fn is_in_call(line: &[u8], idle: &str) -> bool {
    let mut fields = line.split(|byte| *byte == b' ');
    let number = fields.next().and_then(|field| field.first());
    number.is_some_and(u8::is_ascii_digit) && fields.next() != Some(idle.as_bytes())
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
    use super::is_in_call;

    #[test]
    fn only_a_sleep_in_a_call_of_an_order_counts() {
        assert!(is_in_call(b"0 0x3 0x7f00 0x5 0x0 0x0 0x0 0x7ffc 0x7f31\n", "0x7f10"));
        assert!(!is_in_call(b"202 0x7f10 0x0 0x5 0x0 0x0 0x0 0x7ffc 0x7f31\n", "0x7f10"));
        assert!(!is_in_call(b"running\n", "0x7f10"));
        assert!(!is_in_call(b"-1 0x7ffc 0x7f31\n", "0x7f10"));
        assert!(!is_in_call(b"", "0x7f10"));
    }
}
