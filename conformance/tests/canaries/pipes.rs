//! Pipes of one process, each with one fault.

use crate::Canary;
use crate::in_process::{Fault, InProcess, canary};

const SMALL_NONBLOCKING: InProcess = InProcess { nonblock: true, ..InProcess::SMALL };
const NONBLOCKING: InProcess = InProcess { nonblock: true, ..InProcess::PIPE };

/// Those of this file.
pub(crate) fn canaries() -> Vec<Canary> {
    let mut all = wake_ups();
    all.extend(ends());
    all.extend(reading());
    all.extend(writing());
    all
}

fn wake_ups() -> Vec<Canary> {
    vec![
        canary(
            "wakes_one_reader_on_close",
            InProcess::PIPE,
            Fault::WakesOneReaderOnClose,
            "stream.read.no-writer",
            "channel pipe
             reader1: read 1
             quiet reader1
             reader2: read 1
             quiet reader1, reader2
             writer: close -> ok
             reader1: -> 0
             reader2: -> 0",
        ),
        canary(
            "wakes_no_poller_on_close",
            InProcess::PIPE,
            Fault::WakesNoPollerOnClose,
            "descriptor.poll.ready",
            "channel pipe
             reader: poll none wait
             quiet reader
             writer: close -> ok
             reader: -> hup",
        ),
        canary(
            "wakes_no_writer_when_a_page_is_drained",
            InProcess::PIPE,
            Fault::WakesNoWriterOnRead,
            "stream.write.completes",
            "channel pipe
             writer: write 65537
             quiet writer
             reader: read 4096 -> 4096 = writer[0..4096]
             writer: -> 65537",
        ),
        canary(
            "newest_writer_first",
            InProcess::PIPE,
            Fault::NewestWriterFirst,
            "stream.read.available",
            "channel pipe
             actor writer1 holds w
             actor writer2 holds w
             writer1: write 65536 -> 65536
             writer1: write 1
             quiet writer1
             writer2: write 1
             quiet writer1, writer2
             reader: read 8192 -> 8192
             writer1: -> 1
             writer2: -> 1
             reader: read 57344 -> 57344
             reader: read 9 -> 2 = writer1[65536..65537] writer2[0..1]",
        ),
    ]
}

fn ends() -> Vec<Canary> {
    vec![
        canary(
            "empty_reported_as_eof",
            InProcess::PIPE,
            Fault::EmptyReportedAsEof,
            "stream.read.waits",
            "channel pipe
             reader: read 1
             quiet reader
             writer: write 1 -> 1
             reader: -> 1 = writer[0..1]",
        ),
        canary(
            "forgets_eof_after_first_zero",
            InProcess::PIPE,
            Fault::ForgetsEofAfterFirstZero,
            "stream.read.no-writer",
            "channel pipe
             writer: close -> ok
             reader: read 1 -> 0
             reader: read 1 -> 0",
        ),
        canary(
            "drops_data_when_last_writer_closes",
            InProcess::PIPE,
            Fault::DropsDataWhenLastWriterCloses,
            "stream.read.available",
            "channel pipe
             writer: write 2 -> 2
             writer: close -> ok
             reader: read 5 -> 2 = writer[0..2]",
        ),
        canary(
            "close_of_a_dup_closes_all",
            InProcess::PIPE,
            Fault::CloseOfADupClosesAll,
            "stream.read.waits",
            "channel pipe
             writer: dup as w2 -> ok
             writer: close w2 -> ok
             reader: read 1
             quiet reader
             writer: write 1 -> 1
             reader: -> 1 = writer[0..1]",
        ),
        canary(
            "keeps_a_write_end_of_its_own",
            InProcess::PIPE,
            Fault::KeepsAWriteEndOfItsOwn,
            "stream.read.no-writer",
            "channel pipe
             writer: write 1 -> 1
             writer: close -> ok
             reader: read 1 -> 1 = writer[0..1]
             reader: read 1 -> 0",
        ),
        canary(
            "nonblock_per_descriptor_not_per_description",
            InProcess::PIPE,
            Fault::NonblockPerDescriptor,
            "stream.read.empty-nonblocking",
            "channel pipe
             actor writer holds w
             reader: dup as r2 -> ok
             reader: nonblocking r2 on -> ok
             reader: read r 1 -> EAGAIN",
        ),
        canary(
            "poll_reports_unasked",
            InProcess::PIPE,
            Fault::PollReportsUnasked,
            "descriptor.poll.nothing",
            "channel pipe
             actor reader holds r
             writer: poll in -> none",
        ),
    ]
}

