#pragma once

#include "core/folder.hpp"
#include "core/part_file.hpp"
#include "core/publish_batch.hpp"

#include <variant>

namespace bellhop {

/// A file that has its bytes, verified, and can be given its name, but for the entry's `done`; or why there is none.
using prepared_file = std::variant<publish_batch::entry, publish_result>;

/// Writes a small body to a file without a name.
prepared_file prepare_small(folder_cache&, publish_target, const body_buffer&);

/// Takes over a part that has all its bytes. On a mismatch of the digest its file is removed, on any other failure
/// kept.
prepared_file prepare_part(folder_cache&, publish_target, const folder& part_in, part_file&);

} // namespace bellhop
