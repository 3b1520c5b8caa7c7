//! The name of the row that is of no channel of its own.

/// The name of the row.
pub const PROCESSES: &str = "processes";
