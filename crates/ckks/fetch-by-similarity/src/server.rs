//! What the server does: it scores all blocks against the encrypted query, and in fetch mode returns all encrypted
//! payloads as well. It holds no key and names no type that does.

use std::io::Write;

use cipherlens_ckks::{EncryptedQuery, Evaluator, Parameters, PublicContext};

use crate::arguments::{Mode, Run};
use crate::error::Error;
use crate::files;
use crate::map::map;
use crate::reply;
use crate::timings::Timings;

/// Answers the query.
///
/// # Errors
/// [`Error::File`], [`Error::Length`]; [`Error::Engine`] when the public context or the query is malformed.
pub(crate) fn compute(run: &Run) -> Result<(), Error> {
    let Run { instance, mode, files } = run;
    let mut timings = Timings::start("server");
    let parameters = Parameters::for_dimension(instance.dimension)?;
    let public = PublicContext::from_bytes(&files::read_unsized(&files.public_context())?)?;
    let evaluator = Evaluator::new(&public)?;
    let query = files::read(&files.encrypted_query(), parameters.query_bytes())?;
    let query = EncryptedQuery::from_bytes(&parameters, &query)?;
    let blocks = map(&files.blocks(), instance.blocks() * parameters.block_bytes())?;
    timings.finish("Read query");

    let scores = evaluator.score(&blocks, &query)?;
    timings.finish("Encrypted computation");

    let path = files.reply();
    let mut reply = files::create(&path)?;
    reply.write_all(&scores).map_err(files::failed(&path))?;
    if *mode == Mode::Fetch {
        let mut payloads = files::open(&files.encrypted_payloads(), reply::payload_bytes(run))?;
        std::io::copy(&mut payloads, &mut reply).map_err(files::failed(&path))?;
    }
    timings.finish("Write reply");
    timings.print();
    timings.save(&files.server_steps())
}
