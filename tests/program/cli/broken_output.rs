//! Standard output that is closed or full, and a closed standard error: every command ends with a documented exit code,
//! without a panic, and has done its work.
#![cfg(unix)]

use std::fs::{self, File};
use std::io;
use std::process::{Command, Stdio};

use crate::cli::legacy::{KEY, encrypted};
use crate::support::scene::{CHEAPEST, Ran, Scene, copy_folder, sample, samples};

/// Invocations that the help does not list: without a command, help itself, and variants by flag.
const UNLISTED: [&str; 5] = ["", "--help", "--version", "add --dry-run", "synthesize"];

/// The application without a terminal, a host whose client has hung up before its greeting, and the upgrade of a vault
/// of the current format.
const FAILING: [&str; 3] = ["", "serve", "upgrade"];

/// Photos in each command's vault.
const PHOTOS: usize = 2;

/// The commands that the help lists.
fn commands() -> Vec<String> {
    let help = Scene::new().run(["--help"]).success().stdout();
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    // A line of the list, not the second line of a description.
    let listed = listed.filter_map(|line| line.strip_prefix("  ").filter(|rest| !rest.starts_with(' ')));
    let mut names: Vec<_> = listed.map(|line| line.split(' ').next().unwrap().to_owned()).collect();
    assert!(names.len() >= 20, "{help}");
    names.extend(UNLISTED.map(str::to_owned));
    names
}

/// The arguments of a command, for a vault with [`PHOTOS`] photos, the first of which has this id.
fn invocations(command: &str, scene: &Scene, id: &str) -> Vec<Vec<String>> {
    let path = |name: &str| scene.path(name).display().to_string();
    let photo = samples(PHOTOS + 1)[PHOTOS].display().to_string();
    let (vault, copy, new) = (scene.vault().display().to_string(), path("copy.vault"), path("new.vault"));
    let [memory, mebibytes, passes, once] = CHEAPEST;
    let (folder, key, passphrase) = (path("old"), path("key"), path("new passphrase"));
    let known = samples(1)[0].display().to_string();
    let all = path("out");
    let variants: &[&[&str]] = match command {
        "" => &[&[]],
        "--help" | "--version" | "help" | "doctor" | "man" => &[&[command]],
        "list" | "stats" | "copies" => &[&[command], &[command, "--json"]],
        "init" => &[&["init", memory, mebibytes, passes, once, &new]],
        "add" => &[&["add", &photo], &["add", "--json", &photo]],
        "add --dry-run" => &[&["add", "--dry-run", &photo], &["add", "--dry-run", "--json", &photo]],
        "search" => &[
            &["search", &known],
            &["search", "--json", "--id", id],
            &["search", &known, "--threshold", "-1", "--export", &all],
        ],
        "show" => &[&["show", id], &["show", "--json", id]],
        "export" => &[&["export", "--all", &all], &["export", "--json", "--all", &all]],
        "remove" => &[&["remove", "--yes", id], &["remove", "--yes", "--json", id]],
        "check" => &[&["check"], &["check", "--repair", "--json"]],
        "passwd" => &[&["passwd", memory, mebibytes, passes, once, "--new-passphrase-file", &passphrase]],
        "key" => &[
            &["key", "list"],
            &["key", "list", "--json"],
            &["key", "add", "--new-passphrase-file", &passphrase],
            &["key", "add", "--json", "--new-passphrase-file", &passphrase],
        ],
        "push" => &[&["push", &vault, &copy]],
        "pull" => &[&["pull", &vault, &copy]],
        "merge" => &[&["merge", &vault, &vault], &["merge", "--json", &vault, &vault]],
        "serve" => &[&["serve", "--stdio", &vault]],
        "import-legacy" => &[&["import-legacy", "--key-file", &key, &folder]],
        "demo" => &[&["demo"]],
        "bench" => &[&["bench", "--images", "512"], &["bench", "--features", "--batch", "1"]],
        "features" => &[&["features", &known], &["features", "--json", &known]],
        "config" => &[&["config", "init"], &["config", "path"]],
        "completions" => &[&["completions", "bash"]],
        "synthesize" => &[&["synthesize", "3"]],
        "upgrade" => &[&["upgrade"], &["upgrade", "--dry-run", "--json"]],
        unknown => panic!("say how `{unknown}` is run here"),
    };
    let owned = |arguments: &&[&str]| arguments.iter().map(ToString::to_string).collect();
    variants.iter().map(owned).collect()
}

/// Whether a command has done its work, if it changes anything.
fn is_done(command: &str, arguments: &[String], scene: &Scene) -> bool {
    let photos = || scene.run(["list", "--json"]).success().json().as_array().unwrap().len();
    match command {
        "add --dry-run" => photos() == PHOTOS,
        "add" | "import-legacy" => photos() == PHOTOS + 1,
        "synthesize" => photos() == PHOTOS + 3,
        "remove" => photos() == PHOTOS - 1,
        "init" => scene.path("new.vault/mapping.json").exists(),
        "push" | "pull" => scene.path("copy.vault/mapping.json").exists(),
        "export" => fs::read_dir(scene.path("out")).unwrap().count() == PHOTOS,
        "search" if arguments.contains(&"--export".to_owned()) => {
            fs::read_dir(scene.path("out")).is_ok_and(|out| out.count() == PHOTOS)
        }
        "key" if arguments.contains(&"list".to_owned()) => true,
        "passwd" | "key" => {
            fs::copy(scene.path("new passphrase"), scene.passphrase_file()).unwrap();
            photos() == PHOTOS
        }
        _ => true,
    }
}

