//! Rows "exported names" and, for the command line, "terminal escapes": a name in a vault may be anything.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use cipherlens::durable::IfLocked;
use cipherlens::vault::{Appended, Error, Extension, NewImage, Transaction};

use crate::support::scene::Ran;
use crate::support::vault_fixture::{Fixture, files, image, photo};

/// Names that no record can hold: they are not below a folder, or no names at all.
const NO_PATHS: [&str; 8] =
    ["../x.jpg", "../../../../../../etc/cron.d/x.jpg", "/abs/x.jpg", "a/../../b.jpg", "..", ".", "", "nul\0byte.jpg"];

/// Hostile names: escape sequences, devices, overlong ones.
pub(crate) fn hostile_names() -> Vec<String> {
    let mut names: Vec<String> = [
        ".bashrc",
        "-rf.jpg",
        "\\\\host\\share\\x.jpg",
        "..\\..\\x.jpg",
        "C:\\x.jpg",
        "NUL.jpg",
        "line\nbreak.jpg",
        "carriage\rreturn.jpg",
        "\u{1b}]52;c;ZXZpbA==\u{7}.jpg",
        "\u{1b}[2J\u{1b}[31mred.jpg",
        "\u{1b}Pq#0~\u{1b}\\.jpg",
        "\u{1b}_Gi=1;AAAA\u{1b}\\.jpg",
        "\u{9b}31mc1.jpg",
        "\u{9d}52;c;ZXZpbA==\u{9c}.jpg",
        "bell\u{7}backspace\u{8}\u{8}\u{8}.jpg",
        "gpj.\u{202e}exe.jpg",
        "trailing dots...",
        "\u{feff}bom.jpg",
        "zero\u{200b}width\u{2060}joined\u{200d}.jpg",
        "isolated\u{2066}\u{2069}and\u{202d}overridden.jpg",
        "tagged\u{e0041}\u{e007f}.jpg",
        "private\u{e000}\u{10eeee}.jpg",
        "line\u{2028}paragraph\u{2029}.jpg",
    ]
    .map(str::to_owned)
    .into();
    names.push(format!("{}.jpg", "x".repeat(300)));
    names.push("é".repeat(200));
    names.push(format!("stacked{}.jpg", "\u{301}".repeat(50)));
    names
}

fn named(mut image: NewImage, name: &str) -> NewImage {
    image.record.found_mut()[0].path = name.as_bytes().to_vec();
    image.record.media_type = Some("\u{1b}]0;owned\u{7}".to_owned());
    image
}

/// A vault whose photos have those names.
pub(crate) fn hostile_vault() -> Fixture {
    let fixture = Fixture::new();
    let vault = fixture.open();
    let mut transaction = Transaction::begin(&vault, IfLocked::Refuse).unwrap();
    for (number, name) in (0..).zip(hostile_names()) {
        let stored = transaction.store_photo(&photo(number), &Extension::of(Path::new("x.jpg"))).unwrap();
        let appended = transaction.append(named(image(stored, number), &name)).unwrap();
        assert!(matches!(appended, Appended::New(_)));
    }
    drop(transaction.commit().unwrap());
    fs::write(fixture.beside("passphrase"), "correct").unwrap();
    fixture
}

fn run(fixture: &Fixture, arguments: &[&str]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cipherlens"));
    command.arg("--passphrase-file").arg(fixture.beside("passphrase")).arg("--vault").arg(fixture.root());
    command.args(arguments).env_clear().env("HOME", fixture.beside("home"));
    Ran(command.output().unwrap())
}

#[test]
fn a_name_that_is_no_path_is_not_stored() {
    let fixture = Fixture::new();
    let vault = fixture.open();
    let before = files(&fixture.root());
    for name in NO_PATHS {
        let mut transaction = Transaction::begin(&vault, IfLocked::Refuse).unwrap();
        let stored = transaction.store_photo(&photo(1), &Extension::of(Path::new("x.jpg"))).unwrap();
        let outcome = transaction.append(named(image(stored, 1), name)).and_then(|_| transaction.commit());
        assert!(matches!(outcome, Err(Error::NotAPath)), "{name:?}");
        assert!(files(&fixture.root()) == before, "{name:?}");
    }
}

#[test]
fn exports_stay_in_their_folder_readable_by_their_owner_alone_and_overwrite_nothing() {
    let fixture = hostile_vault();
    let out = fixture.beside("deep/inside/out");
    let count = hostile_names().len();
    for _ in 0..2 {
        run(&fixture, &["export", "--all", out.to_str().unwrap()]).success();
    }
    let outside =
        fs::read_dir(fixture.beside("deep/inside")).unwrap().chain(fs::read_dir(fixture.beside("deep")).unwrap());
    assert_eq!(outside.count(), 2, "nothing left the folder");
    let mut contents: Vec<Vec<u8>> = Vec::new();
    for entry in fs::read_dir(&out).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        assert!(entry.file_type().unwrap().is_file(), "{name:?}");
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{name:?}");
        let is_plain = |c: char| c.is_alphanumeric() || c.is_ascii_graphic() || matches!(c, ' ' | '\u{301}');
        assert!(name.chars().all(is_plain) && !name.contains(&"\u{301}".repeat(5)), "{name:?}");
        assert!(!name.starts_with('.') && name.len() <= 255, "{name:?}");
        contents.push(fs::read(entry.path()).unwrap());
    }
    contents.sort();
    let mut expected: Vec<Vec<u8>> = (0..count as u32).map(photo).collect();
    expected.sort();
    assert!(contents == expected, "each photo once: the second export must recognise the numbered files");
}
