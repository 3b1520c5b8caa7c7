//! System calls by number and arguments: which call a thread sleeps in, and what it asks for.
//!
//! What has a time-out is told as a wait for a time, whatever it waits for besides: it ends by itself.

use nix::libc;

use super::snapshot::{Address, Asleep, Call, Children, FileId, Watched, Way};

/// A line of `/proc/PID/syscall`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Raw {
    pub(super) number: i64,
    pub(super) arguments: [u64; 6],
}

impl Raw {
    /// Reads the line. `None` where the thread runs, or sleeps outside of any call.
    pub(super) fn parse(line: &str) -> Option<Raw> {
        let mut words = line.split_ascii_whitespace();
        let number = words.next()?.parse().ok().filter(|number| *number >= 0)?;
        let mut arguments = [0; 6];
        for argument in &mut arguments {
            *argument = u64::from_str_radix(words.next()?.strip_prefix("0x")?, 16).ok()?;
        }
        Some(Raw { number, arguments })
    }

    /// An argument of 32 bits, such as a descriptor, whatever the registers hold above.
    fn int(self, index: usize) -> i32 {
        self.arguments[index] as i32
    }

    fn is_null(self, index: usize) -> bool {
        self.arguments[index] == 0
    }
}

/// What a call points to, in the process that makes it.
pub(super) trait Around {
    /// Reads memory there, all of it or nothing.
    fn memory(&self, at: u64, bytes: &mut [u8]) -> Option<()>;
    /// The FIFO at a path, seen from this directory of the process.
    fn named_pipe(&self, directory: i32, path: &[u8]) -> Option<FileId>;
    /// The file at a path, as a socket's address.
    fn file(&self, path: &[u8]) -> Option<FileId>;
    /// What an epoll watches.
    fn watched(&self, fd: i32) -> Option<Vec<Watched>>;
    /// The process to which a descriptor refers.
    fn process(&self, fd: i32) -> Option<i32>;
}

/// The most descriptors of one call that are looked at.
const WATCHED_MAX: u64 = 65_536;

/// What the call asks for.
pub(super) fn asleep(raw: Raw, around: &dyn Around) -> Asleep {
    let found = transfer(raw).or_else(|| events(raw, around)).or_else(|| other(raw, around));
    let (name, call) = found.unwrap_or(("a call that is not known here", Some(Call::NotFollowed)));
    Asleep { name, call: call.unwrap_or(Call::NotFollowed) }
}

