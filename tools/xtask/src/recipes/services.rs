//! `recipes/services.toml`: what starts, when, with which rights, and when it is started again.

use nexus_abi::info::NAME_MAX;
use nexus_abi::{PAGE_SIZE, Rights, ServiceId};
use nexus_wire::execd::Image;
use nexus_wire::recipe::{
    Endpoint, Privilege, Profile, RIGHTS, Recipe, Restart, SERVICES_MAX, Service, Start, Time, name_of,
};

use super::document::{Key, Report, Section, number, one_of, pick, pick_all, value_or};

pub const PATH: &str = "recipes/services.toml";

/// Programs that run before any recipe is read.
pub const BEFORE_RECIPES: [&str; 2] = ["init", "execd"];

const MIB: u64 = 1 << 20;
/// As much as the smallest machine we claim has.
const MEMORY_MIB_MAX: u64 = 64;

const START: Key = Key {
    name: "start",
    meaning: "what starts it: the boot, in the order of this file; a boot that names no app (one program only); \
              whoever asks execd for it",
    allowed: || one_of(&Start::ALL),
    default: Some(|| "`\"asked\"`".to_owned()),
};
const RESTART: Key = Key {
    name: "restart",
    meaning: "after which endings it is started again",
    allowed: || one_of(&Restart::ALL),
    default: Some(|| format!("`\"{}\"`", name_of(&Restart::ALL, &Profile::DEFAULT.restart))),
};
const RIGHTS_KEY: Key = Key {
    name: "rights",
    meaning: "rights of its system handle",
    allowed: || format!("a list of different ones of {}", one_of(&RIGHTS)),
    default: Some(|| format!("`[\"{}\"]`", name_of(&RIGHTS, &Profile::DEFAULT.rights))),
};
const USES: Key = Key {
    name: "uses",
    meaning: "services whose endpoint it gets",
    allowed: || format!("a list of different ones of {}", one_of(&Endpoint::ALL)),
    default: Some(|| "none".to_owned()),
};
const PRIVILEGES: Key = Key {
    name: "privileges",
    meaning: "what services let it do beyond asking: have execd start and end programs; read policyd's audit; of \
              timed, list everybody's timers, set the wall clock, the governor's hint, standby floors, alarm-clock \
              timers",
    allowed: || format!("a list of different ones of {}", one_of(&Privilege::ALL)),
    default: Some(|| "none".to_owned()),
};
const TIME: Key = Key {
    name: "time",
    meaning: "its clock and waits: with the resolution and slack of an ordinary task, or without",
    allowed: || one_of(&Time::ALL),
    default: Some(|| format!("`\"{}\"`", name_of(&Time::ALL, &Profile::DEFAULT.time))),
};
const MEMORY: Key = Key {
    name: "memory_mib",
    meaning: "memory it may own, in MiB",
    allowed: || format!("a number from 1 to {MEMORY_MIB_MAX}"),
    default: Some(|| (u64::from(Profile::DEFAULT.pages) * PAGE_SIZE as u64 / MIB).to_string()),
};
const OBJECTS: Key = Key {
    name: "objects",
    meaning: "handles it may hold, and kernel objects it may own",
    allowed: || format!("a number from 1 to {}", nexus_abi::HANDLES_MAX),
    default: Some(|| Profile::DEFAULT.objects.to_string()),
};

/// Every key of a section.
pub const KEYS: [Key; 8] = [START, RESTART, RIGHTS_KEY, USES, PRIVILEGES, TIME, MEMORY, OBJECTS];

/// Reads the file; nothing when it is no TOML. `programs` are those of the boot image.
pub fn read(report: &mut Report<'_>, programs: &[String]) -> Option<Recipe> {
    let mut recipe = Recipe::default();
    for section in report.sections()? {
        let Some(name) = program(&section, programs, report) else { continue };
        let entry = service(name, section, &recipe, report);
        if recipe.services.push(entry).is_err() {
            report.complain(0, format!("more than {SERVICES_MAX} programs"));
            break;
        }
    }
    if recipe.starting(Start::Default).next().is_none() {
        report.complain(
            0,
            "no program has start = \"default\": what runs when nothing is asked for?".to_owned(),
        );
    }
    Some(recipe)
}

