//! Carrying out commands.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use nexus_abi::info::{HartInfo, TaskInfo};
use nexus_abi::{Error, Nanos, TaskId};
use nexus_proof::SHELL_PROMPT;
use nexus_wire::execd::{Answer, Change, Ended, Job, PAGE, Refusal, Request, Spawn};
use nexus_wire::policyd;
use nexus_wire::timed::{self, Govern, Listed};

use crate::command::{Command, parse};
use crate::editor::Editor;
use crate::system::{Recording, System};
use crate::top::{self, Snapshot};
use crate::views;
use crate::wakeups;

/// The key that ends a line.
const RETURN: &[u8] = b"\r";
/// Keys taken at once: as many bytes as the receiver's queue holds.
const KEYS: usize = 16;
/// Between two tables of `top`.
const REFRESH: Nanos = Nanos::from_millis(1_000);
/// Empties the screen.
const CLEAR: &str = "\x1b[2J\x1b[H";
/// The same of the list of timers, whose pages are small.
const TIMER_PAGES_MAX: usize = 4096 / timed::PAGE + 1;
/// Pages of a list that are read before it is taken to have no end.
const PAGES_MAX: usize = 64;

/// The shell: an editor and the machine it talks to.
#[derive(Debug)]
pub struct Shell<S> {
    system: S,
    editor: Editor,
}

/// What a command could not do, as text for a person.
type Trouble = String;

impl<S: System> Shell<S> {
    /// Greets and shows the prompt.
    pub fn new(mut system: S) -> Self {
        system.print(&format!(
            "Nexus {}: `help` lists the commands.\n{SHELL_PROMPT}",
            env!("CARGO_PKG_VERSION")
        ));
        Self { system, editor: Editor::new(SHELL_PROMPT) }
    }

    /// Waits for keys and obeys them. Fails when there is no console any more.
    pub fn serve(&mut self) -> Result<(), Error> {
        let mut keys = [0; KEYS];
        let len = self.system.keys(&mut keys, Nanos::NEVER)?;
        self.type_in(keys.get(..len).unwrap_or(&[]));
        Ok(())
    }

    /// Takes what was typed: echoes it and carries out every finished line.
    pub fn type_in(&mut self, bytes: &[u8]) {
        let mut echo = String::new();
        for byte in bytes {
            if let Some(line) = self.editor.key(*byte, &mut echo) {
                self.system.print(&echo);
                echo.clear();
                let mut out = self.run(&line);
                out.push_str(SHELL_PROMPT);
                self.system.print(&out);
            }
        }
        if !echo.is_empty() {
            self.system.print(&echo);
        }
    }

    /// The same for a whole line, which the caller typed in somebody's stead.
    pub fn type_line(&mut self, line: &str) {
        self.type_in(line.as_bytes());
        self.type_in(RETURN);
    }

    /// Carries out one line; answers what to show.
    pub fn run(&mut self, line: &str) -> String {
        let mut out = String::new();
        match parse(line) {
            None => {}
            Some(Err(mistake)) => out = format!("{mistake}\n"),
            Some(Ok(command)) => {
                if let Err(trouble) = self.carry_out(command, &mut out) {
                    out.push_str(&format!("{trouble}\n"));
                }
            }
        }
        out
    }

    fn carry_out(&mut self, command: Command<'_>, out: &mut String) -> Result<(), Trouble> {
        match command {
            Command::Help => views::help(out),
            Command::Tasks => views::tasks(&self.tasks()?, out),
            Command::TaskTimes => views::task_times(&self.tasks()?, out),
            Command::Top { tables } => self.top(tables)?,
            Command::Jobs => self.jobs(out)?,
            Command::Spawn { image, args } => self.spawn(image, args, out)?,
            Command::Kill { id } => self.kill(id, out)?,
            Command::Schedule { id, change } => self.schedule(id, change, out)?,
            Command::Policy { records } => self.policy(records, out)?,
            Command::Timers => {
                let timers = self.timers()?;
                views::timers(&timers, &self.tasks()?, self.system.now(), out);
            }
            Command::Wakeups { seconds } => self.wakeups(seconds, out)?,
            Command::Uptime => {
                let machine = self.system.machine().map_err(kernel)?;
                views::uptime(self.system.now(), &machine, &self.harts()?, out);
            }
            Command::Harts => views::harts(&self.harts()?, out),
            Command::Memory => views::memory_use(&self.system.machine().map_err(kernel)?, out),
            Command::Log { lines } => views::log_end(&self.system.read_log().map_err(kernel)?, lines, out),
            Command::TraceOn => {
                self.system.trace(Recording::On).map_err(kernel)?;
                out.push_str("recording; `trace show` shows the latest events\n");
            }
            Command::TraceOff => self.system.trace(Recording::Off).map_err(kernel)?,
            Command::TraceShow { events } => self.trace(events, out)?,
            Command::Clear => out.push_str(CLEAR),
            Command::PowerOff => return Err(kernel(self.system.power_off())),
        }
        Ok(())
    }

