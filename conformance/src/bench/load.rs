//! How much of a processor others have used.
//!
//! Counted as the system counts it: what the processor was busy with, less what this process and its
//! children used. Time that a hypervisor took counts as others'.

use std::fs;
use std::time::Instant;

use nix::sys::resource::{Usage, UsageWho, getrusage};
use nix::sys::time::TimeValLike;

/// A stretch of time on one processor.
pub(super) struct Load {
    core: usize,
    since: Instant,
    busy_ns: f64,
    own_ns: f64,
}

impl Load {
    pub(super) fn start(core: usize) -> Load {
        Load { core, since: Instant::now(), busy_ns: busy_ns(core), own_ns: own_ns() }
    }

    /// The share of the processor that others have had since; 0 where the system does not tell.
    pub(super) fn others_share(&self) -> f64 {
        let wall = self.since.elapsed().as_nanos() as f64;
        let others = (busy_ns(self.core) - self.busy_ns) - (own_ns() - self.own_ns);
        (others / wall).max(0.0)
    }
}

/// What `/proc/stat` says of a processor, without idle times; it counts in hundredths of a second.
fn busy_ns(core: usize) -> f64 {
    let text = fs::read_to_string("/proc/stat").unwrap_or_default();
    let name = format!("cpu{core} ");
    let Some(line) = text.lines().find_map(|line| line.strip_prefix(&name)) else { return 0.0 };
    let times = line.split_whitespace().map(|field| field.parse().unwrap_or(0.0));
    // user, nice, system, (idle, iowait,) irq, softirq, steal
    let busy = times.enumerate().take(8).filter(|(index, _)| !matches!(index, 3 | 4));
    busy.map(|(_, ticks): (usize, f64)| ticks * 1e7).sum()
}

fn own_ns() -> f64 {
    let used =
        |usage: Usage| (usage.user_time() + usage.system_time()).num_microseconds() as f64 * 1e3;
    let reaped = [UsageWho::RUSAGE_SELF, UsageWho::RUSAGE_CHILDREN].map(getrusage);
    let reaped: f64 = reaped.into_iter().flatten().map(used).sum();
    reaped + children().iter().map(|child| ran_ns(child)).sum::<f64>()
}

/// Children that live, as numbers.
fn children() -> Vec<String> {
    let tasks = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let lists = tasks.filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
    lists.flat_map(|list| list.split_whitespace().map(str::to_owned).collect::<Vec<_>>()).collect()
}

fn ran_ns(process: &str) -> f64 {
    let text = fs::read_to_string(format!("/proc/{process}/schedstat")).unwrap_or_default();
    text.split(' ').next().and_then(|field| field.parse().ok()).unwrap_or(0.0)
}
