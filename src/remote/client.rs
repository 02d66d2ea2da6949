//! A vault's files on a host, as a vault reads and writes them.
//!
//! What is read is asked for once more when the connection is lost; what is written never is, because half of it may have
//! arrived: the host then removes what it staged. Must never: hand on a byte that was promised a digest and has another.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

use super::address::Address;
use super::cache::Cache;
use super::error::{Error, Said};
use super::line::{Counters, Exchange, Line};
use super::protocol::{self, Reason, Reply, Request, ScannedSegment};
use super::writing::HostWriter;
use crate::cipher::{KeyTree, Purpose};
use crate::ckks::{ANSWER_BYTES, EncryptedQuery};
use crate::durable::IfLocked;
use crate::vault;
use crate::vault::{
    Abandoned, Blocks, Digest, Directory, Expected, Id, Leftovers, Listed, Object, Part, Scanner, SegmentEntry,
    SignedMapping, Storage, Traffic, Writer,
};

/// Nothing at all for this long is taken for a lost connection.
const PATIENCE: Duration = Duration::from_secs(60);
/// Most bytes of a listing: 10 million photos.
const LARGEST_LISTING_BYTES: u64 = 1 << 30;
/// Requests under way at once, so that many small files cost few round trips.
const WINDOW: usize = 32;
/// How often a writer that waits for another asks whether it has finished.
const LOCK_POLL: Duration = Duration::from_millis(200);

/// Whether the program that connects may ask on the terminal, for a password for instance.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Prompts {
    /// It may.
    Allowed,
    /// It must get along with keys and agents.
    Refused,
}

/// The files of a vault on a host.
pub struct Client {
    address: Address,
    prompts: Prompts,
    patience: Duration,
    cache_directory: PathBuf,
    cache: OnceLock<Cache>,
    line: Mutex<Option<Arc<Line>>>,
    counters: Arc<Counters>,
}

impl Client {
    /// Connects to `address`. What is fetched is cached below `cache_directory` once the vault is unlocked.
    ///
    /// # Errors
    /// When it cannot be reached, or something else answers.
    pub fn connect(address: Address, prompts: Prompts, cache_directory: PathBuf) -> Result<Self, Error> {
        Self::connect_within(address, prompts, cache_directory, PATIENCE)
    }

    /// The same with another limit to how long nothing may come.
    ///
    /// # Errors
    /// As [`Self::connect`].
    pub fn connect_within(
        address: Address,
        prompts: Prompts,
        cache_directory: PathBuf,
        patience: Duration,
    ) -> Result<Self, Error> {
        let client = Self {
            address,
            prompts,
            patience,
            cache_directory,
            cache: OnceLock::new(),
            line: Mutex::default(),
            counters: Arc::default(),
        };
        client.line()?;
        Ok(client)
    }

    /// Caches from now on, under a key of the vault.
    pub fn unlocked(&self, vault: Id, tree: &KeyTree) {
        self.cache.get_or_init(|| Cache::open(&self.cache_directory, vault, tree.key(Purpose::Cache, &[0; 16])));
    }

    /// Refuses a place that holds no vault.
    ///
    /// # Errors
    /// [`vault::Error::NotAVault`]; when the host cannot be asked.
    pub fn require_vault(&self) -> Result<(), vault::Error> {
        match self.read(&Object::Header, u64::from(u16::MAX)) {
            Err(vault::Error::Missing { .. }) => Err(vault::Error::NotAVault { path: self.address.place() }),
            outcome => outcome.map(drop),
        }
    }

    /// Becomes the writer of the vault there, or of one that is begun there.
    fn begin(&self, request: &Request) -> Result<Box<dyn Writer>, vault::Error> {
        let line = self.line().map_err(elsewhere)?;
        match HostWriter::begin(&line, self.to_string(), request) {
            Ok(writer) => Ok(Box::new(writer)),
            Err(vault::Error::Occupied { .. }) => Err(vault::Error::Occupied { path: self.address.place() }),
            Err(vault::Error::NotAVault { .. }) => Err(vault::Error::NotAVault { path: self.address.place() }),
            Err(error) => Err(error),
        }
    }

    /// The connection, made anew when the last one is lost.
    fn line(&self) -> Result<Arc<Line>, Error> {
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(line) = line.as_ref().filter(|line| !line.is_lost()) {
            return Ok(Arc::clone(line));
        }
        let command = self.address.connector(self.prompts);
        let command = command.expect("a directory is opened by its store, not by a client");
        let started = Arc::new(Line::start(command, self.to_string(), &self.counters, self.patience)?);
        Ok(Arc::clone(line.insert(started)))
    }

