//! Tables as wide as the terminal: the columns that matter least go first, and cells fold only after that.

use comfy_table::{ColumnConstraint, ContentArrangement, Table};

/// Fits a table to the terminal, if there is one. Of the columns in `least`, by their headers, the first goes first.
/// Gives the table, and below it what was left out.
pub fn fitted(mut table: Table, least: &[&str]) -> String {
    let Some(columns) = columns(&table) else { return table.to_string() };
    let mut left_out = Vec::new();
    for name in least {
        if width(&table) <= usize::from(columns) {
            break;
        }
        let headers = table.header().into_iter().flat_map(|header| header.cell_iter());
        let at = headers.map(comfy_table::Cell::content).position(|header| header == *name);
        if let Some(column) = at.and_then(|at| table.column_mut(at)) {
            column.set_constraint(ColumnConstraint::Hidden);
            left_out.push(*name);
        }
    }
    if width(&table) > usize::from(columns) {
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(columns);
    }
    match left_out.as_slice() {
        [] => table.to_string(),
        names => format!("{table}\nToo narrow for: {}; COLUMNS=200 shows all.", names.join(", ")),
    }
}

fn width(table: &Table) -> usize {
    table.lines().next().map_or(0, |line| line.chars().count())
}

/// The columns of the terminal, if there is one: as `COLUMNS` says, or as it says itself. None are as good as unknown:
/// so says a terminal that was never told its size.
fn columns(table: &Table) -> Option<u16> {
    let said = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    known(said).or_else(|| known(table.width()))
}

fn known(columns: Option<u16>) -> Option<u16> {
    columns.filter(|columns| *columns > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_of_no_columns_is_one_of_unknown_width() {
        assert_eq!([None, Some(0), Some(80)].map(known), [None, None, Some(80)]);
    }
}
