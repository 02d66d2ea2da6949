//! A vault stores vectors of the dimension of the model that it was made with.

use std::path::Path;

use cipherlens::services::app_dirs::AppDirs;
use cipherlens::services::embedding::{EmbeddingModel, Precision, Workload};
use cipherlens::services::session::{self, Cost, Passphrase, Prompts};
use cipherlens::vault;

#[test]
fn a_vault_has_the_dimension_of_its_model() {
    let scratch = tempfile::tempdir().unwrap();
    let dirs = AppDirs::within(scratch.path());
    let weights = Path::new("models/resnet50.safetensors");
    let passphrase = Passphrase::new(&b"correct horse battery staple".to_vec().into()).unwrap();
    for dimension in [512, 2048] {
        let model = EmbeddingModel::load_for_dimension(dimension, Some(weights), Precision::F32, Workload::One, &dirs);
        let (model, root) = (model.unwrap(), scratch.path().join(dimension.to_string()));
        session::create_vault(&root, &passphrase, Cost::FLOOR, &model, &dirs, Prompts::Allowed).unwrap();
        let mapping = vault::local(root).mapping().unwrap().mapping;
        assert_eq!(mapping.feature_space().unwrap().dimension, dimension);
    }
}
