//! Who called whom, for a panic message: approximate.
//!
//! The kernel keeps no frame pointers: a register and two instructions per function are a price every
//! system call would pay for a message nobody should see. Instead the stack is searched for words that
//! look like return addresses: they point into the kernel's text, right behind an instruction that calls.
//!
//! What follows from that: every function on the stack whose return address was spilled is found, innermost
//! first; the function that panicked is known from its program counter, not from here. A word left over
//! from an earlier, deeper call can appear as a frame that is not there. Inlined functions do not appear.
//!
//! Pure: memory is read through a closure that may refuse, so that nothing faults in a panic.

use core::ops::Range;

/// Most frames reported.
pub const FRAMES_MAX: usize = 32;
/// Most stack searched, in words: all of a kernel stack.
const WORDS_MAX: usize = 8192;
const WORD: usize = size_of::<u64>();

/// Where to look.
#[derive(Clone, Debug)]
pub struct Bounds {
    /// Addresses of the stack.
    pub stack: Range<usize>,
    /// Addresses of the kernel's text.
    pub text: Range<usize>,
}

/// The return addresses on the stack from `sp` on, innermost first, at most [`FRAMES_MAX`].
///
/// `read` gives the aligned 64-bit word at an address of stack or text, or refuses. O(stack).
pub fn scan(bounds: Bounds, sp: usize, read: impl Fn(usize) -> Option<u64>) -> impl Iterator<Item = usize> {
    let Bounds { stack, text } = bounds;
    let first = sp.max(stack.start).checked_next_multiple_of(WORD).unwrap_or(usize::MAX);
    let mut at = first;
    let mut words = 0;
    core::iter::from_fn(move || {
        while words < WORDS_MAX && at < stack.end && stack.end - at >= WORD {
            let word = read(at);
            at += WORD;
            words += 1;
            if let Some(address) = word.and_then(|word| usize::try_from(word).ok())
                && text.contains(&address)
                && follows_a_call(address, &text, &read)
            {
                return Some(address);
            }
        }
        None
    })
    .take(FRAMES_MAX)
}

/// True behind `jal ra`, `jalr ra` or `c.jalr`.
fn follows_a_call(address: usize, text: &Range<usize>, read: &impl Fn(usize) -> Option<u64>) -> bool {
    const RA: u32 = 1;
    const JAL: u32 = 0x6f;
    const JALR: u32 = 0x67;
    let half = |back: usize| {
        let at = address.checked_sub(back).filter(|at| text.contains(at) && at.is_multiple_of(2))?;
        read(at & !(WORD - 1)).map(|word| (word >> (at % WORD * 8)) as u16)
    };
    let Some(last) = half(2) else { return false };
    // c.jalr: 100 1 rs1≠0 00000 10
    if last & 0xf07f == 0x9002 && last & 0x0f80 != 0 {
        return true;
    }
    let Some(first) = half(4) else { return false };
    let instruction = u32::from(last) << 16 | u32::from(first);
    let (opcode, destination, function) =
        (instruction & 0x7f, instruction >> 7 & 0x1f, instruction >> 12 & 7);
    destination == RA && (opcode == JAL || (opcode == JALR && function == 0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    const TEXT: usize = 0x1000;
    const STACK: usize = 0x8000;

    /// Sixteen bytes of text a word: a 4-byte `jal ra` at 0, a `c.jalr` at 6, a `jalr ra` at 10, no call.
    const CODE: [u64; 2] =
        [0x0000_00ef | 0x0001_0000_0000 | (0x9502 << 48), 0x0001 | (0x000080e7 << 16) | (0x0001 << 48)];

    fn frames(stack: &[u64], sp: usize) -> Vec<usize> {
        let end = STACK + stack.len() * 8;
        let read = |at: usize| match at {
            TEXT..0x1010 => CODE.get((at - TEXT) / 8).copied(),
            _ => stack.get(at.checked_sub(STACK)? / 8).copied(),
        };
        scan(Bounds { stack: STACK..end, text: TEXT..TEXT + 16 }, sp, read).collect()
    }

    #[test]
    fn words_behind_calls_are_frames_innermost_first() {
        let stack = [7, 0x1008, 0xffff_ffff_ffff_ffff, 0x1004, 0x100e, 0x8000];
        assert_eq!(frames(&stack, STACK), [0x1008, 0x1004, 0x100e]);
    }

    #[test]
    fn words_in_text_that_follow_no_call_are_not() {
        assert_eq!(frames(&[0x1000, 0x1002, 0x1006, 0x100a, 0x100c, 0x1005, 0x1009, 0x1010], STACK), []);
    }

    #[test]
    fn the_search_starts_at_the_stack_pointer_and_stays_on_the_stack() {
        let stack = [0x1004, 0x1008, 0x100e];
        assert_eq!(frames(&stack, STACK + 8), [0x1008, 0x100e]);
        assert_eq!(frames(&stack, STACK + 9), [0x100e]);
        assert_eq!(frames(&stack, 0), [0x1004, 0x1008, 0x100e]);
        assert_eq!(frames(&stack, usize::MAX), []);
    }

    #[test]
    fn the_number_of_frames_is_bounded() {
        assert_eq!(frames(&[0x1004; 100], STACK).len(), FRAMES_MAX);
    }

    proptest! {
        #[test]
        fn any_memory_any_bounds_no_panic(sp: usize, stack: Range<usize>, text: Range<usize>, word: u64) {
            let bounds = Bounds { stack, text: text.clone() };
            let odd = scan(bounds, sp, |at| (at % 3 != 0).then_some(word ^ at as u64)).count();
            prop_assert!(odd <= FRAMES_MAX);
        }
    }
}
