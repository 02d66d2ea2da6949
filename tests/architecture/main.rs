//! The rules of the house that a machine can check. The map is the table in ARCHITECTURE.md: what it says about rooms
//! and layers is held against the imports of every file.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a failed test panics")]

mod imports;
mod map;
mod source;

use std::sync::LazyLock;

use imports::Imports;
use map::Map;
use source::sources;

/// Where `unsafe` may stand: the kernels, the memory map that survives the truncation of its file, and the map of the
/// benchmark entry.
const UNSAFE_ROOMS: &[&str] = &[
    "crates/ckks/fetch-by-similarity/src/map.rs",
    "crates/ckks/src/kernel/",
    "crates/features/src/kernel/",
    "src/vault/backend/guarded_map.rs",
];

/// Names of types that hold secrets. The evaluator and the keyless half of a vault may not even name them.
const SECRET_WORDS: &[&str] = &[
    "SecretContext",
    "MasterKey",
    "KeyHolder",
    "QuerySecret",
    "OneTimeMask",
    "BlockSecret",
    "BlockSeeds",
    "CheckScalars",
    "CheckVectors",
    "VaultKeys",
    "crate::secret",
    "cipherlens_secret",
];

/// Rooms and files that work without keys: the evaluator, where files live, both ends of a connection, the host, the
/// server of the benchmark entry.
const KEYLESS: &[&str] = &[
    "crates/ckks/fetch-by-similarity/src/map.rs",
    "crates/ckks/fetch-by-similarity/src/server.rs",
    "crates/ckks/src/evaluator.rs",
    "crates/ckks/src/kernel/avx2.rs",
    "crates/ckks/src/kernel/avx512.rs",
    "crates/ckks/src/kernel/neon.rs",
    "crates/ckks/src/kernel/plain.rs",
    "crates/ckks/src/kernel/portable.rs",
    "crates/ckks/src/kernel/scan.rs",
    "src/remote/host/",
    "src/remote/protocol",
    "src/remote/transport/",
    "src/vault/backend/blocks.rs",
    "src/vault/backend/generation.rs",
    "src/vault/backend/keyless_check.rs",
    "src/vault/backend/local/",
    "src/vault/backend/writer.rs",
];

/// What does I/O: the vault's formats say what bytes mean and read none themselves.
const IO: &[&str] = &[
    "std::env",
    "std::fs",
    "std::io",
    "std::net",
    "std::os",
    "std::process",
    "std::thread",
    "memmap2",
    "rustix",
    "tempfile",
    "walkdir",
];

const LONGEST_FILE: usize = 600;

fn imports() -> &'static Imports {
    static IMPORTS: LazyLock<Imports> = LazyLock::new(|| Imports::of(sources()));
    &IMPORTS
}

fn assert_none(wrong: &[String], rule: &str) {
    assert!(wrong.is_empty(), "{rule}:\n{}", wrong.join("\n"));
}

/// Every import between rooms, as (file, room, imported file, its room).
fn imports_between_rooms(map: &Map) -> Vec<(&str, &str, &str, &str)> {
    let sources = sources();
    let imports = imports();
    let room = |at: usize| map.room_of(&sources[at].path);
    let pairs = imports.edges.iter().enumerate().flat_map(|(from, to)| to.iter().map(move |to| (from, *to)));
    pairs
        .map(|(from, to)| (sources[from].path.as_str(), room(from), sources[to].path.as_str(), room(to)))
        .filter(|(_, from, _, to)| from != to)
        .collect()
}

#[test]
fn every_file_is_in_a_room_of_the_map_and_every_room_has_files() {
    let (sources, map) = (sources(), Map::read());
    for room in map.rooms() {
        assert!(
            sources.iter().any(|source| map.room_of(&source.path) == room),
            "{room} of ARCHITECTURE.md has no file"
        );
    }
}

#[test]
fn imports_point_down() {
    let map = Map::read();
    let between = imports_between_rooms(&map);
    assert!(between.len() > 100, "only {} imports between rooms were found", between.len());
    let wrong: Vec<_> = between
        .into_iter()
        .filter(|(_, from, _, to)| map.layer(from) <= map.layer(to))
        .map(|(file, from, target, to)| format!("{file} ({from}) imports {target} ({to})"))
        .collect();
    assert_none(&wrong, "imports that do not point down");
}

