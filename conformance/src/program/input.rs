//! Reading text: from a path, or from standard input where the path is `-`.

use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::ops::Range;
use std::path::Path;
use std::str::FromStr;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use pipewright_model::litmus::Litmus;
use pipewright_model::run::Run;
use pipewright_model::text;

use super::Refusal;

/// The largest file that is read, in MiB: some ten million calls of a run.
const SIZE_MAX_MIB: u64 = 64;

/// Reads a run file.
pub(super) fn load(path: &Path) -> Result<Run, Refusal> {
    load_as(path)
}

/// A run, and the lines of its events in the file, from 1.
pub(super) struct Located {
    pub(super) run: Run,
    pub(super) lines: Vec<usize>,
    pub(super) places: Places,
}

/// A litmus file, and where its events stand in it.
pub(super) struct LocatedLitmus {
    pub(super) litmus: Litmus,
    pub(super) places: Places,
}

/// Where the events of a file stand in it.
pub(super) struct Places {
    source: String,
    /// As ranges of bytes.
    events: Vec<Range<usize>>,
}

impl Places {
    /// The place of an event, as parse errors have it: `a.case:3:1`.
    pub(super) fn told(&self, path: &Path, event: usize) -> String {
        let name = name(path);
        match self.events.get(event) {
            Some(place) => format!("{name}:{}", text::position(&self.source, place.start)),
            None => name,
        }
    }
}

impl FromStr for Located {
    type Err = text::ParseError;

    fn from_str(source: &str) -> Result<Located, text::ParseError> {
        let parsed = text::parse(source)?;
        let lines = parsed.lines(source);
        let places = Places { source: source.to_owned(), events: parsed.places };
        Ok(Located { lines, run: parsed.run, places })
    }
}

impl FromStr for LocatedLitmus {
    type Err = text::ParseError;

    fn from_str(source: &str) -> Result<LocatedLitmus, text::ParseError> {
        let litmus: Litmus = source.parse()?;
        let places = Places { source: source.to_owned(), events: litmus.places.clone() };
        Ok(LocatedLitmus { litmus, places })
    }
}

/// Reads a file of this sort.
pub(super) fn load_as<T: FromStr<Err = text::ParseError>>(path: &Path) -> Result<T, Refusal> {
    let (name, source) = text_of(path, "a run", "cut the run into several")?;
    source.parse().map_err(|error| Refusal::new(drawn(&name, &source, &error)))
}

/// Reads text, with the name of its file: what it should be, and what helps where it is too large.
pub(super) fn text_of(path: &Path, what: &str, smaller: &str) -> Result<(String, String), Refusal> {
    let name = name(path);
    let failed = |error: io::Error| Refusal::new(format!("failed to read {name}: {error}"));
    let bytes = if path.as_os_str() == "-" {
        read(io::stdin().lock(), smaller)
    } else {
        File::open(path).and_then(|file| read(file, smaller))
    };
    let source = String::from_utf8(bytes.map_err(failed)?).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        Refusal::new(format!("failed to read {name}: byte {at} is not UTF-8; {what} is text"))
    })?;
    Ok((name, source))
}

/// A file's name as errors have it.
fn name(path: &Path) -> String {
    match path.as_os_str() == "-" {
        true => "standard input".to_owned(),
        false => path.display().to_string(),
    }
}

fn read(from: impl Read, smaller: &str) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take((SIZE_MAX_MIB << 20) + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > SIZE_MAX_MIB << 20 {
        return Err(io::Error::other(format!(
            "it is larger than {SIZE_MAX_MIB} MiB, the most that is read; {smaller}"
        )));
    }
    Ok(bytes)
}

/// A parse error: its place, what is wrong, and the line with the place marked.
fn drawn(path: &str, source: &str, error: &text::ParseError) -> String {
    let place = AnnotationKind::Primary.span(error.bytes.clone()).label("here");
    let picture =
        Group::with_level(Level::ERROR).element(Snippet::source(source).annotation(place));
    let help = error.help.as_ref().map(|help| Level::HELP.message(help));
    let coloured = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let renderer = if coloured { Renderer::styled() } else { Renderer::plain() };
    let drawn = renderer.render(&[picture.elements(help)]);
    format!("{path}:{}:{}: {}\n{drawn}", error.line, error.column, error.what)
}
