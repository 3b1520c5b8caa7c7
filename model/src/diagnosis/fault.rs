//! What can be wrong, in the words of the field.

use std::fmt;

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Fault {
    /// A call sleeps on that must return: what it waits for has come.
    LostWakeUp,
    /// A call sleeps that could have returned from the first.
    Blocks,
    /// A call returns that must sleep.
    ReturnsTooEarly,
    /// The bytes of a write that is one piece were read with others among them.
    Torn,
    /// What was sent as several messages came as one.
    Merged,
    /// Bytes were passed over.
    Lost,
    /// Bytes were given that nobody has written.
    Invented,
    /// Bytes came in another order than they must.
    Reordered,
    /// Bytes were given twice.
    Duplicated,
    /// Bytes were given that have been overwritten, or are not those of this place.
    Stale,
    /// End of file was told while there is more to come.
    EndTooEarly,
    /// End of file was not told though nothing can come.
    EndTooLate,
    /// Another error than the one due.
    WrongError,
    /// An error where none is due.
    UnexpectedError,
    /// No error where one is due.
    MissingError,
    /// A signal was not raised.
    SignalMissing,
    /// A signal was raised without cause.
    SignalUnexpected,
    /// `poll` reports what is not so.
    ReadyThough,
    /// `poll` does not report what is so.
    NotReady,
    /// More or fewer bytes than possible.
    WrongCount,
    /// Another value than the one that holds.
    WrongValue,
    /// No rule leads here, and none says what else there should be.
    Unexplained,
}

impl Fault {
    /// Its name: a few words, the same in text, JSON and remarks.
    pub const fn name(self) -> &'static str {
        match self {
            Fault::LostWakeUp => "lost wake-up",
            Fault::Blocks => "blocks though it must not",
            Fault::ReturnsTooEarly => "returned too early",
            Fault::Torn => "write torn",
            Fault::Merged => "messages merged",
            Fault::Lost => "bytes lost",
            Fault::Invented => "bytes invented",
            Fault::Reordered => "bytes reordered",
            Fault::Duplicated => "bytes duplicated",
            Fault::Stale => "wrong bytes",
            Fault::EndTooEarly => "end of file told too early",
            Fault::EndTooLate => "end of file told too late",
            Fault::WrongError => "wrong error",
            Fault::UnexpectedError => "unexpected error",
            Fault::MissingError => "missing error",
            Fault::SignalMissing => "signal missing",
            Fault::SignalUnexpected => "unexpected signal",
            Fault::ReadyThough => "ready though it is not",
            Fault::NotReady => "readiness not told",
            Fault::WrongCount => "wrong count",
            Fault::WrongValue => "wrong value",
            Fault::Unexplained => "unexplained",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
