//! What POSIX allows besides what Linux does: each run conforms to the standard, and deviates from Linux.

use pipewright_model::oracle::{Verdict, judge};
use pipewright_model::platform::{LINUX, POSIX};
use pipewright_model::run::Run;

const RUNS: &[&str] = &[
    // An address given to a datagram socket that has a peer.
    "channel unix-datagram\nactor ann holds sa\nactor ben holds sb\nactor c\nc: socket -> ok\nc: bind s -> ok\n\
     ann: send sa 5 addressed -> EISCONN\n",
    // bind after shutdown.
    "channel unix-stream\nactor ann holds sa\nactor ben holds sb\nann: shutdown write -> ok\nann: bind sa -> EINVAL\n",
    "channel unix-seqpacket\nactor ann holds sa\nactor ben holds sb\nann: shutdown read -> ok\nann: bind sa -> EINVAL\n",
    "channel unix-datagram\nactor ann holds sa\nactor ben holds sb\nann: shutdown write -> ok\nann: bind sa -> EINVAL\n",
    // Calls for connections on datagram sockets.
    "channel unix-datagram\nactor ann holds sa\nactor ben holds sb\nann: listen sa 5 -> EINVAL\n",
    "channel unix-datagram\na: socket -> ok\na: accept s as s2 -> EINVAL\n",
    "channel unix-datagram\na: socket nonblocking -> ok\na: accept s as s2 -> EAGAIN\n",
    // open of a socket's path.
    "channel unix-stream\na: socket -> ok\na: bind -> ok\na: open read -> EOPNOTSUPP\n",
    // A backlog without room.
    "channel unix-stream\na: socket -> ok\na: bind -> ok\na: listen 0 -> ok\nb: socket -> ok\nb: connect -> ok\n\
     c: socket -> ok\nc: connect -> ECONNREFUSED\n",
    // A connect after the request was granted.
    "channel tcp\na: socket -> ok\na: bind -> ok\na: listen 5 -> ok\nb: socket nonblocking -> ok\nb: connect -> EINPROGRESS\n\
     a: accept s as s2 -> ok\nb: connect -> EISCONN\n",
    // Locks on what is no regular file need not be supported.
    "channel pipe\nactor p holds w\np: lock exclusive -> EINVAL\n",
    "channel pipe\nactor p holds w\np: process-lock exclusive wait -> EINVAL\n",
    "channel fifo\na: open read nonblocking -> ok\na: lock r shared -> EINVAL\n",
    // Calls of no bytes, which need not look for errors.
    "channel file\nactor writer holds w\nwriter: read 0 -> 0\n",
    "channel file\nactor writer holds w\nwriter: read-at 0 at 0 -> 0\n",
    "channel file\nactor reader holds r\nreader: read-at 0 at -1 -> 0\n",
    "channel file\nactor reader holds r\nreader: write 0 -> 0\n",
    "channel file\nactor reader holds r\nreader: write-at 0 at 0 -> 0\n",
    "channel pipe\nwriter: read 0 -> 0\n",
    "channel pipe\nreader: close -> ok\nreader: read 0 -> 0\n",
];

#[test]
fn posix_allows_what_linux_does_not() {
    for text in RUNS {
        let run: Run = text.parse().unwrap_or_else(|error| panic!("{error}\n{text}"));
        assert_eq!(judge(&run, &POSIX).verdict, Verdict::Conforms, "{text}");
        assert_eq!(judge(&run, &LINUX).verdict, Verdict::Deviates, "{text}");
    }
}
