#include "worker/http/cors_rules.h"

#include <gtest/gtest.h>

namespace holdfast::http {
namespace {

config::Cors cors(std::vector<std::string> origins) {
  config::Cors settings;
  settings.enabled = true;
  settings.origins = std::move(origins);
  settings.methods = {"GET", "PUT"};
  settings.headers = {"*"};
  settings.max_age = Milliseconds(600'000);
  return settings;
}

TEST(CorsRules, an_origin_is_allowed_as_it_is_or_below_a_name) {
  const config::Cors settings = cors({"https://app.example.org", "https://*.example.com:8443"});
  const CorsRules rules(settings);
  for (const char* allowed :
       {"https://app.example.org", "https://a.example.com:8443", "https://a.b.example.com:8443"})
    EXPECT_EQ(rules.allowed_origin(allowed), allowed);
  for (const char* stranger :
       {"", "null", "http://app.example.org", "https://app.example.org:444", "https://xapp.example.org",
        "https://example.com:8443", "https://.example.com:8443", "https://evil/.example.com:8443",
        "https://evil@.example.com:8443", "https://app.example.org.evil.net", "https://a.example.com"})
    EXPECT_EQ(rules.allowed_origin(stranger), "") << stranger;
  EXPECT_TRUE(rules.varies());
}

TEST(CorsRules, every_origin_is_a_star_and_varies_by_nothing) {
  const config::Cors settings = cors({"*"});
  const CorsRules rules(settings);
  EXPECT_EQ(rules.allowed_origin("https://anybody.example"), "*");
  EXPECT_FALSE(rules.varies());
}

TEST(CorsRules, headers_are_those_of_the_list_or_those_that_are_asked_for) {
  config::Cors settings = cors({"*"});
  EXPECT_EQ(CorsRules(settings).headers("x-one, x-two"), "x-one, x-two");
  EXPECT_EQ(CorsRules(settings).headers("x one"), "");
  settings.headers = {"X-Key", "Content-Type"};
  EXPECT_EQ(CorsRules(settings).headers("x-one"), "X-Key, Content-Type");
  EXPECT_EQ(CorsRules(settings).methods(), "GET, PUT");
  EXPECT_EQ(CorsRules(settings).max_age(), "600");
}

}  // namespace
}  // namespace holdfast::http
