//! The settings of this system: `/proc/sys`, sysconf(3), pathconf(3), and what a new socket has.
//!
//! What can't be read is taken for the stock: a system that lacks `/proc/sys` may do as the stock does, and where it
//! doesn't, that is for the rules to tell.

use std::fs;
use std::sync::OnceLock;

use nix::sys::socket::{AddressFamily, SockFlag, SockType, getsockopt, socket, sockopt};
use nix::unistd::{PathconfVar, SysconfVar, pathconf, sysconf};
use pipewright_model::kind::Kind;
use pipewright_model::run::Setup;
use pipewright_model::settings::{Setting, Settings};

use super::process;

/// A channel of this kind, with those settings of this system that matter to it. They are read once a process.
pub fn setup(kind: &'static Kind) -> Setup {
    static HERE: OnceLock<Settings> = OnceLock::new();
    let settings = HERE.get_or_init(read).of_kind(kind);
    Setup { settings, ..Setup::new(kind) }
}

/// The settings of the system where this thread is: those of networks belong to its network namespace.
pub fn read() -> Settings {
    Setting::all().fold(Settings::STOCK, |settings, setting| match value(setting) {
        Some(value) if setting.check(value).is_ok() => settings.with(setting, value),
        _ => settings,
    })
}

/// The value of a setting, as far as it changes what is promised; `None` where it can't be read.
fn value(setting: Setting) -> Option<u32> {
    match setting {
        Setting::PageSize => u32::try_from(sysconf(SysconfVar::PAGE_SIZE).ok()??).ok(),
        Setting::PipeBuf => u32::try_from(pathconf("/", PathconfVar::PIPE_BUF).ok()??).ok(),
        // Privileged users have no limit.
        Setting::PipeUserPagesSoft | Setting::PipeUserPagesHard
            if process::may_have_any_pipes() =>
        {
            None
        }
        Setting::SendBuffer => new_socket(sockopt::SndBuf),
        Setting::ReceiveBuffer => new_socket(sockopt::RcvBuf),
        // More than every system allows changes nothing that is specified.
        Setting::SendBufferMax
        | Setting::ReceiveBufferMax
        | Setting::TcpSendBuffer
        | Setting::TcpReceiveBuffer => Some(sysctl(setting)?.min(setting.stock())),
        _ => sysctl(setting),
    }
}

/// The number in the file of a sysctl: of three, the second.
fn sysctl(setting: Setting) -> Option<u32> {
    let text =
        fs::read_to_string(format!("/proc/sys/{}", setting.name().replace('.', "/"))).ok()?;
    let numbers: Vec<&str> = text.split_whitespace().collect();
    let number = if numbers.len() == 3 { numbers[1] } else { *numbers.first()? };
    // What is too much for a number of 32 bits is as good as no limit.
    Some(u32::try_from(number.parse::<u64>().ok()?).unwrap_or(u32::MAX))
}

fn new_socket<O: nix::sys::socket::GetSockOpt<Val = usize>>(option: O) -> Option<u32> {
    let socket = socket(AddressFamily::Unix, SockType::Datagram, SockFlag::SOCK_CLOEXEC, None);
    u32::try_from(getsockopt(&socket.ok()?, option).ok()?).ok()
}
