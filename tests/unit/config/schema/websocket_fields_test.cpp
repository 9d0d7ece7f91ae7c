// The `websocket` section, globally and of a route, and the `chat` action.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/describe.h"
#include "tests/unit/config/loading.h"

namespace holdfast::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Loaded load_chat(const std::string& settings, const std::string& more = "") {
  return load_text(more + "sites: [{routes: [{path: /c, chat: {" + settings + "}}]}]\n", "x.yaml", "/");
}

TEST(WebSocketSettings, of_a_route_stand_on_top_of_the_wider_ones) {
  const Loaded loaded = load_text(
      "websocket: {max_message: 2KiB, ping_interval: off, origins: [\"https://A.test:443\"]}\n"
      "sites: [{routes: [{path: /a, websocket_echo: {}}, {path: /b, websocket_echo: {}, websocket: "
      "{max_message: 5KiB}}]}]\n",
      "x.yaml", "/");
  ASSERT_THAT(lines(loaded.problems), IsEmpty());
  const std::vector<Route>& routes = loaded.config->sites[0].routes;
  EXPECT_EQ(routes[0].websocket.max_message, 2048U);
  EXPECT_EQ(routes[1].websocket.max_message, 5120U);
  EXPECT_EQ(routes[1].websocket.ping_interval, Milliseconds(0));
  EXPECT_THAT(routes[1].websocket.origins, ElementsAre("https://a.test")) << "as browsers write it";
  EXPECT_EQ(routes[1].websocket.pong_timeout, Milliseconds(20'000));
}

TEST(WebSocketSettings, mistakes_have_their_place) {
  const auto problems = [](const std::string& text) {
    return lines(load_text("websocket: {" + text + "}\nsites: []\n", "x.yaml", "/").problems);
  };
  EXPECT_THAT(problems("max_message: 0"), ElementsAre(HasSubstr("x.yaml:1:")));
  EXPECT_THAT(problems("origins: [\"*\"]"), ElementsAre(HasSubstr("must be origins of pages")));
  EXPECT_THAT(problems("origins: [\"https://a.test/page\"]"),
              ElementsAre(HasSubstr("must be origins of pages")));
  EXPECT_THAT(problems("subprotocols: [\"a b\"]"), ElementsAre(HasSubstr("must be names of subprotocols")));
  EXPECT_THAT(problems("pong_timout: 1s"), ElementsAre(HasSubstr("did you mean `pong_timeout`?")));
}

TEST(ChatSettings, name_the_redis_that_joins_hosts) {
  const auto broker = [](const std::string& url) {
    const Loaded loaded = load_chat("broker: \"" + url + "\"");
    EXPECT_THAT(lines(loaded.problems), IsEmpty()) << url;
    return loaded.config ? std::get<ChatAction>(loaded.config->sites[0].routes[0].action).broker : ChatBroker{};
  };
  EXPECT_EQ(broker("local"), ChatBroker{});
  EXPECT_EQ(broker("redis://cache"), (ChatBroker{"cache", 6379, "holdfast"}));
  EXPECT_EQ(broker("redis://127.0.0.1:7000"), (ChatBroker{"127.0.0.1", 7000, "holdfast"}));
  EXPECT_EQ(broker("redis://[::1]:7000/team"), (ChatBroker{"::1", 7000, "team"}));
}

TEST(ChatSettings, are_printed_so_that_they_load_again) {
  for (const char* url : {"local", "redis://cache", "redis://[::1]/x.y", "redis://127.0.0.1:7000/team"}) {
    const Loaded loaded = load_chat("history: 5, broker: \"" + std::string(url) + "\"");
    ASSERT_THAT(lines(loaded.problems), IsEmpty());
    const std::string printed = effective_yaml(*loaded.config);
    const Loaded again = load_text(printed, "x.yaml", "/");
    ASSERT_THAT(lines(again.problems), IsEmpty()) << printed;
    EXPECT_EQ(effective_yaml(*again.config), printed);
    EXPECT_EQ(std::get<ChatAction>(again.config->sites[0].routes[0].action).broker,
              std::get<ChatAction>(loaded.config->sites[0].routes[0].action).broker);
  }
}

TEST(ChatSettings, mistakes_say_what_is_wanted) {
  const auto problems = [](const std::string& url) {
    return lines(load_chat("broker: \"" + url + "\"").problems);
  };
  EXPECT_THAT(problems("redis://:secret@cache"),
              ElementsAre(HasSubstr("give it in a file, as `broker_password`")));
  EXPECT_THAT(problems("redis://cache:0"), ElementsAre(HasSubstr("must have a port from 1 to 65535")));
  EXPECT_THAT(problems("redis://"), ElementsAre(HasSubstr("must be local, or redis://HOST")));
  EXPECT_THAT(problems("memcached://x"), ElementsAre(HasSubstr("must be local, or begin with redis://")));
  EXPECT_THAT(problems("redis://cache/a b"), ElementsAre(HasSubstr("in its channel")));
}

}  // namespace
}  // namespace holdfast::config
