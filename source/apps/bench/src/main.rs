//! The benchmark: what the kernel's operations cost, in instructions.
//!
//! Runs on an emulator where one instruction takes one nanosecond of virtual time and every run repeats
//! exactly. Prints one `R` line per row and ends the machine. On one hart it measures everything but what
//! needs two; on several, only that.

#![no_std]
#![no_main]

extern crate alloc;

mod crew;
mod measure;
mod rows;
mod sched_rows;
mod timer_rows;

use nexus_abi::user;
use nexus_abi::{ExitCode, Nanos};
use nexus_rt::startup::SYSTEM;

use measure::{During, Trouble};

nexus_rt::entry!(main);

const KIB_PER_FRAME: u64 = nexus_abi::PAGE_SIZE as u64 / 1024;

fn main(_args: &'static str) -> i32 {
    let code = match measure_all() {
        Ok(()) => ExitCode::Ok,
        Err(trouble) => {
            nexus_rt::log!("[bench] cannot measure: {trouble}");
            ExitCode::BenchFailed
        }
    };
    let refused = user::machine_exit(SYSTEM, code);
    nexus_rt::log!("[bench] cannot end the machine: {refused}");
    1
}

fn measure_all() -> Result<(), Trouble> {
    // Whoever was started with us gets where it waits.
    user::sleep_until(user::clock_now().after(Nanos::from_millis(10)));
    let machine = user::machine_info(SYSTEM).during("machine info")?;
    if machine.harts > 1 {
        return rows::across_harts();
    }
    measure::exact("boot_first_user", "instr", machine.boot_ns);
    measure::exact("mem_after_boot_kib", "kib", machine.frames_used() * KIB_PER_FRAME);
    rows::null_call()?;
    rows::messages("", 0)?;
    rows::buffers()?;
    rows::notifications()?;
    timer_rows::set_and_cancel()?;
    rows::yields("", 1)?;
    rows::share_and_map()?;
    rows::page_faults()?;
    rows::spawns()?;
    sched_rows::wakeups()?;
    sched_rows::shares(300, 100)?;
    sched_rows::shares(100, 1)?;
    sched_rows::lent_class()?;
    for tasks in [10, 100, 1000] {
        let at = alloc::format!("@{tasks}");
        rows::messages(&at, tasks)?;
        rows::yields(&at, tasks)?;
    }
    rows::idle_machine()
}
