#include "tests/wire/wire_case.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>

namespace holdfast::wire {
namespace {

namespace fs = std::filesystem;

std::string read_request(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::string text;
  bool comments = true;
  for (std::string line; std::getline(in, line);) {
    comments = comments && line.starts_with('#');
    if (!comments) text += line;
  }
  return unescape(text);
}

ExpectedResponse read_response(std::istringstream& words) {
  ExpectedResponse response;
  std::string alternatives;
  words >> alternatives;
  std::istringstream parts(alternatives);
  for (std::string part; std::getline(parts, part, '|');) response.outcomes.push_back(part);
  std::string rest;
  std::getline(words >> std::ws, rest);
  if (rest.starts_with("head")) {
    response.head = true;
  } else if (rest.starts_with("body=")) {
    response.has_body = true;
    response.body = unescape(rest.substr(5));
  } else if (!rest.empty()) {
    throw std::runtime_error("what is `" + rest + "`?");
  }
  if (response.outcomes.empty()) throw std::runtime_error("a response without a status");
  return response;
}

void read_expectation(const fs::path& file, WireCase& wire_case) {
  std::ifstream in(file);
  if (!in) throw std::runtime_error("no expectation");
  bool connection = false;
  for (std::string line; std::getline(in, line);) {
    std::istringstream words(line);
    std::string first;
    words >> first;
    if (first == "response") {
      wire_case.responses.push_back(read_response(words));
    } else if (first == "end") {
      wire_case.end = true;
    } else if (first == "connection") {
      std::string fate;
      words >> fate;
      if (fate != "open" && fate != "closes" && fate != "ends" && fate != "announced")
        throw std::runtime_error("what is `" + fate + "`?");
      wire_case.may_reset = fate == "ends";
      wire_case.closes = fate == "closes" || wire_case.may_reset;
      wire_case.announced = fate == "announced";
      connection = true;
    } else if (!first.empty()) {
      throw std::runtime_error("what is `" + first + "`?");
    }
  }
  if (!connection) throw std::runtime_error("no line for the connection");
}

// \{N:TEXT}, the cursor standing on the brace; TEXT has no escapes of its own.
std::string repeated(const std::string& text, std::size_t& at) {
  const std::size_t colon = text.find(':', at);
  const std::size_t close = text.find('}', at);
  if (colon == std::string::npos || close == std::string::npos)
    throw std::runtime_error("unfinished \\{N:TEXT}");
  const std::string piece = text.substr(colon + 1, close - colon - 1);
  std::string result;
  for (long n = std::stol(text.substr(at + 1, colon - at - 1)); n > 0; --n) result += piece;
  at = close;
  return result;
}

}  // namespace

std::string unescape(const std::string& text) {
  std::string bytes;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '\\') {
      bytes += text[at];
      continue;
    }
    const char kind = ++at < text.size() ? text[at] : '\0';
    switch (kind) {
      case 'r':
        bytes += '\r';
        break;
      case 'n':
        bytes += '\n';
        break;
      case 't':
        bytes += '\t';
        break;
      case '\\':
        bytes += '\\';
        break;
      case '{':
        bytes += repeated(text, at);
        break;
      case 'x':
        bytes += static_cast<char>(std::stoi(text.substr(at + 1, 2), nullptr, 16));
        at += 2;
        break;
      default:
        throw std::runtime_error(std::string("unknown escape \\") + kind);
    }
  }
  return bytes;
}

std::vector<WireCase> load_cases(const std::string& folder) {
  std::vector<WireCase> cases;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    fs::path file = entry.path();
    const fs::path request = fs::path(file).replace_extension(".req");
    if (file.extension() == ".expect" && fs::exists(request)) continue;
    try {
      WireCase wire_case{.name = file.stem(), .request = read_request(request), .responses = {}};
      read_expectation(file.replace_extension(".expect"), wire_case);
      cases.push_back(std::move(wire_case));
    } catch (const std::exception& problem) {
      throw std::runtime_error(file.string() + ": " + problem.what());
    }
  }
  std::sort(cases.begin(), cases.end(), [](const WireCase& a, const WireCase& b) { return a.name < b.name; });
  return cases;
}

}  // namespace holdfast::wire
