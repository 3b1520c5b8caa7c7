//! Settings: what the user of a system may change that changes what its channels do.
//!
//! A platform is a kernel with its settings: [`Platform::under`](crate::platform::Platform::under). Reading them from a
//! system is the business of backends. A run names those that differ from the stock, so that it is judged
//! everywhere as where it was seen.
//!
//! Not here: what only decides whether a channel can be made at all (`fs.mqueue.*`, limits of a process); then
//! there is no run. Nor what changes when something is given up, but no reply (`net.ipv4.tcp_retries2`).

use std::fmt;

use crate::kind::{Discipline, Kind, SocketType};

/// Something that can be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Setting {
    /// The size of a page, in bytes.
    PageSize,
    /// Writes to pipes of up to so many bytes are not split.
    PipeBuf,
    /// The largest capacity of a pipe that an unprivileged process may ask for, in bytes.
    PipeMaxSize,
    /// How many pages of pipes an unprivileged user may have before new pipes are small; 0 for any number.
    PipeUserPagesSoft,
    /// How many before there are no new pipes; 0 for any number.
    PipeUserPagesHard,
    /// The send buffer of a new socket, in bytes.
    SendBuffer,
    /// The receive buffer of a new socket, in bytes.
    ReceiveBuffer,
    /// The largest send buffer that may be asked for, in bytes.
    SendBufferMax,
    /// The largest receive buffer that may be asked for, in bytes.
    ReceiveBufferMax,
    /// The largest backlog.
    Backlog,
    /// How many datagrams may wait at a Unix socket, besides one.
    Datagrams,
    /// The send buffer of a new TCP socket, in bytes: the second of three numbers.
    TcpSendBuffer,
    /// The receive buffer of a new TCP socket, in bytes: the second of three numbers.
    TcpReceiveBuffer,
    /// How many bytes that were not sent a TCP socket may have and still find room for more.
    TcpUnsent,
    /// Whether a connection that nobody has room for is reset.
    TcpAbortOnOverflow,
}

/// The least send buffer that a kernel lets anybody set, in bytes (`SOCK_MIN_SNDBUF`).
const SEND_BUFFER_MIN_BYTES: u32 = 4608;

/// The least receive buffer, in bytes (`SOCK_MIN_RCVBUF`).
const RECEIVE_BUFFER_MIN_BYTES: u32 = 2304;

/// What there is to say of a setting.
struct About {
    setting: Setting,
    /// Its name: of a sysctl with dots, or of sysconf(3) or pathconf(3).
    name: &'static str,
    /// Its value where nobody has set it.
    stock: u32,
}

const fn about(setting: Setting, name: &'static str, stock: u32) -> About {
    About { setting, name, stock }
}

/// In the order of the variants.
#[rustfmt::skip]
const ABOUT: [About; 15] = [
    about(Setting::PageSize,           "PAGE_SIZE",                      4096),
    about(Setting::PipeBuf,            "PIPE_BUF",                       4096),
    about(Setting::PipeMaxSize,        "fs.pipe-max-size",               1 << 20),
    about(Setting::PipeUserPagesSoft,  "fs.pipe-user-pages-soft",        16_384),
    about(Setting::PipeUserPagesHard,  "fs.pipe-user-pages-hard",        0),
    about(Setting::SendBuffer,         "net.core.wmem_default",          212_992),
    about(Setting::ReceiveBuffer,      "net.core.rmem_default",          212_992),
    about(Setting::SendBufferMax,      "net.core.wmem_max",              212_992),
    about(Setting::ReceiveBufferMax,   "net.core.rmem_max",              212_992),
    about(Setting::Backlog,            "net.core.somaxconn",             4096),
    about(Setting::Datagrams,          "net.unix.max_dgram_qlen",        10),
    about(Setting::TcpSendBuffer,      "net.ipv4.tcp_wmem",              16_384),
    about(Setting::TcpReceiveBuffer,   "net.ipv4.tcp_rmem",              131_072),
    about(Setting::TcpUnsent,          "net.ipv4.tcp_notsent_lowat",     u32::MAX),
    about(Setting::TcpAbortOnOverflow, "net.ipv4.tcp_abort_on_overflow", 0),
];

impl Setting {
    /// All settings.
    pub fn all() -> impl Iterator<Item = Setting> {
        ABOUT.iter().map(|about| about.setting)
    }

