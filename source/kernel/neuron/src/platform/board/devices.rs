//! Devices: the interrupt controller, the console, and the few others the kernel knows by name.

use dtoolkit::Node;
use dtoolkit::fdt::FdtNode;

use super::error::BoardError;
use super::tree::{self, Fdt, Placed};
use super::{Device, VIRTIO_MAX};
use crate::platform::plic::Line;
use crate::platform::region::Region;
use crate::platform::table::Table;

/// The interrupt controller, while the tree is being read.
pub(super) struct Controller<'a> {
    pub(super) node: FdtNode<'a>,
    pub(super) region: Region,
    pub(super) lines: u32,
    phandle: Option<u32>,
}

/// Which nodes are devices the kernel knows, before anything about them is read.
pub(super) struct Survey<'a> {
    plic: Option<Placed<'a>>,
    uart: Option<Placed<'a>>,
    rtc: Option<Placed<'a>>,
    test: Option<Placed<'a>>,
    virtio: Table<Placed<'a>, VIRTIO_MAX>,
}

impl<'a> Survey<'a> {
    /// One walk. Of several of a kind the first counts; as the console, the one firmware names.
    pub(super) fn of(fdt: Fdt<'a>) -> Result<Self, BoardError> {
        let filler = Placed { bus: fdt.root(), node: fdt.root() };
        let mut survey = Self { plic: None, uart: None, rtc: None, test: None, virtio: Table::new(filler) };
        let stdout = stdout(fdt)?;
        tree::each_device(fdt, &mut |place, compatible| {
            for name in tree::strings(compatible) {
                let known = match name {
                    b"riscv,plic0" | b"sifive,plic-1.0.0" => &mut survey.plic,
                    b"ns16550a" | b"ns16550" => {
                        if stdout.is_some_and(|named| core::ptr::eq(named.name(), place.node.name())) {
                            survey.uart = Some(place);
                        }
                        &mut survey.uart
                    }
                    b"google,goldfish-rtc" => &mut survey.rtc,
                    b"sifive,test1" | b"sifive,test0" => &mut survey.test,
                    b"virtio,mmio" => {
                        // Slots beyond the bound stay unused.
                        let _kept = survey.virtio.push(place);
                        return;
                    }
                    _ => continue,
                };
                known.get_or_insert(place);
                return;
            }
        });
        Ok(survey)
    }

    pub(super) fn controller(&self) -> Result<Controller<'a>, BoardError> {
        const LINES: &str = "riscv,ndev";
        let place = self.plic.ok_or(BoardError::MissingNode("interrupt controller (riscv,plic0)"))?;
        let lines = tree::required_cell(place.node, LINES)?;
        if lines == 0 {
            return Err(tree::bad(place.node, LINES));
        }
        let phandle = tree::number(place.node, "phandle")?.and_then(|number| u32::try_from(number).ok());
        Ok(Controller { node: place.node, region: tree::registers(place)?, lines, phandle })
    }

    pub(super) fn console(&self, plic: &Controller<'_>) -> Result<Device, BoardError> {
        let place = self.uart.ok_or(BoardError::MissingNode("console (ns16550a)"))?;
        // Registers further apart, or wider than a byte: a different driver.
        for (property, expected) in [("reg-shift", 0), ("reg-io-width", 1)] {
            if tree::number(place.node, property)?.is_some_and(|value| value != expected) {
                return Err(tree::unsupported(place.node, property));
            }
        }
        device(place, plic)
    }

    pub(super) fn rtc(&self, plic: &Controller<'_>) -> Result<Option<Device>, BoardError> {
        self.rtc.map(|place| device(place, plic)).transpose()
    }

    pub(super) fn test(&self) -> Result<Option<Region>, BoardError> {
        self.test.map(tree::registers).transpose()
    }

    pub(super) fn virtio(&self, plic: &Controller<'_>) -> Result<Table<Device, VIRTIO_MAX>, BoardError> {
        let mut slots = Table::new(Device { region: plic.region, line: Line::NONE });
        for place in self.virtio.iter() {
            // As many places as the survey has.
            let _kept = slots.insert_sorted(device(*place, plic)?, |known| known.region.base());
        }
        Ok(slots)
    }
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
