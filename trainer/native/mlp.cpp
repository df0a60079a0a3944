// The hidden layer of the scorer that is a network on a session and an item, over every pair of the two, never held in
// memory.
//
// With a = W_s s + b of B sessions, c = W_e e of V items and the weights v of the output, all of width d, the score of a
// pair is sum over k of v_k relu(a_k + c_k). Two rewritings keep the work at five vector operations for each (pair, k):
//   relu(a + c) = max(a, -c) + c, so that the sum over k of v_k c_k is one number of the item;
//   the gradient is dz v_k where a_k > -c_k and 0 elsewhere, so sums of dz under that mask are all that is needed,
//   and v_k multiplies them once, after summing.
//
// Columns (items) lie in vector lanes. Everything is written for vectors of W floats and compiled for what the processor
// may have.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include "lanes.h"
#include "threads.h"

namespace {

struct Sizes {
  int64_t sessions, width, items;
};

// How many sessions share a load of an item's numbers.
constexpr int64_t FORWARD_ROWS = 4;
constexpr int64_t BACKWARD_ROWS = 8;

// The columns of a block: its part of c and of its gradient stay within the second-level cache.
int64_t block_columns(int64_t width) {
  const int64_t fit = (1 << 16) / std::max<int64_t>(width, 1);
  return std::clamp<int64_t>(fit / 64 * 64, 64, 512);
}

// Copies the columns [start, start + count) of `from` [width, items] negated into `to` [width, columns]. The columns after
// `count` become `rest`.
SR_INLINE void negated_block(const float* from, float* to, Sizes sizes, int64_t start, int64_t count, int64_t columns,
                             float rest) {
  for (int64_t k = 0; k < sizes.width; ++k) {
    const float* row = from + k * sizes.items + start;
    float* out = to + k * columns;
    for (int64_t j = 0; j < count; ++j) out[j] = -row[j];
    for (int64_t j = count; j < columns; ++j) out[j] = rest;
  }
}

// Scores of ROWS sessions from `a` on, against 4 vectors of items. `n` is -c, [width, columns].
template <int W, int ROWS>
SR_INLINE void score_tile(const float* a, const float* n, const float* v, const float* base, int64_t width,
                          int64_t columns, float (*out)[4 * W]) {
  typedef typename Lanes<W>::Vector Vector;
  Vector sum[ROWS][4] = {};
  for (int64_t k = 0; k < width; ++k) {
    const float weight = v[k];
    Vector item[4];
    for (int j = 0; j < 4; ++j) item[j] = *reinterpret_cast<const Vector*>(n + k * columns + j * W);
    for (int b = 0; b < ROWS; ++b) {
      const Vector session = a[b * width + k] - Vector{};
      for (int j = 0; j < 4; ++j) {
        const Vector larger = session > item[j] ? session : item[j];
        sum[b][j] += weight * larger;
      }
    }
  }
  for (int b = 0; b < ROWS; ++b) {
    for (int j = 0; j < 4; ++j) {
      *reinterpret_cast<Vector*>(out[b] + j * W) = sum[b][j] + *reinterpret_cast<const Vector*>(base + j * W);
    }
  }
}

template <int W>
SR_INLINE void scores_of_columns(const float* a, const float* c, const float* v, float* out, Sizes sizes, int64_t from,
                                 int64_t to) {
  constexpr int64_t TILE = 4 * W;
  std::vector<float> item(sizes.width * TILE), base(TILE);
  float tile[FORWARD_ROWS][TILE];
  for (int64_t start = from; start < to; start += TILE) {
    const int64_t count = std::min(TILE, to - start);
    negated_block(c, item.data(), sizes, start, count, TILE, 0.0f);
    std::fill(base.begin(), base.end(), 0.0f);
    for (int64_t k = 0; k < sizes.width; ++k) {
      for (int64_t j = 0; j < TILE; ++j) base[j] -= v[k] * item[k * TILE + j];
    }
    for (int64_t row = 0; row < sizes.sessions; row += FORWARD_ROWS) {
      const int64_t rows = std::min(FORWARD_ROWS, sizes.sessions - row);
      if (rows == FORWARD_ROWS) {
        score_tile<W, FORWARD_ROWS>(a + row * sizes.width, item.data(), v, base.data(), sizes.width, TILE, tile);
      } else {
        for (int64_t b = 0; b < rows; ++b) {
          score_tile<W, 1>(a + (row + b) * sizes.width, item.data(), v, base.data(), sizes.width, TILE, tile + b);
        }
      }
      for (int64_t b = 0; b < rows; ++b) {
        std::memcpy(out + (row + b) * sizes.items + start, tile[b], count * sizeof(float));
      }
    }
  }
}

// For one k: adds the masked gradients of ROWS sessions to those of a block of items `dc`, and their sums to `da`.
template <int W, int ROWS>
SR_INLINE void gradient_tile(const float* a, const float* n, const float* dz, float* da, float* dc, int64_t width,
                             int64_t columns) {
  typedef typename Lanes<W>::Vector Vector;
  const Vector zero = {};
  Vector session[ROWS], sum[ROWS];
  for (int b = 0; b < ROWS; ++b) {
    session[b] = a[b * width] - zero;
    sum[b] = zero;
  }
  for (int64_t j = 0; j < columns; j += W) {
    const Vector item = *reinterpret_cast<const Vector*>(n + j);
    Vector* const place = reinterpret_cast<Vector*>(dc + j);
    Vector even = *place, odd = zero;
    for (int b = 0; b < ROWS; ++b) {
      const Vector passed = session[b] > item ? *reinterpret_cast<const Vector*>(dz + b * columns + j) : zero;
      sum[b] += passed;
      (b % 2 ? odd : even) += passed;
    }
    *place = even + odd;
  }
  for (int b = 0; b < ROWS; ++b) {
    float total = 0;
    for (int lane = 0; lane < W; ++lane) total += sum[b][lane];
    da[b * width] += total;
  }
}

template <int W>
SR_INLINE void gradients_of_columns(const float* a, const float* c, const float* dz, float* da, float* dc, Sizes sizes,
                                    int64_t from, int64_t to) {
  const int64_t columns = block_columns(sizes.width);
  std::vector<float> item(sizes.width * columns), gradient(sizes.width * columns), part(BACKWARD_ROWS * columns);
  for (int64_t start = from; start < to; start += columns) {
    const int64_t count = std::min(columns, to - start);
    // Beyond the last item no gradient comes in, so what stands there does not matter.
    negated_block(c, item.data(), sizes, start, count, columns, 0.0f);
    std::fill(gradient.begin(), gradient.end(), 0.0f);
    for (int64_t row = 0; row < sizes.sessions; row += BACKWARD_ROWS) {
      const int64_t rows = std::min(BACKWARD_ROWS, sizes.sessions - row);
      for (int64_t b = 0; b < rows; ++b) {
        float* const to_row = part.data() + b * columns;
        std::memcpy(to_row, dz + (row + b) * sizes.items + start, count * sizeof(float));
        std::fill(to_row + count, to_row + columns, 0.0f);
      }
      for (int64_t k = 0; k < sizes.width; ++k) {
        const float* const n = item.data() + k * columns;
        const float* const session = a + row * sizes.width + k;
        float* const of_session = da + row * sizes.width + k;
        float* const of_item = gradient.data() + k * columns;
        if (rows == BACKWARD_ROWS) {
          gradient_tile<W, BACKWARD_ROWS>(session, n, part.data(), of_session, of_item, sizes.width, columns);
        } else {
          for (int64_t b = 0; b < rows; ++b) {
            gradient_tile<W, 1>(session + b * sizes.width, n, part.data() + b * columns, of_session + b * sizes.width,
                                of_item, sizes.width, columns);
          }
        }
      }
    }
    for (int64_t k = 0; k < sizes.width; ++k) {
      std::memcpy(dc + k * sizes.items + start, gradient.data() + k * columns, count * sizeof(float));
    }
  }
}

SR_FOR_EACH_PROCESSOR(scores, scores_of_columns,
                      (const float* a, const float* c, const float* v, float* out, Sizes sizes, int64_t from, int64_t to),
                      (a, c, v, out, sizes, from, to))
SR_FOR_EACH_PROCESSOR(gradients, gradients_of_columns,
                      (const float* a, const float* c, const float* dz, float* da, float* dc, Sizes sizes, int64_t from,
                       int64_t to),
                      (a, c, dz, da, dc, sizes, from, to))

// Gives each thread a stretch of columns, cut at multiples of 64. `work(thread, from, to)`.
template <typename F>
void over_columns(int64_t items, int64_t threads, F work) {
  const int64_t pieces = (items + 63) / 64;
  const auto cut = [&](int64_t thread) { return std::min(items, pieces * thread / threads * 64); };
  in_parts(threads, [&](int64_t thread) { work(thread, cut(thread), cut(thread + 1)); });
}

}  // namespace

extern "C" {

// Scores `out` [sessions, items] of a [sessions, width], c [width, items] and v [width].
void sr_mlp_scores(const float* a, const float* c, const float* v, float* out, int64_t sessions, int64_t width,
                   int64_t items, int64_t threads) {
  const Sizes sizes{sessions, width, items};
  over_columns(items, threads, [=](int64_t, int64_t from, int64_t to) { scores(a, c, v, out, sizes, from, to); });
}

// From the gradient dz [sessions, items] of the scores, the sums of what passes the mask: `da` [threads, sessions, width],
// which begins as zero and of which each thread fills its own, and `dc` [width, items].
void sr_mlp_gradients(const float* a, const float* c, const float* dz, float* da, float* dc, int64_t sessions,
                      int64_t width, int64_t items, int64_t threads) {
  const Sizes sizes{sessions, width, items};
  over_columns(items, threads, [=](int64_t thread, int64_t from, int64_t to) {
    gradients(a, c, dz, da + thread * sessions * width, dc, sizes, from, to);
  });
}

}  // extern "C"
