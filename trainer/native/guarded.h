// What every function of ours that calls libtorch returns: null, or an error message that the caller frees with `sr_free`.
#pragma once

#include <cstring>
#include <exception>

template <typename F>
char* guarded(F&& body) {
  try {
    body();
    return nullptr;
  } catch (const std::exception& error) {
    return strdup(error.what());
  }
}
