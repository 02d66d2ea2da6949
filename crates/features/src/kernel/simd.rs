//! The interface of layers to an instruction set: [`Simd`], vectors of f32, and [`Arithmetic`], products of stored
//! elements.
//!
//! A value of a [`Simd`] type proves that the processor has the instructions, so [`Simd::vectorised`] can compile its
//! body with them. This affects only code inlined into the body: mark what it calls `#[inline(always)]`.
#![expect(unsafe_code, reason = "loads and stores through pointers; any bytes are valid elements")]

/// Vectors of f32 in one instruction set.
pub(crate) trait Simd: Copy + Send + Sync + 'static {
    type Vector: Copy;

    /// f32 in a vector.
    const LANES: usize;
    /// Rows of the largest tile whose accumulators, two vectors per row, fit into the registers; at most 14.
    const TILE_ROWS: usize;

    /// Runs `body`, compiled with these instructions.
    fn vectorised<R>(self, body: impl FnOnce() -> R) -> R;

    fn splat(self, value: f32) -> Self::Vector;
    fn add(self, left: Self::Vector, right: Self::Vector) -> Self::Vector;
    fn subtract(self, left: Self::Vector, right: Self::Vector) -> Self::Vector;
    /// `left * right + sum`, rounded once where the processor has fused multiply-add.
    fn multiply_add(self, left: Self::Vector, right: Self::Vector, sum: Self::Vector) -> Self::Vector;
    fn maximum(self, left: Self::Vector, right: Self::Vector) -> Self::Vector;

    /// # Safety
    /// `from` is valid for reads of [`Self::LANES`] f32.
    unsafe fn load(self, from: *const f32) -> Self::Vector;

    /// # Safety
    /// `to` is valid for writes of [`Self::LANES`] f32.
    unsafe fn store(self, to: *mut f32, values: Self::Vector);
}

/// The type of an element of feature maps and weights.
///
/// # Safety
/// Every bit pattern is valid, and all zero bits are the number zero: memory with any content is read as elements.
pub(crate) unsafe trait Element: Copy + Send + Sync + 'static {
    /// Rounds to the nearest element.
    fn from_f32(value: f32) -> Self;

    fn to_f32(self) -> f32;
}

// SAFETY: true of IEEE 754.
unsafe impl Element for f32 {
    fn from_f32(value: f32) -> Self {
        value
    }

    fn to_f32(self) -> f32 {
        self
    }
}

/// How elements are stored and multiplied. Sums are always f32.
pub(crate) trait Arithmetic: Copy + Send + Sync + 'static {
    type Simd: Simd;
    type Element: Element;
    /// [`Self::K_STEP`] elements for each lane: one operand of a multiply-add.
    type Operand: Copy;

    /// Products that one instruction adds to a sum.
    const K_STEP: usize;

    fn simd(self) -> Self::Simd;

    /// Runs `body`, compiled with these instructions.
    fn vectorised<R>(self, body: impl FnOnce() -> R) -> R;

    /// `sum + left * right`, in each lane the dot product of its elements.
    fn accumulate(self, sum: Vector<Self>, left: Self::Operand, right: Self::Operand) -> Vector<Self>;

    /// # Safety
    /// `from` is valid for reads of one element for each lane.
    unsafe fn load(self, from: *const Self::Element) -> Vector<Self>;

    /// # Safety
    /// `to` is valid for writes of one element for each lane.
    unsafe fn store(self, to: *mut Self::Element, values: Vector<Self>);

    /// # Safety
    /// `from` is valid for reads of [`Self::K_STEP`] elements for each lane.
    unsafe fn load_operand(self, from: *const Self::Element) -> Self::Operand;

    /// The same [`Self::K_STEP`] elements in every lane.
    ///
    /// # Safety
    /// `from` is valid for reads of [`Self::K_STEP`] elements.
    unsafe fn broadcast(self, from: *const Self::Element) -> Self::Operand;
}

/// A vector of sums.
pub(crate) type Vector<A> = <<A as Arithmetic>::Simd as Simd>::Vector;

/// Columns of a tile and of a panel: two vectors of outputs.
pub(crate) const fn tile_columns<A: Arithmetic>() -> usize {
    2 * A::Simd::LANES
}

/// Elements and products in f32.
#[derive(Clone, Copy)]
pub(crate) struct F32<S>(pub(crate) S);

impl<S: Simd> Arithmetic for F32<S> {
    type Simd = S;
    type Element = f32;
    type Operand = S::Vector;

    const K_STEP: usize = 1;

    #[inline(always)]
    fn simd(self) -> S {
        self.0
    }

    fn vectorised<R>(self, body: impl FnOnce() -> R) -> R {
        self.0.vectorised(body)
    }

    #[inline(always)]
    fn accumulate(self, sum: S::Vector, left: S::Vector, right: S::Vector) -> S::Vector {
        self.0.multiply_add(left, right, sum)
    }

    #[inline(always)]
    unsafe fn load(self, from: *const f32) -> S::Vector {
        // SAFETY: guaranteed by the caller, also below.
        unsafe { self.0.load(from) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32, values: S::Vector) {
        // SAFETY: as in `load`.
        unsafe { self.0.store(to, values) }
    }

    #[inline(always)]
    unsafe fn load_operand(self, from: *const f32) -> S::Vector {
        // SAFETY: as in `load`.
        unsafe { self.0.load(from) }
    }

    #[inline(always)]
    unsafe fn broadcast(self, from: *const f32) -> S::Vector {
        // SAFETY: as in `load`.
        self.0.splat(unsafe { *from })
    }
}
