//! `pipewright export`: tests for systems on which this program does not run.

use std::fs;
use std::path::PathBuf;

use clap::Args;
use pipewright_conformance::export;

use super::{Profile, Refusal, Status, input, print};

/// What `export` is given.
#[derive(Args)]
pub(super) struct ExportArguments {
    /// Write one C11 program, `pipewright.c`, into this directory: the cases and litmus files whose
    /// calls one thread makes, with all replies that the rules allow. It needs no fork, no threads
    /// and no /proc, and prints KTAP.
    #[arg(long, value_name = "DIR", required = true)]
    c: PathBuf,
    /// The rules that say what is allowed.
    #[arg(long, value_enum, default_value_t)]
    profile: Profile,
    /// Compile in the tests that are expected to fail, one name a line in this file: status 1 if
    /// others fail, or if one of these passes.
    #[arg(long, value_name = "FILE")]
    expect: Option<PathBuf>,
}

/// Writes the program.
pub(super) fn run(arguments: &ExportArguments) -> Result<Status, String> {
    exported(arguments).map_err(|refusal| refusal.text().to_owned())
}

fn exported(arguments: &ExportArguments) -> Result<Status, Refusal> {
    let expected = match &arguments.expect {
        Some(path) => export::names(&input::text_of(path, "a list of tests", "make it smaller")?.1),
        None => Vec::new(),
    };
    let platform = arguments.profile.platform();
    let tests = export::tests(platform)?;
    let program = export::program(&tests, platform, &expected)?;
    let dir = &arguments.c;
    let failed = |e| Refusal::new(format!("failed to make directory {}: {e}", dir.display()));
    fs::create_dir_all(dir).map_err(failed)?;
    let path = dir.join("pipewright.c");
    fs::write(&path, program)
        .map_err(|error| Refusal::new(format!("failed to write {}: {error}", path.display())))?;
    print(&format!(
        "{}: {} tests\n`cc -std=c11 -static -O1 -o pipewright-kit {0}` builds it; its status is 1 where a test fails.\n",
        path.display(),
        tests.len()
    ))?;
    Ok(Status::Conforms)
}
