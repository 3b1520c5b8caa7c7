//! Channels as states: one discipline a file.

pub mod stream;

pub use stream::Stream;
