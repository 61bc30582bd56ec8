#pragma once

#include <memory>
#include <type_traits>
#include <utility>

namespace bellhop {

template <class Signature>
class unique_function;

/// std::move_only_function of C++23: a callable that owns move-only captures.
template <class R, class... Args>
class unique_function<R(Args...)> {
public:
  unique_function() = default;

  template <class F>
    requires(!std::is_same_v<std::decay_t<F>, unique_function> && std::is_invocable_r_v<R, F&, Args...>)
  unique_function(F&& f) : impl_(std::make_unique<model<std::decay_t<F>>>(std::forward<F>(f))) {}

  explicit operator bool() const noexcept { return impl_ != nullptr; }

  R operator()(Args... args) { return impl_->call(std::forward<Args>(args)...); }

private:
  struct concept_t {
    virtual ~concept_t() = default;
    virtual R call(Args...) = 0;
  };

  template <class F>
  struct model final : concept_t {
    explicit model(F f) : f(std::move(f)) {}
    R call(Args... args) override { return f(std::forward<Args>(args)...); }
    F f;
  };

  std::unique_ptr<concept_t> impl_;
};

} // namespace bellhop
