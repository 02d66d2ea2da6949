//! Encrypting a query. The secret of a query must never be used twice: every step consumes the previous one.
//!
//! Q\[g\] = c\[g\] s_t + e' + p_g, and U\[l\] = T0\[l\] - s_t T1\[l\] with T0\[l\] = sum over g of a\[l\]\[g\] Q\[g\].
//! All of Q but p_g is prepared with the mask.

use std::sync::atomic::Ordering;
use std::time::{SystemTime, UNIX_EPOCH};

use zeroize::Zeroizing;

use super::context::Encryption;
use super::encoding;
use super::error::Error;
use super::kernel::{PairedQuery, SplitRows};
use super::key_holder::KeyHolder;
use super::layout::{AlignedBytes, Place, residues_in_range};
use super::parameters::{LANES, PACKED, PIECE_BYTES, Parameters, ROWS};
use super::ring::{SmallPolynomial, Values};
use super::sampling::{NoiseBits, Randomness};

/// An encrypted query. Public. Never holds a residue that is out of range.
pub struct EncryptedQuery(AlignedBytes);

impl EncryptedQuery {
    /// [`Parameters::query_bytes`] bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Reads a received query.
    ///
    /// # Errors
    /// [`Error::Length`]; [`Error::Residue`] when a residue is out of range.
    pub fn from_bytes(parameters: &Parameters, bytes: &[u8]) -> Result<Self, Error> {
        let (expected, actual) = (parameters.query_bytes(), bytes.len());
        if actual != expected {
            return Err(Error::Length { what: "encrypted query", expected, actual });
        }
        if !residues_in_range(bytes) {
            return Err(Error::Residue { what: "encrypted query" });
        }
        let mut aligned = AlignedBytes::zeroed(expected);
        aligned.copy_from_slice(bytes);
        Ok(Self(aligned))
    }

    /// In the form that the scan reads.
    pub(super) fn split(&self) -> SplitRows {
        SplitRows::new(&self.0)
    }
}

/// The part of an encryption that does not depend on the query: a fresh secret, and c\[g\] s_t + e', an encryption of
/// zero. Prepare one while waiting for the user. It is used for one query only.
///
/// It stays in memory until then: a snapshot of a running machine, taken between [`prepare`](KeyHolder::prepare) and
/// [`encrypt`](KeyHolder::encrypt) and restored, would use it twice. Wiped on drop.
#[must_use]
pub struct OneTimeMask {
    secret: Values,
    /// c\[g\] s_t + e'.
    values: Vec<Values>,
}

/// Verifies and decrypts the answer to one query, which consumes the secret. Wiped on drop; has no `Debug`, `Clone` or
/// comparison.
#[must_use]
pub struct QuerySecret {
    /// Q, to verify the answer against.
    pub(super) query: SplitRows,
    /// s_t.
    pub(super) secret: SplitRows,
    /// U of every lane: `[row][lane]`.
    pub(super) offsets: SplitRows,
}

impl QuerySecret {
    /// The secret, to hand it over to another process of the key holder. Its single use is then up to the caller:
    /// delete the bytes before the secret is used.
    #[must_use]
    pub fn into_bytes(self) -> Zeroizing<Vec<u8>> {
        let parts = [&self.secret, &self.offsets, &self.query];
        let length = parts.iter().map(|rows| rows.part_count()).sum();
        let mut bytes = Zeroizing::new(Vec::with_capacity(length));
        parts.into_iter().for_each(|rows| bytes.extend(rows.part_bytes()));
        bytes
    }

    /// Reads the output of [`into_bytes`](Self::into_bytes). Authenticate the bytes before calling this.
    ///
    /// # Errors
    /// [`Error::Length`].
    pub fn from_bytes(parameters: &Parameters, bytes: &[u8]) -> Result<Self, Error> {
        let (expected, actual) = (parameters.query_secret_bytes(), bytes.len());
        if actual != expected {
            return Err(Error::Length { what: "query secret", expected, actual });
        }
        let (secret, rest) = bytes.split_at(ROWS * SplitRows::PART_BYTES);
        let (offsets, query) = rest.split_at(LANES * secret.len());
        let [secret, offsets, query] = [secret, offsets, query].map(SplitRows::from_part_bytes);
        Ok(Self { query, secret, offsets })
    }

