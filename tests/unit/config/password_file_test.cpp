#include "config/password_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace holdfast::config {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

TEST(PasswordFile, has_a_name_and_a_hash_a_line) {
  const PasswordFile file = parse_password_file(
      "# the team\n\nalice:$2y$05$abc\r\nbob:$apr1$x$y:comment\n{SHA}:{SHA}abc\nlast one:$6$salt$hash");
  EXPECT_THAT(file.problems, IsEmpty());
  EXPECT_THAT(file.users, ElementsAre(Pair("alice", "$2y$05$abc"), Pair("bob", "$apr1$x$y"),
                                      Pair("{SHA}", "{SHA}abc"), Pair("last one", "$6$salt$hash")));
}

TEST(PasswordFile, names_each_line_that_cannot_be_used) {
  const PasswordFile file = parse_password_file(
      "alice:$2y$05$abc\nno colon\n:$2y$05$abc\nbob:\ncarol:plain\nalice:$2y$05$def\nd\x01x:$1$a$b\n" +
      std::string(300, 'n') + ":$1$a$b\ne:$1$" + std::string(300, 'h') + "\n");
  std::vector<int> lines;
  for (const auto& [line, problem] : file.problems) lines.push_back(line);
  EXPECT_THAT(lines, ElementsAre(2, 3, 4, 5, 6, 7, 8, 9));
  EXPECT_THAT(file.users, ElementsAre(Pair("alice", "$2y$05$abc")));
}

}  // namespace
}  // namespace holdfast::config
