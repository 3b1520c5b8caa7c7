//! Broken troupes, each with one fault of processes: each is rejected by the rule that forbids the fault, while a sound
//! troupe passes the same scenario.
//!
//! A moment in which dup2 leaves its number free shows in what a sibling thread finds there; that another call is given
//! the number meanwhile can't be told in a run, as numbers are chosen by whoever writes it.

use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use pipewright_backends::troupe::{Sound, Ways};
use pipewright_backends::{Port, Seen, channels};
use pipewright_conformance::generate::plots::{PlotShape, plot};
use pipewright_conformance::replay::channels_of;
use pipewright_conformance::{Placement, Plot, Troupe, tell};
use pipewright_model::call::{Answer, ENDS_MAX, End, Lock, Mode, Op, OpenFlags};
use pipewright_model::oracle::{Judgement, Verdict, judge};
use pipewright_model::platform::LINUX;
use pipewright_model::rules::by_id;
use pipewright_model::run::Run;

/// The most random scenarios that it may take to find a fault: as many as `check` makes.
const WALKS_MAX: u64 = 2_000;

/// A fault that shows only if one actor is faster than another is looked for so often.
const ATTEMPTS_MAX: usize = 200;

fn ends() -> impl Iterator<Item = End> {
    (0..ENDS_MAX as u8).map(End)
}

/// exec closes nothing.
struct ForgetsCloseOnExec;

impl Ways for ForgetsCloseOnExec {
    fn before_exec(&self, port: &mut dyn Port) {
        ends().for_each(|end| _ = port.call(end, Op::SetCloseOnExec(false), &mut []));
    }
}

#[test]
fn close_on_exec_forgotten() {
    let shows = "channel up pipe
        process shell holds up.r up.w
        shell: close-on-exec up.w on -> ok
        shell: fork wc -> ok
        shell: close up.w -> ok
        shell: read up.r 9
        quiet shell
        wc: exec -> ok
        shell: -> 0
        ";
    is_rejected(&ForgetsCloseOnExec, "stream.read.no-writer", shows);
    is_found(&ForgetsCloseOnExec);
}

/// fork gives the child open file descriptions of its own.
struct CopiesDescriptions;

impl Ways for CopiesDescriptions {
    fn forked(&self, port: &mut dyn Port) {
        for end in ends() {
            if port.call(end, Op::POSITION, &mut []).answer.count().is_some() {
                port.call(end, Op::Close, &mut []);
                let (mode, flags) = (Mode::ReadWrite, OpenFlags::NONE);
                port.call(end, Op::Open { mode, flags }, &mut []);
            }
        }
    }
}

#[test]
fn fork_copies_descriptions() {
    let shows = "channel log file
        process shell holds log.rw
        shell: write log.rw 5 -> 5
        shell: fork child -> ok
        child: write log.rw 3 -> 3
        shell: seek log.rw -> 8
        ";
    is_rejected(&CopiesDescriptions, "file.seek.moves", shows);
    is_found(&CopiesDescriptions);
}

/// What a process held at its exit stays open.
struct ForgetsEndsAtExit;

impl Ways for ForgetsEndsAtExit {
    #[expect(
        clippy::zombie_processes,
        reason = "it is to outlive this process, and is ended with the run"
    )]
    fn before_exit(&self, _: &mut dyn Port) {
        let mut holder = Command::new("tail");
        holder.args(["-f", "/dev/null"]).spawn().expect("somebody to hold them");
    }
}

#[test]
fn exit_forgets_an_end() {
    let shows = "channel up pipe
        process shell holds up.r up.w
        shell: fork child -> ok
        shell: close up.w -> ok
        shell: read up.r 9
        quiet shell
        child: exit 0
        shell: -> 0
        ";
    is_rejected(&ForgetsEndsAtExit, "stream.read.no-writer", shows);
    is_found(&ForgetsEndsAtExit);
}

/// wait returns whether the child has ended or not.
struct WaitsForNothing;

