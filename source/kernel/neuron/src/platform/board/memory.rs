//! Memory: what there is, what is taken, and where the boot image lies.

use dtoolkit::Node;

use super::error::{BoardError, NodeName};
use super::tree::{self, Fdt, Placed};
use super::{MEMORY_MAX, RESERVED_MAX};
use crate::platform::region::Region;
use crate::platform::table::Table;

/// Fills unused places of tables.
const FILLER: Region = match Region::new(0, 1) {
    Some(region) => region,
    None => unreachable!(),
};

/// All memory nodes, sorted; neighbours (one node per socket) become one range.
pub(super) fn ram(fdt: Fdt<'_>) -> Result<Table<Region, MEMORY_MAX>, BoardError> {
    const LIMIT: BoardError = BoardError::TooMany { what: "memory ranges", limit: MEMORY_MAX };
    let root = fdt.root();
    let mut ram = Table::new(FILLER);
    let nodes = root.children().filter(|node| tree::value(*node, "device_type") == Some(b"memory\0"));
    for node in nodes.filter(|node| tree::is_enabled(*node)) {
        let place = Placed { bus: root, node };
        for region in tree::regions(place)?.ok_or_else(|| tree::missing(node, "reg"))? {
            let region = region?;
            if let Some(first) = ram.iter().find(|known: &&Region| known.overlaps(&region)) {
                return Err(BoardError::Overlap { first: *first, second: region });
            }
            insert_merged(&mut ram, region).map_err(|_| LIMIT)?;
        }
    }
    if ram.is_empty() { Err(BoardError::MissingNode("memory")) } else { Ok(ram) }
}

/// The memory reservation block and the static ranges of `/reserved-memory`, sorted and merged. Ranges
/// that leave the placing to the operating system reserve nothing for it.
pub(super) fn reserved(fdt: Fdt<'_>) -> Result<Table<Region, RESERVED_MAX>, BoardError> {
    const LIMIT: BoardError = BoardError::TooMany { what: "reserved ranges", limit: RESERVED_MAX };
    let mut reserved = Table::new(FILLER);
    for entry in fdt.memory_reservations().filter(|entry| entry.size() > 0) {
        let region = Region::new(entry.address(), entry.size()).ok_or(BoardError::BadProperty {
            node: NodeName::new("memory reservation block"),
            property: "entry",
        })?;
        insert_merged(&mut reserved, region).map_err(|_| LIMIT)?;
    }
    if let Some(bus) = tree::child(fdt.root(), "reserved-memory") {
        for node in bus.children().filter(|node| tree::is_enabled(*node)) {
            let Some(regions) = tree::regions(Placed { bus, node })? else { continue };
            for region in regions {
                insert_merged(&mut reserved, region?).map_err(|_| LIMIT)?;
            }
        }
    }
    Ok(reserved)
}

/// `/chosen linux,initrd-{start,end}`: both or neither, and inside memory.
pub(super) fn initrd(fdt: Fdt<'_>, ram: &[Region]) -> Result<Option<Region>, BoardError> {
    const START: &str = "linux,initrd-start";
    const END: &str = "linux,initrd-end";
    let Some(chosen) = tree::child(fdt.root(), "chosen") else { return Ok(None) };
    let region = match (tree::number(chosen, START)?, tree::number(chosen, END)?) {
        (None, None) => return Ok(None),
        (Some(start), Some(end)) => Region::between(start, end).ok_or_else(|| tree::bad(chosen, END))?,
        (start, _) => return Err(tree::missing(chosen, if start.is_none() { START } else { END })),
    };
    if ram.iter().any(|range| range.contains(&region)) {
        Ok(Some(region))
    } else {
        Err(BoardError::InitrdOutsideMemory(region))
    }
}

/// Inserts by address, swallowing whatever it touches: what comes out never overlaps and never adjoins.
fn insert_merged<const N: usize>(
    table: &mut Table<Region, N>,
    mut region: Region,
) -> Result<(), crate::platform::table::Full> {
    let touches = |known: &Region, new: &Region| known.base() <= new.end() && new.base() <= known.end();
    while let Some(index) = table.iter().position(|known| touches(known, &region)) {
        if let Some(known) = table.remove(index) {
            region = region.hull(&known);
        }
    }
    table.insert_sorted(region, Region::base)
}
