//! A library's pipe, and what it takes to have it judged.

pub mod channel;
pub mod pipe;
