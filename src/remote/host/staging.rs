//! The host's side of writing: one writer at a time, files as they arrive, and the checks that need no key.
//!
//! The lock is the vault's own, so local and remote writers exclude each other.
//!
//! Must never: mention a secret type, commit a mapping that is not a later generation of the same vault, or accept a
//! file larger than readers accept.

use std::collections::HashMap;

use crate::durable::IfLocked;
use crate::remote::protocol::{Reason, Refusal, Reply, Request};
use crate::vault::{
    Backend, Error, Expected, LocalBackend, Object, SignedMapping, Writer, entry_files, is_header, largest_bytes,
};

/// The client's writer, if there is one. When the connection ends, its staged files are kept or removed, as requested
/// at the start.
#[derive(Default)]
pub(super) struct Staging(Option<Writing>);

struct Writing {
    /// The request id of all its messages.
    id: u32,
    writer: Box<dyn Writer>,
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

struct Arriving {
    object: Object,
    total: usize,
    bytes: Vec<u8>,
}

impl Staging {
    /// Handles `request`; returns the reply, if there is one.
    pub(super) fn receive(&mut self, backend: &LocalBackend, id: u32, request: Request) -> Option<Reply> {
        let outcome = match request {
            Request::Begin(abandoned) => {
                // Opened again: the directories may have been replaced since the last writer.
                let opened = LocalBackend::new(backend.root());
                let begun = opened.require_vault().and_then(|()| opened.writer(IfLocked::Refuse, abandoned));
                self.begin(id, begun).map(|()| Some(Reply::Done))
            }
            Request::Create { public_context, abandoned } => {
                let begun = match LocalBackend::new(backend.root()).require_vault() {
                    Ok(()) => Err(Error::Occupied { path: backend.root().to_owned() }),
                    Err(Error::NotAVault { .. }) => backend.create(&public_context, abandoned),
                    Err(error) => Err(error),
                };
                self.begin(id, begun).map(|()| Some(Reply::Done))
            }
            Request::End => {
                self.0.take_if(|writing| writing.id == id);
                Ok(None)
            }
            request => match self.0.as_mut().filter(|writing| writing.id == id) {
                None => Err(Refusal::new(Reason::Failed, "there is no writer")),
                Some(writing) if writing.has_failed => Ok(None),
                Some(writing) => {
                    let outcome = writing.receive(backend, request);
                    writing.has_failed = outcome.is_err();
                    outcome
                }
            },
        };
        outcome.unwrap_or_else(|refusal| Some(Reply::Refused(refusal)))
    }

    fn begin(&mut self, id: u32, begun: Result<Box<dyn Writer>, Error>) -> Result<(), Refusal> {
        self.0 = Some(Writing {
            id,
            writer: begun?,
            arriving: None,
            mapping: None,
            header: None,
            written: 0,
            staged: HashMap::new(),
            has_failed: false,
        });
        Ok(())
    }
}

impl Writing {
    fn receive(&mut self, backend: &LocalBackend, request: Request) -> Result<Option<Reply>, Refusal> {
        match request {
            Request::Stage { object, total } => {
                if self.arriving.is_some() {
                    return Err(Refusal::new(Reason::Failed, "a file starts at the wrong time"));
                }
                // A file that readers would refuse must not enter the vault.
                let limit = largest_bytes(&object);
                if total > limit {
                    return Err(Error::TooLarge { object, actual: total, limit }.into());
                }
                let total = usize::try_from(total).map_err(|_| Refusal::new(Reason::TooLarge, &object))?;
                self.arriving = Some(Arriving { object, total, bytes: Vec::new() });
                self.stage_if_whole()
            }
            Request::Content(content) => {
                let Some(arriving) = &mut self.arriving else {
                    return Err(Refusal::new(Reason::Failed, "content without a file"));
                };
                if content.is_empty() || content.len() > arriving.total - arriving.bytes.len() {
                    return Err(Refusal::new(Reason::Failed, "content beyond the end of its file"));
                }
                arriving.bytes.extend(content);
                self.stage_if_whole()
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
                let mapping = self.mapping.take().ok_or(Refusal::new(Reason::Failed, "no mapping was sent"))?;
                self.commit(backend, &mapping)?;
                Ok(Some(Reply::Done))
            }
            Request::ReplaceHeader => {
                let header = self.header.take().filter(|header| is_header(header));
                self.writer.replace_header(&header.ok_or(Refusal::new(Reason::Failed, "no header was sent"))?)?;
                Ok(Some(Reply::Done))
            }
            Request::SetStraysAside => {
                self.writer.set_strays_aside()?;
                Ok(Some(Reply::Done))
            }
            _ => Err(Refusal::new(Reason::Failed, "this request is not for a writer")),
        }
    }

    /// Stages the file once it has arrived completely.
    fn stage_if_whole(&mut self) -> Result<Option<Reply>, Refusal> {
        let Some(Arriving { object, bytes, .. }) =
            self.arriving.take_if(|arriving| arriving.bytes.len() == arriving.total)
        else {
            return Ok(None);
        };
        match object {
            Object::Mapping => self.mapping = Some(bytes),
            Object::Header => self.header = Some(bytes),
            object if object.is_written_once() => {
                self.writer.stage(&object, &[&bytes])?;
                self.staged.insert(object, bytes.len() as u64);
            }
            _ => return Err(Refusal::new(Reason::Failed, "this file cannot be staged")),
        }
        self.written += 1;
        Ok(Some(Reply::Progress(self.written)))
    }

    fn commit(&mut self, backend: &LocalBackend, mapping: &[u8]) -> Result<(), Refusal> {
        let next = SignedMapping::parse(mapping)?;
        for Expected { object, limit, .. } in entry_files(&next.mapping) {
            if let Some(actual) = self.staged.get(&object).copied().filter(|actual| *actual > limit) {
                return Err(Error::TooLarge { object, actual, limit }.into());
            }
        }
        self.staged.clear();
        match backend.mapping() {
            Ok(current)
                if current.mapping.vault != next.mapping.vault
                    || current.mapping.generation >= next.mapping.generation =>
            {
                return Err(Refusal::new(Reason::Moved, ""));
            }
            Ok(_) | Err(Error::Missing { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(self.writer.commit(&next)?)
    }
}
