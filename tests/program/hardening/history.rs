//! Rows "two clients forked" and "history": a client recognises at any distance whether a generation continues the one
//! that it has seen, whichever of the lines it opens, and is asked where nobody can tell.

use std::fs;
use std::path::{Path, PathBuf};

use cipherlens::durable::IfLocked;
use cipherlens::vault::check::Remedy;
use cipherlens::vault::{self, CopyAge, Error, Found, Freshness, Hex, LostPhotoPolicy, Seen, Transaction, Vault};

use crate::support::scene::copy_folder;
use crate::support::vault_fixture::{Fixture, Nothing, age, fill, flip, group_all, made_up, passphrase};

/// A client: what its machine has seen.
struct Client(PathBuf);

impl Client {
    fn new(fixture: &Fixture, name: &str) -> Self {
        Self(fixture.beside(name))
    }

    /// Another machine that has seen the same.
    fn clone_as(&self, name: &str) -> Self {
        let clone = Self(self.0.with_file_name(name));
        let _ = fs::remove_dir_all(&clone.0);
        copy_folder(&self.0, &clone.0);
        clone
    }

    fn freshness(&self) -> Freshness {
        Freshness::in_directory(&self.0)
    }

    fn open(&self, root: &Path) -> Result<Vault, Error> {
        Ok(Vault::open(vault::local(root), &passphrase("correct"), self.freshness())?.0)
    }

    /// How a copy compares with what this machine has seen, without recording it.
    fn age_of(&self, root: &Path) -> CopyAge {
        let looking = self.clone_as("looking");
        Vault::open(vault::local(root), &passphrase("correct"), looking.freshness().reading()).unwrap().0.copy_age()
    }

    /// Makes this machine one that has seen `seen` last.
    fn saw(fixture: &Fixture, seen: Seen) -> Self {
        let client = Self::new(fixture, "saw");
        let _ = fs::remove_dir_all(&client.0);
        fs::create_dir(&client.0).unwrap();
        let id = fixture.open().id();
        fs::write(client.0.join(format!("{id}.seen")), format!("{} {}\n", seen.generation, seen.tag)).unwrap();
        client
    }
}

/// Commits as many generations, each with one more place of the first photo.
fn advance(vault: &Vault, generations: u64) {
    let mut transaction = Transaction::begin(vault, IfLocked::Refuse).unwrap();
    for _ in 0..generations {
        let (generation, id) = (transaction.base().mapping().generation, transaction.base().image_at(0).unwrap().id());
        let path = format!("place {generation}").into_bytes();
        transaction.add_place(id, Found { source: Hex([0; 16]), path, modified: None }).unwrap();
        transaction = transaction.commit().unwrap().next;
    }
}

/// A vault at generation 2, copied to two places that are changed separately from now on.
struct Lines {
    _fixture: Fixture,
    one: PathBuf,
    other: PathBuf,
    /// Has seen generation 2 and nothing since.
    common: Client,
}

impl Lines {
    fn new() -> Self {
        let fixture = Fixture::new();
        fill(&fixture.open(), 0..1);
        let (one, other) = (fixture.beside("one"), fixture.beside("other"));
        copy_folder(&fixture.root(), &one);
        copy_folder(&fixture.root(), &other);
        let common = Client::new(&fixture, "common");
        common.open(&one).unwrap();
        Self { _fixture: fixture, one, other, common }
    }
}

