//! Which calls of a log lock a file.

use super::calls::{Call, Calls};

/// The locks of `fcntl(2)`, each with whether it is the process's, and whether it waits.
const BY_FCNTL: [(&str, bool, bool); 4] = [
    ("F_SETLK", true, false),
    ("F_SETLKW", true, true),
    ("F_OFD_SETLK", false, false),
    ("F_OFD_SETLKW", false, true),
];

/// Whether anything of a log is locked: only then files are worth to be followed.
pub(super) fn has_locks(log: &Calls) -> bool {
    log.calls.iter().any(|call| call.name == "flock" || by_fcntl(call).is_some())
}

/// Whether such a lock is the process's, and whether the call waits; `None` for other calls.
pub(super) fn by_fcntl(call: &Call) -> Option<(bool, bool)> {
    let what = call.arguments.get(1).filter(|_| call.name.starts_with("fcntl"))?;
    let (_, of_process, wait) = BY_FCNTL.iter().find(|(name, ..)| name == what)?;
    Some((*of_process, *wait))
}

/// Whether a call is one of `fcntl(2)` that locks.
pub(super) fn is_lock(call: &Call) -> bool {
    by_fcntl(call).is_some()
}

/// Whether the whole file is meant.
pub(super) fn is_whole(call: &Call) -> bool {
    let told = call.arguments.get(2).map(String::as_str).unwrap_or_default();
    let has = |word: &str| told.split([',', '{', '}']).any(|part| part.trim() == word);
    has("l_whence=SEEK_SET") && has("l_start=0") && has("l_len=0")
}
