//! Directories for what a run makes under names: their names say whose they are, so that what is left of a
//! process that was killed is swept away by the next.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use pipewright_backends::Channel;
use pipewright_backends::sys::{Shortage, leftovers};
use tempfile::TempDir;

use crate::trouble::Trouble;

/// A fresh directory for the places of a channel, where that channel wants it.
pub(crate) fn places(channel: &dyn Channel) -> Result<TempDir, Trouble> {
    let no_place = |source| Trouble::NoPlace { source };
    match channel.directory().map_err(no_place)? {
        Some(directory) => fresh(&directory).map_err(no_place),
        None => fresh(&tempfile::env::temp_dir()).map_err(homeless),
    }
}

/// Why there is no directory: of what is full others may have no need.
fn homeless(source: io::Error) -> Trouble {
    let source = Shortage::of_directory(source);
    match Shortage::of(&source) {
        Some(shortage) => Trouble::Short { doing: "make a temporary directory", shortage, source },
        None => Trouble::Homeless { source },
    }
}

fn fresh(within: &Path) -> io::Result<TempDir> {
    tidy(within);
    tempfile::Builder::new().prefix(&leftovers::prefix()).tempdir_in(within)
}

/// Directories in which this process may have made something, and which it has swept.
static DONE: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// Removes all that this process has made under names, as far as it can do so without waiting for another thread.
pub fn remove_all() {
    if let Ok(done) = DONE.try_lock() {
        done.iter().for_each(|directory| leftovers::sweep_own(directory));
    }
}

/// Sweeps a directory, and those of names, if this process has not done so.
fn tidy(directory: &Path) {
    let mut done = DONE.lock().unwrap_or_else(PoisonError::into_inner);
    for directory in leftovers::NAMES.map(Path::new).into_iter().chain([directory]) {
        if done.insert(directory.to_owned()) {
            leftovers::sweep(directory);
        }
    }
}
