#include "worker/http/error_page.h"

#include <gtest/gtest.h>

#include "worker/http/accept.h"

namespace holdfast::http {
namespace {

TEST(ErrorPage, IsHtmlUnlessJsonIsPreferred) {
  for (const char* accept : {"", "*/*", "text/html", "text/html,application/json", "text/html, */*;q=0.1",
                             "application/json;q=0.5, text/html", "image/png"})
    EXPECT_EQ(error_page(404, accept).content_type, "text/html; charset=utf-8") << accept;
  for (const char* accept :
       {"application/json", "Application/JSON, */*;q=0.8", "application/*", "application/json;q=0.5",
        "text/html;q=0.1,application/json;q=0.2", "*/*, text/html;q=0.5"})
    EXPECT_EQ(error_page(404, accept).content_type, "application/json") << accept;
}

TEST(ErrorPage, NamesStatusAndReason) {
  const std::string html = error_page(404, "").body;
  EXPECT_NE(html.find("<title>404 Not Found</title>"), std::string::npos);
  EXPECT_EQ(error_page(503, "application/json").body, "{\"status\":503,\"error\":\"Service Unavailable\"}\n");
}

TEST(ErrorPage, TheIdIsShownEscaped) {
  EXPECT_NE(error_page(500, "", "<b>&\"'").body.find("&#60;b&#62;&#38;&#34;&#39;"), std::string::npos);
  EXPECT_EQ(error_page(500, "application/json", "a\"b").body,
            "{\"status\":500,\"error\":\"Internal Server Error\",\"id\":\"a\\\"b\"}\n");
}

TEST(Accept, TheMostSpecificRangeDecides) {
  EXPECT_EQ(accept_quality("text/*;q=0.3, text/html;q=0.7, */*;q=0.5", "text/html"), 700);
  EXPECT_EQ(accept_quality("text/*;q=0.3, text/html;q=0.7, */*;q=0.5", "text/plain"), 300);
  EXPECT_EQ(accept_quality("text/*;q=0.3, text/html;q=0.7, */*;q=0.5", "image/png"), 500);
  EXPECT_EQ(accept_quality("text/html;q=0", "text/html"), 0);
  EXPECT_EQ(accept_quality("text/html", "image/png"), 0);
  EXPECT_EQ(accept_quality("", "image/png"), 1000);
  EXPECT_EQ(accept_quality("text/html;level=1;Q=0.25", "text/html"), 250);
}

TEST(Accept, QualitiesAreReadInThousandths) {
  EXPECT_EQ(parse_quality("0.125"), 125);
  EXPECT_EQ(parse_quality("1.000"), 1000);
  EXPECT_EQ(parse_quality("0"), 0);
  EXPECT_EQ(parse_quality("0."), 0);
  EXPECT_EQ(parse_quality("junk"), 1000);
  EXPECT_EQ(parse_quality("1.5"), 1000);
}

}  // namespace
}  // namespace holdfast::http
