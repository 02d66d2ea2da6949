//! A query to ranked photos: the vector is encrypted, similarities are computed on ciphertexts, only scores are
//! decrypted, and only the catalogue entries of what is listed are opened.

use std::ffi::OsStr;
use std::thread;
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use crate::error::Error;
use crate::features::Embedder;
use crate::features::photo::{Limits, Photo};
use crate::services::session;
use crate::vault::{Details, Id, Segment, Snapshot, Traffic, Vault};

/// How many photos a search lists when nobody says otherwise.
pub const DEFAULT_TOP: usize = 50;

/// How many of the most similar photos are listed when a list of matches only would be empty.
const NEAREST: usize = 3;

/// A photo of the same content as the query scores 1 up to rounding and the noise of encryption, far less than this below
/// it. Only when something scores as much is the content of the query looked up in the vault.
const SAME_PHOTO_SCORE: f32 = 0.99;

/// What to look for.
pub enum Query<'a> {
    /// What a photo shows that need not be in the vault; the network that describes it must be the vault's.
    Photo {
        /// The file's content.
        bytes: &'a [u8],
        /// Its extension, which only TGA needs.
        extension: Option<&'a OsStr>,
        /// The network.
        embedder: &'a dyn Embedder,
    },
    /// What a photo in the vault shows, by its exact vector.
    Image(Id),
}

/// Which photos a search lists.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Listing {
    /// The best so many, whatever they score, without the query itself.
    Best(usize),
    /// Those that reach the threshold, at most so many, the query itself among them; when there are none, the few nearest.
    Matches(Option<usize>),
}

/// What is wanted of a search.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// Matches score at least this, -1 to 1.
    pub threshold: f32,
    /// Which photos are listed.
    pub listing: Listing,
}

/// How long each step of a search took.
#[derive(Clone, Copy, Debug, Default)]
pub struct Timing {
    /// Photo to vector, or fetching the vector of an image of the vault.
    pub features: Duration,
    /// Encrypting the query; its one-time mask is made while the features are.
    pub encrypt: Duration,
    /// Scores on ciphertexts: opening and checking the segments, and one pass over them.
    pub scan: Duration,
    /// Decrypting and ranking the scores, and opening the details of what is shown.
    pub decrypt: Duration,
}

/// A photo of the vault beside the query.
pub struct Match {
    /// Its name in the vault.
    pub id: Id,
    /// Cosine similarity with the query, four decimals.
    pub score: f32,
    /// What the catalogue says of it.
    pub details: Details,
}

/// The outcome of a search.
pub struct Found {
    /// What is listed, best first.
    pub ranked: Vec<Match>,
    /// The query itself, when the vault holds it.
    pub query: Option<Match>,
    /// How many photos reach the threshold, listed or not; includes the query only with [`Listing::Matches`].
    pub reached: usize,
    /// How many photos were compared.
    pub compared: usize,
    /// How long it took.
    pub timing: Timing,
    /// What went to and came from the machine that has the vault, when that is another one.
    pub traffic: Option<Traffic>,
}

impl Found {
    /// What is listed, divided into the matches, which reach the threshold, and the nearest of the others.
    #[must_use]
    pub fn divided(&self) -> (&[Match], &[Match]) {
        self.ranked.split_at(self.reached.min(self.ranked.len()))
    }

    /// Whether `photo` is the query itself.
    #[must_use]
    pub fn is_query(&self, photo: Id) -> bool {
        self.query.as_ref().is_some_and(|query| query.id == photo)
    }
}

/// A photo by its position in the order of the scan, and its score.
#[derive(Clone, Copy)]
struct Scored {
    score: f32,
    position: usize,
}

