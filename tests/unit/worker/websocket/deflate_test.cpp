#include "worker/websocket/deflate.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::websocket {
namespace {

using namespace std::string_view_literals;
using Next = DeflateStep::Next;

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

struct Outcome {
  std::string data;
  bool complete = false;
  CloseCode failure = CloseCode::Normal;
  bool operator==(const Outcome&) const = default;
};
void PrintTo(const Outcome& outcome, std::ostream* out) {
  *out << testing::PrintToString(outcome.data.substr(0, 80)) << " of " << outcome.data.size() << " bytes, "
       << outcome.complete << ", " << static_cast<int>(outcome.failure);
}

/// Runs one message through an Inflater or a Deflater, `cut` bytes of input and `most` bytes of room at a time.
template <class Call>
Outcome run(Call call, std::string_view message, std::size_t cut, std::size_t most) {
  Outcome outcome;
  std::string_view piece = message.substr(0, cut);
  message.remove_prefix(piece.size());
  while (true) {
    std::vector<std::byte> room(most);
    const DeflateStep step = call(bytes_of(piece), std::span(room), message.empty());
    EXPECT_LE(step.consumed, piece.size());
    EXPECT_LE(step.produced, room.size());
    outcome.data.append(reinterpret_cast<const char*>(room.data()), step.produced);
    outcome.complete = step.next == Next::End;
    outcome.failure = step.failure;
    if (step.next == Next::End || step.next == Next::Failed) return outcome;
    piece.remove_prefix(step.consumed);
    if (step.next == Next::Room) continue;
    EXPECT_TRUE(piece.empty());
    if (message.empty()) return outcome;
    piece = message.substr(0, cut);
    message.remove_prefix(piece.size());
  }
}

Outcome inflate_with(Inflater& inflater, std::string_view wire, std::size_t cut = SIZE_MAX,
                     std::size_t most = 4096) {
  return run([&](auto input, auto room, bool last) { return inflater.inflate(input, room, last); }, wire, cut,
             most);
}
Outcome inflated(std::string_view wire, std::uint64_t limit = UINT64_MAX, std::size_t cut = SIZE_MAX,
                 std::size_t most = 4096) {
  Inflater inflater({15, true, limit});
  return inflate_with(inflater, wire, cut, most);
}
std::string deflate_with(Deflater& deflater, std::string_view data, std::size_t cut = SIZE_MAX,
                         std::size_t most = 4096) {
  const Outcome outcome = run(
      [&](auto input, auto room, bool last) { return deflater.deflate(input, room, last); }, data, cut, most);
  EXPECT_TRUE(outcome.complete);
  return outcome.data;
}

/// A client of another hand: zlib as its manual says.
class Client {
 public:
  explicit Client(int bits = 15, int level = 6) {
    deflateInit2(&out_, level, Z_DEFLATED, -bits, 8, Z_DEFAULT_STRATEGY);
    inflateInit2(&in_, -bits);
  }
  ~Client() {
    deflateEnd(&out_);
    inflateEnd(&in_);
  }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  std::string send(std::string data) {
    if (data.empty()) return std::string(1, '\0');  // zlib writes nothing for a second empty message
    std::string wire(deflateBound(&out_, data.size()) + 16, '\0');
    out_.next_in = reinterpret_cast<Bytef*>(data.data());
    out_.avail_in = static_cast<uInt>(data.size());
    out_.next_out = reinterpret_cast<Bytef*>(wire.data());
    out_.avail_out = static_cast<uInt>(wire.size());
    ::deflate(&out_, Z_SYNC_FLUSH);
    wire.resize(wire.size() - out_.avail_out);
    EXPECT_TRUE(wire.ends_with("\x00\x00\xff\xff"sv));
    return wire.substr(0, wire.size() - 4);
  }
  std::string receive(std::string wire) {
    wire += "\x00\x00\xff\xff"sv;
    std::string data(1 << 16, '\0');
    in_.next_in = reinterpret_cast<Bytef*>(wire.data());
    in_.avail_in = static_cast<uInt>(wire.size());
    in_.next_out = reinterpret_cast<Bytef*>(data.data());
    in_.avail_out = static_cast<uInt>(data.size());
    EXPECT_EQ(::inflate(&in_, Z_SYNC_FLUSH), Z_OK);
    EXPECT_EQ(in_.avail_in, 0u);
    data.resize(data.size() - in_.avail_out);
    return data;
  }

