//! Last words.

use core::panic::PanicInfo;

use nexus_abi::user;
use nexus_proof::UserPanic;

use crate::log;
use crate::startup::EXIT_PANIC;

/// Says which task panicked, where and why, and ends it. Needs neither heap nor much stack.
#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    let record = user::own_info().unwrap_or_default();
    let message = info.message();
    match info.location() {
        Some(at) => {
            let place = format_args!("{message} ({}:{})", at.file(), at.line());
            log::line(UserPanic(record.name(), place));
        }
        None => log::line(UserPanic(record.name(), message)),
    }
    user::task_exit(EXIT_PANIC)
}
