//! Writing to a vault on a host. Encrypted files are sent as they are made, without waiting for each to arrive; the
//! commit waits for all of them.
//!
//! Must never: resend a file, because the first copy may have arrived.

use std::sync::Arc;

use parking_lot::Mutex;

use super::call::Call;
use super::connection::Connection;
use crate::remote;
use crate::remote::error::{elsewhere, refused};
use crate::remote::protocol::{Reply, Request};
use crate::vault::{Error, Object, SignedMapping, Writer};

/// Bytes of a file per frame, small enough for requests of other threads to take turns.
const CHUNK_BYTES: usize = 128 << 10;
/// Objects per frame.
const OBJECTS: usize = 4096;

/// The writer of a vault on a host. On drop it tells the host, which notices a lost connection by itself.
pub(super) struct RemoteWriter {
    host: String,
    /// A panic between two frames of a file leaves it short, and the host refuses what follows.
    call: Mutex<Call>,
}

impl RemoteWriter {
    /// Becomes the writer of an existing or a new vault, as `request` says.
    pub(super) fn begin(connection: &Arc<Connection>, host: String, request: &Request) -> Result<Self, Error> {
        let mut call = Call::start(connection, request).map_err(elsewhere)?;
        until_done(&host, &mut call)?;
        Ok(Self { host, call: Mutex::new(call) })
    }

    fn send_file(&self, call: &mut Call, object: &Object, parts: &[&[u8]]) -> Result<(), Error> {
        // The host may report an error early, such as a full disk; then stop sending.
        while let Some(reply) = call.poll() {
            if let Reply::Refused(refusal) = reply {
                return Err(refused(&self.host, refusal, None));
            }
        }
        let total = parts.iter().map(|part| part.len() as u64).sum();
        call.send(&Request::Stage { object: object.clone(), total }).map_err(elsewhere)?;
        for chunk in parts.iter().flat_map(|part| part.chunks(CHUNK_BYTES)) {
            call.send_content(chunk).map_err(elsewhere)?;
        }
        Ok(())
    }

    fn put_in_force(&self, object: &Object, bytes: &[u8], order: &Request) -> Result<(), Error> {
        let mut call = self.call.lock();
        self.send_file(&mut call, object, &[bytes])?;
        call.send(order).map_err(elsewhere)?;
        until_done(&self.host, &mut call)
    }
}

/// Waits until the host has finished.
fn until_done(host: &str, call: &mut Call) -> Result<(), Error> {
    loop {
        match call.next().map_err(elsewhere)? {
            Reply::Progress(_) => {}
            Reply::Done => return Ok(()),
            Reply::Refused(refusal) => return Err(refused(host, refusal, None)),
            Reply::Bytes(_) | Reply::Unchanged => {
                let host = host.to_owned();
                return Err(elsewhere(remote::Error::Garbled { host, what: "a writer received the answer to a read" }));
            }
        }
    }
}

impl Writer for RemoteWriter {
    fn announce(&self, objects: &[Object]) -> Result<(), Error> {
        for some in objects.chunks(OBJECTS) {
            self.call.lock().send(&Request::Announce(some.to_vec())).map_err(elsewhere)?;
        }
        Ok(())
    }

    fn stage(&self, object: &Object, parts: &[&[u8]]) -> Result<(), Error> {
        self.send_file(&mut self.call.lock(), object, parts)
    }

    fn discard(&self, objects: &[Object]) {
        for some in objects.chunks(OBJECTS) {
            // If the connection is lost here, the next writer removes them.
            if self.call.lock().send(&Request::Discard(some.to_vec())).is_err() {
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
        let mut call = self.call.lock();
        call.send(&Request::SetStraysAside).map_err(elsewhere)?;
        until_done(&self.host, &mut call)
    }
}

impl Drop for RemoteWriter {
    fn drop(&mut self) {
        // The host notices a lost connection by itself.
        let _ = self.call.lock().send(&Request::End);
    }
}
