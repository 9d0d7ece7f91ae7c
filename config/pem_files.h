// The files of TLS of all listeners as one list (certificates, keys, authorities, OCSP responses): what is
// watched on disk, and sent to running workers when it has changed.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"

namespace holdfast::config {

/// In the order of the configuration; a file that is named twice is there twice. Without a path: an OCSP
/// response that is fetched. They live as long as `listeners`.
std::vector<const LoadedFile*> pem_files(const std::vector<Listener>& listeners);
std::vector<LoadedFile*> pem_files(std::vector<Listener>& listeners);

/// The texts of all of them, for a process that has the same listeners.
std::string pack_pem_texts(const std::vector<Listener>& listeners);
/// Puts them in. False, and nothing is changed, when `packed` was made of other listeners.
bool unpack_pem_texts(std::string_view packed, std::vector<Listener>& listeners);

}  // namespace holdfast::config
