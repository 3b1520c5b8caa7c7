//! `pipewright completions` and `pipewright man`: made from the command line as it is.

use clap::Args;
use clap_complete::Shell;
use clap_mangen::Man;

use super::{Refusal, Status, command_line, print};

/// Arguments of `completions`.
#[derive(Args)]
pub(super) struct CompletionsArguments {
    /// The shell.
    #[arg(value_enum)]
    shell: Shell,
}

/// Arguments of `man`.
#[derive(Args)]
pub(super) struct ManArguments {
    /// The command to describe; the program where none is given.
    command: Option<String>,
}

/// Prints a script that completes what is typed.
pub(super) fn completions(arguments: &CompletionsArguments) -> Result<Status, String> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut command_line(), "pipewright", &mut script);
    told(script).map_err(|refusal| refusal.text().to_owned())
}

/// Prints a manual page.
pub(super) fn man(arguments: &ManArguments) -> Result<Status, String> {
    page(arguments).map_err(|refusal| refusal.text().to_owned())
}

fn page(arguments: &ManArguments) -> Result<Status, Refusal> {
    let mut command = command_line();
    command.build();
    if let Some(name) = &arguments.command {
        let names = command.get_subcommands().map(clap::Command::get_name).collect::<Vec<_>>();
        let known = names.join(", ");
        let found = command.find_subcommand(name);
        command = found.cloned().ok_or_else(|| {
            Refusal::new(format!("there is no command {name}; choose from {known}"))
        })?;
        command = command.name(format!("pipewright-{name}"));
    }
    let mut text = Vec::new();
    Man::new(command).render(&mut text)?;
    told(text)
}

fn told(text: Vec<u8>) -> Result<Status, Refusal> {
    print(&String::from_utf8(text)?)?;
    Ok(Status::Conforms)
}
