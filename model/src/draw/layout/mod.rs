//! From rows to shapes: where everything stands. Columns are as wide as their widest text, rows as high as
//! their highest, so that no text ever meets another.

mod bars;
mod legend;

use crate::call::Actor;
use crate::run::{Channel, Form, Run};
use crate::text;

use super::Story;
use super::content::{Chip, Look, Page, titles};
use super::lanes::{CHIP_SIZE, Lane, PAGE_STEP, PAGE_WIDTH, chip_width, lane, line_width};
use super::paint::{Anchor, Drawing, Shape, text_width};
use super::rows::{Row, lanes, rows, sides, wrap};
use super::theme::class;

const MARGIN: i32 = 12;
/// Width of numbers and of the word `quiet`.
const GUTTER: i32 = 48;
const BAR: i32 = 12;
/// Between an actor's column and what is next to it.
const GAP: i32 = 18;
/// Between the bars next to the channel and the channel.
const REACH: i32 = 40;
const WORD_SIZE: i32 = 13;
const WORD_LINE: i32 = 17;
const SMALL_SIZE: i32 = 11;
const SMALL_LINE: i32 = 15;
const CHIP_HEIGHT: i32 = 19;
/// From one arrow of those who wait to the next.
const WAIT_LINE: i32 = 12;
const CHIP_LINE: i32 = 23;
/// Above and below what a row shows.
const ROW_PAD: i32 = 7;
/// Lines of the preamble that are shown, and the characters of one.
const PREAMBLE_LINES: usize = 4;
const PREAMBLE_CHARS: usize = 110;

/// How closely everything is set.
#[derive(Clone, Copy)]
struct Measures {
    /// Characters of a line beside a bar.
    label_chars: usize,
    /// Width of a lane of the channel, unless one of its chips is wider.
    lane_width: i32,
    /// Whether the last part of a rule's id has a line of its own.
    rules_broken: bool,
}

/// From wide to close: the first by which a drawing is at most [`WIDTH_MAX`] wide is taken, or the last.
const MEASURES: [Measures; 4] = [
    Measures { label_chars: 30, lane_width: 330, rules_broken: false },
    Measures { label_chars: 30, lane_width: 330, rules_broken: true },
    Measures { label_chars: 18, lane_width: 180, rules_broken: true },
    Measures { label_chars: 10, lane_width: 80, rules_broken: true },
];

/// As wide as a page, in pixels.
const WIDTH_MAX: i32 = 1000;

/// An actor's column.
struct Column {
    actor: Actor,
    /// Whether it is left of the channel.
    left: bool,
    /// Left edge of its bar.
    bar: i32,
}

impl Column {
    fn middle(&self) -> i32 {
        self.bar + BAR / 2
    }

    /// Where its words begin or end, and which.
    fn words(&self) -> (i32, Anchor) {
        match self.left {
            true => (self.bar - 6, Anchor::End),
            false => (self.bar + BAR + 6, Anchor::Start),
        }
    }
}

struct Layout<'a> {
    story: &'a Story<'a>,
    run: &'a Run,
    rows: Vec<Row>,
    columns: Vec<Column>,
    lanes: Vec<Lane>,
    /// Left and right edge of the channel.
    band: (i32, i32),
    /// Where rules stand.
    rules: i32,
    width: i32,
    /// Upper edges of the rows, and the lower edge of the last.
    tops: Vec<i32>,
    shapes: Vec<Shape>,
}

/// The drawing of a story.
pub(super) fn drawing(story: &Story<'_>) -> Drawing {
    let [wide, close @ ..] = MEASURES;
    let mut layout = Layout::new(story, wide);
    for measures in close {
        if layout.width <= WIDTH_MAX {
            break;
        }
        layout = Layout::new(story, measures);
    }
    let top = layout.heading();
    layout.rows(top);
    layout.lifelines(top);
    layout.bars();
    layout.contents();
    layout.words();
    layout.waits();
    let height = layout.legend() + MARGIN;
    let title = layout.title();
    Drawing { width: layout.width, height, title, shapes: layout.shapes }
}

