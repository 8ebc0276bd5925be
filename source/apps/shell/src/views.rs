//! What the machine knows, as text.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use nexus_abi::info::{HartInfo, MachineInfo, TaskInfo, TaskState, TraceEvent, TraceKind};
use nexus_abi::{AffinityPolicy, ExitReason, Nanos, QosClass, ServiceId, TaskId};
use nexus_wire::execd::{Change, Ended, Job, Next};
use nexus_wire::policyd::{Decision, Question, Record};
use nexus_wire::timed::{Listed, Tier};

use crate::command::HELP;
use crate::table::Align::{Left, Right};
use crate::table::Table;
use crate::units::{memory, share, span};

pub(crate) fn help(out: &mut String) {
    let width = HELP.iter().map(|(usage, _)| usage.len()).max().unwrap_or(0);
    for (usage, purpose) in HELP {
        out.push_str(&format!("  {usage:width$}  {purpose}\n"));
    }
}

pub(crate) fn tasks(tasks: &[TaskInfo], out: &mut String) {
    let mut table = Table::new([
        ("ID", Right),
        ("NAME", Left),
        ("CLASS", Left),
        ("SHARES", Right),
        ("HART", Right),
        ("STATE", Left),
        ("CPU", Right),
        ("MEMORY", Right),
    ]);
    for task in tasks {
        table.row([
            TaskId::from_wire(task.id).index().to_string(),
            task.name().to_string(),
            class(task).to_string(),
            task.shares.to_string(),
            task.hart.to_string(),
            state(task),
            span(Nanos(task.cpu_ns)),
            memory(task.pages),
        ]);
    }
    table.write(out);
}

/// Where each task's time went, and what it waited for.
pub(crate) fn task_times(tasks: &[TaskInfo], out: &mut String) {
    let mut table = Table::new([
        ("ID", Right),
        ("NAME", Left),
        ("CPU", Right),
        ("GIVEN", Right),
        ("TAKEN", Right),
        ("SWITCHES", Right),
        ("WAKES", Right),
        ("MOVES", Right),
        ("LONGEST WAIT", Right),
    ]);
    for task in tasks {
        table.row([
            TaskId::from_wire(task.id).index().to_string(),
            task.name().to_string(),
            span(Nanos(task.cpu_ns)),
            span(Nanos(task.donated_ns)),
            span(Nanos(task.received_ns)),
            task.switches.to_string(),
            task.wakeups.to_string(),
            task.migrations.to_string(),
            span(Nanos(task.longest_wait_ns)),
        ]);
    }
    table.write(out);
}

pub(crate) fn class(task: &TaskInfo) -> &'static str {
    QosClass::from_wire(task.class).map_or("?", QosClass::name)
}

fn state(task: &TaskInfo) -> String {
    if let Some(reason) = task.exit_reason() {
        return reason.to_string();
    }
    let name = match TaskState::from_wire(task.state) {
        Some(TaskState::Running) => "running",
        Some(TaskState::Ready) => "ready",
        Some(TaskState::Waiting) => "waiting",
        Some(TaskState::Calling) => "calling",
        Some(TaskState::AwaitingReply) => "in call",
        Some(TaskState::Dying) => "dying",
        Some(TaskState::Dead) => "dead",
        None => "?",
    };
    name.to_string()
}

pub(crate) fn harts(harts: &[HartInfo], out: &mut String) {
    let mut table = Table::new([
        ("HART", Right),
        ("BUSY", Right),
        ("ASLEEP", Right),
        ("SLEEPS", Right),
        ("TIMER", Right),
        ("IPI", Right),
        ("DEVICE", Right),
        ("SWITCHES", Right),
        ("STEALS", Right),
        ("READY", Right),
    ]);
    for (number, hart) in harts.iter().enumerate() {
        table.row([
            number.to_string(),
            span(Nanos(hart.busy_ns)),
            share(hart.idle_ns, hart.busy_ns.saturating_add(hart.idle_ns)),
            hart.idle_entries.to_string(),
            hart.timer_irqs.to_string(),
            hart.ipis.to_string(),
            hart.device_irqs.to_string(),
            hart.switches.to_string(),
            hart.steals.to_string(),
            hart.runnable.to_string(),
        ]);
    }
    table.write(out);
}

