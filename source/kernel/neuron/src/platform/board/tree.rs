//! Reading nodes and properties, with errors that name them.
//!
//! `dtoolkit` checks the structure of the whole blob once; what it leaves open is meaning. Every access
//! here answers `Ok(None)` for "absent" and an error for "there, but wrong".

use dtoolkit::fdt::{FdtNode, FdtProperty};
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

/// Visits the devices of the root and of the buses that pass addresses through, in tree order, with what
/// each is compatible with. Disabled ones are left out. Each node's properties are read once: this walk is
/// most of what reading a tree costs.
pub(super) fn each_device<'a>(fdt: Fdt<'a>, visit: &mut impl FnMut(Placed<'a>, &'a [u8])) {
    each_below(fdt.root(), DEPTH_MAX, visit);
}

fn each_below<'a>(bus: FdtNode<'a>, depth: usize, visit: &mut impl FnMut(Placed<'a>, &'a [u8])) {
    for node in bus.children() {
        let (mut status, mut compatible, mut ranges) = (None, None, None);
        for property in node.properties() {
            match property.name() {
                "status" => status = Some(bytes(&property)),
                "compatible" => compatible = Some(bytes(&property)),
                "ranges" => ranges = Some(bytes(&property)),
                _ => {}
            }
        }
        let Some(compatible) = compatible.filter(|_| is_okay(status)) else { continue };
        visit(Placed { bus, node }, compatible);
        // Empty `ranges` pass addresses through; buses that translate are passed over with all behind them.
        if depth > 0 && ranges == Some(&[]) && strings(compatible).any(|name| name == b"simple-bus") {
            each_below(node, depth - 1, visit);
        }
    }
}

/// Whether a node is to be used.
pub(super) fn is_enabled(node: FdtNode<'_>) -> bool {
    is_okay(value(node, "status"))
}

/// No status means okay.
fn is_okay(status: Option<&[u8]>) -> bool {
    matches!(status, None | Some(b"okay\0" | b"ok\0"))
}

/// The strings of a string list.
pub(super) fn strings(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    list.split(|byte| *byte == 0).filter(|name| !name.is_empty())
}

/// A property's bytes.
pub(super) fn value<'a>(node: FdtNode<'a>, property: &str) -> Option<&'a [u8]> {
    node.properties().find(|candidate| candidate.name() == property).map(|found| bytes(&found))
}

/// The trait's own `value` borrows the property; the bytes live as long as the tree, and `value_as` says so.
fn bytes<'a>(property: &FdtProperty<'a>) -> &'a [u8] {
    property.value_as::<&'a [u8]>().unwrap_or(&[])
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
