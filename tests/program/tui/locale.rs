//! A terminal whose locale is not UTF-8: everything that is drawn is ASCII.

use crate::support::pseudo_terminal::Kind;
use crate::tui::user::{User, sample};

#[test]
fn without_a_utf_8_locale_names_and_borders_are_ascii() {
    let user = User::new();
    let folder = user.path("photos");
    std::fs::create_dir(&folder).unwrap();
    for name in ["plain.jpg", "猫 é.jpg"] {
        std::fs::copy(sample("photos/watch/image_0001.jpg"), folder.join(name)).unwrap();
    }
    let mut terminal = user.browse(Kind::Silent, &folder, "plain.jpg", &[], &[("LANG", "C")]);
    terminal.until("borders and a name in ASCII", |terminal| {
        let screen = terminal.screen();
        screen.contains("+ ") && screen.contains("+-") && screen.contains("?? ?.jpg")
    });
    assert!(terminal.screen().is_ascii(), "{}", terminal.screen());
    terminal.keys("q");
    assert!(terminal.wait().success());
}
