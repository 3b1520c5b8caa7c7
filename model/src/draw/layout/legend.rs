//! The legend: what signs mean that are not plain.

use super::super::content::{Chip, Look};
use super::super::lanes::PAGE_WIDTH;
use super::super::paint::{Anchor, text_width};
use super::super::rows::Row;
use super::{BAR, Layout, MARGIN, SMALL_SIZE};
use crate::run::Actors;

impl Layout<'_> {
    /// What signs mean that are not plain; only those that occur.
    pub(super) fn legend_items(&self) -> Vec<(Sign, &'static str)> {
        let chips = || self.rows.iter().flat_map(|row| row.lanes.iter().flatten());
        let slept = |row: &Row| row.asleep != Actors::NONE;
        let stops = |row: &Row| row.moves.is_some() && !self.story.complete;
        let passing = |chip: &Chip| matches!(chip.look, Look::Passing(_));
        let page = |chip: &Chip| matches!(chip.look, Look::Pages(_));
        let items = [
            (self.rows.iter().any(slept), Sign::Asleep, "asleep"),
            (chips().any(passing), Sign::Passing, "may not have arrived everywhere"),
            (chips().any(page), Sign::Page, "a page of the pipe, filled so far"),
            (self.rows.iter().any(stops), Sign::Knob, "stops in its middle, goes on"),
            (self.rows.iter().any(|row| row.closes.is_some()), Sign::Cross, "an end is closed"),
            (self.rows.iter().any(|row| row.exits.is_some()), Sign::Bottom, "a process ends"),
        ];
        items.into_iter().filter(|(used, ..)| *used).map(|(_, sign, text)| (sign, text)).collect()
    }

    /// The legend; returns where it ends.
    pub(super) fn legend(&mut self) -> i32 {
        let end = self.tops[self.rows.len()];
        let items = self.legend_items();
        if items.is_empty() {
            return end;
        }
        let y = end + 24;
        let mut x = MARGIN;
        for (sign, text) in items {
            match sign {
                Sign::Asleep => {
                    self.rect(x, y - 11, 16, BAR, 2, "pw-bar pw-a0");
                    let stripe = format!("M{} {}l{BAR} -{BAR}h4l-{BAR} {BAR}z", x, y + 1);
                    self.path(stripe, "pw-stripe pw-a0".into());
                }
                Sign::Passing => self.rect(x, y - 11, 16, BAR, 2, "pw-passing pw-a0"),
                Sign::Page => {
                    self.rect(x + 4, y - 11, PAGE_WIDTH, BAR, 0, "pw-flag");
                    self.rect(x + 4, y - 5, PAGE_WIDTH, BAR / 2, 0, "pw-bytes pw-a0");
                }
                Sign::Knob => self.rect(x, y - 9, 16, 8, 4, "pw-tip pw-a0"),
                Sign::Bottom => self.rect(x, y - 7, 16, 4, 0, "pw-tip pw-a0"),
                Sign::Cross => {
                    self.path(format!("M{} {}l8 8m0 -8l-8 8", x + 4, y - 8), "pw-cross".into());
                }
            }
            self.text(x + 22, y, Anchor::Start, SMALL_SIZE, "pw-faint", text);
            x += 44 + text_width(text, SMALL_SIZE);
        }
        y + 4
    }
}

/// A sign in the legend.
#[derive(Clone, Copy)]
pub(super) enum Sign {
    Asleep,
    Passing,
    Page,
    Knob,
    Cross,
    Bottom,
}
