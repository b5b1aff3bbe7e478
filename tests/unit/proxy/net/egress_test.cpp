#include "proxy/net/egress.h"

namespace headgate::proxy {
namespace {

struct Row {
    const char* address;
    AddressClass kind;
};

class AddressClasses : public testing::TestWithParam<Row> {};

TEST_P(AddressClasses, AreWhatTheRegistrySays) {
    SocketAddress address;
    ASSERT_TRUE(parse_address(GetParam().address, 443, address)) << GetParam().address;

    EXPECT_EQ(classify_address(address), GetParam().kind) << GetParam().address;
}

constexpr auto global = AddressClass::global;
constexpr auto local = AddressClass::local;
constexpr auto link_local = AddressClass::link_local;
constexpr auto unusable = AddressClass::unusable;

INSTANTIATE_TEST_SUITE_P(All,
                         AddressClasses,
                         testing::Values(Row{"8.8.8.8", global},
                                         Row{"1.1.1.1", global},
                                         Row{"127.0.0.1", local},
                                         Row{"127.255.255.254", local},
                                         Row{"10.0.0.1", local},
                                         Row{"172.16.0.1", local},
                                         Row{"172.31.255.255", local},
                                         Row{"172.32.0.1", global},
                                         Row{"192.168.1.1", local},
                                         Row{"100.64.0.1", local},
                                         Row{"100.128.0.1", global},
                                         Row{"169.254.169.254", link_local},
                                         Row{"0.0.0.0", unusable},
                                         Row{"224.0.0.1", unusable},
                                         Row{"255.255.255.255", unusable},
                                         Row{"192.0.2.1", unusable},
                                         Row{"198.18.0.1", local},
                                         Row{"::1", local},
                                         Row{"::", unusable},
                                         Row{"fe80::1", link_local},
                                         Row{"febf::1", link_local},
                                         Row{"fc00::1", local},
                                         Row{"fd12:3456::1", local},
                                         Row{"ff02::1", unusable},
                                         Row{"2001:4860:4860::8888", global},
                                         Row{"2001:db8::1", unusable},
                                         Row{"::ffff:169.254.169.254", link_local},
                                         Row{"::ffff:127.0.0.1", local},
                                         Row{"::ffff:8.8.8.8", global},
                                         Row{"64:ff9b::a9fe:a9fe", link_local},
                                         Row{"2002:7f00:1::", local},
                                         Row{"2002:a9fe:a9fe::", link_local},
                                         Row{"::7f00:1", local},
                                         Row{"fd00:ec2::254", link_local},
                                         Row{"100.100.100.200", link_local},
                                         Row{"64:ff9b:1::a9fe:a9fe", unusable}));

TEST(Egress, ReachesPrivateAddressesOnlyWhereAllowed) {
    SocketAddress loopback;
    SocketAddress metadata;
    ASSERT_TRUE(parse_address("127.0.0.1", 80, loopback));
    ASSERT_TRUE(parse_address("169.254.169.254", 80, metadata));

    EXPECT_FALSE(may_connect(loopback, {.allow_private = false}));
    EXPECT_TRUE(may_connect(loopback, {.allow_private = true}));
    EXPECT_FALSE(may_connect(metadata, {.allow_private = true}));
    EXPECT_FALSE(open_connection(metadata, {.allow_private = true}).has_value());
}

TEST(Egress, TellsHostAndPortOfAnAddress) {
    SocketAddress address;
    ASSERT_TRUE(parse_address("2001:db8::1", 8443, address));

    EXPECT_EQ(address.host(), "2001:db8::1");
    EXPECT_EQ(address.port(), 8443);
    EXPECT_FALSE(parse_address("provider.example", 443, address));
    EXPECT_FALSE(parse_address("127.0.0.1.5", 443, address));
}

}  // namespace
}  // namespace headgate::proxy
