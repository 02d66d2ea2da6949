//! The weights of one convolution before packing.

use candle_core::{Error, Result, Storage, Tensor};

/// Weights of a convolution with a square kernel, in main memory.
pub(crate) struct ConvWeights {
    kernel: Tensor,
    pub(crate) bias: Vec<f32>,
    /// Width and height of the kernel.
    pub(crate) side: usize,
    pub(crate) stride: usize,
}

impl ConvWeights {
    /// `kernel` is of shape [outputs, inputs, side, side], `bias` of shape [outputs], both f32.
    ///
    /// # Errors
    /// When the tensors do not have these shapes and types.
    pub(crate) fn new(kernel: &Tensor, bias: &Tensor, stride: usize) -> Result<Self> {
        let (_, _, side, _) = kernel.dims4()?;
        Ok(Self { kernel: kernel.contiguous()?, bias: bias.to_vec1()?, side, stride })
    }

    /// Calls `read` with the kernel in row-major order, without copying it.
    pub(crate) fn with_kernel<R>(&self, read: impl FnOnce(&[f32]) -> R) -> Result<R> {
        let (storage, layout) = self.kernel.storage_and_layout();
        match (&*storage, layout.contiguous_offsets()) {
            (Storage::Cpu(numbers), Some((start, end))) => Ok(read(&numbers.as_slice::<f32>()?[start..end])),
            _ => Err(Error::Msg("the weights must be contiguous in main memory".into())),
        }
    }
}
