//! Random numbers: small, fast and the same on every machine (SplitMix64). Not for secrets.

/// A source of random numbers. The same seed gives the same numbers, for ever.
#[derive(Clone, Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Dice {
        Dice(seed)
    }

    fn next(&mut self) -> u32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z >> 32) as u32
    }

    /// A number less than `end`, which is not 0.
    pub(crate) fn below(&mut self, end: u32) -> u32 {
        ((u64::from(self.next()) * u64::from(end)) >> 32) as u32
    }

    /// True in `percent` of a hundred cases.
    pub(super) fn chance(&mut self, percent: u32) -> bool {
        self.below(100) < percent
    }

    /// One of the values that are wanted, each as often as its weight says; `None` if none is.
    pub(super) fn weighted<T: Copy>(
        &mut self,
        values: impl Iterator<Item = (u32, T)> + Clone,
    ) -> Option<T> {
        let total = values.clone().map(|(weight, _)| weight).sum();
        if total == 0 {
            return None;
        }
        let mut left = self.below(total);
        for (weight, value) in values {
            match left.checked_sub(weight) {
                None => return Some(value),
                Some(rest) => left = rest,
            }
        }
        None
    }

    /// One of the values, each as likely; `None` if there are none.
    pub(super) fn any<T>(&mut self, values: impl Iterator<Item = T> + Clone) -> Option<T> {
        match values.clone().count() as u32 {
            0 => None,
            count => {
                let index = self.below(count);
                values.into_iter().nth(index as usize)
            }
        }
    }
}
