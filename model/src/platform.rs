//! Platforms: what one system promises where another leaves a choice.
//!
//! Rules read these fields and never ask which system they are on. A platform is a kernel with its settings:
//! [`LINUX`] has those of the stock, and [`Platform::under`] gives it others.

use std::borrow::Cow;

use crate::index::RuleIndex;
use crate::kind::MODEL_PAGE_BYTES;
use crate::run::Setup;
use crate::settings::{Setting, Settings};

/// How a stream keeps what was written and not yet read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Storage {
    /// A ring of page slots. Room comes and goes by whole pages; a write may be merged into the
    /// last page (Linux, `fs/pipe.c`).
    Pages,
    /// A queue of bytes of unknown capacity: at least [`Platform::pipe_buf_bytes`] (POSIX).
    Bytes,
}

/// What a socket's send buffer holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Account {
    /// Memory, as Linux counts it on machines with pages of 4,096 bytes.
    Memory,
    /// Pieces, each for 1: for exploration.
    Small,
    /// Unknown: at least one byte, or one message, with nothing in flight (POSIX).
    Envelope,
}

/// Systems that share rules, and the order in which they check a call. What is one system's own among them are
/// the constants of its [`Platform`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    /// Linux: errors are told in [the order in which it checks](crate::rules::checks::LINUX).
    Linux,
    /// The standard: of several errors any may be told (XSH 2.3).
    Posix,
    /// The standard, and beside what it allows the rules by which Linux [does otherwise](crate::rule::Force::Exception).
    Excepted,
}

impl Family {
    /// All of them, each at the place of its number.
    pub const ALL: [Family; 3] = [Family::Linux, Family::Posix, Family::Excepted];
}

/// What a system does where the standard leaves it a choice.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Platform {
    /// Name of the profile.
    pub name: &'static str,
    /// Which rules there are, and which of several errors is told. No rule asks for it.
    pub family: Family,
    /// A rule that this system lacks though its family has it: what goes only by that rule deviates.
    pub lacks: Option<RuleIndex>,
    /// `PIPE_BUF`: writes up to this many bytes are not split.
    pub pipe_buf_bytes: u32,
    /// Size of a page, in bytes.
    pub page_bytes: u32,
    /// How streams keep data.
    pub storage: Storage,
    /// Capacity of a pipe that nobody has resized, in bytes.
    pub capacity_default_bytes: u32,
    /// Largest capacity that an unprivileged process may ask for, in bytes
    /// (`/proc/sys/fs/pipe-max-size`).
    pub capacity_max_bytes: u32,
    /// How many pages of pipes an unprivileged user may have; `None` where no run meets the limit that there is.
    pub pipe_pages_max: Option<u32>,
    /// Whether pipes have a packet mode.
    pub packets: bool,
    /// Whether what is neither a file nor a pipe can be locked.
    pub locks_of_all: bool,
    /// Whether a deadlock of processes that wait for locks is seen for sure.
    pub sees_deadlocks: bool,
    /// Whether a lock by `F_SETLK` is lost for sure where its descriptor was closed before it was got.
    pub looks_up_locked_again: bool,
    /// Whether a blocked open may not yet count as an open end for others.
    pub waiting_open_may_not_count: bool,
    /// Whether a write that was cut short by the last reader's close may fail although part of it
    /// was transferred.
    pub cut_short_write_may_fail: bool,
    /// Whether `poll` may report more than it must: readability at end-of-file, writability whenever
    /// there is a reader.
    pub poll_is_loose: bool,
    /// Whether a read of zero bytes may report the error that a longer one would have met.
    pub zero_read_may_fail: bool,
    /// Whether two reads in progress on one stream have a defined result.
    pub concurrent_reads: bool,
    /// Whether what a message queue has is handed to whoever has waited for it the longest: a message to a receiver,
    /// and a place to a sender.
    pub queue_hands_over: bool,
    /// Whether it is known [where calls copy](crate::rules::copying): what one has done that stops there, and which lock it holds.
    pub copying_is_known: bool,
    /// Whether a call on a socket asks once for `O_NONBLOCK` and `SO_RCVTIMEO`, as it begins; else it may go by what
    /// holds when it would wait.
    pub sockets_ask_once: bool,
    /// Whether of the calls that sleep on a stream, or for a message, the one that has slept the longest is woken first.
    pub sleepers_in_line: bool,
    /// Whether reads of a file, and what changes it, may be seen half done by one another.
    pub file_transfers_in_parts: bool,
    /// Whether `pwrite` on a description with `O_APPEND` appends.
    pub append_ignores_position: bool,
    /// What a socket's send buffer holds.
    pub socket_account: Account,
    /// The send buffer of a new socket, in bytes.
    pub send_buffer_bytes: u32,
    /// The receive buffer of a new socket, in bytes.
    pub receive_buffer_bytes: u32,
    /// The largest send buffer that may be asked for, in bytes; `None` where that is not known.
    pub send_buffer_max_bytes: Option<u32>,
    /// The largest receive buffer that may be asked for, in bytes; `None` where that is not known.
    pub receive_buffer_max_bytes: Option<u32>,
    /// The largest backlog.
    pub backlog_max: u16,
    /// How many datagrams may wait at a Unix socket, besides one.
    pub datagrams_max: u32,
    /// Whether a socket that is closed with data unread resets its peer for sure.
    pub unread_data_resets: bool,
    /// Whether `poll` finds that a Unix socket can be written to though it has hung up.
    pub writable_though_hung_up: bool,
    /// Bytes that a TCP connection takes and carries, each way, though none of them is read.
    pub tcp_room_bytes: u32,
    /// A TCP socket with half as many bytes unsent counts as full.
    pub tcp_unsent_bytes: u32,
    /// Whether a bind that fails leaves the path that it has made.
    pub failed_bind_leaves_path: bool,
    /// Whether a message of no bytes that nobody has read counts as data when its socket closes.
    pub empty_messages_count: bool,
    /// Whether each write to a pipe wakes the epolls that watch it; if not, one to an empty pipe does, and others perhaps.
    pub each_write_wakes: bool,
    /// Whether a call that begins to sleep on an eventfd comes to stand before all exclusive entries in its wait queue.
    pub eventfd_sleepers_first: bool,
    /// Whether a TCP connection for which there is no room when it is made is reset.
    pub tcp_resets_on_overflow: bool,
}

