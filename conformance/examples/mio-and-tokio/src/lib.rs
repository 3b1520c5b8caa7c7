//! Two libraries of event loops, and what it takes to have them judged: mio's poll over pipes, tokio's pipe and Unix stream.

pub mod looped;
pub mod tasks;

use std::io;

use pipewright_backends::Seen;
use pipewright_backends::sys::signals;
use pipewright_model::call::{Answer, Errno, Signal};

/// What a call of a library returned, in the words of the specification.
fn seen<T>(call: impl FnOnce() -> io::Result<T>, answer: impl FnOnce(T) -> Answer) -> Seen {
    let before = signals::sigpipes();
    let answer = match call() {
        Ok(value) => answer(value),
        Err(error) => Answer::Fails(errno(&error)),
    };
    let signal = (signals::sigpipes() != before).then_some(Signal::Sigpipe);
    Seen { answer, signal }
}

fn errno(error: &io::Error) -> Errno {
    error.raw_os_error().map_or(Errno::EIO, |number| Errno::from_number(number as u16))
}

fn fails(errno: Errno) -> Seen {
    Seen::answer(Answer::Fails(errno))
}
