#pragma once

#include <rapidcheck.h>

#include <initializer_list>
#include <vector>

namespace bellhop {

/// Within a property: one of the values, each as likely as the others; repeat a value to make it likelier.
template <class T>
T one_of(std::initializer_list<T> values) {
  return *rc::gen::elementOf(std::vector<T>(values));
}

} // namespace bellhop
