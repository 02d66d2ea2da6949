//! What an indexing run of the real program says about files it skips and about an error that ends it.

use crate::support::pseudo_terminal::Kind;
use crate::tui::user::{User, sample};

/// An `ftyp` box (ISO/IEC 14496-12) of this major brand, and the beginning of the next box.
fn iso_media(brand: &str) -> Vec<u8> {
    [&[0, 0, 0, 20][..], b"ftyp", brand.as_bytes(), &[0; 4], brand.as_bytes(), &[0, 0, 0, 8], b"free"].concat()
}

#[test]
fn skipped_files_are_counted_in_the_browser_and_on_the_indexing_tab() {
    let user = User::with_vault();
    let pictures = user.path("pictures");
    for (name, content) in [
        ("apple/1.HEIC", iso_media("heic")),
        ("phone/2.HEIC", iso_media("heic")),
        ("phone/3.HEIC", iso_media("heix")),
        ("phone/4.MOV", iso_media("qt  ")),
        ("phone/notes.txt", b"text".to_vec()),
        ("phone/5.JPG", std::fs::read(sample("altered/elephant_image_0002_cropped.jpg")).unwrap()),
    ] {
        let path = pictures.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
    let mut terminal = user.start_unlocked(Kind::Silent, &pictures, &[]);
    terminal.until_screen(", 0 photos");
    terminal.until_screen("apple/");
    terminal.until_screen("╭ apple/");
    terminal.keys("l");
    terminal.until_screen("no photos here, only 1 other file");
    terminal.keys("h");
    terminal.until_screen("╭ apple/");
    terminal.keys("j");
    terminal.until_screen("╭ phone/");
    terminal.keys("l");
    terminal.until_screen("4 other files");
    terminal.keys("h");
    terminal.until_screen("╭ phone/");
    terminal.keys("i");
    terminal.until_screen("passes over 3 files: 2 HEIC, 1 MOV (formats that are not read yet)");
    terminal.until_screen("passes over 1 other file");
    terminal.until_screen("all of them are new");
    terminal.keys("\r4");
    terminal.until_screen("3 passed over, formats that are not read yet: 2 HEIC, 1 MOV");
    terminal.until_screen("1 passed over, not photos: 1 other file");
    terminal.until_screen("done");
    terminal.until_screen("1 added");
    terminal.keys("q");
    assert!(terminal.wait().success());
}

#[test]
fn a_folder_queued_while_another_is_indexed_is_indexed_after_it() {
    let user = User::with_vault();
    let pictures = user.path("pictures");
    for (folder, kind) in [("first", "watch"), ("second", "dolphin")] {
        std::fs::create_dir_all(pictures.join(folder)).unwrap();
        for number in 1..=3 {
            let name = format!("image_{number:04}.jpg");
            std::fs::copy(sample(&format!("photos/{kind}/{name}")), pictures.join(folder).join(name)).unwrap();
        }
    }
    let mut terminal = user.start_unlocked(Kind::Silent, &pictures, &[]);
    terminal.until_screen(", 0 photos");
    terminal.until_screen("none in the vault");
    terminal.keys("i");
    terminal.until_screen("all of them are new");
    terminal.keys("\rjip");
    terminal.until_screen("╭ second/");
    terminal.keys("\r4");
    terminal.until_screen("● photos.vault, 6 photos");
    terminal.until_screen("✓ done");
    terminal.keys("1");
    terminal.until_screen("✓ all in the vault");
    terminal.keys("i");
    terminal.until_screen("nothing new: the vault holds all of them");
    terminal.keys("\rq");
    assert!(terminal.wait().success());
}

/// The number before `word` on the screen's first line that has it.
#[cfg(target_os = "linux")]
fn number_before(terminal: &crate::support::pseudo_terminal::PseudoTerminal, word: &str) -> Option<usize> {
    let screen = terminal.screen();
    let before = screen.lines().find_map(|line| line.split_once(word))?.0;
    before.rsplit(|letter: char| !letter.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(target_os = "linux")]
#[test]
fn a_run_ended_by_an_error_says_what_is_saved_and_how_to_continue() {
    let user = User::with_vault();
    let many = user.path("pictures/many");
    std::fs::create_dir(user.path("pictures")).unwrap();
    // Too few for a commit: no photo that was sealed before the error is in the vault.
    crate::support::full_disk::photos(&many, 2);
    let arguments = user.arguments(&user.path("pictures"));
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut terminal = user.start_on_full_disk(&arguments);
    terminal.until_screen(", 0 photos");
    terminal.until_screen("╭ many/");
    terminal.keys("i\r4");
    // Wait for the network first: loading it takes long on a busy machine.
    terminal.until("a sealed photo, or the end", |terminal| {
        terminal.screen().contains("✗ failed") || number_before(terminal, " added,") > Some(0)
    });
    terminal.until_screen("✗ failed");
    terminal.until_screen("File too large");
    terminal.until_screen("what was added is kept; index again to continue");
    let added = number_before(&terminal, " added").unwrap();
    assert!(added <= 2, "{}", terminal.screen());
    assert_eq!(terminal.screen().contains("added, all of them saved"), added > 0, "{}", terminal.screen());
    terminal.until_screen(&format!(", {added} photos"));
    terminal.keys("q");
    assert!(terminal.wait().success());
}
