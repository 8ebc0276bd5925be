//! Reading nodes and properties, with errors that name them.
//!
//! `dtoolkit` checks the structure of the whole blob once; what it leaves open is meaning. Every access
//! here answers `Ok(None)` for "absent" and an error for "there, but wrong".

use dtoolkit::fdt::FdtNode;
use dtoolkit::{Node, Property};

use super::error::{BoardError, NodeName};
use crate::platform::region::Region;

pub(super) use dtoolkit::fdt::Fdt;

/// Longest tree read: the emulator's blob is 1 MiB, most of it padding.
pub const TREE_MAX: usize = 2 << 20;
/// Buses inside buses that are looked into.
pub(super) const DEPTH_MAX: usize = 4;

/// The length of the tree whose first eight bytes these are; `None` when they begin no tree of bearable
/// length. For the kernel's entry, which knows only where the tree begins.
pub fn tree_len(start: [u8; 8]) -> Option<usize> {
    const MAGIC: [u8; 4] = 0xd00d_feed_u32.to_be_bytes();
    const HEADER: usize = 40;
    let [a, b, c, d, len @ ..] = start;
    let len = u32::from_be_bytes(len) as usize;
    ([a, b, c, d] == MAGIC && (HEADER..=TREE_MAX).contains(&len)).then_some(len)
}

/// Checks the structure of the blob.
pub(super) fn open(dtb: &[u8]) -> Result<Fdt<'_>, BoardError> {
    let stated = dtb.first_chunk::<8>().and_then(|start| tree_len(*start));
    let tree = stated.and_then(|len| dtb.get(..len)).unwrap_or(dtb);
    if tree.len() > TREE_MAX {
        return Err(BoardError::TooLong(tree.len()));
    }
    Fdt::new(tree).map_err(BoardError::NotATree)
}

/// The child with this name, whatever its unit address.
pub(super) fn child<'a>(node: FdtNode<'a>, name: &str) -> Option<FdtNode<'a>> {
    node.children().find(|child| child.name_without_address() == name)
}

/// A device and the bus it sits on, which says how its addresses are written.
#[derive(Clone, Copy)]
pub(super) struct Placed<'a> {
    pub(super) bus: FdtNode<'a>,
    pub(super) node: FdtNode<'a>,
}

/// Visits the devices of the root and of the buses that pass addresses through, in tree order. Disabled
/// ones are left out.
pub(super) fn each_device<'a>(
    fdt: Fdt<'a>,
    visit: &mut impl FnMut(Placed<'a>) -> Result<(), BoardError>,
) -> Result<(), BoardError> {
    each_below(fdt.root(), DEPTH_MAX, visit)
}

fn each_below<'a>(
    bus: FdtNode<'a>,
    depth: usize,
    visit: &mut impl FnMut(Placed<'a>) -> Result<(), BoardError>,
) -> Result<(), BoardError> {
    for node in bus.children().filter(|node| is_enabled(*node)) {
        visit(Placed { bus, node })?;
        if depth > 0 && is_compatible(node, &["simple-bus"]) && is_transparent(node) {
            each_below(node, depth - 1, visit)?;
        }
    }
    Ok(())
}

/// An empty `ranges` passes addresses through. Buses that translate are passed over, with all behind them.
fn is_transparent(bus: FdtNode<'_>) -> bool {
    value(bus, "ranges") == Some(&[])
}

/// No status means okay.
pub(super) fn is_enabled(node: FdtNode<'_>) -> bool {
    matches!(value(node, "status"), None | Some(b"okay\0" | b"ok\0"))
}

/// True when the node is compatible with one of these.
pub(super) fn is_compatible(node: FdtNode<'_>, wanted: &[&str]) -> bool {
    value(node, "compatible")
        .is_some_and(|list| strings(list).any(|name| wanted.iter().any(|w| w.as_bytes() == name)))
}

/// The strings of a string list.
pub(super) fn strings(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    list.split(|byte| *byte == 0).filter(|name| !name.is_empty())
}

/// A property's bytes.
pub(super) fn value<'a>(node: FdtNode<'a>, property: &str) -> Option<&'a [u8]> {
    node.properties().find(|candidate| candidate.name() == property).map(|found| {
        // The trait's `value` borrows the property; the node's data lives longer, and `value_as` says so.
        found.value_as::<&'a [u8]>().unwrap_or(&[])
    })
}

