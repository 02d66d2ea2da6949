//! An interrupted upgrade goes on where it stopped, if what it wrote is still what it was.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use cipherlens::vault::UpgradeProgress;

use crate::support::old_vault::{FORMAT_2, SMALL_GROUPS, inodes, make, open};
use crate::support::scene::copy_folder;
use crate::support::vault_fixture::{files, flip};
use crate::upgrade::outcome::{draft, upgrade, upgraded_whole};

/// What ends an upgrade as a kill does: nothing is cleaned up.
struct Killed;

/// Upgrades the vault until `photos` are written, and leaves everything as it is then.
fn interrupt(root: &Path, seen: &Path, photos: usize) {
    let old = open(root, seen);
    let written = AtomicUsize::new(0);
    let progress = |progress| {
        let UpgradeProgress::Written(some) = progress else { panic!("it was not interrupted") };
        if written.fetch_add(some, Ordering::Relaxed) + some >= photos {
            resume_unwind(Box::new(Killed));
        }
    };
    let outcome = catch_unwind(AssertUnwindSafe(|| upgrade(&old, &draft(seen), &progress)));
    assert!(outcome.is_err_and(|reason| reason.is::<Killed>()));
    assert!(open(root, seen).is_old() && draft(seen).exists());
}

#[test]
fn an_interrupted_upgrade_goes_on_where_it_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let (root, seen) = (folder.path().join("vault"), folder.path().join("seen"));
    make(&root, SMALL_GROUPS, 2300);
    let old = inodes(&root);
    let new = || inodes(&root).into_iter().filter(|(path, _)| !old.contains_key(path)).collect::<Vec<_>>();
    let unchanged = |before: &[_]| new().into_iter().filter(|file| before.contains(file)).count();
    interrupt(&root, &seen, 1100);
    let first = new();
    // Again, from the draft of the one before.
    interrupt(&root, &seen, 2100);
    let both = new();
    assert!(unchanged(&first) > 6, "the files of the first segment stay");
    upgraded_whole(&root, &seen);
    assert!(unchanged(&both) > 12, "the files of two segments stay");
}

#[test]
fn a_draft_that_does_not_fit_is_not_used() {
    let folder = tempfile::tempdir().unwrap();
    let (made, made_seen) = (folder.path().join("made"), folder.path().join("made-seen"));
    make(&made, FORMAT_2, 1100);
    let old = files(&made);
    interrupt(&made, &made_seen, 1050);
    let all_staged = |root: &Path, ending: &'static str| {
        let (root, old) = (root.to_owned(), &old);
        let is_one = move |path: &PathBuf| path.to_str().unwrap().ends_with(ending) && !old.contains_key(path);
        files(&root).into_keys().filter(is_one).map(move |path| root.join(path))
    };
    let staged = |root: &Path, ending| all_staged(root, ending).next().unwrap();
    type Spoil<'a> = &'a dyn Fn(&Path, &Path);
    let cases: [(&str, Spoil<'_>, usize); 6] = [
        ("as it is", &|_, _| {}, 1024),
        ("a changed block", &|root, _| flip(&staged(root, ".ckks")), 0),
        // All of them: the draft does not list a pack that was written after it.
        ("missing packs", &|root, _| all_staged(root, ".pack").for_each(|pack| fs::remove_file(pack).unwrap()), 0),
        ("a changed draft", &|_, draft| flip(draft), 0),
        ("no draft", &|_, draft| fs::remove_file(draft).unwrap(), 0),
        (
            "a folder in its place",
            &|_, draft| {
                fs::remove_file(draft).unwrap();
                fs::create_dir(draft).unwrap();
            },
            0,
        ),
    ];
    for (what, spoil, resumed) in cases {
        let place = tempfile::tempdir().unwrap();
        let (root, seen) = (place.path().join("vault"), place.path().join("seen"));
        copy_folder(&made, &root);
        fs::copy(draft(&made_seen), draft(&seen)).unwrap();
        spoil(&root, &draft(&seen));
        let upgraded = upgrade(&open(&root, &seen), &draft(&seen), &|_| {}).unwrap();
        assert_eq!(upgraded.resumed, resumed, "{what}");
        assert!(upgraded.report.is_whole(), "{what}: {:?}", upgraded.report.damages);
        let report = open(&root, &seen).check(&|_| {}).unwrap();
        assert!(report.is_whole() && report.leftovers.abandoned.is_empty(), "{what}");
        assert!(report.leftovers.strays.is_empty(), "{what}: {:?}", report.leftovers.strays);
    }
}
