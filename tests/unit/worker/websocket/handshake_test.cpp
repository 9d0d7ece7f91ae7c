#include "worker/websocket/handshake.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "common/ascii.h"
#include "worker/websocket/accept_key.h"

namespace holdfast::websocket {
namespace {

using Fields = std::vector<api::Field>;
using api::Method;
using api::Version;

constexpr std::string_view kGoodKey = "dGhlIHNhbXBsZSBub25jZQ==";

Fields good_fields() {
  return {{"Host", "server.example.com"},  {"Upgrade", "websocket"},         {"Connection", "Upgrade"},
          {"Sec-WebSocket-Key", kGoodKey}, {"Origin", "http://example.com"}, {"Sec-WebSocket-Version", "13"}};
}

/// The good handshake with all fields of that name replaced.
Fields with(std::string_view name, std::vector<std::string_view> values) {
  Fields fields = good_fields();
  std::erase_if(fields, [&](const api::Field& field) { return field.name == name; });
  for (const std::string_view value : values) fields.push_back({name, value});
  return fields;
}

int status_of(const Fields& fields, const HandshakeRules& rules = {}) {
  const Handshake handshake = check_handshake(Method::Get, Version::Http11, fields, rules);
  if (!handshake.refusal) return 101;
  EXPECT_FALSE(handshake.refusal->reason.empty());
  EXPECT_EQ(handshake.refusal->tells_version, handshake.refusal->status == 426);
  return handshake.refusal->status;
}

TEST(AcceptKey, is_that_of_the_example) {
  EXPECT_EQ(accept_key(kGoodKey), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  EXPECT_EQ(accept_key("x3JJHMbDL1EzLkh9GBhXDw=="), "HSmrc0sMlYUkAGmm5OPpG2HaGWk=");
}

TEST(Handshake, of_the_example_is_accepted) {
  const Handshake handshake = check_handshake(Method::Get, Version::Http11, good_fields(), {});
  EXPECT_FALSE(handshake.refusal);
  EXPECT_EQ(handshake.key, kGoodKey);
  EXPECT_EQ(handshake.subprotocol, "");
}

TEST(Handshake, is_a_get_of_http_1_1) {
  const auto refused = [](Method method, Version version) {
    const Handshake handshake = check_handshake(method, version, good_fields(), {});
    return handshake.refusal && handshake.refusal->status == 400;
  };
  for (const Method method : {Method::Head, Method::Post, Method::Put, Method::Connect, Method::Other})
    EXPECT_TRUE(refused(method, Version::Http11));
  EXPECT_TRUE(refused(Method::Get, Version::Http10));
  EXPECT_TRUE(refused(Method::Get, Version::Http2));
  EXPECT_FALSE(refused(Method::Get, Version::Http11));
}

struct FieldCase {
  std::string_view name;
  std::vector<std::string_view> values;
  int status;
};

const FieldCase kFieldCases[] = {
    {"Upgrade", {"websocket"}, 101},
    {"Upgrade", {"WebSocket"}, 101},
    {"Upgrade", {"WEBSOCKET"}, 101},
    {"Upgrade", {"h2c, websocket"}, 101},
    {"Upgrade", {"h2c", "websocket"}, 101},
    {"Upgrade", {" ,websocket\t, "}, 101},
    {"upgrade", {"websocket"}, 101},
    {"Upgrade", {}, 400},
    {"Upgrade", {""}, 400},
    {"Upgrade", {"h2c"}, 400},
    {"Upgrade", {"websockets"}, 400},
    {"Upgrade", {"web socket"}, 400},
    {"Upgrade", {"websocket/13"}, 400},
    {"Upgrade", {"websocket; h2c"}, 400},
    {"Connection", {"Upgrade"}, 101},
    {"Connection", {"upgrade"}, 101},
    {"Connection", {"keep-alive, Upgrade"}, 101},
    {"Connection", {"keep-alive", "UPGRADE"}, 101},
    {"CONNECTION", {"upgrade,close"}, 101},
    {"Connection", {}, 400},
    {"Connection", {"keep-alive"}, 400},
    {"Connection", {"upgraded"}, 400},
    {"Connection", {"keep-alive Upgrade"}, 400},
    {"Sec-WebSocket-Version", {"13"}, 101},
    {"Sec-WebSocket-Version", {" 13 "}, 101},
    {"Sec-WebSocket-Version", {}, 426},
    {"Sec-WebSocket-Version", {""}, 426},
    {"Sec-WebSocket-Version", {"8"}, 426},
    {"Sec-WebSocket-Version", {"7"}, 426},
    {"Sec-WebSocket-Version", {"14"}, 426},
    {"Sec-WebSocket-Version", {"013"}, 426},
    {"Sec-WebSocket-Version", {"13.0"}, 426},
    {"Sec-WebSocket-Version", {"13, 8"}, 426},
    {"Sec-WebSocket-Version", {"-13"}, 426},
    {"Sec-WebSocket-Version", {"13", "13"}, 400},
    {"Sec-WebSocket-Version", {"8", "13"}, 400},
    {"Sec-WebSocket-Key", {kGoodKey}, 101},
    {"Sec-WebSocket-Key", {"AAAAAAAAAAAAAAAAAAAAAA=="}, 101},
    {"Sec-WebSocket-Key", {"++++++++++//////////09=="}, 101},
    {"Sec-WebSocket-Key", {" dGhlIHNhbXBsZSBub25jZQ== "}, 101},
    {"Sec-WebSocket-Key", {}, 400},
    {"Sec-WebSocket-Key", {""}, 400},
    {"Sec-WebSocket-Key", {kGoodKey, kGoodKey}, 400},
    {"Sec-WebSocket-Key", {"dGhlIHNhbXBsZSBub25jZQ==, dGhlIHNhbXBsZSBub25jZQ=="}, 400},
    {"Sec-WebSocket-Key", {"dGhlIHNhbXBsZSBub25jZQ"}, 400},
    {"Sec-WebSocket-Key", {"dGhlIHNhbXBsZSBub25jZQ="}, 400},
    {"Sec-WebSocket-Key", {"dGhlIHNhbXBsZSBub25jZWE="}, 400},
    {"Sec-WebSocket-Key", {"dGhlIHNhbXBsZSBub25jZWFi"}, 400},
    {"Sec-WebSocket-Key", {"dGhlIHNhbXBsZSBub25j"}, 400},
    {"Sec-WebSocket-Key", {"dGhlIHNhbXBsZSBub25jZQ===="}, 400},
    {"Sec-WebSocket-Key", {"dGhlIHNhbXBsZSBub25jZ==="}, 400},
    {"Sec-WebSocket-Key", {"dGhl-HNhbXBsZSBub25jZQ=="}, 400},
    {"Sec-WebSocket-Key", {"dGhl_HNhbXBsZSBub25jZQ=="}, 400},
    {"Sec-WebSocket-Key", {"dGhl HNhbXBsZSBub25jZQ=="}, 400},
    {"Sec-WebSocket-Key", {"dGhl=HNhbXBsZSBub25jZQ=="}, 400},
    {"Origin", {}, 101},
    {"Origin", {"http://anywhere.example"}, 101},
    {"Origin", {"null"}, 101},
};

class HandshakeField : public testing::TestWithParam<FieldCase> {};

TEST_P(HandshakeField, is_checked) {
  const FieldCase& row = GetParam();
  Fields fields = good_fields();
  std::erase_if(fields, [&](const api::Field& field) { return ascii_iequals(field.name, row.name); });
  for (const std::string_view value : row.values) fields.push_back({row.name, value});
  EXPECT_EQ(status_of(fields), row.status) << row.name << testing::PrintToString(row.values);
}
INSTANTIATE_TEST_SUITE_P(by_itself, HandshakeField, testing::ValuesIn(kFieldCases));

TEST(Handshake, another_version_is_told_before_other_faults_of_it) {
  Fields fields = with("Sec-WebSocket-Version", {"8"});
  std::erase_if(fields, [](const api::Field& field) { return field.name == "Sec-WebSocket-Key"; });
  EXPECT_EQ(status_of(fields), 426);
}

TEST(Handshake, without_upgrade_is_no_wish_for_a_websocket) {
  EXPECT_TRUE(asks_for_websocket(good_fields()));
  EXPECT_TRUE(asks_for_websocket(with("Connection", {})));
  EXPECT_FALSE(asks_for_websocket(with("Upgrade", {})));
  EXPECT_FALSE(asks_for_websocket(with("Upgrade", {"h2c"})));
  EXPECT_FALSE(asks_for_websocket({}));
}

struct SubprotocolCase {
  std::vector<std::string_view> offered;
  std::string_view chosen;  // "refused": 400
};

const SubprotocolCase kSubprotocolCases[] = {
    {{}, ""},
    {{""}, ""},
    {{"chat"}, "chat"},
    {{"superchat"}, "superchat"},
    {{"chat, superchat"}, "superchat"},
    {{"superchat, chat"}, "superchat"},
    {{"chat", "superchat"}, "superchat"},
    {{"other, chat"}, "chat"},
    {{"other", "more, chat"}, "chat"},
    {{"v1.chat"}, "v1.chat"},
    {{"v1.chat , chat"}, "chat"},
    {{"chat,,"}, "chat"},
    {{"Chat"}, ""},
    {{"other"}, ""},
    {{"chats"}, ""},
    {{"chat chat"}, "refused"},
    {{"chat, a b"}, "refused"},
    {{"\"chat\""}, "refused"},
    {{"chat; q=1"}, "refused"},
    {{"chat/1"}, "refused"},
    {{"chat", "\x01"}, "refused"},
    {{"t\xc3\xa4"}, "refused"},
};

TEST(Handshake, the_servers_order_decides_the_subprotocol) {
  const std::vector<std::string> known{"superchat", "chat", "v1.chat"};
  for (const SubprotocolCase& row : kSubprotocolCases) {
    const Fields fields = with("Sec-WebSocket-Protocol", row.offered);
    const Handshake handshake = check_handshake(Method::Get, Version::Http11, fields, {known, {}});
    if (row.chosen == "refused") {
      EXPECT_EQ(status_of(fields, {known, {}}), 400) << testing::PrintToString(row.offered);
      EXPECT_EQ(status_of(fields), 400) << testing::PrintToString(row.offered);
    } else {
      EXPECT_FALSE(handshake.refusal) << testing::PrintToString(row.offered);
      EXPECT_EQ(handshake.subprotocol, row.chosen) << testing::PrintToString(row.offered);
    }
  }
}

struct OriginCase {
  std::vector<std::string_view> origin;
  int status;
};

const OriginCase kOriginCases[] = {
    {{"https://example.com"}, 101},
    {{"https://EXAMPLE.com"}, 101},
    {{"HTTPS://example.COM"}, 101},
    {{" https://example.com "}, 101},
    {{"http://local.example:8080"}, 101},
    {{}, 403},
    {{""}, 403},
    {{"null"}, 403},
    {{"http://example.com"}, 403},
    {{"https://example.com:443"}, 403},
    {{"https://example.com:8443"}, 403},
    {{"https://example.com/"}, 403},
    {{"https://example.com.evil.example"}, 403},
    {{"https://evil.example/https://example.com"}, 403},
    {{"https://www.example.com"}, 403},
    {{"example.com"}, 403},
    {{"http://local.example"}, 403},
    {{"http://local.example:80"}, 403},
    {{"https://example.com https://example.com"}, 403},
    {{"https://example.com", "https://example.com"}, 403},
    {{"https://evil.example", "https://example.com"}, 403},
};

TEST(Handshake, only_listed_origins_may_connect) {
  const std::vector<std::string> allowed{"https://example.com", "http://Local.example:8080"};
  for (const OriginCase& row : kOriginCases)
    EXPECT_EQ(status_of(with("Origin", row.origin), {{}, allowed}), row.status)
        << testing::PrintToString(row.origin);
}

TEST(Handshake, a_malformed_one_is_400_whatever_its_origin) {
  const std::vector<std::string> allowed{"https://example.com"};
  EXPECT_EQ(status_of(with("Sec-WebSocket-Key", {"short"}), {{}, allowed}), 400);
  EXPECT_EQ(status_of(good_fields(), {{}, allowed}), 403);
}

}  // namespace
}  // namespace holdfast::websocket
