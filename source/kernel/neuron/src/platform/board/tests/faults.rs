//! Trees that must not boot, and trees that are not trees.

use super::*;
use proptest::prelude::*;
use std::format;
use std::string::String;

fn one_hart(tree: Tree) -> Tree {
    cpu(tree, 0, "rv64imafdc", sv39)
}

fn simple(memory: impl FnOnce(Tree) -> Tree, more: impl FnOnce(Tree) -> Tree) -> Result<Board, BoardError> {
    Board::parse(&machine(&[0], one_hart, memory, more).finish(), 0)
}

fn message(result: Result<Board, BoardError>) -> String {
    result.map_or_else(|error| format!("{error}"), |_| String::from("a board"))
}

#[test]
fn memory_nodes_are_sorted_and_neighbours_merged() {
    let board = simple(
        |tree| {
            let tree = memory_node(tree, 0x9000_0000, 0x1000_0000);
            let tree = memory_node(tree, 0x8000_0000, 0x1000_0000);
            memory_node(tree, 0x1_0000_0000, 0x1000)
        },
        |root| root,
    );
    assert_eq!(*board.unwrap().memory, [region(0x8000_0000, 0x2000_0000), region(0x1_0000_0000, 0x1000)]);
}

#[test]
fn reservations_of_both_kinds_are_merged() {
    let tree = machine(&[0], one_hart, ram, |root| {
        root.node("reserved-memory", |bus| {
            let bus = bus.cells("#address-cells", &[2]).cells("#size-cells", &[2]).bytes("ranges", &[]);
            let bus = bus.node("fw@80001000", |node| node.cells("reg", &[0, 0x8000_1000, 0, 0x1000]));
            bus.node("pool", |node| node.cells("size", &[0, 0x10_0000]))
        })
    });
    let board = Board::parse(&tree.reserve(0x8000_0000, 0x1001).reserve(0x8300_0000, 1).finish(), 0).unwrap();
    check(&board, 0);
    assert_eq!(*board.reserved, [region(0x8000_0000, 0x2000), region(0x8300_0000, 1)]);
}

#[test]
fn the_console_is_the_one_firmware_names_if_it_can_be_driven() {
    let second = |stdout: &'static str| {
        simple(ram, move |root| {
            let root = root.node("serial@20000000", |uart| {
                let uart = uart.text("compatible", "ns16550a").cells("reg", &[0, 0x2000_0000, 0, 8]);
                uart.cells("interrupt-parent", &[1]).cells("interrupts", &[3])
            });
            let root = root.node("aliases", |node| node.text("serial1", "/serial@20000000"));
            root.node("chosen", |chosen| chosen.text("stdout-path", stdout))
        })
        .map(|board| (board.uart.region.base(), board.uart.line.number()))
    };
    assert_eq!(second("/serial@20000000:115200n8"), Ok((0x2000_0000, 3)));
    assert_eq!(second("serial1:115200"), Ok((0x2000_0000, 3)));
    for elsewhere in ["/soc/serial@10000000", "/soc/plic@c000000", "/nowhere", "serial7", ""] {
        assert_eq!(second(elsewhere), Ok((0x1000_0000, 10)), "{elsewhere}");
    }
}

#[test]
fn errors_name_node_and_property() {
    let chosen = |inside: fn(Tree) -> Tree| message(simple(ram, |root| root.node("chosen", inside)));
    let start = |tree: Tree, at| tree.cells("linux,initrd-start", &[at]);
    let cases = [
        (message(simple(|tree| tree, |root| root)), "no memory"),
        (
            message(simple(|tree| ram(memory_node(tree, 0x8300_0000, 0x1000)), |root| root)),
            "0x83000000..0x83001000 and 0x80000000..0x84000000 overlap",
        ),
        (
            message(simple(|tree| memory_node(tree, 1 << 56, 0x1000), |root| root)),
            "memory@100000000000000: bad reg",
        ),
        (
            message(simple(|tree| (0..5).fold(tree, |t, n| memory_node(t, n << 32, 0x1000)), |root| root)),
            "more than 4 memory ranges",
        ),
        (
            message(simple(|tree| memory_node(tree, 0xc10_0000, 0x1000), |root| root)),
            "0xc100000..0xc101000 and 0xc000000..0xc400000 overlap",
        ),
        (
            message(simple(|tree| memory_node(tree, 0x1000_0800, 0x1000), |root| root)),
            "0x10000800..0x10001800 and 0x10000000..0x10001000 overlap",
        ),
        (chosen(|node| node.bytes("bootargs", b"no end")), "chosen: bad bootargs"),
        (chosen(|node| node.text("bootargs", &"x".repeat(513))), "more than 512 bytes of /chosen bootargs"),
        (chosen(|node| node.cells("linux,initrd-end", &[1])), "chosen: no linux,initrd-start"),
        (
            message(simple(ram, |r| r.node("chosen", |n| start(n, 0x8100_0000)))),
            "chosen: no linux,initrd-end",
        ),
        (
            chosen(|n| n.cells("linux,initrd-start", &[2]).cells("linux,initrd-end", &[2])),
            "chosen: bad linux,initrd-end",
        ),
        (chosen(|n| n.bytes("linux,initrd-start", &[2])), "chosen: bad linux,initrd-start"),
        (
            chosen(|n| {
                n.cells("linux,initrd-start", &[0, 0x8300_0000]).cells("linux,initrd-end", &[0x8400_0001])
            }),
            "initrd 0x83000000..0x84000001 is not in memory",
        ),
        (
            message(Board::parse(&machine(&[], one_hart, ram, |r| r).finish(), 0)),
            "plic@c000000: bad interrupts-extended",
        ),
        (
            message(Board::parse(&machine(&[0], |t| t, ram, |r| r).finish(), 0)),
            "boot hart 0 is not a usable cpu of the tree",
        ),
        (
            message(Board::parse(&machine(&[0], |t| one_hart(one_hart(t)), ram, |r| r).finish(), 0)),
            "cpu@0: bad reg",
        ),
        (
            message(Board::parse(&Tree::new().node("", |t| t).finish(), 0)),
            "no interrupt controller (riscv,plic0)",
        ),
    ];
    for (found, expected) in cases {
        assert_eq!(found, expected);
    }
}

