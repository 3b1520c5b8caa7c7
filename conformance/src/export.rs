//! The sequential cases and litmus files as one C11 program, for systems on which nothing else runs yet.
//!
//! The program has one thread, needs no `/proc` and of its C library no more than wrappers of system calls. What each
//! call may give stands in its tables, as the rules say; the text that reads them is `export/runtime.c`.

mod tables;

use pipewright_model::kind::{Discipline, Ends, Naming};
use pipewright_model::litmus::Litmus;
use pipewright_model::platform::Platform;
use pipewright_model::run::{Event, Run, Setup};
use pipewright_model::settings::Settings;
use pipewright_model::text::ParseError;

use crate::cases::{self, CaseError};
use crate::sequential::Sequence;

/// A sequence with its name: a case's, `chapter/situation`, or a litmus file's, `litmus/chapter/situation`.
#[derive(Clone, Debug)]
pub struct Test {
    /// The name.
    pub name: String,
    /// The calls.
    pub sequence: Sequence,
}

/// Why there is no program.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// A case could not be loaded.
    #[error(transparent)]
    Case(#[from] CaseError),
    /// A litmus file is none.
    #[error("{name}: {error}")]
    Litmus {
        /// Its name.
        name: String,
        /// What is wrong.
        error: ParseError,
    },
    /// A test is expected to fail that there isn't.
    #[error("there is no test {0}; `grep '^ok' ` of what the program prints lists them")]
    Unknown(String),
}

static LITMUS: include_dir::Dir<'_> = include_dir::include_dir!("$CARGO_MANIFEST_DIR/litmus");

/// The cases and litmus files whose calls one thread can make one after another, on channels that descriptors lead to.
///
/// # Errors
///
/// One of those that this program was built with is none.
pub fn tests(platform: &Platform) -> Result<Vec<Test>, ExportError> {
    let mut tests = Vec::new();
    for case in cases::embedded()? {
        if is_exportable(&case.run) {
            let sequence = Sequence::of(&case.run, platform);
            tests.extend(sequence.map(|sequence| Test { name: case.name, sequence }));
        }
    }
    let mut litmus = Vec::new();
    for file in LITMUS.dirs().flat_map(include_dir::Dir::files) {
        let name = format!("litmus/{}", file.path().with_extension("").display());
        let text = file.contents_utf8().unwrap_or_default();
        let parsed = text.parse::<Litmus>();
        let run = parsed.map_err(|error| ExportError::Litmus { name: name.clone(), error })?.run;
        if is_exportable(&run) {
            let sequence = Sequence::of(&run, platform);
            litmus.extend(sequence.map(|sequence| Test { name, sequence }));
        }
    }
    litmus.sort_by(|a, b| a.name.cmp(&b.name));
    tests.extend(litmus);
    Ok(tests)
}

/// Whether the program can make such a channel, on a system whose settings nobody has changed, and all of these calls.
fn is_exportable(run: &Run) -> bool {
    let setup = run.setup();
    let stock = !setup.crowded && setup.settings == Settings::STOCK && !setup.is_of_model();
    let made = |event: &Event| match event {
        Event::Call(call) => tables::makes(call.op),
        _ => true,
    };
    make(setup).is_some() && stock && run.events.iter().all(made)
}

/// The word of the program's text for how a channel is made.
fn make(setup: &Setup) -> Option<&'static str> {
    match (setup.kind.discipline, setup.kind.ends) {
        (Discipline::Stream, Ends::Shared) => Some("MAKE_PIPES"),
        (Discipline::Stream, Ends::Opened) => Some("MAKE_FIFO"),
        (Discipline::Queue, _) => Some("MAKE_QUEUE"),
        (Discipline::File, Ends::Opened) => Some("MAKE_FILE_BY_PATH"),
        (Discipline::File, _) => Some("MAKE_FILE_SHARED"),
        (Discipline::Unix(_, Naming::Path), _) => Some("MAKE_SOCKETS"),
        (Discipline::Unix(_, Naming::Abstract), _) => Some("MAKE_SOCKETS_ABSTRACT"),
        _ => None,
    }
}

/// The program: these tests, of which those named are expected to fail.
///
/// # Errors
///
/// [`ExportError::Unknown`].
pub fn program(
    tests: &[Test],
    platform: &Platform,
    expected: &[String],
) -> Result<String, ExportError> {
    if let Some(unknown) = expected.iter().find(|name| tests.iter().all(|test| test.name != **name))
    {
        return Err(ExportError::Unknown(unknown.clone()));
    }
    let runtime = include_str!("export/runtime.c");
    Ok(format!("{}{}\n{runtime}", tables::head(platform), tables::tables(tests, expected)))
}

/// The names in a list of tests: one a line, with what follows `#` for whoever reads it.
pub fn names(text: &str) -> Vec<String> {
    let names = text.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
    names.filter(|name| !name.is_empty()).map(str::to_owned).collect()
}
