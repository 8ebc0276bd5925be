//! What this repository needs from the machine, how to see whether it is there, and how to get it.
//!
//! Every command asks [`ensure`] for what it is about to use, so nobody has to run `setup` first. Sources are
//! Debian's packages and crates.io; a toolchain is never downloaded through rustup. Cargo tools are installed
//! into `target/tools`, where they survive until `make clean` and touch nothing else on the machine.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::process::{self, find_program, host_cargo, say};
use crate::toolchain::{self, DeviceToolchain, LLVM_PACKAGE, LlvmTools};
use crate::workspace::Workspace;

const EMULATOR_PACKAGES: &[&str] = &["qemu-system-misc", "opensbi"];

/// The emulator, unless `QEMU` names another.
pub const EMULATOR: &str = "qemu-system-riscv64";

/// The browser in which `report-test` looks at pages.
pub const BROWSER: &str = "chromium";

/// Firmware that QEMU loads by default for `virt`, as packaged.
const FIRMWARE: &str = "/usr/share/qemu/opensbi-riscv64-generic-fw_dynamic.bin";

/// The linker of both device halves, named in `riscv.toml`.
pub const LINKER: &str = "ld.lld";

const LINUX_COMPILER: &str = "riscv64-linux-gnu-gcc";

/// What its programs are linked with, as packaged.
const LINUX_LIBRARY: &str = "/usr/riscv64-linux-gnu/lib/libc.a";

/// Something a command cannot do without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    DeviceToolchain,
    Linker,
    Emulator,
    Nextest,
    Deny,
    Coverage,
    LlvmTools,
    Mutants,
    /// For what Linux is measured with; nothing else wants it.
    LinuxCompiler,
    /// Large, and of use to `report-test` alone: not among [`Need::ALL`].
    Browser,
}

impl Need {
    /// What building and testing take.
    pub const ALL: [Need; 5] =
        [Need::DeviceToolchain, Need::Linker, Need::Emulator, Need::Nextest, Need::Deny];

    /// What only commands take that nobody has to run; they install it.
    pub const ON_DEMAND: [Need; 3] = [Need::Coverage, Need::LlvmTools, Need::Mutants];

    /// What building and booting the image takes.
    pub const BOOT: &'static [Need] = &[Need::DeviceToolchain, Need::Linker, Need::Emulator];

    pub fn name(self) -> &'static str {
        match self {
            Need::DeviceToolchain => "Rust for RISC-V",
            Need::Linker => "linker",
            Need::Emulator => "emulator",
            Need::Nextest => "cargo-nextest",
            Need::Deny => "cargo-deny",
            Need::Coverage => "cargo-llvm-cov",
            Need::LlvmTools => "llvm-cov",
            Need::Mutants => "cargo-mutants",
            Need::LinuxCompiler => "C compiler for Linux on RISC-V",
            Need::Browser => "browser",
        }
    }

    /// Its version or place when it is there.
    pub fn found(self, workspace: &Workspace) -> Option<String> {
        match self {
            Need::DeviceToolchain => DeviceToolchain::find().ok().map(|toolchain| toolchain.describe()),
            Need::Linker => find_program(LINKER).map(|path| path.display().to_string()),
            Need::Emulator => {
                emulator_version().filter(|_| brings_own_firmware() || Path::new(FIRMWARE).exists())
            }
            Need::LlvmTools => LlvmTools::find().map(|tools| tools.cov.display().to_string()),
            Need::Nextest | Need::Deny | Need::Coverage | Need::Mutants => {
                cargo_tool(workspace, self.name()).map(|path| path.display().to_string())
            }
            Need::LinuxCompiler => find_program("cpio")
                .filter(|_| Path::new(LINUX_LIBRARY).exists())
                .and_then(|_| find_program(LINUX_COMPILER))
                .map(|path| path.display().to_string()),
            Need::Browser => find_program(BROWSER).map(|path| path.display().to_string()),
        }
    }

    fn source(self) -> Source {
        match self {
            Need::DeviceToolchain => Source::Debian(toolchain::DEBIAN_PACKAGES),
            Need::Linker => Source::Debian(&["lld"]),
            Need::Emulator => Source::Debian(EMULATOR_PACKAGES),
            Need::LlvmTools => Source::Debian(&[LLVM_PACKAGE]),
            Need::Nextest | Need::Deny | Need::Coverage | Need::Mutants => Source::Crate(self.name()),
            Need::LinuxCompiler => {
                Source::Debian(&["gcc-riscv64-linux-gnu", "libc6-dev-riscv64-cross", "cpio"])
            }
            Need::Browser => Source::Debian(&[BROWSER, "fonts-dejavu-core"]),
        }
    }
}