#[test]
fn devices_whose_interrupts_go_elsewhere_are_refused() {
    let rtc = |wire: fn(Tree) -> Tree| {
        message(simple(ram, |root| {
            root.node("rtc@101000", |rtc| {
                wire(rtc.text("compatible", "google,goldfish-rtc").cells("reg", &[0, 0x10_1000, 0, 0x1000]))
            })
        }))
    };
    assert_eq!(rtc(|node| node.cells("interrupts", &[11])), "a board");
    assert_eq!(rtc(|node| node), "rtc@101000: no interrupts");
    assert_eq!(rtc(|node| node.cells("interrupts", &[32])), "rtc@101000: bad interrupts");
    assert_eq!(rtc(|node| node.cells("interrupts", &[0])), "rtc@101000: bad interrupts");
    assert_eq!(rtc(|node| node.bytes("interrupts", &[1, 2, 3])), "rtc@101000: bad interrupts");
    assert_eq!(
        rtc(|node| node.cells("interrupts-extended", &[7, 11])),
        "rtc@101000: unsupported interrupts-extended"
    );
    assert_eq!(rtc(|node| node.cells("interrupt-parent", &[7])), "rtc@101000: unsupported interrupt-parent");
}

/// A broken tree gives an error, or a board as good as any.
fn survives(dtb: &[u8]) {
    if let Ok(board) = Board::parse(dtb, 0) {
        check(&board, 0);
    }
}

#[test]
fn no_truncated_tree_is_a_board() {
    for dtb in [VIRT_1, BOOTED] {
        for len in 0..dtb.len() {
            assert!(matches!(Board::parse(&dtb[..len], 0), Err(BoardError::NotATree(_))), "{len}");
        }
    }
}

#[test]
fn trees_cut_short_with_a_length_that_agrees_never_panic() {
    for len in (8..BOOTED.len()).step_by(3) {
        let mut cut = BOOTED[..len].to_vec();
        cut[4..8].copy_from_slice(&(len as u32).to_be_bytes());
        survives(&cut);
    }
}

#[test]
fn every_byte_changed_never_panics() {
    let mut broken = BOOTED.to_vec();
    for (place, good) in BOOTED.iter().enumerate() {
        broken[place] = good ^ if place % 3 == 0 { 0xff } else { 1 << (place % 8) };
        survives(&broken);
        broken[place] = *good;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn many_changes_at_once_never_panic(changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12)) {
        let mut broken = BOOTED.to_vec();
        for (place, value) in changes {
            *place.get_mut(&mut broken) = value;
        }
        survives(&broken);
    }

    #[test]
    fn words_replaced_by_extremes_never_panic(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), prop::sample::select(&[0_u32, 1, 2, 3, 4, 8, 9, u32::MAX, 0x7fff_ffff, 0x8000_0000][..])), 1..4),
    ) {
        let mut broken = BOOTED.to_vec();
        for (place, value) in changes {
            let at = place.index(BOOTED.len() / 4) * 4;
            broken[at..at + 4].copy_from_slice(&value.to_be_bytes());
        }
        survives(&broken);
    }

    #[test]
    fn random_bytes_are_no_board(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(Board::parse(&bytes, 0).is_err());
    }
}
