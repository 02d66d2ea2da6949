//! One request over a connection, and its replies.
//!
//! Must never: leave the host working on an answer that nobody will read.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};

use std::time::{Duration, Instant};

use super::connection::Connection;
use crate::remote::error::Error;
use crate::remote::protocol::{CONTENT, Reply, Request};

/// A request and its replies. Dropping it before the last reply cancels the request.
pub(super) struct Call {
    connection: Arc<Connection>,
    id: u32,
    replies: Receiver<Reply>,
    is_over: bool,
}

impl Call {
    /// Sends a request.
    pub(super) fn start(connection: &Arc<Connection>, request: &Request) -> Result<Self, Error> {
        let (id, replies) = connection.open_call()?;
        let call = Self { connection: Arc::clone(connection), id, replies, is_over: false };
        call.send(request)?;
        Ok(call)
    }

    /// Sends a message that belongs to this request.
    pub(super) fn send(&self, message: &Request) -> Result<(), Error> {
        let (kind, payload) = message.encode();
        self.connection.send(self.id, kind, &[&payload])
    }

    /// Sends the next bytes of a file without copying them into a message.
    pub(super) fn send_content(&self, chunk: &[u8]) -> Result<(), Error> {
        self.connection.send(self.id, CONTENT, &[chunk])
    }

    /// The next reply. The host answers requests in order, so as long as it sends anything, also for an earlier request,
    /// it is at work.
    pub(super) fn next(&mut self) -> Result<Reply, Error> {
        let (timeout, since) = (self.connection.timeout(), Instant::now());
        let mut patience = timeout;
        loop {
            match self.replies.recv_timeout(patience) {
                Ok(reply) => {
                    self.is_over = !matches!(reply, Reply::Bytes(_) | Reply::Progress(_));
                    return Ok(reply);
                }
                Err(RecvTimeoutError::Timeout) => {
                    let heard = self.connection.last_heard().max(since);
                    patience = rest(timeout, heard, Instant::now()).ok_or_else(|| self.connection.time_out())?;
                }
                Err(RecvTimeoutError::Disconnected) => {
                    self.is_over = true;
                    return Err(self.connection.loss());
                }
            }
        }
    }

    /// A reply that has already arrived, if any.
    pub(super) fn poll(&mut self) -> Option<Reply> {
        self.replies.try_recv().ok()
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.connection.close_call(self.id);
        if !self.is_over {
            // A lost connection needs no cancelling.
            let _ = self.send(&Request::Cancel);
        }
    }
}

/// How much longer to wait for a host that was heard last at `heard`; `None` if it has been silent for `timeout`.
fn rest(timeout: Duration, heard: Instant, now: Instant) -> Option<Duration> {
    let rest = timeout.checked_sub(now.saturating_duration_since(heard))?;
    (!rest.is_zero()).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_given_up_only_after_so_long_without_any_data() {
        let (timeout, start) = (Duration::from_secs(60), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(rest(timeout, at(0), at(59)), Some(Duration::from_secs(1)));
        assert_eq!(rest(timeout, at(0), at(60)), None);
        assert_eq!(rest(timeout, at(0), at(1000)), None);
        // It has sent something for an earlier request meanwhile.
        assert_eq!(rest(timeout, at(55), at(60)), Some(Duration::from_secs(55)));
        assert_eq!(rest(timeout, at(61), at(60)), Some(timeout));
    }
}
