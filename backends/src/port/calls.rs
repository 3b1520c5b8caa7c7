//! System calls on bare descriptor numbers, each made once, and what they returned in words of the model.
#![expect(unsafe_code, reason = "the system's calls take bare numbers and pointers")]

use std::os::fd::RawFd;

use nix::libc;
use pipewright_model::call::{ACTORS_MAX, Amount, Answer, Errno, Events, Lock, Op, Whence};

pub(super) fn set_nonblock(number: RawFd, nonblock: bool) -> Answer {
    // SAFETY: no memory is passed.
    let flags = unsafe { libc::fcntl(number, libc::F_GETFL) };
    if flags < 0 {
        return done(flags);
    }
    let flags = if nonblock { flags | libc::O_NONBLOCK } else { flags & !libc::O_NONBLOCK };
    // SAFETY: no memory is passed.
    done(unsafe { libc::fcntl(number, libc::F_SETFL, flags) })
}

pub(super) fn poll(number: RawFd, events: Events, wait: bool) -> Answer {
    let mut entry = libc::pollfd { fd: number, events: events.0 as i16, revents: 0 };
    // SAFETY: one entry, as said.
    match unsafe { libc::poll(&raw mut entry, 1, if wait { -1 } else { 0 }) } {
        ..0 => failed(nix::errno::Errno::last()),
        _ => Answer::Ready(Events(entry.revents as u16)),
    }
}

/// Polls several descriptors at once, and lays down the events found of each, two bytes each.
pub(crate) fn poll_several(ends: &[(RawFd, Events)], wait: bool, bytes: &mut [u8]) -> Answer {
    const NONE: libc::pollfd = libc::pollfd { fd: -1, events: 0, revents: 0 };
    let mut entries = [NONE; ACTORS_MAX];
    let Some(entries) = entries.get_mut(..ends.len()) else {
        return failed(nix::errno::Errno::EINVAL);
    };
    for (entry, (number, events)) in entries.iter_mut().zip(ends) {
        *entry = libc::pollfd { fd: *number, events: events.0 as i16, revents: 0 };
    }
    let count = entries.len() as libc::nfds_t;
    // SAFETY: as many entries as said.
    if unsafe { libc::poll(entries.as_mut_ptr(), count, if wait { -1 } else { 0 }) } < 0 {
        return failed(nix::errno::Errno::last());
    }
    for (entry, found) in entries.iter().zip(bytes.chunks_exact_mut(2)) {
        found.copy_from_slice(&(entry.revents as u16).to_le_bytes());
    }
    Answer::Polled(0)
}

/// Writes a value of 8 bytes.
pub(super) fn add(number: RawFd, value: Amount) -> Answer {
    let bytes = value.get().to_ne_bytes();
    // SAFETY: pointer and length are of one array.
    match unsafe { libc::write(number, bytes.as_ptr().cast(), bytes.len()) } {
        8 => Answer::Done,
        other => counted(other),
    }
}

/// Reads a value of 8 bytes.
pub(super) fn take(number: RawFd) -> Answer {
    let mut bytes = [0; 8];
    // SAFETY: pointer and length are of one array.
    match unsafe { libc::read(number, bytes.as_mut_ptr().cast(), bytes.len()) } {
        8 => Answer::value(u64::from_ne_bytes(bytes)),
        other => counted(other),
    }
}

pub(super) fn available(number: RawFd) -> Answer {
    let mut bytes: libc::c_int = 0;
    // SAFETY: FIONREAD stores an int.
    match unsafe { libc::ioctl(number, libc::FIONREAD, &raw mut bytes) } {
        0 => Answer::Count(bytes as u32),
        _ => failed(nix::errno::Errno::last()),
    }
}

pub(crate) fn counted(result: isize) -> Answer {
    if result < 0 { failed(nix::errno::Errno::last()) } else { Answer::Count(result as u32) }
}

pub(crate) fn done(result: libc::c_int) -> Answer {
    if result < 0 { failed(nix::errno::Errno::last()) } else { Answer::Done }
}

pub(super) fn failed(errno: nix::errno::Errno) -> Answer {
    Answer::Fails(Errno::from_number(errno as u16))
}

pub(super) fn seek(number: RawFd, from: Whence, offset: i32) -> Answer {
    let whence = match from {
        Whence::Start => libc::SEEK_SET,
        Whence::Current => libc::SEEK_CUR,
        Whence::End => libc::SEEK_END,
    };
    // SAFETY: no memory is passed.
    counted(unsafe { libc::lseek(number, offset.into(), whence) } as isize)
}

