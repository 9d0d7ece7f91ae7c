// What the rows need while they read a tree: where problems go, which setting is being read, what of the
// configuration stands already. One for each load.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "config/loader.h"
#include "config/yaml_tree.h"

namespace holdfast::config {

class Reader {
 public:
  explicit Reader(Config& config) : config_(config) {}

  /// Makes a file known; its index goes into the marks of its tree. Relative paths in it are relative to
  /// `directory`.
  std::uint32_t add_file(const std::string& name, const std::string& directory);
  Place place(const Mark& mark) const;
  const std::string& directory(const Mark& mark) const { return files_[mark.file].directory; }

  void problem(const Mark& mark, std::string message);
  void warning(const Mark& mark, std::string message);
  /// "`KEY` REQUIREMENT, not `VALUE`" and a hint if there is one, at the value. Silent for a value that is
  /// refused already. Returns false, which readers hand on.
  bool wrong(const Node& node, std::string_view requirement, std::string_view hint = {});
  /// "`WHAT` is not available in this version of holdfast".
  bool unavailable(const Mark& mark, std::string_view what);
  /// The same for a value of an available setting: "`KEY: VALUE`".
  bool unavailable_value(const Node& node);

  /// Notes where the setting that is being read stands, for checks that come after loading.
  void remember_place(const Mark& mark);
  /// "sites[0].routes[2].files.root"
  std::string path() const;

  /// The configuration being filled, in the order of its rows: sites are read last and may look at the rest.
  const Config& config() const { return config_; }

  /// What routes take from the site that is being read; set by the site's rows, which stand before its routes.
  const Policies& site_policies() const { return site_policies_; }
  void set_site_policies(const Policies& policies) { site_policies_ = policies; }

  std::vector<Problem>& problems() { return problems_; }
  std::vector<Problem>& warnings() { return warnings_; }

  /// For the time it lives, the setting being read is `key` (or item `index`) of the one before.
  class Step {
   public:
    Step(Reader& reader, std::string_view key) : reader_(reader) {
      reader_.path_.push_back({std::string(key), 0, false});
    }
    Step(Reader& reader, std::size_t index) : reader_(reader) { reader_.path_.push_back({{}, index, true}); }
    ~Step() { reader_.path_.pop_back(); }
    Step(const Step&) = delete;
    Step& operator=(const Step&) = delete;

   private:
    Reader& reader_;
  };

 private:
  struct File {
    std::string name;
    std::string directory;
  };
  struct Segment {
    std::string key;
    std::size_t index;
    bool is_index;
  };

  std::string_view key() const;

  Config& config_;
  Policies site_policies_;
  std::vector<File> files_;
  std::vector<Segment> path_;
  std::vector<Problem> problems_;
  std::vector<Problem> warnings_;
};

}  // namespace holdfast::config
