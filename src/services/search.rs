//! Searches a vault: the query's vector is encrypted, similarities are computed on ciphertexts, only scores are
//! decrypted, and only the records of segments with listed photos are opened.

use std::ffi::OsStr;
use std::thread;
use std::time::{Duration, Instant};

use rayon::prelude::*;
use zeroize::Zeroizing;

use crate::error::Error;
use crate::services::embedding::EmbeddingModel;
use crate::services::library::{PhotoId, StoredPhoto};
use crate::services::open_vault::OpenVault;
pub use crate::services::open_vault::Traffic;
use crate::vault::{self, Snapshot, Vault};

/// How many photos a search lists by default.
pub const DEFAULT_TOP: usize = 50;

/// How many of the most similar photos are listed when no photo matches.
const NEAREST: usize = 3;

/// A photo with the query's content scores 1, give or take rounding and the noise of encryption, which are far smaller
/// than this margin. The query's content is looked up in the vault only if a photo scores at least this.
const SAME_PHOTO_SCORE: f32 = 0.99;

/// What to search for.
pub enum Query<'a> {
    /// A photo file, which need not be in the vault.
    Photo {
        /// The file's content.
        bytes: &'a [u8],
        /// Its extension, which only TGA needs.
        extension: Option<&'a OsStr>,
        /// The model that made the vault's vectors.
        model: &'a EmbeddingModel,
    },
    /// A photo of the vault, by its exact vector.
    Stored(PhotoId),
}

/// Which photos a search lists.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Listing {
    /// This many of the best, whatever they score, without the query itself.
    Best(usize),
    /// Those that reach a threshold, including the query itself; if there are none, the nearest few.
    Matches {
        /// A match scores at least this, -1 to 1.
        threshold: f32,
        /// At most this many.
        top: Option<usize>,
    },
}

/// How long each step of a search took.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Timing {
    /// Photo to vector, or fetching the vector of a stored photo.
    pub features: Duration,
    /// Encrypting the query; its one-time mask is made during the step before.
    pub encrypt: Duration,
    /// Scores on ciphertexts: opening and checking the segments, and one pass over them.
    pub scan: Duration,
    /// Decrypting and ranking the scores, and opening the details of the listed photos.
    pub decrypt: Duration,
}

impl Timing {
    /// All steps together.
    #[must_use]
    pub fn total(&self) -> Duration {
        self.features + self.encrypt + self.scan + self.decrypt
    }
}

/// A photo of the vault and its score.
#[derive(Clone, PartialEq)]
pub struct Match {
    /// The photo.
    pub photo: StoredPhoto,
    /// Cosine similarity with the query, with an error of 4e-4 (standard deviation).
    pub score: f32,
}

/// The outcome of a search.
#[derive(Clone, Default, PartialEq)]
pub struct SearchResult {
    /// What is listed, best first.
    pub ranked: Vec<Match>,
    /// The query itself, when the vault holds it.
    pub query: Option<Match>,
    /// Every score, listed or not, best first; without the query with [`Listing::Best`].
    pub scores: Vec<f32>,
    /// How many photos were compared.
    pub compared: usize,
    /// How long it took.
    pub timing: Timing,
    /// Bytes to and from the machine that has the vault; `None` when that is this one.
    pub traffic: Option<Traffic>,
}

impl SearchResult {
    /// How many photos reach `threshold`, listed or not.
    #[must_use]
    pub fn reached(&self, threshold: f32) -> usize {
        self.scores.partition_point(|score| *score >= threshold)
    }

    /// The listed photos, split into those that reach `threshold` and the others.
    #[must_use]
    pub fn split_at_threshold(&self, threshold: f32) -> (&[Match], &[Match]) {
        self.ranked.split_at(self.reached(threshold).min(self.ranked.len()))
    }

    /// Whether `photo` is the query itself.
    #[must_use]
    pub fn is_query(&self, photo: PhotoId) -> bool {
        self.query.as_ref().is_some_and(|query| query.photo.id == photo)
    }
}

/// A photo by its position in the scan, and its score.
#[derive(Clone, Copy)]
struct Scored {
    score: f32,
    position: usize,
}

/// Searches the generation of `vault` that was read last. Segments that it opens and verifies are kept for the next
/// search.
///
/// # Errors
/// When the query is not a photo, its model is not the vault's, or the vault is damaged.
///
/// ```no_run
/// # use std::path::Path;
/// use cipherlens::services::search::{Listing, Query, search};
/// # fn example(
/// #     vault: &cipherlens::services::open_vault::OpenVault,
/// #     model: &cipherlens::services::embedding::EmbeddingModel,
/// # ) -> Result<(), Box<dyn std::error::Error>> {
/// let bytes = std::fs::read("beach.jpg")?;
/// let query = Query::Photo { bytes: &bytes, extension: None, model };
/// let best = search(vault, &query, Listing::Best(10))?.ranked;
/// assert!(best.is_sorted_by(|one, next| one.score >= next.score));
/// # Ok(())
/// # }
/// ```
pub fn search(vault: &OpenVault, query: &Query<'_>, listing: Listing) -> Result<SearchResult, Error> {
    vault.read(|snapshot| search_generation(vault.vault(), snapshot, query, listing))
}

