#include "tests/support/outcome_counter.h"

namespace holdfast::support {

std::string_view outcome_text(Outcome outcome) {
  switch (outcome) {
    case Outcome::Ok:
      return "ok";
    case Outcome::LocalError:
      return "local error";
    case Outcome::ConnectRefused:
      return "connect refused";
    case Outcome::ConnectTimeout:
      return "connect timeout";
    case Outcome::TlsFailed:
      return "no TLS handshake";
    case Outcome::Reset:
      return "reset";
    case Outcome::NoAnswer:
      return "no answer";
    case Outcome::ShortRead:
      return "short read";
    case Outcome::Timeout:
      return "timeout";
    case Outcome::Malformed:
      return "malformed";
    case Outcome::BadStatus:
      return "bad status";
    case Outcome::WrongBody:
      return "wrong body";
    case Outcome::kCount:
      break;
  }
  return "?";
}

std::ostream& operator<<(std::ostream& out, Outcome outcome) {
  return out << outcome_text(outcome);
}

std::uint64_t OutcomeCounter::total() const {
  std::uint64_t sum = 0;
  for (const auto& count : counts_) sum += count.load();
  return sum;
}

std::string OutcomeCounter::text() const {
  std::string all;
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    const std::uint64_t count = counts_[i].load();
    if (count == 0) continue;
    if (!all.empty()) all += ", ";
    all += std::string(outcome_text(static_cast<Outcome>(i))) + ' ' + std::to_string(count);
  }
  return all.empty() ? "nothing" : all;
}

}  // namespace holdfast::support
