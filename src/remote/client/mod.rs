//! The client of a vault on a host: a [`Backend`] whose requests go over a connection.
//!
//! | file | what lives there |
//! |---|---|
//! | this one | [`Client`]: requests that read, retried once on a new connection when the first is lost |
//! | `connection` | the process that connects, its pipes and its threads |
//! | `call` | one request and its replies |
//! | `writer` | the writer of a vault on a host |
//!
//! Writes are never retried, because half of them may have arrived. What the host then does with staged
//! files is up to the writer ([`Abandoned`](crate::vault::Abandoned)).
//!
//! Must never: pass on bytes whose known digest does not match.

mod call;
mod connection;
mod writer;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use call::Call;
use connection::{Connection, Counters};
use parking_lot::Mutex;
use writer::RemoteWriter;

use super::address::{Address, Prompts};
use super::error::{Error, elsewhere, refused};
use super::protocol::{Refusal, Reply, Request, ScannedFile, lists};
use super::transport;
use crate::ckks::{ANSWER_BYTES, CONTEXT_BYTES, EncryptedQuery};
use crate::vault;
use crate::vault::{
    Abandoned, Backend, BlocksFile, Digest, Directory, Expected, Id, Leftovers, Listed, Object, Part, Scanner,
    SignedMapping, Traffic, Writer,
};

/// Most bytes of a listing: 10 million photos.
const LARGEST_LISTING_BYTES: u64 = 1 << 30;
/// Requests in flight at once, so that many small files cost few round trips.
const WINDOW: usize = 32;

/// The files of a vault on a host.
pub(super) struct Client {
    address: Address,
    prompts: Prompts,
    timeout: Duration,
    connection: Mutex<Option<Arc<Connection>>>,
    counters: Arc<Counters>,
}

impl Client {
    /// Connects to `address`. A host that sends nothing for `timeout` counts as lost.
    ///
    /// # Errors
    /// When it cannot be reached, or something else answers.
    pub(super) fn connect(address: Address, prompts: Prompts, timeout: Duration) -> Result<Self, Error> {
        let client = Self { address, prompts, timeout, connection: Mutex::default(), counters: Arc::default() };
        client.connection()?;
        Ok(client)
    }

    /// Becomes a writer of the vault on the host, which `request` may create.
    fn begin(&self, request: &Request) -> Result<Box<dyn Writer>, vault::Error> {
        let connection = self.connection().map_err(elsewhere)?;
        match RemoteWriter::begin(&connection, self.to_string(), request) {
            Ok(writer) => Ok(Box::new(writer)),
            Err(vault::Error::Occupied { .. }) => Err(vault::Error::Occupied { path: self.address.place() }),
            Err(vault::Error::NotAVault { .. }) => Err(vault::Error::NotAVault { path: self.address.place() }),
            Err(error) => Err(error),
        }
    }

    /// The connection. Reconnects if the last one was lost.
    fn connection(&self) -> Result<Arc<Connection>, Error> {
        let mut connection = self.connection.lock();
        if let Some(connection) = connection.as_ref().filter(|connection| !connection.is_lost()) {
            return Ok(Arc::clone(connection));
        }
        let command = transport::connector(&self.address, self.prompts);
        let command = command.expect("a local directory has no client");
        let started = Arc::new(Connection::start(command, self.to_string(), &self.counters, self.timeout)?);
        Ok(Arc::clone(connection.insert(started)))
    }

    /// The answer to a read request, at most `limit` bytes. Retries once on a new connection if the first is lost.
    /// `None` when the host reports no change.
    fn answer(&self, request: &Request, limit: u64) -> Result<Option<Vec<u8>>, vault::Error> {
        let ask = || {
            let connection = self.connection().map_err(CallError::Connection)?;
            let call = Call::start(&connection, request).map_err(CallError::Connection)?;
            self.collect(call, limit)
        };
        let outcome = match ask() {
            Err(CallError::Connection(error)) if error.is_loss() => {
                log::warn!("the connection was lost; connecting again");
                ask()
            }
            outcome => outcome,
        };
        outcome.map_err(|error| self.as_vault_error(error, request))
    }

    /// The answer to a request that sent no known digest.
    fn fetch(&self, request: &Request, limit: u64) -> Result<Vec<u8>, vault::Error> {
        self.answer(request, limit)?.ok_or_else(|| self.garbled("unchanged is no answer to this request"))
    }