impl Ways for WaitsForNothing {
    fn wait(&self, _: &mut dyn FnMut() -> Answer) -> Answer {
        Answer::Count(0)
    }
}

#[test]
fn wait_returns_before_the_exit() {
    let shows = "channel up pipe
        process shell holds up.r up.w
        shell: fork child -> ok
        shell: wait child
        quiet shell
        child: exit 0
        shell: -> 0
        ";
    is_rejected(&WaitsForNothing, "process.wait.waits", shows);
    is_found(&WaitsForNothing);
}

/// A child gives up the locks of the open file descriptions that it shares.
struct ForkLosesLocks;

impl Ways for ForkLosesLocks {
    fn forked(&self, port: &mut dyn Port) {
        for end in ends() {
            port.call(end, Op::Lock { lock: Lock::None, wait: false }, &mut []);
            port.call(end, Op::Flock { lock: Lock::None, wait: false }, &mut []);
        }
    }
}

#[test]
fn fork_loses_a_lock() {
    let shows = "channel log locked-file
        process shell holds log.rw
        process other holds log.rw
        shell: lock exclusive -> ok
        shell: fork child -> ok
        other: lock exclusive -> EAGAIN
        ";
    is_rejected(&ForkLosesLocks, "lock.lock.refused", shows);
    is_found(&ForkLosesLocks);
}

/// exec gives up the locks of the process.
struct ExecLosesLocks;

impl Ways for ExecLosesLocks {
    fn before_exec(&self, port: &mut dyn Port) {
        let none = Op::ProcessLock { lock: Lock::None, wait: false };
        ends().for_each(|end| _ = port.call(end, none, &mut []));
    }
}

#[test]
fn exec_loses_a_lock_of_the_process() {
    let shows = "channel log locked-file
        process shell holds log.rw
        process other holds log.rw
        shell: process-lock exclusive -> ok
        shell: exec -> ok
        other: process-lock exclusive -> EAGAIN
        ";
    is_rejected(&ExecLosesLocks, "lock.process-lock.refused", shows);
    is_found(&ExecLosesLocks);
}

/// The last close leaves the open file description, and its lock, as they are.
struct CloseKeepsLocks;

impl Ways for CloseKeepsLocks {
    fn call(&self, port: &mut dyn Port, end: End, op: Op, bytes: &mut [u8]) -> Seen {
        if op == Op::Close {
            port.call(end, Op::Dup { new: End(ENDS_MAX as u8 - 1) }, &mut []);
        }
        port.call(end, op, bytes)
    }
}

#[test]
fn close_keeps_a_lock() {
    let shows = "channel log locked-file
        process shell holds log.rw
        process other holds log.rw
        shell: lock exclusive -> ok
        other: lock exclusive wait
        quiet other
        shell: close -> ok
        other: -> ok
        ";
    is_rejected(&CloseKeepsLocks, "lock.lock.taken", shows);
    is_found(&CloseKeepsLocks);
}

/// poll looks at the first of its ends, and at no other.
struct PollsTheFirst;

impl Ways for PollsTheFirst {
    fn poll(&self, _: usize, poll: &mut dyn FnMut(usize) -> Answer) -> Answer {
        poll(1)
    }
}

#[test]
fn poll_forgets_an_end() {
    let shows = "channel up pipe
        channel down pipe
        process shell holds up.r down.r down.w
        process other holds up.w
        shell: poll [down.r in, up.r in] wait
        quiet shell
        other: write up.w 1 -> 1
        shell: -> [none, in]
        ";
    is_rejected(&PollsTheFirst, "descriptor.poll.ready", shows);
    is_found(&PollsTheFirst);
}

/// close ends the calls of other threads that are in progress on the descriptor, as some systems do.
struct CloseEndsReads;

impl Ways for CloseEndsReads {
    fn call(&self, port: &mut dyn Port, end: End, op: Op, bytes: &mut [u8]) -> Seen {
        if op == Op::Close {
            port.call(end, Op::Shutdown { how: Mode::Read }, &mut []);
        }
        port.call(end, op, bytes)
    }
}

