//! The system's ssh connecting to the system's sshd on the loopback interface, with keys and configuration of their
//! own.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::scene::{CHEAPEST, Ran, Scene, not_tested, samples};

/// An sshd that ends with the test.
pub(crate) struct Daemon(Child);

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(crate) fn installed(name: &str) -> Option<PathBuf> {
    let folders = ["/usr/sbin", "/usr/local/sbin", "/usr/bin", "/usr/local/bin"].map(Path::new);
    folders.iter().map(|folder| folder.join(name)).find(|path| path.exists())
}

fn keygen(path: &Path) {
    let made = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(path).status().unwrap();
    assert!(made.success());
}

/// Starts sshd on a free port; users who log in find `cipherlens` in the folder `programs`.
pub(crate) fn start(scene: &Scene, sshd: &Path, programs: &Path) -> (Daemon, u16) {
    let (host_key, user_key) = (scene.path("host_key"), scene.path("user_key"));
    keygen(&host_key);
    keygen(&user_key);
    let authorized = scene.path("authorized_keys");
    fs::copy(scene.path("user_key.pub"), &authorized).unwrap();
    fs::set_permissions(&authorized, fs::Permissions::from_mode(0o600)).unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let config = scene.path("sshd_config");
    let text = format!(
        "Port {port}\nListenAddress 127.0.0.1\nHostKey {}\nAuthorizedKeysFile {}\nPidFile none\nUsePAM no\n\
         PasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin prohibit-password\n\
         X11Forwarding yes\nStrictModes no\nSetEnv PATH={}:/usr/bin:/bin\n",
        host_key.display(),
        authorized.display(),
        programs.display()
    );
    fs::write(&config, text).unwrap();
    // sshd started by root needs this folder, which its service normally creates.
    let _ = fs::create_dir_all("/run/sshd");
    let daemon = Command::new(sshd).args(["-D", "-e", "-f"]).arg(&config).stderr(Stdio::null()).spawn().unwrap();
    let daemon = Daemon(daemon);
    let patience = Instant::now() + Duration::from_secs(30);
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(Instant::now() < patience, "sshd does not answer");
        std::thread::sleep(Duration::from_millis(20));
    }
    (daemon, port)
}

/// The user's agent, which ends with the test, and its socket.
fn agent(scene: &Scene) -> (Daemon, PathBuf) {
    let socket = scene.path("agent");
    let agent = Command::new("ssh-agent").arg("-D").arg("-a").arg(&socket).stdout(Stdio::null()).spawn().unwrap();
    let agent = Daemon(agent);
    let patience = Instant::now() + Duration::from_secs(30);
    while !socket.exists() {
        assert!(Instant::now() < patience, "ssh-agent does not answer");
        std::thread::sleep(Duration::from_millis(20));
    }
    (agent, socket)
}

/// A folder in which `ssh` is the system's, with this test's key and known hosts.
pub(crate) fn client_programs(scene: &Scene) -> PathBuf {
    let folder = scene.path("client programs");
    fs::create_dir(&folder).unwrap();
    let wrapper = folder.join("ssh");
    let config = scene.path("ssh_config");
    // What careless users set for all hosts.
    fs::write(&config, "Host *\n    ForwardAgent yes\n    ForwardX11 yes\n    ForwardX11Trusted yes\n").unwrap();
    let text = format!(
        "#!/bin/sh\nexec {} -F '{}' -i '{}' -o IdentitiesOnly=yes -o StrictHostKeyChecking=accept-new \
         -o UserKnownHostsFile='{}' \"$@\"\n",
        installed("ssh").unwrap().display(),
        config.display(),
        scene.path("user_key").display(),
        scene.path("known_hosts").display()
    );
    fs::write(&wrapper, text).unwrap();
    fs::set_permissions(&wrapper, fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

#[test]
fn a_vault_is_created_filled_and_searched_over_ssh() {
    let Some(sshd) = installed("sshd") else {
        return not_tested("sshd is not installed, so no vault was reached over a real ssh");
    };
    let scene = Scene::new();
    let programs = scene.path("host_programs");
    fs::create_dir(&programs).unwrap();
    let (_daemon, port) = start(&scene, &sshd, &programs);
    let path = format!("{}:/usr/bin:/bin", client_programs(&scene).display());
    let (_agent, socket) = agent(&scene);
    let user = Command::new("id").arg("-un").output().unwrap();
    let user = String::from_utf8(user.stdout).unwrap().trim().to_owned();
    // A path with a quote and a space must survive the host's shell.
    let address = format!("ssh://{user}@127.0.0.1:{port}{}", scene.path("it's a vault").display());
    let run = |arguments: &[&str], files: &[PathBuf]| {
        let mut command = scene.command(["--vault", &address]);
        command.env("SSH_AUTH_SOCK", &socket).env("DISPLAY", ":0");
        Ran(command.env("PATH", &path).args(arguments).args(files).output().unwrap())
    };
    let init = [&["init"], &CHEAPEST[..]].concat();
    run(&init, &[]).exits(1).says("cipherlens is not installed on");
    // Records the agent and display that ssh passes on to the program, if any.
    let (program, seen) = (programs.join("cipherlens"), scene.path("seen by the host"));
    let text = format!(
        "#!/bin/sh\necho \"agent=$SSH_AUTH_SOCK display=$DISPLAY\" >>'{}'\nexec '{}' \"$@\"\n",
        seen.display(),
        env!("CARGO_BIN_EXE_cipherlens")
    );
    fs::write(&program, text).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    run(&init, &[]).success();
    run(&init, &[]).exits(1).says(&format!("{address} already holds something"));
    let mut elsewhere = scene.command(["--vault", &format!("{address}/nowhere"), "list"]);
    let missing = Ran(elsewhere.env("PATH", &path).output().unwrap());
    missing.exits(1).says(&format!("there is no vault at {address}/nowhere"));
    let photos = samples(3);
    assert_eq!(run(&["add", "--json"], &photos).success().json()["added"], 3);
    let found = run(&["search", "--json"], &photos[..1]).success().json();
    assert!(found["query_in_vault"]["score"].as_f64().unwrap() > 0.997);
    assert!(scene.path("it's a vault/header").exists());
    let seen = fs::read_to_string(&seen).unwrap();
    assert!(seen.lines().count() > 3 && seen.lines().all(|line| line == "agent= display="), "{seen}");
    // Opened without an address: the last one was remembered.
    let mut again = scene.command(["list", "--json"]);
    let listed = Ran(again.env("PATH", &path).env_remove("CIPHERLENS_VAULT").output().unwrap()).success().json();
    assert_eq!(listed.as_array().unwrap().len(), 3);
    let unreachable = format!("ssh://{user}@127.0.0.1:1/vault");
    let mut command = scene.command(["--vault", &unreachable, "list"]);
    Ran(command.env("PATH", &path).output().unwrap()).exits(1).says("could not be reached").says("refused");
}
