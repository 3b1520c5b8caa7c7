//! A slip of the pen in any word of the language of runs is answered with the word that was meant.

use std::collections::BTreeSet;

use pipewright_model::call::{Errno, Events, Op};
use pipewright_model::kind::KINDS;
use pipewright_model::litmus::Litmus;
use pipewright_model::run::Run;
use pipewright_model::settings::Setting;
use pipewright_model::text::{ParseError, nearest};

/// The word with one letter left out, or two that have changed places. What is another call then is no slip.
fn slips(word: &str) -> BTreeSet<String> {
    let letters: Vec<char> = word.chars().collect();
    let without = (0..letters.len()).map(|at| {
        let mut letters = letters.clone();
        letters.remove(at);
        letters
    });
    let swapped = (1..letters.len()).map(|at| {
        let mut letters = letters.clone();
        letters.swap(at - 1, at);
        letters
    });
    let all = without.chain(swapped).map(|letters| letters.into_iter().collect::<String>());
    let is_slip = |slip: &String| !slip.is_empty() && slip != word;
    all.filter(is_slip).filter(|slip| !Op::CALLS.contains(&slip.as_str())).collect()
}

fn read(text: &str, is_litmus: bool) -> Result<(), ParseError> {
    if is_litmus { text.parse::<Litmus>().map(drop) } else { text.parse::<Run>().map(drop) }
}

/// Slips in a word that stands at `@` in a text are answered with a word as near as it, and mostly with it.
#[track_caller]
fn is_meant(text: &str, word: &str) {
    assert_eq!(text.matches('@').count(), 1, "{text}");
    let sound = text.replace('@', word);
    let is_litmus = sound.contains("allowed") || sound.contains("forbidden");
    assert_eq!(read(&sound, is_litmus), Ok(()), "{sound}");
    let (mut found, mut all) = (0, 0);
    for slip in slips(word) {
        let text = text.replace('@', &slip);
        let Err(fault) = read(&text, is_litmus) else { continue };
        let help = fault.help.clone().unwrap_or_default();
        let meant = help.strip_prefix("did you mean \"").and_then(|rest| rest.strip_suffix("\"?"));
        let Some(meant) = meant else { panic!("{slip} for {word}: {fault} ({help}) in:\n{text}") };
        assert!(nearest(&slip, [word, meant]).is_some(), "{slip} for {word}: {meant}");
        all += 1;
        found += usize::from(meant == word);
    }
    assert!(found * 2 >= all, "{word}: {found} of {all}");
}

/// A line of a pipe, or of what is named before it, in which a call's word stands.
const CALLS: &[(&str, &str)] = &[
    ("channel fifo\na: @ read", "open"),
    ("channel pipe\nreader: @ 5", "read"),
    ("channel pipe\nwriter: @ 5", "write"),
    ("channel pipe\nwriter: @", "close"),
    ("channel pipe\nwriter: @ as w2", "dup"),
    ("channel pipe\nwriter: @ as 1", "dup2"),
    ("channel pipe\nwriter: @ on", "close-on-exec"),
    ("channel pipe\nwriter: @ child", "fork"),
    ("channel pipe\nwriter: @", "exec"),
    ("channel pipe\nactor reader\nwriter: @ reader", "wait"),
    ("channel pipe\nactor reader\nwriter: @ reader SIGTERM", "signal"),
    ("channel pipe\nwriter: @ SIGTERM ignore", "sigaction"),
    ("channel file\nwriter: @ exclusive", "process-lock"),
    ("channel pipe\nwriter: @ on", "nonblocking"),
    ("channel pipe\nwriter: @ out", "poll"),
    ("channel pipe\nwriter: @ 4096", "set-capacity"),
    ("channel pipe\nwriter: @", "capacity"),
    ("channel pipe\nwriter: @", "available"),
    ("channel file\nwriter: @", "seek"),
    ("channel file\nreader: @ 5", "read-at"),
    ("channel file\nwriter: @ 5", "write-at"),
    ("channel file\nwriter: @ 5", "truncate"),
    ("channel locked-file\nwriter: @ shared", "lock"),
    ("channel locked-file\nwriter: @ shared", "flock"),
    ("channel unix-stream\na: @", "socket"),
    ("channel unix-stream\nann: @", "bind"),
    ("channel unix-stream\nann: @ 5", "listen"),
    ("channel unix-stream\nann: @", "connect"),
    ("channel unix-stream\nann: @ as s", "accept"),
    ("channel unix-stream\nann: @ read", "shutdown"),
    ("channel unix-stream\nann: @ 5", "send"),
    ("channel unix-stream\nann: @ 5", "receive"),
    ("channel unix-stream\nann: @ 5 passing sa", "send-end"),
    ("channel unix-stream\nann: @ 5 as s", "receive-end"),
    ("channel unix-stream\nann: @ linger 5", "set-option"),
    ("channel unix-stream\nann: @ linger", "option"),
    ("channel fifo\na: @", "unlink"),
    ("channel eventfd\nactor a holds rw\na: @ 5", "add"),
    ("channel eventfd\nactor a holds rw\na: @", "take"),
    ("channel pipe\nactor a holds r\na: @", "epoll"),
    ("channel pipe\nactor a holds r\na: epoll -> ok\na: @ e r in", "epoll-add"),
    ("channel pipe\nactor a holds r\na: epoll -> ok\na: @ e r in", "epoll-modify"),
    ("channel pipe\nactor a holds r\na: epoll -> ok\na: @ e r", "epoll-delete"),
    ("channel pipe\nactor a holds r\na: epoll -> ok\na: @ e", "epoll-wait"),
];

