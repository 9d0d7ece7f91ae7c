#include "worker/handlers/document_trees.h"

#include <algorithm>
#include <cerrno>
#include <utility>

namespace holdfast::handlers {
namespace {

PathOutcome outcome_of(int code) {
  switch (code) {
    case EACCES:
    case EPERM:
    case ENXIO:  // a socket, or a device without a driver
    case ENODEV:
      return PathOutcome::Forbidden;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case EAGAIN:
    case EINTR:
    case EIO:
      return PathOutcome::Unavailable;
    default:
      return PathOutcome::Missing;
  }
}

bool is_out_of_descriptors(const OpenedPath& opened) {
  return opened.code == EMFILE || opened.code == ENFILE;
}

ResolvedPath examine(OpenedPath opened, std::string_view path) {
  ResolvedPath found;
  struct stat status {};
  if (!opened.fd || ::fstat(opened.fd.get(), &status) != 0) {
    found.outcome = outcome_of(opened.fd ? errno : opened.code);
    found.out_of_descriptors = is_out_of_descriptors(opened);
    return found;
  }
  found.file = {std::move(opened.fd), FileIdentity::of(status)};
  if (S_ISDIR(status.st_mode))
    found.outcome = PathOutcome::Directory;
  else
    found.outcome =
        S_ISREG(status.st_mode) && !path.ends_with('/') ? PathOutcome::File : PathOutcome::Forbidden;
  return found;
}

/// A sibling may not hide newer content. Some tools give it the time of the plain file without the fraction of
/// the second.
bool is_current(const FileIdentity& sibling, const FileIdentity& plain) {
  constexpr std::int64_t kSecond = 1'000'000'000;
  if (sibling.modified_ns >= plain.modified_ns) return true;
  return sibling.modified_ns % kSecond == 0 && sibling.modified_ns / kSecond == plain.modified_ns / kSecond;
}

}  // namespace

Result<std::uint32_t> DocumentTrees::add(const config::FilesAction& action) {
  const auto same_root = [&](const Tree& tree) {
    return tree.path == action.root && tree.follow == action.follow_symlinks;
  };
  const auto same_tree = [&](const Tree& tree) {
    return same_root(tree) && tree.index == action.index && tree.precompressed == action.precompressed;
  };
  const auto tree = std::find_if(trees_.begin(), trees_.end(), same_tree);
  if (tree != trees_.end()) return static_cast<std::uint32_t>(tree - trees_.begin());
  const auto neighbour = std::find_if(trees_.begin(), trees_.end(), same_root);
  std::size_t root = roots_.size();
  if (neighbour != trees_.end()) {
    root = neighbour->root;
  } else {
    Result<DocumentRoot> opened = DocumentRoot::open(action.root, action.follow_symlinks, action.listing);
    if (!opened) return opened.error();
    roots_.push_back(std::move(*opened));
  }
  trees_.push_back({root, action.root, action.follow_symlinks, action.index, action.precompressed});
  return static_cast<std::uint32_t>(trees_.size() - 1);
}

ResolvedPath DocumentTrees::resolve(std::uint32_t number, std::string_view path) const {
  const Tree& tree = trees_[number];
  if (path.ends_with('/')) return resolve_index(tree, path);
  ResolvedPath found = examine(roots_[tree.root].open_beneath(path), path);
  if (found.outcome == PathOutcome::Directory) {
    found.outcome = PathOutcome::NeedsSlash;
    found.file.fd.reset();
  }
  add_siblings(tree, path, found);
  return found;
}

ResolvedPath DocumentTrees::resolve_index(const Tree& tree, std::string_view directory) const {
  const DocumentRoot& root = roots_[tree.root];
  for (const std::string& index : tree.index) {
    std::string candidate(directory);
    candidate += index;
    ResolvedPath found = examine(root.open_beneath(candidate), candidate);
    found.name = index;
    add_siblings(tree, candidate, found);
    if (found.outcome != PathOutcome::Missing && found.outcome != PathOutcome::Directory) return found;
  }
  return examine(root.open_beneath(directory), directory);
}

void DocumentTrees::add_siblings(const Tree& tree, std::string_view path, ResolvedPath& found) const {
  if (found.outcome != PathOutcome::File) return;
  for (const Coding coding : tree.precompressed) {
    std::string name(path);
    name += row(coding).suffix;
    OpenedPath opened = roots_[tree.root].open_beneath(name);
    found.out_of_descriptors |= is_out_of_descriptors(opened);
    struct stat status {};
    if (!opened.fd || ::fstat(opened.fd.get(), &status) != 0) continue;
    const FileIdentity identity = FileIdentity::of(status);
    // No coding has an empty form.
    if (!S_ISREG(status.st_mode) || identity.size == 0 || !is_current(identity, found.file.identity)) continue;
    found.siblings[static_cast<std::size_t>(coding)] = {std::move(opened.fd), identity};
  }
}

}  // namespace holdfast::handlers
