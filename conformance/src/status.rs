//! How commands end: an exit status for each outcome, the same in all commands.

use std::process::ExitCode;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// All that was judged conforms; a command that judges nothing has done what it was asked.
    Conforms,
    /// A run is one that no rule allows, or something is not as it must be.
    Deviates,
    /// The usage or the input is wrong, or the machine lacks what the command needs.
    BadInput,
    /// Something was left unjudged.
    NotJudged,
    /// A signal asked for an end.
    Stopped,
}

impl Status {
    /// All of them, in the order of their numbers.
    pub const ALL: [Status; 5] =
        [Status::Conforms, Status::Deviates, Status::BadInput, Status::NotJudged, Status::Stopped];

    /// The number with which the program ends.
    pub const fn code(self) -> u8 {
        match self {
            Status::Conforms => 0,
            Status::Deviates => 1,
            Status::BadInput => 2,
            Status::NotJudged => 3,
            Status::Stopped => 130,
        }
    }

    /// What it means, as help texts and the book say it.
    pub const fn says(self) -> &'static str {
        match self {
            Status::Conforms => "conforms; a command that judges nothing has done its work",
            Status::Deviates => {
                "deviates: a run that no rule allows, a result that is not the expected one, or a wait for ever"
            }
            Status::BadInput => {
                "bad usage or input, or a machine that lacks what the command needs"
            }
            Status::NotJudged => {
                "not judged: unspecified, inconclusive, not supported here, or not set up as the file says"
            }
            Status::Stopped => "stopped by Ctrl-C, or by SIGTERM, SIGHUP, SIGQUIT or SIGXCPU",
        }
    }

    /// The one that tells of both: what deviates outweighs what was not judged, and a stop outweighs all but
    /// a deviation.
    #[must_use]
    pub fn and(self, other: Status) -> Status {
        let weight = |status: &Status| match status {
            Status::Conforms => 0,
            Status::NotJudged => 1,
            Status::Stopped => 2,
            Status::Deviates => 3,
            Status::BadInput => 4,
        };
        std::cmp::max_by_key(self, other, weight)
    }
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> ExitCode {
        ExitCode::from(status.code())
    }
}

/// All statuses, as the end of a help text.
pub fn help() -> String {
    let line = |status: &Status| format!("  {:<4}{}\n", status.code(), status.says());
    format!("Exit status:\n{}", Status::ALL.iter().map(line).collect::<String>())
}
