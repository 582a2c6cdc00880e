/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* export.h - the mark that makes a function part of the shared library. Callers need not use it. */
#ifndef SPIRALTORCH_EXPORT_H
#define SPIRALTORCH_EXPORT_H

#if defined(_WIN32) && defined(ST_BUILD_SHARED)
#define ST_API __declspec(dllexport)
#elif defined(__GNUC__)
#define ST_API __attribute__((visibility("default")))
#else
#define ST_API
#endif

#endif
