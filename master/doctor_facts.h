// What `holdfast doctor` has seen of the machine: data only, so that its judgements can be tried on any machine
// there might be. What could not be looked at is empty.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/clock.h"
#include "common/cpu_allowance.h"
#include "config/config.h"

namespace holdfast::master {

struct Facts {
  // -- who looks, and at whom
  bool is_root = false;
  bool may_bind_low_ports = false;  // by capability
  bool may_use_bpf = false;         // likewise
  std::int64_t server = 0;          // pid of the server that runs with this configuration; 0: none

  // -- what `holdfast check` says
  struct Check {
    int code = 0;
    std::vector<std::string> problems;
    std::vector<std::string> warnings;
  } check;

  // -- limits of the process: those of the server when it runs, else of whoever looks
  std::optional<std::uint64_t> descriptors;
  std::optional<std::uint64_t> file_size;  // empty: none
  std::optional<std::uint64_t> memory;     // of the control group, bytes; empty: none
  std::optional<std::uint64_t> processes;  // likewise
  CpuAllowance cpus;

  // -- kernel
  std::string kernel;                      // "6.1.0-18-amd64"
  std::vector<std::string> missing_calls;  // that the server cannot do without
  std::string missing_of_sandbox;
  std::optional<std::uint64_t> somaxconn;
  std::optional<std::uint64_t> syn_backlog;
  std::optional<std::uint64_t> first_free_port;  // net.ipv4.ip_unprivileged_port_start
  std::optional<std::pair<std::uint64_t, std::uint64_t>> outgoing_ports;
  std::string reserved_ports;  // "8080,9000-9100": never taken for outgoing connections
  std::optional<std::uint64_t> overcommit;

  // -- ports that are to be bound
  struct Port {
    std::string listener;
    std::string address;  // "127.0.0.1:80"
    std::uint16_t port = 0;
    enum class Held : std::uint8_t { No, ByServer, ByOther, BySomebody, NotKnown } held = Held::NotKnown;
    std::string holder;  // "nginx (pid 12)"
  };
  std::vector<Port> ports;

  // -- files
  struct Secret {
    std::string path;
    bool is_seen = false;
    bool others_can_read = false;
    bool others_can_write = false;
    std::uint32_t mode = 0;
  };
  std::vector<Secret> secrets;
  struct Disk {
    std::string folder;  // of a log
    std::optional<std::uint64_t> free_bytes;
    std::uint64_t free_files = 0;  // 0 with has_files false: it does not count them
    bool has_files = false;
  };
  std::vector<Disk> disks;
  struct Certificate {
    std::string path;
    WallTime until;
    bool is_good = true;
    std::string remark;
  };
  std::vector<Certificate> certificates;

  // -- time
  WallTime now;
  std::optional<WallTime> built;  // this program
  std::optional<bool> clock_is_synchronised;

  // -- what is around the service
  bool has_systemd = false;
  std::optional<std::string> unit;  // the text of holdfast.service with what was added to it
  bool has_logrotate = false;
  std::vector<std::string> logs_without_rotation;
};

/// Looks around; `file` is where `config` was loaded from. Forks for what is other people's bytes.
Facts look_around(const config::Config& config, const std::string& file);

}  // namespace holdfast::master