impl<'a> Layout<'a> {
    /// With all columns in their places, and nothing drawn.
    fn new(story: &'a Story<'a>, measures: Measures) -> Layout<'a> {
        let mut rows = rows(story, measures.label_chars);
        if measures.rules_broken {
            for row in &mut rows {
                row.rules = row.rules.iter().flat_map(|rule| broken(rule)).collect();
            }
        }
        let titles = titles(story, &lanes(story)).into_iter().enumerate();
        let lanes = titles.map(|(index, title)| lane(&rows, index, title, measures.lane_width));
        let mut layout = Layout {
            story,
            run: story.run,
            lanes: lanes.collect(),
            rows,
            columns: Vec::new(),
            band: (0, 0),
            rules: 0,
            width: 0,
            tops: Vec::new(),
            shapes: Vec::new(),
        };
        layout.columns();
        layout
    }

    /// Gives columns and lanes their places, from left to right.
    fn columns(&mut self) {
        let (left, right) = sides(self.run);
        let mut x = MARGIN + GUTTER;
        for actor in left {
            x += self.words_width(actor) + 6;
            self.columns.push(Column { actor, left: true, bar: x });
            x += BAR + GAP;
        }
        x += REACH - GAP;
        self.band.0 = x;
        for lane in &mut self.lanes {
            lane.x = x;
            x += lane.width;
        }
        self.band.1 = x;
        x += REACH;
        for actor in right {
            self.columns.push(Column { actor, left: false, bar: x });
            x += BAR + 6 + self.words_width(actor) + GAP;
        }
        self.rules = x;
        let rules = self.rows.iter().flat_map(|row| &row.rules);
        let rules = rules.map(|rule| text_width(rule, SMALL_SIZE)).max().unwrap_or(0);
        let notes = self.rows.iter().flat_map(|row| &row.notes);
        let notes = notes.map(|note| text_width(note, CHIP_SIZE) + 20).max().unwrap_or(0);
        let heading = self.preamble().into_iter().map(|line| text_width(&line, CHIP_SIZE));
        let heading = heading.chain([text_width(&self.title(), 15)]).max().unwrap_or(0);
        let legend = self.legend_items().into_iter().map(|(_, text)| text_width(text, SMALL_SIZE));
        let legend = legend.map(|width| width + 44).sum();
        self.width = (x + rules).max(MARGIN + notes.max(heading).max(legend)) + MARGIN;
    }

    /// The width of the widest words of an actor.
    fn words_width(&self, actor: Actor) -> i32 {
        let own = self.rows.iter().flat_map(|row| &row.labels).filter(|(of, _)| *of == actor);
        let words = own.flat_map(|(_, lines)| lines).map(|line| text_width(line, WORD_SIZE));
        let name = text_width(self.run.actor_name(actor), WORD_SIZE);
        words.chain([name, text_width(&self.holds(actor), SMALL_SIZE)]).max().unwrap_or(0)
    }

    fn holds(&self, actor: Actor) -> String {
        let ends = self.run.seats[usize::from(actor.0)].ends.iter();
        let ends: Vec<_> = ends.map(|(end, _)| self.run.end_name(*end)).collect();
        match ends.as_slice() {
            [] if self.run.seats[usize::from(actor.0)].form == Form::Forked => {
                "made by fork".to_owned()
            }
            [] => "no ends".to_owned(),
            ends => format!("holds {}", ends.join(" ")),
        }
    }

    fn title(&self) -> String {
        let channel = match self.run.channels.as_slice() {
            [Channel { setup, .. }] => text::header(setup),
            several => {
                let name =
                    |channel: &Channel| channel.name.map_or(String::new(), |n| n.to_string());
                format!("channels {}", several.iter().map(name).collect::<Vec<_>>().join(", "))
            }
        };
        match &self.story.title {
            Some(title) => format!("{title} ({})", channel.trim_end()),
            None => channel.trim_end().to_owned(),
        }
    }

    fn preamble(&self) -> Vec<String> {
        let lines = self.run.preamble.iter().flat_map(|text| text.lines());
        let lines = lines.flat_map(|line| wrap(line, PREAMBLE_CHARS));
        lines.take(PREAMBLE_LINES).collect()
    }

    /// Title, preamble, names; returns where rows begin.
    fn heading(&mut self) -> i32 {
        let mut y = MARGIN + 15;
        self.text(MARGIN, y, Anchor::Start, 15, "pw-title", &self.title());
        for line in self.preamble() {
            y += 18;
            self.text(MARGIN, y, Anchor::Start, CHIP_SIZE, "pw-faint", &line);
        }
        y += 30;
        for index in 0..self.columns.len() {
            let actor = self.columns[index].actor;
            let name = self.run.actor_name(actor).to_owned();
            let (x, anchor) = match self.columns[index].left {
                true => (self.columns[index].bar + BAR, Anchor::End),
                false => (self.columns[index].bar, Anchor::Start),
            };
            let class = format!("pw-name pw-head {}", class(actor.0));
            self.text(x, y, anchor, WORD_SIZE, &class, &name);
            let holds = self.holds(actor);
            self.text(x, y + SMALL_LINE, anchor, SMALL_SIZE, "pw-faint", &holds);
        }
        for index in 0..self.lanes.len() {
            let Lane { x, width, .. } = self.lanes[index];
            let title = self.lanes[index].title.clone();
            self.text(x + width / 2, y, Anchor::Middle, WORD_SIZE, "pw-name pw-lane", &title);
        }
        y + SMALL_LINE + 8
    }

    /// Gives rows their places.
    fn rows(&mut self, top: i32) {
        let mut y = top;
        for (index, row) in self.rows.iter().enumerate() {
            self.tops.push(y);
            let words = row.labels.iter().map(|(_, lines)| lines.len()).max().unwrap_or(0) as i32;
            let chips =
                self.lanes.iter().map(|lane| lane.rows[index].len()).max().unwrap_or(0) as i32;
            let rules = row.rules.len() as i32;
            let shown = (words * WORD_LINE).max(chips * CHIP_LINE).max(rules * SMALL_LINE);
            y += shown.max(WORD_LINE) + 2 * ROW_PAD + waits_height(row) + notes_height(row);
        }
        self.tops.push(y);
    }

    /// The lower edge of a row without its notes.
    fn bottom(&self, row: usize) -> i32 {
        self.tops[row + 1] - notes_height(&self.rows[row])
    }

    /// Arrows from those who wait for ever to those for whom they wait, one below the other.
    fn waits(&mut self) {
        for index in 0..self.rows.len() {
            let mut y = self.bottom(index) - waits_height(&self.rows[index]) + WAIT_LINE / 2;
            for (from, to) in self.rows[index].waits.clone() {
                let middle = |actor| {
                    let column = self.columns.iter().find(|column| column.actor == actor);
                    column.map(Column::middle)
                };
                if let (Some(from), Some(to)) = (middle(from), middle(to)) {
                    self.path(arrow(from, to, y), "pw-wrong".to_owned());
                }
                y += WAIT_LINE;
            }
        }
    }

    /// Where a bar ends that begins and ends in a row.
    fn below_words(&self, row: usize) -> i32 {
        let lines = self.rows[row].labels.iter().map(|(_, lines)| lines.len()).max().unwrap_or(1);
        self.tops[row] + 2 * ROW_PAD + lines.max(1) as i32 * WORD_LINE - 7
    }

    /// The channel, and the actors as lines while they are there: dotted where one holds no end.
    fn lifelines(&mut self, top: i32) {
        let end = self.tops[self.rows.len()];
        let (x, to) = self.band;
        self.rect(x, top, to - x, end - top, 4, "pw-band");
        for lane in 1..self.lanes.len() {
            let x = self.lanes[lane].x;
            self.path(format!("M{x} {top}V{end}"), "pw-life pw-gone".into());
        }
        for column in 0..self.columns.len() {
            let Column { actor, .. } = self.columns[column];
            let x = self.columns[column].middle();
            let mut from = top;
            let line = |row: &Row| match (row.absent.contains(actor), row.bare.contains(actor)) {
                (true, _) => None,
                (false, true) => Some("pw-life pw-gone"),
                (false, false) => Some("pw-life"),
            };
            let mut now = self.rows.first().and_then(line);
            for row in 1..=self.rows.len() {
                let next = self.rows.get(row).map(line);
                if next != Some(now) {
                    let to = match self.rows.get(row) {
                        Some(ends) if ends.exits.is_some() => self.tops[row] + ROW_PAD + 9,
                        Some(_) => self.below_words(row) + 4,
                        None => end,
                    };
                    if let Some(class) = now {
                        self.path(format!("M{x} {from}V{to}"), class.into());
                    }
                    from = to;
                    now = next.flatten();
                }
            }
        }
    }

    /// What is in the channel.
    fn contents(&mut self) {
        for lane in 0..self.lanes.len() {
            for row in 0..self.rows.len() {
                let mut y = self.tops[row] + ROW_PAD - 1;
                let lines = std::mem::take(&mut self.lanes[lane].rows[row]);
                for line in &lines {
                    let mut x =
                        self.lanes[lane].x + (self.lanes[lane].width - line_width(line)) / 2;
                    for chip in line {
                        self.chip(chip, x, y);
                        x += chip_width(chip) + 6;
                    }
                    y += CHIP_LINE;
                }
            }
        }
    }

    fn chip(&mut self, chip: &Chip, x: i32, y: i32) {
        let (shape, text) = match &chip.look {
            Look::Pages(pages) => return self.pages(pages, x, y),
            Look::Bytes(actor) => (format!("pw-bytes {}", class_of(*actor)), "pw-chip"),
            Look::Passing(actor) => (format!("pw-passing {}", class_of(*actor)), "pw-chip"),
            Look::Flag | Look::Unknown => ("pw-flag".to_owned(), "pw-chip pw-faint"),
            Look::Nothing => (String::new(), "pw-chip pw-nothing"),
        };
        let width = chip_width(chip);
        if !shape.is_empty() {
            let round = if chip.look == Look::Flag { CHIP_HEIGHT / 2 } else { 2 };
            self.rect(x, y, width, CHIP_HEIGHT, round, &shape);
        }
        self.text(x + width / 2, y + 14, Anchor::Middle, CHIP_SIZE, text, &chip.text);
    }

    /// Pages side by side, each filled from below.
    fn pages(&mut self, pages: &[Page], x: i32, y: i32) {
        for (index, Page { of, filled: (from, to) }) in pages.iter().enumerate() {
            let x = x + index as i32 * PAGE_STEP;
            self.rect(x, y, PAGE_WIDTH, CHIP_HEIGHT, 0, "pw-flag");
            let Some(of) = of else { continue };
            let (from, to) = (CHIP_HEIGHT * from / 100, CHIP_HEIGHT * to / 100);
            let class = format!("pw-bytes {}", class_of(*of));
            self.rect(x, y + CHIP_HEIGHT - to, PAGE_WIDTH, (to - from).max(1), 0, &class);
        }
    }

    /// Numbers, words beside bars, rules, notes.
    fn words(&mut self) {
        for index in 0..self.rows.len() {
            let row = self.rows[index].clone();
            let y = self.tops[index] + ROW_PAD + 13;
            if row.quiet.is_some() {
                self.text(MARGIN, y, Anchor::Start, SMALL_SIZE, "pw-faint", "quiet");
            } else if row.number > 0 {
                let number = match row.last {
                    0 => row.number.to_string(),
                    last => format!("{}\u{2013}{last}", row.number),
                };
                self.text(MARGIN, y, Anchor::Start, SMALL_SIZE, "pw-faint", &number);
            } else if index > 0 && row.moves.is_none() {
                self.text(MARGIN, y, Anchor::Start, SMALL_SIZE, "pw-faint", "arrives");
            }
            for (actor, lines) in &row.labels {
                let Some(column) = self.columns.iter().find(|column| column.actor == *actor) else {
                    continue;
                };
                let (x, anchor) = column.words();
                let class = match (row.fails, row.quiet.is_some() || row.moves.is_some()) {
                    (true, _) => "pw-word pw-fails",
                    (_, true) => "pw-word pw-faint",
                    _ => "pw-word",
                };
                for (line, text) in lines.iter().enumerate() {
                    self.text(x, y + line as i32 * WORD_LINE, anchor, WORD_SIZE, class, text);
                }
            }
            for (line, rule) in row.rules.iter().enumerate() {
                let y = y - 1 + line as i32 * SMALL_LINE;
                self.text(self.rules, y, Anchor::Start, SMALL_SIZE, "pw-rule pw-faint", rule);
            }
            self.notes(index, &row);
        }
    }

    fn notes(&mut self, index: usize, row: &Row) {
        if row.notes.is_empty() {
            return;
        }
        let top = self.bottom(index);
        let height = notes_height(row) - 6;
        self.rect(MARGIN, top, self.width - 2 * MARGIN, height, 4, "pw-note");
        for (line, note) in row.notes.iter().enumerate() {
            let y = top + 17 + line as i32 * WORD_LINE;
            self.text(MARGIN + 10, y, Anchor::Start, CHIP_SIZE, "pw-bad", note);
        }
    }

    fn rect(&mut self, x: i32, y: i32, width: i32, height: i32, round: i32, class: &str) {
        self.shapes.push(Shape::Rect { x, y, width, height, round, class: class.to_owned() });
    }

    fn path(&mut self, data: String, class: String) {
        self.shapes.push(Shape::Path { data, class });
    }

    fn text(&mut self, x: i32, y: i32, anchor: Anchor, size: i32, class: &str, text: &str) {
        let (class, text) = (class.to_owned(), text.to_owned());
        self.shapes.push(Shape::Text { x, y, anchor, size, class, text });
    }
}

