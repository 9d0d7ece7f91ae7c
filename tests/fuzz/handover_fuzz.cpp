// What one binary leaves to the next: whatever stands there is read or refused, and what was read is written
// again as it was.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "config/sources.h"
#include "master/binary_trial.h"
#include "master/descriptor_store.h"
#include "master/handover.h"

namespace {

using namespace holdfast;

void require(bool holds) {
  if (!holds) std::abort();
}

void read_handover(std::string_view text) {
  const Result<master::Handover> handover = master::Handover::parse(text);
  if (!handover) return require(!handover.error().message().empty());
  const std::string again = handover->text();
  const Result<master::Handover> twice = master::Handover::parse(again);
  require(twice && twice->text() == again);
  for (const int fd : handover->descriptors()) require(fd >= 0);
}

void read_sources(std::string_view text) {
  const auto sources = config::Sources::unpack(text);
  if (!sources) return;
  const auto again = config::Sources::unpack(sources->packed());
  require(again && again->texts == sources->texts && again->patterns == sources->patterns);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  read_handover(text);
  read_sources(text);
  (void)master::judge_trial("/b", std::string(text));
  if (const auto name = master::parse_stored_name(text))
    require(!master::stored_name(name->listener, name->index).empty());
  return 0;
}
