// Row by row: norm, rotation of heads, gates; and their gradients, which need not have one order of sums but have.
#pragma once

#include "vectors.h"

constexpr long MANY = 128;  // rows for which other threads are worth waking, and whose gradients of weights are summed apart

// `body(row, sums)` of all rows; the sums of each MANY of them, `count` numbers, are added to `total` in order.
template <class Body> static inline void summed(long rows, long count, float* total, Body body) {
    const long parts = (rows + MANY - 1) / MANY;
    std::vector<float> sums(parts * count);
#pragma omp parallel for schedule(static)
    for (long part = 0; part < parts; part++)
        for (long r = part * MANY; r < std::min(rows, (part + 1) * MANY); r++) body(r, &sums[part * count]);
    for (long i = 0; i < parts * count; i++) total[i % count] += sums[i];
}

// One over the root of a row's mean square.
template <class T> static inline float scale_of(const T* x, float eps, long wide) {
    V sum = {};
    for (long i = 0; i < wide; i += L) {
        V v = load(x + i, wide - i);
        sum = mad(v, v, sum);
    }
    return 1.0f / std::sqrt(across(sum) / float(wide) + eps);
}

// Rows of `kinds` kinds in turn, each kind with its own weights.
static void rms(const float* x, const float* weight, float eps, float* y, long rows, long kinds, long wide) {
#pragma omp parallel for schedule(static) if (rows > MANY)
    for (long r = 0; r < rows; r++) {
        float factor = scale_of(x + r * wide, eps, wide);
        const float* w = weight + r % kinds * wide;
        for (long i = 0; i < wide; i += L)
            keep(y + r * wide + i, load(x + r * wide + i, wide - i) * factor * load(w + i, wide - i), wide - i < L ? wide - i : L);
    }
}

// dx of one row; adds to dw. `dy(i)` is the gradient of L outputs from i on.
template <class T, class Give> static inline void scale_back(const T* x, const float* w, float eps, Give dy, T* dx, float* dw, long wide) {
    const float factor = scale_of(x, eps, wide);
    V sum = {};
    for (long i = 0; i < wide; i += L) sum = mad(dy(i) * load(w + i, wide - i), load(x + i, wide - i), sum);
    const float pull = across(sum) * factor * factor / float(wide);
    for (long i = 0; i < wide; i += L) {
        const long left = wide - i, count = left < L ? left : L;
        const V value = load(x + i, left), grad = dy(i);
        keep(dw + i, mad(grad * value, all(factor), load(dw + i, left)), count);
        keep(dx + i, (grad * load(w + i, left) - value * pull) * factor, count);
    }
}

static void rms_back(const float* x, const float* weight, float eps, const float* dy, float* dx, float* dw, long rows, long kinds, long wide) {
    summed(rows, kinds * wide, dw, [&](long r, float* sums) {
        auto grad = [&](long i) { return load(dy + r * wide + i, wide - i); };
        scale_back(x + r * wide, weight + r % kinds * wide, eps, grad, dx + r * wide, sums + r % kinds * wide, wide);
    });
}

// Of the heads of a position the first `some` normalised and rotated, the others as they are; half a head is a multiple of L.
template <class T>
static void rotated(const T* y, const float* weight, float eps, const float* cosine, const float* sine, T* z, long positions, long heads, long some, long wide) {
#pragma omp parallel for schedule(static) if (positions > MANY)
    for (long p = 0; p < positions; p++) {
        const T* here = y + p * heads * wide;
        T* to = z + p * heads * wide;
        for (long h = 0; h < some; h++) {
            const T* from = here + h * wide;
            const float* w = weight + h * wide;
            const float factor = scale_of(from, eps, wide);
            auto normal = [&](long i) { return load(from + i, L) * factor * load(w + i, L); };
            for (long i = 0; i < wide; i += L)
                keep(to + h * wide + i, mad(normal((i + wide / 2) % wide), load(sine + p * wide + i, L), normal(i) * load(cosine + p * wide + i, L)), L);
        }
        std::memcpy(to + some * wide, here + some * wide, (heads - some) * wide * sizeof(T));
    }
}

// silu of the first half of a row times the second.
template <class T> static void halves(const T* y, T* z, long rows, long wide) {
#pragma omp parallel for schedule(static) if (rows > MANY)
    for (long r = 0; r < rows; r++)
        for (long i = 0; i < wide; i += L) keep(z + r * wide + i, silu(load(y + 2 * r * wide + i, L)) * load(y + (2 * r + 1) * wide + i, L), L);
}

template <class T>
static void rotated_back(const T* y, const float* weight, float eps, const float* cosine, const float* sine, const T* dz, T* dy, float* dw, long positions, long heads, long some, long wide) {
    summed(positions, some * wide, dw, [&](long p, float* sums) {
        const long at = p * heads * wide;
        for (long h = 0; h < some; h++) {
            const T* from = dz + at + h * wide;
            auto back = [&](long i) {
                const long other = (i + wide / 2) % wide;
                return mad(load(from + other, L), load(sine + p * wide + other, L), load(from + i, L) * load(cosine + p * wide + i, L));
            };
            scale_back(y + at + h * wide, weight + h * wide, eps, back, dy + at + h * wide, sums + h * wide, wide);
        }
        std::memcpy(dy + at + some * wide, dz + at + some * wide, (heads - some) * wide * sizeof(T));
    });
}

template <class T> static void halves_back(const T* y, const T* dz, T* dy, long rows, long wide) {
#pragma omp parallel for schedule(static) if (rows > MANY)
    for (long r = 0; r < rows; r++)
        for (long i = 0; i < wide; i += L) {
            const long at = 2 * r * wide + i;
            const V gate = load(y + at, L), up = load(y + at + wide, L), grad = load(dz + r * wide + i, L);
            const V open = all(1.0f) / (exponential(-gate) + 1.0f);
            keep(dy + at, grad * up * open * (gate * (all(1.0f) - open) + 1.0f), L);
            keep(dy + at + wide, grad * gate * open, L);
        }
}
