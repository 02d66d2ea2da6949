//! Row "exports": whatever interrupts an export, each file is either the complete photo or what was there before, and
//! repeating the command completes the export.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use cipherlens::services::decoys::Fetch;
use cipherlens::services::export::{self, IfExists, Report, Target};
use cipherlens::services::open_vault::OpenVault;
use cipherlens::services::progress::Control;
use nix::errno::Errno;
use nix::sys::signal::Signal;

use crate::hardening::power::{Disk, Names};
use crate::support::scene::Ran;
use crate::support::tracer;
use crate::support::tracer::{Call, End, Fate, Kind};
use crate::support::vault_fixture::{Fixture, files, fill, photo, remove, restore};

const PHOTOS: u32 = 5;

/// A vault with photos, and a folder that they are exported to.
struct Trial {
    fixture: Fixture,
    out: PathBuf,
}

impl Trial {
    fn new() -> Self {
        let fixture = Fixture::new();
        fill(&fixture.open(), 0..PHOTOS);
        fs::write(fixture.beside("passphrase"), "correct").unwrap();
        let out = fixture.beside("out");
        fs::create_dir(&out).unwrap();
        Self { out: out.canonicalize().unwrap(), fixture }
    }

    fn command(&self, more: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cipherlens"));
        command.arg("--passphrase-file").arg(self.fixture.beside("passphrase")).arg("--vault").arg(self.fixture.root());
        command.args(["export", "--json", "--all"]).arg(&self.out).args(more);
        command.env_clear().env("HOME", self.fixture.beside("home")).stdin(Stdio::null());
        command
    }

    fn run(&self, more: &[&str]) -> Ran {
        Ran(self.command(more).output().unwrap())
    }

    /// Exports under the tracer; returns the JSON object too, if one was printed.
    fn trace(&self, more: &[&str], decide: impl FnMut(&Call) -> Fate) -> (End, Option<serde_json::Value>) {
        let output = self.fixture.beside("stdout");
        let mut command = self.command(more);
        command.stdout(fs::File::create(&output).unwrap()).stderr(Stdio::null());
        let end = tracer::run(command, &self.out, decide);
        (end, serde_json::from_slice(&fs::read(output).unwrap()).ok())
    }

    /// The folder holds every photo once, and nothing else.
    fn assert_complete(&self, when: &str) {
        let found = files(&self.out);
        assert!(found == photos(), "{when}: {:?}", found.keys());
    }
}

fn name(number: u32) -> PathBuf {
    format!("holiday {number}.jpg").into()
}

fn photos() -> BTreeMap<PathBuf, Vec<u8>> {
    (0..PHOTOS).map(|number| (name(number), photo(number))).collect()
}

/// Every file is a complete photo under its own name, a file that was there `before`, or a temporary file.
fn assert_no_half_photo(folder: &Path, before: &BTreeMap<PathBuf, Vec<u8>>, when: &str) {
    for (path, content) in files(folder) {
        let name = path.to_str().unwrap();
        let is_part = name.starts_with(".cipherlens-") && name.ends_with(".part");
        let is_whole = photos().get(&path) == Some(&content) || before.get(&path) == Some(&content);
        assert!(is_part || is_whole, "{when}: {name} has {} bytes", content.len());
    }
}

#[test]
fn every_kill_and_power_cut_leaves_whole_photos_or_none() {
    let trial = Trial::new();
    let mut disk = Disk::new(&trial.out);
    let mut previous: Option<Call> = None;
    let mut calls = 0;
    let look = |disk: &Disk, when: &str| {
        let copies = tempfile::tempdir().unwrap();
        assert_no_half_photo(&trial.out, &BTreeMap::new(), when);
        for (folder, names) in [("synced", Names::Synced), ("all", Names::All)] {
            disk.after_power_cut(names, &copies.path().join(folder));
            assert_no_half_photo(&copies.path().join(folder), &BTreeMap::new(), &format!("{when}, {names:?}"));
        }
    };
    let (end, report) = trial.trace(&[], |call| {
        if let Some(previous) = previous.replace(call.clone()) {
            disk.apply(&previous);
        }
        calls += 1;
        look(&disk, &format!("before call {calls}, {call:?}"));
        Fate::Happens
    });
    assert_eq!(end, End::Exit(0), "{report:?}");
    disk.apply(&previous.unwrap());
    assert!(calls >= 4 * PHOTOS, "{calls} calls");
    // The program reported the photos as exported, so no power cut may lose them.
    let copies = tempfile::tempdir().unwrap();
    disk.after_power_cut(Names::Synced, copies.path());
    assert!(files(copies.path()) == photos());
}

#[test]
fn a_killed_export_is_completed_by_the_same_command_and_leaves_no_temporary_file() {
    let trial = Trial::new();
    let mut calls = 0;
    trial.trace(&[], |_| {
        calls += 1;
        Fate::Happens
    });
    assert!(calls >= 4 * PHOTOS, "{calls} calls");
    for at in 1..=calls {
        restore(&trial.out, &BTreeMap::new());
        let mut seen = 0;
        let (end, _) = trial.trace(&[], |_| {
            seen += 1;
            if seen == at { Fate::Kills } else { Fate::Happens }
        });
        assert_eq!(end, End::Signal(Signal::SIGKILL), "call {at}");
        assert_no_half_photo(&trial.out, &BTreeMap::new(), &format!("killed at {at}"));
        trial.run(&[]).success();
        trial.assert_complete(&format!("after a kill at {at}"));
    }
}

