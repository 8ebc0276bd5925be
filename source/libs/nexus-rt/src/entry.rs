//! The way from the kernel's first instruction to `main` and from its return to the exit.
#![expect(unsafe_code, reason = "the kernel passes the arguments as address and length")]

use core::slice;

use nexus_abi::user;

/// Makes `main`, a `fn(&'static str) -> i32`, the program: it gets the arguments and returns the exit code.
#[macro_export]
macro_rules! entry {
    ($main:path) => {
        #[doc(hidden)]
        #[unsafe(no_mangle)]
        #[unsafe(link_section = ".text._start")]
        extern "C" fn _start(args: *const u8, len: usize) -> ! {
            // SAFETY: the kernel enters here once, with the arguments it put on this task's stack.
            unsafe { $crate::entry::run(args, len, $main) }
        }
    };
}

/// Runs `main` and ends the task with its result.
///
/// # Safety
///
/// `args` points to `len` bytes that stay valid and unchanged, or `len` is 0.
pub unsafe fn run(args: *const u8, len: usize, main: fn(&'static str) -> i32) -> ! {
    let bytes = if len == 0 {
        &[]
    } else {
        // SAFETY: the caller's promise.
        unsafe { slice::from_raw_parts(args, len) }
    };
    // Arguments are text; a spawner that sends something else gets the text before it.
    let text = bytes.utf8_chunks().next().map_or("", |chunk| chunk.valid());
    user::task_exit(main(text))
}
