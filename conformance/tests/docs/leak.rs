//! The program that the introduction follows hangs, and mended it ends. That it hangs is seen, not waited for.
//!
//! Everybody who could go on is asleep in one moment, and the only write end is held by one of them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::root;

/// The program, built on its own: it needs nothing but the standard library.
fn built(dir: &Path) -> PathBuf {
    let program = dir.join("leaked_end");
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let source = root().join("conformance/examples/leaked_end.rs");
    let mut build = Command::new(rustc);
    build.args(["--edition", "2024", "-o"]).arg(&program).arg(source);
    assert!(build.status().expect("rustc runs").success());
    program
}

/// Ends with the test, whatever it finds.
struct Started(Child);

impl Drop for Started {
    fn drop(&mut self) {
        // Its child then sees the end of the data, and ends.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_program_with_the_leaked_end_hangs() {
    let dir = tempfile::tempdir().expect("a directory");
    let program = built(dir.path());
    let started = Command::new(&program).stdout(Stdio::null()).spawn().expect("it runs");
    let mut started = Started(started);
    let parent = started.0.id();
    let counter = loop {
        assert!(started.0.try_wait().expect("a child").is_none(), "it ended");
        if let Some(counter) = child_of(parent)
            && text(counter, "comm").trim() == "wc"
            && is_quiet(parent, counter)
        {
            break counter;
        }
        std::thread::yield_now();
    };
    // It sleeps in a read of its input; the program that waits for it holds the only write end.
    let channel = fs::read_link(format!("/proc/{counter}/fd/0")).expect("its input");
    assert_eq!(writers(counter, &channel), 0);
    assert_eq!(writers(parent, &channel), 1);
}

#[test]
fn the_mended_program_ends() {
    let dir = tempfile::tempdir().expect("a directory");
    let output = Command::new(built(dir.path())).arg("--fixed").output().expect("it runs");
    assert!(output.status.success());
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "5");
}

fn text(process: u32, file: &str) -> String {
    fs::read_to_string(format!("/proc/{process}/{file}")).unwrap_or_default()
}

fn child_of(process: u32) -> Option<u32> {
    let all = fs::read_dir("/proc").expect("/proc").flatten();
    let ids = all.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let parent = |id: u32| {
        let stat = text(id, "stat");
        stat.rsplit(") ").next().and_then(|rest| rest.split(' ').nth(1)?.parse::<u32>().ok())
    };
    ids.into_iter().find(|id| parent(*id) == Some(process))
}

/// Both sleep at one moment, the child in a read of its input: each is looked at twice, and neither ran in between.
fn is_quiet(parent: u32, counter: u32) -> bool {
    let look = |process: u32| {
        let stat = text(process, "stat");
        let asleep = stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with('S'));
        let runs = text(process, "schedstat").split_whitespace().nth(2).map(str::to_owned);
        (asleep, runs, text(process, "syscall"))
    };
    let first = [look(parent), look(counter)];
    let second = [look(parent), look(counter)];
    let asleep = first.iter().all(|(asleep, runs, _)| *asleep && runs.is_some());
    asleep && first == second && is_read_of_input(&first[1].2)
}

/// A call whose first argument is descriptor 0, and whose third is a length.
fn is_read_of_input(call: &str) -> bool {
    let mut words = call.split_whitespace().skip(1);
    words.next() == Some("0x0") && words.nth(1).is_some_and(|length| length != "0x0")
}

/// How many descriptors a process has that can write to a channel.
fn writers(process: u32, channel: &Path) -> usize {
    let open = fs::read_dir(format!("/proc/{process}/fd")).expect("its descriptors").flatten();
    let to = open.filter(|fd| fs::read_link(fd.path()).is_ok_and(|to| to == channel));
    let writes = |fd: &fs::DirEntry| {
        let info = text(process, &format!("fdinfo/{}", fd.file_name().to_string_lossy()));
        // The access mode is the last octal digit: 1 or 2 for those that write.
        let flags = info.lines().find_map(|line| line.strip_prefix("flags:"));
        flags.is_some_and(|flags| flags.trim().ends_with(['1', '2']))
    };
    to.filter(writes).count()
}
