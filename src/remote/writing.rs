//! Writing into a vault on a host. Sealed files go out as they are made, without waiting for each to arrive; the commit
//! waits for all of them. Must never: send one again, because the first may have arrived.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::client::{elsewhere, refused};
use super::line::{Exchange, Line};
use super::protocol::{Reply, Request};
use crate::vault::{Error, Object, SignedMapping, Writer};

/// Bytes of a file in one frame: small enough that requests of other threads take turns with it.
const CHUNK_BYTES: usize = 128 << 10;
/// Objects named in one frame.
const OBJECTS: usize = 4096;

/// The one writer of a vault on a host. Dropped, it says so; when the line is lost the host notices by itself.
pub(super) struct HostWriter {
    host: String,
    exchange: Mutex<Exchange>,
}

impl HostWriter {
    /// Becomes the writer; `request` says of what.
    pub(super) fn begin(line: &Arc<Line>, host: String, request: &Request) -> Result<Self, Error> {
        let mut exchange = line.ask(request).map_err(elsewhere)?;
        until_done(&host, &mut exchange)?;
        Ok(Self { host, exchange: Mutex::new(exchange) })
    }

    fn exchange(&self) -> MutexGuard<'_, Exchange> {
        // A panic between two frames of a file leaves it short, and the host refuses what comes next.
        self.exchange.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn send_file(&self, exchange: &mut Exchange, object: &Object, parts: &[&[u8]]) -> Result<(), Error> {
        // The host says early when its disk is full, say: nothing more need be sent then.
        while let Some(reply) = exchange.poll() {
            if let Reply::Refused { reason, detail } = reply {
                return Err(refused(&self.host, reason, &detail, None));
            }
        }
        let total = parts.iter().map(|part| part.len() as u64).sum();
        exchange.send(&Request::Stage { object: object.clone(), total }).map_err(elsewhere)?;
        for chunk in parts.iter().flat_map(|part| part.chunks(CHUNK_BYTES)) {
            exchange.send_content(chunk).map_err(elsewhere)?;
        }
        Ok(())
    }

    fn put_in_force(&self, object: &Object, bytes: &[u8], order: &Request) -> Result<(), Error> {
        let mut exchange = self.exchange();
        self.send_file(&mut exchange, object, &[bytes])?;
        exchange.send(order).map_err(elsewhere)?;
        until_done(&self.host, &mut exchange)
    }
}

/// Waits until the host has done what was asked.
fn until_done(host: &str, exchange: &mut Exchange) -> Result<(), Error> {
    loop {
        match exchange.next().map_err(elsewhere)? {
            Reply::Progress(_) => {}
            Reply::Done => return Ok(()),
            Reply::Refused { reason, detail } => return Err(refused(host, reason, &detail, None)),
            Reply::Bytes(_) | Reply::Unchanged => {
                let host = host.to_owned();
                return Err(elsewhere(super::Error::Garbled { host, what: "a writer was answered like a reader" }));
            }
        }
    }
}

impl Writer for HostWriter {
    fn announce(&self, objects: &[Object]) -> Result<(), Error> {
        for some in objects.chunks(OBJECTS) {
            self.exchange().send(&Request::Announce(some.to_vec())).map_err(elsewhere)?;
        }
        Ok(())
    }

    fn stage(&self, object: &Object, parts: &[&[u8]]) -> Result<(), Error> {
        self.send_file(&mut self.exchange(), object, parts)
    }

    fn discard(&self, objects: &[Object]) {
        for some in objects.chunks(OBJECTS) {
            // A line that is lost here removes nothing; the next writer does.
            if self.exchange().send(&Request::Discard(some.to_vec())).is_err() {
                return;
            }
        }
    }

    fn commit(&self, mapping: &SignedMapping) -> Result<(), Error> {
        self.put_in_force(&Object::Mapping, mapping.text().as_bytes(), &Request::Commit)
    }

    fn replace_header(&self, header: &[u8]) -> Result<(), Error> {
        self.put_in_force(&Object::Header, header, &Request::ReplaceHeader)
    }

    fn set_strays_aside(&self) -> Result<(), Error> {
        let mut exchange = self.exchange();
        exchange.send(&Request::SetStraysAside).map_err(elsewhere)?;
        until_done(&self.host, &mut exchange)
    }
}

impl Drop for HostWriter {
    fn drop(&mut self) {
        // A line that is lost has told the host already.
        let _ = self.exchange().send(&Request::End);
    }
}
