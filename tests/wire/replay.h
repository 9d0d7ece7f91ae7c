// Plays one case of the corpus against a running server and checks every answer and the end.
#pragma once

#include "tests/support/server_process.h"
#include "tests/support/split_feeder.h"
#include "tests/wire/wire_case.h"

namespace holdfast::wire {

/// What the cases are written for: small limits, and a file, a fixed answer, an echo and redirects to ask for.
support::ServerConfig corpus_config();
/// Puts the file there.
void add_corpus_files(support::ServerProcess& server);

/// `seed` is for random cuts. Reports test failures under the case's name.
void replay(support::ServerProcess& server, const WireCase& wire_case, support::Delivery delivery,
            unsigned seed);

}  // namespace holdfast::wire
