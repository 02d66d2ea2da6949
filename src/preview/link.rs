//! Whether the terminal is on this machine or at the other end of a network connection.

/// The connection between the program and its terminal.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Link {
    /// The terminal is on this machine.
    Local,
    /// The terminal is at the other end of a network connection, where every byte costs time.
    Remote,
}

impl Link {
    /// `sshd` sets `SSH_CONNECTION` for remote sessions.
    #[must_use]
    pub fn of_environment() -> Self {
        if std::env::var_os("SSH_CONNECTION").is_some() { Self::Remote } else { Self::Local }
    }
}
