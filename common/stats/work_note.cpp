#include "common/stats/work_note.h"

#include <algorithm>
#include <cstring>

namespace holdfast::stats {
namespace {

std::size_t copy_cut(char* to, std::size_t room, std::string_view text) {
  const std::size_t length = std::min(room, text.size());
  if (length > 0) std::memcpy(to, text.data(), length);
  return length;
}

template <std::size_t Room>
void put_text(char (&to)[Room], std::string_view text) {
  to[copy_cut(to, Room - 1, text)] = '\0';
}

template <std::size_t Room>
void copy_text(char (&to)[Room], const char (&from)[Room]) {
  put_text(to, {from, strnlen(from, Room - 1)});
}

}  // namespace

void WorkNote::show(const Work& work) {
  constexpr std::size_t kLongestMethod = 16;
  std::size_t length = copy_cut(request, kLongestMethod, work.method);
  request[length++] = ' ';
  length += copy_cut(request + length, sizeof request - length, work.target);
  put_text(route, work.route);
  put_text(module, work.module);
  put_text(request_id, work.request_id);
  site.store(work.site, std::memory_order_relaxed);
  request_length.store(length, std::memory_order_relaxed);
}

void WorkNote::show(const WorkNote& other) {
  const std::uint64_t length =
      std::min<std::uint64_t>(other.request_length.load(std::memory_order_relaxed), sizeof request);
  std::memcpy(request, other.request, length);
  copy_text(route, other.route);
  copy_text(module, other.module);
  copy_text(request_id, other.request_id);
  site.store(other.site.load(std::memory_order_relaxed), std::memory_order_relaxed);
  request_length.store(length, std::memory_order_relaxed);
}

void WorkNote::clear() {
  request_length.store(0, std::memory_order_relaxed);
  site.store(0, std::memory_order_relaxed);
  std::memset(request, 0, sizeof request);
  std::memset(route, 0, sizeof route);
  std::memset(module, 0, sizeof module);
  std::memset(request_id, 0, sizeof request_id);
}

}  // namespace holdfast::stats
