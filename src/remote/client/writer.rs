//! Writing to a vault on a host. Encrypted files are sent as they are made, without waiting for each to arrive; the
//! commit waits for all of them.
//!
//! Must never: resend a file, because the first copy may have arrived.

use std::io;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::call::Call;
use super::connection::Connection;
use crate::durable::IfLocked;
use crate::remote;
use crate::remote::error::{elsewhere, refused};
use crate::remote::protocol::{Reply, Request};
use crate::vault::{Digest, Error, Hex, LOCK_PATIENCE, Object, Pieces, SignedMapping, Writer};

/// Bytes of a file per frame, small enough for requests of other threads to take turns.
const CHUNK_BYTES: usize = 128 << 10;
/// Most bytes of an answer to a writer: a digest.
const LARGEST_ANSWER_BYTES: usize = 32;
/// Objects per frame.
const OBJECTS: usize = 4096;
/// How often a waiting writer asks whether the other one has finished.
const LOCK_POLL: Duration = Duration::from_millis(50);

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
        self.require_accepted(call)?;
        let total = parts.iter().map(|part| part.len() as u64).sum();
        call.send(&Request::Stage { object: object.clone(), total }).map_err(elsewhere)?;
        for chunk in parts.iter().flat_map(|part| part.chunks(CHUNK_BYTES)) {
            call.send_content(chunk).map_err(elsewhere)?;
        }
        Ok(())
    }

    /// The host may report an error early, such as a full disk; then stop sending.
    fn require_accepted(&self, call: &mut Call) -> Result<(), Error> {
        while let Some(reply) = call.poll() {
            if let Reply::Refused(refusal) = reply {
                return Err(refused(&self.host, refusal, None));
            }
        }
        Ok(())
    }

    /// Sends the content of a file. An error of `pieces` is returned inside, after which the host waits for more.
    fn send_pieces(
        &self,
        call: &mut Call,
        object: &Object,
        total: u64,
        pieces: &mut Pieces<'_>,
    ) -> Result<Result<(), Error>, Error> {
        let mut missing = total;
        for piece in pieces {
            let piece = match piece {
                Ok(piece) => piece,
                Err(error) => return Ok(Err(error)),
            };
            let Some(left) = missing.checked_sub(piece.len() as u64) else { return Ok(Err(wrong_length(object))) };
            missing = left;
            self.require_accepted(call)?;
            for chunk in piece.chunks(CHUNK_BYTES) {
                call.send_content(chunk).map_err(elsewhere)?;
            }
        }
        Ok(if missing == 0 { Ok(()) } else { Err(wrong_length(object)) })
    }

    fn order(&self, call: &mut Call, order: &Request) -> Result<(), Error> {
        call.send(order).map_err(elsewhere)?;
        until_done(&self.host, call)
    }
}

/// Waits until the host has finished.
fn until_done(host: &str, call: &mut Call) -> Result<(), Error> {
    if answer(host, call)?.is_empty() { Ok(()) } else { Err(garbled(host, "a writer received the answer to a read")) }
}

/// Waits until the host has finished, and returns what it answered.
fn answer(host: &str, call: &mut Call) -> Result<Vec<u8>, Error> {
    let mut answer = Vec::new();
    loop {
        match call.next().map_err(elsewhere)? {
            Reply::Progress(_) => {}
            Reply::Done => return Ok(answer),
            Reply::Refused(refusal) => return Err(refused(host, refusal, None)),
            Reply::Bytes(bytes) if answer.len() + bytes.len() <= LARGEST_ANSWER_BYTES => answer.extend(bytes),
            Reply::Bytes(_) | Reply::Unchanged => {
                return Err(garbled(host, "a writer received the answer to a read"));
            }
        }
    }
}

fn garbled(host: &str, what: &'static str) -> Error {
    elsewhere(remote::Error::Garbled { host: host.to_owned(), what })
}

