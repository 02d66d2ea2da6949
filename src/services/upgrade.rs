//! Upgrading a vault of an older format in place: what it needs, and doing it.
//!
//! ```no_run
//! # fn example(
//! #     vault: &cipherlens::services::open_vault::OpenVault,
//! #     passphrase: &cipherlens::services::session::Passphrase,
//! #     dirs: &cipherlens::services::app_dirs::AppDirs,
//! # ) -> Result<(), cipherlens::error::Error> {
//! use cipherlens::services::upgrade;
//!
//! let plan = upgrade::plan(vault)?;
//! plan.require_space().map_err(cipherlens::error::Error::from)?;
//! let upgraded = upgrade::upgrade(vault, passphrase, None, dirs, &|_progress| {})?;
//! assert!(upgraded.report.is_whole());
//! # Ok(())
//! # }
//! ```

use std::path::Path;

use crate::cipher::Passphrase;
use crate::durable::IfLocked;
use crate::error::Error;
use crate::services::app_dirs::AppDirs;
use crate::services::check::Report;
use crate::services::check::contents::Contents;
use crate::services::embedding::EmbeddingModel;
use crate::services::open_vault::OpenVault;
use crate::vault;
pub use crate::vault::{UpgradePlan, UpgradeProgress};

/// The outcome of an upgrade.
#[derive(Debug)]
#[must_use]
pub struct Upgraded {
    /// The generation that it made.
    pub generation: u64,
    /// Photos that an interrupted upgrade had written already.
    pub resumed: usize,
    /// Photos that cannot be found by a search any more: their vectors have no direction among the new numbers.
    pub without_vector: usize,
    /// What a check of the new generation found, which reads everything but the originals: those are as before.
    pub report: Report,
}

/// What an upgrade of `vault` needs. Over ssh, [`UpgradePlan::read`] is received and [`UpgradePlan::written`] is sent.
///
/// # Errors
/// [`vault::Error::NotOutdated`]; when a list of the vault is missing or damaged.
pub fn plan(vault: &OpenVault) -> Result<UpgradePlan, Error> {
    Ok(vault::plan_upgrade(vault.vault(), EmbeddingModel::dimension_after_upgrade(vault))?)
}

/// Upgrades `vault`, which `passphrase` has opened. `weights` are those of its model: a file, or `None` for the usual
/// ones. `progress` is called from any thread. Open the vault again afterwards. If it is interrupted, the next call on
/// the same machine goes on where it stopped.
///
/// # Errors
/// [`vault::Error::NotOutdated`]; [`vault::Error::NoSpace`]; when other weights made the vault's vectors, another
/// process writes, or a file is damaged or cannot be written. The vault is as before then.
pub fn upgrade(
    vault: &OpenVault,
    passphrase: &Passphrase,
    weights: Option<&Path>,
    dirs: &AppDirs,
    progress: &(dyn Fn(UpgradeProgress) + Sync),
) -> Result<Upgraded, Error> {
    plan(vault)?.require_space()?;
    let model = EmbeddingModel::load_for_upgrade(vault, weights, dirs)?;
    let project = |vector: &[f32]| model.project(vector).ok().map(|projected| projected.to_vec());
    let draft = dirs.upgrade_drafts().join(vault.id());
    let upgrade = vault::Upgrade { passphrase, features: model.space(), project: &project, draft: &draft };
    let vault::Upgraded { generation, resumed, without_vector, report } =
        vault::upgrade(vault.vault(), upgrade, IfLocked::Wait, progress)?;
    vault.mark_changed();
    log::info!("upgraded: generation {generation}, {} damages", report.damages.len());
    Ok(Upgraded { generation, resumed, without_vector, report: Report::of(report, &Contents::without_key(None)) })
}
