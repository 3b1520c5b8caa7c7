//! Reading text: from a path, or from standard input where the path is `-`.

use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::ops::Range;
use std::path::Path;
use std::str::FromStr;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use pipewright_model::litmus::Litmus;
use pipewright_model::run::Run;
use pipewright_model::script::Script;
use pipewright_model::text;

use super::Refusal;

/// The largest file that is read, in MiB: some ten million calls of a run.
const SIZE_MAX_MIB: u64 = 64;

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

/// The text of a file that is a log of strace; `None` for any other, and for what can't be read.
pub(super) fn log(path: &Path) -> Option<String> {
    if !path.is_file() {
        return None;
    }
    let text = String::from_utf8_lossy(&std::fs::read(path).ok()?).into_owned();
    pipewright_conformance::strace::looks_like_strace(&text).then_some(text)
}

/// Reads a file of this sort.
pub(super) fn load_as<T: FromStr<Err = text::ParseError>>(path: &Path) -> Result<T, Refusal> {
    let (name, source) = text_of(path, "a run", "cut the run into several")?;
    source.parse().map_err(|error| Refusal::new(drawn(&name, &source, &error)))
}

/// A file that is searched or explored.
pub(super) enum Searched {
    /// A system.
    System(Box<Script>),
    /// A run.
    Run(Box<Run>),
}

/// Reads a file of a system, or of a run.
pub(super) fn load_searched(path: &Path) -> Result<Searched, Refusal> {
    let (name, source) = text_of(path, "a system or a run", "cut the run into several")?;
    let refused = |error| Refusal::new(drawn(&name, &source, &error));
    let is_system = path.extension().is_some_and(|is| is == "system") || begins_as_system(&source);
    if is_system {
        return source.parse().map(|script| Searched::System(Box::new(script))).map_err(refused);
    }
    source.parse().map(|run| Searched::Run(Box::new(run))).map_err(refused)
}

/// Whether the first line that is no comment says that this is a system.
fn begins_as_system(source: &str) -> bool {
    let mut words = source.lines().filter(|line| !line.starts_with('#'));
    words.find_map(|line| line.split_whitespace().next()) == Some("system")
}

/// The system that a file is, or whose calls those of a run are.
pub(super) fn script_of(path: &Path, searched: Searched) -> Result<Script, Refusal> {
    match searched {
        Searched::System(script) => Ok(*script),
        Searched::Run(run) => {
            let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let refused = |what| Refusal::new(format!("{}: {what}", name(path)));
            Script::of_run(&stem, &run).map_err(refused)
        }
    }
}

/// Whether an argument can't be the name of a system, and so is the path of a file, be it there or not.
pub(super) fn is_path(argument: &str) -> bool {
    argument == "-" || argument.contains(['/', '.']) || Path::new(argument).is_file()
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