/// Searches one generation of `vault`. A caller that searches again keeps the snapshot, and with it what was opened and
/// verified.
///
/// # Errors
/// When the query is no photo or was described by another network than the vault's, or the vault is damaged.
pub fn search(vault: &Vault, snapshot: &Snapshot, query: &Query<'_>, wanted: Wanted) -> Result<Found, Error> {
    let holder = vault.key_holder();
    let before = vault.store().traffic();
    let mut timing = Timing::default();
    let mut started = Instant::now();
    let mut lap = || std::mem::replace(&mut started, Instant::now()).elapsed();

    let (vector, mask) = thread::scope(|scope| {
        let mask = scope.spawn(|| holder.prepare());
        let vector = vector_of(snapshot, query);
        (vector, mask.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    });
    let vector = vector?;
    timing.features = lap();

    let (encrypted, secret) = holder.encrypt(mask?, &vector)?;
    timing.encrypt = lap();

    let answer = snapshot.score(&encrypted)?;
    timing.scan = lap();

    let hints = snapshot.segments()?.map(Segment::hints).collect::<Result<Vec<_>, _>>()?;
    let scores = secret.decrypt(holder, hints.iter().flat_map(|hints| hints.blocks()), &answer)?;
    let mut ranked: Vec<Scored> =
        scores.iter().enumerate().map(|(position, &score)| Scored { score, position }).collect();
    ranked.sort_by(|left, right| right.score.total_cmp(&left.score));
    let Chosen { listed, query, reached } = choose(vault, snapshot, query, ranked, wanted)?;
    let query = query.map(|scored| describe(snapshot, scored)).transpose()?;
    let ranked = listed.into_iter().map(|scored| describe(snapshot, scored)).collect::<Result<_, _>>()?;
    timing.decrypt = lap();
    log::info!(
        "searched {} photos in {:?}",
        scores.len(),
        timing.features + timing.encrypt + timing.scan + timing.decrypt
    );
    let traffic = vault
        .store()
        .traffic()
        .zip(before)
        .map(|(after, before)| Traffic { sent: after.sent - before.sent, received: after.received - before.received });
    Ok(Found { ranked, query, reached, compared: scores.len(), timing, traffic })
}

fn vector_of(snapshot: &Snapshot, query: &Query<'_>) -> Result<Zeroizing<Vec<f32>>, Error> {
    match query {
        Query::Image(id) => Ok(Zeroizing::new(snapshot.image(*id)?.vector()?)),
        Query::Photo { bytes, extension, embedder } => {
            session::require_same_space(snapshot.mapping(), *embedder)?;
            let photo = embedder.prepare(&Photo::decode(bytes, *extension, Limits::default())?)?;
            let vectors = embedder.embed(&[&photo])?;
            Ok(Zeroizing::new(vectors[0].as_slice().to_vec()))
        }
    }
}

/// What comes of the ranked scores.
struct Chosen {
    listed: Vec<Scored>,
    /// The query itself, when the vault holds it.
    query: Option<Scored>,
    /// How many photos reach the threshold, listed or not.
    reached: usize,
}

fn choose(
    vault: &Vault,
    snapshot: &Snapshot,
    query: &Query<'_>,
    mut ranked: Vec<Scored>,
    wanted: Wanted,
) -> Result<Chosen, Error> {
    let from = |score: f32, ranked: &[Scored]| ranked.partition_point(|scored| scored.score >= score);
    let listed = |reached: usize| match wanted.listing {
        Listing::Best(top) => top,
        Listing::Matches(top) => {
            let most = if reached == 0 { NEAREST } else { reached };
            top.map_or(most, |top| top.min(most))
        }
    };
    // The query may stand right behind what is listed, and anywhere among photos that score as it does.
    let behind = listed(from(wanted.threshold, &ranked)).saturating_add(1);
    let looked_at = behind.max(from(SAME_PHOTO_SCORE, &ranked)).min(ranked.len());
    snapshot.prefetch_details(&ranked[..looked_at].iter().map(|scored| scored.position).collect::<Vec<_>>())?;
    let query = find_query(vault, snapshot, query, &ranked[..looked_at])?;
    if let (Listing::Best(_), Some(query)) = (wanted.listing, query) {
        ranked.retain(|scored| scored.position != query.position);
    }
    let reached = from(wanted.threshold, &ranked);
    ranked.truncate(listed(reached));
    Ok(Chosen { listed: ranked, query, reached })
}

/// The query itself among these photos, when it is one of them.
fn find_query(
    vault: &Vault,
    snapshot: &Snapshot,
    query: &Query<'_>,
    ranked: &[Scored],
) -> Result<Option<Scored>, Error> {
    let id = match query {
        Query::Image(id) => *id,
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
    Ok(Match { id: image.id(), score: scored.score, details: image.details()?.clone() })
}
