//! What the modules of a crate name in each other, read from its sources.
//!
//! Paths of `use` and of code count, also inside of macros; comments and what is compiled for tests alone don't.
//! A name counts for the module that defines it, whichever modules hand it on, so that a re-export of what a module's
//! own children define adds nothing. It is no compiler: what a glob import or a method's type drags along is not seen.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// A path inside of a crate: `["rules", "unix"]`; the root of the crate is empty.
type Place = Vec<String>;

/// The sources of a crate.
pub(super) type Texts = BTreeMap<Place, String>;

/// The modules of a crate, each with those that it names.
pub(super) type Imports = BTreeMap<String, BTreeSet<String>>;

/// The name of a crate's root among its modules.
pub(super) const ROOT: &str = "crate";

/// What one file says.
#[derive(Default)]
struct Source {
    /// Paths from the root of the crate.
    named: Vec<Place>,
    /// What `use` makes of names here.
    aliases: BTreeMap<String, Place>,
    /// Paths that begin with a name of the file or of another crate.
    relative: Vec<Place>,
}

impl Source {
    /// Every path that is named, from the root of the crate.
    fn paths(&self) -> impl Iterator<Item = Place> {
        let by_alias = self.relative.iter().filter_map(|path| {
            let (first, rest) = path.split_first()?;
            Some(self.aliases.get(first)?.iter().chain(rest).cloned().collect())
        });
        self.named.iter().cloned().chain(by_alias)
    }
}

/// The sources below a directory, by the module that each is.
pub(super) fn texts(crate_src: &Path) -> Texts {
    let mut texts = Texts::new();
    collect(crate_src, &mut Place::new(), &mut texts);
    texts
}

/// Which module of a crate names which.
pub(super) fn imports(texts: &Texts) -> Imports {
    let places: BTreeSet<Place> = texts.keys().cloned().collect();
    let sources: BTreeMap<&Place, Source> = (texts.iter())
        .map(|(place, text)| {
            let tokens: TokenStream = text.parse().expect("a file that compiles");
            let mut reader = Reader { places: &places, here: place, source: Source::default() };
            reader.read(tokens, place);
            (place, reader.source)
        })
        .collect();
    let named = |place: &Place| {
        let named = sources[place].paths().filter_map(|path| definer(path, &sources));
        named.filter(|definer| *definer != place).map(spelt).collect()
    };
    places.iter().map(|place| (spelt(place), named(place))).collect()
}

fn spelt(place: &Place) -> String {
    if place.is_empty() { ROOT.to_owned() } else { place.join("::") }
}

/// The files below a directory, by the path of their module; `main.rs` and `lib.rs` are both the root.
fn collect(dir: &Path, place: &mut Place, texts: &mut Texts) {
    for entry in fs::read_dir(dir).expect("a directory of sources").flatten() {
        let path = entry.path();
        let stem = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let is_named = !["lib", "main", "mod"].contains(&stem.as_str());
        if is_named {
            place.push(stem);
        }
        if path.is_dir() {
            collect(&path, place, texts);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            *texts.entry(place.clone()).or_default() += &fs::read_to_string(&path).expect("text");
        }
        if is_named {
            place.pop();
        }
    }
}

/// The module that defines what the path names, through all `use`s that hand it on.
fn definer<'a>(mut path: Place, sources: &BTreeMap<&'a Place, Source>) -> Option<&'a Place> {
    // Nothing is handed on more often than that; names that lead to each other would be for ever.
    for _ in 0..8 {
        let prefixes = (0..=path.len()).rev().map(|len| (len, path[..len].to_vec()));
        let found = prefixes.into_iter().find_map(|(len, prefix)| {
            let (place, source) = sources.get_key_value(&prefix)?;
            Some((len, *place, source))
        });
        let (len, place, source) = found?;
        let handed_on = path.get(len).and_then(|name| source.aliases.get(name));
        match handed_on {
            Some(alias) if *alias != path => {
                path = alias.iter().chain(&path[len + 1..]).cloned().collect();
            }
            _ => return Some(place),
        }
    }
    None
}

struct Reader<'a> {
    places: &'a BTreeSet<Place>,
    /// The module of the file.
    here: &'a Place,
    source: Source,
}

