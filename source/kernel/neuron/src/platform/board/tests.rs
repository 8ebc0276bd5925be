//! Trees of the emulator, as it makes them (`virt-*`) and as firmware hands them on (`booted-*`), trees
//! made to order, and trees broken in every place.

mod build;
mod faults;

use super::*;
use build::Tree;
use std::vec::Vec;

const VIRT_1: &[u8] = include_bytes!("../../../fixtures/virt-1-64M.dtb");
const VIRT_2: &[u8] = include_bytes!("../../../fixtures/virt-2-256M.dtb");
const VIRT_8: &[u8] = include_bytes!("../../../fixtures/virt-8-4G.dtb");
const BOOTED: &[u8] = include_bytes!("../../../fixtures/booted-2-128M.dtb");

fn region(base: u64, len: u64) -> Region {
    Region::new(base, len).unwrap()
}

/// What must hold of every board, whatever tree it came from.
fn check(board: &Board, boot_hart: u64) {
    let pages: Vec<Region> = board.granted().map(|device| device.region.pages_around()).collect();
    let fixed = board.memory.iter().copied().chain([board.plic]).chain(board.test);
    let all: Vec<Region> = fixed.chain(pages).collect();
    for (index, first) in all.iter().enumerate() {
        assert!(all.iter().skip(index + 1).all(|second| !first.overlaps(second)), "{first} overlaps");
    }
    assert!(board.memory.windows(2).chain(board.reserved.windows(2)).all(|w| w[0].end() < w[1].base()));
    assert!(board.harts.windows(2).all(|w| w[0].hardware_id < w[1].hardware_id));
    assert!(board.hart_index(boot_hart).is_some());
    assert!(board.initrd.is_none_or(|initrd| board.memory.iter().any(|range| range.contains(&initrd))));
    for device in board.granted() {
        assert!(device.line.number() >= 1 && device.line.number() <= board.plic_lines);
    }
    for range in board.memory.iter().chain([&board.plic]).chain(&board.test) {
        assert!(!board.is_device(range.base(), 1) && !board.is_device(range.end() - 1, 1));
    }
    let in_use: Vec<&Region> = board.reserved.iter().chain(&board.initrd).collect();
    let mut end = 0;
    for free in board.free_memory(&[]) {
        assert!(free.base() >= end && free.base() % 4096 == 0 && free.len() % 4096 == 0);
        assert!(board.memory.iter().any(|range| range.contains(&free)));
        assert!(in_use.iter().all(|used| !used.overlaps(&free)));
        end = free.end();
    }
}

#[test]
fn emulated_machines_are_read_with_any_number_of_harts_and_memory() {
    for (dtb, harts, memory) in [(VIRT_1, 1, 64 << 20), (VIRT_2, 2, 256 << 20), (VIRT_8, 8, 4_u64 << 30)] {
        let board = Board::parse(dtb, harts - 1).unwrap();
        check(&board, harts - 1);
        assert_eq!(*board.memory, [region(0x8000_0000, memory)]);
        assert_eq!(board.memory_bytes(), memory);
        for (index, hart) in board.harts.iter().enumerate() {
            assert_eq!((hart.hardware_id, hart.has_sstc), (index as u64, true));
            assert_eq!(
                hart.plic_context.number(),
                2 * index as u32 + 1,
                "each hart's second context is S-mode"
            );
        }
        assert_eq!(board.harts.len() as u64, harts);
        assert_eq!(board.timebase_hz, 10_000_000);
        assert_eq!((board.initrd, board.bootargs()), (None, ""));
    }
}

#[test]
fn the_devices_of_the_emulated_machine_are_found() {
    let board = Board::parse(VIRT_2, 0).unwrap();
    assert_eq!(board.uart.region, region(0x1000_0000, 0x100));
    assert_eq!(board.uart.line.number(), 10);
    assert_eq!(board.rtc.map(|rtc| (rtc.region, rtc.line.number())), Some((region(0x10_1000, 0x1000), 11)));
    assert_eq!(board.test, Some(region(0x10_0000, 0x1000)));
    assert_eq!((board.plic.base(), board.plic_lines), (0xc00_0000, 96));
    let slots: Vec<_> = board.virtio.iter().map(|slot| (slot.region.base(), slot.line.number())).collect();
    let expected: Vec<_> = (0..8).map(|slot| (0x1000_1000 + slot * 0x1000, 1 + slot as u32)).collect();
    assert_eq!(slots, expected);
}

