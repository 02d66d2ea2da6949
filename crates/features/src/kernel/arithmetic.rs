//! What the layers need of a processor: vectors of f32, and products of numbers as activations and weights hold them.
//!
//! A layer is written once, over [`Arithmetic`], and compiled for each set of instructions. A value of [`Lanes`] is proof
//! that the processor has the instructions, so a body given to [`Lanes::vectorised`] may use them. They hold for what is
//! inlined into the body: what it calls is `#[inline(always)]`.
#![expect(unsafe_code, reason = "loads and stores through pointers, for vectors of any width; memory read as numbers")]

/// Vectors of f32 by one set of instructions.
pub(super) trait Lanes: Copy + Send + Sync + 'static {
    /// [`Self::COUNT`] numbers.
    type Vector: Copy;

    const COUNT: usize;
    /// Rows of the largest tile whose sums, two vectors a row, fit the registers; at most [`super::tile::MOST_ROWS`].
    const ROWS: usize;

    /// Runs `body` compiled for these instructions.
    fn vectorised<R>(self, body: impl FnOnce() -> R) -> R;

    fn splat(self, value: f32) -> Self::Vector;
    fn add(self, left: Self::Vector, right: Self::Vector) -> Self::Vector;
    fn subtract(self, left: Self::Vector, right: Self::Vector) -> Self::Vector;
    /// `left * right + sum`, rounded once where the processor can.
    fn multiply_add(self, left: Self::Vector, right: Self::Vector, sum: Self::Vector) -> Self::Vector;
    fn maximum(self, left: Self::Vector, right: Self::Vector) -> Self::Vector;

    /// # Safety
    /// `from` is valid for reads of [`Self::COUNT`] numbers.
    unsafe fn load(self, from: *const f32) -> Self::Vector;

    /// # Safety
    /// `to` is valid for writes of [`Self::COUNT`] numbers.
    unsafe fn store(self, to: *mut f32, values: Self::Vector);
}

/// A number as activations and weights hold it.
///
/// # Safety
/// Any bits are a number, and all bits zero are zero: memory is read as numbers whatever was in it.
pub(super) unsafe trait Number: Copy + Send + Sync + 'static {
    /// The nearest number of this kind.
    fn nearest(value: f32) -> Self;

    fn value(self) -> f32;
}

// SAFETY: true of IEEE 754.
unsafe impl Number for f32 {
    fn nearest(value: f32) -> Self {
        value
    }

    fn value(self) -> f32 {
        self
    }
}

/// How numbers are held and multiplied. Sums are f32 always.
pub(super) trait Arithmetic: Copy + Send + Sync + 'static {
    type Lanes: Lanes;
    type Stored: Number;
    /// As many stored numbers for each lane as one instruction multiplies and adds up.
    type Factors: Copy;

    /// Numbers of [`Self::Factors`] for each lane.
    const DEPTH: usize;

    fn lanes(self) -> Self::Lanes;

    /// Runs `body` compiled for these instructions.
    fn vectorised<R>(self, body: impl FnOnce() -> R) -> R;

    /// `sum + left * right`, in each lane the sum over its products.
    fn accumulate(self, sum: Vector<Self>, left: Self::Factors, right: Self::Factors) -> Vector<Self>;

    /// # Safety
    /// `from` is valid for reads of a number for each lane.
    unsafe fn load(self, from: *const Self::Stored) -> Vector<Self>;

    /// # Safety
    /// `to` is valid for writes of a number for each lane.
    unsafe fn store(self, to: *mut Self::Stored, values: Vector<Self>);

    /// # Safety
    /// `from` is valid for reads of [`Self::DEPTH`] numbers for each lane.
    unsafe fn factors(self, from: *const Self::Stored) -> Self::Factors;

    /// The same [`Self::DEPTH`] numbers in every lane.
    ///
    /// # Safety
    /// `from` is valid for reads of [`Self::DEPTH`] numbers.
    unsafe fn repeated(self, from: *const Self::Stored) -> Self::Factors;
}

/// The vectors of some arithmetic's sums.
pub(super) type Vector<A> = <<A as Arithmetic>::Lanes as Lanes>::Vector;

/// Outputs that a tile computes at once, and columns of a panel: two vectors.
pub(super) const fn width<A: Arithmetic>() -> usize {
    2 * A::Lanes::COUNT
}

/// f32 held as it is.
#[derive(Clone, Copy)]
pub(super) struct Single<L>(pub(super) L);

impl<L: Lanes> Arithmetic for Single<L> {
    type Lanes = L;
    type Stored = f32;
    type Factors = L::Vector;

    const DEPTH: usize = 1;

    #[inline(always)]
    fn lanes(self) -> L {
        self.0
    }

    fn vectorised<R>(self, body: impl FnOnce() -> R) -> R {
        self.0.vectorised(body)
    }

    #[inline(always)]
    fn accumulate(self, sum: L::Vector, left: L::Vector, right: L::Vector) -> L::Vector {
        self.0.multiply_add(left, right, sum)
    }

    #[inline(always)]
    unsafe fn load(self, from: *const f32) -> L::Vector {
        // SAFETY: the caller's; so below.
        unsafe { self.0.load(from) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32, values: L::Vector) {
        // SAFETY: as in `load`.
        unsafe { self.0.store(to, values) }
    }

    #[inline(always)]
    unsafe fn factors(self, from: *const f32) -> L::Vector {
        // SAFETY: as in `load`.
        unsafe { self.0.load(from) }
    }

    #[inline(always)]
    unsafe fn repeated(self, from: *const f32) -> L::Vector {
        // SAFETY: as in `load`.
        self.0.splat(unsafe { *from })
    }
}