impl Reader<'_> {
    /// Reads tokens that stand in `inside`: the module of the file, or one that is written inside of it.
    fn read(&mut self, tokens: TokenStream, inside: &Place) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            at += 1;
            match token {
                TokenTree::Punct(punct) if punct.as_char() == '#' => {
                    at += usize::from(is_punct(tokens.get(at), '!'));
                    let attribute = tokens.get(at).map(TokenTree::to_string).unwrap_or_default();
                    at += 1;
                    if attribute.replace(' ', "") == "[cfg(test)]" {
                        at += item_len(&tokens[at..]);
                    }
                }
                TokenTree::Ident(word) if *word == "use" => {
                    let len = tokens[at..].iter().take_while(|t| !is_punct(Some(t), ';')).count();
                    let is_public = at >= 2 && is_visibility(&tokens[..at - 1]);
                    self.imported(&tokens[at..at + len], Vec::new(), inside, is_public);
                    at += len;
                }
                // What a macro names is named by those who use it.
                TokenTree::Punct(punct) if punct.as_char() == '$' => {
                    at += usize::from(is_ident(tokens.get(at)));
                    while after_colons(&tokens[at..]).is_some() {
                        at += 3;
                    }
                }
                TokenTree::Ident(word) if *word == "mod" => {
                    if let [TokenTree::Ident(name), TokenTree::Group(body), ..] = &tokens[at..] {
                        let inner = inside.iter().cloned().chain([name.to_string()]).collect();
                        self.read(body.stream(), &inner);
                        at += 2;
                    }
                }
                TokenTree::Ident(word) => {
                    let mut path = vec![word.to_string()];
                    while let Some(name) = after_colons(&tokens[at..]) {
                        path.push(name);
                        at += 3;
                    }
                    if path.len() > 1 {
                        match self.rooted(&path, inside) {
                            Some(path) => self.source.named.push(path),
                            None => self.source.relative.push(path),
                        }
                    }
                }
                TokenTree::Group(group) => self.read(group.stream(), inside),
                TokenTree::Punct(punct) if punct.as_char() == ':' => {
                    // `::name` begins at another crate, or goes on behind `<…>`.
                    let is_colons = is_punct(tokens.get(at), ':');
                    at += if is_colons { 1 + usize::from(is_ident(tokens.get(at + 1))) } else { 0 };
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
        }
    }

    /// One tree of a `use`, behind `before`.
    fn imported(&mut self, tree: &[TokenTree], before: Place, inside: &Place, is_public: bool) {
        let mut path = before;
        let mut alias = None;
        let mut at = 0;
        while let Some(token) = tree.get(at) {
            at += 1;
            match token {
                TokenTree::Ident(word) if *word == "as" => {
                    alias = tree.get(at).map(TokenTree::to_string);
                    break;
                }
                TokenTree::Ident(word) if *word == "self" && !path.is_empty() => {}
                TokenTree::Ident(word) => path.push(word.to_string()),
                TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => {
                    let tokens: Vec<TokenTree> = group.stream().into_iter().collect();
                    for tree in tokens.split(|token| is_punct(Some(token), ',')) {
                        if !tree.is_empty() {
                            self.imported(tree, path.clone(), inside, is_public);
                        }
                    }
                    return;
                }
                _ => {}
            }
        }
        let Some(target) = self.rooted(&path, inside) else { return };
        let is_of_a_child = target.len() > inside.len() && target.starts_with(inside);
        if !(is_public && is_of_a_child) {
            self.source.named.push(target.clone());
        }
        // What is imported inside of a function is a name there, and of the file for who reads on.
        if let Some(name) = alias.or_else(|| path.last().cloned()) {
            self.source.aliases.insert(name, target);
        }
    }

    /// The path from the root of the crate; `None` where it leads to another crate, or to what has no module.
    fn rooted(&self, path: &[String], inside: &Place) -> Option<Place> {
        let mut base = inside.clone();
        let mut rest = path;
        while let Some((first, after)) = rest.split_first() {
            match first.as_str() {
                "crate" => base.clear(),
                "self" => {}
                "super" => drop(base.pop()),
                _ => break,
            }
            rest = after;
        }
        let is_relative = rest.len() == path.len();
        let is_child = || {
            let child: Place = self.here.iter().chain(rest.first()).cloned().collect();
            self.places.contains(&child)
        };
        if is_relative && !is_child() {
            return None;
        }
        base.extend(rest.iter().cloned());
        Some(base)
    }
}

fn is_punct(token: Option<&TokenTree>, char: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == char)
}

fn is_ident(token: Option<&TokenTree>) -> bool {
    matches!(token, Some(TokenTree::Ident(_)))
}

/// The name behind `::`, where the tokens begin with these.
fn after_colons(tokens: &[TokenTree]) -> Option<String> {
    let is_path = is_punct(tokens.first(), ':') && is_punct(tokens.get(1), ':');
    match tokens.get(2) {
        Some(TokenTree::Ident(name)) if is_path => Some(name.to_string()),
        _ => None,
    }
}

/// Whether the tokens end with `pub` or `pub(…)`.
fn is_visibility(tokens: &[TokenTree]) -> bool {
    let is_pub =
        |token: Option<&TokenTree>| matches!(token, Some(TokenTree::Ident(word)) if *word == "pub");
    match tokens {
        [.., token, TokenTree::Group(_)] => is_pub(Some(token)),
        [.., token] => is_pub(Some(token)),
        [] => false,
    }
}

/// The number of tokens of the item that the tokens begin with.
fn item_len(tokens: &[TokenTree]) -> usize {
    let ends = |token: &TokenTree| match token {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        token => is_punct(Some(token), ';'),
    };
    tokens.iter().position(ends).map_or(tokens.len(), |last| last + 1)
}
