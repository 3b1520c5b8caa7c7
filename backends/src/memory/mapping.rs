//! Memory that processes share: made without a name or with one, mapped by whoever has its descriptor.
//!
//! Making gives a descriptor, and mapping needs one: so a process that made the memory, one that was sent
//! the descriptor and one that opened it by name all go the same way. What is mapped is freed when the
//! last mapping and the last descriptor are gone; a name stays until it is [unlinked](unlink_named).
//!
//! Nothing here gives out the bytes as such: what can be done with a mapping is to put a
//! [ring](SharedRing) into it.
#![expect(unsafe_code, reason = "maps memory, and hands out references into it")]

use std::io;
use std::mem::offset_of;
use std::num::NonZeroUsize;
use std::os::fd::{AsFd, OwnedFd};
use std::ptr::NonNull;
use std::slice;
use std::sync::Arc;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, SealFlag, fcntl, posix_fallocate};
use nix::libc;
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::mman::{MapFlags, ProtFlags, mmap, munmap, shm_open, shm_unlink};
use nix::sys::stat::{Mode, fstat};

use super::ring::{Header, Memory, Sides};
use super::sync::UnsafeCell;
use crate::sys::Calling;

/// Makes shared memory without a name, all zero, whose size nobody can change any more.
///
/// # Errors
///
/// Whatever `memfd_create(2)`, `posix_fallocate(3)` and `fcntl(2)` say.
pub fn anonymous(len_bytes: usize) -> io::Result<OwnedFd> {
    let flags = MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING;
    let fd = memfd_create(c"pipewright", flags).calling("memfd_create")?;
    allocate(&fd, len_bytes)?;
    let sealed = FcntlArg::F_ADD_SEALS(seals() | SealFlag::F_SEAL_SEAL);
    fcntl(&fd, sealed).calling("fcntl(F_ADD_SEALS)")?;
    Ok(fd)
}

/// Makes shared memory with a name of the form `/word`, all zero; only this user can open it. Its size can
/// be changed by whoever opens it: see [`is_sealed`].
///
/// ```
/// use std::io::ErrorKind;
///
/// use pipewright_backends::memory::mapping::{
///     Mapping, SharedRing, create_named, is_sealed, open_named, unlink_named,
/// };
/// use pipewright_backends::memory::ring::{Consumer, Producer};
///
/// let name = format!("/pipewright-example-{}", std::process::id());
/// let made = create_named(&name, SharedRing::len_bytes(16))?;
/// assert_eq!(create_named(&name, 1).unwrap_err().kind(), ErrorKind::AlreadyExists);
/// let opened = open_named(&name)?; // as another process would
/// unlink_named(&name)?; // both have it: the name is of no more use
/// assert_eq!(open_named(&name).unwrap_err().kind(), ErrorKind::NotFound);
///
/// assert!(!is_sealed(&opened));
/// let mut producer = Producer::claim(SharedRing::new(Mapping::of(made)?)?).expect("the first");
/// let mut consumer = Consumer::claim(SharedRing::new(Mapping::of(opened)?)?).expect("the first");
/// assert_eq!(producer.write(b"abc"), Ok(3));
/// let mut bytes = [0; 3];
/// assert_eq!(consumer.read(&mut bytes), Ok(3));
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
///
/// Whatever `shm_open(3)` and `posix_fallocate(3)` say, above all `EEXIST`.
pub fn create_named(name: &str, len_bytes: usize) -> io::Result<OwnedFd> {
    let flags = OFlag::O_RDWR | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_CLOEXEC;
    let fd =
        shm_open(name, flags, Mode::S_IRUSR | Mode::S_IWUSR).calling("shm_open in /dev/shm")?;
    if let Err(error) = allocate(&fd, len_bytes) {
        let _ = shm_unlink(name);
        return Err(error);
    }
    Ok(fd)
}

