//! Cases: runs kept as files, `CHAPTER/SITUATION.case`, each showing what rules say.
//!
//! It finds and reads them. Whether a case is right is not judged here.

use std::path::{Path, PathBuf};
use std::{fs, io};

use pipewright_model::run::Run;
use pipewright_model::text::ParseError;

/// The extension of case files.
pub const EXTENSION: &str = "case";

/// A case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// Its file.
    pub path: PathBuf,
    /// `chapter/situation`.
    pub name: String,
    /// Its text, as it stands in the file.
    pub text: String,
    /// The run that the text tells.
    pub run: Run,
}

impl Case {
    /// The chapter: the folder that the case stands in.
    pub fn chapter(&self) -> &str {
        self.name.split('/').next().unwrap_or_default()
    }
}

/// Why a case could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum CaseError {
    /// A file or folder could not be read.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The text of a file is no run.
    #[error("{}:{}:{}: {}{}", path.display(), error.line, error.column, error.what, help(error))]
    Parse {
        /// The file.
        path: PathBuf,
        /// The first thing that is wrong with it.
        error: ParseError,
    },
}

fn help(error: &ParseError) -> String {
    error.help.as_ref().map_or_else(String::new, |help| format!(" ({help})"))
}

/// Loads every case below `dir`, by name.
///
/// # Errors
///
/// The first file that can't be read, or is no run.
pub fn load_all(dir: &Path) -> Result<Vec<Case>, CaseError> {
    paths(dir)?.iter().map(|path| load(path)).collect()
}

/// The case files of all chapters below `dir`, in alphabetical order.
///
/// # Errors
///
/// The first folder that can't be read.
pub fn paths(dir: &Path) -> Result<Vec<PathBuf>, CaseError> {
    let mut paths = Vec::new();
    for chapter in entries(dir)? {
        if chapter.is_dir() {
            let files = entries(&chapter)?.into_iter();
            paths.extend(files.filter(|path| path.extension().is_some_and(|e| e == EXTENSION)));
        }
    }
    paths.sort_unstable();
    Ok(paths)
}

/// Loads the case in one file.
///
/// # Errors
///
/// The file can't be read, or is no run.
pub fn load(path: &Path) -> Result<Case, CaseError> {
    let text = fs::read_to_string(path)
        .map_err(|source| CaseError::Io { path: path.to_path_buf(), source })?;
    let run = text.parse().map_err(|error| CaseError::Parse { path: path.to_path_buf(), error })?;
    Ok(Case { path: path.to_path_buf(), name: name(path), text, run })
}

/// `chapter/situation` of a case file.
pub fn name(path: &Path) -> String {
    let part =
        |part: Option<&std::ffi::OsStr>| part.unwrap_or_default().to_string_lossy().into_owned();
    let chapter = part(path.parent().and_then(Path::file_name));
    format!("{chapter}/{}", part(path.file_stem()))
}

fn entries(dir: &Path) -> Result<Vec<PathBuf>, CaseError> {
    let failed = |source| CaseError::Io { path: dir.to_path_buf(), source };
    let entries = fs::read_dir(dir).map_err(failed)?;
    entries.map(|entry| entry.map(|entry| entry.path()).map_err(failed)).collect()
}

static EMBEDDED: include_dir::Dir<'_> = include_dir::include_dir!("$CARGO_MANIFEST_DIR/cases");

/// The cases that this program was built with, by name.
///
/// # Errors
///
/// The first that is no run; a test makes sure that there is none.
pub fn embedded() -> Result<Vec<Case>, CaseError> {
    let mut cases = Vec::new();
    for file in EMBEDDED.dirs().flat_map(include_dir::Dir::files) {
        if file.path().extension().is_some_and(|extension| extension == EXTENSION) {
            let text = file.contents_utf8().unwrap_or_default().to_owned();
            let path = file.path();
            let run = text
                .parse()
                .map_err(|error| CaseError::Parse { path: path.to_path_buf(), error })?;
            cases.push(Case { path: path.to_path_buf(), name: name(path), text, run });
        }
    }
    cases.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(cases)
}
