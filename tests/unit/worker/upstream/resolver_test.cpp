#include "worker/upstream/resolver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "tests/unit/worker/upstream/loop_until.h"

namespace holdfast::upstream {
namespace {

using ::testing::HasSubstr;

struct Asker final : Question {
  void on_addresses(const std::vector<Endpoint>& found) override {
    ++answers;
    addresses = found;
  }
  void on_no_address(std::string_view why) override {
    ++answers;
    problem = why;
  }
  int answers = 0;
  std::vector<Endpoint> addresses;
  std::string problem;
};

class ResolverTest : public ::testing::Test {
 protected:
  std::unique_ptr<loop::EventLoop> loop_ = std::move(*loop::EventLoop::create());
  HandPool pool_;
};

TEST_F(ResolverTest, looks_a_name_up_once_for_all_who_ask) {
  Resolver resolver(*loop_, pool_);
  Asker first, second, late, other_port;
  resolver.ask(first, "localhost", 81);
  resolver.ask(second, "localhost", 81);
  resolver.ask(other_port, "localhost", 82);
  EXPECT_EQ(pool_.waiting.size(), 2u);
  EXPECT_EQ(first.answers, 0);
  pool_.run();
  ASSERT_FALSE(first.addresses.empty()) << first.problem;
  EXPECT_THAT(first.addresses.front().text(), ::testing::AnyOf("127.0.0.1:81", "[::1]:81"));
  EXPECT_EQ(second.addresses, first.addresses);
  EXPECT_EQ(other_port.addresses.front().port(), 82);
  resolver.ask(late, "localhost", 81);
  EXPECT_EQ(late.addresses, first.addresses) << "at once";
  EXPECT_TRUE(pool_.waiting.empty());
}

TEST_F(ResolverTest, forgets_in_time) {
  Resolver resolver(*loop_, pool_, {.found = Milliseconds(0), .failed = Milliseconds(0), .names = 4});
  Asker first, second;
  resolver.ask(first, "localhost", 81);
  pool_.run();
  resolver.ask(second, "localhost", 81);
  EXPECT_EQ(second.answers, 0);
  EXPECT_EQ(pool_.waiting.size(), 1u);
}

TEST_F(ResolverTest, who_is_gone_is_not_told) {
  Asker stays;
  auto resolver = std::make_unique<Resolver>(*loop_, pool_);
  {
    Asker gone;
    resolver->ask(gone, "localhost", 81);
    resolver->ask(stays, "localhost", 81);
  }
  pool_.run();
  EXPECT_EQ(stays.answers, 1);
  Asker last;
  resolver->ask(last, "localhost", 82);
  resolver.reset();
  pool_.run();
  EXPECT_EQ(last.answers, 0) << "the resolver was gone before";
}

TEST_F(ResolverTest, says_what_is_wrong) {
  Resolver resolver(*loop_, pool_, {.names = 1});
  Asker full, one, too_many;
  pool_.full = true;
  resolver.ask(full, "localhost", 81);
  EXPECT_THAT(full.problem, HasSubstr("wait to be looked up"));
  pool_.full = false;
  resolver.ask(one, "localhost", 81);
  EXPECT_EQ(one.answers, 0);
  resolver.ask(too_many, "localhost", 82);
  EXPECT_THAT(too_many.problem, HasSubstr("too many names"));
  pool_.run();
  EXPECT_EQ(one.answers, 1);
  Asker takes_its_place;
  resolver.ask(takes_its_place, "localhost", 82);
  EXPECT_EQ(pool_.waiting.size(), 1u) << "what is known gives way";
}

/// Asks for another name as soon as it is told.
struct Chain final : Question {
  Chain(Resolver& of, int steps) : resolver(of), left(steps) {}
  void on_addresses(const std::vector<Endpoint>& /*found*/) override {
    if (left-- > 0) resolver.ask(*this, "localhost", static_cast<std::uint16_t>(81 + left % 2));
  }
  void on_no_address(std::string_view why) override { problem = why; }
  Resolver& resolver;
  int left;
  std::string problem;
};

TEST_F(ResolverTest, may_be_asked_from_an_answer) {
  Resolver resolver(*loop_, pool_, {.names = 1});
  Chain chain(resolver, 4);
  resolver.ask(chain, "localhost", 81);
  for (int i = 0; i < 6; ++i) pool_.run();
  EXPECT_THAT(chain.problem, ::testing::AnyOf("", HasSubstr("too many names")));
}

}  // namespace
}  // namespace holdfast::upstream
