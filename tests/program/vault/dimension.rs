//! Vaults of this format store the network's own 2048 features, and nothing else.

use std::path::Path;

use cipherlens::error::Error;
use cipherlens::services::app_dirs::AppDirs;
use cipherlens::services::embedding::{EmbeddingModel, Precision, Workload};
use cipherlens::services::session::{self, Cost, Passphrase, Prompts};
use cipherlens::vault;

#[test]
fn a_model_of_another_dimension_makes_no_vault() {
    let scratch = tempfile::tempdir().unwrap();
    let dirs = AppDirs::within(scratch.path());
    let weights = Path::new("models/resnet50.safetensors");
    let load = |dimension| {
        EmbeddingModel::load_for_dimension(dimension, Some(weights), Precision::F32, Workload::One, &dirs).unwrap()
    };
    let passphrase = Passphrase::new(&b"correct horse battery staple".to_vec().into()).unwrap();
    let create = |name: &str, dimension| {
        let root = scratch.path().join(name);
        session::create_vault(&root, &passphrase, Cost::FLOOR, &load(dimension), &dirs, Prompts::Allowed)
    };
    let error = create("projected", 512).err().unwrap();
    let expected = matches!(error, Error::Vault(vault::Error::Dimension { actual: 512, expected: 2048 }));
    assert!(expected, "{error}");
    assert!(!scratch.path().join("projected").exists());
    create("raw", 2048).unwrap();
}
