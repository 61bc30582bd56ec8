#pragma once

#include <boost/filesystem.hpp>

#include <cstdlib>
#include <string>
#include <system_error>

namespace bellhop::test {

/// A private folder that goes with its owner.
class temp_dir {
public:
  temp_dir() {
    auto pattern = (boost::filesystem::temp_directory_path() / "bellhop-test-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr)
      throw std::system_error(errno, std::generic_category(), "mkdtemp");
    path_ = pattern;
  }
  ~temp_dir() {
    boost::system::error_code ignored;
    boost::filesystem::remove_all(path_, ignored);
  }

  temp_dir(const temp_dir&) = delete;
  temp_dir& operator=(const temp_dir&) = delete;

  const boost::filesystem::path& path() const noexcept { return path_; }
  boost::filesystem::path operator/(const std::string& name) const { return path_ / name; }

private:
  boost::filesystem::path path_;
};

} // namespace bellhop::test