type Found = Option<(&'static str, Option<Call>)>;

fn transfer(raw: Raw) -> Found {
    let (name, way) = match raw.number {
        libc::SYS_read => ("read", Way::In),
        libc::SYS_readv => ("readv", Way::In),
        libc::SYS_recvfrom => ("recv", Way::In),
        libc::SYS_recvmsg => ("recvmsg", Way::In),
        libc::SYS_recvmmsg if raw.is_null(4) => ("recvmmsg", Way::In),
        libc::SYS_write => ("write", Way::Out),
        libc::SYS_writev => ("writev", Way::Out),
        libc::SYS_sendto => ("send", Way::Out),
        libc::SYS_sendmsg => ("sendmsg", Way::Out),
        libc::SYS_sendmmsg => ("sendmmsg", Way::Out),
        libc::SYS_sendfile => ("sendfile", Way::Out),
        libc::SYS_mq_timedreceive => return Some(queue(raw, "mq_receive", Way::In)),
        libc::SYS_mq_timedsend => return Some(queue(raw, "mq_send", Way::Out)),
        _ => return None,
    };
    Some((name, Some(Call::Transfer(raw.int(0), way))))
}

fn queue(raw: Raw, name: &'static str, way: Way) -> (&'static str, Option<Call>) {
    (name, Some(if raw.is_null(4) { Call::Queue(raw.int(0), way) } else { Call::Time }))
}

fn events(raw: Raw, around: &dyn Around) -> Found {
    let unless = |timed: bool, call: Option<Call>| if timed { Some(Call::Time) } else { call };
    let selected = || selected(raw, around).map(Call::Events);
    let polled = || polled(raw, around).map(Call::Events);
    let watched = || around.watched(raw.int(0)).map(Call::Events);
    Some(match raw.number {
        #[cfg(target_arch = "x86_64")]
        libc::SYS_poll => ("poll", unless(raw.int(2) >= 0, polled())),
        libc::SYS_ppoll => ("ppoll", unless(!raw.is_null(2), polled())),
        #[cfg(target_arch = "x86_64")]
        libc::SYS_select => ("select", unless(!raw.is_null(4), selected())),
        libc::SYS_pselect6 => ("pselect", unless(!raw.is_null(4), selected())),
        #[cfg(target_arch = "x86_64")]
        libc::SYS_epoll_wait => ("epoll_wait", unless(raw.int(3) >= 0, watched())),
        libc::SYS_epoll_pwait => ("epoll_pwait", unless(raw.int(3) >= 0, watched())),
        libc::SYS_epoll_pwait2 => ("epoll_pwait2", unless(!raw.is_null(3), watched())),
        _ => return None,
    })
}

/// `struct pollfd`, one after the other.
fn polled(raw: Raw, around: &dyn Around) -> Option<Vec<Watched>> {
    let entries = raw.arguments[1];
    let mut bytes = vec![0; (entries <= WATCHED_MAX).then_some(entries as usize * 8)?];
    around.memory(raw.arguments[0], &mut bytes)?;
    let entry = |entry: &[u8]| {
        let fd = i32::from_ne_bytes([entry[0], entry[1], entry[2], entry[3]]);
        let events = i16::from_ne_bytes([entry[4], entry[5]]);
        (fd >= 0).then_some(Watched {
            fd,
            input: events & (libc::POLLIN | libc::POLLRDNORM | libc::POLLRDHUP) != 0,
            output: events & (libc::POLLOUT | libc::POLLWRNORM) != 0,
            inode: None,
        })
    };
    Some(bytes.chunks_exact(8).filter_map(entry).collect())
}

/// Bits, by descriptor, for reading and for writing.
fn selected(raw: Raw, around: &dyn Around) -> Option<Vec<Watched>> {
    let below = u64::from(u32::try_from(raw.int(0)).ok()?);
    let words = (below <= WATCHED_MAX).then_some(below.div_ceil(64) as usize)?;
    let set = |index: usize| -> Option<Vec<u8>> {
        let mut bytes = vec![0; words * 8];
        let at = raw.arguments[index];
        if at != 0 {
            around.memory(at, &mut bytes)?;
        }
        Some(bytes)
    };
    let (reads, writes) = (set(1)?, set(2)?);
    let is_in = |set: &[u8], fd: usize| set[fd / 8] >> (fd % 8) & 1 == 1;
    let entry = |fd: usize| {
        let (input, output) = (is_in(&reads, fd), is_in(&writes, fd));
        (input || output).then_some(Watched { fd: fd as i32, input, output, inode: None })
    };
    Some((0..below as usize).filter_map(entry).collect())
}

fn other(raw: Raw, around: &dyn Around) -> Found {
    let fd = raw.int(0);
    Some(match raw.number {
        libc::SYS_accept => ("accept", Some(Call::Accept(fd))),
        libc::SYS_accept4 => ("accept", Some(Call::Accept(fd))),
        libc::SYS_connect => ("connect", Some(Call::Connect(fd, address(raw, around)))),
        libc::SYS_flock => {
            let exclusive = raw.int(1) & !libc::LOCK_NB == libc::LOCK_EX;
            ("flock", Some(Call::Flock { fd, exclusive }))
        }
        libc::SYS_fcntl => ("fcntl", lock(raw, around)),
        #[cfg(target_arch = "x86_64")]
        libc::SYS_open => {
            ("open", open(around, libc::AT_FDCWD, raw.arguments[0], raw.arguments[1]))
        }
        libc::SYS_openat => ("open", open(around, fd, raw.arguments[1], raw.arguments[2])),
        libc::SYS_wait4 => ("wait", Some(Call::Children(children(raw.int(0))))),
        libc::SYS_waitid => ("waitid", waitid(raw, around)),
        libc::SYS_nanosleep => ("nanosleep", Some(Call::Time)),
        libc::SYS_clock_nanosleep => ("clock_nanosleep", Some(Call::Time)),
        libc::SYS_recvmmsg => ("recvmmsg", Some(Call::Time)),
        libc::SYS_rt_sigtimedwait if !raw.is_null(2) => ("sigtimedwait", Some(Call::Time)),
        libc::SYS_futex => ("futex", None),
        number => (not_followed(number)?, None),
    })
}

/// Calls that are known by name, and no more.
fn not_followed(number: i64) -> Option<&'static str> {
    Some(match number {
        libc::SYS_rt_sigtimedwait => "sigwait",
        libc::SYS_rt_sigsuspend => "sigsuspend",
        #[cfg(target_arch = "x86_64")]
        libc::SYS_pause => "pause",
        libc::SYS_openat2 => "openat2",
        libc::SYS_splice => "splice",
        libc::SYS_tee => "tee",
        libc::SYS_vmsplice => "vmsplice",
        libc::SYS_semop => "semop",
        libc::SYS_semtimedop => "semtimedop",
        libc::SYS_msgrcv => "msgrcv",
        libc::SYS_msgsnd => "msgsnd",
        libc::SYS_io_uring_enter => "io_uring_enter",
        libc::SYS_io_getevents => "io_getevents",
        libc::SYS_restart_syscall => "a call that a signal has interrupted",
        libc::SYS_ioctl => "ioctl",
        libc::SYS_close => "close",
        #[cfg(target_arch = "x86_64")]
        libc::SYS_vfork => "vfork",
        libc::SYS_clone => "clone",
        libc::SYS_clone3 => "clone3",
        libc::SYS_ptrace => "ptrace",
        _ => return None,
    })
}

