//! One request over a connection, and its replies.
//!
//! Must never: leave the host working on an answer that nobody will read.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};

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

    /// The next reply.
    pub(super) fn next(&mut self) -> Result<Reply, Error> {
        match self.replies.recv_timeout(self.connection.timeout()) {
            Ok(reply) => {
                self.is_over = !matches!(reply, Reply::Bytes(_) | Reply::Progress(_));
                Ok(reply)
            }
            Err(RecvTimeoutError::Timeout) => Err(self.connection.time_out()),
            Err(RecvTimeoutError::Disconnected) => {
                self.is_over = true;
                Err(self.connection.loss())
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
