// The softmax over all items and the loss of each target, in two looks at a row that stays in the cache: its largest
// score, then the exponentials and their sum. Dividing by the sum is left to the products that come after, where it is a
// factor of a row instead of a third look at every item.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <exception>
#include <vector>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include "elementary.h"
#include "lanes.h"

namespace {

// Independent chains, so that one instruction need not wait for the last.
constexpr int CHAINS = 4;
// Floats that are summed before their sum goes into a double.
constexpr int64_t STRETCH = 1 << 13;

struct Row {
  float* scores;    // [items]: scores on the way in, exp(score - largest) afterwards
  int64_t items;
  float* largest;
  double* sum;  // of the exponentials
};

template <int W>
SR_INLINE void row_softmax(const Row& row) {
  typedef typename Lanes<W>::Vector Aligned;
  typedef decltype(Aligned{} + Aligned{}) Vector;
  const int64_t block = CHAINS * W;
  Vector most[CHAINS];
  for (Vector& chain : most) chain = Vector{} + -HUGE_VALF;
  int64_t at = 0;
  for (; at + block <= row.items; at += block) {
    for (int c = 0; c < CHAINS; ++c) {
      const Vector x = load<Vector>(row.scores + at + c * W);
      most[c] = x > most[c] ? x : most[c];
    }
  }
  float largest = -HUGE_VALF;
  for (const Vector& chain : most)
    for (int lane = 0; lane < W; ++lane) largest = chain[lane] > largest ? chain[lane] : largest;
  for (; at < row.items; ++at) largest = row.scores[at] > largest ? row.scores[at] : largest;

  double sum = 0;
  at = 0;
  while (at + block <= row.items) {
    Vector part[CHAINS] = {};
    for (const int64_t end = std::min(at + STRETCH, row.items); at + block <= end; at += block) {
      for (int c = 0; c < CHAINS; ++c) {
        const Vector e = exponential(load<Vector>(row.scores + at + c * W) - largest);
        store(row.scores + at + c * W, e);
        part[c] = part[c] + e;
      }
    }
    const Vector all = (part[0] + part[1]) + (part[2] + part[3]);
    for (int lane = 0; lane < W; ++lane) sum += all[lane];
  }
  for (; at < row.items; ++at) {
    const auto e = exponential(load<Lanes<1>::Vector>(row.scores + at) - largest);
    store(row.scores + at, e);
    sum += e[0];
  }
  *row.largest = largest;
  *row.sum = sum;
}

SR_FOR_EACH_PROCESSOR(softmax_of, row_softmax, (const Row& row), (row))

}  // namespace

extern "C" {

// Scores `[B, V]` become `exp(score - largest of the row)`; `share` `[B, 1]` is one over their sums and `loss` the sum of
// the rows' losses, -ln of the softmax at `places` `[B]` int64.
char* sr_softmax(at::Tensor* scores, at::Tensor* places, at::Tensor* share, double* loss) {
  try {
    const int64_t rows = scores->size(0), items = scores->size(1);
    TORCH_CHECK(scores->is_cpu() && scores->is_contiguous() && scores->scalar_type() == at::kFloat,
                "softmax on the host wants rows of floats");
    TORCH_CHECK(places->is_cpu() && places->is_contiguous() && places->scalar_type() == at::kLong &&
                    places->numel() == rows && share->is_contiguous() && share->numel() == rows,
                "a place and a share for each row");
    float* const score = scores->mutable_data_ptr<float>();
    const int64_t* const place = places->const_data_ptr<int64_t>();
    float* const one_over = share->mutable_data_ptr<float>();
    for (int64_t row = 0; row < rows; ++row)
      TORCH_CHECK(place[row] >= 0 && place[row] < items, "a target is outside of ", items, " items");
    std::vector<double> losses(rows);
    at::parallel_for(0, rows, 1, [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row) {
        float* const from = score + row * items;
        const float target = from[place[row]];
        float largest;
        double sum;
        softmax_of(Row{from, items, &largest, &sum});
        one_over[row] = static_cast<float>(1 / sum);
        losses[row] = std::log(sum) + (static_cast<double>(largest) - target);
      }
    });
    *loss = 0;
    for (const double row : losses) *loss += row;
    return nullptr;
  } catch (const std::exception& error) {
    return strdup(error.what());
  }
}

}  // extern "C"
