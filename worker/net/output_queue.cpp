#include "worker/net/output_queue.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

namespace holdfast::net {

enum class PieceKind : std::uint8_t { Chunk, Held, File };

// What is sent from a file is not copied: twice as much of it is a share of the same cost.
constexpr std::uint64_t kFileFactor = 2;

struct OutputQueue::Piece {
  Piece* next = nullptr;
  PieceKind kind = PieceKind::Chunk;
  int file = -1;
  const char* data = nullptr;  // Chunk: the storage behind this struct; Held: the bytes
  std::uint64_t begin = 0;     // Chunk, Held: first unsent index; File: offset
  std::uint64_t end = 0;       // one past the last; File: offset one past the range
  api::BodyHold hold;

  std::uint64_t length() const { return end - begin; }
  char* storage() { return reinterpret_cast<char*>(this + 1); }
};

// A worker has one loop and one thread, so its pool is a plain object of the process.
class PiecePool {
 public:
  OutputQueue::Piece* take(PieceKind kind) {
    Free& free = kind == PieceKind::Chunk ? chunks_ : pieces_;
    if (free.first == nullptr) return make(kind);
    OutputQueue::Piece* piece = free.first;
    free.first = piece->next;
    --free.count;
    piece->next = nullptr;
    piece->kind = kind;
    piece->begin = piece->end = 0;
    return piece;
  }

  void give_back(OutputQueue::Piece* piece) {
    piece->hold.reset();
    Free& free = piece->kind == PieceKind::Chunk ? chunks_ : pieces_;
    if (free.count >= kReserve) {
      piece->~Piece();
      ::operator delete(piece);
      return;
    }
    piece->next = free.first;
    free.first = piece;
    ++free.count;
  }

  ~PiecePool() {
    drain(chunks_);
    drain(pieces_);
  }

 private:
  static constexpr std::size_t kReserve = 64;  // 1 MiB of chunks at most
  struct Free {
    OutputQueue::Piece* first = nullptr;
    std::size_t count = 0;
  };

  static OutputQueue::Piece* make(PieceKind kind) {
    const std::size_t room = kind == PieceKind::Chunk ? OutputQueue::kChunk : 0;
    auto* piece = new (::operator new(sizeof(OutputQueue::Piece) + room)) OutputQueue::Piece;
    piece->kind = kind;
    return piece;
  }
  static void drain(Free& free) {
    while (free.first != nullptr) {
      OutputQueue::Piece* piece = std::exchange(free.first, free.first->next);
      piece->~Piece();
      ::operator delete(piece);
    }
  }

  Free chunks_;
  Free pieces_;
};

PiecePool& OutputQueue::pool() {
  static PiecePool pool;
  return pool;
}

OutputQueue::Piece* OutputQueue::push(Piece* piece) {
  if (tail_ == nullptr) {
    head_ = piece;
  } else {
    tail_->next = piece;
  }
  tail_ = piece;
  return piece;
}

void OutputQueue::pop() {
  Piece* piece = head_;
  head_ = piece->next;
  if (head_ == nullptr) tail_ = nullptr;
  pool().give_back(piece);
}

std::span<std::byte> OutputQueue::room(std::size_t least) {
  if (tail_ == nullptr || tail_->kind != PieceKind::Chunk || kChunk - tail_->end < least) {
    Piece* piece = push(pool().take(PieceKind::Chunk));
    piece->data = piece->storage();
  }
  return {reinterpret_cast<std::byte*>(tail_->storage()) + tail_->end, kChunk - tail_->end};
}

void OutputQueue::commit(std::size_t bytes) {
  if (bytes == 0 && head_ == tail_ && tail_->length() == 0) return pop();
  tail_->end += bytes;
  size_ += bytes;
}

void OutputQueue::append(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::span<std::byte> space = room(1);
    const std::size_t part = std::min(space.size(), bytes.size());
    std::memcpy(space.data(), bytes.data(), part);
    commit(part);
    bytes.remove_prefix(part);
  }
}

