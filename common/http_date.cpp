#include "common/http_date.h"

#include <algorithm>
#include <chrono>

#include "common/ascii.h"

namespace holdfast {

namespace {

constexpr std::string_view kDays = "SunMonTueWedThuFriSat";
constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
constexpr std::array<std::string_view, 7> kLongDays{"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                    "Thursday", "Friday", "Saturday"};
constexpr std::time_t kDay = 86400;
// The years a four-digit form can say.
constexpr std::time_t kFirst = -62167219200;  // 0000-01-01
constexpr std::time_t kLast = 253402300799;   // 9999-12-31 23:59:59

struct Moment {
  int year = 0, month = 0, day = 0;  // month and day count from 1
  int hour = 0, minute = 0, second = 0;
};

std::optional<std::time_t> seconds_of(const Moment& moment) {
  using namespace std::chrono;
  const year_month_day date{year(moment.year), month(static_cast<unsigned>(moment.month)),
                            day(static_cast<unsigned>(moment.day))};
  // 60 is a leap second, which POSIX time counts as the first of the next minute.
  if (!date.ok() || moment.hour > 23 || moment.minute > 59 || moment.second > 60) return std::nullopt;
  const std::time_t days = sys_days(date).time_since_epoch().count();
  return days * kDay + moment.hour * 3600 + moment.minute * 60 + moment.second;
}

/// Reads a date from the front piece by piece; after the first piece that does not fit, everything fails.
class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  bool done() const { return ok_ && rest_.empty(); }
  Reader& expect(std::string_view word) {
    ok_ = ok_ && rest_.starts_with(word);
    if (ok_) rest_.remove_prefix(word.size());
    return *this;
  }
  Reader& number(std::size_t digits, int& value) {
    ok_ = ok_ && rest_.size() >= digits;
    value = 0;
    for (std::size_t i = 0; ok_ && i < digits; ++i) {
      ok_ = is_ascii_digit(rest_[i]);
      value = value * 10 + (rest_[i] - '0');
    }
    if (ok_) rest_.remove_prefix(digits);
    return *this;
  }
  /// One of the three-letter words of `table`; `index` counts from 0.
  Reader& word(std::string_view table, int& index) {
    index = -1;
    for (std::size_t i = 0; rest_.size() >= 3 && i < table.size(); i += 3)
      if (rest_.substr(0, 3) == table.substr(i, 3)) index = static_cast<int>(i / 3);
    ok_ = ok_ && index >= 0;
    if (ok_) rest_.remove_prefix(3);
    return *this;
  }
  Reader& long_day() {
    const auto* day = std::ranges::find_if(kLongDays, [&](auto name) { return rest_.starts_with(name); });
    ok_ = ok_ && day != kLongDays.end();
    if (ok_) rest_.remove_prefix(day->size());
    return *this;
  }
  /// Two digits, or a space and one digit.
  Reader& padded_day(int& value) {
    if (!rest_.empty() && rest_.front() == ' ') return expect(" ").number(1, value);
    return number(2, value);
  }
  Reader& time(Moment& moment) {
    return number(2, moment.hour).expect(":").number(2, moment.minute).expect(":").number(2, moment.second);
  }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

std::optional<std::time_t> parse_fixdate(std::string_view text) {
  Moment moment;
  int weekday = 0, month = 0;
  Reader reader(text);
  reader.word(kDays, weekday).expect(", ").number(2, moment.day).expect(" ").word(kMonths, month).expect(" ");
  reader.number(4, moment.year).expect(" ").time(moment).expect(" GMT");
  moment.month = month + 1;
  return reader.done() ? seconds_of(moment) : std::nullopt;
}

std::optional<std::time_t> parse_asctime(std::string_view text) {
  Moment moment;
  int weekday = 0, month = 0;
  Reader reader(text);
  reader.word(kDays, weekday).expect(" ").word(kMonths, month).expect(" ").padded_day(moment.day).expect(" ");
  reader.time(moment).expect(" ").number(4, moment.year);
  moment.month = month + 1;
  return reader.done() ? seconds_of(moment) : std::nullopt;
}

int year_of(std::time_t seconds) {
  using namespace std::chrono;
  const year_month_day date(floor<days>(sys_seconds(std::chrono::seconds(seconds))));
  return int(date.year());
}

std::optional<std::time_t> parse_rfc850(std::string_view text, std::time_t now) {
  Moment moment;
  int month = 0, short_year = 0;
  Reader reader(text);
  reader.long_day().expect(", ").number(2, moment.day).expect("-").word(kMonths, month).expect("-");
  reader.number(2, short_year).expect(" ").time(moment).expect(" GMT");
  if (!reader.done()) return std::nullopt;
  moment.month = month + 1;
  // The latest year with these two digits that is not more than 50 years ahead (RFC 9110 section 5.6.7).
  const int latest = year_of(std::clamp(now, kFirst, kLast)) + 50;
  moment.year = latest - ((latest - short_year) % 100 + 100) % 100;
  return seconds_of(moment);
}

void put_digits(char* at, int value, int digits) {
  for (int i = digits - 1; i >= 0; --i, value /= 10) at[i] = static_cast<char>('0' + value % 10);
}

}  // namespace

HttpDateText format_http_date(std::time_t seconds) {
  using namespace std::chrono;
  seconds = std::clamp(seconds, kFirst, kLast);
  const auto days_since = floor<days>(sys_seconds(std::chrono::seconds(seconds)));
  const year_month_day date(days_since);
  const auto of_day = static_cast<int>(seconds - days_since.time_since_epoch().count() * kDay);

  HttpDateText text;
  std::string_view("Sun, 00 Jan 0000 00:00:00 GMT").copy(text.data(), text.size());
  kDays.substr(weekday(days_since).c_encoding() * 3, 3).copy(&text[0], 3);
  put_digits(&text[5], static_cast<int>(unsigned(date.day())), 2);
  kMonths.substr((unsigned(date.month()) - 1) * 3, 3).copy(&text[8], 3);
  put_digits(&text[12], int(date.year()), 4);
  put_digits(&text[17], of_day / 3600, 2);
  put_digits(&text[20], of_day / 60 % 60, 2);
  put_digits(&text[23], of_day % 60, 2);
  return text;
}

std::optional<std::time_t> parse_http_date(std::string_view text, std::time_t now) {
  if (text.size() < 24) return std::nullopt;
  if (text[3] == ',') return parse_fixdate(text);
  if (text[3] == ' ') return parse_asctime(text);
  return parse_rfc850(text, now);
}

}  // namespace holdfast
