//! The one hot loop: rows of activations times a panel of weights, all sums of a tile in registers.
//!
//! What happens to the sums (bias, residual, relu) happens before they leave the registers.
#![expect(unsafe_code, reason = "the loop reads through pointers, its bounds checked once before it")]

use super::arithmetic::{Arithmetic, Lanes, Vector, width};

/// No tile has more rows.
pub(super) const MOST_ROWS: usize = 14;

/// Rows of a matrix somewhere in memory.
#[derive(Clone, Copy)]
pub(super) struct Rows<'a, T> {
    pub(super) numbers: &'a [T],
    /// Numbers from one row to the next.
    pub(super) stride: usize,
}

impl<'a, T> Rows<'a, T> {
    /// What begins at this row and column.
    pub(super) fn at(self, row: usize, column: usize) -> Self {
        Self { numbers: &self.numbers[row * self.stride + column..], ..self }
    }

    /// Whether `rows` rows of `columns` columns are there.
    #[inline(always)]
    fn holds(&self, rows: usize, columns: usize) -> bool {
        holds(self.numbers, self.stride, rows, columns)
    }
}

#[inline(always)]
fn holds<T>(numbers: &[T], stride: usize, rows: usize, columns: usize) -> bool {
    numbers.len() >= (rows - 1) * stride + columns
}

/// Where the sums of a panel's columns begin and where they go. A half is one of the two vectors of a row.
pub(super) trait Finish<A: Arithmetic> {
    /// Whether `rows` rows can be finished.
    fn has_room(&self, rows: usize) -> bool;

    /// # Safety
    /// Called only if [`Self::has_room`].
    unsafe fn start(&self, arithmetic: A, half: usize) -> Vector<A>;

    /// # Safety
    /// As [`Self::start`], for one of those rows.
    unsafe fn finish(&mut self, arithmetic: A, row: usize, half: usize, sum: Vector<A>);
}

/// The sums as they are.
pub(super) struct Sums<'a> {
    pub(super) numbers: &'a mut [f32],
    pub(super) stride: usize,
}

impl<A: Arithmetic> Finish<A> for Sums<'_> {
    #[inline(always)]
    fn has_room(&self, rows: usize) -> bool {
        holds(self.numbers, self.stride, rows, width::<A>())
    }

    #[inline(always)]
    unsafe fn start(&self, arithmetic: A, _half: usize) -> Vector<A> {
        arithmetic.lanes().splat(0.0)
    }

    #[inline(always)]
    unsafe fn finish(&mut self, arithmetic: A, row: usize, half: usize, sum: Vector<A>) {
        // SAFETY: there is room for this row, and half of the tile's width is a vector.
        unsafe {
            let to = self.numbers.as_mut_ptr().add(row * self.stride + half * A::Lanes::COUNT);
            arithmetic.lanes().store(to, sum);
        }
    }
}

/// The layer's outputs: `max(sum + bias + residual, floor)`.
pub(super) struct Outputs<'a, T> {
    pub(super) numbers: &'a mut [T],
    pub(super) stride: usize,
    pub(super) bias: &'a [f32],
    pub(super) residual: Option<Rows<'a, T>>,
    pub(super) floor: f32,
}

impl<A: Arithmetic> Finish<A> for Outputs<'_, A::Stored> {
    #[inline(always)]
    fn has_room(&self, rows: usize) -> bool {
        holds(self.numbers, self.stride, rows, width::<A>())
            && self.bias.len() >= width::<A>()
            && self.residual.is_none_or(|residual| residual.holds(rows, width::<A>()))
    }

    #[inline(always)]
    unsafe fn start(&self, arithmetic: A, half: usize) -> Vector<A> {
        // SAFETY: the bias is as wide as the tile.
        unsafe { arithmetic.lanes().load(self.bias.as_ptr().add(half * A::Lanes::COUNT)) }
    }

    #[inline(always)]
    unsafe fn finish(&mut self, arithmetic: A, row: usize, half: usize, mut sum: Vector<A>) {
        let lanes = arithmetic.lanes();
        let column = half * A::Lanes::COUNT;
        // SAFETY: outputs and residual hold this row, and half of the tile's width is a vector.
        unsafe {
            if let Some(residual) = self.residual {
                let residual = residual.numbers.as_ptr().add(row * residual.stride + column);
                sum = lanes.add(sum, arithmetic.load(residual));
            }
            let to = self.numbers.as_mut_ptr().add(row * self.stride + column);
            arithmetic.store(to, lanes.maximum(sum, lanes.splat(self.floor)));
        }
    }
}