#[test]
fn rooms_use_only_what_the_map_says() {
    let map = Map::read();
    let wrong: Vec<_> = imports_between_rooms(&map)
        .into_iter()
        .filter(|(_, from, _, to)| !map.allows(from, to))
        .map(|(file, from, target, to)| format!("{file}: {from} may not use {to} ({target})"))
        .collect();
    assert_none(&wrong, "imports that ARCHITECTURE.md does not allow");
}

#[test]
fn the_faces_use_services_preview_and_errors_only() {
    let map = Map::read();
    for face in ["src/cli", "src/tui"] {
        assert_eq!(map.may_use(face), ["src/services", "src/preview", "src/error"], "{face}");
    }
}

#[test]
fn no_files_import_in_a_circle() {
    let sources = sources();
    let circles: Vec<_> = imports()
        .circles()
        .into_iter()
        .map(|circle| circle.into_iter().map(|at| sources[at].path.clone()).collect::<Vec<_>>().join(" <-> "))
        .collect();
    assert_none(&circles, "files that import in a circle");
}

#[test]
fn formats_of_the_vault_do_no_io() {
    let sources = sources();
    let formats: Vec<_> = sources.iter().filter(|source| source.path.starts_with("src/vault/format/")).collect();
    assert!(formats.len() > 5);
    let mut wrong = Vec::new();
    for source in formats {
        for path in &source.paths {
            let path = path.join("::");
            if IO.iter().any(|io| path == *io || path.starts_with(&format!("{io}::"))) {
                wrong.push(format!("{}: {path}", source.path));
            }
        }
    }
    assert_none(&wrong, "input or output in src/vault/format");
}

#[test]
fn the_readme_s_test_command_covers_every_package() {
    let readme = std::fs::read_to_string(source::root().join("README.md")).unwrap();
    let command = readme.lines().map(str::trim).find(|line| line.starts_with("cargo test")).unwrap();
    assert_eq!(command, "cargo test --release", "another command covers other packages");
    let manifest: toml::Table = std::fs::read_to_string(source::root().join("Cargo.toml")).unwrap().parse().unwrap();
    let defaults = manifest["workspace"]["default-members"].as_array().unwrap().iter();
    let mut defaults: Vec<String> = defaults.map(|member| member.as_str().unwrap().to_owned()).collect();
    defaults.sort();
    let mut packages = source::packages();
    packages.push(".".to_owned());
    packages.sort();
    assert_eq!(defaults, packages, "`cargo test` without --workspace runs the tests of the default members only");
}

#[test]
fn every_file_says_what_lives_in_it() {
    for source in sources() {
        assert!(source.text.starts_with("//! "), "{} does not open with `//!`", source.path);
    }
}

#[test]
fn files_stay_small() {
    for (path, text) in source::rust_files() {
        let lines = text.lines().count();
        assert!(lines <= LONGEST_FILE, "{path} has {lines} lines, more than {LONGEST_FILE}");
    }
}

#[test]
fn unsafe_stays_in_the_named_rooms() {
    for source in sources() {
        let allowed = UNSAFE_ROOMS.iter().any(|room| source.path.starts_with(room));
        let mut code = source.text.lines().filter(|line| !line.trim_start().starts_with("//"));
        let used = code.any(|line| line.contains("unsafe {") || line.contains("unsafe fn"));
        assert!(allowed || !used, "{} uses unsafe outside {UNSAFE_ROOMS:?}", source.path);
    }
}

#[test]
fn what_works_without_keys_names_no_secret() {
    let sources = sources();
    for room in KEYLESS {
        assert!(sources.iter().any(|source| source.path.starts_with(room)), "nothing lies in {room}");
    }
    for source in sources.iter().filter(|source| KEYLESS.iter().any(|room| source.path.starts_with(room))) {
        // The file's name is no secret.
        let text = source.text.replace("Object::SecretContext", "");
        for word in SECRET_WORDS {
            assert!(!text.contains(word), "{} names {word}", source.path);
        }
    }
}
