//! The host: serves a vault's files, the scan of its blocks, and staged writes to the client at the other end of two
//! pipes.
//!
//! A host learns what a thief of its disk would learn, and also what is requested when. Three threads: the calling one
//! reads requests and writes files in the order of arrival, one answers reads, and one scans, so that a picture need
//! not wait for a scan. Everything ends with the connection, and staged files are removed.
//!
//! Must never: mention a secret type, trust a path or a length, or hold a lock longer than the connection lasts.

mod staging;

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use parking_lot::Mutex;
use rayon::prelude::*;
use staging::Staging;

use super::frame::{self, Fault, GREETING_BYTES};
use super::protocol::{BYTES, Reason, Refusal, Reply, Request, ScannedSegment, lists};
use crate::ckks_v1::{EncryptedQuery, Evaluator};
use crate::vault::format::parameters::PARAMETERS;
use crate::vault::format::segment::largest_part;
use crate::vault::{Backend, Blocks, Digest, Expected, Id, LocalBackend, Object, Part};

/// Requests that may be queued. A client that sends more has to wait.
const QUEUE: usize = 64;
/// Bytes of an answer per frame, small enough for two answers to take turns.
const CHUNK_BYTES: usize = 256 << 10;
/// Segments verified at once. The client receives progress after each round.
const ROUND: usize = 16;

/// Serves the vault at `root` until the connection ends. The vault need not exist yet: the client can create one.
///
/// # Errors
/// When the connection breaks or the client violates the protocol.
pub fn serve(root: &Path, mut input: impl Read, mut output: impl Write + Send) -> io::Result<()> {
    // Send our version before reading theirs, so that each side can report both.
    output.write_all(&frame::greeting())?;
    output.flush()?;
    let mut greeting = [0; GREETING_BYTES];
    input.read_exact(&mut greeting)?;
    match frame::greeted_version(&greeting) {
        Some(frame::VERSION) => {}
        Some(theirs) => return Err(other_version(theirs)),
        None => return Err(garbled("what came is not a greeting of cipherlens")),
    }
    let host = Host {
        backend: LocalBackend::new(root),
        output: Mutex::new(output),
        running: Mutex::default(),
        blocks: Mutex::default(),
        is_over: AtomicBool::new(false),
    };
    thread::scope(|scope| {
        let (reads, wanted_reads) = sync_channel(QUEUE);
        let (scans, wanted_scans) = sync_channel(QUEUE);
        scope.spawn(|| host.answer_all(wanted_reads));
        scope.spawn(|| host.answer_all(wanted_scans));
        let outcome = host.receive(&mut input, &reads, &scans);
        host.is_over.store(true, Ordering::Release);
        outcome
    })
}

/// Says which of the two programs is the older one.
fn other_version(theirs: u16) -> io::Error {
    let ours = frame::VERSION;
    let older = if theirs < ours { "the machine that connects" } else { "this host" };
    let text = format!(
        "the machine that connects speaks version {theirs} of the protocol, this host version {ours}: upgrade \
         cipherlens on {older}"
    );
    io::Error::new(io::ErrorKind::InvalidData, text)
}

