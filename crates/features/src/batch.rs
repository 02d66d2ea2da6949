//! How many photos to embed at once.

/// A good number of photos for one call of [`Embedder::embed`](crate::Embedder::embed): several per thread of the
/// current rayon pool, so that threads idle little at the end of a batch, but bounded, because all of them are in
/// memory together.
#[must_use]
pub fn batch_size() -> usize {
    (4 * rayon::current_num_threads()).clamp(8, 32)
}
