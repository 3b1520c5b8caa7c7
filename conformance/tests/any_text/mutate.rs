//! Texts near to those that there are: letters, words and lines left out, doubled, swapped, replaced.

/// Words of the language and numbers at which something changes.
const WORDS: &str = "channel pipe fifo pipe-pair file locked-file message-queue unix-stream unix-seqpacket \
    unix-datagram tcp shared-memory global-variable guarded-variable capacity packet nonblocking append crowded \
    setting PAGE_SIZE net.unix.max_dgram_qlen actor holds ends quiet stops at goes on off open read write \
    read-write close dup as poll set-capacity available seek start current end read-at write-at truncate lock flock \
    none shared exclusive socket bind listen connect accept shutdown send receive dontwait peek waitall trunc \
    nosignal addressed send-end passing receive-end set-option option linger error send-buffer receive-buffer \
    receive-timeout-us receive-timeout-s unlink wait in out hup err rdhup nval pri ok truncated end-lost nothing \
    zero any asleep allowed forbidden lax EAGAIN EPIPE EBADF EINVAL EINTR ENOSPC ECONNRESET E131 SIGPIPE writer \
    reader writer2 reader2 ann ben a b r w rw ra wa rb wb sa sb s s2 r2 w2 0 1 2 3 5 7 64 255 256 4095 4096 4097 \
    65535 65536 65537 212992 1048576 16777216 2147479552 2147483647 2147483648 4294967295 4294967296 -1 -2147483648 \
    9223372036854775807 99999999999999999999 0x 0x00 0x6162 -> = + | .. [ ] : , # - _ É \u{0} \r";

/// The most texts that are kept of those made.
const KEPT_MAX: usize = 4_000;

/// Longer texts are cut: they only take longer.
const LEN_MAX: usize = 700;

/// What chance decides, the same for the same seed.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Dice {
        Dice(seed)
    }

    /// A number below `most`; 0 where that is 0. (splitmix64)
    fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) % (most.max(1) as u64)) as usize
    }

    fn of<'t, T>(&mut self, all: &'t [T]) -> &'t T {
        &all[self.below(all.len())]
    }
}

/// Texts to begin with, and those made that were runs.
pub(crate) struct Corpus {
    files: Vec<String>,
    kept: Vec<String>,
    next: usize,
    words: Vec<&'static str>,
}

impl Corpus {
    pub(crate) fn new(files: Vec<String>) -> Corpus {
        Corpus { files, kept: Vec::new(), next: 0, words: WORDS.split_whitespace().collect() }
    }

    /// Keeps a text to begin with.
    pub(crate) fn keep(&mut self, text: &str) {
        if self.kept.len() < KEPT_MAX {
            self.kept.push(text.to_owned());
        } else {
            self.kept[self.next % KEPT_MAX] = text.to_owned();
        }
        self.next += 1;
    }

    fn base(&self, dice: &mut Dice) -> &String {
        match dice.below(2) {
            0 if !self.kept.is_empty() => dice.of(&self.kept),
            _ => dice.of(&self.files),
        }
    }

    /// A text a few changes from one that there is.
    pub(crate) fn mutated(&self, dice: &mut Dice) -> String {
        let mut text = self.base(dice).to_owned();
        for _ in 0..=dice.below(4) {
            text = match dice.below(10) {
                0 | 1 => self.with_a_word(&text, dice),
                2..=4 => self.with_a_number(&text, dice),
                5..=8 => self.with_a_line(&text, dice),
                _ => with_a_letter(&text, dice),
            };
        }
        let end = (0..=text.len().min(LEN_MAX)).rev().find(|at| text.is_char_boundary(*at));
        text.truncate(end.unwrap_or(0));
        text
    }

    fn with_a_word(&self, text: &str, dice: &mut Dice) -> String {
        let parts = text.split_inclusive([' ', '\n', ':', '[', ']', '.', '|', ',']).collect();
        let other = format!("{} ", dice.of(&self.words));
        edited(parts, &other, dice)
    }

    fn with_a_line(&self, text: &str, dice: &mut Dice) -> String {
        let other = self.base(dice);
        let lines: Vec<&str> = other.split_inclusive('\n').collect();
        let line = if lines.is_empty() { "" } else { *dice.of(&lines) };
        edited(text.split_inclusive('\n').collect(), line, dice)
    }

    /// Another number for one that stands there.
    fn with_a_number(&self, text: &str, dice: &mut Dice) -> String {
        let digit = |c: char| c.is_ascii_digit();
        let starts: Vec<usize> = text
            .char_indices()
            .filter(|(at, c)| digit(*c) && !text[..*at].ends_with(digit))
            .map(|(at, _)| at)
            .collect();
        if starts.is_empty() {
            return text.to_owned();
        }
        let start = *dice.of(&starts);
        let len = text[start..].chars().take_while(|c| digit(*c)).count();
        let numbers: Vec<_> = self.words.iter().filter(|word| word.starts_with(digit)).collect();
        let other = dice.of(&numbers);
        format!("{}{other}{}", &text[..start], &text[start + len..])
    }
}

/// The parts with one left out, doubled, moved or replaced, or another put in.
fn edited<'t>(mut parts: Vec<&'t str>, other: &'t str, dice: &mut Dice) -> String {
    if parts.is_empty() {
        return other.to_owned();
    }
    let (from, to) = (dice.below(parts.len()), dice.below(parts.len()));
    match dice.below(5) {
        0 => drop(parts.remove(from)),
        1 => parts.insert(to, parts[from]),
        2 => parts.swap(from, to),
        3 => parts[to] = other,
        _ => parts.insert(to, other),
    }
    parts.concat()
}

fn with_a_letter(text: &str, dice: &mut Dice) -> String {
    let letters: Vec<char> = text.chars().collect();
    if letters.is_empty() {
        return text.to_owned();
    }
    let mut letters = letters;
    let (from, to) = (dice.below(letters.len()), dice.below(letters.len()));
    match dice.below(4) {
        0 => drop(letters.remove(from)),
        1 => letters.insert(to, letters[from]),
        2 => letters.swap(from, to),
        _ => letters[to] = char::from(dice.below(128) as u8),
    }
    letters.into_iter().collect()
}
