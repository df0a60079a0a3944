// The softmax over all items, the loss of each target, and its gradient where scores are products with a table.
//
// A row is looked at twice while it is in the cache: for its largest score, then for the exponentials and their sum.
// Dividing by the sum is left to the products that come after, where it is a factor of a row instead of a third look at
// every item.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>  // get_num_threads

#include "elementary.h"
#include "guarded.h"
#include "lanes.h"
#include "threads.h"

namespace {

// Independent chains, so that one instruction need not wait for the last.
constexpr int CHAINS = 4;
// Floats that are summed before their sum goes into a double.
constexpr int64_t STRETCH = 1 << 13;

struct Row {
  float* scores;  // [items]: scores on the way in, exp(score - largest) afterwards
  int64_t items;
  float* largest;  // the largest score seen before, on the way in; of these too afterwards
  double* sum;     // of the exponentials
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
  float largest = *row.largest;
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

// Columns of a block, for each thread: with a hundred sessions or so its scores, and the table's rows, stay in the
// second-level cache of its core. Measured with 139 thousand items and 1 MB of that cache: 256 to 4,096 columns took 1 to 9 per
// cent longer.
constexpr int64_t COLUMNS = 768;

// What is known of the rows after some blocks.
struct Seen {
  std::vector<float> largest;
  std::vector<double> sum;  // of exp(score - largest)

  explicit Seen(int64_t rows) : largest(rows, -HUGE_VALF), sum(rows, 0) {}

  // Takes a block of scores `[rows, items]` in, which become exponentials. `factor` gets what everything that was summed
  // up before has to be multiplied with, now that the largest score may be another. Whether any factor is not 1.
  bool take(float* scores, int64_t items, float* factor) {
    std::atomic<bool> moved{false};
    in_stretches(static_cast<int64_t>(sum.size()), items, at::get_num_threads(), [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row) {
        const float before = largest[row];
        double more;
        softmax_of(Row{scores + row * items, items, &largest[row], &more});
        factor[row] = largest[row] == before ? 1.0f : std::exp(before - largest[row]);
        if (factor[row] != 1.0f) moved = true;
        sum[row] = sum[row] * factor[row] + more;
      }
    });
    return moved;
  }
};

// See `sr_cross_entropy`.
double cross_entropy(const at::Tensor& s, const at::Tensor& table, const at::Tensor& gradient, const at::Tensor* bias,
                     const at::Tensor* bias_gradient, const int64_t* place, const at::Tensor& ds) {
  const int64_t rows = s.size(0), d = s.size(1), items = table.size(0);
  const auto floats = [](const at::Tensor& tensor) { return tensor.mutable_data_ptr<float>(); };
  const at::Tensor exponentials = at::empty({rows * items}, s.options());  // block after block, each `[rows, columns]`
  const at::Tensor factor = at::empty({rows, 1}, s.options());
  const int64_t columns = COLUMNS * at::get_num_threads(), blocks = (items + columns - 1) / columns;
  std::vector<float> largest(blocks * rows);  // what each block was taken in by
  std::vector<float> target(rows);
  Seen seen(rows);
  const auto block_at = [&](int64_t block, const auto& use) {
    const int64_t start = block * columns, count = std::min(columns, items - start);
    use(start, count, exponentials.narrow(0, rows * start, rows * count).view({rows, count}));
  };
  ds.zero_();
  for (int64_t block = 0; block < blocks; ++block) {
    block_at(block, [&](int64_t start, int64_t count, at::Tensor scores) {
      const at::Tensor candidates = table.narrow(0, start, count);
      if (bias) {
        at::addmm_out(scores, bias->narrow(0, start, count).t(), s, candidates.t());
      } else {
        at::mm_out(scores, s, candidates.t());
      }
      for (int64_t row = 0; row < rows; ++row)
        if (place[row] >= start && place[row] < start + count)
          target[row] = floats(scores)[row * count + place[row] - start];
      if (seen.take(floats(scores), count, floats(factor))) ds.mul_(factor);
      std::copy(seen.largest.begin(), seen.largest.end(), largest.begin() + block * rows);
      ds.addmm_(scores, candidates);
    });
  }
  for (int64_t block = 0; block < blocks; ++block) {
    block_at(block, [&](int64_t start, int64_t count, const at::Tensor& e) {
      for (int64_t row = 0; row < rows; ++row)
        floats(factor)[row] = std::exp(largest[block * rows + row] - seen.largest[row]) / (seen.sum[row] * rows);
      at::Tensor part = gradient.narrow(0, start, count);
      at::mm_out(part, e.t(), s * factor);
      if (bias) {
        at::Tensor part = bias_gradient->narrow(0, start, count);
        at::mm_out(part, e.t(), factor);
      }
    });
  }
  // What the targets add: -s / B to their rows, their own rows to d loss / d s.
  double loss = 0;
  for (int64_t row = 0; row < rows; ++row) {
    const float* const from = floats(s) + row * d;
    const float* const own = floats(table) + place[row] * d;
    float* const to = floats(gradient) + place[row] * d;
    float* const back = floats(ds) + row * d;
    const float share = static_cast<float>(1 / seen.sum[row]);
    for (int64_t k = 0; k < d; ++k) {
      to[k] -= from[k] / rows;
      back[k] = (back[k] * share - own[k]) / rows;
    }
    if (bias) floats(*bias_gradient)[place[row]] -= 1.0f / rows;
    loss += std::log(seen.sum[row]) + (static_cast<double>(seen.largest[row]) - target[row]);
  }
  return loss / rows;
}

bool is_plain(const at::Tensor& tensor) {
  return tensor.is_cpu() && tensor.is_contiguous() && tensor.scalar_type() == at::kFloat;
}

void check_places(const at::Tensor& places, int64_t rows, int64_t items) {
  TORCH_CHECK(places.is_cpu() && places.is_contiguous() && places.scalar_type() == at::kLong && places.numel() == rows,
              "a place for each row");
  const int64_t* const place = places.const_data_ptr<int64_t>();
  for (int64_t row = 0; row < rows; ++row)
    TORCH_CHECK(place[row] >= 0 && place[row] < items, "a target is outside of ", items, " items");
}

}  // namespace

