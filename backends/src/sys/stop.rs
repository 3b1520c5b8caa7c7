//! Calls stopped in their middle: one page of a call's buffer is missing, so the kernel waits in its copy until
//! somebody fills the page (`userfaultfd(2)`), for as long as that takes.
//!
//! The worker has a [`StopBuffer`], its controller the [`Watch`] over it. That the kernel waits is told by the
//! descriptor of the watch: no time is involved. Nothing can be stuck for ever: a page that nobody watches any
//! more is filled by the kernel itself.
#![expect(unsafe_code, reason = "maps memory, and calls ioctls that nobody wraps")]

use std::fs::File;
use std::io;
use std::num::NonZeroUsize;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr::NonNull;
use std::sync::LazyLock;

use linux_raw_sys::general::{
    UFFD_API, UFFD_EVENT_PAGEFAULT, UFFDIO_REGISTER_MODE_MISSING, uffd_msg, uffdio_api,
    uffdio_copy, uffdio_range, uffdio_register,
};
use linux_raw_sys::ioctl::{UFFDIO_API, UFFDIO_COPY, UFFDIO_REGISTER};
use nix::libc;
use nix::sys::mman::{MapFlags, MmapAdvise, ProtFlags, madvise, mmap_anonymous, munmap};
use rustix::mm::{UserfaultfdFlags, userfaultfd};

use super::desk::BYTES_MAX;

/// Why calls can't be stopped here, where they can't.
pub fn unavailable() -> Option<&'static str> {
    static REASON: LazyLock<Option<String>> = LazyLock::new(|| {
        let release = rustix::system::uname().release().to_string_lossy().into_owned();
        if is_before(&release, SHOWS_NO_EMPTY_PAGE) {
            return Some(format!(
                "Linux {release} puts a page into a pipe before it copies, and the rules know newer kernels only"
            ));
        }
        let error = new_descriptor().err()?;
        Some(match error.raw_os_error() {
            Some(libc::EPERM | libc::EACCES) => format!(
                "userfaultfd is not permitted ({error}); run as root, or set vm.unprivileged_userfaultfd to 1"
            ),
            _ => format!("the kernel offers no userfaultfd ({error})"),
        })
    });
    REASON.as_deref()
}

/// From this version on a write to a pipe copies a page before it puts it into the ring: before, `poll` finds data that
/// are not there yet, seen on 6.1.
const SHOWS_NO_EMPTY_PAGE: (u32, u32) = (6, 15);

/// Whether a release of Linux, such as `6.1.0-18-amd64`, is older than a version.
fn is_before(release: &str, version: (u32, u32)) -> bool {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(str::parse);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => (major, minor) < version,
        _ => false,
    }
}

/// The worker's side: room for the bytes of a call, with a page in it that can be missing.
#[derive(Debug)]
pub struct StopBuffer {
    /// [`BYTES_MAX`] bytes, the page, and [`BYTES_MAX`] bytes more.
    map: NonNull<u8>,
    map_len: usize,
    watch: Watch,
}

// SAFETY: the mapping is the buffer's own, like a box.
unsafe impl Send for StopBuffer {}

impl StopBuffer {
    /// Room for one worker's calls.
    ///
    /// # Errors
    ///
    /// If the system has no memory, or doesn't permit it: see [`unavailable`].
    pub fn new() -> io::Result<StopBuffer> {
        let map_len = 2 * BYTES_MAX + page_bytes();
        let len = NonZeroUsize::new(map_len).ok_or(io::ErrorKind::InvalidInput)?;
        let access = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
        // SAFETY: no address is asked for, so no mapping is replaced.
        let map = unsafe { mmap_anonymous(None, len, access, MapFlags::MAP_PRIVATE) }?.cast();
        // SAFETY: the page lies in the mapping.
        let page: NonNull<u8> = unsafe { map.add(BYTES_MAX) };
        // From here on the mapping is dropped if something fails.
        let descriptor = new_descriptor();
        let unmap = |error| {
            // SAFETY: nobody knows of the mapping yet.
            let _ = unsafe { munmap(map.cast(), map_len) };
            error
        };
        let watch = Watch { descriptor: descriptor.map_err(unmap)?, page: page.addr().get() };
        let buffer = StopBuffer { map, map_len, watch };
        // SAFETY: the page lies in the mapping. Once it is there, it can be written to until it is made missing.
        unsafe { page.write(0) };
        buffer.watch.register()?;
        Ok(buffer)
    }

    /// What the controller is to be given: the descriptor, and the address of the page.
    pub fn watch(&self) -> (BorrowedFd<'_>, usize) {
        (self.watch.descriptor.as_fd(), self.watch.page)
    }

