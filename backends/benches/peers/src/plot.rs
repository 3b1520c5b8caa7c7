//! The ratios as a drawing: a bar each, on a logarithmic scale around 1.

use std::fmt::Write as _;

use super::Row;

const LEFT: f64 = 520.0;
const WIDTH: f64 = 420.0;
const LINE: f64 = 22.0;
const TOP: f64 = 40.0;

/// From a hundredth to ten times.
fn x(ratio: f64) -> f64 {
    LEFT + (ratio.clamp(0.01, 10.0).log10() + 2.0) / 3.0 * WIDTH
}

/// The drawing.
pub fn svg(rows: &[Row]) -> String {
    let height = TOP + LINE * rows.len() as f64 + 10.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 1000 {height}\" \
         font-family=\"sans-serif\" font-size=\"13\">\n\
         <rect width=\"1000\" height=\"{height}\" fill=\"white\"/>\n"
    );
    for mark in [0.01, 0.1, 1.0, 10.0] {
        let (x, colour) = (x(mark), if mark == 1.0 { "#333" } else { "#ccc" });
        let _ = writeln!(
            svg,
            "<line x1=\"{x:.0}\" y1=\"28\" x2=\"{x:.0}\" y2=\"{height}\" stroke=\"{colour}\"/>\
             <text x=\"{x:.0}\" y=\"20\" text-anchor=\"middle\">{mark}</text>"
        );
    }
    for (index, row) in rows.iter().enumerate() {
        let y = TOP + LINE * index as f64;
        let (from, to) = (x(1.0).min(x(row.ratio)), x(1.0).max(x(row.ratio)));
        let colour = if row.ratio <= 1.0 { "#3a7" } else { "#c63" };
        let (text, middle) = (y + 10.0, LEFT - 10.0);
        let _ = writeln!(
            svg,
            "<text x=\"{middle}\" y=\"{text}\" text-anchor=\"end\">{}</text>\
             <rect x=\"{from:.0}\" y=\"{y}\" width=\"{:.0}\" height=\"13\" fill=\"{colour}\"/>\
             <text x=\"950\" y=\"{text}\">{:.2}</text>",
            row.what,
            to - from,
            row.ratio
        );
        if let Some((must, _)) = row.bounds {
            let x = x(must);
            let _ = writeln!(
                svg,
                "<line x1=\"{x:.0}\" y1=\"{}\" x2=\"{x:.0}\" y2=\"{}\" stroke=\"#00c\" \
                 stroke-width=\"2\"/>",
                y - 2.0,
                y + 15.0
            );
        }
    }
    svg + "</svg>\n"
}
