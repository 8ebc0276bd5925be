//! Which Rust compiles the device half.
//!
//! The device half needs `core` and `alloc` for the RISC-V target. They are found in this order:
//!
//! 1. the toolchain in use has the target installed: nothing special is needed;
//! 2. it has the standard library's source of its own version: `core` and `alloc` are built from it;
//! 3. Debian's toolchain in `/usr/bin` has that source: the same, with that toolchain.
//!
//! The second and third use `-Zbuild-std`, which a stable compiler accepts under `RUSTC_BOOTSTRAP=1`. Nothing
//! here downloads a toolchain: `setup` installs the third, because it is an ordinary Debian package.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use thiserror::Error;

use crate::process;

/// The target of everything that runs on the device.
pub const DEVICE_TARGET: &str = "riscv64gc-unknown-none-elf";

/// Oldest release that builds this workspace (edition 2024).
const OLDEST: (u32, u32) = (1, 85);

/// Where Debian's packages put their toolchain.
const DEBIAN_BIN: &str = "/usr/bin";

/// A toolchain that can build for [`DEVICE_TARGET`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceToolchain {
    origin: Origin,
    version: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    InstalledTarget,
    OwnSource,
    Debian,
}

/// Debian's toolchain with the standard library's source, and the linker of the image.
pub const DEBIAN_PACKAGES: &[&str] =
    &["rustc-web", "cargo-web", "rust-web-src", "rust-web-clippy", "rustfmt-web", "lld"];

/// The LLVM that the compilers of [`DEBIAN_PACKAGES`] and of the same age are built with, for its tools.
pub const LLVM_PACKAGE: &str = "llvm-22";

/// What reads the counters of instrumented programs. It has to be of the compiler's own LLVM: their format changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LlvmTools {
    pub cov: PathBuf,
    pub profdata: PathBuf,
}

impl LlvmTools {
    /// Those of the toolchain, else Debian's of the same major version.
    pub fn find() -> Option<Self> {
        let verbose = process::ask(process::host_rustc().arg("-vV"))?;
        let word = |key: &str| verbose.lines().find_map(|line| line.strip_prefix(key));
        let sysroot = process::ask(process::host_rustc().args(["--print", "sysroot"]))?;
        let own = Path::new(sysroot.trim()).join("lib/rustlib").join(word("host: ")?).join("bin");
        let major = word("LLVM version: ")?.split('.').next()?;
        let tool = |name: &str| {
            let own = own.join(name);
            if own.exists() { Some(own) } else { process::find_program(&format!("{name}-{major}")) }
        };
        Some(Self { cov: tool("llvm-cov")?, profdata: tool("llvm-profdata")? })
    }
}

/// No toolchain on this machine can build the device half.
#[derive(Debug, Error)]
#[error(
    "no Rust here can build for {DEVICE_TARGET}: run `cargo xtask setup`, \
     or install it yourself with `apt-get install {}`",
    DEBIAN_PACKAGES.join(" ")
)]
pub struct NoDeviceToolchain;

impl DeviceToolchain {
    /// The first of the three ways that works here.
    pub fn find() -> Result<Self, NoDeviceToolchain> {
        let host_rustc = process::host_rustc();
        let host_rustc = Path::new(host_rustc.get_program());
        Self::probe(host_rustc, Origin::InstalledTarget)
            .or_else(|| Self::probe(host_rustc, Origin::OwnSource))
            .or_else(|| Self::probe(&Path::new(DEBIAN_BIN).join("rustc"), Origin::Debian))
            .ok_or(NoDeviceToolchain)
    }

    fn probe(rustc: &Path, origin: Origin) -> Option<Self> {
        let version = process::ask(Command::new(rustc).arg("--version"))?;
        if parse_release(&version)? < OLDEST {
            return None;
        }
        let sysroot = process::ask(Command::new(rustc).args(["--print", "sysroot"]))?;
        let rustlib = Path::new(sysroot.trim()).join("lib/rustlib");
        let usable = match origin {
            Origin::InstalledTarget => has_core(&rustlib.join(DEVICE_TARGET).join("lib")),
            Origin::OwnSource | Origin::Debian => rustlib.join("src/rust/library/core/Cargo.toml").exists(),
        };
        usable.then(|| Self { origin, version: version.trim().to_owned() })
    }

    /// A cargo call for the device half, with `subcommand` first: options of the configuration must follow it,
    /// or `cargo clippy` quietly checks the host instead.
    pub fn cargo(&self, subcommand: &str) -> Command {
        let mut command = match self.origin {
            Origin::InstalledTarget | Origin::OwnSource => process::host_cargo(),
            Origin::Debian => debian_cargo(),
        };
        command.arg(subcommand);
        // The user's own flags are meant for the host; for the device they would replace riscv.toml's.
        command
            .env_remove("RUSTFLAGS")
            .env_remove("CARGO_ENCODED_RUSTFLAGS")
            .env_remove("CARGO_BUILD_TARGET");
        if self.origin != Origin::InstalledTarget {
            command.env("RUSTC_BOOTSTRAP", "1").args([
                "-Zbuild-std=core,alloc,compiler_builtins",
                "-Zbuild-std-features=compiler-builtins-mem",
            ]);
        }
        command
    }

    /// One line for `doctor`.
    pub fn describe(&self) -> String {
        let how = match self.origin {
            Origin::InstalledTarget => "with the RISC-V target installed",
            Origin::OwnSource => "building core from its own source",
            Origin::Debian => "Debian's, building core from its own source",
        };
        format!("{} ({how})", self.version)
    }
}

/// Debian's cargo, shielded from what rustup and a surrounding `cargo run` put into the environment.
fn debian_cargo() -> Command {
    let mut command = Command::new(Path::new(DEBIAN_BIN).join("cargo"));
    let path = env::var("PATH").unwrap_or_default();
    command.env("PATH", format!("{DEBIAN_BIN}:{path}"));
    for variable in ["CARGO", "RUSTC", "RUSTDOC", "RUSTC_WRAPPER", "RUSTUP_TOOLCHAIN", "LD_LIBRARY_PATH"] {
        command.env_remove(variable);
    }
    command
}

fn has_core(folder: &Path) -> bool {
    let Ok(entries) = fs::read_dir(folder) else { return false };
    entries.flatten().any(|entry| entry.file_name().to_string_lossy().starts_with("libcore-"))
}

/// `rustc 1.96.0 (…)` → `(1, 96)`.
fn parse_release(version: &str) -> Option<(u32, u32)> {
    let number = version.split_whitespace().nth(1)?;
    let mut parts = number.split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_ordered_by_number_not_by_text() {
        assert_eq!(parse_release("rustc 1.96.0 (ac68faa20 2026-05-25)"), Some((1, 96)));
        assert!(parse_release("rustc 1.100.0-nightly") > Some(OLDEST));
        assert!(parse_release("rustc 1.63.0") < Some(OLDEST));
        assert_eq!(parse_release("not a compiler"), None);
    }
}
