//! Compiling: the host half by plain cargo, the device half by two calls with two linker scripts.
//!
//! Device programs are found, not listed: every binary of the workspace that is gated by the `device` feature is
//! one, and its name is its name in the boot image. The kernel is the one of package `neuron`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use cargo_metadata::{Metadata, MetadataCommand, TargetKind};

use crate::process;
use crate::setup::{self, Need};
use crate::toolchain::{DEVICE_TARGET, DeviceToolchain};
use crate::workspace::{Half, Workspace};

const KERNEL_PACKAGE: &str = "neuron";
const KERNEL_SCRIPT: &str = "source/kernel/neuron/kernel.ld";
const USER_SCRIPT: &str = "source/libs/nexus-rt/user.ld";

/// What the kernel half adds: nothing. Its backtraces scan the stack, so no function pays for frame pointers.
const KERNEL_FLAGS: &[&str] = &[];

/// A program of the boot image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceProgram {
    pub package: String,
    pub name: String,
}

/// What a device build left behind, symbols and all.
#[derive(Debug)]
pub struct DeviceBuild {
    pub kernel: PathBuf,
    /// Name in the image and file.
    pub programs: Vec<(String, PathBuf)>,
}

/// `cargo metadata` of the workspace without its dependencies.
pub fn members(workspace: &Workspace) -> Result<Metadata> {
    MetadataCommand::new()
        .current_dir(workspace.root())
        .no_deps()
        .exec()
        .context("cargo cannot read the workspace")
}

/// The user programs, sorted by name.
pub fn device_programs(metadata: &Metadata) -> Vec<DeviceProgram> {
    let mut programs: Vec<_> = metadata
        .workspace_packages()
        .into_iter()
        .filter(|package| package.name.as_str() != KERNEL_PACKAGE)
        .flat_map(|package| package.targets.iter().map(move |target| (package, target)))
        .filter(|(_, target)| target.kind.contains(&TargetKind::Bin))
        .filter(|(_, target)| target.required_features.iter().any(|feature| feature == "device"))
        .map(|(package, target)| DeviceProgram {
            package: package.name.to_string(),
            name: target.name.clone(),
        })
        .collect();
    programs.sort_by(|a, b| a.name.cmp(&b.name));
    programs
}

/// Builds both halves for the device.
pub fn build_device(workspace: &Workspace) -> Result<DeviceBuild> {
    let toolchain = DeviceToolchain::find()?;
    let programs = device_programs(&members(workspace)?);
    ensure!(!programs.is_empty(), "no program of the workspace is gated by the `device` feature");
    for half in [Half::User, Half::Kernel] {
        let mut build = device_cargo(workspace, &toolchain, "build", half, &programs);
        process::run_as(&format!("building the {} half", half.name()), build.args(["--release", "--quiet"]))?;
    }
    let artefact = |half, name: &str| -> Result<PathBuf> {
        let file = workspace.device_target(half).join(DEVICE_TARGET).join("release").join(name);
        ensure!(file.exists(), "cargo built no {}", workspace.relative(&file).display());
        Ok(file)
    };
    let kernel = artefact(Half::Kernel, KERNEL_PACKAGE)?;
    let programs = programs
        .into_iter()
        .map(|program| Ok((program.name.clone(), artefact(Half::User, &program.name)?)))
        .collect::<Result<_>>()?;
    Ok(DeviceBuild { kernel, programs })
}

/// `xtask diag-os`: the device half compiles without a warning and without a clippy lint.
pub fn diagnose_device(workspace: &Workspace) -> Result<()> {
    setup::ensure(workspace, &[Need::DeviceToolchain])?;
    let toolchain = DeviceToolchain::find()?;
    let programs = device_programs(&members(workspace)?);
    for half in [Half::User, Half::Kernel] {
        let mut clippy = device_cargo(workspace, &toolchain, "clippy", half, &programs);
        process::run_as(
            &format!("checking the {} half", half.name()),
            clippy.args(["--quiet", "--", "-Dwarnings"]),
        )?;
    }
    Ok(())
}

/// `xtask build`: both halves.
pub fn build_all(workspace: &Workspace) -> Result<()> {
    setup::ensure(workspace, &[Need::DeviceToolchain, Need::Linker])?;
    process::run(process::host_cargo().current_dir(workspace.root()).args(["build", "--workspace"]))?;
    build_device(workspace).map(drop)
}

/// One cargo call for one half: packages, feature, target folder, flags.
fn device_cargo(
    workspace: &Workspace,
    toolchain: &DeviceToolchain,
    subcommand: &str,
    half: Half,
    programs: &[DeviceProgram],
) -> Command {
    let (script, flags) = match half {
        Half::Kernel => (KERNEL_SCRIPT, KERNEL_FLAGS),
        Half::User => (USER_SCRIPT, &[] as &[&str]),
    };
    let mut command = toolchain.cargo(subcommand);
    command.current_dir(workspace.root()).args(["--config", "riscv.toml", "--config"]);
    command.arg(extra_flags(workspace, script, flags));
    command.arg("--target-dir").arg(workspace.device_target(half)).args(["--features", "device", "--bins"]);
    match half {
        Half::Kernel => {
            command.args(["--package", KERNEL_PACKAGE]);
        }
        Half::User => {
            let mut packages: Vec<_> = programs.iter().map(|program| &program.package).collect();
            packages.dedup();
            packages.into_iter().for_each(|package| {
                command.args(["--package", package]);
            });
        }
    }
    command
}

/// Cargo joins this list with the one of `riscv.toml`. The checkout's own path is mapped away, so that an image
/// says the same wherever it is built.
fn extra_flags(workspace: &Workspace, script: &str, flags: &[&str]) -> String {
    let root = workspace.root().display();
    let mut all = vec![format!("-Clink-arg=-T{root}/{script}"), format!("--remap-path-prefix={root}=.")];
    // Cargo does not watch linker scripts; a flag that changes with the script makes it link again.
    let layout = fs::read(workspace.root().join(script)).unwrap_or_default();
    let layout = layout.iter().fold(5381_u32, |hash, byte| hash.wrapping_mul(33) ^ u32::from(*byte));
    all.push(format!("-Clink-arg=--defsym=__layout={layout}"));
    all.extend(flags.iter().map(|flag| (*flag).to_owned()));
    let quoted: Vec<_> = all.iter().map(|flag| format!("'{flag}'")).collect();
    format!("target.{DEVICE_TARGET}.rustflags=[{}]", quoted.join(","))
}

/// Reads a file that a step before must have made.
pub fn read(workspace: &Workspace, file: &Path) -> Result<Vec<u8>> {
    fs::read(file).with_context(|| format!("cannot read {}", workspace.relative(file).display()))
}
