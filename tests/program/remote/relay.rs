//! A relay between client and host that forwards and counts frames, and manipulates one of them according to its plan.
//! It is this test binary, started with one ignored test: libtest's output is discarded, frames go to descriptor 3.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

const GREETING_BYTES: usize = 10;
const PLAN: &str = "RELAY_PLAN";
const SERVER: &str = "RELAY_SERVER";
const COUNT: &str = "RELAY_COUNT";

/// The command for a connection to `server` that follows `plan`:
/// `pass`; `cut N`, `kill-host N`, `kill-client N` when frame N has arrived, counting both directions; `grow N`,
/// `shrink N`, `flip N`, `overflow N`, `repeat N`, `swallow N` for the Nth frame with bytes from the host; `overflow`
/// makes a residue of the last coefficient in it larger than its prime. `hold N` keeps frame N back until [`go_on`];
/// [`is_held`] says that it has arrived. `pass` stops all frames from [`stand_still`] until [`go_on`]. The number of
/// frames is written to `count`.
pub(crate) fn relayed(server: &str, plan: &str, count: &Path) -> String {
    let this = std::env::current_exe().unwrap();
    format!(
        "{PLAN}='{plan}' {SERVER}=\"{}\" {COUNT}='{}' exec '{}' remote::relay::passes_frames_on --exact --ignored \
         --nocapture --test-threads 1 3>&1 >/dev/null 2>/dev/null",
        server.replace('"', "\\\""),
        count.display(),
        this.display()
    )
}

/// The number of frames on a connection that has ended.
pub(crate) fn counted(count: &Path) -> usize {
    std::fs::metadata(count).unwrap().len() as usize
}

/// Whether a relay with the plan `hold N` is holding its frame.
pub(crate) fn is_held(count: &Path) -> bool {
    count.with_extension("held").exists()
}

/// Stops a relay with the plan `pass`.
pub(crate) fn stand_still(count: &Path) {
    std::fs::write(count.with_extension("standing"), "").unwrap();
}

/// Lets the relay continue.
pub(crate) fn go_on(count: &Path) {
    for state in ["held", "standing"] {
        // A relay is in one of the two states.
        let _ = std::fs::remove_file(count.with_extension(state));
    }
}

/// Waits while this state file exists next to the count.
fn wait_while(state: &str) {
    let file = std::path::PathBuf::from(std::env::var(COUNT).unwrap()).with_extension(state);
    while file.exists() {
        thread::sleep(Duration::from_millis(5));
    }
}

/// The frames at which losing the connection is worth testing: in the middle, where the content of a large file passes
/// in equal frames, only one in eight.
pub(crate) fn worth_losing(frames: usize) -> impl Iterator<Item = usize> {
    (1..=frames).filter(move |at| *at <= 24 || *at + 24 > frames || at % 8 == 0)
}

struct Plan {
    word: String,
    at: usize,
}

#[test]
#[ignore = "a program that the other tests start"]
fn passes_frames_on() {
    let variable = |name| std::env::var(name).unwrap();
    let words = variable(PLAN);
    let (word, at) = words.split_once(' ').unwrap_or((&words, "0"));
    let plan = Arc::new(Plan { word: word.to_owned(), at: at.parse().unwrap() });
    let mut server = Command::new("sh")
        .args(["-c", &variable(SERVER)])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (to_host, from_host) = (server.stdin.take().unwrap(), server.stdout.take().unwrap());
    let server = Arc::new(Mutex::new(server));
    let to_client = OpenOptions::new().write(true).open("/dev/fd/3").unwrap();
    let count = Arc::new(Mutex::new(OpenOptions::new().create(true).append(true).open(variable(COUNT)).unwrap()));
    let frames = Arc::new(AtomicUsize::new(0));
    let up = {
        let (plan, server, count, frames) = (plan.clone(), server.clone(), count.clone(), frames.clone());
        move || pass(std::io::stdin(), to_host, &plan, Way::Up, &frames, &count, &server)
    };
    thread::spawn(up);
    // The connection ends with the host.
    pass(from_host, to_client, &plan, Way::Down, &frames, &count, &server);
    std::process::exit(0);
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum Way {
    Up,
    Down,
}

fn pass(
    mut from: impl Read,
    mut to: impl Write,
    plan: &Plan,
    way: Way,
    frames: &AtomicUsize,
    count: &Mutex<File>,
    server: &Mutex<Child>,
) {
    let mut greeting = [0; GREETING_BYTES];
    if from.read_exact(&mut greeting).is_err() || to.write_all(&greeting).is_err() {
        return;
    }
    let _ = to.flush();
    let mut with_bytes = 0;
    while let Some((head, mut payload)) = read(&mut from) {
        // One byte per frame, so that two threads need not agree on a number.
        count.lock().unwrap().write_all(b".").unwrap();
        let number = frames.fetch_add(1, Ordering::SeqCst) + 1;
        let is_mine = number == plan.at;
        match plan.word.as_str() {
            "cut" if is_mine => std::process::exit(0),
            "hold" if is_mine => {
                let count = std::path::PathBuf::from(std::env::var(COUNT).unwrap());
                std::fs::write(count.with_extension("held"), "").unwrap();
                wait_while("held");
            }
            "pass" => wait_while("standing"),
            "kill-host" if is_mine => {
                server.lock().unwrap().kill().unwrap();
            }
            "kill-client" if is_mine => {
                // The shell's own `kill`: the program of that name may be missing.
                let command = format!("kill -s KILL {}", std::os::unix::process::parent_id());
                Command::new("sh").args(["-c", &command]).status().unwrap();
                std::process::exit(0);
            }
            _ => {}
        }
        let has_bytes = way == Way::Down && head[8] == 64;
        with_bytes += usize::from(has_bytes);
        let mut copies = 1;
        if has_bytes && with_bytes == plan.at {
            match plan.word.as_str() {
                "grow" => payload.extend([0; 5]),
                "shrink" => payload.truncate(payload.len().saturating_sub(5)),
                "flip" => *payload.last_mut().unwrap() ^= 1,
                "overflow" => payload.last_chunk_mut::<5>().unwrap().fill(0xff),
                "repeat" => copies = 2,
                "swallow" => copies = 0,
                _ => {}
            }
        }
        for _ in 0..copies {
            let mut frame = (payload.len() as u32).to_le_bytes().to_vec();
            frame.extend(&head[4..]);
            frame.extend(&payload);
            let checksum = blake3::hash(&frame);
            frame.extend(&checksum.as_bytes()[..8]);
            if to.write_all(&frame).and_then(|()| to.flush()).is_err() {
                return;
            }
        }
    }
}

fn read(from: &mut impl Read) -> Option<([u8; 9], Vec<u8>)> {
    let mut head = [0; 9];
    from.read_exact(&mut head).ok()?;
    let mut payload = vec![0; u32::from_le_bytes([head[0], head[1], head[2], head[3]]) as usize];
    from.read_exact(&mut payload).ok()?;
    let mut checksum = [0; 8];
    from.read_exact(&mut checksum).ok()?;
    Some((head, payload))
}