/// Multiplies the first `rows` rows of `input` by `panel`, in tiles of about equal height.
pub(super) fn multiply<A: Arithmetic, F: Finish<A>>(
    arithmetic: A,
    rows: usize,
    input: Rows<'_, A::Stored>,
    panel: &[A::Stored],
    mut finish: F,
) {
    let tiles = rows.div_ceil(A::Lanes::ROWS);
    let mut first = 0;
    for tile in 0..tiles {
        let height = rows / tiles + usize::from(tile < rows % tiles);
        let finish = &mut finish;
        match height {
            1 => tile_of::<A, F, 1>(arithmetic, first, input, panel, finish),
            2 => tile_of::<A, F, 2>(arithmetic, first, input, panel, finish),
            3 => tile_of::<A, F, 3>(arithmetic, first, input, panel, finish),
            4 => tile_of::<A, F, 4>(arithmetic, first, input, panel, finish),
            5 => tile_of::<A, F, 5>(arithmetic, first, input, panel, finish),
            6 => tile_of::<A, F, 6>(arithmetic, first, input, panel, finish),
            7 => tile_of::<A, F, 7>(arithmetic, first, input, panel, finish),
            8 => tile_of::<A, F, 8>(arithmetic, first, input, panel, finish),
            9 => tile_of::<A, F, 9>(arithmetic, first, input, panel, finish),
            10 => tile_of::<A, F, 10>(arithmetic, first, input, panel, finish),
            11 => tile_of::<A, F, 11>(arithmetic, first, input, panel, finish),
            12 => tile_of::<A, F, 12>(arithmetic, first, input, panel, finish),
            13 => tile_of::<A, F, 13>(arithmetic, first, input, panel, finish),
            MOST_ROWS => tile_of::<A, F, MOST_ROWS>(arithmetic, first, input, panel, finish),
            _ => unreachable!("no tile is higher than `Lanes::ROWS`"),
        }
        first += height;
    }
}

/// The tile of `ROWS` rows from row `first`.
fn tile_of<A: Arithmetic, F: Finish<A>, const ROWS: usize>(
    arithmetic: A,
    first: usize,
    input: Rows<'_, A::Stored>,
    panel: &[A::Stored],
    finish: &mut F,
) {
    // Known when this is compiled: tiles that do not fit the registers cost no code.
    if ROWS > A::Lanes::ROWS {
        unreachable!("no tile is higher than `Lanes::ROWS`");
    }
    let step = width::<A>() * A::DEPTH;
    let steps = panel.len() / step;
    let inside = input.holds(first + ROWS, steps * A::DEPTH) && finish.has_room(first + ROWS);
    assert!(inside, "a tile stays inside its matrices");
    let input = input.at(first, 0);
    arithmetic.vectorised(|| {
        // SAFETY: the tile has room.
        let mut sums = unsafe { [[finish.start(arithmetic, 0), finish.start(arithmetic, 1)]; ROWS] };
        for number in 0..steps {
            // SAFETY: the panel has that many steps, each as long as two vectors' factors; each row of the input has a
            // number for each of them.
            unsafe {
                let weights = panel.as_ptr().add(number * step);
                let weights = [arithmetic.factors(weights), arithmetic.factors(weights.add(step / 2))];
                let column = input.numbers.as_ptr().add(number * A::DEPTH);
                for (row, sums) in sums.iter_mut().enumerate() {
                    let left = arithmetic.repeated(column.add(row * input.stride));
                    for (sum, right) in sums.iter_mut().zip(weights) {
                        *sum = arithmetic.accumulate(*sum, left, right);
                    }
                }
            }
        }
        for (row, sums) in sums.into_iter().enumerate() {
            for (half, sum) in sums.into_iter().enumerate() {
                // SAFETY: the tile has room.
                unsafe { finish.finish(arithmetic, first + row, half, sum) };
            }
        }
    });
}
