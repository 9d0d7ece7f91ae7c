#include "common/stats/name_table.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

#include "common/text_hash.h"
#include "common/utf8.h"

namespace holdfast::stats {

namespace {

constexpr std::size_t kLongest = sizeof(StoredName::text) - 1;
constexpr std::size_t kHashDigits = 16;

bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

bool fits_as_it_is(std::string_view name) {
  if (name.size() > kLongest || std::ranges::any_of(name, is_control)) return false;
  while (!name.empty()) {
    const std::size_t length = utf8_front(name);
    if (length == 0) return false;
    name.remove_prefix(length);
  }
  return true;
}

}  // namespace

StoredName stored_name(std::string_view name) {
  StoredName stored{};
  if (fits_as_it_is(name)) {
    name.copy(stored.text, kLongest);
    return stored;
  }
  const std::string_view front = name.substr(0, kLongest - 1 - kHashDigits);
  char* end = std::ranges::transform(front, stored.text, [](char c) {
                return is_control(c) || static_cast<unsigned char>(c) >= 0x80 ? '_' : c;
              }).out;
  *end++ = '~';
  std::to_chars(end, end + kHashDigits, text_hash(name), 16);
  return stored;
}

std::uint16_t NameTable::intern(std::string_view name) {
  if (const std::uint16_t known = find(name)) return known;
  const StoredName stored = stored_name(name);
  const std::uint64_t index = count_->load(std::memory_order_relaxed);
  // 0 is both "other" and "not found".
  if (index >= room_ || (index > 0 && names_[0].text == std::string_view(stored.text))) return 0;
  names_[index] = stored;
  // Readers that see the new count see the name.
  count_->store(index + 1, std::memory_order_release);
  return static_cast<std::uint16_t>(index);
}

std::uint16_t NameTable::find(std::string_view name) {
  catch_up();
  const auto known = index_.find(stored_name(name).text);
  return known == index_.end() ? 0 : known->second;
}

std::string_view NameTable::name(std::uint16_t index) const {
  return index < count() ? std::string_view(names_[index].text) : std::string_view("other");
}

void NameTable::catch_up() {
  for (const std::uint32_t published = count(); indexed_ < published; ++indexed_)
    index_.emplace(names_[indexed_].text, static_cast<std::uint16_t>(indexed_));
}

}  // namespace holdfast::stats
