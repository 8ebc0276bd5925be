//! The bootable kernel: the library, and what happens when it panics.

#![no_std]
#![no_main]

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    neuron::boot::report::panic(info)
}
