//! Frames that no program would send, to both ends: errors, never a panic, a hang or a change to the vault.

use std::time::Duration;

use cipherlens::remote::{Client, serve};

use crate::host::Host;
use crate::vault_fixture::{files, fill};

/// Xorshift64 (Marsaglia 2003): the same executions each time.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }
}

pub(crate) fn frame(request: u32, kind: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = (payload.len() as u32).to_le_bytes().to_vec();
    frame.extend(request.to_le_bytes());
    frame.push(kind);
    frame.extend(payload);
    let checksum = blake3::hash(&frame);
    frame.extend(&checksum.as_bytes()[..8]);
    frame
}

pub(crate) fn path(text: &str) -> Vec<u8> {
    [&[text.len() as u8], text.as_bytes()].concat()
}

/// A conversation of a few frames: legal ones, ones with damaged payloads and right checksums, and noise.
fn conversation(random: &mut Random, names: &[String]) -> Vec<u8> {
    let mut line = [b"CLENSRPC".as_slice(), &cipherlens::remote::VERSION.to_le_bytes()].concat();
    for _ in 0..=random.below(4) {
        let name = &names[random.below(names.len())];
        let number = (random.below(3000) as u64).to_le_bytes();
        let mut payload = match random.below(6) {
            0 => [path(name), number.to_vec()].concat(),
            1 => path(name),
            2 => vec![random.below(4) as u8],
            3 => (0..random.below(200)).map(|_| random.below(256) as u8).collect(),
            4 => [&[random.below(2) as u8][..], &[7; 40]].concat(),
            _ => Vec::new(),
        };
        if random.below(3) == 0 && !payload.is_empty() {
            let at = random.below(payload.len());
            payload[at] ^= 1 << random.below(8);
        }
        // Nothing that writes for good: whoever may write may also remove.
        let kinds = [1, 2, 3, 4, 5, 6, 7, 9, 10, 12, 13, 14, 15, 16, 17, 200];
        line.extend(frame(random.below(3) as u32, kinds[random.below(kinds.len())], &payload));
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

#[test]
fn a_hundred_thousand_hostile_conversations_leave_the_host_as_it_is() {
    let host = Host::with_vault();
    fill(&host.open(), 0..1);
    let before = files(&host.root());
    let mut names: Vec<String> = before.keys().map(|path| path.to_str().unwrap().to_owned()).collect();
    names.extend(["../secret", "/etc/passwd", "encrypted_images/../header", ""].map(String::from));
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    let mut answered = 0;
    for _ in 0..100_000 {
        let line = conversation(&mut random, &names);
        let mut output = Vec::new();
        // What matters is that it ends, and without a panic.
        let _ = serve(&host.root(), line.as_slice(), &mut output);
        answered += usize::from(output.len() > 10);
    }
    assert!(answered > 10_000, "only {answered} were answered");
    assert_eq!(files(&host.root()), before);
}

#[test]
fn hostile_answers_are_errors_at_home() {
    let host = Host::with_vault();
    fill(&host.open(), 0..1);
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let script = host.path("answers");
    for _ in 0..300 {
        let mut line = [b"CLENSRPC".as_slice(), &cipherlens::remote::VERSION.to_le_bytes()].concat();
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
        let asked = host.connect_within(&command, Duration::from_secs(20)).map(|client: Client| client.require_vault());
        // A header may well be made up; a vault is not.
        if let Ok(Ok(())) = asked {
            assert!(host.try_open(&command).is_err());
        }
    }
}
