//! The inner loop of every convolution: rows of a matrix times a packed panel, with the sums of a tile in registers.
//!
//! An [`Epilogue`] initialises the sums, and applies bias, residual and activation before they are stored. See Van Zee,
//! van de Geijn: BLIS, ACM TOMS 2015, for micro-kernels and panels.
#![expect(unsafe_code, reason = "the loop reads through pointers after one check of bounds")]

use super::simd::{Arithmetic, Simd, Vector, tile_columns};

/// The largest [`Simd::TILE_ROWS`].
pub(crate) const MAX_TILE_ROWS: usize = 14;

/// A matrix in memory, row by row.
#[derive(Clone, Copy)]
pub(crate) struct MatrixView<'a, T> {
    pub(crate) numbers: &'a [T],
    /// Elements from one row to the next.
    pub(crate) stride: usize,
}

impl<'a, T> MatrixView<'a, T> {
    /// The part starting at this row and column.
    pub(crate) fn at(self, row: usize, column: usize) -> Self {
        Self { numbers: &self.numbers[row * self.stride + column..], ..self }
    }

    /// Whether it has `rows` rows of `columns` columns.
    #[inline(always)]
    fn holds(&self, rows: usize, columns: usize) -> bool {
        holds(self.numbers, self.stride, rows, columns)
    }
}

#[inline(always)]
fn holds<T>(numbers: &[T], stride: usize, rows: usize, columns: usize) -> bool {
    numbers.len() >= (rows - 1) * stride + columns
}

/// The initial value and the destination of the sums of one panel. Each row has two vectors, numbered by `half`.
pub(crate) trait Epilogue<A: Arithmetic> {
    /// Whether `rows` rows can be stored.
    fn has_room(&self, rows: usize) -> bool;

    /// # Safety
    /// [`Self::has_room`] for at least one row.
    unsafe fn initial(&self, arithmetic: A, half: usize) -> Vector<A>;

    /// # Safety
    /// [`Self::has_room`] for more than `row` rows.
    unsafe fn store(&mut self, arithmetic: A, row: usize, half: usize, sum: Vector<A>);
}

/// Stores the sums.
pub(crate) struct StoreSums<'a> {
    pub(crate) numbers: &'a mut [f32],
    pub(crate) stride: usize,
}

impl<A: Arithmetic> Epilogue<A> for StoreSums<'_> {
    #[inline(always)]
    fn has_room(&self, rows: usize) -> bool {
        holds(self.numbers, self.stride, rows, tile_columns::<A>())
    }

    #[inline(always)]
    unsafe fn initial(&self, arithmetic: A, _half: usize) -> Vector<A> {
        arithmetic.simd().splat(0.0)
    }

    #[inline(always)]
    unsafe fn store(&mut self, arithmetic: A, row: usize, half: usize, sum: Vector<A>) {
        // SAFETY: there is room for this row of two vectors.
        unsafe {
            let to = self.numbers.as_mut_ptr().add(row * self.stride + half * A::Simd::LANES);
            arithmetic.simd().store(to, sum);
        }
    }
}

/// Stores `max(sum + bias + residual, floor)`.
pub(crate) struct BiasActivation<'a, T> {
    pub(crate) numbers: &'a mut [T],
    pub(crate) stride: usize,
    pub(crate) bias: &'a [f32],
    pub(crate) residual: Option<MatrixView<'a, T>>,
    pub(crate) floor: f32,
}

impl<A: Arithmetic> Epilogue<A> for BiasActivation<'_, A::Element> {
    #[inline(always)]
    fn has_room(&self, rows: usize) -> bool {
        holds(self.numbers, self.stride, rows, tile_columns::<A>())
            && self.bias.len() >= tile_columns::<A>()
            && self.residual.is_none_or(|residual| residual.holds(rows, tile_columns::<A>()))
    }

    #[inline(always)]
    unsafe fn initial(&self, arithmetic: A, half: usize) -> Vector<A> {
        // SAFETY: the bias is two vectors long.
        unsafe { arithmetic.simd().load(self.bias.as_ptr().add(half * A::Simd::LANES)) }
    }

    #[inline(always)]
    unsafe fn store(&mut self, arithmetic: A, row: usize, half: usize, mut sum: Vector<A>) {
        let simd = arithmetic.simd();
        let column = half * A::Simd::LANES;
        // SAFETY: outputs and residual have room for this row of two vectors.
        unsafe {
            if let Some(residual) = self.residual {
                let residual = residual.numbers.as_ptr().add(row * residual.stride + column);
                sum = simd.add(sum, arithmetic.load(residual));
            }
            let to = self.numbers.as_mut_ptr().add(row * self.stride + column);
            arithmetic.store(to, simd.maximum(sum, simd.splat(self.floor)));
        }
    }
}

