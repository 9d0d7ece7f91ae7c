#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/process/test_modules.h"
#include "tests/support/client.h"
#include "tests/support/deadline.h"
#include "tests/support/gzip_text.h"
#include "tests/support/http2_client.h"
#include "tests/support/server_process.h"

namespace holdfast::support {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr std::string_view kHello = "event: hello\nid: 1\nretry: 100\ndata: after \ndata: line two\n\n";

ServerConfig with_events(const std::string& settings = "", const std::string& more = "") {
  ServerConfig config;
  config.workers = 1;
  config.files["events.so"] = module_bytes("events.so");
  config.routes =
      "      - path: /events/{what}\n        module: {file: events.so, settings: {" + settings + "}}\n" + more;
  return config;
}

bool alive_becomes(const ServerProcess& server, const std::string& count) {
  return eventually(10s, [&] { return get(server.port(), "/events/alive").body == count; });
}

constexpr std::string_view kCut = "(cut)";

/// One chunk of a chunked body, as it comes.
std::string chunk(Client& client) {
  std::string size, data;
  while (!size.ends_with("\r\n")) {
    std::string byte;
    if (client.receive_raw(1, byte) != Outcome::Ok) return std::string(kCut);
    size += byte;
  }
  const std::uint64_t length = std::stoull(size, nullptr, 16);
  if (client.receive_raw(length + 2, data) != Outcome::Ok) return std::string(kCut);
  return data.substr(0, length);
}

/// What a gzip reader has when it could read so much; less when the stream was cut.
std::string unpacked(Client& client, std::string& packed, std::size_t size) {
  while (gunzip(packed, false).size() < size) {
    const std::string more = chunk(client);
    if (more == kCut || more.empty()) break;
    packed += more;
  }
  return gunzip(packed, false);
}

/// The data of the next DATA frame of the stream.
std::string data_of(Http2Client& client, std::uint32_t stream) {
  while (const auto frame = client.next()) {
    if (frame->stream != stream) continue;
    if (frame->type == FrameType::Data) return frame->payload;
    if (frame->type == FrameType::Reset) return "(reset)";
  }
  return "(nothing)";
}

TEST(events, come_one_by_one_with_their_fields) {
  ServerProcess server(with_events());
  ASSERT_TRUE(server.ready());
  Client client(server.port());
  client.send(request_text("GET", "/events/three"));
  const Response head = client.receive_head();
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.field("content-type"), "text/event-stream");
  EXPECT_EQ(head.field("cache-control"), "no-store");
  EXPECT_EQ(head.field("x-accel-buffering"), "no");
  EXPECT_EQ(head.field("transfer-encoding"), "chunked");
  EXPECT_EQ(chunk(client), kHello);
  EXPECT_EQ(chunk(client), "id: 2\ndata: 2\n\n");
  EXPECT_EQ(chunk(client), "id: 3\ndata: 3\n\n");
  EXPECT_EQ(chunk(client), "");
  const Response again = client.request("GET", "/events/three", "Last-Event-ID: 3\r\n");
  EXPECT_TRUE(again.ok()) << "the connection lives";
  EXPECT_THAT(again.body, HasSubstr("data: after 3\n"));
  EXPECT_THAT(again.body, EndsWith("data: 3\n\n"));
  EXPECT_EQ(client.request("HEAD", "/events/three").status, 200);
  EXPECT_TRUE(alive_becomes(server, "0"));
}

TEST(events, come_over_http2_likewise) {
  ServerProcess server(with_events("heartbeat: 100ms"));
  ASSERT_TRUE(server.ready());
  Http2Client client(server.port());
  EXPECT_THAT(client.fetch("GET", "/events/three").body, StartsWith(std::string(kHello)));
  const std::uint32_t stream = client.request(request_fields("GET", "/events/wait"));
  EXPECT_EQ(data_of(client, stream), kHello);
  EXPECT_EQ(data_of(client, stream), ":\n\n");
  EXPECT_EQ(data_of(client, stream), ":\n\n");
  ASSERT_TRUE(alive_becomes(server, "1"));
  client.send(FrameType::Reset, 0, stream, big_endian(8));
  EXPECT_TRUE(alive_becomes(server, "0"));
}

