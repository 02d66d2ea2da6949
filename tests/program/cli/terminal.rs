//! Commands at a terminal: passphrase prompts and progress bars.
#![cfg(unix)]

use std::fs;
use std::time::{Duration, Instant};

use cipherlens::durable::IfLocked;
use cipherlens::vault::{self, Abandoned};

use crate::support::pseudo_terminal::{Kind, PseudoTerminal, Start};
use crate::support::scene::{CHEAPEST, Scene, all_samples};

const PASSPHRASE: &str = "five quite random words";

fn started(arguments: &[&str]) -> PseudoTerminal {
    PseudoTerminal::start(&Start { kind: Kind::Silent, columns: 100, rows: 30, arguments, environment: &[] })
}

/// Waits for a question, and answers it.
fn answer(terminal: &mut PseudoTerminal, question: &str, typed: &str) {
    terminal.until_screen(question);
    // The question appears a moment before the terminal's echo is turned off.
    let patience = Instant::now() + Duration::from_secs(60);
    while !terminal.modes().contains("-echo ") {
        assert!(Instant::now() < patience, "what is typed would be shown: {}", terminal.modes());
        std::thread::sleep(Duration::from_millis(5));
    }
    terminal.keys(&format!("{typed}\r"));
}

#[test]
fn a_new_passphrase_is_asked_for_twice_and_a_run_shows_its_progress() {
    let scene = Scene::new();
    let vault = scene.vault().display().to_string();
    let init: Vec<&str> = ["init", &vault].into_iter().chain(CHEAPEST).collect();
    let mut terminal = started(&init);
    answer(&mut terminal, "Choose a passphrase for photos.vault:", PASSPHRASE);
    answer(&mut terminal, "Repeat it:", "something else");
    assert_eq!(terminal.wait().exit_code(), 1);
    assert!(terminal.screen().contains("the two passphrases differ"), "{}", terminal.screen());
    let mut terminal = started(&init);
    answer(&mut terminal, "Choose a passphrase for photos.vault:", PASSPHRASE);
    answer(&mut terminal, "Repeat it:", PASSPHRASE);
    assert!(terminal.wait().success(), "{}", terminal.screen());
    assert!(!terminal.has_written(0, PASSPHRASE.as_bytes()), "it is not shown");

    // Many more photos than are done before the interrupt is handled.
    let photos: Vec<String> = all_samples().iter().map(|photo| photo.display().to_string()).collect();
    let of_all = format!("/{} photos", photos.len());
    let add: Vec<&str> = ["--vault", &vault, "add"].into_iter().chain(photos.iter().map(String::as_str)).collect();
    let mut terminal = started(&add);
    answer(&mut terminal, "Passphrase for photos.vault (", PASSPHRASE);
    let bar = |screen: &str| -> Option<String> {
        let line = screen.lines().find(|line| line.contains(&of_all) && !line.contains(" 0/"))?;
        Some(line.trim_end().to_owned())
    };
    terminal.until("a bar with photos done", |terminal| bar(&terminal.screen()).is_some());
    let line = bar(&terminal.screen()).unwrap();
    // Count, rate, time left and current file: 2/106 photos  4.1/s  7s left  okapi.jpg
    let (_, left) = line.split_once("/s  ").unwrap_or_else(|| panic!("no rate: {line}"));
    let (left, _) = left.split_once(" left  ").unwrap_or_else(|| panic!("no time left: {line}"));
    // Seconds, and minutes on a busy machine.
    let number = left.strip_suffix(['s', 'm', 'h']).and_then(|number| number.parse::<u32>().ok());
    assert!(line.starts_with(['█', '░']) && number.is_some(), "{line}");
    assert!(line.ends_with(".jpg"), "{line}");
    terminal.keys("\x03");
    assert_eq!(terminal.wait().exit_code(), 130, "{}", terminal.screen());
    let said = terminal.screen();
    assert!(said.contains("Finishing the photos in progress"), "{said}");
    assert!(said.contains("Run the same command again to continue."), "{said}");
    assert!(!terminal.has_written(0, PASSPHRASE.as_bytes()), "it is not shown");
}