    pub(super) fn require_dimension_of(&self, holder: &KeyHolder) -> Result<(), Error> {
        let (expected, actual) = (holder.parameters().query_bytes(), self.query.part_count());
        if actual == expected { Ok(()) } else { Err(Error::Length { what: "query secret", expected, actual }) }
    }
}

impl KeyHolder {
    /// Samples the secret and the noise of the next query.
    ///
    /// # Errors
    /// [`Error::Entropy`].
    pub fn prepare(&self) -> Result<OneTimeMask, Error> {
        // The query is not known yet. What never repeats hedges against a generator that does.
        let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        let count = self.masks.fetch_add(1, Ordering::Relaxed);
        let message = [&time.to_le_bytes()[..], &count.to_le_bytes(), &std::process::id().to_le_bytes()].concat();
        let seeds = self.secret.hedged_seeds(Encryption::Query, &message)?;
        Ok(self.prepare_with(&mut Randomness::from_seed(&seeds.noise, 0)))
    }

    pub(super) fn prepare_with(&self, randomness: &mut Randomness) -> OneTimeMask {
        let (ring, groups) = (&self.ring, self.parameters().groups());
        let secret = self.draw_secret(randomness);
        let (mut bits, mut noise) = (NoiseBits::new(), SmallPolynomial::zero());
        let mut values: Vec<Values> = (0..groups).map(|_| Values::zero()).collect();
        for (values, reference) in values.iter_mut().zip(&self.references.query) {
            ring.kernel().vectorised(
                #[inline(always)]
                || bits.draw(randomness, &mut noise),
            );
            ring.transform_small(&noise, values);
            ring.add_product(values, &secret, reference);
        }
        OneTimeMask { secret, values }
    }

    /// Encrypts a unit vector under a mask that this key holder prepared.
    ///
    /// # Errors
    /// [`Error::Query`]; [`Error::Length`] for a mask of another dimension.
    pub fn encrypt(&self, mask: OneTimeMask, query: &[f32]) -> Result<(EncryptedQuery, QuerySecret), Error> {
        let (ring, parameters) = (&self.ring, self.parameters());
        encoding::check(parameters, query).map_err(|fault| Error::Query { fault })?;
        let OneTimeMask { secret, mut values } = mask;
        let (expected, actual) = (parameters.groups(), values.len());
        if actual != expected {
            return Err(Error::Length { what: "one-time mask", expected, actual });
        }
        let mut bytes = AlignedBytes::zeroed(parameters.query_bytes());
        let mut message = Values::zero();
        for (group, (components, values)) in query.chunks_exact(PACKED).zip(&mut values).enumerate() {
            encoding::encode_query_group(ring.moduli(), components, &mut message);
            ring.transform(&mut message);
            ring.add(values, &message);
            ring.write(&mut bytes, Place { groups: parameters.groups(), group, lanes: 1, lane: 0 }, values);
        }
        let encrypted = EncryptedQuery(bytes);
        let query = encrypted.split();
        let offsets = self.offsets(&secret, &values);
        let secret =
            QuerySecret { query, secret: self.split(std::slice::from_ref(&secret)), offsets: self.split(&offsets) };
        Ok((encrypted, secret))
    }

    /// U = T0 - s_t T1 of every lane.
    fn offsets(&self, secret: &Values, query: &[Values]) -> [Values; LANES] {
        let ring = &self.ring;
        let mut offsets = std::array::from_fn(|_| Values::zero());
        let groups: Vec<_> = query.iter().map(Values::residues).collect();
        let query = PairedQuery::new(ring.moduli(), &groups);
        ring.kernel().sums_of_pairs(&self.references.paired, &query, ring.moduli(), |lane, prime, slot, residues| {
            let offset: &mut Values = &mut offsets[lane];
            offset.residues_mut()[prime][slot..slot + residues.len()].copy_from_slice(&residues);
        });
        for (offset, constant) in offsets.iter_mut().zip(&self.references.constant) {
            ring.subtract_product(offset, secret, constant);
        }
        offsets
    }

    /// Polynomials by rows, in the form whose products are summed in 32 bits.
    fn split(&self, polynomials: &[Values]) -> SplitRows {
        let mut bytes = Zeroizing::new(vec![0; polynomials.len() * ROWS * PIECE_BYTES]);
        for (lane, values) in polynomials.iter().enumerate() {
            let place = Place { groups: 1, group: 0, lanes: polynomials.len(), lane };
            self.ring.write(&mut bytes, place, values);
        }
        SplitRows::new(&bytes)
    }
}
