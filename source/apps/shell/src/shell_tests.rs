//! The shell over a machine made up for the test.

use super::*;
use crate::system::LogText;
use nexus_abi::info::{MachineInfo, TaskState, TraceEvent, TraceKind};
use nexus_abi::{ExitReason, Nanos};
use nexus_wire::execd::{Image, Next};
use nexus_wire::timed::Tier;
use proptest::prelude::*;

#[derive(Default)]
struct Fake {
    shown: String,
    asked: Vec<Request>,
    refusal: Option<Refusal>,
    silent: bool,
    unprivileged: bool,
    timers: u16,
    recording: Option<Recording>,
    off: bool,
    /// Looks at a clock so far; each sees it a second later.
    looks: u64,
    /// What is typed when somebody waits for keys; nothing at the deadline.
    typed: Vec<&'static [u8]>,
}

impl Fake {
    fn task(slot: u32, name: &str, state: TaskState) -> TaskInfo {
        let mut padded = [0; 24];
        padded[..name.len()].copy_from_slice(name.as_bytes());
        TaskInfo {
            id: TaskId::new(slot, 3).to_wire(),
            class: 2,
            shares: 100,
            state: state as u64,
            cpu_ns: 1_500_000,
            pages: 20,
            name: padded,
            ..Default::default()
        }
    }
}

impl System for Fake {
    fn print(&mut self, text: &str) {
        self.shown.push_str(text);
    }
    fn keys(&mut self, buffer: &mut [u8], _deadline: Nanos) -> Result<usize, Error> {
        self.looks += 1;
        let keys = self.typed.pop().unwrap_or(b"");
        buffer[..keys.len()].copy_from_slice(keys);
        Ok(keys.len())
    }
    fn now(&mut self) -> Nanos {
        Nanos(65_000_000_000 + self.looks * 1_000_000_000)
    }
    fn own_task(&mut self) -> TaskId {
        TaskId::new(3, 3)
    }
    fn machine(&mut self) -> Result<MachineInfo, Error> {
        Ok(MachineInfo {
            harts: 2,
            frames_total: 32_768,
            frames_free: 32_000,
            frames_fixed: 256,
            tasks: 3,
            boot_ns: 12_300_000,
            ..Default::default()
        })
    }
    fn hart(&mut self, hart: usize) -> Result<HartInfo, Error> {
        Ok(HartInfo { busy_ns: 1_000_000, idle_ns: 999_000_000, steals: hart as u64, ..Default::default() })
    }
    fn task_from(&mut self, slot: u32) -> Result<TaskInfo, Error> {
        let mut dead = Self::task(7, "tiny", TaskState::Dead);
        dead.set_exit(ExitReason::Killed);
        let tasks =
            [Self::task(1, "init", TaskState::Waiting), Self::task(3, "shell", TaskState::Running), dead];
        tasks.into_iter().find(|task| TaskId::from_wire(task.id).index() >= slot).ok_or(Error::NotFound)
    }
    fn read_log(&mut self) -> Result<LogText, Error> {
        Ok("one\ntwo\r\n\x1b[2Kthree\x1b[31;1mred\n".into())
    }
    fn trace(&mut self, recording: Recording) -> Result<(), Error> {
        self.recording = Some(recording);
        Ok(())
    }
    fn read_trace(&mut self, hart: usize, most: usize) -> Result<Vec<TraceEvent>, Error> {
        let at_ns = 1_000_002_000 - 1000 * hart as u64;
        let event = TraceEvent { at_ns, kind: TraceKind::Wake as u64, task: 5, detail: 1 };
        Ok(if self.recording.is_some() { vec![event; most.min(1)] } else { Vec::new() })
    }
    fn ask_execd(&mut self, request: &Request) -> Result<Answer, String> {
        self.asked.push(request.clone());
        if self.silent {
            return Err("execd does not answer: the other side is dead".into());
        }
        if let Some(refusal) = self.refusal {
            return Ok(Answer::Refused(refusal));
        }
        let image = Image::try_from("p").expect("short");
        Ok(match request {
            Request::Spawn(_) => Answer::Spawned { job: 4, task: TaskId::new(9, 1).to_wire() },
            Request::Kill { .. } => Answer::Killed,
            Request::Schedule { change, .. } => Answer::Scheduled {
                stored: match change {
                    Change::Class(value)
                    | Change::Shares(value)
                    | Change::LatencyMs(value)
                    | Change::BurstMs(value) => (*value).min(1000),
                    Change::Affinity { harts, .. } => harts & 3,
                },
            },
            Request::List { from } => {
                let jobs = (*from.max(&1)..20).take(PAGE).map(|job| Job {
                    job,
                    image: image.clone(),
                    task: 0,
                    restarts: 2,
                });
                Answer::Jobs(jobs.collect())
            }
            _ => {
                let reason = ExitReason::Exited(3).into();
                let ended =
                    Ended { job: 1, image, task: 5, reason, at_ns: 60_000_000_000, next: Next::GivenUp };
                Answer::History([ended].into_iter().collect())
            }
        })
    }
    fn ask_policyd(&mut self, request: &policyd::Request) -> Result<policyd::Answer, String> {
        use policyd::{Answer, Decision, Denial};
        if self.unprivileged {
            return Ok(Answer::Decided(Decision::Deny(Denial::NotPrivileged)));
        }
        let policyd::Request::Audit { from } = request else { panic!("the shell decides nothing") };
        Ok(Answer::Audit((*from..20).take(policyd::PAGE).map(decided).collect()))
    }
    fn ask_timed(&mut self, request: &timed::Request) -> Result<timed::Answer, String> {
        if self.unprivileged {
            return Ok(timed::Answer::Refused(timed::Refusal::NotAllowed));
        }
        let timed::Request::Govern(Govern::List { from }) = request else { panic!("the shell only looks") };
        let page = (*from..self.timers).take(timed::PAGE).map(listed).collect();
        Ok(timed::Answer::Timers(Box::new(page)))
    }
    fn power_off(&mut self) -> Error {
        self.off = true;
        Error::Denied
    }
}