pub(crate) fn uptime(now: Nanos, machine: &MachineInfo, harts: &[HartInfo], out: &mut String) {
    let idle: u64 = harts.iter().map(|hart| hart.idle_ns).sum();
    let busy: u64 = harts.iter().map(|hart| hart.busy_ns).sum();
    let plural = if machine.harts == 1 { "" } else { "s" };
    out.push_str(&format!(
        "up {}, booted in {}; {} hart{plural}, asleep {} of the time\n",
        span(now),
        span(Nanos(machine.boot_ns)),
        machine.harts,
        share(idle, idle.saturating_add(busy)),
    ));
}

pub(crate) fn memory_use(machine: &MachineInfo, out: &mut String) {
    let mut table = Table::new([("", Left), ("USED", Right), ("FREE", Right), ("TOTAL", Right)]);
    table.row([
        "memory".to_string(),
        memory(machine.frames_used()),
        memory(machine.frames_free),
        memory(machine.frames_fixed + machine.frames_total),
    ]);
    table.write(out);
    out.push_str(&format!(
        "{} of it taken for good by the kernel and the boot image\n",
        memory(machine.frames_fixed)
    ));
    out.push_str(&format!(
        "{} tasks, {} kernel objects, {} handles, {} files in the boot image\n",
        machine.tasks, machine.objects, machine.handles, machine.boot_files
    ));
}

pub(crate) fn jobs(jobs: &[Job], endings: &[Ended], now: Nanos, out: &mut String) {
    let mut table = Table::new([("JOB", Right), ("IMAGE", Left), ("TASK", Right), ("RESTARTS", Right)]);
    for job in jobs {
        let task = match job.task {
            0 => "resting".to_string(),
            task => TaskId::from_wire(task).index().to_string(),
        };
        table.row([job.job.to_string(), job.image.to_string(), task, job.restarts.to_string()]);
    }
    table.write(out);
    if endings.is_empty() {
        return;
    }
    out.push('\n');
    let mut table =
        Table::new([("JOB", Right), ("IMAGE", Left), ("ENDED", Left), ("AGO", Right), ("THEN", Left)]);
    for ended in endings {
        table.row([
            ended.job.to_string(),
            ended.image.to_string(),
            ExitReason::from(ended.reason).to_string(),
            span(now.since(Nanos(ended.at_ns))),
            then(ended.next).to_string(),
        ]);
    }
    table.write(out);
}

fn then(next: Next) -> &'static str {
    match next {
        Next::Nothing => "",
        Next::Restart => "started again",
        Next::GivenUp => "given up",
    }
}

/// Who waits for what. A timer that is due and waits for others says by when it fires at the latest.
pub(crate) fn timers(timers: &[Listed], tasks: &[TaskInfo], now: Nanos, out: &mut String) {
    if timers.is_empty() {
        return out.push_str("nobody waits for a timer\n");
    }
    let mut table = Table::new([
        ("ID", Right),
        ("NAME", Left),
        ("CLASS", Left),
        ("WHAT", Left),
        ("DUE IN", Right),
        ("LATE BY", Right),
        ("EVERY", Right),
    ]);
    for timer in timers {
        let name = tasks.iter().find(|task| task.id == timer.task).map_or("?", TaskInfo::name);
        table.row([
            TaskId::from_wire(timer.task).index().to_string(),
            name.to_string(),
            QosClass::from_wire(timer.class.into()).map_or("?", QosClass::name).to_string(),
            what(timer).to_string(),
            span(Nanos(timer.earliest_ns).since(now)),
            span(Nanos(timer.latest_ns).since(Nanos(timer.earliest_ns))),
            timer.period_ns.map_or_else(String::new, |period| span(Nanos(period))),
        ]);
    }
    table.write(out);
}

fn what(timer: &Listed) -> &'static str {
    match (timer.is_sleep, timer.tier) {
        (true, _) => "sleep",
        (false, Tier::Ordinary) => "timer",
        (false, Tier::AlarmClock) => "alarm clock",
    }
}

/// What a task has now, which need not be what was asked for.
pub(crate) fn scheduled(task: &TaskInfo, change: Change, stored: u64, out: &mut String) {
    let id = TaskId::from_wire(task.id).index();
    let now = match change {
        Change::Class(_) => format!("class={}", QosClass::from_wire(stored).map_or("?", QosClass::name)),
        Change::Affinity { policy, .. } => {
            let policy = AffinityPolicy::from_wire(policy).map_or("?", AffinityPolicy::name);
            format!("harts={stored:#x}:{policy}")
        }
        Change::Shares(_) => format!("shares={stored}"),
        Change::LatencyMs(_) => format!("latency={stored}"),
        Change::BurstMs(_) => format!("burst={stored}"),
    };
    out.push_str(&format!("{} (task {id}): {now}\n", task.name()));
}

