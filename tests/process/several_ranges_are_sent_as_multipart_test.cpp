#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/support/multipart.h"
#include "tests/support/server_process.h"

namespace holdfast::support {
namespace {

using ::testing::ElementsAre;

TEST(several_ranges, are_sent_as_multipart_with_their_length_on_a_connection_that_goes_on) {
  ServerProcess server;
  ASSERT_TRUE(server.ready());
  Client client(server.port());
  // From memory, and from a descriptor.
  for (const std::size_t size : {std::size_t{20'000}, std::size_t{9'000'017}}) {
    const std::string bytes = varied_bytes(size);
    server.dir().write("www/" + std::to_string(size) + ".bin", bytes);
    const std::string target = "/" + std::to_string(size) + ".bin", slash_size = "/" + std::to_string(size);
    const Response whole = client.request("HEAD", target, "Range: bytes=0-9,20-29\r\n");
    const Response answer = client.request("GET", target, "Range: bytes=5000-14999, 0-0 ,-300\r\n");
    EXPECT_EQ(whole.status, 200) << whole;
    ASSERT_TRUE(answer.ok() && answer.status == 206) << answer;
    EXPECT_FALSE(answer.chunked);
    EXPECT_EQ(answer.field("content-length"), std::to_string(answer.body.size()));
    EXPECT_FALSE(answer.has("content-range"));
    EXPECT_EQ(answer.field("etag"), whole.field("etag"));
    EXPECT_EQ(answer.field("last-modified"), whole.field("last-modified"));
    const auto parts = read_parts(answer.field("content-type"), answer.body);
    ASSERT_TRUE(parts.has_value());
    const std::string type = whole.field("content-type"), last = std::to_string(size - 1);
    EXPECT_THAT(*parts,
                ElementsAre(RangePart{type, "bytes 5000-14999" + slash_size, bytes.substr(5000, 10'000)},
                            RangePart{type, "bytes 0-0" + slash_size, bytes.substr(0, 1)},
                            RangePart{type, "bytes " + std::to_string(size - 300) + "-" + last + slash_size,
                                      bytes.substr(size - 300)}));
  }
  EXPECT_EQ(client.get("/").status, 200);
}

TEST(several_ranges, of_a_file_that_becomes_shorter_end_in_a_cut_connection) {
  ServerProcess server;
  ASSERT_TRUE(server.ready());
  // Far more than socket buffers take in: most of it is unread when the file shrinks.
  constexpr std::size_t kSize = 100 << 20;
  const std::string file = server.dir().write("www/sparse.bin", "");
  std::filesystem::resize_file(file, kSize);
  Client client(server.port(), {.receive_buffer = 65536});
  const std::string range = "Range: bytes=0-9,1000-" + std::to_string(kSize - 2) + "\r\n";
  ASSERT_EQ(client.send(request_text("GET", "/sparse.bin", range)), Outcome::Ok);
  const Response head = client.receive_head();
  ASSERT_TRUE(head.ok() && head.status == 206) << head;
  std::filesystem::resize_file(file, 4000);
  std::size_t received = 0;
  for (std::string piece; !(piece = client.receive_some(1 << 20)).empty();) received += piece.size();
  EXPECT_LT(received, std::stoul(head.field("content-length")));
  EXPECT_EQ(get(server.port(), "/").status, 200);
}

}  // namespace
}  // namespace holdfast::support
