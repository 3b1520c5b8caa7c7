//! What was measured, as a table and as JSON.

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{CellAlignment, Table};
use serde_json::{Value, json};

use super::Medians;

/// One thing measured.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// What, in a few words.
    pub what: String,
    /// What it took or gave, for orientation.
    pub measured: String,
    /// What the floor or the peer under it took.
    pub floor: String,
    /// The number to be judged: mostly the ratio of the two.
    pub value: f64,
    /// What must hold, and what is aimed at; the same direction for both. None: for orientation.
    pub bounds: Option<(Bound, Bound)>,
    /// Pairs that count, and pairs that were dropped because others used the processor.
    pub pairs: (usize, usize),
}

/// A bound on a value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bound {
    /// At most this.
    Most(f64),
    /// At least this.
    Least(f64),
}

/// How a row turned out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reached {
    /// What is aimed at.
    Aim,
    /// What must hold.
    Must,
    /// Not even that.
    No,
    /// Nothing was aimed at.
    NoAim,
    /// Too many pairs were disturbed, or there is no number.
    Disturbed,
}

impl Bound {
    fn holds(self, value: f64) -> bool {
        match self {
            Bound::Most(most) => value <= most,
            Bound::Least(least) => value >= least,
        }
    }

    fn text(self) -> String {
        match self {
            Bound::Most(most) => format!("≤ {}", number(most)),
            Bound::Least(least) => format!("≥ {}", number(least)),
        }
    }
}

impl Row {
    /// The ratio of two medians, which is to be at most this.
    pub(super) fn ratio(what: &str, medians: Medians, must: f64, aim: f64) -> Row {
        let Medians { a, b, kept, dropped } = medians;
        Row {
            what: what.to_owned(),
            measured: time(a),
            floor: time(b),
            value: a / b,
            bounds: Some((Bound::Most(must), Bound::Most(aim))),
            pairs: (kept, dropped),
        }
    }

    /// How it turned out.
    pub fn reached(&self) -> Reached {
        let disturbed = self.value.is_nan() || self.pairs.0 < self.pairs.1 && self.pairs.0 < 15;
        match self.bounds {
            _ if disturbed => Reached::Disturbed,
            None => Reached::NoAim,
            Some((_, aim)) if aim.holds(self.value) => Reached::Aim,
            Some((must, _)) if must.holds(self.value) => Reached::Must,
            Some(_) => Reached::No,
        }
    }

    fn cells(&self) -> [String; 8] {
        let bound = |pick: fn((Bound, Bound)) -> Bound| {
            self.bounds.map_or(String::new(), |bounds| pick(bounds).text())
        };
        [
            self.what.clone(),
            self.measured.clone(),
            self.floor.clone(),
            number(self.value),
            bound(|bounds| bounds.0),
            bound(|bounds| bounds.1),
            self.reached().word().to_owned(),
            match self.pairs {
                (0, 0) => String::new(),
                (kept, dropped) => format!("{kept} ({dropped})"),
            },
        ]
    }
}

impl Reached {
    /// In one word.
    pub fn word(self) -> &'static str {
        match self {
            Reached::Aim => "aim",
            Reached::Must => "must",
            Reached::No => "no",
            Reached::NoAim => "",
            Reached::Disturbed => "disturbed",
        }
    }
}

fn time(ns: f64) -> String {
    match ns {
        ..1e3 => format!("{ns:.0} ns"),
        1e3..1e6 => format!("{:.2} µs", ns / 1e3),
        _ => format!("{:.2} ms", ns / 1e6),
    }
}

/// A number as people read it.
fn number(value: f64) -> String {
    if value.is_nan() {
        "–".to_owned()
    } else if value >= 1e5 {
        format!("{:.2} M", value / 1e6)
    } else if value == value.trunc() {
        format!("{value}")
    } else {
        format!("{value:.2}")
    }
}

/// The table.
pub fn table(rows: &[Row]) -> String {
    let mut table = Table::new();
    table.load_preset(UTF8_FULL_CONDENSED);
    table.set_header([
        "what",
        "measured",
        "floor or peer",
        "value",
        "must",
        "aim",
        "reached",
        "pairs (dropped)",
    ]);
    for row in rows {
        table.add_row(row.cells());
    }
    for column in 1..=5 {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.to_string()
}

/// For machines.
pub fn json(kernel: &str, rows: &[Row]) -> Value {
    let bound = |bound: Bound| match bound {
        Bound::Most(most) => json!({ "at_most": most }),
        Bound::Least(least) => json!({ "at_least": least }),
    };
    let row = |row: &Row| {
        json!({
            "what": row.what,
            "measured": row.measured,
            "floor": row.floor,
            "value": row.value,
            "must": row.bounds.map(|bounds| bound(bounds.0)),
            "aim": row.bounds.map(|bounds| bound(bounds.1)),
            "reached": row.reached().word(),
            "pairs": row.pairs.0,
            "pairs_dropped": row.pairs.1,
        })
    };
    json!({ "kernel": kernel, "rows": rows.iter().map(row).collect::<Vec<_>>() })
}
