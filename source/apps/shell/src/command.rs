//! The commands: their names, what they take, what they are for.

use core::fmt;

use nexus_abi::{AffinityPolicy, HartMask, QosClass};
use nexus_wire::execd::Change;

/// Lines that `log` shows unless told otherwise.
pub(crate) const LOG_LINES: usize = 30;
/// Events that `trace show` shows unless told otherwise.
pub(crate) const TRACE_EVENTS: usize = 40;
/// Records that `policy` shows unless told otherwise.
pub(crate) const POLICY_RECORDS: usize = 20;
/// Seconds that `wakeups` counts unless told otherwise.
pub(crate) const WAKEUP_SECONDS: usize = 1;
/// Most lines or events a person can ask for.
const SHOWN_MAX: usize = 10_000;

/// Usage and purpose of every command, in the order of `help`.
pub(crate) const HELP: [(&str, &str); 19] = [
    ("help", "this list"),
    ("ps", "tasks: class, shares, hart, state, CPU time, memory"),
    ("ps time", "where their time went: given, taken, switches, wake-ups, moves, longest wait"),
    ("top [tables]", "who runs how much, each second; a key ends it"),
    ("jobs", "programs execd looks after, and how the last ones ended"),
    ("spawn <image> [args]", "start a program of the boot image"),
    ("kill <id>", "end a task; `ps` shows the ids"),
    (SCHED_USAGE, "schedule a task differently until it ends"),
    ("policy [records]", "what policyd has allowed and denied, and why"),
    ("timers", "who waits for what: when it is due, and how late it may be"),
    ("wakeups [seconds]", "how often the machine wakes up, why, and for whom; a key ends it"),
    ("uptime", "time since boot, and how much of it the machine slept"),
    ("harts", "what each hart has done"),
    ("mem", "memory and kernel objects"),
    ("log [lines]", "the end of the kernel's log"),
    ("trace on|off", "record what the harts do, or stop"),
    ("trace show [events]", "the latest recorded events"),
    ("clear", "an empty screen"),
    ("poweroff", "end the machine"),
];

/// How `sched` is used, in short.
const SCHED_USAGE: &str = "sched <id> <what>=<value>";

/// What a line asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Command<'a> {
    /// List the commands.
    Help,
    /// List tasks.
    Tasks,
    /// List what the kernel keeps about their time.
    TaskTimes,
    /// Show who runs how much.
    Top {
        /// How often; `None` until a key is pressed.
        tables: Option<usize>,
    },
    /// List jobs.
    Jobs,
    /// Start a program.
    Spawn {
        /// Its name in the boot image.
        image: &'a str,
        /// Everything after the name.
        args: &'a str,
    },
    /// End a task.
    Kill {
        /// Its number in `ps`.
        id: u32,
    },
    /// Schedule a task differently.
    Schedule {
        /// Its number in `ps`.
        id: u32,
        /// What changes.
        change: Change,
    },
    /// Show what policyd has decided.
    Policy {
        /// How many of the latest decisions.
        records: usize,
    },
    /// List timers.
    Timers,
    /// Count wake-ups.
    Wakeups {
        /// For how long.
        seconds: usize,
    },
    /// How long the machine runs.
    Uptime,
    /// List harts.
    Harts,
    /// Show memory.
    Memory,
    /// Show the end of the log.
    Log {
        /// How much of it.
        lines: usize,
    },
    /// Record events.
    TraceOn,
    /// Stop recording.
    TraceOff,
    /// Show recorded events.
    TraceShow {
        /// How many.
        events: usize,
    },
    /// Empty the screen.
    Clear,
    /// End the machine.
    PowerOff,
}

/// Why a line is no command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mistake<'a> {
    /// No command has this name.
    Unknown(&'a str),
    /// The command exists and is used like this.
    Usage(&'static str),
    /// This is not a number in range.
    Number(&'a str),
    /// This takes nothing, and got this.
    Surplus(&'a str),
}

impl fmt::Display for Mistake<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(name) => write!(f, "no command `{name}`; `help` lists them"),
            Self::Usage(usage) => write!(f, "usage: {usage}"),
            Self::Number(word) => write!(f, "`{word}` is not a number from 0 to {SHOWN_MAX}"),
            Self::Surplus(rest) => write!(f, "what is `{rest}`? This command takes nothing more"),
        }
    }
}

