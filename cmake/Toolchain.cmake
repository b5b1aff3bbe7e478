# Compiler, flags and third-party packages. Every target links headgate_options.

if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  message(FATAL_ERROR "GNU below 13 destroys temporaries twice in co_await expressions; "
                      "build with clang++-19: cmake --preset release")
endif()

set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

find_program(CCACHE ccache)
if(CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # The sloppiness lets ccache hit on files that use a precompiled header.
  set(CMAKE_CXX_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
      CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${CCACHE})
endif()

find_package(Threads REQUIRED)
find_package(Boost 1.81.0 EXACT REQUIRED CONFIG COMPONENTS headers)
foreach(package spdlog prometheus-cpp CLI11)
  find_package(${package} REQUIRED CONFIG)
endforeach()
foreach(package OpenSSL SQLite3 PostgreSQL PkgConfig)
  find_package(${package} REQUIRED)
endforeach()
pkg_check_modules(HIREDIS REQUIRED IMPORTED_TARGET hiredis)

# libyaml comes without a package file for CMake.
find_path(LIBYAML_INCLUDE_DIR yaml.h REQUIRED)
find_library(LIBYAML_LIBRARY yaml REQUIRED)
add_library(headgate_libyaml INTERFACE)
target_include_directories(headgate_libyaml SYSTEM INTERFACE ${LIBYAML_INCLUDE_DIR})
target_link_libraries(headgate_libyaml INTERFACE ${LIBYAML_LIBRARY})

# Debian's own interpreter: the generators need its python3-yaml.
set(Python3_EXECUTABLE /usr/bin/python3)
find_package(Python3 REQUIRED COMPONENTS Interpreter)

# RapidJSON 1.1.0 assigns a const member in document.h, which clang refuses: a patched copy.
add_library(headgate_rapidjson INTERFACE)
file(COPY /usr/include/rapidjson DESTINATION ${CMAKE_BINARY_DIR}/patched PATTERN document.h EXCLUDE)
file(READ /usr/include/rapidjson/document.h document_h)
string(REPLACE "{ s = rhs.s; length = rhs.length; }" "= delete;" document_h "${document_h}")
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/patched/rapidjson/document.h CONTENT "${document_h}" @ONLY)
target_include_directories(headgate_rapidjson SYSTEM INTERFACE ${CMAKE_BINARY_DIR}/patched)

execute_process(COMMAND git rev-parse --short=12 HEAD WORKING_DIRECTORY ${CMAKE_SOURCE_DIR}
                OUTPUT_VARIABLE HEADGATE_COMMIT OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
if(NOT HEADGATE_COMMIT)
  set(HEADGATE_COMMIT unknown)
endif()

set(HEADGATE_SANITIZE "" CACHE STRING "Value of -fsanitize=, empty for none")
option(HEADGATE_FUZZ "Build the fuzz targets" OFF)

add_library(headgate_options INTERFACE)
target_include_directories(headgate_options INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_options(headgate_options INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wnon-virtual-dtor -Werror
  "SHELL:-Xclang -fno-pch-timestamp")
target_compile_definitions(headgate_options INTERFACE
  BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_RECYCLING_ALLOCATOR_CACHE_SIZE=16)
if(CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo" AND NOT HEADGATE_SANITIZE)
  target_compile_options(headgate_options INTERFACE
    -fstack-protector-strong -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -fcf-protection)
else()
  target_compile_definitions(headgate_options INTERFACE _GLIBCXX_ASSERTIONS)
endif()
if(HEADGATE_SANITIZE)
  # vptr opens a pipe for each check and so reports falsely once descriptors are out, which is tested.
  target_compile_options(headgate_options INTERFACE
    -fsanitize=${HEADGATE_SANITIZE} -fno-sanitize=vptr -fno-omit-frame-pointer -fno-sanitize-recover=all
    -fsanitize-ignorelist=${CMAKE_SOURCE_DIR}/cmake/ubsan.ignore)
  target_link_options(headgate_options INTERFACE -fsanitize=${HEADGATE_SANITIZE})
endif()
