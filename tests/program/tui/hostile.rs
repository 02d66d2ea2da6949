//! Hostile names and terminal answers: no file name acts as a terminal command, and no answer blocks the program.

use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use cipherlens::cipher::{Cost, Passphrase};
use cipherlens::durable::IfLocked;
use cipherlens::vault::{self, Extension, Found, Freshness, Hex, NewImage, Transaction, Vault};
use tempfile::TempDir;
use zeroize::Zeroizing;

use crate::support::pseudo_terminal::{Kind, PseudoTerminal, Start};
use crate::support::vault_fixture::{DIMENSION, space};

/// A text that only the names contain.
const CANARY: &str = "c2VjcmV0";

/// The title of the help.
const HELP: &str = "╭ keys ─";

/// Names that would set the clipboard, the title, pictures and colours, or cause answers, if a terminal obeyed them.
fn hostile_names() -> Vec<String> {
    [
        "\u{1b}]52;c;CANARY\u{7}",
        "\u{1b}]0;CANARY\u{7}",
        "\u{1b}]52;c;CANARY\u{1b}\\",
        "\u{1b}_Gi=1,a=T;CANARY\u{1b}\\",
        "\u{1b}PCANARY\u{1b}\\",
        "\u{1b}[31mCANARY",
        "\u{1b}cCANARY",
        "\u{9d}52;c;CANARY\u{9c}",
        "\u{9b}31mCANARY",
        "\u{7}CANARY\u{8}\u{8}",
        "\u{202e}CANARY",
        "\u{2066}\u{200b}\u{e0041}CANARY",
        "CANARY\u{1b}[5n",
    ]
    .map(|name| format!("{}.jpg", name.replace("CANARY", CANARY)))
    .into()
}

/// The positions of the canary in what was sent.
fn canaries(written: &[u8]) -> Vec<usize> {
    (0..written.len()).filter(|at| written[*at..].starts_with(CANARY.as_bytes())).collect()
}

/// Asserts that no canary follows the start of a command. Waits, because a screen's names do not arrive at once.
#[track_caller]
fn is_inert(terminal: &mut PseudoTerminal) {
    let enough = hostile_names().len() / 2;
    terminal.until("names", |terminal| canaries(&terminal.written).len() >= enough);
    let written = &terminal.written;
    let sent = canaries(written);
    for at in sent {
        let before = String::from_utf8_lossy(&written[at.saturating_sub(12)..at]).into_owned();
        for opening in [
            "\u{1b}]52",
            "]52;c;\u{7}",
            "\u{1b}]0;",
            "\u{1b}_G",
            "\u{1b}P",
            "\u{1b}c",
            "\u{9d}",
            "\u{9b}",
            "\u{7}",
            "\u{202e}",
            "\u{2066}",
            "\u{200b}",
            "\u{e0041}",
        ] {
            assert!(!before.contains(opening), "{opening:?} reaches the terminal: {before:?}");
        }
    }
    for byte in [0x07, 0x08] {
        assert!(!written.contains(&byte) || !terminal.has_written(0, &[byte, CANARY.as_bytes()[0]]), "{byte:#04x}");
    }
}

fn start(home: TempDir, arguments: &[&str]) -> PseudoTerminal {
    let start = Start { kind: Kind::Silent, columns: 100, rows: 40, arguments, environment: &[] };
    PseudoTerminal::start_in(home, &start)
}

/// Selects one photo after the other with the key `next`, so that each name is written in every place for names. Then
/// quits.
fn visit_each(mut terminal: PseudoTerminal, next: &str) {
    // The query itself is missing among the results.
    for _ in 2..hostile_names().len() {
        let before = terminal.screen();
        terminal.keys(next);
        terminal.until("another photo", |terminal| terminal.screen() != before);
    }
    is_inert(&mut terminal);
    terminal.keys("q");
    assert!(terminal.wait().success());
}

#[test]
fn names_in_the_browser_are_shown_and_not_obeyed() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("photos");
    std::fs::create_dir(&folder).unwrap();
    for name in hostile_names() {
        cipherlens::preview::test_picture().save_with_format(folder.join(name), image::ImageFormat::Jpeg).unwrap();
    }
    let mut terminal = start(home, &["--preview", "off", "--folder", folder.to_str().unwrap()]);
    terminal.until_screen("passphrase");
    terminal.keys("\x1b");
    terminal.until_screen(CANARY);
    visit_each(terminal, "j");
}

