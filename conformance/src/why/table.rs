//! Tables of descriptors, as `/proc` tells them: what each refers to, its mode, its locks, what an epoll watches.

use std::fs;
use std::io;
use std::path::Path;

use rustix::fs::{AtFlags, CWD, FileType, StatxFlags, makedev, statfs, statx};

use super::call::shown;
use super::small;
use super::snapshot::{Descriptor, FileId, HeldLock, LockSort, Object, Watched};

/// What a process holds.
#[derive(Debug, Default)]
pub(super) struct Table {
    pub(super) descriptors: Vec<Descriptor>,
    /// Descriptors that wait in a message to be received, by the socket in which they do.
    pub(super) in_flight: Vec<i32>,
    /// Whether there is a ring through which the kernel acts for the process, and whether that holds files.
    pub(super) ring: bool,
    pub(super) ring_holds: bool,
}

/// Reads the table of the process, or of the thread, at this place in `/proc`.
pub(super) fn read(place: &Path) -> io::Result<Table> {
    let mut table = Table::default();
    for entry in fs::read_dir(place.join("fd"))? {
        let entry = entry?;
        let Some(number) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        let link = fs::read_link(entry.path());
        let info = small::text(&place.join("fdinfo").join(entry.file_name()));
        let (link, info) = match (link, info) {
            (Ok(link), Ok(info)) => (link, info),
            // One that is closed meanwhile is not held.
            (Err(error), _) | (_, Err(error)) if error.kind() == io::ErrorKind::NotFound => {
                continue;
            }
            (Err(error), _) | (_, Err(error)) => return Err(error),
        };
        let link = link.as_os_str().as_encoded_bytes();
        add(&mut table, number, link, &info, &|| file(&entry.path()));
    }
    table.descriptors.sort_by_key(|descriptor| descriptor.number);
    Ok(table)
}

/// What is at a path of the file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) id: FileId,
    pub(super) sort: Sort,
}

/// Sorts of files that are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sort {
    NamedPipe,
    Terminal,
    Queue,
    Other,
}

/// Looks at a file, without asking a server, which might never answer.
pub(super) fn file(path: &Path) -> Option<Found> {
    /// The magic number of `linux/magic.h`.
    const MQUEUE_MAGIC: i128 = 0x1980_0202;
    let wanted = StatxFlags::TYPE | StatxFlags::INO;
    let found = statx(CWD, path, AtFlags::STATX_DONT_SYNC, wanted).ok()?;
    let id =
        FileId { device: makedev(found.stx_dev_major, found.stx_dev_minor), inode: found.stx_ino };
    let sort = match FileType::from_raw_mode(u32::from(found.stx_mode)) {
        FileType::Fifo => Sort::NamedPipe,
        // Terminals of `Documentation/admin-guide/devices.txt`; of 5 the third is the master of others.
        FileType::CharacterDevice => match (found.stx_rdev_major, found.stx_rdev_minor) {
            (5, 2) => Sort::Other,
            (4 | 5 | 136..=143 | 204 | 229, _) => Sort::Terminal,
            _ => Sort::Other,
        },
        // Only the kernel's own file systems have no device.
        FileType::RegularFile if found.stx_dev_major == 0 => {
            let magic = statfs(path).map(|found| i128::from(found.f_type));
            if magic == Ok(MQUEUE_MAGIC) { Sort::Queue } else { Sort::Other }
        }
        _ => Sort::Other,
    };
    Some(Found { id, sort })
}

/// Adds a descriptor, from its link, its information, and a look at the file.
fn add(table: &mut Table, number: i32, link: &[u8], info: &str, file: &dyn Fn() -> Option<Found>) {
    let field = |name: &str| {
        let mut lines = info.lines();
        lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(':').map(str::trim))
    };
    let flags = field("flags").and_then(|flags| i32::from_str_radix(flags, 8).ok());
    let flags = flags.unwrap_or_default();
    let by_path_only = flags & nix::libc::O_PATH != 0;
    let mode = flags & nix::libc::O_ACCMODE;
    let object = object(link, info, &field, file);
    let is_ring = matches!(&object, Object::Other(name) if name == "io_uring");
    table.ring |= is_ring;
    table.ring_holds |= is_ring && field("UserFiles") != Some("0");
    if field("scm_fds").is_some_and(|count| count != "0") {
        table.in_flight.push(number);
    }
    table.descriptors.push(Descriptor {
        number,
        object,
        reads: mode != nix::libc::O_WRONLY && !by_path_only,
        writes: mode != nix::libc::O_RDONLY && !by_path_only,
        locks: info.lines().filter_map(lock).collect(),
        watches: info.lines().filter_map(watched).collect(),
    });
}

