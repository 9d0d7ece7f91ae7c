#include "master/terminal.h"

#include <gtest/gtest.h>

namespace holdfast::master {
namespace {

TEST(Fitted, CutsLinesThatAreTooLong) {
  EXPECT_EQ(fitted("abcdef\nab\n", 4, 0), "abcd\nab\n");
  EXPECT_EQ(fitted("abcdef", 0, 0), "abcdef\n");
  EXPECT_EQ(fitted("", 4, 4), "");
}

TEST(Fitted, ColoursTakeNoRoomAndAreEnded) {
  EXPECT_EQ(fitted("\033[31mabc\033[0mdef\n", 4, 0), "\033[31mabc\033[0md\n");
  EXPECT_EQ(fitted("\033[31mabcdef\033[0m \033[1mx\033[0m\n", 2, 0), "\033[31mab\033[0m\n");
  EXPECT_EQ(fitted("ab\033[31mcd\033[0m\n", 2, 0), "ab\n");
}

TEST(Fitted, TellsOfLinesThatHaveNoRoom) {
  EXPECT_EQ(fitted("1\n2\n3\n", 0, 3), "1\n2\n3\n");
  EXPECT_EQ(fitted("1\n2\n3\n4\n", 0, 3), "1\n2\n... 2 lines more\n");
  EXPECT_EQ(fitted("1\n2\n", 5, 1), "... 2\n");
}

TEST(Terminal, WhatIsNoneHasNoColours) {
  EXPECT_FALSE(Terminal::of(-1).is_one);
  EXPECT_FALSE(Terminal::of(-1).has_colours);
}

}  // namespace
}  // namespace holdfast::master
