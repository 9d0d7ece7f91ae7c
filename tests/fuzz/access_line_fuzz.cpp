// The access log's line: whatever the fields hold, it is one line, no byte of it steers a terminal, quotes
// stand where the format has them, and JSON is JSON.
#include <array>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "tests/support/json_value.h"
#include "worker/http/access_record.h"

namespace {

using namespace holdfast;
using namespace holdfast::http;

void require(bool holds) {
  if (!holds) std::abort();
}

/// Fields one after the other, each ended by 0xff.
class Fields {
 public:
  explicit Fields(std::string_view text) : rest_(text) {}
  std::string_view next() {
    const std::size_t end = rest_.find('\xff');
    const std::string_view field = rest_.substr(0, end);
    rest_ = end == std::string_view::npos ? std::string_view() : rest_.substr(end + 1);
    return field;
  }

 private:
  std::string_view rest_;
};

const AccessFormat& format(std::string_view text) {
  return *compile_access_format(text).value().release();
}

std::string line_of(const AccessFormat& format, const AccessEntry& entry) {
  std::string line;
  append_access_line(line, format, entry, 1'700'000'000, 7);
  require(!line.empty() && line.back() == '\n');
  line.pop_back();
  for (const char c : line) require(static_cast<unsigned char>(c) >= ' ' && c != '\x7f');
  return line;
}

std::size_t quotes_in(std::string_view line) {
  std::size_t count = 0;
  for (const char c : line) count += c == '"' ? 1 : 0;
  return count;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const AccessFormat& combined = format("combined");
  static const AccessFormat& common = format("common");
  static const AccessFormat& json = format("json");
  static const AccessFormat& terse = format("terse");
  static const AccessFormat& own =
      format("{method}|{path}|{query}|{host}|{user}|{client_subject}|{request_id}|{trace_id}");
  Fields fields({reinterpret_cast<const char*>(data), size});
  AccessEntry entry;
  entry.client_ip = "127.0.0.1";
  entry.method = fields.next();
  entry.target = fields.next();
  entry.host = fields.next();
  entry.user_agent = fields.next();
  entry.referer = fields.next();
  entry.user = fields.next();
  entry.client_subject = fields.next();
  entry.request_id = fields.next();
  entry.trace_id = fields.next();
  entry.status = 200;
  require(quotes_in(line_of(combined, entry)) == 6);
  require(quotes_in(line_of(common, entry)) == 2);
  const std::string front = line_of(common, entry);
  // A name is one word: the time stands in the fourth.
  std::size_t at = 0;
  for (int word = 0; word < 3; ++word) at = front.find(' ', at) + 1;
  require(front[at] == '[');
  line_of(terse, entry);
  line_of(own, entry);
  const auto value = support::JsonValue::parse(line_of(json, entry));
  require(value.has_value());
  require((*value)["status"].number() == 200);
  return 0;
}
