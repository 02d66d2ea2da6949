//! A user with a home folder, photos and a vault; and the real program started there in a terminal that the test plays.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use image::{Rgb, RgbImage};
use tempfile::TempDir;

use crate::support::pseudo_terminal::{Kind, PseudoTerminal, Start};

pub(crate) const PASSPHRASE: &str = "correct horse battery staple";

/// A user with an empty home folder.
pub(crate) struct User {
    home: TempDir,
}

impl User {
    pub(crate) fn new() -> Self {
        Self { home: tempfile::tempdir().unwrap() }
    }

    /// A user with an empty vault of the lowest passphrase cost.
    pub(crate) fn with_vault() -> Self {
        let user = Self::new();
        std::fs::write(user.path("passphrase"), PASSPHRASE).unwrap();
        let vault = user.path("photos.vault").to_string_lossy().into_owned();
        user.run(&["init", "--argon2-memory-mib", "19", "--argon2-passes", "1", &vault]);
        user
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// The home folder.
    #[cfg(unix)]
    pub(crate) fn into_home(self) -> TempDir {
        self.home
    }

    /// Runs a command of the program without a terminal and returns its output.
    pub(crate) fn run(&self, arguments: &[&str]) -> String {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cipherlens"));
        command.arg("--passphrase-file").arg(self.path("passphrase")).args(arguments).stdin(Stdio::null());
        command.env_clear().env("HOME", self.home.path()).env("TMPDIR", self.home.path());
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Makes a folder of three photo-like images: smooth areas, edges and noise.
    pub(crate) fn take_photos(&self) -> PathBuf {
        let folder = self.path("photos");
        std::fs::create_dir(&folder).unwrap();
        for number in 0..3_u32 {
            let mut noise = number + 1;
            let photo = RgbImage::from_fn(1600, 1200, |x, y| {
                noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let grain = (noise >> 27) as u8;
                let edge = if (x / 200 + y / 150 + number) % 2 == 0 { 60 } else { 0 };
                Rgb([(x * 140 / 1600) as u8 + grain + edge, (y * 140 / 1200) as u8 + grain, 90 + grain + edge])
            });
            photo.save(folder.join(format!("photo_{number}.jpg"))).unwrap();
        }
        folder
    }

    /// Starts the application. Keys can be typed when this returns.
    pub(crate) fn start(self, kind: Kind, arguments: &[&str], environment: &[(&str, &str)]) -> PseudoTerminal {
        let start = Start { kind, columns: 120, rows: 36, arguments, environment };
        let mut terminal = PseudoTerminal::start_in(self.home, &start);
        terminal.until_answered();
        terminal
    }

    /// Starts the application with the vault of [`Self::with_vault`], its passphrase, and a folder to show. Keys can be
    /// typed when this returns.
    pub(crate) fn start_unlocked(self, kind: Kind, folder: &Path, environment: &[(&str, &str)]) -> PseudoTerminal {
        let arguments = self.arguments(folder);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        self.start(kind, &arguments, environment)
    }

    /// Arguments for the vault of [`Self::with_vault`], its passphrase, and a folder to show.
    pub(crate) fn arguments(&self, folder: &Path) -> Vec<String> {
        let text = |path: PathBuf| path.to_string_lossy().into_owned();
        let (vault, passphrase) = (text(self.path("photos.vault")), text(self.path("passphrase")));
        ["--vault", &vault, "--passphrase-file", &passphrase, "--folder", &text(folder.to_owned())]
            .map(str::to_owned)
            .into()
    }

    /// Starts the application with a limit on the size of files. Keys can be typed when this returns.
    #[cfg(target_os = "linux")]
    pub(crate) fn start_on_full_disk(self, arguments: &[&str]) -> PseudoTerminal {
        let program = [env!("CARGO_BIN_EXE_cipherlens")];
        let arguments = [&crate::support::full_disk::SMALL_FILES[..], &program, arguments].concat();
        let start = Start { kind: Kind::Silent, columns: 120, rows: 36, arguments: &arguments, environment: &[] };
        let mut terminal = PseudoTerminal::start_program(Path::new("/bin/sh"), self.home, &start);
        terminal.until_answered();
        terminal
    }

    /// Starts the application, skips the lock screen and waits until `name` is listed in `folder`.
    pub(crate) fn browse(
        self,
        kind: Kind,
        folder: &Path,
        name: &str,
        more: &[&str],
        environment: &[(&str, &str)],
    ) -> PseudoTerminal {
        let folder = folder.to_string_lossy().into_owned();
        let arguments: Vec<&str> = more.iter().copied().chain(["--folder", folder.as_str()]).collect();
        let mut terminal = self.start(kind, &arguments, environment);
        terminal.keys("\x1b");
        terminal.until_screen(name);
        terminal
    }
}

/// A file or folder of the project's sample photos.
pub(crate) fn sample(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("data").join(name);
    assert!(path.exists(), "{} is missing", path.display());
    path
}
