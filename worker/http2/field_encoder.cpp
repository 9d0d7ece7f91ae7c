#include "worker/http2/field_encoder.h"

#include <algorithm>
#include <cstring>

#include "common/ascii.h"
#include "common/text_hash.h"
#include "common/text_room.h"
#include "worker/http/scoped_table.h"
#include "worker/http2/frame.h"
#include "worker/http2/huffman.h"

namespace holdfast::http2 {
namespace {

/// Of the first and the last eight bytes, and of `state`. Who is found by it is compared.
std::uint64_t hash_of_edges(std::string_view text, std::uint64_t state) {
  using namespace text_hash_detail;
  if (text.size() > 8)
    return mix(load8(text.data()) ^ text.size(), load8(text.data() + text.size() - 8) ^ state);
  return text.empty() ? state : mix_tail(text.data(), text.size(), state);
}

std::uint64_t hash_of(const api::Field& field) {
  return hash_of_edges(field.value, hash_of_edges(field.name, field.value.size() + 1));
}

/// What fields that no table keeps look like when they are packed, for all connections of a worker: the same
/// files and answers have the same tags and lengths.
class PackedFields {
 public:
  static PackedFields& of_this_worker() {
    static thread_local PackedFields packed;
    return packed;
  }

  /// Copies it to `out`; one past the last byte, or null: it is not here.
  std::uint8_t* put(const api::Field& field, std::uint64_t hash, std::uint8_t* out) const {
    const Slot& slot = slots_[hash % kSlots];
    if (slot.hash != hash || slot.name_size != field.name.size() || slot.value_size != field.value.size() ||
        std::memcmp(slot.text, field.name.data(), slot.name_size) != 0 ||
        std::memcmp(slot.text + slot.name_size, field.value.data(), slot.value_size) != 0)
      return nullptr;
    std::memcpy(out, slot.packed, kMost);  // of constant size: there is room, and the rest is overwritten
    return out + slot.packed_size;
  }

  void keep(const api::Field& field, std::uint64_t hash, const std::uint8_t* begin, const std::uint8_t* end) {
    const auto size = static_cast<std::size_t>(end - begin);
    if (size > kMost || field.value.empty() || field.name.size() + field.value.size() > kMost) return;
    Slot& slot = slots_[hash % kSlots];
    slot.hash = hash;
    slot.name_size = static_cast<std::uint8_t>(field.name.size());
    slot.value_size = static_cast<std::uint8_t>(field.value.size());
    slot.packed_size = static_cast<std::uint8_t>(size);
    std::memcpy(slot.text, field.name.data(), field.name.size());
    std::memcpy(slot.text + field.name.size(), field.value.data(), field.value.size());
    std::memcpy(slot.packed, begin, size);
  }

  static constexpr std::size_t kMost = 48;

