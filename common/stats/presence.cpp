#include "common/stats/presence.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <functional>
#include <map>
#include <utility>

#include "common/stats/consistent_read.h"
#include "common/stats/stats_segment.h"

namespace holdfast::stats {
namespace {

template <std::size_t Room>
void put_text(char (&to)[Room], std::string_view text) {
  const std::size_t length = std::min(text.size(), Room - 1);
  std::memcpy(to, text.data(), length);
  to[length] = '\0';
}

template <std::size_t Room>
std::string text_of(const char (&from)[Room]) {
  return {from, strnlen(from, Room)};
}

}  // namespace

void PresenceBlock::clear() {
  for (PresentRoom& room : rooms) {
    room.sequence.store(0, std::memory_order_relaxed);
    room.members.store(0, std::memory_order_relaxed);
  }
}

std::uint32_t PresenceBlock::enter(std::string_view chat, std::string_view room, std::uint64_t members) {
  for (std::uint32_t place = 0; place < kMostPresentRooms; ++place) {
    PresentRoom& entry = rooms[place];
    if (entry.members.load(std::memory_order_relaxed) != 0) continue;
    const std::uint64_t even = entry.sequence.load(std::memory_order_relaxed);
    entry.sequence.store(even + 1, std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_release);
    put_text(entry.chat, chat);
    put_text(entry.room, room);
    entry.members.store(members, std::memory_order_relaxed);
    entry.sequence.store(even + 2, std::memory_order_release);
    return place;
  }
  return kNotPresent;
}

void PresenceBlock::set(std::uint32_t place, std::uint64_t members) {
  rooms[place].members.store(members, std::memory_order_relaxed);
}

std::vector<RoomPresence> read_presence(const Segment& segment) {
  std::map<std::pair<std::string, std::string>, std::uint64_t> sums;
  for (std::uint32_t seat = kMasterSeat + 1; seat < segment.seats_used(); ++seat) {
    const auto use = static_cast<SeatUse>(segment.seat_state(seat).use.load(std::memory_order_acquire));
    if (use == SeatUse::Free) continue;
    for (const PresentRoom& room : segment.seat(seat).presence.rooms) {
      RoomPresence seen;
      read_consistently(room.sequence, [&] {
        seen.members = room.members.load(std::memory_order_relaxed);
        if (seen.members == 0) return;
        seen.chat = text_of(room.chat);
        seen.room = text_of(room.room);
      });
      if (seen.members > 0) sums[{std::move(seen.chat), std::move(seen.room)}] += seen.members;
    }
  }
  std::vector<RoomPresence> rooms;
  for (const auto& [name, members] : sums) rooms.push_back({name.first, name.second, members});
  std::ranges::stable_sort(rooms, std::greater<>(), &RoomPresence::members);
  return rooms;
}

}  // namespace holdfast::stats
