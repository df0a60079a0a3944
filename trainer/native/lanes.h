// Loops compiled for what the processor may have, which picks when the program runs.
#pragma once

// A plain loop, which the compiler makes wide.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define SR_WIDE __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define SR_WIDE
#endif

// A loop written for vectors: `BODY` is a function template over the number of floats in one.

#define SR_INLINE inline __attribute__((always_inline))

#if defined(__x86_64__)
#define SR_FOR_EACH_PROCESSOR(NAME, BODY, PARAMETERS, ARGUMENTS)                                                    \
  __attribute__((target("avx512f,avx512vl,avx512dq,fma"))) void NAME##_512 PARAMETERS { BODY<16> ARGUMENTS; }       \
  __attribute__((target("avx2,fma"))) void NAME##_256 PARAMETERS { BODY<8> ARGUMENTS; }                             \
  void NAME##_128 PARAMETERS { BODY<4> ARGUMENTS; }                                                                 \
  void NAME PARAMETERS {                                                                                            \
    static const bool wide = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&             \
                             __builtin_cpu_supports("avx512dq");                                                    \
    static const bool half = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");                       \
    wide ? NAME##_512 ARGUMENTS : half ? NAME##_256 ARGUMENTS : NAME##_128 ARGUMENTS;                               \
  }
#else
#define SR_FOR_EACH_PROCESSOR(NAME, BODY, PARAMETERS, ARGUMENTS) \
  void NAME PARAMETERS { BODY<4> ARGUMENTS; }
#endif

// W floats side by side, wherever they lie.
template <int W>
struct Lanes {
  typedef float Vector __attribute__((vector_size(4 * W), aligned(4), may_alias));
};
