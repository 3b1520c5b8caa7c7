//! Regular files: shared by path or by inheritance, plain or with locks.
//!
//! On the disk, and in memory where the system has a file system there.

use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use nix::fcntl::{OFlag, open};
use nix::sys::resource::{Resource, getrlimit};
use nix::sys::stat::Mode as Permissions;
use nix::sys::statfs::{TMPFS_MAGIC, statfs};
use nix::unistd::{AccessFlags, access};
use pipewright_model::call::{End, Op};
use pipewright_model::kind::{Ends, FILE, FLOCKED_FILE, Hold, INHERITED_FILE, Kind, LOCKED_FILE};
use pipewright_model::run::{Seat, Setup};

use crate::channel::{Arrangement, Channel, Instance, Port};
use crate::pipe::{Handout, no_such_end};
use crate::port::{FdPort, open_flags};
use crate::sys::Calling;
use crate::sys::settings::setup;

/// How large files must be allowed to be, in bytes: no scenario makes larger ones.
const FILE_BYTES_MIN: u64 = 64 << 20;

/// The environment variable that names a directory on a disk, for files that are to be on one.
pub const DISK: &str = "PIPEWRIGHT_DISK";

/// A file system in memory.
const MEMORY: &str = "/dev/shm";

/// Where files are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Home {
    /// In memory where the system has a file system there, else in the temporary directory.
    Memory,
    /// In the directory that [`DISK`] names; else in the first of the temporary and the current directory
    /// that is not in memory.
    Disk,
}

/// A way to make a regular file.
#[derive(Clone, Copy, Debug)]
pub struct File {
    /// Its name in reports.
    pub name: &'static str,
    /// What it is.
    pub kind: &'static Kind,
    /// Whether ends held at the start have `O_APPEND`.
    pub append: bool,
    /// Where it is.
    pub home: Home,
}

impl File {
    /// As `open(2)` makes it.
    pub const PLAIN: File = File { name: "file", kind: &FILE, append: false, home: Home::Memory };
    /// On a disk.
    pub const ON_DISK: File = File { name: "file-on-disk", home: Home::Disk, ..File::PLAIN };
    /// Opened with `O_APPEND`.
    pub const APPEND: File = File { name: "file-append", append: true, ..File::PLAIN };
    /// Opened once for each way, and handed on.
    pub const INHERITED: File =
        File { name: "inherited-file", kind: &INHERITED_FILE, ..File::PLAIN };
    /// With locks of `fcntl(2)`.
    pub const LOCKED: File = File { name: "locked-file", kind: &LOCKED_FILE, ..File::PLAIN };
    /// With locks of `flock(2)`.
    pub const FLOCKED: File =
        File { name: "locked-file-flock", kind: &FLOCKED_FILE, ..File::PLAIN };

    fn open(&self, place: &Path, hold: Hold) -> io::Result<OwnedFd> {
        let mut flags = open_flags(hold.mode, false);
        flags.set(OFlag::O_APPEND, self.append);
        open(place, flags, Permissions::empty()).calling("open")
    }
}

/// Whether a directory is of a file system in memory.
fn is_in_memory(directory: &Path) -> bool {
    statfs(directory).is_ok_and(|of| of.filesystem_type() == TMPFS_MAGIC)
}

impl Channel for File {
    fn name(&self) -> &str {
        self.name
    }

    fn setup(&self) -> Setup {
        Setup { append: self.append, ..setup(self.kind) }
    }

    fn copies_in_kernel(&self) -> bool {
        true
    }

    fn set_up(&self, setup: &Setup) -> Option<Box<dyn Channel>> {
        let channel = File { append: setup.append, ..*self };
        (channel.setup().stock() == setup.stock()).then(|| Box::new(channel) as Box<_>)
    }

    fn arrangements(&self) -> &[Arrangement] {
        match self.kind.ends {
            Ends::Opened => &[Arrangement::Threads, Arrangement::Passed, Arrangement::Opened],
            _ => &[Arrangement::Threads, Arrangement::Inherited, Arrangement::Passed],
        }
    }

    fn offers(&self, op: &Op) -> bool {
        // An unnamed file's name is nobody's business.
        self.kind.ends == Ends::Opened || !op.is_by_name()
    }

    fn unavailable(&self) -> Option<String> {
        // A write that meets the limit is cut short, which is no behaviour of the file.
        let (most, _) = getrlimit(Resource::RLIMIT_FSIZE).ok()?;
        (most < FILE_BYTES_MIN)
            .then(|| format!("files may have at most {most} bytes: raise the limit (ulimit -f)"))
    }

    fn directory(&self) -> io::Result<Option<PathBuf>> {
        if self.home == Home::Memory {
            let memory = Path::new(MEMORY);
            let there = is_in_memory(memory) && access(memory, AccessFlags::W_OK).is_ok();
            return Ok(there.then(|| memory.to_owned()));
        }
        if let Some(named) = std::env::var_os(DISK) {
            return Ok(Some(named.into()));
        }
        let places = [std::env::temp_dir(), std::env::current_dir()?];
        let on_disk = places.into_iter().find(|place| !is_in_memory(place));
        on_disk.map(Some).ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::NotFound,
                format!("no disk is known; name a directory on one by {DISK}"),
            )
        })
    }

    fn create(&self, place: &Path, seats: &[Seat]) -> io::Result<Instance> {
        let permissions = Permissions::S_IRUSR | Permissions::S_IWUSR;
        let made = OFlag::O_RDWR | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_CLOEXEC;
        let keeper = open(place, made, permissions).calling("open(O_CREAT)")?;
        let ports = match self.kind.ends {
            Ends::Opened => {
                seats.iter().map(|seat| self.join(place, &seat.ends)).collect::<io::Result<_>>()?
            }
            _ => self.shared(place, seats)?,
        };
        Ok(Instance { setup: self.setup(), ports, keeper: Some(Box::new(keeper)) })
    }

    fn adopt(&self, place: &Path, ends: Vec<(End, OwnedFd)>) -> io::Result<Box<dyn Port>> {
        Ok(Box::new(FdPort::new(place, ends)))
    }

    fn of_table(&self, place: &Path) -> io::Result<Box<dyn Port>> {
        Ok(Box::new(FdPort::of_table(place)))
    }

    fn join(&self, place: &Path, ends: &[(End, Hold)]) -> io::Result<Box<dyn Port>> {
        let open = |(end, hold): &(End, Hold)| Ok((*end, self.open(place, *hold)?));
        let ends = ends.iter().map(open).collect::<io::Result<Vec<_>>>()?;
        Ok(Box::new(FdPort::new(place, ends)))
    }
}

impl File {
    /// A port for each seat, of descriptions that all who hold such an end share.
    fn shared(&self, place: &Path, seats: &[Seat]) -> io::Result<Vec<Box<dyn Port>>> {
        let handout = |hold: &Hold| Ok(Handout::new(*hold, self.open(place, *hold)?, seats));
        let mut handouts = self.kind.held.iter().map(handout).collect::<io::Result<Vec<_>>>()?;
        let mut port = |seat: &Seat| -> io::Result<Box<dyn Port>> {
            let mut ends = Vec::with_capacity(seat.ends.len());
            for (end, hold) in &seat.ends {
                let handout = handouts.iter_mut().find(|handout| handout.hold == *hold);
                ends.push((*end, handout.ok_or_else(no_such_end)?.next()?));
            }
            Ok(Box::new(FdPort::new(place, ends)))
        };
        seats.iter().map(&mut port).collect()
    }
}
