//! The score board: a page in which every hostile task counts its calls.
#![expect(unsafe_code, reason = "the page is shared with tasks that write to it")]

use core::ptr;

use nexus_abi::{Error, Handle, Rights, user};

/// The page, mapped.
#[derive(Debug)]
pub struct Score {
    vmo: Handle,
    address: usize,
}

impl Score {
    /// An empty one.
    pub fn new() -> Result<Self, Error> {
        let vmo = user::vmo_create(1)?;
        let address = user::vmo_map(vmo, 0, 1, Rights::READ | Rights::WRITE, 0)?;
        Ok(Self { vmo, address })
    }

    /// The VMO, to give away.
    pub fn vmo(&self) -> Handle {
        self.vmo
    }

    /// How many calls a lane's task has made, and how many were accepted.
    pub fn get(&self, lane: usize) -> [u64; 2] {
        // SAFETY: inside the page, which holds no Rust object.
        unsafe { ptr::with_exposed_provenance::<[u64; 2]>(self.address).add(lane % 8).read_volatile() }
    }

    /// Back to nothing.
    pub fn reset(&self, lane: usize) {
        let words = ptr::with_exposed_provenance_mut::<[u64; 2]>(self.address);
        // SAFETY: as in `get`.
        unsafe { words.add(lane % 8).write_volatile([0; 2]) }
    }

    /// Gives the page back.
    pub fn end(self) -> Result<(), Error> {
        // SAFETY: nothing else reaches it.
        unsafe { user::vm_unmap(self.address)? };
        user::handle_close(self.vmo)
    }
}
