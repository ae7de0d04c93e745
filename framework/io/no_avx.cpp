// SPDX-License-Identifier: Apache-2.0
// Stands in the place of the AVX kernels for other processors.
#include "io/base64_kernels.hpp"
#include "io/jpeg_idct.hpp"
#include "io/planar_kernels.hpp"
#include "io/resample_kernels.hpp"

namespace dime::detail {

Base64Kernel base64_kernel() { return nullptr; }
JpegIdct jpeg_idct() { return portable_idct(); }
const PlanarKernels& avx2_planar_kernels() { return portable_planar_kernels(); }
const PlanarKernels& planar_kernels() { return portable_planar_kernels(); }
const ResampleKernels& avx2_kernels() { return portable_kernels(); }
const ResampleKernels& avx512_kernels() { return portable_kernels(); }

}  // namespace dime::detail