/// Opens shared memory by the name it was made with. A name is seen before its memory has its size: until
/// then, [mapping](Mapping::of) it fails with [`io::ErrorKind::InvalidData`].
///
/// # Errors
///
/// Whatever `shm_open(3)` says.
pub fn open_named(name: &str) -> io::Result<OwnedFd> {
    shm_open(name, OFlag::O_RDWR | OFlag::O_CLOEXEC, Mode::empty()).calling("shm_open in /dev/shm")
}

/// Takes a name away. The memory stays for those who have it.
///
/// # Errors
///
/// Whatever `shm_unlink(3)` says.
pub fn unlink_named(name: &str) -> io::Result<()> {
    Ok(shm_unlink(name)?)
}

/// Whether the size of this memory is fixed for good. If it is not, whoever has the descriptor can cut off
/// the memory under a mapping, and who then touches what is gone gets `SIGBUS`.
///
/// ```
/// use pipewright_backends::memory::mapping::{anonymous, is_sealed};
///
/// assert!(is_sealed(anonymous(4096)?)); // so it is safe to take from a peer
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn is_sealed(fd: impl AsFd) -> bool {
    // Memory that can't be sealed at all says EINVAL.
    fcntl(fd, FcntlArg::F_GET_SEALS)
        .is_ok_and(|found| SealFlag::from_bits_truncate(found).contains(seals()))
}

fn seals() -> SealFlag {
    SealFlag::F_SEAL_SHRINK | SealFlag::F_SEAL_GROW
}

/// Takes the memory at once: where it is lacking, that is an error here and not `SIGBUS` at first use.
fn allocate(fd: &OwnedFd, len_bytes: usize) -> io::Result<()> {
    let len = libc::off_t::try_from(len_bytes).map_err(|_| io::ErrorKind::InvalidInput)?;
    while let Err(errno) = posix_fallocate(fd, 0, len) {
        if errno != Errno::EINTR {
            return Err(errno).calling("posix_fallocate");
        }
    }
    Ok(())
}

/// Shared memory, mapped. Dropping it unmaps it, here; what a forked process inherited is its own.
///
/// ```
/// use pipewright_backends::memory::mapping::{Mapping, anonymous};
///
/// let fd = anonymous(4096)?;
/// let mapping = Mapping::of(&fd)?;
/// drop(fd); // the mapping needs it no longer
/// assert_eq!(mapping.len_bytes(), 4096);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Mapping {
    place: NonNull<u8>,
    len: NonZeroUsize,
}

// SAFETY: it owns the mapping as a box owns its memory, and gives no access to the bytes by itself.
unsafe impl Send for Mapping {}
// SAFETY: as above.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Maps all the memory behind a descriptor, to read and write.
    ///
    /// # Errors
    ///
    /// Whatever `mmap(2)` says; [`io::ErrorKind::InvalidData`] if there is none.
    pub fn of(fd: impl AsFd) -> io::Result<Mapping> {
        let len = usize::try_from(fstat(&fd)?.st_size).ok().and_then(NonZeroUsize::new);
        let len = len.ok_or(io::ErrorKind::InvalidData)?;
        let access = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
        // SAFETY: no address is asked for, so no mapping is replaced.
        let place =
            unsafe { mmap(None, len, access, MapFlags::MAP_SHARED, fd, 0) }.calling("mmap")?;
        Ok(Mapping { place: place.cast(), len })
    }

    /// Its length.
    #[inline]
    pub fn len_bytes(&self) -> usize {
        self.len.get()
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: nothing borrows from the mapping any more.
        let unmapped = unsafe { munmap(self.place.cast(), self.len.get()) };
        debug_assert!(unmapped.is_ok());
    }
}

