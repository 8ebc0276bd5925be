//! Bytes from the guest's UART, whichever way they come, cut into lines.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;
use std::process::ChildStdout;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};

/// How often a log file is looked at for more.
const FILE_POLL: Duration = Duration::from_millis(10);

const CHUNK: usize = 16 * 1024;

/// Where bytes come from.
#[derive(Debug)]
pub enum Source {
    Pipe(Receiver<Vec<u8>>),
    File(File),
    /// The terminal: nothing to read.
    None,
}

impl Source {
    /// Reads a pipe on a thread of its own, which ends with the pipe.
    pub fn pipe(mut stdout: ChildStdout) -> Self {
        let (sender, receiver) = channel();
        thread::spawn(move || {
            let mut chunk = vec![0; CHUNK];
            loop {
                match stdout.read(&mut chunk) {
                    Ok(0) => break,
                    Ok(count) if sender.send(chunk[..count].to_vec()).is_err() => break,
                    Ok(_) => {}
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    Err(_) => break,
                }
            }
        });
        Source::Pipe(receiver)
    }

    /// Follows a file that the emulator writes; it starts empty.
    pub fn file(path: &Path) -> Result<Self> {
        File::create(path).with_context(|| format!("cannot make {}", path.display()))?;
        let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
        Ok(Source::File(file))
    }

    /// What came within about `wait`; empty when nothing did.
    pub fn read(&mut self, wait: Duration) -> Result<Vec<u8>> {
        match self {
            Source::Pipe(receiver) => match receiver.recv_timeout(wait) {
                Ok(bytes) => Ok(bytes),
                Err(RecvTimeoutError::Timeout) => Ok(Vec::new()),
                Err(RecvTimeoutError::Disconnected) => {
                    thread::sleep(wait.min(FILE_POLL));
                    Ok(Vec::new())
                }
            },
            Source::File(file) => {
                let mut bytes = Vec::new();
                file.read_to_end(&mut bytes).context("cannot read the console log")?;
                if bytes.is_empty() {
                    thread::sleep(wait.min(FILE_POLL));
                }
                Ok(bytes)
            }
            Source::None => {
                thread::sleep(wait.min(FILE_POLL));
                Ok(Vec::new())
            }
        }
    }
}

/// Cuts a stream into lines; bytes that are no text are replaced, not refused.
#[derive(Debug, Default)]
pub struct Lines {
    buffer: Vec<u8>,
}

impl Lines {
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next complete line, without its end.
    pub fn next_line(&mut self) -> Option<String> {
        let end = self.buffer.iter().position(|byte| *byte == b'\n')?;
        let line: Vec<u8> = self.buffer.drain(..=end).collect();
        Some(String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned())
    }

    /// What stands after the last complete line: a prompt, or a line that was cut.
    pub fn partial(&self) -> String {
        String::from_utf8_lossy(&self.buffer).into_owned()
    }

    /// The same, taken out.
    pub fn take_partial(&mut self) -> Option<String> {
        let text = self.partial();
        self.buffer.clear();
        (!text.is_empty()).then_some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cut_across_chunks_and_keep_what_is_unfinished() {
        let mut lines = Lines::default();
        lines.push(b"init: re");
        assert_eq!(lines.next_line(), None);
        lines.push(b"ady\r\nnexus> ");
        assert_eq!(lines.next_line().as_deref(), Some("init: ready"));
        assert_eq!(lines.next_line(), None);
        assert_eq!(lines.partial(), "nexus> ");
        assert_eq!(lines.take_partial().as_deref(), Some("nexus> "));
        assert_eq!(lines.take_partial(), None);
    }
}
