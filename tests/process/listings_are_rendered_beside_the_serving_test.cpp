// A folder with many names: its listing is made in a thread, for all who ask at once, and nobody else
// waits.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/support/server_process.h"

namespace holdfast::support {
namespace {

using testing::HasSubstr;

constexpr int kNames = 600;

struct BigFolder {
  BigFolder() : server(one_worker()) {
    for (int i = 0; i < kNames; ++i) server.dir().write("www/pool/name" + std::to_string(i), "");
    server.dir().write("www/index.html", "index");
  }
  static ServerConfig one_worker() {
    ServerConfig config;
    config.workers = 1;
    config.routes = "      - {path: /pool/*, files: {root: www, listing: true}}\n";
    return config;
  }
  ServerProcess server;
};

TEST(listing, of_a_big_folder_is_the_same_for_all_who_ask_at_once) {
  BigFolder folder;
  ASSERT_TRUE(folder.server.ready());
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 10; ++i) {
    clients.push_back(std::make_unique<Client>(folder.server.port()));
    clients.back()->send("GET /pool/ HTTP/1.1\r\nHost: x\r\n\r\nGET /fixed HTTP/1.1\r\nHost: x\r\n\r\n");
  }
  clients.pop_back();  // one leaves before its answer is there
  std::string first;
  for (const auto& client : clients) {
    const Response listing = client->receive();
    EXPECT_EQ(listing.status, 200);
    EXPECT_THAT(listing.body, HasSubstr("name" + std::to_string(kNames - 1)));
    if (first.empty()) first = listing.body;
    EXPECT_EQ(listing.body, first);
    EXPECT_EQ(client->receive().body, "fixed answer") << "what is pipelined behind it comes after it";
  }
  Client other(folder.server.port());
  EXPECT_EQ(other.request("HEAD", "/pool/", "").field("content-length"), std::to_string(first.size()));
}

TEST(listing, that_is_being_rendered_is_still_answered_by_a_server_that_stops) {
  BigFolder folder;
  ASSERT_TRUE(folder.server.ready());
  Client client(folder.server.port());
  client.send("GET /pool/ HTTP/1.1\r\nHost: x\r\n\r\n");
  folder.server.signal(SIGTERM);
  const Response listing = client.receive();
  EXPECT_EQ(listing.status, 200);
  EXPECT_THAT(listing.body, HasSubstr("name0"));
}

}  // namespace
}  // namespace holdfast::support
