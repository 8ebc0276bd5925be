//! The shapes of `ecall`.
//!
//! [`plain`] has its arguments in `a` registers, and [`reading`] none; [`giving_way`] is the same for calls after which
//! others run; [`message`] has the eight words in `s2`–`s9` both ways, and [`words_only`] and [`receiving`] do for
//! short. A call clobbers `ra`, `t` and `a` registers, all but the plain ones also `s2`–`s11`: the compiler keeps just
//! what it needs, and the kernel saves little.
#![expect(unsafe_code, reason = "`ecall` is an instruction")]

use core::arch::asm;

use super::Words;
use crate::{Call, MESSAGE_WORDS, Nanos};

/// The registers after a message call.
pub(super) struct Raw {
    pub(super) words: Words,
    pub(super) bits: u64,
    pub(super) t0: u64,
    pub(super) t1: u64,
    pub(super) t2: u64,
    pub(super) t3: u64,
    pub(super) t4: u64,
    pub(super) t5: u64,
}

/// `ecall` with these operands, and with what every call clobbers besides.
macro_rules! ecall {
    ($($operand:tt)*) => {
        asm!(
            "ecall",
            $($operand)*
            lateout("a5") _, lateout("a6") _, lateout("a7") _,
            lateout("t6") _,
            lateout("ra") _,
        )
    };
}

/// The same without a message, which leaves nothing in `t1`–`t5`.
macro_rules! ecall_plain {
    ($($operand:tt)*) => {
        ecall!(
            $($operand)*
            lateout("t1") _, lateout("t2") _, lateout("t3") _, lateout("t4") _, lateout("t5") _,
        )
    };
}

/// The same with a message, of which `raw` hears; what is said is among the operands.
macro_rules! ecall_hearing {
    ($raw:ident, $($operand:tt)*) => {
        ecall!(
            $($operand)*
            inlateout("t5") $raw.t5,
            lateout("s10") _, lateout("s11") _,
            lateout("a0") $raw.bits,
            lateout("a1") _, lateout("a2") _, lateout("a3") _, lateout("a4") _,
        )
    };
}

/// The same when the words, the call, and whom it names are said too.
macro_rules! ecall_saying {
    ($raw:ident, $($operand:tt)*) => {
        ecall_hearing!(
            $raw,
            inlateout("s2") $raw.words[0],
            inlateout("s3") $raw.words[1],
            inlateout("s4") $raw.words[2],
            inlateout("s5") $raw.words[3],
            inlateout("s6") $raw.words[4],
            inlateout("s7") $raw.words[5],
            inlateout("s8") $raw.words[6],
            inlateout("s9") $raw.words[7],
            inlateout("t0") $raw.t0,
            inlateout("t1") $raw.t1,
            inlateout("t2") $raw.t2,
            $($operand)*
        )
    };
}

/// A message call, with everything it can carry.
#[inline(always)]
pub(super) fn message(call: Call, words: Words, t: [u64; 5]) -> Raw {
    let mut raw =
        Raw { words, bits: 0, t0: call.to_wire(), t1: t[0], t2: t[1], t3: t[2], t4: t[3], t5: t[4] };
    // SAFETY: the kernel writes only the registers named here, and only memory that the arguments name,
    // which the typed callers pass as live, writable buffers.
    unsafe {
        ecall_saying!(raw, inlateout("t3") raw.t3, inlateout("t4") raw.t4,);
    }
    raw
}

/// A message that is eight words and nothing else.
#[inline(always)]
pub(super) fn words_only(call: Call, named: u64, words: Words, deadline: Nanos) -> Raw {
    let mut raw = Raw { words, bits: 0, t0: call.to_wire(), t1: named, t2: 0, t3: 0, t4: 0, t5: deadline.0 };
    // SAFETY: as in `message`; without bytes and room no memory is written.
    unsafe {
        ecall_saying!(raw, lateout("t3") raw.t3, lateout("t4") raw.t4,);
    }
    raw
}