/// Linux since 6.15, exactly. Checked against 6.18, 4 KiB pages.
pub const LINUX: Platform = Platform {
    name: "linux",
    family: Family::Linux,
    lacks: None,
    pipe_buf_bytes: 4096,
    page_bytes: 4096,
    storage: Storage::Pages,
    capacity_default_bytes: 65_536,
    capacity_max_bytes: 1 << 20,
    pipe_pages_max: None,
    packets: true,
    locks_of_all: true,
    sees_deadlocks: true,
    looks_up_locked_again: true,
    waiting_open_may_not_count: false,
    cut_short_write_may_fail: false,
    poll_is_loose: false,
    zero_read_may_fail: false,
    concurrent_reads: true,
    queue_hands_over: true,
    sleepers_in_line: true,
    copying_is_known: true,
    sockets_ask_once: true,
    file_transfers_in_parts: true,
    append_ignores_position: true,
    socket_account: Account::Memory,
    send_buffer_bytes: 212_992,
    receive_buffer_bytes: 212_992,
    send_buffer_max_bytes: None,
    receive_buffer_max_bytes: None,
    backlog_max: 4096,
    datagrams_max: 10,
    unread_data_resets: true,
    writable_though_hung_up: true,
    tcp_room_bytes: 16_384,
    tcp_unsent_bytes: u32::MAX,
    failed_bind_leaves_path: false,
    empty_messages_count: false,
    each_write_wakes: true,
    eventfd_sleepers_first: false,
    tcp_resets_on_overflow: false,
};

/// Linux from 6.5 to 6.14: before 6.15 a pipe has the page of a write before its bytes are copied, so that a stop tells less.
pub const LINUX_6_12: Platform = Platform { name: "linux-6.12", copying_is_known: false, ..LINUX };

/// Linux from 5.14 to 6.4, as 6.1 was seen. `eventfd_read` and `eventfd_write` sleep at the head of the wait queue
/// (`__add_wait_queue`); since 6.5 they sleep at its tail (`wait_event_interruptible_locked_irq`).
pub const LINUX_6_1: Platform =
    Platform { name: "linux-6.1", eventfd_sleepers_first: true, ..LINUX_6_12 };

/// Linux before 5.14, as 5.10 was seen: checked there.
///
/// `unix_bind_bsd` unlinks the path of a bind that fails since 5.14. A message of no bytes stopped to count when out-of-band
/// bytes came to Unix sockets (`CONFIG_AF_UNIX_OOB`, 5.15): what is left of one looks alike. From 5.5 on a write to a pipe that was
/// not empty was no edge; 5.14 mended that, and so did later releases of the older versions.
pub const LINUX_5_10: Platform = Platform {
    name: "linux-5.10",
    failed_bind_leaves_path: true,
    empty_messages_count: true,
    each_write_wakes: false,
    ..LINUX_6_1
};

/// All that POSIX.1-2024 allows, with `PIPE_BUF` as Linux has it.
pub const POSIX: Platform = Platform {
    name: "posix",
    family: Family::Posix,
    lacks: None,
    pipe_buf_bytes: 4096,
    page_bytes: 4096,
    storage: Storage::Bytes,
    capacity_default_bytes: 0,
    capacity_max_bytes: u32::MAX,
    pipe_pages_max: None,
    packets: false,
    locks_of_all: false,
    sees_deadlocks: false,
    looks_up_locked_again: false,
    waiting_open_may_not_count: true,
    cut_short_write_may_fail: true,
    poll_is_loose: true,
    zero_read_may_fail: true,
    concurrent_reads: false,
    queue_hands_over: false,
    sleepers_in_line: false,
    copying_is_known: false,
    sockets_ask_once: false,
    file_transfers_in_parts: false,
    append_ignores_position: false,
    socket_account: Account::Envelope,
    send_buffer_bytes: 212_992,
    receive_buffer_bytes: 212_992,
    send_buffer_max_bytes: None,
    receive_buffer_max_bytes: None,
    backlog_max: 4096,
    datagrams_max: 10,
    unread_data_resets: false,
    writable_though_hung_up: false,
    tcp_room_bytes: 1,
    tcp_unsent_bytes: u32::MAX,
    failed_bind_leaves_path: false,
    empty_messages_count: false,
    each_write_wakes: true,
    eventfd_sleepers_first: false,
    tcp_resets_on_overflow: false,
};

