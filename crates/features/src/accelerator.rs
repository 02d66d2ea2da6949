//! The graphics processor, if the program was compiled for one (features `cuda` and `metal`).

use candle_core::Device;

use crate::error::Error;

/// The accelerator that this program was compiled for, if the machine has one.
///
/// # Errors
/// [`Error::Network`] when its driver fails.
pub(crate) fn detect() -> Result<Option<Device>, Error> {
    for device in [Device::cuda_if_available(0)?, Device::metal_if_available(0)?] {
        if !device.is_cpu() {
            return Ok(Some(device));
        }
    }
    Ok(None)
}

/// Its name in reports.
pub(crate) fn name(device: &Device) -> &'static str {
    if device.is_cuda() { "cuda" } else { "metal" }
}
