//! The client's keys: the secret context of encrypted search and the key of the payloads.

use cipherlens_ckks::{KeyHolder, Parameters, PublicContext, SecretContext};
use cipherlens_secret::Secret;
use zeroize::Zeroizing;

use crate::arguments::Run;
use crate::error::Error;
use crate::files;

const PAYLOAD_KEY_BYTES: usize = 32;

/// The keys that a later stage needs.
pub(crate) struct Keys {
    pub(crate) holder: KeyHolder,
    pub(crate) payload_key: Secret<PAYLOAD_KEY_BYTES>,
}

/// Generates all keys. The secret ones go to the client's folder: payload key, then secret context.
///
/// # Errors
/// [`Error::File`]; [`Error::Engine`] and [`Error::Entropy`] when the operating system has no entropy.
pub(crate) fn generate(run: &Run) -> Result<(), Error> {
    let parameters = Parameters::for_dimension(run.instance.dimension)?;
    let public = PublicContext::generate(parameters)?;
    let secret = SecretContext::generate(parameters)?.to_bytes();
    let payload_key = Secret::<PAYLOAD_KEY_BYTES>::random()?;
    let mut secret_keys = Zeroizing::new(Vec::with_capacity(PAYLOAD_KEY_BYTES + secret.len()));
    secret_keys.extend_from_slice(payload_key.expose());
    secret_keys.extend_from_slice(&secret);
    files::write(&run.files.public_context(), &public.to_bytes())?;
    files::write_secret(&run.files.secret_keys(), &secret_keys)
}

/// Reads the keys that [`generate`] wrote.
///
/// # Errors
/// [`Error::File`], [`Error::Length`]; [`Error::Engine`] when a context is malformed.
pub(crate) fn load(run: &Run) -> Result<Keys, Error> {
    let public = PublicContext::from_bytes(&files::read_unsized(&run.files.public_context())?)?;
    let path = run.files.secret_keys();
    let secret_keys = files::read_secret(&path)?;
    let (payload_key, secret) = secret_keys.split_first_chunk::<PAYLOAD_KEY_BYTES>().ok_or(Error::Length {
        path,
        expected: PAYLOAD_KEY_BYTES as u64,
        actual: secret_keys.len() as u64,
    })?;
    let payload_key = Secret::filled_by(|key| {
        key.copy_from_slice(payload_key);
        Ok::<(), Error>(())
    })?;
    Ok(Keys { holder: KeyHolder::new(&public, SecretContext::from_bytes(secret)?)?, payload_key })
}
