//! One moment of the live system, from two looks at every thread: what has not run in between slept throughout.
//!
//! Between the looks all tables are read, so that they hold at one moment with the sleeps (see `crate::look` for
//! why two looks and a count of runs are needed). A process that is made meanwhile is looked for until a list shows none
//! that was not read: a descriptor can't be handed on, from child to child, past the eye.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use pipewright_backends::sys::Shortage;
use procfs::FromRead;
use procfs::process::{Process as Listed, Stat};
use rustix::net::sockopt::{Timeout, socket_timeout};
use rustix::process::{Pid, PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open};

use super::call::{Around, Raw, asleep, shown};
use super::small;
use super::snapshot::{
    Asleep, Call, Descriptor, Doing, FileId, Object, Process, Snapshot, SocketSort, Thread,
    Watched, Way,
};
use super::sockets;
use super::table::{self, Sort, Table};

/// `PF_KTHREAD` of the kernel: what holds no descriptors.
const KERNEL_THREAD: u32 = 0x0020_0000;

/// How often processes that came meanwhile are looked for.
const ROUNDS_MAX: usize = 50;

/// The first PID namespace, `PROC_PID_INIT_INO` of the kernel.
const OUTERMOST: &str = "pid:[4026531836]";

/// The longest command line that is kept.
const COMMAND_BYTES_MAX: usize = 4096;

/// Looks at all processes.
///
/// # Errors
///
/// If `/proc` is not there, or tells no processes.
pub fn look() -> io::Result<Snapshot> {
    has_descriptors()?;
    let mut looked = Looked::default();
    let mut restless = true;
    for round in 0..ROUNDS_MAX {
        let new: Vec<i32> = ids()?.into_iter().filter(|id| !looked.known.contains(id)).collect();
        if new.is_empty() {
            restless = false;
            break;
        }
        // The threads of all first, their tables after: those of a process that sleeps hold still.
        let seen: Vec<Seen> = new.iter().filter_map(|id| Seen::first(*id, round == 0)).collect();
        looked.known.extend(new);
        for seen in seen {
            looked.read(seen);
        }
    }
    if restless {
        looked.unseen.push("processes come and go faster than they can be read".to_owned());
    }
    looked.snapshot()
}

/// Whether this process may open as many files at once as a look takes: without them there would seem to be nothing.
fn has_descriptors() -> io::Result<()> {
    const AT_ONCE_MAX: usize = 12;
    let opened: io::Result<Vec<File>> =
        (0..AT_ONCE_MAX).map(|_| File::open("/proc/self/stat")).collect();
    opened.map(|_| ()).map_err(|error| match Shortage::of(&error) {
        Some(shortage) => io::Error::new(error.kind(), format!("{error}: {shortage}")),
        None => error,
    })
}

/// The processes that there are.
fn ids() -> io::Result<Vec<i32>> {
    let entries = fs::read_dir("/proc")?;
    let id = |entry: io::Result<fs::DirEntry>| entry.ok()?.file_name().to_str()?.parse().ok();
    let ids: Vec<i32> = entries.filter_map(id).collect();
    match ids.is_empty() {
        true => Err(io::Error::new(io::ErrorKind::NotFound, "/proc lists no processes; mount it")),
        false => Ok(ids),
    }
}

/// What was read up to now.
#[derive(Default)]
struct Looked {
    known: BTreeSet<i32>,
    seen: Vec<Seen>,
    unseen: Vec<String>,
    /// Processes whose descriptors can't be read.
    closed: Vec<i32>,
}

impl Looked {
    /// Reads what a process holds. One that has ended holds nothing.
    fn read(&mut self, mut seen: Seen) {
        let threads =
            seen.threads.iter().map(|thread| seen.place.join(format!("task/{}", thread.id)));
        let places = [seen.place.clone()].into_iter().chain(threads);
        for place in places {
            match table::read(&place) {
                // The first thread may have ended, and leaves the table to the others.
                Ok(table) if table.descriptors.is_empty() => {
                    seen.table = Some(table);
                }
                Ok(table) => {
                    seen.table = Some(table);
                    break;
                }
                Err(_) => {}
            }
        }
        match &seen.table {
            Some(table) => {
                let name = format!("{} ({})", seen.process.name, seen.process.id);
                for number in &table.in_flight {
                    self.unseen.push(format!(
                        "descriptors are in flight in a message to {name}, fd {number}"
                    ));
                }
                if table.ring_holds {
                    self.unseen.push(format!("an io_uring of {name} may hold descriptors"));
                }
            }
            None if seen.has_ended() => {}
            None => self.closed.push(seen.process.id),
        }
        self.seen.push(seen);
    }