    /// Room for a call of `len` bytes; after `fill` has laid them down, those from `at` on are missing. Nobody but
    /// the kernel may touch the bytes until [`fill`](Self::fill).
    ///
    /// # Errors
    ///
    /// Whatever `madvise(2)` says.
    ///
    /// # Panics
    ///
    /// If the call is longer than [`BYTES_MAX`], or has no byte `at`.
    pub fn lacking(
        &mut self,
        len: usize,
        at: usize,
        fill: impl FnOnce(&mut [u8]),
    ) -> io::Result<&mut [u8]> {
        self.fill()?;
        fill(self.bytes(len, at));
        // SAFETY: the page is the buffer's own, and what is in it is given up.
        unsafe {
            let page = self.map.add(BYTES_MAX);
            madvise(page.cast(), page_bytes(), MmapAdvise::MADV_DONTNEED)?;
        }
        Ok(self.bytes(len, at))
    }

    /// Puts the page in its place where it is still missing.
    ///
    /// # Errors
    ///
    /// Whatever `ioctl_userfaultfd(2)` says.
    pub fn fill(&mut self) -> io::Result<()> {
        self.watch.go_on(|_| ())
    }

    /// The bytes of such a call.
    ///
    /// # Panics
    ///
    /// As [`lacking`](Self::lacking).
    pub fn bytes(&mut self, len: usize, at: usize) -> &mut [u8] {
        assert!(at < len && len <= BYTES_MAX, "no byte {at} of a call of {len} bytes");
        // SAFETY: the range lies in the mapping, which is borrowed mutably with `self`.
        unsafe { std::slice::from_raw_parts_mut(self.map.add(BYTES_MAX - at).as_ptr(), len) }
    }
}

impl Drop for StopBuffer {
    fn drop(&mut self) {
        // SAFETY: nothing borrows from the mapping any more.
        let unmapped = unsafe { munmap(self.map.cast(), self.map_len) };
        debug_assert!(unmapped.is_ok());
    }
}

/// The watch over a worker's page that can be missing.
#[derive(Debug)]
pub struct Watch {
    descriptor: OwnedFd,
    /// Address of the page in the worker.
    page: usize,
}

impl Watch {
    /// The watch that [`StopBuffer::watch`] gave.
    pub fn new(descriptor: OwnedFd, page: usize) -> Watch {
        Watch { descriptor, page }
    }

    /// Whether the kernel has come to the missing page since this was asked last, and waits for it.
    ///
    /// # Errors
    ///
    /// Whatever `read(2)` says.
    pub fn has_stopped(&self) -> io::Result<bool> {
        // SAFETY: the structure is valid as zeros.
        let mut message: uffd_msg = unsafe { std::mem::zeroed() };
        let (into, len) = ((&raw mut message).cast(), size_of::<uffd_msg>());
        // SAFETY: pointer and length are of one structure, which any bytes make valid.
        let read = unsafe { libc::read(self.descriptor.as_raw_fd(), into, len) };
        match read {
            0.. => Ok(u32::from(message.event) == UFFD_EVENT_PAGEFAULT),
            _ => match io::Error::last_os_error() {
                error if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
                error => Err(error),
            },
        }
    }

    /// Puts the page in its place, with what `fill` lays down in it, which lets the kernel go on. Nothing
    /// happens where the page is there already.
    ///
    /// # Errors
    ///
    /// Whatever `ioctl_userfaultfd(2)` says.
    pub fn go_on(&self, fill: impl FnOnce(&mut [u8])) -> io::Result<()> {
        let mut page = vec![0; page_bytes()];
        fill(&mut page);
        loop {
            let mut copy = uffdio_copy {
                dst: self.page as u64,
                src: page.as_ptr().addr() as u64,
                len: page.len() as u64,
                mode: 0,
                copy: 0,
            };
            match self.ioctl(UFFDIO_COPY, &mut copy) {
                Err(error) if error.raw_os_error() == Some(libc::EEXIST) => return Ok(()),
                Err(error) if error.raw_os_error() == Some(libc::EAGAIN) => {}
                result => return result,
            }
        }
    }

    /// Has the page watched from now on, by the process that owns it.
    fn register(&self) -> io::Result<()> {
        let range = uffdio_range { start: self.page as u64, len: page_bytes() as u64 };
        let mode = u64::from(UFFDIO_REGISTER_MODE_MISSING);
        self.ioctl(UFFDIO_REGISTER, &mut uffdio_register { range, mode, ioctls: 0 })
    }

    fn ioctl<T>(&self, request: u32, argument: &mut T) -> io::Result<()> {
        ioctl(&self.descriptor, request, argument)
    }
}

