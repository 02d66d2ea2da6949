//! Tests of the table of terminals, and of when a run is shown and announced.

use std::path::PathBuf;

use super::*;
use crate::services::settings::{Motion, OnLock};
use crate::tui::locale::Characters;
use crate::tui::state::Preferences;
use crate::tui::state::exporting::Exporting;
use crate::tui::state::vault::Session;

fn variables(text: &str) -> impl Fn(&str) -> Option<String> {
    move |name| {
        let mut all = text.split(' ').filter_map(|part| part.split_once('='));
        all.find(|(known, _)| *known == name).map(|(_, value)| value.to_owned())
    }
}

fn abilities(text: &str) -> (bool, Notification) {
    let Abilities { draws_progress, notification } = Abilities::of(variables(text));
    (draws_progress, notification)
}

#[test]
fn each_known_terminal_gets_what_it_can_show() {
    use Notification::{Bell, Osc9, Osc99, Osc777};
    for (environment, expected) in [
        ("", (false, Bell)),
        ("TERM=xterm-256color", (false, Bell)),
        ("TERM=xterm-kitty KITTY_WINDOW_ID=1", (false, Osc99)),
        ("TERM=foot", (false, Osc777)),
        ("TERM=foot-extra", (false, Osc777)),
        ("TERM=rxvt-unicode-256color", (false, Osc777)),
        ("TERM=xterm-ghostty TERM_PROGRAM=ghostty TERM_PROGRAM_VERSION=1.1.3", (false, Osc9)),
        ("TERM=xterm-ghostty TERM_PROGRAM=ghostty TERM_PROGRAM_VERSION=1.2.0", (true, Osc9)),
        ("TERM=xterm-256color TERM_PROGRAM=ghostty TERM_PROGRAM_VERSION=1.10.0-dev", (true, Osc9)),
        ("TERM_PROGRAM=WezTerm TERM_PROGRAM_VERSION=20240203-110809-5046fc22", (false, Osc9)),
        ("TERM_PROGRAM=WezTerm TERM_PROGRAM_VERSION=20250518-204025-1a2b3c4d", (true, Osc9)),
        ("TERM_PROGRAM=iTerm.app TERM_PROGRAM_VERSION=3.6.5", (false, Osc9)),
        ("TERM_PROGRAM=iTerm.app TERM_PROGRAM_VERSION=3.6.10", (true, Osc9)),
        ("TERM_PROGRAM=iTerm.app", (false, Osc9)),
        ("TERM_PROGRAM=mintty TERM_PROGRAM_VERSION=3.7.8", (true, Bell)),
        ("KONSOLE_VERSION=251203", (false, Bell)),
        ("KONSOLE_VERSION=260400", (true, Bell)),
        ("PTYXIS_VERSION=47.10", (false, Bell)),
        ("PTYXIS_VERSION=48.0", (true, Bell)),
        ("WT_SESSION=2f1c", (true, Bell)),
        ("ConEmuPID=4711", (true, Bell)),
        ("TERM_PROGRAM=vscode WT_SESSION=2f1c", (true, Bell)),
        // kitty, started from Konsole.
        ("TERM=xterm-kitty KONSOLE_VERSION=260400", (false, Osc99)),
    ] {
        assert_eq!(abilities(environment), expected, "{environment}");
    }
}

#[test]
fn nothing_passes_through_tmux_or_screen_but_the_bell() {
    let ghostty = "TERM_PROGRAM=ghostty TERM_PROGRAM_VERSION=1.2.0 TERM=";
    for nested in ["xterm TMUX=/tmp/tmux", "xterm STY=1.pts", "tmux-256color", "screen.xterm", "linux"] {
        assert_eq!(abilities(&format!("{ghostty}{nested}")), (false, Notification::Bell), "{nested}");
    }
}

#[test]
fn every_announcement_rings_the_bell_and_its_sequences_are_whole() {
    for (notification, expected) in [
        (Notification::Bell, "\x07"),
        (Notification::Osc9, "\x07\x1b]9;cipherlens: 3 photos\x1b\\"),
        (Notification::Osc777, "\x07\x1b]777;notify;cipherlens;3 photos\x1b\\"),
        (
            Notification::Osc99,
            "\x07\x1b]99;i=cipherlens:d=0;cipherlens\x1b\\\x1b]99;i=cipherlens:d=1:p=body;3 photos\x1b\\",
        ),
    ] {
        assert_eq!(notification.sequence("3 photos"), expected);
    }
}

/// An open vault, and an indexing run of 200 photos.
fn indexing(status: RunStatus, added: usize) -> State {
    let mut state = State::new(
        PathBuf::from("/photos"),
        Preferences {
            threshold: 0.8,
            top: 50,
            characters: Characters::Unicode,
            motion: Motion::Full,
            export_folder: PathBuf::from("/exported"),
            vault: None,
            on_lock: OnLock::Continue,
            stores_files: false,
        },
    );
    state.session = Session::Open { vault: PathBuf::from("/vault") };
    let mut run = Indexing::new();
    (run.status, run.total, run.added) = (status, 200, added);
    state.indexing = Some(run);
    state
}

