//! The kernel, execd, policyd and timed behind [`System`].

extern crate alloc;

use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

use nexus_abi::info::{HartInfo, MachineInfo, TaskInfo, TraceEvent};
use nexus_abi::user::{self, TraceState};
use nexus_abi::{Error, ExitCode, Nanos, TaskId};
use nexus_rt::startup::{EXECD, POLICYD, SYSTEM, TIMED};
use nexus_service::os::ask;
use nexus_time::{Clock, Key, Plan, TimerSet};
use nexus_wire::execd::{Answer, Execd, Request};
use nexus_wire::policyd::{self, Policyd};
use nexus_wire::timed::{self, Timed};
use shell::{LogText, Recording, System};

use crate::uart::{TIMER, Uart};

/// Most of the log that is read; a person looks at its end.
const LOG_MAX: usize = 256 * 1024;
/// Bytes the kernel copies at once.
const LOG_PIECE: usize = 4096;
/// Events the kernel copies at once.
const TRACE_PIECE: usize = 128;
/// Reads after which a ring that keeps growing is taken to have no end.
const PIECES_MAX: usize = 1024;
/// How long a service may take: none waits for anything for long, so this is long.
const PATIENCE: Nanos = Nanos::from_millis(5_000);

/// How long after a timer was due it is taken for lost with a timed that has died.
const TIMER_LOST: Nanos = Nanos::from_millis(1_000);

/// The machine, with its console.
#[derive(Debug)]
pub struct Os {
    uart: Uart,
    /// Told at the notification at which keys are told of too. None until they are needed.
    timers: Option<TimerSet<nexus_time::os::Os>>,
}

impl Os {
    /// Opens the console.
    pub fn open() -> Result<Self, Error> {
        Uart::open().map(|uart| Self { uart, timers: None })
    }

    /// Sleeps. A person needs the shell all the more when timed is not there: then in the kernel.
    pub fn sleep(&mut self, span: Duration) {
        if self.ask_timed(&timed::Request::Now).is_ok() {
            nexus_time::os::Os::new(TIMED).sleep(span);
        } else {
            user::sleep_until(user::clock_now().after(nexus_time::nanos(span)));
        }
    }

    /// The timers, if timed is there.
    fn timers(&mut self) -> Option<&mut TimerSet<nexus_time::os::Os>> {
        self.ask_timed(&timed::Request::Now).ok()?;
        if self.timers.is_none() {
            let timed = nexus_time::os::Os::new(TIMED).with_bell(self.uart.arrivals());
            self.timers = TimerSet::told_by(timed, TIMER).ok();
        }
        self.timers.as_mut()
    }

    /// Whether a timer has fired; the others of this program are old and of no interest.
    fn has_fired(&mut self, timer: Key) -> Result<bool, Error> {
        let mut has_fired = false;
        if let Some(timers) = self.timers() {
            timers.fired(|expired| has_fired |= expired.key == timer)?;
        }
        Ok(has_fired)
    }
}

impl System for Os {
    fn print(&mut self, text: &str) {
        nexus_rt::log::show(text);
    }

    fn keys(&mut self, buffer: &mut [u8], deadline: Nanos) -> Result<usize, Error> {
        if deadline == Nanos::NEVER {
            return self.uart.read(buffer, deadline);
        }
        let Some(timers) = self.timers() else { return self.uart.read(buffer, deadline) };
        let timer = timers.set(Plan::at(deadline.into()))?;
        loop {
            let len = self.uart.read(buffer, deadline.after(TIMER_LOST))?;
            if len > 0 {
                return self.timers().map_or(Ok(false), |timers| timers.cancel(timer)).map(|_was_live| len);
            }
            // It may have been told of an earlier timer, which keys had made superfluous.
            if self.has_fired(timer)? || user::clock_now() >= deadline {
                return Ok(0);
            }
        }
    }

    fn now(&mut self) -> Nanos {
        user::clock_now()
    }

    fn own_task(&mut self) -> TaskId {
        user::task_self()
    }

    fn machine(&mut self) -> Result<MachineInfo, Error> {
        user::machine_info(SYSTEM)
    }

    fn hart(&mut self, hart: usize) -> Result<HartInfo, Error> {
        user::hart_info(SYSTEM, hart)
    }

    fn task_from(&mut self, slot: u32) -> Result<TaskInfo, Error> {
        user::task_info_from(SYSTEM, slot)
    }

    fn read_log(&mut self) -> Result<LogText, Error> {
        let mut piece = vec![0; LOG_PIECE];
        let mut bytes: Vec<u8> = Vec::new();
        let mut position = 0;
        for _ in 0..PIECES_MAX {
            let (len, next) = user::log_read(SYSTEM, position, &mut piece)?;
            if len == 0 {
                break;
            }
            bytes.extend_from_slice(piece.get(..len).unwrap_or(&[]));
            bytes.drain(..bytes.len().saturating_sub(LOG_MAX));
            position = next;
        }
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn trace(&mut self, recording: Recording) -> Result<(), Error> {
        let state = match recording {
            Recording::On => TraceState::On,
            Recording::Off => TraceState::Off,
        };
        user::trace_control(SYSTEM, state)
    }

    fn read_trace(&mut self, hart: usize, most: usize) -> Result<Vec<TraceEvent>, Error> {
        let mut piece = [TraceEvent::default(); TRACE_PIECE];
        let mut events = Vec::new();
        let mut position = 0;
        for _ in 0..PIECES_MAX {
            let (count, next) = user::trace_read(SYSTEM, hart, position, &mut piece)?;
            events.extend_from_slice(piece.get(..count).unwrap_or(&[]));
            events.drain(..events.len().saturating_sub(most));
            position = next;
            // Less than was asked for is the end, and reading on would chase what reading itself causes.
            if count < TRACE_PIECE {
                break;
            }
        }
        Ok(events)
    }

    fn ask_execd(&mut self, request: &Request) -> Result<Answer, String> {
        let deadline = user::clock_now().after(PATIENCE);
        ask::<Execd>(EXECD, request, None, deadline)
            .map_err(|error| format!("execd does not answer: {error}"))
    }

    fn ask_policyd(&mut self, request: &policyd::Request) -> Result<policyd::Answer, String> {
        let deadline = user::clock_now().after(PATIENCE);
        ask::<Policyd>(POLICYD, request, None, deadline)
            .map_err(|error| format!("policyd does not answer: {error}"))
    }

    fn ask_timed(&mut self, request: &timed::Request) -> Result<timed::Answer, String> {
        let deadline = user::clock_now().after(PATIENCE);
        ask::<Timed>(TIMED, request, None, deadline)
            .map_err(|error| format!("timed does not answer: {error}"))
    }

    fn power_off(&mut self) -> Error {
        user::machine_exit(SYSTEM, ExitCode::Ok)
    }
}
