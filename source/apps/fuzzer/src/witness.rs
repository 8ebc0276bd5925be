//! Tasks that do their work all the while and notice whether anything disturbs it.

use alloc::vec::Vec;

use nexus_abi::user::{self, Incoming, Outgoing};
use nexus_abi::{MESSAGE_BYTES_MAX, Nanos, PAGE_SIZE};
use nexus_rt::startup::EXTRA;

/// Exit code of a witness that was disturbed.
const DISTURBED: i32 = 66;
/// Sent by clients that check the answers.
pub const GREETING: u64 = 0x600d_600d;

/// Answers each word plus one, to whoever asks, the hostile task included.
pub fn server() -> i32 {
    let mut buffer = alloc::vec![0; MESSAGE_BYTES_MAX];
    loop {
        match user::receive(EXTRA, &mut buffer, Nanos::NEVER) {
            Ok(Incoming::Message(message)) => {
                if let Some(handle) = message.handle {
                    let _closed = user::handle_close(handle);
                }
                let words = message.words.map(|word| word.wrapping_add(1));
                let bytes = buffer.get(..message.len).unwrap_or(&[]);
                if user::reply(message.reply, Outgoing { words, bytes, handle: None }).is_err() {
                    // It has no room for the bytes, or is dead by now.
                    let _gone = user::handle_close(message.reply);
                }
            }
            Ok(Incoming::Bits(_)) => {}
            Err(_) => return DISTURBED,
        }
    }
}

/// Asks, compares, looks whether its memory is still what it wrote, rests, and again.
pub fn client() -> i32 {
    let mut memory: Vec<u64> = (0..32 * PAGE_SIZE as u64 / 8).map(|at| at ^ GREETING).collect();
    let mut room = [0; 64];
    let mut n = 0_u64;
    loop {
        n += 1;
        let words = [GREETING, n, !n, n << 7, 0, u64::MAX, 5, n];
        let sent = [n as u8; 64];
        let out = Outgoing { words, bytes: &sent[..n as usize % 65], handle: None };
        let Ok(answer) = user::call_with(EXTRA, out, &mut room, Nanos::NEVER) else { return DISTURBED };
        let right = answer.words == words.map(|word| word.wrapping_add(1))
            && answer.len == n as usize % 65
            && room[..answer.len] == sent[..answer.len];
        let page = n as usize % 32 * (PAGE_SIZE / 8);
        let intact = memory[page..page + PAGE_SIZE / 8]
            .iter()
            .enumerate()
            .all(|(at, word)| *word & !(1 << 63) == (page + at) as u64 ^ GREETING);
        if !right || !intact {
            return DISTURBED;
        }
        memory[page] ^= 1 << 63;
        // POLL: it works at a pace, and ends only when something is wrong.
        user::sleep_until(user::clock_now().after(Nanos::from_micros(300)));
    }
}
