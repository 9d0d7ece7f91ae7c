// A WebSocket game: the server thinks of a number, the player guesses. One coroutine is one game, and its local
// variables are all the state there is; a player who vanishes ends it where it waits.
//
//   c++ -std=c++20 -O2 -fPIC -shared guess.cpp -o guess.so $(pkg-config --cflags holdfast)
//
//   routes:
//     - path: /guess
//       module: {file: /usr/local/lib/holdfast/guess.so, settings: {highest: 1000}}
//       websocket: {max_message: 1KiB, subprotocols: [guess.v1]}
//
// To play: open any page of the site, and in the browser's console
//   s = new WebSocket('ws://localhost:8080/guess', 'guess.v1'); s.onmessage = (m) => console.log(m.data)
// and then s.send('500') and so on.
#include <holdfast/conversation.h>
#include <holdfast/module.h>
#include <holdfast/task.h>

#include <charconv>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>

namespace api = holdfast::api;

namespace {

/// Goes on when the player has room for more.
auto say(api::Conversation& talk, std::string_view text) {
  return talk.send(api::MessageKind::Text, text);
}

class Guess final : public api::CoroutineHandler {
 public:
  explicit Guess(api::Setup& setup)
      : highest_(setup.settings().integer("highest")),
        games_(setup.metrics().counters(
            {.name = "guess_games_total", .help = "Games played to their end.", .labels = {"end"}})) {}

  api::Task<> serve(api::Exchange& exchange) override {
    // A request that is no WebSocket is answered with 426 here, and receive() then gives nothing.
    api::Conversation talk(exchange);
    std::int64_t number = think();
    int tries = 0;
    co_await say(talk, "I think of a number from 1 to " + std::to_string(highest_));
    while (const auto message = co_await talk.receive()) {
      const std::int64_t guess = number_in(message->data);
      if (guess == 0) {
        co_await say(talk, "Say a number, please");
        continue;
      }
      ++tries;
      if (guess < number) {
        co_await say(talk, "higher");
      } else if (guess > number) {
        co_await say(talk, "lower");
      } else {
        games_.of("won").add();
        co_await say(talk, "Yes, in " + std::to_string(tries) + " tries. Again?");
        number = think();
        tries = 0;
      }
    }
    if (tries > 0) games_.of("given_up").add();
  }

 private:
  /// 0: there is none.
  static std::int64_t number_in(std::string_view text) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc() && end == text.data() + text.size() ? number : 0;
  }
  std::int64_t think() { return std::uniform_int_distribution<std::int64_t>(1, highest_)(random_); }

  const std::int64_t highest_;
  const api::Labelled<api::Counter> games_;
  std::mt19937_64 random_{std::random_device{}()};
};

constexpr api::SettingRow kSettings[] = {
    {"highest", api::SettingKind::Integer, "100", "The highest number to be guessed.", false, 2, 1'000'000'000},
};

}  // namespace

HOLDFAST_MODULE(Guess, kSettings)