/// The n-th decision: something is allowed, and from then on somebody tries to read.
fn decided(number: u32) -> policyd::Record {
    use policyd::{Action, Decision, Denial, May, Question, Record};
    let name = Image::try_from("policyd").expect("short");
    let (question, decision) = if number < 19 {
        let may = May { subject: name.clone(), action: Action::QosRaise, object: name };
        (Question::May(may), Decision::Allow("everybody waits".chars().collect()))
    } else {
        (Question::ReadAudit, Decision::Deny(Denial::NotPrivileged))
    };
    let service = if number < 19 { 2 } else { 0 };
    Record { number, at_ns: 64_000_000_000, times: number, asker: 7, service, question, decision }
}

/// The n-th timer: due the earlier the later it was set. The second is a sleep, the third is for an alarm clock, the
/// fourth comes again.
fn listed(place: u16) -> Listed {
    let earliest_ns = 66_000_000_000 - 1_000_000 * u64::from(place);
    Listed {
        place,
        task: TaskId::new(if place == 1 { 1 } else { 99 }, 3).to_wire(),
        class: 1,
        tier: if place == 2 { Tier::AlarmClock } else { Tier::Ordinary },
        is_sleep: place == 1,
        earliest_ns,
        latest_ns: earliest_ns + 4_000_000,
        period_ns: (place == 3).then_some(50_000_000),
    }
}

fn shell() -> Shell<Fake> {
    Shell::new(Fake::default())
}

fn run(line: &str) -> String {
    shell().run(line)
}

#[test]
fn typing_is_echoed_and_answered_behind_a_new_prompt() {
    let mut shell = shell();
    shell.type_in(b"upt");
    shell.type_in(b"ime\r");
    let greeting = "Nexus 0.1.0: `help` lists the commands.\n";
    let answer = "up 1 min 05 s, booted in 12.3 ms; 2 harts, asleep 99.9 % of the time\n";
    assert_eq!(shell.system.shown, format!("{greeting}nexus> uptime\n{answer}nexus> "));
}

#[test]
fn commands_that_arrive_together_are_all_carried_out() {
    let mut shell = shell();
    shell.type_in(b"trace on\npoweroff\n");
    assert!(shell.system.off && shell.system.recording == Some(Recording::On));
    assert!(shell.system.shown.ends_with("the kernel refuses: the right or privilege is missing\nnexus> "));
}

