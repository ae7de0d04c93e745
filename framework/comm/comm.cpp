// SPDX-License-Identifier: Apache-2.0
#include <dime/comm.hpp>
#include <dime/error.hpp>

namespace dime {

RowRange rows_of_rank(std::int64_t batch, int rank, int world) {
  if (world < 1 || rank < 0 || rank >= world) {
    throw ArgumentError("rows_of_rank(): rank " + std::to_string(rank) + " is not in a world of " +
                        std::to_string(world));
  }
  if (batch < world) {
    throw ArgumentError("rows_of_rank(): a batch of " + std::to_string(batch) + " rows cannot be split over " +
                        std::to_string(world) + " processes; give at least one row to each");
  }
  const std::int64_t first = rank * batch / world;
  return {first, (rank + 1) * batch / world - first, batch};
}

}  // namespace dime
