//! Encryption of a query. The secret of a query must never be used twice: every step consumes the previous one.
//!
//! Q\[g\] = c\[g\] s_t + e' + p_g, and U\[l\] = T0\[l\] - s_t T1\[l\] with T0\[l\] = sum over g of a\[l\]\[g\] Q\[g\].

use super::encoding::{self, QueryEncoding};
use super::encrypted_query::EncryptedQuery;
use super::error::Error;
use super::key_holder::KeyHolder;
use super::layout::{AlignedBytes, TILE, add_to_rows};
use super::packing::{pack_polynomial, unpack_polynomial};
use super::parameters::LANES;
use super::references::add_group_sums;
use super::ring::{Evaluation, Polynomial};
use super::rlwe::{NoisyMessage, RlweSecret};
use super::sampling::Randomness;

/// The part of an encryption that does not depend on the query: a fresh secret, and c\[g\] s_t + e', an encryption of
/// zero. Prepare one while waiting for the user. It is used for one query only.
#[must_use]
pub struct OneTimeMask {
    secret: RlweSecret,
    /// In the layout of a query. It becomes the public ciphertext, so it is not wiped.
    values: AlignedBytes,
}

/// Decrypts the answer to one query, which consumes the secret.
#[must_use]
pub struct QuerySecret {
    pub(super) secret: RlweSecret,
    /// U of every lane.
    pub(super) offsets: Vec<Polynomial<Evaluation>>,
}

impl KeyHolder {
    /// Samples the secret and the noise of the next query.
    ///
    /// # Errors
    /// [`Error::Entropy`].
    pub fn prepare(&self) -> Result<OneTimeMask, Error> {
        Ok(self.prepare_with(&mut Randomness::fresh()?))
    }

    pub(super) fn prepare_with(&self, randomness: &mut Randomness) -> OneTimeMask {
        let (ring, parameters) = (&self.ring, self.parameters());
        let secret = RlweSecret::draw(ring, randomness);
        let mut values = AlignedBytes::zeroed(parameters.query_bytes());
        let mut noisy = NoisyMessage::new(parameters);
        let (mut reference, mut sample) = (Polynomial::zero(parameters), Polynomial::zero(parameters));
        let prepared = secret.prepared(ring);
        for group in 0..parameters.groups() {
            ring.kernel().vectorised(
                #[inline(always)]
                || {
                    noisy.draw_noise(randomness);
                    ring.ntt_small(noisy.coefficients(), &mut sample);
                    unpack_polynomial(parameters, &self.references.query, 1, 0, group, &mut reference);
                    prepared.add_product(ring, reference.residues(), &mut sample);
                    pack_polynomial(parameters, &mut values, 1, 0, group, &sample);
                },
            );
        }
        drop(prepared);
        OneTimeMask { secret, values }
    }

    /// Encrypts a unit vector of 2048 components under a prepared mask.
    ///
    /// # Errors
    /// [`Error::Query`].
    pub fn encrypt(&self, mask: OneTimeMask, query: &[f32]) -> Result<(EncryptedQuery, QuerySecret), Error> {
        let (ring, parameters) = (&self.ring, self.parameters());
        encoding::check(parameters, query).map_err(|fault| Error::Query { fault })?;
        let OneTimeMask { secret, values: mut bytes } = mask;
        let mut encoding = QueryEncoding::new(ring, query);
        let mut offsets: Vec<_> = (0..LANES).map(|_| Polynomial::zero(parameters)).collect();
        let block_bytes = parameters.query_bytes() / parameters.lane_images();
        let block_tiles = parameters.packed() / TILE;
        for (block, bytes) in bytes.chunks_exact_mut(block_bytes).enumerate() {
            ring.kernel().vectorised(
                #[inline(always)]
                || {
                    encoding.compute_block(block);
                    for (tile, rows) in bytes.as_chunks_mut().0.chunks_exact_mut(parameters.groups()).enumerate() {
                        add_to_rows(rows, ring.moduli(), encoding.tile(tile));
                    }
                },
            );
            // T0, while this part of the query is in the L1 cache.
            add_group_sums(ring, block * block_tiles, &self.references.stored, bytes, &mut offsets);
        }
        self.subtract_constant(&secret, &mut offsets);
        Ok((EncryptedQuery::new(bytes), QuerySecret { secret, offsets }))
    }

    /// U = T0 - s_t T1, for every lane.
    fn subtract_constant(&self, secret: &RlweSecret, offsets: &mut [Polynomial<Evaluation>]) {
        let prepared = secret.prepared(&self.ring);
        for (offset, constant) in offsets.iter_mut().zip(&self.references.constant) {
            self.ring.kernel().vectorised(
                #[inline(always)]
                || prepared.subtract_product(&self.ring, constant.residues(), offset),
            );
        }
    }
}
