//! A pseudo-terminal running the real binary. The test plays the terminal: it answers queries, types, and reads the
//! screen.

use std::collections::HashSet;
use std::io::{Read, Write};
use std::num::NonZero;
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, ExitStatus, MasterPty, PtySize, SlavePty, native_pty_system};
use tempfile::TempDir;

/// The kind of terminal that the test plays.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    /// DEC Sixel, cells of 10 x 20 pixels.
    Sixel,
    /// The kitty graphics protocol.
    Kitty,
    /// Answers nothing.
    Silent,
}

/// The last query of the program, which every answering terminal answers.
const LAST_QUESTION: &[u8] = b"\x1b[5n";
/// The end of a frame (synchronised updates).
const END_OF_FRAME: &[u8] = b"\x1b[?2026l";
const CLEAR: &[u8] = b"\x1b[2J";
/// The time limit of each step, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct PseudoTerminal {
    kind: Kind,
    /// `None` after [`Self::hang_up`].
    master: Option<Box<dyn MasterPty + Send>>,
    /// Held open, so that the terminal's modes can be read after the program has ended.
    _slave: Box<dyn SlavePty + Send>,
    child: Box<dyn Child + Send + Sync>,
    input: Box<dyn Write + Send>,
    output: Receiver<Vec<u8>>,
    parser: vt100::Parser,
    /// Every byte the program has written.
    pub written: Vec<u8>,
    /// The position up to which the output was searched for queries.
    searched: usize,
    /// Home and temporary folders, which must outlive the program.
    _home: TempDir,
}

/// How the program is started.
pub(crate) struct Start<'a> {
    pub kind: Kind,
    pub columns: u16,
    pub rows: u16,
    pub arguments: &'a [&'a str],
    pub environment: &'a [(&'a str, &'a str)],
}

impl PseudoTerminal {
    pub(crate) fn start(start: &Start<'_>) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), start)
    }

    pub(crate) fn start_in(home: TempDir, start: &Start<'_>) -> Self {
        Self::start_program(Path::new(env!("CARGO_BIN_EXE_cipherlens")), home, start)
    }

    /// The modes of an untouched terminal.
    pub(crate) fn untouched_modes() -> String {
        let pair = native_pty_system().openpty(PtySize { rows: 24, cols: 80, ..PtySize::default() }).unwrap();
        modes(&pair.master.tty_name().unwrap())
    }

