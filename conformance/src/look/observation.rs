//! How well this machine lets actors be looked at, and how well it is asked for.

use std::fmt;
use std::io;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, Ordering};

/// How well actors are looked at here, in the header of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Observation {
    /// By the call in which each sleeps, its state and how often it ran: what is said of sleep is proven.
    Full,
    /// By state and run count, as the kernel does not name calls: a proof too, as it runs one thread at a time.
    OneAtATime,
    /// By state alone, looked at several times: sleep is likely, and not proven.
    Stat,
    /// Not at all: sleep can't be told.
    None,
}

/// A level of observation, as it is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Sleep is not observed.
    None,
    /// States are looked at several times.
    Stat,
    /// What is said of sleep is proven.
    Full,
}

/// A file of `/proc` that is missing, or can't be read, with the reason.
type Missing = (String, String);

/// The level asked for: 0 for none, else one more than its place in [`Level`].
static ASKED: AtomicU8 = AtomicU8::new(0);

impl Level {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Level::None => "none",
            Level::Stat => "stat",
            Level::Full => "full",
        }
    }
}

impl Observation {
    /// How well actors are looked at: as well as this machine allows, or less well where that is asked for.
    pub fn here() -> Observation {
        match (ASKED.load(Ordering::Relaxed), Observation::found()) {
            (1, _) => Observation::None,
            (2, Observation::Full | Observation::OneAtATime) => Observation::Stat,
            (_, found) => found,
        }
    }

    /// Has actors looked at no better than that from here on.
    ///
    /// # Errors
    ///
    /// What this machine lacks for it, in words.
    pub fn ask_for(level: Level) -> Result<(), String> {
        let found = Observation::found();
        if level > found.level() {
            return Err(format!(
                "this machine allows the level of observation {} and no better: {}",
                found.level().word(),
                Observation::lacking()
            ));
        }
        ASKED.store(1 + level as u8, Ordering::Relaxed);
        Ok(())
    }

    /// Whether sleep that is seen is proven.
    pub fn proves(self) -> bool {
        self.level() == Level::Full
    }

    /// Its level.
    pub fn level(self) -> Level {
        match self {
            Observation::Full | Observation::OneAtATime => Level::Full,
            Observation::Stat => Level::Stat,
            Observation::None => Level::None,
        }
    }

    /// The files that observing wants and this machine does not have, with the reasons.
    pub fn missing() -> &'static [(String, String)] {
        static MISSING: OnceLock<Vec<Missing>> = OnceLock::new();
        MISSING.get_or_init(|| {
            let thread = rustix::thread::gettid().as_raw_nonzero();
            let refused = |file: &str| {
                let path = format!("/proc/self/task/{thread}/{file}");
                let error = read(&path).err()?;
                Some((format!("/proc/PID/task/TID/{file}"), error.to_string()))
            };
            ["stat", "schedstat", "syscall"].into_iter().filter_map(refused).collect()
        })
    }

    fn found() -> Observation {
        let has = |file: &str| !Observation::missing().iter().any(|(path, _)| path.ends_with(file));
        match (has("/stat"), has("/schedstat"), has("/syscall")) {
            (false, _, _) => Observation::None,
            (true, true, true) => Observation::Full,
            (true, true, false) if is_one_at_a_time() => Observation::OneAtATime,
            _ => Observation::Stat,
        }
    }

    fn lacking() -> String {
        let told = Observation::missing().iter().map(|(path, why)| format!("{path}: {why}"));
        told.collect::<Vec<_>>().join(", ")
    }
}

fn read(path: &str) -> io::Result<()> {
    match std::fs::read(path)?.is_empty() {
        true => Err(io::Error::other("it is empty")),
        false => Ok(()),
    }
}

impl fmt::Display for Observation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (says, less) = match self {
            Observation::Full => return f.write_str("full"),
            Observation::OneAtATime => (
                "full (by state and run count: the kernel has no /proc/PID/syscall, and runs one thread at a time)",
                false,
            ),
            Observation::Stat => {
                ("stat (states looked at several times: sleep is not proven)", true)
            }
            Observation::None => {
                ("none (sequential scenarios only: nobody is seen to sleep)", true)
            }
        };
        f.write_str(says)?;
        match less && !Observation::missing().is_empty() {
            true => write!(f, "; missing: {}", Observation::lacking()),
            false => Ok(()),
        }
    }
}

/// Whether the kernel runs one thread at a time and none is stopped in the middle of a call.
fn is_one_at_a_time() -> bool {
    is_version_of_one(rustix::system::uname().version().to_bytes())
}

fn is_version_of_one(version: &[u8]) -> bool {
    let words = version.split(|byte| !byte.is_ascii_alphabetic());
    !words.into_iter().any(|word| word == b"SMP" || word == b"PREEMPT")
}

#[cfg(test)]
mod tests {
    use super::is_version_of_one as is_one_at_a_time;

    #[test]
    fn kernels_that_run_several_threads_or_preempt_say_so() {
        assert!(is_one_at_a_time(b"#1 Sat Jul  4 15:38:16 UTC 2026"));
        assert!(!is_one_at_a_time(b"#1 SMP Debian 6.1.176-1 (2026-07-04)"));
        assert!(!is_one_at_a_time(b"#1 PREEMPT Sat Jul  4 15:38:16 UTC 2026"));
        assert!(!is_one_at_a_time(b"#1 SMP PREEMPT_DYNAMIC Debian 6.18.1-1"));
    }
}
