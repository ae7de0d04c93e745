// SPDX-License-Identifier: Apache-2.0
#include <vector>

#include "weights/schemes/schemes.hpp"

namespace dime {

std::span<const NameScheme> name_schemes() {
  static const std::vector<NameScheme> all = [] {
    std::vector<NameScheme> list;
    for (const auto family : {schemes::clip_openai(), schemes::clip_huggingface(), schemes::clip_dime_fm(),
                              schemes::siglip(), schemes::unicl(), schemes::fastvit()}) {
      list.insert(list.end(), family.begin(), family.end());
    }
    return list;
  }();
  return all;
}

}  // namespace dime
