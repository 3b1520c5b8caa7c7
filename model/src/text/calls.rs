//! How calls are spelt: each is parsed and printed here, one below the other.

use crate::call::{
    Actor, Amount, Call, Disposition, End, Events, Lock, Mode, Op, OpenFlags, SendFlags, Sig,
    SocketOption, TOLD_MAX, Termination, Trigger, Whence,
};
use crate::kind::Hold;
use crate::run::{PollSet, Run};

use super::lex::{Fault, Line, large, number};
use super::values::{EVENTS, events, word};

/// What a call is parsed with besides its line: how ends are named.
pub(super) trait Names {
    /// Takes the name of an end.
    fn end(&mut self, line: &mut Line<'_>) -> Result<End, Fault>;
    /// The end with a name that isn't in the line.
    fn end_called(&mut self, name: &str, line: &Line<'_>) -> Result<End, Fault>;
    /// Takes the name of the end that the call works on, which may be left out. A number is one unless the call
    /// counts something by it.
    fn end_or_implied(&mut self, line: &mut Line<'_>, counts: bool) -> Result<End, Fault>;
    /// Takes the ends of a poll on several, behind its bracket.
    fn poll_set(&mut self, line: &mut Line<'_>) -> Result<u8, Fault>;
    /// Takes the name of a process that the call makes.
    fn child_made(&mut self, line: &mut Line<'_>) -> Result<Actor, Fault>;
    /// Takes the name of a process.
    fn child(&mut self, line: &mut Line<'_>) -> Result<Actor, Fault>;
}

/// Takes a call after its word. A fault is told with an example of the call, where nothing else helps.
pub(super) fn parse(
    called: &str,
    line: &mut Line<'_>,
    names: &mut impl Names,
) -> Result<(End, Op), Fault> {
    taken(called, line, names).map_err(|fault| match (&fault.help, example(called)) {
        (None, Some(example)) => fault.help(format!("as in \"{example}\"")),
        _ => fault,
    })
}

/// Calls whose first argument is a number, where it is not the descriptor's.
const COUNTING: [&str; 12] = [
    "add",
    "read",
    "write",
    "read-at",
    "write-at",
    "truncate",
    "set-capacity",
    "listen",
    "send",
    "receive",
    "send-end",
    "receive-end",
];

/// How a call with arguments is written, by its word.
fn example(called: &str) -> Option<&'static str> {
    Some(match called {
        "open" => "open read",
        "epoll-add" => "epoll-add e r in edge",
        "epoll-modify" => "epoll-modify e r in one-shot",
        "epoll-delete" => "epoll-delete e r",
        "epoll-wait" => "epoll-wait e at-most 2 wait",
        "add" => "add 1",
        "read" => "read 5",
        "write" => "write 2",
        "dup" => "dup as r2",
        "dup2" => "dup2 as 1",
        "close-on-exec" => "close-on-exec on",
        "fork" => "fork child",
        "wait" => "wait child",
        "signal" => "signal child SIGTERM",
        "sigaction" => "sigaction SIGPIPE ignore",
        "nonblocking" => "nonblocking on",
        "poll" => "poll in|out",
        "set-capacity" => "set-capacity 8192",
        "seek" => "seek start 5",
        "read-at" => "read-at 5 at 100",
        "write-at" => "write-at 2 at 100",
        "truncate" => "truncate 5",
        "lock" => "lock exclusive wait",
        "flock" => "flock exclusive wait",
        "process-lock" => "process-lock exclusive wait",
        "listen" => "listen 5",
        "accept" => "accept as s2",
        "shutdown" => "shutdown write",
        "send" => "send 2 dontwait",
        "receive" => "receive 5 peek",
        "send-end" => "send-end 1 passing s",
        "receive-end" => "receive-end 1 as s2",
        "set-option" => "set-option receive-timeout-s 1",
        "option" => "option error",
        _ => return None,
    })
}

fn taken(called: &str, line: &mut Line<'_>, names: &mut impl Names) -> Result<(End, Op), Fault> {
    match called {
        "open" => {
            let mode = word(line, &Mode::NAMED)?;
            let flags = flags(line, OpenFlags::NAMED, OpenFlags::NONE, OpenFlags::union);
            let end = named_as(line, names, Hold::of(mode).letters())?;
            return Ok((end, Op::Open { mode, flags }));
        }
        "socket" => {
            let nonblock = line.take("nonblocking");
            return Ok((named_as(line, names, Hold::SOCKET.letters())?, Op::Socket { nonblock }));
        }
        "epoll" => return Ok((named_as(line, names, Hold::EPOLL.letters())?, Op::Epoll)),
        "epoll-add" | "epoll-modify" | "epoll-delete" => {
            let (end, target) = (names.end(line)?, names.end(line)?);
            if called == "epoll-delete" {
                return Ok((end, Op::EpollDelete { target }));
            }
            let events = events(line, EVENTS)?;
            let trigger = flags(line, Trigger::NAMED, Trigger::NONE, Trigger::union);
            return Ok((
                end,
                match called {
                    "epoll-add" => Op::EpollAdd { target, events, trigger },
                    _ => Op::EpollModify { target, events, trigger },
                },
            ));
        }
        "unlink" => return Ok((End(0), Op::Unlink)),
        "fork" => return Ok((End(0), Op::Fork { child: names.child_made(line)? })),
        "wait" => return Ok((End(0), Op::Wait { child: names.child(line)? })),
        "exec" => return Ok((End(0), Op::Exec)),
        "poll" if line.take("[") => {
            return Ok((End(0), Op::PollSet { set: names.poll_set(line)? }));
        }
        "signal" => {
            let target = names.child(line)?;
            return Ok((End(0), Op::Signal { target, signal: signal(line)? }));
        }
        "sigaction" => {
            let signal = signal(line)?;
            let disposition = word(line, &Disposition::NAMED)?;
            return Ok((End(0), Op::SetSignal { signal, disposition }));
        }
        _ => {}
    }
    let end = names.end_or_implied(line, COUNTING.contains(&called))?;
    let op = match called {
        "add" => Op::Add { value: line.read("a value of 64 bits", amount)? },
        "take" => Op::Take,
        "epoll-wait" => {
            let what = format!("a number of events, at most {TOLD_MAX}");
            let known = |token: &str| {
                number(token)
                    .and_then(|most| u8::try_from(most).ok())
                    .filter(|most| usize::from(*most) <= TOLD_MAX)
            };
            let most = match line.take("at-most") {
                true => line.read(&what, known)?,
                false => TOLD_MAX as u8,
            };
            Op::EpollWait { most, wait: line.take("wait") }
        }
        "read" => Op::Read { len: size(line)? },
        "write" => Op::Write { len: size(line)? },
        "read-at" => Op::ReadAt { len: size(line)?, at: offset_after("at", line)? },
        "write-at" => Op::WriteAt { len: size(line)?, at: offset_after("at", line)? },
        "truncate" => Op::Truncate { len: size(line)? },
        "seek" => {
            let named = line.peek().filter(|w| Whence::NAMED.iter().any(|(word, _)| word == w));
            match named {
                Some(_) => Op::Seek { from: word(line, &Whence::NAMED)?, offset: offset(line)? },
                None if !matches!(line.peek(), None | Some("->" | "=>" | "stops")) => {
                    line.tries(Whence::NAMED.iter().map(|(word, _)| *word));
                    let named = Whence::NAMED.map(|(word, _)| format!("\"{word}\"")).join(", ");
                    return Err(line.expected(&format!("{named} or nothing")));
                }
                None => {
                    line.tries(Whence::NAMED.iter().map(|(word, _)| *word));
                    Op::Seek { from: Whence::Current, offset: 0 }
                }
            }
        }
        "set-capacity" => Op::SetCapacity { bytes: line.size("a capacity in bytes")? },
        "dup" => Op::Dup { new: end_after("as", line, names)? },
        "dup2" => Op::Dup2 { new: end_after("as", line, names)? },
        "close-on-exec" => Op::SetCloseOnExec(word(line, &[("on", true), ("off", false)])?),
        "nonblocking" => Op::SetNonblock(word(line, &[("on", true), ("off", false)])?),
        "poll" => Op::Poll { events: events(line, EVENTS)?, wait: line.take("wait"), among: false },
        "capacity" => Op::GetCapacity,
        "available" => Op::Available,
        "lock" => Op::Lock { lock: word(line, &Lock::NAMED)?, wait: line.take("wait") },
        "flock" => Op::Flock { lock: word(line, &Lock::NAMED)?, wait: line.take("wait") },
        "process-lock" => {
            Op::ProcessLock { lock: word(line, &Lock::NAMED)?, wait: line.take("wait") }
        }
        "bind" => Op::Bind,
        "listen" => {
            let backlog = line.read("a backlog", |token| u16::try_from(number(token)?).ok())?;
            Op::Listen { backlog }
        }
        "connect" => Op::Connect,
        "accept" => {
            let new = end_after("as", line, names)?;
            Op::Accept { new, nonblock: line.take("nonblocking") }
        }
        "shutdown" => Op::Shutdown { how: word(line, &Mode::NAMED)? },
        "send" => Op::Send { len: size(line)?, flags: send_flags(line) },
        "receive" => Op::Receive { len: size(line)?, flags: send_flags(line) },
        "send-end" => Op::SendEnd { len: size(line)?, passed: end_after("passing", line, names)? },
        "receive-end" => Op::ReceiveEnd { len: size(line)?, new: end_after("as", line, names)? },
        "set-option" => {
            Op::SetOption { option: word(line, &SocketOption::NAMED)?, value: offset(line)? }
        }
        "option" => Op::GetOption { option: word(line, &SocketOption::NAMED)? },
        _ => Op::Close,
    };
    Ok((end, op))
}

fn amount(token: &str) -> Option<Amount> {
    large(token).map(Amount::new)
}

fn size(line: &mut Line<'_>) -> Result<u32, Fault> {
    line.size("a number of bytes")
}

fn offset(line: &mut Line<'_>) -> Result<i32, Fault> {
    line.read("a whole number", |token| match token.strip_prefix('-') {
        Some(digits) => i32::try_from(-number(digits)?).ok(),
        None => i32::try_from(number(token)?).ok(),
    })
}

fn offset_after(keyword: &'static str, line: &mut Line<'_>) -> Result<i32, Fault> {
    if line.take(keyword) { offset(line) } else { Ok(0) }
}

fn end_after(
    keyword: &'static str,
    line: &mut Line<'_>,
    names: &mut impl Names,
) -> Result<End, Fault> {
    line.expect(keyword)?;
    names.end(line)
}

fn named_as(line: &mut Line<'_>, names: &mut impl Names, default: &str) -> Result<End, Fault> {
    if line.take("as") { names.end(line) } else { names.end_called(default, line) }
}

fn flags<T: Copy>(
    line: &mut Line<'_>,
    named: &[(&'static str, T)],
    none: T,
    union: fn(T, T) -> T,
) -> T {
    let mut flags = none;
    while let Some((_, flag)) = named.iter().find(|(word, _)| line.peek() == Some(word)) {
        line.bump();
        flags = union(flags, *flag);
    }
    line.tries(named.iter().map(|(word, _)| *word));
    flags
}

fn send_flags(line: &mut Line<'_>) -> SendFlags {
    flags(line, SendFlags::NAMED, SendFlags::NONE, SendFlags::union)
}

/// A call without its actor; `end` is its end with a space before, or nothing where that is implied.
pub(super) fn print(run: &Run, call: &Call, end: &str) -> String {
    let called = call.op.word();
    let name = |end: End| run.end_name(end);
    let as_end = |default: &str| match name(call.end) {
        name if name == default => String::new(),
        name => format!(" as {name}"),
    };
    let wait = |wait: bool| if wait { " wait" } else { "" };
    let nonblocking = |nonblock: bool| if nonblock { " nonblocking" } else { "" };
    let at = |at: i32| if at == 0 { String::new() } else { format!(" at {at}") };
    let arguments = match call.op {
        Op::Open { mode, flags } => {
            format!(" {}{flags}{}", spelt(&Mode::NAMED, mode), as_end(Hold::of(mode).letters()))
        }
        Op::Socket { nonblock } => {
            format!("{}{}", nonblocking(nonblock), as_end(Hold::SOCKET.letters()))
        }
        Op::Epoll => as_end(Hold::EPOLL.letters()),
        Op::EpollAdd { target, events, trigger } | Op::EpollModify { target, events, trigger } => {
            format!(" {} {} {events}{trigger}", name(call.end), name(target))
        }
        Op::EpollDelete { target } => format!(" {} {}", name(call.end), name(target)),
        Op::EpollWait { most, wait: waits } if usize::from(most) == TOLD_MAX => {
            format!("{end}{}", wait(waits))
        }
        Op::EpollWait { most, wait: waits } => format!("{end} at-most {most}{}", wait(waits)),
        Op::Unlink | Op::Exec | Op::Deliver | Op::Release => return called.into(),
        Op::Fork { child } | Op::Wait { child } => format!(" {}", run.actor_name(child)),
        Op::Signal { target, signal } => format!(" {} {signal}", run.actor_name(target)),
        Op::SetSignal { signal, disposition } => {
            format!(" {signal} {}", spelt(&Disposition::NAMED, disposition))
        }
        Op::Exit { status } => ended(status),
        Op::Read { len } | Op::Write { len } | Op::Truncate { len } => format!("{end} {len}"),
        Op::ReadAt { len, at: from } | Op::WriteAt { len, at: from } => {
            format!("{end} {len}{}", at(from))
        }
        Op::Seek { from: Whence::Current, offset: 0 } => end.into(),
        Op::Seek { from, offset } => format!("{end} {} {offset}", spelt(&Whence::NAMED, from)),
        Op::Dup { new } | Op::Dup2 { new } => format!("{end} as {}", name(new)),
        Op::SetNonblock(on) | Op::SetCloseOnExec(on) => {
            format!("{end} {}", if on { "on" } else { "off" })
        }
        Op::PollSet { set } => poll_set(run, set),
        Op::Poll { events, wait: waits, .. } => format!("{end} {events}{}", wait(waits)),
        Op::SetCapacity { bytes } => format!("{end} {bytes}"),
        Op::Lock { lock, wait: waits }
        | Op::ProcessLock { lock, wait: waits }
        | Op::Flock { lock, wait: waits } => {
            format!("{end} {}{}", spelt(&Lock::NAMED, lock), wait(waits))
        }
        Op::Listen { backlog } => format!("{end} {backlog}"),
        Op::Accept { new, nonblock } => {
            format!("{end} as {}{}", name(new), nonblocking(nonblock))
        }
        Op::Shutdown { how } => format!("{end} {}", spelt(&Mode::NAMED, how)),
        Op::Send { len, flags } | Op::Receive { len, flags } => format!("{end} {len}{flags}"),
        Op::SendEnd { len, passed } => format!("{end} {len} passing {}", name(passed)),
        Op::ReceiveEnd { len, new } => format!("{end} {len} as {}", name(new)),
        Op::SetOption { option, value } => {
            format!("{end} {} {value}", spelt(&SocketOption::NAMED, option))
        }
        Op::GetOption { option } => format!("{end} {}", spelt(&SocketOption::NAMED, option)),
        Op::Add { value } => format!("{end} {value}"),
        Op::Take | Op::Close | Op::GetCapacity | Op::Available | Op::Bind | Op::Connect => {
            end.into()
        }
    };
    format!("{called}{arguments}")
}

fn poll_set(run: &Run, set: u8) -> String {
    let Some(PollSet { ends, wait }) = run.polls.get(usize::from(set)) else {
        return " []".into();
    };
    let end = |(end, events): &(End, Events)| format!("{} {events}", run.end_name(*end));
    let ends: Vec<_> = ends.iter().map(end).collect();
    format!(" [{}]{}", ends.join(", "), if *wait { " wait" } else { "" })
}

/// How a process ended, with a space before it: its status unless that is 0, or the signal.
pub(super) fn ended(how: Termination) -> String {
    match how {
        Termination::Exit(0) => String::new(),
        Termination::Exit(status) => format!(" {status}"),
        Termination::Signal(signal) => format!(" {signal}"),
    }
}

/// Takes the name of a signal.
pub(super) fn signal(line: &mut Line<'_>) -> Result<Sig, Fault> {
    line.tries(Sig::NAMED.iter().map(|(name, _)| *name));
    line.read("a signal as SIGTERM", Sig::named)
}

fn spelt<T: PartialEq>(named: &[(&'static str, T)], value: T) -> &'static str {
    named.iter().find(|(_, other)| *other == value).map_or("?", |(word, _)| word)
}
