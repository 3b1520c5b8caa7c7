//! A line of a log: whose it is, and what it tells.

/// What a line tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Told<'l> {
    /// A whole call: its name, its arguments, what it returned.
    Call { name: &'l str, arguments: &'l str, result: &'l str },
    /// The beginning of a call.
    Begins { name: &'l str, arguments: &'l str },
    /// The rest of a call.
    Resumes { name: &'l str, arguments: &'l str, result: &'l str },
    /// A signal came; from whom, where the line says so.
    Signal { name: &'l str, from: Option<u32> },
    /// A signal has stopped it.
    Stopped,
    /// It exited with a status.
    Exited { status: u8 },
    /// A signal ended it.
    Killed { name: &'l str },
    /// Nothing that matters here.
    Nothing,
}

/// Whether a text is a log of strace and not something else: its first line that tells of a call says so.
pub fn looks_like_strace(text: &str) -> bool {
    let told = text.lines().take(50).map(|line| read(line).map(|(_, told)| told));
    let tells = |told: Option<Told<'_>>| match told {
        Some(Told::Call { arguments, .. } | Told::Begins { arguments, .. }) => {
            !arguments.is_empty() || text.contains(" = ")
        }
        Some(Told::Exited { .. } | Told::Killed { .. }) => true,
        _ => false,
    };
    told.filter(|told| tells(told.clone())).count() > 0
}

/// Reads a line: whose it is (0 where it doesn't say), and what it tells; `None` for what no line of strace is like.
pub(super) fn read(line: &str) -> Option<(u32, Told<'_>)> {
    let (process, rest) = owner(line.trim_end());
    let rest = without_notes(without_time(rest));
    if rest.starts_with("strace: ") || rest.is_empty() {
        return Some((process, Told::Nothing));
    }
    if let Some(end) = rest.strip_prefix("+++ ") {
        return Some((process, ending(end)));
    }
    if let Some(signal) = rest.strip_prefix("--- ") {
        if signal.starts_with("stopped by ") {
            return Some((process, Told::Stopped));
        }
        let name = signal.split([' ', '{']).next().unwrap_or_default();
        let sender = signal.split_once("si_pid=").map(|(_, rest)| rest);
        let digits = sender.and_then(|rest| rest.split([',', '}']).next());
        let from = digits.and_then(|digits| digits.parse().ok());
        return Some((
            process,
            if name.starts_with("SIG") { Told::Signal { name, from } } else { Told::Nothing },
        ));
    }
    if let Some(resumed) = rest.strip_prefix("<... ") {
        let (name, rest) = resumed.split_once(" resumed>")?;
        let (arguments, result) = closed(rest.trim_start_matches(','))?;
        return Some((process, Told::Resumes { name, arguments, result }));
    }
    let (name, rest) = rest.split_once('(')?;
    let is_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if name.is_empty() || !name.bytes().all(is_name) {
        return None;
    }
    if let Some(arguments) = rest.strip_suffix("<unfinished ...>") {
        let arguments = arguments.trim_end().trim_end_matches(',');
        return Some((process, Told::Begins { name, arguments }));
    }
    let (arguments, result) = closed(rest)?;
    Some((process, Told::Call { name, arguments, result }))
}

/// Whose line it is: `4711 …`, `[pid 4711] …`, with its name as in `4711<sh> …`, or nobody's.
fn owner(line: &str) -> (u32, &str) {
    let number = |id: &str| id.split('<').next().unwrap_or_default().trim().parse().ok();
    if let Some((id, rest)) = line.strip_prefix("[pid ").and_then(|rest| rest.split_once(']')) {
        return (number(id).unwrap_or(0), rest.trim_start());
    }
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    let rest = match line[digits..].strip_prefix('<') {
        Some(named) => named.split_once("> ").map(|(_, rest)| rest),
        None => line[digits..].strip_prefix(' '),
    };
    match (number(&line[..digits]), rest) {
        (Some(id), Some(rest)) => (id, rest.trim_start()),
        _ => (0, line),
    }
}

/// The line without what is noted before its call: the time since the last one, the number of the call, the address
/// from which it was made: `(+     0.000329)`, `[  12]`, `[00007f75436e4c47]`.
fn without_notes(mut rest: &str) -> &str {
    loop {
        let is_note =
            |byte: u8| byte.is_ascii_hexdigit() || matches!(byte, b' ' | b'+' | b'.' | b'?');
        let closed = match rest.bytes().next() {
            Some(b'(') => rest.find(')'),
            Some(b'[') => rest.find(']'),
            _ => None,
        };
        match closed {
            Some(end) if rest.as_bytes()[1..end].iter().copied().all(is_note) => {
                rest = rest[end + 1..].trim_start();
            }
            _ => return rest,
        }
    }
}

/// The line without its time of day, or seconds, and without what `-r` tells.
fn without_time(rest: &str) -> &str {
    match rest.split_once(' ') {
        Some((time, after))
            if time.bytes().next().is_some_and(|byte| byte.is_ascii_digit())
                && time
                    .bytes()
                    .all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b':')) =>
        {
            after.trim_start()
        }
        _ => rest,
    }
}

