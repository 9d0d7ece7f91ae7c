#include "worker/broker/redis_record.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace holdfast::broker {
namespace {

using Kind = RedisRecord::Kind;

std::span<const std::byte> bytes(std::string_view text) {
  return std::as_bytes(std::span(text));
}

const WallTime kTime{Milliseconds(1'764'266'400'123)};

std::string sample(Kind kind = Kind::Message, std::string_view payload = "hello") {
  return encode({kind, {0x0102030405060708, 9}, kTime, bytes(payload)});
}

TEST(RedisRecord, comes_back_as_it_was) {
  const std::string encoded = sample();
  const auto record = decode_redis_record(bytes(encoded));
  ASSERT_TRUE(record);
  EXPECT_EQ(record->kind, Kind::Message);
  EXPECT_EQ(record->origin, (Origin{0x0102030405060708, 9}));
  EXPECT_EQ(record->time, kTime);
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(record->payload.data()), record->payload.size()),
            "hello");
}

TEST(RedisRecord, is_the_same_on_every_host) {
  EXPECT_EQ(sample(Kind::Gone, ""), std::string("HFB\x01\x03"
                                                "\x08\x07\x06\x05\x04\x03\x02\x01"
                                                "\x09\0\0\0\0\0\0\0"
                                                "\x7b\xd9\x78\xc6\x9a\x01\0\0",
                                                29));
}

TEST(RedisRecord, signs_of_life_have_no_payload) {
  for (const Kind kind : {Kind::Hello, Kind::Alive, Kind::Gone}) {
    EXPECT_TRUE(decode_redis_record(bytes(sample(kind, ""))));
    EXPECT_FALSE(decode_redis_record(bytes(sample(kind, "x"))));
  }
}

TEST(RedisRecord, every_cut_head_is_refused) {
  const std::string whole = sample(Kind::Message, "");
  ASSERT_TRUE(decode_redis_record(bytes(whole)));
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_FALSE(decode_redis_record(bytes(std::string_view(whole).substr(0, size)))) << size;
}

TEST(RedisRecord, other_forms_and_kinds_are_refused) {
  for (const std::size_t at : {0, 1, 2, 3}) {
    std::string other = sample();
    ++other[at];
    EXPECT_FALSE(decode_redis_record(bytes(other))) << at;
  }
  for (int kind = static_cast<int>(Kind::kCount); kind < 256; ++kind) {
    std::string other = sample();
    other[4] = static_cast<char>(kind);
    EXPECT_FALSE(decode_redis_record(bytes(other))) << kind;
  }
}

TEST(RedisRecord, nobody_speaks_for_this_host) {
  EXPECT_FALSE(decode_redis_record(bytes(encode({Kind::Message, {0, 9}, kTime, bytes("x")}))));
}

TEST(RedisRecord, a_time_that_no_clock_holds_is_refused) {
  std::string late = sample();
  for (std::size_t i = 0; i < 8; ++i) late[21 + i] = '\xff';
  EXPECT_FALSE(decode_redis_record(bytes(late)));
  late[28] = '\x7f';
  EXPECT_FALSE(decode_redis_record(bytes(late)));
}

TEST(RedisRecord, a_payload_is_as_large_as_a_broker_takes) {
  EXPECT_TRUE(decode_redis_record(bytes(sample(Kind::Message, std::string(Broker::kMostPayload, 'x')))));
  EXPECT_FALSE(decode_redis_record(bytes(sample(Kind::Message, std::string(Broker::kMostPayload + 1, 'x')))));
}

}  // namespace
}  // namespace holdfast::broker
