//! The cases of the conformance crate.

use std::fs;
use std::path::{Path, PathBuf};

use pipewright_model::run::Run;

/// All of them, each with where it stands, in alphabetical order.
pub(crate) fn cases() -> Vec<(PathBuf, Run)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../conformance/cases");
    let chapters = fs::read_dir(root).expect("cases").flatten();
    let files = chapters.flat_map(|chapter| fs::read_dir(chapter.path()).expect("cases").flatten());
    let mut all: Vec<_> = files
        .map(|file| file.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "case"))
        .map(|path| {
            let text = fs::read_to_string(&path).expect("text");
            let run = text.parse().unwrap_or_else(|e| panic!("{}: {e}", path.display()));
            (path, run)
        })
        .collect();
    all.sort_by(|(a, _), (b, _)| a.cmp(b));
    assert!(all.len() > 200, "only {} cases", all.len());
    all
}
