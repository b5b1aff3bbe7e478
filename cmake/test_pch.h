// Precompiled for the unit tests: the standard library and GoogleTest.
#include "cmake/std_pch.h"

#include <gtest/gtest.h>
