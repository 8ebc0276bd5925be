//! Device trees made to order, for the faults no emulator produces.

use std::vec::Vec;

/// A flattened tree while it is written.
pub(super) struct Tree {
    structure: Vec<u8>,
    strings: Vec<u8>,
    reservations: Vec<u8>,
}

impl Tree {
    pub(super) fn new() -> Self {
        Self { structure: Vec::new(), strings: Vec::new(), reservations: Vec::new() }
    }

    pub(super) fn reserve(mut self, address: u64, len: u64) -> Self {
        self.reservations.extend([address, len].iter().flat_map(|value| value.to_be_bytes()));
        self
    }

    /// A node: `inside` writes properties first, then children.
    pub(super) fn node(mut self, name: &str, inside: impl FnOnce(Self) -> Self) -> Self {
        self.word(1);
        self.padded(&[name.as_bytes(), &[0]].concat());
        self = inside(self);
        self.word(2);
        self
    }

    pub(super) fn bytes(mut self, name: &str, value: &[u8]) -> Self {
        let offset = self.strings.len();
        self.strings.extend([name.as_bytes(), &[0]].concat());
        self.word(3);
        self.word(value.len() as u32);
        self.word(offset as u32);
        self.padded(value);
        self
    }

    pub(super) fn cells(self, name: &str, cells: &[u32]) -> Self {
        let value: Vec<u8> = cells.iter().flat_map(|cell| cell.to_be_bytes()).collect();
        self.bytes(name, &value)
    }

    pub(super) fn text(self, name: &str, text: &str) -> Self {
        self.bytes(name, &[text.as_bytes(), &[0]].concat())
    }

    pub(super) fn finish(mut self) -> Vec<u8> {
        const HEADER: usize = 40;
        self.word(9);
        self = self.reserve(0, 0);
        let structure = HEADER + self.reservations.len();
        let strings = structure + self.structure.len();
        let total = strings + self.strings.len();
        let header = [
            0xd00d_feed,
            total,
            structure,
            strings,
            HEADER,
            17,
            16,
            0,
            self.strings.len(),
            self.structure.len(),
        ];
        let header = header.iter().flat_map(|field| (*field as u32).to_be_bytes()).collect();
        [header, self.reservations, self.structure, self.strings].concat()
    }

    fn word(&mut self, value: u32) {
        self.structure.extend(value.to_be_bytes());
    }

    fn padded(&mut self, bytes: &[u8]) {
        self.structure.extend(bytes);
        self.structure.resize(self.structure.len().next_multiple_of(4), 0);
    }
}
