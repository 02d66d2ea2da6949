//! The context of every command: the program's folders, the settings, which vault to use, and how to unlock it.

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use indicatif::ProgressBar;

use super::failure::Failure;
use super::output;
use super::passphrase::{PassphraseSource, Purpose};
use crate::error::Error;
use crate::services::app_dirs::AppDirs;
use crate::services::embedding::{EmbeddingModel, Precision, Workload};
use crate::services::name::inert;
use crate::services::open_vault::{CopyAge, OpenVault};
use crate::services::passphrase_strength::{Strength, strength};
use crate::services::scp_address::{ScpAddress, scp_address};
use crate::services::session::{self, Cost, FoundVault, Passphrase, Prompts, Trust};
use crate::services::settings::{DEFAULT_THRESHOLD, Settings};
use crate::services::transfer::OlderSource;

/// The weights flag of commands that embed photos.
#[derive(Args)]
pub(super) struct WeightsFile {
    /// Weights to use instead of the built-in ones: safetensors, or PyTorch .pth in torchvision's layout
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
}

impl WeightsFile {
    /// The file, if one is named.
    pub(super) fn file(&self) -> Option<&Path> {
        self.weights.as_deref()
    }
}

/// The precision flag of commands that do not take the precision from a vault.
#[derive(Args)]
pub(super) struct PrecisionFlag {
    /// Arithmetic of the network. bf16 is about twice as fast on processors with AVX512_BF16, and much slower on
    /// others; nearest neighbours are the same but for one in a hundred
    #[arg(long, value_name = "HOW", default_value = Precision::F32.name(), value_parser = precisions())]
    pub(super) precision: Precision,
}

fn precisions() -> impl TypedValueParser<Value = Precision> {
    PossibleValuesParser::new(Precision::ALL.map(Precision::name))
        .map(|name| Precision::named(&name).expect("only names of precisions are possible"))
}

/// The cost of trying a passphrase, for the owner and for an attacker alike.
#[derive(Args)]
pub(super) struct CostFlags {
    /// Memory for the passphrase's key derivation in MiB (19 to 2048)
    #[arg(long, value_name = "MIB", default_value_t = Cost::DEFAULT.memory_kib() / 1024)]
    argon2_memory_mib: u32,
    /// Passes over that memory (1 to 16)
    #[arg(long, value_name = "N", default_value_t = Cost::DEFAULT.passes())]
    argon2_passes: u32,
}

impl CostFlags {
    /// The cost, if it is in the accepted range.
    pub(super) fn cost(&self) -> Result<Cost, Failure> {
        let memory_kib = self.argon2_memory_mib.saturating_mul(1024);
        Cost::new(memory_kib, self.argon2_passes, Cost::DEFAULT.lanes())
            .map_err(|error| Failure::Usage(error.to_string()))
    }
}

/// How to treat a copy of the vault that is older than one this machine has seen.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) enum IfOlder {
    /// Read it, with a note, and refuse changes.
    Ask,
    /// Use it from now on (`--accept-older`).
    Accept,
}

/// What to do about a vault of an older format.
#[derive(Clone, Copy, Eq, PartialEq)]
enum IfOutdated {
    /// Say so, and how to upgrade it.
    Say,
    /// Nothing: it is about to be upgraded.
    Upgrade,
}

/// One run of the program.
pub(super) struct Session {
    dirs: Option<AppDirs>,
    vault: Option<PathBuf>,
    passphrase: PassphraseSource,
    if_older: IfOlder,
    trust: Trust,
}

impl Session {
    pub(super) fn new(
        dirs: Option<AppDirs>,
        vault: Option<PathBuf>,
        passphrase: PassphraseSource,
        if_older: IfOlder,
        trust: Trust,
    ) -> Self {
        Self { dirs, vault, passphrase, if_older, trust }
    }

    /// Which vaults may be at an address where another one was before; with `--trust-new-vault` any.
    pub(super) fn trust(&self) -> &Trust {
        &self.trust
    }

    /// Calls `find`, and again for each vault that is at the address of another one or is to be copied to where one is
    /// gone, if the user agrees. Without a terminal it is refused.
    pub(super) fn find_trusted<T>(&self, find: impl Fn(&Trust) -> Result<T, Error>) -> Result<T, Failure> {
        let mut trust = self.trust.clone();
        loop {
            let error = match find(&trust) {
                Ok(found) => return Ok(found),
                Err(error) => error,
            };
            let (vault, reasons, question) = match &error {
                Error::OtherVault { found, .. } => (
                    *found,
                    "  Your vault may have been moved, or made anew here; or somebody put another one in its place, to \
                     see what you add to it.",
                    "Trust this vault from now on? [y/N]",
                ),
                Error::VaultGone { copied, .. } => (
                    *copied,
                    "  Its disk may not be mounted, or somebody has deleted it; or the host hides it, to be given \
                     another copy.",
                    "Copy the whole vault there anew? [y/N]",
                ),
                _ => return Err(error.into()),
            };
            if !io::stdin().is_terminal() {
                return Err(error.into());
            }
            output::say(&format!("cipherlens: {}", inert(&error.to_string())));
            output::say(reasons);
            if !matches!(output::ask(question)?.as_str(), "y" | "Y" | "yes") {
                return Err(error.into());
            }
            trust.add(vault);
        }
    }

