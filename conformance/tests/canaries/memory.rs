//! Variables and rings in memory, each with one fault.

use crate::Canary;
use crate::in_memory::{Fault, InMemory, canary};

/// Those of this file.
pub(crate) fn canaries() -> Vec<Canary> {
    [polled(), guarded(), rings(), waiting()].concat()
}

fn polled() -> Vec<Canary> {
    let canary = |name, fault, rule, shows| canary(name, InMemory::POLLED, fault, rule, shows);
    vec![
        canary(
            "value_torn_as_words_are_stored_one_by_one",
            Fault::StoresHalfTheWordsLate,
            "cell.read.value",
            "channel global-variable
             writer: write 64 -> 64
             quiet
             reader: read 64 -> 64 = writer[0..64]",
        ),
        canary(
            "last_store_is_not_published",
            Fault::LastStoreNotPublished,
            "cell.read.value",
            "channel global-variable
             writer: write 64 -> 64
             writer: write 64 -> 64
             quiet
             reader: read 64 -> 64 = writer[64..128]",
        ),
        canary(
            "value_goes_back",
            Fault::ValueGoesBack,
            "cell.read.value",
            "channel global-variable
             writer: write 64 -> 64
             writer: write 64 -> 64
             quiet
             reader: read 64 -> 64 = writer[64..128]
             reader: read 64 -> 64 = writer[64..128]",
        ),
        canary(
            "reader_consumes_the_value",
            Fault::ReaderConsumes,
            "cell.read.value",
            "channel global-variable
             writer: write 64 -> 64
             quiet
             reader: read 64 -> 64 = writer[0..64]
             reader2: read 64 -> 64 = writer[0..64]",
        ),
        canary(
            "starts_with_garbage",
            Fault::StartsWithGarbage,
            "cell.read.before-first-store",
            "channel global-variable
             reader: read 64 -> 64 = zero[0..64]",
        ),
        canary(
            "part_of_a_value_accepted",
            Fault::PartOfAValueAccepted,
            "cell.any.not-whole",
            "channel global-variable
             writer: write 8 -> EINVAL",
        ),
    ]
}

fn guarded() -> Vec<Canary> {
    let canary = |name, fault, rule, shows| canary(name, InMemory::GUARDED, fault, rule, shows);
    vec![
        canary(
            "old_values_are_queued",
            Fault::QueuesTheValues,
            "cell.read.unseen",
            "channel guarded-variable
             writer: write 64 -> 64
             writer: write 64 -> 64
             reader: read 64 -> 64 = writer[64..128]",
        ),
        canary(
            "store_wakes_nobody",
            Fault::StoreWakesNobody,
            "cell.read.unseen",
            "channel guarded-variable
             reader: read 64
             quiet reader
             writer: write 64 -> 64
             reader: -> 64 = writer[0..64]",
        ),
        canary(
            "notifies_before_the_store",
            Fault::NotifiesBeforeTheStore,
            "cell.read.unseen",
            "channel guarded-variable
             reader1: read 64
             quiet reader1
             writer: write 64 -> 64
             reader1: -> 64 = writer[0..64]",
        ),
        canary(
            "end_told_to_one_of_two",
            Fault::EndToldToOne,
            "cell.read.end",
            "channel guarded-variable
             reader: read 64
             quiet reader
             reader2: read 64
             quiet reader, reader2
             writer: close -> ok
             reader: -> 0
             reader2: -> 0",
        ),
        canary(
            "last_value_lost_when_the_writer_closes",
            Fault::LastValueLostOnClose,
            "cell.read.unseen",
            "channel guarded-variable
             writer: write 64 -> 64
             writer: close -> ok
             reader: read 64 -> 64 = writer[0..64]",
        ),
    ]
}

fn rings() -> Vec<Canary> {
    let canary = |name, fault, rule, shows| canary(name, InMemory::RING, fault, rule, shows);
    vec![
        canary(
            "off_by_one_at_the_wrap",
            Fault::OffByOneAtTheWrap,
            "ring.read.available",
            "channel shared-memory
             writer: write 60 -> 60
             quiet
             reader: read 60 -> 60 = writer[0..60]
             quiet
             writer: write 60 -> 60
             quiet
             reader: read 60 -> 60 = writer[60..120]",
        ),
        canary(
            "last_byte_lost_when_the_producer_closes",
            Fault::LastByteLostOnClose,
            "ring.read.available",
            "channel shared-memory
             writer: write 3 -> 3
             writer: close -> ok
             quiet
             reader: read 9 -> 3 = writer[0..3]",
        ),
        canary(
            "end_seen_before_the_data",
            Fault::EndSeenBeforeTheData,
            "ring.read.available",
            "channel shared-memory
             writer: write 2 -> 2
             writer: close -> ok
             quiet
             reader: read 1 -> 1 = writer[0..1]",
        ),
        canary(
            "one_byte_left_unusable",
            Fault::OneByteLeftUnusable,
            "ring.write.fits",
            "channel shared-memory
             actor reader holds r
             writer: write 100 -> 100",
        ),
        canary(
            "write_to_a_closed_consumer_succeeds",
            Fault::WriteWithoutReaderSucceeds,
            "ring.write.no-reader",
            "channel shared-memory
             reader: close -> ok
             quiet
             writer: write 1 -> EPIPE",
        ),
    ]
}

fn waiting() -> Vec<Canary> {
    let canary = |name, fault, rule, shows| canary(name, InMemory::WAITING, fault, rule, shows);
    vec![
        canary(
            "write_wakes_nobody",
            Fault::WriteWakesNobody,
            "ring.read.available",
            "channel shared-memory-waiting
             reader: read 4
             quiet reader
             writer: write 4 -> 4
             reader: -> 4 = writer[0..4]",
        ),
        canary(
            "room_wakes_only_when_all_is_read",
            Fault::RoomWakesOnlyWhenEmpty,
            "ring.write.fits",
            "channel shared-memory-waiting
             writer: write 101
             quiet writer
             reader: read 1 -> 1 = writer[0..1]
             writer: -> 101",
        ),
        canary(
            "close_wakes_no_writer",
            Fault::CloseWakesNoWriter,
            "ring.write.cut-short",
            "channel shared-memory-waiting
             writer: write 101
             quiet writer
             reader: close -> ok
             writer: -> 100",
        ),
        canary(
            "forgets_the_part_that_was_written",
            Fault::ForgetsThePart,
            "ring.write.cut-short",
            "channel shared-memory-waiting
             writer2: write 102
             quiet writer2
             reader: close -> ok
             writer2: -> 100",
        ),
    ]
}