fn ghostty() -> Attention {
    Attention::in_terminal(variables("TERM_PROGRAM=ghostty TERM_PROGRAM_VERSION=1.3.1"))
}

#[test]
fn progress_follows_the_run_and_is_sent_only_when_it_changes() {
    let mut attention = ghostty();
    let now = Instant::now();
    let mut follow = |state: &State| attention.follow(state, now);
    let running = indexing(RunStatus::Running, 74);
    assert_eq!(follow(&running).as_deref(), Some("\x1b]9;4;1;37\x1b\\"));
    assert_eq!(follow(&running), None);
    assert_eq!(follow(&indexing(RunStatus::Running, 75)), None, "still 37 %");
    assert_eq!(follow(&indexing(RunStatus::Paused, 75)).as_deref(), Some("\x1b]9;4;4;37\x1b\\"));
    let mut locked = indexing(RunStatus::Running, 80);
    locked.session = Session::Closed;
    assert_eq!(follow(&locked).as_deref(), Some(REMOVE_PROGRESS));
    assert_eq!(follow(&indexing(RunStatus::Running, 80)).as_deref(), Some("\x1b]9;4;1;40\x1b\\"));
    assert_eq!(follow(&indexing(RunStatus::Done, 200)).as_deref(), Some(REMOVE_PROGRESS));
    let mut exporting = indexing(RunStatus::Done, 200);
    exporting.exporting = Some(Exporting::new(PathBuf::from("/exported"), 4));
    assert_eq!(follow(&exporting).as_deref(), Some("\x1b]9;4;1;0\x1b\\"));
    attention.progress_removed();
    assert_eq!(attention.follow(&exporting, now).as_deref(), Some("\x1b]9;4;1;0\x1b\\"), "the screen was taken again");
}

#[test]
fn a_failed_run_stays_red_until_the_user_has_seen_it() {
    for is_seen in [Attention::used, |attention: &mut Attention| attention.focus(WindowFocus::Gained)] {
        let mut attention = ghostty();
        attention.used();
        let now = Instant::now();
        assert!(attention.follow(&indexing(RunStatus::Running, 100), now).is_some());
        let failed = indexing(RunStatus::Failed, 100);
        assert_eq!(attention.follow(&failed, now).as_deref(), Some("\x1b]9;4;2;50\x1b\\"));
        is_seen(&mut attention);
        assert_eq!(attention.follow(&failed, now).as_deref(), Some(REMOVE_PROGRESS));
    }
}

#[test]
fn only_the_end_of_a_long_run_is_announced_and_only_to_a_user_who_looks_elsewhere() {
    let began = Instant::now();
    let after = |seconds| began + Duration::from_secs(seconds);
    let begun = || {
        let mut attention = ghostty();
        let _ = attention.follow(&indexing(RunStatus::Running, 1), began);
        let _ = attention.follow(&indexing(RunStatus::Running, 2), after(5));
        attention
    };
    let announced = |mut attention: Attention, seconds| attention.announce(Run::Indexing, "done", after(seconds));
    assert_eq!(announced(ghostty(), 60), None, "it was not seen to begin");
    assert_eq!(announced(begun(), 9), None, "it was short");
    assert!(announced(begun(), 10).is_some(), "no focus was ever reported");
    assert_eq!(begun().announce(Run::Export, "done", after(10)), None);
    let mut attention = begun();
    attention.focus(WindowFocus::Gained);
    assert_eq!(announced(attention, 10), None);
    let mut attention = begun();
    attention.focus(WindowFocus::Gained);
    attention.focus(WindowFocus::Lost);
    assert!(announced(attention, 10).is_some());
    let mut attention = begun();
    let _ = attention.follow(&indexing(RunStatus::Done, 1), after(10));
    assert_eq!(announced(attention, 30), None, "it was announced before");
}

#[test]
fn a_queued_run_begins_when_the_one_before_it_has_ended() {
    let began = Instant::now();
    let after = |seconds| began + Duration::from_secs(seconds);
    let mut attention = ghostty();
    let running = indexing(RunStatus::Running, 1);
    let _ = attention.follow(&running, began);
    assert!(attention.announce(Run::Indexing, "done", after(60)).is_some());
    // The next run has begun before the state is followed again.
    let _ = attention.follow(&running, after(60));
    assert_eq!(attention.announce(Run::Indexing, "done", after(63)), None, "it was short");
    let _ = attention.follow(&running, after(63));
    assert!(attention.announce(Run::Indexing, "done", after(73)).is_some());
}

#[test]
fn the_title_says_what_runs_in_numbers() {
    let summary = |status, added| summary(&indexing(status, added));
    assert_eq!(summary(RunStatus::Looking, 0).as_deref(), Some("indexing"));
    assert_eq!(summary(RunStatus::Running, 199).as_deref(), Some("99 % indexing"));
    assert_eq!(summary(RunStatus::Paused, 20).as_deref(), Some("10 % indexing, paused"));
    assert_eq!(summary(RunStatus::Done, 200), None);
    let mut exporting = indexing(RunStatus::Failed, 20);
    exporting.exporting = Some(Exporting::new(PathBuf::from("/exported"), 4));
    assert_eq!(super::summary(&exporting).as_deref(), Some("0 % exporting"));
}
