//! A running connection: the connecting process, its pipes, and the routing of replies to their callers.
//!
//! Several threads share it for their requests. One thread reads, so that waiting for a reply has a time limit; another
//! kills the process when a write gets stuck.
//!
//! Must never: wait without a limit, or leave the process behind.

use std::collections::HashMap;
use std::io::{self, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Weak};
use std::thread;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::remote::error::Error;
use crate::remote::frame::{self, Fault, GREETING_BYTES, OVERHEAD_BYTES};
use crate::remote::peer_stderr::PeerStderr;
use crate::remote::protocol::Reply;
use crate::vault::Traffic;

/// How much of the end of standard error is kept.
const STDERR_KEPT_BYTES: usize = 4096;
/// How long the process may take to exit after its input has ended.
const FAREWELL: Duration = Duration::from_secs(5);
/// The exit codes of a shell that does not find the program, and of ssh when it cannot connect.
const NOT_FOUND: i32 = 127;
const SSH_FAILED: i32 = 255;

/// Bytes sent and received over all connections of one client.
#[derive(Default)]
pub(super) struct Counters {
    sent: AtomicU64,
    received: AtomicU64,
}

impl Counters {
    pub(super) fn traffic(&self) -> Traffic {
        Traffic { sent: self.sent.load(Ordering::Relaxed), received: self.received.load(Ordering::Relaxed) }
    }
}

/// A connection. Dropping it ends the process.
pub(super) struct Connection {
    shared: Arc<Shared>,
    next: AtomicU32,
    timeout: Duration,
}

struct Shared {
    host: String,
    counters: Arc<Counters>,
    /// `None` once the connection is being closed.
    output: Mutex<Option<Box<dyn Write + Send>>>,
    /// When the current write started, if there is one.
    writing_since: Mutex<Option<Instant>>,
    /// When the last frame arrived.
    last_heard: Mutex<Instant>,
    waiting: Mutex<Waiting>,
    child: Mutex<Option<Child>>,
    stderr: Mutex<Vec<u8>>,
}

/// The receivers of replies, until the connection is lost.
enum Waiting {
    Open(HashMap<u32, Sender<Reply>>),
    Lost(Loss),
}

#[derive(Clone, Copy)]
enum Loss {
    Ended,
    Garbled(&'static str),
}

impl Connection {
    /// Starts `command` and exchanges greetings with the other side.
    pub(super) fn start(
        mut command: Command,
        host: String,
        counters: &Arc<Counters>,
        timeout: Duration,
    ) -> Result<Self, Error> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let program = command.get_program().to_string_lossy().into_owned();
        let mut child = command.spawn().map_err(|source| Error::Start { program, source })?;
        let input = child.stdout.take().expect("stdout is piped");
        let output = child.stdin.take().expect("stdin is piped");
        let mut stderr = child.stderr.take().expect("stderr is piped");
        let (line, greeting) = Self::over(input, output, Some(child), host, counters, timeout);
        let shared = Arc::downgrade(&line.shared);
        thread::spawn(move || keep_end(&mut stderr, &shared));
        line.greeted(&greeting)
    }

    /// A connection over two pipes, and the receiver of the other side's greeting.
    fn over(
        input: impl Read + Send + 'static,
        output: impl Write + Send + 'static,
        child: Option<Child>,
        host: String,
        counters: &Arc<Counters>,
        timeout: Duration,
    ) -> (Self, Receiver<Vec<u8>>) {
        let shared = Arc::new(Shared::new(host, counters, Box::new(output), child));
        let (greeting, greeted) = channel();
        let reader = Arc::clone(&shared);
        thread::spawn(move || reader.read_all(BufReader::new(input), &greeting));
        let watched = Arc::downgrade(&shared);
        thread::spawn(move || watch_writes(&watched, timeout));
        (Self { shared, next: AtomicU32::new(1), timeout }, greeted)
    }