/// A vault of photos with these names and equal vectors, so that each finds all others.
fn hostile_vault(home: &Path, names: Vec<String>) {
    let passphrase = Passphrase::new(&Zeroizing::new(b"correct".to_vec())).unwrap();
    let freshness = Freshness::in_directory(home.join("seen"));
    let (vault, _) =
        Vault::create(vault::local(home.join("vault")), &passphrase, Cost::FLOOR, space(), freshness).unwrap();
    let mut transaction = Transaction::begin(&vault, IfLocked::Refuse).unwrap();
    for (number, name) in names.into_iter().enumerate() {
        let stored = transaction.store_photo(&number.to_le_bytes(), &Extension::of(Path::new("x.jpg"))).unwrap();
        let mut record = stored.record(Found { source: Hex([0; 16]), path: name.into_bytes(), modified: None });
        record.media_type = Some(format!("\u{1b}]0;{CANARY}\u{7}"));
        let mut vector = vec![0.0; DIMENSION];
        vector[0] = 1.0;
        transaction.append(NewImage { photo: stored, record, vector: Some(vector) }).unwrap();
    }
    drop(transaction.commit().unwrap());
    std::fs::write(home.join("passphrase"), "correct").unwrap();
}

#[test]
fn names_in_the_vault_and_in_results_are_shown_and_not_obeyed() {
    let home = tempfile::tempdir().unwrap();
    hostile_vault(home.path(), hostile_names());
    let [vault, passphrase] = ["vault", "passphrase"].map(|name| home.path().join(name).to_str().unwrap().to_owned());
    let mut terminal = start(home, &["--preview", "off", "--vault", &vault, "--passphrase-file", &passphrase]);
    terminal.until("the tabs", |terminal| terminal.screen().contains("Vault"));
    terminal.keys("3");
    terminal.until_screen(CANARY);
    is_inert(&mut terminal);
    // Search for similar photos.
    terminal.keys("s");
    terminal.until("scores", |terminal| ["0.99", "1.00"].iter().any(|score| terminal.screen().contains(score)));
    terminal.keys("?");
    terminal.until_screen(HELP);
    terminal.keys("\x1b");
    // A letter right after the escape character would make another key of both.
    terminal.until("the help's end", |terminal| !terminal.screen().contains(HELP));
    visit_each(terminal, "l");
}

/// One character of each kind that does not print or that terminals interpret.
const HIDDEN: [char; 22] = [
    '\u{ad}',     // soft hyphen
    '\u{200b}',   // zero width space
    '\u{200d}',   // zero width joiner
    '\u{200f}',   // right-to-left mark
    '\u{2028}',   // line separator
    '\u{2029}',   // paragraph separator
    '\u{202a}',   // left-to-right embedding
    '\u{202e}',   // right-to-left override
    '\u{2060}',   // word joiner
    '\u{2066}',   // left-to-right isolate
    '\u{2069}',   // pop directional isolate
    '\u{206f}',   // nominal digit shapes
    '\u{3164}',   // Hangul filler
    '\u{fe0f}',   // variation selector; one may stay
    '\u{feff}',   // byte order mark
    '\u{fffb}',   // interlinear annotation
    '\u{e000}',   // private use
    '\u{10eeee}', // private use: kitty draws pictures in its place
    '\u{e0041}',  // tag
    '\u{e007f}',  // cancel tag
    '\u{e01ef}',  // supplementary variation selector
    '\u{301}',    // combining acute accent; a few may stay
];

/// The most combining marks allowed in a row.
const MOST_MARKS: usize = 4;

fn hidden_names() -> Vec<String> {
    HIDDEN
        .iter()
        .enumerate()
        .map(|(number, hidden)| format!("{number:02}{CANARY}x{}.jpg", hidden.to_string().repeat(9)))
        .collect()
}

/// Asserts that a text has nothing of `HIDDEN` except the allowed marks.
#[track_caller]
fn hides_nothing(text: &str) {
    for hidden in HIDDEN {
        let allowed = if matches!(hidden, '\u{301}' | '\u{fe0f}') { MOST_MARKS } else { 0 };
        let beyond = hidden.to_string().repeat(allowed + 1);
        assert!(!text.contains(&beyond), "U+{:04X} is in {text:?}", u32::from(hidden));
    }
}

/// The texts that were put on the clipboard (OSC 52).
fn clipboards(terminal: &PseudoTerminal) -> Vec<String> {
    let written = String::from_utf8_lossy(&terminal.written).into_owned();
    let payloads = written.split("\x1b]52;c;").skip(1).filter_map(|rest| rest.split(['\x1b', '\x07']).next());
    payloads.map(|payload| String::from_utf8(BASE64.decode(payload).unwrap()).unwrap()).collect()
}

/// Copies all names of the shown tab and returns the clipboard.
fn copy_all(terminal: &mut PseudoTerminal, keys: &str) -> String {
    let before = clipboards(terminal).len();
    terminal.keys(keys);
    terminal.until_screen(&format!("copied {} names", HIDDEN.len()));
    terminal.until("a clipboard", |terminal| clipboards(terminal).len() > before);
    clipboards(terminal).pop().unwrap()
}

