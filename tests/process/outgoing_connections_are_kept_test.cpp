#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/process/calling_server.h"
#include "tests/support/other_server.h"

namespace holdfast::support {
namespace {

using ::testing::StartsWith;

TEST(fetching, a_connection_is_used_again) {
  OtherServer other;
  ServerProcess server(with_caller());
  ASSERT_TRUE(server.ready());
  Client client(server.port());
  client.send(request_text("GET", asking("whole", other.url("/1"))));
  OtherConnection connection = other.accept();
  EXPECT_THAT(connection.receive_request(), StartsWith("GET /1 "));
  connection.send("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none");
  EXPECT_EQ(client.receive().body, "200 one");
  client.send(request_text("GET", asking("whole", other.url("/2"))));
  EXPECT_THAT(connection.receive_request(), StartsWith("GET /2 "));
  connection.send(
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3\r\ntwo\r\n0\r\n\r\n");
  EXPECT_EQ(client.receive().body, "200 two");
  EXPECT_TRUE(other.idle()) << "no second connection was made";

  // One that says that it closes is believed.
  client.send(request_text("GET", asking("whole", other.url("/3"))));
  EXPECT_THAT(connection.receive_request(), StartsWith("GET /3 "));
  connection.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(client.receive().body, "200 ");
  EXPECT_TRUE(connection.closed_within(10s));

  // One with bytes behind the answer is not kept: they would be taken for the next one.
  client.send(request_text("GET", asking("whole", other.url("/4"))));
  OtherConnection second = other.accept();
  second.receive_request();
  second.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil");
  EXPECT_EQ(client.receive().body, "200 ");
  client.send(request_text("GET", asking("whole", other.url("/5"))));
  OtherConnection third = other.accept(5s);
  EXPECT_THAT(third.receive_request(), StartsWith("GET /5 "));
  third.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood");
  EXPECT_EQ(client.receive().body, "200 good");
  EXPECT_TRUE(second.closed_within(10s));
}

TEST(fetching, a_kept_connection_that_closes_costs_no_repeatable_request) {
  OtherServer other;
  ServerProcess server(with_caller());
  ASSERT_TRUE(server.ready());
  Client client(server.port());
  const auto keep_one = [&] {
    client.send(request_text("GET", asking("whole", other.url("/keep"))));
    OtherConnection connection = other.accept();
    connection.receive_request();
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    EXPECT_EQ(client.receive().body, "200 ");
    return connection;
  };
  // It reads the request, and closes without a word.
  OtherConnection kept = keep_one();
  client.send(request_text("GET", asking("whole", other.url("/again"))));
  EXPECT_THAT(kept.receive_request(), StartsWith("GET /again "));
  kept.end();
  OtherConnection fresh = other.accept();
  EXPECT_THAT(fresh.receive_request(), StartsWith("GET /again "));
  fresh.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nfresh");
  EXPECT_EQ(client.receive().body, "200 fresh");

  // Once: a new connection that closes is the end of it.
  kept = keep_one();
  client.send(request_text("GET", asking("whole", other.url("/once"))));
  kept.receive_request();
  kept.end();
  fresh = other.accept();
  fresh.receive_request();
  fresh.end();
  EXPECT_THAT(client.receive().body, StartsWith("cut short: "));

  // What may have been done is not done again.
  kept = keep_one();
  client.send(request_text("POST", asking("whole", other.url("/post"), "&method=POST"), "", "x"));
  EXPECT_THAT(kept.receive_request(), StartsWith("POST /post "));
  kept.end();
  EXPECT_THAT(client.receive().body, StartsWith("cut short: "));
  EXPECT_TRUE(other.idle());

  // Nor what an answer has begun for.
  kept = keep_one();
  client.send(request_text("GET", asking("whole", other.url("/begun"))));
  kept.receive_request();
  kept.send("HTTP/1.1 2");
  kept.end();
  EXPECT_THAT(client.receive().body, StartsWith("cut short: "));
  EXPECT_TRUE(other.idle());
}

}  // namespace
}  // namespace holdfast::support
