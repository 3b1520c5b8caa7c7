//! Nothing of the place where the program runs turns into a verdict: limits, signal masks, umask, closed descriptors,
//! privileges, long paths. A sound system conforms there, or what can't be made is named with its remedy.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::thread;

use pipewright_backends::tcp::enter_namespace;
use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_pipewright");

/// A directory that everybody may use, with a copy of the program that everybody may run.
struct Place(TempDir);

impl Place {
    fn new() -> Place {
        let place = Place(tempfile::tempdir().expect("a directory"));
        let all = |mode| Permissions::from_mode(mode);
        fs::set_permissions(place.0.path(), all(0o755)).expect("its owner may");
        // A link would do, but the target directory need not be open to everybody. Another process copies: while this one
        // writes, a child that another test starts has the file open for writing, too, and then it can't be executed.
        let copied = Command::new("cp").arg(PROGRAM).arg(place.program()).status();
        assert!(copied.expect("cp runs").success());
        fs::create_dir(place.temporary()).expect("a directory");
        fs::set_permissions(place.temporary(), all(0o1777)).expect("its owner may");
        place
    }

    fn program(&self) -> PathBuf {
        self.0.path().join("pipewright")
    }

    fn temporary(&self) -> PathBuf {
        self.0.path().join("temporary")
    }

    /// Checks some channels of each sort, started by a script that ends in `exec "$@"`.
    fn checked(&self, script: &str, temporary: &Path) -> Output {
        let mut command = Command::new("sh");
        command.args(["-c", script, "sh"]).arg(self.program()).args(["check", "--scenarios", "30"]);
        command.args(["--paths", "1", "--systems", "5"]).args(CHANNELS);
        command.env("TMPDIR", temporary).current_dir(self.0.path());
        command.output().expect("it runs")
    }
}

/// One of each sort.
const CHANNELS: [&str; 10] = [
    "pipe",
    "fifo",
    "message-queue",
    "eventfd",
    "file",
    "locked-file",
    "guarded-variable",
    "shared-memory-waiting",
    "unix-stream",
    "tcp",
];