/// A ring in shared memory: the [header](Header), then, from byte 4096, bytes to the end. A clone is the
/// same ring.
///
/// Memory that was just made is a fresh ring. Which process becomes which side is agreed between them:
/// each side can be claimed once.
///
/// ```
/// use pipewright_backends::memory::mapping::{Mapping, SharedRing, anonymous};
/// use pipewright_backends::memory::ring::{Consumer, Producer};
///
/// let fd = anonymous(SharedRing::len_bytes(100))?;
/// let here = SharedRing::new(Mapping::of(&fd)?)?;
/// let there = SharedRing::new(Mapping::of(&fd)?)?; // as in another process
/// let mut producer = Producer::claim(here).expect("the first");
/// let mut consumer = Consumer::claim(there.clone()).expect("the first");
/// assert!(Producer::claim(there).is_none());
/// assert_eq!(producer.write(b"abc"), Ok(3));
/// let mut bytes = [0; 8];
/// assert_eq!(consumer.read(&mut bytes), Ok(3));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct SharedRing {
    // Both are in the mapping below. Looked up there, each call would wait for one more load.
    header: NonNull<Header>,
    bytes: NonNull<UnsafeCell<u8>>,
    capacity_bytes: usize,
    _mapping: Arc<Mapping>,
}

// SAFETY: it is where its mapping is, which it keeps; header and bytes are made to be shared (`Heap`).
unsafe impl Send for SharedRing {}
// SAFETY: as above.
unsafe impl Sync for SharedRing {}

// The layout that processes agree on, as `Header` tells it.
const _: () = {
    assert!(offset_of!(Header, written) == 0);
    assert!(offset_of!(Header, read) == 128);
    assert!(offset_of!(Header, sides) == 256);
    assert!(offset_of!(Sides, producer) == 0);
    assert!(offset_of!(Sides, consumer) == 4);
    assert!(offset_of!(Sides, producer_waits) == 8);
    assert!(offset_of!(Sides, consumer_waits) == 12);
    assert!(size_of::<Header>() <= BYTES_AT);
    assert!(BYTES_AT == 4096);
    assert!(align_of::<Header>() <= 4096, "mappings are aligned to pages");
};

/// Where the bytes begin: on a page of their own. Beside the header they took half as long again, as
/// processors fetch what lies near, and so take the header's lines from the other side
/// (`docs/performance.md`).
const BYTES_AT: usize = 4096;

impl SharedRing {
    /// How much memory a ring of this capacity needs.
    pub const fn len_bytes(capacity_bytes: usize) -> usize {
        BYTES_AT.saturating_add(capacity_bytes)
    }

    /// The ring in this memory.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::InvalidData`] if the memory has no room for a ring.
    pub fn new(mapping: Mapping) -> io::Result<SharedRing> {
        let capacity_bytes = mapping.len_bytes().saturating_sub(BYTES_AT);
        if capacity_bytes == 0 {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let header = mapping.place.cast();
        // SAFETY: the mapping is longer.
        let bytes = unsafe { mapping.place.add(BYTES_AT) }.cast();
        Ok(SharedRing { header, bytes, capacity_bytes, _mapping: Arc::new(mapping) })
    }

    /// How many bytes it holds at most.
    #[inline]
    pub fn capacity_bytes(&self) -> usize {
        self.capacity_bytes
    }
}

// SAFETY: a mapping stays in its place until the last clone of its `Arc` is dropped; it is longer than a
// header; memory is made all zero, and in this process rings alone get at it. What others do with it
// is outside of this program, and `ring` trusts none of them with its bounds.
unsafe impl Memory for SharedRing {
    #[inline]
    fn header(&self) -> &Header {
        // SAFETY: mapped as long as `self`, aligned to a page; any bytes are a valid header, and all
        // of it is atomic, so that it may change at any time.
        unsafe { self.header.as_ref() }
    }

    #[inline]
    fn bytes(&self) -> &[UnsafeCell<u8>] {
        // SAFETY: from behind the header to the end of what is mapped as long as `self`; any bytes are valid, and
        // the cells have the layout of bytes and may change behind a shared reference.
        unsafe { slice::from_raw_parts(self.bytes.as_ptr(), self.capacity_bytes) }
    }
}
