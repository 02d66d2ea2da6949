//! Sealing up to 512 unit vectors into a block, and opening it. Must not reuse a nonce or noise, or seal vectors opened
//! from a block (each round would add noise).
//!
//! B\[l\]\[g\] = a\[l\]\[g\] s_b + e + m_(l,g); hint R1\[l\] = sum over g of B\[l\]\[g\] c\[g\].

use super::encoding;
use super::error::Error;
use super::key_holder::KeyHolder;
use super::layout::{AlignedBytes, ROW_BYTES, pack_row, residues_in_range};
use super::packing::{pack_polynomial, rows_of, unpack_polynomial};
use super::parameters::LANES;
use super::references::group_sums;
use super::ring::Polynomial;
use super::rlwe::NoisyMessage;
use super::sampling::Randomness;

/// Bytes of a block's nonce.
pub const NONCE_BYTES: usize = 32;

/// A sealed block. All of it is public. Authenticate nonce, hint and number of images where they are stored: decryption
/// trusts them.
#[must_use]
pub struct SealedBlock {
    ciphertext: AlignedBytes,
    nonce: [u8; NONCE_BYTES],
    hint: Vec<u8>,
    images: usize,
}

impl SealedBlock {
    /// [`BLOCK_BYTES`](super::BLOCK_BYTES) bytes in scan order.
    #[must_use]
    pub fn ciphertext(&self) -> &[u8] {
        &self.ciphertext
    }

    /// The nonce from which the secret of the block is derived.
    #[must_use]
    pub fn nonce(&self) -> &[u8; NONCE_BYTES] {
        &self.nonce
    }

    /// The [`HINT_BYTES`](super::HINT_BYTES) bytes needed to decrypt scores.
    #[must_use]
    pub fn hint(&self) -> &[u8] {
        &self.hint
    }

    /// Images in the block. The rest of the block is zero vectors.
    #[must_use]
    pub fn images(&self) -> usize {
        self.images
    }
}

impl KeyHolder {
    /// Seals 1 to 512 unit vectors of 2048 components under a new nonce and fresh noise.
    ///
    /// To change a block, seal all of it again from the exact vectors.
    ///
    /// # Errors
    /// [`Error::ImagesInBlock`], [`Error::Vector`] for the first invalid vector, [`Error::Entropy`].
    pub fn seal<V: AsRef<[f32]>>(&self, vectors: &[V]) -> Result<SealedBlock, Error> {
        let mut nonce = [0; NONCE_BYTES];
        getrandom::fill(&mut nonce)?;
        let vectors: Vec<&[f32]> = vectors.iter().map(AsRef::as_ref).collect();
        self.seal_with(&vectors, nonce, &mut Randomness::fresh()?)
    }

    /// Not generic, so that it is compiled in this crate, where everything it calls can be inlined.
    pub(super) fn seal_with(
        &self,
        vectors: &[&[f32]],
        nonce: [u8; NONCE_BYTES],
        randomness: &mut Randomness,
    ) -> Result<SealedBlock, Error> {
        let (ring, parameters) = (&self.ring, self.parameters());
        let most = parameters.block_images();
        if vectors.is_empty() || vectors.len() > most {
            return Err(Error::ImagesInBlock { most, actual: vectors.len() });
        }
        for (position, vector) in vectors.iter().enumerate() {
            encoding::check(parameters, vector).map_err(|fault| Error::Vector { position, fault })?;
        }
        let secret = self.secret.block_secret(ring, &nonce);
        let secret = secret.prepared(ring);
        let mut ciphertext = AlignedBytes::zeroed(parameters.block_bytes());
        let mut noisy = NoisyMessage::new(parameters);
        let (mut reference, mut sample) = (Polynomial::zero(parameters), Polynomial::zero(parameters));
        let mut lanes = vectors.chunks(parameters.lane_images());
        for lane in 0..LANES {
            let images = lanes.next().unwrap_or_default();
            for group in 0..parameters.groups() {
                ring.kernel().vectorised(
                    #[inline(always)]
                    || {
                        encoding::add_group(parameters, images, group, noisy.draw_noise(randomness));
                        ring.ntt_small(noisy.coefficients(), &mut sample);
                        unpack_polynomial(parameters, &self.references.stored, LANES, lane, group, &mut reference);
                        secret.add_product(ring, reference.residues(), &mut sample);
                        pack_polynomial(parameters, &mut ciphertext, LANES, lane, group, &sample);
                    },
                );
            }
        }
        let hint = self.hint(&ciphertext);
        Ok(SealedBlock { ciphertext, nonce, hint, images: vectors.len() })
    }