    /// Whether `--accept-older` was given.
    pub(super) fn if_older(&self) -> IfOlder {
        self.if_older
    }

    /// How `push` and `pull` treat a source that is not the newest copy.
    pub(super) fn older_source(&self) -> OlderSource {
        match self.if_older {
            IfOlder::Ask => OlderSource::Refuse,
            IfOlder::Accept => OlderSource::Accept,
        }
    }

    /// The program's own folders.
    pub(super) fn dirs(&self) -> Result<&AppDirs, Failure> {
        self.dirs.as_ref().ok_or(Failure::NoHome)
    }

    /// The user's settings, read on demand, so that `config` works with a broken file.
    pub(super) fn settings(&self) -> Result<Settings, Failure> {
        Ok(Settings::load(&self.dirs()?.settings_file())?)
    }

    /// The match threshold: the flag, else the settings, else the default.
    pub(super) fn threshold(&self, flag: Option<f32>) -> Result<f32, Failure> {
        let threshold = match flag {
            Some(threshold) => threshold,
            None => self.settings()?.threshold.unwrap_or(DEFAULT_THRESHOLD),
        };
        if (-1.0..=1.0).contains(&threshold) {
            Ok(threshold)
        } else {
            Err(Failure::Usage(format!("the threshold must be between -1 and 1, not {threshold}")))
        }
    }

    /// The vault named on the command line or in the environment.
    pub(super) fn named_vault(&self) -> Option<&PathBuf> {
        self.vault.as_ref()
    }

    /// The vault to use: from the flag or environment, else the settings, else the one used last.
    pub(super) fn vault_path(&self) -> Result<PathBuf, Failure> {
        if let Some(vault) = &self.vault {
            return meant(vault);
        }
        let configured = self.settings()?.vault;
        configured.or_else(|| self.dirs.as_ref()?.last_vault()).ok_or(Failure::NoVault)
    }

    /// Unlocks the vault for changes. An older copy must be accepted first.
    pub(super) fn open_to_change(&self) -> Result<OpenVault, Failure> {
        let vault = self.open()?;
        require_newest(&vault)?;
        Ok(vault)
    }

    /// Unlocks the vault for reading. An older copy is read too, with a note.
    pub(super) fn open_vault(&self) -> Result<OpenVault, Failure> {
        self.open_to_read().map(|(vault, _)| vault)
    }

    /// The same, with the passphrase.
    pub(super) fn open_to_read(&self) -> Result<(OpenVault, Passphrase), Failure> {
        let (vault, passphrase) = self.unlock(IfOutdated::Say)?;
        if let Some(note) = session::copy_age_note(vault.copy_age()) {
            output::say(&format!("cipherlens: {note}: --accept-older."));
            if let Some(text) = known_advice(&vault) {
                output::say(&format!("  {text}"));
            }
        }
        Ok((vault, passphrase))
    }

    /// Unlocks the vault to change its passphrases; the one that opens it is returned too.
    pub(super) fn open_with_passphrase(&self) -> Result<(OpenVault, Passphrase), Failure> {
        let (vault, passphrase) = self.unlock(IfOutdated::Say)?;
        require_newest(&vault)?;
        Ok((vault, passphrase))
    }

    /// Unlocks the vault to upgrade it, which needs the passphrase.
    pub(super) fn open_to_upgrade(&self) -> Result<(OpenVault, Passphrase), Failure> {
        let (vault, passphrase) = self.unlock(IfOutdated::Upgrade)?;
        require_newest(&vault)?;
        Ok((vault, passphrase))
    }

    fn open(&self) -> Result<OpenVault, Failure> {
        self.unlock(IfOutdated::Say).map(|(vault, _)| vault)
    }

