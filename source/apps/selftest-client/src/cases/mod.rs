//! The cases: one file each, a function that asserts and says what it saw instead.

mod affinity;
mod clock;
mod coalesce;
mod console;
mod cycles;
mod deadline;
mod death;
mod donation;
mod fault;
mod fpu;
mod handles;
mod heap;
mod idle;
mod intruder;
mod ipc;
mod ipc_order;
mod memory;
mod notify;
mod perf_burst;
mod policy;
mod qos;
mod quota;
mod restart;
mod shares;
mod smp;
mod starvation;
mod timed;
mod timed_churn;
mod timed_restart;

use alloc::string::String;

pub use deadline::time_is_virtual;

use nexus_proof::Case;

use crate::check::Verdict;

/// Proves or refutes `case`.
pub fn run(case: Case) -> Verdict {
    match case {
        Case::CLOCK => clock::run(),
        Case::HEAP => heap::run(),
        Case::HANDLES => handles::run(),
        Case::IPC => ipc::run().and_then(|()| ipc_order::run()),
        Case::NOTIFY => notify::run(),
        Case::DEADLINE => deadline::run(),
        Case::MEMORY => memory::run(),
        Case::FAULT => fault::run(),
        Case::DEATH => death::run(),
        Case::QUOTA => quota::run(),
        Case::QOS => qos::run().and_then(|()| perf_burst::run()).and_then(|()| intruder::run()),
        Case::FPU => fpu::run(),
        Case::CONSOLE => console::run(),
        Case::RESTART => restart::run(),
        Case::POLICY => policy::run(),
        Case::TIMED => timed::run().and_then(|()| timed_churn::run()).and_then(|()| timed_restart::run()),
        Case::COALESCE => coalesce::run(),
        Case::IDLE => idle::run(),
        Case::CYCLES => cycles::run(),
        Case::SHARES => shares::run(),
        Case::STARVATION => starvation::run(),
        Case::DONATION => donation::run(),
        Case::SMP => smp::run(),
        Case::AFFINITY => affinity::run(),
        _ => Err(String::from("no such case in this program")),
    }
}
