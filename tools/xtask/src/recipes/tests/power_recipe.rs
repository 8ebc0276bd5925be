//! `recipes/power.toml`: each mistake with its sentence, and what the file as delivered says.

use power_config::{KEYS, Key, SECTIONS, Values};

use super::*;

fn about_power(power: &str) -> Vec<String> {
    complaints(Desk { power: power.to_owned(), ..desk() })
}

fn delivered() -> String {
    fs::read_to_string(Workspace::locate().unwrap().path(power::PATH)).unwrap()
}

#[test]
fn what_is_left_out_has_its_default() {
    assert_eq!(compiled(desk()).unwrap().power, Values::DEFAULT);
    let power = "[standby]\nbg_inactive_min = 0x7\n\n[screen]\ntimeout_s = 1_800\n".to_owned();
    let expected = Values::DEFAULT.with(Key::BgInactive, 7).with(Key::ScreenTimeout, 1_800);
    assert_eq!(compiled(Desk { power, ..desk() }).unwrap().power, expected);
}

#[test]
fn test_reject_power_values_out_of_range() {
    let cases = [
        (
            "[standby]\nbg_inactive_min = 0\n",
            "[standby] bg_inactive_min = 0: allowed is a number from 1 to 1440",
        ),
        ("[screen]\ntimeout_s = 14\n", "[screen] timeout_s = 14: allowed is a number from 15 to 1800"),
        ("[screen]\ndim_s = 601\n", "[screen] dim_s = 601: allowed is a number from 5 to 600"),
        ("[frugal]\nhint_ms = -1\n", "[frugal] hint_ms = -1: allowed is a number from 0 to 1000"),
        ("[frugal]\nhint_ms = 50.0\n", "[frugal] hint_ms = 50.0: allowed is a number from 0 to 1000"),
        ("[frugal]\nhint_ms = \"50\"\n", "[frugal] hint_ms = \"50\": allowed is a number from 0 to 1000"),
        (
            "[idle]\ntick_ms = 120\n",
            "[idle] tick_ms = 120: allowed is a number from 50 to 1000, a multiple of 50",
        ),
        (
            "[wakelocks]\nin_all = 18446744073709551616\n",
            "[wakelocks] in_all = 18446744073709551616: allowed is a number from 1 to 256",
        ),
        ("[alarms]\nquota_rings = [1]\n", "[alarms] quota_rings = [1]: allowed is a number from 1 to 64"),
        (
            "[wakelocks]\nper_task = 4294967297\n",
            "[wakelocks] per_task = 4294967297: allowed is a number from 1 to 32",
        ),
    ];
    for (text, said) in cases {
        assert_eq!(about_power(text), [format!("recipes/power.toml:2: {said}")], "{text}");
    }
}

#[test]
fn test_reject_power_values_that_do_not_go_together() {
    let said = "recipes/power.toml:2: [screen] dim_s = 60: screen.dim_s, which is 60, must be less than \
                screen.timeout_s, which is 60";
    assert_eq!(about_power("[screen]\ndim_s = 60\n"), [said]);
    assert_eq!(about_power("[screen]\ndim_s = 60\ntimeout_s = 61\n"), Vec::<String>::new());
    // The default is not what the person wrote: the other value is to blame.
    let said = "recipes/power.toml:2: [screen] timeout_s = 20: screen.dim_s, which is 30, must be less than \
                screen.timeout_s, which is 20";
    assert_eq!(about_power("[screen]\ntimeout_s = 20\n"), [said]);
    let said = "recipes/power.toml:2: [residency] graph_window_s = 90: residency.status_window_s, which is 60, must \
                be a divisor of residency.graph_window_s, which is 90";
    assert_eq!(about_power("[residency]\ngraph_window_s = 90\n"), [said]);
}

#[test]
fn test_reject_unknown_power_keys_and_tables() {
    assert_eq!(
        about_power("mode = 1\n\n[balanced]\nhint = 20\n\n[turbo]\nhint_ms = 0\n"),
        [
            "recipes/power.toml:1: mode: allowed is a table, [mode]",
            "recipes/power.toml:4: [balanced] hint: unknown key; allowed are hint_ms, l2_after_ms",
            "recipes/power.toml:6: [turbo]: unknown table; allowed are balanced, performance, frugal, idle, \
             battery, wakelocks, residency, standby, alarms, screen",
        ]
    );
    let said = "recipes/power.toml:2: duplicate key";
    assert_eq!(about_power("[screen]\n[screen]\n"), [said]);
}

#[test]
fn every_mistake_of_power_is_said_once_and_nothing_is_half_compiled() {
    let power = "[screen]\ntimeout_s = 3\ndim_s = \"x\"\n[battery]\nlow_enter_percent = 90\n";
    let said = [
        "recipes/power.toml:2: [screen] timeout_s = 3: allowed is a number from 15 to 1800",
        "recipes/power.toml:3: [screen] dim_s = \"x\": allowed is a number from 5 to 600",
        "recipes/power.toml:5: [battery] low_enter_percent = 90: battery.low_enter_percent, which is 90, must be less \
         than battery.low_leave_percent, which is 20",
    ];
    let mut found = about_power(power);
    found.sort();
    assert_eq!(found, said);
    assert_eq!(about_power("[screen\n"), ["recipes/power.toml:1: unclosed table, expected `]`"]);
}

/// A comment above each key is what a person reads first.
#[test]
fn the_recipe_as_delivered_says_every_key_with_a_comment_above_it() {
    let text = delivered();
    let mut section = "";
    let mut above = "";
    let mut keys = Vec::new();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix('[') {
            section = name.trim_end_matches(']');
            assert!(above.starts_with("# "), "[{section}]");
        } else if let Some((name, _)) = line.split_once(" = ") {
            assert!(above.starts_with("# "), "{section}.{name}");
            keys.push(format!("{section}.{name}"));
        }
        above = line;
    }
    assert_eq!(keys, KEYS.map(|entry| entry.key.to_string()));
}

#[test]
fn tables_of_the_recipe_are_those_of_its_keys_in_the_same_order() {
    let mut sections: Vec<_> = KEYS.iter().map(|entry| entry.section).collect();
    sections.dedup();
    assert_eq!(sections, SECTIONS.map(|(name, _)| name));
}
