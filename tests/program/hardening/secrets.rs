//! Rows "secrets in memory" and "secrets wiped from argv, env, core, logs".
//!
//! Memory is dumped to files while a vault is open and after it was locked. Only then does the test derive the keys
//! that it searches for, so that every copy found is the program's. Most keys live only while an object is being
//! opened, so they are not in memory while a vault is merely open; the controls in `memory` show that the search would
//! find them.

use std::fmt::Debug;
use std::fs;
use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use cipherlens::cipher::{KeyTree, MasterKey, Passphrase, Purpose};
use cipherlens::ckks::{KeyHolder, OneTimeMask, QuerySecret, SecretContext};
use cipherlens::features::PreparedPhoto;
use cipherlens::remote::{self, Address, Options, Prompts};
use cipherlens::secret::Secret;
use cipherlens::services::legacy::LegacyKey;
use cipherlens::vault::format::sealed::VaultKeys;
use cipherlens::vault::{self, Freshness, Vault};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rustix::process::{Resource, Rlimit, prlimit};
use static_assertions::assert_not_impl_any;
use zeroize::Zeroizing;

use crate::hardening::memory::{
    FOLDER, Named, another_process_may_read, copies, dump, is_root, may_be_searched,
    require_each_is_found_where_it_is_held, secrets,
};
use crate::hardening::states::FIRST_PASSPHRASE;
use crate::support::pseudo_terminal::{Kind, PseudoTerminal, Start};
use crate::support::scene::{Scene, all_samples, not_tested, samples};
use crate::support::vault_fixture::{group_all, search};

// Types that hold secrets must not be printable, copyable or serialisable; otherwise this does not compile.
assert_not_impl_any!(Secret<32>: Debug, Clone, Copy, serde::Serialize);
assert_not_impl_any!(Passphrase: Debug, Clone, Copy, serde::Serialize);
assert_not_impl_any!(MasterKey: Debug, Clone, Copy, serde::Serialize);
assert_not_impl_any!(KeyTree: Debug, Clone, Copy, serde::Serialize);
assert_not_impl_any!(SecretContext: Debug, Clone, Copy, serde::Serialize);
assert_not_impl_any!(KeyHolder: Debug, Clone, Copy, serde::Serialize);
assert_not_impl_any!(QuerySecret: Debug, Clone, Copy, serde::Serialize);
assert_not_impl_any!(OneTimeMask: Debug, Clone, Copy, serde::Serialize);
assert_not_impl_any!(LegacyKey: Debug, Clone, Copy, serde::Serialize);
assert_not_impl_any!(VaultKeys: Debug, Clone, Copy, serde::Serialize);
assert_not_impl_any!(Vault: Debug, Clone, Copy, serde::Serialize);
assert_not_impl_any!(PreparedPhoto: Debug, Clone, Copy, serde::Serialize);