 private:
  static constexpr std::size_t kSlots = 512;
  struct Slot {
    std::uint64_t hash = 0;
    std::uint8_t name_size = 0;
    std::uint8_t value_size = 0;  // 0: nothing is here
    std::uint8_t packed_size = 0;
    char text[kMost];
    std::uint8_t packed[kMost];
  };
  std::array<Slot, kSlots> slots_{};
};

/// What becomes of a field that is not in the table.
enum class Keep : std::uint8_t {
  Yes,   // it is likely to come again
  No,    // its value differs from response to response, and would only push out others
  Never  // nor may anybody between keep it: what it says is to be guessed from no length (RFC 7541 section 7.1)
};

struct KnownName {
  std::string_view name;
  std::uint8_t index;  // in the static table (RFC 7541 appendix A); 0: not there
  Keep keep;
};

/// Names of responses.
constexpr KnownName kKnownNames[] = {
    {":status", 8, Keep::Yes},
    {"accept-ranges", 18, Keep::Yes},
    {"access-control-allow-origin", 20, Keep::Yes},
    {"age", 21, Keep::No},
    {"allow", 22, Keep::Yes},
    {"cache-control", 24, Keep::Yes},
    {"content-disposition", 25, Keep::Yes},
    {"content-encoding", 26, Keep::Yes},
    {"content-language", 27, Keep::Yes},
    {"content-length", 28, Keep::No},
    {"content-location", 29, Keep::No},
    {"content-range", 30, Keep::No},
    {"content-type", 31, Keep::Yes},
    {"date", 33, Keep::Yes},
    {"etag", 34, Keep::No},
    {"expires", 36, Keep::Yes},
    {"last-modified", 44, Keep::Yes},
    {"link", 45, Keep::Yes},
    {"location", 46, Keep::No},
    {"proxy-authenticate", 48, Keep::Yes},
    {"refresh", 52, Keep::Yes},
    {"retry-after", 53, Keep::Yes},
    {"server", 54, Keep::Yes},
    {"set-cookie", 55, Keep::Never},
    {"strict-transport-security", 56, Keep::Yes},
    {"traceparent", 0, Keep::No},
    {"vary", 59, Keep::Yes},
    {"via", 60, Keep::Yes},
    {"www-authenticate", 61, Keep::Yes},
    {"x-request-id", 0, Keep::No},
};
constexpr KnownName kOtherName{{}, 0, Keep::Yes};
constexpr std::size_t kStaticTable = 61;

const KnownName& known_name(std::string_view lowered) {
  static const http::ScopedTable table = [] {
    http::ScopedTable names;
    for (std::uint32_t i = 0; i < std::size(kKnownNames); ++i) names.insert(0, kKnownNames[i].name, i);
    return names;
  }();
  const std::optional<std::uint32_t> row = table.find(0, lowered);
  return row ? kKnownNames[*row] : kOtherName;
}

/// Statuses whose whole field is in the static table; 0: not there.
std::uint8_t static_status(std::string_view status) {
  constexpr std::string_view kStatuses[] = {"200", "204", "206", "304", "400", "404", "500"};
  const auto* const found = std::ranges::find(kStatuses, status);
  return found == std::end(kStatuses) ? std::uint8_t{0} : static_cast<std::uint8_t>(8 + (found - kStatuses));
}

// First bytes of the representations (RFC 7541 section 6), and how many of their bits are a number's.
struct Form {
  std::uint8_t first;
  unsigned prefix;
};
constexpr Form kIndexed{0x80, 7};
constexpr Form kKept{0x40, 6};
constexpr Form kTableSize{0x20, 5};
constexpr Form kNeverKept{0x10, 4};
constexpr Form kNotKept{0x00, 4};
constexpr Form kHuffmanText{0x80, 7};
constexpr Form kPlainText{0x00, 7};

constexpr Form form_of(Keep keep) {
  return keep == Keep::Yes ? kKept : keep == Keep::No ? kNotKept : kNeverKept;
}

/// RFC 7541 section 5.1.
std::uint8_t* put_number(Form form, std::size_t number, std::uint8_t* out) {
  const std::size_t most = (std::size_t{1} << form.prefix) - 1;
  if (number < most) {
    *out++ = static_cast<std::uint8_t>(form.first | number);
    return out;
  }
  *out++ = static_cast<std::uint8_t>(form.first | most);
  for (number -= most; number >= 0x80; number >>= 7) *out++ = static_cast<std::uint8_t>(number | 0x80);
  *out++ = static_cast<std::uint8_t>(number);
  return out;
}

/// RFC 7541 section 5.2, in the shorter of the two forms.
std::uint8_t* put_text(std::string_view text, std::uint8_t* out) {
  const std::size_t packed = huffman_size(text);
  if (packed < text.size()) return huffman_put(text, put_number(kHuffmanText, packed, out));
  out = put_number(kPlainText, text.size(), out);
  return std::ranges::copy(text, out).out;
}

/// A name in lower case, in memory that the next call takes again.
std::string_view lowered(std::string_view name) {
  static thread_local std::string room;
  room.assign(name);
  for (char& c : room) c = ascii_lower(c);
  return room;
}

/// Numbers of 64 bits take at most so many bytes; a field has three.
constexpr std::size_t kMostOfNumber = 11;
constexpr std::size_t kMostOfSizes = 2 * kMostOfNumber;

constexpr std::size_t kMostKept = 64;  // room of an evicted entry for the next one in its place

std::size_t most_bytes(std::span<const api::Field> fields) {
  std::size_t most = kMostOfSizes + PackedFields::kMost;
  for (const api::Field& field : fields) most += field.name.size() + field.value.size() + 3 * kMostOfNumber;
  return most;
}

/// RFC 9113 section 6.10: a section that does not fit into one frame.
void put_frames(net::OutputQueue& output, std::string_view section, FrameHead head) {
  for (bool more = true; more; head.type = FrameType::Continuation) {
    const std::string_view part = section.substr(0, kMostPayload);
    section.remove_prefix(part.size());
    more = !section.empty();
    head.length = part.size();
    // END_STREAM stands on the first, END_HEADERS on the last.
    const std::uint8_t kept = head.type == FrameType::Headers ? head.flags : 0;
    head.flags = static_cast<std::uint8_t>(kept | (more ? 0 : flags::kEndHeaders));
    const std::span<std::byte> room = output.room(kFrameHead);
    put_head(room, head);
    output.commit(kFrameHead);
    output.append(part);
  }
}

}  // namespace

void FieldEncoder::set_table_size(std::uint32_t bytes) {
  const std::size_t most = std::min<std::size_t>(bytes, kTable);
  if (most == most_) return;
  most_ = most;
  least_untold_ = std::min(least_untold_.value_or(most), most);
  evict_to(most_);
}

std::size_t FieldEncoder::put(net::OutputQueue& output, std::int32_t stream, std::span<const api::Field> fields,
                              bool ends) {
  const std::size_t most = most_bytes(fields);
  FrameHead head{FrameType::Headers, ends ? flags::kEndStream : std::uint8_t{0}, stream, 0};
  const auto encoded = [&](std::byte* at) {
    auto* const begin = reinterpret_cast<std::uint8_t*>(at);
    return static_cast<std::size_t>(encode(fields, begin) - begin);
  };
  if (most + kFrameHead <= net::OutputQueue::kChunk) {
    const std::span<std::byte> room = output.room(most + kFrameHead);
    head.length = encoded(room.data() + kFrameHead);
    head.flags |= flags::kEndHeaders;
    put_head(room, head);
    output.commit(kFrameHead + head.length);
    return head.length;
  }
  std::string section(most, '\0');
  section.resize(encoded(reinterpret_cast<std::byte*>(section.data())));
  put_frames(output, section, head);
  return section.size();
}

// Where memory is wanting the section is never sent, and the peer has not heard of what was entered for it: the
// next one empties both tables.
std::uint8_t* FieldEncoder::encode(std::span<const api::Field> fields, std::uint8_t* out) {
  try {
    if (least_untold_) out = put_table_size(out);
    for (const api::Field& field : fields) out = put_field(field, out);
    return out;
  } catch (...) {
    evict_to(0);
    least_untold_ = 0;
    throw;
  }
}

// RFC 7541 section 4.2: the smallest size in between is told too, since it has emptied the table.
std::uint8_t* FieldEncoder::put_table_size(std::uint8_t* out) {
  if (*least_untold_ < most_) out = put_number(kTableSize, *least_untold_, out);
  least_untold_.reset();
  return put_number(kTableSize, most_, out);
}

std::uint8_t* FieldEncoder::put_field(const api::Field& field, std::uint8_t* out) {
  if (field.name == ":status")
    if (const std::uint8_t index = static_status(field.value)) return put_number(kIndexed, index, out);
  const std::uint64_t hash = hash_of(field);
  if (const auto distance = find(field, hash)) return put_number(kIndexed, kStaticTable + *distance, out);
  if (std::uint8_t* const end = PackedFields::of_this_worker().put(field, hash, out)) return end;
  return put_literal(field, hash, out);
}

std::uint8_t* FieldEncoder::put_literal(const api::Field& field, std::uint64_t hash, std::uint8_t* out) {
  std::uint8_t* const begin = out;
  const std::string_view name = lowered(field.name);
  const KnownName& known = known_name(name);
  // What is larger than the table would only empty it.
  const bool fits = name.size() + field.value.size() + kEntryOverhead <= most_;
  const Keep keep = known.keep == Keep::Yes && !fits ? Keep::No : known.keep;
  out = put_number(form_of(keep), known.index, out);
  if (known.index == 0) out = put_text(name, out);
  out = put_text(field.value, out);
  if (keep == Keep::Yes) insert(field, hash);
  if (known.keep == Keep::No) PackedFields::of_this_worker().keep(field, hash, begin, out);
  return out;
}

// Older entries are evicted before newer ones, so where the newest of a hint is gone all of them are.
std::optional<std::uint32_t> FieldEncoder::find(const api::Field& field, std::uint64_t hash) const {
  const std::uint32_t hinted = newest_of_hint_[hash % kHints];
  if (made_ - hinted >= count_) return std::nullopt;
  for (std::uint32_t number = hinted; number != oldest(); --number)
    if (entry(number - 1).hash == hash && entry(number - 1).is(field)) return made_ - number + 1;
  return std::nullopt;
}

void FieldEncoder::insert(const api::Field& field, std::uint64_t hash) {
  evict_to(most_ - (field.name.size() + field.value.size() + kEntryOverhead));
  if (entries_.size() <= made_ % kSlots) entries_.emplace_back();
  Entry& made = entry(made_);
  made.hash = hash;
  made.name_size = field.name.size();
  made.text.assign(field.name).append(field.value);
  bytes_ += made.size();
  ++count_;
  newest_of_hint_[hash % kHints] = ++made_;
}

void FieldEncoder::evict_to(std::size_t bytes) {
  while (bytes_ > bytes) {
    Entry& last = entry(oldest());
    bytes_ -= last.size();
    if (last.text.capacity() > kMostKept) free_room(last.text);
    --count_;
  }
}

}  // namespace holdfast::http2
