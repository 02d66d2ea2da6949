//! The host's side of writing: the writers of a connection, files as they arrive, and the checks that need no key.
//!
//! The lock is the vault's own, so commits of local and remote writers exclude each other. A file is written as its
//! bytes arrive, so that memory does not grow with it.
//!
//! Must never: mention a secret type, commit a mapping that is neither the current one nor a later generation of the
//! same vault, or accept a file larger than readers accept.

use std::collections::HashMap;

use crate::durable::IfLocked;
use crate::remote::protocol::{Reason, Refusal, Reply, Request};
use crate::vault::{
    Backend, Error, Expected, Incoming, LocalBackend, LocalWriter, Object, SignedMapping, Writer, entry_files,
    is_header, largest_bytes,
};

/// Most writers of one connection. A client has one for each of its threads that changes the vault.
const WRITERS: usize = 16;

/// The client's writers, by the request id of all their messages. When the connection ends, their staged files are kept
/// or removed, as requested at the start.
#[derive(Default)]
pub(super) struct Staging(HashMap<u32, Writing>);

struct Writing {
    writer: LocalWriter,
    /// The file being received.
    arriving: Option<Arriving>,
    mapping: Option<Vec<u8>>,
    header: Option<Vec<u8>>,
    written: u64,
    /// Sizes of the files staged since the last commit.
    staged: HashMap<Object, u64>,
    /// Whether it was sent a refusal. Anything that still arrives was sent before the client knew.
    has_failed: bool,
}

/// A file of which a part has arrived.
enum Arriving {
    /// Mapping or header: small, and put in place by a later request.
    InMemory { object: Object, total: usize, bytes: Vec<u8> },
    /// Any other, already in the vault.
    OnDisk { object: Object, total: u64, file: Incoming },
}

impl Arriving {
    fn is_whole(&self) -> bool {
        match self {
            Self::InMemory { total, bytes, .. } => bytes.len() == *total,
            Self::OnDisk { file, .. } => file.is_whole(),
        }
    }
}

impl Staging {
    /// Handles `request`; returns the reply, if there is one.
    pub(super) fn receive(&mut self, backend: &LocalBackend, id: u32, request: Request) -> Option<Reply> {
        let outcome = match request {
            Request::Begin(abandoned) => {
                // Opened again: the directories may have been replaced since the last writer.
                let opened = LocalBackend::new(backend.root());
                let begun = opened.require_vault().map(|()| opened.local_writer(abandoned));
                self.begin(id, begun).map(|()| Some(Reply::Done))
            }
            Request::Create { vault, abandoned } => {
                let begun = match LocalBackend::new(backend.root()).require_vault() {
                    Ok(()) => Err(Error::Occupied { path: backend.root().to_owned() }),
                    Err(Error::NotAVault { .. }) => backend.create_locally(vault, abandoned),
                    Err(error) => Err(error),
                };
                self.begin(id, begun).map(|()| Some(Reply::Done))
            }
            Request::End => {
                self.0.remove(&id);
                Ok(None)
            }
            request => match self.0.get_mut(&id) {
                None => Err(Refusal::new(Reason::Failed, "there is no writer")),
                // Whoever fails may still clean up.
                Some(writing) if writing.has_failed && !matches!(request, Request::Discard(_)) => Ok(None),
                Some(writing) => {
                    let outcome = writing.receive(backend, request);
                    // A writer that has to wait for the lock, or whose commit was overtaken, can try again.
                    let may_go_on = |refusal: &Refusal| matches!(refusal.reason, Reason::Locked | Reason::Overtaken);
                    writing.has_failed = outcome.as_ref().is_err_and(|refusal| !may_go_on(refusal));
                    outcome
                }
            },
        };
        outcome.unwrap_or_else(|refusal| Some(Reply::Refused(refusal)))
    }

    fn begin(&mut self, id: u32, begun: Result<LocalWriter, Error>) -> Result<(), Refusal> {
        let begun = begun?;
        if self.0.contains_key(&id) || self.0.len() >= WRITERS {
            return Err(Refusal::new(Reason::Failed, "there are too many writers, or this one has begun before"));
        }
        let writing = Writing {
            writer: begun,
            arriving: None,
            mapping: None,
            header: None,
            written: 0,
            staged: HashMap::new(),
            has_failed: false,
        };
        self.0.insert(id, writing);
        Ok(())
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        // Half a file is of no use, even if the writer keeps what it staged.
        self.abort();
    }
}

