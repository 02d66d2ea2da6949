//! Rows "secrets in memory" and "secrets wiped from argv, env, core, logs".
//!
//! Memory is written to files while a vault is open and after it was locked. Only then does the test derive the keys that
//! it looks for, so that what it finds is the program's.

use std::fmt::Debug;
use std::fs;
use std::fs::File;
use std::io::Write;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use cipherlens::cipher::{Cost, KeyTree, MasterKey, Passphrase, Purpose, aes_cbc_hmac};
use cipherlens::ckks::{KeyHolder, OneTimeMask, QuerySecret, SecretContext};
use cipherlens::features::PreparedPhoto;
use cipherlens::secret::Secret;
use cipherlens::services::legacy::LegacyKey;
use cipherlens::vault::{Freshness, Vault};
use hmac::{Hmac, KeyInit, Mac};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rustix::process::{Resource, Rlimit, prlimit};
use sha2::Sha256;
use static_assertions::assert_not_impl_any;
use zeroize::Zeroizing;

use crate::pseudo_terminal::{Kind, PseudoTerminal, Start};
use crate::scene::{Scene, all_samples, samples};
use crate::states::{FIRST_PASSPHRASE, passphrase};
use crate::vault_fixture::search;

// A type that holds a secret cannot be printed, copied or written: this does not compile if one can.
assert_not_impl_any!(Secret<32>: Debug, Clone, Copy, serde::Serialize);
assert_not_impl_any!(Passphrase: Debug, Clone, Copy, serde::Serialize);
assert_not_impl_any!(MasterKey: Debug, Clone, Copy, serde::Serialize);
assert_not_impl_any!(KeyTree: Debug, Clone, Copy, serde::Serialize);
assert_not_impl_any!(SecretContext: Debug, Clone, Copy, serde::Serialize);
assert_not_impl_any!(KeyHolder: Debug, Clone, Copy, serde::Serialize);
assert_not_impl_any!(QuerySecret: Debug, Clone, Copy, serde::Serialize);
assert_not_impl_any!(OneTimeMask: Debug, Clone, Copy, serde::Serialize);
assert_not_impl_any!(LegacyKey: Debug, Clone, Copy, serde::Serialize);
assert_not_impl_any!(Vault: Debug, Clone, Copy, serde::Serialize);
assert_not_impl_any!(PreparedPhoto: Debug, Clone, Copy, serde::Serialize);

/// Names the folder of the vault to the process that opens and locks it.
const FOLDER: &str = "CIPHERLENS_TEST_FOLDER";

/// Writes all memory that process `id` may write itself, heaps and stacks and data, into a file.
fn dump(id: &str, into: &Path) {
    let maps = fs::read_to_string(format!("/proc/{id}/maps")).unwrap();
    let memory = File::open(format!("/proc/{id}/mem")).unwrap();
    let mut file = File::create(into).unwrap();
    let mut page = [0; 4096];
    for line in maps.lines().filter(|line| line.split(' ').nth(1).is_some_and(|rights| rights.starts_with("rw"))) {
        let (from, until) = line.split(' ').next().unwrap().split_once('-').unwrap();
        let [from, until] = [from, until].map(|address| u64::from_str_radix(address, 16).unwrap());
        for at in (from..until).step_by(page.len()) {
            // A page that went away since.
            if memory.read_exact_at(&mut page, at).is_ok() {
                file.write_all(&page).unwrap();
            }
            // The next dump must not find what this one read.
            page.fill(0);
        }
    }
}

