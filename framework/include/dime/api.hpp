// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Marks what crosses the border of a shared library; everything else may be hidden.
#define DIME_API __attribute__((visibility("default")))