impl Writing {
    fn receive(&mut self, backend: &LocalBackend, request: Request) -> Result<Option<Reply>, Refusal> {
        match request {
            Request::Stage { object, total } => {
                self.require_no_file()?;
                // A file that readers would refuse must not enter the vault.
                let limit = largest_bytes(&object);
                if total > limit {
                    return Err(Error::TooLarge { object, actual: total, limit }.into());
                }
                self.arriving = Some(self.start(object, total)?);
                self.stage_if_whole()
            }
            Request::Content(content) => {
                let beyond = || Refusal::new(Reason::Failed, "content beyond the end of its file");
                match &mut self.arriving {
                    None => return Err(Refusal::new(Reason::Failed, "content without a file")),
                    Some(_) if content.is_empty() => return Err(beyond()),
                    Some(Arriving::InMemory { total, bytes, .. }) if content.len() > *total - bytes.len() => {
                        return Err(beyond());
                    }
                    Some(Arriving::InMemory { bytes, .. }) => bytes.extend(content),
                    Some(Arriving::OnDisk { file, .. }) => file.write(&content)?,
                }
                self.stage_if_whole()
            }
            Request::Abort => {
                self.abort();
                Ok(None)
            }
            Request::Concatenate { object, from } => {
                self.require_no_file()?;
                if !std::iter::once(&object).chain(&from).all(Object::is_written_once) {
                    return Err(Refusal::new(Reason::Failed, "this file cannot be staged"));
                }
                let digest = self.writer.concatenate(&object, &from)?;
                Ok(Some(Reply::Bytes(digest.0.to_vec())))
            }
            Request::Adopt(objects) => {
                self.require_no_file()?;
                if !objects.iter().all(Object::is_listed_in_journals) {
                    return Err(Refusal::new(Reason::Failed, "this file cannot be adopted"));
                }
                self.writer.adopt(&objects)?;
                Ok(Some(Reply::Done))
            }
            Request::Lock => {
                self.writer.lock(IfLocked::Refuse)?;
                Ok(Some(Reply::Done))
            }
            Request::Unlock => {
                self.writer.unlock();
                Ok(Some(Reply::Done))
            }
            Request::RemoveAbandoned => {
                self.writer.remove_abandoned()?;
                Ok(Some(Reply::Done))
            }
            Request::Announce(objects) => {
                self.writer.announce(&objects)?;
                Ok(None)
            }
            Request::Discard(objects) => {
                self.writer.discard(&objects);
                Ok(None)
            }
            Request::Commit => {
                self.require_no_file()?;
                let mapping = self.mapping.take().ok_or(Refusal::new(Reason::Failed, "no mapping was sent"))?;
                self.commit(backend, &mapping)?;
                Ok(Some(Reply::Done))
            }
            Request::SetStraysAside => {
                self.writer.set_strays_aside()?;
                Ok(Some(Reply::Done))
            }
            _ => Err(Refusal::new(Reason::Failed, "this request is not for a writer")),
        }
    }

    /// Forgets the file that is arriving.
    fn abort(&mut self) {
        if let Some(Arriving::OnDisk { file, .. }) = self.arriving.take() {
            self.writer.abort_file(file);
        }
    }

    fn require_no_file(&self) -> Result<(), Refusal> {
        match self.arriving {
            None => Ok(()),
            Some(_) => Err(Refusal::new(Reason::Failed, "the file before has not arrived yet")),
        }
    }

    fn start(&self, object: Object, total: u64) -> Result<Arriving, Refusal> {
        match object {
            Object::Mapping | Object::Header => {
                let total = usize::try_from(total).map_err(|_| Refusal::new(Reason::TooLarge, &object))?;
                Ok(Arriving::InMemory { object, total, bytes: Vec::new() })
            }
            object if object.is_written_once() => {
                let file = self.writer.begin_file(&object, total)?;
                Ok(Arriving::OnDisk { object, total, file })
            }
            _ => Err(Refusal::new(Reason::Failed, "this file cannot be staged")),
        }
    }

    /// Stages the file once it has arrived completely.
    fn stage_if_whole(&mut self) -> Result<Option<Reply>, Refusal> {
        match self.arriving.take_if(|arriving| arriving.is_whole()) {
            None => return Ok(None),
            Some(Arriving::InMemory { object: Object::Mapping, bytes, .. }) => self.mapping = Some(bytes),
            Some(Arriving::InMemory { bytes, .. }) if is_header(&bytes) => self.header = Some(bytes),
            Some(Arriving::InMemory { .. }) => return Err(Refusal::new(Reason::Failed, "this is no header")),
            Some(Arriving::OnDisk { object, total, file }) => {
                self.writer.finish_file(file)?;
                self.staged.insert(object, total);
            }
        }
        Ok(Some(self.progress()))
    }

    fn progress(&mut self) -> Reply {
        self.written += 1;
        Reply::Progress(self.written)
    }

    fn commit(&mut self, backend: &LocalBackend, mapping: &[u8]) -> Result<(), Refusal> {
        let next = SignedMapping::parse(mapping)?;
        for Expected { object, limit, .. } in entry_files(&next.mapping)? {
            if let Some(actual) = self.staged.get(&object).copied().filter(|actual| *actual > limit) {
                return Err(Error::TooLarge { object, actual, limit }.into());
            }
        }
        self.staged.clear();
        match backend.mapping() {
            // The same mapping once more makes durable what was restored.
            Ok(current) if current.text() == next.text() => {}
            Ok(current)
                if current.mapping.vault != next.mapping.vault
                    || current.mapping.generation >= next.mapping.generation =>
            {
                return Err(Refusal::new(Reason::Moved, ""));
            }
            Ok(_) | Err(Error::Missing { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(self.writer.commit(&next, self.header.take().as_deref())?)
    }
}