/// A rule's id in two lines, the last part in the second.
fn broken(rule: &str) -> Vec<String> {
    match rule.rsplit_once('.') {
        Some((call, situation)) => vec![format!("{call}."), situation.to_owned()],
        None => vec![rule.to_owned()],
    }
}

/// An arrow at a height; one that leads back to where it begins goes round.
fn arrow(from: i32, to: i32, y: i32) -> String {
    let side = BAR / 2 + 2;
    let way = if to > from { 1 } else { -1 };
    let (from, to) = (from + way * side, to - way * side);
    let head = -5 * way;
    match way * (to - from) > 0 {
        true => format!("M{from} {y}H{to}m{head} -3l{} 3l{head} 3", -head),
        false => format!("M{from} {y}h-12v7h12m-5 -3l5 3l-5 3"),
    }
}

fn waits_height(row: &Row) -> i32 {
    row.waits.len() as i32 * WAIT_LINE
}

fn notes_height(row: &Row) -> i32 {
    match row.notes.len() as i32 {
        0 => 0,
        lines => lines * WORD_LINE + 16,
    }
}

/// The colour of bytes: of those that nobody wrote, none.
fn class_of(actor: Actor) -> String {
    match [crate::data::ZERO, crate::data::ANY].contains(&actor) {
        true => "pw-flag".to_owned(),
        false => class(actor.0),
    }
}
