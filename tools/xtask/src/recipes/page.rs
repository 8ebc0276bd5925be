//! The documentation of every key, made of the same tables that read them.

use std::fmt::Write;

use nexus_wire::policyd::Action;

use super::document::Key;
use super::{policies, sched, services};

const INTRODUCTION: &str = "\
# Recipes and policies

Generated from the code that reads them by `make docs`; edit `tools/xtask/src/recipes` instead.

Recipes say what the device is made of, policies who may do what. Both are TOML, checked and compiled when the image
is built: a mistake stops the build with file, line, key, value and what is allowed, and never a boot. `make run`,
`cargo xtask image` and `cargo xtask check` all say it. In the image they are `recipes/services.bin` and
`policies/rules.bin`; what [execd](execd.md) and [policyd](policyd.md) make of them stands there.

The numbers of the power stack, `recipes/power.toml`, have [a page of their own](../power/overview.md#what-can-be-configured).

    recipes/sched/qos.toml:12: [shell] shares = 0: allowed is a number from 1 to 1000
";

/// `docs/services/recipes.md`.
pub fn text() -> String {
    let mut page = INTRODUCTION.to_owned();
    section(
        &mut page,
        services::PATH,
        "One table per program that deserves more than the default, `[<program>]`. Programs with `start = \"boot\"` \
         start in the order of the file. A program that is not listed has every default: it may print and nothing \
         else. `init` and `execd` run before the file is read and are not in it.",
        &services::KEYS,
    );
    section(
        &mut page,
        sched::AFFINITY_PATH,
        "One table per program of `services.toml`. Without one, a program runs wherever there is room.",
        &sched::AFFINITY_KEYS,
    );
    section(
        &mut page,
        sched::QOS_PATH,
        "One table per program of `services.toml`. Without one, a program has every default. What needs a rule and \
         has none stops the build.",
        &sched::QOS_KEYS,
    );
    section(
        &mut page,
        "policies/*.toml",
        "Any number of files with any number of rules, `[[allow]]` each. There are no rules that deny: what no rule \
         allows is denied.",
        &policies::KEYS,
    );
    page.push_str("\n| action | what it is |\n|---|---|\n");
    for (name, action) in Action::ALL {
        // Writing to a `String` cannot fail.
        let _infallible = writeln!(page, "| `{name}` | {} |", meaning(action));
    }
    page
}

fn meaning(action: Action) -> &'static str {
    match action {
        Action::QosRaise => "run at `interactive`, or start a program there",
        Action::QosPerfBurst => "run at `perf_burst`; its recipe has to ask for it too",
        Action::SharesAbove500 => "have more than 500 shares",
        Action::SchedSelf => "have execd change one's own class, affinity, shares or hints",
        Action::SchedOthers => "have execd change those of another program",
    }
}

fn section(page: &mut String, path: &str, about: &str, keys: &[Key]) {
    // Writing to a `String` cannot fail.
    let _infallible = write!(page, "\n## {path}\n\n{about}\n\n");
    page.push_str("| key | what it says | allowed | without it |\n|---|---|---|---|\n");
    for key in keys {
        let default = key.default.map_or_else(|| "must be there".to_owned(), |default| default());
        let allowed = (key.allowed)().replace('|', "\\|");
        let _infallible = writeln!(page, "| `{}` | {} | {allowed} | {default} |", key.name, key.meaning);
    }
}