/// Multiplies the first `rows` rows of `input` by `panel`, in tiles of nearly equal height.
pub(crate) fn gemm_panel<A: Arithmetic, F: Epilogue<A>>(
    arithmetic: A,
    rows: usize,
    input: MatrixView<'_, A::Element>,
    panel: &[A::Element],
    mut epilogue: F,
) {
    let tiles = rows.div_ceil(A::Simd::TILE_ROWS);
    let mut first = 0;
    for tile in 0..tiles {
        let height = rows / tiles + usize::from(tile < rows % tiles);
        let epilogue = &mut epilogue;
        match height {
            1 => micro_kernel::<A, F, 1>(arithmetic, first, input, panel, epilogue),
            2 => micro_kernel::<A, F, 2>(arithmetic, first, input, panel, epilogue),
            3 => micro_kernel::<A, F, 3>(arithmetic, first, input, panel, epilogue),
            4 => micro_kernel::<A, F, 4>(arithmetic, first, input, panel, epilogue),
            5 => micro_kernel::<A, F, 5>(arithmetic, first, input, panel, epilogue),
            6 => micro_kernel::<A, F, 6>(arithmetic, first, input, panel, epilogue),
            7 => micro_kernel::<A, F, 7>(arithmetic, first, input, panel, epilogue),
            8 => micro_kernel::<A, F, 8>(arithmetic, first, input, panel, epilogue),
            9 => micro_kernel::<A, F, 9>(arithmetic, first, input, panel, epilogue),
            10 => micro_kernel::<A, F, 10>(arithmetic, first, input, panel, epilogue),
            11 => micro_kernel::<A, F, 11>(arithmetic, first, input, panel, epilogue),
            12 => micro_kernel::<A, F, 12>(arithmetic, first, input, panel, epilogue),
            13 => micro_kernel::<A, F, 13>(arithmetic, first, input, panel, epilogue),
            MAX_TILE_ROWS => micro_kernel::<A, F, MAX_TILE_ROWS>(arithmetic, first, input, panel, epilogue),
            _ => unreachable!("no tile is higher than `Simd::TILE_ROWS`"),
        }
        first += height;
    }
}

/// One tile of `ROWS` rows, starting at row `first`.
fn micro_kernel<A: Arithmetic, F: Epilogue<A>, const ROWS: usize>(
    arithmetic: A,
    first: usize,
    input: MatrixView<'_, A::Element>,
    panel: &[A::Element],
    epilogue: &mut F,
) {
    // A constant condition: no code is generated for tiles that do not fit into the registers.
    if ROWS > A::Simd::TILE_ROWS {
        unreachable!("no tile is higher than `Simd::TILE_ROWS`");
    }
    let step = tile_columns::<A>() * A::K_STEP;
    let steps = panel.len() / step;
    let inside = input.holds(first + ROWS, steps * A::K_STEP) && epilogue.has_room(first + ROWS);
    assert!(inside, "a tile stays inside its matrices");
    let input = input.at(first, 0);
    arithmetic.vectorised(|| {
        // SAFETY: the tile has room.
        let mut sums = unsafe { [[epilogue.initial(arithmetic, 0), epilogue.initial(arithmetic, 1)]; ROWS] };
        for number in 0..steps {
            // SAFETY: the panel has `steps` steps of two operands each, and each row of the input has as many elements.
            unsafe {
                let weights = panel.as_ptr().add(number * step);
                let weights = [arithmetic.load_operand(weights), arithmetic.load_operand(weights.add(step / 2))];
                let column = input.numbers.as_ptr().add(number * A::K_STEP);
                for (row, sums) in sums.iter_mut().enumerate() {
                    let left = arithmetic.broadcast(column.add(row * input.stride));
                    for (sum, right) in sums.iter_mut().zip(weights) {
                        *sum = arithmetic.accumulate(*sum, left, right);
                    }
                }
            }
        }
        for (row, sums) in sums.into_iter().enumerate() {
            for (half, sum) in sums.into_iter().enumerate() {
                // SAFETY: the tile has room.
                unsafe { epilogue.store(arithmetic, first + row, half, sum) };
            }
        }
    });
}
