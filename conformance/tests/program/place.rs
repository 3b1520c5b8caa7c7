//! A place for a run of the program, and how the run ended.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_pipewright");

/// A directory of its own, in which a run of the program has its temporary files too.
pub(crate) struct Place(TempDir);

impl Place {
    pub(crate) fn new() -> Place {
        let place = Place(tempfile::tempdir().expect("a directory"));
        fs::create_dir(place.temporary()).expect("a directory");
        place
    }

    pub(crate) fn temporary(&self) -> PathBuf {
        self.0.path().join("temporary")
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn file(&self, name: &str, text: &str) -> &Place {
        fs::write(self.0.path().join(name), text).expect("written");
        self
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.path().join(name)).expect("a file")
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        command.args(arguments).current_dir(self.0.path()).env("TMPDIR", self.temporary());
        command
    }

    /// Runs the program to its end, which must leave no temporary file.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        let ended = Ended::of(self.command(arguments).output().expect("it runs"));
        self.assert_nothing_left();
        ended
    }

    /// The same, with this on its standard input.
    pub(crate) fn run_on(&self, arguments: &[&str], input: &str) -> Ended {
        let mut command = self.command(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("it runs");
        let mut stdin = child.stdin.take().expect("piped");
        stdin.write_all(input.as_bytes()).expect("it reads");
        drop(stdin);
        let ended = Ended::of(child.wait_with_output().expect("it ends"));
        self.assert_nothing_left();
        ended
    }

    pub(crate) fn assert_nothing_left(&self) {
        let left: Vec<_> = fs::read_dir(self.temporary()).expect("a directory").flatten().collect();
        assert!(left.is_empty(), "left behind: {left:?}");
    }
}

/// How the program ended, and what it said.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ended {
    pub(crate) fn of(output: Output) -> Ended {
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        Ended { status: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    #[track_caller]
    pub(crate) fn refused(&self, words: &[&str]) {
        assert_eq!(self.status, Some(2), "{self:?}");
        for word in words {
            assert!(self.err.contains(word), "{word} is not in:\n{}", self.err);
        }
    }
}