impl Writer for RemoteWriter {
    fn lock(&self, if_locked: IfLocked) -> Result<(), Error> {
        let until = Instant::now() + LOCK_PATIENCE;
        loop {
            let outcome = self.order(&mut self.call.lock(), &Request::Lock);
            match outcome {
                Err(Error::Locked) if if_locked == IfLocked::Wait && Instant::now() < until => thread::sleep(LOCK_POLL),
                outcome => return outcome,
            }
        }
    }

    fn unlock(&self) {
        // If the connection is lost here, the host gives the lock back.
        let _ = self.order(&mut self.call.lock(), &Request::Unlock);
    }

    fn announce(&self, objects: &[Object]) -> Result<(), Error> {
        for some in objects.chunks(OBJECTS) {
            self.call.lock().send(&Request::Announce(some.to_vec())).map_err(elsewhere)?;
        }
        Ok(())
    }

    fn stage(&self, object: &Object, parts: &[&[u8]]) -> Result<(), Error> {
        self.send_file(&mut self.call.lock(), object, parts)
    }

    fn stage_from(&self, object: &Object, total: u64, pieces: &mut Pieces<'_>) -> Result<(), Error> {
        let mut call = self.call.lock();
        self.require_accepted(&mut call)?;
        call.send(&Request::Stage { object: object.clone(), total }).map_err(elsewhere)?;
        // A host that has refused the file has none, or had one of this name before: nothing is to be removed.
        let sent = self.send_pieces(&mut call, object, total, pieces)?;
        if sent.is_err() {
            self.require_accepted(&mut call)?;
            // If there was too much, the file has already arrived. A lost connection needs no more.
            let _ = call.send(&Request::Abort).and_then(|()| call.send(&Request::Discard(vec![object.clone()])));
        }
        sent
    }

    fn concatenate(&self, object: &Object, from: &[Object]) -> Result<Digest, Error> {
        let request = Request::Concatenate { object: object.clone(), from: from.to_vec() };
        let mut call = self.call.lock();
        self.require_accepted(&mut call)?;
        call.send(&request).map_err(elsewhere)?;
        let answer = answer(&self.host, &mut call)?;
        let digest = answer.try_into().map_err(|_| garbled(&self.host, "a digest has another length"))?;
        Ok(Hex(digest))
    }

    fn adopt(&self, objects: &[Object]) -> Result<(), Error> {
        let mut call = self.call.lock();
        self.require_accepted(&mut call)?;
        objects.chunks(OBJECTS).try_for_each(|some| self.order(&mut call, &Request::Adopt(some.to_vec())))
    }

    fn discard(&self, objects: &[Object]) {
        for some in objects.chunks(OBJECTS) {
            // If the connection is lost here, another writer removes them.
            if self.call.lock().send(&Request::Discard(some.to_vec())).is_err() {
                return;
            }
        }
    }

    fn commit(&self, mapping: &SignedMapping, header: Option<&[u8]>) -> Result<(), Error> {
        let mut call = self.call.lock();
        if let Some(header) = header {
            self.send_file(&mut call, &Object::Header, &[header])?;
        }
        self.send_file(&mut call, &Object::Mapping, &[mapping.text().as_bytes()])?;
        self.order(&mut call, &Request::Commit)
    }

    fn remove_abandoned(&self) -> Result<(), Error> {
        self.order(&mut self.call.lock(), &Request::RemoveAbandoned)
    }

    fn set_strays_aside(&self) -> Result<(), Error> {
        self.order(&mut self.call.lock(), &Request::SetStraysAside)
    }
}

fn wrong_length(object: &Object) -> Error {
    let source = io::Error::new(io::ErrorKind::InvalidData, "its content has another length than announced");
    Error::Io { object: object.to_string(), source }
}

impl Drop for RemoteWriter {
    fn drop(&mut self) {
        // The host notices a lost connection by itself.
        let _ = self.call.lock().send(&Request::End);
    }
}
