#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/process/calling_server.h"
#include "tests/support/http2_client.h"
#include "tests/support/other_server.h"

namespace holdfast::support {
namespace {

using ::testing::StartsWith;

/// A request on a stream of its own, which the client may give up.
class Leaving {
 public:
  Leaving(const ServerProcess& server, const std::string& target) : client_(server.port()) {
    stream_ = client_.request(request_fields("GET", target));
  }
  void leave() {
    constexpr std::uint32_t kCancel = 8;
    client_.send(FrameType::Reset, 0, stream_, big_endian(kCancel));
  }

 private:
  Http2Client client_;
  std::uint32_t stream_ = 0;
};

TEST(fetching, is_cancelled_wherever_the_client_leaves) {
  OtherServer other;
  ServerProcess server(with_caller());
  ASSERT_TRUE(server.ready());
  struct Place {
    const char* what;
    const char* answer;
  };
  for (const Place& place :
       {Place{"whole", ""}, Place{"whole", "HTTP/1.1 200 OK\r\nContent-Le"},
        Place{"whole", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab"},
        Place{"hold", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab"}, Place{"both", ""},
        Place{"stream", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n"}}) {
    Leaving client(server, asking(place.what, other.url()));
    OtherConnection connection = other.accept();
    ASSERT_THAT(connection.receive_request(), StartsWith("GET / "));
    connection.send(place.answer);
    ASSERT_TRUE(alive_becomes(server, "1")) << place.what << place.answer;
    client.leave();
    EXPECT_TRUE(alive_becomes(server, "0")) << place.what << place.answer;
    EXPECT_TRUE(connection.closed_within(10s)) << place.what << place.answer;
    const bool two = place.what == std::string_view("both");
    EXPECT_TRUE(!two || other.accept().closed_within(10s));
  }
  // While a large body waits for a client that does not read.
  ServerProcess source(other_config());
  ASSERT_TRUE(source.ready());
  {
    Client client(server.port(), {.receive_buffer = 4096});
    client.send(request_text("GET", asking("stream", url_of(source, "/trial/stream?blocks=5000"))));
    ASSERT_TRUE(alive_becomes(server, "1"));
    ASSERT_EQ(client.receive_head().status, 200);
  }
  EXPECT_TRUE(alive_becomes(server, "0"));
  // While the name is looked up, or the connection is being made; the address is one of documentation.
  for (const char* url : {"http://no-such-host.invalid/", "http://192.0.2.1/"}) {
    Leaving client(server, asking("whole", url));
    eventually(200ms, [&] { return get(server.port(), "/call/alive").body == "1"; });
    client.leave();
    EXPECT_TRUE(alive_becomes(server, "0")) << url;
  }
}

}  // namespace
}  // namespace holdfast::support
