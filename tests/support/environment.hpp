#pragma once

#include <cstdlib>
#include <optional>
#include <string>

namespace bellhop::test {

/// Sets an environment variable, or unsets it (null), for as long as it lives.
class environment {
public:
  environment(const char* name, const char* value) : name_(name) {
    if (const char* old = std::getenv(name))
      old_ = old;
    set(value);
  }
  ~environment() { set(old_ ? old_->c_str() : nullptr); }
  environment(const environment&) = delete;
  environment& operator=(const environment&) = delete;

private:
  void set(const char* value) {
    if (value)
      ::setenv(name_, value, 1);
    else
      ::unsetenv(name_);
  }
  const char* name_;
  std::optional<std::string> old_;
};

} // namespace bellhop::test
