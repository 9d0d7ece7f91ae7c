// The ways of request smuggling that are known, by class: every case of a class is refused, or read in the one
// way that the grammar allows, and nothing that an attacker hides in a message is answered as a request. A case
// belongs to a class by the beginning of its name.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/wire/replay.h"

namespace holdfast::wire {
namespace {

using support::Delivery;

struct AttackClass {
  const char* name;
  std::vector<std::string> beginnings;
  std::size_t least;  // cases
};

void PrintTo(const AttackClass& attack, std::ostream* out) {
  *out << attack.name;
}

const std::vector<AttackClass>& classes() {
  static const std::vector<AttackClass> all{
      {"cl_te_both_lengths_length_first", {"cl_te_"}, 10},
      {"te_cl_both_lengths_coding_first", {"te_cl_", "behind_both_lengths"}, 8},
      {"te_te_obfuscated_coding", {"te_te_", "te_name_", "te_upper_case_name", "te_tab_before_value"}, 50},
      {"te_0_coding_that_is_none",
       {"te_te_identity", "te_te_empty", "te_te_unknown", "te_content_encoding"},
       6},
      {"cl_0_body_that_the_route_does_not_want", {"cl_0_", "early_answer_", "method_wrong_with"}, 20},
      {"zero_cl_length_that_one_side_overlooks", {"zero_cl_", "cl_name_"}, 8},
      {"cl_cl_several_lengths", {"cl_twice", "cl_three", "cl_list_"}, 12},
      {"cl_malformed_length",
       {"cl_minus", "cl_plus", "cl_hex", "cl_octal", "cl_overflow", "cl_huge", "cl_two_to", "cl_leading_",
        "cl_trailing_", "cl_blank", "cl_exponent", "cl_words", "cl_double_quotes"},
       25},
      {"chunk_size_read_differently", {"chunk_size_", "chunk_last_"}, 50},
      {"chunk_extension_and_line_end_term_ext_ext_term", {"chunk_ext_"}, 25},
      {"chunk_data_spill_term_spill_spill_term", {"chunk_data_"}, 15},
      {"trailer_that_becomes_a_field", {"trailer_"}, 20},
      {"line_end_bare_lf_and_bare_cr", {"bare_", "request_line_bare"}, 15},
      {"line_folding",
       {"fold_", "te_te_folded", "cl_folded", "host_folded", "host_value_folded", "expect_folded"},
       12},
      {"space_before_the_colon",
       {"field_name_space", "field_name_tab", "te_te_space", "te_te_tab_before", "cl_space", "host_space",
        "expect_space", "trailer_space"},
       8},
      {"nul_and_control_bytes", {"nul_", "field_value_", "field_name_with_"}, 30},
      {"host_confusion", {"host_", "absolute_form"}, 80},
      {"request_line_confusion", {"request_line_", "version_", "http_0_9"}, 50},
      {"expect_based_desync", {"expect_", "behind_an_expectation"}, 30},
      {"hop_by_hop_fields_that_hide_others", {"connection_names_", "cl_te_named_in_connection"}, 3},
      {"http_1_0_with_a_coding", {"te_te_in_http_1_0", "te_cl_in_http_1_0", "cl_twice_in_http_1_0"}, 4},
      {"upgrade_and_tunnel", {"upgrade_", "connect_", "behind_connect"}, 20},
      {"request_hidden_behind_a_refused_one",
       {"behind_", "chunk_data_request_behind", "fold_hides", "bare_lf_hides", "bare_cr_hides",
        "cl_te_smuggled", "te_cl_smuggled"},
       12},
      {"unfinished_body", {"body_without_end", "chunks_without_end", "chunk_data_too_short", "half_close_"}, 5},
      {"other_protocol_on_this_port", {"tls_hello", "http_0_9", "garbage", "version_2_0"}, 5},
  };
  return all;
}

class Smuggling : public ::testing::TestWithParam<AttackClass> {};

TEST_P(Smuggling, is_refused_or_read_in_one_way) {
  support::ServerProcess server(corpus_config());
  ASSERT_TRUE(server.ready());
  add_corpus_files(server);
  std::size_t found = 0;
  for (const char* folder : {"/http1/refused", "/http1/valid"}) {
    for (const WireCase& wire_case : load_cases(std::string(HOLDFAST_WIRE_CORPUS) + folder)) {
      const auto& beginnings = GetParam().beginnings;
      if (std::none_of(beginnings.begin(), beginnings.end(),
                       [&](const std::string& beginning) { return wire_case.name.starts_with(beginning); }))
        continue;
      ++found;
      for (const Delivery delivery : {Delivery::Whole, Delivery::CrThenLf})
        replay(server, wire_case, delivery, 1);
    }
  }
  EXPECT_GE(found, GetParam().least);
}

INSTANTIATE_TEST_SUITE_P(by_class, Smuggling, ::testing::ValuesIn(classes()),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace holdfast::wire