    /// Sends the greeting and checks the answer.
    fn greeted(self, greeting: &Receiver<Vec<u8>>) -> Result<Self, Error> {
        // A failed write means that the process has ended; the reason is reported below.
        let _ = self.shared.write(|output| {
            output.write_all(&frame::greeting())?;
            output.flush()?;
            Ok(GREETING_BYTES as u64)
        });
        let host = self.shared.host.clone();
        let came = match greeting.recv_timeout(self.timeout) {
            Ok(came) => came,
            Err(_) => return Err(Error::Silent { host, seconds: self.timeout.as_secs() }),
        };
        match came.first_chunk().and_then(frame::greeted_version) {
            Some(frame::VERSION) => Ok(self),
            Some(theirs) => Err(Error::Version { host, theirs, ours: frame::VERSION }),
            None if came.is_empty() => Err(self.shared.why_it_ended()),
            None => Err(Error::NotCipherlens { host, said: PeerStderr::of(&came) }),
        }
    }

    /// A new request id, and the receiver of its replies.
    pub(super) fn open_call(&self) -> Result<(u32, Receiver<Reply>), Error> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (sender, replies) = channel();
        match &mut *self.shared.waiting.lock() {
            Waiting::Open(waiting) => _ = waiting.insert(id, sender),
            Waiting::Lost(loss) => return Err(self.shared.lost(*loss)),
        }
        Ok((id, replies))
    }

    /// Discards further replies to this request.
    pub(super) fn close_call(&self, id: u32) {
        if let Waiting::Open(waiting) = &mut *self.shared.waiting.lock() {
            waiting.remove(&id);
        }
    }

    /// Sends one frame of a request.
    pub(super) fn send(&self, id: u32, kind: u8, parts: &[&[u8]]) -> Result<(), Error> {
        let written = self.shared.write(|output| frame::write(output, id, kind, parts));
        written.map_err(|_| self.shared.lost(Loss::Ended))
    }

    /// How long the host may send nothing.
    pub(super) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// When anything arrived last.
    pub(super) fn last_heard(&self) -> Instant {
        *self.shared.last_heard.lock()
    }

    /// Closes the connection because no reply came in time. A late reply would be useless, and the next request must
    /// use a new connection, even if a process behind the killed one keeps the pipes open.
    pub(super) fn time_out(&self) -> Error {
        self.shared.kill();
        *self.shared.waiting.lock() = Waiting::Lost(Loss::Ended);
        Error::Silent { host: self.shared.host.clone(), seconds: self.timeout.as_secs() }
    }

    /// Why the connection was lost.
    pub(super) fn loss(&self) -> Error {
        let loss = match &*self.shared.waiting.lock() {
            Waiting::Lost(loss) => *loss,
            Waiting::Open(_) => Loss::Ended,
        };
        self.shared.lost(loss)
    }

    /// Whether the connection was lost.
    pub(super) fn is_lost(&self) -> bool {
        matches!(&*self.shared.waiting.lock(), Waiting::Lost(_))
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // The end of its input tells the other side to stop.
        self.shared.output.lock().take();
        if let Some(mut child) = self.shared.child.lock().take() {
            end(&mut child);
        }
    }
}

/// Waits for a process that should exit, and kills it if it does not. Returns its exit code.
fn end(child: &mut Child) -> Option<i32> {
    let until = Instant::now() + FAREWELL;
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return status.code(),
            Ok(None) if Instant::now() < until => thread::sleep(Duration::from_millis(2)),
            _ => break,
        }
    }
    // It may already have exited.
    let _ = child.kill();
    child.wait().ok().and_then(|status| status.code())
}

impl Shared {
    fn new(host: String, counters: &Arc<Counters>, output: Box<dyn Write + Send>, child: Option<Child>) -> Self {
        Self {
            host,
            counters: Arc::clone(counters),
            output: Mutex::new(Some(output)),
            writing_since: Mutex::default(),
            last_heard: Mutex::new(Instant::now()),
            waiting: Mutex::new(Waiting::Open(HashMap::new())),
            child: Mutex::new(child),
            stderr: Mutex::default(),
        }
    }

    fn write(&self, write: impl FnOnce(&mut Box<dyn Write + Send>) -> io::Result<u64>) -> io::Result<()> {
        let mut output = self.output.lock();
        let output = output.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        *self.writing_since.lock() = Some(Instant::now());
        let written = write(output);
        *self.writing_since.lock() = None;
        self.counters.sent.fetch_add(written?, Ordering::Relaxed);
        Ok(())
    }

