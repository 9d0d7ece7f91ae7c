#include "common/tickets/ticket_keys.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <thread>

namespace holdfast::tickets {
namespace {

TEST(TicketKeys, are_taken_for_one_rotation_after_they_were_replaced) {
  TicketKeys keys = std::move(TicketKeys::create()).value();
  const TicketKey first = keys.current();
  ASSERT_TRUE(keys.find(first.name));
  EXPECT_TRUE(keys.find(first.name)->current);
  ASSERT_TRUE(keys.rotate());
  EXPECT_NE(keys.current().name, first.name);
  ASSERT_TRUE(keys.find(first.name));
  EXPECT_FALSE(keys.find(first.name)->current);
  EXPECT_EQ(keys.find(first.name)->key.cipher, first.cipher);
  EXPECT_EQ(keys.find(first.name)->key.mac, first.mac);
  ASSERT_TRUE(keys.rotate());
  EXPECT_FALSE(keys.find(first.name));
}

TEST(TicketKeys, of_a_file_are_used_in_its_order_and_no_others) {
  TicketKeys keys = std::move(TicketKeys::create()).value();
  const TicketKey before = keys.current();
  std::string file;
  for (std::size_t i = 0; i < kMostKeys; ++i)
    file += std::string(sizeof(TicketKey), static_cast<char>('a' + i));
  const auto name = [](char c) {
    TicketKey key;
    key.name.fill(static_cast<std::uint8_t>(c));
    return key.name;
  };
  keys.use(file);
  EXPECT_FALSE(keys.find(before.name));
  EXPECT_EQ(keys.current().name, name('a'));
  for (const char c : {'a', 'b', 'h'}) {
    ASSERT_TRUE(keys.find(name(c)));
    EXPECT_EQ(keys.find(name(c))->current, c == 'a');
    EXPECT_EQ(keys.find(name(c))->key.mac[31], c);
  }
  keys.use(file.substr(sizeof(TicketKey), sizeof(TicketKey)));
  EXPECT_EQ(keys.current().name, name('b'));
  EXPECT_FALSE(keys.find(name('a')));
  EXPECT_FALSE(keys.find(name('c')));
}

TEST(TicketKeys, are_never_zero_and_never_the_same) {
  const TicketKeys one = std::move(TicketKeys::create()).value();
  const TicketKeys other = std::move(TicketKeys::create()).value();
  EXPECT_NE(one.current().cipher, other.current().cipher);
  EXPECT_FALSE(one.find(TicketKey{}.name));
}

TEST(TicketKeys, are_seen_by_other_processes) {
  TicketKeys keys = std::move(TicketKeys::create()).value();
  int go[2];
  ASSERT_EQ(::pipe(go), 0);
  const TicketKey first = keys.current();
  const pid_t child = ::fork();
  if (child == 0) {
    char byte = 0;
    const bool told = ::read(go[0], &byte, 1) == 1;
    _exit(told && keys.find(first.name) && !keys.find(first.name)->current ? 0 : 1);
  }
  ASSERT_TRUE(keys.rotate());
  ASSERT_EQ(::write(go[1], "x", 1), 1);
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  ::close(go[0]);
  ::close(go[1]);
}

TEST(TicketKeys, are_read_whole_while_they_are_written) {
  TicketKeys keys = std::move(TicketKeys::create()).value();
  std::atomic<bool> stop = false;
  std::thread writer([&] {
    while (!stop.load()) ASSERT_TRUE(keys.rotate());
  });
  for (int i = 0; i < 20'000; ++i) {
    const TicketKey key = keys.current();
    // What has the name has the rest as well, if it is still there.
    const auto found = keys.find(key.name);
    ASSERT_TRUE(!found || found->key.mac == key.mac);
  }
  stop = true;
  writer.join();
}

}  // namespace
}  // namespace holdfast::tickets
