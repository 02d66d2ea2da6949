//! The host: serves a vault's files, the scan of its blocks, and staged writes to the client at the other end of two
//! pipes.
//!
//! A host learns what a thief of its disk would learn, and also what is requested when. Three threads: the calling one
//! reads requests and writes files in the order of arrival, one answers reads, and one scans, so that a picture need
//! not wait for a scan. Everything ends with the connection, and staged files are removed or kept, as the client
//! said when it began to write.
//!
//! Must never: mention a secret type, trust a path or a length, or hold a lock longer than the connection lasts.

mod staging;

use std::collections::{HashMap, HashSet};
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, channel, sync_channel};
use std::thread;
use std::time::Duration;

use parking_lot::Mutex;
use rayon::prelude::*;
use staging::Staging;

use super::frame::{self, Fault, GREETING_BYTES};
use super::protocol::{BYTES, Reason, Refusal, Reply, Request, ScannedFile, lists};
use crate::ckks::{CONTEXT_BYTES, EncryptedQuery, Evaluator, PublicContext};
use crate::vault::{Backend, Blocks, Digest, Expected, Hex, Id, LocalBackend, Object, Part};

/// Requests that may be queued. A client that sends more has to wait.
const QUEUE: usize = 64;
/// Bytes of an answer per frame, small enough for two answers to take turns.
const CHUNK_BYTES: usize = 256 << 10;
/// Files scanned before the client receives progress again.
const ROUND: usize = 64;
/// How often a client hears of a request that takes long, such as hashing a video: well within its patience.
const SIGN_OF_LIFE: Duration = Duration::from_secs(10);
/// Most blocks of a file.
const MOST_BLOCKS: u32 = 2;

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
    /// The blocks of the last scan, mapped.
    blocks: Mutex<HashMap<Id, Arc<Blocks>>>,
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
                    // They copy or sync whole files, or read every list and remove files; the others write what has
                    // just arrived.
                    let may_take_long = matches!(
                        writing,
                        Request::Concatenate { .. }
                            | Request::Commit
                            | Request::Adopt(_)
                            | Request::RemoveAbandoned
                            | Request::SetStraysAside
                    );
                    let receive = || staging.receive(&self.backend, id, writing);
                    let reply = if may_take_long { self.alive(id, SIGN_OF_LIFE, receive) } else { receive() };
                    if let Some(reply) = reply {
                        self.send(id, &reply)?;
                        if matches!(reply, Reply::Bytes(_)) {
                            self.send(id, &Reply::Done)?;
                        }
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
            // A large file or directory takes a while, and the client must not mistake that for silence.
            let may_take_long = matches!(
                request,
                Request::Digests(_) | Request::Leftovers { .. } | Request::List(_) | Request::Size(_)
            );
            let answer = || self.answer(id, request);
            let answer = if may_take_long { self.alive(id, SIGN_OF_LIFE, answer) } else { answer() };
            let sent = match answer {
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
                    self.tell_progress(id, digests.len() as u64)?;
                }
                lists::encode_digests(&digests)
            }
            Request::Scan { context, files, query } => self.scan(id, &context, &files, &query)?,
            _ => return Err(Refusal::new(Reason::Failed, "this request is not a read")),
        };
        Ok(Answer::Bytes(bytes))
    }

    /// The encrypted scores of `query` against the blocks of `files`, 4 bytes per image of full blocks. Nothing is
    /// verified here: the client's check vectors do that.
    fn scan(
        &self,
        id: u32,
        context: &[u8; CONTEXT_BYTES],
        files: &[ScannedFile],
        query: &[u8],
    ) -> Result<Vec<u8>, Refusal> {
        let failed = |error: crate::ckks::Error| Refusal::new(Reason::Failed, error);
        let context = PublicContext::from_bytes(context).map_err(failed)?;
        let query = EncryptedQuery::from_bytes(context.parameters(), query).map_err(failed)?;
        let evaluator = Evaluator::new(&context).map_err(failed)?;
        let block_bytes = context.parameters().block_bytes() as u64;
        let score = |file: &ScannedFile| {
            let blocks = self.mapped(file, block_bytes)?;
            let answer = evaluator.score(&blocks, &query).map_err(failed)?;
            blocks.require_whole(&object_of(file))?;
            Ok(answer)
        };
        let (mut answer, mut scanned) = (Vec::new(), 0);
        for round in files.chunks(ROUND) {
            self.still_wanted(id)?;
            let answers = round.par_iter().map(score).collect::<Result<Vec<_>, Refusal>>()?;
            answer.extend(answers.concat());
            scanned += round.iter().map(|file| u64::from(file.blocks)).sum::<u64>();
            self.tell_progress(id, scanned)?;
        }
        // Keep the blocks of this generation for the next search, and unmap the rest.
        let wanted: HashSet<Id> = files.iter().map(|file| file.name).collect();
        self.blocks.lock().retain(|known, _| wanted.contains(known));
        Ok(answer)
    }

    /// The blocks of a file, mapped.
    fn mapped(&self, file: &ScannedFile, block_bytes: u64) -> Result<Arc<Blocks>, Refusal> {
        if !(1..=MOST_BLOCKS).contains(&file.blocks) {
            return Err(Refusal::new(Reason::Failed, "no file has so many blocks"));
        }
        let limit = u64::from(file.blocks) * block_bytes;
        let known = self.blocks.lock().get(&file.name).cloned();
        if let Some(blocks) = known.filter(|blocks| blocks.is_whole() && blocks.len() as u64 == limit) {
            return Ok(blocks);
        }
        // Only the length matters here, and is checked.
        let expected = Expected { object: object_of(file), limit, digest: Hex([0; 32]) };
        let blocks = Arc::new(self.backend.blocks(&expected)?);
        self.blocks.lock().insert(file.name, Arc::clone(&blocks));
        Ok(blocks)
    }

    /// Does `work` for a request, and tells the client every `interval` that it is not done yet.
    fn alive<T>(&self, id: u32, interval: Duration, work: impl FnOnce() -> T) -> T {
        let (working, is_over) = channel::<()>();
        thread::scope(|scope| {
            scope.spawn(move || {
                // Until the other end is dropped. A broken connection is noticed by the reading thread.
                while is_over.recv_timeout(interval) == Err(RecvTimeoutError::Timeout) {
                    if self.tell_progress(id, 0).is_err() {
                        return;
                    }
                }
            });
            // Also if `work` panics.
            let _working = working;
            work()
        })
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

fn object_of(file: &ScannedFile) -> Object {
    Object::Segment(file.name, Part::Blocks)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::Sender;

    use super::*;

    /// Reports every write.
    struct Output(Sender<usize>);

    impl Write for Output {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _ = self.0.send(bytes.len());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn the_client_hears_of_a_request_while_it_is_worked_on_and_not_after() {
        let (written, writes) = channel();
        let host = Host {
            backend: LocalBackend::new("unused"),
            output: Mutex::new(Output(written)),
            running: Mutex::default(),
            blocks: Mutex::default(),
            is_over: AtomicBool::new(false),
        };
        // Ends only because something is written meanwhile.
        let heard = host.alive(1, Duration::from_millis(1), || (0..5).map(|_| writes.recv().unwrap()).sum::<usize>());
        assert!(heard > 0);
        while writes.try_recv().is_ok() {}
        host.alive(1, Duration::from_secs(3600), || {});
        assert!(writes.try_recv().is_err(), "and the thread has ended");
    }
}
