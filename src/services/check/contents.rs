//! What a damaged file holds, in the words of a user: the names of files say nothing to them.
//!
//! Must never: fail because of damage. What cannot be read is not named.

use crate::services::library::PhotoId;
use crate::vault::{GroupPart, Hex, Mapping, Object, PackPart, Part, Snapshot};

/// Says what the files of one generation hold.
pub(in crate::services) struct Contents<'a> {
    mapping: Option<&'a Mapping>,
    /// Where the names of photos are; `None` without a key.
    snapshot: Option<&'a Snapshot>,
}

impl<'a> Contents<'a> {
    /// Of an open vault, whose photos have names.
    pub(in crate::services) fn of(snapshot: &'a Snapshot) -> Self {
        Self { mapping: Some(snapshot.mapping()), snapshot: Some(snapshot) }
    }

    /// Of a copy without its key: photos have no names.
    pub(in crate::services) fn without_key(mapping: Option<&'a Mapping>) -> Self {
        Self { mapping, snapshot: None }
    }

    /// What `object` holds, or what of it belongs to the photo `image`. May have a file name in it, which may hold
    /// anything.
    pub(in crate::services) fn held(&self, object: &Object, image: Option<PhotoId>) -> String {
        let photo = match object {
            Object::Photo(id, _) => self.name(*id),
            _ => image.and_then(|id| self.name(id)),
        };
        let of_photo = |what: &str| photo.as_ref().map(|name| format!("{what} {name}"));
        let named = match object {
            Object::Photo(..) => of_photo("the photo"),
            Object::Thumbnail(_) | Object::Pack(_, PackPart::Content) => of_photo("the thumbnail of"),
            Object::Segment(_, Part::Records) => of_photo("the name and date of"),
            Object::Table(id) => self.table(*id).map(str::to_owned),
            _ => None,
        };
        named.unwrap_or_else(|| held(object).to_owned())
    }

    fn table(&self, page: Hex<16>) -> Option<&'static str> {
        let mut tables = self.mapping?.tables.iter();
        let table = tables.find(|table| table.pages.iter().any(|digest| digest.name() == page))?;
        Some(of_table(&table.name))
    }

    /// The name of a photo, if it can be read. It may hold anything.
    pub(in crate::services) fn name(&self, id: PhotoId) -> Option<String> {
        Some(self.snapshot?.image(id).ok()?.name().ok()?.into_owned())
    }
}

fn of_table(name: &str) -> &'static str {
    match name {
        "sources" => "the names of the folders that were added",
        "history" => "the history of the vault, by which an older copy is told",
        "tombstones" => "which photos were removed",
        _ => "what a newer version of the program keeps there",
    }
}

/// What a file holds that belongs to no single photo.
fn held(object: &Object) -> &'static str {
    match object {
        Object::Header => "the key of the vault, which the passphrases open",
        Object::Mapping => "which files belong to the vault",
        Object::PublicContext | Object::SecretContext => "what searches need",
        Object::Segment(_, Part::Blocks | Part::Hints | Part::Checks) => "what searches read, encrypted",
        Object::Segment(_, Part::List | Part::OldList) => "the list of photos that were added together",
        Object::Segment(_, Part::Vectors) => "the exact numbers by which photos are compared",
        Object::Segment(_, Part::Records | Part::OldCatalogue) => "names and dates of photos",
        Object::Group(_, GroupPart::List | GroupPart::Copy) => "the list of many photos",
        Object::Group(_, GroupPart::Tags) => "by what photos are known that the vault has already",
        Object::Pack(_, PackPart::List) => "where the thumbnails are in their file",
        Object::Photo(..) => "a photo",
        Object::Thumbnail(_) | Object::Pack(_, PackPart::Content) => "thumbnails",
        Object::Table(_) => "a list that belongs to the whole vault",
        Object::Unfinished(_) | Object::Writing | Object::Lock | Object::Journal(_) => "nothing of the photos",
    }
}
