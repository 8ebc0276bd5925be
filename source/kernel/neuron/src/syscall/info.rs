//! Records about the machine, the log, the trace, and the files of the boot image.

use core::sync::atomic::Ordering;

use nexus_abi::info::{
    ConsoleInfo, HartInfo, InfoKind, MachineInfo, Output, TaskInfo, TaskState, TraceEvent,
};
use nexus_abi::{Error, HARTS_MAX, Handle, LOG_LINE_MAX, PAGE_SIZE, Rights};

use super::api::{system, target};
use super::{Values, handle};
use crate::cap::Object;
use crate::ipc::reply;
use crate::mm::page_table::Access;
use crate::mm::user_memory::{self, bytes_of};
use crate::mm::vmo::Vmo;
use crate::mm::{Frame, PhysAddr};
use crate::sched::Hart;
use crate::smp::{self, HartShared};
use crate::task::{OwnedTask, Spent, Task};
use crate::time::{self, Ticks};

const TRACE_READ_MAX: usize = 128;
/// Events copied through the stack at a time.
const TRACE_STEP: usize = 16;

pub(super) fn task_status(hart: &mut Hart, task: &mut OwnedTask) -> Values {
    let target = target(task, handle(task, 0), Rights::INSPECT)?;
    let record = task_record(hart, &target);
    hart.release_task(target);
    let address = task.registers().arg(1) as usize;
    user_memory::write(hart, task, address, bytes_of(&record))?;
    Ok((0, 0))
}

/// The `info` call.
pub(super) fn info(hart: &mut Hart, task: &mut OwnedTask) -> Values {
    let kind = InfoKind::from_wire(task.registers().arg(1)).ok_or(Error::Invalid)?;
    if kind != InfoKind::Own {
        system(task, handle(task, 0), Rights::INSPECT)?;
    }
    let index = task.registers().arg(2);
    match kind {
        InfoKind::Own => {
            let record = task_record(hart, task);
            put(hart, task, bytes_of(&record))
        }
        InfoKind::Machine => {
            let record = machine_record(hart);
            put(hart, task, bytes_of(&record))
        }
        InfoKind::Hart => {
            let record = hart_record(hart, index).ok_or(Error::NotFound)?;
            put(hart, task, bytes_of(&record))
        }
        InfoKind::Task => {
            let from = u32::try_from(index).map_err(|_| Error::NotFound)?;
            let found = hart.machine.tasks.lock().first_from(from).ok_or(Error::NotFound)?;
            let record = task_record(hart, &found);
            hart.release_task(found);
            put(hart, task, bytes_of(&record))
        }
        InfoKind::CommandLine => {
            let machine = hart.machine;
            put(hart, task, machine.board.bootargs().as_bytes())
        }
        InfoKind::Console => {
            let uart = &hart.machine.board.uart;
            let record = ConsoleInfo { address: uart.region.base(), irq: u64::from(uart.line.number()) };
            put(hart, task, bytes_of(&record))
        }
    }
}

/// Writes a record to `a3`, cut to the length in `a4`.
fn put(hart: &mut Hart, task: &mut OwnedTask, record: &[u8]) -> Values {
    let (address, room) = (task.registers().arg(3) as usize, task.registers().arg(4) as usize);
    let cut = record.get(..room).unwrap_or(record);
    user_memory::write(hart, task, address, cut)?;
    Ok((cut.len() as u64, 0))
}

fn machine_record(hart: &Hart) -> MachineInfo {
    let machine = hart.machine;
    let (tasks, handles) = {
        let mut table = machine.tasks.lock();
        (u64::from(table.used()), table.handles())
    };
    MachineInfo {
        harts: u64::from(machine.online().count_ones()),
        frames_total: machine.frames.total() as u64,
        frames_free: machine.frames.free() as u64,
        tasks,
        objects: machine.objects() as u64,
        handles,
        boot_ns: machine.boot_ns.load(Ordering::Relaxed),
        boot_files: machine.image.len() as u64,
        frames_fixed: machine.frames_fixed,
    }
}

