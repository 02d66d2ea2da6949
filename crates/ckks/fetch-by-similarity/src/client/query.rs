//! Encryption of a query.

use super::keys;
use crate::arguments::Run;
use crate::error::Error;
use crate::files;
use crate::timings::Timings;

/// Encrypts the query under a fresh secret, which goes to the client's folder for the one answer that it decrypts.
///
/// # Errors
/// [`Error::File`], [`Error::Length`]; [`Error::Engine`] when the query is not a unit vector.
pub(crate) fn encrypt(run: &Run) -> Result<(), Error> {
    let mut timings = Timings::start("client");
    let holder = keys::load(run)?.holder;
    let query = files::numbers(&files::read(&run.files.query(), run.instance.record_bytes())?);
    timings.finish("Read keys");

    let (query, secret) = holder.encrypt(holder.prepare()?, &query)?;
    timings.finish("Encrypt query");

    files::write(&run.files.encrypted_query(), query.as_bytes())?;
    files::write_secret(&run.files.query_secret(), &secret.into_bytes())?;
    timings.print();
    Ok(())
}
