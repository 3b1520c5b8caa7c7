//! mio's poll and tokio's channels conform.

use mio_and_tokio::looped::MioPoll;
use mio_and_tokio::tasks::{TokioPipe, TokioStream};
use pipewright_conformance::suite::POSIX;

pipewright_conformance::conformance_tests!(mio_poll, &MioPoll);
pipewright_conformance::conformance_tests!(tokio_pipe, &TokioPipe, &POSIX);
pipewright_conformance::conformance_tests!(tokio_unix_stream, &TokioStream, &POSIX);
