//! The application on a vault of ten thousand photos: when the first thumbnail appears, how fast keys and pages are,
//! how much memory it takes; quiet, while indexing, and over a slow link. Prints a table.
//!
//! The layout of the screens is not assumed: a key is answered when anything changes outside the bars at the edges.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use super::collection::{Collection, PHOTOS};
use super::median_and_worst;
use super::slow_link::SlowHost;
use crate::support::pseudo_terminal::{Kind, PseudoTerminal, Start};
use crate::tui::user::PASSPHRASE;

/// Rows at the top and at the bottom that change by themselves: tabs; running operations, messages and hints.
const BARS: (u16, u16) = (1, 4);
const SIZE: (u16, u16) = (120, 36);
/// Keys in each tab.
const KEYS: usize = 300;
/// Pages of the vault.
const PAGES: usize = 20;
/// Between keys: somebody who holds a key down.
const REPEAT: Duration = Duration::from_millis(33);
/// No picture comes any more after this pause.
const LAST_PICTURE: Duration = Duration::from_millis(700);
/// How a Sixel picture begins.
const PICTURE: &[u8] = b"\x1bP";

/// What was measured in one situation.
struct Column {
    name: &'static str,
    cells: Vec<String>,
}

const ROWS: [(&str, &str); 10] = [
    ("vault listed after unlock", ""),
    ("first thumbnail after unlock", "300 ms"),
    ("all thumbnails of the first page", ""),
    ("keys in files, median / worst", "16 / 100 ms"),
    ("keys in the vault, median / worst", "16 / 100 ms"),
    ("keys in results, median / worst", "16 / 100 ms"),
    ("search by a stored photo", ""),
    ("page of the grid, the frame, median / worst", "50 ms"),
    ("page of the grid, its last thumbnail, median / worst", ""),
    ("peak memory", "350 MB"),
];

fn milliseconds(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}

fn pair(times: Vec<Duration>) -> String {
    let (median, worst) = median_and_worst(times);
    format!("{:.1} / {}", median.as_secs_f64() * 1000.0, milliseconds(worst))
}

/// The screen without its bars: characters and colours.
fn middle(terminal: &PseudoTerminal) -> Vec<String> {
    terminal.formatted_rows(usize::from(BARS.0)..usize::from(SIZE.1 - BARS.1))
}

/// Presses a key and waits until its answer is on the screen.
fn answer(terminal: &mut PseudoTerminal, key: &str) -> Duration {
    let before = middle(terminal);
    let pressed = Instant::now();
    terminal.keys(key);
    terminal.until(&format!("answer to {key:?}"), |terminal| middle(terminal) != before);
    pressed.elapsed()
}

/// The times of keys that go down and up again, five steps each way: results have few lines.
fn keys(terminal: &mut PseudoTerminal) -> String {
    let mut times = Vec::new();
    for number in 0..KEYS {
        let key = if number / 5 % 2 == 0 { "j" } else { "k" };
        times.push(answer(terminal, key));
        terminal.read_for(REPEAT);
    }
    pair(times)
}

/// When the last picture arrived, or `began` if none did.
fn last_picture(terminal: &mut PseudoTerminal, began: Instant, mut from: usize) -> Duration {
    let mut last = began;
    while last.elapsed() < LAST_PICTURE {
        terminal.read_for(Duration::from_millis(1));
        if terminal.has_written(from.saturating_sub(1), PICTURE) {
            last = Instant::now();
        }
        from = terminal.written.len();
    }
    last.duration_since(began)
}

/// Types the passphrase and opens the vault's tab.
fn unlock(terminal: &mut PseudoTerminal) -> [String; 3] {
    terminal.keys(PASSPHRASE);
    terminal.read_for(Duration::from_millis(200));
    let from = terminal.written.len();
    let entered = Instant::now();
    terminal.keys("\r");
    terminal.until_screen("● photos");
    terminal.keys("3");
    let listed = format!("{PHOTOS} photos");
    terminal.until_screen(&listed);
    let listed = entered.elapsed();
    terminal.until("a thumbnail", |terminal| terminal.has_drawn(from, PICTURE));
    let first = entered.elapsed();
    let from = terminal.written.len();
    let all = first + last_picture(terminal, Instant::now(), from);
    [listed, first, all].map(milliseconds)
}

