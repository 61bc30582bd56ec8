#pragma once

#include "core/atomic_name.hpp"
#include "core/folder.hpp"
#include "core/publisher.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace bellhop {

/// The hidden name that a file of this transfer may have for a moment on its way to its final one. Each transfer has
/// one, so that what a crash leaves behind is taken over by the next attempt. Derived from the part's name or the
/// token.
std::string temporary_name_for_part(const std::string& part_name);
std::string temporary_name_for_token(const std::string& token);

/// Files that have their bytes and wait for their names; in power mode, for a sync that they share. One thread.
class publish_batch {
public:
  struct entry {
    publish_target target;
    std::shared_ptr<folder> in;
    std::string name;
    nameless_file file;
    /// The hidden name is a part's, whose file is kept on failure.
    bool is_part = false;
    std::int64_t size = 0;
    std::string sha256;
    publisher::answer<publish_result> done;
  };

  explicit publish_batch(durability durable) : durable_(durable) {}

  void add(entry);
  bool empty() const noexcept { return entries_.empty(); }
  /// As many files or bytes as may be open and unnamed at once.
  bool full() const noexcept;
  /// Syncs, names, syncs, answers.
  void flush();

private:
  struct outcome_of {
    int error_number = 0;
    naming named;
  };

  void sync_data(const std::vector<entry>&, std::vector<outcome_of>&) const;
  void sync_folders(const std::vector<entry>&, std::vector<outcome_of>&) const;
  static void finish(entry&, const outcome_of&);

  durability durable_;
  std::vector<entry> entries_;
  std::int64_t bytes_ = 0;
};

} // namespace bellhop
