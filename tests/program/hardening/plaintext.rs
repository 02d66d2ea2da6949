//! Row "plaintext on disk": traces every file that the program opens for writing while photos are added, searched and
//! shown, and searches the disk for plaintext.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::support::scene::{Ran, Scene, samples};
use crate::support::tracer;
use crate::support::tracer::{End, Fate, Kind};

/// Canaries in the name of the photo's file and in its metadata.
const NAME: &str = "canary-in-the-name";
const DESCRIPTION: &str = "canary in the metadata";

/// A JPEG with [`DESCRIPTION`] as its ImageDescription (Exif 2.32, tag 0x010E).
fn described(jpeg: &[u8]) -> Vec<u8> {
    let text = [DESCRIPTION.as_bytes(), b"\0"].concat();
    let block = [b"II*\0\x08\0\0\0\x01\0\x0e\x01\x02\0", &(text.len() as u32).to_le_bytes()[..], b"\x1a\0\0\0\0\0\0\0"];
    let segment = [b"Exif\0\0", &block.concat()[..], &text].concat();
    let length = (segment.len() as u16 + 2).to_be_bytes();
    [&jpeg[..2], b"\xff\xe1", &length, &segment, &jpeg[2..]].concat()
}

/// Runs the program under the tracer. Returns what it printed, and every file that it opened for writing.
fn traced(scene: &Scene, command: Command) -> (String, BTreeSet<PathBuf>) {
    let outputs = tempfile::tempdir().unwrap();
    let mut command = command;
    let output = |name: &str| Stdio::from(fs::File::create(outputs.path().join(name)).unwrap());
    command.stdout(output("stdout")).stderr(output("stderr"));
    let mut opened = BTreeSet::new();
    let end = tracer::run(command, Path::new("/"), |call| {
        if matches!(call.kind, Kind::Create | Kind::Open | Kind::Rename | Kind::MakeDirectory) {
            opened.insert(call.path.clone());
        }
        Fate::Happens
    });
    let said = |name: &str| fs::read_to_string(outputs.path().join(name)).unwrap();
    assert_eq!(end, End::Exit(0), "{}", said("stderr"));
    // Files may be written only in the vault and in the program's own folders.
    let allowed = [scene.vault(), scene.path("home/.local"), scene.path("home/.cache"), scene.path("home/.config")];
    for path in &opened {
        let is_device = path.starts_with("/dev") || path.starts_with("/proc");
        let makes_way = allowed.iter().any(|allowed| allowed.starts_with(path));
        assert!(
            is_device || makes_way || allowed.iter().any(|allowed| path.starts_with(allowed)),
            "{}",
            path.display()
        );
    }
    (said("stdout"), opened)
}

#[test]
fn plaintext_is_written_only_by_an_export() {
    let scene = Scene::with_vault();
    let source = scene.path("source");
    fs::create_dir(&source).unwrap();
    let photo = source.join(format!("{NAME}.jpg"));
    fs::write(&photo, described(&fs::read(&samples(1)[0]).unwrap())).unwrap();

    let (_, opened) = traced(&scene, scene.command_with(&["add"], [&photo]));
    let of_vault = opened.iter().filter(|path| path.starts_with(scene.vault())).count();
    assert!(of_vault >= 8, "the trace sees what the program writes: {opened:?}");
    let (listed, _) = traced(&scene, scene.command(["list", "--json"]));
    let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
    assert_eq!(listed[0]["name"], format!("{NAME}.jpg"));
    let id = listed[0]["id"].as_str().unwrap();
    traced(&scene, scene.command_with(&["search", "--threshold", "-1"], [&photo]));
    traced(&scene, scene.command(["search", "--threshold", "-1", "--id", id]));
    traced(&scene, scene.command(["show", "--preview", "halfblocks", id]));
    traced(&scene, scene.command(["check"]));

    let bytes = fs::read(&photo).unwrap();
    let features = scene.run_with(&["features", "--json", "--dimension", "2048"], [&photo]).success().json();
    let features: Vec<f32> =
        features["features"].as_array().unwrap().iter().map(|number| number.as_f64().unwrap() as f32).collect();
    let largest = (0..features.len() - 4).max_by(|&x, &y| features[x].total_cmp(&features[y])).unwrap();
    let components: Vec<u8> = features[largest..largest + 4].iter().flat_map(|number| number.to_le_bytes()).collect();
    let middle = bytes.len() / 2;
    let needles = [
        ("its name", NAME.as_bytes().to_vec()),
        ("its metadata", DESCRIPTION.as_bytes().to_vec()),
        ("its pixels", bytes[middle..middle + 32].to_vec()),
        ("its features", components),
    ];
    let finder = |folder: &Path| {
        let mut found = Vec::new();
        for entry in walkdir::WalkDir::new(folder).into_iter().map(Result::unwrap) {
            if entry.path().starts_with(&source) {
                continue;
            }
            let mut content = entry.file_name().as_encoded_bytes().to_vec();
            if entry.file_type().is_file() {
                content.extend(fs::read(entry.path()).unwrap());
            }
            for (what, needle) in &needles {
                if content.windows(needle.len()).any(|window| window == needle) {
                    found.push((*what, entry.path().to_owned()));
                }
            }
        }
        found
    };
    assert_eq!(finder(&scene.path("")), [], "readable on the disk");

    // The control: the same search finds exported plaintext.
    let out = scene.path("out");
    Ran(scene.command_with(&["export", "--all"], [&out]).output().unwrap()).success();
    fs::write(scene.path("features"), &needles[3].1).unwrap();
    let mut found: Vec<_> = finder(&scene.path("")).into_iter().map(|(what, _)| what).collect();
    found.sort_unstable();
    assert_eq!(found, ["its features", "its metadata", "its name", "its pixels"]);
}
