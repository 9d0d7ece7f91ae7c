// One case of the corpus: NAME.req holds the bytes a client sends, NAME.expect what must come back.
//
// A .req file is read as text: line ends of the file mean nothing, bytes are written as they are or as \r \n \t
// \\ \xHH, and \{N:TEXT} stands for TEXT repeated N times. Lines that begin with # before the first other one
// are comments.
//
// A .expect file has a line for each answer, in order, and one for what becomes of the connection:
//   response STATUS[|STATUS...] [head] [body=TEXT]   `head`: it answers HEAD; TEXT has the escapes of .req
//   files. STATUS
//                                                    may be `cut` (an answer that is visibly unfinished) or
//                                                    `none`
//   end                                              the client ends its side after the last byte
//   connection announced                             open or closes, as the last answer said
//   connection open|closes|ends                      open: a further request is answered; closes: an orderly
//   end, and
//                                                    not one byte behind the last answer; ends: likewise, or
//                                                    by a reset, for clients that go on behind their own close
#pragma once

#include <string>
#include <vector>

namespace holdfast::wire {

struct ExpectedResponse {
  std::vector<std::string> outcomes;  // statuses, "cut" or "none": any of them is right
  bool head = false;
  bool has_body = false;
  std::string body;
};

struct WireCase {
  std::string name;
  std::string request;
  std::vector<ExpectedResponse> responses;
  bool end = false;
  bool closes = false;
  bool may_reset = false;  // with `closes`
  bool announced = false;
};

/// Every case of a folder, by name. Throws std::runtime_error, naming the file, for one that cannot be read.
std::vector<WireCase> load_cases(const std::string& folder);
/// The bytes that a text with escapes stands for.
std::string unescape(const std::string& text);

}  // namespace holdfast::wire
