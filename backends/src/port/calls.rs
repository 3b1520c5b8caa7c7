//! System calls on bare descriptor numbers, each made once, and what they returned in words of the model.
#![expect(unsafe_code, reason = "the system's calls take bare numbers and pointers")]

use std::os::fd::RawFd;

use nix::libc;
use pipewright_model::call::{Answer, Errno, Events, Lock, Op, Whence};

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

pub(super) fn lock(number: RawFd, lock: Lock, wait: bool) -> Answer {
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
    let command = if wait { libc::F_OFD_SETLKW } else { libc::F_OFD_SETLK };
    // SAFETY: the structure is complete and outlives the call.
    done(unsafe { libc::fcntl(number, command, &raw const whole) })
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
pub(super) fn sleeps_in(op: Op) -> &'static [i64] {
    match op {
        Op::Open { .. } => OPEN,
        Op::Read { .. } => &[libc::SYS_read],
        Op::Write { .. } => &[libc::SYS_write],
        Op::ReadAt { .. } => &[libc::SYS_pread64],
        Op::WriteAt { .. } => &[libc::SYS_pwrite64],
        Op::Poll { .. } => POLL,
        Op::Lock { .. } | Op::SetNonblock(_) | Op::Dup { .. } => &[libc::SYS_fcntl],
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
    }
}

/// After a stop and a continuation a poll goes on in a call of its own.
#[cfg(target_arch = "x86_64")]
const POLL: &[i64] = &[libc::SYS_poll, libc::SYS_ppoll, libc::SYS_restart_syscall];
#[cfg(not(target_arch = "x86_64"))]
const POLL: &[i64] = &[libc::SYS_ppoll, libc::SYS_restart_syscall];

#[cfg(target_arch = "x86_64")]
const OPEN: &[i64] = &[libc::SYS_openat, libc::SYS_open];
#[cfg(not(target_arch = "x86_64"))]
const OPEN: &[i64] = &[libc::SYS_openat];