/// A scene with a copy of the vault of `prepared`, and with what the commands above need.
fn scene_of(prepared: &Scene) -> Scene {
    let scene = Scene::new();
    copy_folder(&prepared.vault(), &scene.vault());
    fs::write(scene.path("new passphrase"), "a quite different one\n").unwrap();
    fs::create_dir_all(scene.path("old/encrypted_images")).unwrap();
    let photo = fs::read(sample("altered/elephant_image_0002_cropped.jpg")).unwrap();
    fs::write(scene.path("old/encrypted_images/a.jpg"), encrypted(&photo, [7; 16])).unwrap();
    fs::write(scene.path("old/mapping.json"), "{}").unwrap();
    fs::write(scene.path("key"), KEY).unwrap();
    scene
}

/// A pipe whose reader has closed it.
fn closed_pipe() -> Stdio {
    let (reader, writer) = io::pipe().unwrap();
    drop(reader);
    writer.into()
}

/// How the standard output or standard error of a command is broken.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Broken {
    Nothing,
    OutputClosed,
    OutputFull,
    ErrorClosed,
}

fn run(scene: &Scene, arguments: &[String], broken: Broken) -> Ran {
    let mut command = scene.command(arguments);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    match broken {
        Broken::Nothing => {}
        Broken::OutputClosed => drop(command.stdout(closed_pipe())),
        Broken::OutputFull => drop(command.stdout(File::options().write(true).open("/dev/full").unwrap())),
        Broken::ErrorClosed => drop(command.stderr(closed_pipe())),
    }
    Ran(command.spawn().unwrap().wait_with_output().unwrap())
}

/// Runs a command with each kind of broken output, each in its own scene; returns the failures.
fn complaints(command: &str, variant: usize, prepared: &Scene, id: &str) -> Vec<String> {
    let mut complaints = Vec::new();
    let mut run_in_copy = |broken| {
        let scene = scene_of(prepared);
        let arguments = invocations(command, &scene, id).swap_remove(variant);
        let ran = run(&scene, &arguments, broken);
        let status = ran.0.status;
        let mut require = |is_so: bool, what: &str| {
            if !is_so {
                complaints.push(format!("{arguments:?}, {broken:?}: {what}; {status}; {}", ran.stderr()));
            }
        };
        require(!ran.stderr().contains("panicked"), "it panicked");
        require(status.code().is_some(), "killed by a signal");
        require(is_done(command, &arguments, &scene), "it has not done its work");
        ran
    };
    let as_usual = run_in_copy(Broken::Nothing);
    let [closed, full, silent] =
        [Broken::OutputClosed, Broken::OutputFull, Broken::ErrorClosed].map(|broken| (broken, run_in_copy(broken)));
    let code = |ran: &Ran| ran.0.status.code();
    let usually = code(&as_usual);
    if (usually == Some(0)) == FAILING.contains(&command) {
        complaints.push(format!("{command} {variant}, with nothing broken: {usually:?}; {}", as_usual.stderr()));
    }
    for (broken, ran) in [closed, full, silent] {
        // A host exits successfully when the client hangs up, here before sending anything.
        let is_hung_up = command == "serve" && broken == Broken::OutputClosed && code(&ran) == Some(0);
        let is_refused = broken == Broken::OutputFull && usually == Some(0) && !as_usual.0.stdout.is_empty();
        if is_refused && !ran.stderr().contains("No space left on device") {
            complaints.push(format!("{command} {variant} does not say that the device is full: {}", ran.stderr()));
        }
        let expected = if is_refused { Some(1) } else { usually };
        if code(&ran) != expected && !is_hung_up {
            complaints.push(format!("{command} {variant}, {broken:?}: {:?}, not {expected:?}", ran.0.status));
        }
    }
    complaints
}

#[test]
fn every_command_ends_well_with_broken_output() {
    let prepared = Scene::with_photos(&samples(PHOTOS));
    let id = prepared.run(["list", "--json"]).success().json()[0]["id"].as_str().unwrap().to_owned();
    let mut all = Vec::new();
    for command in commands() {
        for variant in 0..invocations(&command, &prepared, &id).len() {
            all.extend(complaints(&command, variant, &prepared, &id));
        }
    }
    assert!(all.is_empty(), "{}", all.join("\n"));
}

#[test]
fn no_command_panics_if_descriptors_are_closed_from_the_start() {
    let scene = Scene::with_photos(&samples(1));
    for closed in [">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"] {
        for arguments in [&["list"][..], &["stats", "--json"], &["--help"], &["check", "--repair"], &["frobnicate"]] {
            let program = scene.command(arguments);
            let mut shell = Command::new("sh");
            shell.args(["-c", &format!("exec \"$0\" \"$@\" {closed}")]).arg(program.get_program());
            shell.args(program.get_args()).env_clear();
            shell.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
            let ran = Ran(shell.output().unwrap()).exits(if arguments == ["frobnicate"] { 64 } else { 0 });
            assert!(!ran.stderr().contains("panicked"), "{arguments:?} {closed}: {}", ran.stderr());
        }
    }
}
