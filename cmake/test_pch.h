// Precompiled for the unit tests: the standard library and GoogleTest.
#include <gtest/gtest.h>

#include "cmake/std_pch.h"
