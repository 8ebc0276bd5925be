//! Devices in the hands of tasks: registers, interrupt lines, and the rights they need.

use nexus_abi::{Call, Error, Rights};

use super::actor::SYSTEM;
use super::image::DATA;
use super::world::World;
use crate::platform::plic::Line;

/// The board's console.
fn uart(world: &World) -> (u64, Line) {
    let uart = &world.machine.board.uart;
    (uart.region.base(), uart.line)
}

#[test]
fn the_kernel_does_not_touch_registers_on_a_tasks_behalf() {
    let mut world = World::new();
    let root = world.root;
    let (address, _) = uart(&world);
    let device = world.make(root, Call::DeviceMap, &[SYSTEM.to_wire(), address, 1]).to_wire();
    let (at, _) = world.syscall(root, Call::VmoMap, &[device, 0, 1, 0x60, 0]).unwrap();
    for args in [[SYSTEM.to_wire(), at, 8], [SYSTEM.to_wire(), at + 0x800, 8]] {
        assert_eq!(world.syscall(root, Call::LogWrite, &args), Err(Error::BadAddress));
    }
    let own_record = [0, 3, 0, at, 8];
    assert!(world.syscall(root, Call::Info, &own_record).is_err());
    assert_eq!(world.syscall(root, Call::VmoRevoke, &[device]), Err(Error::Denied));
}

#[test]
fn the_log_keeps_what_is_written_for_it_and_nothing_that_is_only_shown() {
    let mut world = World::new();
    let root = world.root;
    let said = |world: &mut World, text: &[u8], output| {
        world.poke(root, DATA, text);
        let args = [SYSTEM.to_wire(), DATA as u64, text.len() as u64, output];
        world.syscall(root, Call::LogWrite, &args)
    };
    let before = world.syscall(root, Call::LogRead, &[SYSTEM.to_wire(), 0, DATA as u64, 512]).unwrap().1;
    said(&mut world, b"kept", 0).unwrap();
    said(&mut world, b"shown", 1).unwrap();
    assert_eq!(said(&mut world, b"neither", 2), Err(Error::Invalid));
    let read = world.syscall(root, Call::LogRead, &[SYSTEM.to_wire(), before, DATA as u64, 512]);
    assert_eq!(read, Ok((4, before + 4)));
    assert_eq!(world.peek(root, DATA, 4), b"kept");
}

#[test]
fn only_devices_of_the_board_are_handed_out_and_only_with_the_right() {
    let mut world = World::new();
    let root = world.root;
    let (address, _) = uart(&world);
    let weak = world.make(root, Call::HandleCopy, &[SYSTEM.to_wire(), Rights::LOG.to_wire()]).to_wire();
    assert_eq!(world.syscall(root, Call::DeviceMap, &[weak, address, 1]), Err(Error::Denied));
    let plic = world.machine.board.plic.base();
    for (wrong, pages) in
        [(address + 1, 1), (address, 0), (address, 2), (0x8000_0000, 1), (plic, 1), (u64::MAX, 1)]
    {
        let args = [SYSTEM.to_wire(), wrong, pages];
        assert_eq!(world.syscall(root, Call::DeviceMap, &args), Err(Error::Invalid), "{wrong:#x}");
    }
}

#[test]
fn a_line_belongs_to_one_task_and_is_free_again_when_it_dies() {
    let mut world = World::new();
    let (root, (_, line)) = (world.root, uart(&world));
    let line = u64::from(line.number());
    let bits = world.make(root, Call::NotificationCreate, &[]).to_wire();
    let system = SYSTEM.to_wire();
    let irq = world.make(root, Call::IrqBind, &[system, line, bits, 1]).to_wire();
    assert_eq!(world.syscall(root, Call::IrqBind, &[system, line, bits, 1]), Err(Error::Busy));
    for wrong in
        [[system, 0, bits, 1], [system, 97, bits, 1], [system, 1 << 32, bits, 1], [system, line, bits, 0]]
    {
        assert_eq!(world.syscall(root, Call::IrqBind, &wrong), Err(Error::Invalid), "{wrong:?}");
    }
    assert_eq!(world.syscall(root, Call::IrqAck, &[irq]), Ok((0, 0)));
    assert_eq!(world.syscall(root, Call::IrqAck, &[bits]), Err(Error::WrongKind));
    assert_eq!(
        world.syscall(root, Call::HandleCopy, &[irq, 0]),
        Err(Error::WrongKind),
        "a line has one owner"
    );
    world.syscall(root, Call::HandleClose, &[irq]).unwrap();
    world.make(root, Call::IrqBind, &[system, line, bits, 1]);
    world.poke(root, DATA, b"the end of the world takes the second binding back");
}
