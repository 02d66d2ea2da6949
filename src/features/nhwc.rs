//! The network's layers with channels last: each convolution is one matrix product over rows of pixels.
//!
//! A tensor here is one photo of shape [height, width, channels]. A 1x1 convolution reads its input in place as a matrix of
//! height x width rows; a larger one first gathers each window into a row, copying whole runs of channels. Bias,
//! residual and relu are one pass over the product, in place. This is what makes Candle's matrix product, rather than
//! the copies around it, the work of the network: see `cargo bench --bench features`.
//!
//! All loops run on the rayon pool of the calling thread; the matrix product asks for `RAYON_NUM_THREADS` tasks of it.

use candle_core::{CpuStorage, CustomOp1, Error, InplaceOp2, InplaceOp3, Layout, Result, Shape, Tensor};
use rayon::prelude::*;

use super::resnet50::{Convolution, Layer, Then};

/// A convolution as a matrix product.
pub(super) struct ChannelsLast {
    /// Shape [side x side x in, out]: a row for each number of a window, in the order [`Windows`] gathers them.
    matrix: Tensor,
    /// Shape [out].
    bias: Tensor,
    side: usize,
    stride: usize,
    padding: usize,
}

impl ChannelsLast {
    pub(super) fn new(convolution: &Convolution) -> Result<Self> {
        let out = convolution.kernel.dims()[0];
        // For 1x1 kernels this is a view of the same memory; the matrix product reads either orientation.
        let matrix = convolution.kernel.permute((0, 2, 3, 1))?.reshape((out, ()))?.t()?;
        Ok(Self {
            matrix,
            bias: convolution.bias.clone(),
            side: convolution.side(),
            stride: convolution.stride,
            padding: convolution.padding(),
        })
    }
}

impl Layer for ChannelsLast {
    fn forward(&self, input: &Tensor, then: Then<'_>) -> Result<Tensor> {
        let (height, width, channels) = input.dims3()?;
        let window = Window { side: self.side, stride: self.stride, padding: self.padding };
        let rows = if window.is_pixel() {
            input.reshape((height * width, channels))?
        } else {
            input.apply_op1_no_bwd(&Gather(window))?
        };
        let product = rows.matmul(&self.matrix)?;
        match then {
            Then::Keep => product.inplace_op2(&self.bias, &AddBias { floor: f32::NEG_INFINITY })?,
            Then::Relu => product.inplace_op2(&self.bias, &AddBias { floor: 0.0 })?,
            Then::AddRelu(residual) => product.inplace_op3(&self.bias, residual, &AddBiasAndResidual)?,
        }
        product.reshape((window.steps(height), window.steps(width), ()))
    }

    fn max_pool(input: &Tensor) -> Result<Tensor> {
        input.apply_op1_no_bwd(&MaxPool(Window { side: 3, stride: 2, padding: 1 }))
    }

    fn average_pool(input: &Tensor) -> Result<Tensor> {
        input.mean((0, 1))
    }
}

/// The contiguous numbers a tensor covers.
fn numbers<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    let (start, end) =
        layout.contiguous_offsets().ok_or_else(|| Error::Msg("a layer needs contiguous input".into()))?;
    Ok(&storage.as_slice::<f32>()?[start..end])
}

fn numbers_mut<'a>(storage: &'a mut CpuStorage, layout: &Layout) -> Result<&'a mut [f32]> {
    let (start, end) =
        layout.contiguous_offsets().ok_or_else(|| Error::Msg("a layer needs contiguous input".into()))?;
    match storage {
        CpuStorage::F32(all) => Ok(&mut all[start..end]),
        _ => Err(Error::Msg("a layer computes in f32".into())),
    }
}

/// Square windows over an image.
#[derive(Clone, Copy)]
struct Window {
    side: usize,
    stride: usize,
    padding: usize,
}

