//! Lines as tokens, and a cursor that says what was expected where. Knows no grammar.

use std::ops::Range;

use crate::run::Name;

/// What is wrong with a text, at a range of its bytes.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) bytes: Range<usize>,
    pub(super) what: String,
    pub(super) help: Option<String>,
}

impl Fault {
    pub(super) fn new(bytes: Range<usize>, what: impl Into<String>) -> Fault {
        Fault { bytes, what: what.into(), help: None }
    }

    pub(super) fn help(self, help: impl Into<String>) -> Fault {
        Fault { help: Some(help.into()), ..self }
    }
}

/// The tokens of one line without its comment, and how far they are read.
pub(super) struct Line<'t> {
    /// Where each token starts, in bytes from the start of the text.
    tokens: Vec<(usize, &'t str)>,
    next: usize,
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
        0 if rest.starts_with("->") || rest.starts_with("..") => 2,
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
        Line { tokens, next: 0 }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    /// The token `ahead` of the next one.
    pub(super) fn ahead(&self, ahead: usize) -> Option<&'t str> {
        self.tokens.get(self.next + ahead).map(|(_, token)| *token)
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
    pub(super) fn take(&mut self, token: &str) -> bool {
        let is = self.peek() == Some(token);
        self.next += usize::from(is);
        is
    }

    /// The fault that the next token is not what was expected.
    pub(super) fn expected(&self, what: &str) -> Fault {
        let found = match self.peek() {
            Some(token) => format!("{:?}", shortened(token)),
            None => "the end of the line".into(),
        };
        Fault::new(self.place(), format!("expected {what}, found {found}"))
    }

    /// Takes `token`, which must be next.
    pub(super) fn expect(&mut self, token: &str) -> Result<(), Fault> {
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

fn shortened(token: &str) -> String {
    const LEN_MAX: usize = 32;
    match token.char_indices().nth(LEN_MAX) {
        Some((at, _)) => format!("{}…", &token[..at]),
        None => token.into(),
    }
}