    /// Puts together what was read, and looks a second time.
    fn snapshot(mut self) -> io::Result<Snapshot> {
        let mut sockets = match sockets::unix() {
            Ok(sockets) => sockets,
            Err(error) => {
                self.unseen
                    .push(format!("the kernel does not tell peers of Unix sockets: {error}"));
                BTreeMap::new()
            }
        };
        for entries in tcp_tables(&self.seen) {
            sockets.extend(sockets::tcp(&entries));
        }
        let mut calls: Vec<Vec<Option<Asleep>>> = self.seen.iter().map(Seen::calls).collect();
        for (seen, calls) in self.seen.iter().zip(&calls) {
            for call in calls.iter().flatten() {
                time_outs(seen, call, &mut sockets);
            }
        }
        if !Path::new("/proc/1").exists() {
            self.unseen.push("/proc hides the processes of other users (hidepid)".to_owned());
        }
        let nested = fs::read_link("/proc/self/ns/pid")
            .is_ok_and(|namespace| namespace.as_os_str() != OUTERMOST);
        let mut processes = BTreeMap::new();
        for (seen, calls) in self.seen.into_iter().zip(&mut calls) {
            let process = seen.second(std::mem::take(calls));
            processes.insert(process.id, process);
        }
        Ok(Snapshot { processes, sockets, unseen: self.unseen, closed: self.closed, nested })
    }
}

/// A process, as it was first looked at.
struct Seen {
    place: PathBuf,
    process: Process,
    threads: Vec<First>,
    table: Option<Table>,
    /// Whether it is of 64 bits, as this program: numbers of calls mean the same.
    same_calls: bool,
}

/// The first look at a thread.
struct First {
    id: i32,
    runs: Option<u64>,
    /// `Err` where it can't be read.
    call: Result<Option<Raw>, ()>,
}

impl Seen {
    /// Looks at a process and its threads; `known` from the start, or new.
    fn first(id: i32, known: bool) -> Option<Seen> {
        let place = PathBuf::from(format!("/proc/{id}"));
        let bytes = small::read(&place.join("stat"));
        let stat = match bytes.ok().and_then(|bytes| Stat::from_read(&bytes[..]).ok()) {
            Some(stat) if stat.flags & KERNEL_THREAD != 0 => return None,
            Some(stat) => stat,
            // One that is gone holds nothing; of one that can't be read nothing is known.
            None if !place.exists() => return None,
            None => return Some(Seen::closed(id, place)),
        };
        let mut process = Process {
            id,
            parent: stat.ppid,
            started: stat.starttime,
            group: stat.pgrp,
            session: stat.session,
            name: shown(stat.comm.as_bytes()),
            command: command(&place),
            ..Process::default()
        };
        match small::text(&place.join("status")) {
            Ok(status) => read_status(&mut process, &status),
            // Then it may catch anything.
            Err(_) => process.caught = u64::MAX,
        }
        let timers = small::text(&place.join("timers")).unwrap_or_default();
        let notifies = |line: &str| line.starts_with("notify:") && !line.contains("none/");
        process.timer = timers.lines().any(notifies);
        let mut threads = Vec::new();
        let threads_listed = match (stat.num_threads, stat.state) {
            (..=1, 'Z' | 'X') => Vec::new(),
            (..=1, _) => vec![id],
            _ => thread_ids(&place),
        };
        for thread in threads_listed {
            let place = place.join(format!("task/{thread}"));
            let runs = runs(&place).filter(|_| known);
            let call = match small::text(&place.join("syscall")) {
                Ok(line) => Ok(Raw::parse(&line)),
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Err(()),
                Err(error) if error.raw_os_error() == Some(nix::libc::EPERM) => Err(()),
                Err(error) if place.exists() && error.kind() == io::ErrorKind::NotFound => Err(()),
                Err(_) => Ok(None),
            };
            threads.push(First { id: thread, runs, call });
        }
        if threads.is_empty() && !matches!(stat.state, 'Z' | 'X') {
            return Some(Seen::closed(id, place));
        }
        let mut seen = Seen { place, process, threads, table: None, same_calls: false };
        seen.same_calls = has_same_calls(&seen.living());
        Some(seen)
    }

    /// A process of which nothing can be read but that it is there.
    fn closed(id: i32, place: PathBuf) -> Seen {
        let process = Process { id, parent: -1, name: "?".to_owned(), ..Process::default() };
        let threads = vec![First { id, runs: None, call: Err(()) }];
        Seen { place, process, threads, table: None, same_calls: false }
    }

