//! A connection lost at any frame: the vault stays intact, the error says what happened, and a retry succeeds.

use std::collections::HashSet;
use std::fs;

use cipherlens::durable::IfLocked;
use cipherlens::vault::{Abandoned, Error, Extension, Leftovers, Transaction, Vault};

use crate::remote::host::{Host, cause, serving};
use crate::remote::relay::{counted, relayed, worth_losing};
use crate::support::scene::{Ran, Scene, copy_folder, samples};
use crate::support::vault_fixture::{fill, image, photo, search, try_search, vector};

/// Opens the vault and adds the photo of a number.
fn add(host: &Host, command: &str, number: u32) -> Result<Vault, Error> {
    let vault = host.try_open(command)?;
    let mut transaction = Transaction::begin(&vault, IfLocked::Wait)?;
    let mut stored = transaction.store_photo(&photo(number), &Extension::of("x.jpg".as_ref()))?;
    transaction.store_thumbnail(&mut stored, b"thumbnail")?;
    transaction.append(image(stored, number))?;
    drop(transaction.commit()?);
    Ok(vault)
}

/// How many frames `work` takes.
fn frames_of(host: &Host, work: impl FnOnce(&str)) -> usize {
    let count = host.path("count");
    host.clear_cache();
    work(&relayed(&host.command(), "pass", &count));
    let frames = counted(&count);
    fs::remove_file(count).unwrap();
    frames
}

#[test]
fn an_add_that_loses_its_connection_or_host_at_any_frame_leaves_the_vault_intact() {
    let host = Host::with_vault();
    let frames = frames_of(&host, |line| drop(add(&host, line, 0).unwrap()));
    assert!(frames > 20, "{frames} frames are too few for an add");
    let (mut lost, mut tries) = (0, 0);
    let worth_a_kill: HashSet<usize> = worth_losing(frames).collect();
    for at in 1..=frames {
        let plans = if worth_a_kill.contains(&at) { &["cut", "kill-host"][..] } else { &["cut"] };
        for (odd, plan) in plans.iter().copied().enumerate() {
            tries += 1;
            let number = (2 * at + odd) as u32;
            let before = host.open_there().backend().mapping().unwrap().mapping;
            let line = relayed(&host.command(), &format!("{plan} {at}"), &host.path("count"));
            host.clear_cache();
            if let Err(error) = add(&host, &line, number) {
                cause(&error);
                lost += 1;
            }
            let vault = host.open_there();
            let report = vault.check(&|_| {}).unwrap();
            assert!(report.is_whole(), "{plan} {at}: {:?}", report.damages);
            let next = vault.backend().writer(Abandoned::Remove).unwrap();
            next.lock(IfLocked::Wait).unwrap();
            let current = vault.backend().mapping().unwrap();
            if plan == "cut" && current.mapping == before {
                // The host noticed, and removed the staged files before it released the lock.
                assert_eq!(vault.backend().leftovers(&current).unwrap(), Leftovers::default(), "{plan} {at}");
            }
            drop(next);
            add(&host, &host.command(), number).unwrap();
        }
    }
    assert!(lost > tries / 2, "most are noticed: {lost} of {tries}");
    let vault = host.open();
    assert_eq!(vault.snapshot().unwrap().len(), tries + 1, "every second try succeeded, none was doubled");
    assert!(vault.check(&|_| {}).unwrap().is_whole());
}

#[test]
fn a_search_that_loses_its_connection_at_any_frame_says_so_and_the_next_succeeds() {
    let host = Host::with_vault();
    let ids = fill(&host.open(), 0..3);
    let find = |command: &str| -> Result<f32, Error> {
        let vault = host.try_open(command)?;
        Ok(try_search(&vault, &vault.snapshot()?, &vector(1))?[1])
    };
    let frames = frames_of(&host, |line| assert!(find(line).unwrap() > 0.997));
    let mut lost = 0;
    for at in 1..=frames {
        for plan in ["cut", "kill-host"] {
            host.clear_cache();
            // The new connection is cut at the same frame, so the first error is reported.
            if let Err(error) = find(&relayed(&host.command(), &format!("{plan} {at}"), &host.path("count"))) {
                cause(&error);
                lost += 1;
            }
            assert!(find(&host.command()).unwrap() > 0.997);
        }
    }
    // A connection lost late is replaced by one that carries less.
    assert!((2..2 * frames).contains(&lost), "{lost} of {}", 2 * frames);
    assert_eq!(host.open().snapshot().unwrap().image_at(1).unwrap().id(), ids[1]);
}