impl Window {
    /// Whether every window is one pixel and every pixel a window.
    fn is_pixel(self) -> bool {
        self.side == 1 && self.stride == 1
    }

    /// Windows along a side of `length` pixels.
    fn steps(self, length: usize) -> usize {
        (length + 2 * self.padding - self.side) / self.stride + 1
    }

    /// The pixels window `step` covers along a side of `length` pixels, as offset inside the window and range.
    fn span(self, step: usize, length: usize) -> (usize, std::ops::Range<usize>) {
        let start = step * self.stride;
        let first = start.max(self.padding) - self.padding;
        let last = (start + self.side).saturating_sub(self.padding).min(length);
        (self.padding.saturating_sub(start), first..last)
    }
}

/// [height, width, channels] to [windows, side x side x channels]: each window's numbers as one row, zero outside.
struct Gather(Window);

impl CustomOp1 for Gather {
    fn name(&self) -> &'static str {
        "gather-windows"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (height, width, channels) = layout.shape().dims3()?;
        let input = numbers(storage, layout)?;
        let (window, row) = (self.0, self.0.side * self.0.side * channels);
        let (down, across) = (window.steps(height), window.steps(width));
        let mut rows = vec![0.0_f32; down * across * row];
        rows.par_chunks_mut(across * row).enumerate().for_each(|(y, line)| {
            let (skipped_y, ys) = window.span(y, height);
            for (x, row) in line.chunks_exact_mut(row).enumerate() {
                let (skipped_x, xs) = window.span(x, width);
                for (at, y) in ys.clone().enumerate() {
                    let from = &input[(y * width + xs.start) * channels..(y * width + xs.end) * channels];
                    let to = ((skipped_y + at) * window.side + skipped_x) * channels;
                    row[to..to + from.len()].copy_from_slice(from);
                }
            }
        });
        Ok((CpuStorage::F32(rows), Shape::from((down * across, row))))
    }
}

/// [height, width, channels] to the maximum of each window. The input holds no negative number.
struct MaxPool(Window);

impl CustomOp1 for MaxPool {
    fn name(&self) -> &'static str {
        "max-pool"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (height, width, channels) = layout.shape().dims3()?;
        let input = numbers(storage, layout)?;
        let window = self.0;
        let (down, across) = (window.steps(height), window.steps(width));
        let mut pooled = vec![0.0_f32; down * across * channels];
        pooled.par_chunks_mut(across * channels).enumerate().for_each(|(y, line)| {
            let (_, ys) = window.span(y, height);
            for (x, largest) in line.chunks_exact_mut(channels).enumerate() {
                let (_, xs) = window.span(x, width);
                for pixel in ys.clone().flat_map(|y| xs.clone().map(move |x| y * width + x)) {
                    for (largest, value) in largest.iter_mut().zip(&input[pixel * channels..]) {
                        *largest = largest.max(*value);
                    }
                }
            }
        });
        Ok((CpuStorage::F32(pooled), Shape::from((down, across, channels))))
    }
}

/// Rows given to one task: enough that starting it costs nothing.
const ROWS_PER_TASK: usize = 64;

/// `max(product + bias, floor)` in place, the bias along rows.
struct AddBias {
    floor: f32,
}

impl InplaceOp2 for AddBias {
    fn name(&self) -> &'static str {
        "add-bias"
    }

    fn cpu_fwd(
        &self,
        product: &mut CpuStorage,
        product_layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> Result<()> {
        let bias = numbers(bias, bias_layout)?;
        numbers_mut(product, product_layout)?.par_chunks_mut(ROWS_PER_TASK * bias.len()).for_each(|rows| {
            for row in rows.chunks_exact_mut(bias.len()) {
                for (value, bias) in row.iter_mut().zip(bias) {
                    *value = (*value + bias).max(self.floor);
                }
            }
        });
        Ok(())
    }
}

/// `max(product + bias + residual, 0)` in place, the bias along rows.
struct AddBiasAndResidual;

