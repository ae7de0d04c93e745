# SPDX-License-Identifier: Apache-2.0
# Warnings, sanitizers, linker and compiler cache: everything that is the same for all targets.
find_program(DIME_CCACHE ccache)
if(DIME_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros ${DIME_CCACHE})
endif()
find_program(DIME_MOLD mold)
if(DIME_MOLD)
  add_link_options(-fuse-ld=mold)
endif()

# GCC 12 warns of `"literal" + std::to_string(n)` (its bugs 105651 and 105329).
add_library(dime_flags INTERFACE)
target_compile_options(dime_flags INTERFACE -Wall -Wextra -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual
                                            $<$<BOOL:${DIME_WERROR}>:-Werror>
                                            $<$<CXX_COMPILER_ID:GNU>:-fpch-preprocess> $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict$<SEMICOLON>-Wno-stringop-overflow$<SEMICOLON>-Wno-array-bounds>)
if(DIME_SANITIZE)
  # GCC then takes what optionals of LibTorch and of its own library hold for uninitialised.
  add_compile_options($<$<NOT:$<COMPILE_LANGUAGE:CUDA>>:-fsanitize=${DIME_SANITIZE}> $<$<NOT:$<COMPILE_LANGUAGE:CUDA>>:-fno-omit-frame-pointer>
                      $<$<NOT:$<COMPILE_LANGUAGE:CUDA>>:-Wno-maybe-uninitialized>)
  add_link_options(-fsanitize=${DIME_SANITIZE})
endif()

# dime_program_pch(TARGET): the common precompiled header for a program. It was made with -fPIC and -fopenmp, and a program would
# get -fPIE.
function(dime_program_pch name)
  target_precompile_headers(${name} REUSE_FROM dime_pch)
  target_compile_options(${name} PRIVATE -fopenmp -fPIC)
  set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
endfunction()
