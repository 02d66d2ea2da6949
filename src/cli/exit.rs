//! Exit codes, an interface for scripts: a code never changes its meaning.

use std::process::ExitCode;

/// Shown under `cipherlens --help`.
pub(super) const HELP: &str = "\
Exit codes:
  0    done; a reader that closes the pipe early (| head) is not a failure
  1    failed, or some of the photos failed or are in formats that are not read yet (see standard error), or standard
       output could not be written, for instance to a full disk
  2    the passphrase is wrong, or the vault's file `header`, which it opens, was changed
  3    damage was found in the vault, or it is an older copy, which was not changed, or another vault is at its address
       than before, which was not opened
  64   the command line could not be understood
  130  interrupted; what was finished is kept";

/// How a command ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Exit {
    /// Done.
    Success,
    /// Failed, or some of the photos failed or are in unsupported formats.
    Failure,
    /// The passphrase is wrong or the header was altered, which look the same.
    WrongPassphrase,
    /// Damage was found in the vault; or it is an older copy, which was not changed; or another vault is at its address
    /// than before, which was not opened.
    Damage,
    /// The command line could not be understood (`EX_USAGE` of sysexits.h).
    Usage,
    /// Interrupted by the user (128 + SIGINT).
    Interrupted,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Success => 0,
            Exit::Failure => 1,
            Exit::WrongPassphrase => 2,
            Exit::Damage => 3,
            Exit::Usage => 64,
            Exit::Interrupted => 130,
        })
    }
}
