#include "master/staple_fetch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include "master/poll_set.h"
#include "tests/support/test_certificate.h"

namespace holdfast::master {
namespace {

using std::chrono_literals::operator""s;
using support::make_certificate;
using support::TestCertificate;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class StapleFetchTest : public ::testing::Test {
 protected:
  static std::shared_ptr<const config::Config> config_of(const TestCertificate& made,
                                                         config::Stapling stapling) {
    auto config = std::make_shared<config::Config>();
    config::Listener& listener = config->listeners.emplace_back();
    listener.tls.enabled = true;
    listener.tls.certificates.push_back(
        {{"site.pem", made.certificate}, {"site.key", made.key}, {}, stapling, {}});
    return config;
  }
  bool wait_for_inquiry() {
    PollSet set;
    set.add(fetch_.inquiry_output(), Source::StapleInquiry);
    bool news = false;
    while (fetch_.inquiry_output() >= 0) {
      set.wait(Clock::now(), Clock::now() + 20s);
      news |= fetch_.on_inquiry(now_, std::chrono::system_clock::now());
    }
    while (::waitpid(-1, nullptr, WNOHANG) > 0) {
    }
    return news;
  }

  StapleFetch fetch_;
  TimePoint now_ = Clock::now();
};

TEST_F(StapleFetchTest, sleeps_when_nobody_wants_it) {
  const auto config = config_of(make_certificate({"a.test"}), config::Stapling::Off);
  fetch_.follow(*config, std::nullopt, now_);
  EXPECT_EQ(fetch_.next_deadline(), kNever);
  EXPECT_EQ(fetch_.filled(config), config);
}

TEST_F(StapleFetchTest, asks_at_once_tells_why_it_failed_and_asks_again_later) {
  const auto config = config_of(make_certificate({"a.test"}), config::Stapling::Fetch);
  fetch_.follow(*config, std::nullopt, now_);
  EXPECT_EQ(fetch_.next_deadline(), now_);
  fetch_.on_time(now_);
  EXPECT_FALSE(wait_for_inquiry());
  EXPECT_THAT(fetch_.take_problems(), ElementsAre(HasSubstr("site.pem: OCSP response: needs the issuer")));
  EXPECT_THAT(fetch_.take_problems(), IsEmpty());
  EXPECT_EQ(fetch_.next_deadline(), now_ + StapleFetch::kAfterFailure);
  fetch_.follow(*config, std::nullopt, now_ + 1s);
  EXPECT_EQ(fetch_.next_deadline(), now_ + StapleFetch::kAfterFailure) << "a reload does not hurry it";
  EXPECT_EQ(fetch_.filled(config), config);
}

TEST_F(StapleFetchTest, gives_up_a_inquiry_that_hangs) {
  // Whatever becomes of it: nobody looks until it is too late.
  const TestCertificate root = make_certificate({}, {.common_name = "root", .authority = true});
  TestCertificate made = make_certificate({"a.test"}, {.issuer = &root, .ocsp_url = "http://127.0.0.1:9/"});
  made.certificate += root.certificate;
  fetch_.follow(*config_of(made, config::Stapling::Fetch), std::nullopt, now_);
  fetch_.on_time(now_);
  ASSERT_GE(fetch_.inquiry_output(), 0);
  now_ = fetch_.next_deadline();
  fetch_.on_time(now_);
  EXPECT_EQ(fetch_.inquiry_output(), -1);
  EXPECT_THAT(fetch_.take_problems(), ElementsAre(HasSubstr("did not answer in time")));
  while (::waitpid(-1, nullptr, 0) > 0) {
  }
}

}  // namespace
}  // namespace holdfast::master
