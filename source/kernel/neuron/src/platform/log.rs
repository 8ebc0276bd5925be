//! The kernel's log: the last bytes written, by position.
//!
//! ```text
//! position   0 ............ written - 16 KiB ................ written
//!            └── dropped ──┘└──────── readable ─────────────┘
//! ```
//!
//! Positions count bytes since boot and never wrap, so a reader that comes back with its last position
//! misses nothing that is still here and learns from the gap how much it lost. The owner wraps it in the
//! lock that also covers the UART, so that log and console show the same order.

/// Bytes kept.
pub const LOG_BYTES: usize = 16 * 1024;

/// The ring.
pub struct LogRing {
    bytes: [u8; LOG_BYTES],
    written: u64,
}

impl LogRing {
    /// Empty.
    pub const fn new() -> Self {
        Self { bytes: [0; LOG_BYTES], written: 0 }
    }

    /// Bytes written since boot: the position the next write starts at.
    pub const fn position(&self) -> u64 {
        self.written
    }

    /// Appends, dropping the oldest. O(len); of a text longer than the ring the end stays.
    pub fn write(&mut self, text: &[u8]) {
        let kept = text.get(text.len().saturating_sub(LOG_BYTES)..).unwrap_or(&[]);
        let at = slot(self.written + (text.len() - kept.len()) as u64);
        let (first, second) = kept.split_at(kept.len().min(LOG_BYTES - at));
        copy(&mut self.bytes, at, first);
        copy(&mut self.bytes, 0, second);
        self.written += text.len() as u64;
    }

    /// Copies what is readable from `position` on: bytes copied and the position after them. Skips what
    /// was dropped; a position in the future reads nothing and answers with the end. O(out).
    pub fn read_from(&self, position: u64, out: &mut [u8]) -> (usize, u64) {
        let oldest = self.written.saturating_sub(LOG_BYTES as u64);
        let start = position.clamp(oldest, self.written);
        let len = out.len().min((self.written - start) as usize);
        let at = slot(start);
        let before_wrap = len.min(LOG_BYTES - at);
        copy(out, 0, self.bytes.get(at..at + before_wrap).unwrap_or(&[]));
        copy(out, before_wrap, self.bytes.get(..len - before_wrap).unwrap_or(&[]));
        (len, start + len as u64)
    }
}

impl Default for LogRing {
    fn default() -> Self {
        Self::new()
    }
}

const fn slot(position: u64) -> usize {
    (position % LOG_BYTES as u64) as usize
}

fn copy(target: &mut [u8], at: usize, source: &[u8]) {
    if let Some(place) = target.get_mut(at..at + source.len()) {
        place.copy_from_slice(source);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec;
    use std::vec::Vec;

    fn read_all(ring: &LogRing, mut position: u64, chunk: usize) -> (Vec<u8>, u64) {
        let (mut all, mut buffer) = (Vec::new(), vec![0; chunk]);
        loop {
            let (len, next) = ring.read_from(position, &mut buffer);
            if len == 0 {
                return (all, next);
            }
            all.extend_from_slice(&buffer[..len]);
            position = next;
        }
    }

    #[test]
    fn what_was_written_is_read_back_in_pieces() {
        let mut ring = LogRing::new();
        ring.write(b"neuron: boot\n");
        ring.write(b"");
        ring.write(b"init: ready\n");
        assert_eq!(read_all(&ring, 0, 5), (b"neuron: boot\ninit: ready\n".to_vec(), 25));
        assert_eq!(ring.read_from(25, &mut [0; 4]), (0, 25));
        assert_eq!(ring.read_from(3, &mut []), (0, 3));
    }

    #[test]
    fn a_position_in_the_future_is_pulled_back_to_the_end() {
        let mut ring = LogRing::new();
        ring.write(b"x");
        assert_eq!(ring.read_from(u64::MAX, &mut [0; 4]), (0, 1));
    }

    #[test]
    fn the_ring_always_holds_the_end_of_the_stream() {
        let stream: Vec<u8> = (0..100_000_u32).map(|i| (i * 7 + i / 251) as u8).collect();
        let mut ring = LogRing::new();
        let (mut at, mut step) = (0, 1);
        while at < stream.len() {
            let end = stream.len().min(at + step);
            ring.write(&stream[at..end]);
            at = end;
            step = step * 3 % 40_009 + 1;
            let oldest = at.saturating_sub(LOG_BYTES);
            assert_eq!(read_all(&ring, 0, 1000), (stream[oldest..at].to_vec(), at as u64));
            assert_eq!(ring.position(), at as u64);
        }
    }
}