#[test]
#[ignore = "the process that `no_secret_stays_in_memory_after_lock` starts"]
fn a_process_that_opens_and_locks() {
    let folder = std::env::var_os(FOLDER).unwrap();
    let folder = Path::new(&folder);
    let typed = Zeroizing::new({
        // Allocated at once: a vector that grows leaves copies.
        let mut bytes = Vec::with_capacity(4096);
        std::io::Read::read_to_end(&mut File::open(folder.join("passphrase")).unwrap(), &mut bytes).unwrap();
        bytes.truncate(FIRST_PASSPHRASE.len());
        bytes
    });
    let given = Passphrase::new(&typed).unwrap();
    drop(typed);
    let root = folder.join("photos.vault");
    let freshness = || Freshness::in_directory(folder.join("seen"));
    let vault = Vault::open(vault::local(&root), &given, freshness()).unwrap().0;
    // As in a large vault, so that there are tags.
    group_all(&vault, &given);
    let snapshot = vault.snapshot().unwrap();
    for at in 0..snapshot.len() {
        let image = snapshot.image_at(at).unwrap();
        let (photo, _thumbnail, _record) =
            (image.photo().unwrap(), image.thumbnail().unwrap(), image.record().unwrap());
        assert_eq!(snapshot.find_content(&vault.content_tag(&photo)).unwrap(), Some(image.id()));
        search(&vault, &snapshot, &image.vector().unwrap().unwrap());
    }
    fs::create_dir(folder.join("unfinished")).unwrap();
    let record = vault.seal_record(Purpose::UnfinishedRun, b"/home/ann/Pictures").unwrap();
    fs::write(folder.join("unfinished/record"), record).unwrap();
    // The same vault through a host, so that there is a cache.
    let command = format!("exec '{}' serve --stdio '{}'", env!("CARGO_BIN_EXE_cipherlens"), root.display());
    let options = Options::new(Prompts::Refused).cached_in(folder.join("cache"));
    let backend = remote::open(Address::Command(command), options).unwrap();
    let (behind_a_host, seen_from_home) = Vault::open(backend, &given, freshness()).unwrap();
    seen_from_home.image_at(0).unwrap().record().unwrap();
    dump("self", &folder.join("open"));
    drop((seen_from_home, behind_a_host, snapshot, vault, given));
    dump("self", &folder.join("locked"));
}

#[test]
fn no_secret_stays_in_memory_after_lock() {
    let scene = Scene::with_photos(&samples(2));
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "hardening::secrets::a_process_that_opens_and_locks", "--ignored", "--nocapture"]);
    let output = command.env(FOLDER, scene.path("")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for place in ["cache", "unfinished"] {
        assert!(fs::read_dir(scene.path(place)).unwrap().count() > 0, "{place} is empty");
    }
    let secrets = secrets(&scene.path(""));
    // The passphrase and what is derived from it; five keys of the entire vault; those of two photos, two thumbnails,
    // the vectors, the records, the copy of the group's list, its tags, its check vectors, the part of a pack and the
    // history; what is extracted from the key of the encrypted search.
    assert_eq!(secrets.len(), 5 + 5 * 2 + (2 + 2 + 7) * 2 + 1);
    require_each_is_found_where_it_is_held(&secrets, &scene.path(""));
    require_held(&copies(&secrets, &scene.path("open")), &["the passphrase", "the cache's key"]);
    assert_eq!(copies(&secrets, &scene.path("locked")), [], "copies after the vault was locked");
}

/// Requires the keys that a program with an open vault always holds.
#[track_caller]
fn require_held(open: &[(&str, usize)], more: &[&str]) {
    for held in ["the master key", "the CKKS master key"].iter().chain(more) {
        assert!(open.iter().any(|(name, _)| name == held), "{held} is held while the vault is open: {open:?}");
    }
}

