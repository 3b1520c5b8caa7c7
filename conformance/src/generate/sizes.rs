//! Sizes of reads and writes: drawn where the behaviour of a stream may change, computed from the world
//! as it is.

use pipewright_model::channel::{Counter, Object, Ring, Unix};
use pipewright_model::kind::MESSAGE_BYTES;
use pipewright_model::platform::Platform;

use super::dice::Dice;

/// Longer transfers cost time and show nothing more.
pub(super) const SIZE_MAX: u32 = 1 << 17;

/// Sizes that say much by little, the simplest first.
pub(super) const SIMPLE: [u32; 8] = [0, 1, 2, 4096, 4097, 65_535, 65_536, 65_537];

/// Sizes that divide no capacity: pages are left partly filled, and writes get torn.
const ODD: [u32; 4] = [3000, 4097, 5000, 6000];

#[derive(Clone, Copy)]
enum Around {
    /// 0, 1 or 2.
    Nothing,
    /// A small number, each as likely.
    Small,
    /// PIPE_BUF, or one byte off.
    PipeBuf,
    /// A page, or one byte off.
    Page,
    /// What the last page could still take, or one byte off.
    LastPage,
    /// What the free pages could take, or one byte off.
    Free,
    /// The capacity, or one byte off.
    Capacity,
    /// What could be read, or one byte off.
    Available,
    /// One of [`ODD`].
    Odd,
}

/// How often each is drawn: for writes, for reads.
const SIZES: [(u32, u32, Around); 9] = [
    (14, 12, Around::Nothing),
    (10, 10, Around::Small),
    (14, 8, Around::PipeBuf),
    (6, 8, Around::Page),
    (14, 6, Around::LastPage),
    (14, 6, Around::Free),
    (8, 10, Around::Capacity),
    (4, 30, Around::Available),
    (16, 10, Around::Odd),
];

/// Lengths of messages sent to a queue, and how often each is drawn.
const SENT: [(u32, u32); 6] =
    [(2, 0), (4, 1), (4, 5), (2, MESSAGE_BYTES - 1), (4, MESSAGE_BYTES), (1, MESSAGE_BYTES + 1)];

/// Lengths of buffers to receive into.
const RECEIVED: [(u32, u32); 4] =
    [(1, 0), (1, MESSAGE_BYTES - 1), (20, MESSAGE_BYTES), (4, MESSAGE_BYTES + 1)];

/// Lengths with which a counter is read or written that has 8 bytes: longer ones do not tell what they carry.
const SHORT_OF_A_COUNT: u32 = 8;

/// A value to be added to a counter: little, about what still fits, or what never does.
pub(super) fn to_add(object: &Object, dice: &mut Dice) -> u64 {
    let Object::Counter(counter) = object else { return dice.below(3).into() };
    let room = Counter::MOST - counter.value;
    match dice.below(12) {
        0 => 0,
        1 => u64::MAX,
        2 => Counter::MOST,
        3 => 1 << 32,
        4 | 5 => room,
        6 => room.saturating_add(1).min(Counter::MOST),
        7 => room.saturating_sub(1),
        _ => (1 + dice.below(3)).into(),
    }
}

/// Length of a write.
pub(super) fn to_write(object: &Object, platform: &Platform, dice: &mut Dice) -> u32 {
    if let Object::Queue(_) = object {
        return dice.weighted(SENT.into_iter()).unwrap_or(1);
    }
    let around = dice.weighted(SIZES.iter().map(|(weight, _, around)| (*weight, *around)));
    size(around.unwrap_or(Around::Nothing), object, platform, dice)
}

/// Length of a read.
pub(super) fn to_read(object: &Object, platform: &Platform, dice: &mut Dice) -> u32 {
    if let Object::Queue(_) = object {
        return dice.weighted(RECEIVED.into_iter()).unwrap_or(MESSAGE_BYTES);
    }
    let around = dice.weighted(SIZES.iter().map(|(_, weight, around)| (*weight, *around)));
    size(around.unwrap_or(Around::Nothing), object, platform, dice)
}