extern "C" {

// For scores `s . e_j` of session vectors `s` `[B, d]` and the rows of `table` `[V, d]`, plus `bias` `[V, 1]` where there
// is one: the mean cross-entropy of the targets at `places` `[B]`; its gradient is written over `gradient` `[V, d]` and
// `bias_gradient` `[V, 1]`, and into `ds` `[B, d]`.
//
// Scores are made, turned into exponentials and multiplied back in blocks of columns that stay in the cache; a row's sums
// so far are rescaled when a block has a larger score (Milakov and Gimelshein, 2018).
char* sr_cross_entropy(at::Tensor* s, at::Tensor* table, at::Tensor* gradient, at::Tensor* bias,
                       at::Tensor* bias_gradient, at::Tensor* places, at::Tensor* ds, double* loss) {
  return guarded([&] {
    for (const at::Tensor* tensor : {s, table, gradient, bias, bias_gradient, ds})
      TORCH_CHECK(!tensor || is_plain(*tensor), "the loss on the host wants rows of floats");
    TORCH_CHECK(table->sizes() == gradient->sizes() && s->sizes() == ds->sizes() && s->size(1) == table->size(1),
                "vectors and table are of one width");
    TORCH_CHECK(!bias == !bias_gradient && (!bias || bias->numel() == table->size(0)), "a bias for each item");
    check_places(*places, s->size(0), table->size(0));
    *loss = cross_entropy(*s, *table, *gradient, bias, bias_gradient, places->const_data_ptr<int64_t>(), *ds);
  });
}

// Scores `[B, V]` become `exp(score - largest of the row)`; `share` `[B, 1]` is one over their sums and `loss` the sum of
// the rows' losses, -ln of the softmax at `places` `[B]` int64.
char* sr_softmax(at::Tensor* scores, at::Tensor* places, at::Tensor* share, double* loss) {
  return guarded([&] {
    const int64_t rows = scores->size(0), items = scores->size(1);
    TORCH_CHECK(is_plain(*scores) && is_plain(*share) && share->numel() == rows, "softmax on the host wants floats");
    check_places(*places, rows, items);
    float* const score = scores->mutable_data_ptr<float>();
    const int64_t* const place = places->const_data_ptr<int64_t>();
    float* const one_over = share->mutable_data_ptr<float>();
    std::vector<double> losses(rows);
    in_stretches(rows, items, at::get_num_threads(), [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row) {
        float* const from = score + row * items;
        const float target = from[place[row]];
        float largest = -HUGE_VALF;
        double sum;
        softmax_of(Row{from, items, &largest, &sum});
        one_over[row] = static_cast<float>(1 / sum);
        losses[row] = std::log(sum) + (static_cast<double>(largest) - target);
      }
    });
    *loss = 0;
    for (const double row : losses) *loss += row;
  });
}

}  // extern "C"
