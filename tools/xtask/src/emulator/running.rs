//! A started emulator: events out, text in, an end in any case.

use std::io::Write;
use std::path::PathBuf;
use std::process::{ChildStdin, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::child::{Exit, OwnedChild, detach_input};
use super::console::{Lines, Source};
use super::{Console, Machine};

/// Longest pause between two looks at the child and the clock.
const STEP: Duration = Duration::from_millis(50);

/// What happened next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The guest completed a line.
    Line(String),
    /// Nothing new for a moment; a prompt may stand at [`Running::partial`].
    Quiet,
    /// The emulator ended by itself; every line was delivered before.
    Exited(Exit),
    /// The time is up; the emulator has been ended.
    TimedOut,
}

/// A running emulator. Dropping it ends it.
#[derive(Debug)]
pub struct Running {
    child: OwnedChild,
    source: Source,
    lines: Lines,
    input: Option<ChildStdin>,
    deadline: Option<Instant>,
    /// Set once the child is gone: what is buffered is delivered first.
    exit: Option<Exit>,
}

impl Running {
    /// Boots `machine` with its console at `console`. A terminal session has no deadline.
    pub fn start(machine: &Machine, console: Console) -> Result<Self> {
        let mut command = machine.command(console);
        match console {
            Console::Terminal => &mut command,
            Console::Pipe => command.stdin(Stdio::piped()).stdout(Stdio::piped()),
            Console::File(_) => detach_input(&mut command),
        };
        // The file must be there, and empty, before the emulator opens it.
        let file = match console {
            Console::File(path) => Some(Source::file(path)?),
            Console::Terminal | Console::Pipe => None,
        };
        let child = OwnedChild::spawn(&mut command)?;
        let (stdin, stdout) = child.with(|child| (child.stdin.take(), child.stdout.take()));
        let source = file.or_else(|| stdout.map(Source::pipe)).unwrap_or(Source::None);
        let deadline = match console {
            Console::Terminal => None,
            Console::Pipe | Console::File(_) => Some(Instant::now() + machine.time_out),
        };
        Ok(Self { child, source, lines: Lines::default(), input: stdin, deadline, exit: None })
    }

    /// Waits a moment for the next event. After `Exited` or `TimedOut` nothing follows.
    pub fn next(&mut self) -> Result<Event> {
        if let Some(line) = self.lines.next_line() {
            return Ok(Event::Line(line));
        }
        if let Some(exit) = self.exit {
            return Ok(self.lines.take_partial().map_or(Event::Exited(exit), Event::Line));
        }
        if self.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            self.child.end();
            return Ok(Event::TimedOut);
        }
        // Asked before reading: what it wrote before it ended is then there to be read.
        let exit = self.child.exit()?;
        let bytes = self.source.read(STEP)?;
        self.lines.push(&bytes);
        if bytes.is_empty() && exit.is_some() {
            self.exit = exit;
        }
        Ok(self.lines.next_line().map_or(Event::Quiet, Event::Line))
    }

    /// The unfinished line at the end of the console.
    pub fn partial(&self) -> String {
        self.lines.partial()
    }

    /// Types `text` at the guest.
    pub fn send(&mut self, text: &str) -> Result<()> {
        let input = self.input.as_mut().context("this console takes no input")?;
        input
            .write_all(text.as_bytes())
            .and_then(|()| input.flush())
            .context("the emulator closed its console")
    }

    /// Leaves at most `time` from now.
    pub fn limit(&mut self, time: Duration) {
        let limit = Instant::now() + time;
        self.deadline = Some(self.deadline.map_or(limit, |deadline| deadline.min(limit)));
    }

    /// Share of one host core that the emulator used since `since`, see [`Running::cpu_time`].
    pub fn cpu_time(&self) -> Result<Duration> {
        cpu_time(self.child.id())
    }
}

/// User and system time of a process, from fields 14 and 15 of its `stat` (in hundredths of a second, which is
/// what Linux reports on every architecture).
fn cpu_time(id: u32) -> Result<Duration> {
    let path = PathBuf::from(format!("/proc/{id}/stat"));
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    parse_cpu_time(&text).with_context(|| format!("{} has an unknown format", path.display()))
}

fn parse_cpu_time(stat: &str) -> Option<Duration> {
    // The program's name, in parentheses, may hold spaces: count from behind it.
    let (_, rest) = stat.rsplit_once(") ")?;
    let mut fields = rest.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(Duration::from_millis((user + system) * 10))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_time_is_read_behind_a_name_with_spaces() {
        let stat = "12 (a b) c) S 1 12 12 0 -1 4194304 100 0 0 0 150 50 0 0 20 0 1 0 100 0 0";
        assert_eq!(parse_cpu_time(stat), Some(Duration::from_secs(2)));
        assert_eq!(parse_cpu_time("nonsense"), None);
    }
}
