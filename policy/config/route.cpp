#include "policy/config/route.h"

#include <utility>

namespace headgate::policy {

std::string_view to_string(Strategy strategy) {
    switch (strategy) {
        case Strategy::ordered:
            return "ordered";
        case Strategy::weighted:
            return "weighted";
        case Strategy::least_busy:
            return "least_busy";
        case Strategy::fastest:
            return "fastest";
        case Strategy::cheapest:
            return "cheapest";
    }
    std::unreachable();
}

bool Comparison::holds(double number) const {
    switch (is) {
        case Is::less:
            return number < value;
        case Is::at_most:
            return number <= value;
        case Is::equal:
            return number == value;
        case Is::at_least:
            return number >= value;
        case Is::more:
            return number > value;
    }
    std::unreachable();
}

FallbackOn::FallbackOn() {
    for (const std::size_t status : {429U, 500U, 502U, 503U, 504U, 529U}) {
        statuses.set(status);
    }
}

}  // namespace headgate::policy
