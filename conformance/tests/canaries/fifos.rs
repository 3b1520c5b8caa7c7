//! FIFOs of one process, each with one fault.

use crate::Canary;
use crate::in_process::{Fault, InProcess, canary};

/// Those of this file.
pub(crate) fn canaries() -> Vec<Canary> {
    let mut all = opening();
    all.extend(once_open());
    all
}

fn opening() -> Vec<Canary> {
    vec![
        canary(
            "open_waits_on_state_not_on_event",
            InProcess::FIFO,
            Fault::OpenWaitsOnState,
            "fifo.open.partner-came",
            "channel fifo
             reader: open read
             quiet reader
             writer: open write -> ok
             writer: close -> ok
             reader: -> ok",
        ),
        canary(
            "second_reader_refused",
            InProcess::FIFO,
            Fault::SecondReaderRefused,
            "fifo.open.reader-nonblocking",
            "channel fifo
             reader1: open read nonblocking -> ok
             reader2: open read nonblocking -> ok",
        ),
        canary(
            "writer_nonblocking_open_succeeds_without_reader",
            InProcess::FIFO,
            Fault::WriterNonblockingOpenSucceeds,
            "fifo.open.writer-nonblocking",
            "channel fifo
             writer: open write nonblocking -> ENXIO",
        ),
        canary(
            "open_for_reading_does_not_wait",
            InProcess::FIFO,
            Fault::OpenForReadingDoesNotWait,
            "fifo.open.waits",
            "channel fifo
             reader: open read
             quiet reader
             writer: open write -> ok
             reader: -> ok",
        ),
        canary(
            "read_write_open_refused",
            InProcess::FIFO,
            Fault::ReadWriteOpenRefused,
            "fifo.open.read-write",
            "channel fifo
             both: open read-write -> ok",
        ),
    ]
}

fn once_open() -> Vec<Canary> {
    vec![
        canary(
            "pollhup_before_first_writer",
            InProcess::FIFO,
            Fault::PollhupBeforeFirstWriter,
            "descriptor.poll.nothing",
            "channel fifo
             reader: open read nonblocking -> ok
             reader: poll in -> none",
        ),
        canary(
            "end_is_for_ever",
            InProcess::FIFO,
            Fault::EndIsForEver,
            "stream.read.available",
            "channel fifo
             reader: open read nonblocking -> ok
             reader: read 5 -> 0
             writer: open write -> ok
             writer: write 2 -> 2
             reader: read 5 -> 2 = writer[0..2]",
        ),
        canary(
            "keeps_data_when_all_have_closed",
            InProcess::FIFO,
            Fault::KeepsDataWhenAllHaveClosed,
            "stream.read.no-writer",
            "channel fifo
             reader: open read nonblocking -> ok
             writer: open write -> ok
             writer: write 3 -> 3
             writer: close -> ok
             reader: close -> ok
             reader: open read nonblocking -> ok
             reader: read 5 -> 0",
        ),
        canary(
            "removal_empties_the_fifo",
            InProcess::FIFO,
            Fault::RemovalEmptiesTheFifo,
            "stream.read.available",
            "channel fifo
             reader: open read nonblocking -> ok
             writer: open write -> ok
             writer: write 3 -> 3
             writer: unlink -> ok
             reader: read 5 -> 3 = writer[0..3]",
        ),
    ]
}
