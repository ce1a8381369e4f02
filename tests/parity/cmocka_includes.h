/* cmocka's header needs these before it, in this order. */
#ifndef PARITY_CMOCKA_INCLUDES_H
#define PARITY_CMOCKA_INCLUDES_H

// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#endif
