//! Malformed frames for both ends: errors, never a panic, a hang or a change to the vault.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use cipherlens::ckks::ANSWER_BYTES;
use cipherlens::vault::Vault;

use crate::remote::host::Host;
use crate::support::requests::{
    Request, answered, frame, frames, greeting, kinds, making, path, query, questions, scan,
};
use crate::support::vault_fixture::{files, fill};

/// Xorshift64 (Marsaglia 2003). Hand-written, because the generators of rand promise no stable sequence.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }
}

/// The building blocks of conversations.
struct Material {
    names: Vec<String>,
    /// Complete valid requests of the kinds that change nothing permanently.
    requests: Vec<Request>,
    /// A complete valid search. It is large and therefore used less often.
    scan: Request,
}

impl Material {
    fn of(vault: &Vault, files: &BTreeMap<PathBuf, Vec<u8>>) -> Self {
        let mut names: Vec<String> = files.keys().map(|path| path.to_str().unwrap().to_owned()).collect();
        names.extend(["../secret", "/etc/passwd", "encrypted_images/../header", ""].map(String::from));
        let mut requests = questions(files);
        // A photo that is staged and discarded. No mapping and no header: a writer may legally replace those.
        let photo = path("encrypted_images/000102030405060708090a0b0c0d0e0f.jpg.aes");
        requests.extend([(7, vec![0]), (16, photo.clone()), (9, [&photo[..], &60u64.to_le_bytes()].concat())]);
        requests.extend([(10, vec![1; 60]), (14, Vec::new()), (15, Vec::new())]);
        let scan = scan(&vault.snapshot().unwrap(), &query(vault, 0).0);
        Self { names, requests, scan }
    }

    /// A conversation of a few frames: valid ones, ones with damaged payloads and valid checksums, and noise.
    fn conversation(&self, random: &mut Random) -> Vec<u8> {
        let mut line = greeting();
        for _ in 0..=random.below(4) {
            let name = &self.names[random.below(self.names.len())];
            let number = (random.below(3000) as u64).to_le_bytes();
            // No requests that change anything permanently: a writer may legally remove files.
            let kinds = [1, 2, 3, 4, 5, 6, 7, 9, 10, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 200];
            let mut kind = kinds[random.below(kinds.len())];
            let mut payload = match random.below(8) {
                0 => [path(name), number.to_vec()].concat(),
                1 => path(name),
                2 => vec![random.below(4) as u8],
                3 => (0..random.below(200)).map(|_| random.below(256) as u8).collect(),
                4 => [&[random.below(2) as u8][..], &[7; 40]].concat(),
                5 => Vec::new(),
                _ => {
                    let valid = match random.below(50) {
                        0 => &self.scan,
                        _ => &self.requests[random.below(self.requests.len())],
                    };
                    kind = valid.0;
                    valid.1.clone()
                }
            };
            if random.below(3) == 0 && !payload.is_empty() {
                let at = random.below(payload.len());
                payload[at] ^= 1 << random.below(8);
            }
            line.extend(frame(random.below(3) as u32, kind, &payload));
        }
        if random.below(4) == 0 {
            let at = random.below(line.len());
            line[at] = random.below(256) as u8;
        }
        if random.below(8) == 0 {
            line.truncate(random.below(line.len() + 1));
        }
        line
    }
}

