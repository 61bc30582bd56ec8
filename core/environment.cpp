#include "core/environment.hpp"

#include <cstdlib>

#include <unistd.h>

namespace bellhop {

path path_from_environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? path{value} : path{};
}

path made_absolute(const path& given) {
  if (given.is_absolute())
    return given;
  char* name = ::getcwd(nullptr, 0);
  const path here{name ? name : "/"};
  std::free(name);
  return here / given;
}

} // namespace bellhop