void OutputQueue::append_held(std::string_view bytes, api::BodyHold hold) {
  if (bytes.empty()) return;
  Piece* piece = push(pool().take(PieceKind::Held));
  piece->data = bytes.data();
  piece->end = bytes.size();
  piece->hold = std::move(hold);
  size_ += bytes.size();
}

void OutputQueue::append_file(int fd, std::uint64_t offset, std::uint64_t length, api::BodyHold hold) {
  if (length == 0) return;
  Piece* piece = push(pool().take(PieceKind::File));
  piece->file = fd;
  piece->begin = offset;
  piece->end = offset + length;
  piece->hold = std::move(hold);
  size_ += length;
}

void OutputQueue::drop_front(std::size_t bytes) {
  size_ -= bytes;
  while (bytes > 0) {
    const std::uint64_t part = std::min<std::uint64_t>(bytes, head_->length());
    head_->begin += part;
    bytes -= part;
    if (head_->length() == 0) pop();
  }
}

OutputQueue::Flushed OutputQueue::flush_some(Transport& transport, std::uint64_t share, bool end_follows) {
  iovec pieces[Transport::kMostPieces];
  std::size_t count = 0;
  std::size_t offered = 0;
  const Piece* piece = head_;
  for (; piece != nullptr && piece->kind != PieceKind::File && count < std::size(pieces); piece = piece->next) {
    pieces[count++] = {const_cast<char*>(piece->data) + piece->begin, piece->length()};
    offered += piece->length();
  }
  if (piece != nullptr && piece->kind == PieceKind::File)
    return flush_file(transport, {pieces, count}, *piece, share);
  const IoResult result = transport.write({pieces, count}, piece != nullptr || end_follows);
  if (result.outcome == Io::Failed || result.outcome == Io::End) return {Flush::Failed, 0, result.error};
  if (result.outcome != Io::Ok) return {Flush::Blocked, 0, 0};
  drop_front(result.bytes);
  return {result.bytes < offered ? Flush::Blocked : Flush::Empty, result.bytes, 0};
}

/// And the bytes before it.
OutputQueue::Flushed OutputQueue::flush_file(Transport& transport, std::span<const iovec> before,
                                             const Piece& file, std::uint64_t share) {
  const std::uint64_t wanted = std::min(file.length(), share * kFileFactor);
  // The owner comes with the last part of a file: to know of a change before that would help nobody.
  if (waited_ && file.hold && !file.hold->is_intact(file.file)) return {Flush::Shortened, 0, 0};
  const IoResult result = transport.send_file(before, file.file, file.begin, wanted);
  if (result.outcome == Io::Failed || result.outcome == Io::End) return {Flush::Failed, 0, result.error};
  if (result.outcome != Io::Ok) return {Flush::Blocked, 0, 0};
  if (result.bytes == 0) return {Flush::Shortened, 0, 0};
  drop_front(result.bytes);
  return {Flush::Empty, result.bytes, 0};
}

OutputQueue::Flushed OutputQueue::flush(Transport& transport, std::uint64_t share, bool end_follows) {
  std::uint64_t sent = 0;
  while (head_ != nullptr) {
    if (sent >= share) {
      waited_ = true;
      return {Flush::Yielded, sent, 0};
    }
    // room() without commit() leaves an empty chunk at the end.
    if (head_->length() == 0) {
      pop();
      continue;
    }
    Flushed step = flush_some(transport, share, end_follows);
    sent += step.bytes;
    if (step.outcome == Flush::Empty) continue;
    waited_ = true;
    return {step.outcome, sent, step.error};
  }
  waited_ = false;
  return {Flush::Empty, sent, 0};
}

void OutputQueue::clear() {
  while (head_ != nullptr) pop();
  size_ = 0;
  waited_ = false;
}

}  // namespace holdfast::net
