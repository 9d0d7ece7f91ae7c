#include "worker/http/head_scan.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "tests/support/guarded_buffer.h"

namespace holdfast::http {
namespace {

TEST(HeadScan, knows_each_control_byte_at_each_place_of_each_length) {
  for (std::size_t size = 0; size <= 50; ++size) {
    std::string text(size, 'x');
    ASSERT_EQ(find_control(text.data(), text.data() + size), text.data() + size);
    for (std::size_t place = 0; place < size; ++place) {
      for (int c = 0; c < 256; ++c) {
        text[place] = static_cast<char>(c);
        const bool expected = (c < 0x20 && c != '\t') || c == 0x7f;
        ASSERT_EQ(find_control(text.data(), text.data() + size), text.data() + (expected ? place : size))
            << c << " at " << place << " of " << size;
      }
      text[place] = 'x';
    }
  }
}

TEST(HeadScan, finds_what_the_bytewise_search_finds) {
  std::mt19937 random(20261126);
  std::string text(200, '\0');
  for (int round = 0; round < 20'000; ++round) {
    // Mostly harmless bytes, so that the first control is anywhere.
    for (char& c : text) c = static_cast<char>(random() % 64 == 0 ? random() % 256 : 0x20 + random() % 0x5f);
    const std::size_t from = random() % text.size();
    const std::size_t to = from + random() % (text.size() - from + 1);
    ASSERT_EQ(find_control(text.data() + from, text.data() + to),
              find_control_bytewise(text.data() + from, text.data() + to));
  }
}

TEST(HeadScan, reads_nothing_beyond_the_end) {
  for (std::size_t size = 0; size <= 70; ++size) {
    const support::GuardedBuffer buffer{std::string(size, 'x')};
    const char* const end = buffer.text().data() + size;
    EXPECT_EQ(find_control(buffer.text().data(), end), end);
  }
}

TEST(HeadScan, visits_each_control_once_and_in_order_until_it_is_told_to_stop) {
  std::mt19937 random(20261128);
  for (int round = 0; round < 20'000; ++round) {
    std::string text(random() % 80, '\0');
    for (char& c : text) c = static_cast<char>(random() % 6 == 0 ? random() % 0x20 : 0x20 + random() % 0x5f);
    std::vector<std::size_t> wanted;
    for (std::size_t i = 0; i < text.size(); ++i)
      if (is_control(static_cast<unsigned char>(text[i]))) wanted.push_back(i);
    if (!wanted.empty() && round % 2 == 0) wanted.resize(1 + random() % wanted.size());
    std::vector<std::size_t> visited;
    visit_controls(text.data(), text.data() + text.size(), [&](const char* at) {
      visited.push_back(static_cast<std::size_t>(at - text.data()));
      return round % 2 == 0 && visited.size() == wanted.size();
    });
    ASSERT_EQ(visited, wanted);
  }
}

}  // namespace
}  // namespace holdfast::http
