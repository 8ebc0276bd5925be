//! What the shell asks of the machine.

use alloc::string::String;
use alloc::vec::Vec;

use nexus_abi::info::{HartInfo, MachineInfo, TaskInfo, TraceEvent};
use nexus_abi::{Error, Nanos, TaskId};
use nexus_wire::execd::{Answer, Request};
use nexus_wire::{policyd, timed};

/// Kernel, execd, policyd and timed, as far as the shell needs them.
pub trait System {
    /// Shows text as it is.
    fn print(&mut self, text: &str);

    /// Waits until something was typed or `deadline` is there: how many bytes are in `buffer`, 0 at the deadline.
    fn keys(&mut self, buffer: &mut [u8], deadline: Nanos) -> Result<usize, Error>;

    /// Time since boot.
    fn now(&mut self) -> Nanos;

    /// The shell's own task.
    fn own_task(&mut self) -> TaskId;

    /// The machine as a whole.
    fn machine(&mut self) -> Result<MachineInfo, Error>;

    /// One hart.
    fn hart(&mut self, hart: usize) -> Result<HartInfo, Error>;

    /// The first task whose slot is at or after `slot`.
    fn task_from(&mut self, slot: u32) -> Result<TaskInfo, Error>;

    /// The kernel's log as it is now.
    fn read_log(&mut self) -> Result<LogText, Error>;

    /// Records events on all harts, or stops.
    fn trace(&mut self, recording: Recording) -> Result<(), Error>;

    /// The latest `most` events of a hart, oldest first.
    fn read_trace(&mut self, hart: usize, most: usize) -> Result<Vec<TraceEvent>, Error>;

    /// Asks execd; the text says why there is no answer.
    fn ask_execd(&mut self, request: &Request) -> Result<Answer, String>;

    /// Asks policyd; the text says why there is no answer.
    fn ask_policyd(&mut self, request: &policyd::Request) -> Result<policyd::Answer, String>;

    /// Asks timed; the text says why there is no answer.
    fn ask_timed(&mut self, request: &timed::Request) -> Result<timed::Answer, String>;

    /// Ends the machine; returns only when refused.
    fn power_off(&mut self) -> Error;
}

/// The log's text, cut at the front if it is long.
pub type LogText = String;

/// Whether events are recorded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Recording {
    /// They are.
    On,
    /// They are not.
    Off,
}
