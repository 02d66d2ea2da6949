//! An export over a connection that stalls or is lost: received photos are kept, and the same command resumes.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::remote::application::opened;
use crate::remote::host::{Host, serving};
use crate::remote::relay::{counted, go_on, is_held, relayed, stand_still};
use crate::support::pseudo_terminal::{Kind, PseudoTerminal};
use crate::support::scene::{Ran, Scene, samples};
use crate::support::vault_fixture::{files, fill, photo};

const PHOTOS: u32 = 20;
const PATIENCE: Duration = Duration::from_secs(120);

/// A host with photos, and a client with a fresh home directory for each run.
fn host() -> Host {
    let host = Host::with_vault();
    fill(&host.open_there(), 0..PHOTOS);
    fs::write(host.path("passphrase"), "correct").unwrap();
    host
}

/// An export to `out` over a connection with this plan that can be made once: later connection attempts fail.
fn export(host: &Host, plan: &str, count: &Path, out: &Path) -> Command {
    // An empty cache, so that every run has the same frames.
    let home = tempfile::tempdir_in(host.path("")).unwrap().keep();
    let mut command = Command::new(env!("CARGO_BIN_EXE_cipherlens"));
    command.arg("--passphrase-file").arg(host.path("passphrase"));
    let line = relayed(&serving(&host.root()), plan, count);
    let once = format!("mkdir '{}' || exit 1; {line}", home.join("connected").display());
    command.args(["--via", &once, "export", "--json", "--all"]).arg(out);
    command.env_clear().env("HOME", home).env("PATH", std::env::var_os("PATH").unwrap());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn run(host: &Host, plan: &str, count: &str, out: &Path) -> Ran {
    Ran(export(host, plan, &host.path(count), out).output().unwrap())
}

fn length(report: &serde_json::Value, key: &str) -> usize {
    report[key].as_array().unwrap().len()
}

/// The number of frames of a complete export.
fn frames(host: &Host) -> usize {
    run(host, "pass", "whole", &host.path("whole out")).success();
    let frames = counted(&host.path("whole"));
    assert!(frames > 3 * PHOTOS as usize, "{frames} frames");
    frames
}

fn assert_complete(out: &Path) {
    let found = files(out);
    assert_eq!(found.len(), PHOTOS as usize, "{:?}", found.keys());
    assert!((0..PHOTOS).all(|number| found.values().any(|content| *content == photo(number))));
}

/// Interrupts the program while `held` keeps it waiting.
fn interrupt(mut child: Child, held: &Path) -> Ran {
    let patience = Instant::now() + PATIENCE;
    while !is_held(held) {
        assert!(Instant::now() < patience, "the frame never came");
        std::thread::sleep(Duration::from_millis(5));
    }
    let kill = format!("kill -s INT {}", child.id());
    assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut said = String::new();
    while !said.contains("interrupt again") {
        assert_ne!(stderr.read_line(&mut said).unwrap(), 0, "{said}");
    }
    go_on(held);
    let mut output = child.wait_with_output().unwrap();
    stderr.read_to_end(&mut output.stderr).unwrap();
    Ran(output)
}

#[test]
fn an_interrupt_stops_an_export_between_photos_and_the_same_command_resumes() {
    let host = host();
    let middle = frames(&host) - 30;
    let (out, count) = (host.path("out"), host.path("interrupted"));
    let child = export(&host, &format!("hold {middle}"), &count, &out).spawn().unwrap();
    let report = interrupt(child, &count).exits(130).json();
    let (exported, left) = (length(&report, "exported"), report["left"].as_u64().unwrap() as usize);
    assert!(exported > 0 && left > 0 && exported + left == PHOTOS as usize, "{report}");
    assert_eq!(files(&out).len(), exported, "what is being written is finished, and nothing else is there");
    let report = run(&host, "pass", "again", &out).success().json();
    assert_eq!((length(&report, "already_there"), length(&report, "exported")), (exported, left));
    // Existing files are not fetched again.
    assert!(counted(&host.path("again")) + exported < counted(&host.path("whole")));
    assert_complete(&out);
}

#[test]
fn an_export_reports_a_lost_connection_and_the_same_command_resumes() {
    let host = host();
    let middle = frames(&host) - 30;
    let out = host.path("out");
    let ran = run(&host, &format!("cut {middle}"), "cut", &out).exits(1);
    let report = ran.json();
    let exported = length(&report, "exported");
    assert!(exported > 0 && exported + report["left"].as_u64().unwrap() as usize == PHOTOS as usize, "{report}");
    assert!(report["error"].is_string(), "{report}");
    assert_eq!(files(&out).len(), exported);
    run(&host, "pass", "again", &out).success();
    assert_complete(&out);
}

/// The application exporting all photos of a vault whose host has stopped answering.
fn exporting_application(scene: &Scene, count: &Path, out: &Path) -> PseudoTerminal {
    // An export that is stopped early enough does not make the folder.
    fs::create_dir(out).unwrap();
    let mut terminal = opened(Kind::Silent, scene, count);
    terminal.keys("3\x01");
    terminal.until_screen("8 selected");
    stand_still(count);
    terminal.keys("e");
    terminal.until_screen("export 8 photos to");
    terminal.keys(&format!("\x15{}\r", out.display()));
    terminal.until_screen("exporting");
    assert!(terminal.screen().contains(" of 8"), "{}", terminal.screen());
    terminal
}

#[test]
fn the_application_stops_an_export_on_a_key_and_reports_what_was_done() {
    let scene = Scene::with_photos(&samples(8));
    let (count, out) = (scene.path("count"), scene.path("out"));
    let mut terminal = exporting_application(&scene, &count, &out);
    terminal.keys("X");
    terminal.until_screen("stopping the export");
    go_on(&count);
    terminal.until_screen("left: export again to continue");
    let written = files(&out).len();
    assert!(written < 8, "it was stopped: {written} files");
    assert!(terminal.screen().contains(&format!("exported {written} photo")), "{}", terminal.screen());
    terminal.keys("e\r");
    terminal.until("the rest", |terminal| {
        let rest = format!("exported {} photos to", 8 - written);
        terminal.screen().contains(&rest) || terminal.screen().contains(&rest.replace("photos", "photo"))
    });
    assert_eq!(files(&out).len(), 8);
    let inside = scene.vault().join("x");
    terminal.keys(&format!("e\x15{}\r", inside.display()));
    terminal.until_screen("not exported: cannot export to");
    terminal.keys("!");
    terminal.until_screen("outside of every vault");
    assert!(!inside.exists());
    terminal.keys("\x1b");
    terminal.until("the messages closed", |terminal| !terminal.screen().contains("newest first"));
    terminal.keys("q");
    assert!(terminal.wait().success());
}

#[test]
fn quitting_the_application_during_an_export_asks_and_leaves_no_half_photo() {
    let scene = Scene::with_photos(&samples(8));
    let (count, out) = (scene.path("count"), scene.path("out"));
    let mut terminal = exporting_application(&scene, &count, &out);
    terminal.keys("q");
    terminal.until_screen("Stop the export and quit?");
    terminal.keys("n");
    terminal.until("the question closed", |terminal| !terminal.screen().contains("Stop the export"));
    terminal.keys("q");
    terminal.until_screen("Stop the export and quit?");
    terminal.keys("y");
    go_on(&count);
    assert!(terminal.wait().success());
    let originals: Vec<_> = samples(8).iter().map(|photo| fs::read(photo).unwrap()).collect();
    for (path, content) in files(&out) {
        assert!(originals.contains(&content), "{}", path.display());
    }
}
