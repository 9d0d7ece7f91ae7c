// Which rooms of chats have members: a table in each worker's seat, written by the worker, read by whoever
// shows the status.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/stats/word.h"

namespace holdfast::stats {

class Segment;

inline constexpr std::uint32_t kMostPresentRooms = 64;  // of one worker; others are not shown
inline constexpr std::uint32_t kNotPresent = 0xffffffff;

struct PresentRoom {
  Word sequence;  // odd while it is being written
  Word members;   // 0: the place is free
  char chat[128];
  char room[72];
};

struct PresenceBlock {
  PresentRoom rooms[kMostPresentRooms];

  /// Master only, of a seat that nobody uses.
  void clear();
  /// Shows a room with so many members, at least one; the place it is shown at, kNotPresent when there is none.
  /// `chat` names the chat among those of this server. Texts are cut.
  std::uint32_t enter(std::string_view chat, std::string_view room, std::uint64_t members);
  /// How many there are now; 0 gives the place back.
  void set(std::uint32_t place, std::uint64_t members);
};

struct RoomPresence {
  std::string chat;
  std::string room;
  std::uint64_t members = 0;
};

/// Of all workers together, the largest first.
std::vector<RoomPresence> read_presence(const Segment& segment);

}  // namespace holdfast::stats
