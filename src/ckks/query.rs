//! Encrypting a query. Must never: let a query's secret serve twice; every step consumes the one before.
//!
//! Q\[g\] = c\[g\] s_t + e' + p_g, and U\[l\] = T0\[l\] - s_t T1\[l\] with T0\[l\] = sum over g of a\[l\]\[g\] Q\[g\].

use zeroize::Zeroizing;

use super::context::{KeyHolder, group_sums};
use super::encoding::{self, QueryEncoding};
use super::encrypted_query::EncryptedQuery;
use super::error::Error;
use super::layout::{AlignedBytes, ROW_BYTES, TILE, pack_row, rows_of, unpack_polynomial};
use super::parameters::Parameters;
use super::ring::{Evaluation, Polynomial};
use super::rlwe::{NoisyMessage, RlweSecret};
use super::sampling::Randomness;

/// All of an encryption that does not depend on the query: c\[g\] s_t + e'. Prepare one while waiting for the user; it
/// serves one query and is wiped.
pub struct OneTimeMask {
    secret: RlweSecret,
    /// Per prime `[tile][group][slot]`: the order of the query's layout. Boxed slices, because wiping a vector wipes its
    /// spare capacity after its elements: everything twice.
    values: [Zeroizing<Box<[u32]>>; 2],
}

/// What decrypts the answer to one query, and is consumed by it.
pub struct QuerySecret {
    pub(super) secret: RlweSecret,
    /// U of every lane.
    pub(super) offsets: Vec<Polynomial<Evaluation>>,
}

impl KeyHolder {
    /// Draws the secret and the noise of the next query.
    ///
    /// # Errors
    /// [`Error::Entropy`].
    pub fn prepare(&self) -> Result<OneTimeMask, Error> {
        Ok(self.prepare_with(&mut Randomness::fresh()?))
    }

    pub(super) fn prepare_with(&self, randomness: &mut Randomness) -> OneTimeMask {
        let (ring, parameters) = (&self.ring, self.parameters());
        let secret = RlweSecret::draw(ring, randomness);
        let length = parameters.groups() * parameters.degree();
        let mut values = [0, 1].map(|_| Zeroizing::new(vec![0; length].into_boxed_slice()));
        let mut noisy = NoisyMessage::new(parameters);
        let (mut reference, mut sample) = (Polynomial::zero(parameters), Polynomial::zero(parameters));
        let prepared = secret.prepared(ring);
        for group in 0..parameters.groups() {
            ring.kernel().vectorised(
                #[inline(always)]
                || {
                    noisy.draw_noise(randomness);
                    ring.transform_small(noisy.coefficients(), &mut sample);
                    unpack_polynomial(parameters, &self.references.query, 1, 0, group, &mut reference);
                    prepared.add_product(ring, reference.residues(), &mut sample);
                },
            );
            for (tile, (first, second)) in rows_of(&sample).enumerate() {
                let at = mask_offset(parameters, tile, group);
                values[0][at..at + TILE].copy_from_slice(first);
                values[1][at..at + TILE].copy_from_slice(second);
            }
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
        let mut bytes = AlignedBytes::zeroed(parameters.query_bytes());
        let mut encoding = QueryEncoding::new(ring, query);
        let block_bytes = parameters.query_bytes() / parameters.lane_images();
        for (block, bytes) in bytes.chunks_exact_mut(block_bytes).enumerate() {
            ring.kernel().vectorised(
                #[inline(always)]
                || {
                    encoding.enter_block(block);
                    self.add_mask(&mask, &encoding, block, bytes);
                },
            );
        }
        let OneTimeMask { secret, .. } = mask;
        let offsets = self.offsets(&secret, &bytes);
        Ok((EncryptedQuery::new(bytes), QuerySecret { secret, offsets }))
    }

    /// Packs mask + p_g for the K slots of one block of the encoding.
    #[inline(always)]
    fn add_mask(&self, mask: &OneTimeMask, encoding: &QueryEncoding<'_>, block: usize, bytes: &mut [u8]) {
        let parameters = self.parameters();
        let (groups, packed) = (parameters.groups(), parameters.packed());
        let moduli = self.ring.moduli();
        for (tile, rows) in bytes.chunks_exact_mut(groups * ROW_BYTES).enumerate() {
            let at = mask_offset(parameters, block * packed / TILE + tile, 0);
            let masks = [0, 1].map(|prime| mask.values[prime][at..at + groups * TILE].as_chunks::<TILE>().0);
            let values = [0, 1].map(|prime| encoding.tile(prime, tile));
            for (group, row) in rows.as_chunks_mut::<ROW_BYTES>().0.iter_mut().enumerate() {
                let mut sums = [[0; TILE]; 2];
                for prime in 0..2 {
                    for slot in 0..TILE {
                        // The encoding is mirrored, see there.
                        let value = values[prime][(TILE - 1 - slot) * groups + group];
                        sums[prime][slot] = moduli[prime].reduce(value + masks[prime][group][slot]);
                    }
                }
                let [first, second] = sums;
                pack_row(row, &first, &second);
            }
        }
    }

    /// U of every lane.
    fn offsets(&self, secret: &RlweSecret, query: &[u8]) -> Vec<Polynomial<Evaluation>> {
        let prepared = secret.prepared(&self.ring);
        let mut offsets = group_sums(&self.ring, &self.references.stored, query);
        for (offset, constant) in offsets.iter_mut().zip(&self.references.constant) {
            self.ring.kernel().vectorised(
                #[inline(always)]
                || prepared.subtract_product(&self.ring, constant.residues(), offset),
            );
        }
        offsets
    }
}

fn mask_offset(parameters: &Parameters, tile: usize, group: usize) -> usize {
    (tile * parameters.groups() + group) * TILE
}
