//! Numbers as arguments: what is none, or is out of its range, is refused with the range.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

/// A parser of numbers in this range, in the words of this program.
pub(super) fn number<T>(
    range: RangeInclusive<T>,
) -> impl Fn(&str) -> Result<T, String> + Clone + Send + Sync + 'static
where
    T: FromStr + PartialOrd + Display + Clone + Send + Sync + 'static,
{
    move |text| {
        let parsed = text.parse().ok().filter(|number| range.contains(number));
        parsed.ok_or_else(|| format!("it takes a number from {} to {}", range.start(), range.end()))
    }
}

/// The most scenarios, looks, pairs or states that can be asked for: more would take years.
pub(super) const MANY: usize = 1_000_000_000;