    pub(crate) fn start_program(program: &Path, home: TempDir, start: &Start<'_>) -> Self {
        let size = PtySize { rows: start.rows, cols: start.columns, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new(program);
        command.args(start.arguments);
        command.env_clear();
        command.env("TERM", "xterm-256color");
        command.env("HOME", home.path());
        command.env("TMPDIR", home.path());
        for (name, value) in start.environment {
            command.env(name, value);
        }
        command.cwd(home.path());
        let child = pair.slave.spawn_command(command).unwrap();
        let mut reader = pair.master.try_clone_reader().unwrap();
        let (sender, output) = channel();
        std::thread::spawn(move || {
            let mut buffer = vec![0; 1 << 16];
            while let Ok(count) = reader.read(&mut buffer) {
                if count == 0 || sender.send(buffer[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self {
            kind: start.kind,
            input: pair.master.take_writer().unwrap(),
            master: Some(pair.master),
            _slave: pair.slave,
            child,
            output,
            parser: vt100::Parser::new(cells(start.rows), cells(start.columns), 0),
            written: Vec::new(),
            searched: 0,
            _home: home,
        }
    }

    /// Types bytes as a keyboard would.
    pub(crate) fn keys(&mut self, bytes: &str) {
        self.input.write_all(bytes.as_bytes()).unwrap();
        self.input.flush().unwrap();
    }

    /// Reads the output until `done`, answering queries.
    pub(crate) fn until(&mut self, what: &str, done: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            // A picture arrives in hundreds of pieces: read all that is there before looking at the screen.
            while let Ok(bytes) = self.output.try_recv() {
                self.take(&bytes);
            }
            if done(self) {
                return;
            }
            match self.output.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(bytes) => self.take(&bytes),
                Err(RecvTimeoutError::Timeout) => panic!("no {what} within {PATIENCE:?}:\n{}", self.screen()),
                Err(RecvTimeoutError::Disconnected) => {
                    assert!(done(self), "the program ended before {what}:\n{}", self.screen());
                }
            }
        }
    }

    /// Reads the output until the screen contains `text`.
    pub(crate) fn until_screen(&mut self, text: &str) {
        self.until(text, |terminal| terminal.screen().contains(text));
    }

    /// Reads the output until the program has been quiet for `pause`.
    pub(crate) fn settle(&mut self, pause: Duration) {
        while let Ok(bytes) = self.output.recv_timeout(pause) {
            self.take(&bytes);
        }
    }

    /// Reads the output for this long.
    pub(crate) fn read_for(&mut self, time: Duration) {
        let end = Instant::now() + time;
        while let Ok(bytes) = self.output.recv_timeout(end.saturating_duration_since(Instant::now())) {
            self.take(&bytes);
        }
    }

    /// These rows of the screen, with their colours.
    pub(crate) fn formatted_rows(&self, rows: std::ops::Range<usize>) -> Vec<String> {
        let screen = self.parser.screen();
        screen.rows_formatted(0, screen.size().1.get()).skip(rows.start).take(rows.len()).collect()
    }

    fn take(&mut self, bytes: &[u8]) {
        self.written.extend_from_slice(bytes);
        self.parser.process(bytes);
        while let Some(question) = self.find(self.searched, LAST_QUESTION) {
            self.searched = question + LAST_QUESTION.len();
            match self.kind {
                Kind::Silent => {}
                Kind::Sixel => self.keys("\x1b[?62;4;22c\x1b[6;20;10t\x1b]11;rgb:0000/0000/0000\x07\x1b[0n"),
                Kind::Kitty => self.keys("\x1b_Gi=31;OK\x1b\\\x1b[?62;22c\x1b[6;20;10t\x1b[0n"),
            }
        }
        // A query may arrive in two pieces.
        self.searched = self.searched.max(self.written.len().saturating_sub(LAST_QUESTION.len() - 1));
    }

    /// The text on the screen, without pictures.
    pub(crate) fn screen(&self) -> String {
        self.parser.screen().contents()
    }

    pub(crate) fn is_alternate_screen(&self) -> bool {
        self.parser.screen().alternate_screen()
    }

    /// The first position of these bytes in the output, at or after `from`.
    fn find(&self, from: usize, bytes: &[u8]) -> Option<usize> {
        self.written[from..].windows(bytes.len()).position(|window| window == bytes).map(|at| from + at)
    }

    /// Whether the program has written these bytes since `from`.
    pub(crate) fn has_written(&self, from: usize, bytes: &[u8]) -> bool {
        self.find(from, bytes).is_some()
    }

    /// Whether a frame that holds `mark` is complete since `from`.
    pub(crate) fn has_drawn(&self, from: usize, mark: &[u8]) -> bool {
        self.find(from, mark).is_some_and(|at| self.has_written(at, END_OF_FRAME))
    }

    /// How many pictures a kitty terminal would still hold: those sent minus those deleted.
    pub(crate) fn kept_pictures(&self) -> usize {
        let text = String::from_utf8_lossy(&self.written);
        let numbers = |mark: &str| -> Vec<String> {
            let number = |rest: &str| rest.chars().take_while(char::is_ascii_digit).collect();
            text.split(mark).skip(1).map(number).collect()
        };
        let mut kept: HashSet<String> = numbers("\x1b_Gq=2,i=").into_iter().collect();
        for deleted in numbers("\x1b_Ga=d,d=I,i=") {
            kept.remove(&deleted);
        }
        kept.len()
    }

    /// Waits until keys can be typed: during the probe they would be mistaken for answers. The screen is cleared at the
    /// start and again after the probe.
    pub(crate) fn until_answered(&mut self) {
        self.until("the terminal's answers", |terminal| {
            terminal.find(0, CLEAR).is_some_and(|first| terminal.has_drawn(first + 1, CLEAR))
        });
    }

    /// The process id of the program.
    pub(crate) fn process(&self) -> u32 {
        self.child.process_id().unwrap()
    }

    /// Sends the program a signal with the shell's builtin `kill`: the external one may be missing.
    pub(crate) fn signal(&self, name: &str) {
        let command = format!("kill -s {name} {}", self.process());
        assert!(std::process::Command::new("sh").args(["-c", &command]).status().unwrap().success());
    }

    /// Whether the program is stopped, as by Ctrl-Z. Where there is no `/proc`, it is taken to be.
    pub(crate) fn is_stopped(&self) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.process()));
        stat.map_or(true, |stat| stat.rsplit(") ").next().is_some_and(|state| state.starts_with('T')))
    }

    /// The terminal's modes, as `stty` names them.
    pub(crate) fn modes(&self) -> String {
        modes(&self.master.as_ref().unwrap().tty_name().unwrap())
    }

    /// Hangs up, as a closed window or a lost connection does, and waits for the program to end. The program must write
    /// now and then: only then does the reading thread release the terminal.
    pub(crate) fn hang_up(&mut self) -> ExitStatus {
        self.output = channel().1;
        self.input = Box::new(std::io::sink());
        self.master = None;
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < deadline, "the program does not end");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits for the program to end, reading its output.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            self.settle(Duration::from_millis(50));
            if let Some(status) = self.child.try_wait().unwrap() {
                self.settle(Duration::from_millis(50));
                return status;
            }
            assert!(Instant::now() < deadline, "the program does not end:\n{}", self.screen());
        }
    }
}

impl Drop for PseudoTerminal {
    fn drop(&mut self) {
        // Already ended, unless the test failed.
        let _ = self.child.kill();
    }
}

/// The modes of a terminal, without its size and speed.
fn modes(path: &Path) -> String {
    let output = std::process::Command::new("stty").arg("-F").arg(path).arg("-a").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("icanon"), "{text}");
    text.lines().filter(|line| !line.contains("speed")).collect::<Vec<_>>().join("\n")
}

fn cells(count: u16) -> NonZero<u16> {
    NonZero::new(count).unwrap()
}
