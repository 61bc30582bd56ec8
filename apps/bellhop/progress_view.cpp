#include "apps/bellhop/progress_view.hpp"

#include "core/numbers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string_view>

namespace bellhop::cli {

namespace {

enum class colour : int { red = 31, green = 32, yellow = 33, cyan = 36 };

std::string painted(std::string text, colour c, const view_style& style) {
  return style.colour && !text.empty() ? fmt::format("\x1b[{}m{}\x1b[0m", static_cast<int>(c), text) : text;
}

/// Which columns a row has and how wide they are; 0 means left out. A gap of one column goes before each but the name.
struct layout {
  std::size_t name = 0;
  std::size_t bar = 0;
  std::size_t percent = 0;
  std::size_t size = 0;
  std::size_t rate = 0;
  std::size_t left = 0;
};

constexpr std::size_t gap = 1;
constexpr std::size_t least_name = 12;
constexpr std::size_t least_bar = 12;

/// Columns are added in the order of their use, as long as the name stays readable.
layout layout_for(std::size_t width) {
  layout l;
  l.name = width;
  const auto add = [&l](std::size_t& column, std::size_t wanted, std::size_t name_keeps) {
    if (l.name < name_keeps + wanted + gap)
      return;
    column = wanted;
    l.name -= wanted + gap;
  };
  add(l.percent, 4, 6);
  add(l.rate, rate_width, least_name);
  add(l.left, duration_width, least_name);
  add(l.size, 2 * size_width + 1, least_name + 6);
  add(l.bar, least_bar, least_name + 6);
  // What is to spare goes to the bar and the name alike, neither becoming silly.
  if (constexpr std::size_t fair_name = 30; l.bar > 0 && l.name > fair_name) {
    const auto more = std::min<std::size_t>((l.name - fair_name) / 2, 28);
    l.bar += more;
    l.name -= more;
  }
  constexpr std::size_t longest_name = 60;
  l.name = l.size > 0 ? std::min(l.name, longest_name) : l.name;
  return l;
}

std::string repeated(std::string_view piece, std::size_t times) {
  std::string result;
  for (std::size_t i = 0; i < times; ++i)
    result += piece;
  return result;
}

/// A filled bar, or for an unknown size a block that wanders.
std::string bar(const active_transfer& t, std::size_t width, const view_style& style, instant now) {
  const std::string_view full = style.set == charset::utf8 ? "\u2588" : "#";
  const std::string_view empty = style.set == charset::utf8 ? "\u2591" : "-";
  if (t.total < 0) {
    const std::size_t block = std::max<std::size_t>(1, width / 4);
    const auto period = 2 * (width - block);
    const auto step =
        static_cast<std::size_t>((now - t.since) / std::chrono::milliseconds{200}) % std::max<std::size_t>(1, period);
    const auto before = std::min(step, period - step);
    return repeated(empty, before) + painted(repeated(full, block), colour::cyan, style) +
           repeated(empty, width - block - before);
  }
  const double done = t.total == 0 ? 1.0 : std::clamp(double(t.received) / double(t.total), 0.0, 1.0);
  const auto filled = static_cast<std::size_t>(done * double(width));
  return painted(repeated(full, filled), colour::green, style) + repeated(empty, width - filled);
}

std::string percent(const active_transfer& t) {
  if (t.total < 0)
    return "";
  const auto done = t.total == 0 ? 100.0 : std::clamp(100.0 * double(t.received) / double(t.total), 0.0, 100.0);
  return fmt::format("{}%", static_cast<int>(done));
}

std::string amounts(const active_transfer& t) {
  return t.total < 0 ? format_size(t.received) : format_size(t.received) + "/" + format_size(t.total);
}

/// Right-aligned in its column, cut if a number should be longer than any that was thought of.
std::string cell(const std::string& text, std::size_t width, const view_style& style) {
  return width == 0 ? "" : " " + pad_left(shorten_end(text, width, style.set), width);
}

std::string running_row(const active_transfer& t, const layout& l, const view_style& style, instant now) {
  const auto rate = t.rate.per_second(now);
  const auto left = time_left(t.received, t.total, rate);
  std::string row = pad_right(shorten_middle(printable(t.name, style.set), l.name, style.set), l.name);
  if (l.bar > 0)
    row += " " + bar(t, l.bar, style, now);
  row += cell(percent(t), l.percent, style);
  row += cell(amounts(t), l.size, style);
  row += cell(rate ? format_rate(*rate) : "", l.rate, style);
  row += cell(left ? format_duration(*left) : "", l.left, style);
  row.erase(row.find_last_not_of(' ') + 1);
  return row;
}

std::string reason_text(const pause& p, instant now) {
  if (p.reason == wait_reason::needs_credential)
    return "needs a user name and password";
  std::string text;
  if (p.until) {
    const auto left = std::max(std::chrono::seconds{0}, std::chrono::ceil<std::chrono::seconds>(*p.until - now));
    text = fmt::format("retrying in {}", format_duration(left));
  } else {
    text = "waiting";
  }
  if (!p.why.empty())
    return text + ": " + p.why;
  switch (p.reason) {
  case wait_reason::no_network:
    return text + ": no network";
  case wait_reason::no_space:
    return text + ": no space left";
  case wait_reason::retry_after:
    return text + ": the server asked for it";
  default:
    return text;
  }
}

std::string waiting_row(const active_transfer& t, const layout& l, std::size_t width, const view_style& style,
                        instant now) {
  constexpr std::size_t countdown = std::string_view{" retrying in 10s"}.size();
  const auto reason = printable(reason_text(*t.waiting, now), style.set);
  // As wide as the names above, unless too little would be left for the reason.
  const auto name_width = std::min(l.name, std::max(width / 2, countdown) - countdown + width / 5);
  auto name = shorten_middle(printable(t.name, style.set), name_width, style.set);
  if (name.empty())
    return painted(shorten_end(reason, width, style.set), colour::yellow, style);
  name = pad_right(std::move(name), name_width);
  return name + " " + painted(shorten_end(reason, width - name_width - gap, style.set), colour::yellow, style);
}

/// Pieces in the order of their use, until the line is full.
std::string totals_line(const progress_model& model, std::size_t hidden, std::size_t width, const view_style& style,
                        instant now) {
  const auto& ended = model.ended();
  const auto plural = model.transfers() == 1 ? "file" : "files";
  std::vector<std::string> pieces{fmt::format("{}/{} {}", ended.completed, model.transfers(), plural)};
  if (ended.failed > 0)
    pieces.push_back(fmt::format("{} failed", ended.failed));
  if (const auto rate = model.rate(now))
    pieces.push_back(format_rate(*rate));
  if (const auto left = model.time_left(now))
    pieces.push_back(format_duration(*left) + " left");
  pieces.push_back(format_size(model.bytes()));
  if (hidden > 0)
    pieces.push_back(fmt::format("{} more active", hidden));

  std::string line;
  for (const auto& piece : pieces) {
    const auto next = line.empty() ? piece : line + "  " + piece;
    if (display_width(next) > width)
      break;
    line = next;
  }
  return line.empty() ? shorten_end(pieces.front(), width, style.set) : line;
}

struct row_choice {
  std::vector<const active_transfer*> rows;
  std::size_t hidden = 0;
};

/// Running transfers before waiting ones, each in the order of their numbers, so that rows seldom change places.
row_choice choose_rows(const progress_model& model, std::size_t room, instant now) {
  row_choice choice;
  for (const bool waiting : {false, true}) {
    for (const auto& [id, t] : model.active()) {
      if (t.waiting.has_value() != waiting || now - t.since < shortest_shown)
        continue;
      if (choice.rows.size() < room)
        choice.rows.push_back(&t);
      else
        ++choice.hidden;
    }
  }
  return choice;
}

void append_failure(std::vector<std::string>& lines, const ended_transfer& e, const view_style& style,
                    std::size_t width) {
  // Error pages and redirect chains may come in; this is enough to understand what went wrong.
  constexpr std::size_t longest_message = 600;
  const std::string mark = style.set == charset::utf8 ? "\u2717" : "failed";
  const auto name = shorten_middle(printable(e.name, style.set), std::max<std::size_t>(width / 2, 8), style.set);
  const auto message = shorten_end(printable(e.message, style.set), longest_message, style.set);
  for (auto& line : wrap(fmt::format("{} {}: {}", mark, name, message), width))
    lines.push_back(painted(std::move(line), colour::red, style));
}

std::string success(const ended_transfer& e, const view_style& style, std::size_t width) {
  const std::string mark = style.set == charset::utf8 ? "\u2713" : "ok";
  std::string details = "  " + format_size(e.received);
  if (e.elapsed)
    details += "  " + format_elapsed(*e.elapsed);
  const auto mark_width = display_width(mark) + gap;
  const auto name = printable(e.name, style.set);
  if (width < mark_width + least_name + display_width(details))
    details.clear();
  if (width <= mark_width)
    return shorten_end(mark, width, style.set);
  const auto room = width - mark_width - display_width(details);
  return painted(mark, colour::green, style) + " " + shorten_middle(name, room, style.set) + details;
}

std::string count_line(std::uint64_t count, std::string_view what, const view_style& style, std::size_t width) {
  const auto dots = style.set == charset::utf8 ? "\u2026" : "...";
  return shorten_end(fmt::format("{} and {} more {}{}", dots, count, count == 1 ? "file" : "files", what), width,
                     style.set);
}

} // namespace

std::vector<std::string> render(const progress_model& model, const view_style& style, std::size_t width,
                                std::size_t height, instant now) {
  const auto room = std::min(height > 2 ? height - 2 : 0, most_rows);
  const auto choice = choose_rows(model, room, now);
  const auto l = layout_for(width);
  std::vector<std::string> lines;
  for (const auto* t : choice.rows)
    lines.push_back(t->waiting ? waiting_row(*t, l, width, style, now) : running_row(*t, l, style, now));
  lines.push_back(totals_line(model, choice.hidden, width, style, now));
  return lines;
}

std::vector<std::string> render(const ended_batch& batch, const view_style& style, std::size_t width) {
  std::vector<std::string> lines;
  for (const auto& e : batch.shown) {
    if (e.type == event_type::completed)
      lines.push_back(success(e, style, width));
    else
      append_failure(lines, e, style, width);
  }
  if (batch.more_completed > 0)
    lines.push_back(count_line(batch.more_completed, "", style, width));
  if (batch.more_failed > 0)
    lines.push_back(painted(count_line(batch.more_failed, " failed", style, width), colour::red, style));
  return lines;
}

std::string summary(const tally& ended, std::int64_t bytes, std::chrono::milliseconds elapsed) {
  const auto seconds = std::chrono::duration<double>(elapsed).count();
  auto text = fmt::format("{} {}, {} in {}", ended.completed, ended.completed == 1 ? "file" : "files",
                          format_size(bytes), format_elapsed(elapsed));
  if (seconds > 0)
    text += fmt::format(" ({})", format_rate(static_cast<double>(bytes) / seconds));
  if (ended.failed > 0)
    text += fmt::format(", {} failed", ended.failed);
  if (ended.cancelled > 0)
    text += fmt::format(", {} cancelled", ended.cancelled);
  return text;
}

std::string format_elapsed(std::chrono::milliseconds elapsed) {
  if (elapsed < std::chrono::minutes{1})
    return fmt::format("{:.1f}s", std::chrono::duration<double>(elapsed).count());
  return format_duration(std::chrono::duration_cast<std::chrono::seconds>(elapsed));
}

} // namespace bellhop::cli