#[test]
fn stored_names_hide_nothing_on_the_screen_and_in_the_clipboard() {
    let home = tempfile::tempdir().unwrap();
    let names = hidden_names();
    hostile_vault(home.path(), names.clone());
    let [vault, passphrase] = ["vault", "passphrase"].map(|name| home.path().join(name).to_str().unwrap().to_owned());
    let mut terminal = start(home, &["--preview", "off", "--vault", &vault, "--passphrase-file", &passphrase]);
    terminal.until_answered();
    terminal.until_screen(&format!("{} photos", names.len()));
    terminal.keys("3");
    terminal.until_screen(CANARY);
    for number in 0..names.len() {
        // The status line names the photo under the cursor.
        terminal.until_screen(&format!("\n {number:02}{CANARY}"));
        terminal.keys("l");
    }
    let copied = copy_all(&mut terminal, "\x01y");
    assert_eq!(copied.lines().count(), names.len());
    hides_nothing(&copied);
    hides_nothing(&String::from_utf8_lossy(&terminal.written));
    terminal.keys("q");
    assert!(terminal.wait().success());
}

#[test]
fn paths_hide_nothing_in_the_clipboard_and_still_name_their_files() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("photos");
    std::fs::create_dir(&folder).unwrap();
    let names = hidden_names();
    for name in &names {
        cipherlens::preview::test_picture().save_with_format(folder.join(name), image::ImageFormat::Jpeg).unwrap();
    }
    let mut terminal = start(home, &["--preview", "off", "--folder", folder.to_str().unwrap()]);
    terminal.until_answered();
    terminal.until_screen("passphrase");
    terminal.keys("\x1b");
    terminal.until_screen(CANARY);
    let copied = copy_all(&mut terminal, "\x01y");
    assert!(terminal.screen().contains("quoted as $'...'"), "{}", terminal.screen());
    hides_nothing(&copied);
    hides_nothing(&String::from_utf8_lossy(&terminal.written));
    for word in copied.lines() {
        let found = std::process::Command::new("bash").args(["-c", &format!("test -f {word}")]).status().unwrap();
        assert!(found.success(), "{word}");
    }
    terminal.keys("q");
    assert!(terminal.wait().success());
}

#[test]
fn the_program_works_in_a_terminal_that_answers_nonsense() {
    let endless = "9".repeat(100_000);
    let answers = [
        "\x1b[?62;4;22c\x1b[6;0;0t\x1b[0n".to_owned(),
        "\x1b[?62;4;22c\x1b[6;65535;65535t\x1b[0n".to_owned(),
        "\x1b[?62;4;22c\x1b[6;-20;-10t\x1b[0n".to_owned(),
        format!("\x1b[?{endless}c\x1b[6;{endless};{endless}t\x1b[0n"),
        format!("\x1b[?{}c\x1b[0n", "4;".repeat(50_000)),
        "\x1b_Gi=31;ENOENT:\x1b[2J\x1b\\\x1b[?62c\x1b[0n".to_owned(),
        format!("\x1b_Gi=31;{endless}"),
        "\x1b]11;rgb:zzzz/////\x07\x1b]11;rgb:\x07\x1b[?62;4c\x1b[6;20;10t\x1b[0n".to_owned(),
        format!("\x1b]11;{endless}"),
        "\x1bP>|\x1bP>|\x1bP\x1b\\\x1b[?62;4c\x1b[0n\x1b[0n\x1b[0n".to_owned(),
        "\u{fffd}\u{202e}\0\0\0\x1b\x1b\x1b[[[[<<<;;;M".to_owned(),
    ];
    for answer in answers {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().to_str().unwrap().to_owned();
        let mut terminal = start(home, &["--folder", &folder]);
        terminal.until("the questions", |terminal| terminal.has_written(0, b"\x1b[5n"));
        for piece in answer.as_bytes().chunks(2000) {
            terminal.keys(&String::from_utf8_lossy(piece));
            terminal.settle(Duration::from_millis(1));
        }
        // Wait until the unfinished answer times out.
        terminal.settle(Duration::from_millis(2500));
        terminal.keys("\x1b");
        terminal.settle(Duration::from_millis(300));
        let short: String = answer.chars().take(40).collect();
        assert!(terminal.is_alternate_screen(), "it still runs after {short:?}");
        terminal.signal("TERM");
        terminal.wait();
        let written = String::from_utf8_lossy(&terminal.written).into_owned();
        assert!(!written.contains("panicked"), "{short:?}: {written}");
        assert!(!terminal.is_alternate_screen(), "the terminal is restored after {short:?}");
    }
}