    fn unlock(&self, if_outdated: IfOutdated) -> Result<(OpenVault, Passphrase), Failure> {
        let path = self.vault_path()?;
        // Found first, so that a wrong path is reported before the passphrase is asked for.
        let dirs = self.dirs()?;
        let found = self.find_trusted(|trust| FoundVault::at(&path, dirs, Prompts::Allowed, trust))?;
        let passphrase = self.passphrase(&format!("Passphrase for {}", found.name_and_address()), Purpose::Open)?;
        let spinner = ProgressBar::new_spinner().with_message("opening the vault");
        spinner.enable_steady_tick(Duration::from_millis(100));
        let opened = found.unlock(&passphrase, dirs);
        spinner.finish_and_clear();
        let vault = opened?;
        vault.note().into_iter().for_each(output::note);
        if self.if_older == IfOlder::Accept {
            let before = vault.copy_age();
            vault.accept_older_copy()?;
            if let CopyAge::Older { found, seen }
            | CopyAge::Forked { found, seen }
            | CopyAge::Unproven { found, seen } = before
            {
                let said =
                    format!("cipherlens: generation {found} is used from now on; generation {seen} was seen before.");
                output::say(&said);
            }
        }
        if vault.is_old() && if_outdated == IfOutdated::Say {
            output::say(
                "cipherlens: this vault is of an older format. It can be listed, shown, exported and checked; to \
                 search and change it again: cipherlens upgrade.",
            );
        }
        Ok((vault, passphrase))
    }

    /// The passphrase, from the source that the flags name.
    pub(super) fn passphrase(&self, prompt: &str, purpose: Purpose) -> Result<Passphrase, Failure> {
        read_passphrase(&self.passphrase, prompt, purpose)
    }

    /// The passphrase, if a flag says where to read it; never asks on the terminal.
    pub(super) fn given_passphrase(&self) -> Result<Option<Passphrase>, Failure> {
        if self.passphrase.is_given() { self.passphrase("", Purpose::Open).map(Some) } else { Ok(None) }
    }

    /// The embedding model of new vaults in `precision`, for many photos.
    pub(super) fn load_model(&self, weights: &WeightsFile, precision: Precision) -> Result<EmbeddingModel, Failure> {
        Ok(EmbeddingModel::load(weights.weights.as_deref(), precision, Workload::Many, self.dirs()?)?)
    }

    /// The same model for embeddings of `dimension` numbers.
    pub(super) fn load_model_for_dimension(
        &self,
        dimension: usize,
        weights: &WeightsFile,
        precision: Precision,
    ) -> Result<EmbeddingModel, Failure> {
        let weights = weights.weights.as_deref();
        Ok(EmbeddingModel::load_for_dimension(dimension, weights, precision, Workload::Many, self.dirs()?)?)
    }

    /// The embedding model that made the vectors of `vault`.
    pub(super) fn load_model_for(
        &self,
        vault: &OpenVault,
        weights: &WeightsFile,
        workload: Workload,
    ) -> Result<EmbeddingModel, Failure> {
        Ok(EmbeddingModel::load_for(vault, weights.weights.as_deref(), workload, self.dirs()?)?)
    }
}

/// Refuses a copy that is not the newest, and says what this machine knows of the newest.
fn require_newest(vault: &OpenVault) -> Result<(), Failure> {
    vault.require_newest().map_err(|error| match known_advice(vault) {
        Some(advice) => Failure::NotNewest { error, advice },
        None => error.into(),
    })
}

/// Where a copy is that has what this one lacks, and the command that brings both together, if one is known.
fn known_advice(vault: &OpenVault) -> Option<String> {
    let advice = vault.advice()?;
    Some(format!("{}; {}: {}", inert(&advice.other_in_words()), advice.purpose(), advice.command))
}

/// A normalised passphrase from `source`.
pub(super) fn read_passphrase(
    source: &PassphraseSource,
    prompt: &str,
    purpose: Purpose,
) -> Result<Passphrase, Failure> {
    let typed = source.read(prompt, purpose)?;
    if purpose == Purpose::Choose && strength(&typed).0 == Strength::Weak {
        output::say("This passphrase is weak: anybody who copies the vault can guess it. Five random words are good.");
    }
    Ok(session::passphrase(&typed)?)
}

/// The path or address that `text` means. If scp would take it for a remote path and it does not exist here, the user
/// is asked; without a terminal this is an error.
pub(super) fn meant(text: &Path) -> Result<PathBuf, Failure> {
    let Some(ScpAddress { host, ssh, folder }) = scp_address(text) else { return Ok(text.to_owned()) };
    let shown = inert(&text.to_string_lossy()).into_owned();
    if io::stdin().is_terminal() {
        let question =
            format!("Is {shown} on the machine {host} ({ssh})? y: connect by ssh, n: the folder {folder} here [y/n]");
        match output::ask(&question)?.as_str() {
            "y" | "Y" | "yes" => return Ok(ssh.into()),
            "n" | "N" | "no" => return Ok(text.to_owned()),
            _ => {}
        }
    }
    let from_root = ssh.replacen("/~/", "/", 1);
    Err(Failure::Usage(format!(
        "{shown} may be a place on another machine: write {ssh} (in the home folder there) or {from_root} for {host}, \
         and {folder} for a folder here"
    )))
}