fn reading() -> Vec<Canary> {
    vec![
        canary(
            "loses_a_byte_at_the_page_end",
            InProcess::PIPE,
            Fault::LosesAByteAtThePageEnd,
            "stream.read.available",
            "channel pipe
             writer: write 4095 -> 4095
             writer: write 1 -> 1
             reader: read 5000 -> 4096 = writer[0..4096]",
        ),
        canary(
            "duplicates_on_partial_read",
            InProcess::PIPE,
            Fault::DuplicatesOnPartialRead,
            "stream.read.available",
            "channel pipe
             writer: write 4 -> 4
             reader: read 2 -> 2 = writer[0..2]
             reader: read 2 -> 2 = writer[2..4]",
        ),
        canary(
            "reader_gets_newest_first",
            InProcess::PIPE,
            Fault::ReaderGetsNewestFirst,
            "stream.read.available",
            "channel pipe
             writer: write 4096 -> 4096
             writer: write 1 -> 1
             reader: read 1 -> 1 = writer[0..1]",
        ),
        canary(
            "merges_into_a_packet",
            InProcess::PACKET,
            Fault::MergesIntoAPacket,
            "stream.read.packet",
            "channel pipe packet
             writer: write 2 -> 2
             writer: write 3 -> 3
             reader: read 100 -> 2 = writer[0..2]",
        ),
        canary(
            "zero_length_read_waits",
            InProcess::PIPE,
            Fault::ZeroLengthReadWaits,
            "stream.read.zero-length",
            "channel pipe
             actor writer holds w
             reader: read 0 -> 0",
        ),
        canary(
            "read_waits_for_all_it_asked",
            InProcess::PIPE,
            Fault::ReadWaitsForAllItAsked,
            "stream.read.available",
            "channel pipe
             writer: write 2 -> 2
             reader: read 5 -> 2 = writer[0..2]",
        ),
    ]
}

fn writing() -> Vec<Canary> {
    vec![
        canary(
            "splits_writes_up_to_pipe_buf",
            SMALL_NONBLOCKING,
            Fault::SplitsWritesUpToPipeBuf,
            "stream.write.no-free-page",
            "channel pipe capacity 4096 nonblocking
             actor reader holds r
             writer: write 2000 -> 2000
             writer: write 4096 -> EAGAIN",
        ),
        canary(
            "counts_bytes_not_pages",
            NONBLOCKING,
            Fault::CountsBytesNotPages,
            "stream.write.no-free-page",
            "channel pipe nonblocking
             writer: write 65536 -> 65536
             reader: read 1 -> 1 = writer[0..1]
             writer: write 1 -> EAGAIN",
        ),
        canary(
            "capacity_one_slot_left_unusable",
            InProcess::SMALL,
            Fault::OneSlotLeftUnusable,
            "stream.write.fits",
            "channel pipe capacity 4096
             writer1: write 1 -> 1
             reader: read 1 -> 1 = writer1[0..1]
             writer1: write 1 -> 1
             writer2: write 1 -> 1",
        ),
        canary(
            "write_returns_early_with_zero",
            InProcess::PIPE,
            Fault::WriteReturnsEarlyWithZero,
            "stream.write.waits",
            "channel pipe
             writer: write 65536 -> 65536
             writer: write 1
             quiet writer
             reader: read 4096 -> 4096 = writer[0..4096]
             writer: -> 1",
        ),
        canary(
            "forgets_the_part_when_readers_leave",
            InProcess::PIPE,
            Fault::ForgetsThePartWhenReadersLeave,
            "stream.write.reader-left",
            "channel pipe
             writer: write 70000
             quiet writer
             reader: close -> ok
             writer: -> 65536 + SIGPIPE",
        ),
    ]
}
