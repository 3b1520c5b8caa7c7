//! Processes that come to be and end, in systems and in the runs that they make.

use pipewright_model::call::{Actor, Lock, Op, Termination};
use pipewright_model::kind::{LOCKED_FILE, PIPE};
use pipewright_model::oracle::{Verdict, judge};
use pipewright_model::platform::LINUX;
use pipewright_model::run::Run;
use pipewright_model::system::ask::{always, no_deadlock, sometimes};
use pipewright_model::system::program::{
    Do, close, dup2, fork, kill, read, read_to_the_end, wait, write,
};
use pipewright_model::system::{Family, State, System};
use pipewright_model::verify::{Property, verify};

const PARENT: Actor = Actor(0);
const CHILD: Actor = Actor(1);

/// The properties of a system that don't hold, after its ways to what is shown have been judged.
fn broken(system: &System) -> Vec<&'static str> {
    let report = verify(system, 1_000_000);
    assert!(report.exhaustive);
    for path in report.found.iter().filter_map(|found| found.shown.as_ref()) {
        let run = system.run(path);
        assert_eq!(run.to_string().parse(), Ok(run.clone()), "{run}");
        assert_eq!(judge(&run, &LINUX).verdict, Verdict::Conforms, "{run}");
        for action in &path.actions {
            assert!(!pipewright_model::verify::Model::describe(system, action).is_empty());
        }
        assert!(system.svg(&path.actions, pipewright_model::draw::Theme::Auto).contains("<svg"));
    }
    report.broken().map(|found| found.property).collect()
}

