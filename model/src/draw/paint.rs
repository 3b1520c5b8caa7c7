//! Shapes as SVG text.

use std::fmt::Write as _;

use super::theme::{self, Theme};

/// A drawing: its size in pixels, what it is of, and its shapes, the lowest first.
#[derive(Clone, Debug)]
pub(super) struct Drawing {
    pub(super) width: i32,
    pub(super) height: i32,
    pub(super) title: String,
    pub(super) shapes: Vec<Shape>,
}

/// A shape; its class tells what it is.
#[derive(Clone, Debug)]
pub(super) enum Shape {
    Rect { x: i32, y: i32, width: i32, height: i32, round: i32, class: String },
    Path { data: String, class: String },
    Text { x: i32, y: i32, anchor: Anchor, size: i32, class: String, text: String },
}

/// Which point of a text is at its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// The width of a text in pixels, and rather more: a monospaced character takes 0.602 of its size, one that
/// the font may lack up to all of it.
pub(super) fn text_width(text: &str, size: i32) -> i32 {
    let wide = text.chars().filter(|c| !c.is_ascii()).count() as i32;
    let narrow = text.chars().count() as i32 - wide;
    (narrow * size * 62).div_euclid(100) + 1 + wide * size
}

/// The drawing as a document.
pub(super) fn svg(drawing: &Drawing, theme: Theme) -> String {
    let Drawing { width, height, title, shapes } = drawing;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"pw\" role=\"img\" width=\"{width}\" \
         height=\"{height}\" viewBox=\"0 0 {width} {height}\">\n<title>{}</title>\n<style>\n{}</style>\n",
        escaped(title),
        theme::style(theme)
    );
    if theme::is_opaque(theme) {
        let _ = writeln!(svg, "<rect class=\"pw-back\" width=\"{width}\" height=\"{height}\"/>");
    }
    for shape in shapes {
        paint(shape, &mut svg);
    }
    svg.push_str("</svg>\n");
    svg
}

fn paint(shape: &Shape, svg: &mut String) {
    // Writing to a string never fails.
    let _ = match shape {
        Shape::Rect { x, y, width, height, round, class } => writeln!(
            svg,
            "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" \
             rx=\"{round}\"/>"
        ),
        Shape::Path { data, class } => writeln!(svg, "<path class=\"{class}\" d=\"{data}\"/>"),
        Shape::Text { x, y, anchor, size, class, text } => {
            let anchor = match anchor {
                Anchor::Start => "start",
                Anchor::Middle => "middle",
                Anchor::End => "end",
            };
            let text = escaped(text);
            writeln!(
                svg,
                "<text class=\"{class}\" x=\"{x}\" y=\"{y}\" text-anchor=\"{anchor}\" \
                 font-size=\"{size}\">{text}</text>"
            )
        }
    };
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
