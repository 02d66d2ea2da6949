//! How many photos to embed at once.

/// Photos worth passing to [`Embedder::embed`](crate::Embedder::embed) in one call: several for each thread of the
/// current rayon pool, so that threads idle little at the end of a batch; bounded, because all of them are in memory
/// together.
#[must_use]
pub fn batch_size() -> usize {
    (4 * rayon::current_num_threads()).clamp(8, 32)
}