/// Reads a line; `None` when there is nothing on it.
pub fn parse(line: &str) -> Option<Result<Command<'_>, Mistake<'_>>> {
    let line = line.trim();
    if line.is_empty() {
        return None;
    }
    let (name, rest) = split(line);
    Some(match name {
        "help" | "?" => alone(rest, Command::Help),
        "ps" => tasks(rest),
        "top" => count(rest, 0).map(|tables| Command::Top { tables: Some(tables).filter(|n| *n > 0) }),
        "jobs" => alone(rest, Command::Jobs),
        "spawn" => spawn(rest),
        "kill" => kill(rest),
        "sched" => schedule(rest),
        "policy" => count(rest, POLICY_RECORDS).map(|records| Command::Policy { records }),
        "timers" => alone(rest, Command::Timers),
        "wakeups" => count(rest, WAKEUP_SECONDS).map(|seconds| Command::Wakeups { seconds: seconds.max(1) }),
        "uptime" => alone(rest, Command::Uptime),
        "harts" => alone(rest, Command::Harts),
        "mem" => alone(rest, Command::Memory),
        "log" => count(rest, LOG_LINES).map(|lines| Command::Log { lines }),
        "trace" => trace(rest),
        "clear" => alone(rest, Command::Clear),
        "poweroff" => alone(rest, Command::PowerOff),
        unknown => Err(Mistake::Unknown(unknown)),
    })
}

fn tasks(rest: &str) -> Result<Command<'_>, Mistake<'_>> {
    match split(rest) {
        ("time", surplus) => alone(surplus, Command::TaskTimes),
        _ => alone(rest, Command::Tasks),
    }
}

fn spawn(rest: &str) -> Result<Command<'_>, Mistake<'_>> {
    match split(rest) {
        ("", _) => Err(Mistake::Usage("spawn <image> [args], for example: spawn tiny")),
        (image, args) => Ok(Command::Spawn { image, args }),
    }
}

fn kill(rest: &str) -> Result<Command<'_>, Mistake<'_>> {
    let usage = Mistake::Usage("kill <id>; `ps` shows the ids");
    let (word, surplus) = split(rest);
    let id = word.parse().map_err(|_| usage)?;
    alone(surplus, Command::Kill { id })
}

fn schedule(rest: &str) -> Result<Command<'_>, Mistake<'_>> {
    let usage = Mistake::Usage(
        "sched <id> class=<name>|shares=<n>|latency=<ms>|burst=<ms>|harts=<mask>[:pin|prefer|any], \
         for example: sched 7 shares=300",
    );
    let (word, rest) = split(rest);
    let (wish, surplus) = split(rest);
    let id = word.parse().map_err(|_| usage)?;
    let change = change(wish).ok_or(usage)?;
    alone(surplus, Command::Schedule { id, change })
}

/// `shares=300`, `harts=0x3:prefer`. What is out of range is execd's to refuse or to clamp.
fn change(wish: &str) -> Option<Change> {
    let (what, value) = wish.split_once('=')?;
    match what {
        "class" => QosClass::ALL
            .into_iter()
            .find(|class| class.name() == value)
            .map(|it| Change::Class(it.to_wire())),
        "shares" => value.parse().ok().map(Change::Shares),
        "latency" => value.parse().ok().map(Change::LatencyMs),
        "burst" => value.parse().ok().map(Change::BurstMs),
        "harts" => {
            let (mask, policy) = value.split_once(':').unwrap_or((value, AffinityPolicy::Pin.name()));
            let policy = AffinityPolicy::ALL.into_iter().find(|known| known.name() == policy)?;
            let harts = match mask {
                "any" => HartMask::ANY.0,
                mask => u64::from_str_radix(mask.strip_prefix("0x")?, 16).ok()?,
            };
            Some(Change::Affinity { harts, policy: policy.to_wire() })
        }
        _ => None,
    }
}

fn trace(rest: &str) -> Result<Command<'_>, Mistake<'_>> {
    match split(rest) {
        ("on", surplus) => alone(surplus, Command::TraceOn),
        ("off", surplus) => alone(surplus, Command::TraceOff),
        ("show", number) => count(number, TRACE_EVENTS).map(|events| Command::TraceShow { events }),
        _ => Err(Mistake::Usage("trace on|off|show [events]")),
    }
}

fn alone<'a>(rest: &'a str, command: Command<'a>) -> Result<Command<'a>, Mistake<'a>> {
    if rest.is_empty() { Ok(command) } else { Err(Mistake::Surplus(rest)) }
}

fn count(word: &str, default: usize) -> Result<usize, Mistake<'_>> {
    if word.is_empty() {
        return Ok(default);
    }
    word.parse().ok().filter(|n| *n <= SHOWN_MAX).ok_or(Mistake::Number(word))
}

