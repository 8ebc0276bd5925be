//! Where Rust begins: one function for each way in that the trap code knows, see `entry`.
//!
//! The code there has seen to it that `hart` is the hart this runs on. Each function hands on to who does the work.
#![expect(unsafe_code, reason = "assembly calls them by name")]

use super::super::Trap;
use crate::ipc::{elsewhere, fast, fast_bits, fast_server};
use crate::mm::page_table::Access;
use crate::sched::Hart;
use crate::syscall;
use crate::task::TaskPtr;

#[unsafe(no_mangle)]
extern "C" fn neuron_system_call(hart: &mut Hart) {
    syscall::system_call(hart);
}

#[unsafe(no_mangle)]
extern "C" fn neuron_leaf_task_self(hart: &Hart) -> u64 {
    hart.current().map_or(0, |task| syscall::task_self(task))
}

#[unsafe(no_mangle)]
extern "C" fn neuron_leaf_clock_now(hart: &Hart) -> u64 {
    hart.current().map_or(0, |task| syscall::clock_now(hart, task))
}

#[unsafe(no_mangle)]
extern "C" fn neuron_leaf_notify(handle: u64, bits: u64, hart: &mut Hart) -> bool {
    fast_bits::notify(hart, handle, bits)
}

#[unsafe(no_mangle)]
extern "C" fn neuron_yield(hart: &mut Hart) {
    syscall::yield_now(hart);
}

#[unsafe(no_mangle)]
extern "C" fn neuron_wait(handle: u64, deadline: u64, hart: &mut Hart) {
    fast_bits::wait(hart, handle, deadline);
}

#[unsafe(no_mangle)]
extern "C" fn neuron_fast_call(hart: &mut Hart, named: u64) -> fast::Switch {
    fast::call(hart, named)
}

#[unsafe(no_mangle)]
extern "C" fn neuron_fast_reply(hart: &mut Hart, named: u64, deadline: u64) -> fast::Switch {
    fast::reply_receive(hart, named, deadline)
}

#[unsafe(no_mangle)]
extern "C" fn neuron_fast_receive(hart: &mut Hart, named: u64, deadline: u64) -> bool {
    fast_server::receive(hart, named, deadline)
}

#[unsafe(no_mangle)]
extern "C" fn neuron_fast_answer(hart: &mut Hart, named: u64) -> fast::Switch {
    fast_server::reply(hart, named)
}

#[unsafe(no_mangle)]
extern "C" fn neuron_answered(hart: &mut Hart, caller: TaskPtr) {
    fast_server::replied(hart, caller);
}

#[unsafe(no_mangle)]
extern "C" fn neuron_call_sent(hart: &mut Hart, server: TaskPtr) {
    elsewhere::call(hart, server);
}

#[unsafe(no_mangle)]
extern "C" fn neuron_reply_sent(hart: &mut Hart, caller: TaskPtr) {
    elsewhere::reply(hart, caller);
}

#[unsafe(no_mangle)]
extern "C" fn neuron_trap(hart: &mut Hart, cause: usize, value: usize) {
    let interrupt = (cause as isize) < 0;
    let cause = cause as u8;
    let page_fault = |access| Trap::PageFault { address: value, access, cause };
    let trap = match cause {
        _ if interrupt => Trap::Interrupt,
        2 => Trap::Illegal { cause, value: value as u64 },
        12 => page_fault(Access::USER_EXECUTE),
        13 => page_fault(Access::USER_READ),
        15 => page_fault(Access::USER_WRITE),
        _ => Trap::Other { cause, value: value as u64 },
    };
    syscall::trap(hart, trap);
}
