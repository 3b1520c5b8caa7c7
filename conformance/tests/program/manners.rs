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
    for (word, meant) in [
        ("straem", "stream"),
        ("stream.raed.waits", "stream.read.waits"),
        ("acept", "accept"),
        ("EPPE", "EPIPE"),
        ("fifo.opn", "fifo.open"),
        ("stream.raed", "stream.read"),
        ("outsied", "outside"),
    ] {
        run(&["rules", word]).refused(&[&format!("did you mean {meant}?")]);
    }
}

/// What the book says of what is no behaviour of a channel is found as its rules are.
#[test]
fn what_comes_from_outside_or_is_not_modelled_is_found_too() {
    for (word, told) in [
        ("EINTR", "outside.any.signal\n"),
        ("EMFILE", "outside.any.descriptors\n"),
        ("ENOSPC", "  outside.any.space\n"),
        ("outside", "  outside.any.network\n"),
        ("outside.any.memory", "Read on in docs/not-modelled.md"),
    ] {
        assert!(rules(&[word]).contains(told), "{word}: {}", rules(&[word]));
    }
    for word in ["splice", "tee", "readv", "select"] {
        let found = rules(&[word]);
        let told = found.split("Not modelled (docs/not-modelled.md)\n").nth(1);
        assert!(told.is_some_and(|rows| rows.contains(&format!("`{word}`"))), "{word}: {found}");
        assert!(!found.contains("]("), "{found}");
    }
    let told = crate::json(&run(&["rules", "ENOSPC", "--json"]).out);
    let causes = told["outside"].as_array().expect("causes");
    assert!(causes.iter().any(|cause| cause["id"] == "outside.any.space"), "{told}");
    assert!(told["not_modelled"][0]["why"].is_string(), "{told}");
}

#[test]
fn words_that_people_search_for_lead_to_rules_and_pages() {
    for (words, rule) in [
        (&["atomic"] as &[&str], "stream.write.fits"),
        (&["interleave"], "stream.write.in-parts"),
        (&["EOF"], "stream.read.no-writer"),
        (&["end", "of", "file"], "stream.read.no-writer"),
        (&["end of file"], "file.read.end"),
        (&["deadlock"], "stream.read.waits"),
    ] {
        let found = rules(words);
        assert!(found.contains(&format!("  {rule} (")), "{words:?}: {found}");
        assert!(found.contains("\nSee also docs/systems.md"), "{words:?}: {found}");
    }
}

#[test]
fn several_ids_are_listed_and_several_words_leave_what_has_them_all() {
    let both = rules(&["lock.lock.waits", "lock.flock.waits"]);
    assert!(
        both.contains("  lock.lock.waits (") && both.contains("  lock.flock.waits ("),
        "{both}"
    );
    let chapters = rules(&["stream", "fifo", "EPIPE"]);
    assert!(chapters.contains("  stream.write.no-reader ("), "{chapters}");
    let none = run(&["rules", "stream", "SIGPIPE", "EAGAIN"]);
    none.refused(&["no rule has them together", "leave one out"]);
    assert!(!none.err.contains("did you mean"), "{}", none.err);
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
fn at_eighty_columns_no_word_is_broken() {
    let names: Vec<_> = pipewright_backends::channels().iter().map(|c| c.name()).collect();
    let systems = ["leaked-write-end", "two-writers-above-pipe-buf", "busy-waiting-reader"];
    for (arguments, rows) in [
        (&["channels"] as &[&str], &names[..]),
        (&[&["verify", "--brief"], &systems[..]].concat(), &systems),
    ] {
        let place = Place::new();
        let output = place.command(arguments).env("COLUMNS", "80").output().expect("it runs");
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        let lines = || text.lines().filter(|line| line.starts_with('│'));
        for name in rows {
            assert!(lines().any(|line| line.starts_with(&format!("│ {name} "))), "{name}:\n{text}");
        }
        assert_eq!(lines().count(), rows.len() + 1, "a line a row, and the header:\n{text}");
        assert!(text.contains("\nToo narrow for: "), "{text}");
    }
}

#[test]
fn options_alone_are_of_check() {
    let checked = run(&["-q", "--scenarios", "0", "--paths", "0", "--systems", "0"]);
    assert_eq!((checked.status, checked.out.as_str()), (Some(0), ""), "{checked:?}");
    run(&["--stops", "101"]).refused(&["'--stops <PERCENT>'", "from 0 to 100"]);
}

#[test]
fn a_channel_that_is_named_twice_is_checked_once() {
    let checked = run(&["check", "pipe", "fifo", "pipe", "--scenarios", "5", "--paths", "0"]);
    assert_eq!(checked.out.matches("\n│ pipe ").count(), 1, "{}", checked.out);
}

/// All errors begin with the program's name, and no words of the language it is written in reach its user.
#[test]
fn what_is_no_number_is_refused_in_words_of_this_program() {
    let mut options = 0;
    for command in ["check", "litmus", "bench", "verify", "explore"] {
        let help = run(&[command, "--help"]).out;
        let numbers = ["<N>", "<S>", "<PERCENT>", "<SECONDS>", "<I>"];
        let named = help.lines().filter_map(|line| line.trim().strip_prefix("--"));
        for (option, value) in named.filter_map(|line| line.split_once(' ')) {
            if !value.split(' ').next().is_some_and(|value| numbers.contains(&value)) {
                continue;
            }
            options += 1;
            for text in ["x", "-1", "1.5", "", "99999999999999999999999"] {
                let refused = run(&[command, &format!("--{option}"), text]);
                refused.refused(&["it takes a number from "]);
                assert!(refused.err.starts_with("pipewright: "), "{}", refused.err);
            }
        }
    }
    assert!(options >= 13, "only {options} options take numbers");
    for arguments in [&["chekc"] as &[&str], &["judge"], &["check", "--jsno", "a"]] {
        assert!(run(arguments).err.starts_with("pipewright: "), "{arguments:?}");
    }
}

#[test]
fn nothing_is_measured_by_no_look_at_it() {
    run(&["bench", "looks", "--looks", "0"]).refused(&["'--looks <N>'", "from 1 to"]);
    run(&["bench", "--pairs", "0"]).refused(&["'--pairs <N>'", "from 15 to"]);
    run(&["litmus", "none", "--runs", "0"]).refused(&["'--runs <N>'", "from 1 to"]);
}

#[test]
fn rules_that_were_not_shown_are_said_to_be_in_the_json() {
    let checked = run(&["check", "pipe", "--scenarios", "5", "--paths", "0"]);
    assert!(
        checked.out.contains("`--json FILE` names the rules that no run showed"),
        "{}",
        checked.out
    );
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
