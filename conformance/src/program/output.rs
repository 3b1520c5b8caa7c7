//! Files that a command writes: opened before it begins its work, no two of them the same.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::Refusal;

/// A result that is to be written.
pub(super) struct Output {
    /// `None` for standard output.
    file: Option<File>,
    path: PathBuf,
}

/// What was opened for a command, in the order of its options.
pub(super) struct Outputs {
    outputs: Vec<Option<Output>>,
    /// Where the text for people goes.
    pub(super) text: Text,
}

/// Where the text for people goes: to standard error where a result takes standard output.
#[derive(Clone, Copy, Default)]
pub(super) struct Text {
    aside: bool,
}

impl Text {
    /// Text that never goes to standard output, which somebody else has.
    pub(super) fn aside() -> Text {
        Text { aside: true }
    }

    /// Prints; a reader that has gone (`| head`) is no error.
    pub(super) fn print(self, text: &str) -> Result<(), Refusal> {
        match self.aside {
            true => written(io::stderr().lock(), "standard error", text),
            false => written(io::stdout().lock(), "standard output", text),
        }
    }
}

fn written(mut to: impl Write, name: &str, text: &str) -> Result<(), Refusal> {
    match to.write_all(text.as_bytes()).and_then(|()| to.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Refusal::new(format!("failed to write to {name}: {error}")))
        }
        _ => Ok(()),
    }
}

/// Opens what these options name, where they are given; `-` is standard output. `inputs` are files that the command
/// reads, which it must not write over.
pub(super) fn open(
    options: &[(&str, Option<&PathBuf>)],
    inputs: &[(&str, &Path)],
) -> Result<Outputs, Refusal> {
    let mut taken: Vec<(&str, Id)> = Vec::new();
    for (name, path) in inputs {
        // What can't be read is told where it is read.
        taken.extend(Id::of_path(path).map(|id| (*name, id)));
    }
    let mut outputs = Vec::new();
    for (option, path) in options {
        let Some(path) = path else {
            outputs.push(None);
            continue;
        };
        let output = Output::open(path)?;
        let id = output.id()?;
        if let Some((other, _)) = id.and_then(|id| taken.iter().find(|(_, taken)| *taken == id)) {
            let name = output.name();
            return Err(Refusal::new(format!(
                "{other} and {option} are the same, {name}; give {option} a file of its own"
            )));
        }
        taken.extend(id.map(|id| (*option, id)));
        outputs.push(Some(output));
    }
    let aside = outputs.iter().flatten().any(|output| output.file.is_none());
    // Only now is anything lost that was in them.
    for output in outputs.iter_mut().flatten() {
        output.empty()?;
    }
    Ok(Outputs { outputs, text: Text { aside } })
}

impl Outputs {
    /// Writes the result of the option with this number, if it was given.
    pub(super) fn write(
        &mut self,
        number: usize,
        text: impl FnOnce() -> Result<String, Refusal>,
    ) -> Result<(), Refusal> {
        match self.outputs.get_mut(number) {
            Some(Some(output)) => output.write(&text()?),
            _ => Ok(()),
        }
    }

    /// The one that is a file of the kind that is saved in this directory, if one is.
    pub(super) fn within(&self, directory: &Path, extension: &str) -> Option<&Path> {
        let directory = directory.canonicalize().ok()?;
        let saved = |output: &&Output| {
            let path = output.path.canonicalize().unwrap_or_default();
            output.file.is_some()
                && path.parent() == Some(&directory)
                && path.extension().is_some_and(|own| own == extension)
        };
        self.outputs.iter().flatten().find(saved).map(|output| output.path.as_path())
    }
}

impl Output {
    /// Opens a file, and leaves what is in it for now.
    fn open(path: &Path) -> Result<Output, Refusal> {
        let path = path.to_owned();
        if path.as_os_str() == "-" {
            return Ok(Output { file: None, path });
        }
        match OpenOptions::new().write(true).create(true).truncate(false).open(&path) {
            Ok(file) => Ok(Output { file: Some(file), path }),
            Err(error) => {
                Err(Refusal::new(format!("failed to create {}: {error}", path.display())))
            }
        }
    }

    fn name(&self) -> String {
        match self.file {
            None => "standard output".to_owned(),
            Some(_) => self.path.display().to_string(),
        }
    }

    fn failed(&self, error: &io::Error) -> Refusal {
        Refusal::new(format!("failed to write {}: {error}", self.name()))
    }

    fn id(&self) -> Result<Option<Id>, Refusal> {
        let Some(file) = &self.file else { return Ok(Some(Id::Standard)) };
        let metadata = file.metadata().map_err(|error| self.failed(&error))?;
        Ok(Id::of(&metadata))
    }

    fn empty(&mut self) -> Result<(), Refusal> {
        let Some(file) = &self.file else { return Ok(()) };
        let is_file = file.metadata().is_ok_and(|metadata| metadata.is_file());
        match is_file.then(|| file.set_len(0)) {
            Some(Err(error)) => Err(self.failed(&error)),
            _ => Ok(()),
        }
    }

    fn write(&mut self, text: &str) -> Result<(), Refusal> {
        let Some(file) = &mut self.file else { return super::print(text) };
        let result = file.write_all(text.as_bytes());
        result.map_err(|error| self.failed(&error))
    }
}

/// What is written to, by whatever name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Id {
    Standard,
    File(u64, u64),
}

impl Id {
    fn of_path(path: &Path) -> Option<Id> {
        Id::of(&path.metadata().ok()?)
    }

    /// A device takes several results: nothing is lost in `/dev/null` that would be found elsewhere.
    fn of(metadata: &std::fs::Metadata) -> Option<Id> {
        metadata.is_file().then(|| Id::File(metadata.dev(), metadata.ino()))
    }
}
