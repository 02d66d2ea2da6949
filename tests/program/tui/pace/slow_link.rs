//! A vault at a host with a slow link: the system's sshd on loopback, behind a relay that delays every byte.

use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use crate::remote::ssh;
use crate::support::scene::Scene;

/// The delay in each direction.
const ONE_WAY: Duration = Duration::from_millis(25);

/// A host that is up until this is dropped.
pub(super) struct SlowHost {
    scene: Scene,
    port: u16,
    _daemon: ssh::Daemon,
}

impl SlowHost {
    /// `None` where sshd is not installed.
    pub(super) fn start() -> Option<Self> {
        let sshd = ssh::installed("sshd")?;
        let scene = Scene::new();
        let programs = scene.path("host_programs");
        fs::create_dir(&programs).unwrap();
        symlink(env!("CARGO_BIN_EXE_cipherlens"), programs.join("cipherlens")).unwrap();
        let (daemon, port) = ssh::start(&scene, &sshd, &programs);
        Some(Self { scene, port: delayed(port), _daemon: daemon })
    }

    /// The address of a vault of this machine, as seen from the other end of the link.
    pub(super) fn address(&self, vault: &Path) -> String {
        let user = String::from_utf8(Command::new("id").arg("-un").output().unwrap().stdout).unwrap();
        format!("ssh://{}@127.0.0.1:{}{}", user.trim(), self.port, vault.display())
    }

    /// `PATH` with an `ssh` that logs in there.
    pub(super) fn path(&self) -> String {
        format!("{}:/usr/bin:/bin", ssh::client_programs(&self.scene).display())
    }

    /// A folder for the program's cache and state, which outlives one run of it.
    pub(super) fn folder(&self, name: &str) -> String {
        self.scene.path(name).display().to_string()
    }
}

/// A port whose connections are those of `port`, delayed.
fn delayed(port: u16) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let own = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for near in listener.incoming().map_while(Result::ok) {
            let far = TcpStream::connect(("127.0.0.1", port)).unwrap();
            for (from, to) in [(&near, &far), (&far, &near)] {
                pass_on(from.try_clone().unwrap(), to.try_clone().unwrap());
            }
        }
    });
    own
}

/// Passes on what arrives, when its time has come. Bandwidth is not limited.
fn pass_on(mut from: TcpStream, mut to: TcpStream) {
    to.set_nodelay(true).unwrap();
    let (sender, arrived) = channel::<(Instant, Vec<u8>)>();
    std::thread::spawn(move || {
        let mut buffer = vec![0; 1 << 16];
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            if sender.send((Instant::now() + ONE_WAY, buffer[..count].to_vec())).is_err() {
                return;
            }
        }
    });
    std::thread::spawn(move || {
        for (due, bytes) in arrived {
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            if to.write_all(&bytes).is_err() {
                return;
            }
        }
        // The other end may be gone already.
        let _ = to.shutdown(Shutdown::Write);
    });
}