    /// The place of a thread that lives: what the first one shares with the others goes from its own place as it ends,
    /// and it alone can end without being gone.
    fn living(&self) -> PathBuf {
        match self.threads.last() {
            Some(thread) => self.place.join(format!("task/{}", thread.id)),
            None => self.place.clone(),
        }
    }

    /// Whether it has gone, or is only left to be waited for.
    fn has_ended(&self) -> bool {
        matches!(state(&self.place), None | Some('Z' | 'X'))
    }

    /// The calls of the threads, where there are any.
    fn calls(&self) -> Vec<Option<Asleep>> {
        let around = Live { seen: self, memory: OnceCell::new() };
        let call = |thread: &First| thread.call.ok().flatten().map(|raw| asleep(raw, &around));
        self.threads.iter().map(call).collect()
    }

    /// Looks again: what has run meanwhile does not sleep.
    fn second(self, calls: Vec<Option<Asleep>>) -> Process {
        let mut process = self.process;
        let thread = |(first, call): (&First, Option<Asleep>)| {
            let place = self.place.join(format!("task/{}", first.id));
            let doing = match state(&place) {
                None | Some('Z' | 'X') => return None,
                Some('T') => Doing::Stopped,
                Some('t') => Doing::Held("is stopped for its tracer"),
                Some('D') => Doing::Held("waits for the kernel itself (state D)"),
                Some('S') if first.call.is_err() => {
                    Doing::Unreadable("sleeps in a call that this user may not see")
                }
                Some('S') if first.runs.is_none() || runs(&place) != first.runs => Doing::Runs,
                Some('S') if !self.same_calls => {
                    Doing::Unreadable("sleeps in a call of another architecture")
                }
                Some('S') => call.map_or(Doing::Runs, Doing::Sleeps),
                Some(_) => Doing::Runs,
            };
            Some(Thread { id: first.id, doing })
        };
        process.threads = self.threads.iter().zip(calls).filter_map(thread).collect();
        process.ring = self.table.as_ref().is_some_and(|table| table.ring);
        process.descriptors = self.table.map(|table| table.descriptors);
        process
    }
}

/// The fields of `status` that are needed; the name before them may hold any bytes.
fn read_status(process: &mut Process, status: &str) {
    let field = |name: &str| {
        let mut lines = status.lines();
        lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
    };
    let word =
        |field: Option<&str>, at| field.and_then(|field| field.split('\t').nth(at)?.parse().ok());
    process.tracer = word(field("TracerPid"), 0).unwrap_or_default() as i32;
    process.user = word(field("Uid"), 1).unwrap_or_default();
    let numbers = field("NSpid").unwrap_or_default().split('\t');
    process.numbers = numbers.filter_map(|number| number.parse().ok()).collect();
    let caught = field("SigCgt").and_then(|mask| u64::from_str_radix(mask, 16).ok());
    process.caught = caught.unwrap_or_default();
}

fn thread_ids(place: &Path) -> Vec<i32> {
    let entries = fs::read_dir(place.join("task")).into_iter().flatten();
    let id = |entry: io::Result<fs::DirEntry>| entry.ok()?.file_name().to_str()?.parse().ok();
    entries.filter_map(id).collect()
}

/// The command line, its words apart.
fn command(place: &Path) -> String {
    let mut bytes = small::read(&place.join("cmdline")).unwrap_or_default();
    bytes.truncate(COMMAND_BYTES_MAX);
    while bytes.last() == Some(&0) {
        bytes.pop();
    }
    bytes.iter_mut().filter(|byte| **byte == 0).for_each(|byte| *byte = b' ');
    shown(&bytes)
}

/// How often a thread has run: by the third number of `schedstat`, or by how often it has given up its processor.
fn runs(place: &Path) -> Option<u64> {
    if let Ok(line) = small::text(&place.join("schedstat")) {
        return line.split_ascii_whitespace().nth(2)?.parse().ok();
    }
    let status = small::text(&place.join("status")).ok()?;
    let switches = status.lines().filter_map(|line| line.split_once("ctxt_switches:"));
    let counts: Vec<u64> = switches.filter_map(|(_, count)| count.trim().parse().ok()).collect();
    (counts.len() == 2).then(|| counts.iter().sum())
}

fn state(place: &Path) -> Option<char> {
    let stat = small::read(&place.join("stat")).ok()?;
    // The name, in parentheses, may itself hold parentheses and blanks.
    let end = stat.iter().rposition(|byte| *byte == b')')?;
    stat.get(end + 2).map(|byte| char::from(*byte))
}

/// Whether the process makes calls by the numbers that this program knows, by the width of its auxiliary vector.
fn has_same_calls(place: &Path) -> bool {
    let Ok(vector) = small::read(&place.join("auxv")) else { return false };
    let first = vector.first_chunk().map(|first| u64::from_ne_bytes(*first));
    cfg!(target_pointer_width = "64") && first.is_some_and(|kind| kind < 4096)
}