impl InplaceOp3 for AddBiasAndResidual {
    fn name(&self) -> &'static str {
        "add-bias-and-residual"
    }

    fn cpu_fwd(
        &self,
        product: &mut CpuStorage,
        product_layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
        residual: &CpuStorage,
        residual_layout: &Layout,
    ) -> Result<()> {
        let bias = numbers(bias, bias_layout)?;
        let residual = numbers(residual, residual_layout)?;
        let chunk = ROWS_PER_TASK * bias.len();
        let product = numbers_mut(product, product_layout)?;
        if product.len() != residual.len() {
            return Err(Error::Msg(format!("residual of {} for {} numbers", residual.len(), product.len())));
        }
        product.par_chunks_mut(chunk).zip(residual.par_chunks(chunk)).for_each(|(rows, residuals)| {
            for (row, residual) in rows.chunks_exact_mut(bias.len()).zip(residuals.chunks_exact(bias.len())) {
                for ((value, residual), bias) in row.iter_mut().zip(residual).zip(bias) {
                    *value = (*value + residual + bias).max(0.0);
                }
            }
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    /// Candle's convolution over [1, channels, height, width] is the reading this file must agree with.
    fn agrees(side: usize, stride: usize, height: usize, width: usize) {
        let (channels, out) = (5, 7);
        let input = Tensor::randn(0.0_f32, 1.0, (1, channels, height, width), &Device::Cpu).unwrap();
        let convolution = Convolution {
            kernel: Tensor::randn(0.0_f32, 1.0, (out, channels, side, side), &Device::Cpu).unwrap(),
            bias: Tensor::randn(0.0_f32, 1.0, out, &Device::Cpu).unwrap(),
            stride,
        };
        let last = |tensor: &Tensor| tensor.squeeze(0).unwrap().permute((1, 2, 0)).unwrap().contiguous().unwrap();
        let layer = ChannelsLast::new(&convolution).unwrap();
        let plain = convolution.forward(&input, Then::Keep).unwrap();
        let residual = plain.randn_like(0.0, 1.0).unwrap();
        let residual_last = last(&residual);
        for (expected, actual) in [
            (Then::Keep, Then::Keep),
            (Then::Relu, Then::Relu),
            (Then::AddRelu(&residual), Then::AddRelu(&residual_last)),
        ] {
            let expected = last(&convolution.forward(&input, expected).unwrap());
            let actual = layer.forward(&last(&input), actual).unwrap();
            assert_eq!(expected.dims(), actual.dims());
            let difference = (expected - actual).unwrap().abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap();
            assert!(difference < 1e-4, "side {side} stride {stride}: {difference}");
        }
    }

    #[test]
    fn one_by_one_agrees_with_candle() {
        agrees(1, 1, 6, 9);
    }

    #[test]
    fn one_by_one_with_stride_agrees_with_candle() {
        agrees(1, 2, 7, 8);
    }

    #[test]
    fn three_by_three_agrees_with_candle() {
        agrees(3, 1, 6, 9);
        agrees(3, 2, 7, 8);
    }

    #[test]
    fn the_stem_agrees_with_candle() {
        agrees(7, 2, 12, 17);
    }

    #[test]
    fn max_pool_agrees_with_candle() {
        let input = Tensor::randn(0.0_f32, 1.0, (1, 3, 11, 14), &Device::Cpu).unwrap().relu().unwrap();
        let expected = Convolution::max_pool(&input).unwrap().squeeze(0).unwrap().permute((1, 2, 0)).unwrap();
        let last = input.squeeze(0).unwrap().permute((1, 2, 0)).unwrap().contiguous().unwrap();
        let actual = ChannelsLast::max_pool(&last).unwrap();
        assert_eq!(
            expected.flatten_all().unwrap().to_vec1::<f32>().unwrap(),
            actual.flatten_all().unwrap().to_vec1::<f32>().unwrap()
        );
    }
}
