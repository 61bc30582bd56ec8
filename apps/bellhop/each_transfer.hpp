#pragma once

#include "apps/bellhop/exit_status.hpp"
#include "apps/bellhop/output.hpp"
#include "core/error.hpp"
#include "core/transfer.hpp"

#include <algorithm>
#include <future>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

/// Things done to transfers one by one, so that each one's error is known.
namespace bellhop::cli {

/// Calls `begin(id)`, which returns a future, for some transfers at a time, and then `done(id, error)` for each in its
/// order, or `done(id, error, value)` where the future has one. An error stops no other.
template <class Begin, class Done>
exit_status for_each_transfer(std::span<const transfer_id> ids, Begin begin, Done done) {
  constexpr std::size_t most_at_once = 64;
  using future = std::invoke_result_t<Begin, transfer_id>;
  auto status = exit_status::all_completed;
  while (!ids.empty()) {
    const auto some = ids.first(std::min(ids.size(), most_at_once));
    std::vector<future> answers;
    for (const auto id : some)
      answers.push_back(begin(id));
    for (std::size_t i = 0; i < some.size(); ++i) {
      try {
        if constexpr (std::is_same_v<future, std::future<void>>) {
          answers[i].get();
          done(some[i], error{});
        } else {
          done(some[i], error{}, answers[i].get());
        }
      } catch (const failure& problem) {
        status = exit_status::some_failed;
        if constexpr (std::is_same_v<future, std::future<void>>)
          done(some[i], problem.why());
        else
          done(some[i], problem.why(), {});
      }
    }
    ids = ids.subspan(some.size());
  }
  return status;
}

/// {"session","transfer","error"?}: what became of one.
json outcome_of(const std::string& session, transfer_id, const error&);

/// Tells an error on standard error; with `as_json` every outcome on standard output.
void tell(const std::string& session, transfer_id, const error&, bool as_json);

} // namespace bellhop::cli