fn children(id: i32) -> Children {
    match id {
        -1 => Children::Any,
        // The caller's own group, by a number that is none.
        0 => Children::Group(0),
        1.. => Children::One(id),
        _ => Children::Group(id.wrapping_neg()),
    }
}

fn waitid(raw: Raw, around: &dyn Around) -> Option<Call> {
    // Children that only stop or go on are not followed.
    if raw.int(3) & libc::WEXITED == 0 {
        return None;
    }
    let id = raw.int(1);
    Some(Call::Children(match raw.arguments[0] as libc::idtype_t {
        libc::P_ALL => Children::Any,
        libc::P_PID => Children::One(id),
        libc::P_PGID => Children::Group(id),
        libc::P_PIDFD => Children::One(around.process(id)?),
        _ => return None,
    }))
}

fn lock(raw: Raw, around: &dyn Around) -> Option<Call> {
    let of_description = match raw.int(1) {
        libc::F_SETLKW => false,
        libc::F_OFD_SETLKW => true,
        _ => return None,
    };
    // `l_type` comes first.
    let mut kind = [0; 2];
    around.memory(raw.arguments[2], &mut kind)?;
    let exclusive = i32::from(i16::from_ne_bytes(kind)) == libc::F_WRLCK;
    Some(Call::Lock { fd: raw.int(0), of_description, exclusive })
}

fn open(around: &dyn Around, directory: i32, path: u64, flags: u64) -> Option<Call> {
    let path = text(around, path)?;
    let way = match flags as i32 & libc::O_ACCMODE {
        libc::O_RDONLY => Way::In,
        libc::O_WRONLY => Way::Out,
        _ => return None,
    };
    let file = around.named_pipe(directory, &path);
    Some(Call::Open { path: shown(&path), file, way })
}

/// A text that ends with a zero, page by page: what follows it may not be there.
fn text(around: &dyn Around, at: u64) -> Option<Vec<u8>> {
    const PAGE: u64 = 4096;
    let (mut text, mut at) = (Vec::new(), at);
    while text.len() < libc::PATH_MAX as usize {
        let mut bytes = vec![0; (PAGE - at % PAGE) as usize];
        around.memory(at, &mut bytes)?;
        if let Some(end) = bytes.iter().position(|byte| *byte == 0) {
            text.extend(&bytes[..end]);
            return Some(text);
        }
        at += bytes.len() as u64;
        text.extend(bytes);
    }
    None
}

/// `struct sockaddr`, of the families that are followed.
fn address(raw: Raw, around: &dyn Around) -> Option<Address> {
    let len = usize::try_from(raw.int(2)).ok().filter(|len| (2..=128).contains(len))?;
    let mut bytes = vec![0; len];
    around.memory(raw.arguments[1], &mut bytes)?;
    let family = i32::from(u16::from_ne_bytes([bytes[0], bytes[1]]));
    let rest = bytes.get(2..)?;
    match family {
        libc::AF_UNIX if rest.first() == Some(&0) => Some(Address::Abstract(shown(&rest[1..]))),
        libc::AF_UNIX => {
            let path = rest.split(|byte| *byte == 0).next().unwrap_or_default();
            Some(Address::Path(shown(path), around.file(path)))
        }
        libc::AF_INET => {
            let ip: [u8; 4] = rest.get(2..6)?.try_into().ok()?;
            let port = u16::from_be_bytes([rest[0], rest[1]]);
            Some(Address::Internet((ip, port).into()))
        }
        libc::AF_INET6 => {
            let ip: [u8; 16] = rest.get(6..22)?.try_into().ok()?;
            let port = u16::from_be_bytes([rest[0], rest[1]]);
            Some(Address::Internet((ip, port).into()))
        }
        _ => None,
    }
}

/// As it can stand in a line: what is no text, or would break the line, is escaped.
pub(super) fn shown(bytes: &[u8]) -> String {
    let mut shown = String::new();
    for chunk in bytes.utf8_chunks() {
        for letter in chunk.valid().chars() {
            match letter {
                '\\' => shown.push(letter),
                _ if letter.is_control() || is_hidden(letter) => {
                    shown.extend(letter.escape_default());
                }
                _ => shown.push(letter),
            }
        }
        shown.extend(chunk.invalid().iter().map(|byte| format!("\\x{byte:02x}")));
    }
    shown
}

