// HTTP/2 on the same listeners: content of all sizes both ways, many streams at once, and what one connection
// may not do.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/http2_client.h"
#include "tests/support/metrics_reader.h"
#include "tests/support/server_process.h"
#include "tests/support/test_certificate.h"

namespace holdfast::support {
namespace {

using testing::HasSubstr;

class http2 : public ::testing::Test {
 protected:
  static ServerConfig one_worker() {
    ServerConfig config;
    config.workers = 1;
    return config;
  }
  void SetUp() override { ASSERT_TRUE(server.ready()); }
  ServerProcess server{one_worker()};
};

TEST_F(http2, answers_what_http1_answers) {
  Http2Client client(server.port());
  const Response hello = client.fetch("GET", "/api/hello");
  EXPECT_EQ(hello.status, 200) << hello;
  EXPECT_EQ(hello.body, get(server.port(), "/api/hello").body);
  EXPECT_EQ(hello.field("server"), "holdfast");
  EXPECT_FALSE(hello.field("date").empty());
  EXPECT_EQ(hello.field("content-length"), std::to_string(hello.body.size()));
  const Response head = client.fetch("HEAD", "/api/hello");
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.body, "");
  EXPECT_EQ(head.field("content-length"), hello.field("content-length"));
  EXPECT_EQ(client.fetch("GET", "/missing").status, 404);
  EXPECT_EQ(client.fetch("DELETE", "/api/hello").status, 405);
  EXPECT_EQ(client.fetch("OPTIONS", "*").status, 204);
  EXPECT_EQ(client.fetch("CONNECT", "/").status, static_cast<int>(1)) << "malformed for the library";
  EXPECT_EQ(client.goaways(), 0);
  EXPECT_EQ(client.settings().at(3), 128u) << "streams at once";
  EXPECT_EQ(client.settings().at(6), 32u * 1024) << "bytes of a field section";
}

TEST_F(http2, serves_files_of_all_sizes) {
  Http2Client client(server.port());
  for (const std::size_t size : {0u, 1u, 5'000u, 16'384u, 70'000u, 3'000'000u}) {
    const std::string content = varied_bytes(size);
    server.dir().write("www/" + std::to_string(size), content);
    const Response response = client.fetch("GET", "/" + std::to_string(size));
    EXPECT_EQ(response.status, 200);
    EXPECT_TRUE(response.body == content) << size;
  }
  FieldList fields = request_fields("GET", "/3000000");
  fields.emplace_back("range", "bytes=2999990-");
  const Response part = client.receive(client.request(fields));
  EXPECT_EQ(part.status, 206);
  EXPECT_EQ(part.body.size(), 10u);
}

TEST_F(http2, echoes_uploads_through_windows_of_both_sides) {
  Http2Client client(server.port());
  const std::string body = varied_bytes(700'000);
  const Response response = client.fetch("POST", "/api/echo", body);
  EXPECT_EQ(response.status, 200) << response;
  EXPECT_TRUE(response.body == body);
  EXPECT_EQ(client.fetch("POST", "/api/echo", "small").body, "small");
}

TEST_F(http2, answers_a_hundred_streams_at_once_and_counts_each) {
  server.dir().write("www/page", varied_bytes(40'000));
  Http2Client client(server.port());
  std::vector<std::uint32_t> streams;
  for (int i = 0; i < 100; ++i) streams.push_back(client.request(request_fields("GET", "/page")));
  for (const std::uint32_t stream : streams) {
    const Response response = client.receive(stream);
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.body.size(), 40'000u);
  }
  EXPECT_EQ(scrape(server.admin_port()).sum("holdfast_worker_requests_total", {"worker=\"0\""}), 100);
}

TEST_F(http2, a_body_above_the_limit_gets_413_and_the_connection_goes_on) {
  Http2Client client(server.port());
  const std::string body = varied_bytes(3'000'000);
  FieldList fields = request_fields("POST", "/api/echo");
  fields.emplace_back("content-length", std::to_string(body.size()));
  EXPECT_EQ(client.receive(client.request(fields, body)).status, 413);
  // Without a length it shows only when the answer has begun: that must not look whole.
  const Response begun = client.fetch("POST", "/api/echo", body);
  EXPECT_EQ(begun.status, 200);
  EXPECT_EQ(begun.outcome, Outcome::Reset);
  EXPECT_EQ(client.fetch("GET", "/api/hello").status, 200);
}

TEST_F(http2, a_field_section_above_the_limit_gets_431_and_the_connection_goes_on) {
  Http2Client client(server.port());
  FieldList fields = request_fields("GET", "/api/hello");
  for (int i = 0; i < 90; ++i) fields.emplace_back("x-field", "v");
  EXPECT_EQ(client.receive(client.request(fields)).status, 200);
  for (int i = 0; i < 20; ++i) fields.emplace_back("x-field", "v");
  EXPECT_EQ(client.receive(client.request(fields)).status, 431);
  fields = request_fields("GET", "/" + std::string(9'000, 'p'));
  EXPECT_EQ(client.receive(client.request(fields)).status, 414);
  EXPECT_EQ(client.fetch("GET", "/api/hello").status, 200);
}

TEST_F(http2, field_sections_in_two_frames_are_as_good_as_others) {
  Http2Client client(server.port());
  while (client.settings().empty()) ASSERT_TRUE(client.next());
  const std::string section = field_section(request_fields("GET", "/api/hello"));
  for (std::uint32_t stream = 1; stream < 60; stream += 2) {
    client.send(FrameType::Headers, kEndStream, stream, section.substr(0, 20));
    client.send(FrameType::Continuation, kEndHeaders, stream, section.substr(20));
    ASSERT_EQ(client.receive(stream).status, 200) << stream;
  }
}

TEST_F(http2, cookies_that_come_in_crumbs_are_one_field_and_host_may_not_contradict) {
  Http2Client client(server.port());
  FieldList fields = request_fields("GET", "/api/hello");
  fields.emplace_back("cookie", "a=1");
  fields.emplace_back("host", "A.test");
  fields.emplace_back("cookie", "b=2");
  EXPECT_EQ(client.receive(client.request(fields)).status, 200);
  fields[5].second = "b.test";
  EXPECT_EQ(client.receive(client.request(fields)).status, 400);
  fields = {{":method", "GET"}, {":scheme", "http"}, {":path", "/api/hello"}};
  EXPECT_EQ(client.receive(client.request(fields)).status, 400) << "neither of both";
}

TEST_F(http2, malformed_messages_reset_their_stream_alone) {
  Http2Client client(server.port());
  const auto broken = [&](const FieldList& fields) { return client.receive(client.request(fields)); };
  FieldList upper = request_fields("GET", "/");
  upper.emplace_back("X-Upper", "1");
  FieldList connection = request_fields("GET", "/");
  connection.emplace_back("connection", "keep-alive");
  FieldList late = {{"x", "y"}};
  for (const auto& field : request_fields("GET", "/")) late.push_back(field);
  FieldList twice = request_fields("GET", "/");
  twice.insert(twice.begin(), {":path", "/other"});
  const FieldList without_path = {{":method", "GET"}, {":scheme", "http"}, {":authority", "a.test"}};
  for (const FieldList& fields : {upper, connection, late, twice, without_path}) {
    const Response response = broken(fields);
    EXPECT_EQ(response.outcome, Outcome::Reset);
    EXPECT_EQ(response.status, 1) << "PROTOCOL_ERROR";
  }
  EXPECT_EQ(client.fetch("GET", "/api/hello").status, 200);
}

TEST_F(http2, a_stream_above_the_limit_is_refused_and_the_others_are_served) {
  server.dir().write("www/big", varied_bytes(100'000));
  Http2Client client(server.port(), {}, {{4, 0}});  // no window at first: nothing can be answered in full
  std::vector<std::uint32_t> streams;
  for (int i = 0; i < 130; ++i) streams.push_back(client.request(request_fields("GET", "/big")));
  for (int i = 128; i < 130; ++i) {
    const Response refused = client.receive(streams[static_cast<std::size_t>(i)]);
    EXPECT_EQ(refused.outcome, Outcome::Reset);
    EXPECT_EQ(refused.status, 7) << "REFUSED_STREAM";
  }
  client.send_settings({{4, 65'535}});
  for (int i = 0; i < 128; ++i)
    EXPECT_EQ(client.receive(streams[static_cast<std::size_t>(i)]).body.size(), 100'000u);
  EXPECT_EQ(client.goaways(), 0);
}

TEST_F(http2, the_more_urgent_answer_goes_first) {
  server.dir().write("www/big", varied_bytes(150'000));
  Http2Client client(server.port(), {}, {{4, 0}});
  FieldList later = request_fields("GET", "/big");
  later.emplace_back("priority", "u=7");
  FieldList sooner = request_fields("GET", "/big");
  sooner.emplace_back("priority", "u=0");
  const std::uint32_t first = client.request(later);
  const std::uint32_t second = client.request(sooner);
  client.send_settings({{4, 1'000'000}});
  std::vector<std::uint32_t> order;
  while (order.size() < 20) {
    const auto frame = client.next();
    ASSERT_TRUE(frame);
    if (frame->type == FrameType::Data) order.push_back(frame->stream);
    if (frame->type == FrameType::Data && (frame->flags & kEndStream) != 0 && frame->stream == first) break;
  }
  const auto last_of_second = std::find(order.rbegin(), order.rend(), second);
  EXPECT_EQ(std::count(last_of_second, order.rend(), first), 0) << "nothing of the other before all of it";
}

TEST_F(http2, a_stream_number_that_was_left_out_ends_the_connection) {
  Http2Client client(server.port());
  client.send_fields(5, request_fields("GET", "/api/hello"), true);
  EXPECT_EQ(client.receive(5).status, 200);
  client.send_fields(3, request_fields("GET", "/api/hello"), true);
  EXPECT_EQ(client.refused(), 1u) << "PROTOCOL_ERROR";
}

TEST_F(http2, is_chosen_by_alpn_and_only_when_it_is_offered) {
  const TestCertificate made = make_certificate({"a.test"});
  ServerConfig config = one_worker();
  config.listeners =
      "  http:\n    bind: \"127.0.0.1:0\"\n    tls: {certificates: [{certificate: site.pem, key: site.key}]}\n"
      "  old:\n    bind: \"127.0.0.1:0\"\n    protocols: [http/1.1]\n"
      "    tls: {certificates: [{certificate: site.pem, key: site.key}]}\n";
  config.files = {{"site.pem", made.certificate}, {"site.key", made.key}};
  ServerProcess tls_server(config);
  ASSERT_TRUE(tls_server.ready());
  TlsOptions tls;
  tls.protocols = {"h2", "http/1.1"};
  ClientOptions options;
  options.tls = &tls;
  Http2Client client(tls_server.port(), options);
  ASSERT_EQ(client.client().connected(), Outcome::Ok) << client.client().tls_problem();
  EXPECT_EQ(client.client().tls()->protocol(), "h2");
  FieldList fields = request_fields("GET", "/api/hello");
  fields[1].second = "https";
  EXPECT_EQ(client.receive(client.request(fields)).status, 200);
  Client old(tls_server.port("old"), options);
  EXPECT_EQ(old.tls()->protocol(), "http/1.1");
  EXPECT_EQ(old.get("/api/hello").status, 200);
}

TEST_F(http2, prior_knowledge_may_come_byte_by_byte) {
  Client client(server.port());
  std::string bytes = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  bytes.append("\0\0\0\4\0\0\0\0\0", 9);
  for (const char byte : bytes) {
    ASSERT_EQ(client.send({&byte, 1}), Outcome::Ok);
    get(server.admin_port(), "/healthz");  // time for it to arrive alone
  }
  std::string head;
  ASSERT_EQ(client.receive_raw(9, head), Outcome::Ok);
  EXPECT_EQ(head[3], 4) << "SETTINGS";
}

}  // namespace
}  // namespace holdfast::support
