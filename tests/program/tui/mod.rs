//! The terminal application from outside: keys in, screen text out; and the real binary in a pseudo-terminal.

mod adding;
mod attention;
mod documented;
mod hints;
mod hostile;
mod intake;
mod interrupted;
mod keys;
mod known_vaults;
mod locale;
mod locking;
mod not_there;
mod older_copies;
mod outside;
mod pace;
mod restoring;
mod screens;
mod searching;
mod stage;
mod states;
mod stories;
mod terminals;
mod themes;
mod tmux;
mod user;
mod viewer;
