// Fields behind bodies (RFC 9110 section 6.5), in both directions.
#include <gmock/gmock.h>

#include "tests/unit/worker/http1/session_harness.h"

namespace holdfast::http1 {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

/// Answers with the request's trailers, as "name=value;", once its body has ended.
class TrailerTeller final : public api::ExchangeState, public api::BodySink {
 public:
  explicit TrailerTeller(api::Exchange& exchange) : exchange_(exchange) {}
  void on_body(std::span<const std::byte> bytes) override { exchange_.grant(bytes.size()); }
  void on_body_end() override {
    std::string text;
    for (const api::Field& field : exchange_.request_trailers())
      text.append(field.name).append("=").append(field.value).append(";");
    for (const api::Field& field : exchange_.request().fields) text.append(field.name).append(",");
    exchange_.respond({}, api::Body::copy(text));
  }

 private:
  api::Exchange& exchange_;
};

void tell_trailers(api::Exchange& exchange) {
  auto owned = std::make_unique<TrailerTeller>(exchange);
  TrailerTeller& teller = *owned;
  exchange.attach(std::move(owned));
  exchange.receive_body(teller, 100);
}

std::string get(std::string_view fields, std::string_view version = "1.1") {
  return "GET / HTTP/" + std::string(version) + "\r\nHost: a\r\n" + std::string(fields) + "\r\n";
}

std::string post(std::string_view trailers) {
  return "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n" +
         std::string(trailers) + "\r\n";
}

TEST(SessionTrailers, of_a_request_reach_the_handler_however_they_arrive) {
  const std::string input = post("X-Digest:  a b \r\nEmpty:\r\nx-digest: c:d\r\n") + post("");
  for (const std::size_t step : {std::size_t{1}, std::size_t{7}, std::size_t{1000}}) {
    SessionHarness harness(tell_trailers);
    for (std::size_t at = 0; at < input.size(); at += step) {
      harness.peer->send(std::string_view(input).substr(at, step));
      harness.turn(2);
    }
    harness.turn();
    EXPECT_THAT(harness.peer->received(),
                HasSubstr("X-Digest=a b;Empty=;x-digest=c:d;Host,Transfer-Encoding,"));
    EXPECT_THAT(harness.peer->received(), EndsWith("\r\n\r\nHost,Transfer-Encoding,"))
        << "those of the next are its own";
  }
}

TEST(SessionTrailers, of_a_request_that_may_not_stand_there_are_dropped) {
  SessionHarness harness(tell_trailers);
  const std::string answer =
      harness.exchange(post("Content-Length: 5\r\nhost: b\r\nAuthorization: x\r\nTransfer-Encoding: "
                            "x\r\nCookie: x\r\nX-Kept: 1\r\n"));
  EXPECT_THAT(answer, EndsWith("\r\n\r\nX-Kept=1;Host,Transfer-Encoding,"));
  EXPECT_EQ(statuses(harness.exchange(post(""))), (std::vector<int>{200})) << "the connection goes on";
}

TEST(SessionTrailers, of_a_request_are_no_more_than_its_fields_may_be) {
  SessionHarness harness(tell_trailers);
  std::string many;
  for (int i = 0; i < 10; ++i) many += "X: 1\r\n";
  EXPECT_EQ(statuses(harness.exchange(post(many))), (std::vector<int>{200}));
  const std::string refused = harness.exchange(post(many + "X: 1\r\n") + get(""));
  EXPECT_EQ(statuses(refused), (std::vector<int>{431}));
  EXPECT_THAT(refused, HasSubstr("\r\nConnection: close\r\n"));
  EXPECT_EQ(harness.bad_requests(stats::BadRequest::TooManyFields), 1u);
}

void answer_with_trailers(api::Exchange& exchange, std::optional<std::uint64_t> length = std::nullopt) {
  auto source = std::make_unique<TextSource>("abc", 10);
  TextSource& kept = *source;
  exchange.attach(std::move(source));
  exchange.add_trailer("X-Digest", "abc");
  const api::Field announced{"Trailer", "X-Digest"};
  exchange.respond({200, {&announced, 1}}, api::Body::stream(kept, length));
}

TEST(SessionTrailers, of_a_response_follow_a_chunked_body_for_who_takes_them) {
  SessionHarness harness([](api::Exchange& exchange) { answer_with_trailers(exchange); });
  for (const char* te : {"TE: trailers\r\n", "te: gzip, Trailers\r\n", "TE: gzip\r\nTE: trailers\r\n"}) {
    const std::string answer = harness.exchange(get(te));
    EXPECT_THAT(answer, EndsWith("abc\r\n0\r\nX-Digest: abc\r\n\r\n")) << te;
    EXPECT_THAT(answer, HasSubstr("\r\nTrailer: X-Digest\r\n"));
  }
  for (const char* te : {"", "TE: gzip\r\n", "TE: trailers-not\r\n", "X-TE: trailers\r\n"})
    EXPECT_THAT(harness.exchange(get(te)), EndsWith("abc\r\n0\r\n\r\n")) << te;
  EXPECT_THAT(harness.exchange("HEAD / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\n\r\n"), EndsWith("\r\n\r\n"));
  EXPECT_THAT(harness.exchange(get("TE: trailers\r\n", "1.0")), EndsWith("\r\n\r\nabc"));
}

TEST(SessionTrailers, of_a_response_with_a_known_length_are_left_out) {
  SessionHarness harness([](api::Exchange& exchange) { answer_with_trailers(exchange, 3); });
  EXPECT_THAT(harness.exchange(get("TE: trailers\r\n")), EndsWith("\r\n\r\nabc"));
  EXPECT_EQ(statuses(harness.exchange(get("TE: trailers\r\n"))), (std::vector<int>{200}));
}

TEST(SessionTrailers, of_a_response_that_may_not_stand_there_are_refused) {
  SessionHarness harness([](api::Exchange& exchange) {
    exchange.add_trailer("Content-Length", "5");
    exchange.add_trailer("Set-Cookie", "a=b");
    exchange.add_trailer("X-Split", "a\r\nX: y");
    exchange.add_trailer("bad name", "a");
    exchange.add_trailer(":status", "200");
    exchange.add_trailer("", "a");
    answer_with_trailers(exchange);
  });
  EXPECT_THAT(harness.exchange(get("TE: trailers\r\n")), EndsWith("abc\r\n0\r\nX-Digest: abc\r\n\r\n"));
}

TEST(SessionTrailers, of_one_exchange_do_not_follow_the_next) {
  int calls = 0;
  SessionHarness harness([&](api::Exchange& exchange) {
    if (calls++ == 0) return answer_with_trailers(exchange);
    auto source = std::make_unique<TextSource>("abc", 10);
    TextSource& kept = *source;
    exchange.attach(std::move(source));
    exchange.respond({}, api::Body::stream(kept));
  });
  harness.exchange(get("TE: trailers\r\n"));
  EXPECT_THAT(harness.exchange(get("TE: trailers\r\n")), EndsWith("abc\r\n0\r\n\r\n"));
}

}  // namespace
}  // namespace holdfast::http1
