//! A user's machine in a temporary folder: own home, a vault, a passphrase file, and the real binary.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use tempfile::TempDir;

/// The cheapest key derivation that the program accepts: tests run the real code, only faster.
pub const CHEAPEST: [&str; 4] = ["--argon2-memory-mib", "19", "--argon2-passes", "1"];

pub struct Scene {
    folder: TempDir,
}

impl Scene {
    /// A machine on which nothing was done yet.
    pub fn new() -> Self {
        let scene = Self { folder: tempfile::tempdir().unwrap() };
        std::fs::write(scene.passphrase_file(), "correct horse battery staple\n").unwrap();
        scene
    }

    /// A machine with an empty vault.
    pub fn with_vault() -> Self {
        let scene = Self::new();
        scene.run(["init"].iter().chain(&CHEAPEST).map(OsStr::new).chain([scene.vault().as_os_str()])).success();
        scene
    }

    /// A machine with a vault that holds `photos`.
    pub fn with_photos<P: AsRef<Path>>(photos: &[P]) -> Self {
        let scene = Self::with_vault();
        scene
            .run([OsStr::new("add")].into_iter().chain(photos.iter().map(|photo| photo.as_ref().as_os_str())))
            .success();
        scene
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn vault(&self) -> PathBuf {
        self.path("photos.vault")
    }

    pub fn passphrase_file(&self) -> PathBuf {
        self.path("passphrase")
    }

    /// The real binary with this machine's home, vault and passphrase, and no terminal.
    pub fn command<I: IntoIterator<Item = A>, A: AsRef<OsStr>>(&self, arguments: I) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cipherlens"));
        command.args(arguments).stdin(Stdio::null()).env_clear();
        command.env("HOME", self.path("home")).env("TMPDIR", self.folder.path());
        command.env("CIPHERLENS_VAULT", self.vault()).arg("--passphrase-file").arg(self.passphrase_file());
        command
    }

    /// The same with file names behind the arguments.
    pub fn command_with<I: IntoIterator<Item = A>, A: AsRef<Path>>(&self, arguments: &[&str], files: I) -> Command {
        let mut command = self.command(arguments);
        for file in files {
            command.arg(file.as_ref());
        }
        command
    }

    pub fn run_with<I: IntoIterator<Item = A>, A: AsRef<Path>>(&self, arguments: &[&str], files: I) -> Ran {
        Ran(self.command_with(arguments, files).output().unwrap())
    }

    pub fn run<I: IntoIterator<Item = A>, A: AsRef<OsStr>>(&self, arguments: I) -> Ran {
        Ran(self.command(arguments).output().unwrap())
    }
}

/// What a finished run left: exit code and both outputs.
pub struct Ran(pub Output);

impl Ran {
    pub fn stdout(&self) -> String {
        String::from_utf8_lossy(&self.0.stdout).into_owned()
    }

    pub fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.0.stderr).into_owned()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.0.stdout).unwrap_or_else(|error| panic!("{error}: {}", self.stdout()))
    }

    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.0.status.code(), Some(code), "stdout: {}\nstderr: {}", self.stdout(), self.stderr());
        self
    }

    #[track_caller]
    pub fn success(self) -> Self {
        self.exits(0)
    }

    #[track_caller]
    pub fn says(self, words: &str) -> Self {
        assert!(self.stderr().contains(words), "{words:?} is not in: {}", self.stderr());
        self
    }
}

/// A file of the project's sample photos, by name below `data/`.
pub fn sample(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("data").join(name);
    assert!(path.exists(), "{} is missing", path.display());
    path
}

/// All sample photos of the project in the order of their names, each name unique: `<kind>_<file>` or `<altered copy>`.
pub fn all_samples() -> Vec<PathBuf> {
    static COPIES: OnceLock<Vec<PathBuf>> = OnceLock::new();
    COPIES.get_or_init(copy_samples).clone()
}

fn copy_samples() -> Vec<PathBuf> {
    // The samples are told apart by folder; a vault tells photos apart by name, so here they get names of their own.
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
                // Tests run side by side: whoever comes second replaces the same bytes.
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

/// The first sample of each of `count` kinds, and then the second of each.
pub fn samples(count: usize) -> Vec<PathBuf> {
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
