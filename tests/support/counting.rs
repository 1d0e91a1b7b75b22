//! An allocator that counts, thread by thread. Whoever wants it makes it the global one:
//! `#[global_allocator] static ALLOCATOR: Counting = Counting;`
#![allow(unsafe_code, reason = "an allocator cannot be written without")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    /// The bytes this thread has allocated and not freed.
    pub static LIVE: Cell<isize> = const { Cell::new(0) };
    /// The most that it was since someone set it.
    pub static PEAK: Cell<isize> = const { Cell::new(0) };
    /// All that this thread ever allocated.
    pub static ALLOCATED: Cell<u64> = const { Cell::new(0) };
}

pub struct Counting;

impl Counting {
    /// What an allocation takes of the memory: with a header of a word, in steps of two, and four at least.
    fn taken(layout: Layout) -> isize {
        const WORD: usize = size_of::<usize>();
        (layout.size() + WORD).next_multiple_of(2 * WORD).max(4 * WORD).cast_signed()
    }
}

// SAFETY: the system's allocator does all of it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let taken = Self::taken(layout);
        LIVE.set(LIVE.get() + taken);
        PEAK.set(PEAK.get().max(LIVE.get()));
        ALLOCATED.set(ALLOCATED.get() + taken.unsigned_abs() as u64);
        // SAFETY: what holds of this call holds of that one.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.set(LIVE.get() - Self::taken(layout));
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}