fn hart_record(hart: &Hart, index: u64) -> Option<HartInfo> {
    let machine = hart.machine;
    let at = usize::try_from(index).ok().filter(|at| *at < HARTS_MAX && machine.online() >> at & 1 == 1)?;
    let (shared, described) = (machine.harts.get(at)?, machine.board.harts.get(at)?);
    let counters = shared.counters();
    let read = |counter: &core::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
    let ticks = time::now().0;
    let up_ns = machine.clock.nanos(Ticks(ticks - read(&counters.began_at))).0;
    // A sleep that has not ended counts up to now.
    let asleep = match read(&counters.asleep_since) {
        0 => 0,
        since => ticks.saturating_sub(since),
    };
    let idle_ns = machine.clock.nanos(Ticks(read(&counters.idle_ticks) + asleep)).0;
    Some(HartInfo {
        hardware_id: described.hardware_id,
        busy_ns: up_ns.saturating_sub(idle_ns),
        idle_ns,
        idle_entries: read(&counters.idle_entries),
        timer_irqs: read(&counters.timer_irqs),
        ipis: read(&counters.ipis),
        device_irqs: read(&counters.device_irqs),
        switches: read(&counters.switches),
        steals: read(&counters.steals),
        runnable: shared.load(),
    })
}

fn task_record(hart: &Hart, task: &Task) -> TaskInfo {
    let ended = task.exit_reason();
    let state = match (&ended, reply::waiting(hart.machine, task)) {
        (Some(_), _) => TaskState::Dead as u8,
        (None, Some(waiting)) => waiting as u8,
        (None, None) => task.state.load(Ordering::Relaxed),
    };
    let (migrations, wakeups, longest_wait) = task.history.read();
    let spent = spent(hart, task, state);
    let nanos = |ticks| hart.machine.clock.nanos(ticks).0;
    let mut record = TaskInfo {
        id: task.id().to_wire(),
        service: u64::from(task.stamp().service().0),
        class: task.class().to_wire(),
        state: u64::from(state),
        hart: task.hart() as u64,
        cpu_ns: nanos(spent.run),
        received_ns: nanos(spent.received),
        donated_ns: nanos(spent.donated),
        switches: task.switches.load(Ordering::Relaxed),
        pages: u64::from(task.account.pages()),
        handles: u64::from(task.handles_seen()),
        objects: u64::from(task.account.objects()),
        name: *task.name(),
        shares: task.schedule().shares().get().into(),
        migrations,
        wakeups,
        longest_wait_ns: nanos(longest_wait),
        ..TaskInfo::default()
    };
    if let Some(reason) = ended {
        record.set_exit(reason);
    }
    record
}

/// What it has spent, up to now if it runs right now.
fn spent(hart: &Hart, task: &Task, state: u8) -> Spent {
    let now = time::now();
    let charged = match hart.machine.harts.get(task.hart()) {
        Some(shared) => Ticks(shared.counters().charged_at.load(Ordering::Relaxed)),
        None => now,
    };
    task.spending.read(state, charged, now)
}

pub(super) fn log_write(hart: &mut Hart, task: &mut OwnedTask) -> Values {
    system(task, handle(task, 0), Rights::LOG)?;
    let (address, len) = (task.registers().arg(1) as usize, task.registers().arg(2) as usize);
    let output = Output::from_wire(task.registers().arg(3)).ok_or(Error::Invalid)?;
    let mut text = [0; LOG_LINE_MAX];
    let text = text.get_mut(..len).ok_or(Error::Invalid)?;
    user_memory::read(hart, task, address, text)?;
    hart.machine.console.lock().write(text, output);
    Ok((0, 0))
}

