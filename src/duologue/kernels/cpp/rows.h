// Row by row: norm, rotation of heads, gates; and their gradients, which need not have one order of sums but have.
#pragma once

#include "vectors.h"

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
    for (long r = 0; r < rows; r++, x += wide, dy += wide, dx += wide)
        scale_back(x, weight + r % kinds * wide, eps, [&](long i) { return load(dy + i, wide - i); }, dx, dw + r % kinds * wide, wide);
}

// Of the heads of a position the first `some` normalised and rotated, the others as they are; half a head is a multiple of L.
template <class T>
static void rotated(const T* y, const float* weight, float eps, const float* cosine, const float* sine, T* z, long positions, long heads, long some, long wide) {
    for (long p = 0; p < positions; p++, y += heads * wide, z += heads * wide, cosine += wide, sine += wide) {
        for (long h = 0; h < some; h++) {
            const T* from = y + h * wide;
            const float* w = weight + h * wide;
            const float factor = scale_of(from, eps, wide);
            auto normal = [&](long i) { return load(from + i, L) * factor * load(w + i, L); };
            for (long i = 0; i < wide; i += L)
                keep(z + h * wide + i, mad(normal((i + wide / 2) % wide), load(sine + i, L), normal(i) * load(cosine + i, L)), L);
        }
        std::memcpy(z + some * wide, y + some * wide, (heads - some) * wide * sizeof(T));
    }
}

// silu of the first half of a row times the second.
template <class T> static void halves(const T* y, T* z, long rows, long wide) {
    for (long r = 0; r < rows; r++, y += 2 * wide, z += wide)
        for (long i = 0; i < wide; i += L) keep(z + i, silu(load(y + i, L)) * load(y + wide + i, L), L);
}

template <class T>
static void rotated_back(const T* y, const float* weight, float eps, const float* cosine, const float* sine, const T* dz, T* dy, float* dw, long positions, long heads, long some, long wide) {
    for (long p = 0; p < positions; p++, y += heads * wide, dz += heads * wide, dy += heads * wide, cosine += wide, sine += wide) {
        for (long h = 0; h < some; h++) {
            const T* from = dz + h * wide;
            auto back = [&](long i) {
                const long other = (i + wide / 2) % wide;
                return mad(load(from + other, L), load(sine + other, L), load(from + i, L) * load(cosine + i, L));
            };
            scale_back(y + h * wide, weight + h * wide, eps, back, dy + h * wide, dw + h * wide, wide);
        }
        std::memcpy(dy + some * wide, dz + some * wide, (heads - some) * wide * sizeof(T));
    }
}

template <class T> static void halves_back(const T* y, const T* dz, T* dy, long rows, long wide) {
    for (long r = 0; r < rows; r++, y += 2 * wide, dy += 2 * wide, dz += wide)
        for (long i = 0; i < wide; i += L) {
            const V gate = load(y + i, L), up = load(y + wide + i, L), grad = load(dz + i, L);
            const V open = all(1.0f) / (exponential(-gate) + 1.0f);
            keep(dy + i, grad * up * open * (gate * (all(1.0f) - open) + 1.0f), L);
            keep(dy + wide + i, grad * gate * open, L);
        }
}
