//! The real program: `cipherlens features` and `cipherlens demo`.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use cipherlens::features::{Limits, NETWORKS, Photo, Precision, WeightsSource, Workload};

use crate::support::scene::sample;

fn cipherlens(directory: &Path, arguments: &[&std::ffi::OsStr]) -> Output {
    let home = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_cipherlens"));
    command.env_clear().env("HOME", home.path()).current_dir(directory).args(arguments);
    command.output().unwrap()
}

fn features(directory: &Path, arguments: &[&str]) -> Output {
    let arguments: Vec<_> = [&["features"], arguments].concat().into_iter().map(AsRef::as_ref).collect();
    cipherlens(directory, &arguments)
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn photo(name: &str) -> PathBuf {
    sample("photos").join(name)
}

/// The vectors that the library computes for the same photos.
fn vectors(names: &[&str], dimension: usize) -> Vec<Vec<f32>> {
    let weights = WeightsSource::Standard { directory: Path::new("models") };
    let embedder = NETWORKS[0].load(weights, dimension, Precision::F32, Workload::Many).unwrap();
    let prepare = |name: &&str| {
        let file = std::fs::read(photo(name)).unwrap();
        embedder.prepare(&Photo::decode(&file, None, Limits::default()).unwrap()).unwrap()
    };
    let photos: Vec<_> = names.iter().map(prepare).collect();
    let photos: Vec<_> = photos.iter().collect();
    embedder.embed(&photos).unwrap().iter().map(|vector| vector.as_slice().to_vec()).collect()
}

#[test]
fn json_is_one_line_a_photo_in_the_order_given() {
    let names = ["watch/image_0002.jpg", "butterfly/image_0001.jpg"];
    for (flags, dimension) in [(&[][..], 512), (&["--dimension", "512"], 512), (&["--dimension", "2048"], 2048)] {
        let output = features(&sample("photos"), &[flags, &["--json", names[0], names[1]]].concat());
        assert!(output.status.success(), "{}", text(&output.stderr));
        assert!(output.stderr.is_empty());
        let lines: Vec<serde_json::Value> =
            text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 2);
        for ((line, name), vector) in lines.iter().zip(names).zip(vectors(&names, dimension)) {
            assert_eq!(line.as_object().unwrap().len(), 2, "path and features");
            assert_eq!(line["path"], name);
            let printed: Vec<f32> = serde_json::from_value(line["features"].clone()).unwrap();
            assert_eq!(printed.len(), dimension);
            let product = |left: &[f32], right: &[f32]| -> f32 { left.iter().zip(right).map(|(l, r)| l * r).sum() };
            assert!((product(&printed, &printed) - 1.0).abs() < 1e-5, "{name}");
            assert!((product(&printed, &vector) - 1.0).abs() < 1e-5, "{name}");
        }
    }
}

#[test]
fn the_summary_names_the_feature_of_largest_magnitude() {
    let name = "butterfly/image_0001.jpg";
    for dimension in [512, 2048] {
        let output = features(&sample("photos"), &["--dimension", &dimension.to_string(), name]);
        assert!(output.status.success(), "{}", text(&output.stderr));
        let vector = &vectors(&[name], dimension)[0];
        let strongest = (0..dimension).max_by(|left, right| vector[*left].abs().total_cmp(&vector[*right].abs()));
        let strongest = strongest.unwrap();
        let value = vector[strongest];
        assert_eq!(text(&output.stdout), format!("{name}: {dimension} features, strongest {strongest} ({value:.4})\n"));
    }
}

#[test]
fn another_dimension_is_a_usage_error_that_lists_those_that_exist() {
    for other in ["300", "0", "512.0", "many"] {
        let output = features(&sample("photos"), &["--dimension", other, "pizza/image_0001.jpg"]);
        assert_eq!(output.status.code(), Some(64), "{other}");
        assert!(output.stdout.is_empty());
        let errors = text(&output.stderr);
        assert!(errors.contains("512, 2048"), "{other}: {errors}");
    }
}

