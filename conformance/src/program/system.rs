//! `pipewright system`: a system out of a run, in the language of systems.

use std::path::PathBuf;

use clap::Args;
use pipewright_model::script::Script;

use super::input::{load_searched, script_of};
use super::{Refusal, Status, print};

/// What `system` is given.
#[derive(Args)]
pub(super) struct Arguments {
    /// The run file (a case, a saved failure, or a run from `why` or `trace`); `-` is standard
    /// input. A system file is printed in its shortest form.
    file: PathBuf,
}

/// Prints the system.
pub(super) fn run(arguments: &Arguments) -> Result<Status, String> {
    printed(arguments).map_err(|refusal| refusal.text().to_owned())?;
    Ok(Status::Conforms)
}

fn printed(arguments: &Arguments) -> Result<(), Refusal> {
    let script = script_of(&arguments.file, load_searched(&arguments.file)?)?;
    let text = script.to_string();
    // Names that are words of the language can't be read back.
    if let Err(error) = text.parse::<Script>() {
        return Err(Refusal::new(format!(
            "{}: as a system it can't be read back: {error}; give the actor another name",
            arguments.file.display()
        )));
    }
    print(&text)
}