#[test]
fn what_firmware_reserves_and_the_loader_leaves_is_read() {
    let board = Board::parse(BOOTED, 0).unwrap();
    check(&board, 0);
    assert_eq!(*board.reserved, [region(0x8000_0000, 0x8_0000)]);
    assert_eq!(board.initrd.map(|initrd| initrd.len()), Some(100_000));
    assert_eq!(board.bootargs(), "app=bench seed=7");
}

#[test]
fn free_memory_leaves_out_everything_in_use_in_whole_pages() {
    let board = Board::parse(BOOTED, 0).unwrap();
    let (kernel, tree) = (region(0x8020_0000, 0x6800), region(0x87e0_0000, 0x167b));
    let initrd = board.initrd.unwrap().pages_around();
    let free: Vec<Region> = board.free_memory(&[tree, kernel]).collect();
    let expected = [
        Region::between(0x8008_0000, 0x8020_0000),
        Region::between(0x8020_7000, initrd.base()),
        Region::between(initrd.end(), 0x87e0_0000),
        Region::between(0x87e0_2000, 0x8800_0000),
    ];
    assert_eq!(free, expected.map(Option::unwrap));
    let everything = [region(0, 1 << 40)];
    assert_eq!(board.free_memory(&everything).count(), 0);
}

#[test]
fn only_pages_of_devices_for_tasks_are_handed_out() {
    let board = Board::parse(VIRT_2, 0).unwrap();
    for (address, len) in
        [(0x1000_0000, 0x1000), (0x1000_0000, 8), (0x1000_8000, 0x1000), (0x10_1000, 0x1000)]
    {
        assert!(board.is_device(address, len), "{address:#x}");
    }
    let refused = [
        (0x10_0000, 0x1000),        // test device
        (0x10_0000, 0x2000),        // test device and clock
        (0xc00_0000, 0x1000),       // interrupt controller
        (0x200_0000, 0x1000),       // the core's timer: the tree's, not ours
        (0x1000_0000, 0x2000),      // two devices at once
        (0x1000_9000, 0x1000),      // behind the last slot
        (0x8000_0000, 0x1000),      // memory
        (0x1000_0000, 0),           // nothing
        (0x1000_0000, u64::MAX),    // wraps
        (u64::MAX - 0xfff, 0x1000), // the end
    ];
    for (address, len) in refused {
        assert!(!board.is_device(address, len), "{address:#x}+{len:#x}");
    }
}

#[test]
fn a_blob_longer_than_its_tree_is_fine_and_its_length_is_known_from_eight_bytes() {
    let padded = [VIRT_1, &[0xff; 100]].concat();
    assert_eq!(Board::parse(&padded, 0).unwrap().harts.len(), 1);
    assert_eq!(tree_len(VIRT_1[..8].try_into().unwrap()), Some(VIRT_1.len()));
    assert_eq!(tree_len([0xd0, 0x0d, 0xfe, 0xed, 0xff, 0, 0, 0]), None);
    assert_eq!(tree_len([0xd0, 0x0d, 0xfe, 0xed, 0, 0, 0, 39]), None);
    assert_eq!(tree_len([0; 8]), None);
}

/// A cpu node with the emulator's wiring; its local controller's phandle is 100 + id.
fn cpu(tree: Tree, id: u32, isa: &str, more: impl FnOnce(Tree) -> Tree) -> Tree {
    tree.node(&std::format!("cpu@{id:x}"), |cpu| {
        let cpu = cpu.text("device_type", "cpu").cells("reg", &[id]).text("riscv,isa", isa);
        more(cpu).node("interrupt-controller", |local| local.cells("phandle", &[100 + id]))
    })
}

fn sv39(tree: Tree) -> Tree {
    tree.text("mmu-type", "riscv,sv39")
}

