//! A value on cache lines of its own.
//!
//! It is about speed alone: what two threads write side by side on one line, each takes from the
//! other with every write. Nothing here orders accesses.

use std::ops::Deref;

/// How far apart values must be so that no processor moves them together: lines have 64 bytes, and
/// some processors fetch them in pairs.
pub const LINE_BYTES: usize = 128;

/// A value that shares its cache lines with no other. All zero bytes are valid if they are for `T`.
///
/// ```
/// use pipewright_backends::memory::line::{LINE_BYTES, Line};
///
/// let line = Line::new(7_u64);
/// assert_eq!(*line, 7);
/// assert_eq!(size_of_val(&line), LINE_BYTES);
/// ```
#[derive(Debug, Default)]
#[repr(C, align(128))]
pub struct Line<T>(T);

const _: () = assert!(align_of::<Line<u8>>() == LINE_BYTES);

impl<T> Line<T> {
    /// Puts the value on lines of its own.
    pub const fn new(value: T) -> Line<T> {
        Line(value)
    }
}

impl<T> Deref for Line<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.0
    }
}
