#include "tests/support/server_process.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "tests/support/deadline.h"

namespace holdfast::support {

std::string holdfast_binary() {
  const char* const named = std::getenv("HOLDFAST_TESTED_BINARY");
  return named != nullptr ? named : HOLDFAST_BINARY;
}

ServerProcess::ServerProcess(const ServerConfig& config, const SpawnOptions& options) {
  dir_.write("www/index.html", "<!doctype html><title>holdfast</title><p>The sample page.</p>\n");
  for (const auto& [name, content] : config.files) dir_.write(name, content);
  write_config(config);
  SpawnOptions own = options;
  own.one_stream = true;
  const std::string program = own.program.empty() ? holdfast_binary() : own.program;
  master_ = std::make_unique<ChildProcess>(std::vector<std::string>{program, "-c", config_file()}, own);
  log_ = std::make_unique<LogCollector>(std::move(master_->out()));
  ready_ = log_->wait_event("ready", 0, 20s).has_value();
}

ServerProcess::~ServerProcess() {
  std::vector<pid_t> left = processes();
  master_->signal(SIGTERM);
  if (!master_->wait(3s)) {
    master_->signal(SIGKILL);
    master_->wait(3s);
  }
  for (const pid_t pid : left) {
    ::kill(pid, SIGCONT);
    if (!wait_until_gone(pid, 1s)) ::kill(pid, SIGKILL);
  }
  report_unexplained_lines();
  if (::testing::Test::HasFailure())
    std::fprintf(stderr, "--- log of the server\n%s---\n", log_->text().c_str());
}

bool ServerProcess::explained(const LogLine& line) const {
  if (!line.time) return foreign_allowed_;
  if (line.level == "info" || line.level == "debug") return true;
  return std::any_of(allowed_.begin(), allowed_.end(),
                     [&](const std::string& beginning) { return line.event.starts_with(beginning); });
}

void ServerProcess::report_unexplained_lines() const {
  for (const LogLine& line : log_->lines())
    if (!explained(line)) ADD_FAILURE() << "unexplained line in the server's log: " << line.raw;
}

std::uint16_t ServerProcess::port(const std::string& listener) const {
  std::string address;
  for (const LogLine& line : log_->lines())
    if (line.event == "listening" && line.field("listener") == listener) address = line.field("address");
  const std::size_t colon = address.rfind(':');
  return colon == std::string::npos ? 0 : static_cast<std::uint16_t>(std::atoi(address.c_str() + colon + 1));
}

void ServerProcess::write_config(std::string_view text) {
  std::filesystem::rename(dir_.write("holdfast.yaml.new", text), config_file());
}

LogLine ServerProcess::outcome_of(const std::string& what, int number, Milliseconds in) {
  const std::size_t mark = log_->mark();
  signal(number);
  const auto told = [&what](const LogLine& line) {
    return line.event == what + " complete" || line.event == what + " refused";
  };
  return log_->wait(told, mark, in).value_or(LogLine{});
}

LogLine ServerProcess::reload(Milliseconds in) {
  return outcome_of("reload", SIGHUP, in);
}

LogLine ServerProcess::upgrade(Milliseconds in) {
  return outcome_of("upgrade", SIGUSR2, in);
}

std::optional<Exit> ServerProcess::stop(Milliseconds in) {
  signal(SIGTERM);
  return wait_exit(in);
}

JsonValue ServerProcess::status() const {
  return JsonValue::parse(get(admin_port(), "/status").body).value_or(JsonValue{});
}

std::vector<pid_t> ServerProcess::workers() const {
  std::vector<pid_t> pids;
  const JsonValue now = status();
  for (const JsonValue& worker : now["workers"].items())
    if (worker["state"].text() == "ready") pids.push_back(static_cast<pid_t>(worker["pid"].number()));
  return pids;
}

TakenPort::TakenPort() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ::bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), size);
  ::listen(socket_.get(), 1);
  ::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&address), &size);
  port_ = ntohs(address.sin_port);
}

}  // namespace holdfast::support
