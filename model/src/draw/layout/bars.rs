//! Calls as bars on the lines of actors, and what else stands on these lines.

use std::fmt::Write as _;
use std::ops::Range;

use super::super::rows::Flow;
use super::super::theme::class;
use super::{BAR, Column, Layout, MARGIN, ROW_PAD, WORD_LINE};
use crate::call::Actor;

impl Layout<'_> {
    /// Calls, from the row in which they begin to that in which they return.
    pub(super) fn bars(&mut self) {
        for index in 0..self.rows.len() {
            self.flow(index);
        }
        for column in 0..self.columns.len() {
            let actor = self.columns[column].actor;
            let mut began: Option<usize> = None;
            for row in 0..self.rows.len() {
                if self.rows[row].begins == Some(actor) {
                    began = Some(row);
                }
                if self.rows[row].returns == Some(actor)
                    && let Some(began) = began.take()
                {
                    let to = match began == row {
                        true => self.below_words(row),
                        false => self.tops[row] + ROW_PAD + WORD_LINE,
                    };
                    self.bar(column, began..row, to, false);
                }
            }
            if let Some(began) = began {
                let rows = began..self.rows.len();
                self.bar(column, rows, self.tops[self.rows.len()], true);
            }
        }
        for row in 0..self.rows.len() {
            self.marks(row);
        }
    }

    /// An arrow between an actor's bar and the channel.
    fn flow(&mut self, row: usize) {
        let Some((actor, flow)) = self.rows[row].flow else { return };
        let Some(column) = self.columns.iter().find(|column| column.actor == actor) else { return };
        let y = self.tops[row] + ROW_PAD + 9;
        let (bar, channel) = match column.left {
            true => (column.bar + BAR, self.band.0),
            false => (column.bar, self.band.1),
        };
        let (from, to) = if flow == Flow::In { (bar, channel) } else { (channel, bar) };
        let back = if from < to { -7 } else { 7 };
        let colour = class(actor.0);
        self.path(format!("M{from} {y}H{}", to + back), format!("pw-flow {colour}"));
        let tip = format!("M{to} {y}l{back} -4v8z");
        self.path(tip, format!("pw-tip {colour}"));
    }

    /// A call, from the first of these rows on: hatched where it sleeps, without a lower edge while it is open.
    fn bar(&mut self, column: usize, rows: Range<usize>, to: i32, open: bool) {
        let Column { actor, bar: x, .. } = self.columns[column];
        let from = self.tops[rows.start] + 4;
        let colour = class(actor.0);
        if open {
            let fill = format!("M{x} {to}V{from}h{BAR}V{to}");
            self.path(fill, format!("pw-bar pw-open {colour}"));
        } else {
            self.rect(x, from, BAR, to - from, 2, &format!("pw-bar {colour}"));
        }
        let mut stripes = String::new();
        for slept in self.asleep(actor, rows) {
            let (mut y, end) = (self.tops[slept.start].max(from), self.tops[slept.end].min(to));
            while y + BAR + 4 <= end {
                let _ = write!(stripes, "M{x} {}l{BAR} -{BAR}v4l-{BAR} {BAR}z", y + BAR);
                y += 9;
            }
        }
        if !stripes.is_empty() {
            self.path(stripes, format!("pw-stripe {colour}"));
        }
    }

    /// The rows among these in which an actor's call sleeps. That it does at quiet says that it did so before, but not
    /// while another was stopped: it may have waited for a lock.
    fn asleep(&self, actor: Actor, rows: Range<usize>) -> Vec<Range<usize>> {
        let quiet = |row: &usize| self.rows[*row].quiet.is_some_and(|open| open.contains(actor));
        if let (false, Some(last)) = (self.story.complete, rows.clone().rev().find(quiet)) {
            let stopped = (rows.start..last).rev().find(|row| self.rows[*row].moves.is_some());
            let start = stopped.map_or(rows.start, |row| row + 1);
            return std::iter::once(start..last + 1).collect();
        }
        let mut spans: Vec<Range<usize>> = Vec::new();
        for row in rows.filter(|row| self.rows[*row].asleep.contains(actor)) {
            match spans.last_mut().filter(|span| span.end == row) {
                Some(span) => span.end = row + 1,
                None => spans.push(row..row + 1),
            }
        }
        spans
    }

    /// What a row marks on the lines of actors: an end that vanishes, a move of a call, quiet.
    fn marks(&mut self, row: usize) {
        let top = self.tops[row];
        let middle = |layout: &Self, actor| {
            layout.columns.iter().find(|column| column.actor == actor).map(Column::middle)
        };
        if let Some(x) = self.rows[row].closes.and_then(|actor| middle(self, actor)) {
            let y = self.below_words(row);
            let data = format!("M{} {y}l8 8m0 -8l-8 8", x - 4);
            self.path(data, "pw-cross".into());
        }
        if let Some(actor) = self.rows[row].moves
            && let Some(x) = middle(self, actor)
        {
            self.rect(x - 8, top + ROW_PAD + 5, 16, 8, 4, &format!("pw-tip {}", class(actor.0)));
        }
        if let Some(actor) = self.rows[row].exits
            && let Some(x) = middle(self, actor)
        {
            self.rect(x - 8, top + ROW_PAD + 7, 16, 4, 0, &format!("pw-tip {}", class(actor.0)));
        }
        if self.rows[row].quiet.is_some() {
            let right = self.width - MARGIN;
            self.path(format!("M{MARGIN} {}H{right}", top + 2), "pw-quiet".into());
        }
    }
}
