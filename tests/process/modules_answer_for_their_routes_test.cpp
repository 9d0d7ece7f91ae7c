#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/process/test_modules.h"
#include "tests/support/client.h"
#include "tests/support/deadline.h"
#include "tests/support/http2_client.h"
#include "tests/support/load.h"
#include "tests/support/metrics_reader.h"
#include "tests/support/server_process.h"
#include "tests/support/websocket_client.h"

namespace holdfast::support {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

/// A copy of the module beside the configuration, where the workers' account may read it.
ServerConfig with_module(const std::string& name, const std::string& route, const std::string& settings,
                         const std::string& more = "") {
  ServerConfig config;
  config.workers = 1;
  config.files[name] = module_bytes(name);
  config.routes = "      - path: " + route + "\n        module: {file: " + name + ", settings: {" + settings +
                  "}}\n" + more;
  return config;
}

ServerConfig with_trial(const std::string& settings = "", const std::string& more = "") {
  return with_module("trial.so", "/trial/{what}", settings, more);
}

/// Coroutines of the trial module that are alive in the one worker.
bool alive_becomes(const ServerProcess& server, const std::string& count) {
  return eventually(10s, [&] { return get(server.port(), "/trial/alive").body == count; });
}

TEST(modules, the_greeter_of_the_examples_greets) {
  ServerProcess server(with_module("greeter.so", "/greet/{name}", "greeting: Good morning"));
  ASSERT_TRUE(server.ready());
  const Response plain = get(server.port(), "/greet/Ada%20%22L%22");
  EXPECT_EQ(plain.status, 200);
  EXPECT_EQ(plain.field("content-type"), "application/json");
  EXPECT_EQ(plain.body, "{\"message\": \"Good morning, Ada \\\"L\\\"!\"}\n");
  EXPECT_THAT(get(server.port(), "/greet/Ada?from=Charles+B").body, HasSubstr("\"from\": \"Charles B\""));
}

TEST(modules, wait_without_holding_up_others) {
  ServerProcess server(with_trial("word: aha"));
  ASSERT_TRUE(server.ready());
  EXPECT_EQ(get(server.port(), "/trial/word").body, "aha");
  EXPECT_EQ(get(server.port(), "/trial/pause").body, "paused");
  EXPECT_EQ(get(server.port(), "/trial/stream").body.size(), 1'000'000u);
  Client body(server.port());
  body.send(request_text("POST", "/trial/body", "", std::string(100'000, 'b')));
  EXPECT_EQ(body.receive().body, "100000");
  body.send(request_text("POST", "/trial/body", "", std::string(100'001, 'b')));
  EXPECT_EQ(body.receive().status, 413);

  // Both threads of the pool are taken, and more is waiting for them.
  std::vector<std::unique_ptr<Client>> waiting;
  for (int i = 0; i < 4; ++i) {
    waiting.push_back(std::make_unique<Client>(server.port()));
    waiting.back()->send(request_text("GET", "/trial/pool?ms=1500"));
  }
  EXPECT_TRUE(alive_becomes(server, "4"));
  Client other(server.port());
  for (int i = 0; i < 200; ++i) ASSERT_EQ(other.get("/fixed").status, 200);
  for (const auto& client : waiting) EXPECT_FALSE(client->readable()) << "the others were not held up";
  for (const auto& client : waiting) EXPECT_EQ(client->receive().body, "42");
  EXPECT_TRUE(alive_becomes(server, "0"));
}

TEST(modules, exceptions_are_500_with_an_id_in_page_and_log) {
  ServerProcess server(with_trial());
  ASSERT_TRUE(server.ready());
  server.allow("handler failed");
  Client client(server.port());
  const std::size_t mark = server.log().mark();
  const Response failed = client.get("/trial/throw");
  EXPECT_EQ(failed.status, 500);
  EXPECT_THAT(failed.body, ::testing::Not(HasSubstr("on purpose")));
  const auto line = server.log().wait_event("handler failed", mark, 10s);
  ASSERT_TRUE(line);
  EXPECT_EQ(line->field("route"), "/trial/{what}");
  EXPECT_EQ(line->field("problem"), "thrown on purpose");
  ASSERT_NE(line->field("request_id"), "");
  EXPECT_THAT(failed.body, HasSubstr(line->field("request_id")));
  EXPECT_FALSE(failed.has("x-request-id")) << "the configuration asks for none";
  EXPECT_EQ(client.get("/trial/teapot").status, 418) << "the connection lives";
  EXPECT_EQ(client.get("/trial/nothing").status, 404);
  EXPECT_FALSE(client.get("/trial/cut").ok());
  EXPECT_TRUE(alive_becomes(server, "0"));
}

TEST(modules, a_handler_that_is_late_is_504) {
  ServerProcess server(with_trial("", "        timeouts: {handler: 300ms}\n"));
  ASSERT_TRUE(server.ready());
  server.allow("handler was late");
  Client client(server.port());
  EXPECT_EQ(client.get("/trial/never").status, 504);
  EXPECT_EQ(client.get("/trial/pause?ms=10").status, 200) << "the connection lives";
  EXPECT_TRUE(server.log().wait_event("handler was late", 0, 10s));
  EXPECT_TRUE(alive_becomes(server, "0"));
}

TEST(modules, clients_that_leave_end_what_waits_for_them) {
  ServerProcess server(with_trial());
  ASSERT_TRUE(server.ready());
  constexpr std::uint32_t kCancel = 8;
  for (const char* path : {"/trial/never", "/trial/pool?ms=300", "/trial/drip", "/trial/body"}) {
    Http2Client client(server.port());
    const std::uint32_t stream = 1;
    client.send_fields(stream, request_fields("POST", path, "a.test"), std::string_view(path) != "/trial/body");
    ASSERT_TRUE(alive_becomes(server, "1")) << path;
    client.send(FrameType::Reset, 0, stream, big_endian(kCancel));
    ASSERT_TRUE(alive_becomes(server, "0")) << path;
  }
  {
    Client client(server.port(), {.receive_buffer = 4096});
    client.send(request_text("GET", "/trial/stream?blocks=5000"));
    ASSERT_TRUE(alive_becomes(server, "1"));
  }
  ASSERT_TRUE(alive_becomes(server, "0")) << "a response that nobody reads";
  {
    Client client(server.port());
    client.send("POST /trial/body HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nonly this");
    ASSERT_TRUE(alive_becomes(server, "1"));
  }
  EXPECT_TRUE(alive_becomes(server, "0")) << "a body that never comes";
}

TEST(modules, converse_in_coroutines) {
  ServerProcess server(with_trial());
  ASSERT_TRUE(server.ready());
  server.allow("handler failed");
  for (const bool http2 : {false, true}) {
    WebSocketClient client(server.port(), "/trial/talk", {.http2 = http2});
    ASSERT_TRUE(client.open());
    std::string three;
    for (const char* word : {"one", "wait", "three"}) three += ws_frame(WsOpcode::Text, word);
    client.send(three);
    for (const char* word : {"one", "one again", "wait", "wait again", "three", "three again"})
      EXPECT_EQ(client.next_text(), word);
    client.send_text("bye");
    EXPECT_EQ(client.next_close(), 4000);
    WebSocketClient ended(server.port(), "/trial/talk", {.http2 = http2});
    ended.send_text("end");
    EXPECT_EQ(ended.next_close(), 1000) << "the end of the coroutine";
    WebSocketClient thrown(server.port(), "/trial/talk", {.http2 = http2});
    thrown.send_text("throw");
    EXPECT_EQ(thrown.next_close(), 1011);
    WebSocketClient leaving(server.port(), "/trial/talk", {.http2 = http2});
    leaving.send_close(4711);
    EXPECT_EQ(leaving.next_close(), 4711);
  }
  const auto line = server.log().wait_event("handler failed", 0, 10s);
  ASSERT_TRUE(line);
  EXPECT_EQ(line->field("problem"), "thrown in a conversation");
  EXPECT_EQ(get(server.port(), "/trial/talk").status, 426);
  EXPECT_TRUE(alive_becomes(server, "0"));
}

TEST(modules, players_that_vanish_end_their_conversations) {
  ServerProcess server(with_trial());
  ASSERT_TRUE(server.ready());
  for (const bool http2 : {false, true}) {
    for (const char* word : {"", "wait", "flood"}) {
      {
        WebSocketClient client(server.port(), "/trial/talk",
                               {.http2 = http2, .connection = {.receive_buffer = 4096}});
        ASSERT_TRUE(client.open());
        if (*word != '\0') client.send_text(word);
        ASSERT_TRUE(alive_becomes(server, "1")) << word;
      }
      ASSERT_TRUE(alive_becomes(server, "0")) << word;
    }
  }
}

TEST(modules, the_game_of_the_examples_can_be_won) {
  ServerProcess server(with_module("guess.so", "/guess", "highest: 50"));
  ASSERT_TRUE(server.ready());
  WebSocketClient player(server.port(), "/guess");
  EXPECT_EQ(player.next_text(), "I think of a number from 1 to 50");
  player.send_text("what?");
  EXPECT_EQ(player.next_text(), "Say a number, please");
  int low = 1;
  int high = 50;
  std::string answer;
  while (low <= high) {
    const int middle = (low + high) / 2;
    player.send_text(std::to_string(middle));
    answer = player.next_text();
    if (answer == "higher") {
      low = middle + 1;
    } else if (answer == "lower") {
      high = middle - 1;
    } else {
      break;
    }
  }
  EXPECT_THAT(answer, HasSubstr("Yes, in "));
  EXPECT_EQ(scrape(server.admin_port()).sum("guess_games_total", {"won"}), 1);
}

TEST(modules, clients_that_close_while_a_handler_waits_are_gone) {
  ServerProcess server(with_trial());
  ASSERT_TRUE(server.ready());
  for (const char* path : {"/trial/never", "/trial/pool?ms=300", "/trial/drip"}) {
    {
      Client client(server.port());
      client.send(request_text("GET", path));
      ASSERT_TRUE(alive_becomes(server, "1")) << path;
    }
    ASSERT_TRUE(alive_becomes(server, "0")) << path;
    {
      Http2Client client(server.port());
      client.request(request_fields("GET", path));
      ASSERT_TRUE(alive_becomes(server, "1")) << path;
    }
    ASSERT_TRUE(alive_becomes(server, "0")) << path << " over HTTP/2";
  }
}

class CrashingModules : public ::testing::TestWithParam<const char*> {};

TEST_P(CrashingModules, are_blamed_with_route_and_request) {
  ServerConfig config = with_trial();
  config.workers = 2;
  ServerProcess server(config);
  ASSERT_TRUE(server.ready());
  server.allow("worker ended");
  Load load(server.port(), {.kind = Load::Kind::KeepAlive, .threads = 4, .target = "/fixed"});
  ASSERT_TRUE(eventually(10s, [&] { return load.outcomes().ok() > 100; }));
  const std::size_t mark = server.log().mark();
  EXPECT_FALSE(get(server.port(), GetParam()).ok());
  const auto line = server.log().wait_event("worker ended", mark, 10s);
  ASSERT_TRUE(line);
  EXPECT_EQ(line->field("signal"), "6");
  EXPECT_EQ(line->field("request"), std::string("GET ") + GetParam());
  EXPECT_EQ(line->field("route"), "/trial/{what}");
  EXPECT_THAT(line->field("module"), HasSubstr("/trial.so"));
  const std::uint64_t before = load.outcomes().ok();
  EXPECT_TRUE(eventually(10s, [&] { return load.outcomes().ok() > before + 100; }));
  load.stop();
  // The connections of the worker that died, each with one request in flight at most.
  EXPECT_LE(load.failures().size(), 4u) << describe(load.failures());
}

INSTANTIATE_TEST_SUITE_P(at_once_and_later, CrashingModules,
                         ::testing::Values("/trial/crash", "/trial/pause?ms=30&then=crash"),
                         [](const auto& info) { return info.index == 0 ? "at_once" : "later"; });

// ---- what is refused

struct Refusal {
  const char* name;
  const char* file;
  const char* settings;
  const char* reason;
};
void PrintTo(const Refusal& refusal, std::ostream* out) {
  *out << refusal.name;
}

class RefusedModules : public ::testing::TestWithParam<Refusal> {};

TEST_P(RefusedModules, by_check_and_by_a_reload_while_the_old_one_serves) {
  const Refusal& refusal = GetParam();
  ServerProcess server(with_trial("word: first"));
  ASSERT_TRUE(server.ready());
  server.allow("worker cannot start");
  server.allow("worker ended");
  server.allow("reload problem");
  server.allow("reload refused");
  ServerConfig wrong = with_module(refusal.file, "/trial/{what}", refusal.settings);
  // Not over the file that is in use: what a process has mapped would change under it.
  if (!std::filesystem::exists(server.dir() / refusal.file))
    server.dir().write(refusal.file, module_bytes(refusal.file));
  server.write_config(wrong);

  const CommandResult check = run_command({holdfast_binary(), "check", "-c", server.config_file()});
  EXPECT_EQ(check.code(), 78);
  EXPECT_THAT(check.err, HasSubstr(refusal.reason));
  EXPECT_THAT(check.err, HasSubstr("holdfast.yaml:"));

  const std::size_t mark = server.log().mark();
  EXPECT_EQ(server.reload().event, "reload refused");
  const auto line = server.log().wait_event("reload problem", mark, 10s);
  ASSERT_TRUE(line);
  EXPECT_THAT(line->field("problem"), HasSubstr(refusal.reason));
  EXPECT_EQ(get(server.port(), "/trial/word").body, "first");
}

INSTANTIATE_TEST_SUITE_P(
    are_refused, RefusedModules,
    ::testing::Values(
        Refusal{"unknown_key", "trial.so", "wrd: x", "unknown key `wrd`; did you mean `word`?"},
        Refusal{"wrong_kind", "trial.so", "word: [a]", "`word` must be a string, not a list"},
        Refusal{"out_of_range", "trial.so", "count: 10", "`count` must be a number"},
        Refusal{"no_duration", "trial.so", "wait: soon", "`wait` must be a duration"},
        Refusal{"refused_by_the_handler", "trial.so", "birth: refuses", "`birth` must be a better one"},
        Refusal{"constructor_throws", "trial.so", "birth: throws", "its handler cannot be made: no luck today"},
        Refusal{"constructor_crashes", "trial.so", "birth: crashes", "trial.so for the route /trial/{what}"},
        Refusal{"old_interface", "old_interface.so", "", "was built for interface 1, this server has"},
        Refusal{"other_abi", "other_abi.so", "", "was built with another library, this server with"},
        Refusal{"no_module", "no_module.so", "", "is no module of holdfast"}),
    [](const auto& info) { return info.param.name; });

TEST(modules, a_file_that_is_not_there_is_refused) {
  TempDir dir;
  ServerConfig config = with_trial();
  dir.write("www/index.html", "");
  dir.write("holdfast.yaml", config.yaml(dir));
  const CommandResult check = run_command({holdfast_binary(), "check", "-c", dir / "holdfast.yaml"});
  EXPECT_EQ(check.code(), 78);
  EXPECT_THAT(check.err, AllOf(HasSubstr("holdfast.yaml:"), HasSubstr("trial.so"), HasSubstr("No such file")));
}

}  // namespace
}  // namespace holdfast::support
