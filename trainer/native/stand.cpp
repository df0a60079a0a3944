// Where targets stand among the scores of their rows: one look at each score, where whole tensors of comparisons would
// be written and read.
#include <cstdint>

#include "lanes.h"
#include "threads.h"

namespace {

// For a row, how many scores are above that of the target, how many equal to it (its own among them), and how many are
// no number. Counts are as wide as scores, so that they share a register.
struct Count {
  int64_t above, same, wrong;
};

SR_WIDE Count count_floats(const float* row, int64_t items, int64_t target) {
  const float mark = row[target];
  int32_t above = 0, same = 0, wrong = 0;
  for (int64_t item = 0; item < items; ++item) {
    above += row[item] > mark;
    same += row[item] == mark;
    wrong += row[item] != row[item];
  }
  return {above, same, wrong};
}

SR_WIDE Count count_doubles(const double* row, int64_t items, int64_t target) {
  const double mark = row[target];
  int64_t above = 0, same = 0, wrong = 0;
  for (int64_t item = 0; item < items; ++item) {
    above += row[item] > mark;
    same += row[item] == mark;
    wrong += row[item] != row[item];
  }
  return {above, same, wrong};
}

template <typename Number, typename Row>
void count_rows(const Number* scores, const int64_t* targets, int64_t rows, int64_t items, int64_t threads,
                int64_t* above, int64_t* same, int64_t* wrong, Row count) {
  in_stretches(rows, items, threads, [=](int64_t from, int64_t to) {
    for (int64_t row = from; row < to; ++row) {
      const Count found = count(scores + row * items, items, targets[row]);
      above[row] = found.above;
      same[row] = found.same;
      wrong[row] = found.wrong;
    }
  });
}

}  // namespace

extern "C" {

// For scores [rows, items], and for each row the place of its target: `above`, `same` and `wrong`, [rows] each.
void sr_stand_floats(const float* scores, const int64_t* targets, int64_t rows, int64_t items, int64_t threads,
                     int64_t* above, int64_t* same, int64_t* wrong) {
  count_rows(scores, targets, rows, items, threads, above, same, wrong, count_floats);
}

void sr_stand_doubles(const double* scores, const int64_t* targets, int64_t rows, int64_t items, int64_t threads,
                      int64_t* above, int64_t* same, int64_t* wrong) {
  count_rows(scores, targets, rows, items, threads, above, same, wrong, count_doubles);
}

}  // extern "C"
