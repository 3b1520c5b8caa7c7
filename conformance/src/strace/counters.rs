//! Eventfds in a log: counters, of which the bytes that are read and written tell the values, the lowest first.

use pipewright_model::call::{Amount, Answer, Op};
use pipewright_model::kind::{Discipline, EVENTFD, EVENTFD_SEMAPHORE, Hold};
use pipewright_model::run::Setup;

use super::calls::{Call, Outcome};
use super::channels::{Channels, Now};
use super::transfers::failed;

/// How long a value is.
const VALUE_BYTES: i64 = 8;

impl Channels {
    pub(super) fn makes_counter(&mut self, now: Now<'_>) {
        let call = now.call;
        let Some(number) = call.value() else { return };
        let kind = if call.has_flag(1, "EFD_SEMAPHORE") { &EVENTFD_SEMAPHORE } else { &EVENTFD };
        let mut setup = Setup::new(kind);
        setup.nonblock = call.has_flag(1, "EFD_NONBLOCK");
        self.makes(now, setup, &[(number, Hold::BOTH)], call.has_flag(1, "EFD_CLOEXEC"));
        let first = call.number(0).and_then(|first| u64::try_from(first).ok()).unwrap_or(0);
        let here = self.tables.get(call.process, number).filter(|_| first > 0);
        if let Some(entry) = here {
            self.at_once(now, (number, entry), Op::Add { value: Amount::new(first) });
        }
    }

    /// Of a read or write whether it is one of a counter, which it is then told of.
    pub(super) fn moves_a_value(&mut self, now: Now<'_>) -> bool {
        let Some(here @ (_, entry)) = self.descriptor(now, 0) else { return false };
        let kind = self.found[entry.channel].run.channels[0].setup.kind;
        if !matches!(kind.discipline, Discipline::Counter(_)) || entry.hold != Hold::BOTH {
            return false;
        }
        let call = now.call;
        let writes = call.name.starts_with("write");
        let answer = match &call.outcome {
            Outcome::Error(name) => match failed(name) {
                Some(answer) => Some(answer),
                None => {
                    self.gives_up_on(now, 0, "fails with what no run tells of");
                    return true;
                }
            },
            Outcome::Value(_) | Outcome::None => None,
        };
        let told = value(call);
        let has_returned = call.value().is_some();
        match (call.number(2), told) {
            _ if call.name.ends_with('v') => self.gives_up_on(now, 0, "is of several buffers"),
            (Some(len @ 0..VALUE_BYTES), _) if !has_returned => {
                let len = len as u32;
                let op = if writes { Op::Write { len } } else { Op::Read { len } };
                self.on(now, here, op, answer);
            }
            (_, Some(value)) if writes => {
                let done = has_returned.then_some(Answer::Done);
                self.on(now, here, Op::Add { value: Amount::new(value) }, answer.or(done));
            }
            (_, Some(value)) if has_returned => {
                self.on(now, here, Op::Take, Some(Answer::value(value)));
            }
            _ if !writes && !has_returned => self.on(now, here, Op::Take, answer),
            _ => self.gives_up_on(now, 0, "does not tell its value"),
        }
        true
    }
}

/// The value that is read or written; `None` where the log does not tell it.
fn value(call: &Call) -> Option<u64> {
    let told = call.arguments.get(1)?.strip_prefix('"')?.strip_suffix('"')?;
    let bytes = bytes(told)?;
    Some(u64::from_le_bytes(bytes.try_into().ok()?))
}

/// The bytes of a string as C writes it.
fn bytes(told: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut rest = told.as_bytes();
    while let Some((first, more)) = rest.split_first() {
        rest = more;
        if *first != b'\\' {
            bytes.push(*first);
            continue;
        }
        let digits = rest.iter().take(3).take_while(|digit| matches!(digit, b'0'..=b'7')).count();
        if digits > 0 {
            let value = rest[..digits].iter().fold(0_u32, |all, d| all * 8 + u32::from(d - b'0'));
            bytes.push(u8::try_from(value).ok()?);
            rest = &rest[digits..];
            continue;
        }
        let (named, more) = rest.split_first()?;
        rest = more;
        bytes.push(match named {
            b'n' => b'\n',
            b't' => b'\t',
            b'r' => b'\r',
            b'v' => 0x0b,
            b'f' => 0x0c,
            b'"' | b'\\' => *named,
            _ => return None,
        });
    }
    Some(bytes)
}