/// What calls of a live process point to.
struct Live<'s> {
    seen: &'s Seen,
    /// Opened where something is read of it.
    memory: OnceCell<Option<File>>,
}

impl Live<'_> {
    fn descriptor(&self, fd: i32) -> Option<&Descriptor> {
        let table = self.seen.table.as_ref()?;
        table.descriptors.iter().find(|descriptor| descriptor.number == fd)
    }

    fn found(&self, directory: i32, path: &[u8]) -> Option<table::Found> {
        let (path, living) = (OsStr::from_bytes(path), self.seen.living());
        let from = match directory {
            _ if path.as_encoded_bytes().starts_with(b"/") => living.join("root"),
            nix::libc::AT_FDCWD => living.join("cwd"),
            directory => living.join(format!("fd/{directory}")),
        };
        let relative = Path::new(path).strip_prefix("/").unwrap_or(Path::new(path));
        table::file(&from.join(relative))
    }
}

impl Around for Live<'_> {
    fn memory(&self, at: u64, bytes: &mut [u8]) -> Option<()> {
        let memory = || File::open(self.seen.living().join("mem")).ok();
        self.memory.get_or_init(memory).as_ref()?.read_exact_at(bytes, at).ok()
    }

    fn named_pipe(&self, directory: i32, path: &[u8]) -> Option<FileId> {
        let found = self.found(directory, path)?;
        (found.sort == Sort::NamedPipe).then_some(found.id)
    }

    fn file(&self, path: &[u8]) -> Option<FileId> {
        Some(self.found(nix::libc::AT_FDCWD, path)?.id)
    }

    fn watched(&self, fd: i32) -> Option<Vec<Watched>> {
        let descriptor = self.descriptor(fd)?;
        (descriptor.object == Object::Epoll).then(|| descriptor.watches.clone())
    }

    fn process(&self, fd: i32) -> Option<i32> {
        match self.descriptor(fd)?.object {
            Object::Process(id) => Some(id),
            _ => None,
        }
    }
}

/// The tables of TCP sockets, of each network namespace that some process is in.
fn tcp_tables(seen: &[Seen]) -> Vec<Vec<procfs::net::TcpNetEntry>> {
    let mut read = BTreeSet::new();
    let mut tables = Vec::new();
    for seen in seen {
        let Ok(namespace) = fs::read_link(seen.place.join("ns/net")) else { continue };
        if !read.insert(namespace) {
            continue;
        }
        if let Ok(listed) = Listed::new(seen.process.id) {
            let mut entries = listed.tcp().unwrap_or_default();
            entries.extend(listed.tcp6().unwrap_or_default());
            tables.push(entries);
        }
    }
    tables
}

/// Asks a socket in which somebody sleeps whether that ends by itself. It is held for that moment, and no longer.
fn time_outs(seen: &Seen, asleep: &Asleep, sockets: &mut BTreeMap<u64, super::snapshot::Socket>) {
    let (fd, which) = match asleep.call {
        Call::Transfer(fd, Way::In) | Call::Accept(fd) => (fd, Timeout::Recv),
        Call::Transfer(fd, Way::Out) | Call::Connect(fd, _) => (fd, Timeout::Send),
        _ => return,
    };
    let table = seen.table.iter().flat_map(|table| &table.descriptors);
    let inode =
        table.filter(|descriptor| descriptor.number == fd).find_map(|descriptor| match descriptor
            .object
        {
            Object::Socket(inode) => Some(inode),
            _ => None,
        });
    let Some(socket) = inode.and_then(|inode| sockets.get_mut(&inode)) else { return };
    let Ok(held) = descriptor_of(seen.process.id, fd) else { return };
    let set = socket_timeout(held.as_fd(), which).map(|set| set.is_some());
    let gives_up = match socket.sort {
        SocketSort::Tcp => rustix::net::sockopt::tcp_user_timeout(held.as_fd()).map(|ms| ms > 0),
        _ => Ok(false),
    };
    if let (Ok(set), Ok(gives_up)) = (set, gives_up) {
        socket.time_out = Some(socket.time_out.unwrap_or_default() || set || gives_up);
    }
}

/// A descriptor of another process, held by this one as well.
fn descriptor_of(process: i32, fd: i32) -> rustix::io::Result<OwnedFd> {
    let id = Pid::from_raw(process).ok_or(rustix::io::Errno::SRCH)?;
    let process = pidfd_open(id, PidfdFlags::empty())?;
    pidfd_getfd(process, fd, PidfdGetfdFlags::empty())
}