    /// The answer to a request that only reads, of at most `limit` bytes; asked once more on a new line when the first is
    /// lost. `None` when the host says that nothing changed.
    fn answer(&self, request: &Request, limit: u64) -> Result<Option<Vec<u8>>, vault::Error> {
        let ask = || {
            let line = self.line().map_err(Trouble::Line)?;
            let exchange = line.ask(request).map_err(Trouble::Line)?;
            self.collect(exchange, limit)
        };
        let outcome = match ask() {
            Err(Trouble::Line(error)) if error.is_loss() => {
                log::warn!("the connection was lost; connecting again");
                ask()
            }
            outcome => outcome,
        };
        outcome.map_err(|trouble| self.explained(trouble, request))
    }

    fn fetch(&self, request: &Request, limit: u64) -> Result<Vec<u8>, vault::Error> {
        self.answer(request, limit)?.ok_or_else(|| self.garbled("nothing was known that could be unchanged"))
    }

    /// The whole answer of an exchange.
    fn collect(&self, mut exchange: Exchange, limit: u64) -> Result<Option<Vec<u8>>, Trouble> {
        let mut bytes = Vec::new();
        loop {
            match exchange.next().map_err(Trouble::Line)? {
                Reply::Bytes(more) => {
                    bytes.extend(more);
                    let actual = bytes.len() as u64;
                    if actual > limit {
                        // Dropping the exchange cancels the rest.
                        return Err(Trouble::Line(Error::Length { host: self.to_string(), expected: limit, actual }));
                    }
                }
                Reply::Progress(_) => {}
                Reply::Done => return Ok(Some(bytes)),
                Reply::Unchanged if bytes.is_empty() => return Ok(None),
                Reply::Unchanged => return Err(Trouble::Line(self.garbled_line("an answer changed its mind"))),
                Reply::Refused { reason, detail } => return Err(Trouble::Refused(reason, detail)),
            }
        }
    }

    fn explained(&self, trouble: Trouble, request: &Request) -> vault::Error {
        let (reason, detail) = match trouble {
            Trouble::Line(error) => return elsewhere(error),
            Trouble::Refused(reason, detail) => (reason, detail),
        };
        // Which file: the one that was asked for, or of those that were meant the one that the host names.
        let object = match request {
            Request::Read { object, .. } => Some(object.clone()),
            Request::Scan { segments, .. } => detail.parse().ok().filter(|object| match object {
                Object::PublicContext => true,
                Object::Segment(id, Part::Blocks) => segments.iter().any(|segment| segment.id == *id),
                _ => false,
            }),
            _ => None,
        };
        refused(&self.to_string(), reason, &detail, object)
    }

    fn garbled_line(&self, what: &'static str) -> Error {
        Error::Garbled { host: self.to_string(), what }
    }

    fn garbled(&self, what: &'static str) -> vault::Error {
        elsewhere(self.garbled_line(what))
    }

    /// The mapping in force. The host is told which one is known, so that it need not send the same again.
    fn read_mapping(&self, limit: u64) -> Result<Vec<u8>, vault::Error> {
        let cache = self.cache.get();
        let cached = cache.and_then(Cache::mapping);
        let known = cached.as_deref().map(|bytes| Digest::of(&[bytes]));
        match (self.answer(&Request::Read { object: Object::Mapping, limit, known }, limit)?, cached) {
            (Some(bytes), _) => {
                if let Some(cache) = cache {
                    cache.put_mapping(&bytes);
                }
                Ok(bytes)
            }
            (None, Some(cached)) => Ok(cached),
            (None, None) => Err(self.garbled("nothing was known that could be unchanged")),
        }
    }

    /// What does not change and is worth keeping.
    fn is_cached(object: &Object) -> bool {
        match object {
            Object::PublicContext | Object::SecretContext | Object::Thumbnail(_) => true,
            // Vectors too: a search with a photo of the vault reads those of its whole segment.
            Object::Segment(_, part) => *part != Part::Blocks,
            Object::Group(..) => true,
            Object::Header | Object::Mapping | Object::Photo(..) | Object::Unfinished(_) | Object::Writing => false,
        }
    }
}

/// Why an answer did not come.
enum Trouble {
    Line(Error),
    Refused(Reason, String),
}

