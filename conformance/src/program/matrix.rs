//! `pipewright matrix`: reports of several systems as one table.

use std::path::{Path, PathBuf};

use clap::Args;
use pipewright_conformance::matrix::{Report, System, markdown};

use super::{Refusal, Status, input, print};

/// What `matrix` is given.
#[derive(Args)]
pub(super) struct Arguments {
    /// Reports, as `pipewright check --json FILE` writes them. A column is called as its file is.
    #[arg(required = true, value_name = "FILE")]
    reports: Vec<PathBuf>,
}

/// Prints the table of these reports.
pub(super) fn run(arguments: &Arguments) -> Result<Status, String> {
    printed(&arguments.reports).map_err(|refusal| refusal.text().to_owned())?;
    Ok(Status::Conforms)
}

fn printed(reports: &[PathBuf]) -> Result<(), Refusal> {
    let systems = reports.iter().map(|path| system(path)).collect::<Result<Vec<_>, _>>()?;
    print(&markdown(&systems))
}

fn system(path: &Path) -> Result<System, Refusal> {
    let (name, text) =
        input::text_of(path, "a report of `pipewright check`", "check fewer channels")?;
    let report = Report::parse(&text).map_err(|error| Refusal::new(format!("{name}: {error}")))?;
    let stem = path.file_stem().map_or(name, |stem| stem.to_string_lossy().into_owned());
    Ok(System { name: stem, report })
}
