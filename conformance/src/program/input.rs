//! Reading run files: from a path, or from standard input where the path is `-`.

use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::path::Path;
use std::str::FromStr;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use pipewright_model::run::Run;
use pipewright_model::text;

use super::Refusal;

/// The largest run file that is read, in MiB: some ten million calls.
const SIZE_MAX_MIB: u64 = 64;

/// Reads a run file.
pub(super) fn load(path: &Path) -> Result<Run, Refusal> {
    load_as(path)
}

/// Reads a file of this sort.
pub(super) fn load_as<T: FromStr<Err = text::ParseError>>(path: &Path) -> Result<T, Refusal> {
    let name = match path.as_os_str() == "-" {
        true => "standard input".to_owned(),
        false => path.display().to_string(),
    };
    let failed = |error: io::Error| Refusal::new(format!("failed to read {name}: {error}"));
    let bytes = if path.as_os_str() == "-" {
        read(io::stdin().lock())
    } else {
        File::open(path).and_then(read)
    };
    let source = String::from_utf8(bytes.map_err(failed)?).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        Refusal::new(format!("failed to read {name}: byte {at} is not UTF-8; a run is text"))
    })?;
    source.parse().map_err(|error| Refusal::new(drawn(&name, &source, &error)))
}

fn read(from: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take((SIZE_MAX_MIB << 20) + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > SIZE_MAX_MIB << 20 {
        return Err(io::Error::other(format!(
            "it is larger than {SIZE_MAX_MIB} MiB, the most that is read; cut the run into several"
        )));
    }
    Ok(bytes)
}

/// A parse error with the line that it is in, and the place marked.
fn drawn(path: &str, source: &str, error: &text::ParseError) -> String {
    let place = AnnotationKind::Primary.span(error.bytes.clone()).label("here");
    let snippet = Snippet::source(source).path(path).annotation(place);
    let told = Level::ERROR.primary_title(&error.what).element(snippet);
    let help = error.help.as_ref().map(|help| Level::HELP.message(help));
    let coloured = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let renderer = if coloured { Renderer::styled() } else { Renderer::plain() };
    let drawn = renderer.render(&[told.elements(help)]);
    // What is wrong stands in the picture.
    format!("failed to read {path}: line {}, column {}:\n{drawn}", error.line, error.column)
}