#[test]
fn a_fork_is_noticed_at_any_distance_whichever_line_is_opened() {
    let lines = Lines::new();
    let (ours, theirs) = (lines.common.clone_as("ours"), lines.common.clone_as("theirs"));
    advance(&ours.open(&lines.one).unwrap(), 1);
    let mut distance = 0;
    let mut earlier = Vec::new();
    for next in [1, 2, 3, 10, 1000, 1001, 1010] {
        // A thousand commits take minutes, so most of them are made up; the history that tells is the same.
        let made_up = if next == 1000 { 980 } else { 0 };
        if made_up > 0 {
            age(&lines.other, made_up - 1);
        }
        advance(&theirs.open(&lines.other).unwrap(), next - distance - made_up);
        distance = next;
        let (found, seen) = (2 + distance, 3);
        assert_eq!(ours.age_of(&lines.other), CopyAge::Forked { found, seen }, "at distance {distance}");
        // Of what was made up they know only the newest, so they cannot tell that line from an older copy of theirs.
        let age = if distance < 1000 {
            CopyAge::Forked { found: seen, seen: found }
        } else {
            CopyAge::Older { found: seen, seen: found }
        };
        assert_eq!(theirs.age_of(&lines.one), age, "at distance {distance}");
        assert_eq!(lines.common.age_of(&lines.other), CopyAge::Newest, "an honest client follows");
        assert!(matches!(ours.open(&lines.other), Err(Error::Forked { .. })));
        earlier.push((found, theirs.clone_as(&format!("theirs at {found}"))));
    }
    // The line of which they have seen nothing becomes the longer one.
    advance(&ours.open(&lines.one).unwrap(), 10);
    age(&lines.one, 1000);
    advance(&ours.open(&lines.one).unwrap(), 1);
    for (seen, client) in &earlier {
        assert_eq!(client.age_of(&lines.one), CopyAge::Forked { found: 1015, seen: *seen });
        assert_eq!(client.age_of(&lines.other), CopyAge::Newest);
    }
    assert_eq!(lines.common.age_of(&lines.one), CopyAge::Newest);
}

#[test]
#[ignore = "takes minutes: .ci/long/merge"]
fn a_fork_is_noticed_after_a_thousand_real_commits() {
    let lines = Lines::new();
    let (ours, theirs) = (lines.common.clone_as("ours"), lines.common.clone_as("theirs"));
    advance(&ours.open(&lines.one).unwrap(), 1);
    advance(&theirs.open(&lines.other).unwrap(), 1000);
    assert_eq!(ours.age_of(&lines.other), CopyAge::Forked { found: 1002, seen: 3 });
    assert_eq!(theirs.age_of(&lines.one), CopyAge::Forked { found: 3, seen: 1002 });
    assert_eq!(lines.common.age_of(&lines.other), CopyAge::Newest);
}

#[test]
fn a_fork_is_noticed_after_segments_were_grouped() {
    let lines = Lines::new();
    let (ours, theirs) = (lines.common.clone_as("ours"), lines.common.clone_as("theirs"));
    advance(&ours.open(&lines.one).unwrap(), 1);
    let vault = theirs.open(&lines.other).unwrap();
    fill(&vault, 1..4);
    group_all(&vault, &passphrase("correct"));
    advance(&vault, 2);
    assert_eq!(ours.age_of(&lines.other), CopyAge::Forked { found: 6, seen: 3 });
    assert_eq!(lines.common.age_of(&lines.other), CopyAge::Newest);
}

#[test]
fn a_fork_that_a_client_meets_while_the_vault_is_open_is_refused() {
    let lines = Lines::new();
    let (ours, theirs) = (lines.common.clone_as("ours"), lines.common.clone_as("theirs"));
    advance(&theirs.open(&lines.other).unwrap(), 3);
    let vault = ours.open(&lines.one).unwrap();
    advance(&vault, 1);
    let mut transaction = Transaction::begin(&vault, IfLocked::Refuse).unwrap();
    let id = transaction.base().image_at(0).unwrap().id();
    transaction.add_place(id, Found { source: Hex([0; 16]), path: b"more".into(), modified: None }).unwrap();
    // The host shows the other line from now on.
    for name in ["encrypted_features", "encrypted_thumbnails"] {
        for file in fs::read_dir(lines.other.join(name)).unwrap().map(|file| file.unwrap()) {
            fs::copy(file.path(), lines.one.join(name).join(file.file_name())).unwrap();
        }
    }
    fs::copy(lines.other.join("mapping.json"), lines.one.join("mapping.json")).unwrap();
    assert!(matches!(vault.snapshot().err(), Some(Error::Forked { found: 5, seen: 3 })));
    assert!(matches!(transaction.commit().err(), Some(Error::Forked { found: 5, seen: 3 })));
}

