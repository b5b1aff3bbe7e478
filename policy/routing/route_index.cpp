#include "policy/routing/route_index.h"

#include "policy/routing/conditions.h"
#include "policy/routing/globs.h"

namespace headgate::policy {

template <class Key>
RouteBlock RouteIndex::Dimension<Key>::accepting(const Key& value, const RouteBlock& empty) const {
    RouteBlock block = empty;
    any.add_to(block);
    if (const auto found = by_value.find(value); found != by_value.end()) {
        found->second.add_to(block);
    }
    return block;
}

RouteIndex::RouteIndex(const Snapshot& snapshot) : snapshot_{snapshot} {
    for (std::size_t place = 0; place < snapshot.routes.size(); ++place) {
        add(place, *snapshot.routes[place]);
    }
}

void RouteIndex::add(std::size_t place, const Route& route) {
    for (const std::string& glob : route.models) {
        add_model(place, glob);
    }
    const Conditions& when = route.when;
    if (when.projects.empty()) {
        projects_.any.add(place);
    }
    for (const Project* project : when.projects) {
        projects_.by_value[project].add(place);
    }
    if (when.endpoints.empty()) {
        families_.any.add(place);
    }
    for (const std::string& family : when.endpoints) {
        families_.by_value[family].add(place);
    }
    for (const bool stream : {false, true}) {
        if (when.stream.value_or(stream) == stream) {
            streams_[stream ? 1 : 0].add(place);
        }
    }
}

void RouteIndex::add_model(std::size_t place, std::string_view glob) {
    const GlobShape shape = shape_of(glob);
    switch (shape.kind) {
        case GlobShape::Kind::anything:
            models_.any.add(place);
            return;
        case GlobShape::Kind::exact:
            models_.by_value[shape.literal].add(place);
            return;
        case GlobShape::Kind::prefix: {
            const std::size_t length = shape.literal.size();
            auto at = std::ranges::lower_bound(prefixes_, length, {}, &Prefixes::length);
            if (at == prefixes_.end() || at->length != length) {
                at = prefixes_.insert(at, {.length = length, .by_prefix = {}});
            }
            at->by_prefix[shape.literal].add(place);
            return;
        }
        case GlobShape::Kind::other: {
            auto at = std::ranges::lower_bound(globs_, glob, {}, &Glob::glob);
            if (at == globs_.end() || at->glob != glob) {
                at = globs_.insert(at, {.glob = glob, .routes = {}});
            }
            at->routes.add(place);
            return;
        }
    }
}

void RouteIndex::keep_taking(std::string_view model,
                             RouteBlock& block,
                             const RouteBlock& empty) const {
    RouteBlock taking = models_.accepting(model, empty);
    for (const Prefixes& prefixes : prefixes_) {
        if (prefixes.length > model.size()) {
            break;
        }
        const auto found = prefixes.by_prefix.find(model.substr(0, prefixes.length));
        if (found != prefixes.by_prefix.end()) {
            found->second.add_to(taking);
        }
    }
    for (const Glob& entry : globs_) {
        // Matching costs more than asking whether its routes are still in question.
        if (entry.routes.meets(block) && providers::glob_matches(entry.glob, model)) {
            entry.routes.add_to(taking);
        }
    }
    block.keep(taking);
}

template <class Accepts>
const Route* RouteIndex::search(const Wanted& wanted, Accepts accepts) const {
    const std::size_t bits = RouteBlock::kWordBits;
    const std::size_t words = (snapshot_.routes.size() + bits - 1) / bits;
    for (std::size_t begin = 0; begin < words; begin += RouteBlock::kWords) {
        const RouteBlock empty{begin, words - begin};
        RouteBlock block = projects_.accepting(wanted.project, empty);
        if (wanted.family) {
            block.keep(families_.accepting(*wanted.family, empty));
        }
        if (wanted.stream) {
            RouteBlock answering = empty;
            streams_[*wanted.stream ? 1 : 0].add_to(answering);
            block.keep(answering);
        }
        keep_taking(wanted.model, block, empty);
        for (std::size_t place = block.first(0); place != RouteBlock::kNone;
             place = block.first(place + 1)) {
            const Route& route = *snapshot_.routes[place];
            if (accepts(route)) {
                return &route;
            }
        }
    }
    return nullptr;
}

const Route* RouteIndex::first_match(const Facts& facts) const {
    const Wanted wanted{.model = facts.model,
                        .project = facts.project,
                        .family = facts.endpoint->family,
                        .stream = facts.stream};
    return search(wanted, [&facts](const Route& route) {
        return measured_conditions_hold(route.when, facts);
    });
}

void RouteIndex::for_each_taking(std::string_view model,
                                 const Project& project,
                                 const std::function<bool(const Route&)>& visit) const {
    const Wanted wanted{.model = model, .project = &project, .family = {}, .stream = {}};
    search(wanted, [&visit](const Route& route) { return !visit(route); });
}

}  // namespace headgate::policy
