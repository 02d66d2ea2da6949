//! Checks the dependencies against `deny.toml`: every one comes from crates.io with a checksum in `Cargo.lock`, none is
//! banned, none has a wildcard version, and on this system each has an allowed licence. `cargo deny check licenses bans
//! sources` checks the same for all systems; these tests need nothing installed.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

fn project(file: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap()
}

/// The rules that `cargo deny` reads.
fn deny_rules() -> toml::Table {
    project("deny.toml").parse().unwrap()
}

/// Every package of the lock file, of all systems.
fn locked_packages() -> Vec<toml::Value> {
    let lock: toml::Table = project("Cargo.lock").parse().unwrap();
    let packages = lock["package"].as_array().unwrap().clone();
    assert!(packages.len() > 100);
    packages
}

/// The output of `cargo metadata` for this system alone: a build does not download the dependencies of other systems.
fn metadata() -> Value {
    let environment = if cfg!(target_env = "musl") { "musl" } else { "gnu" };
    let metadata = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--offline", "--filter-platform"])
        .arg(format!("x86_64-unknown-linux-{environment}"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(metadata.status.success(), "{}", String::from_utf8_lossy(&metadata.stderr));
    serde_json::from_slice(&metadata.stdout).unwrap()
}

#[test]
fn every_dependency_comes_from_the_registry_with_a_checksum() {
    let sources = &deny_rules()["sources"];
    for rule in ["unknown-registry", "unknown-git"] {
        assert_eq!(sources[rule].as_str(), Some("deny"), "{rule}");
    }
    for package in
        locked_packages().iter().filter(|package| !package["name"].as_str().unwrap().starts_with("cipherlens"))
    {
        let source = package.get("source").and_then(toml::Value::as_str);
        assert_eq!(source, Some("registry+https://github.com/rust-lang/crates.io-index"), "{package}");
        assert_eq!(package["checksum"].as_str().map(str::len), Some(64), "{package}");
    }
}

/// Whether an SPDX expression can be satisfied with allowed licences alone.
fn is_allowed(expression: &str, allowed: &BTreeSet<String>) -> bool {
    let expression = expression.replace('/', " OR ");
    let expression = expression.split_whitespace().collect::<Vec<_>>().join(" ");
    // Handles the two forms that occur: alternatives, and groups of alternatives joined by AND.
    expression
        .split(" AND ")
        .all(|part| part.trim_matches(['(', ')']).split(" OR ").any(|licence| allowed.contains(licence.trim())))
}

#[test]
fn every_licence_is_one_that_deny_toml_allows() {
    let allowed: BTreeSet<String> = deny_rules()["licenses"]["allow"]
        .as_array()
        .unwrap()
        .iter()
        .map(|licence| licence.as_str().unwrap().to_owned())
        .collect();
    assert!(!is_allowed("GPL-3.0-only", &allowed) && !is_allowed("MIT AND GPL-2.0-only", &allowed));
    let mut checked = 0;
    for package in metadata()["packages"].as_array().unwrap() {
        let licence = package["license"].as_str().unwrap_or("none");
        assert!(is_allowed(licence, &allowed), "{} is under {licence}", package["name"]);
        checked += 1;
    }
    println!("{checked} licences");
    assert!(checked > 100);
}

#[test]
fn no_dependency_is_banned() {
    let rules = deny_rules();
    let banned: BTreeSet<&str> =
        rules["bans"]["deny"].as_array().unwrap().iter().map(|rule| rule["crate"].as_str().unwrap()).collect();
    assert!(banned.contains("openssl-sys"));
    for package in &locked_packages() {
        let name = package["name"].as_str().unwrap();
        assert!(!banned.contains(name), "{name} is banned by deny.toml");
    }
}

#[test]
fn no_dependency_has_a_wildcard_version() {
    assert_eq!(deny_rules()["bans"]["wildcards"].as_str(), Some("deny"));
    let metadata = metadata();
    let own = metadata["packages"].as_array().unwrap().iter().filter(|package| package["source"].is_null());
    let dependencies: Vec<&Value> = own.flat_map(|package| package["dependencies"].as_array().unwrap()).collect();
    assert!(dependencies.len() > 30);
    for dependency in dependencies {
        assert_ne!(dependency["req"].as_str(), Some("*"), "{}", dependency["name"]);
    }
}
