//! The documents tell the truth: what is generated is up to date, what is shown runs, links lead somewhere.
//!
//! With `UPDATE=1` what is generated is written anew.

mod book;
mod calls;
mod commands;
mod leak;
#[path = "../common/no_case.rs"]
mod no_case;
mod steps;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use pipewright_conformance::cases;
use pipewright_model::draw::{Story, Theme};
use pipewright_model::oracle::{Verdict, judge};
use pipewright_model::platform::LINUX;
use pipewright_model::render;
use pipewright_model::rules::{CHAPTERS, Chapter, RULES};
use pipewright_model::run::Run;
use pipewright_model::script::Script;
use pipewright_model::text::SYSTEM_WORDS;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a workspace").to_path_buf()
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The documents, by their path from the root.
fn documents() -> Vec<String> {
    let docs = fs::read_dir(root().join("docs")).expect("docs").flatten();
    let names = docs.map(|entry| format!("docs/{}", entry.file_name().to_string_lossy()));
    let mut all: Vec<_> = names.filter(|name| name.ends_with(".md")).collect();
    all.extend(["README.md".to_owned(), "CHANGELOG.md".to_owned()]);
    all.sort();
    all
}

/// A fenced block: what follows its fence, its first line from 1, its text.
struct Block {
    info: String,
    line: usize,
    text: String,
}

fn blocks(document: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for (index, line) in document.lines().enumerate() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(info)) => {
                let info = info.trim().to_owned();
                open = Some(Block { info, line: index + 2, text: String::new() });
            }
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some(block), None) => block.text.push_str(&format!("{line}\n")),
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a fenced block is not closed");
    blocks
}

fn blocks_of_all(language: &str) -> Vec<(String, Block)> {
    let of = |path: String| {
        let all = blocks(&read(&path)).into_iter();
        let own = all.filter(|block| block.info.split(' ').next() == Some(language));
        own.map(|block| (path.clone(), block)).collect::<Vec<_>>()
    };
    let all: Vec<_> = documents().into_iter().flat_map(of).collect();
    assert!(!all.is_empty(), "no block of {language}");
    all
}

#[test]
fn pictures_are_what_is_drawn() {
    let cases = cases::embedded().expect("cases");
    let pictures = [
        ("rendezvous", "fifo/open-for-writing-waits"),
        ("deadlock", "stream/pair-both-write-before-reading"),
        ("arrival", "tcp/part-has-arrived"),
    ];
    for (picture, name) in pictures {
        let case = cases.iter().find(|case| case.name == name).expect(name);
        drawn(picture, &case.run);
    }
    drawn("broken", &read("docs/broken.case").parse().expect("a run"));
}

fn drawn(picture: &str, run: &Run) {
    let svg = Story::of(run, &LINUX).svg(Theme::Auto);
    generated(&format!("docs/pictures/{picture}.svg"), &svg);
}

/// Compares a file with what it should hold, or with `UPDATE=1` writes it.
fn generated(path: &str, text: &str) {
    let is = fs::read_to_string(root().join(path)).unwrap_or_default();
    if std::env::var_os("UPDATE").is_some() && is != text {
        fs::write(root().join(path), text).expect("written");
    }
    assert!(
        fs::read_to_string(root().join(path)).is_ok_and(|is| is == text),
        "{path} is out of date; write it anew by `UPDATE=1 cargo test --test docs`"
    );
}

#[test]
fn the_changelog_counts_the_rules() {
    let log = read("CHANGELOG.md");
    for Chapter { name, rules, .. } in CHAPTERS {
        let line = format!("- `{name}`: {} rules", rules.len());
        assert!(log.contains(&line), "CHANGELOG.md lacks: {line}");
    }
}

#[test]
fn rules_shown_are_those_of_the_table() {
    for (path, block) in blocks_of_all("rust") {
        let Some(id) = block.text.lines().find_map(|line| line.trim().strip_prefix("id: \""))
        else {
            continue;
        };
        let chapter = id.split('.').next().expect("a chapter");
        let source = read(&format!("model/src/rules/{chapter}.rs"));
        let dedented: Vec<_> =
            source.lines().map(|line| line.strip_prefix("    ").unwrap_or(line)).collect();
        assert!(
            dedented.join("\n").contains(block.text.trim_end()),
            "{path}:{} shows {id} otherwise than model/src/rules/{chapter}.rs has it: copy it anew",
            block.line
        );
    }
}

