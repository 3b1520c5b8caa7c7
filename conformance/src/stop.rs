//! Ending cleanly on request: between two scenarios, with nothing left behind.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};

static FLAG: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);

/// The flag that a program has set on Ctrl-C, for instance by `signal_hook::flag::register`.
pub fn flag() -> Arc<AtomicBool> {
    FLAG.clone()
}

/// Whether an end was asked for.
pub fn requested() -> bool {
    FLAG.load(Ordering::Relaxed)
}
