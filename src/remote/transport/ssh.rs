//! A vault on a host reached by the system's `ssh`, which starts `cipherlens serve --stdio` there.
//!
//! Must never: forward the agent or the display, or pass the host's shell a path that is not one quoted word.

use std::process::Command;

use crate::remote::address::Prompts;

pub(super) fn connector(destination: &str, port: Option<u16>, path: &str, prompts: Prompts) -> Command {
    let mut command = Command::new("ssh");
    // A host that only stores files must not be able to log in elsewhere as the user, so it gets neither the agent nor
    // the display (-a -x), whatever the user's configuration says.
    command.args(["-T", "-a", "-x", "-o", "ServerAliveInterval=15"]);
    if prompts == Prompts::Refused {
        command.args(["-o", "BatchMode=yes"]);
    }
    if let Some(port) = port {
        command.args(["-p", &port.to_string()]);
    }
    // The host's shell receives everything after the destination as one line.
    command.args(["--", destination, &format!("cipherlens serve --stdio {}", quoted(path))]);
    command
}

/// `path` as one word of a POSIX shell, always quoted: unquoted, some shells expand even plain-looking words (`=ls`).
fn quoted(path: &str) -> String {
    // A relative path could look like an option.
    let path = if path.starts_with('-') { format!("./{path}") } else { path.to_owned() };
    format!("'{}'", path.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(command: &Command) -> Vec<&str> {
        command.get_args().map(|word| word.to_str().unwrap()).collect()
    }

    #[test]
    fn a_path_is_one_word_in_the_hosts_shell() {
        let command = connector("nas", Some(7), "-it's; id", Prompts::Refused);
        let words = words(&command);
        assert_eq!(words[words.len() - 2], "nas");
        assert_eq!(words[words.len() - 1], r"cipherlens serve --stdio './-it'\''s; id'");
        assert!(words.contains(&"BatchMode=yes"));
    }

    #[test]
    fn a_host_gets_neither_agent_nor_display() {
        for prompts in [Prompts::Allowed, Prompts::Refused] {
            let command = connector("nas", None, "/v", prompts);
            let words = words(&command);
            let options = words.split(|word| *word == "--").next().unwrap();
            assert!(options.contains(&"-a") && options.contains(&"-x"), "{words:?}");
        }
    }
}