#[test]
fn a_copy_of_the_built_in_weights_gives_both_dimensions() {
    let weights = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/resnet50.safetensors");
    for dimension in ["512", "2048"] {
        let arguments = ["--weights", weights.to_str().unwrap(), "--dimension", dimension, "pizza/image_0001.jpg"];
        let output = features(&sample("photos"), &arguments);
        assert!(output.status.success(), "{}", text(&output.stderr));
        assert!(text(&output.stdout).contains(&format!(": {dimension} features, ")), "{}", text(&output.stdout));
    }
}

#[test]
fn a_photo_that_fails_is_named_and_the_others_are_printed() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::copy(photo("pizza/image_0001.jpg"), directory.path().join("good.jpg")).unwrap();
    std::fs::write(directory.path().join("bad.jpg"), b"no photo").unwrap();
    let output = features(directory.path(), &["absent.jpg", "bad.jpg", "good.jpg"]);
    assert_eq!(output.status.code(), Some(1));
    let (printed, errors) = (text(&output.stdout), text(&output.stderr));
    assert!(printed.starts_with("good.jpg: ") && printed.lines().count() == 1, "{printed}");
    let errors: Vec<_> = errors.lines().collect();
    assert_eq!(errors.len(), 2, "{errors:?}");
    assert!(errors[0].starts_with("cipherlens: absent.jpg: "), "{errors:?}");
    assert!(errors[1].starts_with("cipherlens: bad.jpg: not a photo"), "{errors:?}");
}

#[cfg(unix)]
#[test]
fn control_characters_in_names_are_not_printed() {
    use std::os::unix::ffi::OsStrExt;
    let directory = tempfile::tempdir().unwrap();
    let name = std::ffi::OsStr::from_bytes(b"\x1b[31m\xff.jpg");
    std::fs::copy(photo("pizza/image_0001.jpg"), directory.path().join(name)).unwrap();
    for (flags, expected) in
        [(None, "\u{fffd}[31m\u{fffd}.jpg: "), (Some("--json"), "{\"path\":\"\\u001b[31m\u{fffd}.jpg\"")]
    {
        let mut arguments = vec![std::ffi::OsStr::new("features"), name];
        arguments.extend(flags.map(std::ffi::OsStr::new));
        let output = cipherlens(directory.path(), &arguments);
        assert!(output.status.success(), "{}", text(&output.stderr));
        assert!(text(&output.stdout).starts_with(expected), "{:.80}", text(&output.stdout));
    }
}

#[test]
fn weights_that_do_not_fit_end_the_command() {
    let weights = Path::new(env!("CARGO_MANIFEST_DIR")).join("crates/features/tests/data/torchvision/few.pth");
    let photo = photo("pizza/image_0001.jpg");
    let output = features(&sample("photos"), &["--weights", weights.to_str().unwrap(), photo.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("bn1.weight"), "{}", text(&output.stderr));
    assert!(output.stdout.is_empty());
}

#[test]
fn no_photo_is_a_usage_error() {
    assert_eq!(features(&sample("photos"), &[]).status.code(), Some(64));
}

#[test]
fn the_help_says_the_output_is_plaintext_and_gives_an_example() {
    let output = features(&sample("photos"), &["--help"]);
    assert!(output.status.success());
    let help = text(&output.stdout);
    assert!(help.contains("unencrypted") && help.contains("plaintext"), "{help}");
    assert!(help.contains("Example:\n  cipherlens features "), "{help}");
}

#[test]
fn the_demo_runs_anywhere_and_finds_the_originals_of_altered_copies() {
    let empty = tempfile::tempdir().unwrap();
    let output = cipherlens(empty.path(), &["demo".as_ref()]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let lines: Vec<_> = text(&output.stdout).lines().collect();
    let best: Vec<_> = lines.iter().zip(&lines[1..]).filter(|(title, _)| title.trim().starts_with("score")).collect();
    let originals = ["flamingo_image_0006.jpg", "elephant_image_0002.jpg", "sunflower_image_0003.jpg"];
    assert_eq!(best.len(), originals.len(), "{lines:?}");
    for ((_, first), original) in best.into_iter().zip(originals) {
        assert!(first.contains(original), "{original} is not the best: {first}");
    }
    assert_eq!(std::fs::read_dir(empty.path()).unwrap().count(), 0, "the demo left files behind");
}
