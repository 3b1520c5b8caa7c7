//! Runs the specification's scenarios on real channels and judges what is seen.

pub mod generate;
pub mod scenario;
