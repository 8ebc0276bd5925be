//! Harts: which of the tree's cpus this kernel can run on, and how interrupts reach them.

use dtoolkit::Node;
use dtoolkit::fdt::FdtNode;
use nexus_abi::HARTS_MAX;

use super::Hart;
use super::devices::Controller;
use super::error::BoardError;
use super::tree::{self, Fdt};
use crate::platform::plic::Context;
use crate::platform::table::Table;

/// Interrupt number of a hart's S-mode external interrupt, as the controller's wiring names it.
const S_EXTERNAL: u32 = 9;
/// Clocks outside this range make no sense of nanoseconds in 64-bit arithmetic.
const TIMEBASE_HZ: core::ops::RangeInclusive<u64> = 1_000..=10_000_000_000;

/// Ticks per second of the clock all harts share.
pub(super) fn timebase(fdt: Fdt<'_>) -> Result<u64, BoardError> {
    const PROPERTY: &str = "timebase-frequency";
    let cpus = tree::child(fdt.root(), "cpus").ok_or(BoardError::MissingNode("/cpus"))?;
    let hz = tree::number(cpus, PROPERTY)?.ok_or_else(|| tree::missing(cpus, PROPERTY))?;
    if TIMEBASE_HZ.contains(&hz) { Ok(hz) } else { Err(tree::bad(cpus, PROPERTY)) }
}

/// The harts to run on, ascending by id: those with the lowest ids when there are more than fit, but
/// always the boot hart.
pub(super) fn usable(
    fdt: Fdt<'_>,
    plic: &Controller<'_>,
    boot_hart: u64,
) -> Result<Table<Hart, HARTS_MAX>, BoardError> {
    let cpus = tree::child(fdt.root(), "cpus").ok_or(BoardError::MissingNode("/cpus"))?;
    let mut harts = Table::new(Hart { hardware_id: 0, plic_context: Context::NONE, has_sstc: false });
    for cpu in cpus.children().filter(|node| is_usable(*node)) {
        let hart = read(cpu, plic)?;
        if harts.iter().any(|known: &Hart| known.hardware_id == hart.hardware_id) {
            return Err(tree::bad(cpu, "reg"));
        }
        if harts.len() == HARTS_MAX {
            // The last one that is not the boot hart makes room, if this one should come before it.
            let given_up = harts.iter().rposition(|known| known.hardware_id != boot_hart);
            let last = given_up.and_then(|index| harts.get(index)).map(|known| known.hardware_id);
            if hart.hardware_id != boot_hart && last.is_none_or(|last| hart.hardware_id > last) {
                continue;
            }
            given_up.and_then(|index| harts.remove(index));
        }
        harts
            .insert_sorted(hart, |known| known.hardware_id)
            .map_err(|_| BoardError::TooMany { what: "harts", limit: HARTS_MAX })?;
    }
    if harts.iter().any(|hart| hart.hardware_id == boot_hart) {
        Ok(harts)
    } else {
        Err(BoardError::NoBootHart(boot_hart))
    }
}

/// An enabled cpu with an MMU. Monitor cores have none, and say so or say nothing.
fn is_usable(node: FdtNode<'_>) -> bool {
    let has_mmu = tree::value(node, "mmu-type")
        .is_some_and(|kind| kind.starts_with(b"riscv,sv") && kind != b"riscv,sv32\0");
    tree::value(node, "device_type") == Some(b"cpu\0") && tree::is_enabled(node) && has_mmu
}

fn read(cpu: FdtNode<'_>, plic: &Controller<'_>) -> Result<Hart, BoardError> {
    let hardware_id = tree::number(cpu, "reg")?.ok_or_else(|| tree::missing(cpu, "reg"))?;
    let local =
        tree::child(cpu, "interrupt-controller").ok_or_else(|| tree::missing(cpu, "interrupt-controller"))?;
    let phandle = tree::required_cell(local, "phandle")?;
    Ok(Hart { hardware_id, plic_context: context(plic, phandle)?, has_sstc: has_extension(cpu, b"sstc") })
}

/// The controller's contexts are numbered by their place in its wiring: pairs of a hart's own controller
/// and the interrupt raised there.
fn context(plic: &Controller<'_>, local: u32) -> Result<Context, BoardError> {
    const WIRING: &str = "interrupts-extended";
    let mut cells = tree::cells(plic.node, WIRING)?.ok_or_else(|| tree::missing(plic.node, WIRING))?;
    for number in 0..Context::MAX {
        let (Some(controller), Some(interrupt)) = (cells.next(), cells.next()) else { break };
        if (controller, interrupt) == (local, S_EXTERNAL) {
            return Context::new(number).ok_or_else(|| tree::bad(plic.node, WIRING));
        }
    }
    Err(tree::bad(plic.node, WIRING))
}

/// Looks an extension up in the list of extensions, or in the older string `rv64imac_zba_sstc`.
fn has_extension(cpu: FdtNode<'_>, wanted: &[u8]) -> bool {
    let mut listed = tree::strings(tree::value(cpu, "riscv,isa-extensions").unwrap_or(&[]));
    let string = tree::strings(tree::value(cpu, "riscv,isa").unwrap_or(&[])).next().unwrap_or(&[]);
    listed.any(|name| name.eq_ignore_ascii_case(wanted))
        || string.split(|byte| *byte == b'_').skip(1).any(|name| name.eq_ignore_ascii_case(wanted))
}