#[test]
fn an_empty_line_only_shows_the_prompt_again() {
    assert_eq!(run("  "), "");
}

#[test]
fn ps_is_a_table() {
    let expected = "\
ID  NAME   CLASS        SHARES  HART  STATE        CPU  MEMORY
 1  init   interactive     100     0  waiting  1.50 ms  80 KiB
 3  shell  interactive     100     0  running  1.50 ms  80 KiB
 7  tiny   interactive     100     0  killed   1.50 ms  80 KiB
";
    assert_eq!(run("ps"), expected);
}

#[test]
fn ps_time_is_a_table_of_accounts() {
    let expected = "\
ID  NAME       CPU  GIVEN  TAKEN  SWITCHES  WAKES  MOVES  LONGEST WAIT
 1  init   1.50 ms   0 ns   0 ns         0      0      0          0 ns
";
    assert!(run("ps time").starts_with(expected), "{}", run("ps time"));
}

#[test]
fn top_shows_as_many_tables_as_it_is_asked_for() {
    let mut shell = shell();
    shell.system.shown.clear();
    assert_eq!(shell.run("top 2"), "");
    let tables: Vec<_> = shell.system.shown.lines().filter(|line| line.starts_with("up ")).collect();
    let up = |at| format!("up 1 min {at} s; in the last 1.00 s 2 harts slept 0.0 % of the time");
    assert_eq!(tables, [up("06"), up("07")]);
}

#[test]
fn top_goes_on_until_a_key_is_pressed() {
    let mut shell = shell();
    shell.system.shown.clear();
    shell.system.typed = vec![b"q", b"", b""];
    assert_eq!(shell.run("top"), "");
    assert_eq!(shell.system.shown.matches("\x1b[2J\x1b[Hup ").count(), 2);
}

#[test]
fn keys_are_waited_for_and_obeyed() {
    let mut shell = shell();
    shell.system.typed = vec![b"off\r", b"power"];
    shell.serve().expect("a console");
    assert!(!shell.system.off);
    shell.serve().expect("a console");
    assert!(shell.system.off);
}

#[test]
fn harts_and_mem_are_tables() {
    assert!(run("harts").contains("\n   1  1.00 ms  99.9 %"), "{}", run("harts"));
    let expected = "            USED     FREE    TOTAL
memory  4.00 MiB  125 MiB  129 MiB
1.00 MiB of it taken for good by the kernel and the boot image
3 tasks, 0 kernel objects, 0 handles, 0 files in the boot image
";
    assert_eq!(run("mem"), expected);
}

#[test]
fn spawn_says_what_runs_and_what_does_not_exist() {
    assert_eq!(run("spawn tiny"), "tiny runs as task 9 (job 4)\n");
    let mut shell = shell();
    shell.system.refusal = Some(Refusal::NoSuchImage);
    assert_eq!(shell.run("spawn tinny"), "no program `tinny` in the boot image\n");
    assert_eq!(
        shell.run("spawn a-name-that-no-image-can-have"),
        "no program `a-name-that-no-image-can-have` in the boot image\n"
    );
    shell.system.refusal = Some(Refusal::JobsFull);
    assert_eq!(shell.run("spawn tiny"), "too many programs run; end one with `kill`\n");
}

#[test]
fn kill_names_the_task_and_keeps_the_shell() {
    let mut shell = shell();
    assert_eq!(shell.run("kill 7"), "tiny (task 7) ends\n");
    assert_eq!(shell.system.asked, [Request::Kill { task: TaskId::new(7, 3).to_wire() }]);
    assert_eq!(shell.run("kill 2"), "no task 2; `ps` lists them\n");
    assert_eq!(shell.run("kill 3"), "task 3 is this shell; `poweroff` ends the machine\n");
    shell.system.refusal = Some(Refusal::NoSuchJob);
    assert_eq!(shell.run("kill 1"), "init (task 1) was not started by execd; only its starter can end it\n");
}

