#include "policy/config/base_url.h"
#include "policy/config/ip_literal.h"
#include "policy/config/snapshot.h"

namespace headgate::policy {
namespace {

TEST(BaseUrls, AreTakenApart) {
    struct Case {
        std::string_view text;
        bool is_tls;
        std::string_view host;
        std::uint16_t port;
        std::string_view path;
    };
    const std::vector<Case> cases = {
        {"https://api.openai.com/v1", true, "api.openai.com", 443, "/v1"},
        {"https://api.openai.com/v1/", true, "api.openai.com", 443, "/v1"},
        {"http://127.0.0.1:11434/v1", false, "127.0.0.1", 11434, "/v1"},
        {"HTTP://LocalHost", false, "localhost", 80, ""},
        {"http://localhost/", false, "localhost", 80, ""},
        {"https://[::1]:8443/a/b", true, "::1", 8443, "/a/b"},
        {"http://model_server:80/x%20y", false, "model_server", 80, "/x%20y"},
        {"https://gateway.example.com/openai/v1.1/~me", true, "gateway.example.com", 443,
         "/openai/v1.1/~me"},
    };

    for (const Case& each : cases) {
        const auto url = parse_base_url(each.text);

        ASSERT_TRUE(url.has_value()) << each.text << " " << url.error();
        EXPECT_EQ(url->is_tls, each.is_tls) << each.text;
        EXPECT_EQ(url->host, each.host) << each.text;
        EXPECT_EQ(url->port, each.port) << each.text;
        EXPECT_EQ(url->base_path, each.path) << each.text;
    }
}

TEST(BaseUrls, RefuseWhatCouldLeadElsewhere) {
    for (const std::string_view text : {"",
                                        "api.openai.com",
                                        "ftp://x/",
                                        "https:/x",
                                        "https://",
                                        "https:///v1",
                                        "https://user@x/v1",
                                        "https://user:password@x/v1",
                                        "https://x/v1?key=1",
                                        "https://x/v1#a",
                                        "https://x:0/v1",
                                        "https://x:65536/v1",
                                        "https://x:/v1",
                                        "https://x:8k/v1",
                                        "https://x:+80/v1",
                                        "https://x:80:90/v1",
                                        "https://::1/v1",
                                        "https://[::1/v1",
                                        "https://[127.0.0.1]/",
                                        "https://[::1]x/",
                                        "https://[fe80::1%25eth0]/",
                                        "https://2130706433/",
                                        "https://127.1/",
                                        "https://0x7f.0.0.1/",
                                        "https://127.0.0.0x1/",
                                        "https://1.2.3.4.5/",
                                        "https://256.1.1.1/",
                                        "https://-x.com/",
                                        "https://x..com/",
                                        "https://x.com./",
                                        "https://x y/",
                                        "https://x\r\ny/",
                                        "https://x\\y/",
                                        "https://\xC3\xA9.com/",
                                        "https://x/../y",
                                        "https://x/a/./b",
                                        "https://x/%2e%2E/y",
                                        "https://x/.%2e/y",
                                        "https://x//v1",
                                        "https://x/v1//",
                                        "https://x/v1%",
                                        "https://x/v1%2",
                                        "https://x/v1%zz",
                                        "https://x/v 1",
                                        "https://x/v1\r\nHost: y",
                                        "http://169.254.169.254/latest",
                                        "http://[fe80::1]/",
                                        "http://[::ffff:169.254.169.254]/"}) {
        EXPECT_FALSE(parse_base_url(text).has_value()) << text;
    }
    EXPECT_FALSE(parse_base_url("https://x/" + std::string(2048, 'a')).has_value());
}

TEST(BaseUrls, TellWhetherTheyNameAPrivateAddress) {
    const std::vector<std::pair<std::string_view, bool>> cases = {
        {"http://127.0.0.1/", true},        {"http://127.9.9.9/", true},
        {"http://10.1.2.3/", true},         {"http://172.16.0.1/", true},
        {"http://172.31.0.1/", true},       {"http://172.32.0.1/", false},
        {"http://192.168.1.1/", true},      {"http://100.64.0.1/", true},
        {"http://100.128.0.1/", false},     {"http://localhost/", true},
        {"http://a.localhost/", true},      {"http://[::1]/", true},
        {"http://[fd00::1]/", true},        {"http://[::ffff:10.0.0.1]/", true},
        {"http://[2606:4700::1]/", false},  {"http://8.8.8.8/", false},
        {"https://api.openai.com/", false}, {"http://localhost.example.com/", false},
    };

    for (const auto& [text, expected] : cases) {
        const auto url = parse_base_url(text);

        ASSERT_TRUE(url.has_value()) << text;
        EXPECT_EQ(names_private_address(*url), expected) << text;
    }
}

TEST(ListenAddresses, SurviveTheWayThroughText) {
    for (const std::string text : {"127.0.0.1:8080", "0.0.0.0:0", "[::1]:65535", "[::]:80",
                                   "localhost:8080", "unix:/run/headgate.sock"}) {
        const auto address = parse_listen_address(text);

        ASSERT_TRUE(address.has_value()) << text;
        EXPECT_EQ(address->to_string(), text);
    }
}

TEST(ListenAddresses, RefuseEverythingElse) {
    for (const std::string_view text : {"",
                                        ":",
                                        "8080",
                                        ":8080",
                                        "127.0.0.1",
                                        "127.0.0.1:",
                                        "127.0.0.1:65536",
                                        "127.0.0.1:-1",
                                        "127.0.0.1:http",
                                        "127.0.0.1:0x50",
                                        "127.0.0.1:8k",
                                        "::1:80",
                                        "[::1]",
                                        "[::1:80",
                                        "[localhost]:80",
                                        "[127.0.0.1]:80",
                                        "127.1:80",
                                        "a b:80",
                                        "*:80",
                                        "unix:",
                                        "unix:x",
                                        "unix:/a\nb",
                                        "http://x:80"}) {
        EXPECT_FALSE(parse_listen_address(text).has_value()) << text;
    }
    EXPECT_FALSE(parse_listen_address("unix:/" + std::string(107, 'a')).has_value());
    EXPECT_TRUE(parse_listen_address("unix:/" + std::string(106, 'a')).has_value());
}

TEST(Cidrs, HaveAnAddressAndAPrefixThatFits) {
    for (const std::string_view text : {"10.0.0.0/8", "0.0.0.0/0", "192.0.2.1/32", "2001:db8::/32",
                                        "::/0", "::1/128", "::ffff:10.0.0.0/104"}) {
        EXPECT_TRUE(parse_cidr(text)) << text;
    }
    for (const std::string_view text :
         {"", "/", "10.0.0.0", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8x", "10.0.0/8",
          "::/129", "::1", "[::1]/128", "example.com/8", "10.0.0.0/8/8", "10.0.0.0/0008"}) {
        EXPECT_FALSE(parse_cidr(text)) << text;
    }
}

TEST(Addresses, AreJudgedAsConnectionsAre) {
    const std::vector<std::pair<std::string_view, AddressScope>> cases = {
        {"8.8.8.8", AddressScope::global},
        {"172.32.0.1", AddressScope::global},
        {"2606:4700::1", AddressScope::global},
        {"::ffff:8.8.8.8", AddressScope::global},
        {"127.255.255.254", AddressScope::local},
        {"10.0.0.1", AddressScope::local},
        {"172.31.255.255", AddressScope::local},
        {"192.168.1.1", AddressScope::local},
        {"100.64.0.1", AddressScope::local},
        {"198.18.0.1", AddressScope::local},
        {"::1", AddressScope::local},
        {"fd12:3456::1", AddressScope::local},
        {"fec0::1", AddressScope::local},
        {"::7f00:1", AddressScope::local},
        {"2002:7f00:1::", AddressScope::local},
        {"169.254.169.254", AddressScope::link_local},
        {"100.100.100.200", AddressScope::link_local},
        {"fd00:ec2::254", AddressScope::link_local},
        {"febf::1", AddressScope::link_local},
        {"64:ff9b::a9fe:a9fe", AddressScope::link_local},
        {"2002:a9fe:a9fe::", AddressScope::link_local},
        {"::ffff:169.254.169.254", AddressScope::link_local},
        {"0.0.0.0", AddressScope::unusable},
        {"192.0.2.1", AddressScope::unusable},
        {"224.0.0.1", AddressScope::unusable},
        {"255.255.255.255", AddressScope::unusable},
        {"::", AddressScope::unusable},
        {"ff02::1", AddressScope::unusable},
        {"2001:db8::1", AddressScope::unusable},
        {"64:ff9b:1::a9fe:a9fe", AddressScope::unusable},
    };

    for (const auto& [text, scope] : cases) {
        const std::optional<IpLiteral> address = parse_ip(text);

        ASSERT_TRUE(address.has_value()) << text;
        EXPECT_EQ(scope_of(*address), scope) << text;
    }
    EXPECT_FALSE(parse_base_url("http://100.100.100.200/").has_value());
    EXPECT_FALSE(parse_base_url("http://0.0.0.0:8080/").has_value());
    EXPECT_FALSE(parse_base_url("http://[2001:db8::1]/").has_value());
}

}  // namespace
}  // namespace headgate::policy