fn ending(end: &str) -> Told<'_> {
    if let Some(status) = end.strip_prefix("exited with ") {
        let digits = status.split(' ').next().unwrap_or_default();
        return Told::Exited { status: digits.parse().unwrap_or(0) };
    }
    match end.strip_prefix("killed by ") {
        Some(signal) => Told::Killed { name: signal.split(' ').next().unwrap_or_default() },
        None => Told::Nothing,
    }
}

/// The arguments before the parenthesis that closes them, and the result behind it.
fn closed(text: &str) -> Option<(&str, &str)> {
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b'(' | b'[' | b'{' => depth += 1,
            b')' if depth == 0 => {
                let result = text[at + 1..].trim_start().strip_prefix("= ")?;
                return Some((&text[..at], result));
            }
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    None
}

/// Arguments, cut at the commas between them.
pub(super) fn cut(arguments: &str) -> Vec<&str> {
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    let (mut parts, mut from) = (Vec::new(), 0);
    for (at, byte) in arguments.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            b',' if depth == 0 => {
                parts.push(arguments[from..at].trim());
                from = at + 1;
            }
            _ => {}
        }
    }
    let last = arguments[from..].trim();
    if !last.is_empty() {
        parts.push(last);
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_all_sorts_are_read() {
        let call = |name, arguments, result| Told::Call { name, arguments, result };
        for (line, process, told) in [
            ("read(3, \"a)\\\"(\", 4096) = 4", 0, call("read", "3, \"a)\\\"(\", 4096", "4")),
            (
                "4711 close(3<pipe:[12]>)                = 0",
                4711,
                call("close", "3<pipe:[12]>", "0"),
            ),
            ("[pid    12] 17:01:02.5 pipe([3, 4]) = 0", 12, call("pipe", "[3, 4]", "0")),
            ("4711<sh> close(3) = 0", 4711, call("close", "3", "0")),
            ("[pid 4711<sh>] close(3) = 0", 4711, call("close", "3", "0")),
            ("12 [  59] close(3) = 0", 12, call("close", "3", "0")),
            ("12 [00007f75436e4c47] close(3) = 0", 12, call("close", "3", "0")),
            ("12 1796050797.902767 (+     0.000329) close(3) = 0", 12, call("close", "3", "0")),
            (
                "12 1700000000.123456 write(1, \"\"..., 5 <unfinished ...>",
                12,
                Told::Begins { name: "write", arguments: "1, \"\"..., 5" },
            ),
            (
                "12 <... write resumed>)               = -1 EPIPE (Broken pipe)",
                12,
                Told::Resumes { name: "write", arguments: "", result: "-1 EPIPE (Broken pipe)" },
            ),
            ("12 +++ exited with 3 +++", 12, Told::Exited { status: 3 }),
            ("12 +++ killed by SIGSEGV (core dumped) +++", 12, Told::Killed { name: "SIGSEGV" }),
            (
                "12 --- SIGPIPE {si_signo=SIGPIPE} ---",
                12,
                Told::Signal { name: "SIGPIPE", from: None },
            ),
            ("12 --- stopped by SIGSTOP ---", 12, Told::Stopped),
            ("strace: Process 12 attached", 0, Told::Nothing),
        ] {
            assert_eq!(read(line), Some((process, told)), "{line}");
        }
        for line in ["channel pipe", "writer: write 5 -> 5", "{\"a\": 1}", "hello (world"] {
            assert_eq!(read(line), None, "{line}");
        }
        assert_eq!(
            cut("3, [{iov_base=\"a, b\", iov_len=4}, {x, y}], 2"),
            ["3", "[{iov_base=\"a, b\", iov_len=4}, {x, y}]", "2"]
        );
    }
}
