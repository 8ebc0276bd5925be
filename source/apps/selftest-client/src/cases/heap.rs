//! Memory that was freed goes back to the machine.

use alloc::boxed::Box;
use alloc::vec::Vec;

use nexus_abi::{PAGE_SIZE, user};
use selftest_client::Op;

use crate::check::{Because, Verdict, holds, within};
use crate::partner::Partner;

const PAGES: usize = 600;
/// Pages that stay: page tables, whose range is used again, and the allocator's first block, which keeps its
/// books.
const BOOKS: u64 = 16;

pub fn run() -> Verdict {
    reuse()?;
    let peer = Partner::spawn()?;
    for _ in 0..3 {
        let (most, after) = peer.ask(Op::Heap, &[PAGES as u64])?;
        within("own pages with a large block", most, PAGES as u64, PAGES as u64 + BOOKS)?;
        within("own pages after freeing it", after, 0, BOOKS)?;
    }
    peer.end()
}

/// Many blocks of many sizes, freed in another order: contents stay apart, and pages do not pile up.
fn reuse() -> Verdict {
    let mut kept: Vec<Box<[u8]>> = Vec::new();
    let mut most = 0;
    for round in 0..4000_usize {
        let len = 1 + round * 7919 % (2 * PAGE_SIZE);
        kept.push(alloc::vec![round as u8; len].into_boxed_slice());
        if kept.len() > 40 {
            let block = kept.swap_remove(round * 31 % 40);
            holds("a block holds what was written to it", block.iter().all(|byte| *byte == block[0]))?;
        }
        if round == 1000 {
            most = user::own_info().because("own record")?.pages;
        }
    }
    let after = user::own_info().because("own record")?.pages;
    within("own pages after 4,000 blocks", after, 0, most + 64)
}
