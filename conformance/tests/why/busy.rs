//! Systems that are alive and busy: looked at while they work, not once is anything of them said to wait for ever.

use std::fs;
use std::process::{Command, Stdio};

use std::os::unix::process::CommandExt;

use pipewright_conformance::why::{About, Report, picture, settled};

use crate::Running;

/// A pipeline that never ends, of pipes that are full and empty by turns.
const PIPELINE: &str =
    "while :; do head -c 300000 /dev/zero | tr '\\0' x | tee /dev/null | wc -c; done";

/// Many short processes, in pipes, command substitutions and the background.
const SHELL: &str = "while :; do for n in 1 2 3; do (echo $(echo $n | cat)) & done; wait; done";

/// make with a job server, which is a pipe that all jobs share.
const MAKE: &str = "printf 'all: $(shell seq 20)\\n%%:\\n\\t@echo $@ | cat | wc -c; $(MAKE) -s -f /dev/null x$@ || true\\n' \
                    >Makefile; while :; do make -s -j4 2>&1 | cat; done";

/// Packs, by several processes of git.
const GIT: &str = "git init -q from && cd from && head -c 200000 /dev/urandom >data && git add data && \
                   git -c user.name=a -c user.email=a@b commit -qm a && cd .. && \
                   while :; do rm -rf to; git clone -q --no-local from to; done";

/// A build, by a driver of compilers.
const CARGO: &str = "cargo new -q --vcs none built && cd built && \
                     while :; do touch src/main.rs; cargo build -q --offline; done";

/// Looks at a shell script and all that comes of it, so often.
fn looked_at(script: &str, looks: usize) {
    let place = tempfile::tempdir().expect("a directory");
    let mut command = Command::new("sh");
    command.args(["-c", script]).current_dir(place.path()).process_group(0);
    command.env_remove("CARGO_TARGET_DIR").env_remove("MAKEFLAGS");
    let out = fs::File::create(place.path().join("out")).expect("a file");
    command.stdin(Stdio::null()).stderr(out.try_clone().expect("a file")).stdout(out);
    let child = command.spawn().expect("it starts");
    let mut running = Running { child, _place: place };
    for look in 0..looks {
        let snapshot = settled(std::process::id() as i32).expect("processes can be seen");
        let picture = picture(&snapshot, std::process::id() as i32);
        let report = Report::new(&picture, &About::Processes(vec![running.id()]));
        assert!(!report.hangs(), "look {look} at `{script}`:\n{}", report.text());
        let ended = running.child.try_wait().expect("it is a child");
        assert_eq!(ended, None, "`{script}` has ended");
    }
}

/// A hundred looks; as many as the book's page tells of by `LOOKS=1000 cargo test --test why busy`.
#[test]
fn busy_systems_never_wait_for_ever() {
    let looks = std::env::var("LOOKS").ok().and_then(|looks| looks.parse().ok()).unwrap_or(100);
    let all = [(PIPELINE, "sh"), (SHELL, "sh"), (MAKE, "make"), (GIT, "git"), (CARGO, "cargo")];
    for (script, takes) in all {
        let found = Command::new("sh").args(["-c", "command -v \"$0\"", takes]).output();
        if !found.is_ok_and(|found| found.status.success()) {
            eprintln!("left out: there is no {takes} here");
            continue;
        }
        looked_at(script, looks / all.len());
    }
}
