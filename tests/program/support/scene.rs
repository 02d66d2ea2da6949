//! A user's machine in a temporary folder: own home, a vault, a passphrase file, and the real binary.

use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use tempfile::TempDir;

/// The cheapest accepted key derivation, to keep tests fast.
pub(crate) const CHEAPEST: [&str; 4] = ["--argon2-memory-mib", "19", "--argon2-passes", "1"];

pub(crate) struct Scene {
    folder: TempDir,
}

impl Scene {
    /// A fresh machine.
    pub(crate) fn new() -> Self {
        let scene = Self { folder: tempfile::tempdir().unwrap() };
        std::fs::write(scene.passphrase_file(), "correct horse battery staple\n").unwrap();
        scene
    }

    /// A machine with an empty vault.
    pub(crate) fn with_vault() -> Self {
        let scene = Self::new();
        scene.run(["init"].iter().chain(&CHEAPEST).map(OsStr::new).chain([scene.vault().as_os_str()])).success();
        scene
    }

    /// A machine with a vault that holds `photos`.
    pub(crate) fn with_photos<P: AsRef<Path>>(photos: &[P]) -> Self {
        let scene = Self::with_vault();
        scene
            .run([OsStr::new("add")].into_iter().chain(photos.iter().map(|photo| photo.as_ref().as_os_str())))
            .success();
        scene
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn vault(&self) -> PathBuf {
        self.path("photos.vault")
    }

    pub(crate) fn passphrase_file(&self) -> PathBuf {
        self.path("passphrase")
    }

    /// The real binary with this machine's home, vault and passphrase, without a terminal.
    pub(crate) fn command<I: IntoIterator<Item = A>, A: AsRef<OsStr>>(&self, arguments: I) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cipherlens"));
        command.arg("--passphrase-file").arg(self.passphrase_file()).args(arguments).stdin(Stdio::null());
        command.env_clear().env("HOME", self.path("home")).env("TMPDIR", self.folder.path());
        command.env("CIPHERLENS_VAULT", self.vault());
        command
    }

    /// The same with file names after the arguments.
    pub(crate) fn command_with<I: IntoIterator<Item = A>, A: AsRef<Path>>(
        &self,
        arguments: &[&str],
        files: I,
    ) -> Command {
        let mut command = self.command(arguments);
        for file in files {
            command.arg(file.as_ref());
        }
        command
    }

    pub(crate) fn run_with<I: IntoIterator<Item = A>, A: AsRef<Path>>(&self, arguments: &[&str], files: I) -> Ran {
        Ran(self.command_with(arguments, files).output().unwrap())
    }

    pub(crate) fn run<I: IntoIterator<Item = A>, A: AsRef<OsStr>>(&self, arguments: I) -> Ran {
        Ran(self.command(arguments).output().unwrap())
    }
}

/// Exit code and outputs of a finished run.
pub(crate) struct Ran(pub(crate) Output);

impl Ran {
    pub(crate) fn stdout(&self) -> String {
        String::from_utf8_lossy(&self.0.stdout).into_owned()
    }

    pub(crate) fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.0.stderr).into_owned()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.0.stdout).unwrap_or_else(|error| panic!("{error}: {}", self.stdout()))
    }

    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.0.status.code(), Some(code), "stdout: {}\nstderr: {}", self.stdout(), self.stderr());
        self
    }

    #[track_caller]
    pub(crate) fn success(self) -> Self {
        self.exits(0)
    }

    #[track_caller]
    pub(crate) fn says(self, words: &str) -> Self {
        assert!(self.stderr().contains(words), "{words:?} is not in: {}", self.stderr());
        self
    }
}

/// Reports that something cannot be tested on this machine. Bypasses libtest, which hides the output of passing tests.
pub(crate) fn not_tested(what: &str) {
    std::io::stderr().write_all(format!("NOT TESTED: {what}\n").as_bytes()).unwrap();
}

/// Copies a folder recursively.
pub(crate) fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// A file of the project's sample photos, by name below `data/`.
pub(crate) fn sample(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("data").join(name);
    assert!(path.exists(), "{} is missing", path.display());
    path
}

/// All sample photos of the project in the order of their names, each name unique: `<kind>_<file>` or `<altered copy>`.
pub(crate) fn all_samples() -> Vec<PathBuf> {
    static COPIES: OnceLock<Vec<PathBuf>> = OnceLock::new();
    COPIES.get_or_init(copy_samples).clone()
}

fn copy_samples() -> Vec<PathBuf> {
    // File names repeat between the folders of samples, so each copy gets a unique name.
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("samples");
    std::fs::create_dir_all(&folder).unwrap();
    let mut photos = Vec::new();
    for kind in folders_in(&sample("photos")).iter().chain([&sample("altered")]) {
        for photo in files_in(kind) {
            let file = photo.file_name().unwrap().to_str().unwrap();
            let unique = match kind.file_name().unwrap().to_str().unwrap() {
                "altered" => folder.join(file),
                kind => folder.join(format!("{kind}_{file}")),
            };
            if !unique.exists() {
                // Tests run concurrently: a second one replaces the file by the same bytes.
                let unfinished = folder.join(format!("{}.{}", file, std::process::id()));
                std::fs::copy(&photo, &unfinished).unwrap();
                std::fs::rename(&unfinished, &unique).unwrap();
            }
            photos.push(unique);
        }
    }
    photos.sort();
    photos
}

/// `count` samples: the first of each kind, then the second of each, and so on.
pub(crate) fn samples(count: usize) -> Vec<PathBuf> {
    let all = all_samples();
    let named = |number: usize| {
        let ending = format!("_image_{number:04}.jpg");
        all.iter().filter(move |photo| photo.to_str().unwrap().ends_with(&ending)).cloned().collect::<Vec<_>>()
    };
    (1..=3).flat_map(named).take(count).collect()
}

fn folders_in(folder: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect()
}

fn files_in(folder: &Path) -> Vec<PathBuf> {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| path.extension().is_some_and(|extension| extension == "jpg")).collect()
}
