#include "gateway/spooled_requests.hpp"

#include "actors/messages.hpp"

#include <caf/binary_deserializer.hpp>
#include <caf/binary_serializer.hpp>

#include <algorithm>
#include <array>
#include <cstring>

namespace bellhop {

void spooled_requests::append(const transfer_request& request) {
  std::vector<char> form;
  caf::binary_serializer sink{nullptr, form};
  if (auto why = sink(request))
    throw failure{errc::internal, "a request cannot be written"};
  const auto size = static_cast<std::uint32_t>(form.size());
  std::array<char, sizeof size> prefix;
  std::memcpy(prefix.data(), &size, sizeof size);
  bytes_.append({prefix.data(), prefix.size()});
  bytes_.append({form.data(), form.size()});
  ++count_;
}

std::vector<transfer_request> spooled_requests::next(std::size_t most) {
  std::vector<transfer_request> result(static_cast<std::size_t>(std::min<std::uint64_t>(most, count_ - read_)));
  for (auto& request : result) {
    std::uint32_t size = 0;
    const auto prefix = bytes_.read(sizeof size);
    if (prefix.size() == sizeof size)
      std::memcpy(&size, prefix.data(), sizeof size);
    const auto form = bytes_.read(size);
    caf::binary_deserializer source{nullptr, form.data(), form.size()};
    if (auto why = source(request); why || form.size() != size)
      throw failure{errc::file_io, "the requests of a bulk submit cannot be read back"};
  }
  read_ += result.size();
  return result;
}

} // namespace bellhop