/// A request with the structure that it is defined for.
fn ioctl<T>(descriptor: &OwnedFd, request: u32, argument: &mut T) -> io::Result<()> {
    // SAFETY: the kernel reads and writes the structure of the request, and of a copy the page that it names.
    match unsafe { libc::ioctl(descriptor.as_raw_fd(), request.into(), &raw mut *argument) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// A descriptor that tells of missing pages, also of those that the kernel itself comes to.
fn new_descriptor() -> io::Result<OwnedFd> {
    let flags = UserfaultfdFlags::CLOEXEC | UserfaultfdFlags::NONBLOCK;
    // SAFETY: no page is registered by this.
    let made = unsafe { userfaultfd(flags) }.map_err(io::Error::from);
    let descriptor = match made {
        Ok(descriptor) => descriptor,
        // Who may open this device may do without the privilege.
        Err(error) => by_device(flags).map_err(|_| error)?,
    };
    let mut api = uffdio_api { api: UFFD_API.into(), features: 0, ioctls: 0 };
    ioctl(&descriptor, UFFDIO_API, &mut api)?;
    Ok(descriptor)
}

fn by_device(flags: UserfaultfdFlags) -> io::Result<OwnedFd> {
    /// `_IO(0xAA, 0)` of `linux/userfaultfd.h`.
    const USERFAULTFD_IOC_NEW: libc::c_ulong = 0xaa00;
    let device = File::options().read(true).write(true).open("/dev/userfaultfd")?;
    // SAFETY: no memory is passed.
    let made = unsafe { libc::ioctl(device.as_raw_fd(), USERFAULTFD_IOC_NEW as _, flags.bits()) };
    match made {
        // SAFETY: the kernel has just made this descriptor for nobody else.
        0.. => Ok(unsafe { OwnedFd::from_raw_fd(made) }),
        _ => Err(io::Error::last_os_error()),
    }
}

fn page_bytes() -> usize {
    rustix::param::page_size()
}

#[cfg(test)]
mod tests {
    use std::io::{PipeReader, PipeWriter, Read};
    use std::os::fd::AsRawFd;
    use std::thread;

    use super::*;

    #[test]
    fn versions_are_compared_by_number() {
        assert!(is_before("6.1.0-18-amd64", (6, 15)) && is_before("5.19", (6, 15)));
        assert!(!is_before("6.15.0", (6, 15)) && !is_before("7.0-rc1", (6, 15)));
        assert!(!is_before("unknown", (6, 15)));
    }

    fn pipe() -> (PipeReader, PipeWriter) {
        io::pipe().expect("a pipe")
    }

    #[test]
    fn a_write_stops_at_the_byte_and_goes_on_with_what_it_is_given() {
        if unavailable().is_some() {
            return;
        }
        let (mut reader, writer) = pipe();
        let mut buffer = StopBuffer::new().expect("a buffer");
        let (descriptor, page) = buffer.watch();
        let watch = Watch::new(descriptor.try_clone_to_owned().expect("a copy"), page);
        let written = thread::scope(|scope| {
            let write = scope.spawn(|| {
                let bytes = buffer.lacking(10_000, 5_000, |bytes| bytes.fill(1)).expect("missing");
                // SAFETY: pointer and length are of one slice.
                unsafe { libc::write(writer.as_raw_fd(), bytes.as_ptr().cast(), bytes.len()) }
            });
            while !watch.has_stopped().expect("an event or none") {
                thread::yield_now();
            }
            assert!(!write.is_finished());
            assert!(!watch.has_stopped().expect("the event comes once"));
            watch.go_on(|page| page.fill(2)).expect("filled");
            write.join().expect("written")
        });
        assert_eq!(written, 10_000);
        drop(writer);
        let mut read = Vec::new();
        reader.read_to_end(&mut read).expect("read");
        let (before, rest) = read.split_at(5_000);
        let (page, after) = rest.split_at(page_bytes().min(5_000));
        assert!(before.iter().chain(after).all(|byte| *byte == 1) && page.iter().all(|b| *b == 2));
    }

    #[test]
    fn a_call_that_does_not_come_so_far_does_not_stop() {
        if unavailable().is_some() {
            return;
        }
        let mut buffer = StopBuffer::new().expect("a buffer");
        let bytes = buffer.lacking(8, 4, |bytes| bytes.fill(1)).expect("missing");
        // SAFETY: pointer and length are of one slice.
        let failed = unsafe { libc::read(-1, bytes.as_mut_ptr().cast(), bytes.len()) };
        assert_eq!(failed, -1);
        assert!(!buffer.watch.has_stopped().expect("no event"));
        buffer.fill().expect("filled");
        assert_eq!(buffer.bytes(8, 4), [1, 1, 1, 1, 0, 0, 0, 0]);
    }
}