#[test]
fn after_a_disk_error_the_report_counts_what_was_done_and_no_old_file_is_lost() {
    let trial = Trial::new();
    let old: BTreeMap<_, _> = (0..PHOTOS).map(|number| (name(number), b"an older edit".to_vec())).collect();
    let mut kinds = Vec::new();
    restore(&trial.out, &old);
    trial.trace(&["--overwrite"], |call| {
        kinds.push(call.kind);
        Fate::Happens
    });
    trial.assert_complete("undisturbed");
    assert!(kinds.len() >= 4 * PHOTOS as usize, "{kinds:?}");
    for (at, kind) in (1..).zip(kinds) {
        restore(&trial.out, &old);
        let mut seen = 0;
        let (end, report) = trial.trace(&["--overwrite"], |_| {
            seen += 1;
            if seen == at { Fate::Fails(Errno::ENOSPC) } else { Fate::Happens }
        });
        let when = format!("{kind:?}, call {at}");
        assert_no_half_photo(&trial.out, &old, &when);
        let left = files(&trial.out);
        assert!(old.keys().all(|name| left.contains_key(name)), "{when}: a file is missing");
        assert_eq!(left.len(), old.len(), "{when}: temporary files stay");
        assert!(matches!(kind, Kind::Create | Kind::Write | Kind::Sync | Kind::Rename), "{when}");
        assert_eq!(end, End::Exit(1), "{when}");
        let report = report.unwrap();
        let exported = report["exported"].as_array().unwrap().len() as u64;
        assert_eq!(exported + report["left"].as_u64().unwrap(), u64::from(PHOTOS), "{when}: {report}");
        assert!(report["error"].as_str().unwrap().contains("No space left"), "{when}: {report}");
        trial.run(&["--overwrite"]).success();
        trial.assert_complete(&when);
    }
}

#[test]
fn two_exports_into_one_folder_do_not_disturb_each_other() {
    let trial = Trial::new();
    let mut both: Vec<_> = (0..2).map(|_| trial.command(&[]).stdout(Stdio::null()).spawn().unwrap()).collect();
    for export in &mut both {
        assert!(export.wait().unwrap().success());
    }
    let found = files(&trial.out);
    assert!(found.keys().all(|path| path.to_str().unwrap().starts_with("holiday ")), "{:?}", found.keys());
    for number in 0..PHOTOS {
        assert_eq!(found[&name(number)], photo(number));
    }
}

/// The trial's vault, opened for the use cases.
fn opened(trial: &Trial) -> OpenVault {
    let vault = trial.fixture.open();
    let snapshot = vault.snapshot().unwrap();
    OpenVault::new(vault, snapshot)
}

/// Exports all photos within this process; `between` is called with the number that are done.
fn exported(trial: &Trial, control: &Control, mut between: impl FnMut(usize)) -> Report {
    let vault = opened(trial);
    let (photos, unreadable) = export::everything(&vault).unwrap();
    assert!(unreadable.is_empty());
    let target = Target::at(&trial.out).unwrap();
    export::run(&vault, &photos, &target, IfExists::Rename, control, &mut |progress| between(progress.done))
}

#[test]
fn a_stopped_export_keeps_what_is_written_and_can_be_continued() {
    let trial = Trial::new();
    let control = Control::default();
    let report = exported(&trial, &control, |through| {
        if through == 2 {
            control.stop();
        }
    });
    assert_eq!((report.exported.len(), report.left), (2, PHOTOS as usize - 2));
    assert!(report.error.is_none() && report.failed.is_empty());
    let report = exported(&trial, &Control::default(), |_| {});
    assert_eq!((report.exported.len(), report.already_there.len()), (PHOTOS as usize - 2, 2));
    trial.assert_complete("after the second run");
}

#[test]
fn an_export_during_commits_reads_the_newest_generation_and_exports_nothing_twice() {
    let trial = Trial::new();
    let vault = trial.fixture.open();
    // Two more commits: their catalogues are first read after they were replaced.
    let later = [fill(&vault, 10..13), fill(&vault, 20..23)].concat();
    let (gone, kept) = (later[1], later.len() - 1);
    let report = exported(&trial, &Control::default(), |through| {
        if through == 1 {
            remove(&vault, &[gone]);
        }
    });
    assert_eq!(report.exported.len(), PHOTOS as usize + kept);
    let failed: Vec<_> = report.failed.iter().map(|failed| failed.id).collect();
    assert_eq!(failed, [Some(gone)], "it was removed before its turn");
    assert!(report.error.is_none());
    assert!(files(&trial.out).keys().all(|path| !path.to_str().unwrap().contains('(')));
}

#[test]
fn a_photo_that_is_requested_twice_is_exported_once() {
    let trial = Trial::new();
    let id = trial.fixture.open().snapshot().unwrap().image_at(0).unwrap().id();
    let target = Target::at(&trial.out).unwrap();
    let photos = [Fetch::Wanted(id), Fetch::Wanted(id)];
    let report = export::run(&opened(&trial), &photos, &target, IfExists::Rename, &Control::default(), &mut |_| {});
    assert_eq!((report.exported.len(), report.left), (1, 0));
    assert_eq!(files(&trial.out).len(), 1);
}
