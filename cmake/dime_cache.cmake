# SPDX-License-Identifier: Apache-2.0
# Where scripts/setup.sh puts what it fetches; the same rule as in scripts/environment.sh.
if(NOT "$ENV{DIME_CACHE_DIR}" STREQUAL "")
  set(DIME_CACHE_DIR "$ENV{DIME_CACHE_DIR}")
elseif(NOT "$ENV{XDG_CACHE_HOME}" STREQUAL "")
  set(DIME_CACHE_DIR "$ENV{XDG_CACHE_HOME}/dime")
else()
  set(DIME_CACHE_DIR "$ENV{HOME}/.cache/dime")
endif()

# dime_default_path(NAME HELP PATH...): the cache variable NAME is $ENV{NAME}, else the first of these paths that exists.
function(dime_default_path name help)
  if("${${name}}" STREQUAL "")
    unset(${name} CACHE)
  endif()
  set(path "$ENV{${name}}")
  foreach(candidate ${ARGN})
    if(path STREQUAL "" AND EXISTS ${candidate})
      set(path ${candidate})
    endif()
  endforeach()
  set(${name} "${path}" CACHE PATH "${help}")
endfunction()
