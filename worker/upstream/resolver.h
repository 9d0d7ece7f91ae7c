// Addresses of names. Looked up by the system's resolver (hosts file, DNS) in a pool's threads, because that
// blocks; one lookup a name at a time, whoever asks. What was found is kept for some seconds, failures for
// fewer. Bounded: names that are kept, lookups that wait (by the pool).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/api/work.h"
#include "common/endpoint.h"
#include "worker/loop/event_loop.h"

namespace holdfast::upstream {

class Lookup;
class Resolver;

/// Who waits for the addresses of a name. Its owner may destroy it while it waits.
class Question {
 public:
  Question(const Question&) = delete;
  Question& operator=(const Question&) = delete;

  /// Nothing is told any more.
  void forget();

 protected:
  Question() = default;
  ~Question() { forget(); }
  /// In the order in which they are to be tried (RFC 6724); never empty.
  virtual void on_addresses(const std::vector<Endpoint>& addresses) = 0;
  virtual void on_no_address(std::string_view why) = 0;

 private:
  friend class Resolver;
  std::vector<Question*>* among_ = nullptr;  // of the resolver, while it waits
};

class Resolver {
 public:
  struct Keep {
    Milliseconds found{10'000};
    Milliseconds failed{2'000};
    std::size_t names = 256;
  };

  /// Both outlive this.
  Resolver(loop::EventLoop& loop, api::WorkPool& pool, Keep keep) : loop_(loop), pool_(pool), keep_(keep) {}
  Resolver(loop::EventLoop& loop, api::WorkPool& pool) : Resolver(loop, pool, Keep{}) {}
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  /// Answers at once when the answer is kept, else later.
  void ask(Question& question, const std::string& host, std::uint16_t port);

 private:
  friend class Lookup;
  struct Name {
    std::vector<Endpoint> addresses;
    std::string problem;  // when there are none
    TimePoint until{};    // what is known holds so long
    Lookup* lookup = nullptr;
    std::vector<Question*> waiting;
  };

  Name* find(const std::string& key);
  void answer(Name& name);
  void on_done(Lookup& lookup);
  void on_dropped(const Lookup& lookup);

  loop::EventLoop& loop_;
  api::WorkPool& pool_;
  const Keep keep_;
  std::map<std::string, Name> names_;  // by "host:port"
};

}  // namespace holdfast::upstream