#[test]
fn sched_says_what_the_task_has_now() {
    let mut shell = shell();
    assert_eq!(shell.run("sched 1 shares=5000"), "init (task 1): shares=1000\n");
    assert_eq!(shell.run("sched 3 class=interactive"), "shell (task 3): class=interactive\n");
    assert_eq!(shell.run("sched 3 harts=0xf:prefer"), "shell (task 3): harts=0x3:prefer\n");
    assert_eq!(shell.run("sched 2 shares=5"), "no task 2; `ps` lists them\n");
    let task = TaskId::new(1, 3).to_wire();
    assert_eq!(shell.system.asked[0], Request::Schedule { task, change: Change::Shares(5000) });
    shell.system.refusal = Some(Refusal::NoPolicy);
    let refused = "refused: policyd does not answer, so nothing is allowed\n";
    assert_eq!(shell.run("sched 1 burst=5"), refused);
}

#[test]
fn policy_shows_the_latest_decisions_with_their_reasons() {
    let expected = [
        "   AGO  ASKED BY  SUBJECT  ACTION          OBJECT          WHY                        TIMES\n",
        "1.00 s  execd     policyd  qos.raise       policyd  allow  everybody waits               18\n",
        "1.00 s  app                read the audit           deny   who asks may not ask this     19\n",
    ]
    .concat();
    assert_eq!(run("policy 2"), expected);
    assert_eq!(run("policy").lines().count(), 21, "every page is read");
}

#[test]
fn policy_without_the_privilege_is_said_so() {
    let mut shell = shell();
    shell.system.unprivileged = true;
    assert_eq!(shell.run("policy"), "refused: who asks may not ask this\n");
}

#[test]
fn timers_say_who_waits_for_what_and_how_late_it_may_be() {
    assert_eq!(run("timers"), "nobody waits for a timer\n");
    let mut shell = shell();
    shell.system.timers = 4;
    let expected = "\
ID  NAME  CLASS   WHAT         DUE IN  LATE BY    EVERY
99  ?     normal  timer        997 ms  4.00 ms  50.0 ms
99  ?     normal  alarm clock  998 ms  4.00 ms
 1  init  normal  sleep        999 ms  4.00 ms
99  ?     normal  timer        1.00 s  4.00 ms
";
    assert_eq!(shell.run("timers"), expected);
    shell.system.timers = 100;
    assert_eq!(shell.run("timers").lines().count(), 101, "every page is read");
    shell.system.unprivileged = true;
    assert_eq!(shell.run("timers"), "refused: timed does not allow it\n");
}

#[test]
fn wakeups_counts_for_as_long_as_it_is_told() {
    let mut shell = shell();
    let out = shell.run("wakeups 3");
    assert!(out.starts_with("in the last 1.00 s the harts fell asleep 0 times"), "{out}");
    assert_eq!(shell.system.looks, 1, "the test's clock goes on by a second for each wait");
}

#[test]
fn jobs_reads_every_page_and_how_things_ended() {
    let mut shell = shell();
    let out = shell.run("jobs");
    assert_eq!(out.matches("resting").count(), 19);
    assert!(out.ends_with("  1  p      exit 3  5.00 s  given up\n"), "{out}");
}

#[test]
fn the_log_is_cut_and_moves_no_cursor() {
    assert_eq!(run("log 2"), "two\nthreered\n");
    assert_eq!(run("log 0"), "");
}

#[test]
fn a_trace_is_merged_by_time() {
    let mut shell = shell();
    assert_eq!(shell.run("trace show"), "nothing is recorded; `trace on` begins\n");
    shell.run("trace on");
    let out = shell.run("trace show 9");
    let times: Vec<_> =
        out.lines().skip(1).map(|line| line.split_whitespace().next().expect("a time")).collect();
    assert_eq!(times, ["1.000001", "1.000002"]);
    assert!(out.contains("wake      5  on hart 1"), "{out}");
}

#[test]
fn a_silent_execd_is_said_so() {
    let mut shell = shell();
    shell.system.silent = true;
    assert_eq!(shell.run("spawn tiny"), "execd does not answer: the other side is dead\n");
}

proptest! {
    #[test]
    fn no_input_makes_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        shell().type_in(&bytes);
    }
}

#[test]
fn a_first_command_is_carried_out_as_if_it_had_been_typed() {
    let mut shell = Shell::new(Fake::default());
    let greeting = shell.system.shown.clone();
    shell.type_line("poweroff");
    assert!(shell.system.off);
    assert!(shell.system.shown.starts_with(&format!("{greeting}poweroff")));
}