pub(super) fn log_read(hart: &mut Hart, task: &mut OwnedTask) -> Values {
    system(task, handle(task, 0), Rights::LOG)?;
    let registers = task.registers();
    let (mut position, address, len) =
        (registers.arg(1), registers.arg(2) as usize, registers.arg(3) as usize);
    if len > PAGE_SIZE {
        return Err(Error::Invalid);
    }
    user_memory::prepare(hart, task, address, len, Access::USER_WRITE)?;
    let mut done = 0;
    while done < len {
        let mut piece = [0; LOG_LINE_MAX];
        let room = (len - done).min(piece.len());
        let (count, next) = hart.machine.console.lock().read_from(position, &mut piece[..room]);
        user_memory::write(hart, task, address + done, piece.get(..count).unwrap_or(&[]))?;
        position = next;
        done += count;
        if count < room {
            break;
        }
    }
    Ok((done as u64, position))
}

pub(super) fn boot_file(hart: &mut Hart, task: &mut OwnedTask) -> Values {
    system(task, handle(task, 0), Rights::READ)?;
    let (address, len) = (task.registers().arg(1) as usize, task.registers().arg(2) as usize);
    let mut name = [0; LOG_LINE_MAX];
    let name = name.get_mut(..len).ok_or(Error::Invalid)?;
    user_memory::read(hart, task, address, name)?;
    let machine = hart.machine;
    let name = core::str::from_utf8(name).map_err(|_| Error::NotFound)?;
    let file = machine.image.find(name).ok_or(Error::NotFound)?;
    hart.reserve_handles(task, 1)?;
    let base = PhysAddr(machine.image_region.base() + file.offset as u64);
    let pages = (file.len.div_ceil(PAGE_SIZE)).max(1) as u32;
    let vmo = hart.create_vmo(task, Vmo::fixed(Frame::containing(base), pages))?;
    let rights = Rights::READ | Rights::MOVE | Rights::COPY;
    let vmo: Handle = hart.insert_handle(task, Object::Vmo(vmo), rights)?;
    Ok(((file.len as u64) << 32 | file.index as u64, vmo.to_wire()))
}

pub(super) fn trace_control(hart: &mut Hart, task: &mut OwnedTask) -> Values {
    system(task, handle(task, 0), Rights::TRACE)?;
    let on = match task.registers().arg(1) {
        0 => false,
        1 => true,
        _ => return Err(Error::Invalid),
    };
    hart.machine.tracing.store(on, Ordering::SeqCst);
    hart.note_tracing();
    hart.machine.harts.iter().for_each(HartShared::ask_to_look);
    smp::interrupt(hart.machine, hart.machine.online() & !hart.bit());
    Ok((0, 0))
}

pub(super) fn trace_read(hart: &mut Hart, task: &mut OwnedTask) -> Values {
    system(task, handle(task, 0), Rights::TRACE)?;
    let registers = task.registers();
    let (index, mut position) = (registers.arg(1), registers.arg(2));
    let (address, count) = (registers.arg(3) as usize, registers.arg(4) as usize);
    if count > TRACE_READ_MAX {
        return Err(Error::Invalid);
    }
    let machine = hart.machine;
    let ring = usize::try_from(index)
        .ok()
        .and_then(|at| machine.harts.get(at))
        .and_then(|shared| shared.trace())
        .ok_or(Error::NotFound)?;
    let size = size_of::<TraceEvent>();
    user_memory::prepare(hart, task, address, count * size, Access::USER_WRITE)?;
    let mut done = 0;
    while done < count {
        let mut events = [TraceEvent::default(); TRACE_STEP];
        let room = (count - done).min(TRACE_STEP);
        let (read, next) = ring.read_from(position, &mut events[..room]);
        for event in events.iter().take(read) {
            user_memory::write(hart, task, address + done * size, bytes_of(event))?;
            done += 1;
        }
        position = next;
        if read < room {
            break;
        }
    }
    Ok((done as u64, position))
}