enum Source {
    Debian(&'static [&'static str]),
    Crate(&'static str),
}

/// Installs those of `needs` that are missing, and says so; silent when all are there.
pub fn ensure(workspace: &Workspace, needs: &[Need]) -> Result<()> {
    let missing: Vec<Need> = needs.iter().copied().filter(|need| need.found(workspace).is_none()).collect();
    let mut packages = Vec::new();
    let mut crates = Vec::new();
    for need in missing {
        match need.source() {
            Source::Debian(names) => packages.extend_from_slice(names),
            Source::Crate(name) => crates.push(name),
        }
    }
    if packages.contains(&EMULATOR_PACKAGES[0]) && brings_own_firmware() {
        bail!("QEMU={} does not answer `--version`: unset it or correct it", emulator().display());
    }
    packages.sort_unstable();
    packages.dedup();
    if !packages.is_empty() {
        install_packages(&packages)?;
    }
    for name in crates {
        install_crate(workspace, name)?;
    }
    match needs.iter().find(|need| need.found(workspace).is_none()) {
        Some(need) => bail!("{} is still missing after its installation: see `make doctor`", need.name()),
        None => Ok(()),
    }
}

/// `xtask setup`: everything, with a line for what was there already.
pub fn setup(workspace: &Workspace) -> Result<()> {
    for need in Need::ALL {
        if let Some(found) = need.found(workspace) {
            say(format!("{}: {found}", need.name()));
        }
    }
    ensure(workspace, &Need::ALL)?;
    say("everything is installed");
    Ok(())
}

/// The path of a cargo subcommand's program: this checkout's own, else the user's.
pub fn cargo_tool(workspace: &Workspace, name: &str) -> Option<PathBuf> {
    let own = workspace.tools().join("bin").join(name);
    if own.exists() { Some(own) } else { find_program(name) }
}

/// First line of `--version` of the emulator in use.
pub fn emulator_version() -> Option<String> {
    let text = process::ask(Command::new(emulator()).arg("--version"))?;
    text.lines().next().map(str::to_owned)
}

/// The emulator to run: `QEMU` when set, so that another version can be tried.
pub fn emulator() -> PathBuf {
    env::var_os("QEMU").map_or_else(|| EMULATOR.into(), PathBuf::from)
}

/// An emulator from elsewhere has its firmware elsewhere too.
fn brings_own_firmware() -> bool {
    env::var_os("QEMU").is_some()
}

fn install_packages(packages: &[&str]) -> Result<()> {
    let line = format!("apt-get install --no-install-recommends {}", packages.join(" "));
    let Some(apt) = find_program("apt-get") else {
        bail!("no apt-get here; install what these Debian packages hold: {}", packages.join(" "));
    };
    let as_root = || -> Result<Command> {
        // Both set a variable and run a program; sudo would drop one from our own environment.
        let runner = if rustix::process::geteuid().is_root() { "env" } else { "sudo" };
        let runner = find_program(runner).with_context(|| format!("run this as root first: {line}"))?;
        let mut command = Command::new(runner);
        command.arg("DEBIAN_FRONTEND=noninteractive").arg(&apt);
        Ok(command)
    };
    say(format!("installing Debian packages: {}", packages.join(" ")));
    process::run(as_root()?.args(["update", "-qq"]))?;
    process::run(as_root()?.args(["install", "-y", "-qq", "--no-install-recommends"]).args(packages))
        .with_context(|| format!("install them yourself: {line}"))
}

fn install_crate(workspace: &Workspace, name: &str) -> Result<()> {
    say(format!("building {name} once into target/tools (a few minutes)"));
    let build = workspace.tools().join("build");
    let mut install = host_cargo();
    install.args(["install", "--locked", "--quiet", name, "--root"]).arg(workspace.tools());
    process::run_as(&format!("cargo install {name}"), install.arg("--target-dir").arg(&build))?;
    // Hundreds of megabytes that nothing asks for again.
    fs::remove_dir_all(&build).with_context(|| format!("cannot remove {}", build.display()))
}
