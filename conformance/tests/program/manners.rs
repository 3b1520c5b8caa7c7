//! What users of command lines expect.

use crate::place::Place;
use crate::run;

fn rules(words: &[&str]) -> String {
    let found = run(&[&["rules"], words].concat());
    assert_eq!(found.status, Some(0), "{words:?}: {found:?}");
    found.out
}

#[test]
fn rules_are_found_by_chapter_by_the_beginning_of_ids_and_by_words() {
    let chapter = rules(&["stream"]);
    assert!(chapter.contains("  stream.read.waits ("), "{chapter}");
    assert!(!chapter.contains("  fifo."), "{chapter}");
    let opens = rules(&["fifo.open"]);
    assert!(opens.contains("  fifo.open.waits ("), "{opens}");
    assert!(opens.lines().all(|line| !line.starts_with("  ")
        || line.contains("      ")
        || line.starts_with("  fifo.open.")));
    let word = rules(&["epipe"]);
    assert!(word.contains("  stream.write.no-reader ("), "{word}");
    let both = rules(&["stream", "EPIPE"]);
    assert!(both.len() < word.len() && both.contains("stream.write.no-reader"), "{both}");
    assert!(rules(&["stream.read.waits"]).contains("Sources:"));
    run(&["rules", "stream", "xyzzy"]).refused(&["there is no such rule", "\"xyzzy\""]);
    for (word, meant) in
        [("straem", "stream"), ("stream.raed.waits", "stream.read.waits"), ("acept", "accept")]
    {
        run(&["rules", word]).refused(&[&format!("did you mean {meant}?")]);
    }
}

#[test]
fn tables_fit_the_terminal() {
    let place = Place::new();
    let checked = ["check", "pipe", "unix-stream-nonblocking", "--scenarios", "9", "--paths", "0"];
    for (arguments, columns) in [
        (&checked as &[&str], 80),
        (&checked, 60),
        (&["channels"], 80),
        (&["verify", "simplex-pipe", "leaked-write-end", "--brief"], 80),
    ] {
        let mut command = place.command(arguments);
        let output = command.env("COLUMNS", columns.to_string()).output().expect("it runs");
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        for line in text.lines().filter(|line| line.starts_with(['│', '┌'])) {
            assert!(line.chars().count() <= columns, "{arguments:?}:\n{text}");
        }
    }
}

#[test]
fn a_quiet_check_says_nothing_where_nothing_is_wrong() {
    let quiet = run(&["check", "pipe", "--quiet", "--scenarios", "9", "--paths", "0"]);
    assert_eq!((quiet.status, quiet.out.as_str(), quiet.err.as_str()), (Some(0), "", ""));
}

#[test]
fn shells_and_manuals_are_served() {
    for shell in ["bash", "zsh", "fish"] {
        let script = run(&["completions", shell]);
        assert!(script.out.contains("pipewright") && script.out.contains("judge"), "{script:?}");
    }
    for (arguments, title) in
        [(&["man"] as &[&str], "pipewright"), (&["man", "check"], "pipewright-check")]
    {
        let page = run(arguments);
        // Hyphens are escaped, lest they become dashes.
        let text = page.out.replace('\\', "");
        assert!(text.contains(&format!(".TH {title} 1")), "{text}");
        assert!(page.out.contains("Exit status"), "{}", page.out);
    }
}
