#include "worker/http/content_coding.h"

#include <gtest/gtest.h>

#include <array>

namespace holdfast::http {
namespace {

std::string chosen(std::string_view accept,
                   std::vector<Coding> offer = {Coding::Zstd, Coding::Brotli, Coding::Gzip}) {
  const std::array<api::Field, 2> fields{{{"Accept", "*/*"}, {"accept-encoding", accept}}};
  const auto coding = choose_coding(fields, offer);
  return coding ? std::string(row(*coding).name) : "identity";
}

TEST(ChooseCoding, ServerDecidesAmongEquals) {
  EXPECT_EQ(chosen("gzip, deflate, br, zstd"), "zstd");
  EXPECT_EQ(chosen("gzip, br", {Coding::Gzip, Coding::Brotli}), "gzip");
  EXPECT_EQ(chosen("*"), "zstd");
}

TEST(ChooseCoding, ClientsQualityComesFirst) {
  EXPECT_EQ(chosen("zstd;q=0.2, br;q=0.8, gzip;q=0.5"), "br");
  EXPECT_EQ(chosen("gzip;q=1.0, *;q=0.5"), "gzip");
  EXPECT_EQ(chosen("*;q=0.5, zstd;q=0"), "br");
}

TEST(ChooseCoding, RefusedAndUnknownOnesAreNotTaken) {
  EXPECT_EQ(chosen("gzip;q=0"), "identity");
  EXPECT_EQ(chosen("gzip;q=0.000, br;q=0, zstd;q=0.0"), "identity");
  EXPECT_EQ(chosen("deflate, compress"), "identity");
  EXPECT_EQ(chosen(""), "identity");
  EXPECT_EQ(chosen("*;q=0"), "identity");
  EXPECT_EQ(chosen("identity;q=0, gzip;q=0"), "identity") << "rather than nothing";
}

TEST(ChooseCoding, IdentityIsPreferredOnlyWhenTheClientSaysSo) {
  EXPECT_EQ(chosen("identity, gzip;q=0.5"), "identity");
  EXPECT_EQ(chosen("identity, gzip"), "gzip");
  EXPECT_EQ(chosen("identity;q=0.5, gzip;q=0.4"), "identity");
}

TEST(ChooseCoding, OldNameOfGzipAndCaseDoNotMatter) {
  EXPECT_EQ(chosen("x-gzip"), "gzip");
  EXPECT_EQ(chosen("GZip"), "gzip");
}

TEST(ChooseCoding, SeveralLinesAreOneList) {
  const std::array<api::Field, 2> fields{{{"Accept-Encoding", "gzip;q=0.5"}, {"Accept-Encoding", "br"}}};
  const std::array<Coding, 2> offer{Coding::Gzip, Coding::Brotli};
  EXPECT_EQ(choose_coding(fields, offer), Coding::Brotli);
  EXPECT_EQ(choose_coding({}, offer), std::nullopt);
}

TEST(IsTypeListed, ParametersAndCaseDoNotMatterAndRangesCover) {
  const std::vector<std::string> types{"text/*", "application/json"};
  EXPECT_TRUE(is_type_listed("text/html; charset=utf-8", types));
  EXPECT_TRUE(is_type_listed("Text/CSS", types));
  EXPECT_TRUE(is_type_listed("application/json", types));
  EXPECT_FALSE(is_type_listed("application/json5", types));
  EXPECT_FALSE(is_type_listed("image/png", types));
  EXPECT_FALSE(is_type_listed("tex", types));
  EXPECT_FALSE(is_type_listed("", types));
}

}  // namespace
}  // namespace holdfast::http