/// The first word and what follows it.
fn split(text: &str) -> (&str, &str) {
    text.split_once(char::is_whitespace).map_or((text, ""), |(word, rest)| (word, rest.trim_start()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ok(line: &str) -> Command<'_> {
        parse(line).expect("something").expect("a command")
    }

    fn mistake(line: &str) -> String {
        parse(line).expect("something").expect_err("no command").to_string()
    }

    #[test]
    fn commands_are_read_with_any_spacing() {
        assert_eq!(ok("  ps  "), Command::Tasks);
        assert_eq!(ok("ps  time"), Command::TaskTimes);
        assert_eq!(ok("top"), Command::Top { tables: None });
        assert_eq!(ok("top 3"), Command::Top { tables: Some(3) });
        assert_eq!(ok("spawn\ttiny"), Command::Spawn { image: "tiny", args: "" });
        assert_eq!(ok("spawn  bench  a  b "), Command::Spawn { image: "bench", args: "a  b" });
        assert_eq!(ok("kill 12"), Command::Kill { id: 12 });
        assert_eq!(ok("log"), Command::Log { lines: LOG_LINES });
        assert_eq!(ok("log 5"), Command::Log { lines: 5 });
        assert_eq!(ok("policy"), Command::Policy { records: POLICY_RECORDS });
        assert_eq!(ok("timers"), Command::Timers);
        assert_eq!(ok("wakeups"), Command::Wakeups { seconds: 1 });
        assert_eq!(
            (ok("wakeups 0"), ok("wakeups 9")),
            (Command::Wakeups { seconds: 1 }, Command::Wakeups { seconds: 9 })
        );
        assert_eq!(ok("trace show 7"), Command::TraceShow { events: 7 });
        assert_eq!(parse("   "), None);
    }

    #[test]
    fn wishes_for_a_task_are_read() {
        let wish = |text| change(text).expect("a change");
        assert_eq!(ok("sched 7  shares=300"), Command::Schedule { id: 7, change: Change::Shares(300) });
        assert_eq!(wish("class=perf_burst"), Change::Class(3));
        assert_eq!(wish("shares=99999"), Change::Shares(99_999), "execd clamps");
        assert_eq!((wish("latency=1"), wish("burst=0")), (Change::LatencyMs(1), Change::BurstMs(0)));
        assert_eq!(wish("harts=0x2"), Change::Affinity { harts: 2, policy: 0 });
        assert_eq!(wish("harts=0xF:prefer"), Change::Affinity { harts: 15, policy: 1 });
        assert_eq!(wish("harts=any:any"), Change::Affinity { harts: u64::MAX, policy: 2 });
        for nonsense in
            ["", "shares", "shares=", "shares=-1", "class=high", "harts=2", "harts=0x1:soft", "nice=3"]
        {
            assert_eq!(change(nonsense), None, "{nonsense}");
        }
        assert!(mistake("sched 7").starts_with("usage: sched <id> class=<name>|"));
        assert!(mistake("sched seven shares=3").starts_with("usage: sched <id> "));
        assert_eq!(mistake("sched 7 shares=3 now"), "what is `now`? This command takes nothing more");
    }

    #[test]
    fn every_command_of_help_exists() {
        for (usage, _) in HELP {
            let name = usage.split(' ').next().expect("a word");
            assert!(!matches!(parse(name), Some(Err(Mistake::Unknown(_)))), "{name}");
        }
    }

    #[test]
    fn mistakes_say_what_to_do() {
        assert_eq!(mistake("pss"), "no command `pss`; `help` lists them");
        assert_eq!(mistake("ps all"), "what is `all`? This command takes nothing more");
        assert_eq!(mistake("kill"), "usage: kill <id>; `ps` shows the ids");
        assert_eq!(mistake("kill -1"), "usage: kill <id>; `ps` shows the ids");
        assert_eq!(mistake("kill 1 2"), "what is `2`? This command takes nothing more");
        assert_eq!(mistake("spawn"), "usage: spawn <image> [args], for example: spawn tiny");
        assert_eq!(mistake("trace maybe"), "usage: trace on|off|show [events]");
        assert_eq!(mistake("log many"), "`many` is not a number from 0 to 10000");
        assert_eq!(
            mistake("log 99999999999999999999"),
            "`99999999999999999999` is not a number from 0 to 10000"
        );
        assert_eq!(mistake("poweroff now"), "what is `now`? This command takes nothing more");
    }

    proptest! {
        #[test]
        fn no_line_makes_it_panic(line in ".{0,200}") {
            if let Some(Err(mistake)) = parse(&line) {
                prop_assert!(!mistake.to_string().is_empty());
            }
        }
    }
}