/// The section's name, if a program of the image has it.
fn program(section: &Section<'_>, programs: &[String], report: &mut Report<'_>) -> Option<Image> {
    let name = section.name();
    if BEFORE_RECIPES.contains(&name) {
        section.complain(report, ": it runs before this file is read, so nothing can be said about it here");
        return None;
    }
    if !programs.iter().any(|program| program == name) {
        let there = programs.join(", ");
        section.complain(report, format_args!(": the image has no program of this name; it has {there}"));
        return None;
    }
    let image = Image::try_from(name).ok();
    if image.is_none() {
        section.complain(report, format_args!(": longer than {NAME_MAX} bytes"));
    }
    image
}

fn service(name: Image, mut section: Section<'_>, earlier: &Recipe, report: &mut Report<'_>) -> Service {
    let start = section.take(&START, report, |value| pick(value, &Start::ALL));
    if let Some(start) = &start
        && start.value == Start::Default
        && let Some(other) = earlier.starting(Start::Default).next()
    {
        start.complain(report, format_args!("[{}] has it already, and there can be one", other.name));
    }
    let uses = section.take(&USES, report, |value| pick_all(value, &Endpoint::ALL));
    if let Some(uses) = &uses
        && uses.value.iter().any(|endpoint| name_of(&Endpoint::ALL, endpoint) == name)
    {
        uses.complain(report, "a service does not ask itself");
    }
    let uses = value_or(uses, Vec::new());
    let privileges = privileges(&name, &uses, &mut section, report);
    let rights = section.take(&RIGHTS_KEY, report, |value| pick_all(value, &RIGHTS));
    let rights = rights.map(|rights| rights.value.into_iter().fold(Rights::NONE, Rights::union));
    let memory_mib = section.take(&MEMORY, report, |value| number(value, 1..MEMORY_MIB_MAX + 1));
    let objects_end = nexus_abi::HANDLES_MAX as u64 + 1;
    let objects = section.take(&OBJECTS, report, |value| number(value, 1..objects_end));
    let standard = Profile::DEFAULT;
    let profile = Profile {
        restart: value_or(
            section.take(&RESTART, report, |value| pick(value, &Restart::ALL)),
            standard.restart,
        ),
        rights: rights.unwrap_or(standard.rights),
        uses: uses.into_iter().collect(),
        privileges: privileges.into_iter().collect(),
        time: value_or(section.take(&TIME, report, |value| pick(value, &Time::ALL)), standard.time),
        // Both ranges are far below what the fields hold.
        pages: memory_mib.map_or(standard.pages, |mib| (mib.value * MIB / PAGE_SIZE as u64) as u32),
        objects: objects.map_or(standard.objects, |objects| objects.value as u32),
    };
    section.close(&KEYS.map(|key| key.name), report);
    let start = value_or(start, Start::Asked);
    Service { name, start, profile, affinity: None, qos: None }
}

/// A privilege needs the endpoint to use it at, and an identity by which its service knows who asks.
fn privileges(
    name: &str,
    uses: &[Endpoint],
    section: &mut Section<'_>,
    report: &mut Report<'_>,
) -> Vec<Privilege> {
    let Some(privileges) = section.take(&PRIVILEGES, report, |value| pick_all(value, &Privilege::ALL)) else {
        return Vec::new();
    };
    for endpoint in privileges.value.iter().map(|privilege| privilege.of()) {
        if !uses.contains(&endpoint) {
            let service = name_of(&Endpoint::ALL, &endpoint);
            privileges.complain(report, format_args!("{service} grants this; add \"{service}\" to uses"));
        }
    }
    if ServiceId::of_image(name) == ServiceId::APP {
        privileges.complain(
            report,
            "the kernel stamps no identity of its own on this program, so no service can tell who asks",
        );
    }
    privileges.value
}
