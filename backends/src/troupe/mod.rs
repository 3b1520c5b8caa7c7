//! A troupe: real processes and threads that hold descriptors of several channels, fork, run programs, exit, are
//! killed and waited for.
//!
//! - The [`Warden`] is a process that forks the first actors, and adopts those whose parents end. Whatever ends the
//!   controller, be it `SIGKILL`, the warden ends all others, so nothing is left behind.
//! - An *actor* is a process or a thread that carries out orders at its desk ([`Arena`]). It forks, and its child sits
//!   down at a desk of its own; it runs this program again by `execve(2)`, which goes on at the same desk.
//!
//! Ends have [fixed numbers](crate::port::TABLE) in every process, so the kernel's table of descriptors is the only one:
//! threads share it, a fork copies it, `execve(2)` closes what it closes.
//!
//! Nothing here judges, and nothing waits for a time.

mod actor;
mod again;
mod program;
mod warden;
mod ways;

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use pipewright_model::call::{ENDS_MAX, End, Events};
use pipewright_model::run::PollSet;

pub use crate::sys::arena::{Arena, Seated};
use crate::sys::desk::Report;
use crate::sys::errno;
pub use warden::Warden;
pub use ways::{Sound, Ways};

/// What an actor must know of the channels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// For each channel its name in the [registry](crate::channels), and its place.
    pub channels: Vec<(String, PathBuf)>,
    /// For each end the channel to which it leads, as far as its name tells.
    pub leads: [u8; ENDS_MAX],
    /// Polls on several ends, by their numbers.
    pub polls: Vec<PollSet>,
}

impl Notice {
    /// In bytes, as [`Arena::tell`] takes them.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.leads.to_vec();
        let mut add = |part: &[u8]| {
            bytes.extend((part.len() as u16).to_le_bytes());
            bytes.extend(part);
        };
        let polls: Vec<u8> = self.polls.iter().flat_map(poll_bytes).collect();
        add(&polls);
        for (name, place) in &self.channels {
            add(name.as_bytes());
            add(place.as_os_str().as_bytes());
        }
        bytes
    }

    fn of(bytes: &[u8]) -> io::Result<Notice> {
        let broken = || io::Error::from(io::ErrorKind::InvalidData);
        let (leads, mut rest) = bytes.split_at_checked(ENDS_MAX).ok_or_else(broken)?;
        let polls = part(&mut rest).ok_or_else(broken)?;
        let mut channels = Vec::new();
        while !rest.is_empty() {
            let name = part(&mut rest).ok_or_else(broken)?;
            let place = part(&mut rest).ok_or_else(broken)?;
            let place = Path::new(OsStr::from_bytes(place)).to_owned();
            channels.push((String::from_utf8_lossy(name).into_owned(), place));
        }
        let leads = leads.try_into().map_err(|_| broken())?;
        Ok(Notice { channels, leads, polls: polls_of(polls).ok_or_else(broken)? })
    }
}

/// Whether it waits, how many ends it has, and of each its number and the events asked for.
fn poll_bytes(PollSet { ends, wait }: &PollSet) -> Vec<u8> {
    let mut bytes = vec![u8::from(*wait), ends.len() as u8];
    for (end, events) in ends {
        let [low, high] = events.0.to_le_bytes();
        bytes.extend([end.0, low, high]);
    }
    bytes
}

fn polls_of(mut bytes: &[u8]) -> Option<Vec<PollSet>> {
    let mut polls = Vec::new();
    while let Some(([wait, count], rest)) = bytes.split_first_chunk() {
        let (ends, rest) = rest.split_at_checked(3 * usize::from(*count))?;
        let end = |of: &[u8]| (End(of[0]), Events(u16::from_le_bytes([of[1], of[2]])));
        polls.push(PollSet { ends: ends.chunks_exact(3).map(end).collect(), wait: *wait != 0 });
        bytes = rest;
    }
    bytes.is_empty().then_some(polls)
}

/// The next part, after its length.
fn part<'b>(rest: &mut &'b [u8]) -> Option<&'b [u8]> {
    let (len, after) = rest.split_first_chunk()?;
    let (part, after) = after.split_at_checked(u16::from_le_bytes(*len).into())?;
    *rest = after;
    Some(part)
}

fn failed(error: &io::Error) -> Report {
    Report::Failed(errno(error).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notice_is_read_as_it_was_written() {
        let channels = [("pipe", "/tmp/a b\n"), ("fifo", "/")];
        let channels = channels.map(|(name, place)| (name.to_owned(), PathBuf::from(place)));
        let ends = vec![(End(3), Events::IN), (End(31), Events::OUT.union(Events::RDHUP))];
        let polls = [PollSet { ends, wait: true }, PollSet { ends: vec![], wait: false }];
        for count in 0..=2 {
            let (channels, polls) = (channels[..count].to_vec(), polls[..count].to_vec());
            let notice = Notice { channels, leads: [7; ENDS_MAX], polls };
            assert_eq!(Notice::of(&notice.bytes()).expect("a notice"), notice);
        }
        assert!(Notice::of(&[0; 5]).is_err());
    }
}
