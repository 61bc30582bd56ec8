#include "apps/bellhop/plain_output.hpp"

#include "apps/bellhop/display_text.hpp"
#include "apps/bellhop/progress_view.hpp"
#include "apps/bellhop/terminal.hpp"
#include "core/numbers.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace bellhop::cli {

namespace {

constexpr std::size_t most_gathered = 64 * 1024;

} // namespace

plain_output::plain_output(int out, int err, verbosity how) : out_(out), err_(err), how_(how) {
  gathered_.reserve(most_gathered);
}

plain_output::~plain_output() {
  flush();
}

void plain_output::completed(std::string_view file, std::int64_t size,
                             std::optional<std::chrono::milliseconds> elapsed) {
  if (how_ != verbosity::lines)
    return;
  const auto time = elapsed ? "  " + format_elapsed(*elapsed) : "";
  gather(fmt::format("completed {}  {}{}\n", printable(file, charset::utf8), format_size(size), time));
}

void plain_output::failed(std::string_view what, std::string_view message) {
  flush();
  const auto subject = what.empty() ? std::string{} : " " + printable(what, charset::utf8);
  write_all(err_, fmt::format("failed{}: {}\n", subject, printable(message, charset::utf8)));
}

void plain_output::waiting(std::string_view file, std::string_view why, std::chrono::milliseconds delay,
                           bool needs_user) {
  if (how_ != verbosity::lines && !needs_user)
    return;
  flush();
  write_all(err_, fmt::format("waiting {}: {}; again in {}\n", printable(file, charset::utf8),
                              printable(why, charset::utf8), format_elapsed(delay)));
}

void plain_output::object(const nlohmann::ordered_json& value) {
  if (how_ == verbosity::json)
    gather(value.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + '\n');
}

void plain_output::summary(const tally& ended, std::int64_t bytes, std::chrono::milliseconds elapsed) {
  flush();
  if (how_ == verbosity::lines)
    write_all(err_, cli::summary(ended, bytes, elapsed) + '\n');
}

bool plain_output::flush() {
  if (!gathered_.empty() && !broken_)
    broken_ = !write_all(out_, gathered_);
  gathered_.clear();
  return !broken_;
}

void plain_output::gather(std::string_view line) {
  gathered_ += line;
  if (gathered_.size() >= most_gathered)
    flush();
}

} // namespace bellhop::cli
