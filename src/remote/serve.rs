//! The host's side: a vault's files, the scan over its blocks, and staged writes, for whoever is at the other end of two
//! pipes.
//!
//! It has what a thief of the disk would have, and learns when and for what it is asked. Three threads: this one reads
//! requests and writes files in the order in which they come, one answers reads, one scans, so that a picture need not
//! wait for a scan. When the line ends, everything ends, and what was staged is removed. Must never: name a secret type,
//! believe a path or a length, or hold a lock longer than the line lasts.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use rayon::prelude::*;

use super::frame::{self, Fault, GREETING_BYTES};
use super::protocol::{self, Reason, Reply, Request, ScannedSegment};
use super::staging::Staging;
use crate::ckks::{EncryptedQuery, Evaluator, Parameters};
use crate::vault::{Blocks, Digest, Error, Id, Object, Part, Storage, Store};

/// Requests that may wait; a client that asks for more waits at its end of the line.
const QUEUE: usize = 64;
/// Bytes of an answer in one frame: small enough that two answers take turns.
const CHUNK_BYTES: usize = 256 << 10;
/// Segments verified at once; after each round the client hears how far the scan is.
const ROUND: usize = 16;

/// Serves the vault at `root` until the line ends. There need not be a vault: one can be begun.
///
/// # Errors
/// When the line breaks, or what comes over it is not the protocol.
pub fn serve(root: &Path, mut input: impl Read, mut output: impl Write + Send) -> io::Result<()> {
    // Our version goes out before theirs is looked at: each side can then name both.
    output.write_all(&frame::greeting())?;
    output.flush()?;
    let mut greeting = [0; GREETING_BYTES];
    input.read_exact(&mut greeting)?;
    if frame::greeted_version(&greeting) != Some(frame::VERSION) {
        return Err(garbled("the greeting is not one of this version"));
    }
    let host = Host {
        store: Store::unfinished(root),
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

fn garbled(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// What goes back on success.
enum Answer {
    Bytes(Vec<u8>),
    Unchanged,
}

/// Why something is refused, as it goes back.
pub(super) struct Refusal {
    pub(super) reason: Reason,
    pub(super) detail: String,
}

impl Refusal {
    pub(super) fn new(reason: Reason, detail: impl ToString) -> Self {
        Self { reason, detail: detail.to_string() }
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        match error {
            Error::Missing { object } => Self::new(Reason::Missing, object),
            Error::Damaged { object, .. } => Self::new(Reason::Damaged, object),
            Error::TooLarge { object, .. } => Self::new(Reason::TooLarge, object),
            Error::NotAVault { .. } => Self::new(Reason::NotAVault, ""),
            Error::Occupied { .. } => Self::new(Reason::Occupied, ""),
            Error::Locked => Self::new(Reason::Locked, ""),
            Error::Overtaken => Self::new(Reason::Overtaken, ""),
            error => {
                let source = std::error::Error::source(&error).map(|source| format!(": {source}")).unwrap_or_default();
                let text = error.to_string();
                Self::new(Reason::Failed, if text.contains(&source) { text } else { text + &source })
            }
        }
    }
}

/// A request that waits for one of the answering threads.
type Waiting = (u32, Request);

struct Host<W> {
    store: Store,
    output: Mutex<W>,
    /// Requests that were not answered yet, and whether they were cancelled.
    running: Mutex<HashMap<u32, bool>>,
    /// The blocks of the last scan, mapped and verified.
    blocks: Mutex<HashMap<Id, (Digest, Arc<Blocks>)>>,
    /// The line ended: nobody wants an answer.
    is_over: AtomicBool,
}

impl<W: Write + Send> Host<W> {
    /// Takes requests off the line until it ends.
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
                return Err(garbled("a request is none of the protocol"));
            };
            match request {
                Request::Cancel => {
                    if let Some(is_cancelled) = locked(&self.running).get_mut(&id) {
                        *is_cancelled = true;
                    }
                }
                Request::Read { .. }
                | Request::List(_)
                | Request::Size(_)
                | Request::Leftovers { .. }
                | Request::Digests(_) => self.queue(reads, id, request)?,
                Request::Scan { .. } => self.queue(scans, id, request)?,
                writing => {
                    if let Some(reply) = staging.receive(&self.store, id, writing) {
                        self.send(id, &reply)?;
                    }
                }
            }
        }
    }

    fn queue(&self, to: &SyncSender<Waiting>, id: u32, request: Request) -> io::Result<()> {
        locked(&self.running).insert(id, false);
        to.send((id, request)).map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))
    }

    /// One of the answering threads. A line that breaks is noticed by the thread that reads.
    fn answer_all(&self, wanted: Receiver<Waiting>) {
        for (id, request) in wanted {
            let sent = match self.answer(id, request) {
                Ok(Answer::Bytes(bytes)) => self.send_bytes(id, &bytes),
                Ok(Answer::Unchanged) => self.send(id, &Reply::Unchanged),
                Err(Refusal { reason, detail }) => self.send(id, &Reply::Refused { reason, detail }),
            };
            locked(&self.running).remove(&id);
            if sent.is_err() {
                return;
            }
        }
    }

    fn answer(&self, id: u32, request: Request) -> Result<Answer, Refusal> {
        let bytes = match request {
            Request::Read { object, limit, known } => {
                let bytes = self.store.read(&object, limit)?;
                if known.is_some_and(|known| known == Digest::of(&[&bytes])) {
                    return Ok(Answer::Unchanged);
                }
                bytes
            }
            Request::List(directory) => protocol::encode_listing(&self.store.list(directory)?),
            Request::Size(directory) => self.store.size(directory)?.to_le_bytes().to_vec(),
            Request::Leftovers { mapping } => {
                let newest = self.store.mapping()?;
                if Digest::of(&[newest.text().as_bytes()]) != mapping {
                    return Err(Refusal::new(Reason::Moved, ""));
                }
                protocol::encode_leftovers(&self.store.leftovers(&newest)?)
            }
            Request::Digests(objects) => {
                let mut digests = Vec::with_capacity(objects.len());
                for object in &objects {
                    self.still_wanted(id)?;
                    digests.push(self.store.digest(object).ok());
                    // A large file takes a while: the other end should not take that for silence.
                    self.tell_progress(id, digests.len() as u64)?;
                }
                protocol::encode_digests(&digests)
            }
            Request::Scan { context, segments, query } => self.scan(id, &context, &segments, &query)?,
            _ => return Err(Refusal::new(Reason::Failed, "this is no question")),
        };
        Ok(Answer::Bytes(bytes))
    }

    /// The encrypted scores of `query` with the blocks of `segments`, 5 bytes an image of full blocks.
    fn scan(&self, id: u32, context: &Digest, segments: &[ScannedSegment], query: &[u8]) -> Result<Vec<u8>, Refusal> {
        let failed = |error: crate::ckks::Error| Refusal::new(Reason::Failed, error);
        let evaluator = Evaluator::new(&self.store.public_context(context)?).map_err(failed)?;
        let query = EncryptedQuery::from_bytes(&Parameters::V1, query).map_err(failed)?;
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
        // What the next search of the same generation need not verify again; the rest is unmapped.
        locked(&self.blocks).retain(|known, _| segments.iter().any(|segment| segment.id == *known));
        Ok(answer)
    }

    /// The blocks of a segment, mapped, and verified since they were mapped.
    fn verified(&self, segment: &ScannedSegment) -> Result<Arc<Blocks>, Refusal> {
        let known = locked(&self.blocks).get(&segment.id).cloned();
        if let Some((_, blocks)) = known.filter(|(digest, blocks)| *digest == segment.blocks && blocks.is_whole()) {
            return Ok(blocks);
        }
        let object = Object::Segment(segment.id, Part::Blocks);
        let blocks = Arc::new(self.store.blocks_with(object, segment.images as usize, &segment.blocks)?);
        locked(&self.blocks).insert(segment.id, (segment.blocks, Arc::clone(&blocks)));
        Ok(blocks)
    }

    fn still_wanted(&self, id: u32) -> Result<(), Refusal> {
        let is_cancelled = locked(&self.running).get(&id).copied().unwrap_or_default();
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
            if let Err(Refusal { reason, detail }) = self.still_wanted(id) {
                return self.send(id, &Reply::Refused { reason, detail });
            }
            frame::write(&mut *locked(&self.output), id, protocol::BYTES, &[chunk])?;
        }
        self.send(id, &Reply::Done)
    }

    fn send(&self, id: u32, reply: &Reply) -> io::Result<()> {
        let (kind, payload) = reply.encode();
        frame::write(&mut *locked(&self.output), id, kind, &[&payload]).map(drop)
    }
}

/// A mutex's content, whatever became of its last holder: each change is one step.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