    /// Collects the whole answer of a call.
    fn collect(&self, mut call: Call, limit: u64) -> Result<Option<Vec<u8>>, CallError> {
        let mut bytes = Vec::new();
        loop {
            match call.next().map_err(CallError::Connection)? {
                Reply::Bytes(more) => {
                    bytes.extend(more);
                    let actual = bytes.len() as u64;
                    if actual > limit {
                        // Dropping the call cancels the rest.
                        let length = Error::Length { host: self.to_string(), expected: limit, actual };
                        return Err(CallError::Connection(length));
                    }
                }
                Reply::Progress(_) => {}
                Reply::Done => return Ok(Some(bytes)),
                Reply::Unchanged if bytes.is_empty() => return Ok(None),
                Reply::Unchanged => {
                    return Err(CallError::Connection(self.garbled_connection("content before unchanged")));
                }
                Reply::Refused(refusal) => return Err(CallError::Refused(refusal)),
            }
        }
    }

    fn as_vault_error(&self, error: CallError, request: &Request) -> vault::Error {
        let refusal = match error {
            CallError::Connection(error) => return elsewhere(error),
            CallError::Refused(refusal) => refusal,
        };
        // Which file: the requested one, or one of several that the host reports, if it was requested.
        let object = match request {
            Request::Read { object, .. } | Request::ReadAt { object, .. } => Some(object.clone()),
            Request::Scan { files, .. } => refusal.detail.parse().ok().filter(|object| match object {
                Object::Segment(name, Part::Blocks) => files.iter().any(|file| file.name == *name),
                _ => false,
            }),
            _ => None,
        };
        refused(&self.to_string(), refusal, object)
    }

    fn garbled_connection(&self, what: &'static str) -> Error {
        Error::Garbled { host: self.to_string(), what }
    }

    fn garbled(&self, what: &'static str) -> vault::Error {
        elsewhere(self.garbled_connection(what))
    }
}

/// Why no answer arrived.
enum CallError {
    Connection(Error),
    Refused(Refusal),
}

impl fmt::Display for Client {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.address.fmt(formatter)
    }
}

impl Backend for Client {
    fn require_vault(&self) -> Result<(), vault::Error> {
        match self.read(&Object::Header, vault::largest_bytes(&Object::Header)) {
            Err(vault::Error::Missing { .. }) => Err(vault::Error::NotAVault { path: self.address.place() }),
            outcome => outcome.map(drop),
        }
    }

    fn read(&self, object: &Object, limit: u64) -> Result<Vec<u8>, vault::Error> {
        self.fetch(&Request::Read { object: object.clone(), limit, known: None }, limit)
    }

    fn read_at(&self, object: &Object, offset: u64, bytes: u64) -> Result<Vec<u8>, vault::Error> {
        self.fetch(&Request::ReadAt { object: object.clone(), offset, bytes }, bytes)
    }

    fn read_if_changed(&self, object: &Object, limit: u64, known: &Digest) -> Result<Option<Vec<u8>>, vault::Error> {
        self.answer(&Request::Read { object: object.clone(), limit, known: Some(*known) }, limit)
    }

    fn read_many(&self, files: &[Expected], received: &mut dyn FnMut(&Expected, &[u8])) {
        // Ignore errors: reading the file by itself meets and reports them.
        let Ok(connection) = self.connection() else { return };
        for window in files.chunks(WINDOW) {
            let start = |file: &Expected| {
                let request = Request::Read { object: file.object.clone(), limit: file.limit, known: None };
                Call::start(&connection, &request).ok()
            };
            let calls: Vec<_> = window.iter().map(start).collect();
            for (file, call) in window.iter().zip(calls) {
                let Some(call) = call else { return };
                match self.collect(call, file.limit) {
                    Ok(Some(bytes)) if file.is(&bytes) => received(file, &bytes),
                    _ => {}
                }
            }
        }
    }

    fn scanner(&self) -> Option<&dyn Scanner> {
        Some(self)
    }

    fn list(&self, directory: Directory) -> Result<Vec<Listed>, vault::Error> {
        let bytes = self.fetch(&Request::List(directory), LARGEST_LISTING_BYTES)?;
        lists::decode_listing(&bytes).ok_or_else(|| self.garbled("a listing contains an invalid name"))
    }

    fn size(&self, directory: Directory) -> Result<u64, vault::Error> {
        let bytes = self.fetch(&Request::Size(directory), 8)?;
        let number = bytes.try_into().map_err(|_| self.garbled("a size is not a number"))?;
        Ok(u64::from_le_bytes(number))
    }

    fn leftovers(&self, newest: &SignedMapping) -> Result<Leftovers, vault::Error> {
        let request = Request::Leftovers { mapping: Digest::of(&[newest.text().as_bytes()]) };
        let bytes = self.fetch(&request, LARGEST_LISTING_BYTES)?;
        lists::decode_leftovers(&bytes).ok_or_else(|| self.garbled("a listing contains an invalid name"))
    }

    fn digests(&self, objects: &[Object]) -> Result<Vec<Option<Digest>>, vault::Error> {
        let mut digests = Vec::with_capacity(objects.len());
        for some in objects.chunks(1024) {
            let bytes = self.fetch(&Request::Digests(some.to_vec()), (some.len() * 32) as u64)?;
            let decoded = lists::decode_digests(&bytes, some.len());
            digests.extend(decoded.ok_or_else(|| self.garbled("the number of digests is wrong"))?);
        }
        Ok(digests)
    }

