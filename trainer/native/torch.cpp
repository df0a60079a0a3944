// What the trainer needs of libtorch and tch does not wrap.
#include <cstdlib>
#include <cstring>
#include <vector>

#include <malloc.h>
#include <unistd.h>

#include <ATen/ATen.h>
#include <ATen/ops/_fused_adam.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/version.h>

#include "guarded.h"
#include "lanes.h"

namespace {

SR_WIDE void add_row(int64_t width, float* __restrict to, const float* __restrict from) {
  for (int64_t column = 0; column < width; ++column) to[column] += from[column];
}

// One step of plain descent (no `squares`) or Adagrad, with momentum where there is a `velocity`; see `Descent`.
SR_WIDE void move_row(int64_t width, float* __restrict value, float* __restrict gradient, float* __restrict squares,
                      float* __restrict velocity, float rate, float momentum, float epsilon, float decay) {
  for (int64_t column = 0; column < width; ++column) {
    float change = gradient[column] + decay * value[column];
    gradient[column] = 0;
    if (squares) {
      squares[column] += change * change;
      change /= __builtin_sqrtf(squares[column] + epsilon);
    }
    change *= -rate;
    if (velocity) {
      change += momentum * velocity[column];
      velocity[column] = change;
    }
    value[column] += change;
  }
}

// Rows of an embedding table. The gradient of the rows goes straight into the table's gradient: autograd alone would
// first fill a second tensor of the table's size with zeros, at every look-up.
struct Lookup : torch::autograd::Function<Lookup> {
  static at::Tensor forward(torch::autograd::AutogradContext* ctx, at::Tensor table, at::Tensor ids) {
    ctx->save_for_backward({table, ids});
    return table.index_select(0, ids);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* ctx,
                                                 torch::autograd::variable_list gradients) {
    at::NoGradGuard no_grad;
    const auto saved = ctx->get_saved_variables();
    at::Tensor total = saved[0].mutable_grad();
    const at::Tensor ids = saved[1];
    const at::Tensor rows = gradients[0].contiguous();
    TORCH_CHECK(total.defined(), "the table has no gradient buffer");
    if (total.is_cpu() && total.is_contiguous() && total.scalar_type() == at::kFloat) {
      // `index_add_` on the host goes through its whole set-up for each row.
      const int64_t width = rows.size(1);
      const int64_t* id = ids.const_data_ptr<int64_t>();
      const float* from = rows.const_data_ptr<float>();
      float* const base = total.mutable_data_ptr<float>();
      for (int64_t row = 0; row < rows.size(0); ++row, from += width) add_row(width, base + id[row] * width, from);
    } else {
      total.index_add_(0, ids, rows);
    }
    return {at::Tensor(), at::Tensor()};
  }
};

}  // namespace

extern "C" {

// The MKL inside libtorch asks this function of its own whether to use its fastest kernels, and says no on processors
// that are not Intel's, whatever they can do. It still looks at what the processor can do, so "yes" is safe. Measured on a
// processor with AVX-512: matrix products take 0.4 of the time, exponentials 0.15.
int mkl_serv_intel_cpu_true() { return 1; }

void sr_free(char* message) { free(message); }

const char* sr_version() { return TORCH_VERSION; }

// Leaves at once: no handler runs, so no thread of libtorch is caught half-way.
void sr_leave(int code) { _exit(code); }

// Keeps freed memory for the next step instead of giving it back to the system, and lets vanishing numbers be zero
// (Adam's moments of rows without a gradient sink below the smallest normal number, where arithmetic is slow).
void sr_prepare() {
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  at::globalContext().setFlushDenormal(true);
}

// On a GPU: sums in the same order each time where libtorch has a way to, else a warning in the log; and products of
// whole floats in the recurrent units too, which cuDNN would round to 10 bits (TF32) by default.
void sr_prepare_gpu() {
  setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8", /*overwrite=*/0);
  at::Context& context = at::globalContext();
  context.setDeterministicAlgorithms(true, /*warn_only=*/true);
  context.setDeterministicFillUninitializedMemory(false);
  context.setDeterministicCuDNN(true);
  context.setAllowTF32CuDNN(false);
  context.setAllowTF32CuBLAS(false);
}

char* sr_set_gradient(at::Tensor* leaf, at::Tensor* gradient) {
  return guarded([&] { leaf->mutable_grad() = *gradient; });
}

char* sr_lookup(at::Tensor** out, at::Tensor* table, at::Tensor* ids) {
  return guarded([&] { *out = new at::Tensor(Lookup::apply(*table, *ids)); });
}

char* sr_fused_adam(at::Tensor* values, at::Tensor* gradients, at::Tensor* first, at::Tensor* second, at::Tensor* steps,
                    double rate, double beta1, double beta2, double weight_decay, double epsilon) {
  return guarded([&] {
    at::NoGradGuard no_grad;
    const std::vector<at::Tensor> none;
    const std::vector<at::Tensor> v{*values}, g{*gradients}, m{*first}, s{*second}, t{*steps};
    at::_fused_adam_(v, g, m, s, none, t, rate, beta1, beta2, weight_decay, epsilon, false, false);
  });
}

// Moves the rows `ids` of `values` `[n, width]` on the host and leaves their gradients zero; a repeated id counts once.
// `squares` and `velocity` may be null.
char* sr_descend(at::Tensor* values, at::Tensor* gradients, at::Tensor* squares, at::Tensor* velocity, at::Tensor* ids,
                 double rate, double momentum, double epsilon, double decay) {
  return guarded([&] {
    const auto floats = [](at::Tensor* tensor) -> float* {
      if (!tensor) return nullptr;
      TORCH_CHECK(tensor->is_cpu() && tensor->is_contiguous() && tensor->scalar_type() == at::kFloat,
                  "descent on the host wants rows of floats");
      return tensor->mutable_data_ptr<float>();
    };
    float* const value = floats(values);
    float* const gradient = floats(gradients);
    float* const square = floats(squares);
    float* const speed = floats(velocity);
    const int64_t rows = values->size(0), width = values->size(1);
    const at::Tensor list = ids->contiguous();
    const int64_t* const id = list.const_data_ptr<int64_t>();
    thread_local std::vector<char> seen;
    if (seen.size() < static_cast<size_t>(rows)) seen.resize(rows, 0);
    for (int64_t at = 0; at < list.numel(); ++at) {
      const int64_t row = id[at];
      TORCH_CHECK(row >= 0 && row < rows, "row ", row, " is outside a table of ", rows);
      if (seen[row]) continue;
      seen[row] = 1;
      const int64_t start = row * width;
      move_row(width, value + start, gradient + start, square ? square + start : nullptr,
               speed ? speed + start : nullptr, rate, momentum, epsilon, decay);
    }
    for (int64_t at = 0; at < list.numel(); ++at) seen[id[at]] = 0;
  });
}

}  // extern "C"
