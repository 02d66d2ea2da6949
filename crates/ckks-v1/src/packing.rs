//! Polynomials in the rows of a block, a query or a hint.

use super::layout::{PIECE_BYTES, ROW_BYTES, TILE, pack_row, unpack_row};
use super::parameters::Parameters;
use super::ring::{Evaluation, Polynomial};

/// First byte of a row of a block (`lanes` = 8) or of a query (`lanes` = 1).
#[inline(always)]
fn row_offset(parameters: &Parameters, lanes: usize, tile: usize, lane: usize, group: usize) -> usize {
    let chunks = parameters.groups() / TILE;
    ((tile * chunks + group / TILE) * lanes + lane) * PIECE_BYTES + group % TILE * ROW_BYTES
}

/// Rows of a polynomial as pairs of 8 residues.
#[inline(always)]
pub(super) fn rows_of(polynomial: &Polynomial<Evaluation>) -> impl Iterator<Item = (&[u32; TILE], &[u32; TILE])> {
    let [first, second] = polynomial.residues();
    first.as_chunks().0.iter().zip(second.as_chunks().0)
}

/// Writes a polynomial into its rows of a block or a query.
#[inline(always)]
pub(super) fn pack_polynomial(
    parameters: &Parameters,
    bytes: &mut [u8],
    lanes: usize,
    lane: usize,
    group: usize,
    polynomial: &Polynomial<Evaluation>,
) {
    for (tile, (first, second)) in rows_of(polynomial).enumerate() {
        let at = row_offset(parameters, lanes, tile, lane, group);
        let row = bytes[at..].first_chunk_mut().expect("the offset is inside a block of these parameters");
        pack_row(row, first, second);
    }
}

/// Reads a polynomial from its rows of a block or a query.
#[inline(always)]
pub(super) fn unpack_polynomial(
    parameters: &Parameters,
    bytes: &[u8],
    lanes: usize,
    lane: usize,
    group: usize,
    polynomial: &mut Polynomial<Evaluation>,
) {
    let [first, second] = polynomial.residues_mut();
    let rows = first.as_chunks_mut::<TILE>().0.iter_mut().zip(second.as_chunks_mut::<TILE>().0);
    for (tile, (first, second)) in rows.enumerate() {
        let at = row_offset(parameters, lanes, tile, lane, group);
        let row = bytes[at..].first_chunk().expect("the offset is inside a block of these parameters");
        [*first, *second] = unpack_row(row);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::AlignedBytes;

    #[test]
    fn offsets_are_pinned() {
        let set = Parameters::V1;
        assert_eq!(row_offset(&set, 8, 0, 0, 1), 40);
        assert_eq!(row_offset(&set, 8, 0, 1, 0), 320);
        assert_eq!(row_offset(&set, 8, 0, 0, 8), 8 * 320);
        assert_eq!(row_offset(&set, 8, 1, 0, 0), 8 * 8 * 320);
        assert_eq!(row_offset(&set, 8, 255, 7, 63), set.block_bytes() - ROW_BYTES);
        assert_eq!(row_offset(&set, 1, 255, 0, 63), set.query_bytes() - ROW_BYTES);
    }

    #[test]
    fn a_polynomial_keeps_its_place() {
        let set = Parameters::SMALL;
        let mut polynomial = Polynomial::zero(&set);
        for (slot, residue) in polynomial.residues_mut()[1].iter_mut().enumerate() {
            *residue = slot as u32;
        }
        let mut bytes = AlignedBytes::zeroed(set.block_bytes());
        pack_polynomial(&set, &mut bytes, 8, 3, 5, &polynomial);
        let mut back = Polynomial::zero(&set);
        unpack_polynomial(&set, &bytes, 8, 3, 5, &mut back);
        assert_eq!(back.residues(), polynomial.residues());
        unpack_polynomial(&set, &bytes, 8, 3, 4, &mut back);
        assert!(back.residues()[1].iter().all(|&residue| residue == 0));
    }
}
