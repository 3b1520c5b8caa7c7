//! Runs as text: the same text is a case, a recorded trace, a failure printed and a counterexample.
//!
//! It says how runs are spelt, not which runs are right. This page is the only place where the
//! grammar is stated. A run reads aloud:
//!
//! ```
//! let text = "\
//! ## What was written stays readable after the last writer closes; then the end is seen.
//! channel pipe
//! writer: write 2 -> 2                 # stream.write.fits
//! writer: close   -> ok
//! reader: read 5  -> 2 = writer[0..2]  # stream.read.available
//! reader: read 5  -> 0                 # stream.read.no-writer
//! ";
//! let run: pipewright_model::run::Run = text.parse()?;
//! assert_eq!(run.events.len(), 8);
//! assert_eq!(run.to_string(), text);
//! # Ok::<(), pipewright_model::text::ParseError>(())
//! ```
//!
//! # Grammar
//!
//! A line holds one header, declaration or event; blank lines are allowed; `#` starts a comment.
//!
//! ```text
//! run      = channel , { channel } , { setting } , { actor | process | thread | ends } , { event } ;
//! channel  = "channel" , [ name ] , kind , { "capacity" , size | "packet" | "nonblocking"
//!            | "append" | "crowded" } ;
//! setting  = "setting" , setting-name , size ;
//! actor    = "actor" , name , held ;
//! process  = ( "process" | "outsider" ) , name , held ;
//! thread   = "thread" , name , "of" , name ;
//! held     = [ "holds" , end , { end } ] , { "inherits" , end , { end } , "of" , name } ,
//!            [ "ignores" , signal , { signal } ] ,
//!            [ "catches" , signal , [ "restarting" ] , { signal , [ "restarting" ] } ] ;
//! ends     = "ends" , end , { end } ;
//! event    = name , ":" , call , [ "->" , reply ]          (* a call, and its return at once *)
//!          | name , ":" , "->" , reply                     (* the return of an earlier call *)
//!          | name , ":" , [ call ] , "stops" , "at" , size (* the open call waits in its copy *)
//!          | name , ":" , "goes" , "on"                    (* it waits no longer *)
//!          | name , ":" , "exit" , [ size | signal ]       (* its process ends *)
//!          | "quiet" , [ name , { "," , name } ] ;         (* whose calls are open, asleep *)
//! call     = "open" , mode , { "append" | "truncate" | "nonblocking" } , [ "as" , end ]
//!          | "read"         , [ end ] , size
//!          | "write"        , [ end ] , size
//!          | "close"        , [ end ]
//!          | "dup"          , [ end ] , "as" , end
//!          | "nonblocking"  , [ end ] , ( "on" | "off" )
//!          | "poll"         , [ end ] , events , [ "wait" ]
//!          | "poll"         , "[" , end , events , { "," , end , events } , "]" , [ "wait" ]
//!          | "set-capacity" , [ end ] , size
//!          | "capacity"     , [ end ]
//!          | "available"    , [ end ]
//!          | "seek"         , [ end ] , [ ( "start" | "current" | "end" ) , offset ]
//!          | "read-at"      , [ end ] , size , [ "at" , offset ]
//!          | "write-at"     , [ end ] , size , [ "at" , offset ]
//!          | "truncate"     , [ end ] , size
//!          | "lock"         , [ end ] , lock , [ "wait" ]
//!          | "process-lock" , [ end ] , lock , [ "wait" ]
//!          | "flock"        , [ end ] , lock , [ "wait" ]
//!          | "socket"       , [ "nonblocking" ] , [ "as" , end ]
//!          | "bind"         , [ end ]
//!          | "listen"       , [ end ] , size                            (* at most 65,535 *)
//!          | "connect"      , [ end ]
//!          | "accept"       , [ end ] , "as" , end , [ "nonblocking" ]
//!          | "shutdown"     , [ end ] , mode
//!          | "send"         , [ end ] , size , { flag }
//!          | "receive"      , [ end ] , size , { flag }
//!          | "send-end"     , [ end ] , size , "passing" , end
//!          | "receive-end"  , [ end ] , size , "as" , end
//!          | "set-option"   , [ end ] , option , offset
//!          | "option"       , [ end ] , option
//!          | "add"          , [ end ] , value
//!          | "take"         , [ end ]
//!          | "epoll"        , [ "as" , end ]
//!          | "epoll-add"    , end , end , events , { trigger }
//!          | "epoll-modify" , end , end , events , { trigger }
//!          | "epoll-delete" , end , end
//!          | "epoll-wait"   , [ end ] , [ "at-most" , size ] , [ "wait" ]  (* at most 4 *)
//!          | "dup2"         , [ end ] , "as" , end
//!          | "close-on-exec" , [ end ] , ( "on" | "off" )
//!          | "fork"         , name
//!          | "wait"         , name
//!          | "signal"       , name , signal
//!          | "sigaction"    , signal , ( "default" | "ignore" | "catch" | "restart" )
//!          | "exec"
//!          | "unlink" ;
//! reply    = answer , [ "+" , "SIGPIPE" ] , [ "=" , data ] ;
//! answer   = value | size , { "truncated" | "end" | "end-lost" } | "ok" | errno | events
//!          | "[" , events , { "," , events } , "]"
//!          | "[" , end , events , { "," , end , events } , "]" ;
//! data     = segment , { segment } | "nothing" | "0x" , { hex , hex } ;
//! segment  = name , "[" , position , ".." , position , "]" ;
//! events   = "none" | event-bit , { "|" , event-bit } ;
//! event-bit = "in" | "pri" | "out" | "err" | "hup" | "nval" | "rdhup" | "0x" , hex , { hex } ;
//! mode     = "read" | "write" | "read-write" ;
//! lock     = "none" | "shared" | "exclusive" ;
//! flag     = "dontwait" | "peek" | "waitall" | "trunc" | "nosignal" | "addressed" ;
//! trigger  = "edge" | "one-shot" | "exclusive" ;
//! option   = "send-buffer" | "receive-buffer" | "receive-timeout-us" | "receive-timeout-s"
//!          | "linger" | "error" ;
//! end      = [ name , "." ] , end-name | digit , { digit } ;               (* at most 5 digits *)
//! end-name = ( "e" | "r" | "w" | "rw" | "ra" | "wa" | "rb" | "wb" | "sa" | "sb" | "s" ) , { digit } ;
//! offset   = [ "-" ] , size ;                                            (* 32 bits, signed *)
//! name     = lower-case letter , { lower-case letter | digit | "-" } ;   (* at most 16 *)
//! size     = digit , { digit | "_" } ;                                   (* at most 2³² − 1 *)
//! value    = digit , { digit | "_" } ;                                   (* at most 2⁶⁴ − 1 *)
//! position = [ "-" ] , size ;                                            (* 64 bits, signed *)
//! errno    = a name of errno.h | "E" , digit , { digit } ;
//! signal   = a name of signal.h, as "SIGTERM" ;
//! kind     = a name of crate::kind::KINDS ;
//! setting-name = a name of crate::settings::Setting ;
//! ```
//!
//! A litmus file ([`crate::litmus`]) has calls without replies, and what they may give:
//!
//! ```text
//! litmus   = channel , { actor | ends } , { program } , { expected } ;
//! program  = name , ":" , call , [ "stops" , "at" , size ] | name , ":" , "goes" , "on" | "quiet" ;
//! expected = ( "allowed" | "forbidden" | "lax" ) , fate , { "," , fate } ;
//! fate     = name , "->" , ( reply | "asleep" | "any" ) ;   (* of the actor's first call, its second ... *)
//! ```
//!
//! # Meaning
//!
//! - **Comments.** Whole-line comments before the `channel` line are the run's preamble; the comment
//!   at the end of an event's line is its remark. Other comments are dropped. Where a line holds a
//!   call and its return the remark is the return's.
//! - **Set-up.** A word that changes nothing for the kind of channel is refused.
//! - **Capacity**, in bytes. A pipe has a power of two of pages, or in models [4 bytes](crate::kind::MODEL_CAPACITY_BYTES), which are two pages. A message queue takes messages of 64 bytes, so
//!   that `capacity 640` is room for ten; without it there is room for four.
//! - **Settings** are those of the system where the run was seen, where they differ from the stock.
//! - **Actors** are seated as declared, then, undeclared, as they make their first call. Where an
//!   undeclared actor's name starts with `writer` it holds `w`, with `reader` it holds `r`; of a
//!   channel with two sides, `ann` holds the ends of the first and `ben` those of the second. Where
//!   ends can be made by name and the first call is `open`, `socket` or `unlink`, it holds nothing.
//!   Any other must be declared.
//! - **Ends.** The letters of an end held at the start tell what it is for ([`crate::kind::Kind::held`]):
//!   `r`, `w` and (of what is opened by path) `rw` are its mode; of two pipes, `wa` leads to `rb` and
//!   `wb` to `ra`; `sa` and `sb` are sockets connected to each other; `epoll` makes `e`. `open` makes `r`, `w` or `rw` as
//!   its mode is, and `socket` makes `s`, unless they say `as`. An end may be left
//!   out where its actor has exactly one open, or has had only one and closed it. Ends are numbered
//!   in the order of the `ends` line, and those not listed in alphabetical order after them. No call makes
//!   an end that its actor has open ([`crate::ends`]). Ends that the channel has from its making and that nobody
//!   holds count as closed.
//! - **Several channels** have a name each, which their ends carry: `up.r`. A number is a descriptor, too, that a call
//!   has made: it leads to the channel of what it was made of. Actors of such a run are declared, but those that a
//!   `fork` makes. In front of a number that a call counts by, a number is a descriptor where another number follows.
//! - **Processes.** `holds` is an opening of one's own where the channel is opened by path, and else the descriptor that
//!   was made with the channel; `inherits f.rw of parent` shares the open file description of another's.
//! - **Stops.** `stops at 4096` says that the call has got as far as the byte 4096 of its buffer, counted
//!   from 0: the system stands in the midst of the copy and waits, as that byte is not there, until the
//!   call `goes on`. Until then the call does not return, and nothing is quiet.
//! - **Data** `writer[0..2]` are the bytes that stand for the positions 0 and 1 of all that `writer`
//!   wrote ([`crate::data::fill`]); `zero[0..8]` are eight bytes that nobody wrote, `any[0..8]` eight of which
//!   nothing is known. Names are exact: the same bytes can stand for others. `0x68656c` are bytes as they were
//!   seen, whatever they stand for. Nothing after the answer: not recorded, or the call gives none.
//!   A reply gives at most 16 MiB.
//! - **Bounds.** Sizes and offsets have 32 bits. A run in which a channel would hold 4 GiB or an offset get there, or
//!   a call offers more than 2,147,479,552 bytes (what Linux transfers at most), is not judged from there on.
//!
//! # Printing
//!
//! The printer writes the shortest of these forms, so that equal runs print alike, and parsing what
//! it printed gives the same run, with three exceptions: bytes seen come back as nothing where none were
//! read; a remark or a line of the preamble loses line breaks and the space around it; the end of an
//! `unlink`, which has no meaning, comes back as 0. Bytes seen are printed as they are: [`named`] gives
//! them the names that their judgement knows. It needs a run that [`Run::check`] accepts and whose names keep to
//! the grammar: each once, the ends' as above.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use crate::run::Run;

