//! Lines as tokens, and a cursor that says what was expected where. Knows no grammar.

use std::ops::Range;

use smallvec::SmallVec;

use crate::run::Name;

/// What is wrong with a text, at a range of its bytes.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) bytes: Range<usize>,
    pub(super) what: String,
    pub(super) help: Option<String>,
    /// Whether the help is the word that was meant: nothing helps more.
    is_meant: bool,
}

impl Fault {
    pub(super) fn new(bytes: Range<usize>, what: impl Into<String>) -> Fault {
        Fault { bytes, what: what.into(), help: None, is_meant: false }
    }

    pub(super) fn help(self, help: impl Into<String>) -> Fault {
        match self.is_meant {
            true => self,
            false => Fault { help: Some(help.into()), ..self },
        }
    }

    /// Helps with the one of these words that is nearest to what stands there, if one is near.
    pub(super) fn meant<'k>(self, word: &str, known: impl IntoIterator<Item = &'k str>) -> Fault {
        match nearest(word, known) {
            Some(near) => {
                Fault { help: Some(format!("did you mean {near:?}?")), is_meant: true, ..self }
            }
            None => self,
        }
    }
}

/// The tokens of one line without its comment, and how far they are read.
pub(super) struct Line<'t> {
    /// Where each token starts, in bytes from the start of the text.
    tokens: Vec<(usize, &'t str)>,
    next: usize,
    /// Words that would have been right at a token and were not there, and which token that is.
    tried: SmallVec<[&'static str; 8]>,
    tried_at: usize,
}

fn in_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
}

/// Length of the token at the start of `rest`, which is not empty.
fn token_len(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let word =
        (0..bytes.len()).take_while(|&at| in_word(bytes[at]) && !bytes[at..].starts_with(b"->"));
    match word.count() {
        0 if ["->", "..", "=>"].iter().any(|token| rest.starts_with(token)) => 2,
        0 => rest.chars().next().map_or(0, char::len_utf8),
        len => len,
    }
}

impl<'t> Line<'t> {
    /// The tokens of `content`, which starts at byte `start` of the text.
    pub(super) fn new(start: usize, content: &'t str) -> Line<'t> {
        let mut tokens = Vec::with_capacity(8);
        let mut rest = content.trim_start();
        while !rest.is_empty() {
            let (token, after) = rest.split_at(token_len(rest));
            tokens.push((start + content.len() - rest.len(), token));
            rest = after.trim_start();
        }
        Line { tokens, next: 0, tried: SmallVec::new(), tried_at: 0 }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    /// The token `ahead` of the next one.
    pub(super) fn ahead(&self, ahead: usize) -> Option<&'t str> {
        self.tokens.get(self.next + ahead).map(|(_, token)| *token)
    }

    /// Whether the line has this token.
    pub(super) fn has(&self, token: &str) -> bool {
        self.tokens.iter().any(|(_, other)| *other == token)
    }

    pub(super) fn peek(&self) -> Option<&'t str> {
        self.ahead(0)
    }

    pub(super) fn bump(&mut self) {
        self.next += 1;
    }

    /// The place of the next token; at the end of the line, the empty place after the last one.
    pub(super) fn place(&self) -> Range<usize> {
        match self.tokens.get(self.next) {
            Some((start, token)) => *start..start + token.len(),
            None => self.place_last_end()..self.place_last_end(),
        }
    }

    fn place_last_end(&self) -> usize {
        self.tokens.last().map_or(0, |(start, token)| start + token.len())
    }

    /// Where the token before the next one ends.
    pub(super) fn read_to(&self) -> usize {
        let last = self.next.min(self.tokens.len()).checked_sub(1);
        last.map_or(0, |last| self.tokens[last].0 + self.tokens[last].1.len())
    }

    /// Takes the next token if it is `token`.
    pub(super) fn take(&mut self, token: &'static str) -> bool {
        let is = self.peek() == Some(token);
        if is {
            self.next += 1;
        } else {
            self.tries([token]);
        }
        is
    }

    /// Notes that the next token could be one of these words, for what is said if it is none.
    pub(super) fn tries(&mut self, words: impl IntoIterator<Item = &'static str>) {
        if self.tried_at != self.next {
            self.tried.clear();
            self.tried_at = self.next;
        }
        self.tried.extend(words);
    }