    /// Its name: of a sysctl with dots, or of sysconf(3) or pathconf(3).
    pub fn name(self) -> &'static str {
        ABOUT[self as usize].name
    }

    /// Its value where nobody has set it. That of a largest buffer is the least of all kernels.
    pub const fn stock(self) -> u32 {
        ABOUT[self as usize].stock
    }

    /// The setting called `name`.
    pub fn named(name: &str) -> Option<Setting> {
        Setting::all().find(|setting| setting.name() == name)
    }

    /// Whether it can have this value.
    ///
    /// # Errors
    ///
    /// What is wrong with it: lower case, no full stop.
    pub fn check(self, value: u32) -> Result<(), String> {
        let least = match self {
            Setting::PageSize => 1024,
            Setting::PipeBuf => 512,
            Setting::SendBuffer | Setting::SendBufferMax => SEND_BUFFER_MIN_BYTES,
            Setting::ReceiveBuffer | Setting::ReceiveBufferMax => RECEIVE_BUFFER_MIN_BYTES,
            _ => 0,
        };
        let most = match self {
            Setting::PageSize | Setting::Backlog => 1 << 16,
            Setting::PipeBuf => 1 << 20,
            Setting::PipeMaxSize | Setting::SendBuffer | Setting::ReceiveBuffer => 1 << 30,
            Setting::SendBufferMax | Setting::ReceiveBufferMax => 1 << 30,
            _ => u32::MAX,
        };
        if !(least..=most).contains(&value) {
            return Err(format!("{} is from {least} to {most}", self.name()));
        }
        match self {
            Setting::PageSize if !value.is_power_of_two() => {
                Err(format!("{} is a power of two", self.name()))
            }
            _ => Ok(()),
        }
    }

    /// Whether it changes what channels of this kind do.
    pub fn matters_to(self, kind: &Kind) -> bool {
        match self {
            Setting::PageSize => {
                matches!(kind.discipline, Discipline::Stream | Discipline::File)
                    || matches!(kind.discipline, Discipline::Unix(..))
            }
            Setting::PipeBuf
            | Setting::PipeMaxSize
            | Setting::PipeUserPagesSoft
            | Setting::PipeUserPagesHard => kind.discipline == Discipline::Stream,
            Setting::SendBuffer
            | Setting::ReceiveBuffer
            | Setting::SendBufferMax
            | Setting::ReceiveBufferMax => matches!(kind.discipline, Discipline::Unix(..)),
            Setting::Backlog => match kind.discipline {
                Discipline::Unix(kind, _) => kind != SocketType::Datagram,
                discipline => discipline == Discipline::Tcp,
            },
            Setting::Datagrams => {
                matches!(kind.discipline, Discipline::Unix(SocketType::Datagram, _))
            }
            Setting::TcpSendBuffer
            | Setting::TcpReceiveBuffer
            | Setting::TcpUnsent
            | Setting::TcpAbortOnOverflow => kind.discipline == Discipline::Tcp,
        }
    }
}

/// A value for each setting.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Settings([u32; ABOUT.len()]);

impl Settings {
    /// What nobody has changed.
    pub const STOCK: Settings = {
        let mut values = [0; ABOUT.len()];
        let mut at = 0;
        while at < values.len() {
            values[at] = ABOUT[at].stock;
            at += 1;
        }
        Settings(values)
    };

    /// The value of a setting.
    pub fn get(&self, setting: Setting) -> u32 {
        self.0[setting as usize]
    }

    /// The same but for one setting.
    pub fn with(mut self, setting: Setting, value: u32) -> Settings {
        self.0[setting as usize] = value;
        self
    }

    /// Those that differ from the stock, with their values.
    pub fn changed(&self) -> impl Iterator<Item = (Setting, u32)> + use<> {
        let values = *self;
        let all = Setting::all().map(move |setting| (setting, values.get(setting)));
        all.filter(|(setting, value)| *value != setting.stock())
    }

    /// The same where they matter to a kind of channel, and the stock where not.
    pub fn of_kind(self, kind: &Kind) -> Settings {
        self.changed().fold(Settings::STOCK, |settings, (setting, value)| {
            if setting.matters_to(kind) { settings.with(setting, value) } else { settings }
        })
    }
}

/// Only what differs from the stock.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = self.changed().map(|(setting, value)| (setting.name(), value));
        f.debug_map().entries(named).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::{ABOUT, Setting, Settings};
    use crate::kind::KINDS;

    #[test]
    fn settings_stand_in_the_order_of_their_variants() {
        for (index, setting) in Setting::all().enumerate() {
            assert_eq!(setting as usize, index, "{}", setting.name());
            assert_eq!(Setting::named(setting.name()), Some(setting));
            assert_eq!(Settings::STOCK.get(setting), ABOUT[index].stock);
        }
        assert_eq!(Settings::STOCK.changed().count(), 0);
    }

    #[test]
    fn every_setting_matters_to_some_kind_and_to_those_alone_it_is_kept() {
        for setting in Setting::all() {
            let changed = Settings::STOCK.with(setting, setting.stock() ^ 1);
            let kept = KINDS.iter().filter(|kind| changed.of_kind(kind) == changed).count();
            let matters = KINDS.iter().filter(|kind| setting.matters_to(kind)).count();
            assert!(kept > 0 && kept == matters, "{}", setting.name());
        }
    }
}
