// Packs our field sections (RFC 7541): one object a connection, since later sections refer to earlier ones.
// What was sent before leaves in a byte. Memory: the table of at most 4 KiB, and up to 16 KiB to find things in
// it, as it fills.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/api/request.h"
#include "worker/net/output_queue.h"

namespace holdfast::http2 {

class FieldEncoder {
 public:
  /// SETTINGS_HEADER_TABLE_SIZE of the peer (RFC 7541 section 4.2); never more than 4 KiB are used of it.
  void set_table_size(std::uint32_t bytes);
  /// Puts HEADERS, with as many CONTINUATION as it takes, at the end of `output`; names in lower case (RFC 9113
  /// section 8.2.1). Bytes of the section.
  std::size_t put(net::OutputQueue& output, std::int32_t stream, std::span<const api::Field> fields, bool ends);

 private:
  static constexpr std::size_t kTable = 4096;        // RFC 9113 section 6.5.2, the initial value
  static constexpr std::size_t kEntryOverhead = 32;  // RFC 7541 section 4.1
  static constexpr std::size_t kSlots = kTable / kEntryOverhead;
  static constexpr std::size_t kHints = 256;

  /// A field as it was given: another writing of its name is another field, which costs room and nothing else.
  struct Entry {
    std::uint64_t hash = 0;
    std::size_t name_size = 0;
    std::string text;  // name and value

    std::size_t size() const { return text.size() + kEntryOverhead; }
    bool is(const api::Field& field) const {
      return std::string_view(text.data(), name_size) == field.name &&
             std::string_view(text.data() + name_size, text.size() - name_size) == field.value;
    }
  };

  std::uint8_t* encode(std::span<const api::Field> fields, std::uint8_t* out);
  std::uint8_t* put_field(const api::Field& field, std::uint8_t* out);
  std::uint8_t* put_literal(const api::Field& field, std::uint64_t hash, std::uint8_t* out);
  std::uint8_t* put_table_size(std::uint8_t* out);
  /// How far behind the newest, which is 1.
  std::optional<std::uint32_t> find(const api::Field& field, std::uint64_t hash) const;
  void insert(const api::Field& field, std::uint64_t hash);
  void evict_to(std::size_t bytes);
  std::uint32_t oldest() const { return made_ - count_; }
  Entry& entry(std::uint32_t number) { return entries_[number % kSlots]; }
  const Entry& entry(std::uint32_t number) const { return entries_[number % kSlots]; }

  // Entries are numbered in the order in which they were made; the living ones are the last `count_`.
  std::vector<Entry> entries_;  // a ring once it has kSlots
  std::uint32_t made_ = 0;
  std::uint32_t count_ = 0;
  std::size_t bytes_ = 0;
  std::size_t most_ = kTable;
  std::optional<std::size_t> least_untold_;  // the smallest size since the last section, when it has changed
  // By hash: one more than the number of the newest entry that has it.
  std::array<std::uint32_t, kHints> newest_of_hint_{};
};

}  // namespace holdfast::http2
