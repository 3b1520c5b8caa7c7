//! Programs that hang, as people write them, and their mended twins: `why` tells of each the holder, the descriptor and
//! the rule, and of the twins nothing. No time decides: a program is looked at until it is certain that it sleeps.

mod busy;
mod snapshots;

use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use pipewright_conformance::why::{
    About, Call, Doing, Pattern, RULES, Report, Snapshot, picture, settled,
};
use pipewright_model::rules;
use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_pipewright");

/// How often a program that sleeps is looked at before what is said of it is taken to be final.
const LOOKS_ASLEEP_MAX: usize = 100;

/// A program that hangs, and what is to be said of it.
struct Hang {
    /// Its file in `examples/hangs`.
    file: &'static str,
    /// Its pattern.
    pattern: &'static str,
    /// Whether it waits for ever, or somebody from outside could end it.
    for_ever: bool,
    /// Holder, descriptor and rule, as the text has them; numbers of processes are left out.
    says: &'static [&'static str],
}

const HANGS: [Hang; 12] = [
    Hang {
        file: "leaked-by-fork.c",
        pattern: "a leaked end, held by the reader itself",
        for_ever: true,
        says: &[
            "wc (N) `wc -c` sleeps in read on fd 0 (stream.read.waits): pipe N is empty, and its write end is still \
             held by wc itself (fd 4)",
            "sleeps in wait (process.wait.waits): its child wc (N) has not ended",
        ],
    },
    Hang {
        file: "leaked-by-grandchild.py",
        pattern: "a leaked end",
        for_ever: true,
        says: &[
            "(stream.read.waits): pipe N is empty, and its write end is still held by wc (N), fd 1",
            "wc (N) `wc -c` sleeps in read on fd 0 (stream.read.waits)",
        ],
    },
    Hang {
        file: "leaked-by-dup.c",
        pattern: "a leaked end, held by the reader itself",
        for_ever: true,
        says: &[
            "sleeps in read on fd 3 (stream.read.waits): pipe N is empty, and its write end is still held by \
                 leaked-by-dup itself (fd 4)",
        ],
    },
    Hang {
        file: "two-full-pipes.py",
        pattern: "both write more than fits",
        for_ever: true,
        says: &[
            "sleeps in write on fd 1 (stream.write.waits): pipe N is full, and its read end is held by py",
            "(stream.write.waits): pipe N is full, and its read end is held by cat (N), fd 0",
        ],
    },
    Hang {
        file: "stderr-forgotten.py",
        pattern: "stderr forgotten",
        for_ever: true,
        says: &[
            "(stream.read.waits): pipe N is empty, and its write end is still held by sh (N), fd 1",
            "tr (N) `tr \\0 w` sleeps in write on fd 1 (stream.write.waits): pipe N is full, and its read end is \
             held by py",
        ],
    },
    Hang {
        file: "wait-before-drain.py",
        pattern: "wait before drain",
        for_ever: true,
        says: &[
            "sleeps in wait (process.wait.waits): its child head (N) has not ended",
            "sleeps in write on fd 1 (stream.write.waits): pipe N is full, and its read end is held by py",
        ],
    },
    Hang {
        file: "fifo-both-read.sh",
        pattern: "a FIFO opened by both for the same side",
        for_ever: false,
        says: &["/talk for reading (fifo.open.waits): nobody has the FIFO open for writing"],
    },
    Hang {
        file: "fifo-no-writer.sh",
        pattern: "a FIFO whose other side never comes",
        for_ever: false,
        says: &[
            "/message for reading (fifo.open.waits): nobody has the FIFO open for writing",
            "sh (N) `sh fifo-no-writer.sh` sleeps in wait (process.wait.waits): its child cat (N) has not ended",
        ],
    },
    Hang {
        file: "stopped-peer.py",
        pattern: "a stopped peer",
        for_ever: false,
        says: &[
            "(stream.read.waits): pipe N is empty, and its write end is still held by cat (N), fd 1",
            "cat (N) is stopped (signal.any.stopped)",
        ],
    },
    Hang {
        file: "lock-upgrade.sh",
        pattern: "lock upgrade",
        for_ever: true,
        says: &[
            "sleeps in flock on fd 3 (lock.flock.waits)",
            "/lock is locked by sh (N), fd 9 and by flock itself (fd 9",
        ],
    },
    Hang {
        file: "full-queue.c",
        pattern: "a full queue",
        for_ever: true,
        says: &[
            "sleeps in mq_send on fd 3 (queue.write.waits): message queue /hangs-N is full, and is open for \
                 receiving by full-queue itself (fd 3)",
        ],
    },
    Hang {
        file: "connect-beyond-backlog.py",
        pattern: "a connect beyond the backlog",
        for_ever: false,
        says: &[
            "sleeps in connect on fd",
            "(connection.connect.waits): no more connections may wait at 127.0.0.1:N, where py",
            "itself (fd 3) listens and does not accept",
        ],
    },
];