/// Every secret from which the vault in `folder` can be opened, or a part of it.
fn secrets(folder: &Path) -> Vec<(&'static str, Vec<u8>)> {
    let root = folder.join("photos.vault");
    let header = fs::read(root.join("header")).unwrap();
    // Magic, version, kind 10; vault id 16; memory, passes, lanes 12; salt 32; the wrapped master key.
    let vault: [u8; 16] = header[10..26].try_into().unwrap();
    let number = |at: usize| u32::from_le_bytes(header[at..at + 4].try_into().unwrap());
    let cost = Cost::new(number(26), number(30), number(34)).unwrap();
    let key = passphrase(FIRST_PASSPHRASE).key_encryption_key(header[38..70].try_into().unwrap(), cost).unwrap();
    let master = aes_cbc_hmac::open(&key, &header[..70], &header[70..]).unwrap();
    let tree = KeyTree::new(MasterKey::unwrap(&key, &header[..70], &header[70..]).unwrap(), vault);
    let mut found = vec![
        ("the passphrase", FIRST_PASSPHRASE.as_bytes().to_vec()),
        ("the master key", master.to_vec()),
        ("the MAC half of the key-encryption key", key.expose()[..32].to_vec()),
        ("the AES half of the key-encryption key", key.expose()[32..].to_vec()),
    ];
    let extracted = |bytes: &[u8]| {
        let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(&[0; 32]).unwrap();
        mac.update(bytes);
        mac.finalize().into_bytes().to_vec()
    };
    found.push(("the extracted master key", extracted(&master)));
    let mut both = |name, key: &Secret<64>| {
        found.extend([(name, key.expose()[..32].to_vec()), (name, key.expose()[32..].to_vec())]);
    };
    both("a mapping key", &tree.key(Purpose::Mapping, &[0; 16]));
    both("a content key", &tree.key(Purpose::Content, &[0; 16]));
    let context_key = tree.key(Purpose::SecretContext, &[0; 16]);
    both("the secret context's key", &context_key);
    for (folder, ending, purpose, name) in [
        ("encrypted_images", ".aes", Purpose::Photo, "a photo's key"),
        ("encrypted_thumbnails", ".aes", Purpose::Thumbnail, "a thumbnail's key"),
        ("encrypted_features", ".vectors", Purpose::Vectors, "the vectors' key"),
        ("encrypted_features", ".catalogue", Purpose::Catalogue, "the catalogue's key"),
    ] {
        for entry in fs::read_dir(root.join(folder)).unwrap() {
            let file = entry.unwrap().file_name().into_string().unwrap();
            if file.ends_with(ending) {
                let id: cipherlens::vault::Id = file[..32].parse().unwrap();
                both(name, &tree.key(purpose, &id.0));
            }
        }
    }
    let context = fs::read(root.join("secret_context")).unwrap();
    let associated = [&context[..10], &vault, &[0; 16]].concat();
    let padded = aes_cbc_hmac::open(&context_key, &associated, &context[10..]).unwrap();
    // Length 8, then magic, kind, version and parameter set, then the 32 bytes of the key.
    let length = u64::from_le_bytes(padded[..8].try_into().unwrap()) as usize;
    let seed = &padded[8 + length - 32..8 + length];
    found.extend([("the CKKS master key", seed.to_vec()), ("the extracted CKKS master key", extracted(seed))]);
    found
}

