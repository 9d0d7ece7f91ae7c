#include "tests/support/redis_server.h"

#include <signal.h>

#include <utility>

#include "tests/support/free_port.h"

namespace holdfast::support {

bool RedisServer::installed() {
  return run_command({"redis-server", "--version"}).code() == 0;
}

RedisServer::RedisServer(std::string password) : password_(std::move(password)), port_(free_port()) {}

bool RedisServer::start() {
  std::vector<std::string> arguments{
      "redis-server", "--port", std::to_string(port_), "--bind", "127.0.0.1", "--save", "",
      "--appendonly", "no",     "--daemonize",         "no"};
  if (!password_.empty()) arguments.insert(arguments.end(), {"--requirepass", password_});
  SpawnOptions options;
  options.directory = dir_.path();
  options.one_stream = true;
  log_.reset();
  process_ = std::make_unique<ChildProcess>(arguments, options);
  log_ = std::make_unique<LogCollector>(std::move(process_->out()));
  const auto ready = [](const LogLine& line) {
    return line.raw.find("Ready to accept connections") != std::string::npos;
  };
  return log_->wait(ready, 0, std::chrono::seconds(20)).has_value();
}

void RedisServer::kill() {
  process_->signal(SIGKILL);
  process_->wait(std::chrono::seconds(10));
}

void RedisServer::freeze() const {
  process_->signal(SIGSTOP);
}

void RedisServer::thaw() const {
  process_->signal(SIGCONT);
}

}  // namespace holdfast::support
