//! Runs the specification's scenarios on real channels and judges what is seen.

pub mod cases;
pub mod scenario;
