#include "worker/http2/request_rules.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <utility>

namespace holdfast::http2 {
namespace {

using Fields = std::initializer_list<std::pair<std::string_view, std::string_view>>;

bool is_request(Fields fields) {
  RequestRules rules;
  for (const auto& [name, value] : fields)
    if (!rules.take(name, value)) return false;
  return rules.complete();
}

TEST(RequestRules, forms_of_requests) {
  EXPECT_TRUE(is_request({{":method", "GET"}, {":scheme", "https"}, {":path", "/"}, {"host", "a"}}));
  EXPECT_TRUE(is_request({{":path", "*"}, {":scheme", "http"}, {":method", "OPTIONS"}}));
  EXPECT_TRUE(is_request({{":method", "CONNECT"}, {":authority", "a:1"}}));
  EXPECT_TRUE(is_request({{":method", "CONNECT"},
                          {":protocol", "websocket"},
                          {":authority", "a"},
                          {":scheme", "https"},
                          {":path", "/"}}));
}

TEST(RequestRules, what_is_missing_or_too_much) {
  EXPECT_FALSE(is_request({{":scheme", "https"}, {":path", "/"}}));
  EXPECT_FALSE(is_request({{":method", "GET"}, {":path", "/"}}));
  EXPECT_FALSE(is_request({{":method", "GET"}, {":scheme", "https"}}));
  EXPECT_FALSE(is_request({{":method", "GET"}, {":scheme", "https"}, {":path", "*"}}));
  EXPECT_FALSE(is_request({{":method", "CONNECT"}, {":authority", "a:1"}, {":path", "/"}}));
  EXPECT_FALSE(is_request({{":method", "CONNECT"}}));
  EXPECT_FALSE(is_request({{":method", "GET"},
                           {":protocol", "websocket"},
                           {":authority", "a"},
                           {":scheme", "https"},
                           {":path", "/"}}));
}

TEST(RequestRules, values_of_pseudo_fields) {
  for (const auto& [name, value] : Fields{{":method", "G T"},
                                          {":method", ""},
                                          {":path", "/a b"},
                                          {":path", "x"},
                                          {":path", "/\x7f"},
                                          {":scheme", "1http"},
                                          {":scheme", "ht tp"},
                                          {":authority", "a b"},
                                          {":protocol", "a/b"},
                                          {":status", "200"},
                                          {":", "x"}})
    EXPECT_FALSE(RequestRules().take(name, value)) << name << ": " << value;
}

TEST(RequestRules, names_and_values_of_fields) {
  for (const auto& [name, value] : Fields{{"Name", "x"},
                                          {"", "x"},
                                          {"a b", "x"},
                                          {"a", " x"},
                                          {"a", "x\t"},
                                          {"a", "x\ny"},
                                          {"a", std::string_view("x\0y", 3)},
                                          {"te", "gzip"},
                                          {"upgrade", "h2c"},
                                          {"connection", "close"},
                                          {"keep-alive", "1"},
                                          {"proxy-connection", "x"},
                                          {"transfer-encoding", "chunked"},
                                          {"content-length", "-1"}}) {
    EXPECT_FALSE(RequestRules().take(name, value)) << name << ": " << value;
    EXPECT_TRUE(name == "content-length" || !RequestRules::is_trailer(name, value)) << name << ": " << value;
  }
  for (const auto& [name, value] : Fields{{"a", ""}, {"te", "Trailers"}, {"a", "x \xc3\xa4"}, {"x-_.1", "y"}}) {
    EXPECT_TRUE(RequestRules().take(name, value)) << name << ": " << value;
    EXPECT_TRUE(RequestRules::is_trailer(name, value)) << name << ": " << value;
  }
  EXPECT_FALSE(RequestRules::is_trailer(":path", "/"));
}

TEST(RequestRules, some_fields_come_once) {
  for (const auto& [name, value] : Fields{{":method", "GET"}, {"host", "a"}, {"content-length", "1"}}) {
    RequestRules rules;
    EXPECT_TRUE(rules.take(name, value));
    EXPECT_FALSE(rules.take(name, value)) << name;
  }
}

TEST(RequestRules, tells_length_and_priority) {
  RequestRules rules;
  EXPECT_FALSE(rules.length());
  rules.take("content-length", "12");
  rules.take("priority", "u=1");
  EXPECT_EQ(rules.length(), 12u);
  EXPECT_EQ(rules.priority().urgency, 1);
  EXPECT_FALSE(rules.take(":path", "/")) << "a pseudo-field behind a field";
}

}  // namespace
}  // namespace holdfast::http2
