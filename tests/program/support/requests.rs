//! Valid requests of every kind, encoded from the description of the protocol and not with the program's own code, and
//! a connection to a host in this process that stays open until every request on it is answered.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use cipherlens::ckks::{EncryptedQuery, QuerySecret};
use cipherlens::remote::serve;
use cipherlens::vault::{self, Snapshot, Vault};

use crate::support::vault_fixture::vector;

/// Kind and payload.
pub(crate) type Request = (u8, Vec<u8>);

/// Kinds that a host answers with a final reply; the others belong to a writer.
const QUESTIONS: [u8; 7] = [1, 2, 3, 4, 5, 6, 23];
/// A kind of earlier versions of the protocol.
const GONE: u8 = 13;

/// Longer than any answer takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

const GREETING_BYTES: usize = 10;
/// Bytes of a frame before and after its payload.
const HEAD_BYTES: usize = 9;
const CHECKSUM_BYTES: usize = 8;

/// Every kind of the protocol.
pub(crate) fn kinds() -> impl Iterator<Item = u8> {
    (1..=24).filter(|kind| *kind != GONE)
}

/// The greeting of either end.
pub(crate) fn greeting() -> Vec<u8> {
    [b"CLENSRPC".as_slice(), &cipherlens::remote::VERSION.to_le_bytes()].concat()
}

pub(crate) fn frame(request: u32, kind: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = (payload.len() as u32).to_le_bytes().to_vec();
    frame.extend(request.to_le_bytes());
    frame.push(kind);
    frame.extend(payload);
    let checksum = blake3::hash(&frame);
    frame.extend(&checksum.as_bytes()[..CHECKSUM_BYTES]);
    frame
}

/// The complete frames at the beginning of `line`: request, kind, payload.
pub(crate) fn frames(mut line: &[u8]) -> Vec<(u32, u8, &[u8])> {
    let mut found = Vec::new();
    while let Some((head, rest)) = line.split_first_chunk::<HEAD_BYTES>() {
        let [l0, l1, l2, l3, r0, r1, r2, r3, kind] = *head;
        let length = u32::from_le_bytes([l0, l1, l2, l3]) as usize;
        if rest.len() < length.saturating_add(CHECKSUM_BYTES) {
            break;
        }
        found.push((u32::from_le_bytes([r0, r1, r2, r3]), kind, &rest[..length]));
        line = &rest[length + CHECKSUM_BYTES..];
    }
    found
}

pub(crate) fn path(text: &str) -> Vec<u8> {
    [&[text.len() as u8], text.as_bytes()].concat()
}

/// A query for the photo of a number.
pub(crate) fn query(vault: &Vault, number: u32) -> (EncryptedQuery, QuerySecret) {
    let holder = vault.key_holder().unwrap();
    holder.encrypt(holder.prepare().unwrap(), &vector(number)).unwrap()
}

/// A search over all blocks of a vault.
pub(crate) fn scan(snapshot: &Snapshot, query: &EncryptedQuery) -> Request {
    let mapping = snapshot.mapping();
    let mut payload = mapping.space().unwrap().context_bytes().to_vec();
    payload.extend((mapping.segments.len() as u32).to_le_bytes());
    for segment in &mapping.segments {
        payload.extend(segment.features[0].as_ref().unwrap().ckks.name().0);
        payload.extend((segment.blocks() as u32).to_le_bytes());
    }
    payload.extend(query.as_bytes());
    (2, payload)
}

/// Every read request except a search, for a vault with these files.
pub(crate) fn questions(files: &BTreeMap<PathBuf, Vec<u8>>) -> Vec<Request> {
    let digest = |name: &str| blake3::hash(&files[Path::new(name)]).as_bytes().to_vec();
    let read = |name: &str, known: &[u8]| {
        let limit = files[Path::new(name)].len() as u64;
        (1, [&path(name)[..], &limit.to_le_bytes(), known].concat())
    };
    let mut all = vec![read("header", &[]), read("mapping.json", &digest("mapping.json"))];
    all.extend((0..4).flat_map(|directory| [(3, vec![directory]), (4, vec![directory])]));
    let part = [&path("header")[..], &10u64.to_le_bytes(), &60u64.to_le_bytes()].concat();
    all.push((23, part));
    all.push((5, digest("mapping.json")));
    all.push((6, files.keys().flat_map(|name| path(name.to_str().unwrap())).collect()));
    all
}