    fn writer(&self, abandoned: Abandoned) -> Result<Box<dyn Writer>, vault::Error> {
        self.begin(&Request::Begin(abandoned))
    }

    fn create(&self, vault: Id, abandoned: Abandoned) -> Result<Box<dyn Writer>, vault::Error> {
        self.begin(&Request::Create { vault, abandoned })
    }

    fn traffic(&self) -> Option<Traffic> {
        Some(self.counters.traffic())
    }
}

impl Scanner for Client {
    fn scan(
        &self,
        context: &[u8; CONTEXT_BYTES],
        files: &[BlocksFile],
        query: &EncryptedQuery,
    ) -> Result<Vec<u8>, vault::Error> {
        let expected = files.iter().map(|file| file.blocks * ANSWER_BYTES).sum::<usize>() as u64;
        let files = files
            .iter()
            .map(|file| ScannedFile { name: file.file.digest.name(), blocks: file.blocks as u32 })
            .collect();
        let request = Request::Scan { context: *context, files, query: query.as_bytes().to_vec() };
        let answer = self.fetch(&request, expected)?;
        let actual = answer.len() as u64;
        if actual != expected {
            return Err(elsewhere(Error::Length { host: self.to_string(), expected, actual }));
        }
        Ok(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::remote::frame;
    use crate::remote::protocol::Reason;

    /// Random output of a host: a greeting, then frames with valid checksums and legal or illegal content; sometimes a
    /// byte is damaged or the end is missing.
    fn said(next: &mut impl FnMut(usize) -> usize) -> Vec<u8> {
        let mut said = frame::greeting().to_vec();
        for _ in 0..next(5) {
            let noise: Vec<u8> = (0..next(40)).map(|_| next(256) as u8).collect();
            let (kind, payload) = match next(8) {
                0 | 1 => Reply::Bytes(noise).encode(),
                2 => Reply::Progress(next(9) as u64).encode(),
                3 => Reply::Done.encode(),
                4 => Reply::Unchanged.encode(),
                5 => Reply::Refused(Refusal::new(Reason::Missing, "header")).encode(),
                6 => (68, noise),
                _ => (60 + next(12) as u8, noise),
            };
            let request = if next(8) == 0 { next(4) as u32 } else { 1 };
            frame::write(&mut said, request, kind, &[&payload]).unwrap();
        }
        if next(6) == 0 {
            let at = next(said.len());
            said[at] = next(256) as u8;
        }
        if next(6) == 0 {
            said.truncate(next(said.len() + 1));
        }
        said
    }

    #[test]
    fn a_hostile_answer_has_the_expected_length_or_is_an_error() {
        const LIMIT: u64 = 64;
        // Xorshift64 (Marsaglia 2003): the same executions each time.
        let mut state = 0x2545_f491_4f6c_dd1d_u64;
        let mut next = move |bound: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state % bound as u64) as usize
        };
        let client = Client {
            address: Address::Directory("unused".into()),
            prompts: Prompts::Refused,
            timeout: Duration::from_secs(60),
            connection: Mutex::default(),
            counters: Arc::default(),
        };
        let requests = [
            Request::Read { object: Object::Mapping, limit: LIMIT, known: Some(Digest::of(&[b"known"])) },
            Request::List(Directory::Images),
            Request::Digests(vec![Object::Header; 2]),
            Request::Scan { context: [1; 40], files: Vec::new(), query: vec![1; 9] },
        ];
        let (mut whole, mut unchanged, mut errors) = (0, 0, 0);
        for _ in 0..100_000 {
            let connection = Connection::unconnected();
            let request = &requests[next(requests.len())];
            let call = Call::start(&connection, request).unwrap();
            connection.hear(&said(&mut next));
            assert!(connection.is_lost());
            match client.collect(call, LIMIT).map_err(|error| client.as_vault_error(error, request)) {
                Ok(Some(bytes)) => {
                    assert!(bytes.len() as u64 <= LIMIT);
                    let listing = lists::decode_listing(&bytes);
                    assert!(listing.is_none_or(|listing| lists::encode_listing(&listing) == bytes));
                    let digests = lists::decode_digests(&bytes, 2);
                    assert!(digests.is_none_or(|digests| digests.len() == 2));
                    whole += 1;
                }
                Ok(None) => unchanged += 1,
                Err(error) => {
                    assert!(!error.to_string().is_empty());
                    errors += 1;
                }
            }
        }
        assert!(whole > 5_000 && unchanged > 1_000 && errors > 20_000, "{whole}, {unchanged}, {errors}");
    }
}
