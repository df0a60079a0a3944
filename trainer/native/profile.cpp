// What a stretch of work consists of: the operations of libtorch and, on a GPU, the kernels and copies that they start.
// Nothing here decides a number.
#include <cstdint>
#include <cstdlib>
#include <set>

#include <ATen/record_function.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <torch/csrc/autograd/profiler_kineto.h>

#include "guarded.h"

namespace {

namespace profiler = torch::autograd::profiler;
namespace kineto = torch::profiler::impl;

}  // namespace

extern "C" {

char* sr_profile_begin(bool gpu) {
  return guarded([&] {
    const kineto::ProfilerConfig config(kineto::ProfilerState::KINETO);
    std::set<kineto::ActivityType> kinds{kineto::ActivityType::CPU};
    // Without a GPU it would say as an error that there is none; 9 is above its levels of log lines.
    if (!gpu) setenv("KINETO_LOG_LEVEL", "9", /*overwrite=*/0);
    if (gpu) kinds.insert(kineto::ActivityType::CUDA);
    profiler::prepareProfiler(config, kinds);
    profiler::enableProfiler(config, kinds, {at::RecordScope::FUNCTION, at::RecordScope::BACKWARD_FUNCTION});
  });
}

// Hands `take` each event in the order of their beginnings: name, whether it ran on the GPU, thread, begin and end in
// nanoseconds.
char* sr_profile_end(void (*take)(void*, const char*, bool, uint64_t, uint64_t, uint64_t), void* to) {
  return guarded([&] {
    const auto result = profiler::disableProfiler();
    for (const auto& event : result->events()) {
      take(to, event.name().c_str(), event.deviceType() == c10::DeviceType::CUDA, event.startThreadId(),
           event.startNs(), event.endNs());
    }
  });
}

// The most bytes that libtorch has held of the GPU numbered `index`, its cache included.
char* sr_peak_gpu_memory(int64_t index, int64_t* bytes) {
  return guarded([&] {
    const auto stats = c10::getDeviceAllocator(c10::kCUDA)->getDeviceStats(static_cast<c10::DeviceIndex>(index));
    *bytes = stats.reserved_bytes[0].peak;
  });
}

}  // extern "C"
