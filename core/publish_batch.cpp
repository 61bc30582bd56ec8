#include "core/publish_batch.hpp"

#include "core/own_file.hpp"

#include <algorithm>
#include <cerrno>
#include <limits>
#include <map>
#include <utility>

#include <unistd.h>

namespace bellhop {

namespace {

constexpr std::size_t most_files_crash = 64;
constexpr std::size_t most_files_power = 256;
constexpr std::int64_t most_bytes = 8 * 1024 * 1024;
/// From this many files on one file system, one syncfs is cheaper than an fdatasync for each.
constexpr std::size_t enough_for_syncfs = 4;

/// The file that was found under the name is this transfer's; what it holds is what counts.
publish_result result_of_own(const publish_batch::entry& e, const std::string& name) {
  auto own = own_file::find(*e.in, name, e.target.token, {}, e.target.record_sha256);
  if (!own || own->verify(std::numeric_limits<std::int64_t>::max() / 2) != own_file::verdict::ours)
    return {naming_error(EEXIST, e.target.destination, *e.in), {}, false};
  if (e.target.durable == durability::power) {
    if (const int failed = own->sync(); failed != 0)
      return {disk_error(failed, "sync " + name, *e.in), {}, false};
  }
  return {{}, {e.in->where / name, own->size(), own->sha256()}, false};
}

} // namespace

std::string temporary_name_for_part(const std::string& part_name) {
  constexpr std::string_view suffix = ".part";
  const bool has_suffix = part_name.size() > suffix.size() && part_name.ends_with(suffix);
  return part_name.substr(0, part_name.size() - (has_suffix ? suffix.size() : 0)) + ".new";
}

std::string temporary_name_for_token(const std::string& token) {
  const std::size_t colon = token.rfind(':');
  std::string id = token.substr(0, std::min<std::size_t>(colon, 8));
  std::string number = colon == std::string::npos ? std::string{} : token.substr(colon + 1);
  std::replace(id.begin(), id.end(), '/', '_');
  std::replace(number.begin(), number.end(), '/', '_');
  return ".bellhop-" + id + "-" + number + ".new";
}

void publish_batch::add(entry e) {
  bytes_ += e.size;
  entries_.push_back(std::move(e));
}

bool publish_batch::full() const noexcept {
  return entries_.size() >= (durable_ == durability::power ? most_files_power : most_files_crash) ||
         bytes_ >= most_bytes;
}

void publish_batch::sync_data(const std::vector<entry>& entries, std::vector<outcome_of>& outcomes) const {
  std::map<dev_t, std::vector<std::size_t>> by_device;
  for (std::size_t i = 0; i < entries.size(); ++i)
    by_device[entries[i].in->device].push_back(i);
  for (const auto& [device, members] : by_device) {
    const bool at_once = members.size() >= enough_for_syncfs;
    int failed = 0;
    if (at_once && ::syncfs(entries[members.front()].file.fd.get()) != 0)
      failed = errno;
    for (const std::size_t i : members) {
      if (!at_once)
        failed = ::fdatasync(entries[i].file.fd.get()) == 0 ? 0 : errno;
      outcomes[i].error_number = failed;
    }
  }
}

void publish_batch::sync_folders(const std::vector<entry>& entries, std::vector<outcome_of>& outcomes) const {
  std::map<const folder*, int> synced;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (outcomes[i].error_number != 0)
      continue;
    const folder* in = entries[i].in.get();
    auto known = synced.find(in);
    if (known == synced.end())
      known = synced.emplace(in, in->sync()).first;
    outcomes[i].error_number = known->second;
  }
}

void publish_batch::finish(entry& e, const outcome_of& o) {
  const int folder_fd = e.in->fd.get();
  const bool named = o.error_number == 0 && !o.named.own;
  const bool keep_hidden = named || (e.is_part && o.error_number != 0);
  if (!e.file.hidden_name.empty() && !keep_hidden)
    ::unlinkat(folder_fd, e.file.hidden_name.c_str(), 0);

  publish_result result;
  if (o.error_number != 0)
    result.why = naming_error(o.error_number, e.target.destination, *e.in);
  else if (o.named.own)
    result = result_of_own(e, o.named.name);
  else
    result.file = {e.in->where / o.named.name, e.size, std::move(e.sha256)};

  if (!result.why && !e.target.stale_part.empty() && e.target.stale_part != e.file.hidden_name)
    ::unlinkat(folder_fd, e.target.stale_part.c_str(), 0);
  e.file.fd.reset();
  e.done(std::move(result));
}

void publish_batch::flush() {
  // Answers may add to the next batch.
  std::vector<entry> entries = std::exchange(entries_, {});
  bytes_ = 0;
  std::vector<outcome_of> outcomes(entries.size());
  const bool power = durable_ == durability::power;
  if (power)
    sync_data(entries, outcomes);
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const entry& e = entries[i];
    outcome_of& o = outcomes[i];
    if (o.error_number != 0)
      continue;
    o.named = give_name(*e.in, e.file, e.name, e.target.on_conflict, e.target.token,
                        temporary_name_for_token(e.target.token));
    o.error_number = o.named.error_number;
  }
  if (power)
    sync_folders(entries, outcomes);
  for (std::size_t i = 0; i < entries.size(); ++i)
    finish(entries[i], outcomes[i]);
}

} // namespace bellhop