    fn tasks(&mut self) -> Result<Vec<TaskInfo>, Trouble> {
        let mut tasks = Vec::new();
        let mut slot = 0;
        loop {
            match self.system.task_from(slot) {
                Ok(task) => {
                    // Never backwards, whatever comes: the list ends.
                    slot = TaskId::from_wire(task.id).index().max(slot) + 1;
                    tasks.push(task);
                }
                Err(Error::NotFound) => return Ok(tasks),
                Err(error) => return Err(kernel(error)),
            }
        }
    }

    fn harts(&mut self) -> Result<Vec<HartInfo>, Trouble> {
        let count = self.system.machine().map_err(kernel)?.harts as usize;
        (0..count).map(|hart| self.system.hart(hart).map_err(kernel)).collect()
    }

    fn snapshot(&mut self) -> Result<Snapshot, Trouble> {
        Ok(Snapshot { at: self.system.now(), tasks: self.tasks()?, harts: self.harts()? })
    }

    /// Everybody's timers, the one that is due first in front.
    fn timers(&mut self) -> Result<Vec<Listed>, Trouble> {
        let mut timers: Vec<Listed> = Vec::new();
        for _ in 0..TIMER_PAGES_MAX {
            let from = timers.last().map_or(0, |timer| timer.place.saturating_add(1));
            let page = match self.system.ask_timed(&timed::Request::Govern(Govern::List { from }))? {
                timed::Answer::Timers(page) => page,
                timed::Answer::Refused(refusal) => return Err(format!("refused: {refusal}")),
                _ => return Err(String::from("timed answers something else than was asked")),
            };
            timers.extend(page.iter().copied());
            if page.len() < timed::PAGE {
                break;
            }
        }
        timers.sort_by_key(|timer| timer.earliest_ns);
        Ok(timers)
    }

    /// Counts for so long, or until a key is pressed.
    fn wakeups(&mut self, seconds: usize, out: &mut String) -> Result<(), Trouble> {
        let before = self.snapshot()?;
        let end = before.at.after(Nanos::from_millis(1_000 * seconds as u64));
        self.system.keys(&mut [0; KEYS], end).map_err(kernel)?;
        wakeups::table(&before, &self.snapshot()?, out);
        Ok(())
    }

    /// So many tables, one a second; without a number, until a key is pressed.
    fn top(&mut self, tables: Option<usize>) -> Result<(), Trouble> {
        let first = self.snapshot()?;
        let mut last = first.clone();
        let mut shown = 0;
        while tables.is_none_or(|tables| shown < tables) {
            let next = last.at.after(REFRESH);
            if self.system.keys(&mut [0; KEYS], next).map_err(kernel)? > 0 {
                break;
            }
            let now = self.snapshot()?;
            let mut out = String::from(if tables.is_none() { CLEAR } else { "" });
            top::table(&first, &last, &now, &mut out);
            self.system.print(&out);
            last = now;
            shown += 1;
        }
        Ok(())
    }

    fn spawn(&mut self, image: &str, args: &str, out: &mut String) -> Result<(), Trouble> {
        let missing = || format!("no program `{image}` in the boot image");
        let spawn = Spawn::new(image, args).ok_or_else(missing)?;
        match self.system.ask_execd(&Request::Spawn(spawn))? {
            Answer::Spawned { job, task } => {
                out.push_str(&format!(
                    "{image} runs as task {} (job {job})\n",
                    TaskId::from_wire(task).index()
                ));
                Ok(())
            }
            Answer::Refused(Refusal::NoSuchImage) => Err(missing()),
            Answer::Refused(Refusal::JobsFull) => {
                Err(String::from("too many programs run; end one with `kill`"))
            }
            other => Err(unexpected(&other)),
        }
    }