mod calls;
mod ends;
mod lex;
mod names;
mod parse;
mod print;
mod script;
mod values;

pub use lex::nearest;
pub(crate) use names::Streams;
pub use names::named;
pub use parse::script::SYSTEM_WORDS;
pub use parse::{Parsed, parse};
pub(crate) use print::words;
pub use print::{event, header, reply};
pub use values::DATA_MAX_BYTES;

impl FromStr for Run {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Run, ParseError> {
        parse(text).map(|parsed| parsed.run)
    }
}

impl fmt::Display for Run {
    /// The canonical text, a line break after each line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print::run(self, f)
    }
}

/// Where something stands in a text; told as `3:1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Line, from 1.
    pub line: usize,
    /// Column, in characters, from 1.
    pub column: usize,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// Where a byte of a text stands.
pub fn position(text: &str, byte: usize) -> Position {
    let before = &text[..byte];
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let line = before.matches('\n').count() + 1;
    Position { line, column: before[line_start..].chars().count() + 1 }
}

/// Why a text is no run: the first thing in it that is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {what}")]
pub struct ParseError {
    /// Line, from 1.
    pub line: usize,
    /// Column, in characters, from 1.
    pub column: usize,
    /// Length in characters; 0 where something is missing.
    pub len: usize,
    /// The same place as a range of bytes of the text.
    pub bytes: Range<usize>,
    /// What is wrong: lower case, no full stop.
    pub what: String,
    /// What to do about it, where that can be told.
    pub help: Option<String>,
}

impl ParseError {
    fn new(text: &str, fault: lex::Fault) -> ParseError {
        let Position { line, column } = position(text, fault.bytes.start);
        ParseError {
            line,
            column,
            len: text[fault.bytes.clone()].chars().count(),
            bytes: fault.bytes,
            what: fault.what,
            help: fault.help,
        }
    }
}
