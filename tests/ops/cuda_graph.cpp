// SPDX-License-Identifier: Apache-2.0
// A library of the CUDA tests, opened when they run: what they need of LibTorch's CUDA half, which no program links.
#include <functional>

#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDAFunctions.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>

/// Records `work` in a graph, calls `change` and runs the graph. Throws where `work` makes the host wait.
extern "C" __attribute__((visibility("default"))) void dime_test_record(const std::function<void()>& work,
                                                                        const std::function<void()>& change) {
  c10::cuda::device_synchronize();
  const auto stream = c10::cuda::getStreamFromPool();
  const c10::cuda::CUDAStreamGuard guard(stream);
  work();  // so that libraries have started
  stream.synchronize();
  at::cuda::CUDAGraph graph;
  graph.capture_begin();
  work();
  graph.capture_end();
  change();
  graph.replay();
  stream.synchronize();
}