TEST(events, leave_at_once_when_they_are_compressed) {
  ServerProcess server(with_events("heartbeat: 100ms", "        compression: {enabled: true}\n"));
  ASSERT_TRUE(server.ready());
  Client client(server.port());
  client.send(request_text("GET", "/events/wait", "Accept-Encoding: gzip\r\n"));
  ASSERT_EQ(client.receive_head().field("content-encoding"), "gzip");
  std::string packed;
  EXPECT_EQ(unpacked(client, packed, kHello.size()).substr(0, kHello.size()), kHello);
  EXPECT_THAT(unpacked(client, packed, kHello.size() + 6), EndsWith(":\n\n:\n\n"));
}

TEST(events, a_comment_finds_out_that_the_client_is_gone) {
  ServerProcess server(with_events("heartbeat: 200ms"));
  ASSERT_TRUE(server.ready());
  {
    Client client(server.port());
    client.send(request_text("GET", "/events/wait"));
    client.receive_head();
    EXPECT_EQ(chunk(client), kHello);
    EXPECT_EQ(chunk(client), ":\n\n");
    ASSERT_TRUE(alive_becomes(server, "1"));
  }
  EXPECT_TRUE(alive_becomes(server, "0")) << "its destructors have run";
}

TEST(events, a_client_that_reads_nothing_holds_no_memory_of_the_handler) {
  ServerProcess server(with_events());
  ASSERT_TRUE(server.ready());
  {
    Client client(server.port(), {.receive_buffer = 4096});
    client.send(request_text("GET", "/events/flood"));
    ASSERT_TRUE(alive_becomes(server, "1"));
    Client other(server.port());
    for (int i = 0; i < 100; ++i) ASSERT_EQ(other.get("/fixed").status, 200);
  }
  EXPECT_TRUE(alive_becomes(server, "0"));
}

TEST(events, are_pushed_to_all_who_view) {
  ServerProcess server(with_events());
  ASSERT_TRUE(server.ready());
  Client one(server.port());
  one.send(request_text("GET", "/events/view"));
  EXPECT_EQ(one.receive_head().status, 200);
  Http2Client two(server.port());
  const std::uint32_t stream = two.request(request_fields("GET", "/events/view"));
  ASSERT_TRUE(alive_becomes(server, "2"));
  Client speaker(server.port());
  speaker.send(request_text("POST", "/events/push", "", "news\nof today"));
  EXPECT_EQ(speaker.receive().body, "2");
  EXPECT_EQ(chunk(one), "event: pushed\ndata: news\ndata: of today\n\n");
  EXPECT_EQ(data_of(two, stream), "event: pushed\ndata: news\ndata: of today\n\n");
  two.send(FrameType::Reset, 0, stream, big_endian(8));
  ASSERT_TRUE(alive_becomes(server, "1"));
  EXPECT_EQ(speaker.get("/events/close").status, 204);
  EXPECT_EQ(chunk(one), "") << "a clean end";
  EXPECT_EQ(one.get("/fixed").status, 200);
  EXPECT_TRUE(alive_becomes(server, "0"));
}

TEST(events, streams_of_an_old_worker_are_cut_at_the_drain_deadline) {
  ServerConfig config = with_events("heartbeat: 100ms");
  config.process = "shutdown_timeout: 1s";
  ServerProcess server(config);
  ASSERT_TRUE(server.ready());
  server.allow("worker overdue");
  Client old(server.port());
  old.send(request_text("GET", "/events/wait"));
  old.receive_head();
  EXPECT_EQ(chunk(old), kHello);
  Http2Client old2(server.port());
  const std::uint32_t stream = old2.request(request_fields("GET", "/events/wait"));
  EXPECT_EQ(data_of(old2, stream), kHello);
  const std::vector<pid_t> before = server.workers();
  EXPECT_EQ(server.reload().event, "reload complete") << "which does not wait for the streams";
  EXPECT_EQ(chunk(old), ":\n\n") << "and does not end them";
  EXPECT_EQ(get(server.port(), "/events/alive").body, "0") << "of the new worker";
  std::string last;
  while ((last = chunk(old)) == ":\n\n") continue;
  EXPECT_EQ(last, kCut) << "never taken for whole";
  while ((last = data_of(old2, stream)) == ":\n\n") continue;
  EXPECT_NE(last, "") << "no end of the stream";
  for (const pid_t pid : before) EXPECT_TRUE(wait_until_gone(pid, 10s));
  const Response again = get(server.port(), "/events/three");
  EXPECT_TRUE(again.ok());
}

}  // namespace
}  // namespace holdfast::support
