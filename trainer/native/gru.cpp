// The gated recurrent unit over packed sessions, on the host, with its gradient in closed form.
//
// Position p of step t holds, with a = x W + b and c = h_before U + b' (each [3 d], the gates r | z | n side by side):
//   r = sig(a_r + c_r)   z = sig(a_z + c_z)   n = tanh(a_n + r c_n)   h = n + z (h_before - n)
// and, with g = d loss / d h,
//   n' = g (1 - z) (1 - n^2)   z' = g (h_before - n) z (1 - z)   r' = n' c_n r (1 - r)
//   d a = (r', z', n')   d c = (r', z', r n')   d h_before = g z + d c U^T
// With libtorch's unit a step of time costs a hundred calls and more, and a product for the gradient of U; here it costs
// one product and one look at its rows each way, and the gradients of W and U are one product each over all positions.
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>  // get_num_threads
#include <torch/csrc/autograd/custom_function.h>

#include "elementary.h"
#include "guarded.h"
#include "lanes.h"
#include "threads.h"

namespace {

// The rows of one step, in blocks of memory of `T`. `before` is null where the state is zero.
template <typename T>
struct Step {
  int64_t rows, d;
  T* gates;         // [rows, 3 d]: x W on the way in, r | z | n afterwards
  const T* state;   // [rows, 3 d]: h_before U; null where the state is zero
  T* candidate;     // [rows, d]: c_n, kept for the gradient
  const T* before;  // [rows, d]: h_before
  T* after;         // [rows, d]: h
  const T* b_ih;    // [3 d]
  const T* b_hh;    // [3 d]
};

// `V` is a vector of several `T`, or `T` itself.
template <typename V, typename T>
SR_INLINE void compute_at(const Step<T>& step, int64_t row, int64_t k) {
  const auto at = [](auto* from, int64_t place) -> V { return load<V>(from + place); };
  const int64_t d = step.d;
  T* const gates = step.gates + row * 3 * d;
  const T* const state = step.state ? step.state + row * 3 * d : nullptr;
  const V zero{};
  const auto added = [&](int64_t gate) {
    return (state ? at(state, gate * d + k) : zero) + at(step.b_hh, gate * d + k);
  };
  const V r = sigmoid(at(gates, k) + at(step.b_ih, k) + added(0));
  const V z = sigmoid(at(gates, d + k) + at(step.b_ih, d + k) + added(1));
  const V c = added(2);
  const V n = hyperbolic_tangent(at(gates, 2 * d + k) + at(step.b_ih, 2 * d + k) + r * c);
  const V before = step.before ? at(step.before, row * d + k) : zero;
  store(gates + k, r);
  store(gates + d + k, z);
  store(gates + 2 * d + k, n);
  store(step.candidate + row * d + k, c);
  store(step.after + row * d + k, n + z * (before - n));
}

// The same rows on the way back.
template <typename T>
struct Back {
  int64_t rows, d;
  const T* gates;      // [rows, 3 d]: r | z | n
  const T* candidate;  // [rows, d]: c_n
  const T* before;     // [rows, d]: h_before; null where the state is zero
  const T* outer;      // [rows, d]: the gradient of h from outside
  int64_t later_rows;  // so many rows also have one from the next step
  T* carry;            // [rows, d]: that one on the way in; g z afterwards
  T* of_input;         // [rows, 3 d]: d a
  T* of_state;         // [rows, 3 d]: d c
};

template <typename V, typename T>
SR_INLINE void compute_at(const Back<T>& step, int64_t row, int64_t k) {
  const auto at = [](auto* from, int64_t place) -> V { return load<V>(from + place); };
  const int64_t d = step.d;
  const T* const gates = step.gates + row * 3 * d;
  const V r = at(gates, k), z = at(gates, d + k), n = at(gates, 2 * d + k);
  V g = at(step.outer, row * d + k);
  if (row < step.later_rows) g = g + at(step.carry, row * d + k);
  const V before = step.before ? at(step.before, row * d + k) : V{};
  const V one = V{} + T(1);
  const V n_ = g * (one - z) * (one - n * n);
  const V z_ = g * (before - n) * z * (one - z);
  const V r_ = n_ * at(step.candidate, row * d + k) * r * (one - r);
  T* const of_input = step.of_input + row * 3 * d;
  T* const of_state = step.of_state + row * 3 * d;
  store(of_input + k, r_);
  store(of_input + d + k, z_);
  store(of_input + 2 * d + k, n_);
  store(of_state + k, r_);
  store(of_state + d + k, z_);
  store(of_state + 2 * d + k, r * n_);
  store(step.carry + row * d + k, g * z);
}

template <int W, typename Of>
SR_INLINE void floats(const Of& step, int64_t begin, int64_t end) {
  typedef typename Lanes<W>::Vector Vector;
  for (int64_t row = begin; row < end; ++row) {
    int64_t k = 0;
    for (; k + W <= step.d; k += W) compute_at<Vector>(step, row, k);
    for (; k < step.d; ++k) compute_at<Lanes<1>::Vector>(step, row, k);
  }
}

SR_FOR_EACH_PROCESSOR(compute, floats, (const Step<float>& step, int64_t begin, int64_t end), (step, begin, end))
SR_FOR_EACH_PROCESSOR(compute, floats, (const Back<float>& step, int64_t begin, int64_t end), (step, begin, end))

// In double precision, to check the formulas by.
template <template <typename> class Of>
void compute(const Of<double>& step, int64_t begin, int64_t end) {
  for (int64_t row = begin; row < end; ++row)
    for (int64_t k = 0; k < step.d; ++k) compute_at<double>(step, row, k);
}

// All rows of a step, on the way in or back.
template <typename Of>
void run(const Of& step) {
  in_stretches(step.rows, step.d, at::get_num_threads(),
               [&](int64_t begin, int64_t end) { compute(step, begin, end); });
}

// Where the rows of each step begin.
std::vector<int64_t> begins(at::IntArrayRef sizes) {
  std::vector<int64_t> from(sizes.size() + 1, 0);
  for (size_t t = 0; t < sizes.size(); ++t) from[t + 1] = from[t] + sizes[t];
  return from;
}

struct PackedGru : torch::autograd::Function<PackedGru> {
  static at::Tensor forward(torch::autograd::AutogradContext* ctx, at::Tensor x, std::vector<int64_t> sizes,
                            at::Tensor w_ih, at::Tensor w_hh, at::Tensor b_ih, at::Tensor b_hh) {
    const int64_t positions = x.size(0), d = w_hh.size(1);
    const at::Tensor gates = at::mm(x, w_ih.t());                      // [P, 3 d]
    const at::Tensor candidates = at::empty({positions, d}, x.options());
    const at::Tensor states = at::empty({positions, d}, x.options());
    const at::Tensor products = at::empty({sizes.empty() ? 0 : sizes[0], 3 * d}, x.options());
    const at::Tensor u = w_hh.t();
    const std::vector<int64_t> from = begins(sizes);
    AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), "packed_gru", [&] {
      scalar_t* const after = states.mutable_data_ptr<scalar_t>();
      for (size_t t = 0; t < sizes.size(); ++t) {
        if (t > 0) {
          at::Tensor product = products.narrow(0, 0, sizes[t]);
          at::mm_out(product, states.narrow(0, from[t - 1], sizes[t]), u);
        }
        run(Step<scalar_t>{sizes[t], d, gates.mutable_data_ptr<scalar_t>() + from[t] * 3 * d,
                                    t > 0 ? products.const_data_ptr<scalar_t>() : nullptr,
                                    candidates.mutable_data_ptr<scalar_t>() + from[t] * d,
                                    t > 0 ? after + from[t - 1] * d : nullptr, after + from[t] * d,
                                    b_ih.const_data_ptr<scalar_t>(), b_hh.const_data_ptr<scalar_t>()});
      }
    });
    ctx->save_for_backward({x, w_ih, w_hh, gates, candidates, states});
    ctx->saved_data["sizes"] = sizes;
    return states;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* ctx,
                                                 torch::autograd::variable_list gradients) {
    at::NoGradGuard no_grad;
    const auto saved = ctx->get_saved_variables();
    const at::Tensor &x = saved[0], &w_ih = saved[1], &w_hh = saved[2];
    const at::Tensor &gates = saved[3], &candidates = saved[4], &states = saved[5];
    const std::vector<int64_t> sizes = ctx->saved_data["sizes"].toIntVector();
    const int64_t positions = x.size(0), d = w_hh.size(1), sessions = sizes.empty() ? 0 : sizes[0];
    const at::Tensor outer = gradients[0].contiguous();
    const at::Tensor of_input = at::empty({positions, 3 * d}, x.options());
    const at::Tensor of_state = at::empty({positions, 3 * d}, x.options());
    const at::Tensor carry = at::empty({sessions, d}, x.options());
    // The state before each position that has one, in the order of the positions.
    const at::Tensor befores = at::empty({positions - sessions, d}, x.options());
    const std::vector<int64_t> from = begins(sizes);
    AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), "packed_gru_backward", [&] {
      const scalar_t* const state = states.const_data_ptr<scalar_t>();
      for (size_t t = sizes.size(); t-- > 0;) {
        const scalar_t* const before = t > 0 ? state + from[t - 1] * d : nullptr;
        const int64_t later = t + 1 < sizes.size() ? sizes[t + 1] : 0;
        run(Back<scalar_t>{sizes[t], d, gates.const_data_ptr<scalar_t>() + from[t] * 3 * d,
                                     candidates.const_data_ptr<scalar_t>() + from[t] * d, before,
                                     outer.const_data_ptr<scalar_t>() + from[t] * d, later,
                                     carry.mutable_data_ptr<scalar_t>(),
                                     of_input.mutable_data_ptr<scalar_t>() + from[t] * 3 * d,
                                     of_state.mutable_data_ptr<scalar_t>() + from[t] * 3 * d});
        if (t == 0) break;
        carry.narrow(0, 0, sizes[t]).addmm_(of_state.narrow(0, from[t], sizes[t]), w_hh);
        std::memcpy(befores.mutable_data_ptr<scalar_t>() + (from[t] - sessions) * d, before,
                    sizeof(scalar_t) * sizes[t] * d);
      }
    });
    return {ctx->needs_input_grad(0) ? at::mm(of_input, w_ih) : at::Tensor(),
            at::Tensor(),
            at::mm(of_input.t(), x),
            at::mm(of_state.narrow(0, sessions, positions - sessions).t(), befores),
            of_input.sum(0),
            of_state.sum(0)};
  }
};

}  // namespace

