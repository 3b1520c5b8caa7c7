//! A long log of strace, read and judged. The log is made here: a real one of that length takes longer to record.

use std::fmt::Write as _;
use std::fs;
use std::hint::black_box;
use std::time::Instant;

use pipewright_model::oracle::{Verdict, judge};
use pipewright_model::platform::LINUX;

use super::rows::Bound;
use super::{Bench, Row};
use crate::strace::{asleep, calls, channels};
use crate::{Trouble, stop};

const CALLS: usize = 1_000_000;
const PROCESSES: u64 = 16;
const PIPES: u64 = 50;

/// Seconds, and MB at the peak.
const SECONDS: (f64, f64) = (15.0, 5.0);
const MEGABYTES: (f64, f64) = (1_000.0, 300.0);

/// How long a log of 10^6 calls takes, and how much memory.
pub(super) fn long(bench: &mut Bench<'_>) -> Result<(), Trouble> {
    if stop::requested() {
        return Err(Trouble::Stopped);
    }
    let text = log();
    forgets_the_peak();
    let start = Instant::now();
    let read = calls(&text);
    let found = channels(&read).found;
    let mut conform = true;
    for channel in &found {
        let verdict = black_box(judge(&channel.run, &LINUX)).verdict;
        conform &= verdict == Verdict::Conforms && channel.unjudged.is_none();
        black_box(channel.hazards());
    }
    black_box(asleep(&read, &found, &LINUX));
    let seconds = start.elapsed().as_secs_f64();
    let all = found.len() as u64 == PIPES && read.calls.len() >= CALLS && conform;
    let row = |what: &str, measured, value: f64, (must, aim)| Row {
        what: format!(
            "a log of strace, {CALLS} calls, {PROCESSES} processes, {PIPES} pipes: {what}"
        ),
        measured,
        floor: String::new(),
        value: if all { value } else { f64::NAN },
        bounds: Some((Bound::Most(must), Bound::Most(aim))),
        pairs: (0, 0),
    };
    bench.add(row("seconds", format!("{seconds:.1} s"), seconds, SECONDS));
    if let Some(peak) = peak() {
        bench.add(row("memory, MB", format!("{peak:.0} MB"), peak, MEGABYTES));
    }
    Ok(())
}

/// One process makes all pipes and forks the others; then pairs of them transfer by pipes that are drawn, a third of the
/// time with a read that sleeps first.
fn log() -> String {
    let mut text = String::new();
    // Writing to a string never fails.
    for pipe in 0..PIPES {
        let _ = writeln!(text, "100 pipe2([{}, {}], 0) = 0", 3 + 2 * pipe, 4 + 2 * pipe);
    }
    for child in 1..PROCESSES {
        let _ = writeln!(text, "100 clone(child_stack=NULL, flags=SIGCHLD) = {}", 100 + child);
    }
    let mut state = 3_u64;
    let mut draw = |choices: u64| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % choices
    };
    let mut made = (PIPES + PROCESSES - 1) as usize;
    while made < CALLS {
        let (pipe, from, len) = (draw(PIPES), draw(PROCESSES), 1 + draw(4096));
        let to = (from + 1 + draw(PROCESSES - 1)) % PROCESSES;
        let (writer, reader, r, w) = (100 + from, 100 + to, 3 + 2 * pipe, 4 + 2 * pipe);
        let sleeps = draw(3) == 0;
        if sleeps {
            let _ = writeln!(text, "{reader} read({r},  <unfinished ...>");
        }
        let _ = writeln!(text, "{writer} write({w}, \"x\"..., {len}) = {len}");
        let _ = match sleeps {
            true => writeln!(text, "{reader} <... read resumed>\"x\"..., 4096) = {len}"),
            false => writeln!(text, "{reader} read({r}, \"x\"..., 4096) = {len}"),
        };
        made += 2;
    }
    text
}

/// The kernel measures the peak of memory anew (proc(5), `clear_refs`).
fn forgets_the_peak() {
    let _ = fs::write("/proc/self/clear_refs", "5");
}

/// The peak, in MB.
fn peak() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: f64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kilobytes / 1_000.0)
}