    /// The words that could have stood where the token before the next one stands.
    pub(super) fn tried_before(&self) -> impl Iterator<Item = &'static str> {
        let tried = if self.tried_at + 1 == self.next { &self.tried[..] } else { &[] };
        tried.iter().copied()
    }

    /// The fault that the next token is not what was expected.
    pub(super) fn expected(&self, what: &str) -> Fault {
        let found = match self.peek() {
            Some(token) => format!("{:?}", shortened(token)),
            None => "the end of the line".into(),
        };
        let fault = Fault::new(self.place(), format!("expected {what}, found {found}"));
        match self.peek() {
            Some("=>") => {
                Fault { help: Some("did you mean \"->\"?".into()), is_meant: true, ..fault }
            }
            Some(token) if self.tried_at == self.next => {
                fault.meant(token, self.tried.iter().copied())
            }
            _ => fault,
        }
    }

    /// Takes `token`, which must be next.
    pub(super) fn expect(&mut self, token: &'static str) -> Result<(), Fault> {
        if self.take(token) { Ok(()) } else { Err(self.expected(&format!("{token:?}"))) }
    }

    /// Checks that nothing is left.
    pub(super) fn end(&self) -> Result<(), Fault> {
        if self.peek().is_none() { Ok(()) } else { Err(self.expected("the end of the line")) }
    }

    /// Takes the next token, as what `read` makes of it.
    pub(super) fn read<T>(
        &mut self,
        what: &str,
        read: impl FnOnce(&'t str) -> Option<T>,
    ) -> Result<T, Fault> {
        let value = self.peek().and_then(read).ok_or_else(|| self.expected(what))?;
        self.bump();
        Ok(value)
    }

    /// Takes a name.
    pub(super) fn name(&mut self, what: &str) -> Result<Name, Fault> {
        let looks_like_one = self.peek().is_some_and(|token| token.bytes().all(in_word));
        self.read(what, Name::new).map_err(|fault| {
            let help = "a name is a lower-case letter and up to 15 more, digits or \"-\"";
            if looks_like_one { fault.help(help) } else { fault }
        })
    }

    /// Takes a number of bytes.
    pub(super) fn size(&mut self, what: &str) -> Result<u32, Fault> {
        let digits =
            self.peek().is_some_and(|token| token.starts_with(|c: char| c.is_ascii_digit()));
        self.read(what, |token| u32::try_from(number(token)?).ok()).map_err(|fault| {
            let help = "a size is decimal, at most 4294967295; digits may be grouped by \"_\"";
            if digits { fault.help(help) } else { fault }
        })
    }
}

/// The longest word that is held against known ones.
const WORD_LEN_MAX: usize = 40;

/// The word among those known that `word` may be a slip of the pen for: at most every third letter is another, is
/// missing, is there besides, or has changed places with the next.
pub fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    if word.len() > WORD_LEN_MAX {
        return None;
    }
    let word = word.to_lowercase();
    let far = |known: &str| strsim::damerau_levenshtein(&word, &known.to_lowercase());
    let near = known.into_iter().map(|known| (far(known), known)).filter(|(far, known)| {
        let letters = known.chars().count();
        *far < letters && *far <= (letters / 3).max(1)
    });
    near.min_by_key(|(far, _)| *far).map(|(_, known)| known)
}

/// A decimal number that starts with a digit; `_` between digits is for the eye.
pub(super) fn number(token: &str) -> Option<i64> {
    if !token.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    token.bytes().filter(|byte| *byte != b'_').try_fold(0_i64, |number, byte| {
        let digit = byte.is_ascii_digit().then(|| i64::from(byte - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    })
}

/// A number of 64 bits.
pub(super) fn large(token: &str) -> Option<u64> {
    if !token.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    token.bytes().filter(|byte| *byte != b'_').try_fold(0_u64, |number, byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    })
}

fn shortened(token: &str) -> String {
    const LEN_MAX: usize = 32;
    match token.char_indices().nth(LEN_MAX) {
        Some((at, _)) => format!("{}…", &token[..at]),
        None => token.into(),
    }
}
