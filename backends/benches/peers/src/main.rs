//! The channels in memory beside those of other libraries: round trips and one way, in one run.
//!
//! Both sides of a ratio are measured in turns, pinned. Pairs in which other programs used over 15 % of the
//! processors are dropped and counted, until 15 are left; on a machine that is never so calm those count in
//! which others used least, and the column `others` tells so. What is told is the median of the pairs'
//! ratios. Nothing here judges: `docs/performance.md` says what is aimed at.
//!
//! Nobody's clippy comes here, since it would have to build the other libraries: after a change,
//! `cargo clippy --manifest-path backends/benches/peers/Cargo.toml -- -D warnings`.

mod floor;
mod iceoryx;
mod others;
mod plot;
mod processes;
mod threads;

use std::error::Error;
use std::path::PathBuf;
use std::time::Instant;

/// How many pairs count.
const PAIRS: usize = 15;
/// How many are measured at most, until so many count.
const TRIED_MAX: usize = 40;
/// A pair counts if others used no more of the processors.
const OTHERS_MAX: f64 = 0.15;

/// What a side of a pair takes, in ns an operation.
type Side<'a> = Box<dyn FnMut() -> f64 + 'a>;

/// One line of the table.
pub struct Row {
    what: String,
    /// Medians in ns.
    ours: f64,
    theirs: f64,
    ratio: f64,
    /// What must hold and what is aimed at.
    bounds: Option<(f64, f64)>,
    /// The most that others used of the processors in a pair that counts.
    others: f64,
    /// How many pairs do not count.
    dropped: usize,
}

/// The lines of a document between which the tables stand.
const MARKS: [&str; 2] = ["<!-- measured: peers -->\n", "<!-- end of what was measured -->\n"];

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let first = arguments.next().unwrap_or_default();
    let docs = if first == "--docs" {
        Some(PathBuf::from(arguments.next().ok_or("--docs takes the folder of the documents")?))
    } else {
        None
    };
    let only = if docs.is_some() { String::new() } else { first };
    // Before anything is measured: a thread without its processor would leave the other one waiting.
    (0..2).rev().for_each(pin);
    let mut rows = Vec::new();
    let mut measure = |what: &str, bounds, ours: Side<'_>, theirs: Side<'_>| {
        if what.contains(&only) {
            rows.push(pairs(what, bounds, ours, theirs));
            let row: &Row = &rows[rows.len() - 1];
            println!("{}", row.line());
        }
    };
    print!("{HEAD}");
    floor::measure(&mut measure);
    threads::measure(&mut measure);
    processes::measure(&mut measure);
    if let Some(docs) = docs {
        std::fs::write(docs.join("peers.svg"), plot::svg(&rows)?)?;
        let path = docs.join("performance.md");
        let text = std::fs::read_to_string(&path)?;
        let (before, rest) = text.split_once(MARKS[0]).ok_or("performance.md lacks the marks")?;
        let (_, after) = rest.split_once(MARKS[1]).ok_or("performance.md lacks the second mark")?;
        let [begin, end] = MARKS;
        std::fs::write(path, format!("{before}{begin}\n{}\n{end}{after}", tables(&rows)))?;
    }
    Ok(())
}

const HEAD: &str = "| what | ours | theirs | ratio | must | aim | others | dropped |\n\
                    | --- | --- | --- | --- | --- | --- | --- | --- |\n";

/// First what is aimed at, then the rest.
fn tables(rows: &[Row]) -> String {
    let (aims, others): (Vec<&Row>, Vec<&Row>) = rows.iter().partition(|row| row.bounds.is_some());
    let table = |rows: Vec<&Row>| {
        let lines = rows.iter().map(|row| row.line() + "\n");
        HEAD.to_owned() + &lines.collect::<String>()
    };
    format!("{}\n{}", table(aims), table(others))
}

impl Row {
    fn line(&self) -> String {
        let (must, aim) = self.bounds.unzip();
        let bound = |bound: Option<f64>| bound.map_or(String::new(), |bound| format!("{bound:.2}"));
        format!(
            "| {} | {} | {} | {} | {} | {} | {:.0} % | {} |",
            self.what,
            time(self.ours),
            time(self.theirs),
            ratio(self.ratio),
            bound(must),
            bound(aim),
            self.others * 100.0,
            self.dropped
        )
    }
}

fn ratio(ratio: f64) -> String {
    if ratio < 0.1 { format!("{ratio:.3}") } else { format!("{ratio:.2}") }
}

fn time(ns: f64) -> String {
    if ns < 1000.0 { format!("{ns:.0} ns") } else { format!("{:.2} µs", ns / 1000.0) }
}

fn pairs(what: &str, bounds: Option<(f64, f64)>, mut ours: Side<'_>, mut theirs: Side<'_>) -> Row {
    let mut pairs: Vec<(f64, f64, f64)> = Vec::new();
    ours();
    theirs();
    let calm = |pairs: &[(f64, f64, f64)]| pairs.iter().filter(|pair| pair.0 <= OTHERS_MAX).count();
    while calm(&pairs) < PAIRS && pairs.len() < TRIED_MAX {
        let before = Load::now();
        let (a, b) = (ours(), theirs());
        pairs.push((before.others_since(), a, b));
    }
    let tried = pairs.len();
    pairs.sort_by(|one, other| one.0.total_cmp(&other.0));
    pairs.truncate(PAIRS);
    let others = pairs[PAIRS - 1].0;
    let median = |of: fn(&(f64, f64, f64)) -> f64| {
        let mut all: Vec<f64> = pairs.iter().map(of).collect();
        all.sort_by(f64::total_cmp);
        all[PAIRS / 2]
    };
    let ratio = median(|pair| pair.1 / pair.2);
    let (ours, theirs) = (median(|pair| pair.1), median(|pair| pair.2));
    Row { what: what.to_owned(), ours, theirs, ratio, bounds, others, dropped: tried - PAIRS }
}

/// How the processors were used up to a moment, in ticks.
struct Load {
    busy: f64,
    total: f64,
    own: f64,
}

impl Load {
    fn now() -> Load {
        let stat = std::fs::read_to_string("/proc/stat").unwrap_or_default();
        let line = stat.lines().next().unwrap_or_default();
        let ticks = line.split_whitespace().skip(1).filter_map(|word| word.parse().ok());
        let ticks: Vec<f64> = ticks.collect();
        let total = ticks.iter().take(8).sum();
        let own = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
        // From utime to cstime: this process and those it has waited for.
        let after_name = own.rsplit(')').next().unwrap_or_default();
        let own = after_name.split_whitespace().skip(11).take(4);
        let own = own.filter_map(|word| word.parse::<f64>().ok()).sum();
        Load { busy: total - ticks[3] - ticks[4], total, own }
    }

    fn others_since(&self) -> f64 {
        let now = Load::now();
        let others = (now.busy - self.busy) - (now.own - self.own);
        (others / (now.total - self.total).max(1.0)).max(0.0)
    }
}

/// Puts this thread on one processor.
pub fn pin(processor: usize) {
    // SAFETY: a set of processors is plain bits, and this one is large enough.
    unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(processor, &mut set);
        let done = libc::sched_setaffinity(0, size_of_val(&set), &raw const set);
        assert_eq!(done, 0, "processor {processor}: {}", std::io::Error::last_os_error());
    }
}

/// What each of `count` operations takes, in ns.
pub fn each(count: usize, run: impl FnOnce()) -> f64 {
    let start = Instant::now();
    run();
    start.elapsed().as_nanos() as f64 / count as f64
}
