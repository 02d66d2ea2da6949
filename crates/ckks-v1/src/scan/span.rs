//! The data of the inner loop: pieces of a block and of a query, and their sums of products.

use crate::layout::{PIECE_BYTES, TILE};
use crate::parameters::LANES;

/// How far ahead the kernels prefetch. The arithmetic fills the reorder buffer, so the processor itself looks few cache
/// lines ahead. Of 0 to 16 KiB, 16 was the fastest on a Xeon (1.27 instead of 1.7 times the time of a plain scan, at 9
/// GB/s of memory bandwidth), 4 to 8 on a Zen 4 (by 5 % with AVX-512 and 10 % with AVX2).
#[cfg(target_arch = "x86_64")]
pub(super) const PREFETCH_BYTES: usize = 8 << 10;

/// Sums of products: `[lane][prime][slot mod 8]`. At most 64 groups of 4 tiles: 256 products below 2^40 a sum.
pub(crate) type Sums = [[[u64; TILE]; 2]; LANES];

/// The pieces of 8 lanes, in memory order.
pub(super) type BlockPieces = [[u8; PIECE_BYTES]; LANES];
/// A piece of a query.
pub(super) type QueryPiece = [u8; PIECE_BYTES];
