# SPDX-License-Identifier: Apache-2.0
# dime_add_test(NAME SOURCE... [LIBS lib...] [LABELS label...]): one GoogleTest program, its cases registered with CTest.
function(dime_add_test name)
  cmake_parse_arguments(ARG "" "" "LIBS;LABELS" ${ARGN})
  add_executable(${name} ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PRIVATE dime_flags GTest::gtest GTest::gmock GTest::gtest_main ${ARG_LIBS})
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR}/framework ${CMAKE_SOURCE_DIR}/tests)
  target_compile_definitions(${name} PRIVATE DIME_TEST_SOURCE_DIR="${CMAKE_SOURCE_DIR}" DIME_TEST_BINARY_DIR="${CMAKE_BINARY_DIR}")
  if(ARG_LIBS MATCHES "(^|;)dime(_data|_train|_eval|_weights)?(;|$)")
    dime_program_pch(${name})
  endif()
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 120 PROPERTIES TIMEOUT 300 LABELS "${ARG_LABELS}")
endfunction()
