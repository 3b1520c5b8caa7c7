//! The end of memory: a program whose allocation fails ends with a message and a remedy, and tidies up before.
//!
//! Without this, a failed allocation aborts: the status then tells of a fault of the program, and what it made under
//! names stays.
#![expect(unsafe_code, reason = "implements an allocator, and ends the process from it")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::ptr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI32, AtomicPtr, Ordering};

use nix::libc;

use super::{NO_MEMORY, process};

/// The system's allocator, by which no allocation fails: the process ends instead.
///
/// For a program to install as its `#[global_allocator]`.
#[derive(Clone, Copy, Debug)]
pub struct EndsTidily;

/// What a program does before it ends for want of memory.
#[derive(Clone, Copy, Debug)]
struct Ending {
    status: i32,
    program: &'static str,
    tidy: fn(),
}

static ENDING: OnceLock<Ending> = OnceLock::new();

/// Memory kept back for tidying up: addresses alone, as nothing is written there.
static RESERVE: AtomicPtr<u8> = AtomicPtr::new(ptr::null_mut());

/// As much as reading directories takes, and glibc takes from the system at a time.
const RESERVE_BYTES: usize = 4 << 20;

/// The thread that ends the process; 0 while none does.
static ENDED_BY: AtomicI32 = AtomicI32::new(0);

/// Has the process end with this status when memory does, after `tidy`, which may allocate a little and must not wait
/// for other threads. The message begins with the program's name.
pub fn end_tidily(status: u8, program: &'static str, tidy: fn()) {
    let _ = ENDING.set(Ending { status: status.into(), program, tidy });
    // SAFETY: the layout is not empty. What is returned is not used but to give it back.
    let reserve = unsafe { System.alloc(RESERVE_LAYOUT) };
    let before = RESERVE.swap(reserve, Ordering::SeqCst);
    give_back(before);
}

const RESERVE_LAYOUT: Layout = match Layout::from_size_align(RESERVE_BYTES, 16) {
    Ok(layout) => layout,
    Err(_) => panic!("a layout"),
};

fn give_back(reserve: *mut u8) {
    if !reserve.is_null() {
        // SAFETY: it came from this allocator with this layout, and whoever swapped it out has it alone.
        unsafe { System.dealloc(reserve, RESERVE_LAYOUT) };
    }
}

/// What an allocation gave, if it gave anything.
fn given(memory: *mut u8) -> *mut u8 {
    if memory.is_null() {
        end();
    }
    memory
}

#[cold]
fn end() -> ! {
    if process::is_child() {
        process::exit(process::OUT_OF_MEMORY);
    }
    let Some(ending) = ENDING.get() else { std::process::abort() };
    let this = process::thread_id();
    match ENDED_BY.compare_exchange(0, this, Ordering::SeqCst, Ordering::SeqCst) {
        Ok(_) => {
            [ending.program, ": failed to go on: ", NO_MEMORY, "\n"].into_iter().for_each(say);
            give_back(RESERVE.swap(ptr::null_mut(), Ordering::SeqCst));
            (ending.tidy)();
        }
        // Even that is too much.
        Err(other) if other == this => {}
        Err(_) => loop {
            // SAFETY: sleeps until the other thread ends the process.
            unsafe { libc::pause() };
        },
    }
    process::exit(ending.status);
}

fn say(message: &str) {
    // SAFETY: pointer and length are of one slice. Nothing helps where it can't be written.
    let _ = unsafe { libc::write(2, message.as_ptr().cast(), message.len()) };
}

// SAFETY: every call is the system allocator's with the same arguments; that it does not return where that fails is
// allowed.
unsafe impl GlobalAlloc for EndsTidily {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promises are those of the system allocator.
        given(unsafe { System.alloc(layout) })
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above.
        given(unsafe { System.alloc_zeroed(layout) })
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: as above.
        given(unsafe { System.realloc(memory, layout, size) })
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(memory, layout) };
    }
}
