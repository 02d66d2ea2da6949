//! A vault of ten thousand photos with thumbnails, made once and kept in a folder, for measuring.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use image::{Rgb, RgbImage};

use crate::tui::user::PASSPHRASE;

/// Photos in the vault.
pub(super) const PHOTOS: u32 = 10_000;
/// Photos that are not in it, for an indexing run: more than a measurement takes to index.
const NEW_PHOTOS: u32 = 2_000;
/// Photos of the smallest size that still fills a thumbnail.
const SIDES: (u32, u32) = (640, 480);

/// The folder with the vault and the photos.
pub(super) struct Collection {
    folder: PathBuf,
}

impl Collection {
    /// The collection in the folder that `CIPHERLENS_PACE` names, by default below `target`. Made if it is not there.
    pub(super) fn open() -> Self {
        let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/pace");
        let folder = std::env::var_os("CIPHERLENS_PACE").map_or(default, PathBuf::from);
        let collection = Self { folder };
        let done = collection.path("complete");
        if !done.exists() {
            collection.make();
            std::fs::write(done, "").unwrap();
        }
        collection
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub(super) fn vault(&self) -> PathBuf {
        self.path("photos.vault")
    }

    /// The photos of the vault.
    pub(super) fn photos(&self) -> PathBuf {
        self.path("photos")
    }

    /// Photos that the vault lacks.
    pub(super) fn new_photos(&self) -> PathBuf {
        self.path("new")
    }

    pub(super) fn passphrase_file(&self) -> PathBuf {
        self.path("passphrase")
    }

    fn make(&self) {
        let started = Instant::now();
        std::fs::create_dir_all(&self.folder).unwrap();
        std::fs::write(self.passphrase_file(), PASSPHRASE).unwrap();
        make_photos(&self.photos(), 0..PHOTOS);
        make_photos(&self.new_photos(), PHOTOS..PHOTOS + NEW_PHOTOS);
        println!("{} photos made in {:.0?}", PHOTOS + NEW_PHOTOS, started.elapsed());
        // What an interrupted attempt left.
        let _ = std::fs::remove_dir_all(self.vault());
        let vault = self.vault().to_string_lossy().into_owned();
        self.run(&["init", "--argon2-memory-mib", "19", "--argon2-passes", "1", &vault]);
        let started = Instant::now();
        self.run(&["--vault", &vault, "add", &self.photos().to_string_lossy()]);
        println!("{PHOTOS} photos added in {:.0?}", started.elapsed());
    }

    fn run(&self, arguments: &[&str]) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cipherlens"));
        command.arg("--passphrase-file").arg(self.passphrase_file()).args(arguments).stdin(Stdio::null());
        command.env_clear().env("HOME", &self.folder).env("TMPDIR", &self.folder);
        assert!(command.status().unwrap().success());
    }
}

/// Makes distinct photos, a few to a folder and an hour apart.
fn make_photos(folder: &Path, numbers: std::ops::Range<u32>) {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for first in 0..threads {
            let numbers = numbers.clone().skip(first).step_by(threads);
            scope.spawn(move || numbers.for_each(|number| make_photo(folder, number)));
        }
    });
}

fn make_photo(folder: &Path, number: u32) {
    let folder = folder.join(format!("day_{:03}", number / 50));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join(format!("photo_{number:05}.jpg"));
    if path.exists() {
        return;
    }
    let mut noise = number.wrapping_mul(2_654_435_769) | 1;
    let (step, tint) = (20 + number % 60, (number.wrapping_mul(40_503) >> 4) as u8 & 0x7f);
    let photo = RgbImage::from_fn(SIDES.0, SIDES.1, |x, y| {
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let grain = (noise >> 28) as u8;
        let edge = if (x / step + y / (step + number % 7) + number).is_multiple_of(2) { 60 } else { 0 };
        let fade = |at: u32, side: u32| (at * 60 / side) as u8;
        Rgb([tint + grain + edge, fade(y, SIDES.1) + grain + edge, fade(x, SIDES.0) + grain + 90 - tint / 2])
    });
    // A name of its own until it is complete.
    let unfinished = path.with_extension("part");
    photo.save_with_format(&unfinished, image::ImageFormat::Jpeg).unwrap();
    let taken = SystemTime::UNIX_EPOCH + Duration::from_hours(420_000 + u64::from(number) * 5);
    std::fs::File::options().append(true).open(&unfinished).unwrap().set_modified(taken).unwrap();
    std::fs::rename(unfinished, path).unwrap();
}
