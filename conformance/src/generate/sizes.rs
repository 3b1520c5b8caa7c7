//! Sizes of reads and writes: drawn where the behaviour of a stream may change, computed from the world
//! as it is.

use pipewright_model::channel::Object;
use pipewright_model::platform::Platform;

use super::dice::Dice;

/// Longer transfers cost time and show nothing more.
pub(super) const SIZE_MAX: u32 = 1 << 17;

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

/// Length of a write.
pub(super) fn to_write(object: &Object, platform: &Platform, dice: &mut Dice) -> u32 {
    let around = dice.weighted(SIZES.iter().map(|(weight, _, around)| (*weight, *around)));
    size(around.unwrap_or(Around::Nothing), object, platform, dice)
}

/// Length of a read.
pub(super) fn to_read(object: &Object, platform: &Platform, dice: &mut Dice) -> u32 {
    let around = dice.weighted(SIZES.iter().map(|(_, weight, around)| (*weight, *around)));
    size(around.unwrap_or(Around::Nothing), object, platform, dice)
}

fn size(around: Around, object: &Object, platform: &Platform, dice: &mut Dice) -> u32 {
    let stream = match object {
        Object::Stream(stream) => stream,
        Object::Tcp(tcp) => return of_connection(around, tcp.len(), platform, dice),
        Object::Free => return dice.below(3),
    };
    let middle = match around {
        Around::Nothing => return dice.below(3),
        Around::Small => return 1 + dice.below(64),
        Around::Odd => return ODD[dice.below(ODD.len() as u32) as usize],
        Around::PipeBuf => platform.pipe_buf_bytes,
        Around::Page => platform.page_bytes,
        Around::LastPage => {
            let last = stream.slots.last();
            let used = last.map_or(0, |slot| u32::from(slot.read) + u32::from(slot.len));
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