/// What a run of the program came to, and all that it said.
fn told(output: &Output) -> (Option<i32>, String) {
    let text =
        [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    (output.status.code(), text.concat())
}

#[track_caller]
fn conforms(script: &str) {
    let place = Place::new();
    let (status, text) = told(&place.checked(script, &place.temporary()));
    assert_eq!(status, Some(0), "{script}\n{text}");
}

/// What is asked for can't all be had: it is named, with what helps, and nothing deviates.
#[track_caller]
fn lacks(script: &str, words: &[&str]) {
    let place = Place::new();
    let (status, text) = told(&place.checked(script, &place.temporary()));
    assert!(
        matches!(status, Some(2 | 3)) && !text.contains("deviates"),
        "{script}\n{status:?}\n{text}"
    );
    assert!(words.iter().all(|word| text.contains(word)), "{script}: {words:?}\n{text}");
}

#[test]
fn masks_and_dispositions_of_signals_are_the_actors_own() {
    conforms("exec env --block-signal \"$@\"");
    conforms("exec env --ignore-signal=PIPE --ignore-signal=USR1 \"$@\"");
    conforms("exec env --block-signal=USR1 --ignore-signal=CHLD \"$@\"");
}

#[test]
fn umask_takes_no_right_away() {
    conforms("umask 077; exec \"$@\"");
    conforms("umask 0777; exec \"$@\"");
}

#[test]
fn standard_descriptors_may_be_closed() {
    conforms("exec \"$@\" <&-");
    conforms("exec \"$@\" 2>&-");
}

#[test]
fn the_stack_may_be_small() {
    conforms("ulimit -s 256; exec \"$@\"");
}

#[test]
fn an_unprivileged_user_is_told_the_same() {
    if !nix::unistd::geteuid().is_root() {
        // The other tests are run by one then.
        return;
    }
    let nobody = "exec setpriv --reuid=65534 --regid=65534 --clear-groups";
    conforms(&format!("{nobody} \"$@\""));
    conforms(&format!("umask 0777; {nobody} \"$@\""));
}

/// A user's last process: threads and workers can't be had, and what needs none works.
#[test]
fn without_threads_there_is_an_answer_or_a_reason() {
    if !nix::unistd::geteuid().is_root() {
        eprintln!("skipped: it takes root to become a user without processes");
        return;
    }
    let place = Place::new();
    fs::write(place.0.path().join("run.case"), RUNS[0]).expect("written");
    let alone = "exec prlimit --nproc=1 setpriv --reuid=64999 --regid=64999 --clear-groups \"$@\"";
    let run = |arguments: &[&str]| {
        let mut command = Command::new("sh");
        command.args(["-c", alone, "sh"]).arg(place.program()).args(arguments);
        command.env("TMPDIR", place.temporary()).current_dir(place.0.path());
        told(&command.output().expect("it runs"))
    };
    for arguments in
        [&["--version"] as &[&str], &["judge", "run.case"], &["rules"], &["verify", "simplex-pipe"]]
    {
        let (status, text) = run(arguments);
        assert_eq!(status, Some(0), "{arguments:?}\n{text}");
    }
    for arguments in [
        &["check", "pipe"] as &[&str],
        &["replay", "run.case"],
        &["verify", "simplex-pipe", "--workers", "2"],
        &["explore", "simplex-pipe", "--port", "0"],
    ] {
        let (status, text) = run(arguments);
        assert_eq!(status, Some(2), "{arguments:?}\n{text}");
        assert!(
            text.contains("pipewright: failed to start ") && text.contains("ulimit -u"),
            "{text}"
        );
    }
}

/// Whatever the limit, a check conforms or ends with what is lacking; it never aborts, and leaves nothing.
#[test]
fn memory_that_ends_is_named_with_its_limit() {
    let place = Place::new();
    let mut refused = 0;
    for kib in [40_000, 60_000, 90_000, 120_000, 150_000, 250_000, 500_000] {
        let mut command = Command::new("sh");
        let script = format!("ulimit -v {kib}; exec \"$@\"");
        command.args(["-c", &script, "sh"]).arg(place.program());
        command.args(["check", "pipe", "tcp", "--scenarios", "300", "--paths", "1"]);
        command.env("TMPDIR", place.temporary());
        let (status, text) = told(&command.output().expect("it runs"));
        assert!(matches!(status, Some(0 | 2 | 3)) && !text.contains("panicked"), "{kib}\n{text}");
        refused += usize::from(status == Some(2) && text.contains("ulimit -v"));
        let left = fs::read_dir(place.temporary()).expect("a directory").count();
        assert_eq!(left, 0, "{kib}: left behind");
    }
    assert!(refused >= 3, "{refused}");
}

/// What is beyond its bounds is not judged, before memory ends.
#[test]
fn a_run_is_judged_in_a_gigabyte_however_large_its_worlds_are() {
    let place = Place::new();
    let file = place.temporary().join("pieces.run");
    let actors = |line: &dyn Fn(usize) -> String| (0..8).map(line).collect::<String>();
    for pieces in [100, 900] {
        let mut text = "channel file\n".to_owned();
        text += &actors(&|actor| format!("actor a{actor} holds rw\n"));
        for at in 0..pieces {
            text += &format!("a{}: write-at 1 at {at} -> 1\n", at % 2);
        }
        text += &actors(&|actor| match actor % 2 {
            0 => format!("a{actor}: write-at 100000 at {}\n", actor * 7),
            _ => format!("a{actor}: read-at 100000 at {actor}\n"),
        });
        text += &actors(&|actor| format!("a{actor}: -> 100000\n"));
        fs::write(&file, text).expect("a file");
        let mut command = Command::new("sh");
        command.args(["-c", "ulimit -v 1048576; exec \"$@\"", "sh"]).arg(place.program());
        command.arg("judge").arg(&file);
        let (status, text) = told(&command.output().expect("it runs"));
        assert_eq!(status, Some(3), "{pieces}\n{text}");
        assert!(text.contains("too many orders"), "{pieces}\n{text}");
    }
    fs::remove_file(&file).expect("it is there");
}

#[test]
fn few_bytes_in_message_queues_are_named_with_their_limit() {
    lacks(
        "ulimit -q 0 2>/dev/null || exec prlimit --msgqueue=0 \"$@\"; exec \"$@\"",
        &["mq_open", "ulimit -q"],
    );
}

#[test]
fn small_files_are_named_with_their_limit() {
    lacks("ulimit -f 8; exec \"$@\"", &["ulimit -f"]);
}

#[test]
fn what_cannot_be_written_for_a_limit_is_told() {
    let place = Place::new();
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -f 0; exec \"$@\" >out", "sh"]).arg(place.program()).arg("rules");
    let (status, text) = told(&command.current_dir(place.0.path()).output().expect("it runs"));
    assert_eq!(status, Some(2), "{text}");
    assert!(text.contains("failed to write to standard output: File too large"), "{text}");
}