/// Turns pages of the vault.
fn pages(terminal: &mut PseudoTerminal) -> [String; 2] {
    let (mut frames, mut thumbnails) = (Vec::new(), Vec::new());
    for _ in 0..PAGES {
        let (from, pressed) = (terminal.written.len(), Instant::now());
        frames.push(answer(terminal, "\x1b[6~"));
        thumbnails.push(last_picture(terminal, pressed, from));
    }
    [pair(frames), pair(thumbnails)]
}

/// Peak memory of a process.
fn peak_memory(process: u32) -> String {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let kibibytes: u64 = line.trim().trim_end_matches(" kB").parse().unwrap();
    format!("{} MB", kibibytes * 1024 / 1_000_000)
}

/// What runs while the application is measured.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Load {
    Idle,
    Indexing,
}

/// Measures a started application at its lock screen.
fn measure(name: &'static str, terminal: &mut PseudoTerminal, load: Load) -> Column {
    let [listed, first, all] = unlock(terminal);
    terminal.keys("1");
    terminal.read_for(Duration::from_millis(300));
    if load == Load::Indexing {
        terminal.keys("I\r");
        terminal.until_screen("indexing");
    }
    // Into the first folder.
    terminal.keys("l");
    terminal.read_for(Duration::from_secs(1));
    let in_files = keys(terminal);
    terminal.keys("3");
    terminal.read_for(Duration::from_secs(1));
    let in_vault = keys(terminal);
    let [frame, thumbnails] = pages(terminal);
    let searched = Instant::now();
    terminal.keys("s");
    terminal.until_screen("searched encrypted in");
    let search = searched.elapsed();
    terminal.read_for(Duration::from_secs(1));
    let in_results = keys(terminal);
    let screen = terminal.screen();
    assert!(load == Load::Idle || screen.contains("indexing"), "the run ended too early:\n{screen}");
    let memory = peak_memory(terminal.process());
    let cells =
        vec![listed, first, all, in_files, in_vault, in_results, milliseconds(search), frame, thumbnails, memory];
    Column { name, cells }
}

fn start(vault: &str, folder: &Path, environment: &[(&str, &str)]) -> PseudoTerminal {
    let folder = folder.to_string_lossy();
    let arguments = ["--vault", vault, "--folder", &folder];
    let start = Start { kind: Kind::Sixel, columns: SIZE.0, rows: SIZE.1, arguments: &arguments, environment };
    let mut terminal = PseudoTerminal::start(&start);
    terminal.until_answered();
    terminal.until_screen("passphrase");
    terminal
}

/// A copy that an indexing run may change.
fn copied(collection: &Collection) -> std::path::PathBuf {
    let copy = collection.path("photos copied.vault");
    let _ = std::fs::remove_dir_all(&copy);
    assert!(Command::new("cp").arg("-r").arg(collection.vault()).arg(&copy).status().unwrap().success());
    copy
}

#[test]
#[ignore = "a timing: .ci/long/pace runs it"]
fn a_vault_of_ten_thousand_photos_in_a_table() {
    let collection = Collection::open();
    let new = collection.new_photos();
    let mut columns = Vec::new();
    let vault = collection.vault().to_string_lossy().into_owned();
    columns.push(measure("quiet", &mut start(&vault, &new, &[]), Load::Idle));
    print(&columns);

    let copy = copied(&collection);
    columns.push(measure("indexing", &mut start(&copy.to_string_lossy(), &new, &[]), Load::Indexing));
    std::fs::remove_dir_all(copy).unwrap();
    print(&columns);

    if let Some(host) = SlowHost::start() {
        let (path, cache, state) = (host.path(), host.folder("cache"), host.folder("state"));
        let environment = [("PATH", &*path), ("XDG_CACHE_HOME", &*cache), ("XDG_STATE_HOME", &*state)];
        let address = host.address(&collection.vault());
        for name in ["ssh, 50 ms", "ssh, 50 ms, again"] {
            columns.push(measure(name, &mut start(&address, &new, &environment), Load::Idle));
            print(&columns);
        }
    }
}

fn print(columns: &[Column]) {
    let names: Vec<&str> = columns.iter().map(|column| column.name).collect();
    println!("\n| | bar | {} |\n|---|---|{}", names.join(" | "), "---|".repeat(names.len()));
    for (number, (row, bar)) in ROWS.iter().enumerate() {
        let cells: Vec<&str> = columns.iter().map(|column| column.cells[number].as_str()).collect();
        println!("| {row} | {bar} | {} |", cells.join(" | "));
    }
}
