//! What every command starts from: the user's folders and settings, which vault is meant, and how to open it.

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use indicatif::ProgressBar;

use super::failure::Failure;
use super::output;
use super::passphrase::{PassphraseSource, Purpose};
use crate::cipher::{Cost, Passphrase};
use crate::error::Error;
use crate::features::{Embedder, Precision, Workload};
use crate::remote::{OlderSource, Prompts};
use crate::services::name::inert;
use crate::services::passphrase_strength::{Strength, strength};
use crate::services::places::Places;
use crate::services::scp_address::{ScpAddress, scp_address};
use crate::services::session;
use crate::services::settings::{DEFAULT_THRESHOLD, Settings};
use crate::vault;
use crate::vault::{Standing, Vault};

/// The weights flag of the commands that look at photos.
#[derive(Args)]
pub(super) struct WeightsFile {
    /// ResNet-50 weights to use: safetensors, or PyTorch .pth in torchvision's layout
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
}

/// The precision flag of the commands that make vectors of their own.
#[derive(Args)]
pub(super) struct PrecisionFlag {
    /// Arithmetic of the network. bf16 is about twice as fast on processors with AVX512_BF16, and much slower on others; nearest
    /// neighbours are the same but for one in a hundred
    #[arg(long, value_name = "HOW", default_value = Precision::F32.name(), value_parser = precisions())]
    pub(super) precision: Precision,
}

fn precisions() -> impl TypedValueParser<Value = Precision> {
    PossibleValuesParser::new(Precision::ALL.map(Precision::name))
        .map(|name| Precision::named(&name).expect("only names of precisions are possible"))
}

/// What one try of a passphrase costs whoever guesses, and whoever opens.
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
    /// The cost, if it lies in the range that is accepted.
    pub(super) fn cost(&self) -> Result<Cost, Failure> {
        let memory_kib = self.argon2_memory_mib.saturating_mul(1024);
        Cost::new(memory_kib, self.argon2_passes, Cost::DEFAULT.lanes())
            .map_err(|error| Failure::Usage(error.to_string()))
    }
}

/// What becomes of a copy of the vault that is older than one this machine has seen.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) enum IfOlder {
    /// It is read, with a note, and not changed.
    Ask,
    /// It is used from now on (`--accept-older`).
    Accept,
}

/// One run of the program.
pub(super) struct Session {
    places: Option<Places>,
    vault: Option<PathBuf>,
    passphrase: PassphraseSource,
    if_older: IfOlder,
}

impl Session {
    pub(super) fn new(
        places: Option<Places>,
        vault: Option<PathBuf>,
        passphrase: PassphraseSource,
        if_older: IfOlder,
    ) -> Self {
        Self { places, vault, passphrase, if_older }
    }

    /// Whether `--accept-older` was given.
    pub(super) fn if_older(&self) -> IfOlder {
        self.if_older
    }

    /// What becomes of a source of `push` or `pull` that is not the newest copy.
    pub(super) fn older_source(&self) -> OlderSource {
        match self.if_older {
            IfOlder::Ask => OlderSource::Refuse,
            IfOlder::Accept => OlderSource::Accept,
        }
    }

    /// The user's folders.
    pub(super) fn places(&self) -> Result<&Places, Failure> {
        self.places.as_ref().ok_or(Failure::NoHome)
    }

    /// The user's settings; read when they are first needed, so that a broken file does not keep `config` from working.
    pub(super) fn settings(&self) -> Result<Settings, Failure> {
        Ok(Settings::load(&self.places()?.settings_file())?)
    }

    /// The similarity from which a photo matches: the flag, else the settings, else the default.
    pub(super) fn threshold(&self, flag: Option<f32>) -> Result<f32, Failure> {
        let threshold = match flag {
            Some(threshold) => threshold,
            None => self.settings()?.threshold.unwrap_or(DEFAULT_THRESHOLD),
        };
        if (-1.0..=1.0).contains(&threshold) {
            Ok(threshold)
        } else {
            Err(Failure::Usage(format!("a threshold lies between -1 and 1; {threshold} does not")))
        }
    }

    /// The vault that the command line or the environment names.
    pub(super) fn named_vault(&self) -> Option<&PathBuf> {
        self.vault.as_ref()
    }

