// Vectors of L numbers: sixteen with AVX512, eight elsewhere. What AVX512 and AVX2 do in their own way stands here and in
// `Step` and `Terms`; all the rest is the compiler's own vectors. Compiled without contraction: every form rounds alike.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <vector>
#ifdef _OPENMP
#include <omp.h>
#endif
#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512VL__)
#define WITH_AVX512 1
#elif defined(__AVX2__) && defined(__FMA__)
#define WITH_AVX2 1
#endif
#if defined(WITH_AVX512) || defined(WITH_AVX2)
#include <immintrin.h>
#endif

#ifdef WITH_AVX512
constexpr int L = 16;  // lanes, outputs of a block, places of a key block
#else
constexpr int L = 8;
#endif
typedef uint16_t bf16;
typedef float V __attribute__((vector_size(4 * L)));
typedef int32_t VI __attribute__((vector_size(4 * L)));
typedef uint32_t VU __attribute__((vector_size(4 * L)));
typedef uint16_t VH __attribute__((vector_size(2 * L)));
typedef int8_t VB __attribute__((vector_size(L)));

static inline VH narrow(V v) {  // to the nearest, ties to even; what is no number stays none
    VU bits = (VU)v, top = bits >> 16, rounded = (bits + 0x7fff + (top & 1)) >> 16;
    return __builtin_convertvector((bits & 0x7fffffff) > 0x7f800000 ? top | 64 : rounded, VH);
}

// L numbers as fp32, zeros from `left` on.
#ifdef WITH_AVX512
static inline __mmask16 first(long left) { return left >= L ? 0xffff : __mmask16((1u << left) - 1); }
static inline V load(const float* p, long left) { return (V)_mm512_maskz_loadu_ps(first(left), p); }
static inline V load(const bf16* p, long left) {
    return (V)_mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(first(left), p)), 16));
}
static inline V load(const int8_t* p, long left) {
    return (V)_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_maskz_loadu_epi8(first(left), p)));
}
#else
template <class R, class T> static inline R raw(const T* p, long left) {
    R v = {};
    if (left * sizeof(T) >= sizeof(R)) std::memcpy(&v, p, sizeof(R));
    else std::memcpy(&v, p, left * sizeof(T));
    return v;
}
static inline V load(const float* p, long left) { return raw<V>(p, left); }
static inline V load(const bf16* p, long left) { return (V)(__builtin_convertvector(raw<VH>(p, left), VU) << 16); }
static inline V load(const int8_t* p, long left) {
    const VB bytes = raw<VB>(p, left);
#ifdef WITH_AVX2
    return (V)_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_cvtsi64_si128((int64_t)bytes)));
#else
    return __builtin_convertvector(__builtin_convertvector(bytes, VI), V);
#endif
}
#endif

static inline V all(float x) {  // in every lane; `V{} + x` would be a sum, which no compiler may leave out
#if defined(WITH_AVX512)
    return (V)_mm512_set1_ps(x);
#elif defined(WITH_AVX2)
    return (V)_mm256_set1_ps(x);
#else
    V v;
    for (int l = 0; l < L; l++) v[l] = x;
    return v;
#endif
}

static inline V mad(V a, V b, V c) {
#if defined(WITH_AVX512)
    return (V)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif defined(WITH_AVX2)
    return (V)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#else
    return a * b + c;
#endif
}

static inline bool any(VI v) {
#if defined(WITH_AVX512)
    return _mm512_test_epi32_mask((__m512i)v, (__m512i)v);
#elif defined(WITH_AVX2)
    return !_mm256_testz_si256((__m256i)v, (__m256i)v);
#else
    int32_t all = 0;
    for (int i = 0; i < L; i++) all |= v[i];
    return all;
#endif
}

// The sum of a vector's lanes.
static inline float across(V v) {
    for (int width = L / 2; width; width /= 2)
        for (int l = 0; l < width; l++) v[l] = v[l] + v[l + width];
    return v[0];
}

// e^x for x between -87 and 88, and what it is there for x beyond; within two units in the last place (Cephes' polynomial).
static inline V exponential(V x) {
    const V low = all(-87.0f), high = all(88.0f);
    x = x < low ? low : x;
    x = x > high ? high : x;
    V n = x * 1.44269504f + 12582912.0f;  // rounds to an integer
    VI power = (VI)n - 0x4b400000;
    n = n - 12582912.0f;
    V r = n * -0.693359375f + x;
    r = n * 2.12194440e-4f + r;
    V p = r * 1.9875691500e-4f + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * (r * r) + r + 1.0f;
    V scale = (V)((power + 127) << 23);
    return p * scale;
}

// The N sums of a loop, out of it: an array that is later read in another loop would be written to memory in each step of the first.
template <int N> __attribute__((always_inline)) static inline void take(const V* from, V* to) {
#pragma GCC unroll 16
    for (int i = 0; i < N; i++) to[i] = from[i];
}

static inline V silu(V x) { return x / (exponential(-x) + 1.0f); }

template <class R, class T> static inline void store(T* y, R v, long count) {
    if (count == L) std::memcpy(y, &v, sizeof v);
    else std::memcpy(y, &v, count * sizeof(T));
}
static inline void keep(float* y, V v, long count) { store(y, v, count); }
static inline void keep(bf16* y, V v, long count) { store(y, narrow(v), count); }