    /// The reading thread: passes on the greeting, then replies until the connection is lost.
    fn read_all(&self, mut input: impl Read, greeting: &Sender<Vec<u8>>) {
        let mut came = Vec::new();
        // On an error the greeting is short, as at the end of input.
        let _ = input.by_ref().take(GREETING_BYTES as u64).read_to_end(&mut came);
        self.counters.received.fetch_add(came.len() as u64, Ordering::Relaxed);
        let is_ours = came.first_chunk().and_then(frame::greeted_version) == Some(frame::VERSION);
        if !is_ours && !came.is_empty() {
            // Not a greeting. Read a little more, so that the message is readable.
            let mut more = [0; 200];
            let read = input.read(&mut more).unwrap_or_default();
            came.extend(&more[..read]);
        }
        // The receiver may have given up.
        let _ = greeting.send(came);
        let loss = if is_ours { self.read_replies(&mut input) } else { Loss::Ended };
        *self.waiting.lock() = Waiting::Lost(loss);
        if matches!(loss, Loss::Garbled(_)) {
            self.kill();
        }
    }

    fn read_replies(&self, input: &mut impl Read) -> Loss {
        loop {
            let frame = match frame::read(input) {
                Ok(Some(frame)) => frame,
                Ok(None) | Err(Fault::Io(_)) => return Loss::Ended,
                Err(Fault::Garbled(what)) => return Loss::Garbled(what),
            };
            self.counters.received.fetch_add((frame.payload.len() + OVERHEAD_BYTES) as u64, Ordering::Relaxed);
            *self.last_heard.lock() = Instant::now();
            let Some(reply) = Reply::decode(frame.kind, frame.payload) else {
                return Loss::Garbled("a reply is unknown");
            };
            if let Waiting::Open(waiting) = &*self.waiting.lock()
                && let Some(asker) = waiting.get(&frame.request)
            {
                // The caller may have stopped waiting.
                let _ = asker.send(reply);
            }
        }
    }

    fn lost(&self, loss: Loss) -> Error {
        match loss {
            Loss::Garbled(what) => Error::Garbled { host: self.host.clone(), what },
            Loss::Ended => self.why_it_ended(),
        }
    }

    /// The reason, as far as the exit code tells.
    fn why_it_ended(&self) -> Error {
        let code = self.child.lock().as_mut().and_then(|child| {
            let code = end(child);
            // Its last output may not have been read yet.
            thread::sleep(Duration::from_millis(20));
            code
        });
        let host = self.host.clone();
        let said = PeerStderr::of(&self.stderr.lock());
        match code {
            Some(NOT_FOUND) => Error::NotInstalled { host, said },
            Some(SSH_FAILED) => Error::Unreachable { host, said },
            _ => Error::Lost { host, said },
        }
    }

    fn kill(&self) {
        if let Some(child) = &mut *self.child.lock() {
            // It may already have exited.
            let _ = child.kill();
        }
    }
}

/// Keeps the end of standard error.
fn keep_end(stderr: &mut impl Read, shared: &Weak<Shared>) {
    let mut chunk = [0; 1024];
    while let Ok(read @ 1..) = stderr.read(&mut chunk) {
        let Some(shared) = shared.upgrade() else { return };
        let mut kept = shared.stderr.lock();
        kept.extend(&chunk[..read]);
        let excess = kept.len().saturating_sub(STDERR_KEPT_BYTES);
        kept.drain(..excess);
    }
}

/// Kills the process when a write gets stuck, because a pipe has no time limit of its own.
fn watch_writes(shared: &Weak<Shared>, timeout: Duration) {
    while let Some(shared) = shared.upgrade() {
        let stalled = shared.writing_since.lock().is_some_and(|since| since.elapsed() > timeout);
        if stalled {
            shared.kill();
        }
        drop(shared);
        thread::sleep((timeout / 4).min(Duration::from_millis(500)));
    }
}

#[cfg(test)]
impl Connection {
    /// A connection on which nothing arrives except what a test feeds in.
    pub(super) fn unconnected() -> Arc<Self> {
        let shared = Shared::new("the host".to_owned(), &Arc::default(), Box::new(io::sink()), None);
        Arc::new(Self { shared: Arc::new(shared), next: AtomicU32::new(1), timeout: Duration::from_secs(60) })
    }

    /// Feeds in `bytes` from the other side, followed by the end of input.
    pub(super) fn hear(&self, bytes: &[u8]) {
        // Nobody receives the greeting.
        self.shared.read_all(bytes, &channel().0);
    }
}
