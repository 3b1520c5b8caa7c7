//! The library's pipe conforms.

use own_channel::channel::LibraryPipe;
use pipewright_conformance::suite::POSIX;

pipewright_conformance::conformance_tests!(library_pipe, &LibraryPipe, &POSIX);