/// A program in a process group of its own, which is ended with it.
struct Running {
    child: Child,
    /// Where it makes its files.
    _place: TempDir,
}

impl Running {
    fn id(&self) -> i32 {
        self.child.id() as i32
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Whoever is left of the group; it may be nobody.
        let _ = killpg(Pid::from_raw(self.id()), Signal::SIGKILL);
        let _ = self.child.wait();
    }
}

fn hangs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/hangs")
}

/// The command that runs a program; `None`, with the reason on standard error, where this machine can't.
fn command(hang: &Hang, place: &Path) -> Option<Command> {
    let source = hangs().join(hang.file);
    let (runner, stem) = match hang.file.rsplit_once('.').expect("an extension") {
        (stem, "c") => ("cc", stem),
        (stem, "py") => ("python3", stem),
        (stem, _) => ("sh", stem),
    };
    let needs = [runner].into_iter().chain((stem == "lock-upgrade").then_some("flock"));
    for needed in needs {
        let found = Command::new("sh").args(["-c", "command -v \"$0\"", needed]).output();
        if !found.is_ok_and(|found| found.status.success()) {
            eprintln!("left out: {} takes {needed}, which is not installed", hang.file);
            return None;
        }
    }
    if runner == "cc" {
        let built = place.join(stem);
        let made = Command::new("cc")
            .args(["-Wall", "-Wextra", "-Werror", "-o"])
            .arg(&built)
            .arg(&source)
            .status();
        assert!(made.is_ok_and(|made| made.success()), "{} can't be compiled", hang.file);
        return Some(Command::new(built));
    }
    let mut command = Command::new(runner);
    command.arg(hang.file).current_dir(hangs());
    Some(command)
}

fn started(hang: &Hang, arguments: &[&str]) -> Option<Running> {
    let place = tempfile::tempdir().expect("a directory");
    let mut command = command(hang, place.path())?;
    command.args(arguments).env("TMPDIR", place.path()).process_group(0);
    command.stdin(Stdio::null()).stdout(File::create(place.path().join("out")).expect("a file"));
    let child = command.spawn().expect("it starts");
    Some(Running { child, _place: place })
}

/// Whether all threads of a process and its children sleep, in calls that are followed.
fn sleeps(snapshot: &Snapshot, id: i32) -> bool {
    let asleep = |doing: &Doing| match doing {
        Doing::Stopped => true,
        Doing::Sleeps(asleep) => !matches!(asleep.call, Call::Time | Call::NotFollowed),
        _ => false,
    };
    let family =
        snapshot.processes.values().filter(|process| process.id == id || process.parent == id);
    family.flat_map(|process| &process.threads).all(|thread| asleep(&thread.doing))
}

/// The words of a text, a blank between each two.
fn in_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Numbers that differ from run to run, as N: all of four digits or more that are no part of a word, and those of processes.
fn without_numbers(text: &str) -> String {
    let mut told = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(|letter: char| letter.is_ascii_digit()) {
        let (before, from) = rest.split_at(at);
        let len = from.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(from.len());
        told.push_str(before);
        let is_process = before.ends_with('(') && from[len..].starts_with(')');
        let is_fixed =
            len < 4 && !is_process || before.ends_with(|letter: char| letter.is_alphanumeric());
        told.push_str(if is_fixed { &from[..len] } else { "N" });
        rest = &from[len..];
    }
    told + rest
}

