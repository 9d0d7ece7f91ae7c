#include "worker/filters/header_edit.h"

#include <algorithm>
#include <new>

#include "common/ascii.h"
#include "worker/http/exchange.h"

namespace holdfast::filters {

HeaderEdit::HeaderEdit(const config::HeaderEdits& edits) : edits_(edits) {
  for (const auto& [name, value] : edits_.set) set_.push_back({name, value});
  hides_server_ = drops("Server");
}

bool HeaderEdit::drops(std::string_view name) const {
  const auto same = [name](std::string_view other) { return ascii_iequals(name, other); };
  return std::any_of(edits_.remove.begin(), edits_.remove.end(), same) ||
         std::any_of(set_.begin(), set_.end(), [&same](const api::Field& field) { return same(field.name); });
}

void HeaderEdit::apply(http::Exchange& exchange, http::Response& response) const {
  const std::span<std::byte> room =
      exchange.allocate((response.fields.size() + set_.size()) * sizeof(api::Field));
  auto* const first = reinterpret_cast<api::Field*>(room.data());
  api::Field* last = first;
  for (const api::Field& field : response.fields)
    if (!drops(field.name)) new (last++) api::Field(field);
  for (const api::Field& field : set_) new (last++) api::Field(field);
  response.fields = {first, last};
  response.hide_server = response.hide_server || hides_server_;
}

}  // namespace holdfast::filters
