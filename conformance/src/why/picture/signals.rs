//! Signals and time-outs that may end a wait, whatever it is on.

use pipewright_model::waits::Freedom;

use super::{End, On, Wants};
use crate::why::snapshot::{Asleep, Call, Doing, Process, Snapshot};

pub(super) fn bit(signal: i32) -> u64 {
    1 << (signal - 1)
}

/// A signal of these that may come without anybody wanting to stop the process: timers, and what programs tell each
/// other by.
pub(super) fn wakes(caught: u64) -> Option<String> {
    use nix::libc::{SIGALRM, SIGIO, SIGPROF, SIGURG, SIGUSR1, SIGUSR2, SIGVTALRM};
    // A shell or sort(1) tidies up on whatever would end it.
    let caught = if tidies_up(caught) { caught & !(bit(34) - 1) } else { caught };
    let named = [
        (SIGALRM, "SIGALRM"),
        (SIGUSR1, "SIGUSR1"),
        (SIGUSR2, "SIGUSR2"),
        (SIGIO, "SIGIO"),
        (SIGURG, "SIGURG"),
        (SIGVTALRM, "SIGVTALRM"),
        (SIGPROF, "SIGPROF"),
    ];
    let named = named.into_iter().find(|(signal, _)| caught & bit(*signal) != 0);
    // 32 and 33 are the threads library's own.
    let realtime = (34..=64).find(|signal| caught & bit(*signal) != 0);
    let realtime = realtime.map(|signal| format!("signal {signal}"));
    named.map(|(_, name)| name.to_owned()).or(realtime)
}

/// A signal whose handler may write to an end that the process reads, and of which it alone holds the other one: so are
/// event loops woken.
pub(super) fn wakes_itself(process: &Process, on: &On) -> Option<String> {
    use nix::libc::{SIGHUP, SIGTERM};
    let alone = |end: &End| match &end.holders[..] {
        [holder] => holder.process == process.id && matches!(end.wants, Wants::Data(_)),
        _ => false,
    };
    let alone = match on {
        On::End(end) => alone(end),
        On::Events(ends) => ends.iter().any(alone),
        _ => false,
    };
    let named = [(SIGTERM, "SIGTERM"), (SIGHUP, "SIGHUP")];
    let caught = named.into_iter().find(|(signal, _)| process.caught & bit(*signal) != 0);
    let (_, signal) = caught.filter(|_| alone && !tidies_up(process.caught))?;
    Some(format!("{signal}, if its handler in {} ({}) writes there", process.name, process.id))
}

/// Whether a process catches all that would end it, also what nobody uses to be woken by.
fn tidies_up(caught: u64) -> bool {
    use nix::libc::{SIGALRM, SIGVTALRM, SIGXCPU};
    [SIGALRM, SIGVTALRM, SIGXCPU].into_iter().all(|signal| caught & bit(signal) != 0)
}

/// Who is near enough to be expected to end the process when their time comes: it is set, or whether it is can't be seen.
/// Ancestors, its own threads, and processes of its group, such as the `(sleep 60; kill $p) &` of a shell.
pub(super) fn guardians(
    snapshot: &Snapshot,
    process: &Process,
    caller: i32,
) -> Vec<(i32, Freedom)> {
    const GENERATIONS_MAX: usize = 64;
    let timed = |doing: &Doing| matches!(doing, Doing::Sleeps(Asleep { call: Call::Time, .. }));
    let set =
        |other: &Process| other.timer || other.threads.iter().any(|thread| timed(&thread.doing));
    // In the group of who asks, as of a command that it runs, there may be anybody.
    let callers = snapshot.processes.get(&caller).map(|caller| caller.group);
    let near = |other: &&Process| {
        let is_of_group = other.group == process.group && callers != Some(process.group);
        other.id == process.id || is_of_group && other.id != caller
    };
    let near = snapshot.processes.values().filter(near).filter(|other| set(other));
    let mut found: Vec<_> = near.map(|other| (other.id, Freedom::TimeOut)).collect();
    let mut child = process;
    for generation in 0..GENERATIONS_MAX {
        let Some(parent) = snapshot.processes.get(&child.parent) else { break };
        if parent.id == caller || parent.id == child.id {
            break;
        }
        let alarm = parent.caught & bit(nix::libc::SIGALRM) != 0 && !tidies_up(parent.caught);
        if generation == 0 || parent.group == process.group {
            let known = found.iter().any(|(guardian, _)| *guardian == parent.id);
            found.extend((set(parent) && !known).then_some((parent.id, Freedom::TimeOut)));
            found.extend((alarm && !set(parent)).then_some((parent.id, Freedom::Unreadable)));
        }
        child = parent;
    }
    found
}