/// How often each secret is in a dump; those that are not are left out.
fn copies(secrets: &[(&'static str, Vec<u8>)], dump: &Path) -> Vec<(&'static str, usize)> {
    let memory = fs::read(dump).unwrap();
    let begins: [Vec<usize>; 256] =
        std::array::from_fn(|byte| (0..secrets.len()).filter(|at| usize::from(secrets[*at].1[0]) == byte).collect());
    let mut counts = vec![0; secrets.len()];
    for at in 0..memory.len() {
        for secret in &begins[usize::from(memory[at])] {
            counts[*secret] += usize::from(memory[at..].starts_with(&secrets[*secret].1));
        }
    }
    secrets.iter().zip(counts).map(|((name, _), copies)| (*name, copies)).filter(|(_, copies)| *copies > 0).collect()
}

#[test]
#[ignore = "the process that `no_secret_stays_in_memory_after_lock` starts"]
fn a_process_that_opens_and_locks() {
    let folder = std::env::var_os(FOLDER).unwrap();
    let folder = Path::new(&folder);
    let typed = Zeroizing::new({
        // Room for it at once: a vector that grows leaves copies.
        let mut bytes = Vec::with_capacity(4096);
        std::io::Read::read_to_end(&mut File::open(folder.join("passphrase")).unwrap(), &mut bytes).unwrap();
        bytes.truncate(FIRST_PASSPHRASE.len());
        bytes
    });
    let given = Passphrase::new(&typed).unwrap();
    drop(typed);
    let vault =
        Vault::open(&folder.join("photos.vault"), &given, Freshness::in_directory(folder.join("seen"))).unwrap();
    let snapshot = vault.snapshot().unwrap();
    for at in 0..snapshot.len() {
        let image = snapshot.image_at(at).unwrap();
        let (_photo, _thumbnail, _details) =
            (image.photo().unwrap(), image.thumbnail().unwrap(), image.details().unwrap());
        search(&vault, &snapshot, &image.vector().unwrap());
    }
    dump("self", &folder.join("open"));
    drop((snapshot, vault, given));
    dump("self", &folder.join("locked"));
}

#[test]
fn no_secret_stays_in_memory_after_lock() {
    let scene = Scene::with_photos(&samples(2));
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "secrets::a_process_that_opens_and_locks", "--ignored", "--nocapture"]);
    let output = command.env(FOLDER, scene.path("")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let secrets = secrets(&scene.path(""));
    assert_eq!(secrets.len(), 3 + 2 + 3 * 2 + (2 + 2 + 1 + 1) * 2 + 2);
    let open = copies(&secrets, &scene.path("open"));
    println!("{} secrets; while open: {open:?}", secrets.len());
    for held in ["the passphrase", "the master key", "the CKKS master key"] {
        assert!(open.iter().any(|(name, _)| *name == held), "{held} is held while the vault is open: {open:?}");
    }
    assert_eq!(copies(&secrets, &scene.path("locked")), [], "copies after the vault was locked");
}

#[test]
fn no_secret_stays_in_the_terminal_application_after_it_locked() {
    let scene = Scene::with_photos(&samples(2));
    let vault = scene.vault().to_str().unwrap().to_owned();
    let program = Path::new(env!("CARGO_BIN_EXE_cipherlens"));
    let start = Start { kind: Kind::Kitty, columns: 120, rows: 36, arguments: &["--vault", &vault], environment: &[] };
    let mut terminal = PseudoTerminal::start_program(program, tempfile::tempdir().unwrap(), &start);
    terminal.until_answered();
    terminal.keys(FIRST_PASSPHRASE);
    terminal.keys("\r");
    terminal.until_screen("2 photos");
    terminal.keys("3");
    terminal.until("a thumbnail", |terminal| terminal.kept_pictures() > 0);
    let process = terminal.process().to_string();
    if File::open(format!("/proc/{process}/mem")).is_err() {
        return eprintln!("NOT TESTED: only root may look into the memory of the application");
    }
    let secrets = secrets(&scene.path(""));
    let found = || {
        dump(&process, &scene.path("dump"));
        copies(&secrets, &scene.path("dump"))
    };
    let open = found();
    println!("{} secrets; while open: {open:?}", secrets.len());
    for held in ["the master key", "the CKKS master key"] {
        assert!(open.iter().any(|(name, _)| *name == held), "{held} is held while the vault is open: {open:?}");
    }
    terminal.keys("L");
    terminal.until_screen("nothing in it can be read without the passphrase");
    // The screen changes at once; work that was under way ends after it.
    let patience = Instant::now() + Duration::from_secs(60);
    let mut left = found();
    while !left.is_empty() && Instant::now() < patience {
        thread::sleep(Duration::from_millis(100));
        left = found();
    }
    assert_eq!(left, [], "copies after the application locked");
}

#[test]
fn no_secret_stays_once_an_indexing_run_behind_the_lock_is_over() {
    for (how, over) in [("continue", "indexing is done"), ("pause", "indexing stopped at")] {
        let scene = Scene::with_vault();
        let vault = scene.vault().to_str().unwrap().to_owned();
        let folder = scene.path("album");
        fs::create_dir(&folder).unwrap();
        // Few where all are indexed; more than are sealed before the lock where they are not.
        for photo in samples(if how == "continue" { 3 } else { 30 }) {
            fs::copy(&photo, folder.join(photo.file_name().unwrap())).unwrap();
        }
        let program = Path::new(env!("CARGO_BIN_EXE_cipherlens"));
        let arguments = ["--vault", &vault, "--folder", folder.to_str().unwrap(), "--lock", how];
        let start = Start { kind: Kind::Silent, columns: 120, rows: 36, arguments: &arguments, environment: &[] };
        let mut terminal = PseudoTerminal::start_program(program, tempfile::tempdir().unwrap(), &start);
        terminal.until_answered();
        terminal.keys(FIRST_PASSPHRASE);
        terminal.keys("\r");
        terminal.until_screen("● photos.vault");
        let process = terminal.process().to_string();
        if File::open(format!("/proc/{process}/mem")).is_err() {
            return eprintln!("NOT TESTED: only root may look into the memory of the application");
        }
        terminal.keys("I");
        let sealed = || fs::read_dir(scene.vault().join("encrypted_images")).unwrap().count();
        terminal.until("a sealed photo", |_| sealed() > 0);
        terminal.keys("L");
        terminal.until_screen(over);
        let secrets = secrets(&scene.path(""));
        let left = || {
            dump(&process, &scene.path("dump"));
            copies(&secrets, &scene.path("dump"))
        };
        let patience = Instant::now() + Duration::from_secs(60);
        while !left().is_empty() && Instant::now() < patience {
            thread::sleep(Duration::from_millis(100));
        }
        assert_eq!(left(), [], "copies after the run behind the lock was over: {how}");
    }
}

/// A run of `add` that has opened its vault.
fn adding(scene: &Scene) -> Child {
    let mut command = scene.command_with(&["add"], all_samples());
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let patience = Instant::now() + Duration::from_secs(120);
    while fs::read_dir(scene.vault().join("encrypted_images")).unwrap().count() == 0 {
        assert!(Instant::now() < patience, "no photo was sealed");
        thread::sleep(Duration::from_millis(5));
    }
    child
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[test]
fn no_secret_is_in_arguments_environment_or_logs() {
    let scene = Scene::with_vault();
    let mut child = adding(&scene);
    let [arguments, environment] =
        ["cmdline", "environ"].map(|name| fs::read(format!("/proc/{}/{name}", child.id())).unwrap_or_default());
    child.kill().unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(holds(&arguments, "--passphrase-file"), "a process shows its arguments to everyone");
    scene.run_with(&["search"], [&samples(1)[0]]).success();
    scene.run_with(&["add"], [scene.path("no such photo.jpg")]).exits(1);
    fs::write(scene.path("wrong"), "not the passphrase").unwrap();
    scene.run(["passwd", "--new-passphrase-file", scene.path("wrong").to_str().unwrap()]).success();
    scene.run(["list"]).exits(2);
    let mut logs = Vec::new();
    for entry in fs::read_dir(scene.path("home/.local/state/cipherlens/log")).unwrap() {
        logs.extend(fs::read(entry.unwrap().path()).unwrap());
    }
    assert!(!logs.is_empty());
    for (place, bytes) in [
        ("arguments", &arguments),
        ("environment", &environment),
        ("output", &output.stdout),
        ("errors", &output.stderr),
        ("log", &logs),
    ] {
        for secret in [FIRST_PASSPHRASE, "not the passphrase"] {
            assert!(!holds(bytes, secret), "a passphrase is in the {place}");
        }
    }
    for name in ["image_0001", ".jpg", "no such photo"] {
        assert!(!holds(&logs, name), "{name} is in the log: {}", String::from_utf8_lossy(&logs));
    }
    for flag in ["--passphrase", "--password"] {
        scene.run(["list", &format!("{flag}=secret")]).exits(64);
    }
}

/// Starts `program` where core files are wished for, and kills it as a crash would.
fn aborted(mut command: Command, running: impl FnOnce(&Child)) -> std::process::ExitStatus {
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    running(&child);
    kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGABRT).unwrap();
    child.wait().unwrap()
}

#[test]
fn a_crash_leaves_no_core_file_and_no_other_process_may_look_in() {
    let scene = Scene::with_vault();
    let with_cores = |program: &str| {
        let mut command = Command::new("sh");
        command
            .args(["-c", "ulimit -c unlimited 2>/dev/null; cd \"$0\"; exec \"$@\""])
            .arg(scene.path(""))
            .arg(program);
        command
    };
    let mut sleeper = with_cores("sleep");
    sleeper.arg("60");
    let control = aborted(sleeper, |_| thread::sleep(Duration::from_millis(300)));
    assert_eq!(control.signal(), Some(6));
    if !control.core_dumped() {
        println!("this machine writes no core file for anybody; only the limit is tested");
    }
    let program = scene.command_with(&["add"], all_samples());
    let mut command = with_cores(program.get_program().to_str().unwrap());
    command
        .args(program.get_args())
        .env_clear()
        .envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let status = aborted(command, |child| {
        let patience = Instant::now() + Duration::from_secs(120);
        while fs::read_dir(scene.vault().join("encrypted_images")).unwrap().count() == 0 {
            assert!(Instant::now() < patience, "no photo was sealed");
            thread::sleep(Duration::from_millis(5));
        }
        let process = format!("/proc/{}", child.id());
        let limits = fs::read_to_string(format!("{process}/limits")).unwrap();
        let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
        assert_eq!(core.split_whitespace().skip(4).take(2).collect::<Vec<_>>(), ["0", "0"], "{core}");
        // What is not dumpable belongs to root, and only root may read its memory.
        let is_root = fs::metadata("/proc/self").unwrap().uid() == 0;
        assert_eq!(fs::metadata(&process).unwrap().uid(), 0);
        assert!(is_root || File::open(format!("{process}/mem")).is_err());
        if is_root {
            // Root may lift the limit, where the system lets it; the process is still not dumpable, so there is no core.
            let unlimited = Rlimit { current: None, maximum: None };
            let _ = prlimit(rustix::process::Pid::from_raw(child.id().cast_signed()), Resource::Core, unlimited);
        }
    });
    assert_eq!(status.signal(), Some(6));
    assert!(!status.core_dumped());
    let cores = fs::read_dir(scene.path(""))
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().starts_with("core"));
    assert_eq!(cores.count(), usize::from(control.core_dumped() && scene.path("core").exists()));
}
