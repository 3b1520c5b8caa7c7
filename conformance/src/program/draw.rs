//! `pipewright draw`: a run file as a picture, or what a system shows.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use pipewright_model::draw::{self, Story};
use pipewright_model::system::System;
use pipewright_model::verify::verify;

use super::input::{Searched, load_searched};
use super::{Profile, Refusal, Status, output};

/// Arguments of `draw`.
#[derive(Args)]
pub(super) struct Arguments {
    /// The run file (a case, or a saved failure) or system file; `-` is standard input.
    file: PathBuf,
    /// Where to write the SVG, replacing an existing file; standard output by default, or for `-`.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Colours: light, dark, or as the reader prefers.
    #[arg(long, value_enum, default_value_t)]
    theme: Theme,
    /// The rules that give the contents of the channel.
    #[arg(long, value_enum, default_value_t)]
    profile: Profile,
}

/// [`draw::Theme`] as an argument.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Theme {
    /// As the reader prefers.
    #[default]
    Auto,
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

impl From<Theme> for draw::Theme {
    fn from(theme: Theme) -> draw::Theme {
        match theme {
            Theme::Auto => draw::Theme::Auto,
            Theme::Light => draw::Theme::Light,
            Theme::Dark => draw::Theme::Dark,
        }
    }
}

/// Draws a file. A run that deviates is drawn, too, with what was allowed instead.
pub(super) fn run(arguments: &Arguments) -> Result<Status, String> {
    drawn(arguments).map_err(|refusal| refusal.text().to_owned())?;
    Ok(Status::Conforms)
}

fn drawn(arguments: &Arguments) -> Result<(), Refusal> {
    let theme = arguments.theme.into();
    let svg = match load_searched(&arguments.file)? {
        Searched::Run(run) => Story::of(&run, arguments.profile.platform()).svg(theme),
        Searched::System(script) => of_system(&System::of(&script), theme)?,
    };
    let standard = PathBuf::from("-");
    let output = arguments.output.as_ref().unwrap_or(&standard);
    let options = [("--output", Some(output))];
    output::open(&options, &[("the run file", &arguments.file)])?.write(0, || Ok(svg))
}

/// The shortest way to what breaks a claim of a system, or where nothing does to what shows one.
fn of_system(system: &System, theme: draw::Theme) -> Result<String, Refusal> {
    let report = verify(system, STATES_MAX);
    let broken = report.broken().find_map(|found| found.shown.as_ref());
    let shown = || report.found.iter().find_map(|found| found.shown.as_ref());
    match broken.or_else(shown) {
        Some(path) => Ok(system.svg(&path.actions, theme)),
        None => Err(Refusal::new(format!(
            "{}: no claim is broken, and none is shown by a run; \"possible …\" claims something that is",
            system.name
        ))),
    }
}

/// The most states that are searched for what is drawn.
const STATES_MAX: usize = 10_000_000;
