#pragma once

#include "core/folder.hpp"
#include "core/transfer.hpp"
#include "core/unique_fd.hpp"

#include <cstdint>
#include <string>
#include <string_view>

/// The steps by which a whole file gets its name: each is atomic, so that a destination is absent or whole whenever the
/// process dies. Errors are errno values, 0 for success.
namespace bellhop {

/// A file that has its bytes but not its final name: unnamed (O_TMPFILE) when `hidden_name` is empty, else under that
/// name in the destination's folder.
struct nameless_file {
  unique_fd fd;
  std::string hidden_name;
};

/// Makes an empty file for writing with the umask's mode: unnamed where the file system can do that, else under
/// `hidden_name`, of which an older one is removed. EOPNOTSUPP is remembered in the folder.
int make_nameless(folder&, const std::string& hidden_name, nameless_file&);

/// Sets the mark `user.bellhop.transfer`. ENOTSUP, where the file system has none, is remembered in the folder.
int mark(folder&, int fd, const std::string& token);
enum class mark_state { ours, others, none };
/// Whether the file `name` carries the mark `token`, another one, or none, be it that it could not have any. Never
/// follows a link.
mark_state look_for_mark(const folder&, const std::string& name, const std::string& token);

/// EEXIST when the name is taken, by whatever. ENOTSUP: the file system can neither link nor rename without replacing.
int name_exclusively(const folder&, const nameless_file&, const std::string& name);
/// Replaces what has the name; a symbolic link itself, not what it points to. EISDIR for a folder. `temporary_name` is
/// used on the way if the file is unnamed.
int name_replacing(const folder&, const nameless_file&, const std::string& name, const std::string& temporary_name);

/// "name (2).ext" for n = 2, "name.ext" for 0. Keeps ".tar.gz" and its kin together, and the result to 255 bytes by
/// cutting the stem at a character's border (UTF-8).
std::string numbered_name(std::string_view name, unsigned n);
/// The last number that is tried.
inline constexpr unsigned last_number = 9999;

struct naming {
  int error_number = 0;
  /// The name that was given or, with `own`, found.
  std::string name;
  /// The name belongs to a file of the same token: it was published before a crash. The new file got no name.
  bool own = false;
};

/// Gives the name that the policy allows. With `fail` and `rename`, a file in the way that carries the token counts as
/// published already.
naming give_name(const folder&, const nameless_file&, const std::string& name, conflict_policy,
                 const std::string& token, const std::string& temporary_name);

/// What a failed naming means to a person, with the remedy.
error naming_error(int error_number, const path& destination, const folder&);

} // namespace bellhop