/// The messages of a writer that creates a vault with these files, all with one request id.
pub(crate) fn making(files: &BTreeMap<PathBuf, Vec<u8>>) -> Vec<Request> {
    let stage = |name: &str| {
        let content = &files[Path::new(name)];
        let begin = (9, [path(name), (content.len() as u64).to_le_bytes().to_vec()].concat());
        [begin].into_iter().chain(content.chunks(1 << 20).map(|part| (10, part.to_vec()))).collect::<Vec<_>>()
    };
    let names: Vec<&str> = files.keys().map(|name| name.to_str().unwrap()).collect();
    let once = names.into_iter().filter(|name| !["header", "mapping.json"].contains(name));
    let once: Vec<&str> = once.collect();
    // Staged, and discarded or aborted.
    let strays = ["0f", "1f"].map(|end| path(&format!("encrypted_images/000102030405060708090a0b0c0d0e{end}.jpg.aes")));
    let mapping: serde_json::Value = serde_json::from_slice(&files[Path::new("mapping.json")]).unwrap();
    let vault: vault::Id = mapping["vault"].as_str().unwrap().parse().unwrap();
    let mut all = vec![(8, [&[0], &vault.0[..]].concat())];
    all.push((16, once.iter().flat_map(|name| path(name)).collect()));
    all.extend(once.iter().flat_map(|name| stage(name)));
    let [whole, partial] = strays;
    all.extend([(9, [&partial[..], &60u64.to_le_bytes()].concat()), (10, vec![1; 10]), (21, Vec::new())]);
    let parts = once.iter().filter(|name| name.starts_with("encrypted_images")).flat_map(|name| path(name));
    all.extend([(22, whole.iter().copied().chain(parts).collect()), (24, whole.clone()), (11, whole)]);
    all.push((18, Vec::new()));
    all.extend(stage("header"));
    all.extend(stage("mapping.json"));
    all.extend([12, 20, 17, 19, 14].map(|kind| (kind, Vec::new())));
    all
}

/// The host's answers to `line`, which ends once every read request on it is answered or the host hangs up.
pub(crate) fn answered(root: &Path, line: &[u8]) -> (io::Result<()>, Vec<u8>) {
    let asked = line.get(GREETING_BYTES..).unwrap_or_default();
    let asked = frames(asked).into_iter().filter(|(_, kind, _)| QUESTIONS.contains(kind));
    let questions = asked.map(|(id, ..)| id).collect();
    let answers = Answers::default();
    let patient = Patient { line, questions, answers: answers.clone() };
    let outcome = serve(root, patient, answers.clone());
    let said = std::mem::take(&mut *answers.0.said.lock().unwrap());
    (outcome, said)
}

/// The host's output so far.
#[derive(Clone, Default)]
struct Answers(Arc<Said>);

#[derive(Default)]
struct Said {
    said: Mutex<Vec<u8>>,
    more: Condvar,
}

impl Write for Answers {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.said.lock().unwrap().extend(bytes);
        self.0.more.notify_all();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A connection that ends once all read requests are answered: the host does not answer requests after its end.
struct Patient<'a> {
    line: &'a [u8],
    /// The ids of its read requests.
    questions: Vec<u32>,
    answers: Answers,
}

impl Read for Patient<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.line.is_empty() {
            let said = self.answers.0.said.lock().unwrap();
            let unanswered = |said: &mut Vec<u8>| {
                let said = frames(&said[GREETING_BYTES.min(said.len())..]);
                let is_last = |id: &u32, kind: &u8| self.questions.contains(id) && (66..=68).contains(kind);
                said.iter().filter(|(id, kind, _)| is_last(id, kind)).count() < self.questions.len()
            };
            let waited = self.answers.0.more.wait_timeout_while(said, PATIENCE, unanswered).unwrap().1;
            assert!(!waited.timed_out(), "a question was not answered");
        }
        self.line.read(into)
    }
}
