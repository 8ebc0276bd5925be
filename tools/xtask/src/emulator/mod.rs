//! Running the image in QEMU.
//!
//! ```text
//!   Machine ──command()──▶ Command ──spawn──▶ Running ──next()──▶ Event::Line … Event::Exited
//!   what to boot           exact flags        child + console      what it said, how it ended
//! ```
//!
//! A [`Running`] emulator cannot be left behind: it is killed and reaped when dropped, and on Ctrl-C or SIGTERM
//! (`child`). Its console is a pipe when someone talks to it, a file when its output must repeat byte for byte
//! (`console`).

mod child;
mod console;
#[cfg(test)]
pub mod fake;
mod running;

pub use child::{Exit, install_signal_handler};
pub use running::{Event, Running};

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::image::Image;
use crate::setup;

/// How instructions are executed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// One thread, one instruction per virtual nanosecond: every run is the same run.
    Icount,
    /// A host thread per hart, real time: harts really race.
    MultiThreaded,
}

/// A machine to boot.
#[derive(Debug, Clone)]
pub struct Machine {
    pub emulator: PathBuf,
    pub image: Image,
    pub mode: Mode,
    pub harts: u32,
    pub memory_mib: u32,
    /// Words for the guest, `key=value`.
    pub command_line: String,
    /// Wall-clock bound of the whole run.
    pub time_out: Duration,
}

/// Where the guest's UART ends.
#[derive(Debug, Clone, Copy)]
pub enum Console<'a> {
    /// The user's terminal; Ctrl-A X leaves.
    Terminal,
    /// Pipes to this process.
    Pipe,
    /// A file that nobody writes back to: the only choice that repeats under icount.
    File(&'a Path),
}

impl Machine {
    /// A machine with the defaults of a test: one hart, 256 MiB, multi-threaded, 90 s.
    pub fn new(image: Image) -> Self {
        Self {
            emulator: setup::emulator(),
            image,
            mode: Mode::MultiThreaded,
            harts: 1,
            memory_mib: 256,
            command_line: String::new(),
            time_out: Duration::from_secs(90),
        }
    }

    /// The complete command.
    pub fn command(&self, console: Console) -> Command {
        let mut command = Command::new(&self.emulator);
        command.args(["-machine", "virt", "-cpu", "rv64", "-smp"]).arg(self.harts.to_string());
        command.arg("-m").arg(format!("{}M", self.memory_mib));
        match self.mode {
            Mode::Icount => command.args([
                "-accel",
                "tcg,thread=single",
                "-icount",
                "shift=0,align=off,sleep=off",
                "-rtc",
                "base=2026-01-01T00:00:00,clock=vm",
                "-seed",
                "1",
            ]),
            Mode::MultiThreaded => command.args(["-accel", "tcg,thread=multi"]),
        };
        command.args(["-nodefaults", "-display", "none", "-no-reboot"]);
        command.args(["-global", "virtio-mmio.force-legacy=false", "-serial"]);
        match console {
            Console::Terminal => command.arg("mon:stdio"),
            Console::Pipe => command.arg("stdio"),
            Console::File(path) => command.arg(format!("file:{}", path.display())),
        };
        command.arg("-kernel").arg(&self.image.kernel).arg("-initrd").arg(&self.image.initrd);
        command.arg("-append").arg(&self.command_line);
        command
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            Mode::Icount => "icount",
            Mode::MultiThreaded => "mttcg",
        })
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{} harts={} memory={}MiB", self.mode, self.harts, self.memory_mib)?;
        if self.command_line.is_empty() { Ok(()) } else { write!(f, " [{}]", self.command_line) }
    }
}
