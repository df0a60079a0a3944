// One step of skip-gram with negative sampling.
#include <cmath>
#include <cstdint>

#include "lanes.h"

namespace {

// Every vector is filled up to a multiple of this many floats, and sums are made in this many parts, whatever the
// processor has, so that a seed gives the same vectors on each.
constexpr int64_t PARTS = 16;

template <int W>
SR_INLINE void step(float* v, float* u, int64_t width, const int64_t* tokens, int64_t count, float rate, float* change) {
  typedef typename Lanes<W>::Vector Vector;
  const auto at = [](float* from, int64_t place) -> Vector& { return *reinterpret_cast<Vector*>(from + place); };
  for (int64_t k = 0; k < width; k += W) at(change, k) = Vector{};
  for (int64_t n = 0; n < count; ++n) {
    float* const other = u + tokens[n] * width;
    Vector sum[PARTS / W] = {};
    for (int64_t k = 0; k < width; k += PARTS) {
      for (int part = 0; part < PARTS / W; ++part) sum[part] += at(v, k + part * W) * at(other, k + part * W);
    }
    float total[PARTS];
    for (int lane = 0; lane < PARTS; ++lane) total[lane] = sum[lane / W][lane % W];
    for (int half = PARTS / 2; half > 0; half /= 2) {
      for (int lane = 0; lane < half; ++lane) total[lane] += total[lane + half];
    }
    const float label = n == 0 ? 1.0f : 0.0f;
    const float g = rate * (label - 1.0f / (1.0f + std::exp(-total[0])));
    for (int64_t k = 0; k < width; k += W) {
      at(change, k) += g * at(other, k);
      at(other, k) += g * at(v, k);
    }
  }
  for (int64_t k = 0; k < width; k += W) at(v, k) += at(change, k);
}

SR_FOR_EACH_PROCESSOR(step_for_processor, step,
                      (float* v, float* u, int64_t width, const int64_t* tokens, int64_t count, float rate, float* change),
                      (v, u, width, tokens, count, rate, change))

}  // namespace

extern "C" {

// Moves `v` [width] and the rows `tokens` [count] of `u` [.., width] up the gradient of ln sig(u . v) for the first row
// and ln sig(-u . v) for the others. `change` [width] is scratch.
void sr_skip_gram_step(float* v, float* u, int64_t width, const int64_t* tokens, int64_t count, float rate,
                       float* change) {
  step_for_processor(v, u, width, tokens, count, rate, change);
}

}  // extern "C"
