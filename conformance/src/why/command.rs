//! A command that is run to see whether it hangs: started, waited for, and ended with all that came of it.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use nix::sys::prctl::set_child_subreaper;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::waitpid;
use nix::unistd::{Pid, getpid};
use pipewright_backends::sys::pidfd::Pidfd;

/// How often a signal is looked for while the command runs.
const LOOK_EVERY_MS: u8 = 50;

/// A command that runs. It has the terminal and the process group of its caller, so that Ctrl-C reaches it.
#[derive(Debug)]
pub struct Started {
    child: Child,
    process: Pidfd,
}

/// What comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The command has ended, with this status; of a signal it is 128 and its number, as shells have it.
    Ended(u8),
    /// The time is over.
    Time,
    /// A signal asks for an end.
    Stopped,
}

impl Started {
    /// Starts a command. What outlives its parent comes to this process.
    ///
    /// # Errors
    ///
    /// If there is no such program, or it can't be started.
    pub fn new(words: &[OsString]) -> io::Result<Started> {
        let (program, arguments) = words.split_first().expect("a command has a word");
        set_child_subreaper(true)?;
        let child = Command::new(program).args(arguments).spawn()?;
        let process = Pidfd::open(child.id() as i32)?;
        Ok(Started { child, process })
    }

    /// Its number.
    pub fn id(&self) -> i32 {
        self.child.id() as i32
    }

    /// Waits until the command has ended, so much time is over, or a stop is asked for.
    ///
    /// # Errors
    ///
    /// Whatever `waitpid(2)` says.
    pub fn wait(&mut self, at_most: Duration, stop: impl Fn() -> bool) -> io::Result<Step> {
        let from = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                let by_signal = status.signal().map(|signal| 128 + signal);
                let code = status.code().or(by_signal).unwrap_or_default();
                return Ok(Step::Ended(code as u8));
            }
            if stop() {
                return Ok(Step::Stopped);
            }
            let left = at_most.saturating_sub(from.elapsed());
            if left.is_zero() {
                return Ok(Step::Time);
            }
            let left = left.as_millis().clamp(1, u128::from(LOOK_EVERY_MS));
            Pidfd::await_any([&self.process], left as u8);
        }
    }

    /// Sends the command a signal.
    ///
    /// # Errors
    ///
    /// Whatever `pidfd_send_signal(2)` says.
    pub fn signal(&self, signal: i32) -> io::Result<()> {
        self.process.send(signal)
    }

    /// Ends the command and all that came of it, and waits until they are gone.
    pub fn end_all(self) {
        loop {
            let left = descendants();
            for id in &left {
                // It may have gone meanwhile.
                let _ = kill(Pid::from_raw(*id), Signal::SIGKILL);
            }
            // Those of others come here as their parents go.
            if waitpid(None::<Pid>, None).is_err() {
                return;
            }
        }
    }
}

/// All processes below this one.
fn descendants() -> BTreeSet<i32> {
    let mut parents: Vec<(i32, i32)> = Vec::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let id = entry.file_name().to_str().and_then(|name| name.parse().ok());
        let Some(id) = id else { continue };
        let stat = procfs::process::Process::new(id).and_then(|process| process.stat());
        parents.extend(stat.ok().map(|stat| (id, stat.ppid)));
    }
    let mut below = BTreeSet::from([getpid().as_raw()]);
    loop {
        let before = below.len();
        let new = parents.iter().filter(|(_, parent)| below.contains(parent)).map(|(id, _)| *id);
        let new: Vec<i32> = new.collect();
        below.extend(new);
        if below.len() == before {
            below.remove(&getpid().as_raw());
            return below;
        }
    }
}
