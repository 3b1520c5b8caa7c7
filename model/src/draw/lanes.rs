//! Lanes of the channel: how their chips are broken into lines, and how wide that makes them.

use super::content::{Chip, Look};
use super::paint::text_width;
use super::rows::{Row, cut};

/// The widest chip.
const CHIP_WIDTH_MAX: i32 = 330;
/// The most lines of chips in a lane as wide as the widest chip; a lane that is narrower may have more.
const LANE_LINES_MAX: usize = 3;
const LANE_PAD: i32 = 8;

/// From one page of a pipe to the next, and its width.
pub(super) const PAGE_STEP: i32 = 12;
pub(super) const PAGE_WIDTH: i32 = 10;

/// The size of titles, in pixels.
pub(super) const TITLE_SIZE: i32 = 13;
/// The size of what chips say, in pixels.
pub(super) const CHIP_SIZE: i32 = 12;

/// A lane of the channel: its place, and for each row its chips, line by line.
pub(super) struct Lane {
    pub(super) title: String,
    pub(super) x: i32,
    pub(super) width: i32,
    pub(super) rows: Vec<Vec<Vec<Chip>>>,
}

/// The lane with this index, at most so wide without its padding unless one of its chips is wider.
pub(super) fn lane(rows: &[Row], index: usize, title: String, width_max: i32) -> Lane {
    let chips = rows.iter().map(|row| row.lanes.get(index).map_or(&[][..], Vec::as_slice));
    let lines = chips.map(|chips| in_lines(chips, width_max));
    let rows: Vec<Vec<Vec<Chip>>> = lines.collect();
    let widest = rows.iter().flatten().map(|line| line_width(line)).max().unwrap_or(0);
    let width = widest.max(text_width(&title, TITLE_SIZE)) + 2 * LANE_PAD;
    Lane { title, x: 0, width, rows }
}

/// The width of a chip, with its rim.
pub(super) fn chip_width(chip: &Chip) -> i32 {
    match &chip.look {
        Look::Pages(pages) => pages.len() as i32 * PAGE_STEP - (PAGE_STEP - PAGE_WIDTH),
        _ => text_width(&chip.text, CHIP_SIZE) + 12,
    }
}

/// The width of a line of chips.
pub(super) fn line_width(chips: &[Chip]) -> i32 {
    chips.iter().map(|chip| chip_width(chip) + 6).sum::<i32>() - 6
}

/// Breaks chips into lines; those that don't fit in are counted.
fn in_lines(chips: &[Chip], width_max: i32) -> Vec<Vec<Chip>> {
    let lines_max = LANE_LINES_MAX * (CHIP_WIDTH_MAX / width_max).max(1) as usize;
    let mut lines: Vec<Vec<Chip>> = Vec::new();
    for (index, chip) in chips.iter().enumerate() {
        let most = ((CHIP_WIDTH_MAX - 12) * 100 / (CHIP_SIZE * 62)) as usize - 2;
        let mut chip = chip.clone();
        chip.text = cut(&chip.text, most);
        let fits = |line: &Vec<Chip>| line_width(line) + 6 + chip_width(&chip) <= width_max;
        let full = lines.len() >= lines_max;
        match lines.last_mut().filter(|line| fits(line)) {
            Some(line) => line.push(chip),
            None if full => {
                let text = format!("and {} more", chips.len() - index);
                lines.push(vec![Chip { text, look: Look::Nothing }]);
                break;
            }
            None => lines.push(vec![chip]),
        }
    }
    lines
}