/// A property of one text.
pub(super) fn text<'a>(node: FdtNode<'a>, property: &'static str) -> Result<Option<&'a str>, BoardError> {
    let Some(bytes) = value(node, property) else { return Ok(None) };
    match bytes.split_last() {
        Some((0, text)) if !text.contains(&0) => {
            core::str::from_utf8(text).map(Some).map_err(|_| bad(node, property))
        }
        _ => Err(bad(node, property)),
    }
}

/// A property of one or two cells, as one number.
pub(super) fn number(node: FdtNode<'_>, property: &'static str) -> Result<Option<u64>, BoardError> {
    match value(node, property) {
        None => Ok(None),
        Some(bytes) => integer(bytes).map(Some).ok_or_else(|| bad(node, property)),
    }
}

/// A property of one cell that must be there.
pub(super) fn required_cell(node: FdtNode<'_>, property: &'static str) -> Result<u32, BoardError> {
    let bytes = value(node, property).ok_or_else(|| missing(node, property))?;
    bytes.try_into().map(u32::from_be_bytes).map_err(|_| bad(node, property))
}

/// A property of cells only.
pub(super) fn cells<'a>(
    node: FdtNode<'a>,
    property: &'static str,
) -> Result<Option<impl Iterator<Item = u32> + 'a>, BoardError> {
    let Some(bytes) = value(node, property) else { return Ok(None) };
    let (cells, rest) = bytes.as_chunks::<4>();
    if rest.is_empty() {
        Ok(Some(cells.iter().map(|cell| u32::from_be_bytes(*cell))))
    } else {
        Err(bad(node, property))
    }
}

/// The ranges of `reg`. Empty ones are left out.
pub(super) fn regions<'a>(
    place: Placed<'a>,
) -> Result<Option<impl Iterator<Item = Result<Region, BoardError>> + 'a>, BoardError> {
    let Some(bytes) = value(place.node, "reg") else { return Ok(None) };
    let address_len = cell_count(place.bus, "#address-cells", 2)? * 4;
    let entry_len = address_len + cell_count(place.bus, "#size-cells", 1)? * 4;
    if !bytes.len().is_multiple_of(entry_len) {
        return Err(bad(place.node, "reg"));
    }
    Ok(Some(bytes.chunks_exact(entry_len).filter_map(move |entry| {
        let (address, len) = entry.split_at_checked(address_len)?;
        match (integer(address)?, integer(len)?) {
            (_, 0) => None,
            (address, len) => Some(Region::new(address, len).ok_or_else(|| bad(place.node, "reg"))),
        }
    })))
}

/// The first range of `reg`: a device's registers.
pub(super) fn registers(place: Placed<'_>) -> Result<Region, BoardError> {
    let mut regions = regions(place)?.ok_or_else(|| missing(place.node, "reg"))?;
    regions.next().unwrap_or_else(|| Err(bad(place.node, "reg")))
}

/// One or two: anything else describes buses this kernel does not drive.
fn cell_count(parent: FdtNode<'_>, property: &'static str, default: usize) -> Result<usize, BoardError> {
    match number(parent, property)? {
        None => Ok(default),
        Some(count @ 1..=2) => Ok(count as usize),
        Some(_) => Err(unsupported(parent, property)),
    }
}

fn integer(bytes: &[u8]) -> Option<u64> {
    match bytes.len() {
        4 => bytes.try_into().ok().map(u32::from_be_bytes).map(u64::from),
        8 => bytes.try_into().ok().map(u64::from_be_bytes),
        _ => None,
    }
}

pub(super) fn missing(node: FdtNode<'_>, property: &'static str) -> BoardError {
    BoardError::MissingProperty { node: NodeName::new(node.name()), property }
}

pub(super) fn bad(node: FdtNode<'_>, property: &'static str) -> BoardError {
    BoardError::BadProperty { node: NodeName::new(node.name()), property }
}

pub(super) fn unsupported(node: FdtNode<'_>, property: &'static str) -> BoardError {
    BoardError::Unsupported { node: NodeName::new(node.name()), property }
}
