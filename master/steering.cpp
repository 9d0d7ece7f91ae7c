#include "master/steering.h"

#include <linux/bpf.h>
#include <linux/filter.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <vector>

#include "common/stats/stats_segment.h"

namespace holdfast::master {
namespace {

using Instructions = std::vector<bpf_insn>;

bpf_insn instruction(unsigned code, unsigned to, unsigned from, int offset, std::int32_t value) {
  bpf_insn made{};
  made.code = static_cast<std::uint8_t>(code);
  made.dst_reg = to & 15U;
  made.src_reg = from & 15U;
  made.off = static_cast<std::int16_t>(offset);
  made.imm = value;
  return made;
}

constexpr unsigned kFrame = BPF_REG_10;

void copy(Instructions& out, unsigned to, unsigned from) {
  out.push_back(instruction(BPF_ALU64 | BPF_MOV | BPF_X, to, from, 0, 0));
}
void compute(Instructions& out, unsigned operation, unsigned to, std::int32_t value) {
  out.push_back(instruction(BPF_ALU64 | operation | BPF_K, to, 0, 0, value));
}
void call(Instructions& out, bpf_func_id function) {
  out.push_back(instruction(BPF_JMP | BPF_CALL, 0, 0, 0, function));
}
void store_in_frame(Instructions& out, int offset, unsigned from) {
  out.push_back(instruction(BPF_STX | BPF_MEM | BPF_W, kFrame, from, offset, 0));
}
void address_in_frame(Instructions& out, unsigned to, int offset) {
  copy(out, to, kFrame);
  compute(out, BPF_ADD, to, offset);
}
void load_map(Instructions& out, unsigned to, int map) {
  out.push_back(instruction(BPF_LD | BPF_DW | BPF_IMM, to, BPF_PSEUDO_MAP_FD, 0, map));
  out.push_back(instruction(0, 0, 0, 0, 0));
}
/// Jumps over as many instructions as are there once land() is called.
std::size_t jump(Instructions& out, unsigned condition, unsigned left, unsigned right, std::int32_t value = 0) {
  const unsigned source = right == 0 ? BPF_K : BPF_X;
  out.push_back(instruction(BPF_JMP | condition | source, left, right, 0, value));
  return out.size() - 1;
}
void land(Instructions& out, std::size_t at) {
  out[at].off = static_cast<std::int16_t>(out.size() - at - 1);
}

constexpr int kFirst = -4;  // where in the frame the two indices stand
constexpr int kSecond = -8;

/// Chooses one of `count` sockets, see steer_to_less_loaded().
Instructions choice_of_two(std::int32_t count, int loads, int sockets) {
  Instructions out;
  copy(out, BPF_REG_6, BPF_REG_1);
  call(out, BPF_FUNC_get_prandom_u32);
  copy(out, BPF_REG_7, BPF_REG_0);
  copy(out, BPF_REG_8, BPF_REG_0);
  compute(out, BPF_AND, BPF_REG_8, 0xffff);
  compute(out, BPF_MOD, BPF_REG_8, count);
  store_in_frame(out, kFirst, BPF_REG_8);
  // Another one than the first, each with the same chance.
  compute(out, BPF_RSH, BPF_REG_7, 16);
  compute(out, BPF_AND, BPF_REG_7, 0xffff);
  compute(out, BPF_MOD, BPF_REG_7, count - 1);
  out.push_back(instruction(BPF_ALU64 | BPF_ADD | BPF_X, BPF_REG_7, BPF_REG_8, 0, 0));
  compute(out, BPF_ADD, BPF_REG_7, 1);
  compute(out, BPF_MOD, BPF_REG_7, count);
  store_in_frame(out, kSecond, BPF_REG_7);

  load_map(out, BPF_REG_1, loads);
  address_in_frame(out, BPF_REG_2, kFirst);
  call(out, BPF_FUNC_map_lookup_elem);
  const std::size_t no_first = jump(out, BPF_JEQ, BPF_REG_0, 0);
  copy(out, BPF_REG_9, BPF_REG_0);
  load_map(out, BPF_REG_1, loads);
  address_in_frame(out, BPF_REG_2, kSecond);
  call(out, BPF_FUNC_map_lookup_elem);
  const std::size_t no_second = jump(out, BPF_JEQ, BPF_REG_0, 0);
  out.push_back(instruction(BPF_LDX | BPF_MEM | BPF_DW, BPF_REG_1, BPF_REG_9, 0, 0));
  out.push_back(instruction(BPF_LDX | BPF_MEM | BPF_DW, BPF_REG_2, BPF_REG_0, 0, 0));
  address_in_frame(out, BPF_REG_3, kFirst);
  const std::size_t is_first = jump(out, BPF_JLE, BPF_REG_1, BPF_REG_2);
  copy(out, BPF_REG_9, BPF_REG_0);
  address_in_frame(out, BPF_REG_3, kSecond);
  land(out, is_first);
  // So that of many that come before the worker says more, not all go to it.
  out.push_back(instruction(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_1, 0, 0, 1));
  out.push_back(instruction(BPF_STX | BPF_ATOMIC | BPF_DW, BPF_REG_9, BPF_REG_1, 0, BPF_ADD));
  copy(out, BPF_REG_1, BPF_REG_6);
  load_map(out, BPF_REG_2, sockets);
  out.push_back(instruction(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_4, 0, 0, 0));
  call(out, BPF_FUNC_sk_select_reuseport);
  land(out, no_first);
  land(out, no_second);
  // Without a choice of ours the kernel takes its own.
  out.push_back(instruction(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, SK_PASS));
  out.push_back(instruction(BPF_JMP | BPF_EXIT, 0, 0, 0, 0));
  return out;
}

long bpf(bpf_cmd command, bpf_attr& attributes) {
  return syscall(SYS_bpf, command, &attributes, sizeof attributes);
}

Result<void> fill(SocketMap& map, std::span<const int> sockets) {
  if (!map.map) {
    bpf_attr attributes{};
    attributes.map_type = BPF_MAP_TYPE_REUSEPORT_SOCKARRAY;
    attributes.key_size = sizeof(std::uint32_t);
    attributes.value_size = sizeof(std::uint32_t);
    attributes.max_entries = stats::kAdminSlot;
    map = {Fd(static_cast<int>(bpf(BPF_MAP_CREATE, attributes))), 0};
    if (!map.map) return system_error(errno, "make the map of sockets");
  }
  for (; map.filled < sockets.size(); ++map.filled) {
    const auto index = static_cast<std::uint32_t>(map.filled);
    const auto socket = static_cast<std::uint32_t>(sockets[index]);
    bpf_attr element{};
    element.map_fd = static_cast<std::uint32_t>(map.map.get());
    element.key = reinterpret_cast<std::uint64_t>(&index);
    element.value = reinterpret_cast<std::uint64_t>(&socket);
    if (bpf(BPF_MAP_UPDATE_ELEM, element) != 0) return system_error(errno, "fill the map of sockets");
  }
  return {};
}

}  // namespace

Result<void> steer_to_first(int socket, std::size_t count) {
  // A hash of the packet would do as well, but the classic form cannot have one computed; on loopback it is 0.
  sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(SKF_AD_OFF + SKF_AD_RANDOM)),
      BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, static_cast<std::uint32_t>(count)),
      BPF_STMT(BPF_RET | BPF_A, 0),
  };
  const sock_fprog program{static_cast<unsigned short>(sizeof code / sizeof code[0]), code};
  if (setsockopt(socket, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof program) != 0)
    return system_error(errno, "steer connections to the staying sockets");
  return {};
}