fn garbled(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// A successful answer.
enum Answer {
    Bytes(Vec<u8>),
    Unchanged,
}

/// A request in the queue of an answering thread.
type Waiting = (u32, Request);

struct Host<W> {
    backend: LocalBackend,
    output: Mutex<W>,
    /// Requests not yet answered, and whether they were cancelled.
    running: Mutex<HashMap<u32, bool>>,
    /// The blocks of the last scan, mapped and verified.
    blocks: Mutex<HashMap<Id, (Digest, Arc<Blocks>)>>,
    /// Whether the connection has ended, so that answers are pointless.
    is_over: AtomicBool,
}

impl<W: Write + Send> Host<W> {
    /// Reads requests until the connection ends.
    fn receive(
        &self,
        input: &mut impl Read,
        reads: &SyncSender<Waiting>,
        scans: &SyncSender<Waiting>,
    ) -> io::Result<()> {
        let mut staging = Staging::default();
        loop {
            let frame = match frame::read(input) {
                Ok(Some(frame)) => frame,
                Ok(None) => return Ok(()),
                Err(Fault::Io(error)) => return Err(error),
                Err(Fault::Garbled(what)) => return Err(garbled(what)),
            };
            let id = frame.request;
            let Some(request) = Request::decode(frame.kind, frame.payload) else {
                return Err(garbled("a request is unknown"));
            };
            match request {
                Request::Cancel => {
                    if let Some(is_cancelled) = self.running.lock().get_mut(&id) {
                        *is_cancelled = true;
                    }
                }
                Request::Read { .. }
                | Request::ReadAt { .. }
                | Request::List(_)
                | Request::Size(_)
                | Request::Leftovers { .. }
                | Request::Digests(_) => self.queue(reads, id, request)?,
                Request::Scan { .. } => self.queue(scans, id, request)?,
                writing => {
                    if let Some(reply) = staging.receive(&self.backend, id, writing) {
                        self.send(id, &reply)?;
                    }
                }
            }
        }
    }

    fn queue(&self, to: &SyncSender<Waiting>, id: u32, request: Request) -> io::Result<()> {
        self.running.lock().insert(id, false);
        to.send((id, request)).map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))
    }

    /// Runs one of the answering threads. The reading thread notices a broken connection.
    fn answer_all(&self, wanted: Receiver<Waiting>) {
        for (id, request) in wanted {
            let sent = match self.answer(id, request) {
                Ok(Answer::Bytes(bytes)) => self.send_bytes(id, &bytes),
                Ok(Answer::Unchanged) => self.send(id, &Reply::Unchanged),
                Err(refusal) => self.send(id, &Reply::Refused(refusal)),
            };
            self.running.lock().remove(&id);
            if sent.is_err() {
                return;
            }
        }
    }

    fn answer(&self, id: u32, request: Request) -> Result<Answer, Refusal> {
        let bytes = match request {
            Request::Read { object, limit, known } => {
                let bytes = self.backend.read(&object, limit)?;
                if known.is_some_and(|known| known == Digest::of(&[&bytes])) {
                    return Ok(Answer::Unchanged);
                }
                bytes
            }
            Request::ReadAt { object, offset, bytes } => self.backend.read_at(&object, offset, bytes)?,
            Request::List(directory) => lists::encode_listing(&self.backend.list(directory)?),
            Request::Size(directory) => self.backend.size(directory)?.to_le_bytes().to_vec(),
            Request::Leftovers { mapping } => {
                let newest = self.backend.mapping()?;
                if Digest::of(&[newest.text().as_bytes()]) != mapping {
                    return Err(Refusal::new(Reason::Moved, ""));
                }
                lists::encode_leftovers(&self.backend.leftovers(&newest)?)
            }
            Request::Digests(objects) => {
                let mut digests = Vec::with_capacity(objects.len());
                for object in &objects {
                    self.still_wanted(id)?;
                    digests.push(self.backend.digest(object).ok());
                    // A large file takes a while, and the client must not mistake that for silence.
                    self.tell_progress(id, digests.len() as u64)?;
                }
                lists::encode_digests(&digests)
            }
            Request::Scan { context, segments, query } => self.scan(id, &context, &segments, &query)?,
            _ => return Err(Refusal::new(Reason::Failed, "this request is not a read")),
        };
        Ok(Answer::Bytes(bytes))
    }

    /// The encrypted scores of `query` against the blocks of `segments`, 5 bytes per image of full blocks.
    fn scan(&self, id: u32, context: &Digest, segments: &[ScannedSegment], query: &[u8]) -> Result<Vec<u8>, Refusal> {
        let failed = |error: crate::ckks_v1::Error| Refusal::new(Reason::Failed, error);
        let evaluator = Evaluator::new(&self.backend.public_context(context)?).map_err(failed)?;
        let query = EncryptedQuery::from_bytes(&PARAMETERS, query).map_err(failed)?;
        let (mut answer, mut images) = (Vec::new(), 0);
        for round in segments.chunks(ROUND) {
            let blocks = round.par_iter().map(|segment| self.verified(segment)).collect::<Result<Vec<_>, _>>()?;
            for (segment, blocks) in round.iter().zip(blocks) {
                self.still_wanted(id)?;
                answer.extend(evaluator.score(&blocks, &query).map_err(failed)?);
                blocks.require_whole(&Object::Segment(segment.id, Part::Blocks))?;
            }
            images += round.iter().map(|segment| u64::from(segment.images)).sum::<u64>();
            self.tell_progress(id, images)?;
        }
        // Keep the verified blocks of this generation for the next search, and unmap the rest.
        self.blocks.lock().retain(|known, _| segments.iter().any(|segment| segment.id == *known));
        Ok(answer)
    }

    /// The blocks of a segment, mapped and then verified.
    fn verified(&self, segment: &ScannedSegment) -> Result<Arc<Blocks>, Refusal> {
        let known = self.blocks.lock().get(&segment.id).cloned();
        if let Some((_, blocks)) = known.filter(|(digest, blocks)| *digest == segment.blocks && blocks.is_whole()) {
            return Ok(blocks);
        }
        let object = Object::Segment(segment.id, Part::Blocks);
        let limit = largest_part(segment.images as usize, Part::Blocks);
        let blocks = Arc::new(self.backend.blocks(&Expected { object, limit, digest: segment.blocks })?);
        self.blocks.lock().insert(segment.id, (segment.blocks, Arc::clone(&blocks)));
        Ok(blocks)
    }

    fn still_wanted(&self, id: u32) -> Result<(), Refusal> {
        let is_cancelled = self.running.lock().get(&id).copied().unwrap_or_default();
        if is_cancelled || self.is_over.load(Ordering::Acquire) {
            return Err(Refusal::new(Reason::Cancelled, ""));
        }
        Ok(())
    }

    fn tell_progress(&self, id: u32, number: u64) -> Result<(), Refusal> {
        self.send(id, &Reply::Progress(number)).map_err(|error| Refusal::new(Reason::Failed, error))
    }

    fn send_bytes(&self, id: u32, bytes: &[u8]) -> io::Result<()> {
        for chunk in bytes.chunks(CHUNK_BYTES) {
            if let Err(refusal) = self.still_wanted(id) {
                return self.send(id, &Reply::Refused(refusal));
            }
            frame::write(&mut *self.output.lock(), id, BYTES, &[chunk])?;
        }
        self.send(id, &Reply::Done)
    }

    fn send(&self, id: u32, reply: &Reply) -> io::Result<()> {
        let (kind, payload) = reply.encode();
        frame::write(&mut *self.output.lock(), id, kind, &[&payload]).map(drop)
    }
}
