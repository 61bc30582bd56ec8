#pragma once

#include "core/publisher.hpp"

#include <boost/filesystem.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <future>
#include <iterator>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

/// What the tests of the disk share: private folders, small file systems that fill up, and a publisher whose answers
/// are waited for.
namespace bellhop::test {

inline path make_private_folder() {
  std::string name = "/tmp/bellhop-test-XXXXXX";
  if (::mkdtemp(name.data()) == nullptr)
    throw std::system_error{errno, std::generic_category(), "mkdtemp"};
  return name;
}

class temporary_folder {
public:
  temporary_folder() : where_(make_private_folder()) {}
  temporary_folder(const temporary_folder&) = delete;
  temporary_folder& operator=(const temporary_folder&) = delete;
  ~temporary_folder() {
    boost::system::error_code ignored;
    boost::filesystem::remove_all(where_, ignored);
  }
  const path& where() const noexcept { return where_; }
  path operator/(const std::string& name) const { return where_ / name; }

private:
  path where_;
};

/// A file system of its own, mounted in a private folder; not `mounted` without the right to do that.
class mounted_folder {
public:
  explicit mounted_folder(const char* type, const char* options = "", unsigned long flags = 0)
      : mounted_(::mount("none", where().c_str(), type, flags, options) == 0) {}
  mounted_folder(const mounted_folder&) = delete;
  mounted_folder& operator=(const mounted_folder&) = delete;
  ~mounted_folder() {
    if (mounted_)
      ::umount2(where().c_str(), MNT_DETACH);
  }
  bool mounted() const noexcept { return mounted_; }
  const path& where() const noexcept { return folder_.where(); }
  path operator/(const std::string& name) const { return where() / name; }

private:
  temporary_folder folder_;
  bool mounted_;
};

inline std::string read_file(const path& file) {
  std::ifstream in{file.native(), std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

inline void write_file(const path& file, const std::string& text) {
  std::ofstream{file.native(), std::ios::binary | std::ios::trunc} << text;
}

inline bool is_there(const path& file) {
  struct stat info {};
  return ::lstat(file.c_str(), &info) == 0;
}

inline std::uint64_t inode_of(const path& file) {
  struct stat info {};
  return ::lstat(file.c_str(), &info) == 0 ? info.st_ino : 0;
}

/// Names in a folder, sorted.
inline std::vector<std::string> names_in(const path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : boost::filesystem::directory_iterator{folder})
    names.push_back(entry.path().filename().native());
  std::sort(names.begin(), names.end());
  return names;
}

inline void set_mark(const path& file, const std::string& token) {
  if (::setxattr(file.c_str(), "user.bellhop.transfer", token.data(), token.size(), 0) != 0)
    throw std::system_error{errno, std::generic_category(), "setxattr"};
}

/// Bytes that differ everywhere and repeat nowhere near.
inline body_buffer pattern(std::size_t size, std::uint64_t seed = 1) {
  body_buffer bytes(size);
  for (auto& byte : bytes) {
    seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
    byte = static_cast<char>(seed >> 56);
  }
  return bytes;
}

inline std::string text_of(const body_buffer& bytes) {
  return {bytes.begin(), bytes.end()};
}

constexpr std::chrono::seconds generous{60};

template <class T>
T wait_for(std::future<T> value) {
  if (value.wait_for(generous) != std::future_status::ready)
    throw std::runtime_error{"no answer came"};
  return value.get();
}

/// A publisher, called from a test's thread.
class disk {
public:
  explicit disk(publisher_options options = {}) : publisher_(std::move(options)) {}

  publisher& operator*() noexcept { return publisher_; }
  publisher* operator->() noexcept { return &publisher_; }

  /// Runs `f(answer)` on the loop.
  template <class T, class F>
  std::future<T> ask(F f) {
    auto promise = std::make_shared<std::promise<T>>();
    auto result = promise->get_future();
    publisher_.loop().post(
        [f = std::move(f), promise]() mutable { f([promise](T value) { promise->set_value(std::move(value)); }); });
    return result;
  }

  std::future<publish_result> publish_small_later(publish_target target, body_buffer body) {
    return ask<publish_result>([this, target, body = std::make_shared<const body_buffer>(std::move(body))](
                                   auto answer) { publisher_.publish_small(target, body, std::move(answer)); });
  }
  publish_result publish_small(publish_target target, body_buffer body) {
    return wait_for(publish_small_later(std::move(target), std::move(body)));
  }
  part_opened open_part(part_request request) {
    return wait_for(
        ask<part_opened>([this, request](auto answer) { publisher_.open_part(request, std::move(answer)); }));
  }
  std::future<part_written> receive(
      transfer_id id, std::int64_t offset, std::shared_ptr<body_pipe> pipe,
      std::function<void(checkpoint)> on_checkpoint = [](const checkpoint&) {}) {
    return ask<part_written>(
        [=, this](auto answer) { publisher_.receive(id, offset, pipe, on_checkpoint, std::move(answer)); });
  }
  /// A whole stream of one buffer.
  part_written receive(transfer_id id, std::int64_t offset, body_buffer bytes, error why = {}) {
    auto pipe = std::make_shared<body_pipe>(std::size_t{64} * 1024 * 1024);
    pipe->push(std::move(bytes));
    pipe->close(std::move(why));
    return wait_for(receive(id, offset, pipe));
  }
  publish_result publish_part(publish_target target) {
    return wait_for(
        ask<publish_result>([this, target](auto answer) { publisher_.publish_part(target, std::move(answer)); }));
  }
  checkpoint close_part(transfer_id id) {
    return wait_for(ask<checkpoint>([=, this](auto answer) { publisher_.close_part(id, std::move(answer)); }));
  }
  void discard_part(transfer_id id, path folder, std::string name) {
    wait_for(ask<error>([=, this](auto answer) { publisher_.discard_part(id, folder, name, std::move(answer)); }));
  }
  publish_result preflight(publish_target target, checkpoint part = {}) {
    return wait_for(
        ask<publish_result>([=, this](auto answer) { publisher_.preflight(target, part, std::move(answer)); }));
  }

private:
  publisher publisher_;
};

} // namespace bellhop::test
