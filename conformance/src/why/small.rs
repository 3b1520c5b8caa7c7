//! Small files of `/proc`, with as few calls as can be: there are thousands of them in each look.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// As much as the kernel tells of a thing in one piece, mostly. It writes a file anew for each reader, and gives as much
/// as the reader has room for.
const ROOM_BYTES: usize = 16 << 10;

/// All that is in a file.
pub(super) fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let mut bytes = vec![0; ROOM_BYTES];
    let len = file.read(&mut bytes)?;
    bytes.truncate(len);
    // What is told in several pieces may come in several, each of at most a page; less than half of one is all.
    if len >= 2048 {
        file.read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

/// The same as text; what is none is replaced.
pub(super) fn text(path: &Path) -> io::Result<String> {
    let bytes = read(path)?;
    Ok(match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    })
}