/// Where the other words stand.
const OTHERS: &[(&str, &str)] = &[
    ("@ pipe", "channel"),
    ("channel pipe @ 4096", "capacity"),
    ("channel pipe @", "packet"),
    ("channel pipe @", "nonblocking"),
    ("channel file @", "append"),
    ("channel pipe @", "crowded"),
    ("channel pipe\n@ PAGE_SIZE 4096", "setting"),
    ("channel pipe\n@ a holds r", "actor"),
    ("channel pipe\nactor a @ r", "holds"),
    ("channel pipe\n@ r w", "ends"),
    ("channel pipe\nreader: read 5\n@ reader", "quiet"),
    ("channel pipe\nwriter: write 5 @ at 3", "stops"),
    ("channel pipe\nwriter: write 5 stops @ 3", "at"),
    ("channel pipe\nwriter: write 5 stops at 3\nwriter: @ on", "goes"),
    ("channel pipe\nwriter: write 5 stops at 3\nwriter: goes @", "on"),
    ("channel file\na: open @", "read"),
    ("channel file\na: open @", "write"),
    ("channel file\na: open @", "read-write"),
    ("channel file\na: open write @", "append"),
    ("channel file\na: open write @", "truncate"),
    ("channel file\na: open write @", "nonblocking"),
    ("channel file\na: open write @ w2", "as"),
    ("channel pipe\nwriter: nonblocking @", "on"),
    ("channel pipe\nwriter: nonblocking @", "off"),
    ("channel pipe\nwriter: poll out @", "wait"),
    ("channel file\nwriter: seek @ 5", "start"),
    ("channel file\nwriter: seek @ 5", "current"),
    ("channel file\nwriter: seek @ 5", "end"),
    ("channel file\nreader: read-at 5 @ 5", "at"),
    ("channel locked-file\nwriter: lock @", "none"),
    ("channel locked-file\nwriter: lock @", "shared"),
    ("channel locked-file\nwriter: lock @", "exclusive"),
    ("channel unix-stream\nann: send-end 5 @ sa", "passing"),
    ("channel unix-stream\nann: send 5 @", "dontwait"),
    ("channel unix-stream\nann: receive 5 @", "peek"),
    ("channel unix-stream\nann: receive 5 @", "waitall"),
    ("channel unix-stream\nann: receive 5 @", "trunc"),
    ("channel unix-stream\nann: send 5 @", "nosignal"),
    ("channel unix-datagram\nann: send 5 @", "addressed"),
    ("channel unix-stream\nann: option @", "send-buffer"),
    ("channel unix-stream\nann: option @", "receive-buffer"),
    ("channel unix-stream\nann: option @", "receive-timeout-us"),
    ("channel unix-stream\nann: option @", "receive-timeout-s"),
    ("channel unix-stream\nann: option @", "linger"),
    ("channel unix-stream\nann: option @", "error"),
    ("channel unix-datagram\nann: receive 5 -> 5 @", "truncated"),
    ("channel unix-datagram\nann: receive 5 -> 5 @", "end"),
    ("channel unix-stream\nann: receive 5 -> 5 @", "end-lost"),
    ("channel pipe\nwriter: close -> @", "ok"),
    ("channel pipe\nwriter: poll out -> @", "none"),
    ("channel pipe\nwriter: write 5 -> EPIPE + @", "SIGPIPE"),
    ("channel pipe\nreader: read 5 -> 0 = @", "nothing"),
    ("channel pipe\nwriter: @", "exit"),
    ("channel pipe\nwriter: exit @", "SIGTERM"),
    ("channel pipe\nwriter: sigaction SIGTERM @", "default"),
    ("channel pipe\nwriter: sigaction SIGTERM @", "ignore"),
    ("channel pipe\nwriter: sigaction SIGTERM @", "catch"),
    ("channel pipe\nwriter: sigaction SIGTERM @", "restart"),
    ("channel pipe\n@ p holds w", "process"),
    ("channel pipe\n@ p holds w", "outsider"),
    ("channel pipe\nprocess p holds w\n@ t of p", "thread"),
    ("channel pipe\nprocess p holds w\nthread t @ p", "of"),
    ("channel pipe\nprocess p holds w\nprocess q @ w of p", "inherits"),
    ("channel pipe\nprocess p @ SIGTERM", "ignores"),
    ("channel pipe\nprocess p @ SIGTERM", "catches"),
    ("channel pipe\nprocess p catches SIGTERM @", "restarting"),
    ("channel pipe\nreader: read 5 -> 5 = @[0..5]", "zero"),
    ("channel pipe\nreader: read 5 -> 5 = @[0..5]", "any"),
    ("channel pipe\nwriter: close -> ok\nreader: read 5 -> 5 = @[0..5]", "writer"),
    ("channel pipe\nwriter: close -> ok\n@: write 5", "reader"),
    ("channel pipe\nwriter: write 5\n@ writer -> 5", "allowed"),
    ("channel pipe\nwriter: write 5\n@ writer -> 4", "forbidden"),
    ("channel pipe\nwriter: write 5\nforbidden writer -> @", "asleep"),
    ("channel pipe\nwriter: write 5\nallowed writer -> @", "any"),
    ("channel pipe\nactor a holds r\na: epoll -> ok\na: epoll-add e r in @", "edge"),
    ("channel pipe\nactor a holds r\na: epoll -> ok\na: epoll-add e r in @", "one-shot"),
    ("channel pipe\nactor a holds r\na: epoll -> ok\na: epoll-wait e @ 2", "at-most"),
];