/// An error of the connection as a vault reports it.
pub(super) fn elsewhere(error: Error) -> vault::Error {
    vault::Error::Elsewhere(Box::new(error))
}

/// A refusal as the error that the same trouble gives in a directory of this machine.
pub(super) fn refused(host: &str, reason: Reason, detail: &str, object: Option<Object>) -> vault::Error {
    let said = || Said::of(detail.as_bytes());
    let generic = |said| elsewhere(Error::Refused { host: host.to_owned(), said });
    match (reason, object) {
        (Reason::Missing, Some(object)) => vault::Error::Missing { object },
        (Reason::Damaged, Some(object)) => {
            vault::Error::Damaged { object, what: "the host found it other than the mapping says" }
        }
        (Reason::TooLarge, Some(object)) => {
            vault::Error::Damaged { object, what: "the host found it larger than it can be" }
        }
        (Reason::TooLarge, None) => generic(Said::of(format!("{detail} is larger than it can be").as_bytes())),
        (Reason::NotAVault, _) => vault::Error::NotAVault { path: host.into() },
        (Reason::Occupied, _) => vault::Error::Occupied { path: host.into() },
        (Reason::Locked, _) => vault::Error::Locked,
        (Reason::Overtaken, _) => vault::Error::Overtaken,
        (Reason::Moved, _) => generic(Said::of(b"its vault is at another generation by now; try again")),
        (Reason::Cancelled, _) => generic(Said::of(b"the request was cancelled")),
        _ => generic(said()),
    }
}

impl std::fmt::Display for Client {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.address.fmt(formatter)
    }
}

impl Storage for Client {
    fn read(&self, object: &Object, limit: u64) -> Result<Vec<u8>, vault::Error> {
        if *object == Object::Mapping {
            return self.read_mapping(limit);
        }
        self.fetch(&Request::Read { object: object.clone(), limit, known: None }, limit)
    }

    fn read_verified(&self, file: &Expected) -> Result<Vec<u8>, vault::Error> {
        let cache = self.cache.get().filter(|_| Self::is_cached(&file.object));
        if let Some(bytes) = cache.and_then(|cache| cache.get(&file.digest)) {
            return Ok(bytes);
        }
        let bytes = self.read(&file.object, file.limit)?;
        if !file.is(&bytes) {
            return Err(file.differs());
        }
        if let Some(cache) = cache {
            cache.put(&file.digest, &bytes);
        }
        Ok(bytes)
    }

    fn prefetch(&self, files: &[Expected]) {
        let Some(cache) = self.cache.get() else { return };
        let missing: Vec<_> =
            files.iter().filter(|file| Self::is_cached(&file.object) && cache.get(&file.digest).is_none()).collect();
        // Whatever goes wrong here goes wrong again when the file is read, and is told then.
        let Ok(line) = self.line() else { return };
        for some in missing.chunks(WINDOW) {
            let ask = |file: &&Expected| {
                let request = Request::Read { object: file.object.clone(), limit: file.limit, known: None };
                line.ask(&request).ok()
            };
            let exchanges: Vec<_> = some.iter().map(ask).collect();
            for (file, exchange) in some.iter().zip(exchanges) {
                let Some(exchange) = exchange else { return };
                match self.collect(exchange, file.limit) {
                    Ok(Some(bytes)) if file.is(&bytes) => cache.put(&file.digest, &bytes),
                    _ => {}
                }
            }
        }
    }

    fn blocks(&self, segment: &SegmentEntry) -> Result<Blocks, vault::Error> {
        let object = Object::Segment(segment.id, Part::Blocks);
        let file = Expected { object, limit: segment.blocks_bytes() as u64, digest: segment.ckks };
        self.read_verified(&file).map(Blocks::Fetched)
    }

    fn scanner(&self) -> Option<&dyn Scanner> {
        Some(self)
    }

    fn list(&self, directory: Directory) -> Result<Vec<Listed>, vault::Error> {
        let bytes = self.fetch(&Request::List(directory), LARGEST_LISTING_BYTES)?;
        protocol::decode_listing(&bytes).ok_or_else(|| self.garbled("a listing names what no vault has"))
    }

    fn size(&self, directory: Directory) -> Result<u64, vault::Error> {
        let bytes = self.fetch(&Request::Size(directory), 8)?;
        let number = bytes.try_into().map_err(|_| self.garbled("a size is no number"))?;
        Ok(u64::from_le_bytes(number))
    }

