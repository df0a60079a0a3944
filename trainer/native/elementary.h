// Exponentials and what is made of them, for vectors of floats of any width, and for one double by the C library.
//
// The float ones follow the Cephes library (Moshier): a polynomial on a short stretch. Measured against doubles between -87
// and 88, they are off by at most 1.0 (exponential), 2.4 (sigmoid) and 1.3 (tangent) units in the last place. They are
// plain sums and products lane by lane, so every width gives the same bits.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

#include "lanes.h"

// `V` from memory and back, wherever it lies. (As an argument of a template a vector is not `aligned(4)` any more.)
template <typename V, typename T>
SR_INLINE V load(const T* from) {
  V value;
  std::memcpy(&value, from, sizeof(V));
  return value;
}

template <typename V, typename T>
SR_INLINE void store(T* to, const V& value) {
  std::memcpy(to, &value, sizeof(V));
}

// As many 32-bit integers as `V` has floats.
template <typename V>
struct Whole {
  typedef int32_t Vector __attribute__((vector_size(sizeof(V))));
};

// e^x; below -87 as there, above 88 as there.
template <typename V>
SR_INLINE V exponential(V x) {
  typedef typename Whole<V>::Vector Int;
  const V zero{};
  x = x < zero - 87.0f ? zero - 87.0f : x;
  x = x > zero + 88.0f ? zero + 88.0f : x;
  // x = n ln 2 + rest, with n rounded by a number so large that it has no digit after the point.
  const V large = zero + 12582912.0f;
  const V n = (x * 1.44269504088896341f + large) - large;
  const V rest = (x - n * 0.693359375f) - n * -2.12194440e-4f;
  V p = zero + 1.9875691500e-4f;
  p = p * rest + 1.3981999507e-3f;
  p = p * rest + 8.3334519073e-3f;
  p = p * rest + 4.1665795894e-2f;
  p = p * rest + 1.6666665459e-1f;
  p = p * rest + 5.0000001201e-1f;
  p = p * (rest * rest) + rest + 1.0f;
  const Int exponent = (__builtin_convertvector(n, Int) + 127) << 23;
  V power;  // 2^n
  std::memcpy(&power, &exponent, sizeof(V));
  return p * power;
}

template <typename V>
SR_INLINE V sigmoid(V x) {
  const V one = V{} + 1.0f;
  return one / (one + exponential(-x));
}

template <typename V>
SR_INLINE V hyperbolic_tangent(V x) {
  const V zero{}, one = zero + 1.0f;
  const V size = x < zero ? -x : x;
  const V far = one - (one + one) / (exponential(size + size) + one);
  const V square = x * x;
  V p = zero - 5.70498872745e-3f;
  p = p * square + 2.06390887954e-2f;
  p = p * square - 5.37397155531e-2f;
  p = p * square + 1.33314422036e-1f;
  p = p * square - 3.33332819422e-1f;
  const V near = p * square * x + x;
  return size < zero + 0.625f ? near : (x < zero ? -far : far);
}

inline double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
inline double hyperbolic_tangent(double x) { return std::tanh(x); }