#[test]
fn a_bar_counts_failures_and_a_waiting_run_has_no_rate() {
    let scene = Scene::with_vault();
    let (vault, passphrase) = (scene.vault().display().to_string(), scene.passphrase_file().display().to_string());
    let broken = scene.path("broken.jpg");
    fs::write(&broken, "no photo\n").unwrap();
    let mut photos = vec![broken.display().to_string()];
    photos.extend(all_samples().iter().map(|photo| photo.display().to_string()));
    let mut add = vec!["--vault", &vault, "--passphrase-file", &passphrase, "add"];
    add.extend(photos.iter().map(String::as_str));

    let backend = vault::local(scene.vault());
    let writer = backend.writer(Abandoned::Remove).unwrap();
    writer.lock(IfLocked::Refuse).unwrap();
    let mut terminal = started(&add);
    let line_with = |terminal: &PseudoTerminal, part: &str| {
        let screen = terminal.screen();
        screen.lines().find(|line| line.contains(part)).map(ToOwned::to_owned)
    };
    let with_rate = |terminal: &PseudoTerminal| line_with(terminal, "  1 failed").filter(|line| line.contains("/s"));
    terminal.until("a rate and a failure", |terminal| with_rate(terminal).is_some());
    let line = with_rate(&terminal).unwrap();
    // 2/107 photos  4.1/s  7s left  1 failed: at most one digit after the point.
    let rate = line.split_whitespace().find_map(|word| word.strip_suffix("/s")).unwrap();
    assert!(rate.split_once('.').is_none_or(|(_, digits)| digits.len() == 1), "{line}");
    terminal.until_screen("waiting for another process that is writing to this vault");
    let line = line_with(&terminal, "waiting for another process").unwrap();
    assert!(!line.contains("/s"), "{line}");
    drop(writer);
    // The photos that waited for their commit are added, and the other file is reported.
    assert_eq!(terminal.wait().exit_code(), 1, "{}", terminal.screen());
}

#[test]
fn an_address_in_the_form_of_scp_leads_to_a_question() {
    let scene = Scene::new();
    let (passphrase, home) = (scene.passphrase_file().display().to_string(), tempfile::tempdir().unwrap());
    let folder = home.path().join("nas:photos");
    let init: Vec<&str> =
        ["--passphrase-file", &passphrase, "init", "nas:photos"].into_iter().chain(CHEAPEST).collect();
    let start = Start { kind: Kind::Silent, columns: 100, rows: 30, arguments: &init, environment: &[] };
    let mut terminal = PseudoTerminal::start_in(home, &start);
    terminal.until_screen("on the machine nas (ssh://nas/~/photos)?");
    terminal.keys("n\r");
    assert!(terminal.wait().success(), "{}", terminal.screen());
    assert!(folder.join("mapping.json").exists(), "{}", terminal.screen());

    // Answer "ssh": it tries to connect. There is no ssh on this PATH.
    let start = Start { environment: &[("PATH", "/nowhere")], ..start };
    let mut terminal = PseudoTerminal::start(&start);
    terminal.until_screen("on the machine nas (ssh://nas/~/photos)?");
    terminal.keys("y\r");
    assert_eq!(terminal.wait().exit_code(), 1);
    assert!(terminal.screen().contains("ssh could not be started"), "{}", terminal.screen());

    // Answer neither.
    let mut terminal = PseudoTerminal::start(&start);
    terminal.until_screen("on the machine nas (ssh://nas/~/photos)?");
    terminal.keys("\r");
    assert_eq!(terminal.wait().exit_code(), 64);
}

#[test]
fn a_passphrase_is_added_at_a_terminal_and_removed_after_a_question() {
    let scene = Scene::with_vault();
    let (vault, passphrase) = (scene.vault().display().to_string(), scene.passphrase_file().display().to_string());
    let key = |arguments: &[&str]| {
        let common = ["--vault", &vault, "--passphrase-file", &passphrase, "key"];
        started(&[&common[..], arguments].concat())
    };
    let mut terminal = key(&["add"]);
    answer(&mut terminal, "Further passphrase:", PASSPHRASE);
    answer(&mut terminal, "Repeat it:", PASSPHRASE);
    assert!(terminal.wait().success(), "{}", terminal.screen());
    assert!(!terminal.has_written(0, PASSPHRASE.as_bytes()), "it is not shown");
    let listed = scene.run(["key", "list", "--json"]).success().json();
    let ids = [0, 1].map(|at| listed["slots"][at]["id"].as_str().unwrap().to_owned());
    for (id, question) in ids.iter().zip(["of the passphrase that you just gave?", "Its passphrase does not open"]) {
        let mut terminal = key(&["remove", id]);
        terminal.until_screen(question);
        terminal.keys("\r");
        assert_eq!(terminal.wait().exit_code(), 1);
        assert!(terminal.screen().contains("Nothing was removed."), "{}", terminal.screen());
    }
    let mut terminal = key(&["remove", &ids[0]]);
    terminal.until_screen("[y/N]");
    terminal.keys("y\r");
    assert!(terminal.wait().success(), "{}", terminal.screen());
    scene.run(["list"]).exits(2);
}