    /// The task with this number.
    fn task(&mut self, id: u32) -> Result<TaskInfo, Trouble> {
        let found = self.system.task_from(id).ok().filter(|task| TaskId::from_wire(task.id).index() == id);
        found.ok_or_else(|| format!("no task {id}; `ps` lists them"))
    }

    fn schedule(&mut self, id: u32, change: Change, out: &mut String) -> Result<(), Trouble> {
        let task = self.task(id)?;
        match self.system.ask_execd(&Request::Schedule { task: task.id, change })? {
            Answer::Scheduled { stored } => {
                views::scheduled(&task, change, stored, out);
                Ok(())
            }
            other => Err(unexpected(&other)),
        }
    }

    fn policy(&mut self, records: usize, out: &mut String) -> Result<(), Trouble> {
        let mut audit: Vec<policyd::Record> = Vec::new();
        for _ in 0..PAGES_MAX {
            let from = audit.last().map_or(0, |record| record.number.saturating_add(1));
            let page = match self.system.ask_policyd(&policyd::Request::Audit { from })? {
                policyd::Answer::Audit(page) => page,
                policyd::Answer::Decided(decision) => return Err(format!("refused: {decision}")),
            };
            let last = page.len() < policyd::PAGE;
            audit.extend(page);
            if last {
                break;
            }
        }
        views::policy(&audit, records, self.system.now(), out);
        Ok(())
    }

    fn kill(&mut self, id: u32, out: &mut String) -> Result<(), Trouble> {
        let task = self.task(id)?;
        if TaskId::from_wire(task.id) == self.system.own_task() {
            return Err(format!("task {id} is this shell; `poweroff` ends the machine"));
        }
        match self.system.ask_execd(&Request::Kill { task: task.id })? {
            Answer::Killed => {
                out.push_str(&format!("{} (task {id}) ends\n", task.name()));
                Ok(())
            }
            Answer::Refused(Refusal::NoSuchJob) => Err(format!(
                "{} (task {id}) was not started by execd; only its starter can end it",
                task.name()
            )),
            other => Err(unexpected(&other)),
        }
    }

    fn jobs(&mut self, out: &mut String) -> Result<(), Trouble> {
        let mut jobs: Vec<Job> = Vec::new();
        for _ in 0..PAGES_MAX {
            let from = jobs.last().map_or(0, |job| job.job.saturating_add(1));
            let page = match self.system.ask_execd(&Request::List { from })? {
                Answer::Jobs(page) => page,
                other => return Err(unexpected(&other)),
            };
            let last = page.len() < PAGE;
            jobs.extend(page);
            if last {
                break;
            }
        }
        let endings: Vec<Ended> = match self.system.ask_execd(&Request::History { skip: 0 })? {
            Answer::History(page) => page.into_iter().collect(),
            other => return Err(unexpected(&other)),
        };
        views::jobs(&jobs, &endings, self.system.now(), out);
        Ok(())
    }

    fn trace(&mut self, events: usize, out: &mut String) -> Result<(), Trouble> {
        let count = self.system.machine().map_err(kernel)?.harts as usize;
        let harts: Result<Vec<_>, _> = (0..count).map(|hart| self.system.read_trace(hart, events)).collect();
        let harts = harts.map_err(kernel)?;
        if harts.iter().all(Vec::is_empty) {
            out.push_str("nothing is recorded; `trace on` begins\n");
        } else {
            views::trace(harts, events, out);
        }
        Ok(())
    }
}

fn kernel(error: Error) -> Trouble {
    format!("the kernel refuses: {error}")
}

fn unexpected(answer: &Answer) -> Trouble {
    match answer {
        Answer::Refused(refusal) => format!("refused: {refusal}"),
        _ => String::from("execd answers something else than was asked"),
    }
}

#[cfg(test)]
#[path = "shell_tests.rs"]
mod tests;