/// Looks at a program that hangs until all is said of it.
fn told(hang: &Hang, running: &mut Running) {
    let mut asleep = 0;
    loop {
        let snapshot = settled(std::process::id() as i32).expect("processes can be seen");
        let picture = picture(&snapshot, std::process::id() as i32);
        let report = Report::new(&picture, &About::Processes(vec![running.id()]));
        let text = without_numbers(&in_one_line(&report.text()));
        let pattern = report.patterns().next().map(|pattern| pattern.name);
        // Where others' descriptors can't be read, nothing is certain.
        let hangs = report.hangs() || !snapshot.unseen.is_empty() && report.may_hang();
        let missing = hang.says.iter().find(|says| !text.contains(**says));
        if pattern == Some(hang.pattern) && hangs == hang.for_ever && missing.is_none() {
            return;
        }
        asleep = if sleeps(&snapshot, running.id()) { asleep + 1 } else { 0 };
        let ended = running.child.try_wait().expect("it is a child");
        assert_eq!(ended, None, "{} does not hang", hang.file);
        assert!(
            asleep < LOOKS_ASLEEP_MAX,
            "{}: {pattern:?}, for ever: {hangs}, missing {missing:?}\n{text}",
            hang.file
        );
    }
}

#[test]
fn programs_that_hang_are_told_with_holder_descriptor_and_rule() {
    for hang in &HANGS {
        let Some(mut running) = started(hang, &[]) else { continue };
        told(hang, &mut running);
        let id = running.id().to_string();
        let expected = if hang.for_ever { [Some(1), Some(3)] } else { [Some(0); 2] };
        let mut program = Command::new(PROGRAM);
        let out = program.args(["why", &id]).output().expect("the program runs");
        assert!(expected.contains(&out.status.code()), "{}: {out:?}", hang.file);
    }
}

/// A program that reads what nobody else can write to.
const SLEEPS: &str = "mkfifo p; exec 3<>p; rm p; exec cat <&3 3<&-";

/// As a shell's time-out: `COMMAND & (sleep 60; kill $!) & wait`.
#[test]
fn what_a_timer_beside_it_may_end_does_not_wait_for_ever() {
    for (script, for_ever) in [(SLEEPS, true), (&format!("(exec sleep 1000) & {SLEEPS}"), false)] {
        let place = tempfile::tempdir().expect("a directory");
        let mut command = Command::new("sh");
        command.args(["-c", script]).current_dir(place.path()).process_group(0);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let running = Running { child: command.spawn().expect("it starts"), _place: place };
        let mut asleep = 0;
        loop {
            let snapshot = settled(std::process::id() as i32).expect("processes can be seen");
            let picture = picture(&snapshot, std::process::id() as i32);
            let report = Report::new(&picture, &About::Processes(vec![running.id()]));
            let told = in_one_line(&report.text());
            let hangs = report.hangs() || !snapshot.unseen.is_empty() && report.may_hang();
            let guarded = told.contains("waits with a time-out and may end cat");
            let is_there = told.contains("stream.read.waits");
            if is_there && hangs == for_ever && guarded != for_ever {
                break;
            }
            asleep += usize::from(is_there);
            assert!(asleep < LOOKS_ASLEEP_MAX, "{script}: {told}");
        }
    }
}

#[test]
fn mended_programs_end_and_nothing_is_said_of_them() {
    for hang in &HANGS {
        let Some(mut running) = started(hang, &["fixed"]) else { continue };
        let status = loop {
            let snapshot = settled(std::process::id() as i32).expect("processes can be seen");
            let picture = picture(&snapshot, std::process::id() as i32);
            let report = Report::new(&picture, &About::Processes(vec![running.id()]));
            assert!(!report.may_hang(), "{}:\n{}", hang.file, report.text());
            if let Some(status) = running.child.try_wait().expect("it is a child") {
                break status;
            }
        };
        assert!(status.success(), "{}: {status}", hang.file);
    }
}