/// Letters that turn around the direction of a line, or take no room.
fn is_hidden(letter: char) -> bool {
    matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A process in whose memory lies this, at 4096.
    struct Memory(Vec<u8>);

    const AT: u64 = 4096;

    impl Around for Memory {
        fn memory(&self, at: u64, bytes: &mut [u8]) -> Option<()> {
            let from = usize::try_from(at.checked_sub(AT)?).ok()?;
            bytes.copy_from_slice(self.0.get(from..from + bytes.len())?);
            Some(())
        }
        fn named_pipe(&self, _: i32, path: &[u8]) -> Option<FileId> {
            (path == b"/tmp/in").then_some(FileId { device: 1, inode: 2 })
        }
        fn file(&self, _: &[u8]) -> Option<FileId> {
            None
        }
        fn watched(&self, _: i32) -> Option<Vec<Watched>> {
            None
        }
        fn process(&self, fd: i32) -> Option<i32> {
            (fd == 9).then_some(77)
        }
    }

    fn call(number: i64, arguments: [u64; 6], memory: &[u8]) -> Asleep {
        asleep(Raw { number, arguments }, &Memory(memory.to_vec()))
    }

    #[test]
    fn lines_of_the_kernel_are_read() {
        let raw = Raw::parse("0 0x3 0x7f00 0x5 0x0 0x0 0x0 0x7ffc 0x7f31\n");
        assert_eq!(raw, Some(Raw { number: 0, arguments: [3, 0x7f00, 5, 0, 0, 0] }));
        for line in ["running\n", "-1 0x7ffc 0x7f31\n", "", "0 0x3\n", "0 3 3 3 3 3 3\n"] {
            assert_eq!(Raw::parse(line), None, "{line:?}");
        }
    }

    #[test]
    fn polls_name_what_they_watch_unless_they_end_by_themselves() {
        let mut entries = Vec::new();
        for (fd, events) in [(3_i32, libc::POLLIN), (-1, libc::POLLIN), (4, libc::POLLOUT)] {
            entries.extend(fd.to_ne_bytes());
            entries.extend(events.to_ne_bytes());
            entries.extend([0; 2]);
        }
        let watched = |fd, input, output| Watched { fd, input, output, inode: None };
        let both = Call::Events(vec![watched(3, true, false), watched(4, false, true)]);
        assert_eq!(call(libc::SYS_ppoll, [AT, 3, 0, 0, 0, 0], &entries).call, both);
        assert_eq!(call(libc::SYS_ppoll, [AT, 3, AT, 0, 0, 0], &entries).call, Call::Time);
        assert_eq!(call(libc::SYS_ppoll, [AT, 4, 0, 0, 0, 0], &entries).call, Call::NotFollowed);
        let bits = [0b101_u64.to_ne_bytes(), 0b10_u64.to_ne_bytes()].concat();
        let expected = [watched(0, true, false), watched(1, false, true), watched(2, true, false)];
        let select = call(libc::SYS_pselect6, [3, AT, AT + 8, 0, 0, 0], &bits);
        assert_eq!(select.call, Call::Events(expected.to_vec()));
    }

    #[test]
    fn opens_locks_and_waits_are_told() {
        let mut memory = b"/tmp/in\0".to_vec();
        memory.resize(4096, 0);
        let open = call(libc::SYS_openat, [libc::AT_FDCWD as u64, AT, 0, 0, 0, 0], &memory);
        let file = Some(FileId { device: 1, inode: 2 });
        assert_eq!(open.call, Call::Open { path: "/tmp/in".into(), file, way: Way::In });
        let kind = (libc::F_WRLCK as i16).to_ne_bytes();
        let lock = call(libc::SYS_fcntl, [5, libc::F_OFD_SETLKW as u64, AT, 0, 0, 0], &kind);
        assert_eq!(lock.call, Call::Lock { fd: 5, of_description: true, exclusive: true });
        let wait = |id: i64| call(libc::SYS_wait4, [id as u64, 0, 0, 0, 0, 0], &[]).call;
        assert_eq!(wait(-1), Call::Children(Children::Any));
        assert_eq!(wait(-8), Call::Children(Children::Group(8)));
        assert_eq!(wait(8), Call::Children(Children::One(8)));
        let by_descriptor = [u64::from(libc::P_PIDFD), 9, 0, libc::WEXITED as u64, 0, 0];
        let waitid = call(libc::SYS_waitid, by_descriptor, &[]).call;
        assert_eq!(waitid, Call::Children(Children::One(77)));
    }

    #[test]
    fn names_can_stand_in_a_line() {
        assert_eq!(shown(b"a) R 1\n(\xff\x1b[31m"), "a) R 1\\n(\\xff\\u{1b}[31m");
        assert_eq!(shown("ä \u{202e}x".as_bytes()), "ä \\u{202e}x");
    }
}