    /// The vault that is meant: flag or environment, settings, the one used last.
    pub(super) fn vault_path(&self) -> Result<PathBuf, Failure> {
        if let Some(vault) = &self.vault {
            return meant(vault);
        }
        let configured = self.settings()?.vault;
        configured.or_else(|| self.places.as_ref()?.last_vault()).ok_or(Failure::NoVault)
    }

    /// Opens the vault that is meant for changing it, and remembers it. An older copy must be accepted first.
    pub(super) fn open_to_change(&self) -> Result<Vault, Failure> {
        let vault = self.open()?;
        vault.require_newest().map_err(Error::from)?;
        Ok(vault)
    }

    /// Opens the vault that is meant for reading, and remembers it. An older copy is read too, and said to be one.
    pub(super) fn open_vault(&self) -> Result<Vault, Failure> {
        let vault = self.open()?;
        if let Some(note) = session::note(vault.standing()) {
            let how = if matches!(vault.standing(), Standing::Older { .. }) { ": --accept-older" } else { "" };
            output::say(&format!("cipherlens: {note}{how}."));
        }
        Ok(vault)
    }

    fn open(&self) -> Result<Vault, Failure> {
        let path = self.vault_path()?;
        // A wrong path should be told before a passphrase is asked for.
        let found = session::FoundVault::at(&path, self.places()?, Prompts::Allowed)?;
        let passphrase = self.passphrase("Passphrase", Purpose::Open)?;
        let spinner = ProgressBar::new_spinner().with_message("opening the vault");
        spinner.enable_steady_tick(Duration::from_millis(100));
        let opened = found.open(&passphrase, self.places()?);
        spinner.finish_and_clear();
        let vault = opened?;
        if self.if_older == IfOlder::Accept {
            let before = vault.standing();
            vault.accept_older_copy().map_err(Error::from)?;
            if let Standing::Older { found, seen } = before {
                let said =
                    format!("cipherlens: generation {found} is used from now on; generation {seen} was seen before.");
                output::say(&said);
            }
        }
        self.remember(&path);
        Ok(vault)
    }

    /// The passphrase from where the flags say.
    pub(super) fn passphrase(&self, prompt: &str, purpose: Purpose) -> Result<Passphrase, Failure> {
        read_passphrase(&self.passphrase, prompt, purpose)
    }

    /// The passphrase, if a flag says where it is; the terminal is not asked.
    pub(super) fn given_passphrase(&self) -> Result<Option<Passphrase>, Failure> {
        if self.passphrase.is_given() { self.passphrase("", Purpose::Open).map(Some) } else { Ok(None) }
    }

    /// The network.
    pub(super) fn embedder(&self, weights: &WeightsFile, precision: Precision) -> Result<Box<dyn Embedder>, Failure> {
        Ok(session::load_network(weights.weights.as_deref(), precision, Workload::Many, self.places()?)?)
    }

    /// The network for this vault.
    pub(super) fn embedder_of(
        &self,
        vault: &Vault,
        weights: &WeightsFile,
        workload: Workload,
    ) -> Result<Box<dyn Embedder>, Failure> {
        Ok(session::load_network_of(vault, weights.weights.as_deref(), workload, self.places()?)?)
    }

    /// Remembers the vault at `path` as the one used last.
    pub(super) fn remember(&self, path: &Path) {
        // Only a convenience for next time: a state folder that cannot be written must not fail the command.
        if let Some(Err(error)) = self.places.as_ref().map(|places| places.remember_vault(path)) {
            log::warn!("the vault used last was not remembered: {}", error.kind());
        }
    }
}

/// A passphrase from `source`, normalised.
pub(super) fn read_passphrase(
    source: &PassphraseSource,
    prompt: &str,
    purpose: Purpose,
) -> Result<Passphrase, Failure> {
    let typed = source.read(prompt, purpose)?;
    if purpose == Purpose::Choose && strength(&typed).0 == Strength::Weak {
        output::say("This passphrase is weak: whoever copies the vault can guess it. Five random words are good.");
    }
    Ok(Passphrase::new(&typed).map_err(|error| Error::from(vault::Error::from(error)))?)
}

/// The place that is meant by `text`. What scp would take for a place on another machine, and is no folder here, is asked
/// about; where there is no terminal to ask, it is an error.
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
        "{shown} may be a place on another machine: write {ssh} (in the home folder there) or {from_root} for {host}, and \
         {folder} for a folder here"
    )))
}
