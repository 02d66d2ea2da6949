//! What the program is made of: every dependency from crates.io with its checksum in `Cargo.lock`, and on this system under
//! a licence that `deny.toml` allows. `cargo deny check licenses bans sources` says the same of all systems at more length;
//! this needs nothing installed.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

fn project(file: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap()
}

#[test]
fn every_dependency_comes_from_the_registry_with_a_checksum() {
    let lock: toml::Table = project("Cargo.lock").parse().unwrap();
    let packages = lock["package"].as_array().unwrap();
    assert!(packages.len() > 100);
    for package in packages.iter().filter(|package| !package["name"].as_str().unwrap().starts_with("cipherlens")) {
        let source = package.get("source").and_then(toml::Value::as_str);
        assert_eq!(source, Some("registry+https://github.com/rust-lang/crates.io-index"), "{package}");
        assert_eq!(package["checksum"].as_str().map(str::len), Some(64), "{package}");
    }
}

/// Whether an SPDX expression lets us choose only licences that are allowed.
fn is_allowed(expression: &str, allowed: &BTreeSet<String>) -> bool {
    let expression = expression.replace('/', " OR ");
    let expression = expression.split_whitespace().collect::<Vec<_>>().join(" ");
    // The two shapes there are: alternatives, and a group of alternatives together with one more.
    expression
        .split(" AND ")
        .all(|part| part.trim_matches(['(', ')']).split(" OR ").any(|licence| allowed.contains(licence.trim())))
}

#[test]
fn every_licence_is_one_that_deny_toml_allows() {
    let deny: toml::Table = project("deny.toml").parse().unwrap();
    let allowed: BTreeSet<String> = deny["licenses"]["allow"]
        .as_array()
        .unwrap()
        .iter()
        .map(|licence| licence.as_str().unwrap().to_owned())
        .collect();
    assert!(!is_allowed("GPL-3.0-only", &allowed) && !is_allowed("MIT AND GPL-2.0-only", &allowed));
    // Of this system only: what other systems need was not downloaded where the program is merely built.
    let environment = if cfg!(target_env = "musl") { "musl" } else { "gnu" };
    let metadata = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--offline", "--filter-platform"])
        .arg(format!("x86_64-unknown-linux-{environment}"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(metadata.status.success(), "{}", String::from_utf8_lossy(&metadata.stderr));
    let metadata: Value = serde_json::from_slice(&metadata.stdout).unwrap();
    let mut checked = 0;
    for package in metadata["packages"].as_array().unwrap() {
        let licence = package["license"].as_str().unwrap_or("none");
        assert!(is_allowed(licence, &allowed), "{} is under {licence}", package["name"]);
        checked += 1;
    }
    println!("{checked} licences");
    assert!(checked > 100);
}
