//! `search`: the encrypted ranking equals the plain ranking; thresholds, `--top`, `--id` and `--export` work.

use std::collections::{HashMap, HashSet};
use std::fs;

use serde_json::Value;

use crate::support::scene::{Scene, all_samples, samples};

/// Six standard deviations of the noise, and the rounding to three decimals.
const TOLERANCE: f64 = 3e-3;

fn scores(found: &Value) -> Vec<(String, f64)> {
    let matches = found["matches"].as_array().unwrap();
    matches.iter().map(|hit| (hit["name"].as_str().unwrap().to_owned(), hit["score"].as_f64().unwrap())).collect()
}

#[test]
fn the_encrypted_ranking_of_all_sample_photos_is_the_plain_ranking() {
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
    // Every third photo as the query, because each search is a process of its own.
    for photo in photos.iter().step_by(3) {
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
            // Each rank has the same photo, or one whose score is equal within the error of both.
            let difference = (cosine(other) - expected[rank]).abs();
            assert!(difference <= 2.0 * TOLERANCE, "rank {rank} of {name} is {other}, off by {difference}");
        }
    }
}

#[test]
fn threshold_and_top_limit_the_list_and_without_matches_the_nearest_are_listed() {
    let photos = samples(12);
    let scene = Scene::with_photos(&photos);
    let all = scene.run_with(&["search", "--json", "--threshold", "-1"], [&photos[0]]).success().json();
    assert_eq!(all["matches"].as_array().unwrap().len(), 12);
    let timing = &all["timing_ms"];
    for step in ["features", "encrypt", "scan", "decrypt"] {
        assert!(timing[step].as_f64().unwrap() >= 0.0, "{timing}");
    }
    // Each search has fresh noise, so a threshold must differ from the scores by more than the noise.
    let ranked = scores(&all);
    let gap = (1..12).find(|&rank| ranked[rank - 1].1 - ranked[rank].1 > 2.0 * TOLERANCE).unwrap();
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
    assert!(found["matches"][0]["score"].as_f64().unwrap() > 0.997);
    assert_eq!(fs::read_dir(&out).unwrap().count(), 3);
}

#[test]
fn an_altered_copy_is_found_at_the_default_threshold() {
    let photos = all_samples();
    let altered = photos.iter().find(|photo| photo.ends_with("flamingo_image_0006_recompressed.jpg")).unwrap();
    let rest: Vec<_> = photos.iter().filter(|photo| *photo != altered).take(110).collect();
    let scene = Scene::with_photos(&rest);
    let found = scene.run_with(&["search", "--json"], [altered]).success().json();
    assert_eq!(found["matches"][0]["name"], "flamingo_image_0006.jpg", "{found}");
    assert_eq!(found["threshold"], 0.8);
}

#[test]
fn the_best_are_listed_without_the_query_which_is_reported_separately() {
    let photos: Vec<_> = all_samples().into_iter().take(60).collect();
    let scene = Scene::with_photos(&photos);
    let name = photos[0].file_name().unwrap().to_str().unwrap();
    let found = scene.run_with(&["search", "--json"], &photos[..1]).success().json();
    let rows = |key: &str| found[key].as_array().unwrap().clone();
    let (matches, nearest) = (rows("matches"), rows("nearest"));
    assert_eq!((matches.len() + nearest.len(), found["compared"].as_u64()), (50, Some(60)));
    assert_eq!(found["reached"], matches.len());
    assert_eq!(found["query_in_vault"]["name"], name);
    assert_eq!(found["query_in_vault"]["is_query"], true);
    for (row, reaches) in matches.iter().map(|row| (row, true)).chain(nearest.iter().map(|row| (row, false))) {
        assert_ne!(row["name"], name);
        assert_eq!((&row["reaches_threshold"], &row["is_query"]), (&reaches.into(), &false.into()));
        assert_eq!(row["score"].as_f64().unwrap() >= 0.8, reaches, "{row}");
    }
    let scores: Vec<f64> = matches.iter().chain(&nearest).map(|row| row["score"].as_f64().unwrap()).collect();
    assert!(scores.is_sorted_by(|left, right| left >= right), "{scores:?}");

    // The same with the stored photo as the query, and with a copy under another name.
    let id = found["query_in_vault"]["id"].as_str().unwrap();
    let from_within = scene.run(["search", "--json", "--id", id]).success().json();
    assert_eq!(from_within["query_in_vault"]["id"], id);
    assert_eq!(from_within["matches"].as_array().unwrap().len(), matches.len());
    let copy = scene.path("copy.jpg");
    fs::copy(&photos[0], &copy).unwrap();
    let found = scene.run_with(&["search", "--json"], [&copy]).success().json();
    assert_eq!(found["query_in_vault"]["id"], id);

    // Nothing is left out for a photo that is not in the vault, or with an explicit threshold.
    let other = all_samples().into_iter().find(|photo| !photos.contains(photo)).unwrap();
    let found = scene.run_with(&["search", "--json"], [&other]).success().json();
    assert!(found["query_in_vault"].is_null(), "{found}");
    let found = scene.run_with(&["search", "--json", "--threshold", "0.8"], &photos[..1]).success().json();
    assert_eq!((&found["matches"][0]["name"], &found["matches"][0]["is_query"]), (&name.into(), &true.into()));
    assert_eq!(found["matches"].as_array().unwrap().len(), matches.len() + 1);
    assert!(found["nearest"].as_array().unwrap().is_empty());
}

#[test]
fn matches_are_marked_and_a_line_divides_them_from_the_nearest() {
    let photos = samples(12);
    let scene = Scene::with_photos(&photos);
    let ranked = {
        let found = scene.run_with(&["search", "--json", "--top", "11"], &photos[..1]).success().json();
        let rows = ["matches", "nearest"].map(|key| found[key].as_array().unwrap().clone()).concat();
        rows.iter().map(|row| row["score"].as_f64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(ranked.len(), 11);
    let gap = (2..11).find(|&rank| ranked[rank - 1] - ranked[rank] > 8.0 * TOLERANCE).unwrap();
    fs::create_dir_all(scene.path("home/.config/cipherlens")).unwrap();
    let threshold = f64::midpoint(ranked[gap - 1], ranked[gap]);
    fs::write(scene.path("home/.config/cipherlens/config.toml"), format!("threshold = {threshold}\n")).unwrap();
    let text = scene.run_with(&["search"], &photos[..1]).success().stdout();
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with("The query is in the vault, not listed: "), "{text}");
    let divider = lines.iter().position(|line| line.starts_with("-------")).unwrap();
    let rows = &lines[2..];
    assert_eq!(divider, 2 + gap, "{text}");
    assert!(rows[..gap].iter().all(|row| row.starts_with('*')), "{text}");
    assert!(rows[gap + 1..11].iter().all(|row| row.starts_with(' ')), "{text}");
    assert!(text.contains(&format!("{gap} matches of 12 compared")), "{text}");

    // The first of more photos than are listed.
    let text = scene.run_with(&["search", "--top", "1"], &photos[..1]).success().stdout();
    assert!(text.contains(&format!("({} not listed)", gap - 1)), "{text}");
    scene.run_with(&["search", "--top", "0"], &photos[..1]).exits(64).says("--top");
    let other = all_samples().into_iter().find(|photo| !photos.contains(photo)).unwrap();
    let none = scene.run_with(&["search", "--json", "--threshold", "1", "--top", "1"], [&other]).success().json();
    assert_eq!((none["matches"].as_array().unwrap().len(), none["nearest"].as_array().unwrap().len()), (0, 1));
}
