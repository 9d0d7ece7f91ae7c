#include "master/status_command.h"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <optional>
#include <string>

#include "common/clock.h"
#include "common/stats/stats_segment.h"
#include "master/control_link.h"
#include "master/exit_status.h"
#include "master/terminal.h"
#include "worker/worker.h"

namespace holdfast::master {
namespace {

constexpr Milliseconds kBetweenSamples{500};  // a rate of one look takes two of them
constexpr Milliseconds kInterval{1000};

/// What signals ask of a watch.
enum class Wish : std::uint8_t { Redraw, Pause, End };

/// Those signals, as something to wait for.
class WatchSignals {
 public:
  WatchSignals() {
    sigset_t set;
    sigemptyset(&set);
    for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH, SIGTSTP}) sigaddset(&set, number);
    sigprocmask(SIG_BLOCK, &set, &former_);
    file_ = Fd(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  }
  ~WatchSignals() { sigprocmask(SIG_SETMASK, &former_, nullptr); }
  WatchSignals(const WatchSignals&) = delete;
  WatchSignals& operator=(const WatchSignals&) = delete;

  int descriptor() const { return file_.get(); }
  /// The strongest wish of those that have come.
  Wish take() const {
    Wish strongest = Wish::Redraw;
    signalfd_siginfo info{};
    while (read(file_.get(), &info, sizeof info) == sizeof info) strongest = std::max(strongest, wish_of(info));
    return strongest;
  }

 private:
  static Wish wish_of(const signalfd_siginfo& info) {
    if (info.ssi_signo == SIGWINCH) return Wish::Redraw;
    return info.ssi_signo == SIGTSTP ? Wish::Pause : Wish::End;
  }

  sigset_t former_{};
  Fd file_;
};

/// Where the text goes: below the one before, or on a terminal in its place.
class Screen {
 public:
  explicit Screen(bool is_json) : is_json_(is_json) { begin(); }
  ~Screen() { end(); }
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  void show(const std::string& text) {
    if (in_place_) return show_in_place(text);
    if (is_used_ && !is_json_) write("\n");
    is_used_ = true;
    write(text);
  }
  /// Until somebody has this process go on.
  void pause() {
    end();
    raise(SIGSTOP);
    begin();
  }

 private:
  void begin() {
    if (in_place_) write(std::string(ansi::kHideCursor) + std::string(ansi::kClear));
  }
  void end() {
    // What the terminal has echoed of Ctrl-C stands there already.
    if (in_place_) write(std::string(ansi::kShowCursor) + "\n");
  }
  void show_in_place(const std::string& text) {
    // The last line stays free for the cursor.
    const Terminal now = Terminal::of(STDOUT_FILENO);
    std::string out(ansi::kHome);
    for (const char c : fitted(text, now.columns, now.lines > 1 ? now.lines - 1 : 0)) {
      if (c == '\n') out += ansi::kClearLine;
      out += c;
    }
    write(out += ansi::kClearBelow);
  }
  static void write(std::string_view text) {
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fflush(stdout);
  }

  const bool is_json_;
  const bool in_place_ = !is_json_ && Terminal::of(STDOUT_FILENO).can_move;
  bool is_used_ = false;
};

/// A running server and the memory that it counts in.
struct Source {
  ControlLink link;
  stats::Segment segment;
};

Result<Source> open_source(const Options& options) {
  Result<ControlLink> link = ControlLink::to_server_of(options.config_file);
  if (!link) return link.error();
  const Result<Fd> memory = link->ask_for_file("status");
  if (!memory) return memory.error();
  Result<stats::Segment> segment = stats::Segment::attach(memory->get());
  if (!segment) return segment.error();
  return Source{std::move(*link), std::move(*segment)};
}

int show_once(const Source& source, const Options& options) {
  std::string text;
  if (options.json) {
    text = worker::status_json(source.segment);
  } else {
    const worker::StatusSample before = worker::sample_status(source.segment, Clock::now());
    pollfd end{source.link.descriptor(), POLLIN, 0};
    poll(&end, 1, static_cast<int>(kBetweenSamples.count()));
    const bool colours = Terminal::of(STDOUT_FILENO).has_colours;
    text = worker::status_text(source.segment, before, Clock::now(), colours).text;
  }
  std::fwrite(text.data(), 1, text.size(), stdout);
  return kExitOk;
}

enum class Woken : std::uint8_t { Time, Signal, ServerGone };

Woken wait_for(const WatchSignals& signals, const Source& source, Milliseconds most) {
  std::array<pollfd, 2> watched{{{signals.descriptor(), POLLIN, 0}, {source.link.descriptor(), POLLIN, 0}}};
  if (poll(watched.data(), watched.size(), static_cast<int>(most.count())) <= 0) return Woken::Time;
  return watched[0].revents != 0 ? Woken::Signal : Woken::ServerGone;
}

/// The text of one moment, with rates since the moment before.
class Watched {
 public:
  std::string text_of(const stats::Segment& segment, const Options& options) {
    if (options.json) return worker::status_json(segment);
    const TimePoint now = Clock::now();
    if (!sample_) sample_ = worker::sample_status(segment, now);
    const bool colours = Terminal::of(STDOUT_FILENO).has_colours;
    worker::StatusText made = worker::status_text(segment, *sample_, now, colours);
    sample_ = std::move(made.sample);
    return made.text;
  }

 private:
  std::optional<worker::StatusSample> sample_;
};

int watch(Source source, const Options& options) {
  const WatchSignals signals;
  Watched watched;
  std::optional<Screen> screen(std::in_place, options.json);
  std::string text = watched.text_of(source.segment, options);
  screen->show(text);
  for (;;) {
    switch (wait_for(signals, source, kInterval)) {
      case Woken::Time:
        text = watched.text_of(source.segment, options);
        screen->show(text);
        break;
      case Woken::Signal: {
        const Wish wish = signals.take();
        if (wish == Wish::End) return kExitOk;
        if (wish == Wish::Pause) screen->pause();
        if (!options.json) screen->show(text);
        break;
      }
      case Woken::ServerGone:
        // A server that goes over to another binary hangs up too, and is there at once.
        Result<Source> again = open_source(options);
        if (!again) {
          screen.reset();
          std::fputs("holdfast: the server has ended\n", stderr);
          return kExitUnavailable;
        }
        source = std::move(*again);
        break;
    }
  }
}

}  // namespace

int run_status(const Options& options) {
  Result<Source> source = open_source(options);
  if (!source) return complain_of_link(source.error());
  return options.watch ? watch(std::move(*source), options) : show_once(*source, options);
}

}  // namespace holdfast::master