#[test]
fn a_generation_is_found_on_every_page() {
    let fixture = Fixture::new();
    age(&fixture.root(), 2999);
    for generation in [1, 2, 3, 1023, 1024, 1025, 1026, 2047, 2048, 2049, 2999, 3000] {
        let seen = made_up(generation);
        let expected = if generation == 1 { CopyAge::Forked { found: 3001, seen: 1 } } else { CopyAge::Newest };
        assert_eq!(Client::saw(&fixture, seen).age_of(&fixture.root()), expected, "{generation}");
        let other = Seen { tag: Hex([0xEE; 64]), ..seen };
        let forked = CopyAge::Forked { found: 3001, seen: generation };
        assert_eq!(Client::saw(&fixture, other).age_of(&fixture.root()), forked, "{generation}");
    }
    // The next commits go on with the last page, and begin the next one.
    let vault = fixture.open();
    fill(&vault, 0..1);
    advance(&vault, 75);
    assert_eq!(vault.snapshot().unwrap().mapping().pages("history").len(), 4);
    assert_eq!(Client::saw(&fixture, made_up(3000)).age_of(&fixture.root()), CopyAge::Newest);
    assert!(vault.check(&|_| {}).unwrap().is_whole());
}

#[test]
fn a_damaged_history_is_reported_repaired_and_until_then_proves_nothing() {
    let fixture = Fixture::new();
    let behind = Client::new(&fixture, "behind");
    behind.open(&fixture.root()).unwrap();
    let vault = fixture.open();
    fill(&vault, 0..1);
    advance(&vault, 2);
    let page = vault.snapshot().unwrap().mapping().pages("history")[0];
    let file = fixture.root().join(format!("encrypted_features/{}.table", page.name()));
    flip(&file);

    // Whoever has seen this generation needs no history; whoever has not is not told that it continues.
    let vault = fixture.open();
    assert_eq!(behind.age_of(&fixture.root()), CopyAge::Unproven { found: 4, seen: 1 });
    assert!(matches!(behind.open(&fixture.root()), Err(Error::Unproven { found: 4, seen: 1 })));
    let report = vault.check(&|_| {}).unwrap();
    let named: Vec<_> = report.damages.iter().map(|damage| (damage.object.to_string(), damage.remedy)).collect();
    let path = file.strip_prefix(fixture.root()).unwrap().to_str().unwrap().to_owned();
    assert_eq!(named, [(path.clone(), Remedy::Forget)]);
    // A commit that left it out without a word would make honest copies look like forks.
    let mut transaction = Transaction::begin(&vault, IfLocked::Refuse).unwrap();
    let id = transaction.base().image_at(0).unwrap().id();
    transaction.add_place(id, Found { source: Hex([0; 16]), path: b"more".into(), modified: None }).unwrap();
    assert!(transaction.commit().err().unwrap().to_string().starts_with(&path));

    let repair = |vault: &Vault| {
        let repaired = vault::repair(vault, &Nothing, LostPhotoPolicy::Keep, IfLocked::Refuse, &|_| {}).unwrap();
        assert!(repaired.after.is_whole());
        advance(vault, 1);
    };
    // A machine that has seen every generation writes down again what was lost.
    let copy = Fixture::copy_of(&fixture);
    let freshness = fixture.beside("seen by the machine of the copy");
    copy_folder(&fixture.beside("seen"), &freshness);
    let seen_all = Freshness::in_directory(freshness);
    repair(&Vault::open(vault::local(copy.root()), &passphrase("correct"), seen_all).unwrap().0);
    assert_eq!(behind.age_of(&copy.root()), CopyAge::Newest);
    // Another one cannot.
    let new_machine = Client::new(&fixture, "new machine");
    repair(&new_machine.open(&fixture.root()).unwrap());
    assert_eq!(behind.age_of(&fixture.root()), CopyAge::Unproven { found: 6, seen: 1 });
    let accepted = Vault::open(vault::local(fixture.root()), &passphrase("correct"), behind.freshness().reading());
    let accepted = accepted.unwrap().0;
    accepted.accept_older_copy().unwrap();
    advance(&accepted, 1);
    assert_eq!(behind.age_of(&fixture.root()), CopyAge::Newest);
}

#[test]
fn a_history_that_was_taken_from_another_place_is_damage() {
    let fixture = Fixture::new();
    age(&fixture.root(), 2099);
    let pages = fixture.open().snapshot().unwrap().mapping().pages("history").to_vec();
    let path = |number: usize| fixture.root().join(format!("encrypted_features/{}.table", pages[number].name()));
    let (first, second) = (fs::read(path(0)).unwrap(), fs::read(path(1)).unwrap());
    fs::write(path(0), &second).unwrap();
    fs::write(path(1), &first).unwrap();
    let seen = Client::saw(&fixture, made_up(1500));
    assert_eq!(seen.age_of(&fixture.root()), CopyAge::Unproven { found: 2101, seen: 1500 });
}