#[test]
fn names_of_sockets_are_short_wherever_temporary_files_are() {
    let place = Place::new();
    let long = place.temporary().join("x".repeat(200));
    fs::create_dir(&long).expect("a directory");
    let (status, text) = told(&place.checked("exec \"$@\"", &long));
    assert_eq!(status, Some(0), "{text}");
}

/// Calls that return at once, and calls that sleep.
const RUNS: [&str; 5] = [
    "channel pipe\nwriter: write 2 -> 2\nreader: read 5 -> 2\nreader: read 5\nquiet reader\n\
     writer: write 3 -> 3\nreader: -> 3\nwriter: close -> ok\nreader: read 5 -> 0",
    "channel fifo\nactor a holds rw\nactor b holds rw\na: write 2 -> 2\na: poll in wait -> in\na: read 1 -> 1\n\
     a: read 1 -> 1\na: poll in wait\nquiet a\nb: write 1 -> 1\na: -> in",
    "channel unix-stream\nann: send 9 -> 9\nben: receive 4 -> 4\nben: receive 9 waitall\nquiet ben\n\
     ann: send 5 -> 5\nben: -> 9\nann: shutdown write -> ok\nben: receive 4 -> 1",
    "channel unix-datagram\nann: send 9 -> 9\nben: receive 4 -> 4 truncated\nben: receive 9\nquiet ben\n\
     ann: send 5 -> 5\nben: -> 5",
    "channel locked-file-flock\nactor a holds rw\nactor b holds rw\na: flock exclusive -> ok\n\
     b: flock shared wait\nquiet b\na: flock none -> ok\nb: -> ok",
];

/// As with a debugger, a sanitizer or a tracer between the program and the kernel: an actor asleep in it is not asleep in
/// its call.
#[test]
fn a_library_that_sleeps_around_each_call_is_not_taken_for_the_system() {
    let place = Place::new();
    let (source, library) = (place.0.path().join("slow.c"), place.0.path().join("slow.so"));
    fs::write(&source, include_str!("common/slow.c")).expect("written");
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-o"]).arg(&library).arg(&source).arg("-ldl");
    match compiler.output() {
        Ok(output) => assert!(output.status.success(), "{output:?}"),
        Err(error) => {
            assert!(std::env::var("CI").as_deref() != Ok("true"), "in CI there is a compiler");
            eprintln!("skipped: it takes a C compiler: {error}");
            return;
        }
    }
    let script = format!("LD_PRELOAD={} exec \"$@\"", library.display());
    for (number, run) in RUNS.into_iter().enumerate() {
        fs::write(place.0.path().join("a.case"), run).expect("written");
        let arrangements: &[&str] = if number == 0 { &["threads", "passed"] } else { &["passed"] };
        for arrangement in arrangements {
            let mut command = Command::new("sh");
            command.args(["-c", &script, "sh"]).arg(place.program()).args(["replay", "a.case"]);
            command.args(["--arrangement", arrangement]).current_dir(place.0.path());
            command.env("TMPDIR", place.temporary());
            let (status, text) = told(&command.output().expect("it runs"));
            assert_eq!(status, Some(0), "{text}");
        }
    }
}

