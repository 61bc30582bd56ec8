#pragma once

#include <catch2/catch.hpp>

#include <algorithm>
#include <cstddef>
#include <cwchar>
#include <cwctype>
#include <string>
#include <string_view>

#include <locale.h>

namespace bellhop::test {

/// Columns of a line by the C library's tables, SGR sequences left out; fails the test for control characters and what
/// is no UTF-8. Characters that are too new for these tables are not counted.
inline std::size_t independent_width(std::string_view line) {
  static const locale_t utf8 = ::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
  REQUIRE(utf8);
  std::string plain;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line.substr(i, 2) == "\x1b[")
      i = line.find('m', i);
    else
      plain += line[i];
  }
  const auto before = ::uselocale(utf8);
  std::size_t width = 0;
  std::mbstate_t state{};
  bool good = true;
  for (std::size_t i = 0; i < plain.size() && good;) {
    wchar_t c = 0;
    const auto length = std::mbrtowc(&c, plain.data() + i, plain.size() - i, &state);
    good = length >= 1 && length <= 4 && !std::iswcntrl(static_cast<std::wint_t>(c));
    width += static_cast<std::size_t>(std::max(0, ::wcwidth(c)));
    i += length;
  }
  ::uselocale(before);
  if (!good)
    FAIL("not printable: " << plain);
  return width;
}

} // namespace bellhop::test