extern "C" {

// States `[P, d]` of inputs `x` `[P, in]`; `sizes` `[T]` int64 says how many sessions reach each step.
char* sr_gru(at::Tensor** out, at::Tensor* x, at::Tensor* sizes, at::Tensor* w_ih, at::Tensor* w_hh, at::Tensor* b_ih,
             at::Tensor* b_hh) {
  return guarded([&] {
    TORCH_CHECK(x->is_cpu() && sizes->is_cpu() && sizes->scalar_type() == at::kLong, "the unit wants the host");
    const at::Tensor list = sizes->contiguous();
    const int64_t* const first = list.const_data_ptr<int64_t>();
    std::vector<int64_t> counts(first, first + list.numel());
    int64_t positions = 0;
    for (size_t t = 0; t < counts.size(); ++t) {
      TORCH_CHECK(counts[t] > 0 && (t == 0 || counts[t] <= counts[t - 1]), "step sizes fall and none is empty");
      positions += counts[t];
    }
    TORCH_CHECK(positions == x->size(0), positions, " positions in the steps, ", x->size(0), " inputs");
    for (const at::Tensor* weight : {w_ih, w_hh, b_ih, b_hh})
      TORCH_CHECK(weight->is_contiguous() && weight->scalar_type() == x->scalar_type(), "weights lie whole");
    *out = new at::Tensor(PackedGru::apply(x->contiguous(), counts, *w_ih, *w_hh, *b_ih, *b_hh));
  });
}

}  // extern "C"
