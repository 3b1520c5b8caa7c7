//! Why a scenario could not be carried out. It says nothing about the channel.

use std::io;

use pipewright_backends::Arrangement;
use pipewright_backends::sys::Shortage;
use pipewright_model::call::Actor;

/// Why there is no run.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// The channel does not offer the arrangement.
    #[error(
        "{channel} can't be shared in the arrangement \"{arrangement}\"; choose one of {}",
        listed(offered)
    )]
    Unsupported {
        /// Name of the channel.
        channel: String,
        /// The arrangement asked for.
        arrangement: Arrangement,
        /// What the channel offers.
        offered: Vec<Arrangement>,
    },
    /// The channel can't be had here, and must not be skipped.
    #[error("{channel} can't be had: {reason}; with CI=true no channel is skipped")]
    Unavailable {
        /// Name of the channel.
        channel: String,
        /// Why.
        reason: String,
    },
    /// The scenario begins with ends that the arrangement can't give.
    #[error(
        "{channel} can't be opened by path: in the arrangement \"{arrangement}\" actors make their own sockets \
         and hold nothing at the start; choose another arrangement"
    )]
    HeldAtStart {
        /// Name of the channel.
        channel: String,
        /// The arrangement asked for.
        arrangement: Arrangement,
    },
    /// The scenario takes more actors than the runner was made for.
    #[error("the scenario takes {wanted} actors; this runner has {most}")]
    TooManyActors {
        /// Actors of the scenario.
        wanted: usize,
        /// Actors of the runner.
        most: usize,
    },
    /// A worker ended in mid-run: a crash, or somebody killed it.
    #[error(
        "the worker of actor {} died ({status}); it is replaced, so run the scenario again",
        actor.0
    )]
    ActorDied {
        /// The actor that it played.
        actor: Actor,
        /// How it ended.
        status: String,
    },
    /// The process ended that looks after a troupe: a crash, or somebody killed it.
    #[error("the warden of the actors died ({status}); it is replaced, so run the scenario again")]
    WardenDied {
        /// How it ended.
        status: String,
    },
    /// For a long time nothing moved, yet not all actors were seen asleep.
    #[error(
        "nothing moved for {seconds} s, yet the actors were not all seen asleep; \
         is the machine overloaded or suspended? run the scenario again"
    )]
    Inconclusive {
        /// How long, in seconds.
        seconds: u64,
    },
    /// Actors can't be looked at.
    #[error("failed to see whether an actor sleeps: {path}: {source}; {remedy}")]
    Blind {
        /// The file that would tell.
        path: String,
        /// What helps.
        remedy: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// There is no place for files.
    #[error(
        "failed to make a temporary directory ({source}); \
         set TMPDIR to a directory that exists and can be written to"
    )]
    Homeless {
        /// What the system said.
        source: io::Error,
    },
    /// The channel needs a place that this machine does not have.
    #[error("there is no place for it: {source}")]
    NoPlace {
        /// What the system or the channel said.
        source: io::Error,
    },
    /// The system has run out of something.
    #[error("failed to {doing}: {source}; {shortage}")]
    Short {
        /// What was being done.
        doing: &'static str,
        /// What is lacking, and what helps.
        shortage: Shortage,
        /// What the system said.
        source: io::Error,
    },
    /// The system refused something else.
    #[error("failed to {doing}: {source}")]
    System {
        /// What was being done.
        doing: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// It ended a campaign, while this channel was checked.
    #[error("{channel}: {trouble}")]
    At {
        /// Name of the channel.
        channel: String,
        /// What it was.
        trouble: Box<Trouble>,
    },
    /// An end was asked for ([`crate::stop`]).
    #[error("stopped on request")]
    Stopped,
}

/// `threads, inherited, passed`.
fn listed(offered: &[Arrangement]) -> String {
    offered.iter().map(|arrangement| arrangement.word()).collect::<Vec<_>>().join(", ")
}

impl Trouble {
    /// Whether it befell one run, and others may well succeed.
    pub fn is_of_one_run(&self) -> bool {
        matches!(
            self,
            Trouble::ActorDied { .. } | Trouble::WardenDied { .. } | Trouble::Inconclusive { .. }
        )
    }

    /// Whether it befell the channel, and others may well be had.
    pub fn is_of_channel(&self) -> bool {
        match self {
            Trouble::System { .. } | Trouble::NoPlace { .. } => true,
            Trouble::Short { shortage, .. } => {
                matches!(shortage, Shortage::Space | Shortage::Writable | Shortage::FileSize)
            }
            _ => false,
        }
    }

    /// The trouble that the system gave while `doing` something: words that finish "failed to …".
    pub(crate) fn while_doing(doing: &'static str) -> impl Fn(io::Error) -> Trouble {
        move |source| match Shortage::of(&source) {
            Some(shortage) => Trouble::Short { doing, shortage, source },
            None => Trouble::System { doing, source },
        }
    }
}