fn system(channels: &[&'static str]) -> System {
    let pipes = channels.iter().map(|name| (*name, &PIPE));
    System::of_channels("test", Family::Processes, "A test.", pipes)
}

fn is_over() -> Property<System> {
    sometimes("all is over", System::is_over)
}

fn verdict(text: &str) -> Verdict {
    let run: Run = text.parse().expect("a run");
    judge(&run, &LINUX).verdict
}

#[test]
fn a_call_returns_when_each_channel_has_its_answer() {
    // The child is gone when it has let go of what it held in both.
    let system = system(&["up", "down"])
        .process("parent", "up.w down.w", [fork("child"), wait("child")])
        .forked("child", [])
        .asks([
            always("who is waited for holds nothing", |_, state| {
                state.answer(PARENT).and_then(|answer| answer.count()).is_none()
                    || state.worlds.iter().all(|world| world.open_ends(CHILD).next().is_none())
            }),
            sometimes("it has let go of one end alone", |_, state| {
                let open = |world: usize| state.worlds[world].open_ends(CHILD).next().is_some();
                open(0) != open(1)
            }),
            no_deadlock(),
            is_over(),
        ]);
    assert_eq!(broken(&system), [""; 0]);
}

#[test]
fn a_number_leads_to_one_channel_after_the_other() {
    let system = system(&["up", "down"])
        .process(
            "ann",
            "up.w down.w",
            [dup2("up.w", "1"), write("1", 1), dup2("down.w", "1"), write("1", 2)],
        )
        .process("ben", "up.r", [read_to_the_end("up.r", 9)])
        .process("cid", "down.r", [read_to_the_end("down.r", 9)])
        .asks([
            sometimes("cid gets the second word", |_, state| {
                state.given(Actor(2)).iter().any(|word| word.len == 2)
            }),
            no_deadlock(),
            is_over(),
        ]);
    assert_eq!(broken(&system), [""; 0]);
}

#[test]
fn a_thread_uses_the_descriptors_of_its_process_and_ends_with_it() {
    let system = system(&["up"])
        .process("ann", "up.r up.w", [write("up.w", 1), Do::Join("helper"), close("up.w")])
        .thread("helper", "ann", [read("up.r", 1)])
        .thread("sleeper", "ann", [read("up.r", 1)])
        .asks([
            sometimes("the helper has read", |_, state| !state.given(CHILD).is_empty()),
            sometimes("both threads sleep", |_, state| state.busy().iter().count() == 2),
            no_deadlock(),
            is_over(),
        ]);
    // Where the sleeper gets the byte, the helper waits for ever.
    assert_eq!(broken(&system), ["never deadlock"]);
}

#[test]
fn who_is_killed_is_killed_in_the_midst_of_a_call() {
    let system = System::new("test", Family::Processes, "A test.", &PIPE)
        .process(
            "parent",
            "r w",
            [fork("child"), write("w", 1), kill("child"), wait("child"), read("r", 1)],
        )
        .forked("child", [read("r", 1), Do::Stay])
        .asks([
            sometimes("the parent gets the byte", |_, state| !state.given(PARENT).is_empty()),
            // Or the child had taken it.
            no_deadlock(),
            is_over(),
        ]);
    assert_eq!(broken(&system), ["never deadlock"]);
}

#[test]
fn what_a_call_of_a_killed_process_has_taken_is_gone() {
    let killed = "channel pipe\n\
                  process parent holds r w\n\
                  parent: write w 1 -> 1\n\
                  parent: fork child -> ok\n\
                  child: read r 1\n\
                  child: exit SIGKILL\n\
                  parent: read r 1";
    assert_eq!(verdict(&format!("{killed}\nquiet parent")), Verdict::Conforms);
    assert_eq!(verdict(&format!("{killed} -> 1")), Verdict::Conforms);
    let seen = killed.replace("child: read r 1\n", "");
    assert_eq!(verdict(&format!("{seen}\nquiet parent")), Verdict::Deviates);
}

fn holders(state: &State) -> usize {
    state.worlds[0].descriptions.iter().filter(|open| open.lock != Lock::None).count()
}

#[test]
fn a_lock_goes_with_the_last_process_that_shares_it() {
    let lock = || Do::Call("rw", Op::Lock { lock: Lock::Exclusive, wait: true });
    let system = System::new("test", Family::Processes, "A test.", &LOCKED_FILE)
        .process("parent", "rw", [lock(), fork("child"), Do::Exit(Termination::Exit(1))])
        .forked("child", [])
        .process("other", "rw", [lock()])
        .asks([
            always("one at a time has the lock", |_, state| holders(state) <= 1),
            sometimes("the other waits for the child alone", |system, state| {
                let waits = state.within(Actor(2)).is_some() && holders(state) == 1;
                waits && system.has_ended(state, PARENT)
            }),
            no_deadlock(),
            is_over(),
        ]);
    assert_eq!(broken(&system), [""; 0]);
}

#[test]
fn a_sleeping_lock_outlives_its_descriptor() {
    let run = |sort: &str, end: &str| {
        verdict(&format!(
            "channel f locked-file\nprocess a holds f.rw\nthread t of a\nprocess b holds f.rw\n\
             b: {sort} exclusive -> ok\na: {sort} exclusive wait\nquiet a\nt: close f.rw -> ok\n{end}"
        ))
    };
    let freed = |sort: &str, reply: &str| {
        run(sort, &format!("quiet a\nb: {sort} none -> ok\na: -> {reply}\n"))
    };
    for sort in ["lock", "flock"] {
        assert_eq!(run(sort, "a: -> EBADF\n"), Verdict::Deviates, "{sort}");
        assert_eq!(freed(sort, "ok"), Verdict::Conforms, "{sort}");
        assert_eq!(freed(sort, "EBADF"), Verdict::Deviates, "{sort}");
    }
    assert_eq!(run("process-lock", "a: -> EBADF\n"), Verdict::Deviates);
    assert_eq!(freed("process-lock", "EBADF"), Verdict::Conforms);
    assert_eq!(freed("process-lock", "ok"), Verdict::Deviates);
    // The lock was got before the close, and the number looked up after it.
    let raced = "channel f locked-file\nprocess a holds f.rw\nthread t of a\nprocess b holds f.rw\n\
                 a: process-lock exclusive\nb: process-lock exclusive -> EAGAIN\nt: close f.rw -> ok\n\
                 a: -> EBADF\nb: process-lock exclusive -> ok\n";
    assert_eq!(verdict(raced), Verdict::Conforms);
}

#[test]
fn a_stopped_process_neither_calls_nor_exits() {
    let stopped = |end: &str| {
        verdict(&format!(
            "channel up pipe\nprocess p holds up.r up.w\nprocess q inherits up.w of p\n\
             p: signal q SIGSTOP -> ok\nquiet\n{end}"
        ))
    };
    for refused in ["q: exit 3\n", "q: exit SIGTERM\n", "q: write up.w 1\nquiet q\n"] {
        assert_eq!(stopped(refused), Verdict::Deviates, "{refused}");
    }
    for allowed in ["q: exit SIGKILL\n", "p: signal q SIGCONT -> ok\nq: exit 3\n"] {
        assert_eq!(stopped(allowed), Verdict::Conforms, "{allowed}");
    }
}

#[test]
fn a_poll_on_two_ends_makes_no_thread() {
    let polled = |end: &str| {
        verdict(&format!(
            "channel up pipe\nprocess p holds up.r up.w\n\
             p: poll [up.r in, up.w out] -> [none, out]\n{end}"
        ))
    };
    assert_eq!(polled("p: signal p SIGSTOP\nquiet p\n"), Verdict::Conforms);
    assert_eq!(polled("p: signal p SIGSTOP -> ok\np: write up.w 1 -> 1\n"), Verdict::Deviates);
    assert_eq!(polled("p: signal p SIGTERM -> ok\n"), Verdict::Deviates);
}

#[test]
fn a_child_leaves_a_status_unless_sigchld_is_ignored_as_it_ends() {
    let child = |end: &str| {
        verdict(&format!("channel up pipe\nprocess p holds up.r up.w\np: fork c -> ok\n{end}"))
    };
    let ignore = "p: sigaction SIGCHLD ignore -> ok\n";
    for (end, waits) in [
        (format!("{ignore}c: exit 3\nquiet\n"), &["ECHILD"][..]),
        (format!("c: exit 3\nquiet\n{ignore}"), &["3"]),
        (format!("c: exit 3\n{ignore}"), &["3", "ECHILD"]),
    ] {
        for reply in ["3", "ECHILD"] {
            let expected = match waits.contains(&reply) {
                true => Verdict::Conforms,
                false => Verdict::Deviates,
            };
            assert_eq!(child(&format!("{end}p: wait c -> {reply}\n")), expected, "{end}{reply}");
        }
    }
    let signal = format!("{ignore}c: exit 3\nquiet\np: signal c SIGTERM -> ok\n");
    assert_eq!(child(&signal), Verdict::Deviates);
}

#[test]
fn a_status_is_no_signal() {
    let ends = |end: &str, told: &str| {
        verdict(&format!(
            "channel up pipe\nprocess p holds up.r up.w ignores SIGTERM\np: fork c -> ok\n\
             c: exit {end}\np: wait c -> {told}\n"
        ))
    };
    for (status, told) in [("143", "143"), ("200", "200"), ("SIGKILL", "137"), ("SIG31", "159")] {
        assert_eq!(ends(status, told), Verdict::Conforms, "{status}");
    }
    // It is ignored.
    assert_eq!(ends("SIGTERM", "143"), Verdict::Deviates);
    for status in ["143", "200", "SIGKILL", "SIG31"] {
        let text = format!("channel up pipe\nprocess p holds up.r up.w\np: exit {status}\n");
        let run: Run = text.parse().expect("a run");
        assert_eq!(run.to_string(), text, "{status}");
    }
    for no_status in ["256", "SIG0", "SIG65", "SIG09", "SIG9"] {
        let text = format!("channel up pipe\nprocess p holds up.r up.w\np: exit {no_status}\n");
        assert!(text.parse::<Run>().is_err(), "{no_status}");
    }
}
