#include "apps/bellhop/hand_over.hpp"

#include "core/url.hpp"

#include <utility>

namespace bellhop::cli {

namespace {

void add(hand_over_batch& batch, transfer_request request) {
  batch.all.push_back({redact(request.url), request.destination, {}, {}});
  batch.requests.push_back(std::move(request));
}

} // namespace

void hand_over_batch::settle(const std::vector<submit_result>& results) {
  auto result = results.begin();
  for (auto& each : all) {
    if (each.why)
      continue;
    each.id = result->id;
    each.why = result->why;
    ++result;
  }
}

hand_over::hand_over(const get_options& options) : options_(options) {
  if (!options.list.empty())
    list_ = std::make_unique<list_reader>(options.list, options.folder, common_request(options));
}

hand_over_batch hand_over::next(int wake_fd) {
  hand_over_batch batch;
  while (next_url_ < options_.urls.size() && batch.all.size() < batch_size)
    add(batch, request_for(options_, options_.urls[next_url_++]));
  if (!batch.all.empty() || !list_)
    return batch;
  for (auto& item : list_->next(batch_size, wake_fd)) {
    if (auto* bad = std::get_if<error>(&item))
      batch.all.push_back({{}, {}, {}, std::move(*bad)});
    else
      add(batch, std::move(std::get<transfer_request>(item)));
  }
  return batch;
}

} // namespace bellhop::cli
