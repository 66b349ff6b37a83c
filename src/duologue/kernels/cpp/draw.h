// All steps of the flow head's draw in one call: products, and between them one pass over each row. Sums within a row stay in fp32.
#pragma once

#include "products.h"

struct Draw {
    long rows, width, target, blocks, steps;  // `width` is a multiple of L
};

// Panels of the way in, of each block its two products and its own share of shift, scale and gate [3, width] fp32, panels of the way out.
template <class T> struct Flow {
    const Draw d;
    const void* const* weights;
    const T* condition;  // [2 rows, width]: what each row is told, then as many rows of what it is without being told
    const long all_rows = 2 * d.rows, w = d.width;
    std::vector<T> in = std::vector<T>(d.rows * d.target), entered = std::vector<T>(d.rows * w), x = std::vector<T>(all_rows * w), y = x, z = x;
    std::vector<float> clean = std::vector<float>(all_rows * d.target);

    // LayerNorm of a row of x, times `scale(i)`, plus `shift(i)`, to y.
    template <class A, class B> void normalised(long r, A scale, B shift) {
        const T* from = &x[r * w];
        V sum = {}, square = {};
        for (long i = 0; i < w; i += L) sum = sum + load(from + i, L);
        const V mean = all(across(sum) / float(w));
        for (long i = 0; i < w; i += L) {
            const V v = load(from + i, L) - mean;
            square = mad(v, v, square);
        }
        const V factor = all(1.0f / std::sqrt(across(square) / float(w) + 1e-5f));
        for (long i = 0; i < w; i += L) keep(&y[r * w + i], mad((load(from + i, L) - mean) * factor, scale(i), shift(i)), L);
    }
    void block(const void* const* part, const T* shared) {  // shared [2 rows, 3 width]
        const float* own = (const float*)part[2];
        auto how = [&](long r, long which, long i) { return load(shared + (3 * r + which) * w + i, L) + load(own + which * w + i, L); };
        for (long r = 0; r < all_rows; r++) normalised(r, [&](long i) { return how(r, 1, i) + 1.0f; }, [&](long i) { return how(r, 0, i); });
        product(y.data(), (const T*)part[0], nullptr, z.data(), all_rows, w, w);
        for (long i = 0; i < all_rows * w; i += L) keep(&z[i], silu(load(&z[i], L)), L);
        product(z.data(), (const T*)part[1], nullptr, y.data(), all_rows, w, w);
        for (long r = 0; r < all_rows; r++)
            for (long i = r * w; i < (r + 1) * w; i += L) keep(&x[i], mad(how(r, 2, i - r * w), load(&y[i], L), load(&x[i], L)), L);
    }
    void clean_of(const float* noisy, const T* shared) {
        for (long i = 0; i < d.rows * d.target; i += L) keep(&in[i], load(noisy + i, d.rows * d.target - i), std::min(d.rows * d.target - i, long(L)));
        product(in.data(), (const T*)weights[0], nullptr, entered.data(), d.rows, w, d.target);
        for (long i = 0; i < all_rows * w; i += L) keep(&x[i], load(&entered[i % (d.rows * w)], L) + load(condition + i, L), L);
        for (long b = 0; b < d.blocks; b++) block(weights + 1 + 3 * b, shared);
        for (long r = 0; r < all_rows; r++) normalised(r, [](long) { return all(1.0f); }, [](long) { return V{}; });
        product(y.data(), (const T*)weights[1 + 3 * d.blocks], nullptr, clean.data(), all_rows, d.target, w);
    }
};

// noisy [rows, target] becomes clean; shared [steps, 2 rows, 3 width].
template <class T> static void drawn(const void* const* weights, const T* condition, const T* shared, float* noisy, float guidance, const Draw& d) {
    Flow<T> flow{d, weights, condition};
    const long count = d.rows * d.target;
    for (long n = 0; n < d.steps; n++) {
        flow.clean_of(noisy, shared + n * flow.all_rows * 3 * d.width);
        const float step = 1.0f / float(d.steps - n);
        for (long i = 0; i < count; i += L) {
            const long left = count - i;
            const V told = load(&flow.clean[i], left), untold = load(&flow.clean[count + i], left), x = load(noisy + i, left);
            keep(noisy + i, x + (told + (told - untold) * guidance - x) * step, std::min(left, long(L)));
        }
    }
}
