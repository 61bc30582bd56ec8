#include "gateway/request_splitter.hpp"

#include "core/text.hpp"

namespace bellhop {

namespace {

constexpr bool is_space(char c) noexcept {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

[[noreturn]] void malformed(const char* what) {
  throw failure{errc::invalid_argument, std::string{"malformed JSON: "} + what};
}

} // namespace

void request_splitter::feed(std::string_view bytes) {
  if (form_ == form::lines)
    feed_line(bytes);
  else
    feed_array(bytes);
}

void request_splitter::end() {
  if (form_ == form::lines)
    give_line();
  else if (place_ == place::before)
    malformed("the body is empty");
  else if (place_ != place::after)
    malformed("the body ends within the array");
}

void request_splitter::feed_line(std::string_view bytes) {
  for (auto end = bytes.find('\n'); end != bytes.npos; end = bytes.find('\n')) {
    keep(bytes.substr(0, end));
    give_line();
    ++line_;
    bytes.remove_prefix(end + 1);
  }
  keep(bytes);
}

void request_splitter::give_line() {
  const bool blank = !too_long_ && text_.find_first_not_of(" \t\r") == text_.npos;
  if (blank)
    text_.clear();
  else
    give(line_);
}

void request_splitter::feed_array(std::string_view bytes) {
  std::size_t begin = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const char c = bytes[i];
    if (place_ != place::inside) {
      between(c);
      begin = i;
      if (place_ != place::inside)
        continue;
    }
    const bool ends = (c == ',' || c == ']') && scanner_.depth() == 0 && !scanner_.in_string();
    if (!ends) {
      scanner_.feed(c);
      continue;
    }
    keep(bytes.substr(begin, i - begin));
    give(0);
    scanner_ = {};
    place_ = c == ',' ? place::next : place::after;
  }
  if (place_ == place::inside)
    keep(bytes.substr(begin));
}

/// A byte that is of no request.
void request_splitter::between(char c) {
  if (is_space(c))
    return;
  switch (place_) {
  case place::before:
    if (c != '[')
      malformed("the body must be an array");
    place_ = place::first;
    return;
  case place::first:
    place_ = c == ']' ? place::after : place::inside;
    break;
  case place::next:
    place_ = place::inside;
    break;
  default:
    malformed("something follows the array");
  }
  if (place_ == place::inside && (c == ',' || c == ']'))
    malformed("a comma stands before nothing");
}

void request_splitter::keep(std::string_view bytes) {
  if (text_.size() + bytes.size() > longest_) {
    too_long_ = true;
    text_.clear();
  }
  if (!too_long_)
    text_ += bytes;
}

void request_splitter::give(std::uint64_t line) {
  split_request found{text_, index_, line, {}};
  if (too_long_)
    found.why = {errc::too_large, "the request is longer than " + std::to_string(longest_) + " bytes", 0};
  to_(found);
  ++index_;
  too_long_ = false;
  text_.clear();
}

} // namespace bellhop
