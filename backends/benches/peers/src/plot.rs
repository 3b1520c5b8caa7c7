//! The ratios as a drawing: a bar each, on a logarithmic scale around 1.

use std::error::Error;

use plotters::coord::combinators::IntoLogRange;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::{Row, ratio};

const WIDTH: u32 = 1000;
const LINE: u32 = 22;
/// Room for the numbers above.
const TOP: u32 = 40;
/// Room for what was measured, and for the ratios.
const SIDES: (u32, u32) = (500, 60);

/// The ends of the scale.
const LEAST: f64 = 0.01;
const MOST: f64 = 10.0;

const FASTER: RGBColor = RGBColor(0x2f, 0x9e, 0x6e);
const SLOWER: RGBColor = RGBColor(0xc8, 0x66, 0x33);
const MUST: RGBColor = RGBColor(0x22, 0x44, 0xcc);
const AIM: RGBColor = RGBColor(0x88, 0xaa, 0xee);
const LINES: RGBColor = RGBColor(0xcc, 0xcc, 0xcc);

/// The drawing as SVG: on white, so that it can be read on a dark page as well.
///
/// # Errors
///
/// Whatever the library says.
pub fn svg(rows: &[Row]) -> Result<String, Box<dyn Error>> {
    let mut svg = String::new();
    let height = TOP + LINE * rows.len() as u32 + 10;
    let root = SVGBackend::with_string(&mut svg, (WIDTH, height)).into_drawing_area();
    root.fill(&WHITE)?;
    let rows_down = rows.len() as f64..0.0;
    let mut chart = ChartBuilder::on(&root)
        .margin_top(TOP)
        .margin_left(SIDES.0)
        .margin_right(SIDES.1)
        .margin_bottom(10)
        .build_cartesian_2d((LEAST..MOST).log_scale(), rows_down.clone())?;
    let font = ("sans-serif", 13).into_font();
    let text = |pos| TextStyle::from(font.clone()).pos(pos);
    let (on_the_left, above) =
        (text(Pos::new(HPos::Right, VPos::Center)), text(Pos::new(HPos::Center, VPos::Bottom)));
    let on_the_right = text(Pos::new(HPos::Left, VPos::Center));
    for mark in [LEAST, 0.1, 1.0, MOST] {
        let line = vec![(mark, 0.0), (mark, rows.len() as f64)];
        let colour = if mark == 1.0 { BLACK } else { LINES };
        chart.draw_series([PathElement::new(line, colour)])?;
        let at = chart.backend_coord(&(mark, 0.0));
        root.draw(&Text::new(mark.to_string(), (at.0, at.1 - 8), above.clone()))?;
    }
    for (index, row) in rows.iter().enumerate() {
        let (top, middle) = (index as f64 + 0.2, index as f64 + 0.5);
        let colour = if row.ratio <= 1.0 { FASTER } else { SLOWER };
        let ends = [(1.0, top), (row.ratio.clamp(LEAST, MOST), top + 0.6)];
        chart.draw_series([Rectangle::new(ends, colour.filled())])?;
        if let Some((must, aim)) = row.bounds {
            for (bound, stroke) in [(aim, AIM.stroke_width(2)), (must, MUST.stroke_width(2))] {
                let line = vec![(bound, index as f64 + 0.1), (bound, index as f64 + 0.9)];
                chart.draw_series([PathElement::new(line, stroke)])?;
            }
        }
        let at = chart.backend_coord(&(LEAST, middle));
        root.draw(&Text::new(row.what.clone(), (at.0 - 10, at.1), on_the_left.clone()))?;
        let at = chart.backend_coord(&(MOST, middle));
        let ratio = ratio(row.ratio);
        root.draw(&Text::new(ratio, (at.0 + 10, at.1), on_the_right.clone()))?;
    }
    root.present()?;
    drop(chart);
    drop(root);
    Ok(svg)
}
