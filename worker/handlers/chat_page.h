// A small page to try a chat with: plain HTML, one script, one style sheet, all from the chat's own path
// ("?script", "?style"), so that its Content-Security-Policy allows nothing else.
#pragma once

#include "common/api/exchange.h"

namespace holdfast::handlers {

/// Answers with the page, or with the part of it that the query names.
void show_chat_page(api::Exchange& exchange);

}  // namespace holdfast::handlers