/// All that POSIX.1-2024 allows, and what Linux does by the exceptions that are declared. What Linux does and the
/// standard forbids conforms here, or a rule is wrong.
pub const EXCEPTED: Platform = Platform {
    name: "posix and exceptions",
    family: Family::Excepted,
    file_transfers_in_parts: true,
    append_ignores_position: true,
    writable_though_hung_up: true,
    ..POSIX
};

/// All profiles.
pub const PLATFORMS: &[&Platform] = &[&LINUX, &POSIX];

/// The platform of a Linux of this release, as `uname -r` tells it: `6.18.1-arch1`.
pub fn linux(release: &str) -> &'static Platform {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(str::parse::<u32>);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => match (major, minor) {
            (..5, _) | (5, ..14) => &LINUX_5_10,
            (5, _) | (6, ..5) => &LINUX_6_1,
            (6, ..15) => &LINUX_6_12,
            _ => &LINUX,
        },
        _ => &LINUX,
    }
}

/// The profile called `name`.
pub fn named(name: &str) -> Option<&'static Platform> {
    PLATFORMS.iter().copied().find(|platform| platform.name == name)
}

impl Platform {
    /// The same platform without a rule.
    #[must_use]
    pub fn without(&self, rule: RuleIndex) -> Platform {
        Platform { lacks: Some(rule), ..self.clone() }
    }

    /// The same platform with pages and `PIPE_BUF` of `bytes`, pipes of two pages and small buffers of sockets: small enough to
    /// visit every state.
    pub const fn shrunk(self, bytes: u32) -> Platform {
        Platform {
            pipe_buf_bytes: bytes,
            page_bytes: bytes,
            capacity_default_bytes: 2 * bytes,
            capacity_max_bytes: 4 * bytes,
            socket_account: match self.socket_account {
                Account::Memory => Account::Small,
                account => account,
            },
            send_buffer_bytes: 4,
            receive_buffer_bytes: 4,
            tcp_room_bytes: if self.tcp_room_bytes > 1 { bytes } else { 1 },
            ..self
        }
    }

    /// The platform on which a channel is set up so: with its settings, those that differ from the stock, and where it
    /// is a pipe of a model, with the pages of one.
    pub fn under(&self, setup: &Setup) -> Cow<'_, Platform> {
        let settings = &setup.settings;
        let platform = match *settings == Settings::STOCK {
            true => Cow::Borrowed(self),
            false => Cow::Owned(settings.changed().fold(self.clone(), Platform::set)),
        };
        match setup.is_of_model() && platform.page_bytes > MODEL_PAGE_BYTES {
            true => Cow::Owned(platform.into_owned().shrunk(MODEL_PAGE_BYTES)),
            false => platform,
        }
    }

    fn set(mut self, (setting, value): (Setting, u32)) -> Platform {
        match setting {
            Setting::PageSize => {
                self.page_bytes = value;
                if self.storage == Storage::Pages {
                    self.capacity_default_bytes = PIPE_PAGES * value;
                }
                if self.socket_account == Account::Memory {
                    self.socket_account = Account::Envelope;
                }
            }
            Setting::PipeBuf => self.pipe_buf_bytes = value,
            Setting::PipeMaxSize => self.capacity_max_bytes = value,
            // Whichever is reached first; 0 is none.
            Setting::PipeUserPagesSoft | Setting::PipeUserPagesHard if value > 0 => {
                self.pipe_pages_max = Some(self.pipe_pages_max.map_or(value, |max| max.min(value)));
            }
            Setting::PipeUserPagesSoft | Setting::PipeUserPagesHard => {}
            Setting::SendBuffer => self.send_buffer_bytes = value,
            Setting::ReceiveBuffer => self.receive_buffer_bytes = value,
            Setting::SendBufferMax => self.send_buffer_max_bytes = Some(value),
            Setting::ReceiveBufferMax => self.receive_buffer_max_bytes = Some(value),
            Setting::Backlog => self.backlog_max = u16::try_from(value).unwrap_or(u16::MAX),
            Setting::Datagrams => self.datagrams_max = value,
            // What the kernel keeps beside each write may take all of a small buffer.
            Setting::TcpSendBuffer | Setting::TcpReceiveBuffer => self.tcp_room_bytes = 1,
            Setting::TcpUnsent => {
                self.tcp_room_bytes = 1;
                self.tcp_unsent_bytes = value;
            }
            Setting::TcpAbortOnOverflow => self.tcp_resets_on_overflow = value != 0,
        }
        self
    }
}

/// Pages of a pipe that nobody has resized (`PIPE_DEF_BUFFERS`).
const PIPE_PAGES: u32 = 16;