fn object<'i>(
    link: &[u8],
    info: &'i str,
    field: &dyn Fn(&str) -> Option<&'i str>,
    file: &dyn Fn() -> Option<Found>,
) -> Object {
    let text = String::from_utf8_lossy(link);
    let inode = |kind: &str| {
        text.strip_prefix(kind)?.strip_prefix(":[")?.strip_suffix(']')?.parse::<u64>().ok()
    };
    if let Some(inode) = inode("pipe") {
        return Object::Pipe(inode);
    }
    if let Some(inode) = inode("socket") {
        return Object::Socket(inode);
    }
    if let Some(name) = text.strip_prefix("anon_inode:") {
        return match name.trim_matches(['[', ']']) {
            "eventpoll" => Object::Epoll,
            "pidfd" => field("Pid")
                .and_then(|id| id.parse().ok())
                .map_or_else(|| Object::Other("pidfd".to_owned()), Object::Process),
            "timerfd" => Object::Timer(!info.contains("it_value: (0, 0)")),
            other => Object::Other(shown(other.as_bytes())),
        };
    }
    if text.starts_with("pidfd:") {
        let id = field("Pid").and_then(|id| id.parse().ok());
        return id.map_or_else(|| Object::Other("pidfd".to_owned()), Object::Process);
    }
    let (path, gone) = match link.strip_suffix(b" (deleted)") {
        Some(path) => (path, true),
        None => (link, false),
    };
    let path = shown(path);
    match file() {
        Some(Found { id, sort: Sort::NamedPipe }) => Object::Fifo(id, path, gone),
        Some(Found { id, sort: Sort::Queue }) => Object::Queue(id, path, gone),
        Some(Found { sort: Sort::Terminal, .. }) => Object::Terminal(path),
        Some(Found { id, sort: Sort::Other }) => Object::File(id, path),
        None => Object::Other(path),
    }
}

/// `lock: 1: FLOCK  ADVISORY  WRITE 4711 fe:00:131 0 EOF`.
fn lock(line: &str) -> Option<HeldLock> {
    let mut words = line.strip_prefix("lock:")?.split_ascii_whitespace().skip(1);
    let sort = match words.next()? {
        "FLOCK" => LockSort::Flock,
        "POSIX" => LockSort::OfProcess,
        "OFDLCK" => LockSort::OfDescription,
        _ => return None,
    };
    Some(HeldLock { sort, exclusive: words.nth(1)? == "WRITE" })
}

/// `tfd: 5 events: 19 data: 5 pos:0 ino:376487c sdev:f`; the events are those of poll.
fn watched(line: &str) -> Option<Watched> {
    let words: Vec<&str> = line.strip_prefix("tfd:")?.split_ascii_whitespace().collect();
    let events = words.iter().position(|word| *word == "events:")?;
    let events = u32::from_str_radix(words.get(events + 1)?, 16).ok()?;
    let inode = words.iter().find_map(|word| word.strip_prefix("ino:"));
    Some(Watched {
        fd: words.first()?.parse().ok()?,
        input: events & 0x2041 != 0,
        output: events & 0x104 != 0,
        inode: inode.and_then(|inode| u64::from_str_radix(inode, 16).ok()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn added(link: &[u8], info: &str, file: Option<Found>) -> Table {
        let mut table = Table::default();
        add(&mut table, 7, link, info, &|| file);
        table
    }

    #[test]
    fn links_and_information_are_read() {
        let pipe = added(b"pipe:[12]", "pos:\t0\nflags:\t02000001\nino:\t12\n", None);
        let [end] = &pipe.descriptors[..] else { panic!("{pipe:?}") };
        assert_eq!((&end.object, end.reads, end.writes), (&Object::Pipe(12), false, true));
        let socket = added(b"socket:[9]", "flags:\t02\nscm_fds: 2\n", None);
        assert_eq!(socket.in_flight, [7]);
        assert_eq!(socket.descriptors[0].object, Object::Socket(9));
        let locked = "flags:\t02\nlock:\t1: FLOCK  ADVISORY  WRITE 21 fe:00:10 0 EOF\n";
        let found = Found { id: FileId { device: 1, inode: 10 }, sort: Sort::Other };
        let file = added(b"/tmp/a\nb (deleted)", locked, Some(found));
        let [end] = &file.descriptors[..] else { panic!("{file:?}") };
        assert_eq!(end.object, Object::File(found.id, "/tmp/a\\nb".into()));
        assert_eq!(end.locks, [HeldLock { sort: LockSort::Flock, exclusive: true }]);
    }

    #[test]
    fn epolls_rings_timers_and_processes_are_told_apart() {
        let line = "tfd:        5 events:       19 data:                5  pos:0 ino:37c sdev:f\n";
        let epoll = added(b"anon_inode:[eventpoll]", &format!("flags:\t02\n{line}"), None);
        let watched = Watched { fd: 5, input: true, output: false, inode: Some(0x37c) };
        assert_eq!(epoll.descriptors[0].watches, [watched]);
        let ring = added(b"anon_inode:[io_uring]", "flags:\t02\nUserFiles:\t1\n", None);
        assert!(ring.ring && ring.ring_holds);
        let timer = |value| {
            let info = format!("flags:\t02\nit_value: {value}\n");
            added(b"anon_inode:[timerfd]", &info, None).descriptors[0].object.clone()
        };
        assert_eq!(timer("(0, 0)"), Object::Timer(false));
        assert_eq!(timer("(4, 99)"), Object::Timer(true));
        let process = added(b"anon_inode:[pidfd]", "flags:\t02\nPid:\t41\n", None);
        assert_eq!(process.descriptors[0].object, Object::Process(41));
    }
}