fn search_generation(
    vault: &Vault,
    snapshot: &Snapshot,
    query: &Query<'_>,
    listing: Listing,
) -> Result<SearchResult, Error> {
    let holder = vault.key_holder()?;
    let before = vault.backend().traffic();
    let mut timing = Timing::default();
    let mut started = Instant::now();
    let mut lap = || std::mem::replace(&mut started, Instant::now()).elapsed();

    let (vector, mask) = thread::scope(|scope| {
        let mask = scope.spawn(|| holder.prepare());
        let vector = vector_of(vault, snapshot, query);
        (vector, mask.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    });
    let vector = vector?;
    timing.features = lap();

    let (encrypted, secret) = holder.encrypt(mask?, &vector)?;
    timing.encrypt = lap();

    let answer = snapshot.score(&encrypted)?;
    timing.scan = lap();

    let scores = snapshot.decrypt(secret, &answer)?;
    let compared = scores.len();
    let mut ranked: Vec<Scored> =
        scores.iter().enumerate().map(|(position, &score)| Scored { score, position }).collect();
    ranked.par_sort_by(|left, right| right.score.total_cmp(&left.score));
    let Chosen { listed, query, scores } = choose(vault, snapshot, query, ranked, listing)?;
    let query = query.map(|scored| describe(snapshot, scored)).transpose()?;
    let ranked = listed.into_iter().map(|scored| describe(snapshot, scored)).collect::<Result<_, _>>()?;
    timing.decrypt = lap();
    log::info!("searched {compared} photos in {:?}", timing.total());
    let traffic = vault
        .backend()
        .traffic()
        .zip(before)
        .map(|(after, before)| Traffic { sent: after.sent - before.sent, received: after.received - before.received });
    Ok(SearchResult { ranked, query, scores, compared, timing, traffic })
}

fn vector_of(vault: &Vault, snapshot: &Snapshot, query: &Query<'_>) -> Result<Zeroizing<Vec<f32>>, Error> {
    match query {
        Query::Stored(id) => {
            let vector = snapshot.image(*id)?.vector()?;
            Ok(Zeroizing::new(vector.ok_or(vault::Error::NoVector { id: *id })?))
        }
        Query::Photo { bytes, extension, model } => {
            model.require_space_of(vault)?;
            model.embed_photo(bytes, *extension)
        }
    }
}

struct Chosen {
    listed: Vec<Scored>,
    /// The query itself, when the vault holds it.
    query: Option<Scored>,
    /// All scores, best first.
    scores: Vec<f32>,
}

fn choose(
    vault: &Vault,
    snapshot: &Snapshot,
    query: &Query<'_>,
    mut ranked: Vec<Scored>,
    listing: Listing,
) -> Result<Chosen, Error> {
    let reaching = |score: f32, ranked: &[Scored]| ranked.partition_point(|scored| scored.score >= score);
    let list_length = match listing {
        Listing::Best(top) => top,
        Listing::Matches { threshold, top } => {
            let reached = reaching(threshold, &ranked);
            let most = if reached == 0 { NEAREST } else { reached };
            top.map_or(most, |top| top.min(most))
        }
    };
    // The query may rank just below the listed photos, or anywhere among photos with its score.
    let candidates = list_length.saturating_add(1).max(reaching(SAME_PHOTO_SCORE, &ranked)).min(ranked.len());
    snapshot.prefetch_details(&ranked[..candidates].iter().map(|scored| scored.position).collect::<Vec<_>>())?;
    let query = find_query(vault, snapshot, query, &ranked[..candidates])?;
    if let (Listing::Best(_), Some(query)) = (listing, query) {
        ranked.retain(|scored| scored.position != query.position);
    }
    let scores = ranked.iter().map(|scored| scored.score).collect();
    ranked.truncate(list_length);
    Ok(Chosen { listed: ranked, query, scores })
}

/// Finds the query itself among these photos.
fn find_query(
    vault: &Vault,
    snapshot: &Snapshot,
    query: &Query<'_>,
    ranked: &[Scored],
) -> Result<Option<Scored>, Error> {
    let id = match query {
        Query::Stored(id) => *id,
        Query::Photo { bytes, .. } => {
            if ranked.first().is_none_or(|best| best.score < SAME_PHOTO_SCORE) {
                return Ok(None);
            }
            match snapshot.find_content(&vault.content_tag(bytes))? {
                Some(id) => id,
                None => return Ok(None),
            }
        }
    };
    for scored in ranked {
        if snapshot.image_at(scored.position)?.id() == id {
            return Ok(Some(*scored));
        }
    }
    Ok(None)
}

fn describe(snapshot: &Snapshot, scored: Scored) -> Result<Match, Error> {
    let image = snapshot.image_at(scored.position)?;
    Ok(Match { photo: StoredPhoto::new(image.record()?, snapshot.sources()?), score: scored.score })
}
