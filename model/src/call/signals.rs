//! Signals that one process sends another, and what a process has them do.

use std::fmt;

/// A signal, by its number on Linux.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "distributed", derive(serde::Serialize, serde::Deserialize))]
pub struct Sig(pub u8);

/// What a signal does to a process that has said nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DefaultAction {
    /// It ends the process.
    Ends,
    /// Nothing.
    Ignored,
    /// It stops the process.
    Stops,
    /// It lets a stopped process go on.
    Continues,
}

impl Sig {
    /// `SIGKILL`
    pub const KILL: Sig = Sig(9);
    /// `SIGPIPE`
    pub const PIPE: Sig = Sig(13);
    /// `SIGCHLD`
    pub const CHLD: Sig = Sig(17);
    /// `SIGCONT`
    pub const CONT: Sig = Sig(18);
    /// `SIGSTOP`
    pub const STOP: Sig = Sig(19);

    /// The signals that runs name. Source: signal(7), the numbers of x86 and ARM.
    pub const NAMED: [(&'static str, Sig); 22] = [
        ("SIGHUP", Sig(1)),
        ("SIGINT", Sig(2)),
        ("SIGQUIT", Sig(3)),
        ("SIGILL", Sig(4)),
        ("SIGTRAP", Sig(5)),
        ("SIGABRT", Sig(6)),
        ("SIGBUS", Sig(7)),
        ("SIGFPE", Sig(8)),
        ("SIGKILL", Sig::KILL),
        ("SIGUSR1", Sig(10)),
        ("SIGSEGV", Sig(11)),
        ("SIGUSR2", Sig(12)),
        ("SIGPIPE", Sig::PIPE),
        ("SIGALRM", Sig(14)),
        ("SIGTERM", Sig(15)),
        ("SIGCHLD", Sig::CHLD),
        ("SIGCONT", Sig::CONT),
        ("SIGSTOP", Sig::STOP),
        ("SIGTSTP", Sig(20)),
        ("SIGTTIN", Sig(21)),
        ("SIGTTOU", Sig(22)),
        ("SIGWINCH", Sig(28)),
    ];

    /// The signal called so: one without a name of its own by its number, as in `SIG31`.
    pub fn named(name: &str) -> Option<Sig> {
        let known = Sig::NAMED.iter().find(|(known, _)| *known == name);
        let by_number = || {
            let number = name.strip_prefix("SIG").and_then(|number| number.parse().ok())?;
            Some(Sig(number)).filter(|signal| signal.to_string() == name && signal.exists())
        };
        known.map(|(_, signal)| *signal).or_else(by_number)
    }

    /// Whether there is a signal of this number.
    pub const fn exists(self) -> bool {
        matches!(self.0, 1..=64)
    }

    /// What it does unless the process has said otherwise. Source: signal(7), standard signals.
    pub const fn default_action(self) -> DefaultAction {
        match self.0 {
            17 | 23 | 28 => DefaultAction::Ignored,
            18 => DefaultAction::Continues,
            19..=22 => DefaultAction::Stops,
            _ => DefaultAction::Ends,
        }
    }

    /// Whether it ends a process that has said nothing else.
    pub const fn can_end(self) -> bool {
        matches!(self.default_action(), DefaultAction::Ends)
    }

    /// Whether a fault of the process itself raises it, or `abort(3)`: then it ends the process whatever that has it do.
    /// Source: kernel/signal.c, force_sig_info_to_task.
    pub const fn is_of_a_fault(self) -> bool {
        matches!(self.0, 4..=8 | 11 | 31)
    }

    /// Whether a process may say what it does: of all but `SIGKILL` and `SIGSTOP`.
    pub const fn can_be_set(self) -> bool {
        self.0 != Sig::KILL.0 && self.0 != Sig::STOP.0
    }

    const fn bit(self) -> u32 {
        1 << (self.0 % 32)
    }
}

impl fmt::Display for Sig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Sig::NAMED.iter().find(|(_, known)| known == self) {
            Some((name, _)) => f.write_str(name),
            None => write!(f, "SIG{}", self.0),
        }
    }
}

/// How a process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "distributed", derive(serde::Serialize, serde::Deserialize))]
pub enum Termination {
    /// It exits with this status.
    Exit(u8),
    /// By this signal.
    Signal(Sig),
}

impl Termination {
    /// It exits with status 0.
    pub const SUCCESS: Termination = Termination::Exit(0);

    /// The signal that ends it, if one does.
    pub const fn signal(self) -> Option<Sig> {
        match self {
            Termination::Exit(_) => None,
            Termination::Signal(signal) => Some(signal),
        }
    }

    /// What a shell tells of it: the status, or 128 and the number of the signal. Either may be meant by 143.
    pub fn told(self) -> u32 {
        match self {
            Termination::Exit(status) => status.into(),
            Termination::Signal(signal) => 128 + u32::from(signal.0),
        }
    }
}

/// What a process has a signal do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "distributed", derive(serde::Serialize, serde::Deserialize))]
pub enum Disposition {
    /// `SIG_DFL`
    #[default]
    Default,
    /// `SIG_IGN`
    Ignored,
    /// A handler.
    Caught,
    /// A handler, with `SA_RESTART`.
    Restarting,
}

impl Disposition {
    /// The words for them.
    pub const NAMED: [(&'static str, Disposition); 4] = [
        ("default", Disposition::Default),
        ("ignore", Disposition::Ignored),
        ("catch", Disposition::Caught),
        ("restart", Disposition::Restarting),
    ];
}

/// What a process has every signal do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "distributed", derive(serde::Serialize, serde::Deserialize))]
pub struct Dispositions {
    ignored: u32,
    caught: u32,
    /// Of those caught.
    restarting: u32,
}

impl Dispositions {
    /// Every signal does what it does by default.
    pub const NONE: Dispositions = Dispositions { ignored: 0, caught: 0, restarting: 0 };

    /// What it has this signal do.
    pub const fn of(self, signal: Sig) -> Disposition {
        let bit = signal.bit();
        if self.ignored & bit != 0 {
            Disposition::Ignored
        } else if self.restarting & bit != 0 {
            Disposition::Restarting
        } else if self.caught & bit != 0 {
            Disposition::Caught
        } else {
            Disposition::Default
        }
    }

    /// The same but for this signal.
    #[must_use]
    pub const fn with(self, signal: Sig, disposition: Disposition) -> Dispositions {
        let bit = signal.bit();
        let mut with = Dispositions {
            ignored: self.ignored & !bit,
            caught: self.caught & !bit,
            restarting: self.restarting & !bit,
        };
        match disposition {
            Disposition::Default => {}
            Disposition::Ignored => with.ignored |= bit,
            Disposition::Caught => with.caught |= bit,
            Disposition::Restarting => {
                with.caught |= bit;
                with.restarting |= bit;
            }
        }
        with
    }

    /// What is left of it where another program is run: what was caught has its default again.
    #[must_use]
    pub const fn after_exec(self) -> Dispositions {
        Dispositions { caught: 0, restarting: 0, ..self }
    }

    /// Whether any signal is caught.
    pub const fn catches(self) -> bool {
        self.caught != 0
    }
}