 private:
  z_stream out_{};
  z_stream in_{};
};

std::string words(std::mt19937& random, std::size_t size) {
  std::string text;
  while (text.size() < size) text += "word" + std::to_string(random() % 50) + (random() % 9 == 0 ? "\n" : " ");
  return text.substr(0, size);
}
std::string noise(std::mt19937& random, std::size_t size) {
  std::string text(size, '\0');
  for (char& c : text) c = static_cast<char>(random());
  return text;
}

struct WireCase {
  std::string_view wire;
  Outcome expected;
};

const Outcome kHello{"Hello", true, CloseCode::Normal};
const Outcome kEmpty{"", true, CloseCode::Normal};
const CloseCode kBroken = CloseCode::InvalidPayload;

// RFC 7692 section 7.2.3, and what the format forbids.
const WireCase kWires[] = {
    {"\xf2\x48\xcd\xc9\xc9\x07\x00"sv, kHello},
    {"\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00"sv, kHello},
    {"\xf3\x48\xcd\xc9\xc9\x07\x00\x00"sv, kHello},
    {"\xf3\x48\xcd\xc9\xc9\x07\x00"sv, kHello},
    {"\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00"sv, kHello},
    {"\x00"sv, kEmpty},
    {""sv, kEmpty},
    {"\x02\x00"sv, kEmpty},
    {"\x03\x00"sv, kEmpty},
    {"\x03\x00\x03\x00\x03\x00\x00"sv, kEmpty},
    {"\x00\x00\x00\xff\xff\x00"sv, kEmpty},
    {"\x07"sv, {"", false, kBroken}},                            // reserved type of block
    {"\x00\x05\x00\xfa\xfe"sv, {"", false, kBroken}},            // length and complement differ
    {"\x00\x05\x00\xfa\xff\x48"sv, {"H", false, kBroken}},       // block cut short
    {"\x00\x06\x00\xf9\xff\x48\x65"sv, {"He", false, kBroken}},  // ... that the tail would fill
    {"\xf2\x48\xcd"sv, {"Hel", false, kBroken}},                 // codes cut short
    {"\xf2\x00\x11\x00\x00"sv, {"H", false, kBroken}},           // refers to what never was
    {"\x05\xe0\x81\x08\x00\x00\x00\x00\x20\x7f\xeb\x0b"sv, {"", false, kBroken}},  // tree cut short
    {"\x04\xe0"sv, {"", false, kBroken}},  // ... with a tail that could be more of it
};

TEST(Inflater, takes_the_examples_and_refuses_what_is_broken) {
  for (const WireCase& row : kWires) {
    Outcome whole = inflated(row.wire);
    if (row.expected.complete) {
      EXPECT_EQ(whole, row.expected) << testing::PrintToString(row.wire);
    } else {
      EXPECT_FALSE(whole.complete) << testing::PrintToString(row.wire);
      EXPECT_EQ(whole.failure, kBroken) << testing::PrintToString(row.wire);
      EXPECT_LE(whole.data.size(), 8u);
    }
    for (const std::size_t cut : {std::size_t{1}, std::size_t{2}, std::size_t{5}})
      for (const std::size_t most : {std::size_t{1}, std::size_t{3}, std::size_t{100}}) {
        const Outcome parts = inflated(row.wire, UINT64_MAX, cut, most);
        EXPECT_EQ(parts.complete, whole.complete) << testing::PrintToString(row.wire) << cut << ' ' << most;
        EXPECT_EQ(parts.failure, whole.failure) << testing::PrintToString(row.wire);
        if (whole.complete) {
          EXPECT_EQ(parts.data, whole.data);
        }
      }
  }
}

TEST(Inflater, the_second_message_may_refer_to_the_first) {
  Inflater inflater({15, true, UINT64_MAX});
  EXPECT_EQ(inflate_with(inflater, "\xf2\x48\xcd\xc9\xc9\x07\x00"sv), kHello);
  EXPECT_EQ(inflate_with(inflater, "\xf2\x00\x11\x00\x00"sv), kHello);
  EXPECT_EQ(inflate_with(inflater, "\xf2\x00\x11\x00\x00"sv, 1, 1), kHello);
}

TEST(Inflater, without_context_the_second_message_may_not) {
  Inflater inflater({15, false, UINT64_MAX});
  EXPECT_EQ(inflate_with(inflater, "\xf2\x48\xcd\xc9\xc9\x07\x00"sv), kHello);
  EXPECT_EQ(inflate_with(inflater, "\xf2\x48\xcd\xc9\xc9\x07\x00"sv), kHello);
  EXPECT_EQ(inflate_with(inflater, "\xf2\x00\x11\x00\x00"sv).failure, kBroken);
}

TEST(Inflater, a_final_block_does_not_end_the_window) {
  Inflater inflater({15, true, UINT64_MAX});
  EXPECT_EQ(inflate_with(inflater, "\xf3\x48\xcd\xc9\xc9\x07\x00\x00"sv), kHello);
  EXPECT_EQ(inflate_with(inflater, "\xf2\x00\x11\x00\x00"sv), kHello);
}

TEST(Inflater, the_limit_is_of_what_comes_out) {
  std::mt19937 random(1);
  for (const std::string& data : {words(random, 1000), noise(random, 1000), std::string(1000, 'a')}) {
    const std::string wire = Client().send(data);
    for (const std::size_t cut : {std::size_t{SIZE_MAX}, std::size_t{1}, std::size_t{7}})
      for (const std::size_t most : {std::size_t{1}, std::size_t{100}, std::size_t{1000}, std::size_t{4096}}) {
        EXPECT_EQ(inflated(wire, 1000, cut, most), (Outcome{data, true, CloseCode::Normal}));
        EXPECT_EQ(inflated(wire, 1001, cut, most), (Outcome{data, true, CloseCode::Normal}));
        EXPECT_EQ(inflated(wire, 999, cut, most),
                  (Outcome{data.substr(0, 999), false, CloseCode::MessageTooBig}));
        EXPECT_EQ(inflated(wire, 0, cut, most), (Outcome{"", false, CloseCode::MessageTooBig}));
      }
  }
  EXPECT_EQ(inflated("\x00"sv, 0), kEmpty);
}

TEST(Inflater, the_limit_is_of_each_message) {
  Inflater inflater({15, true, 5});
  for (int i = 0; i < 3; ++i) EXPECT_EQ(inflate_with(inflater, "\xf2\x48\xcd\xc9\xc9\x07\x00"sv, 1), kHello);
}

TEST(Inflater, the_limit_is_seen_as_soon_as_the_data_shows_it) {
  const std::string wire = Client().send(std::string(1000, 'a'));
  bool seen = false;
  for (std::size_t size = 1; size <= wire.size(); ++size) {
    std::vector<std::byte> room(4096);
    Inflater free({15, true, UINT64_MAX});
    const std::size_t all = free.inflate(bytes_of(wire).first(size), room, false).produced;
    for (const std::size_t limit : {std::size_t{1}, std::size_t{500}, std::size_t{999}}) {
      Inflater limited({15, true, limit});
      const DeflateStep step = limited.inflate(bytes_of(wire).first(size), room, false);
      EXPECT_EQ(step.next, all > limit ? Next::Failed : Next::Input) << size;
      EXPECT_EQ(step.produced, std::min(all, limit)) << size;
      seen = seen || step.next == Next::Failed;
    }
  }
  EXPECT_TRUE(seen);
}

TEST(Inflater, a_bomb_stops_at_the_limit) {
  const std::string wire = Client(15, 9).send(std::string(10'000'000, '\0'));
  EXPECT_LT(wire.size(), 20'000u);
  const Outcome outcome = inflated(wire, 65'536);
  EXPECT_EQ(outcome.data.size(), 65'536u);
  EXPECT_EQ(outcome.failure, CloseCode::MessageTooBig);
}

TEST(Inflater, a_window_larger_than_agreed_is_found) {
  std::mt19937 random(3);
  const std::string once = noise(random, 4000);
  const std::string wire = Client(15).send(once + once);
  Inflater small({9, true, UINT64_MAX});
  EXPECT_EQ(inflate_with(small, wire, SIZE_MAX, 256).failure, kBroken);
  Inflater large({13, true, UINT64_MAX});
  EXPECT_EQ(inflate_with(large, wire, SIZE_MAX, 256).data, once + once);
}

TEST(Inflater, takes_a_window_of_eight_bits) {
  Inflater inflater({8, true, UINT64_MAX});
  EXPECT_EQ(inflate_with(inflater, "\xf2\x48\xcd\xc9\xc9\x07\x00"sv), kHello);
}

TEST(Inflater, gives_its_memory_back_only_when_nothing_needs_it) {
  Inflater keeps({15, true, UINT64_MAX});
  Inflater gives({15, false, UINT64_MAX});
  for (Inflater* inflater : {&keeps, &gives}) {
    EXPECT_FALSE(inflater->holds_memory());
    std::vector<std::byte> room(16);
    EXPECT_EQ(inflater->inflate(bytes_of("\xf2\x48"), room, false).next, Next::Input);
    inflater->release();
    EXPECT_TRUE(inflater->holds_memory());
    inflate_with(*inflater, "\xcd\xc9\xc9\x07\x00"sv);
    inflater->release();
  }
  EXPECT_TRUE(keeps.holds_memory());
  EXPECT_FALSE(gives.holds_memory());
  EXPECT_EQ(inflate_with(gives, "\xf2\x48\xcd\xc9\xc9\x07\x00"sv), kHello);
}

struct Wished {
  std::uint8_t bits;
  bool takeover;
};
void PrintTo(const Wished& wished, std::ostream* out) {
  *out << int{wished.bits} << " bits" << (wished.takeover ? ", context kept" : "");
}

class DeflateBothWays : public testing::TestWithParam<Wished> {};

TEST_P(DeflateBothWays, a_conversation_comes_through) {
  const Wished wished = GetParam();
  std::mt19937 random(wished.bits);
  Client client(wished.bits);
  Inflater inflater({wished.bits, true, UINT64_MAX});
  Deflater deflater({wished.bits, wished.takeover, 6});
  for (int round = 0; round < 60; ++round) {
    const std::size_t size = round % 5 == 0 ? random() % 40'000 : random() % 300;
    const std::string data = round % 3 == 0 ? noise(random, size) : words(random, size);
    const std::size_t cut = 1 + random() % 500;
    const std::size_t most = Deflater::kLeastRoom + random() % 500;
    ASSERT_EQ(inflate_with(inflater, client.send(data), cut, most), (Outcome{data, true, CloseCode::Normal}));
    const std::string wire = deflate_with(deflater, data, cut, most);
    ASSERT_FALSE(wire.empty());
    ASSERT_EQ(client.receive(wire), data);
    if (!wished.takeover) {
      ASSERT_EQ(Client(wished.bits).receive(wire), data);
    }
    if (round % 4 == 0) deflater.release();
    ASSERT_EQ(deflater.holds_memory(), wished.takeover || round % 4 != 0);
  }
}
INSTANTIATE_TEST_SUITE_P(window, DeflateBothWays,
                         testing::Values(Wished{9, true}, Wished{9, false}, Wished{10, true}, Wished{11, false},
                                         Wished{12, true}, Wished{12, false}, Wished{13, true},
                                         Wished{14, false}, Wished{15, true}, Wished{15, false}));

TEST(Deflater, the_tail_is_removed_however_small_the_room) {
  std::mt19937 random(5);
  for (std::size_t size = 0; size < 120; ++size) {
    const std::string data = noise(random, size);
    for (std::size_t most = Deflater::kLeastRoom; most < 40; ++most) {
      Deflater deflater({15, true, 6});
      Client client;
      ASSERT_EQ(client.receive(deflate_with(deflater, data, SIZE_MAX, most)), data) << size << ' ' << most;
      ASSERT_EQ(client.receive(deflate_with(deflater, data, 3, most)), data) << size << ' ' << most;
    }
  }
}

TEST(Deflater, does_what_the_example_shows) {
  Deflater deflater({15, true, 6});
  EXPECT_EQ(deflate_with(deflater, "Hello"), "\xf2\x48\xcd\xc9\xc9\x07\x00"sv);
  EXPECT_EQ(deflate_with(deflater, "Hello"), "\xf2\x00\x11\x00\x00"sv);
  Deflater alone({15, false, 6});
  EXPECT_EQ(deflate_with(alone, "Hello"), "\xf2\x48\xcd\xc9\xc9\x07\x00"sv);
  EXPECT_EQ(deflate_with(alone, "Hello"), "\xf2\x48\xcd\xc9\xc9\x07\x00"sv);
}

TEST(Deflater, empty_messages_in_a_row_are_one_byte_each) {
  Deflater deflater({15, true, 6});
  Client client;
  for (int i = 0; i < 3; ++i) {
    const std::string wire = deflate_with(deflater, "");
    EXPECT_EQ(wire, "\0"sv);
    EXPECT_EQ(client.receive(wire), "");
  }
  EXPECT_EQ(client.receive(deflate_with(deflater, "Hello")), "Hello");
  EXPECT_EQ(client.receive(deflate_with(deflater, "")), "");
  EXPECT_EQ(client.receive(deflate_with(deflater, "Hello")), "Hello");
}

TEST(Deflater, a_message_may_end_with_an_empty_piece) {
  Deflater deflater({12, true, 6});
  Client client(12);
  std::vector<std::byte> room(64);
  for (int i = 0; i < 2; ++i) {
    std::string wire;
    for (const auto& [piece, last] :
         {std::pair{"He"sv, false}, {""sv, false}, {"llo"sv, false}, {""sv, true}}) {
      const DeflateStep step = deflater.deflate(bytes_of(piece), room, last);
      wire.append(reinterpret_cast<const char*>(room.data()), step.produced);
      EXPECT_EQ(step.next, last ? Next::End : Next::Input);
    }
    EXPECT_EQ(client.receive(wire), "Hello");
  }
}

TEST(Deflater, gives_its_memory_back_only_when_nothing_needs_it) {
  Deflater keeps({9, true, 6});
  Deflater gives({9, false, 6});
  for (Deflater* deflater : {&keeps, &gives}) {
    EXPECT_FALSE(deflater->holds_memory());
    std::vector<std::byte> room(16);
    deflater->deflate(bytes_of("He"), room, false);
    deflater->release();
    EXPECT_TRUE(deflater->holds_memory());
    deflate_with(*deflater, "llo");
    deflater->release();
  }
  EXPECT_TRUE(keeps.holds_memory());
  EXPECT_FALSE(gives.holds_memory());
}

}  // namespace
}  // namespace holdfast::websocket
