//! What the parser says of texts that are no runs: where, and what was expected instead.

use pipewright_model::call::Op;
use pipewright_model::run::Run;
use pipewright_model::text::{ParseError, parse};

fn fault(text: &str) -> ParseError {
    text.parse::<Run>().expect_err("the text is no run")
}

/// Shows the place of the fault, the text there and what is wrong with it.
fn shown(text: &str) -> String {
    let fault = fault(text);
    let marked = &text[fault.bytes.clone()];
    assert_eq!(marked.chars().count(), fault.len);
    format!("{}:{} {marked:?}: {}", fault.line, fault.column, fault.what)
}

#[track_caller]
fn is(text: &str, expected: &str) {
    assert_eq!(shown(text), expected, "in:\n{text}");
}

#[test]
fn a_fault_is_displayed_with_its_place() {
    let fault = fault("channel pipe\n\nwriter: write 2 -> x\n");
    let text = "line 3, column 20: expected a reply after \"->\", found \"x\"";
    assert_eq!(fault.to_string(), text);
    assert!(fault.help.is_some_and(|help| help.contains("EAGAIN")));
}

#[test]
fn a_run_starts_with_its_channel() {
    is("", r#"1:1 "": expected "channel KIND", found the end of the text"#);
    is("# only\n", r#"1:7 "": expected "channel KIND", found the end of the text"#);
    is("writer: close", r#"1:1 "writer": expected "channel KIND" first, found "writer""#);
    is("channel", r#"1:8 "": expected a kind of channel, found the end of the line"#);
    is("channel tube", r#"1:9 "tube": expected a kind of channel, found "tube""#);
    is("channel pipe\nchannel pipe", r#"2:9 "pipe": a run of several channels names each"#);
    let help = fault("channel tube").help.unwrap_or_default();
    assert!(help.starts_with("the kinds are pipe, fifo"));
}

#[test]
fn options_of_a_channel_are_known_and_given_once() {
    let options = r#"expected "capacity", "packet", "nonblocking", "append", "crowded" or the end of the line"#;
    is("channel pipe wide", &format!(r#"1:14 "wide": {options}, found "wide""#));
    is("channel pipe packet packet", r#"1:21 "packet": "packet" is given twice"#);
    let capacity = "expected a capacity in bytes, found";
    is("channel pipe capacity # 5", &format!(r#"1:22 "": {capacity} the end of the line"#));
    is(
        "channel pipe capacity 4_294_967_296",
        &format!(r#"1:23 "4_294_967_296": {capacity} "4_294_967_296""#),
    );
}

#[test]
fn a_capacity_that_the_kind_cannot_have_is_refused_with_one_that_it_can() {
    let pages = |kind: &str, page: &str| {
        format!(
            "a {kind} has a power of two of pages of {page} bytes, up to 1073741824 bytes in all"
        )
    };
    for (bytes, next) in [
        ("0", "4096"),
        ("10", "4096"),
        ("100", "4096"),
        ("1024", "4096"),
        ("4097", "8192"),
        ("2147483648", "1073741824"),
        ("4294967295", "1073741824"),
    ] {
        let what = format!("{}: the next capacity is {next}", pages("fifo", "4096"));
        is(&format!("channel fifo capacity {bytes}"), &format!(r#"1:23 "{bytes}": {what}"#));
    }
    let what = format!("{}: the next capacity is 16384", pages("pipe", "16384"));
    is("channel pipe capacity 4096\nsetting PAGE_SIZE 16384", &format!(r#"1:23 "4096": {what}"#));
    for capacity in ["capacity 4", "capacity 1073741824", "capacity 1024\nsetting PAGE_SIZE 1024"] {
        assert!(format!("channel pipe {capacity}").parse::<Run>().is_ok(), "{capacity}");
    }
    let queue =
        "a message-queue takes whole messages of 64 bytes: for ten messages the capacity is 640";
    is("channel message-queue capacity 10", &format!(r#"1:32 "10": {queue}"#));
    is("channel message-queue capacity 0", &format!(r#"1:32 "0": {queue}"#));
    is("channel tcp capacity 1", r#"1:22 "1": a tcp has no capacity to be set"#);
    is("channel file capacity 1", r#"1:23 "1": a file has no capacity to be set"#);
    is("channel shared-memory capacity 0", r#"1:32 "0": a shared-memory has at least one byte"#);
    assert!("channel message-queue capacity 640".parse::<Run>().is_ok());
    assert!("channel message-queue capacity 256".parse::<Run>().is_ok());
}

#[test]
fn an_option_that_changes_nothing_is_refused() {
    let refused = [
        ("file", "packet", "is no pipe"),
        ("tcp", "packet", "is no pipe"),
        ("fifo", "packet", "is opened by path, which is refused with O_DIRECT"),
        ("message-queue", "packet", "is no pipe"),
        ("pipe", "append", "is no file"),
        ("tcp", "append", "is no file"),
        ("unix-stream", "crowded", "has no pages of pipes"),
        ("shared-memory", "crowded", "has no pages of pipes"),
        ("global-variable", "nonblocking", "has no descriptors"),
        ("file", "nonblocking", "never waits for data or room"),
    ];
    for (kind, option, why) in refused {
        let what = format!(r#""{option}" changes nothing here: a {kind} {why}"#);
        let column = kind.len() + 10;
        is(&format!("channel {kind} {option}"), &format!(r#"1:{column} "{option}": {what}"#));
    }
    let taken = ["pipe packet", "pipe-pair crowded", "fifo nonblocking", "tcp nonblocking"];
    for header in taken.iter().chain(&["locked-file append", "message-queue nonblocking"]) {
        assert!(format!("channel {header}").parse::<Run>().is_ok(), "{header}");
    }
}

#[test]
fn settings_are_known_matter_to_the_kind_and_stand_before_events() {
    let after = |lines: &str| shown(&format!("channel unix-datagram\n{lines}"));
    let qlen = "net.unix.max_dgram_qlen";
    assert_eq!(
        after("setting"),
        r#"2:8 "": expected the name of a setting, found the end of the line"#
    );
    assert_eq!(after("setting net.unix 1"), r#"2:9 "net.unix": there is no setting "net.unix""#);
    let value = "expected the value of the setting, found the end of the line";
    assert_eq!(after(&format!("setting {qlen}")), format!(r#"2:32 "": {value}"#));
    let other = r#"2:9 "fs.pipe-max-size": fs.pipe-max-size changes nothing for a unix-datagram"#;
    assert_eq!(after("setting fs.pipe-max-size 4096"), other);
    let range = r#"2:19 "4095": PAGE_SIZE is a power of two"#;
    assert_eq!(after("setting PAGE_SIZE 4095"), range);
    let late = after(&format!("actor a holds sa\na: close\nsetting {qlen} 1"));
    assert_eq!(late, r#"4:1 "setting": "setting" lines stand before the first event"#);
    let help = fault("channel pipe\nsetting x 1").help.unwrap_or_default();
    assert!(help.starts_with("settings are PAGE_SIZE, PIPE_BUF, fs.pipe-max-size"));
}

#[test]
fn actors_are_declared_once_before_events_with_ends_of_the_kind() {
    let after = |lines: &str| shown(&format!("channel pipe\n{lines}"));
    let name = "expected a name for the actor, found";
    assert_eq!(after("actor"), format!(r#"2:6 "": {name} the end of the line"#));
    assert_eq!(after("actor Ann"), format!(r#"2:7 "Ann": {name} "Ann""#));
    assert_eq!(after("actor a\nactor a"), r#"3:7 "a": there is already an actor a"#);
    assert_eq!(after("actor a holds"), r#"2:14 "": expected an end, found the end of the line"#);
    assert_eq!(after("actor a holds x"), r#"2:15 "x": expected an end, found "x""#);
    assert_eq!(after("actor a holds r r"), r#"2:17 "r": a already holds this end"#);
    assert_eq!(after("actor a has r"), r#"2:9 "has": expected the end of the line, found "has""#);
    assert_eq!(
        after("actor a holds rw"),
        r#"2:15 "rw": nobody holds such an end of this kind of channel at the start"#
    );
    assert_eq!(
        after("writer: close -> ok\nactor a"),
        r#"3:1 "actor": "actor" lines stand before the first event"#
    );
    assert_eq!(
        after("actor a holds r\nends r"),
        r#"3:1 "ends": the "ends" line stands before all that names an end"#
    );
    assert_eq!(after("ends r w r"), r#"2:10 "r": this end is listed twice"#);
    assert_eq!(after("ends"), r#"2:5 "": expected an end, found the end of the line"#);
    assert!("channel fifo\nactor a holds rw".parse::<Run>().is_ok());
}

#[test]
fn an_actor_whose_ends_are_not_known_must_be_declared() {
    let text = "channel pipe\nann: read 5";
    is(text, r#"2:1 "ann": the ends of ann are not known"#);
    let help = "\"actor ann holds r\" after the \"channel\" line says so";
    assert_eq!(fault(text).help.as_deref(), Some(help));
    is("channel pipe\nann: -> 5", r#"2:1 "ann": ann has made no call"#);
    is("channel pipe\nquiet ann", r#"2:7 "ann": no actor is called ann so far"#);
    is(
        "channel pipe\nreader: read 1 -> 1 = ann[0..1]",
        r#"2:23 "ann": no actor is called ann so far"#,
    );
    assert!("channel fifo\nann: open read -> ok\nann: read 5".parse::<Run>().is_ok());
}

#[test]
fn an_event_is_an_actor_a_colon_and_a_call() {
    let after = |lines: &str| shown(&format!("channel pipe\n{lines}"));
    assert_eq!(after("read 5"), r#"2:6 "5": expected ":", found "5""#);
    assert_eq!(after("5"), r#"2:1 "5": expected an event, found "5""#);
    assert_eq!(after("é"), r#"2:1 "é": expected an event, found "é""#);
    let call = r#"expected a call or "->", found"#;
    assert_eq!(after("writer:"), format!(r#"2:8 "": {call} the end of the line"#));
    assert_eq!(after("writer: wrote"), format!(r#"2:9 "wrote": {call} "wrote""#));
    assert_eq!(after("writer: close é"), r#"2:15 "é": expected the end of the line, found "é""#);
    assert_eq!(
        after("reader: read 1\nwriter: write 1\nquiet reader writer"),
        r#"4:14 "writer": expected ",", found "writer""#
    );
}

#[test]
fn calls_have_their_arguments() {
    let after = |call: &str| shown(&format!("channel fifo\nwriter: {call}"));
    let size = "expected a number of bytes, found";
    assert_eq!(after("write"), format!(r#"2:14 "": {size} the end of the line"#));
    assert_eq!(after("write x"), format!(r#"2:15 "x": {size} "x""#));
    assert_eq!(after("write 4294967296"), format!(r#"2:15 "4294967296": {size} "4294967296""#));
    assert_eq!(after("read w -1"), format!(r#"2:16 "-1": {size} "-1""#));
    assert_eq!(
        after("open wide"),
        r#"2:14 "wide": expected "read", "write" or "read-write", found "wide""#
    );
    assert_eq!(after("open read as"), r#"2:21 "": expected an end, found the end of the line"#);
    assert_eq!(after("open read as x"), r#"2:22 "x": expected an end, found "x""#);
    assert_eq!(after("dup w2"), r#"2:15 "": expected "as", found the end of the line"#);
    assert_eq!(after("nonblocking 1"), r#"2:21 "1": expected "on" or "off", found "1""#);
    assert_eq!(
        after("poll wait"),
        r#"2:14 "wait": expected events such as "in|out", or "none", found "wait""#
    );
    assert_eq!(after("poll in|"), r#"2:17 "": expected an event, found the end of the line"#);
    assert_eq!(after("unlink w"), r#"2:16 "w": expected the end of the line, found "w""#);
}

#[test]
fn an_end_must_be_named_where_several_or_none_are_open() {
    let text = "channel pipe\nwriter: dup as w2 -> ok\nwriter: close -> ok";
    is(text, r#"3:15 "->": expected an end, found "->""#);
    assert_eq!(fault(text).help.as_deref(), Some("writer has w and w2 open here"));
    let text = "channel fifo\nann: open read -> ENXIO\nann: read 5";
    is(text, r#"3:11 "5": expected an end, found "5""#);
    assert_eq!(fault(text).help.as_deref(), Some("ann has none open here"));
    let text = "channel pipe\nwriter: dup as w2 -> EMFILE\nwriter: close -> ok\nwriter: close";
    assert!(text.parse::<Run>().is_ok());
}

#[test]
fn replies_are_known() {
    let after = |reply: &str| shown(&format!("channel pipe\nwriter: close -> {reply}"));
    let reply = "expected a reply after \"->\", found";
    assert_eq!(after(""), format!(r#"2:17 "": {reply} the end of the line"#));
    assert_eq!(after("fine"), format!(r#"2:18 "fine": {reply} "fine""#));
    let large = "18446744073709551616";
    assert_eq!(after(large), format!(r#"2:18 "{large}": {reply} "{large}""#));
    assert_eq!(after("EWHAT"), r#"2:18 "EWHAT": expected an errno, found "EWHAT""#);
    assert_eq!(after("E65536"), r#"2:18 "E65536": expected an errno, found "E65536""#);
    assert_eq!(after("in|0x10000"), r#"2:21 "0x10000": expected an event, found "0x10000""#);
    assert_eq!(after("5 + SIGHUP"), r#"2:22 "SIGHUP": expected "SIGPIPE", found "SIGHUP""#);
    let end = "expected the end of the line, found";
    assert_eq!(after("5 SIGPIPE"), format!(r#"2:20 "SIGPIPE": {end} "SIGPIPE""#));
}

#[test]
fn data_is_well_formed_and_bounded() {
    let after = |data: &str| shown(&format!("channel pipe\nwriter: close -> 5 = {data}"));
    assert_eq!(after(""), r#"2:21 "": expected data, found the end of the line"#);
    assert_eq!(after("0x616"), r#"2:22 "0x616": expected two hex digits a byte, found "0x616""#);
    assert_eq!(after("0xgg"), r#"2:22 "0xgg": expected two hex digits a byte, found "0xgg""#);
    assert_eq!(after("writer"), r#"2:28 "": expected "[", found the end of the line"#);
    assert_eq!(after("writer[x"), r#"2:29 "x": expected a position, found "x""#);
    assert_eq!(after("writer[1-2]"), r#"2:29 "1-2": expected a position, found "1-2""#);
    assert_eq!(after("writer[2..2]"), r#"2:32 "2": expected a position after 2, found "2""#);
    assert_eq!(after("writer[0..2"), r#"2:33 "": expected "]", found the end of the line"#);
    let position = "expected a position after -9223372036854775807, found";
    assert_eq!(
        after("writer[-9223372036854775807..9223372036854775807]"),
        format!(r#"2:51 "9223372036854775807": {position} "9223372036854775807""#)
    );
    let bound = "a reply gives at most 16777216 bytes";
    assert_eq!(after("writer[1..16777218]"), format!(r#"2:22 "writer[1..16777218]": {bound}"#));
    assert_eq!(
        after("writer[0..1] writer[1..16777217]"),
        format!(r#"2:35 "writer[1..16777217]": {bound}"#)
    );
}

#[test]
fn a_run_that_cannot_be_is_refused_at_its_event() {
    is(
        "channel pipe\nreader: read 5 # x\nreader: read 6 -> 6\n",
        r#"3:1 "reader: read 6": reader makes a call while its call before has not returned"#,
    );
    is(
        "channel pipe\nreader: read 5 -> 1\nreader: -> 2 # x\n",
        r#"3:1 "reader: -> 2": reader returns from a call that it has not made"#,
    );
    is(
        "channel pipe\nreader: read 5\nquiet",
        r#"3:1 "quiet": the calls in progress here are of reader"#,
    );
}

#[test]
fn actors_and_ends_are_bounded() {
    let mut text = String::from("channel pipe\n");
    for index in 0..33 {
        text += &format!("writer{index}: close -> ok\n");
    }
    is(&text, r#"34:1 "writer32": a run has at most 32 actors"#);
    let names: Vec<String> = (10..43).map(|number| format!("r{number}")).collect();
    let text = format!("channel pipe\nends {}", names.join(" "));
    is(&text, r#"2:134 "r42": a run has at most 32 names of ends"#);
}

#[test]
fn columns_count_characters_and_lines_may_end_in_carriage_returns() {
    is("# ü\r\nchannel pipe\r\nreader: ü\r\n", r#"3:9 "ü": expected a call or "->", found "ü""#);
    assert!("channel pipe\r\nreader: close -> ok\r\n".parse::<Run>().is_ok());
}

#[test]
fn places_of_events_are_told() {
    let text = "channel pipe\nwriter: write 1 -> 1  # x\nquiet\n";
    let places = parse(text).map(|parsed| parsed.places).unwrap_or_default();
    let texts: Vec<_> = places.into_iter().map(|place| &text[place]).collect();
    assert_eq!(texts, ["writer: write 1", "-> 1", "quiet"]);
}

#[test]
fn a_call_stops_once_where_it_has_a_byte_and_goes_on_before_anything_else() {
    let after = |lines: &str| shown(&format!("channel pipe\n{lines}"));
    assert_eq!(
        after("writer: write 9 stops"),
        r#"2:22 "": expected "at", found the end of the line"#
    );
    assert_eq!(
        after("writer: write 9 stops at x"),
        r#"2:26 "x": expected the position of a byte in the call's buffer, found "x""#
    );
    assert_eq!(
        after("writer: write 9 stops at 9"),
        r#"2:17 "stops at 9": writer's call has 9 bytes, counted from 0"#
    );
    assert_eq!(
        after("writer: close stops at 0"),
        r#"2:15 "stops at 0": writer's call copies no bytes, so that it stops nowhere: only one that moves a byte or more does"#
    );
    assert_eq!(
        after("writer: write 9 stops at 1\nwriter: stops at 2"),
        r#"3:1 "writer: stops at 2": writer's call has stopped before, and a call stops once: leave out one of its stops"#
    );
    assert_eq!(after("writer: stops at 2"), r#"2:1 "writer": writer has made no call"#);
    assert_eq!(
        after("writer: write 9\nwriter: goes on"),
        r#"3:1 "writer: goes on": writer is not stopped"#
    );
    assert_eq!(
        after("writer: write 9\nwriter: goes off"),
        r#"3:14 "off": expected "on", found "off""#
    );
    assert_eq!(
        after("writer: write 9 stops at 1\nwriter: -> 9"),
        r#"3:1 "writer: -> 9": writer's call is stopped, and must go on before it returns"#
    );
    assert_eq!(
        after("writer: write 9 stops at 1\nquiet writer"),
        r#"3:1 "quiet writer": nothing is quiet while writer's call is stopped"#
    );
    assert_eq!(
        after("writer: write 9 stops at 1 -> 9"),
        r#"2:28 "->": expected the end of the line, found "->""#
    );
}

#[test]
fn a_reply_names_as_many_bytes_as_it_counts() {
    for (reply, named) in [("5 = writer[0..4]", 4), ("3 = any[0..4]", 4), ("2 = 0x616263", 3)] {
        let text = format!("channel pipe\nwriter: write 5 -> 5\nreader: read 5 -> {reply}\n");
        let error = text.parse::<Run>().expect_err("it counts others");
        assert!(error.to_string().contains(&format!("{named} bytes are named")), "{error}");
    }
    let longer = "channel unix-datagram\nann: send 5 -> 5\nben: receive 2 trunc -> 5 truncated = ann[0..2]\n";
    assert!(longer.parse::<Run>().is_ok());
}

#[test]
fn slips_are_told_with_their_remedy() {
    let help = |text: &str| {
        let error = text.parse::<Run>().expect_err(text);
        error.help.unwrap_or_else(|| panic!("{}: no help", error.what))
    };
    let of_pipe = |line: &str| help(&format!("channel pipe\n{line}"));
    assert_eq!(of_pipe("writer: write 5 => 5"), "did you mean \"->\"?");
    assert_eq!(of_pipe("writer: write 5\nwriter: => 5"), "did you mean \"->\"?");
    assert_eq!(of_pipe("writer: write -> 1"), "as in \"write 2\"");
    assert_eq!(of_pipe("writer: nonblocking"), "as in \"nonblocking on\"");
    assert_eq!(of_pipe("ann: -> 5"), "\"ann: read 5\" on a line before would be one");
    assert_eq!(
        of_pipe("reader: read 1\nwritr: stops at 1"),
        "\"writr: read 5\" on a line before would be one"
    );
    assert_eq!(help("channel file\nreader: seek begin 5 -> 5"), "as in \"seek start 5\"");
    assert_eq!(help("\u{feff}channel pipe"), "save it as UTF-8 without byte order mark");
    assert!(of_pipe("writer: write 3\nallowed writer -> 3").contains("`pipewright litmus FILE`"));
    assert!(of_pipe("reader: read 5\nreader: read 6").contains("one call at a time"));
    assert!(of_pipe("reader: read 5 -> 5\nreader: -> 6").contains("would be one"));
    assert_eq!(
        help("channel global-variable\nactor a holds w\nwriter: write 64 -> 64"),
        "let a make the calls on w"
    );
    assert_eq!(
        help("channel shared-memory\nactor a holds r\nactor b holds r"),
        "let a make the calls on r"
    );
}

#[test]
fn every_call_with_arguments_has_an_example_that_can_be_read() {
    for word in Op::CALLS {
        let text = format!("channel unix-stream\nactor a holds sa\na: {word} ?");
        let error = text.parse::<Run>().expect_err("no call");
        let Some(example) = error.help.as_deref().and_then(|help| help.strip_prefix("as in "))
        else {
            continue;
        };
        let example = example.trim_matches('"');
        // A fork makes its child; of others there is one.
        let child = if *word == "fork" { "" } else { "actor child\n" };
        let text = format!("channel unix-stream\nactor a holds sa\n{child}a: {example} -> EINVAL");
        text.parse::<Run>().unwrap_or_else(|error| panic!("{error}\n{text}"));
    }
}