#[test]
fn slips_in_calls_and_other_words_are_answered() {
    for (text, word) in CALLS.iter().chain(OTHERS) {
        is_meant(text, word);
    }
    for word in Op::CALLS {
        assert!(CALLS.iter().any(|(_, known)| known == word), "no text shows {word}");
    }
}

#[test]
fn slips_in_names_that_are_lists_are_answered() {
    for kind in KINDS {
        is_meant("channel @", kind.name);
    }
    for (name, ..) in Errno::NAMED {
        is_meant("channel pipe\nwriter: write 5 -> @", name);
    }
    for (name, _) in Events::NAMED {
        is_meant("channel pipe\nwriter: poll @", name);
        is_meant("channel pipe\nwriter: poll in|@", name);
        is_meant("channel pipe\nwriter: poll in -> @", name);
    }
    for setting in Setting::all() {
        let value = setting.stock();
        let kind = KINDS.iter().find(|kind| setting.matters_to(kind)).expect("it matters to one");
        is_meant(&format!("channel {}\nsetting @ {value}", kind.name), setting.name());
    }
}

/// Every word that the grammar quotes is tried above.
#[test]
fn every_word_of_the_grammar_is_tried() {
    let page = include_str!("../src/text/mod.rs");
    let grammar: String =
        page.lines().take_while(|line| !line.starts_with("//! # Meaning")).collect();
    let words = grammar.split('"').skip(1).step_by(2).filter(|word| {
        word.len() > 1 && word.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'-')
    });
    let ends = ["rw", "ra", "wa", "rb", "wb", "sa", "sb"];
    let known = |word: &&str| {
        CALLS.iter().chain(OTHERS).any(|(_, known)| known == word)
            || Events::NAMED.iter().any(|(name, _)| name == word)
            || ends.contains(word)
            || matches!(*word, "lax" | "->" | "--")
    };
    let missing: BTreeSet<_> = words.filter(|word| !known(word)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn what_is_far_from_all_words_is_answered_with_their_list() {
    let fault = "channel pipe\nwriter: transmogrify 2".parse::<Run>().expect_err("no call");
    assert!(fault.help.is_some_and(|help| help.starts_with("calls are open, read, write")));
    assert_eq!(nearest(&"x".repeat(1 << 20), ["read"]), None);
    assert_eq!(nearest("WRITE", ["read", "write"]), Some("write"));
    assert_eq!(nearest("x", ["r", "w"]), None);
}