#[test]
fn a_valid_request_of_every_kind_is_answered() {
    let host = Host::with_vault();
    let vault = host.open();
    fill(&vault, 0..3);
    let snapshot = vault.snapshot().unwrap();
    let files = files(&host.root());
    let (query, secret) = query(&vault, 1);
    // One writer creates the vault elsewhere, the next one has nothing to do; then every kind of read request is sent
    // there.
    let writing = making(&files).into_iter().map(|request| (1, request));
    let writing = writing.chain([(2, (7, vec![1])), (2, (14, Vec::new())), (2, (15, Vec::new()))]);
    let asking = (3..).zip(questions(&files).into_iter().chain([scan(&snapshot, &query)]));
    let conversation: Vec<(u32, Request)> = writing.chain(asking).collect();
    let sent: BTreeSet<u8> = conversation.iter().map(|(_, (kind, _))| *kind).collect();
    assert_eq!(sent, kinds().collect(), "every kind is sent");
    let line =
        conversation.iter().fold(greeting(), |line, (id, (kind, payload))| [line, frame(*id, *kind, payload)].concat());

    let (outcome, said) = answered(&host.path("made by hand.vault"), &line);
    outcome.unwrap();
    let said = frames(&said[greeting().len()..]);
    for (id, kind, payload) in &said {
        assert_ne!(*kind, 68, "request {id} was refused: {}", String::from_utf8_lossy(payload));
    }
    // Becoming the writer, the adopted file, the lock twice, the commit, the header, what others left, the strays; and
    // becoming a writer again.
    let done = |id: u32| said.iter().filter(|(of, kind, _)| *of == id && [66, 67].contains(kind)).count();
    assert_eq!((done(1), done(2)), (8, 1));
    let last = conversation.last().unwrap().0;
    assert!((3..=last).all(|id| done(id) == 1), "every question is answered once");
    // The search is answered with the scores, and everything that the other vault has was written.
    let answer: Vec<u8> = said
        .iter()
        .filter(|(id, kind, _)| (*id, *kind) == (last, 64))
        .flat_map(|(_, _, bytes)| bytes.to_vec())
        .collect();
    let scores = snapshot.decrypt(secret, &answer).unwrap();
    assert!(scores.len() == 3 && scores[1] > 0.997 && scores[0] < 0.5, "{scores:?}");
    let made = crate::support::vault_fixture::files(&host.path("made by hand.vault"));
    let names = |files: &BTreeMap<PathBuf, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&made), names(&files));
    assert!(made == files, "a file has another content");
}

#[test]
fn a_hundred_thousand_hostile_conversations_leave_the_host_as_it_is() {
    let host = Host::with_vault();
    let vault = host.open();
    fill(&vault, 0..1);
    let before = files(&host.root());
    let material = Material::of(&vault, &before);
    // The control: the valid search that conversations contain and damage is answered.
    let (kind, payload) = &material.scan;
    let (outcome, said) = answered(&host.root(), &[greeting(), frame(1, *kind, payload)].concat());
    outcome.unwrap();
    let said = frames(&said[greeting().len()..]);
    assert!(said.iter().any(|(_, kind, payload)| *kind == 64 && payload.len() == ANSWER_BYTES), "{said:?}");
    assert_eq!(said.last().map(|(_, kind, _)| *kind), Some(66), "{said:?}");

    let mut random = Random(0x2545_f491_4f6c_dd1d);
    let (mut replies, mut searched) = (0, 0);
    for _ in 0..100_000 {
        // It must end, and without a panic.
        let (_, said) = answered(&host.root(), &material.conversation(&mut random));
        replies += usize::from(said.len() > greeting().len());
        searched += usize::from(said.get(greeting().len()..).is_some_and(|said| {
            frames(said).iter().any(|(_, kind, bytes)| *kind == 64 && bytes.len() == ANSWER_BYTES)
        }));
    }
    assert!(replies > 10_000, "only {replies} were answered");
    assert!(searched > 100, "only {searched} searches were answered");
    assert_eq!(files(&host.root()), before);
}

#[test]
fn hostile_answers_are_errors_in_the_client() {
    let host = Host::with_vault();
    fill(&host.open(), 0..1);
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let script = host.path("answers");
    for _ in 0..300 {
        let mut line = greeting();
        for _ in 0..random.below(4) {
            let payload: Vec<u8> = (0..random.below(300)).map(|_| random.below(256) as u8).collect();
            line.extend(frame(random.below(3) as u32, 63 + random.below(7) as u8, &payload));
        }
        if random.below(3) == 0 {
            let at = random.below(line.len());
            line[at] = random.below(256) as u8;
        }
        std::fs::write(&script, &line).unwrap();
        let command = format!("exec cat '{}'", script.display());
        let asked = host.connect_within(&command, Duration::from_secs(20)).map(|backend| backend.require_vault());
        // The header may happen to look valid, but the vault does not open.
        if let Ok(Ok(())) = asked {
            assert!(host.try_open(&command).is_err());
        }
    }
}
