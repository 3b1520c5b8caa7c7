//! Colours: of a drawing on a light page, on a dark one, or on either.

use std::fmt::Write as _;

/// For which page a drawing is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    /// Light or dark as the reader prefers (`prefers-color-scheme`).
    #[default]
    Auto,
    /// A light page.
    Light,
    /// A dark page.
    Dark,
    /// A dark page whose background shows.
    Page,
}

struct Palette {
    back: &'static str,
    band: &'static str,
    line: &'static str,
    ink: &'static str,
    faint: &'static str,
    bad: &'static str,
    /// For each actor its fill and its stroke.
    actors: [(&'static str, &'static str); 8],
}

const LIGHT: Palette = Palette {
    back: "#ffffff",
    band: "#f1f4f8",
    line: "#8b98a8",
    ink: "#1c2733",
    faint: "#5a6878",
    bad: "#b3261e",
    actors: [
        ("#d3e6f8", "#1f6fb4"),
        ("#fbe2c7", "#b8620a"),
        ("#d2eed4", "#2c7f3a"),
        ("#f4d7e9", "#a8337e"),
        ("#fff0b3", "#8a6d00"),
        ("#dcd8f3", "#5747b0"),
        ("#d2eeee", "#17807f"),
        ("#eae1d8", "#7f5f3d"),
    ],
};

const DARK: Palette = Palette {
    back: "#0f1b2a",
    band: "#22384f",
    line: "#7f93a8",
    ink: "#e7ecef",
    faint: "#aebbc8",
    bad: "#ff8a80",
    actors: [
        ("#1d4b78", "#7fbcf5"),
        ("#6b4015", "#f7b267"),
        ("#1f5a35", "#7ad79a"),
        ("#66285a", "#f19ad8"),
        ("#5c5012", "#e8d05a"),
        ("#41367d", "#b6a9fb"),
        ("#165a5a", "#6ddada"),
        ("#58432c", "#d9ba8b"),
    ],
};

/// The colour of an actor's bytes, as a class: actors beyond the eighth begin anew.
pub(super) fn class(actor: u8) -> String {
    format!("pw-a{}", usize::from(actor) % LIGHT.actors.len())
}

/// The style sheet of a drawing.
pub(super) fn style(theme: Theme) -> String {
    let mut css = String::from(SHAPES);
    match theme {
        Theme::Light => css.push_str(&colours(&LIGHT)),
        Theme::Dark | Theme::Page => css.push_str(&colours(&DARK)),
        Theme::Auto => {
            css.push_str(&colours(&LIGHT));
            let _ = write!(css, "@media (prefers-color-scheme:dark){{\n{}}}\n", colours(&DARK));
        }
    }
    css
}

/// Whether the drawing brings its own background.
pub(super) fn is_opaque(theme: Theme) -> bool {
    theme != Theme::Page
}

const SHAPES: &str = "\
.pw text{font-family:\"DejaVu Sans Mono\",\"Liberation Mono\",Menlo,Consolas,monospace;stroke:none}
.pw .pw-life,.pw .pw-flow,.pw .pw-quiet{fill:none}
.pw .pw-gone{stroke-dasharray:1 5}
.pw .pw-passing{stroke-dasharray:4 3}
.pw .pw-quiet{stroke-dasharray:7 4;stroke-width:1.5}
.pw .pw-flag{fill:none}
.pw .pw-name,.pw .pw-title{font-weight:bold}
";

fn colours(palette: &Palette) -> String {
    let Palette { back, band, line, ink, faint, bad, actors } = palette;
    let mut css = format!(
        "\
.pw .pw-back{{fill:{back}}}
.pw .pw-band{{fill:{band}}}
.pw .pw-life,.pw .pw-quiet,.pw .pw-flag{{stroke:{line}}}
.pw text{{fill:{ink}}}
.pw .pw-faint,.pw .pw-nothing{{fill:{faint}}}
.pw .pw-bad,.pw .pw-fails{{fill:{bad}}}
.pw .pw-cross,.pw .pw-wrong{{stroke:{bad};fill:none}}
.pw .pw-note{{fill:{back};stroke:{bad}}}
"
    );
    for (index, (fill, stroke)) in actors.iter().enumerate() {
        let _ = write!(
            css,
            ".pw .pw-a{index}{{fill:{fill};stroke:{stroke}}}\n\
             .pw .pw-flow.pw-a{index}{{fill:none}}\n\
             .pw .pw-tip.pw-a{index},.pw .pw-stripe.pw-a{index}{{fill:{stroke}}}\n\
             .pw .pw-head.pw-a{index}{{fill:{stroke};stroke:none}}\n"
        );
    }
    css
}
