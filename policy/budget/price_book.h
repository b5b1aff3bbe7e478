#pragma once

// Prices are looked up below routing, whose `cheapest` asks for them as well.
#include "policy/config/price_book.h"