#[test]
fn a_command_that_hangs_is_explained_and_ended_with_all_that_came_of_it() {
    let place = tempfile::tempdir().expect("a directory");
    let hang = HANGS.iter().find(|hang| hang.file == "leaked-by-fork.c").expect("one of them");
    let Some(command) = command(hang, place.path()) else { return };
    let json = place.path().join("why.json");
    let mut why = Command::new(PROGRAM);
    why.args(["why", "--after", "10ms", "--json"]).arg(&json).arg("--").arg(command.get_program());
    let out = why.stdin(Stdio::null()).output().expect("the program runs");
    let text = in_one_line(&String::from_utf8_lossy(&out.stderr));
    if out.status.code() == Some(1) {
        assert!(text.contains("held by wc itself (fd"), "{text}");
        let json = fs::read_to_string(&json).expect("a file");
        let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
        let wc = json["knots"][0]["parties"][0]["process"].as_i64().expect("a number");
        assert!(!Path::new(&format!("/proc/{wc}")).exists(), "wc is left behind: {json}");
    } else {
        panic!("{out:?}");
    }
}

#[test]
fn a_command_that_ends_keeps_its_status_and_its_output() {
    for (script, code) in [("echo out; exit 7", 7), ("echo out; kill -TERM $$", 143)] {
        let mut why = Command::new(PROGRAM);
        let out = why.args(["why", "--", "sh", "-c", script]).output().expect("it runs");
        assert_eq!((out.status.code(), &out.stdout[..]), (Some(code), &b"out\n"[..]), "{out:?}");
    }
}

#[test]
fn what_is_no_process_is_refused() {
    for (arguments, says) in [
        (&["why", "2147483647"][..], "there is no process 2147483647"),
        (&["why", "0"][..], "it takes the number of a process"),
        (&["why", "cat"][..], "it takes the number of a process"),
        (&["why", "--after", "soon", "--", "true"][..], "it takes a time, such as"),
        (&["why", "1", "--", "true"][..], "cannot be used with"),
        (&["why", "--", "/nonexistent/program"][..], "failed to run /nonexistent/program"),
    ] {
        let out = Command::new(PROGRAM).args(arguments).output().expect("the program runs");
        let text = String::from_utf8_lossy(&out.stderr);
        assert_eq!(out.status.code(), Some(2), "{arguments:?}: {text}");
        assert!(text.contains(says), "{arguments:?}: {text}");
    }
}

#[test]
fn each_rule_that_is_named_is_one() {
    for id in RULES {
        assert!(rules::RULES.iter().any(|rule| rule.id == id), "{id} is no rule");
    }
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/why/picture");
    let mut named = 0;
    for file in [place.with_extension("rs"), place.join("ends.rs")] {
        let text = fs::read_to_string(file).expect("a file");
        for word in
            text.split('"').filter(|word| word.split('.').count() == 3 && !word.contains(' '))
        {
            named += 1;
            assert!(RULES.contains(&word), "{word} is not in the list of rules");
        }
    }
    assert!(named >= RULES.len(), "only {named} rules are named");
}

#[test]
fn the_page_has_each_pattern() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/hangs.md");
    let page =
        fs::read_to_string(page).expect("a page").split_whitespace().collect::<Vec<_>>().join(" ");
    let known = pipewright_model::systems::all();
    for pattern in Pattern::ALL {
        let Pattern { name, wrong, mend, systems } = pattern;
        assert!(page.to_lowercase().contains(&name.to_lowercase()), "no heading for {name}");
        for text in [wrong, mend] {
            assert!(page.contains(&in_one_line(text)), "{name}: the page does not say `{text}`");
        }
        for system in systems {
            assert!(
                page.contains(&format!("`{system}`")),
                "{name}: the page does not name {system}"
            );
            let subject = known.iter().find(|known| known.name() == *system);
            assert!(subject.is_some_and(|known| !known.broken().is_empty()), "{name}: {system}");
        }
    }
    for hang in &HANGS {
        assert!(page.contains(hang.file), "the page does not name {}", hang.file);
    }
}
