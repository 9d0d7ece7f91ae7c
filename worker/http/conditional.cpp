#include "worker/http/conditional.h"

#include "common/ascii.h"
#include "common/http_date.h"

namespace holdfast::http {
namespace {

/// The conditional fields of a request, found in one walk. Most requests have none, so the walk looks at two
/// letters.
struct Conditions {
  const api::Field* match = nullptr;  // the first line of each
  const api::Field* none_match = nullptr;
  const api::Field* modified = nullptr;
  const api::Field* unmodified = nullptr;
  bool modified_twice = false;
  bool unmodified_twice = false;

  bool any() const { return match || none_match || modified || unmodified; }
};

bool begins_with_if(std::string_view name) {
  return name.size() > 7 && name[2] == '-' && ascii_lower(name[0]) == 'i' && ascii_lower(name[1]) == 'f';
}

Conditions conditions_of(const api::Request& request) {
  Conditions found;
  for (const api::Field& field : request.fields) {
    if (!begins_with_if(field.name)) continue;
    if (ascii_iequals(field.name, "If-Match")) {
      if (!found.match) found.match = &field;
    } else if (ascii_iequals(field.name, "If-None-Match")) {
      if (!found.none_match) found.none_match = &field;
    } else if (ascii_iequals(field.name, "If-Modified-Since")) {
      found.modified_twice = found.modified != nullptr;
      found.modified = &field;
    } else if (ascii_iequals(field.name, "If-Unmodified-Since")) {
      found.unmodified_twice = found.unmodified != nullptr;
      found.unmodified = &field;
    }
  }
  return found;
}

std::string_view opaque_tag(std::string_view etag) {
  return etag.starts_with("W/") ? etag.substr(2) : etag;
}
bool is_weak(std::string_view etag) {
  return etag.starts_with("W/");
}

bool is_etag_char(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte == 0x21 || (byte >= 0x23 && byte != 0x7f);
}

/// Takes the next entity tag off `list`; nullopt at the end. What is not an entity tag is skipped up to the
/// next comma.
std::optional<std::string_view> next_etag(std::string_view& list) {
  while (!list.empty()) {
    if (list.front() == ' ' || list.front() == '\t' || list.front() == ',') {
      list.remove_prefix(1);
      continue;
    }
    std::size_t end = is_weak(list) ? 2 : 0;
    if (end < list.size() && list[end] == '"') {
      for (++end; end < list.size() && is_etag_char(list[end]);) ++end;
      if (end < list.size() && list[end] == '"') {
        const std::string_view etag = list.substr(0, end + 1);
        list.remove_prefix(end + 1);
        return etag;
      }
    }
    const std::size_t comma = list.find(',');
    list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
  }
  return std::nullopt;
}

using EtagMatch = bool (*)(std::string_view, std::string_view);

/// Does any line of field `name`, a list of entity tags or `*`, name the current representation? The lines of a
/// list-based field are one list (RFC 9110 section 5.3).
bool any_etag_matches(const api::Request& request, std::string_view name, const Validators& current,
                      EtagMatch match) {
  for (const api::Field& field : request.fields) {
    if (!ascii_iequals(field.name, name)) continue;
    std::string_view list = field.value;
    if (trim_ows(list) == "*") return current.exists;
    while (const auto etag = next_etag(list))
      if (match(*etag, current.etag) || match(*etag, current.twin)) return true;
  }
  return false;
}

/// nullopt also when there are several lines or the date is malformed: the field is ignored then
/// (section 13.1.3).
std::optional<std::time_t> date_of(const api::Field* field, bool twice, std::time_t now) {
  if (!field || twice) return std::nullopt;
  return parse_http_date(field->value, now);
}

bool is_read(api::Method method) {
  return method == api::Method::Get || method == api::Method::Head;
}

/// Steps 1 and 2 of section 13.2.2: is it still what the client believes it to be?
bool unchanged_as_required(const api::Request& request, const Conditions& conditions, const Validators& current,
                           std::time_t now) {
  if (conditions.match) return any_etag_matches(request, "If-Match", current, strong_etag_match);
  const auto date = date_of(conditions.unmodified, conditions.unmodified_twice, now);
  if (!date || !current.last_modified) return true;
  return *current.last_modified <= *date;
}

/// Steps 3 and 4: does the client have it already?
bool already_there(const api::Request& request, const Conditions& conditions, const Validators& current,
                   std::time_t now) {
  if (conditions.none_match) return any_etag_matches(request, "If-None-Match", current, weak_etag_match);
  if (!is_read(request.method)) return false;
  const auto date = date_of(conditions.modified, conditions.modified_twice, now);
  return date && current.last_modified && *current.last_modified <= *date;
}

}  // namespace

bool strong_etag_match(std::string_view a, std::string_view b) {
  return !a.empty() && !is_weak(a) && a == b;
}

bool weak_etag_match(std::string_view a, std::string_view b) {
  return !a.empty() && opaque_tag(a) == opaque_tag(b);
}

Precondition evaluate_preconditions(const api::Request& request, const Validators& validators,
                                    std::time_t now) {
  const Conditions conditions = conditions_of(request);
  if (!conditions.any()) return Precondition::Proceed;
  if (!unchanged_as_required(request, conditions, validators, now)) return Precondition::Failed;
  if (!already_there(request, conditions, validators, now)) return Precondition::Proceed;
  return is_read(request.method) ? Precondition::NotModified : Precondition::Failed;
}

std::string_view confirmed_etag(const api::Request& request, const Validators& validators) {
  if (validators.twin.empty()) return validators.etag;
  const auto names = [&](std::string_view etag) {
    return any_etag_matches(request, "If-None-Match", {etag, std::nullopt, false}, weak_etag_match);
  };
  return names(validators.twin) && !names(validators.etag) ? validators.twin : validators.etag;
}

bool if_range_holds(const api::Request& request, const Validators& validators, std::time_t now) {
  const api::Field* found = nullptr;
  for (const api::Field& field : request.fields) {
    if (!begins_with_if(field.name) || !ascii_iequals(field.name, "If-Range")) continue;
    if (found) return false;
    found = &field;
  }
  if (!found) return true;
  const std::string_view value = trim_ows(found->value);
  if (value.starts_with('"') || is_weak(value)) return strong_etag_match(value, validators.etag);
  const std::optional<std::time_t> date = parse_http_date(value, now);
  // A date is a strong validator only once its second is over (section 8.8.2.2).
  return date && validators.last_modified && *date == *validators.last_modified && *date < now;
}

}  // namespace holdfast::http