fn size(around: Around, object: &Object, platform: &Platform, dice: &mut Dice) -> u32 {
    let stream = match object {
        Object::Stream(stream) => stream,
        Object::File(file) => return size_in_file(around, file.len(), platform, dice),
        Object::Free | Object::Queue(_) | Object::Epoll(_) => return dice.below(3),
        Object::Counter(_) => return dice.below(SHORT_OF_A_COUNT),
        // A value is read and written whole; now and then something else is tried.
        Object::Cell(cell) => match dice.chance(SHORT_OF_A_VALUE_PERCENT) {
            true => return dice.below(cell.value_bytes + 2),
            false => return cell.value_bytes,
        },
        Object::Ring(ring) => return of_ring(around, ring, dice),
        Object::Unix(socket) => return of_socket(around, socket, dice),
        Object::Tcp(tcp) => return of_connection(around, tcp.len(), platform, dice),
    };
    let middle = match around {
        Around::Nothing => return dice.below(3),
        Around::Small => return 1 + dice.below(64),
        Around::Odd => return ODD[dice.below(ODD.len() as u32) as usize],
        Around::PipeBuf => platform.pipe_buf_bytes,
        Around::Page => platform.page_bytes,
        Around::LastPage => {
            let last = stream.slots.last();
            let used = last.map_or(0, |slot| slot.read + slot.len);
            platform.page_bytes - used
        }
        Around::Free => {
            let slots_max = stream.slots_max as usize;
            match slots_max.saturating_sub(stream.slots.len()) as u32 {
                0 => platform.page_bytes,
                free => free * platform.page_bytes,
            }
        }
        Around::Capacity => stream.capacity_bytes(platform),
        Around::Available => stream.len(),
    };
    (middle + dice.below(3)).saturating_sub(1).min(SIZE_MAX)
}

/// Lengths for a file of so many bytes: mostly short, as what matters is where they end.
fn size_in_file(around: Around, size: u32, platform: &Platform, dice: &mut Dice) -> u32 {
    let middle = match around {
        Around::Nothing => return dice.below(3),
        Around::Odd => return ODD[dice.below(ODD.len() as u32) as usize] * (1 + dice.below(6)),
        Around::Page => platform.page_bytes,
        Around::Available => size,
        _ => return 1 + dice.below(64),
    };
    (middle + dice.below(3)).saturating_sub(1).min(SIZE_MAX)
}

/// An offset in a file: at the start, at the end, at pages, in a gap behind the end; now and then before the
/// start.
pub(super) fn offset(object: &Object, platform: &Platform, dice: &mut Dice) -> i32 {
    let size = object.len();
    let middle = match dice.below(10) {
        0..=2 => return dice.below(3) as i32,
        3..=5 => size,
        6 => platform.page_bytes,
        7 => dice.below(size.saturating_add(1)),
        8 => size.saturating_add(dice.below(100)),
        _ => return 1 - dice.below(3) as i32,
    };
    (middle.min(SIZE_MAX) + dice.below(3)) as i32 - 1
}
/// In how many of a hundred calls on a variable another length than its value's is tried.
const SHORT_OF_A_VALUE_PERCENT: u32 = 2;

fn of_ring(around: Around, ring: &Ring, dice: &mut Dice) -> u32 {
    let middle = match around {
        Around::Nothing => return dice.below(3),
        Around::Small | Around::LastPage => return 1 + dice.below(ring.capacity_bytes),
        Around::Odd | Around::Page => return 1 + dice.below(ring.capacity_bytes / 3 + 1),
        Around::Free | Around::PipeBuf => ring.room(),
        Around::Capacity => ring.capacity_bytes + dice.below(2) * dice.below(ring.capacity_bytes),
        Around::Available => ring.len(),
    };
    (middle + dice.below(3)).saturating_sub(1).min(SIZE_MAX)
}

/// Sizes at which a piece or a message costs more.
const STEPS: [u32; 8] = [192, 704, 1728, 3776, 4096, 7872, 16_064, 36_544];

fn of_socket(around: Around, socket: &Unix, dice: &mut Dice) -> u32 {
    let middle = match around {
        Around::Nothing => return dice.below(3),
        Around::Small => return 1 + dice.below(64),
        Around::Odd => return ODD[dice.below(ODD.len() as u32) as usize],
        Around::PipeBuf | Around::Page => STEPS[dice.below(STEPS.len() as u32) as usize],
        Around::LastPage => socket.send_buffer / 2 - 64,
        Around::Free => socket.send_buffer - 32,
        Around::Capacity => SIZE_MAX,
        Around::Available => match dice.below(2) {
            0 => socket.len(),
            _ => socket.queue.first().map_or(0, |piece| piece.data.len),
        },
    };
    (middle + dice.below(3)).saturating_sub(1).min(SIZE_MAX)
}

/// The sizes of a connection: little, what is there to be read, or more than it surely holds.
fn of_connection(around: Around, there: u32, platform: &Platform, dice: &mut Dice) -> u32 {
    let middle = match around {
        Around::Nothing => return dice.below(3),
        Around::Small | Around::LastPage => return 1 + dice.below(64),
        Around::Odd => return ODD[dice.below(ODD.len() as u32) as usize],
        Around::PipeBuf | Around::Page => 1000,
        Around::Free if dice.chance(30) => platform.tcp_room_bytes,
        Around::Free => platform.tcp_room_bytes.saturating_sub(there) / 4,
        // Where the receiver's window is full, the kernel takes 40 ms to tell so.
        Around::Capacity if dice.chance(12) => SIZE_MAX,
        Around::Capacity => [5000, 300][dice.below(2) as usize],
        Around::Available => there,
    };
    (middle + dice.below(3)).saturating_sub(1).min(SIZE_MAX)
}
