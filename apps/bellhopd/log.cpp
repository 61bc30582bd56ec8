#include "apps/bellhopd/log.hpp"

#include "core/bounded_log.hpp"
#include "core/system_error.hpp"
#include "core/text.hpp"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace bellhop::daemon {

namespace {

/// An error's text names a URL or a path, and may hold what a server sent.
constexpr std::size_t longest_line = 8192;
constexpr bounded_log::bounds file_bounds{2 * 1024 * 1024, 1024 * 1024};
constexpr std::array<std::string_view, 4> level_names{"debug", "info", "warning", "error"};

/// Standard error, whatever it is at the time: spdlog's own sinks keep a stream's buffer or a file of their own.
class standard_error_sink final : public spdlog::sinks::base_sink<std::mutex> {
public:
  /// Standard error is this file now.
  void use(bounded_log file) {
    const std::lock_guard guard{mutex_};
    file_.emplace(std::move(file));
  }

protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    // There is nobody to tell that the log cannot be written.
    [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line.size());
    if (file_)
      file_->trim();
  }
  void flush_() override {}

private:
  std::optional<bounded_log> file_;
};

std::shared_ptr<standard_error_sink> sink() {
  static const auto only = std::make_shared<standard_error_sink>();
  return only;
}

/// sd-daemon(3): "<6>" and so on.
class journal_priority final : public spdlog::custom_flag_formatter {
public:
  void format(const spdlog::details::log_msg& message, const std::tm&, spdlog::memory_buf_t& out) override {
    const auto level = message.level;
    out.push_back(level >= spdlog::level::err    ? '3'
                  : level == spdlog::level::warn ? '4'
                  : level == spdlog::level::info ? '6'
                                                 : '7');
  }
  std::unique_ptr<custom_flag_formatter> clone() const override { return std::make_unique<journal_priority>(); }
};

/// systemd.exec(5): the device and inode number that the journal's stream has; standard error may be another file
/// since.
bool writes_to_journal() {
  const char* stream = std::getenv("JOURNAL_STREAM");
  struct stat info {};
  return stream && ::fstat(STDERR_FILENO, &info) == 0 && fmt::format("{}:{}", info.st_dev, info.st_ino) == stream;
}

spdlog::level::level_enum spdlog_level(log_level level) noexcept {
  switch (level) {
  case log_level::debug:
    return spdlog::level::debug;
  case log_level::info:
    return spdlog::level::info;
  case log_level::warning:
    return spdlog::level::warn;
  case log_level::error:
    break;
  }
  return spdlog::level::err;
}

} // namespace

std::string_view to_string(log_level level) noexcept {
  return level_names[static_cast<std::size_t>(level)];
}

bool from_string(std::string_view name, log_level& out) noexcept {
  for (std::size_t i = 0; i < level_names.size(); ++i)
    if (level_names[i] == name) {
      out = static_cast<log_level>(i);
      return true;
    }
  return false;
}

void begin_log(log_level level) {
  auto logger = std::make_shared<spdlog::logger>("bellhopd", sink());
  auto formatter = std::make_unique<spdlog::pattern_formatter>(spdlog::pattern_time_type::utc);
  formatter->add_flag<journal_priority>('*').set_pattern(writes_to_journal() ? "<%*>%v"
                                                                             : "%Y-%m-%dT%H:%M:%S.%eZ %l: %v");
  logger->set_formatter(std::move(formatter));
  spdlog::set_default_logger(std::move(logger));
  set_log_level(level);
}

void set_log_level(log_level level) noexcept {
  spdlog::set_level(spdlog_level(level));
}

void log_to_file(const path& where) {
  bounded_log file{where, file_bounds};
  if (::dup2(file.fd(), STDOUT_FILENO) < 0 || ::dup2(file.fd(), STDERR_FILENO) < 0)
    throw_system_error(errc::file_io, "write the log to", where, errno);
  sink()->use(std::move(file));
}

void log(log_level level, std::string_view line) {
  const auto quoted = in_quotes(line, longest_line);
  spdlog::default_logger_raw()->log(spdlog_level(level), spdlog::string_view_t{quoted.data() + 1, quoted.size() - 2});
}

} // namespace bellhop::daemon
