//! Packing of weights into panels, in the order in which the micro-kernel reads them.
//!
//! A matrix of `inputs` x `outputs` is cut into panels of [`tile_columns`] outputs each, laid out as
//! `[step][output][input of the step]`, where a step is [`Arithmetic::K_STEP`] inputs. See Goto, van de Geijn: Anatomy
//! of High-Performance Matrix Multiplication, ACM TOMS 2008.

use std::io;

use rayon::prelude::*;

use super::buffer::PageBuffer;
use super::simd::{Arithmetic, Element, tile_columns};

/// Packed matrices of one size: one, or with Winograd one for each element of a transformed tile.
pub(crate) struct PackedWeights<A: Arithmetic> {
    pages: PageBuffer,
    /// Elements of a panel.
    panel: usize,
    /// Elements of a matrix.
    matrix: usize,
    pub(crate) outputs: usize,
    arithmetic: A,
}

impl<A: Arithmetic> PackedWeights<A> {
    /// Packs `count` matrices. `column(output, weights)` writes the weights of one output in all matrices:
    /// `[matrix][input]`.
    pub(crate) fn new(
        arithmetic: A,
        count: usize,
        [inputs, outputs]: [usize; 2],
        column: impl Fn(usize, &mut [f32]) + Sync,
    ) -> io::Result<Self> {
        let width = tile_columns::<A>();
        assert!(outputs.is_multiple_of(width) && inputs.is_multiple_of(A::K_STEP), "whole panels of whole steps");
        let (panel, matrix) = (inputs * width, inputs * outputs);
        let mut pages = PageBuffer::for_numbers::<A::Element>(count * matrix)?;
        // A task packs the panels of the same outputs in all matrices.
        let mut groups: Vec<Vec<&mut [A::Element]>> = (0..outputs / width).map(|_| Vec::with_capacity(count)).collect();
        for (at, panel) in pages.numbers_mut()[..count * matrix].chunks_exact_mut(panel).enumerate() {
            groups[at % (outputs / width)].push(panel);
        }
        groups.into_par_iter().enumerate().for_each(|(group, mut panels)| {
            let mut weights = vec![0.0; count * inputs];
            for output in 0..width {
                column(group * width + output, &mut weights);
                for (panel, weights) in panels.iter_mut().zip(weights.chunks_exact(inputs)) {
                    let steps = panel.chunks_exact_mut(width * A::K_STEP);
                    for (step, weights) in steps.zip(weights.chunks_exact(A::K_STEP)) {
                        for (to, weight) in step[output * A::K_STEP..].iter_mut().zip(weights) {
                            *to = A::Element::from_f32(*weight);
                        }
                    }
                }
            }
        });
        Ok(Self { pages, panel, matrix, outputs, arithmetic })
    }

    pub(crate) fn arithmetic(&self) -> A {
        self.arithmetic
    }

    /// Bytes of one matrix.
    pub(crate) fn matrix_bytes(&self) -> usize {
        self.matrix * size_of::<A::Element>()
    }

    /// The panels of one matrix in order.
    pub(crate) fn panels(&self, matrix: usize) -> impl Iterator<Item = &[A::Element]> {
        self.pages.numbers()[matrix * self.matrix..][..self.matrix].chunks_exact(self.panel)
    }
}
