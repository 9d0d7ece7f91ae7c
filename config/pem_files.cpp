#include "config/pem_files.h"

#include <cstdint>
#include <cstring>

namespace holdfast::config {
namespace {

template <class Listeners, class File>
void gather(Listeners& listeners, std::vector<File*>& files) {
  for (auto& listener : listeners) {
    if (!listener.tls.enabled) continue;
    for (auto& certificate : listener.tls.certificates) {
      files.push_back(&certificate.certificate);
      files.push_back(&certificate.key);
      if (certificate.stapling != Stapling::Off) files.push_back(&certificate.staple);
    }
    if (listener.tls.client_certificates.enabled)
      files.push_back(&listener.tls.client_certificates.authorities);
  }
}

}  // namespace

std::vector<const LoadedFile*> pem_files(const std::vector<Listener>& listeners) {
  std::vector<const LoadedFile*> files;
  gather(listeners, files);
  return files;
}

std::vector<LoadedFile*> pem_files(std::vector<Listener>& listeners) {
  std::vector<LoadedFile*> files;
  gather(listeners, files);
  return files;
}

// Each text behind its length: both sides are the same program.
std::string pack_pem_texts(const std::vector<Listener>& listeners) {
  std::string packed;
  for (const LoadedFile* file : pem_files(listeners)) {
    const std::uint64_t length = file->text.size();
    packed.append(reinterpret_cast<const char*>(&length), sizeof length);
    packed += file->text;
  }
  return packed;
}

bool unpack_pem_texts(std::string_view packed, std::vector<Listener>& listeners) {
  const std::vector<LoadedFile*> files = pem_files(listeners);
  std::vector<std::string_view> texts;
  while (!packed.empty()) {
    std::uint64_t length = 0;
    if (packed.size() < sizeof length) return false;
    std::memcpy(&length, packed.data(), sizeof length);
    packed.remove_prefix(sizeof length);
    if (length > packed.size()) return false;
    texts.push_back(packed.substr(0, length));
    packed.remove_prefix(length);
  }
  if (texts.size() != files.size()) return false;
  for (std::size_t i = 0; i < files.size(); ++i) files[i]->text = texts[i];
  return true;
}

}  // namespace holdfast::config
