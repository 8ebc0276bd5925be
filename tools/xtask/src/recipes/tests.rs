//! Every mistake a person can make in a recipe or a policy, with the exact sentence it is answered with.

use nexus_abi::{AffinityPolicy, HartMask, QosClass, Rights, Shares};
use nexus_wire::recipe::{Endpoint, Privilege, Profile, Restart, Start, Time};

use super::*;

mod power_recipe;
mod rules;

const SERVICES: &str = "\
[policyd]
start = \"boot\"
restart = \"always\"

[shell]
start = \"default\"
rights = [\"log\", \"inspect\"]
uses = [\"execd\", \"policyd\"]
privileges = [\"audit\", \"programs\"]
time = \"precise\"
memory_mib = 8
objects = 1024
";

const POLICY: &str = "\
[[allow]]
subject = \"shell\"
action = \"qos.raise\"
object = \"shell\"
why = \"a person waits\"
";

/// Texts that are right; tests replace or add to one of them.
struct Desk {
    services: String,
    affinity: String,
    qos: String,
    power: String,
    policy: String,
}

fn desk() -> Desk {
    Desk {
        services: SERVICES.to_owned(),
        affinity: String::new(),
        qos: String::new(),
        power: String::new(),
        policy: POLICY.to_owned(),
    }
}

fn compiled(desk: Desk) -> Result<Compiled, Vec<String>> {
    let programs = ["bench", "execd", "init", "policyd", "shell", "tiny"].map(str::to_owned);
    let text = |path: &str, text| Text { path: path.to_owned(), text };
    let texts = [
        text(services::PATH, desk.services),
        text(sched::AFFINITY_PATH, desk.affinity),
        text(sched::QOS_PATH, desk.qos),
        text(power::PATH, desk.power),
        text("policies/sched.toml", desk.policy),
    ];
    check(&texts, &programs).map_err(|complaints| complaints.iter().map(ToString::to_string).collect())
}

/// What is said about `SERVICES` with something added.
fn about_services(added: &str) -> Vec<String> {
    complaints(Desk { services: SERVICES.to_owned() + added, ..desk() })
}

fn about_affinity(affinity: &str) -> Vec<String> {
    complaints(Desk { affinity: affinity.to_owned(), ..desk() })
}

fn about_qos(qos: &str) -> Vec<String> {
    complaints(Desk { qos: qos.to_owned(), ..desk() })
}

fn about_policy(added: &str) -> Vec<String> {
    complaints(Desk { policy: POLICY.to_owned() + added, ..desk() })
}

fn complaints(desk: Desk) -> Vec<String> {
    compiled(desk).err().unwrap_or_default()
}

#[test]
fn what_is_right_compiles_to_what_it_says() {
    let desk = Desk {
        affinity: "[shell]\nmask = \"0xF0\"\npolicy = \"pin\"\n".to_owned(),
        qos: "[shell]\nclass = \"interactive\"\nshares = 500\nlatency_ms = 1_000\nburst_ms = 0x10\n"
            .to_owned(),
        ..desk()
    };
    let recipe = compiled(desk).unwrap().recipe;
    let names: Vec<_> = recipe.services.iter().map(|service| service.name.as_str()).collect();
    assert_eq!(names, ["policyd", "shell"], "in the order of the file");

    let policyd = recipe.find("policyd").unwrap();
    assert_eq!((policyd.start, policyd.affinity, policyd.qos), (Start::Boot, None, None));
    assert_eq!(policyd.profile, Profile { restart: Restart::Always, ..Profile::DEFAULT });

    let shell = recipe.find("shell").unwrap();
    assert_eq!(shell.start, Start::Default);
    let expected = Profile {
        restart: Restart::Never,
        rights: Rights::LOG | Rights::INSPECT,
        uses: [Endpoint::Execd, Endpoint::Policyd].into_iter().collect(),
        privileges: [Privilege::Audit, Privilege::Programs].into_iter().collect(),
        time: Time::Precise,
        pages: 2048,
        objects: 1024,
    };
    assert_eq!(shell.profile, expected);
    let affinity = shell.affinity.unwrap();
    assert_eq!((affinity.harts, affinity.policy), (HartMask(0xf0), AffinityPolicy::Pin));
    let qos = shell.qos.unwrap();
    assert_eq!((qos.class, qos.shares), (QosClass::Interactive, Shares::FREE_MAX));
    assert_eq!((qos.latency.as_ms(), qos.burst.as_ms()), (1000, 16));
}

#[test]
fn the_repository_s_own_recipes_are_right_and_fit_their_files() {
    let compiled = compile(&Workspace::locate().unwrap()).unwrap();
    let [(_, recipe), (_, policy), (_, power)] = compiled.files().unwrap();
    assert_eq!(nexus_wire::decode::<Recipe>(&recipe), Ok(compiled.recipe.clone()));
    assert_eq!(nexus_wire::decode::<Policy<Action>>(&policy), Ok(compiled.policy));
    assert_eq!(nexus_wire::decode::<Values>(&power), Ok(compiled.power));
}

#[test]
fn what_is_no_toml_is_said_with_its_line_and_nothing_else_is() {
    let said = "recipes/sched/qos.toml:2: extra `=`, expected nothing";
    assert_eq!(about_qos("[shell]\nshares = = 3\n"), [said]);
    assert_eq!(about_policy("[[allow\n"), ["policies/sched.toml:6: unclosed array table, expected `]]`"]);
    let desk = Desk { qos: "[shell]\nshares = 3\n".to_owned(), services: "[shell\n".to_owned(), ..desk() };
    assert_eq!(complaints(desk), ["recipes/services.toml:1: unclosed table, expected `]`"]);
}

#[test]
fn a_duplicate_service_is_caught() {
    assert_eq!(about_services("\n[shell]\n"), ["recipes/services.toml:14: duplicate key"]);
    let place = "[shell]\nmask = \"0x1\"\npolicy = \"pin\"\n";
    let twice = format!("{place}\n{place}");
    assert_eq!(about_affinity(&twice), ["recipes/sched/affinity.toml:5: duplicate key"]);
}

#[test]
fn an_unknown_service_is_caught_and_the_known_ones_are_named() {
    assert_eq!(
        about_services("\n[shel]\n"),
        [
            "recipes/services.toml:14: [shel]: the image has no program of this name; it has bench, execd, init, policyd, shell, \
             tiny"
        ]
    );
    assert_eq!(
        about_affinity("\n[timed]\nmask = \"0x1\"\npolicy = \"pin\"\n"),
        ["recipes/sched/affinity.toml:2: [timed]: not in recipes/services.toml, which has policyd, shell"]
    );
    assert_eq!(
        about_qos("[bench]\nshares = 3\n"),
        ["recipes/sched/qos.toml:1: [bench]: not in recipes/services.toml, which has policyd, shell"]
    );
}

#[test]
fn what_runs_before_recipes_cannot_be_in_one() {
    assert_eq!(
        about_services("[execd]\n"),
        [
            "recipes/services.toml:13: [execd]: it runs before this file is read, so nothing can be said about it here"
        ]
    );
}

#[test]
fn an_unknown_key_is_caught_and_the_known_ones_are_named() {
    assert_eq!(
        about_services("color = \"red\"\n"),
        [
            "recipes/services.toml:13: [shell] color: unknown key; allowed are start, restart, rights, uses, privileges, time, memory_mib, objects"
        ]
    );
    assert_eq!(
        about_qos("[shell]\nshares = 3\nshare = 3\n"),
        [
            "recipes/sched/qos.toml:3: [shell] share: unknown key; allowed are class, shares, latency_ms, burst_ms"
        ]
    );
    assert_eq!(
        about_affinity("[shell]\nmask = \"0x1\"\npolicy = \"pin\"\nharts = 1\n"),
        ["recipes/sched/affinity.toml:4: [shell] harts: unknown key; allowed are mask, policy"]
    );
}

#[test]
fn a_key_outside_any_table_is_caught() {
    assert_eq!(about_qos("shares = 3\n"), ["recipes/sched/qos.toml:1: shares: allowed is a table, [shares]"]);
}

#[test]
fn bad_values_of_services_are_caught() {
    let said = about_services(
        "\n[bench]\nstart = \"never\"\nrestart = \"sometimes\"\nrights = [\"root\"]\nuses = [\"execd\", \"execd\"]\n\
         time = 5\nmemory_mib = 65\nobjects = 0\n",
    );
    let endings = [
        "15: [bench] start = \"never\": allowed is \"boot\", \"default\" or \"asked\"",
        "18: [bench] uses = [\"execd\", \"execd\"]: allowed is a list of different ones of \"execd\", \"policyd\" or \"timed\"",
        "17: [bench] rights = [\"root\"]: allowed is a list of different ones of \"read\", \"inspect\", \"spawn\", \
         \"log\", \"hardware\", \"power\", \"trace\" or \"all\"",
        "20: [bench] memory_mib = 65: allowed is a number from 1 to 64",
        "21: [bench] objects = 0: allowed is a number from 1 to 1024",
        "16: [bench] restart = \"sometimes\": allowed is \"never\", \"on-failure\" or \"always\"",
        "19: [bench] time = 5: allowed is \"coarse\" or \"precise\"",
    ];
    let expected = endings.map(|ending| format!("recipes/services.toml:{ending}"));
    assert_eq!(said, expected);
}

#[test]
fn a_privilege_needs_its_service_and_an_identity() {
    assert_eq!(
        about_services("\n[tiny]\nprivileges = [\"audit\"]\n"),
        [
            "recipes/services.toml:15: [tiny] privileges = [\"audit\"]: policyd grants this; add \"policyd\" to uses",
            "recipes/services.toml:15: [tiny] privileges = [\"audit\"]: the kernel stamps no identity of its own on \
             this program, so no service can tell who asks",
        ]
    );
}

#[test]
fn a_service_does_not_ask_itself() {
    let services = SERVICES.replace("restart = \"always\"", "uses = [\"policyd\"]");
    assert_eq!(
        complaints(Desk { services, ..desk() }),
        ["recipes/services.toml:3: [policyd] uses = [\"policyd\"]: a service does not ask itself"]
    );
}

#[test]
fn exactly_one_program_is_the_default() {
    assert_eq!(
        about_services("\n[bench]\nstart = \"default\"\n"),
        [
            "recipes/services.toml:15: [bench] start = \"default\": [shell] has it already, and there can be one"
        ]
    );
    let services = SERVICES.replace("start = \"default\"", "start = \"asked\"");
    assert_eq!(
        complaints(Desk { services, ..desk() }),
        ["recipes/services.toml:1: no program has start = \"default\": what runs when nothing is asked for?"]
    );
}

#[test]
fn a_mask_names_one_to_sixty_four_harts_in_hexadecimal() {
    for bad in ["\"0x0\"", "\"0x10000000000000000\"", "\"3\"", "\"0x\"", "\"0xg\"", "\"0x+1\"", "3", "\"\""] {
        assert_eq!(
            about_affinity(&format!("[shell]\nmask = {bad}\npolicy = \"pin\"\n")),
            [format!(
                "recipes/sched/affinity.toml:2: [shell] mask = {bad}: allowed is a text like \"0x3\": up to 16 \
                 hexadecimal digits (64 harts), at least one hart"
            )]
        );
    }
    let widest = "[shell]\nmask = \"0xffffffffffffffff\"\npolicy = \"prefer\"\n";
    assert_eq!(about_affinity(widest), Vec::<String>::new());
}

#[test]
fn an_affinity_says_both_where_and_how_strictly() {
    assert_eq!(
        about_affinity("[shell]\nmask = \"0x1\"\n"),
        ["recipes/sched/affinity.toml:1: [shell] has no policy: allowed is \"pin\", \"prefer\" or \"any\""]
    );
    assert_eq!(
        about_affinity("[shell]\nmask = \"0x1\"\npolicy = \"soft\"\n"),
        [
            "recipes/sched/affinity.toml:3: [shell] policy = \"soft\": allowed is \"pin\", \"prefer\" or \"any\""
        ]
    );
}

#[test]
fn numbers_out_of_range_are_refused_and_never_clamped() {
    for (key, bad, range) in [
        ("shares", "0", "1 to 1000"),
        ("shares", "1001", "1 to 1000"),
        ("shares", "-1", "1 to 1000"),
        ("shares", "\"100\"", "1 to 1000"),
        ("shares", "1.5", "1 to 1000"),
        ("latency_ms", "1001", "0 to 1000"),
        ("burst_ms", "101", "0 to 100"),
        ("burst_ms", "99999999999999999999", "0 to 100"),
    ] {
        let said = about_qos(&format!("[shell]\n{key} = {bad}\n"));
        assert_eq!(
            said,
            [format!("recipes/sched/qos.toml:2: [shell] {key} = {bad}: allowed is a number from {range}")]
        );
    }
}

#[test]
fn test_reject_invalid_qos_class_in_a_recipe() {
    assert_eq!(
        about_qos("[shell]\nclass = \"realtime\"\n"),
        [
            "recipes/sched/qos.toml:2: [shell] class = \"realtime\": allowed is \"idle\", \"normal\", \"interactive\" or \
          \"perf_burst\""
        ]
    );
}

#[test]
fn test_reject_perf_burst_without_a_rule() {
    let wish = "[shell]\nclass = \"perf_burst\"\n";
    assert_eq!(
        about_qos(wish),
        [
            "recipes/sched/qos.toml:2: [shell] class = \"perf_burst\": no rule in policies/ allows shell qos.perf_burst \
          on itself"
        ]
    );
    let policy = POLICY.replace("qos.raise", "qos.perf_burst");
    assert_eq!(complaints(Desk { qos: wish.to_owned(), policy, ..desk() }), Vec::<String>::new());
}

#[test]
fn test_reject_raise_and_many_shares_without_a_rule() {
    assert_eq!(
        about_qos("[policyd]\nclass = \"interactive\"\nshares = 501\n"),
        [
            "recipes/sched/qos.toml:2: [policyd] class = \"interactive\": no rule in policies/ allows policyd \
             qos.raise on itself",
            "recipes/sched/qos.toml:3: [policyd] shares = 501: no rule in policies/ allows policyd \
             sched.shares_above_500 on itself",
        ]
    );
    assert_eq!(about_qos("[policyd]\nclass = \"idle\"\nshares = 500\n"), Vec::<String>::new());
}

#[test]
fn all_mistakes_are_said_at_once() {
    let desk = Desk {
        affinity: "[shell]\nmask = \"0x0\"\npolicy = \"no\"\n".to_owned(),
        qos: "[shell]\nshares = 0\nburst_ms = 1000\n".to_owned(),
        policy: POLICY.replace("qos.raise", "qos.fly"),
        ..desk()
    };
    let lines: Vec<_> =
        complaints(desk).iter().map(|said| said.split(": ").next().unwrap().to_owned()).collect();
    let places = [
        "policies/sched.toml:3",
        "recipes/sched/affinity.toml:2",
        "recipes/sched/affinity.toml:3",
        "recipes/sched/qos.toml:2",
        "recipes/sched/qos.toml:3",
    ];
    assert_eq!(lines, places);
}
