//! Descriptors sent from one process to another (`SCM_RIGHTS`).

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use pipewright_model::call::{ENDS_MAX, End};
use rustix::cmsg_space;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recvmsg, sendmsg, socketpair,
};

use super::Calling;

/// A pair of sockets to send ends over: each message arrives whole.
///
/// # Errors
///
/// Whatever `socketpair(2)` says.
pub fn sockets() -> io::Result<(OwnedFd, OwnedFd)> {
    socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)
        .calling("socketpair(AF_UNIX)")
}

/// Sends ends, with their numbers.
///
/// # Errors
///
/// Whatever `sendmsg(2)` says.
pub fn send(socket: impl AsFd, ends: &[(End, BorrowedFd<'_>)]) -> io::Result<()> {
    let mut message = vec![ends.len() as u8];
    message.extend(ends.iter().map(|(end, _)| end.0));
    let fds: Vec<_> = ends.iter().map(|(_, fd)| *fd).collect();
    let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(ENDS_MAX))];
    let mut extra = SendAncillaryBuffer::new(&mut space);
    if !fds.is_empty() && !extra.push(SendAncillaryMessage::ScmRights(&fds)) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    sendmsg(socket, &[IoSlice::new(&message)], &mut extra, SendFlags::NOSIGNAL)?;
    Ok(())
}

/// Receives ends, close-on-exec; waits for them.
///
/// # Errors
///
/// Whatever `recvmsg(2)` says; [`io::ErrorKind::InvalidData`] if some did not get through, as
/// happens at the limit of descriptors.
pub fn receive(socket: impl AsFd) -> io::Result<Vec<(End, OwnedFd)>> {
    let mut message = [0; ENDS_MAX + 1];
    let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(ENDS_MAX))];
    let mut extra = RecvAncillaryBuffer::new(&mut space);
    let mut parts = [IoSliceMut::new(&mut message)];
    recvmsg(socket, &mut parts, &mut extra, RecvFlags::CMSG_CLOEXEC)?;
    let fds: Vec<OwnedFd> = extra
        .drain()
        .filter_map(|part| match part {
            RecvAncillaryMessage::ScmRights(fds) => Some(fds),
            _ => None,
        })
        .flatten()
        .collect();
    let ends = &message[1..];
    if fds.len() != usize::from(message[0]) || fds.len() > ends.len() {
        return Err(io::ErrorKind::InvalidData.into());
    }
    Ok(ends.iter().map(|end| End(*end)).zip(fds).collect())
}