    /// R1 of every lane, `[lane][slot]`.
    fn hint(&self, ciphertext: &[u8]) -> Vec<u8> {
        let parameters = self.parameters();
        let mut hint = vec![0; parameters.hint_bytes()];
        let lanes = group_sums(&self.ring, ciphertext, &self.references.query);
        let (rows, _) = hint.as_chunks_mut::<ROW_BYTES>();
        for (row, (first, second)) in rows.iter_mut().zip(lanes.iter().flat_map(rows_of)) {
            pack_row(row, first, second);
        }
        hint
    }

    /// Decrypts the first `images` vectors of a block; each component has noise of about 1e-4.
    ///
    /// # Errors
    /// [`Error::Length`], [`Error::ImagesInBlock`], [`Error::Residue`]; [`Error::NotOpened`] when key, nonce or bytes
    /// are not those of the sealed block. Small changes of the bytes are not noticed: authenticate blocks where they
    /// are stored.
    pub fn open(&self, ciphertext: &[u8], nonce: &[u8; NONCE_BYTES], images: usize) -> Result<Vec<Vec<f32>>, Error> {
        let (ring, parameters) = (&self.ring, self.parameters());
        let (expected, actual) = (parameters.block_bytes(), ciphertext.len());
        if actual != expected {
            return Err(Error::Length { what: "block", expected, actual });
        }
        let most = parameters.block_images();
        if images == 0 || images > most {
            return Err(Error::ImagesInBlock { most, actual: images });
        }
        if !residues_in_range(ciphertext, parameters.primes()) {
            return Err(Error::Residue { what: "block" });
        }
        let secret = self.secret.block_secret(ring, nonce);
        let secret = secret.prepared(ring);
        let mut reference = Polynomial::zero(parameters);
        let mut vectors = Vec::with_capacity(images);
        for lane in 0..images.div_ceil(parameters.lane_images()) {
            let mut groups = Vec::with_capacity(parameters.groups());
            for group in 0..parameters.groups() {
                let mut sample = Polynomial::zero(parameters);
                ring.kernel().vectorised(
                    #[inline(always)]
                    || {
                        unpack_polynomial(parameters, ciphertext, LANES, lane, group, &mut sample);
                        unpack_polynomial(parameters, &self.references.stored, LANES, lane, group, &mut reference);
                        secret.subtract_product(ring, reference.residues(), &mut sample);
                    },
                );
                let plain = ring.to_coefficients(sample);
                groups.push(small_coefficients(plain.residues(), parameters.primes()).ok_or(Error::NotOpened)?);
            }
            let count = (images - vectors.len()).min(parameters.lane_images());
            vectors.extend(encoding::decode_lane(parameters, &groups, count));
        }
        Ok(vectors)
    }
}

/// The signed integers with these residues, if each is smaller than either prime. Message and noise are that small.
fn small_coefficients(residues: [&[u32]; 2], primes: [u32; 2]) -> Option<Vec<i32>> {
    let centred = |residue: u32, prime: u32| residue as i32 - if residue > prime / 2 { prime as i32 } else { 0 };
    let mut agree = true;
    let small = residues[0]
        .iter()
        .zip(residues[1])
        .map(|(&first, &second)| {
            let value = centred(first, primes[0]);
            agree &= value == centred(second, primes[1]);
            value
        })
        .collect();
    agree.then_some(small)
}
