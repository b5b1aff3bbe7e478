#include "tests/unit/providers/azure/simulated_cases.h"
#include "tests/unit/providers/simulator/simulated.h"

namespace headgate::providers {
namespace {

using namespace std::chrono_literals;

class AzureFixture : public testing::TestWithParam<azure::SimulatedCase> {};

INSTANTIATE_TEST_SUITE_P(Fixtures,
                         AzureFixture,
                         testing::ValuesIn(azure::kSimulatedCases),
                         [](const auto& info) {
                             std::string name{info.param.file};
                             name[name.find('.')] = '_';
                             return name;
                         });

TEST_P(AzureFixture, IsWhatTheSimulatorAnswers) {
    const azure::SimulatedCase& c = GetParam();
    Behaviour behaviour = saying(8);
    if (c.fault != 0) {
        Fault fault = status_fault(c.fault);
        fault.retry_after = 6s;
        behaviour.fail.push_back(fault);
    }
    SimulatorState state;

    const WireScript script =
        answer_simulated(WireFormat::azure, {"POST", c.path, c.body, c.query}, behaviour, state);

    EXPECT_EQ(script.status, c.status);
    EXPECT_EQ(script.is_stream, c.is_stream());
    EXPECT_EQ(script.body(), azure::answer_of(c));
}

}  // namespace
}  // namespace headgate::providers
