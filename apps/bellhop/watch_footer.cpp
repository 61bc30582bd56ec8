#include "apps/bellhop/watch_footer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace bellhop::cli {

std::vector<std::string> watch_footer::lines() const {
  std::string text;
  const auto add = [&text](std::uint64_t count, std::string_view what) {
    if (count > 0)
      text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, what);
  };
  const auto& counts = now_.counts;
  add(now_.active, "running");
  add(counts.queued - std::min(counts.queued, now_.active), "queued");
  add(counts.waiting, "waiting");
  add(counts.suspended, "suspended");
  if (text.empty())
    text = "nothing to do";
  if (now_.paused)
    text += "; paused, goes on with: bellhop sessions resume " + session_;
  return {fmt::format("{}: {}  [q leaves, the transfers go on]", session_, text)};
}

} // namespace bellhop::cli