#[test]
fn a_loopback_interface_that_is_down_is_named() {
    let place = Place::new();
    let output = thread::scope(|scope| {
        let checking = scope.spawn(|| {
            enter_namespace().ok()?;
            Some(place.checked("exec unshare -n \"$@\"", &place.temporary()))
        });
        checking.join().expect("it does not panic")
    });
    let Some(output) = output else {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "in CI this is not skipped");
        eprintln!("skipped: it takes root, and a kernel with network namespaces");
        return;
    };
    let (status, text) = told(&output);
    assert!(status == Some(3) && !text.contains("deviates"), "{status:?}\n{text}");
    let mut lines = text.lines().filter(|line| line.contains("failed to make"));
    assert!(text.contains("is the loopback interface up?"), "{text}");
    // Whichever way it is found out.
    assert!(
        lines.all(|line| line.contains("connect: ") && line.contains("`ip link set lo up`")),
        "{text}"
    );
}

/// A channel in memory is not to be had for another temporary directory.
#[test]
fn a_place_that_is_read_only_is_named_with_the_call() {
    let place = Place::new();
    let script = "mount -t tmpfs -o ro none /dev/shm || exit 77; exec \"$@\"";
    let mut command = Command::new("unshare");
    command.args(["-m", "sh", "-c", script, "sh"]).arg(place.program());
    command.args(["check", "shared-memory", "file", "--scenarios", "100", "--paths", "1"]);
    command.env("TMPDIR", place.temporary());
    let (status, text) = told(&command.output().expect("it runs"));
    if matches!(status, Some(1 | 77)) && !text.contains("observation") {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "in CI this is not skipped");
        eprintln!("skipped: it takes root, and a kernel with namespaces of mounts");
        return;
    }
    assert_eq!(status, Some(3), "{text}");
    let line = "shared-memory: in part not supported: failed to make a channel: shm_open in /dev/shm: \
                Read-only file system (EROFS); the place of the channel's files is read-only: mount it writable";
    assert!(text.contains(line), "{text}");
}

/// Checks these rows only, started by a script that ends in `exec "$@"`.
fn rows(place: &Place, script: &str, rows: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new("sh");
    command.args(["-c", script, "sh"]).arg(place.program()).args(["check", "--scenarios", "5"]);
    // There no row may be skipped.
    command.env_remove("CI");
    command.args(["--paths", "1", "--systems", "1"]).args(rows);
    command.env("TMPDIR", place.temporary()).current_dir(place.0.path());
    told(&command.output().expect("it runs"))
}

#[test]
fn what_one_row_lacks_leaves_the_others() {
    let place = Place::new();
    let (status, text) = rows(&place, "ulimit -f 8; exec \"$@\"", &["processes", "pipe"]);
    assert_eq!(status, Some(3), "{text}");
    let named =
        "processes: not supported: failed to share memory: ftruncate: File too large (EFBIG)";
    assert!(text.contains(named) && text.contains("┆ conforms"), "{text}");

    let user = Command::new("unshare").args(["-Ur", "true"]).status();
    if !user.is_ok_and(|status| status.success()) {
        eprintln!("skipped: it takes a user namespace of one's own");
        return;
    }
    let (status, text) = rows(&place, "exec unshare -Ur \"$@\"", &["tcp-veth", "pipe"]);
    assert_eq!(status, Some(3), "{text}");
    let named = "setns, back to where it came from: Operation not permitted (EPERM)";
    assert!(text.contains(named) && text.contains("┆ conforms"), "{text}");

    // A file system without inodes.
    let full = "mount -t tmpfs -o nr_inodes=1 none \"$TMPDIR\"; exec \"$@\"";
    let full = format!("exec unshare -Urm sh -c '{full}' sh \"$@\"");
    let (status, text) = rows(&place, &full, &["fifo", "pipe", "global-variable"]);
    assert_eq!(status, Some(3), "{text}");
    for row in ["fifo", "pipe"] {
        let named = format!(
            "{row}: not supported: failed to make a temporary directory: mkdir: No space left on device (ENOSPC); no space"
        );
        assert!(text.contains(&named), "{text}");
    }
    assert!(!text.contains("set TMPDIR"), "{text}");
}