/// Searches the application's memory until no secret is left in it. It polls, because the screen changes at once but
/// work in progress ends later.
#[track_caller]
fn require_nothing_is_left(process: &str, secrets: &[Named], scene: &Scene, when: &str) {
    let left = || {
        dump(process, &scene.path("dump"));
        copies(secrets, &scene.path("dump"))
    };
    let patience = Instant::now() + Duration::from_secs(60);
    while !left().is_empty() && Instant::now() < patience {
        thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(left(), [], "copies {when}");
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
    // Without root, all that can be tested is that access is refused; `may_be_searched` does that.
    let is_searched = may_be_searched(&process);
    let secrets = secrets(&scene.path(""));
    require_each_is_found_where_it_is_held(&secrets, &scene.path(""));
    if is_searched {
        dump(&process, &scene.path("dump"));
        require_held(&copies(&secrets, &scene.path("dump")), &[]);
    }
    terminal.keys("L");
    terminal.until_screen("cannot be read without the passphrase");
    if is_searched {
        require_nothing_is_left(&process, &secrets, &scene, "after the application locked");
    } else {
        not_tested("only root may look into the memory of the application, which was refused as it must be");
    }
}

#[test]
fn no_secret_stays_once_an_indexing_run_ends_on_the_lock_screen() {
    for (how, over) in [("continue", "indexing is done"), ("pause", "indexing stopped at")] {
        let scene = Scene::with_vault();
        let vault = scene.vault().to_str().unwrap().to_owned();
        let folder = scene.path("album");
        fs::create_dir(&folder).unwrap();
        // With `continue`, few, because all are indexed; with `pause`, more than can be sealed before the lock.
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
        let is_searched = may_be_searched(&process);
        if is_searched {
            dump(&process, &scene.path("open"));
        }
        terminal.keys("I\r");
        let sealed = || fs::read_dir(scene.vault().join("encrypted_images")).unwrap().count();
        terminal.until("a sealed photo", |_| sealed() > 0);
        terminal.keys("L");
        terminal.until_screen(over);
        let secrets = secrets(&scene.path(""));
        require_each_is_found_where_it_is_held(&secrets, &scene.path(""));
        if is_searched {
            require_held(&copies(&secrets, &scene.path("open")), &[]);
            let when = format!("after the run ended on the lock screen: {how}");
            require_nothing_is_left(&process, &secrets, &scene, &when);
        } else {
            not_tested("only root may look into the memory of the application, which was refused as it must be");
        }
    }
}

/// Starts an `add`, and waits until it has written its first photo.
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
    let [arguments, environment] = ["cmdline", "environ"].map(|name| fs::read(format!("/proc/{}/{name}", child.id())));
    let arguments = arguments.unwrap();
    // Only root may read the environment of the program.
    assert_eq!(environment.is_ok(), is_root());
    let environment = environment.unwrap_or_default();
    child.kill().unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(holds(&arguments, "--passphrase-file"), "a process shows its arguments to everyone");
    assert!(!is_root() || holds(&environment, "CIPHERLENS_VAULT="), "root sees the environment");
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

/// Starts `command`, calls `running`, and kills the process by SIGABRT, which dumps core if that is allowed.
fn aborted(mut command: Command, running: impl FnOnce(&Child)) -> std::process::ExitStatus {
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    running(&child);
    kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGABRT).unwrap();
    child.wait().unwrap()
}

#[test]
fn a_crash_leaves_no_core_file_and_no_other_process_may_read_the_memory() {
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
    // The shell is `sleep` once it has raised the limit.
    let control = aborted(sleeper, |child| {
        let patience = Instant::now() + Duration::from_secs(120);
        while fs::read_to_string(format!("/proc/{}/comm", child.id())).unwrap() != "sleep\n" {
            assert!(Instant::now() < patience, "it is still a shell");
            thread::sleep(Duration::from_millis(5));
        }
    });
    assert_eq!(control.signal(), Some(6));
    if !control.core_dumped() {
        println!("this machine writes no core file for anybody; only the limit is tested");
    }
    let cores = || {
        let all = fs::read_dir(scene.path("")).unwrap().map(|entry| entry.unwrap().path());
        let is_core = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().starts_with("core");
        all.filter(is_core).collect::<Vec<_>>()
    };
    cores().iter().for_each(|core| fs::remove_file(core).unwrap());
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
        // The `mem` of a process that is not dumpable belongs to root, so unprivileged processes cannot read it. (Its
        // folder in /proc still belongs to the user.)
        assert_eq!(fs::metadata(format!("{process}/mem")).unwrap().uid(), 0);
        assert!(another_process_may_read("$started"), "a process may read the memory of one that it started");
        assert!(!another_process_may_read(&child.id().to_string()), "the memory of the program is open to its user");
        if is_root() {
            // Lift the limit, as root may: the process is still not dumpable, so there is no core file.
            let unlimited = Rlimit { current: None, maximum: None };
            let _ = prlimit(rustix::process::Pid::from_raw(child.id().cast_signed()), Resource::Core, unlimited);
        }
    });
    assert_eq!(status.signal(), Some(6));
    assert!(!status.core_dumped());
    assert!(cores().is_empty(), "{:?}", cores());
}
