//! Finds of a kernel that no run can show, as the language of runs has no call for them: each is shown here on the
//! kernel at hand. One that no longer occurs fails: then the page that tells of it, `docs/kernels.md`, is to be mended.
#![expect(unsafe_code, reason = "a call with a buffer that can't be read")]

use std::fs::File;
use std::os::fd::AsRawFd;
use std::path::Path;

use nix::errno::Errno;
use nix::libc;
use nix::sys::utsname::uname;

/// `generic_perform_write` copies first and looks later whether the buffer can be read: `write_end` is told of no
/// byte copied, and sets the size to where the write was to begin.
#[test]
fn a_write_of_nothing_readable_beyond_the_end_lengthens_the_file() {
    let system = uname().expect("a name");
    if !system.release().to_string_lossy().starts_with("6.18.") {
        eprintln!("not judged: the find is of Linux 6.18");
        return;
    }
    let homes = ["/dev/shm".into(), std::env::temp_dir()];
    for home in homes.iter().filter(|home| home.is_dir()) {
        assert_eq!(
            size_after_fault(home, 5000),
            5000,
            "in {}: mended? Then mend the page",
            home.display()
        );
        assert_eq!(size_after_fault(home, 2), 3, "in {}: within the file", home.display());
    }
}

/// The size of a file of 3 bytes in which 100 bytes that can't be read were to be written at an offset.
fn size_after_fault(home: &Path, at: i64) -> u64 {
    let file: File = tempfile::tempfile_in(home).expect("a file");
    std::io::Write::write_all(&mut &file, b"abc").expect("three bytes");
    // SAFETY: the kernel reads the buffer, if it can; at this address there is none, and nothing is written to it.
    let wrote = unsafe { libc::pwrite(file.as_raw_fd(), std::ptr::null(), 100, at) };
    assert_eq!((wrote, Errno::last()), (-1, Errno::EFAULT));
    file.metadata().expect("a size").len()
}
