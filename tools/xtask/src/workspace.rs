//! Where things are: the repository's root and every place under `target/` that more than one step uses.
//!
//! Nothing else in this tool joins `target` with a name of its own.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// The checkout this tool was started in.
#[derive(Debug, Clone)]
pub struct Workspace {
    root: PathBuf,
}

/// The two halves of the device image, built apart because they are linked differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Half {
    /// The kernel: upper half, its own linker script.
    Kernel,
    /// Every user program: linked at the user base address.
    User,
}

impl Half {
    /// The name of its target folder.
    pub fn name(self) -> &'static str {
        match self {
            Half::Kernel => "kernel",
            Half::User => "user",
        }
    }
}

impl Workspace {
    /// Walks up from the current folder to the `Cargo.toml` that holds the workspace.
    pub fn locate() -> Result<Self> {
        let start = env::current_dir().context("the current folder is gone; cd into the repository")?;
        for folder in start.ancestors() {
            let manifest = folder.join("Cargo.toml");
            if fs::read_to_string(manifest).is_ok_and(|text| text.contains("[workspace]")) {
                return Ok(Self { root: folder.to_path_buf() });
            }
        }
        bail!("no workspace above {}: run this inside the repository", start.display())
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A path below the root.
    pub fn path(&self, below: &str) -> PathBuf {
        self.root.join(below)
    }

    pub fn target(&self) -> PathBuf {
        self.path("target")
    }

    /// Target folder of one device half: two, so that their flags do not evict each other's artefacts.
    pub fn device_target(&self, half: Half) -> PathBuf {
        self.target().join("riscv").join(half.name())
    }

    /// Host tools that were installed for this checkout only.
    pub fn tools(&self) -> PathBuf {
        self.target().join("tools")
    }

    pub fn image(&self) -> PathBuf {
        self.target().join("image")
    }

    /// The console log of a run named `run`; its folder is made.
    pub fn log(&self, run: &str) -> Result<PathBuf> {
        let folder = self.target().join("logs");
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        Ok(folder.join(format!("{run}.log")))
    }

    /// `path` as a reader of this repository would write it.
    pub fn relative<'a>(&self, path: &'a Path) -> &'a Path {
        path.strip_prefix(&self.root).unwrap_or(path)
    }
}
