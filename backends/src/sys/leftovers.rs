//! Names that say whose they are, and sweeping away what a process left that is gone.
//!
//! A process that is killed outright can't tidy up. All that it makes under a name therefore carries the process,
//! when it began and where: the next to start removes what belongs to nobody any more. What another user left, or
//! a process of another machine or container (their numbers mean something else there), is left alone.

use std::ffi::OsStr;
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::OnceLock;

const WORD: &str = "pipewright-";

/// Where the system keeps names of shared memory and of message queues, if they can be listed.
pub const NAMES: [&str; 2] = ["/dev/shm", "/dev/mqueue"];

/// What names of this process begin with: `pipewright-PID-BEGAN-WHERE-`, numbers in hexadecimal.
pub fn prefix() -> String {
    let Owner { process, began, place } = Owner::this();
    format!("{WORD}{process:x}-{began:x}-{place:x}-")
}

/// Removes what is in this directory and belongs to nobody any more. What can't be removed is left.
pub fn sweep(directory: &Path) {
    let user = nix::unistd::geteuid().as_raw();
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let Some(owner) = Owner::of(&entry.file_name()) else { continue };
        // Not followed where it is a link.
        let Ok(metadata) = fs::symlink_metadata(entry.path()) else { continue };
        if metadata.uid() == user && owner.is_gone() {
            remove(&entry.path(), &metadata);
        }
    }
}

/// Removes what this process has made in this directory.
pub fn sweep_own(directory: &Path) {
    let own = Owner::this();
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let owner = Owner::of(&entry.file_name());
        if let Ok(metadata) = fs::symlink_metadata(entry.path())
            && owner.is_some_and(|owner| owner == own)
        {
            remove(&entry.path(), &metadata);
        }
    }
}

fn remove(path: &Path, metadata: &Metadata) {
    // Somebody else may sweep at the same time.
    let _ = if metadata.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
}

/// The process that made a name.
#[derive(Debug, PartialEq, Eq)]
struct Owner {
    process: u32,
    began: u64,
    place: u32,
}

impl Owner {
    fn this() -> Owner {
        let process = std::process::id();
        Owner { process, began: began(process).unwrap_or(0), place: here() }
    }

    fn of(name: &OsStr) -> Option<Owner> {
        let name = name.to_str().filter(|name| name.starts_with("pipewright"))?;
        // Names of message queues hold the path of a directory, whose last part counts.
        let mut parts = name.get(name.rfind(WORD)? + WORD.len()..)?.split('-');
        let process = u32::from_str_radix(parts.next()?, 16).ok()?;
        let began = u64::from_str_radix(parts.next()?, 16).ok()?;
        let place = u32::from_str_radix(parts.next()?, 16).ok()?;
        parts.next()?;
        Some(Owner { process, began, place })
    }

    /// Whether it was a process of this machine and container, and is no more.
    fn is_gone(&self) -> bool {
        // Where nothing is known of this process, nothing is known of others.
        let known = began(std::process::id()).is_some();
        known && self.place == here() && began(self.process) != Some(self.began)
    }
}

/// When a process began, in ticks since the machine did; `None` if there is none.
fn began(process: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name, in parentheses, may itself hold parentheses and blanks; the third field follows it.
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_whitespace().nth(22 - 3)?.parse().ok()
}

/// A number for what numbers of processes are told from: this machine since it was started, this container.
fn here() -> u32 {
    static HERE: OnceLock<u32> = OnceLock::new();
    *HERE.get_or_init(|| {
        let boot = fs::read("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        let container = fs::read_link("/proc/self/ns/pid").unwrap_or_default();
        let bytes = boot.iter().chain(container.as_os_str().as_encoded_bytes());
        let hash = bytes.fold(0x811c_9dc5_u32, |hash, byte| {
            (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193)
        });
        hash & 0xff_ffff
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(name: &str) -> Option<Owner> {
        Owner::of(OsStr::new(name))
    }

    #[test]
    fn a_name_says_whose_it_is() {
        let own = owner(&format!("{}AbCdEf", prefix())).expect("it says so");
        assert_eq!((own.process, own.place), (std::process::id(), here()));
        assert!(!own.is_gone());
        let queue = format!("pipewright.tmp.{}AbCdEf.17", prefix());
        assert_eq!(owner(&queue), Some(own));
        for other in ["pipewright-AbCdEf", "pipewright-1-2", "pipewright-x-1-2-a", "else-1-2-3-a"] {
            assert_eq!(owner(other), None, "{other}");
        }
    }

    #[test]
    fn only_what_belongs_to_nobody_any_more_is_swept() {
        let place = std::env::temp_dir().join(format!("{}sweeping", prefix()));
        let (process, here) = (std::process::id(), here());
        let began = began(process).expect("it runs");
        let (gone, later) = (format!("{WORD}{process:x}-{:x}-{here:x}-a", began + 1), began + 2);
        let kept = [
            format!("{}a", prefix()),
            format!("{WORD}{process:x}-{later:x}-{:x}-elsewhere", here ^ 1),
            "pipewright-old".to_owned(),
            "somebody-else".to_owned(),
        ];
        fs::create_dir_all(place.join(&gone).join("within")).expect("made");
        fs::write(place.join(format!("{gone}-1")), "").expect("made");
        for name in &kept {
            fs::create_dir(place.join(name)).expect("made");
        }
        sweep(&place);
        let left = fs::read_dir(&place).expect("a directory").flatten();
        let mut left: Vec<_> =
            left.map(|entry| entry.file_name().into_string().expect("text")).collect();
        left.sort();
        let mut kept = kept.to_vec();
        kept.sort();
        assert_eq!(left, kept);
        fs::remove_dir_all(&place).expect("removed");
    }
}