/// A lock of the whole file that belongs to the open file description, or to the process.
pub(super) fn lock(number: RawFd, lock: Lock, wait: bool, of_process: bool) -> Answer {
    let l_type = match lock {
        Lock::None => libc::F_UNLCK,
        Lock::Shared => libc::F_RDLCK,
        Lock::Exclusive => libc::F_WRLCK,
    };
    let whole = libc::flock {
        l_type: l_type as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    };
    let command = match (of_process, wait) {
        (false, false) => libc::F_OFD_SETLK,
        (false, true) => libc::F_OFD_SETLKW,
        (true, false) => libc::F_SETLK,
        (true, true) => libc::F_SETLKW,
    };
    // SAFETY: the structure is complete and outlives the call.
    done(unsafe { libc::fcntl(number, command, &raw const whole) })
}

pub(super) fn set_close_on_exec(number: RawFd, on: bool) -> Answer {
    let flags = if on { libc::FD_CLOEXEC } else { 0 };
    // SAFETY: no memory is passed.
    done(unsafe { libc::fcntl(number, libc::F_SETFD, flags) })
}

pub(super) fn flock(number: RawFd, lock: Lock, wait: bool) -> Answer {
    let operation = match lock {
        Lock::None => libc::LOCK_UN,
        Lock::Shared => libc::LOCK_SH,
        Lock::Exclusive => libc::LOCK_EX,
    };
    let waiting = if wait { 0 } else { libc::LOCK_NB };
    // SAFETY: no memory is passed.
    done(unsafe { libc::flock(number, operation | waiting) })
}

/// The system calls in which a call on descriptors may sleep.
pub(crate) fn sleeps_in(op: Op) -> &'static [i64] {
    match op {
        Op::Open { .. } => OPEN,
        Op::Read { .. } | Op::Take => &[libc::SYS_read],
        Op::Write { .. } | Op::Add { .. } => &[libc::SYS_write],
        Op::ReadAt { .. } => &[libc::SYS_pread64],
        Op::WriteAt { .. } => &[libc::SYS_pwrite64],
        Op::Poll { .. } | Op::PollSet { .. } => POLL,
        Op::Epoll => &[libc::SYS_epoll_create1],
        Op::EpollAdd { .. } | Op::EpollModify { .. } | Op::EpollDelete { .. } => {
            &[libc::SYS_epoll_ctl]
        }
        Op::EpollWait { .. } => EPOLL,
        Op::Lock { .. } | Op::ProcessLock { .. } | Op::SetNonblock(_) | Op::Dup { .. } => {
            &[libc::SYS_fcntl]
        }
        Op::SetCloseOnExec(_) => &[libc::SYS_fcntl],
        Op::Dup2 { .. } => &[libc::SYS_dup2, libc::SYS_dup3, libc::SYS_fcntl],
        Op::SetCapacity { .. } | Op::GetCapacity => &[libc::SYS_fcntl],
        Op::Flock { .. } => &[libc::SYS_flock],
        Op::Connect => &[libc::SYS_connect],
        Op::Accept { .. } => &[libc::SYS_accept4],
        Op::Send { .. } => &[libc::SYS_sendto],
        Op::SendEnd { .. } => &[libc::SYS_sendmsg],
        Op::Receive { .. } | Op::ReceiveEnd { .. } => &[libc::SYS_recvmsg],
        Op::Close => &[libc::SYS_close],
        Op::Truncate { .. } => &[libc::SYS_ftruncate],
        Op::Available => &[libc::SYS_ioctl],
        Op::Seek { .. } => &[libc::SYS_lseek],
        Op::Bind => &[libc::SYS_bind],
        Op::Listen { .. } => &[libc::SYS_listen],
        Op::Shutdown { .. } => &[libc::SYS_shutdown],
        Op::SetOption { .. } => &[libc::SYS_setsockopt],
        Op::GetOption { .. } => &[libc::SYS_getsockopt],
        Op::Socket { .. } | Op::Unlink | Op::Deliver | Op::Release => &[],
        Op::Fork { .. } | Op::Exec | Op::Wait { .. } | Op::Exit { .. } => &[],
        Op::Signal { .. } | Op::SetSignal { .. } => &[],
    }
}

/// After a stop and a continuation a poll goes on in a call of its own.
#[cfg(target_arch = "x86_64")]
const POLL: &[i64] = &[libc::SYS_poll, libc::SYS_ppoll, libc::SYS_restart_syscall];
#[cfg(not(target_arch = "x86_64"))]
const POLL: &[i64] = &[libc::SYS_ppoll, libc::SYS_restart_syscall];

#[cfg(target_arch = "x86_64")]
const EPOLL: &[i64] = &[libc::SYS_epoll_wait, libc::SYS_epoll_pwait, libc::SYS_epoll_pwait2];
#[cfg(not(target_arch = "x86_64"))]
const EPOLL: &[i64] = &[libc::SYS_epoll_pwait, libc::SYS_epoll_pwait2];

#[cfg(target_arch = "x86_64")]
const OPEN: &[i64] = &[libc::SYS_openat, libc::SYS_open];
#[cfg(not(target_arch = "x86_64"))]
const OPEN: &[i64] = &[libc::SYS_openat];