#[test]
fn a_read_is_retried_once_after_a_lost_connection() {
    let host = Host::with_vault();
    fill(&host.open(), 0..2);
    // The first connection is cut, the second is not.
    let marker = host.path("first");
    let cut = relayed(&host.command(), "cut 9", &host.path("count"));
    let command = format!("if mkdir '{}' 2>/dev/null; then {cut}; else {}; fi", marker.display(), host.command());
    let vault = host.try_open(&command).unwrap();
    assert_eq!(search_ids(&vault), 2);
    assert!(marker.exists() && counted(&host.path("count")) >= 9);
}

fn search_ids(vault: &Vault) -> usize {
    let snapshot = vault.snapshot().unwrap();
    snapshot.segments().unwrap().map(|segment| segment.records().unwrap().len()).sum()
}

#[test]
fn a_client_that_is_killed_leaves_nothing_behind() {
    let photos = samples(4);
    let prepared = Scene::with_photos(&photos[..2]);
    let id = prepared.run(["list", "--json"]).success().json()[0]["id"].as_str().unwrap().to_owned();
    let run = |scene: &Scene, plan: &str, arguments: &[&str], files: &[std::path::PathBuf]| {
        let via = relayed(&serving(&scene.vault()), plan, &scene.path("count"));
        let mut command = scene.command(["--via", &via]);
        command.env("PATH", std::env::var_os("PATH").unwrap()).args(arguments).args(files);
        Ran(command.output().unwrap())
    };
    let copy = || {
        let scene = Scene::new();
        copy_folder(&prepared.vault(), &scene.vault());
        scene
    };
    for (arguments, files) in [(&["add", "--json"][..], &photos[..]), (&["search", "--json"], &photos[..1])] {
        let whole = copy();
        run(&whole, "pass", arguments, files).success();
        let frames = counted(&whole.path("count"));
        let mut killed = 0;
        for at in (1..=frames).step_by(4) {
            let scene = copy();
            let ran = run(&scene, &format!("kill-client {at}"), arguments, files);
            assert!(ran.0.status.code().is_none() || ran.0.status.success(), "{at}: {}", ran.stderr());
            killed += usize::from(ran.0.status.code().is_none());
            scene.run(["check"]).success();
            // The next writer removes what was left. The host of a killed client takes a moment to notice.
            let mut next = scene.run(["remove", "--yes", &id]);
            while next.stderr().contains("another process is writing") {
                std::thread::sleep(std::time::Duration::from_millis(20));
                next = scene.run(["remove", "--yes", &id]);
            }
            next.success();
            let report = scene.run(["check", "--json"]).success().json();
            let is_empty = |key: &str| report[key].as_array().unwrap().is_empty();
            assert!(is_empty("leftovers") && is_empty("strays"), "{at}: {report}");
        }
        // The last frames may come in another number.
        assert!(killed >= frames / 4 - 2 && killed > 2, "{killed} kills at {frames} frames");
    }
}

#[test]
fn local_and_remote_writers_take_turns() {
    let host = Host::with_vault();
    let (away, there) = (host.open(), host.open_there());
    let begin = |vault: &Vault| Transaction::begin(vault, IfLocked::Wait).unwrap();
    let first = begin(&away);
    first.lock(IfLocked::Refuse).unwrap();
    assert!(matches!(begin(&there).lock(IfLocked::Refuse), Err(Error::Locked)));
    assert!(matches!(begin(&host.open()).lock(IfLocked::Refuse), Err(Error::Locked)));
    let waiting = std::thread::scope(|scope| {
        let waiter = scope.spawn(|| begin(&host.open()).lock(IfLocked::Wait));
        drop(first);
        waiter.join().unwrap()
    });
    waiting.unwrap();
    fill(&there, 0..2);
    fill(&away, 2..4);
    let snapshot = away.snapshot().unwrap();
    assert_eq!(search(&there, &there.snapshot().unwrap(), &vector(3)).len(), snapshot.len());
}
