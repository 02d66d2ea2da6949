//! Weights in the order in which tiles read them.
//!
//! A matrix of `inputs` x `outputs` is cut into panels of [`width`] outputs. A panel holds for each step (of
//! [`Arithmetic::DEPTH`] inputs) the weights of its outputs side by side, an output's inputs together.

use std::io;

use rayon::prelude::*;

use super::arithmetic::{Arithmetic, Number, width};
use super::memory::Memory;

/// Matrices of the same size: one, or one for each of a transformed window's numbers.
pub(super) struct Panels<A: Arithmetic> {
    memory: Memory,
    panel: usize,
    matrix: usize,
    pub(super) outputs: usize,
    arithmetic: A,
}

impl<A: Arithmetic> Panels<A> {
    /// `count` matrices. `column(output, weights)` gives the weights of one output in all of them:
    /// `weights[matrix * inputs + input]`.
    pub(super) fn new(
        arithmetic: A,
        count: usize,
        [inputs, outputs]: [usize; 2],
        column: impl Fn(usize, &mut [f32]) + Sync,
    ) -> io::Result<Self> {
        let width = width::<A>();
        assert!(outputs.is_multiple_of(width) && inputs.is_multiple_of(A::DEPTH), "whole panels of whole steps");
        let (panel, matrix) = (inputs * width, inputs * outputs);
        let mut memory = Memory::for_numbers::<A::Stored>(count * matrix)?;
        // A group of panels, one of each matrix, holds the same outputs: it is one task.
        let mut groups: Vec<Vec<&mut [A::Stored]>> = (0..outputs / width).map(|_| Vec::with_capacity(count)).collect();
        for (at, panel) in memory.numbers_mut()[..count * matrix].chunks_exact_mut(panel).enumerate() {
            groups[at % (outputs / width)].push(panel);
        }
        groups.into_par_iter().enumerate().for_each(|(group, mut panels)| {
            let mut weights = vec![0.0; count * inputs];
            for output in 0..width {
                column(group * width + output, &mut weights);
                for (panel, weights) in panels.iter_mut().zip(weights.chunks_exact(inputs)) {
                    let steps = panel.chunks_exact_mut(width * A::DEPTH);
                    for (step, weights) in steps.zip(weights.chunks_exact(A::DEPTH)) {
                        for (to, weight) in step[output * A::DEPTH..].iter_mut().zip(weights) {
                            *to = A::Stored::nearest(*weight);
                        }
                    }
                }
            }
        });
        Ok(Self { memory, panel, matrix, outputs, arithmetic })
    }

    pub(super) fn arithmetic(&self) -> A {
        self.arithmetic
    }

    /// Bytes of one matrix.
    pub(super) fn matrix_bytes(&self) -> usize {
        self.matrix * size_of::<A::Stored>()
    }

    /// The panels of one matrix, in the order of their outputs.
    pub(super) fn matrix(&self, number: usize) -> impl Iterator<Item = &[A::Stored]> {
        self.memory.numbers()[number * self.matrix..][..self.matrix].chunks_exact(self.panel)
    }
}
