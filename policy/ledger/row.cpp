#include "policy/ledger/row.h"

namespace headgate::policy {

std::string_view to_string(Outcome outcome) {
    switch (outcome) {
        case Outcome::complete:
            return "complete";
        case Outcome::error:
            return "error";
        case Outcome::refused:
            return "refused";
        case Outcome::client_gone:
            return "client_gone";
        case Outcome::upstream_cut:
            return "upstream_cut";
        case Outcome::expired:
            return "expired";
    }
    return "error";
}

}  // namespace headgate::policy
