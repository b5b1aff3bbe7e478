#include "policy/config/ip_literal.h"
#include "policy/config/snapshot.h"

namespace headgate::policy {
namespace {

struct Row {
    const char* peer;
    const char* forwarded_for;
    const char* client;
};

class ClientAddress : public testing::TestWithParam<Row> {};

TEST_P(ClientAddress, IsTheLastOneThatNoTrustedProxyHas) {
    Protect protect;
    protect.trusted_proxies = {"10.0.0.0/8", "fd00::/8"};
    const Row& row = GetParam();

    EXPECT_EQ(client_address(protect, row.peer, row.forwarded_for), row.client);
}

INSTANTIATE_TEST_SUITE_P(
    All,
    ClientAddress,
    testing::Values(Row{"10.0.0.1", "198.51.100.7", "198.51.100.7"},
                    Row{"10.0.0.1", "203.0.113.9, 198.51.100.7", "198.51.100.7"},
                    Row{"10.0.0.1", "198.51.100.7, 10.2.3.4", "198.51.100.7"},
                    Row{"10.0.0.1", "198.51.100.7 ,\t10.2.3.4 ", "198.51.100.7"},
                    Row{"fd00::1", "2001:db8::5", "2001:db8::5"},
                    // Nobody vouches for what an untrusted peer says.
                    Row{"192.0.2.1", "198.51.100.7", "192.0.2.1"},
                    // All of it trusted: the first that spoke.
                    Row{"10.0.0.1", "10.0.0.2, 10.0.0.3", "10.0.0.2"},
                    // What is no address is believed by nobody.
                    Row{"10.0.0.1", "unknown", "10.0.0.1"},
                    Row{"10.0.0.1", "198.51.100.7, evil\"}", "10.0.0.1"},
                    Row{"10.0.0.1", "", "10.0.0.1"},
                    Row{"10.0.0.1", ",", "10.0.0.1"},
                    Row{"unix", "198.51.100.7", "unix"}));

TEST(Cidr, ContainsTheAddressesOfItsPrefix) {
    EXPECT_TRUE(parse_cidr("10.0.0.0/8")->contains(*parse_ip("10.255.0.1")));
    EXPECT_FALSE(parse_cidr("10.0.0.0/8")->contains(*parse_ip("11.0.0.1")));
    EXPECT_TRUE(parse_cidr("192.0.2.128/25")->contains(*parse_ip("192.0.2.255")));
    EXPECT_FALSE(parse_cidr("192.0.2.128/25")->contains(*parse_ip("192.0.2.127")));
    EXPECT_TRUE(parse_cidr("0.0.0.0/0")->contains(*parse_ip("198.51.100.7")));
    EXPECT_FALSE(parse_cidr("0.0.0.0/0")->contains(*parse_ip("2001:db8::1")));
    EXPECT_TRUE(parse_cidr("::/0")->contains(*parse_ip("198.51.100.7")));
}

}  // namespace
}  // namespace headgate::policy
