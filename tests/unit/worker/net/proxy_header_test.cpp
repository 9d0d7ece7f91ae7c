#include "worker/net/proxy_header.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <string>
#include <vector>

#include "common/fd.h"
#include "tests/support/guarded_buffer.h"

namespace holdfast::net {
namespace {

using namespace std::string_literals;
using Outcome = ProxyHeader::Outcome;

constexpr std::uint8_t kLocal = 0x20, kProxy = 0x21;

std::string v2(std::uint8_t version_and_command, std::uint8_t family, const std::string& block) {
  std::string header = "\r\n\r\n\0\r\nQUIT\n"s;
  header += static_cast<char>(version_and_command);
  header += static_cast<char>(family);
  header += static_cast<char>(block.size() >> 8);
  header += static_cast<char>(block.size() & 0xFF);
  return header + block;
}

const std::string kInetBlock = "\xC0\x00\x02\x01\xC0\x00\x02\x02\x30\x39\x01\xBB"s;
const std::string kInet6Block = "\x20\x01\x0D\xB8"s + std::string(11, '\0') + "\x07" + "\x20\x01\x0D\xB8"s +
                                std::string(11, '\0') + "\x08" + "\x30\x39\x01\xBB";
const std::string kMappedBlock =
    std::string(10, '\0') + "\xFF\xFF\xCB\x00\x71\x05"s + std::string(16, '\0') + "\x30\x39\x01\xBB";
// A TLV of type NOOP that fills the header up to its bound.
const std::string kPadding = "\x04\x0F\xE1"s + std::string(4096 - 16 - 12 - 3, '\xFF');
const std::string kTlvs = "\x01\x00\x02h2"s + "\x04\x00\x03"s + std::string(3, '\0');

// Each input lies right before an unmapped page: a byte read too many ends the test.
ProxyHeader parse(std::string_view bytes) {
  const support::GuardedBuffer guarded(bytes);
  ProxyHeader header = parse_proxy_header(guarded.bytes());
  EXPECT_EQ(header.outcome == Outcome::Refused, !header.why.empty());
  return header;
}

std::string source(const ProxyHeader& header) {
  return header.source ? header.source->text() + " " + std::to_string(header.source->port) : "own";
}

struct Accepted {
  std::string bytes;
  std::string source;
};

const std::vector<Accepted> kAccepted{
    {"PROXY TCP4 192.0.2.1 192.0.2.2 12345 443\r\n", "192.0.2.1 12345"},
    {"PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", "255.255.255.255 65535"},
    {"PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\n", "0.0.0.0 0"},
    {"PROXY TCP6 2001:db8::7 2001:DB8::8 12345 443\r\n", "2001:db8::7 12345"},
    {"PROXY TCP6 ::ffff:203.0.113.5 ::1 1 2\r\n", "203.0.113.5 1"},
    {"PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 "
     "65535\r\n",
     "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535"},
    {"PROXY UNKNOWN\r\n", "own"},
    {"PROXY UNKNOWN whatever \n it says\r\n", "own"},
    {"PROXY UNKNOWN " + std::string(91, 'f') + "\r\n", "own"},
    {v2(kProxy, 0x11, kInetBlock), "192.0.2.1 12345"},
    {v2(kProxy, 0x21, kInet6Block), "2001:db8::7 12345"},
    {v2(kProxy, 0x21, kMappedBlock), "203.0.113.5 12345"},
    {v2(kProxy, 0x11, kInetBlock + kTlvs), "192.0.2.1 12345"},
    {v2(kProxy, 0x21, kInet6Block + kTlvs), "2001:db8::7 12345"},
    {v2(kProxy, 0x11, kInetBlock + kPadding), "192.0.2.1 12345"},
    // Families without an address that could be used: the socket's own.
    {v2(kProxy, 0x12, kInetBlock), "own"},
    {v2(kProxy, 0x22, kInet6Block), "own"},
    {v2(kProxy, 0x31, std::string(216, 's')), "own"},
    {v2(kProxy, 0x32, std::string(216, 's')), "own"},
    {v2(kProxy, 0x00, ""), "own"},
    {v2(kProxy, 0x00, kTlvs), "own"},
    // LOCAL: whatever else it says is skipped.
    {v2(kLocal, 0x00, ""), "own"},
    {v2(kLocal, 0x11, kInetBlock), "own"},
    {v2(kLocal, 0x11, "short"), "own"},
    {v2(kLocal, 0xFF, kTlvs), "own"},
};

TEST(ProxyHeader, tells_the_source_and_its_own_length) {
  for (const Accepted& accepted : kAccepted) {
    const ProxyHeader header = parse(accepted.bytes);
    EXPECT_EQ(header.outcome, Outcome::Consumed) << accepted.bytes << header.why;
    EXPECT_EQ(header.consumed, accepted.bytes.size()) << accepted.bytes;
    EXPECT_EQ(source(header), accepted.source) << accepted.bytes;
  }
}

TEST(ProxyHeader, wants_more_wherever_it_is_cut) {
  for (const Accepted& accepted : kAccepted)
    for (std::size_t size = 0; size < accepted.bytes.size(); ++size)
      ASSERT_EQ(parse(std::string_view(accepted.bytes).substr(0, size)).outcome, Outcome::NeedMore)
          << accepted.bytes << " cut at " << size;
}

TEST(ProxyHeader, never_counts_what_follows) {
  for (const Accepted& accepted : kAccepted) {
    for (const std::string& more :
         {"\n"s, "\r\n"s, "GET / HTTP/1.1\r\n\r\n"s, "\x16\x03\x01"s, accepted.bytes}) {
      const ProxyHeader header = parse(accepted.bytes + more);
      EXPECT_EQ(header.outcome, Outcome::Consumed) << accepted.bytes << more;
      EXPECT_EQ(header.consumed, accepted.bytes.size()) << accepted.bytes << more;
      EXPECT_EQ(source(header), accepted.source) << accepted.bytes << more;
    }
  }
}

TEST(ProxyHeader, is_refused_at_the_first_byte_that_is_wrong) {
  for (const std::string& start : {"PROXY "s, "\r\n\r\n\0\r\nQUIT\n"s}) {
    for (std::size_t at = 0; at < start.size(); ++at) {
      std::string wrong = start.substr(0, at + 1);
      wrong.back() = static_cast<char>(wrong.back() ^ 0x20);
      EXPECT_EQ(parse(wrong).outcome, Outcome::Refused) << at;
    }
  }
  for (const char* text :
       {"G", "GET / HTTP/1.1\r\n\r\n", "\x16\x03\x01", "proxy tcp4", "PROXY\r\n", "\n", " PROXY"})
    EXPECT_EQ(parse(text).outcome, Outcome::Refused) << text;
}

TEST(ProxyHeader, of_version_1_is_refused_when_it_does_not_exactly_match) {
  for (const std::string& line : {""s,
                                  "TCP4"s,
                                  "TCP5 1.2.3.4 1.2.3.4 1 2"s,
                                  "tcp4 1.2.3.4 1.2.3.4 1 2"s,
                                  "UNKNOWNS"s,
                                  "unknown"s,
                                  "TCP4  1.2.3.4 1.2.3.4 1 2"s,
                                  "TCP4 1.2.3.4  1.2.3.4 1 2"s,
                                  "TCP4 1.2.3.4 1.2.3.4 1  2"s,
                                  " TCP4 1.2.3.4 1.2.3.4 1 2"s,
                                  "TCP4 1.2.3.4 1.2.3.4 1 2 "s,
                                  "TCP4 1.2.3.4 1.2.3.4 1 2 3"s,
                                  "TCP4 1.2.3.4 1.2.3.4 1"s,
                                  "TCP4 1.2.3.4 1.2.3.4"s,
                                  "TCP4 1.2.3.4"s,
                                  "TCP4\t1.2.3.4 1.2.3.4 1 2"s,
                                  "TCP4 1.2.3 1.2.3.4 1 2"s,
                                  "TCP4 1.2.3.256 1.2.3.4 1 2"s,
                                  "TCP4 1.2.3.4.5 1.2.3.4 1 2"s,
                                  "TCP4 01.2.3.4 1.2.3.4 1 2"s,
                                  "TCP4 1.2.3.4 1.2.3.04 1 2"s,
                                  "TCP4 0x1.2.3.4 1.2.3.4 1 2"s,
                                  "TCP4 ::1 ::1 1 2"s,
                                  "TCP4 1.2.3.4 ::1 1 2"s,
                                  "TCP6 1.2.3.4 1.2.3.4 1 2"s,
                                  "TCP6 ::1 1.2.3.4 1 2"s,
                                  "TCP6 ::1::2 ::1 1 2"s,
                                  "TCP6 fe80::1%eth0 ::1 1 2"s,
                                  "TCP6 12345::1 ::1 1 2"s,
                                  "TCP6 1:2:3 ::1 1 2"s,
                                  "TCP4 1.2.3.4\0 1.2.3.4 1 2"s,
                                  "TCP4 1.2.3.4\0x 1.2.3.4 1 2"s,
                                  "TCP4 1.2.3.4\n 1.2.3.4 1 2"s,
                                  "TCP4 1.2.3.4 1.2.3.4 65536 2"s,
                                  "TCP4 1.2.3.4 1.2.3.4 1 65536"s,
                                  "TCP4 1.2.3.4 1.2.3.4 -1 2"s,
                                  "TCP4 1.2.3.4 1.2.3.4 +1 2"s,
                                  "TCP4 1.2.3.4 1.2.3.4 01 2"s,
                                  "TCP4 1.2.3.4 1.2.3.4 1 00"s,
                                  "TCP4 1.2.3.4 1.2.3.4 1 2\r"s,
                                  "TCP4 1.2.3.4 1.2.3.4 1 2\n"s,
                                  "TCP4 1.2.3.4 1.2.3.4 x 2"s,
                                  "TCP4 1.2.3.4 1.2.3.4 99999999999999999999 2"s})
    EXPECT_EQ(parse("PROXY " + line + "\r\n").outcome, Outcome::Refused) << line;
}

TEST(ProxyHeader, of_version_1_has_107_bytes_at_most) {
  const std::string filler = "PROXY UNKNOWN " + std::string(200, 'f');
  EXPECT_EQ(parse(filler.substr(0, 106)).outcome, Outcome::NeedMore);
  EXPECT_EQ(parse(filler.substr(0, 107)).outcome, Outcome::Refused);
  EXPECT_EQ(parse(filler.substr(0, 105) + "\r\n").outcome, Outcome::Consumed);
  EXPECT_EQ(parse(filler.substr(0, 106) + "\r\n").outcome, Outcome::Refused);
  EXPECT_EQ(parse(filler.substr(0, 106) + "\r").outcome, Outcome::Refused);
  EXPECT_EQ(parse(filler + "\r\n").outcome, Outcome::Refused);
}

TEST(ProxyHeader, of_version_2_is_refused_when_a_value_is_unknown) {
  for (unsigned byte = 0; byte < 256; ++byte) {
    const ProxyHeader header = parse(v2(static_cast<std::uint8_t>(byte), 0x11, kInetBlock));
    const bool known = byte == kLocal || byte == kProxy;
    EXPECT_EQ(header.outcome, known ? Outcome::Consumed : Outcome::Refused) << byte;
  }
  for (unsigned byte = 0; byte < 256; ++byte) {
    const ProxyHeader header = parse(v2(kProxy, static_cast<std::uint8_t>(byte), std::string(216, '\0')));
    const bool known = byte >> 4 <= 3 && (byte & 0xF) <= 2;
    EXPECT_EQ(header.outcome, known ? Outcome::Consumed : Outcome::Refused) << byte;
  }
}

TEST(ProxyHeader, of_version_2_is_refused_when_its_length_cannot_be) {
  EXPECT_EQ(parse(v2(kProxy, 0x11, std::string(11, 'x'))).outcome, Outcome::Refused);
  EXPECT_EQ(parse(v2(kProxy, 0x12, std::string(11, 'x'))).outcome, Outcome::Refused);
  EXPECT_EQ(parse(v2(kProxy, 0x21, std::string(35, 'x'))).outcome, Outcome::Refused);
  EXPECT_EQ(parse(v2(kProxy, 0x31, std::string(215, 'x'))).outcome, Outcome::Refused);
  // Told by the length alone, before so much is waited for.
  for (const std::size_t size : {std::size_t{4096 - 15}, std::size_t{65535}})
    for (const std::uint8_t command : {kLocal, kProxy})
      EXPECT_EQ(parse(v2(command, 0x11, std::string(size, 'x')).substr(0, 16)).outcome, Outcome::Refused);
}

// The values were computed by another program, whose answer for "123456789" is the published E3069283.
const std::string kChecksum = "\x03\x00\x04"s + "\x3E\xE8\x86\xA1";

TEST(ProxyHeader, of_version_2_is_held_to_its_checksum) {
  EXPECT_EQ(source(parse(v2(kProxy, 0x11, kInetBlock + kChecksum))), "192.0.2.1 12345");
  EXPECT_EQ(parse(v2(kProxy, 0x00, "\x03\x00\x04\x3E\xC9\x89\x4E"s)).outcome, Outcome::Consumed);
  for (std::size_t at = 0; at < kInetBlock.size(); ++at) {
    std::string damaged = kInetBlock;
    damaged[at] = static_cast<char>(damaged[at] ^ 1);
    EXPECT_EQ(parse(v2(kProxy, 0x11, damaged + kChecksum)).outcome, Outcome::Refused) << at;
  }
  EXPECT_EQ(parse(v2(kProxy, 0x11, kInetBlock + kTlvs + kChecksum)).outcome, Outcome::Refused);
  EXPECT_EQ(parse(v2(kProxy, 0x11, kInetBlock + "\x03\x00\x03xyz"s)).outcome, Outcome::Refused);
  // What a balancer says about a connection of its own is skipped.
  EXPECT_EQ(parse(v2(kLocal, 0x11, kInetBlock + kTlvs + kChecksum)).outcome, Outcome::Consumed);
}

TEST(ProxyHeader, of_version_2_is_refused_when_its_tlvs_do_not_end_with_it) {
  for (const std::string& cut :
       {"\x01"s, "\x01\x00"s, "\x01\x00\x01"s, "\x01\x00\x03h2"s, kTlvs + "\x04\xFF\xFF"s})
    EXPECT_EQ(parse(v2(kProxy, 0x11, kInetBlock + cut)).outcome, Outcome::Refused) << cut.size();
}

class TakeProxyHeader : public testing::Test {
 protected:
  TakeProxyHeader() {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    ours_ = Fd(ends[0]);
    theirs_ = Fd(ends[1]);
  }
  void send(std::string_view bytes) {
    EXPECT_EQ(::send(theirs_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }
  ProxyHeader take() { return take_proxy_header(ours_.get(), room_); }
  std::string left() {
    const ssize_t got = ::recv(ours_.get(), room_.data(), room_.size(), 0);
    return got <= 0 ? ""
                    : std::string(reinterpret_cast<const char*>(room_.data()), static_cast<std::size_t>(got));
  }

  Fd ours_, theirs_;
  std::vector<std::byte> room_ = std::vector<std::byte>(kLongestProxyHeader);
};

TEST_F(TakeProxyHeader, leaves_what_follows_in_the_socket) {
  for (const Accepted& accepted : kAccepted) {
    send(accepted.bytes + "GET ");
    EXPECT_EQ(take().outcome, Outcome::Consumed);
    EXPECT_EQ(left(), "GET ");
  }
}

TEST_F(TakeProxyHeader, takes_nothing_before_the_header_is_complete) {
  EXPECT_EQ(take().outcome, Outcome::NeedMore);
  const std::string& bytes = kAccepted.front().bytes;
  for (std::size_t i = 0; i + 1 < bytes.size(); ++i) {
    send(bytes.substr(i, 1));
    EXPECT_EQ(take().outcome, Outcome::NeedMore);
  }
  send(bytes.substr(bytes.size() - 1) + "x");
  EXPECT_EQ(source(take()), "192.0.2.1 12345");
  EXPECT_EQ(left(), "x");
}

TEST_F(TakeProxyHeader, tells_when_the_sender_has_left_without_a_byte) {
  theirs_.reset();
  EXPECT_EQ(take().outcome, Outcome::Gone);
}

}  // namespace
}  // namespace holdfast::net