/// A small machine. `cpus` writes the cpu nodes, `memory` the memory nodes, `more` what else there is.
fn machine(
    ids: &[u32],
    cpus: impl FnOnce(Tree) -> Tree,
    memory: impl FnOnce(Tree) -> Tree,
    more: impl FnOnce(Tree) -> Tree,
) -> Tree {
    let wiring: Vec<u32> = ids.iter().flat_map(|id| [100 + id, 11, 100 + id, 9]).collect();
    Tree::new().node("", |root| {
        let root = root.cells("#address-cells", &[2]).cells("#size-cells", &[2]);
        let root = root.node("cpus", |node| {
            let node = node.cells("#address-cells", &[1]).cells("#size-cells", &[0]);
            cpus(node.cells("timebase-frequency", &[1_000_000]))
        });
        let root = memory(root).node("soc", |soc| {
            let soc = soc.text("compatible", "simple-bus").bytes("ranges", &[]);
            let soc = soc.cells("#address-cells", &[1]).cells("#size-cells", &[1]);
            let soc = soc.node("plic@c000000", |plic| {
                let plic = plic.text("compatible", "riscv,plic0").cells("reg", &[0xc00_0000, 0x40_0000]);
                plic.cells("riscv,ndev", &[31]).cells("phandle", &[1]).cells("interrupts-extended", &wiring)
            });
            soc.node("serial@10000000", |uart| {
                let uart = uart.bytes("compatible", b"vendor,uart\0ns16550a\0");
                uart.cells("reg", &[0x1000_0000, 0x100]).cells("interrupts-extended", &[1, 10])
            })
        });
        more(root)
    })
}

fn ram(tree: Tree) -> Tree {
    memory_node(tree, 0x8000_0000, 0x400_0000)
}

fn memory_node(tree: Tree, base: u64, len: u64) -> Tree {
    tree.node(&std::format!("memory@{base:x}"), |node| {
        let cells = [base, len].map(|value| [(value >> 32) as u32, value as u32]);
        node.text("device_type", "memory").cells("reg", cells.as_flattened())
    })
}

#[test]
fn sparse_disabled_and_monitor_harts() {
    let cpus = |tree| {
        let tree = cpu(tree, 0, "rv64imac", |monitor| monitor);
        let tree = cpu(tree, 9, "rv64imafdc_zba_sstc", sv39);
        let tree = cpu(tree, 4, "rv64imafdc", sv39);
        let tree = cpu(tree, 5, "rv64imafdc", |cpu| sv39(cpu).text("status", "disabled"));
        let tree = cpu(tree, 6, "rv64imafdc", |cpu| cpu.text("mmu-type", "riscv,none"));
        cpu(tree, 7, "rv64", |cpu| sv39(cpu).bytes("riscv,isa-extensions", b"i\0m\0Sstc\0"))
    };
    let dtb = machine(&[0, 4, 7, 9], cpus, ram, |root| root).finish();
    let board = Board::parse(&dtb, 9).unwrap();
    check(&board, 9);
    let harts: Vec<_> =
        board.harts.iter().map(|h| (h.hardware_id, h.plic_context.number(), h.has_sstc)).collect();
    assert_eq!(harts, [(4, 3, false), (7, 5, true), (9, 7, true)]);
    assert_eq!(board.hart_index(7), Some(1));
    for absent in [0, 5, 6, 1] {
        assert_eq!(Board::parse(&dtb, absent).unwrap_err(), BoardError::NoBootHart(absent));
    }
}

#[test]
fn of_too_many_harts_the_lowest_and_the_boot_hart_are_used() {
    let ids: Vec<u32> = (0..12).collect();
    let cpus = |tree| ids.iter().rev().fold(tree, |tree, id| cpu(tree, *id, "rv64imafdc", sv39));
    let dtb = machine(&ids, cpus, ram, |root| root).finish();
    let used =
        |boot| Board::parse(&dtb, boot).unwrap().harts.iter().map(|h| h.hardware_id).collect::<Vec<_>>();
    assert_eq!(used(3), [0, 1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(used(10), [0, 1, 2, 3, 4, 5, 6, 10]);
}