void stop_steering(int socket) {
  const int ignored = 0;
  (void)setsockopt(socket, SOL_SOCKET, SO_DETACH_REUSEPORT_BPF, &ignored, sizeof ignored);
}

Result<void> steer_to_less_loaded(std::span<const int> sockets, const LoadBoard& board, SocketMap& map) {
  if (const Result<void> filled = fill(map, sockets); !filled) return filled;
  const Instructions code =
      choice_of_two(static_cast<std::int32_t>(sockets.size()), board.map(), map.map.get());
  constexpr const char* kLicense = "";
  bpf_attr attributes{};
  attributes.prog_type = BPF_PROG_TYPE_SK_REUSEPORT;
  attributes.insns = reinterpret_cast<std::uint64_t>(code.data());
  attributes.insn_cnt = static_cast<std::uint32_t>(code.size());
  attributes.license = reinterpret_cast<std::uint64_t>(kLicense);
  const Fd program(static_cast<int>(bpf(BPF_PROG_LOAD, attributes)));
  if (!program) return system_error(errno, "load the program that chooses among workers");
  const int descriptor = program.get();
  if (setsockopt(sockets.front(), SOL_SOCKET, SO_ATTACH_REUSEPORT_EBPF, &descriptor, sizeof descriptor) != 0)
    return system_error(errno, "attach the program that chooses among workers");
  return {};
}

}  // namespace holdfast::master