/// The latest `most` decisions.
pub(crate) fn policy(audit: &[Record], most: usize, now: Nanos, out: &mut String) {
    let mut table = Table::new([
        ("AGO", Right),
        ("ASKED BY", Left),
        ("SUBJECT", Left),
        ("ACTION", Left),
        ("OBJECT", Left),
        ("", Left),
        ("WHY", Left),
        ("TIMES", Right),
    ]);
    for record in audit.iter().skip(audit.len().saturating_sub(most)) {
        let (subject, action, object) = match &record.question {
            Question::May(may) => (may.subject.as_str(), may.action.name(), may.object.as_str()),
            Question::ReadAudit => ("", "read the audit", ""),
        };
        let verdict = if matches!(record.decision, Decision::Allow(_)) { "allow" } else { "deny" };
        table.row([
            span(now.since(Nanos(record.at_ns))),
            ServiceId(record.service).name().to_string(),
            subject.to_string(),
            action.to_string(),
            object.to_string(),
            verdict.to_string(),
            record.decision.to_string(),
            record.times.to_string(),
        ]);
    }
    table.write(out);
}

/// Events of several harts, merged by time; the latest `most`.
pub(crate) fn trace(harts: Vec<Vec<TraceEvent>>, most: usize, out: &mut String) {
    let mut events: Vec<(usize, TraceEvent)> = harts
        .into_iter()
        .enumerate()
        .flat_map(|(hart, events)| events.into_iter().map(move |event| (hart, event)))
        .collect();
    events.sort_by_key(|(_, event)| event.at_ns);
    let mut table =
        Table::new([("TIME", Right), ("HART", Right), ("EVENT", Left), ("TASK", Right), ("", Left)]);
    for (hart, event) in events.iter().skip(events.len().saturating_sub(most)) {
        let (name, detail) = describe(event);
        table.row([
            format!("{}.{:06}", event.at_ns / 1_000_000_000, event.at_ns % 1_000_000_000 / 1000),
            hart.to_string(),
            name.to_string(),
            if event.task == 0 { String::new() } else { TaskId::from_wire(event.task).index().to_string() },
            detail,
        ]);
    }
    table.write(out);
}

fn describe(event: &TraceEvent) -> (&'static str, String) {
    const KINDS: [(TraceKind, &str); 8] = [
        (TraceKind::Switch, "switch"),
        (TraceKind::Wake, "wake"),
        (TraceKind::Irq, "irq"),
        (TraceKind::Timer, "timer"),
        (TraceKind::IdleEnter, "sleep"),
        (TraceKind::IdleLeave, "awake"),
        (TraceKind::Ipc, "message"),
        (TraceKind::Death, "death"),
    ];
    match KINDS.into_iter().find(|(kind, _)| *kind as u64 == event.kind) {
        Some((TraceKind::Wake, name)) => (name, format!("on hart {}", event.detail)),
        Some((TraceKind::Irq, name)) => (name, format!("line {}", event.detail)),
        Some((TraceKind::Ipc, name)) => {
            (name, format!("to task {}", TaskId::from_wire(event.detail).index()))
        }
        Some((_, name)) => (name, String::new()),
        None => ("?", event.kind.to_string()),
    }
}

/// The last `lines` lines of the log, without what moves a terminal's cursor.
pub(crate) fn log_end(text: &str, lines: usize, out: &mut String) {
    let count = text.lines().count();
    for line in text.lines().skip(count.saturating_sub(lines)) {
        let mut rest = line;
        while let Some((before, after)) = rest.split_once('\x1b') {
            out.extend(before.chars().filter(|c| !c.is_control()));
            let sequence = after.strip_prefix('[').unwrap_or(after);
            let end = sequence.find(|c: char| !c.is_ascii_digit() && c != ';');
            rest = end.and_then(|end| sequence.get(end + 1..)).unwrap_or("");
        }
        out.extend(rest.chars().filter(|c| !c.is_control()));
        out.push('\n');
    }
}
