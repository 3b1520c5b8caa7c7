//! Calls on epolls. The user's data of an entry is the end that was registered.
#![expect(unsafe_code, reason = "the system's calls take bare numbers and pointers")]

use std::os::fd::RawFd;

use nix::libc;
use pipewright_model::call::{Answer, End, Events, TOLD_MAX, Told, Trigger};

use super::calls::{done, failed};

/// Flags of an entry, as the kernel knows them.
const FLAGS: [(Trigger, u32); 3] = [
    (Trigger::EDGE, libc::EPOLLET as u32),
    (Trigger::ONE_SHOT, libc::EPOLLONESHOT as u32),
    (Trigger::EXCLUSIVE, libc::EPOLLEXCLUSIVE as u32),
];

/// What is registered.
pub(super) struct Entry {
    /// The number of the descriptor.
    pub(super) number: RawFd,
    /// The end that has it.
    pub(super) end: End,
    pub(super) events: Events,
    pub(super) trigger: Trigger,
}

/// `epoll_ctl(2)`.
pub(super) fn control(number: RawFd, operation: libc::c_int, of: Entry) -> Answer {
    let flags = FLAGS.iter().filter(|(flag, _)| of.trigger.contains(*flag));
    let flags = flags.fold(0, |bits, (_, bit)| bits | bit);
    let mut event =
        libc::epoll_event { events: u32::from(of.events.0) | flags, u64: u64::from(of.end.0) };
    // SAFETY: the event is complete and outlives the call.
    done(unsafe { libc::epoll_ctl(number, operation, of.number, &raw mut event) })
}

/// `epoll_wait(2)`.
pub(super) fn wait(number: RawFd, most: u8, wait: bool) -> Answer {
    let mut events = [libc::epoll_event { events: 0, u64: 0 }; TOLD_MAX];
    let (most, timeout) =
        (usize::from(most).min(TOLD_MAX) as libc::c_int, if wait { -1 } else { 0 });
    // SAFETY: there is room for as many events as said.
    let told = unsafe { libc::epoll_wait(number, events.as_mut_ptr(), most, timeout) };
    let Ok(told) = usize::try_from(told) else { return failed(nix::errno::Errno::last()) };
    if told == 0 {
        return Answer::Ready(Events::NONE);
    }
    let told =
        events[..told].iter().map(|event| (End(event.u64 as u8), Events(event.events as u16)));
    Answer::Told(told.collect::<Told>())
}
