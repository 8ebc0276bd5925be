//! Devices: the interrupt controller, the console, and the few others the kernel knows by name.

use dtoolkit::Node;
use dtoolkit::fdt::FdtNode;

use super::error::BoardError;
use super::tree::{self, Fdt, Placed};
use super::{Device, VIRTIO_MAX};
use crate::platform::plic::Line;
use crate::platform::region::Region;
use crate::platform::table::Table;

const PLIC: &[&str] = &["riscv,plic0", "sifive,plic-1.0.0"];
const UART: &[&str] = &["ns16550a", "ns16550"];
const RTC: &[&str] = &["google,goldfish-rtc"];
const TEST: &[&str] = &["sifive,test1", "sifive,test0"];
const VIRTIO: &[&str] = &["virtio,mmio"];

/// The interrupt controller, while the tree is being read.
pub(super) struct Controller<'a> {
    pub(super) node: FdtNode<'a>,
    pub(super) region: Region,
    pub(super) lines: u32,
    phandle: Option<u32>,
}

/// What one walk over the devices finds.
pub(super) struct Found<'a> {
    pub(super) rtc: Option<Device>,
    pub(super) test: Option<Region>,
    pub(super) virtio: Table<Device, VIRTIO_MAX>,
    uart: Option<Placed<'a>>,
}

/// The first interrupt controller of the kind this kernel drives.
pub(super) fn plic(fdt: Fdt<'_>) -> Result<Controller<'_>, BoardError> {
    const LINES: &str = "riscv,ndev";
    let mut found = None;
    tree::each_device(fdt, &mut |place| {
        if found.is_none() && tree::is_compatible(place.node, PLIC) {
            found = Some(place);
        }
        Ok(())
    })?;
    let place = found.ok_or(BoardError::MissingNode("interrupt controller (riscv,plic0)"))?;
    let lines = tree::required_cell(place.node, LINES)?;
    if lines == 0 {
        return Err(tree::bad(place.node, LINES));
    }
    let phandle = tree::number(place.node, "phandle")?.and_then(|number| u32::try_from(number).ok());
    Ok(Controller { node: place.node, region: tree::registers(place)?, lines, phandle })
}

/// Everything else, in one walk.
pub(super) fn find<'a>(fdt: Fdt<'a>, plic: &Controller<'_>) -> Result<Found<'a>, BoardError> {
    let filler = Device { region: plic.region, line: Line::NONE };
    let mut found = Found { rtc: None, test: None, virtio: Table::new(filler), uart: None };
    let stdout = stdout(fdt)?;
    tree::each_device(fdt, &mut |place| {
        if tree::is_compatible(place.node, VIRTIO) {
            let device = device(place, plic)?;
            // Slots beyond the bound stay unused: the ones with the highest addresses.
            if found.virtio.len() < VIRTIO_MAX {
                let _kept = found.virtio.insert_sorted(device, |known| known.region.base());
            }
        } else if tree::is_compatible(place.node, UART) {
            let is_stdout = stdout.is_some_and(|stdout| core::ptr::eq(stdout.name(), place.node.name()));
            if found.uart.is_none() || is_stdout {
                found.uart = Some(place);
            }
        } else if found.rtc.is_none() && tree::is_compatible(place.node, RTC) {
            found.rtc = Some(device(place, plic)?);
        } else if found.test.is_none() && tree::is_compatible(place.node, TEST) {
            found.test = Some(tree::registers(place)?);
        }
        Ok(())
    })?;
    Ok(found)
}

/// The console: the UART firmware names, else the first there is.
pub(super) fn console(plic: &Controller<'_>, found: &Found<'_>) -> Result<Device, BoardError> {
    let place = found.uart.ok_or(BoardError::MissingNode("console (ns16550a)"))?;
    // Registers further apart, or wider than a byte: a different driver.
    for (property, expected) in [("reg-shift", 0), ("reg-io-width", 1)] {
        if tree::number(place.node, property)?.is_some_and(|value| value != expected) {
            return Err(tree::unsupported(place.node, property));
        }
    }
    device(place, plic)
}

/// `/chosen stdout-path`: a path or an alias, without its options. Naming nothing is no error.
fn stdout(fdt: Fdt<'_>) -> Result<Option<FdtNode<'_>>, BoardError> {
    let Some(chosen) = tree::child(fdt.root(), "chosen") else { return Ok(None) };
    let Some(text) = tree::text(chosen, "stdout-path")? else { return Ok(None) };
    let name = text.split(':').next().unwrap_or(text);
    if name.starts_with('/') {
        return Ok(fdt.find_node(name));
    }
    let aliases = tree::child(fdt.root(), "aliases");
    let path = aliases.and_then(|node| tree::value(node, name)).and_then(|list| tree::strings(list).next());
    Ok(path.and_then(|path| core::str::from_utf8(path).ok()).and_then(|path| fdt.find_node(path)))
}

fn device(place: Placed<'_>, plic: &Controller<'_>) -> Result<Device, BoardError> {
    Ok(Device { region: tree::registers(place)?, line: line(place.node, plic)? })
}

/// The device's first interrupt, which must go to the controller this kernel drives.
fn line(node: FdtNode<'_>, plic: &Controller<'_>) -> Result<Line, BoardError> {
    const EXTENDED: &str = "interrupts-extended";
    const PLAIN: &str = "interrupts";
    const PARENT: &str = "interrupt-parent";
    let (number, property) = match tree::cells(node, EXTENDED)? {
        Some(mut cells) => {
            if cells.next() != plic.phandle {
                return Err(tree::unsupported(node, EXTENDED));
            }
            (cells.next(), EXTENDED)
        }
        None => {
            let parent = tree::number(node, PARENT)?;
            if parent.is_some_and(|parent| Some(parent) != plic.phandle.map(u64::from)) {
                return Err(tree::unsupported(node, PARENT));
            }
            let mut cells = tree::cells(node, PLAIN)?.ok_or_else(|| tree::missing(node, PLAIN))?;
            (cells.next(), PLAIN)
        }
    };
    number.and_then(|number| Line::new(number, plic.lines)).ok_or_else(|| tree::bad(node, property))
}