    fn leftovers(&self, newest: &SignedMapping) -> Result<Leftovers, vault::Error> {
        let request = Request::Leftovers { mapping: Digest::of(&[newest.text().as_bytes()]) };
        let bytes = self.fetch(&request, LARGEST_LISTING_BYTES)?;
        protocol::decode_leftovers(&bytes).ok_or_else(|| self.garbled("a listing names what no vault has"))
    }

    fn digests(&self, objects: &[Object]) -> Result<Vec<Option<Digest>>, vault::Error> {
        let mut digests = Vec::with_capacity(objects.len());
        for some in objects.chunks(1024) {
            let bytes = self.fetch(&Request::Digests(some.to_vec()), (some.len() * 32) as u64)?;
            let decoded = protocol::decode_digests(&bytes, some.len());
            digests.extend(decoded.ok_or_else(|| self.garbled("digests are too many or too few"))?);
        }
        Ok(digests)
    }

    fn writer(&self, if_locked: IfLocked, abandoned: Abandoned) -> Result<Box<dyn Writer>, vault::Error> {
        let request = Request::Begin(abandoned);
        loop {
            match self.begin(&request) {
                Err(vault::Error::Locked) if if_locked == IfLocked::Wait => thread::sleep(LOCK_POLL),
                outcome => return outcome,
            }
        }
    }

    fn found(&self, public_context: &[u8], abandoned: Abandoned) -> Result<Box<dyn Writer>, vault::Error> {
        self.begin(&Request::Found { public_context: public_context.to_vec(), abandoned })
    }

    fn traffic(&self) -> Option<Traffic> {
        Some(self.counters.traffic())
    }
}

impl Scanner for Client {
    fn scan(
        &self,
        context: &Digest,
        segments: &[SegmentEntry],
        query: &EncryptedQuery,
    ) -> Result<Vec<u8>, vault::Error> {
        let blocks: usize = segments.iter().map(SegmentEntry::blocks).sum();
        let expected = (blocks * ANSWER_BYTES) as u64;
        let segments = segments
            .iter()
            .map(|segment| ScannedSegment { id: segment.id, images: segment.images as u32, blocks: segment.ckks })
            .collect();
        let request = Request::Scan { context: *context, segments, query: query.as_bytes().to_vec() };
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
    use super::super::frame;
    use super::*;

    /// What a host says: a greeting, and frames under valid checksums, legal ones and others; now and then a byte is damaged
    /// or the end is missing.
    fn said(next: &mut impl FnMut(usize) -> usize) -> Vec<u8> {
        let mut said = frame::greeting().to_vec();
        for _ in 0..next(5) {
            let noise: Vec<u8> = (0..next(40)).map(|_| next(256) as u8).collect();
            let (kind, payload) = match next(8) {
                0 | 1 => Reply::Bytes(noise).encode(),
                2 => Reply::Progress(next(9) as u64).encode(),
                3 => Reply::Done.encode(),
                4 => Reply::Unchanged.encode(),
                5 => Reply::Refused { reason: Reason::Missing, detail: "header".to_owned() }.encode(),
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
    fn of_a_hundred_thousand_hostile_answers_each_is_one_of_due_length_or_an_error() {
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
            patience: PATIENCE,
            cache_directory: PathBuf::new(),
            cache: OnceLock::new(),
            line: Mutex::default(),
            counters: Arc::default(),
        };
        let requests = [
            Request::Read { object: Object::Mapping, limit: LIMIT, known: Some(Digest::of(&[b"known"])) },
            Request::List(Directory::Images),
            Request::Digests(vec![Object::Header; 2]),
            Request::Scan { context: Digest::of(&[b"context"]), segments: Vec::new(), query: vec![1; 9] },
        ];
        let (mut whole, mut unchanged, mut errors) = (0, 0, 0);
        for _ in 0..100_000 {
            let line = Line::unconnected();
            let request = &requests[next(requests.len())];
            let exchange = line.ask(request).unwrap();
            line.hear(&said(&mut next));
            assert!(line.is_lost());
            match client.collect(exchange, LIMIT).map_err(|trouble| client.explained(trouble, request)) {
                Ok(Some(bytes)) => {
                    assert!(bytes.len() as u64 <= LIMIT);
                    let listing = protocol::decode_listing(&bytes);
                    assert!(listing.is_none_or(|listing| protocol::encode_listing(&listing) == bytes));
                    let digests = protocol::decode_digests(&bytes, 2);
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
