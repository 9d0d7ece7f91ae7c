#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/deadline.h"
#include "tests/support/gzip_text.h"
#include "tests/support/metrics_reader.h"
#include "tests/support/server_process.h"

namespace holdfast::support {
namespace {

using testing::HasSubstr;

Response ask(const ServerProcess& server, const std::string& method, const std::string& target,
             const std::string& fields) {
  Client client(server.port());
  client.send(method + " " + target + " HTTP/1.1\r\nHost: x\r\n" + fields + "\r\n");
  return method == "HEAD" ? client.receive_head() : client.receive();
}

struct Site {
  /// One worker: what the first answers do is then done for all.
  static ServerConfig one_worker() {
    ServerConfig config;
    config.workers = 1;
    return config;
  }
  Site() : server(one_worker()) {
    server.dir().write("www/small.html", packable_text(5000));
    server.dir().write("www/middle.txt", packable_text(60'000));
    server.dir().write("www/large.css", packable_text(600'000));
    server.dir().write("www/huge.txt", packable_text(9'000'000));
    server.dir().write("www/tiny.html", packable_text(500));
    server.dir().write("www/picture.png", packable_text(5000));
  }
  ServerProcess server;
};

/// The first answers are packed on their way, with a weak validator; what is kept has a strong one of its own.
Response kept_form(const ServerProcess& server, const std::string& target) {
  Response packed;
  eventually(10s, [&] {
    packed = ask(server, "GET", target, "Accept-Encoding: gzip\r\n");
    return packed.field("etag").ends_with("-gz\"");
  });
  return packed;
}

TEST(compression, of_files_of_all_sizes_gives_the_same_content) {
  Site site;
  ASSERT_TRUE(site.server.ready());
  for (const auto& [target, size] :
       {std::pair{"/small.html", 5000u}, {"/middle.txt", 60'000u}, {"/large.css", 600'000u}}) {
    const Response first = ask(site.server, "GET", target, "Accept-Encoding: gzip\r\n");
    EXPECT_THAT(first.field("etag"), testing::StartsWith("W/\""));
    for (const Response& packed : {first, kept_form(site.server, target)}) {
      EXPECT_EQ(packed.field("content-encoding"), "gzip") << target;
      EXPECT_THAT(packed.field("vary"), HasSubstr("Accept-Encoding"));
      EXPECT_LT(packed.body.size(), size / 2);
      EXPECT_EQ(gunzip(packed.body), packable_text(size)) << target;
    }
    const Response plain = ask(site.server, "GET", target, "");
    EXPECT_EQ(plain.body, packable_text(size));
    EXPECT_EQ(plain.field("content-encoding"), "");
    EXPECT_THAT(plain.field("vary"), HasSubstr("Accept-Encoding"));
  }
  EXPECT_GT(scrape(site.server.admin_port()).sum("holdfast_compression_bytes_total", {"gzip", "in"}), 600'000);
}

TEST(compression, of_files_above_a_mebibyte_is_done_once_and_kept) {
  Site site;
  site.server.dir().write("www/big.txt", packable_text(3'000'000));
  ASSERT_TRUE(site.server.ready());
  EXPECT_EQ(ask(site.server, "GET", "/big.txt", "Accept-Encoding: gzip\r\n").body, packable_text(3'000'000));
  const Response packed = kept_form(site.server, "/big.txt");
  EXPECT_EQ(packed.field("content-length"), std::to_string(packed.body.size()));
  EXPECT_EQ(gunzip(packed.body), packable_text(3'000'000));
}

TEST(compression, leaves_alone_what_gains_nothing_and_parts) {
  Site site;
  ASSERT_TRUE(site.server.ready());
  for (const char* target : {"/tiny.html", "/picture.png", "/huge.txt"})
    EXPECT_EQ(ask(site.server, "GET", target, "Accept-Encoding: gzip\r\n").field("content-encoding"), "")
        << target;
  const Response part = ask(site.server, "GET", "/middle.txt", "Accept-Encoding: gzip\r\nRange: bytes=5-8\r\n");
  EXPECT_EQ(part.status, 206);
  EXPECT_EQ(part.body, packable_text(60'000).substr(5, 4));
}

TEST(compression, of_head_agrees_with_get_and_a_packed_answer_is_revalidated) {
  Site site;
  ASSERT_TRUE(site.server.ready());
  for (const char* target : {"/small.html", "/large.css"}) {
    const Response get = kept_form(site.server, target);
    const Response head = ask(site.server, "HEAD", target, "Accept-Encoding: gzip\r\n");
    for (const char* field :
         {"content-encoding", "content-length", "transfer-encoding", "etag", "vary", "content-type"})
      EXPECT_EQ(get.field(field), head.field(field)) << target << " " << field;
    const Response again = ask(site.server, "GET", target,
                               "Accept-Encoding: gzip\r\nIf-None-Match: " + get.field("etag") + "\r\n");
    EXPECT_EQ(again.status, 304);
    EXPECT_THAT(again.field("vary"), HasSubstr("Accept-Encoding"));
  }
}

TEST(compression, confirms_what_was_packed_on_its_way_by_the_validator_it_had) {
  Site site;
  ASSERT_TRUE(site.server.ready());
  const std::string first = ask(site.server, "GET", "/large.css", "Accept-Encoding: gzip\r\n").field("etag");
  ASSERT_THAT(first, testing::StartsWith("W/\""));
  kept_form(site.server, "/large.css");
  for (const std::string& fields : {std::string("Accept-Encoding: gzip\r\n"), std::string()}) {
    const Response again =
        ask(site.server, "GET", "/large.css", fields + "If-None-Match: \"other\", " + first + "\r\n");
    EXPECT_EQ(again.status, 304);
    EXPECT_EQ(again.field("etag"), first) << "a cache finds it by that (RFC 9111 section 4.3.4)";
  }
}

TEST(compression, and_headers_follow_the_route) {
  ServerConfig config;
  config.routes =
      "      - {path: /off/*, compression: {enabled: false}, files: {root: www}}\n"
      "      - {path: /edited, headers: {set: {X-A: b, Content-Type: text/x}, remove: [Server]},\n"
      "         respond: {body: hi, headers: {Content-Type: text/plain, X-A: old}}}\n";
  ServerProcess server(config);
  ASSERT_TRUE(server.ready());
  server.dir().write("www/off/page.html", packable_text(5000));
  EXPECT_EQ(ask(server, "GET", "/off/page.html", "Accept-Encoding: gzip\r\n").field("content-encoding"), "");
  const Response edited = ask(server, "GET", "/edited", "");
  EXPECT_EQ(edited.field("x-a"), "b");
  EXPECT_EQ(edited.field("content-type"), "text/x");
  EXPECT_EQ(edited.field("server"), "");
  EXPECT_EQ(ask(server, "GET", "/fixed", "").field("server"), "holdfast");
}

}  // namespace
}  // namespace holdfast::support