#[test]
fn ids_of_rules_that_documents_name_exist() {
    for path in documents() {
        let text = read(&path);
        // Every other part is between backquotes, if none is left open.
        for word in text.split('`').skip(1).step_by(2) {
            let chapter = CHAPTERS.iter().any(|Chapter { name, .. }| {
                word.strip_prefix(name).is_some_and(|rest| rest.starts_with('.'))
            });
            if chapter && word.split('.').count() == 3 {
                assert!(RULES.iter().any(|rule| rule.id == word), "{path}: no rule {word}");
            }
        }
    }
}

#[test]
fn runs_shown_conform_unless_they_say_otherwise() {
    for (path, block) in blocks_of_all("run") {
        let place = format!("{path}:{}", block.line);
        let run: Run = block.text.parse().unwrap_or_else(|error| panic!("{place}: {error}"));
        let verdict = judge(&run, &LINUX).verdict;
        let expected =
            if block.info == "run deviates" { Verdict::Deviates } else { Verdict::Conforms };
        assert_eq!(verdict, expected, "{place}");
        assert_eq!(run.to_string(), block.text, "{place} is not as the printer prints it");
    }
}

#[test]
fn systems_shown_are_systems() {
    let all = blocks_of_all("system");
    for (path, block) in &all {
        let place = format!("{path}:{}", block.line);
        let script: Script = block.text.parse().unwrap_or_else(|error| panic!("{place}: {error}"));
        let again: Result<Script, _> = script.to_string().parse();
        assert_eq!(again, Ok(script), "{place} is printed otherwise");
    }
    assert!(all.len() >= 2, "the language is shown");
}

#[test]
fn the_page_of_the_language_has_every_word_of_it() {
    let page = read("docs/systems-language.md");
    for word in SYSTEM_WORDS.iter().flat_map(|words| words.iter()) {
        let quoted = format!("\"{word}\"");
        assert!(
            page.contains(&quoted) || page.contains(&format!("`{word}")),
            "{word} is not in the page"
        );
    }
}

#[test]
fn commands_shown_print_what_is_shown() {
    for (path, block) in blocks_of_all("console") {
        for (command, expected) in commands(&block.text) {
            if commands::is_built_first(&command) {
                continue;
            }
            let printed = shell(&command);
            assert!(
                matches(&expected, &printed),
                "{path}:{}: `{command}` prints\n{printed}\nbut this is shown:\n{expected}",
                block.line
            );
        }
    }
}

/// Commands after `$ `, each with the lines below it.
fn commands(block: &str) -> Vec<(String, String)> {
    let mut commands: Vec<(String, String)> = Vec::new();
    for line in block.lines() {
        match (line.strip_prefix("$ "), commands.last_mut()) {
            (Some(command), _) => commands.push((command.to_owned(), String::new())),
            (None, Some((_, shown))) => shown.push_str(&format!("{line}\n")),
            (None, None) => panic!("no command before {line}"),
        }
    }
    commands
}

