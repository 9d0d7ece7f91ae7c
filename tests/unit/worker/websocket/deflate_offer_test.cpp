#include "worker/websocket/deflate_offer.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace holdfast::websocket {
namespace {

/// What a server with that policy answers: the header's value, "" for no compression, or "malformed".
std::string answer(std::vector<std::string> values, const DeflatePolicy& policy = {15, 15, false, false}) {
  std::vector<api::Field> fields{{"Host", "a"}};
  for (const std::string& value : values) fields.push_back({"Sec-WebSocket-Extensions", value});
  const DeflateNegotiation negotiation = negotiate_deflate(fields, policy);
  if (negotiation.malformed) {
    EXPECT_FALSE(negotiation.agreement);
    return "malformed";
  }
  return negotiation.agreement ? negotiation.agreement->answer() : "";
}

constexpr const char* kPlain = "permessage-deflate";

struct OfferCase {
  const char* offer;
  const char* answer;
};

constexpr OfferCase kOffers[] = {
    {"permessage-deflate", kPlain},
    {" permessage-deflate ", kPlain},
    {"", ""},
    {" , ,", ""},
    {"x-webkit-deflate-frame", ""},
    {"Permessage-Deflate", ""},
    {"permessage-deflates", ""},
    {"permessage-bzip2, permessage-deflate", kPlain},
    {"unknown; a=b; c=\"d\", permessage-deflate", kPlain},
    {",permessage-deflate,", kPlain},
    {"permessage-deflate; client_max_window_bits", kPlain},
    {"permessage-deflate;client_max_window_bits", kPlain},
    {"permessage-deflate ;\tclient_max_window_bits ", kPlain},
    {"permessage-deflate; client_max_window_bits=15", kPlain},
    {"permessage-deflate; client_max_window_bits=14", "permessage-deflate; client_max_window_bits=14"},
    {"permessage-deflate; client_max_window_bits=9", "permessage-deflate; client_max_window_bits=9"},
    {"permessage-deflate; client_max_window_bits=8", "permessage-deflate; client_max_window_bits=8"},
    {"permessage-deflate; client_max_window_bits=\"10\"", "permessage-deflate; client_max_window_bits=10"},
    {"permessage-deflate; client_max_window_bits=\"1\\0\"", "permessage-deflate; client_max_window_bits=10"},
    {"permessage-deflate; client_max_window_bits = 10", "permessage-deflate; client_max_window_bits=10"},
    {"permessage-deflate; server_max_window_bits=15", "permessage-deflate; server_max_window_bits=15"},
    {"permessage-deflate; server_max_window_bits=9", "permessage-deflate; server_max_window_bits=9"},
    {"permessage-deflate; server_max_window_bits=\"12\"", "permessage-deflate; server_max_window_bits=12"},
    {"permessage-deflate; server_no_context_takeover", "permessage-deflate; server_no_context_takeover"},
    {"permessage-deflate; client_no_context_takeover", "permessage-deflate; client_no_context_takeover"},
    {"permessage-deflate; client_max_window_bits=11; server_max_window_bits=10; client_no_context_takeover; "
     "server_no_context_takeover",
     "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=10; "
     "client_max_window_bits=11"},
    // Declined: the value.
    {"permessage-deflate; server_max_window_bits", ""},
    {"permessage-deflate; server_max_window_bits=8", ""},
    {"permessage-deflate; server_max_window_bits=7", ""},
    {"permessage-deflate; server_max_window_bits=16", ""},
    {"permessage-deflate; server_max_window_bits=0", ""},
    {"permessage-deflate; server_max_window_bits=010", ""},
    {"permessage-deflate; server_max_window_bits=09", ""},
    {"permessage-deflate; server_max_window_bits=+9", ""},
    {"permessage-deflate; server_max_window_bits=1e1", ""},
    {"permessage-deflate; server_max_window_bits=0x9", ""},
    {"permessage-deflate; server_max_window_bits=99999999999999999999", ""},
    {"permessage-deflate; server_max_window_bits=ten", ""},
    {"permessage-deflate; client_max_window_bits=7", ""},
    {"permessage-deflate; client_max_window_bits=16", ""},
    {"permessage-deflate; client_max_window_bits=08", ""},
    {"permessage-deflate; client_max_window_bits=264", ""},
    {"permessage-deflate; client_no_context_takeover=1", ""},
    {"permessage-deflate; client_no_context_takeover=true", ""},
    {"permessage-deflate; server_no_context_takeover=\"1\"", ""},
    // Declined: the parameter.
    {"permessage-deflate; unknown", ""},
    {"permessage-deflate; unknown=1", ""},
    {"permessage-deflate; Server_No_Context_Takeover", ""},
    {"permessage-deflate; server_no_context_takeover; server_no_context_takeover", ""},
    {"permessage-deflate; client_no_context_takeover; client_no_context_takeover", ""},
    {"permessage-deflate; server_max_window_bits=10; server_max_window_bits=10", ""},
    {"permessage-deflate; client_max_window_bits; client_max_window_bits", ""},
    {"permessage-deflate; client_max_window_bits=10; client_max_window_bits=11", ""},
    // Declined, and the next one taken.
    {"permessage-deflate; server_max_window_bits=8, permessage-deflate", kPlain},
    {"permessage-deflate; unknown, permessage-deflate; server_max_window_bits=10",
     "permessage-deflate; server_max_window_bits=10"},
    {"permessage-deflate; server_max_window_bits=10, permessage-deflate",
     "permessage-deflate; server_max_window_bits=10"},
    {"permessage-deflate; a, permessage-deflate; b, permessage-deflate; c", ""},
    // Not of the grammar.
    {";", "malformed"},
    {"=", "malformed"},
    {"permessage-deflate;", "malformed"},
    {"permessage-deflate; ;client_max_window_bits", "malformed"},
    {"permessage-deflate; client_max_window_bits=", "malformed"},
    {"permessage-deflate; client_max_window_bits=\"\"", "malformed"},
    {"permessage-deflate; client_max_window_bits=\"10", "malformed"},
    {"permessage-deflate; client_max_window_bits=\"10\\", "malformed"},
    {"permessage-deflate; client_max_window_bits=\"1 0\"", "malformed"},
    {"permessage-deflate; client_max_window_bits=\"10\"x", "malformed"},
    {"permessage-deflate; client_max_window_bits=10 11", "malformed"},
    {"permessage-deflate; =10", "malformed"},
    {"permessage-deflate client_max_window_bits", "malformed"},
    {"permessage-deflate=1", "malformed"},
    {"\"permessage-deflate\"", "malformed"},
    {"permessage-deflate, @", "malformed"},
    {"permessage-deflate\x7f", "malformed"},
    {"permessage-deflate, other; a=\"", "malformed"},
};

class DeflateOffer : public testing::TestWithParam<OfferCase> {};

TEST_P(DeflateOffer, is_answered) {
  EXPECT_EQ(answer({GetParam().offer}), GetParam().answer) << GetParam().offer;
}
INSTANTIATE_TEST_SUITE_P(of_a_client, DeflateOffer, testing::ValuesIn(kOffers));

TEST(DeflateOffers, several_fields_are_one_list) {
  EXPECT_EQ(answer({"permessage-deflate; unknown", "other", "permessage-deflate"}), kPlain);
  EXPECT_EQ(answer({"permessage-deflate", "="}), "malformed");
  EXPECT_EQ(answer({}), "");
  const std::vector<api::Field> fields{{"sec-websocket-EXTENSIONS", "permessage-deflate"}};
  EXPECT_TRUE(negotiate_deflate(fields, {}).agreement);
}

TEST(DeflateOffers, the_server_may_want_less) {
  const DeflatePolicy small{10, 11, false, false};
  EXPECT_EQ(answer({"permessage-deflate"}, small), kPlain);
  EXPECT_EQ(answer({"permessage-deflate; client_max_window_bits"}, small),
            "permessage-deflate; client_max_window_bits=11");
  EXPECT_EQ(answer({"permessage-deflate; client_max_window_bits=9"}, small),
            "permessage-deflate; client_max_window_bits=9");
  EXPECT_EQ(answer({"permessage-deflate; server_max_window_bits=15"}, small),
            "permessage-deflate; server_max_window_bits=10");
  EXPECT_EQ(answer({"permessage-deflate; server_max_window_bits=9"}, small),
            "permessage-deflate; server_max_window_bits=9");
  const DeflatePolicy alone{15, 15, true, true};
  EXPECT_EQ(answer({"permessage-deflate"}, alone),
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover");
}

TEST(DeflateOffers, the_agreement_holds_what_both_sides_use) {
  const auto agreed = [](std::string offer, const DeflatePolicy& policy) {
    const std::vector<api::Field> fields{{"Sec-WebSocket-Extensions", offer}};
    return negotiate_deflate(fields, policy).agreement.value();
  };
  // A client that cannot be told to use less may use everything; what the server sends is the server's choice.
  EXPECT_EQ(agreed("permessage-deflate", {10, 11, false, false}),
            (DeflateAgreement{10, 15, false, false, false, false}));
  EXPECT_EQ(agreed("permessage-deflate; client_max_window_bits", {10, 11, false, true}),
            (DeflateAgreement{10, 11, false, true, false, true}));
  EXPECT_EQ(agreed("permessage-deflate; server_max_window_bits=13; server_no_context_takeover",
                   {12, 12, false, false}),
            (DeflateAgreement{12, 15, true, false, true, false}));
}

}  // namespace
}  // namespace holdfast::websocket
