// Doubles for the packing of files: a packer that tells what it was given, and a pool that runs when the test
// says so.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/api/work.h"
#include "worker/http/packer.h"

namespace holdfast::handlers {

/// Tells what it was given instead of packing it.
class TellingPacker final : public http::Packer {
 public:
  bool knows(Coding coding) const override { return coding != Coding::Brotli; }
  std::optional<std::string> pack(Coding coding, std::uint32_t level, std::string_view content) const override {
    ++calls;
    if (swells) return std::string(content.size() + 1, 'x');
    return std::string(row(coding).name) + " " + std::to_string(level) + " " +
           std::string(content.substr(0, 3));
  }
  void count(Coding, std::size_t in, std::size_t out) override {
    counted_in += in;
    counted_out += out;
  }
  mutable int calls = 0;
  std::size_t counted_in = 0, counted_out = 0;
  bool swells = false;
};

/// Runs what it is given when the test says so.
class WaitingPool final : public api::WorkPool {
 public:
  bool submit(std::unique_ptr<api::Work> work) override {
    if (full) return false;
    waiting.push_back(std::move(work));
    return true;
  }
  void run() {
    for (const auto& work : waiting) work->run();
  }
  void finish() {
    run();
    for (const auto& work : waiting) work->done();
    waiting.clear();
  }
  std::vector<std::unique_ptr<api::Work>> waiting;
  bool full = false;
};

}  // namespace holdfast::handlers
