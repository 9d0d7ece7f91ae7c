#include "worker/http/message_framing.h"

#include <gtest/gtest.h>

#include <optional>
#include <vector>

namespace holdfast::http {
namespace {

using stats::BadRequest;
using Fields = std::vector<api::Field>;

const api::Field kHost{"Host", "example.com:80"};

std::optional<BadRequest> refusal(const Fields& fields, api::Version version = api::Version::Http11,
                                  api::Method method = api::Method::Get) {
  Framing framing;
  return frame_request(method, version, fields, framing);
}

Framing framed(const Fields& fields, api::Version version = api::Version::Http11) {
  Framing framing;
  EXPECT_EQ(frame_request(api::Method::Get, version, fields, framing), std::nullopt);
  return framing;
}

TEST(MessageFraming, a_request_without_length_or_coding_has_no_body) {
  const Framing framing = framed({kHost, {"X", "y"}});
  EXPECT_EQ(framing.body, BodyRule::None);
  EXPECT_EQ(framing.host, "example.com:80");
  EXPECT_TRUE(framing.keep_alive);
}

TEST(MessageFraming, content_of_an_older_client_needs_a_length) {
  for (const api::Method method : {api::Method::Post, api::Method::Put, api::Method::Patch}) {
    EXPECT_EQ(refusal({}, api::Version::Http10, method), BadRequest::LengthRequired);
    EXPECT_EQ(refusal({{"Content-Length", "0"}}, api::Version::Http10, method), std::nullopt);
    EXPECT_EQ(refusal({kHost}, api::Version::Http11, method), std::nullopt) << "none means: no content";
  }
  EXPECT_EQ(refusal({}, api::Version::Http10, api::Method::Delete), std::nullopt);
}

TEST(MessageFraming, a_length_of_digits_counts_the_body) {
  EXPECT_EQ(framed({kHost, {"content-LENGTH", "0"}}).body, BodyRule::Length);
  EXPECT_EQ(framed({kHost, {"Content-Length", "00042"}}).length, 42u);
  EXPECT_EQ(framed({kHost, {"Content-Length", "18446744073709551615"}}).length, UINT64_MAX);
}

TEST(MessageFraming, refuses_every_other_length) {
  for (const char* value : {"", "+1", "-1", "1 ", "1,1", "1, 1", "0x1", "1.0", "a", "18446744073709551616",
                            "99999999999999999999999"})
    EXPECT_EQ(refusal({kHost, {"Content-Length", value}}), BadRequest::ContentLength) << value;
  EXPECT_EQ(refusal({kHost, {"Content-Length", "1"}, {"Content-Length", "1"}}), BadRequest::ContentLength);
  EXPECT_EQ(refusal({kHost, {"Content-Length", "1"}, {"content-length", "2"}}), BadRequest::ContentLength);
}

TEST(MessageFraming, takes_one_final_chunked_and_no_other_coding) {
  EXPECT_EQ(framed({kHost, {"Transfer-Encoding", "Chunked"}}).body, BodyRule::Chunked);
  for (const char* value : {"", "identity", "gzip", "gzip, chunked", "chunked, chunked", "chunked,",
                            "chunked;q=1", "\"chunked\"", "xchunked", "chunked identity"})
    EXPECT_EQ(refusal({kHost, {"Transfer-Encoding", value}}), BadRequest::TransferEncoding) << value;
  EXPECT_EQ(refusal({kHost, {"Transfer-Encoding", "chunked"}, {"Transfer-Encoding", "chunked"}}),
            BadRequest::TransferEncoding);
}

TEST(MessageFraming, refuses_both_lengths_in_either_order) {
  const api::Field length{"Content-Length", "3"};
  const api::Field coding{"Transfer-Encoding", "chunked"};
  EXPECT_EQ(refusal({kHost, length, coding}), BadRequest::TransferEncoding);
  EXPECT_EQ(refusal({kHost, coding, length}), BadRequest::TransferEncoding);
}

TEST(MessageFraming, refuses_a_coding_from_http_1_0) {
  EXPECT_EQ(refusal({{"Transfer-Encoding", "chunked"}}, api::Version::Http10), BadRequest::TransferEncoding);
}

TEST(MessageFraming, wants_one_host_of_http_1_1_and_at_most_one_of_http_1_0) {
  EXPECT_EQ(refusal({}), BadRequest::Host);
  EXPECT_EQ(refusal({kHost, kHost}), BadRequest::Host);
  EXPECT_EQ(refusal({kHost, {"HOST", ""}}), BadRequest::Host);
  EXPECT_EQ(framed({{"Host", ""}}).host, "");
  EXPECT_EQ(refusal({}, api::Version::Http10), std::nullopt);
  EXPECT_EQ(refusal({kHost, kHost}, api::Version::Http10), BadRequest::Host);
}

TEST(MessageFraming, keeps_the_connection_as_version_and_fields_say) {
  const auto keeps = [](api::Version version, const Fields& more) {
    Fields fields{kHost};
    fields.insert(fields.end(), more.begin(), more.end());
    return framed(fields, version).keep_alive;
  };
  const auto one = [](const char* value) { return Fields{{"Connection", value}}; };
  EXPECT_TRUE(keeps(api::Version::Http11, {}));
  EXPECT_FALSE(keeps(api::Version::Http11, one("close")));
  EXPECT_FALSE(keeps(api::Version::Http11, one("upgrade , Close")));
  EXPECT_FALSE(keeps(api::Version::Http11, {{"Connection", "keep-alive"}, {"Connection", "close"}}));
  EXPECT_TRUE(keeps(api::Version::Http11, one("closed")));
  EXPECT_FALSE(keeps(api::Version::Http10, {}));
  EXPECT_TRUE(keeps(api::Version::Http10, one("Keep-Alive")));
  EXPECT_FALSE(keeps(api::Version::Http10, one("keep-alive, close")));
}

TEST(MessageFraming, knows_one_expectation_and_ignores_those_of_http_1_0) {
  EXPECT_TRUE(framed({kHost, {"Expect", "100-Continue"}}).expects_continue);
  EXPECT_TRUE(framed({kHost, {"Expect", ", 100-continue,100-continue ,"}}).expects_continue);
  EXPECT_TRUE(framed({kHost, {"Expect", "100-continue"}, {"Expect", "100-continue"}}).expects_continue);
  EXPECT_FALSE(framed({kHost, {"Expect", ""}}).expects_continue);
  for (const char* value : {"200-ok", "100-continue, 200-ok", "200-ok,100-continue", "100-continue;a=b",
                            "y 100-continue", "\"100-continue\""})
    EXPECT_EQ(refusal({kHost, {"Expect", value}}), BadRequest::Expectation) << value;
  EXPECT_FALSE(framed({{"Expect", "whatever"}}, api::Version::Http10).expects_continue);
}

TEST(MessageFraming, every_reason_has_a_client_error_or_505) {
  for (std::uint8_t i = 0; i < static_cast<std::uint8_t>(BadRequest::kCount); ++i) {
    const std::uint16_t status = status_of(static_cast<BadRequest>(i));
    EXPECT_TRUE((status >= 400 && status < 500) || status == 505) << int{i};
  }
  EXPECT_EQ(status_of(BadRequest::RequestLineTooLong), 414);
  EXPECT_EQ(status_of(BadRequest::HeadTooLarge), 431);
  EXPECT_EQ(status_of(BadRequest::TooManyFields), 431);
  EXPECT_EQ(status_of(BadRequest::BodyTooLarge), 413);
  EXPECT_EQ(status_of(BadRequest::Version), 505);
}

}  // namespace
}  // namespace holdfast::http
