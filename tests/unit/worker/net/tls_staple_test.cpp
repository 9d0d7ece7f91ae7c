#include "worker/net/tls_staple.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/test_certificate.h"

namespace holdfast::net {
namespace {

using support::make_certificate;
using support::ocsp_response;
using support::TestCertificate;
using testing::HasSubstr;

class StapleTest : public ::testing::Test {
 protected:
  std::string defect(const std::string& response, std::chrono::hours later = {}) const {
    const auto read = read_staple(response, *certificate_, std::chrono::system_clock::now() + later);
    return read ? "" : read.error().message();
  }

  const TestCertificate authority_ = make_certificate({}, {.common_name = "root", .authority = true});
  const TestCertificate made_ = make_certificate({"a.test"}, {.issuer = &authority_});
  const Result<TlsCertificate> certificate_ =
      TlsCertificate::read(made_.certificate + authority_.certificate, made_.key);
};

TEST_F(StapleTest, is_good_when_the_authority_says_so_and_until_when) {
  const std::string response = ocsp_response(authority_, made_);
  const WallTime now = std::chrono::system_clock::now();
  const auto staple = read_staple(response, *certificate_, now);
  ASSERT_TRUE(staple) << staple.error().message();
  EXPECT_EQ(staple->response, response);
  EXPECT_NEAR(std::chrono::duration<double>(staple->until - now).count(), 48 * 3600, 60);
}

TEST_F(StapleTest, is_refused_for_what_clients_would_refuse) {
  const TestCertificate stranger = make_certificate({}, {.common_name = "root", .authority = true});
  const TestCertificate other = make_certificate({"b.test"}, {.issuer = &authority_});
  EXPECT_THAT(defect("no response"), HasSubstr("is none"));
  EXPECT_THAT(defect(""), HasSubstr("is none"));
  EXPECT_THAT(defect(ocsp_response(authority_, other)), HasSubstr("is of another certificate"));
  EXPECT_THAT(defect(ocsp_response(authority_, made_, {.revoked = true})), HasSubstr("is revoked"));
  EXPECT_THAT(defect(ocsp_response(authority_, made_), std::chrono::hours(49)), HasSubstr("out of date"));
  EXPECT_THAT(defect(ocsp_response(authority_, made_, {.from_hours = 1})), HasSubstr("out of date"));
  std::string forged = ocsp_response(authority_, made_);
  forged[forged.size() - 5] ^= 1;
  EXPECT_THAT(defect(forged), HasSubstr("not signed by the authority"));
  EXPECT_THAT(defect(ocsp_response(stranger, made_)), HasSubstr("is of another certificate"));
}

TEST_F(StapleTest, needs_the_issuer_and_a_responder) {
  const auto alone = TlsCertificate::read(made_.certificate, made_.key);
  const auto read = read_staple(ocsp_response(authority_, made_), *alone, std::chrono::system_clock::now());
  ASSERT_FALSE(read);
  EXPECT_THAT(read.error().message(), HasSubstr("needs the issuer's certificate"));
  const auto fetched = fetch_staple(*certificate_, std::chrono::system_clock::now());
  ASSERT_FALSE(fetched);
  EXPECT_THAT(fetched.error().message(), HasSubstr("names no responder"));
}

}  // namespace
}  // namespace holdfast::net