/// What a command prints, both outputs together, at the root of the project.
fn shell(command: &str) -> String {
    let program = Path::new(env!("CARGO_BIN_EXE_pipewright")).parent().expect("a directory");
    let path = std::env::var("PATH").unwrap_or_default();
    let output = Command::new("sh")
        .args(["-c", &format!("exec 2>&1; {command}")])
        .env("PATH", format!("{}:{path}", program.display()))
        .current_dir(root())
        .output()
        .expect("it runs");
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// Whether a text is as shown, where `[..]` is any text within a line, and `...` any lines; in tables, any
/// number is as good as the one shown.
fn matches(shown: &str, text: &str) -> bool {
    let (shown, text): (Vec<_>, Vec<_>) = (shown.lines().collect(), text.lines().collect());
    lines_match(&shown, &text)
}

/// What lines of a table begin with.
const TABLE: [char; 4] = ['┌', '│', '╞', '└'];

/// A line of a table without what depends on the numbers in it: digits, and the width of columns.
fn without_numbers(line: &str) -> String {
    let kept = |c: &char| !c.is_ascii_digit() && !matches!(c, ' ' | '─' | '═');
    line.chars().filter(kept).collect()
}

fn lines_match(shown: &[&str], text: &[&str]) -> bool {
    match shown.split_first() {
        None => text.is_empty(),
        Some((&"...", rest)) => (0..=text.len()).any(|skip| lines_match(rest, &text[skip..])),
        Some((line, rest)) => {
            text.first().is_some_and(|first| line_matches(line, first))
                && lines_match(rest, &text[1..])
        }
    }
}

fn line_matches(shown: &str, line: &str) -> bool {
    if line.starts_with(TABLE) {
        return without_numbers(shown) == without_numbers(line);
    }
    let mut parts = shown.trim_end().split("[..]");
    let line = line.trim_end();
    let Some(mut rest) = line.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let mut whole = true;
    for part in parts {
        whole = false;
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
        whole |= part.is_empty();
    }
    rest.is_empty() || (whole && shown.trim_end().ends_with("[..]"))
}

#[test]
fn links_lead_somewhere() {
    let mut reached = BTreeSet::new();
    for path in documents() {
        let dir = Path::new(&path).parent().expect("a directory").to_path_buf();
        for link in links(&read(&path)) {
            if link.starts_with("https://") {
                continue;
            }
            let (file, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let target = if file.is_empty() { PathBuf::from(&path) } else { dir.join(file) };
            let exists = root().join(&target).exists();
            assert!(exists, "{path}: {link} leads nowhere");
            if !anchor.is_empty() {
                let there = anchors(&fs::read_to_string(root().join(&target)).expect("text"));
                assert!(there.contains(anchor), "{path}: {link}: no such anchor");
            }
            if let Ok(target) = root().join(&target).canonicalize() {
                reached.insert(target);
            }
        }
    }
    for path in documents() {
        let known = path == "README.md"
            || reached.contains(&root().join(&path).canonicalize().expect("it"));
        assert!(known, "nothing leads to {path}");
    }
}

/// Targets of links outside of fenced blocks.
fn links(document: &str) -> Vec<String> {
    let mut fenced = false;
    let mut links = Vec::new();
    for line in document.lines() {
        fenced ^= line.starts_with("```");
        if !fenced {
            let targets = line.split("](").skip(1);
            links.extend(targets.filter_map(|rest| Some(rest.split_once(')')?.0.to_owned())));
        }
    }
    links
}

/// What can be linked to within a document.
fn anchors(document: &str) -> BTreeSet<String> {
    let mut anchors = BTreeSet::new();
    for line in document.lines() {
        if let Some(heading) = line.strip_prefix('#') {
            anchors.insert(render::slug(heading.trim_start_matches('#')));
        }
        let ids = line.split("<a id=\"").skip(1);
        anchors.extend(ids.filter_map(|rest| Some(rest.split_once('"')?.0.to_owned())));
    }
    anchors
}

#[test]
fn recipes_have_at_most_ten_steps_and_end_in_a_command() {
    let page = read("docs/recipes.md");
    let recipes: Vec<&str> = page.split("\n## ").skip(1).collect();
    assert!(recipes.len() >= 8, "only {} recipes", recipes.len());
    for recipe in recipes {
        let title = recipe.lines().next().unwrap_or_default();
        let is_step =
            |line: &&str| line.split_once(". ").is_some_and(|(n, _)| n.parse::<u8>().is_ok());
        let steps = recipe.lines().filter(is_step).count();
        assert!((1..=10).contains(&steps), "{title}: {steps} steps");
        let last = recipe.rsplit_once(&format!("\n{steps}. ")).expect("the last step").1;
        assert!(last.contains("`cargo ") || last.contains("`UPDATE=1 cargo "), "{title}: {last}");
    }
}

#[test]
fn every_page_is_in_the_summary() {
    let summary: BTreeSet<String> = links(&read("docs/SUMMARY.md")).into_iter().collect();
    let pages = documents().into_iter().filter_map(|path| {
        let page = path.strip_prefix("docs/")?.to_owned();
        (page != "SUMMARY.md").then_some(page)
    });
    assert_eq!(summary, pages.collect(), "docs/SUMMARY.md lists other pages than there are");
}

#[test]
fn every_chapter_of_rules_has_a_page() {
    for Chapter { name, .. } in CHAPTERS {
        let page = read(&format!("docs/{name}.md"));
        for part in ["kinds", "rules", "choices", "platforms", "exceptions"] {
            assert!(page.contains(&format!("<!-- generated: {part} {name} -->")), "{name}: {part}");
        }
        assert!(page.contains("<!-- generated: picture "), "docs/{name}.md has no picture");
    }
}
