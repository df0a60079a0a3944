// Work that is shared out to the threads of libtorch: OpenMP's, so that theirs do not spin beside ours.
#pragma once

#include <algorithm>
#include <cstdint>

// Calls `work(part)` for each of `parts` parts, at once where the compiler has OpenMP as GCC has it.
template <typename F>
void in_parts(int64_t parts, const F& work) {
#pragma omp parallel for num_threads(parts) schedule(static, 1) if (parts > 1)
  for (int64_t part = 0; part < parts; ++part) work(part);
}

// Calls `work(from, to)` for stretches of 0 to `count`, one for each thread, or for all at once where it is too little to
// share: `size` numbers each, and fewer than `LEAST` numbers a thread.
template <typename F>
void in_stretches(int64_t count, int64_t size, int64_t threads, const F& work) {
  constexpr int64_t LEAST = 1 << 13;
  const int64_t parts = std::clamp<int64_t>(count * size / LEAST, 1, std::min(threads, std::max<int64_t>(count, 1)));
  in_parts(parts, [&](int64_t part) { work(count * part / parts, count * (part + 1) / parts); });
}
