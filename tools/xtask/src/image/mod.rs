//! The boot image: the kernel as an ELF file, and an initrd with everything else.
//!
//! ```text
//! target/image/neuron.elf      what firmware jumps into, without symbols
//! target/image/initrd.cpio     boot/neuron.sym   kernel symbols, for backtraces
//!                              bin/<name>        user programs
//!                              recipes/…  policies/…   compiled
//! ```
//!
//! The same sources give the same bytes: entries are sorted, and nothing of this machine goes in.

mod cpio;
mod elf;
mod symbols;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use nexus_wire::recipe::Recipe;

use crate::build::{self, DeviceBuild};
use crate::process::say;
use crate::recipes::{self, Compiled};
use crate::setup::{self, Need};
use crate::workspace::Workspace;

/// Entry of the kernel's symbol table.
const SYMBOLS: &str = "boot/neuron.sym";

/// A packed image on disk.
#[derive(Debug, Clone)]
pub struct Image {
    pub kernel: PathBuf,
    pub initrd: PathBuf,
    pub sizes: Vec<(String, u64)>,
    /// What it runs.
    pub recipe: Recipe,
}

impl Image {
    /// Bytes of the stripped kernel.
    pub fn kernel_bytes(&self) -> Result<u64> {
        Ok(fs::metadata(&self.kernel).context("the kernel image is gone")?.len())
    }

    /// Both files.
    pub fn read(&self) -> Result<[Vec<u8>; 2]> {
        Ok([fs::read(&self.kernel)?, fs::read(&self.initrd)?])
    }
}

/// `xtask image`.
pub fn image(workspace: &Workspace) -> Result<()> {
    setup::ensure(workspace, &[Need::DeviceToolchain, Need::Linker])?;
    build_image(workspace).map(drop)
}

/// `xtask sizes`: what the image is made of.
pub fn sizes(workspace: &Workspace) -> Result<()> {
    setup::ensure(workspace, &[Need::DeviceToolchain, Need::Linker])?;
    for (name, bytes) in build_image(workspace)?.sizes {
        println!("{:>9.1} KiB  {name}", bytes as f64 / 1024.0);
    }
    Ok(())
}

/// Compiles the device half and packs it. Recipes come first: their mistakes are quickly found.
pub fn build_image(workspace: &Workspace) -> Result<Image> {
    let recipes = recipes::compile(workspace)?;
    pack(workspace, &build::build_device(workspace)?, &recipes)
}

fn pack(workspace: &Workspace, built: &DeviceBuild, recipes: &Compiled) -> Result<Image> {
    let folder = workspace.image();
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;

    let kernel_elf = build::read(workspace, &built.kernel)?;
    let kernel = elf::strip(&kernel_elf).context("the kernel is no image that can be booted")?;
    let mut archive = cpio::Archive::default();
    archive.add(SYMBOLS, symbols::table(&kernel_elf)?);
    for (name, file) in &built.programs {
        let program = elf::strip(&build::read(workspace, file)?)
            .with_context(|| format!("program `{name}` cannot be loaded"))?;
        archive.add(&format!("bin/{name}"), program);
    }
    for (name, contents) in recipes.files()? {
        archive.add(name, contents);
    }

    let mut sizes = vec![("neuron.elf".to_owned(), kernel.len() as u64)];
    sizes.extend(archive.entries().map(|(name, data)| (name.to_owned(), data.len() as u64)));
    let image = Image {
        kernel: folder.join("neuron.elf"),
        initrd: folder.join("initrd.cpio"),
        sizes,
        recipe: recipes.recipe.clone(),
    };
    write(&image.kernel, &kernel)?;
    write(&image.initrd, &archive.finish()?)?;
    say(format!("packed {}", workspace.relative(&folder).display()));
    Ok(image)
}

fn write(file: &Path, bytes: &[u8]) -> Result<()> {
    fs::write(file, bytes).with_context(|| format!("cannot write {}", file.display()))
}
