#pragma once

#include "apps/bellhop/display_text.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace bellhop::test {

/// A small terminal emulator: what `cli::terminal` sends and no more; anything else throws. Rows above the screen are
/// the scrollback and kept. On a change of width it either reflows, as VTE, kitty and Konsole do, or cuts, as xterm
/// does.
class screen {
public:
  enum class on_resize { reflow, cut };

  screen(std::size_t width, std::size_t height, on_resize how) : width_(width), height_(height), how_(how) {}

  void feed(std::string_view bytes) {
    pending_ += bytes;
    std::size_t i = 0;
    while (i < pending_.size()) {
      const auto taken = interpret(std::string_view{pending_}.substr(i));
      if (taken == 0)
        break;
      i += taken;
    }
    pending_.erase(0, i);
  }

  void resize(std::size_t width, std::size_t height) {
    if (how_ == on_resize::reflow)
      reflow(width);
    else
      for (auto& r : rows_)
        r.cells.resize(std::min(r.cells.size(), width));
    width_ = width;
    height_ = height;
    column_ = std::min(column_, width_ - 1);
    wrap_pending_ = false;
    top_ = std::min(row_, rows_.size() > height_ ? rows_.size() - height_ : 0);
    rows_.resize(std::min(rows_.size(), top_ + height_));
  }

  /// Scrollback and screen, without what is blank at the ends of lines and of the text.
  std::vector<std::string> text() const {
    std::vector<std::string> lines;
    std::string line;
    for (const auto& r : rows_) {
      for (const auto& cell : r.cells)
        line += cell;
      if (r.continues)
        continue;
      line.erase(line.find_last_not_of(' ') + 1);
      lines.push_back(std::move(line));
      line.clear();
    }
    while (!lines.empty() && lines.back().empty())
      lines.pop_back();
    return lines;
  }

  bool wraps() const noexcept { return wraps_; }
  std::size_t row() const noexcept { return row_ - top_; }
  std::size_t column() const noexcept { return column_; }

private:
  struct row_of_cells {
    /// A wide character is followed by an empty cell.
    std::vector<std::string> cells;
    /// The next row is the same line.
    bool continues = false;
  };

  std::size_t interpret(std::string_view in) {
    switch (in.front()) {
    case '\r':
      column_ = 0;
      wrap_pending_ = false;
      return 1;
    case '\n':
      wrap_pending_ = false;
      down();
      return 1;
    case '\x1b':
      return escape(in);
    default:
      return character(in);
    }
  }

  std::size_t escape(std::string_view in) {
    std::size_t end = 2;
    while (end < in.size() && (in[end] < 0x40 || in[end] > 0x7e))
      ++end;
    if (end >= in.size())
      return 0;
    const std::string arguments{in.substr(2, end - 2)};
    const auto count = std::max<std::size_t>(1, std::strtoul(arguments.c_str(), nullptr, 10));
    switch (in[end]) {
    case 'A':
      row_ -= std::min(count, row_ - top_);
      wrap_pending_ = false;
      break;
    case 'K':
      erase_line();
      break;
    case 'J':
      erase_line();
      if (row_ < rows_.size())
        rows_.resize(row_ + 1);
      break;
    case 'm':
      break;
    case 'h':
    case 'l':
      if (arguments != "?7")
        throw std::runtime_error("unknown mode " + arguments);
      wraps_ = in[end] == 'h';
      break;
    default:
      throw std::runtime_error("unknown sequence " + std::string{in.substr(1, end)});
    }
    return end + 1;
  }

  std::size_t character(std::string_view in) {
    const auto first = static_cast<unsigned char>(in.front());
    const std::size_t length = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    if (first < 0x20 || first == 0x7f)
      throw std::runtime_error("control character " + std::to_string(first));
    if (in.size() < length)
      return 0;
    const std::string text{in.substr(0, length)};
    const auto columns = cli::display_width(text);
    if (wraps_ && (wrap_pending_ || column_ + columns > width_)) {
      current().continues = true;
      column_ = 0;
      down();
    }
    wrap_pending_ = false;
    column_ = std::min(column_, width_ - std::max<std::size_t>(1, columns));
    auto& cells = current().cells;
    cells.resize(std::max(cells.size(), column_ + columns), " ");
    if (columns == 0 && column_ > 0)
      cells[column_ - 1] += text;
    for (std::size_t i = 0; i < columns; ++i)
      cells[column_ + i] = i == 0 ? text : "";
    column_ += columns;
    if (column_ >= width_) {
      column_ = width_ - 1;
      wrap_pending_ = true;
    }
    return length;
  }

  void erase_line() {
    auto& r = current();
    r.cells.resize(std::min(r.cells.size(), column_));
    r.continues = false;
  }

  void down() {
    ++row_;
    current();
    if (row_ - top_ >= height_)
      ++top_;
  }

  row_of_cells& current() {
    if (row_ >= rows_.size())
      rows_.resize(row_ + 1);
    return rows_[row_];
  }

  /// Joins what belongs to one line and breaks it anew; the cursor stays at its character.
  void reflow(std::size_t width) {
    std::vector<row_of_cells> result;
    std::size_t cursor_row = 0, cursor_column = 0;
    for (std::size_t i = 0; i < rows_.size();) {
      std::vector<std::string> line;
      std::size_t cursor = std::string::npos;
      bool more = true;
      for (; more && i < rows_.size(); ++i) {
        if (i == row_)
          cursor = line.size() + column_;
        line.insert(line.end(), rows_[i].cells.begin(), rows_[i].cells.end());
        more = rows_[i].continues;
      }
      const auto first_row = result.size();
      for (std::size_t at = 0; at < line.size() || at == 0; at += width) {
        const auto end = std::min(line.size(), at + width);
        result.push_back({{line.begin() + std::ptrdiff_t(std::min(at, end)), line.begin() + std::ptrdiff_t(end)},
                          at + width < line.size()});
      }
      if (cursor != std::string::npos) {
        cursor_row = first_row + std::min(cursor / width, result.size() - 1 - first_row);
        cursor_column = cursor % width;
      }
    }
    rows_ = std::move(result);
    row_ = cursor_row;
    column_ = cursor_column;
  }

  std::size_t width_;
  std::size_t height_;
  on_resize how_;
  std::vector<row_of_cells> rows_{1};
  /// The screen's first row, in `rows_`.
  std::size_t top_ = 0;
  /// The cursor, in `rows_`.
  std::size_t row_ = 0;
  std::size_t column_ = 0;
  bool wraps_ = true;
  bool wrap_pending_ = false;
  std::string pending_;
};

} // namespace bellhop::test
