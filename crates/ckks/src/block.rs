//! Sealing up to 512 unit vectors into a block. Must not reuse a nonce or noise.
//!
//! B\[l\]\[g\] = a\[l\]\[g\] s_b + e + m_(l,g); hint R1\[l\] = sum over g of B\[l\]\[g\] c\[g\].

use zeroize::Zeroizing;

use super::context::{Encryption, FreshSeeds, SEED_BYTES};
use super::encoding;
use super::error::Error;
use super::key_holder::KeyHolder;
use super::layout::{AlignedBytes, Place};
use super::parameters::{BLOCK_IMAGES, HINT_BYTES, LANES, PACKED, RESIDUE_BYTES};
use super::ring::{SmallPolynomial, Values};
use super::sampling::{NoiseBits, Randomness};

/// Bytes of a block's nonce.
pub const NONCE_BYTES: usize = SEED_BYTES;

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
    /// [`Parameters::block_bytes`](super::Parameters::block_bytes) bytes in scan order.
    #[must_use]
    pub fn ciphertext(&self) -> &[u8] {
        &self.ciphertext
    }

    /// The nonce from which the secret of the block is derived.
    #[must_use]
    pub fn nonce(&self) -> &[u8; NONCE_BYTES] {
        &self.nonce
    }

    /// The [`HINT_BYTES`] bytes needed to decrypt scores.
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

/// The scaled components of the vectors of a block, `[image][component]`. Wiped on drop.
struct Encoded {
    words: Zeroizing<Vec<i16>>,
    dimension: usize,
}

impl Encoded {
    /// Components gK..gK+K of an image.
    #[inline(always)]
    fn group(&self, image: usize, group: usize) -> &[i16] {
        &self.words[image * self.dimension + group * PACKED..][..PACKED]
    }

    fn images(&self) -> usize {
        self.words.len() / self.dimension
    }

    fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let mut bytes = Zeroizing::new(vec![0; self.words.len() * RESIDUE_BYTES]);
        for (bytes, word) in bytes.as_chunks_mut().0.iter_mut().zip(&*self.words) {
            *bytes = word.to_le_bytes();
        }
        bytes
    }
}

impl KeyHolder {
    /// Seals 1 to 512 unit vectors under a new nonce and fresh noise. A vector of zeros leaves its slot empty: it
    /// scores 0, up to the noise.
    ///
    /// To change a block, seal all of it again from the exact vectors.
    ///
    /// # Errors
    /// [`Error::ImagesInBlock`], [`Error::Vector`] for the first invalid vector, [`Error::Entropy`].
    pub fn seal<V: AsRef<[f32]>>(&self, vectors: &[V]) -> Result<SealedBlock, Error> {
        let vectors: Vec<&[f32]> = vectors.iter().map(AsRef::as_ref).collect();
        let encoded = self.encode(&vectors)?;
        let seeds = self.secret.hedged_seeds(Encryption::Block, &encoded.to_bytes())?;
        Ok(self.seal_encoded(&encoded, &seeds))
    }

    /// The same with given randomness.
    #[cfg(test)]
    pub(super) fn seal_with(&self, vectors: &[&[f32]], seeds: &FreshSeeds) -> Result<SealedBlock, Error> {
        Ok(self.seal_encoded(&self.encode(vectors)?, seeds))
    }

    fn encode(&self, vectors: &[&[f32]]) -> Result<Encoded, Error> {
        let parameters = self.parameters();
        if vectors.is_empty() || vectors.len() > BLOCK_IMAGES {
            return Err(Error::ImagesInBlock { most: BLOCK_IMAGES, actual: vectors.len() });
        }
        for (position, vector) in vectors.iter().enumerate() {
            encoding::check_stored(parameters, vector).map_err(|fault| Error::Vector { position, fault })?;
        }
        let dimension = parameters.dimension();
        let mut words = Zeroizing::new(vec![0; vectors.len() * dimension]);
        self.ring.kernel().vectorised(
            #[inline(always)]
            || {
                for (vector, words) in vectors.iter().zip(words.chunks_exact_mut(dimension)) {
                    encoding::encode_stored(vector, words);
                }
            },
        );
        Ok(Encoded { words, dimension })
    }

    fn seal_encoded(&self, encoded: &Encoded, seeds: &FreshSeeds) -> SealedBlock {
        let (ring, groups) = (&self.ring, self.parameters().groups());
        let kernel = ring.kernel();
        let secret = self.block_secret(&self.secret.block_seeds(&seeds.nonce));
        let mut randomness = Randomness::from_seed(&seeds.noise, 0);
        let (mut bits, mut noisy, mut sample) = (NoiseBits::new(), SmallPolynomial::zero(), Values::zero());
        let mut ciphertext = AlignedBytes::zeroed(self.parameters().block_bytes());
        let mut hint = vec![0; HINT_BYTES];
        for (lane, references) in self.references.stored.iter().enumerate() {
            let mut hint_values = Values::zero();
            for (group, (reference, query)) in references.iter().zip(&self.references.query).enumerate() {
                kernel.vectorised(
                    #[inline(always)]
                    || {
                        bits.draw(&mut randomness, &mut noisy);
                        add_message(encoded, lane, group, noisy.coefficients());
                    },
                );
                ring.transform_small(&noisy, &mut sample);
                ring.add_product(&mut sample, &secret, reference);
                ring.add_product(&mut hint_values, &sample, query);
                ring.write(&mut ciphertext, Place { groups, group, lanes: LANES, lane }, &sample);
            }
            ring.write(&mut hint, Place { groups: 1, group: 0, lanes: LANES, lane }, &hint_values);
        }
        SealedBlock { ciphertext, nonce: seeds.nonce, hint, images: encoded.images() }
    }
}

/// Adds m_(l,g). Image 8i + l is image i of lane l; missing images are zero vectors.
#[inline(always)]
fn add_message(encoded: &Encoded, lane: usize, group: usize, coefficients: &mut [i16]) {
    let images = (lane..encoded.images()).step_by(LANES);
    for (image, coefficients) in images.zip(coefficients.as_chunks_mut::<PACKED>().0) {
        for (coefficient, &scaled) in coefficients.iter_mut().zip(encoded.group(image, group)) {
            *coefficient += scaled;
        }
    }
}
