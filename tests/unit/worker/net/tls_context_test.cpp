#include "worker/net/tls_context.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/test_certificate.h"
#include "worker/net/tls_certificate.h"

namespace holdfast::net {
namespace {

using support::make_certificate;
using support::TestCertificate;
using testing::HasSubstr;

config::Certificate settings_of(const TestCertificate& made) {
  return {{"site.pem", made.certificate}, {"site.key", made.key}, {"holdfast.yaml", 7, 9}};
}

config::Tls tls_of(const std::vector<TestCertificate>& certificates) {
  config::Tls tls;
  tls.enabled = true;
  for (const TestCertificate& one : certificates) tls.certificates.push_back(settings_of(one));
  return tls;
}

std::string problem(const config::Tls& tls) {
  const auto made = TlsContext::make(tls);
  return made ? "" : made.error().message();
}

TEST(TlsCertificate, has_the_names_it_is_for) {
  const TestCertificate made = make_certificate({"B.test", "*.a.test", "a.test", "a.test"});
  const auto read = TlsCertificate::read(made.certificate, made.key);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->names(), (std::vector<std::string>{"*.a.test", "a.test", "b.test"}));
  const TestCertificate nameless = make_certificate({});
  EXPECT_EQ(TlsCertificate::read(nameless.certificate, nameless.key)->names(),
            std::vector<std::string>{"holdfast test"});
}

TEST(TlsCertificate, takes_a_chain_and_files_that_hold_both) {
  const TestCertificate made = make_certificate({"a.test"});
  const std::string both =
      made.key + "\nSome words.\n" + made.certificate + make_certificate({"ca"}).certificate;
  EXPECT_TRUE(TlsCertificate::read(both, both));
}

TEST(TlsCertificate, knows_why_clients_would_refuse_it) {
  const WallTime now = std::chrono::system_clock::now();
  const auto defect = [now](const TestCertificate& made, std::chrono::hours later = {}) {
    return TlsCertificate::read(made.certificate, made.key)->defect(now + later);
  };
  const TestCertificate root = make_certificate({}, {.common_name = "root", .authority = true});
  const TestCertificate middle =
      make_certificate({}, {.common_name = "middle", .issuer = &root, .authority = true});
  TestCertificate leaf = make_certificate({"a.test"}, {.issuer = &middle});
  const std::string alone = leaf.certificate;
  EXPECT_EQ(defect(leaf), "");
  leaf.certificate = alone + middle.certificate;
  EXPECT_EQ(defect(leaf), "");
  leaf.certificate = alone + middle.certificate + root.certificate;
  EXPECT_EQ(defect(leaf), "");
  leaf.certificate = alone + root.certificate + middle.certificate;
  EXPECT_EQ(defect(leaf), "number 2 of the chain did not issue number 1");
  EXPECT_THAT(defect(leaf, std::chrono::hours(91 * 24)), HasSubstr("has expired ("));
  EXPECT_THAT(defect(leaf, std::chrono::hours(-2)), HasSubstr("is not valid before "));
}

TEST(TlsContext, tells_file_and_place_of_what_cannot_be_used) {
  const TestCertificate good = make_certificate({"a.test"});
  const TestCertificate other = make_certificate({"a.test"});
  EXPECT_EQ(problem(tls_of({good})), "");
  EXPECT_THAT(problem(tls_of({{"no text", good.key}})), HasSubstr("holdfast.yaml:7:9: site.pem: certificate"));
  EXPECT_THAT(problem(tls_of({{"", good.key}})), HasSubstr("holds none"));
  EXPECT_THAT(problem(tls_of({{good.certificate, good.certificate}})),
              HasSubstr("holdfast.yaml:7:9: site.key: key: the file holds no private key"));
  EXPECT_THAT(problem(tls_of({{good.certificate, other.key}})), HasSubstr("does not belong"));
  EXPECT_THAT(problem(tls_of({{good.certificate, support::encrypted_key(good)}})), HasSubstr("is encrypted"));
  std::string cut = good.certificate;
  cut[cut.size() / 2] = '!';
  EXPECT_THAT(problem(tls_of({{cut, good.key}})), HasSubstr("cannot be read"));
  EXPECT_THAT(problem(tls_of({good, {good.certificate, ""}})), HasSubstr("site.key")) << "the second one, too";
}

TEST(TlsContext, finds_certificates_by_name) {
  const auto made = TlsContext::make(
      tls_of({make_certificate({"a.test", "*.a.test"}), make_certificate({"b.test", "www.a.test"})}));
  ASSERT_TRUE(made);
  const TlsContext& context = **made;
  const TlsContext::Group* const a = context.find("a.test");
  const TlsContext::Group* const b = context.find("b.test");
  ASSERT_NE(a, nullptr);
  ASSERT_NE(b, nullptr);
  EXPECT_NE(a, b);
  EXPECT_EQ(context.find("A.Test"), a);
  EXPECT_EQ(context.find("x.a.test"), a);
  EXPECT_EQ(context.find("www.a.test"), b) << "a whole name before a wildcard";
  for (const char* name : {"x.y.a.test", ".a.test", "", "test", "c.test", "*.b.test", "xa.test"})
    EXPECT_EQ(context.find(name), nullptr) << name;
}

TEST(TlsContext, keeps_certificates_of_the_same_names_together) {
  const auto made =
      TlsContext::make(tls_of({make_certificate({"b.test", "a.test"}),
                               make_certificate({"a.test", "b.test"}, {.kind = support::KeyKind::Rsa})}));
  ASSERT_TRUE(made);
  EXPECT_EQ((*made)->find("a.test"), (*made)->find("b.test"));
}

TEST(TlsContext, renews_what_has_changed_and_keeps_the_rest) {
  config::Tls tls =
      tls_of({make_certificate({"a.test"}), make_certificate({"b.test"}), make_certificate({"c.test"})});
  const auto made = TlsContext::make(tls);
  ASSERT_TRUE(made);
  TlsContext& context = **made;
  const auto of = [&](const char* name) {
    const TlsContext::Group* const group = context.find(name);
    return group != nullptr ? group->certificates : std::vector<const TlsCertificate*>();
  };
  const auto a = of("a.test"), b = of("b.test"), c = of("c.test");
  tls.certificates[1] = settings_of(make_certificate({"b.test", "d.test"}));
  ASSERT_TRUE(context.renew(tls));
  EXPECT_EQ(of("a.test"), a);
  EXPECT_NE(of("b.test"), b);
  EXPECT_EQ(of("d.test"), of("b.test"));
  EXPECT_EQ(of("c.test"), c);
  // Now two of the same names.
  tls.certificates[2] = settings_of(make_certificate({"b.test", "d.test"}, {.kind = support::KeyKind::Rsa}));
  ASSERT_TRUE(context.renew(tls));
  EXPECT_EQ(of("d.test").size(), 2u);
  EXPECT_TRUE(of("c.test").empty());
}

TEST(TlsContext, stays_as_it_was_when_a_renewal_fails) {
  config::Tls tls = tls_of({make_certificate({"a.test"}), make_certificate({"b.test"})});
  const auto made = TlsContext::make(tls);
  ASSERT_TRUE(made);
  const auto* const a = (*made)->find("a.test");
  tls.certificates[0] = settings_of(make_certificate({"x.test"}));
  tls.certificates[1].key.text = "none";
  EXPECT_FALSE((*made)->renew(tls));
  EXPECT_EQ((*made)->find("a.test"), a);
  EXPECT_EQ((*made)->find("x.test"), nullptr);
}

}  // namespace
}  // namespace holdfast::net
