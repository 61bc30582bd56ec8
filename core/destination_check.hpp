#pragma once

#include "core/folder.hpp"
#include "core/own_file.hpp"
#include "core/publisher.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace bellhop {

/// Looks at a destination before anything is asked of the network; see `publisher::preflight`. A file that may be this
/// transfer's own has to be read, hence in slices. One thread.
class destination_check {
public:
  destination_check(publish_target, checkpoint part, std::shared_ptr<folder> in);

  /// Reads up to `bytes` more, if anything must be read at all. None: not finished.
  std::optional<publish_result> go_on(std::int64_t bytes);

private:
  std::optional<own_file> look_for_own() const;
  error check_free(const std::string& name) const;
  publish_result accept_own();

  publish_target target_;
  checkpoint part_;
  std::shared_ptr<folder> in_;
  std::string name_;
  std::optional<own_file> own_;
};

} // namespace bellhop
