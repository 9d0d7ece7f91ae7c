#include "master/certificate_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <filesystem>
#include <fstream>

#include "config/pem_files.h"
#include "master/poll_set.h"
#include "tests/support/test_certificate.h"
#include "tests/unit/master/temp_folder.h"

namespace holdfast::master {
namespace {

using std::chrono_literals::operator""s;
using support::CertificateOptions;
using support::make_certificate;
using support::TestCertificate;
using testing::HasSubstr;

class CertificateWatchTest : public ::testing::Test {
 protected:
  void SetUp() override {
    put(first_);
    config::Config config;
    config::Listener& listener = config.listeners.emplace_back();
    listener.tls.enabled = true;
    listener.tls.certificates.push_back({{chain_, first_.certificate}, {key_, first_.key}, {"h.yaml", 3, 4}});
    config_ = std::make_shared<config::Config>(config);
    watch_.follow(config_, std::nullopt, now_);
  }

  void put(const TestCertificate& made) {
    write(key_, made.key);
    write(chain_, made.certificate);
  }
  void write(const std::string& path, const std::string& text) {
    std::ofstream(path + ".new") << text;
    std::filesystem::rename(path + ".new", path);
  }

  /// One look, and the end of the examination if one began.
  std::optional<CertificateNews> look() {
    watch_.on_time(now_);
    now_ += CertificateWatch::kInterval;
    while (watch_.inquiry_output() >= 0) {
      PollSet set;
      set.add(watch_.inquiry_output(), Source::CertificateInquiry);
      set.wait(Clock::now(), Clock::now() + 20s);
      watch_.on_inquiry();
    }
    while (::waitpid(-1, nullptr, WNOHANG) > 0) {
    }
    return watch_.take_news();
  }

  const TestCertificate first_ = make_certificate({"a.test"});
  TempFolder folder_;
  const std::string chain_ = folder_ / "site.pem";
  const std::string key_ = folder_ / "site.key";
  std::shared_ptr<const config::Config> config_;
  CertificateWatch watch_;
  TimePoint now_ = Clock::now();
};

TEST_F(CertificateWatchTest, examines_what_serves_once) {
  const auto news = look();
  ASSERT_TRUE(news);
  EXPECT_EQ(news->config, nullptr);
  EXPECT_EQ(news->refusal, "");
  EXPECT_TRUE(news->remarks.empty());
  ASSERT_EQ(news->expiries.size(), 1u);
  EXPECT_EQ(news->expiries[0].file, chain_);
  EXPECT_GT(news->expiries[0].until, std::chrono::system_clock::now() + std::chrono::days(89));
  EXPECT_FALSE(look());
  EXPECT_EQ(watch_.next_deadline(), now_);
}

TEST_F(CertificateWatchTest, brings_a_renewed_pair) {
  look();
  const TestCertificate second = make_certificate({"a.test"}, {.until_days = 5});
  put(second);
  const auto news = look();
  ASSERT_TRUE(news && news->config);
  EXPECT_EQ(config::pem_files(news->config->listeners)[0]->text, second.certificate);
  EXPECT_EQ(config::pem_files(news->config->listeners)[1]->text, second.key);
  EXPECT_THAT(news->remarks, testing::ElementsAre(HasSubstr("site.pem expires in 4 days (")));
  EXPECT_FALSE(look());
}

TEST_F(CertificateWatchTest, waits_a_look_for_the_other_half_of_a_pair) {
  look();
  const TestCertificate second = make_certificate({"a.test"});
  write(key_, second.key);
  EXPECT_FALSE(look());
  write(chain_, second.certificate);
  const auto news = look();
  ASSERT_TRUE(news && news->config);
  EXPECT_FALSE(look());
}

TEST_F(CertificateWatchTest, refuses_once_what_stays_broken_and_takes_the_repaired) {
  look();
  const TestCertificate second = make_certificate({"a.test"});
  write(key_, second.key);
  EXPECT_FALSE(look());
  const auto refused = look();
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->config, nullptr);
  EXPECT_THAT(refused->refusal, HasSubstr("h.yaml:3:4: " + key_ + ": key: does not belong to the certificate"));
  EXPECT_FALSE(look());
  write(chain_, "cut");
  EXPECT_FALSE(look());
  EXPECT_THAT(look()->refusal, HasSubstr("holds none"));
  write(chain_, second.certificate);
  EXPECT_TRUE(look()->config);
}

TEST_F(CertificateWatchTest, refuses_a_missing_file_and_sees_it_come_back) {
  look();
  std::filesystem::remove(key_);
  EXPECT_FALSE(look());
  EXPECT_THAT(look()->refusal, HasSubstr(key_ + " cannot be read"));
  EXPECT_FALSE(look());
  write(key_, first_.key);
  const auto news = look();
  ASSERT_TRUE(news);
  EXPECT_EQ(news->config, nullptr) << "it is the one that serves";
}

TEST_F(CertificateWatchTest, refuses_what_clients_would_refuse) {
  look();
  const TestCertificate stranger = make_certificate({"ca"}, {.common_name = "stranger"});
  const TestCertificate second = make_certificate({"a.test"});
  const std::vector<std::pair<TestCertificate, std::string>> bad{
      {make_certificate({"a.test"}, {.from_days = -9, .until_days = -2}), "has expired ("},
      {make_certificate({"a.test"}, {.from_days = 2}), "is not valid before "},
      {{second.certificate + stranger.certificate, second.key},
       "number 2 of the chain did not issue number 1"}};
  for (const auto& [made, why] : bad) {
    put(made);
    EXPECT_FALSE(look());
    EXPECT_THAT(look()->refusal, HasSubstr(why));
  }
}

TEST_F(CertificateWatchTest, takes_a_good_one_beside_one_in_use_that_has_expired) {
  const TestCertificate expired = make_certificate({"b.test"}, {.from_days = -9, .until_days = -2});
  config::Config both = *config_;
  both.listeners[0].tls.certificates.push_back(
      {{folder_ / "b.pem", expired.certificate}, {folder_ / "b.key", expired.key}, {"h.yaml", 5, 4}});
  write(folder_ / "b.pem", expired.certificate);
  write(folder_ / "b.key", expired.key);
  watch_.follow(std::make_shared<config::Config>(both), std::nullopt, now_);
  const auto first = look();
  ASSERT_TRUE(first);
  EXPECT_THAT(first->remarks, testing::ElementsAre(HasSubstr("b.pem has expired (")));
  put(make_certificate({"a.test"}));
  const auto news = look();
  ASSERT_TRUE(news && news->config) << "the expired one is not what has changed";
  EXPECT_THAT(news->remarks, testing::ElementsAre(HasSubstr("b.pem has expired (")));
}

TEST_F(CertificateWatchTest, repeats_its_remarks_each_day) {
  look();
  now_ += CertificateWatch::kAgain - CertificateWatch::kInterval / 2;
  watch_.on_time(now_);
  now_ += CertificateWatch::kInterval / 2;
  watch_.on_time(now_);
  EXPECT_GT(watch_.next_deadline(), now_) << "it does not spin until the next look";
  now_ += CertificateWatch::kInterval;
  EXPECT_TRUE(look());
  EXPECT_FALSE(look());
}

TEST_F(CertificateWatchTest, without_tls_it_sleeps) {
  watch_.follow(std::make_shared<config::Config>(), std::nullopt, now_);
  EXPECT_EQ(watch_.next_deadline(), kNever);
}

}  // namespace
}  // namespace holdfast::master