#[test]
fn close_ends_the_read_of_another_thread() {
    let shows = "channel up unix-stream
        process server holds up.sa
        thread worker of server
        process client holds up.sb
        worker: read up.sa 9
        quiet worker
        server: close up.sa -> ok
        quiet worker
        client: write up.sb 5 -> 5
        worker: -> 5
        ";
    is_rejected(&CloseEndsReads, "unix.any.waits-for-data", shows);
}

/// dup2 closes first, and for a moment its number is free.
struct LeavesAMomentFree {
    calls: AtomicU32,
}

impl Ways for LeavesAMomentFree {
    fn call(&self, port: &mut dyn Port, end: End, op: Op, bytes: &mut [u8]) -> Seen {
        if let Op::Dup2 { new } = op {
            port.call(new, Op::Close, &mut []);
            let before = self.calls.load(Ordering::SeqCst);
            // Until a sibling has called, if one does.
            for _ in 0..2_000 {
                if self.calls.load(Ordering::SeqCst) != before {
                    break;
                }
                thread::yield_now();
            }
            return port.call(end, op, bytes);
        }
        let seen = port.call(end, op, bytes);
        self.calls.fetch_add(1, Ordering::SeqCst);
        seen
    }
}

#[test]
fn dup2_leaves_a_moment_free() {
    static BROKEN: LeavesAMomentFree = LeavesAMomentFree { calls: AtomicU32::new(0) };
    let shows = "channel up pipe
        process shell holds up.r up.w
        thread worker of shell
        shell: dup2 up.r as 0 -> ok
        shell: write up.w 9 -> 9
        shell: dup2 up.r as 0
        worker: read 0 5 -> 5
        shell: -> ok
        ";
    is_rejected(&BROKEN, "stream.read.available", shows);
}

/// The scenario of this run shows it, the first event that deviates is one that the rule forbids, and the sound troupe
/// passes.
#[track_caller]
fn is_rejected(broken: &'static dyn Ways, rule: &str, shows: &str) {
    let text: String = shows.lines().map(|line| line.trim().to_owned() + "\n").collect();
    let expected: Run = text.trim_end().parse().expect("a run");
    conforms(&expected);
    let plot = Plot::of(&expected);
    let channels = channels_of(&expected).expect("channels of this machine");
    let mut sound = Troupe::with_ways(Placement::Anywhere, &Sound).expect("a troupe");
    conforms(&sound.run(&plot, &channels).expect("a run"));
    let mut troupe = Troupe::with_ways(Placement::Anywhere, broken).expect("a troupe");
    let mut last = None;
    for _ in 0..ATTEMPTS_MAX {
        let run = troupe.run(&plot, &channels).expect("a run");
        let judgement = judge(&run, &LINUX);
        if judgement.verdict == Verdict::Deviates {
            let rule = by_id(rule).expect("a rule");
            let first = &judgement.deviations[0];
            let is_by_it = first.allowed.iter().any(|allowed| allowed.rule() == rule);
            assert!(is_by_it, "{run}\n{}", tell::deviations(&run, &judgement));
            return;
        }
        last = Some(run);
    }
    panic!("it does not deviate:\n{}", last.expect("tried"));
}

#[track_caller]
fn conforms(run: &Run) -> Judgement {
    let judgement = judge(run, &LINUX);
    let told = tell::deviations(run, &judgement);
    assert_eq!(judgement.verdict, Verdict::Conforms, "the sound troupe: {run}\n{told}");
    judgement
}

/// Some random scenario shows it.
#[track_caller]
fn is_found(broken: &'static dyn Ways) {
    let shape = PlotShape::new(&LINUX, channels());
    let mut troupe = Troupe::with_ways(Placement::Anywhere, broken).expect("a troupe");
    let deviates = (0..WALKS_MAX).any(|seed| {
        let (plot, channels) = plot(&shape, seed);
        let run = troupe.run(&plot, &channels).expect("a run");
        judge(&run, &LINUX).verdict == Verdict::Deviates
    });
    assert!(deviates, "not found in {WALKS_MAX} random scenarios");
}
