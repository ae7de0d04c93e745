# SPDX-License-Identifier: Apache-2.0
# LibTorch, its CPU half only: TorchConfig.cmake of a CUDA wheel demands nvcc, and the program must not link CUDA.
# DIME_TORCH_DIR is the folder that holds include/ and lib/ (a wheel's `torch/`, or an unpacked LibTorch).
file(GLOB _full LIST_DIRECTORIES true ${DIME_CACHE_DIR}/libtorch-*-full/torch)
file(GLOB _slim LIST_DIRECTORIES true ${DIME_CACHE_DIR}/libtorch-*-slim/torch)
dime_default_path(DIME_TORCH_DIR "LibTorch: the folder that holds include/ and lib/" ${_full} ${_slim})
if(NOT EXISTS ${DIME_TORCH_DIR}/lib/libtorch_cpu.so)
  message(FATAL_ERROR "No LibTorch at DIME_TORCH_DIR='${DIME_TORCH_DIR}'. Run scripts/setup.sh, or point DIME_TORCH_DIR at a folder "
                      "that holds include/ and lib/libtorch_cpu.so.")
endif()
file(STRINGS ${DIME_TORCH_DIR}/include/torch/headeronly/version.h _lines REGEX "define TORCH_VERSION_(MAJOR|MINOR|PATCH) ")
if(NOT _lines)
  file(STRINGS ${DIME_TORCH_DIR}/include/torch/csrc/api/include/torch/version.h _lines REGEX "define TORCH_VERSION_(MAJOR|MINOR|PATCH) ")
endif()
string(REGEX MATCHALL "[0-9]+" _numbers "${_lines}")
list(JOIN _numbers "." DIME_LIBTORCH_VERSION)
message(STATUS "LibTorch ${DIME_LIBTORCH_VERSION} at ${DIME_TORCH_DIR}")

add_library(dime_torch INTERFACE)
target_include_directories(dime_torch SYSTEM INTERFACE
  $<BUILD_INTERFACE:${DIME_TORCH_DIR}/include> $<BUILD_INTERFACE:${DIME_TORCH_DIR}/include/torch/csrc/api/include>)
# -fopenmp: without it at::parallel_for, an inline function, runs serially in our own code.
target_compile_options(dime_torch INTERFACE -fopenmp)
target_link_libraries(dime_torch INTERFACE $<BUILD_INTERFACE:${DIME_TORCH_DIR}/lib/libtorch_cpu.so>
                                           $<BUILD_INTERFACE:${DIME_TORCH_DIR}/lib/libc10.so>)
target_link_options(dime_torch INTERFACE $<BUILD_INTERFACE:LINKER:-rpath,${DIME_TORCH_DIR}/lib> LINKER:--allow-shlib-undefined)
