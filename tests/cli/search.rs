//! `search`: the encrypted ranking is the plain ranking; thresholds, `--top`, `--id`, `--export` do what they say.

use std::collections::{HashMap, HashSet};
use std::fs;

use serde_json::Value;

use crate::scene::{Scene, all_samples, samples};

/// Scores are rounded to four decimals after an error of at most 1.7e-4.
const TOLERANCE: f64 = 2e-4;

fn scores(found: &Value) -> Vec<(String, f64)> {
    let matches = found["matches"].as_array().unwrap();
    matches.iter().map(|hit| (hit["name"].as_str().unwrap().to_owned(), hit["score"].as_f64().unwrap())).collect()
}

#[test]
fn the_encrypted_ranking_is_the_plain_ranking_on_every_sample_photo() {
    let photos = all_samples();
    assert!(photos.len() >= 100);
    let scene = Scene::with_photos(&photos);
    let lines = scene.run_with(&["features", "--json"], &photos).success().stdout();
    let plain: HashMap<String, Vec<f64>> = lines
        .lines()
        .map(|line| {
            let value: Value = serde_json::from_str(line).unwrap();
            let path = std::path::Path::new(value["path"].as_str().unwrap());
            let vector = value["features"].as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect();
            (path.file_name().unwrap().to_str().unwrap().to_owned(), vector)
        })
        .collect();
    assert_eq!(plain.len(), photos.len(), "sample names are unique");
    for photo in &photos {
        let name = photo.file_name().unwrap().to_str().unwrap();
        let query = &plain[name];
        let cosine = |other: &str| -> f64 { query.iter().zip(&plain[other]).map(|(left, right)| left * right).sum() };
        let mut expected: Vec<f64> = plain.keys().map(|other| cosine(other)).collect();
        expected.sort_by(|left, right| right.total_cmp(left));
        let found = scene.run_with(&["search", "--json", "--threshold", "-1", "--top", "10"], [photo]).success().json();
        let found = scores(&found);
        assert_eq!(found.len(), 10);
        assert_eq!(found[0].0, name, "a photo is most like itself");
        for (rank, (other, score)) in found.iter().enumerate() {
            assert!((score - cosine(other)).abs() <= TOLERANCE, "{name} and {other}: {score} is not {}", cosine(other));
            // The same photo in each rank, or one that ties with it within the error of both.
            let difference = (cosine(other) - expected[rank]).abs();
            assert!(difference <= 2.0 * TOLERANCE, "rank {rank} of {name} is {other}, off by {difference}");
        }
    }
}

#[test]
fn thresholds_and_top_choose_and_when_nothing_matches_the_nearest_are_named() {
    let photos = samples(12);
    let scene = Scene::with_photos(&photos);
    let all = scene.run_with(&["search", "--json", "--threshold", "-1"], [&photos[0]]).success().json();
    assert_eq!(all["matches"].as_array().unwrap().len(), 12);
    let timing = &all["timing_ms"];
    for step in ["features", "encrypt", "scan", "decrypt"] {
        assert!(timing[step].as_f64().unwrap() >= 0.0, "{timing}");
    }
    // Each search draws fresh noise, so a threshold must lie further from the scores than two errors.
    let ranked = scores(&all);
    let gap = (1..12).find(|&rank| ranked[rank - 1].1 - ranked[rank].1 > 8.0 * TOLERANCE).unwrap();
    let threshold = f64::midpoint(ranked[gap - 1].1, ranked[gap].1);
    let some =
        scene.run_with(&["search", "--json", "--threshold", &format!("{threshold}")], [&photos[0]]).success().json();
    let names = |found: &[(String, f64)]| found.iter().map(|(name, _)| name.clone()).collect::<HashSet<_>>();
    assert_eq!(names(&scores(&some)), names(&ranked[..gap]));
    let query = all_samples().into_iter().find(|photo| !photos.contains(photo)).unwrap();
    let ran = scene.run_with(&["search", "--threshold", "1"], [&query]).success();
    assert!(ran.stdout().contains("--threshold"), "the hint to lower it: {}", ran.stdout());
    scene.run_with(&["search", "--threshold", "80"], [&query]).exits(64);
}

#[test]
fn more_like_this_needs_no_file_and_matches_are_exported() {
    let photos = samples(8);
    let scene = Scene::with_photos(&photos);
    let list = scene.run(["list", "--json"]).success().json();
    let id = list[0]["id"].as_str().unwrap();
    let out = scene.path("out");
    let ran = scene.run([
        "search",
        "--json",
        "--threshold",
        "-1",
        "--top",
        "3",
        "--id",
        id,
        "--export",
        out.to_str().unwrap(),
    ]);
    let found = ran.success().json();
    assert_eq!(found["matches"][0]["id"], id);
    assert!(found["matches"][0]["score"].as_f64().unwrap() > 0.999);
    assert_eq!(fs::read_dir(&out).unwrap().count(), 3);
}

#[test]
fn an_altered_copy_is_found_at_the_default_threshold() {
    let photos = all_samples();
    let altered = photos.iter().find(|photo| photo.to_str().unwrap().contains("recompressed")).unwrap();
    let rest: Vec<_> = photos.iter().filter(|photo| *photo != altered).take(110).collect();
    let scene = Scene::with_photos(&rest);
    let found = scene.run_with(&["search", "--json"], [altered]).success().json();
    assert!(!scores(&found).is_empty(), "{found}");
    assert_eq!(found["threshold"], 0.8);
}