/// Waiting for a message of words and nothing else, or for bits. Nothing is said, so the words are whatever the task
/// had there.
#[inline(always)]
pub(super) fn receiving(named: u64, deadline: Nanos) -> Raw {
    let mut raw =
        Raw { words: [0; MESSAGE_WORDS], bits: 0, t0: 0, t1: 0, t2: 0, t3: 0, t4: 0, t5: deadline.0 };
    // SAFETY: as in `words_only`.
    unsafe {
        ecall_hearing!(
            raw,
            lateout("s2") raw.words[0],
            lateout("s3") raw.words[1],
            lateout("s4") raw.words[2],
            lateout("s5") raw.words[3],
            lateout("s6") raw.words[4],
            lateout("s7") raw.words[5],
            lateout("s8") raw.words[6],
            lateout("s9") raw.words[7],
            inlateout("t0") Call::Receive.to_wire() => raw.t0,
            inlateout("t1") named => raw.t1,
            inlateout("t2") 0u64 => raw.t2,
            lateout("t3") raw.t3,
            lateout("t4") raw.t4,
        );
    }
    raw
}

/// Answering several callers, which cannot fail: how many.
#[inline(always)]
pub(super) fn answering_all(replies: Words, first: u64, second: u64) -> u64 {
    let given;
    // SAFETY: as in `message`; no memory is written.
    unsafe {
        ecall_plain!(
            in("s2") replies[0],
            in("s3") replies[1],
            in("s4") replies[2],
            in("s5") replies[3],
            in("s6") replies[4],
            in("s7") replies[5],
            in("s8") replies[6],
            in("s9") replies[7],
            inlateout("t0") Call::ReplyAll.to_wire() => _,
            inlateout("a0") first => given,
            inlateout("a1") second => _,
            lateout("a2") _, lateout("a3") _, lateout("a4") _,
        );
    }
    given
}

/// A call without arguments that only reads something: `a0`.
#[inline(always)]
pub(super) fn reading(call: Call) -> u64 {
    let value;
    // SAFETY: as in `message`; no memory is written.
    unsafe {
        ecall_plain!(
            inlateout("t0") call.to_wire() => _,
            lateout("a0") value,
            lateout("a1") _, lateout("a2") _, lateout("a3") _, lateout("a4") _,
        );
    }
    value
}

/// A call that the kernel answers at once: status, `a0`, `a1`.
#[inline(always)]
pub(super) fn plain(number: u64, args: [u64; 5]) -> (u64, u64, u64) {
    let (status, a0, a1): (u64, u64, u64);
    // SAFETY: as in `message`.
    unsafe {
        ecall_plain!(
            inlateout("t0") number => status,
            inlateout("a0") args[0] => a0,
            inlateout("a1") args[1] => a1,
            inlateout("a2") args[2] => _,
            inlateout("a3") args[3] => _,
            inlateout("a4") args[4] => _,
        );
    }
    (status, a0, a1)
}

/// A call after which other tasks run.
#[inline(always)]
pub(super) fn giving_way(call: Call, a0: u64, a1: u64) -> (u64, u64, u64) {
    let (mut t0, mut a0, mut a1) = (call.to_wire(), a0, a1);
    // SAFETY: as in `message`; no memory is written.
    unsafe {
        ecall_plain!(
            inlateout("t0") t0,
            inlateout("a0") a0,
            inlateout("a1") a1,
            lateout("a2") _, lateout("a3") _, lateout("a4") _,
            lateout("s2") _, lateout("s3") _, lateout("s4") _, lateout("s5") _, lateout("s6") _,
            lateout("s7") _, lateout("s8") _, lateout("s9") _, lateout("s10") _, lateout("s11") _,
        );
    }
    (t0, a0, a1)
}

/// Ends the task by a fault.
pub(super) fn fault() -> ! {
    // SAFETY: `unimp` traps and ends the task.
    unsafe { asm!("unimp", options(noreturn)) }
}
